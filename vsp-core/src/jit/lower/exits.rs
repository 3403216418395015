//! Exits: traps, suspension, and the frame's cells that they write back.

use cranelift_codegen::ir::condcodes::{FloatCC, IntCC};
use cranelift_codegen::ir::types::{I8, I64};
use cranelift_codegen::ir::{Block, InstBuilder, MemFlagsData, SourceLoc, Value};

use super::super::offsets;
use super::slots::{self, Representation};
use super::{Lowering, b_offset, plus};
use crate::analysis::Slot;
use crate::function::layout;
use crate::index::{FuncIndex, Location};
use crate::native::{ExitKind, Site};
use crate::trap::Trap;

/// A cold block that suspends.
pub(super) struct Suspension {
    block: Block,
    /// The representation of slots there.
    representation: Representation,
    /// The live slots there.
    live: u64,
    /// The word that it comes from.
    location: SourceLoc,
}

impl Lowering<'_, '_, '_, '_> {
    /// Adds a site at the current word, which has been charged. Returns its number.
    pub(super) fn site(&mut self, kind: ExitKind) -> i64 {
        self.site_at(self.location(), self.charged(), kind)
    }

    /// Adds the site of an out-of-bounds access at a word of the block, which is then charged.
    pub(super) fn site_of(&mut self, word: u32) -> i64 {
        let charged = self.inlined.map_or(0, |inlined| inlined.charged) + word + 1;
        self.site_at(self.plan.graph.location(word), charged, ExitKind::Trap(Trap::MemoryOutOfBounds))
    }

    pub(super) fn site_at(&mut self, location: Location, charged: u32, kind: ExitKind) -> i64 {
        let inlined_at = self.inlined.map(|inlined| inlined.at);
        let sites = &mut self.unit.out.sites;
        sites.push(Site { location, inlined_at, charged, kind });
        sites.len() as i64 - 1
    }

    /// Exits at a site.
    pub(super) fn exit(&mut self, site: i64) {
        let site = self.b.ins().iconst(I64, site);
        self.exit_at(site);
    }

    pub(super) fn exit_at(&mut self, site: Value) {
        let exit = self.unit.exit;
        match self.unit.fuel {
            Some(fuel) => {
                let fuel = self.b.use_var(fuel);
                self.b.ins().jump(exit, &[site.into(), fuel.into()]);
            }
            None => {
                self.b.ins().jump(exit, &[site.into()]);
            }
        }
    }

    /// Emits a branch to a cold block if the condition holds. `cold` fills the block and must end it. Otherwise
    /// execution continues.
    pub(super) fn unlikely(&mut self, condition: Value, cold: impl FnOnce(&mut Self)) {
        let (block, after) = (self.b.create_block(), self.b.create_block());
        self.b.set_cold_block(block);
        self.stay_cold(after);
        self.b.ins().brif(condition, block, &[], after, &[]);
        self.b.switch_to_block(block);
        self.b.seal_block(block);
        let representation = self.representation;
        cold(self);
        self.representation = representation;
        self.b.switch_to_block(after);
        self.b.seal_block(after);
    }

    /// Marks the next block as cold if the current one is.
    pub(super) fn stay_cold(&mut self, next: Block) {
        if self.b.current_block().is_some_and(|block| self.b.func.layout.is_cold(block)) {
            self.b.set_cold_block(next);
        }
    }

    /// Traps at the current word if the condition holds.
    pub(super) fn trap_if(&mut self, condition: Value, trap: Trap) {
        let site = self.site(ExitKind::Trap(trap));
        self.unlikely(condition, |lowering| lowering.exit(site));
    }

    /// Ends the current block with an exit; the rest of the program's block is not reached.
    pub(super) fn exit_with(&mut self, kind: ExitKind) {
        let site = self.site(kind);
        self.exit(site);
    }

    /// Exits before the current word, which the interpreter then executes.
    pub(super) fn interpret(&mut self) {
        let live = match self.word.checked_sub(self.plan.graph.words(self.block).start) {
            Some(0) | None => self.plan.live_entry(self.block),
            Some(number) => self.live[number as usize - 1].0,
        };
        let site = self.site_at(self.location(), self.charged() - 1, ExitKind::Interpret);
        self.write_back(live);
        self.exit(site);
    }

