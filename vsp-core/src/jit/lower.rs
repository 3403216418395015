//! Lowering: the words of one function, in their order, to Cranelift's intermediate representation.
//!
//! [`function`] emits the prologue, then each reachable block, then the cold blocks at the end. The semantics of
//! instructions is in `handlers.rs`, and in `complex.rs`, `floats.rs`, `memory.rs` and `states.rs` for those that need
//! more than a line; values of slots in `slots.rs`; memory in `memory.rs`; calls in `calls.rs`; exits in `exits.rs`;
//! edges between blocks in `edges.rs`.
//!
//! Fuel is counted by distance: the variable is the balance minus the number of words from the next one to the end of
//! the function. So advancing costs nothing, a taken branch adds its displacement, and a location determines the amount
//! to subtract. The variable is never above the balance, so it does not wrap, and a safepoint compares it with a
//! constant.

mod calls;
mod complex;
mod edges;
mod exits;
mod floats;
mod handlers;
mod memory;
mod osr;
mod shared_checks;
mod slots;
mod states;

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use cranelift_codegen::cursor::{Cursor, FuncCursor};
use cranelift_codegen::ir::{
    AliasRegion, AliasRegionData, Block, FuncRef, Function as Ir, InstBuilder, MemFlagsData, SigRef,
    SourceLoc, UserFuncName, Value, types::I64,
};
use cranelift_codegen::isa::TargetIsa;
use cranelift_frontend::{FunctionBuilder, FunctionBuilderContext, Variable};

use super::call_effects::CallEffect;
use super::plan::Plan;
use super::range::Range;
use super::ranges::{EntryFacts, SlotRanges};
use super::{CompileOptions, Region, Tier, offsets, osr_type, trampoline};
use crate::analysis::{Graph, OutOfMemory, Signatures, Slot};
use crate::index::{FuncIndex, Location};
use crate::isa::{self, Inst, Opcode};
use crate::native::{EXITED, Site, Stats};
use crate::verify::{FRAME_CELLS, Function};
use edges::EdgeKind;
use exits::Suspension;
use memory::Checks;
use slots::Representation;
pub(super) use states::Shuffle;
use states::Variables;

/// The inputs of lowering besides the program.
#[derive(Clone, Copy)]
pub(super) struct Environment<'a> {
    pub(super) options: CompileOptions,
    /// Whether the target has instructions that round to integers.
    pub(super) has_rounding: bool,
    /// The target's instruction for shuffling the bytes of vectors, if it has one.
    pub(super) shuffle: Option<Shuffle>,
    pub(super) isa: &'a dyn TargetIsa,
    /// The calls that may suspend.
    pub(super) may_suspend: &'a CallEffect,
    /// The calls in which the memory may grow.
    pub(super) may_grow: &'a CallEffect,
    /// The functions that are compiled; `None`: all.
    pub(super) region: Option<&'a Region>,
}

/// The outputs of lowering besides the intermediate representation.
pub(super) struct Output<'a> {
    pub(super) sites: &'a mut Vec<Site>,
    pub(super) stats: &'a mut Stats,
    /// The value ranges that are assumed where several edges meet.
    pub(super) ranges: &'a mut Vec<(Block, Value, Range)>,
}

/// The entry point of a function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Start {
    /// Its first word, by a call.
    First,
    /// OSR at a loop header, this word, with all live values in the cells of its frame.
    Osr(u32),
}

/// Lowers a function.
pub(super) fn function(
    ir: &mut Ir,
    frontend: &mut FunctionBuilderContext,
    signatures: &Signatures<'_>,
    (index, start): (FuncIndex, Start),
    environment: Environment<'_>,
    out: Output<'_>,
) -> Result<(), OutOfMemory> {
    let graph = Graph::new(signatures, index)?;
    let ty = graph.function().ty;
    let (block, ty) = match start {
        Start::First => (0, ty),
        Start::Osr(word) => (graph.block_of(word), osr_type(ty)),
    };
    let constants = signatures.program().program().constants();
    let keeps_frames = environment.region.is_some_and(Region::keeps_frames);
    let plan = Plan::new(&graph, constants, environment.options.tier, block, keeps_frames)?;
    ir.name = UserFuncName::user(0, index.0);
    ir.signature = trampoline::signature(ty, environment.options.fuel);
    let mut b = FunctionBuilder::new(ir, frontend);
    let mut unit = Unit::begin(&mut b, signatures, &graph, start, environment, out);
    let params = unit.params.clone();
    let mut lowering = Lowering::new(&mut b, &mut unit, &plan, None);
    match start {
        Start::First => lowering.enter(&params),
        Start::Osr(_) => lowering.enter_osr(block),
    }
    lowering.blocks()?;
    lowering.fill_suspensions();
    unit.finish(&mut b);
    b.finalize(environment.isa.frontend_config());
    Ok(())
}

