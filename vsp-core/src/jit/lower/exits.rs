//! All ways out: traps, suspension, and what a frame leaves in its cells.

use cranelift_codegen::ir::condcodes::{FloatCC, IntCC};
use cranelift_codegen::ir::types::{I8, I64};
use cranelift_codegen::ir::{Block, InstBuilder, MemFlagsData, SourceLoc, Value};

use super::super::offsets;
use super::slots::{self, State};
use super::{Lowering, b_offset, plus};
use crate::analysis::Slot;
use crate::index::{FuncIndex, Location};
use crate::instance::layout;
use crate::native::{ExitKind, Site};
use crate::trap::Trap;

/// A cold block that suspends.
pub(super) struct Suspension {
    block: Block,
    /// How slots are kept there.
    state: State,
    /// What is live there.
    live: u64,
    /// The word that it comes from.
    location: SourceLoc,
}

impl Lowering<'_, '_, '_, '_> {
    /// A site at the word that is lowered, which has been charged. Gives its number.
    pub(super) fn site(&mut self, kind: ExitKind) -> i64 {
        self.site_at(self.location(), self.charged(), kind)
    }

    /// The site of an access outside at a word of the block, which is charged then.
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

    /// Leaves at a site.
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

    /// If the condition holds, a cold block of its own does `cold`, which must end it; else execution goes on.
    pub(super) fn unlikely(&mut self, condition: Value, cold: impl FnOnce(&mut Self)) {
        let (block, after) = (self.b.create_block(), self.b.create_block());
        self.b.set_cold_block(block);
        self.stay_cold(after);
        self.b.ins().brif(condition, block, &[], after, &[]);
        self.b.switch_to_block(block);
        self.b.seal_block(block);
        let state = self.state;
        cold(self);
        self.state = state;
        self.b.switch_to_block(after);
        self.b.seal_block(after);
    }

    /// What follows a cold block is cold.
    pub(super) fn stay_cold(&mut self, next: Block) {
        if self.b.current_block().is_some_and(|block| self.b.func.layout.is_cold(block)) {
            self.b.set_cold_block(next);
        }
    }

    /// Traps at the word that is lowered if the condition holds.
    pub(super) fn trap_if(&mut self, condition: Value, trap: Trap) {
        let site = self.site(ExitKind::Trap(trap));
        self.unlikely(condition, |lowering| lowering.exit(site));
    }

    /// Ends the current block by leaving; what follows in the block of the program is not reached.
    pub(super) fn leave(&mut self, kind: ExitKind) {
        let site = self.site(kind);
        self.exit(site);
    }

    /// Leaves before the word that is lowered, which the interpreter executes then.
    pub(super) fn interpret(&mut self) {
        let live = match self.word.checked_sub(self.plan.graph.words(self.block).start) {
            Some(0) | None => self.plan.live_entry(self.block),
            Some(number) => self.live[number as usize - 1].0,
        };
        let site = self.site_at(self.location(), self.charged() - 1, ExitKind::Interpret);
        self.write_back(live);
        self.exit(site);
    }

    /// What follows is not reached in machine code. It is lowered all the same, so that all ways to blocks are there.
    pub(super) fn unreached(&mut self) {
        let block = self.b.create_block();
        self.b.switch_to_block(block);
        self.b.seal_block(block);
    }

    /// Does this code look at fuel or at the interrupt flag?
    pub(super) fn has_safepoints(&self) -> bool {
        self.unit.fuel.is_some() || self.unit.facts.options.interrupt
    }

    /// A safepoint with its place at `word`, which goes to `suspend` with the site where there is something to do. Where a function
    /// is entered, the optimiser finds the balance among the parameters.
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