    /// Starts a block that machine code does not reach. Its code is lowered all the same, so that all edges to blocks
    /// exist.
    pub(super) fn unreached(&mut self) {
        let block = self.b.create_block();
        self.b.switch_to_block(block);
        self.b.seal_block(block);
    }

    /// Returns whether this code checks fuel or the interrupt flag.
    pub(super) fn has_safepoints(&self) -> bool {
        self.unit.fuel.is_some() || self.unit.environment.options.interrupt
    }

    /// Emits a safepoint at `word`, which jumps to `suspend` with the site if there is work to do. At a function's
    /// entry, the comparison has a form in which the optimiser finds the balance among the parameters.
    pub(super) fn safepoint(&mut self, word: u32, suspend: Block, is_entry: bool) {
        if let Some(fuel) = self.unit.fuel {
            let fuel = self.b.use_var(fuel);
            let least = i64::from(word) - i64::from(self.unit.function.words);
            let (fuel, least) = match is_entry && self.tier_two() {
                true => (plus(self.b, fuel, -least), 0),
                false => (fuel, least),
            };
            let used_up = self.b.ins().icmp_imm_s(IntCC::SignedLessThan, fuel, least);
            self.suspend_if(used_up, word, ExitKind::Fuel, suspend);
        }
        self.check_flag(word, suspend);
    }

    /// Emits the part of a safepoint that checks the interrupt flag.
    fn check_flag(&mut self, word: u32, suspend: Block) {
        if self.unit.environment.options.interrupt {
            let flag = self.unit.field(self.b, offsets::INTERRUPT);
            let flag = self.b.ins().atomic_load(I8, MemFlagsData::trusted(), flag);
            self.suspend_if(flag, word, ExitKind::Interrupted, suspend);
        }
    }

    fn suspend_if(&mut self, condition: Value, word: u32, kind: ExitKind, suspend: Block) {
        let site = self.site_at(self.plan.graph.location(word), word, kind);
        self.unlikely(condition, |lowering| {
            let site = lowering.b.ins().iconst(I64, site);
            lowering.b.ins().jump(suspend, &[site.into()]);
        });
    }

    /// Emits a safepoint after the current word.
    pub(super) fn safepoint_after(&mut self) {
        if self.has_safepoints() {
            let (live, _) = self.live_here();
            let suspend = self.suspension(self.representation, live);
            if let Some(balance) = self.balance() {
                // A host function can have charged so much that the fuel variable wrapped.
                let used_up = self.b.ins().icmp_imm_s(IntCC::SignedLessThan, balance, 0);
                self.suspend_if(used_up, self.word + 1, ExitKind::Fuel, suspend);
            }
            self.check_flag(self.word + 1, suspend);
        }
    }

    /// Creates a cold block that takes a site and suspends there. It is filled at the end.
    pub(super) fn suspension(&mut self, representation: Representation, live: u64) -> Block {
        let block = self.b.create_block();
        self.b.set_cold_block(block);
        self.b.append_block_param(block, I64);
        let location = self.b.srcloc();
        self.suspensions.push(Suspension { block, representation, live, location });
        block
    }

    /// Fills the cold blocks that suspend.
    pub(super) fn fill_suspensions(&mut self) {
        for Suspension { block, representation, live, location } in core::mem::take(&mut self.suspensions) {
            self.b.switch_to_block(block);
            self.b.set_srcloc(location);
            self.b.seal_block(block);
            let site = self.b.block_params(block)[0];
            self.representation = representation;
            self.write_back(live);
            self.exit_at(site);
        }
    }

    /// Writes slots to the cells of the frame.
    pub(super) fn write_back(&mut self, slots: u64) {
        if slots == 0 {
            return;
        }
        let frame = self.unit.frame_address(self.b);
        self.store_slots(frame, slots);
    }