/// The regions of memory that do not alias.
#[derive(Clone, Copy)]
struct AliasRegions {
    memory: AliasRegion,
    globals: AliasRegion,
    context: AliasRegion,
    cells: AliasRegion,
}

/// The state that all code of one machine function shares, inlined bodies too.
struct Unit<'u> {
    signatures: &'u Signatures<'u>,
    environment: Environment<'u>,
    out: Output<'u>,
    function: Function,
    /// The parameters of the function.
    params: Vec<Value>,
    context: Value,
    /// The number of stack cells available after this function's frame.
    remaining: Value,
    /// The loaded fields of the context that do not change, by their offsets.
    fields: BTreeMap<i32, Value>,
    /// The size of the memory, if it may change while the function runs.
    memory_size: Option<Variable>,
    /// The last addresses at which an access of a size in bytes is inside, by the sizes in use.
    last_addresses: BTreeMap<u32, Value>,
    /// The address of the first cell of the frame, if locals are kept there.
    frame: Option<Value>,
    fuel: Option<Variable>,
    alias_regions: AliasRegions,
    /// The shared exit block. Its parameters are the site, and the fuel if it is counted.
    exit: Block,
    callees: BTreeMap<u32, FuncRef>,
    types: BTreeMap<u32, SigRef>,
    /// The number of words that were inlined.
    inlined_words: u32,
}