    /// The part of a safepoint that looks at the interrupt flag.
    fn check_flag(&mut self, word: u32, suspend: Block) {
        if self.unit.facts.options.interrupt {
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

    /// A safepoint behind the word that is lowered.
    pub(super) fn check_behind(&mut self) {
        if self.has_safepoints() {
            let (live, _) = self.live_here();
            let suspend = self.suspension(self.state, live);
            if let Some(balance) = self.balance() {
                // A host function can have charged so much that what is kept of the balance wrapped.
                let used_up = self.b.ins().icmp_imm_s(IntCC::SignedLessThan, balance, 0);
                self.suspend_if(used_up, self.word + 1, ExitKind::Fuel, suspend);
            }
            self.check_flag(self.word + 1, suspend);
        }
    }

    /// A cold block, to be filled at the end, that takes a site and suspends there.
    pub(super) fn suspension(&mut self, state: State, live: u64) -> Block {
        let block = self.b.create_block();
        self.b.set_cold_block(block);
        self.b.append_block_param(block, I64);
        let location = self.b.srcloc();
        self.suspensions.push(Suspension { block, state, live, location });
        block
    }

    /// Fills the cold blocks that suspend.
    pub(super) fn fill_suspensions(&mut self) {
        for Suspension { block, state, live, location } in core::mem::take(&mut self.suspensions) {
            self.b.switch_to_block(block);
            self.b.set_srcloc(location);
            self.b.seal_block(block);
            let site = self.b.block_params(block)[0];
            self.state = state;
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

    /// The value of a slot as the program sees it, an integer or a binary64; without branches.
    fn observed(&mut self, slot: usize) -> Value {
        let is = |set: u64| set >> slot & 1 == 1;
        if is(self.state.int) || !is(self.state.float) {
            return self.slot(slot);
        }
        let value = self.float_slot(slot);
        if !is(self.state.lazy) {
            return value;
        }
        let nan = self.canonical_nan();
        let is_nan = self.b.ins().fcmp(FloatCC::Unordered, value, value);
        self.b.ins().select(is_nan, nan, value)
    }

    /// In a cold block behind a call at the word that is lowered, whose callee left: writes this frame to its cells, and leaves
    /// too. If the callee cannot suspend, registers and locals are of no use. The callee said at which site it was, and stored the fuel.
    pub(super) fn unwind(&mut self, callee: Option<FuncIndex>) {
        let frame = self.unit.frame_address(self.b);
        if self.unit.facts.suspending.in_call_of(callee) {
            let (_, live) = self.live_here();
            self.store_slots(frame, live);
        }
        let flags = self.unit.cell_flags();
        let location = self.location();
        let packed = self.b.ins().iconst(I64, layout::pack(location) as i64);
        self.b.ins().store(flags, packed, frame, b_offset(layout::LOCATION as u32));
        // The callee's frame follows, and says where this one starts.
        let index = self.unit.frame_index(self.b);
        let link = b_offset(self.unit.function.frame_cells() + layout::CALLER as u32);
        self.b.ins().store(flags, index, frame, link);
        self.unit.leave(self.b);
    }

    /// Calls a function of the host whose address is in the context.
    pub(super) fn call_out(&mut self, field: i32, args: &[Value], result: bool) -> Option<Value> {
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

    /// The balance as it is when the word that is lowered has been executed, if fuel is counted.
    pub(super) fn balance(&mut self) -> Option<Value> {
        let fuel = self.b.use_var(self.unit.fuel?);
        let ahead = self.ahead();
        Some(plus(self.b, fuel, ahead))
    }

    /// How much the balance is above what is kept of it, when the word that is lowered has been executed.
    fn ahead(&self) -> i64 {
        i64::from(self.unit.function.words) - i64::from(self.charged())
    }

    /// Takes this balance, behind the word that is lowered.
    pub(super) fn set_balance(&mut self, balance: Value) {
        if let Some(fuel) = self.unit.fuel {
            let ahead = self.ahead();
            let now = plus(self.b, balance, -ahead);
            self.b.def_var(fuel, now);
        }
    }

    /// Stores the balance as it is when the word that is lowered has been executed.
    pub(super) fn store_fuel(&mut self) {
        if let Some(balance) = self.balance() {
            let flags = self.unit.context_flags();
            self.b.ins().store(flags, balance, self.unit.context, offsets::FUEL);
        }
    }

    /// Takes the balance from the context, behind the word that is lowered.
    pub(super) fn load_fuel(&mut self) {
        if self.unit.fuel.is_some() {
            let flags = self.unit.context_flags();
            let balance = self.b.ins().load(I64, flags, self.unit.context, offsets::FUEL);
            self.set_balance(balance);
        }
    }
}