    fn store_slots(&mut self, frame: Value, slots: u64) {
        let flags = self.unit.cell_flags();
        for slot in slots::indices(slots) {
            let cell = match Slot::from_index(slot as u32) {
                Slot::Register(reg) => layout::REGISTERS + reg.index(),
                Slot::Local(local) => layout::LOCALS + usize::from(local),
                Slot::State(state) => {
                    self.store_state_cells(frame, state);
                    continue;
                }
            };
            let value = self.observed(slot);
            self.b.ins().store(flags, value, frame, b_offset(cell as u32));
        }
    }

    /// Returns the value of a slot as the program sees it, an integer or a binary64; without branches.
    fn observed(&mut self, slot: usize) -> Value {
        let is = |set: u64| set >> slot & 1 == 1;
        if is(self.representation.int) || !is(self.representation.float) {
            return self.slot(slot);
        }
        let value = self.float_slot(slot);
        if !is(self.representation.pending) {
            return value;
        }
        let nan = self.canonical_nan();
        let is_nan = self.b.ins().fcmp(FloatCC::Unordered, value, value);
        self.b.ins().select(is_nan, nan, value)
    }

    /// Unwinds this frame, in a cold block after a call at the current word whose callee exited: writes the frame to
    /// its cells, and exits too. If the callee cannot suspend, registers and locals are not needed. The callee has
    /// stored the site and the fuel.
    pub(super) fn unwind(&mut self, callee: Option<FuncIndex>) {
        let frame = self.unit.frame_address(self.b);
        if self.unit.environment.may_suspend.in_call_of(callee) {
            let (_, live) = self.live_here();
            self.store_slots(frame, live);
        }
        let flags = self.unit.cell_flags();
        let location = self.location();
        let packed = self.b.ins().iconst(I64, layout::pack(location) as i64);
        self.b.ins().store(flags, packed, frame, b_offset(layout::LOCATION as u32));
        // The callee's frame follows, and records the start of this one.
        let index = self.unit.frame_index(self.b);
        let link = b_offset(self.unit.function.frame_cells() + layout::CALLER as u32);
        self.b.ins().store(flags, index, frame, link);
        self.unit.return_exited(self.b);
    }

    /// Calls a function whose address is in the context.
    pub(super) fn call_context_function(
        &mut self,
        field: i32,
        args: &[Value],
        result: bool,
    ) -> Option<Value> {
        use cranelift_codegen::ir::{AbiParam, Signature};
        let mut signature = Signature::new(cranelift_codegen::isa::CallConv::SystemV);
        signature.params.resize(args.len(), AbiParam::new(I64));
        signature.returns.resize(usize::from(result), AbiParam::new(I64));
        let signature = self.b.import_signature(signature);
        let flags = self.unit.context_flags();
        let callee = self.b.ins().load(I64, flags, self.unit.context, field);
        let call = self.b.ins().call_indirect(signature, callee, args);
        self.b.inst_results(call).first().copied()
    }

    /// Returns the balance after the current word, if fuel is counted.
    pub(super) fn balance(&mut self) -> Option<Value> {
        let fuel = self.b.use_var(self.unit.fuel?);
        let ahead = self.ahead();
        Some(plus(self.b, fuel, ahead))
    }

    /// Returns the difference between the balance and the fuel variable, after the current word.
    fn ahead(&self) -> i64 {
        i64::from(self.unit.function.words) - i64::from(self.charged())
    }

    /// Sets the balance after the current word.
    pub(super) fn set_balance(&mut self, balance: Value) {
        if let Some(fuel) = self.unit.fuel {
            let ahead = self.ahead();
            let now = plus(self.b, balance, -ahead);
            self.b.def_var(fuel, now);
        }
    }

    /// Stores the balance after the current word.
    pub(super) fn store_fuel(&mut self) {
        if let Some(balance) = self.balance() {
            let flags = self.unit.context_flags();
            self.b.ins().store(flags, balance, self.unit.context, offsets::FUEL);
        }
    }

    /// Loads the balance after the current word from the context.
    pub(super) fn load_fuel(&mut self) {
        if self.unit.fuel.is_some() {
            let flags = self.unit.context_flags();
            let balance = self.b.ins().load(I64, flags, self.unit.context, offsets::FUEL);
            self.set_balance(balance);
        }
    }
}