impl<'u> Unit<'u> {
    /// Emits the prologue.
    fn begin(
        b: &mut FunctionBuilder<'_>,
        signatures: &'u Signatures<'u>,
        graph: &Graph<'_>,
        start: Start,
        environment: Environment<'u>,
        out: Output<'u>,
    ) -> Self {
        let mut alias = |user_id, name: &'static str| {
            b.func.dfg.alias_regions.insert(AliasRegionData { user_id, description: name.into() })
        };
        let alias_regions = AliasRegions {
            memory: alias(0, "memory"),
            globals: alias(1, "globals"),
            context: alias(2, "context"),
            cells: alias(3, "cells"),
        };
        let entry = b.create_block();
        b.append_block_params_for_function_params(entry);
        b.switch_to_block(entry);
        b.seal_block(entry);
        // Loads at the entry are inserted there later, perhaps before any other instruction.
        b.ensure_inserted_block();
        let params = b.block_params(entry).to_vec();
        let context = params[0];
        let fuel = environment.options.fuel.then(|| {
            let charged = match start {
                Start::First => i64::from(graph.function().entry_charge()),
                Start::Osr(word) => -i64::from(word),
            };
            let balance = plus(b, params[2], -charged - i64::from(graph.function().words));
            let fuel = b.declare_var(I64);
            b.def_var(fuel, balance);
            fuel
        });
        let exit = b.create_block();
        b.set_cold_block(exit);
        let memory_size = sees_growth(graph, environment.may_grow).then(|| b.declare_var(I64));
        let mut unit = Unit {
            signatures,
            environment,
            out,
            function: *graph.function(),
            remaining: params[1],
            params: params[2 + usize::from(environment.options.fuel)..].to_vec(),
            context,
            fields: BTreeMap::new(),
            last_addresses: BTreeMap::new(),
            frame: None,
            fuel,
            alias_regions,
            exit,
            callees: BTreeMap::new(),
            types: BTreeMap::new(),
            memory_size,
            inlined_words: 0,
        };
        unit.load_memory_size(b);
        unit
    }

    /// Loads the size of the memory, if it may have changed.
    fn load_memory_size(&mut self, b: &mut FunctionBuilder<'_>) {
        if let Some(variable) = self.memory_size {
            let size = b.ins().load(I64, self.context_flags(), self.context, offsets::MEMORY_SIZE);
            b.def_var(variable, size);
        }
    }

    /// Emits the exit that all sites share.
    fn finish(&mut self, b: &mut FunctionBuilder<'_>) {
        let site = b.append_block_param(self.exit, I64);
        let fuel = self.fuel.map(|_| b.append_block_param(self.exit, I64));
        b.switch_to_block(self.exit);
        b.seal_block(self.exit);
        b.set_srcloc(SourceLoc::default());
        let flags = self.context_flags();
        b.ins().store(flags, site, self.context, offsets::SITE);
        let frame = self.frame_index(b);
        b.ins().store(flags, frame, self.context, offsets::FRAME);
        if let Some(fuel) = fuel {
            let balance = plus(b, fuel, i64::from(self.function.words));
            b.ins().store(flags, balance, self.context, offsets::FUEL);
        }
        self.return_exited(b);
    }

    /// Emits a return that signals an exit, without results.
    fn return_exited(&self, b: &mut FunctionBuilder<'_>) {
        let exited = if self.fuel.is_some() { EXITED } else { 1 };
        let mut results = alloc::vec![b.ins().iconst(I64, exited)];
        if self.function.ty.results() > 0 {
            results.push(b.ins().iconst(I64, 0));
        }
        b.ins().return_(&results);
    }

    /// Returns the number of cells from the start of this function's frame to the end of the stack.
    fn cells_from_frame(&self, b: &mut FunctionBuilder<'_>) -> Value {
        b.ins().iadd_imm_s(self.remaining, i64::from(self.function.frame_cells()))
    }

    /// Returns the index of the cell where this function's frame starts.
    fn frame_index(&self, b: &mut FunctionBuilder<'_>) -> Value {
        let above = self.cells_from_frame(b);
        let cells = b.ins().load(I64, self.context_flags(), self.context, offsets::CELLS);
        b.ins().isub(cells, above)
    }

    /// Returns the address of the cell where this function's frame starts.
    fn frame_address(&self, b: &mut FunctionBuilder<'_>) -> Value {
        let above = self.cells_from_frame(b);
        let bytes = b.ins().ishl_imm_u(above, 3);
        let end = b.ins().load(I64, self.context_flags(), self.context, offsets::CELLS_END);
        b.ins().isub(end, bytes)
    }

    /// Returns a field of the context that does not change while machine code runs. It is loaded at the entry.
    fn field(&mut self, b: &mut FunctionBuilder<'_>, offset: i32) -> Value {
        if let Some(value) = self.fields.get(&offset) {
            return *value;
        }
        let constant = self.context_flags().with_readonly().with_can_move();
        let mut cursor = FuncCursor::new(b.func);
        if let Some(entry) = cursor.layout().entry_block() {
            cursor.goto_first_insertion_point(entry);
        }
        let value = cursor.ins().load(I64, constant, self.context, offset);
        self.fields.insert(offset, value);
        value
    }

    fn context_flags(&self) -> MemFlagsData {
        MemFlagsData::trusted().with_alias_region(Some(self.alias_regions.context))
    }

    fn cell_flags(&self) -> MemFlagsData {
        MemFlagsData::trusted().with_alias_region(Some(self.alias_regions.cells))
    }
}

/// Returns whether the memory may grow while the function runs.
fn sees_growth(graph: &Graph<'_>, may_grow: &CallEffect) -> bool {
    let grows = |inst: Inst| matches!(inst.op(), Opcode::MEMGROW | Opcode::CALL | Opcode::CALLR);
    may_grow.in_call_of(Some(graph.function_index()))
        && (0..graph.function().words).any(|word| grows(graph.inst(word)))
}

/// The call site of an inlined body.
#[derive(Clone, Copy)]
struct Inlined {
    /// The location of the call.
    at: Location,
    /// The target of RET; its parameters are the results.
    after: Block,
    /// The charge before the body's first word, counted like words.
    charged: u32,
}

/// A body that is being lowered: the machine function's own, or an inlined one.
struct Lowering<'l, 'f, 'u, 'g> {
    b: &'l mut FunctionBuilder<'f>,
    unit: &'l mut Unit<'u>,
    plan: &'g Plan<'g>,
    inlined: Option<Inlined>,
    /// The IR block for each block of the plan.
    ir_blocks: Vec<Block>,
    /// For each block, the number of incoming edges that are not emitted yet.
    missing_edges: Vec<u32>,
    /// For each block with a safepoint at its start, the cold block that suspends there.
    suspend: BTreeMap<u32, Block>,
    /// The cold blocks that suspend, which are filled at the end.
    suspensions: Vec<Suspension>,
    /// The checks that hold at the start of a block that has only one incoming edge.
    inherited: BTreeMap<u32, Checks>,
    ints: Vec<Variable>,
    floats: Vec<Variable>,
    states: Variables,
    representation: Representation,
    checked: Checks,
    /// The value ranges, if any are known.
    known: Option<SlotRanges>,
    block: u32,
    word: u32,
    /// For each word of the block, the live slots of a frame that is suspended there: at a safepoint after the word,
    /// and waiting for its answer.
    live: Vec<(u64, u64)>,
    /// Whether the block has ended.
    ended: bool,
}

impl<'l, 'f, 'u, 'g> Lowering<'l, 'f, 'u, 'g> {
    fn new(
        b: &'l mut FunctionBuilder<'f>,
        unit: &'l mut Unit<'u>,
        plan: &'g Plan<'g>,
        inlined: Option<Inlined>,
    ) -> Self {
        let ir_blocks = plan.incoming.iter().map(|_| b.create_block()).collect();
        // By number of the slot.
        let count = u64::BITS - plan.slots.leading_zeros();
        let ints = (0..count).map(|_| b.declare_var(I64)).collect();
        let floats = (0..count).map(|_| b.declare_var(cranelift_codegen::ir::types::F64)).collect();
        let states = Variables::declare(b, unit.environment.shuffle);
        Lowering {
            b,
            unit,
            plan,
            inlined,
            ir_blocks,
            missing_edges: plan.incoming.clone(),
            suspend: BTreeMap::new(),
            suspensions: Vec::new(),
            inherited: BTreeMap::new(),
            ints,
            floats,
            states,
            representation: Representation::default(),
            checked: Checks::default(),
            known: None,
            block: 0,
            word: 0,
            live: Vec::new(),
            ended: false,
        }
    }

    fn function(&self) -> &Function {
        self.plan.graph.function()
    }

    /// Enters the first block, with these parameters and zero in all other slots.
    fn enter(&mut self, params: &[Value]) {
        let live = self.plan.live_entry(0);
        let mut zero = None;
        for slot in slots::indices(live) {
            if let Slot::State(state) = Slot::from_index(slot as u32) {
                let null = self.null_state();
                self.set_state(state, null);
                continue;
            }
            let value = match params.get(slot) {
                Some(param) => *param,
                None => *zero.get_or_insert_with(|| self.b.ins().iconst(I64, 0)),
            };
            self.set_slot(slot, value);
        }
        if self.inlined.is_none() {
            self.clear_cell_locals();
        }
        let check = self.inlined.is_none() && !self.function().short_leaf;
        self.goto_block(0, EdgeKind::Entry { check });
    }

    /// Sets the locals that are kept in the frame's cells to zero.
    fn clear_cell_locals(&mut self) {
        let variables = self.plan.variable_locals();
        let count = u32::from(self.function().locals) - variables;
        if count == 0 {
            return;
        }
        let frame = self.unit.frame_address(self.b);
        self.unit.frame = Some(frame);
        let first = b_offset(FRAME_CELLS + variables);
        let to = self.b.ins().iadd_imm_s(frame, i64::from(first));
        let zero = self.b.ins().iconst(I64, 0);
        let bytes = self.b.ins().iconst(I64, i64::from(b_offset(count)));
        self.call_context_function(offsets::FILL, &[to, zero, bytes], false);
    }

    /// Lowers all reachable blocks.
    fn blocks(&mut self) -> Result<(), OutOfMemory> {
        for block in 0..self.plan.graph.block_count() {
            if self.plan.incoming[block as usize] == 0 {
                continue;
            }
            self.start(block)?;
            for word in self.plan.graph.words(block) {
                self.word = word;
                self.locate();
                let encoded = self.plan.graph.inst(word).encode();
                isa::visit(encoded, self)?;
                if let Some(known) = &mut self.known {
                    self.plan.ranges.step(word, known);
                }
            }
            if !self.ended {
                self.goto_block(block + 1, EdgeKind::FallThrough);
            }
        }
        Ok(())
    }

    /// Sets the source location to the word that is being lowered; for all of an inlined body, to the call.
    fn locate(&mut self) {
        if self.inlined.is_none() {
            self.b.set_srcloc(SourceLoc::new(self.word));
        }
    }

    fn start(&mut self, block: u32) -> Result<(), OutOfMemory> {
        self.block = block;
        self.ended = false;
        self.b.switch_to_block(self.ir_blocks[block as usize]);
        self.representation = self.entry_representation(block);
        self.checked = self.inherited.remove(&block).unwrap_or_default();
        self.live.clear();
        let words = self.plan.graph.words(block);
        self.known = match self.plan.ranges.facts(block) {
            EntryFacts::Ranges(known) => Some(known),
            EntryFacts::NotAnalysed | EntryFacts::Unreached => None,
        };
        if self.plan.incoming[block as usize] > 1 {
            self.record_ranges(block);
        }
        self.live.try_reserve(words.len()).map_err(|_| OutOfMemory)?;
        for word in self.plan.live.backwards(block) {
            let answer = word.suspended(crate::analysis::Waiting::Answer);
            self.live.push((word.after & self.plan.slots, answer & self.plan.slots));
        }
        self.live.reverse();
        Ok(())
    }

    /// Records the value ranges where several edges meet: of integers, and of binary64s if their bits are the
    /// program's.
    fn record_ranges(&mut self, block: u32) {
        let Some(known) = self.known.take() else { return };
        let is_nan = |range: Range| range.constant().is_none_or(|bits| f64::from_bits(bits).is_nan());
        for slot in slots::indices(self.representation.int | self.representation.float) {
            let range = known.get(Slot::from_index(slot as u32));
            if range == Range::ANY {
                continue;
            }
            let variable = if self.representation.int >> slot & 1 == 1 {
                self.ints[slot]
            } else if self.representation.pending >> slot & 1 == 0 || !is_nan(range) {
                self.floats[slot]
            } else {
                continue;
            };
            let value = self.b.use_var(variable);
            self.unit.out.ranges.push((self.ir_blocks[block as usize], value, range));
        }
        self.known = Some(known);
    }

    /// Returns the slots that are live at a safepoint after the current word, and while it waits for an answer.
    fn live_here(&self) -> (u64, u64) {
        self.live[(self.word - self.plan.graph.words(self.block).start) as usize]
    }

    fn location(&self) -> Location {
        self.plan.graph.location(self.word)
    }

    fn tier_two(&self) -> bool {
        self.unit.environment.options.tier == Tier::Two
    }

    /// Returns the block that the current branch targets with this displacement.
    fn target(&self, displacement: i32) -> u32 {
        self.plan.graph.block_of((self.word + 1).wrapping_add_signed(displacement))
    }

    /// Skips this number of words without a charge, for a taken branch.
    fn skip_fuel(&mut self, words: i64) {
        if let (Some(fuel), true) = (self.unit.fuel, words != 0) {
            let now = self.b.use_var(fuel);
            let next = plus(self.b, now, words);
            self.b.def_var(fuel, next);
        }
    }

    /// Returns the number of words charged once the current word has been executed.
    fn charged(&self) -> u32 {
        self.inlined.map_or(0, |inlined| inlined.charged) + self.word + 1
    }
}

/// Returns the sum of a value and a constant.
fn plus(b: &mut FunctionBuilder<'_>, value: Value, constant: i64) -> Value {
    if constant == 0 { value } else { b.ins().iadd_imm_s(value, constant) }
}

/// Returns the number of bytes in this number of cells.
fn b_offset(cells: u32) -> i32 {
    (cells * 8) as i32
}
