//! Lowering: the words of one function, in their order, to Cranelift's intermediate representation.
//!
//! [`function`] makes the prologue, then each block that is reached, then the cold blocks at the end. The meaning of
//! instructions is in `handlers.rs`, of those that need more than a line in `complex.rs`, `floats.rs`, `memory.rs` and `states.rs`; values of slots in `slots.rs`; memory in `memory.rs`; calls in `calls.rs`; all
//! ways out in `exits.rs`; how blocks are connected in `edges.rs`.
//!
//! Fuel is counted by distance: the variable is the balance less the words from the next one to the end of the function, so that
//! going on costs nothing, a taken branch adds its displacement, and a place tells what has to be subtracted. It is never above the
//! balance, so it does not wrap, and a safepoint compares it with a constant.

mod calls;
mod complex;
mod edges;
mod exits;
mod floats;
mod groups;
mod handlers;
mod loops;
mod memory;
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

use super::plan::Plan;
use super::range::Range;
use super::ranges::{EntryFacts, Known};
use super::suspending::Suspending;
use super::{CompileOptions, Region, Tier, loop_type, offsets, trampoline};
use crate::analysis::{Graph, OutOfMemory, Signatures, Slot};
use crate::index::{FuncIndex, Location};
use crate::isa;
use crate::native::{EXITED, Site, Stats};
use crate::verify::{FRAME_CELLS, Function};
use edges::Arrival;
use exits::Suspension;
use memory::Checks;
use slots::State;
pub(super) use states::Shuffle;
use states::Variables;

/// What lowering needs to know besides the program.
#[derive(Clone, Copy)]
pub(super) struct Facts<'a> {
    pub(super) options: CompileOptions,
    /// Has the target instructions that round to integers?
    pub(super) rounds: bool,
    /// How the target shuffles bytes of vectors, if it can.
    pub(super) shuffle: Option<Shuffle>,
    pub(super) isa: &'a dyn TargetIsa,
    /// Which calls can suspend.
    pub(super) suspending: &'a Suspending,
    /// The functions that are compiled; `None`: all.
    pub(super) part: Option<&'a Region>,
}

/// What lowering adds to.
pub(super) struct Lowered<'a> {
    pub(super) sites: &'a mut Vec<Site>,
    pub(super) stats: &'a mut Stats,
    /// What was taken to be known of values where several ways meet.
    pub(super) ranges: &'a mut Vec<(Block, Value, Range)>,
}

/// Where a function is entered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Start {
    /// At its first word, by a call.
    First,
    /// At a word where a loop begins, with everything that is live in the cells of its frame.
    Loop(u32),
}

/// Lowers a function.
pub(super) fn function(
    ir: &mut Ir,
    frontend: &mut FunctionBuilderContext,
    signatures: &Signatures<'_>,
    (index, start): (FuncIndex, Start),
    facts: Facts<'_>,
    out: Lowered<'_>,
) -> Result<(), OutOfMemory> {
    let graph = Graph::new(signatures, index)?;
    let ty = graph.function().ty;
    let (block, ty) = match start {
        Start::First => (0, ty),
        Start::Loop(word) => (graph.block_of(word), loop_type(ty)),
    };
    let constants = signatures.program().program().constants();
    let plan = Plan::new(&graph, constants, facts.options.tier, block)?;
    ir.name = UserFuncName::user(0, index.0);
    ir.signature = trampoline::signature(ty, facts.options.fuel);
    let mut b = FunctionBuilder::new(ir, frontend);
    let mut unit = Unit::begin(&mut b, signatures, &graph, start, facts, out);
    let params = unit.params.clone();
    let mut lowering = Lowering::new(&mut b, &mut unit, &plan, None);
    match start {
        Start::First => lowering.enter(&params),
        Start::Loop(_) => lowering.enter_loop(block),
    }
    lowering.blocks()?;
    lowering.fill_suspensions();
    unit.finish(&mut b);
    b.finalize(facts.isa.frontend_config());
    Ok(())
}

/// The kinds of memory that cannot overlap.
#[derive(Clone, Copy)]
struct Regions {
    memory: AliasRegion,
    globals: AliasRegion,
    context: AliasRegion,
    cells: AliasRegion,
}

/// What all code of one machine function shares, inlined bodies too.
struct Unit<'u> {
    signatures: &'u Signatures<'u>,
    facts: Facts<'u>,
    out: Lowered<'u>,
    function: Function,
    /// The parameters of the function.
    params: Vec<Value>,
    context: Value,
    /// Cells of the stack that are left behind this function's frame.
    remaining: Value,
    /// What was loaded from fields of the context that do not change, by their offsets.
    fields: BTreeMap<i32, Value>,
    /// The last addresses at which so many bytes can be accessed, those that are needed.
    last: BTreeMap<u32, Value>,
    /// The address of the first cell of the frame, if locals are kept there.
    frame: Option<Value>,
    fuel: Option<Variable>,
    regions: Regions,
    /// The way out: takes the site, and the fuel if it is counted.
    exit: Block,
    callees: BTreeMap<u32, FuncRef>,
    types: BTreeMap<u16, SigRef>,
    /// Words that were inlined.
    inlined_words: u32,
}

impl<'u> Unit<'u> {
    /// The prologue.
    fn begin(
        b: &mut FunctionBuilder<'_>,
        signatures: &'u Signatures<'u>,
        graph: &Graph<'_>,
        start: Start,
        facts: Facts<'u>,
        out: Lowered<'u>,
    ) -> Self {
        let mut region = |user_id, name: &'static str| {
            b.func.dfg.alias_regions.insert(AliasRegionData { user_id, description: name.into() })
        };
        let regions = Regions {
            memory: region(0, "memory"),
            globals: region(1, "globals"),
            context: region(2, "context"),
            cells: region(3, "cells"),
        };
        let entry = b.create_block();
        b.append_block_params_for_function_params(entry);
        b.switch_to_block(entry);
        b.seal_block(entry);
        // What is loaded at the entry is put there later, perhaps before anything else is.
        b.ensure_inserted_block();
        let params = b.block_params(entry).to_vec();
        let context = params[0];
        let fuel = facts.options.fuel.then(|| {
            let charged = match start {
                Start::First => i64::from(graph.function().entry_charge()),
                Start::Loop(word) => -i64::from(word),
            };
            let balance = plus(b, params[2], -charged - i64::from(graph.function().words));
            let fuel = b.declare_var(I64);
            b.def_var(fuel, balance);
            fuel
        });
        let exit = b.create_block();
        b.set_cold_block(exit);
        Unit {
            signatures,
            facts,
            out,
            function: *graph.function(),
            remaining: params[1],
            params: params[2 + usize::from(facts.options.fuel)..].to_vec(),
            context,
            fields: BTreeMap::new(),
            last: BTreeMap::new(),
            frame: None,
            fuel,
            regions,
            exit,
            callees: BTreeMap::new(),
            types: BTreeMap::new(),
            inlined_words: 0,
        }
    }

    /// The way out, which all sites share.
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
        self.leave(b);
    }

    /// Returns without results.
    fn leave(&self, b: &mut FunctionBuilder<'_>) {
        let left = if self.fuel.is_some() { EXITED } else { 1 };
        let mut results = alloc::vec![b.ins().iconst(I64, left)];
        if self.function.ty.results() > 0 {
            results.push(b.ins().iconst(I64, 0));
        }
        b.ins().return_(&results);
    }

    /// Cells from the start of this function's frame to the end of the stack.
    fn cells_from_frame(&self, b: &mut FunctionBuilder<'_>) -> Value {
        b.ins().iadd_imm_s(self.remaining, i64::from(self.function.frame_cells()))
    }

    /// The cell where this function's frame starts.
    fn frame_index(&self, b: &mut FunctionBuilder<'_>) -> Value {
        let above = self.cells_from_frame(b);
        let cells = b.ins().load(I64, self.context_flags(), self.context, offsets::CELLS);
        b.ins().isub(cells, above)
    }

    /// The address of the cell where this function's frame starts.
    fn frame_address(&self, b: &mut FunctionBuilder<'_>) -> Value {
        let above = self.cells_from_frame(b);
        let bytes = b.ins().ishl_imm_u(above, 3);
        let end = b.ins().load(I64, self.context_flags(), self.context, offsets::CELLS_END);
        b.ins().isub(end, bytes)
    }

    /// A field of the context that does not change while machine code runs. It is loaded at the entry.
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
        MemFlagsData::trusted().with_alias_region(Some(self.regions.context))
    }

    fn cell_flags(&self) -> MemFlagsData {
        MemFlagsData::trusted().with_alias_region(Some(self.regions.cells))
    }
}

/// Where an inlined body belongs.
#[derive(Clone, Copy)]
struct Inlined {
    /// The call.
    at: Location,
    /// Where RET goes; takes the results.
    after: Block,
    /// What was charged before the body's first word, counted like words.
    charged: u32,
}

/// The body of a function while it is lowered: the machine function's own, or one that is inlined.
struct Lowering<'l, 'f, 'u, 'g> {
    b: &'l mut FunctionBuilder<'f>,
    unit: &'l mut Unit<'u>,
    plan: &'g Plan<'g>,
    inlined: Option<Inlined>,
    /// The block for each block of the plan.
    ir_blocks: Vec<Block>,
    /// For each block, how many ways to it are still to come.
    awaited: Vec<u32>,
    /// For each block that is the place of a safepoint, the cold block that suspends there.
    suspend: BTreeMap<u32, Block>,
    /// The cold blocks that suspend, which are filled at the end.
    suspensions: Vec<Suspension>,
    /// What is known where a block starts that has only one way to it.
    inherited: BTreeMap<u32, Checks>,
    ints: Vec<Variable>,
    floats: Vec<Variable>,
    states: Variables,
    state: State,
    checked: Checks,
    /// What is known of values, if anything is.
    known: Option<Known>,
    block: u32,
    word: u32,
    /// What is live in a frame that is suspended at each word of the block: at a safepoint behind it, and waiting
    /// for its answer.
    live: Vec<(u64, u64)>,
    /// Has the block ended?
    ended: bool,
}

impl<'l, 'f, 'u, 'g> Lowering<'l, 'f, 'u, 'g> {
    fn new(
        b: &'l mut FunctionBuilder<'f>,
        unit: &'l mut Unit<'u>,
        plan: &'g Plan<'g>,
        inlined: Option<Inlined>,
    ) -> Self {
        let ir_blocks = plan.arrivals.iter().map(|_| b.create_block()).collect();
        // By number of the slot.
        let count = u64::BITS - plan.slots.leading_zeros();
        let ints = (0..count).map(|_| b.declare_var(I64)).collect();
        let floats = (0..count).map(|_| b.declare_var(cranelift_codegen::ir::types::F64)).collect();
        let states = Variables::declare(b, unit.facts.shuffle);
        Lowering {
            b,
            unit,
            plan,
            inlined,
            ir_blocks,
            awaited: plan.arrivals.clone(),
            suspend: BTreeMap::new(),
            suspensions: Vec::new(),
            inherited: BTreeMap::new(),
            ints,
            floats,
            states,
            state: State::default(),
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

    /// Goes into the first block, with these parameters and everything else zero.
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
        self.go(0, Arrival::Entry { check });
    }

    /// Locals that are kept in the frame's cells start as zero.
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
        self.call_out(offsets::FILL, &[to, zero, bytes], false);
    }

    /// All blocks that are reached.
    fn blocks(&mut self) -> Result<(), OutOfMemory> {
        for block in 0..self.plan.graph.block_count() {
            if self.plan.arrivals[block as usize] == 0 {
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
                self.go(block + 1, Arrival::Fall);
            }
        }
        Ok(())
    }

    /// What follows comes from the word that is lowered; all of an inlined body comes from the call.
    fn locate(&mut self) {
        if self.inlined.is_none() {
            self.b.set_srcloc(SourceLoc::new(self.word));
        }
    }

    fn start(&mut self, block: u32) -> Result<(), OutOfMemory> {
        self.block = block;
        self.ended = false;
        self.b.switch_to_block(self.ir_blocks[block as usize]);
        self.state = self.entry_state(block);
        self.checked = self.inherited.remove(&block).unwrap_or_default();
        self.live.clear();
        let words = self.plan.graph.words(block);
        self.known = match self.plan.ranges.facts(block) {
            EntryFacts::Known(known) => Some(known),
            EntryFacts::Nothing | EntryFacts::Unreached => None,
        };
        if self.plan.arrivals[block as usize] > 1 {
            self.state_ranges(block);
        }
        self.live.try_reserve(words.len()).map_err(|_| OutOfMemory)?;
        for word in self.plan.live.backwards(block) {
            let answer = word.suspended(crate::analysis::Waiting::Answer);
            self.live.push((word.after & self.plan.slots, answer & self.plan.slots));
        }
        self.live.reverse();
        Ok(())
    }

    /// Says what is known of values where several ways meet: of integers, and of binary64s if their bits are the program's.
    fn state_ranges(&mut self, block: u32) {
        let Some(known) = self.known.take() else { return };
        let is_nan = |range: Range| range.constant().is_none_or(|bits| f64::from_bits(bits).is_nan());
        for slot in slots::indices(self.state.int | self.state.float) {
            let range = known.get(Slot::from_index(slot as u32));
            if range == Range::ANY {
                continue;
            }
            let variable = if self.state.int >> slot & 1 == 1 {
                self.ints[slot]
            } else if self.state.lazy >> slot & 1 == 0 || !is_nan(range) {
                self.floats[slot]
            } else {
                continue;
            };
            let value = self.b.use_var(variable);
            self.unit.out.ranges.push((self.ir_blocks[block as usize], value, range));
        }
        self.known = Some(known);
    }

    /// What is live at a safepoint behind the word that is lowered, and while it waits for an answer.
    fn live_here(&self) -> (u64, u64) {
        self.live[(self.word - self.plan.graph.words(self.block).start) as usize]
    }

    fn location(&self) -> Location {
        self.plan.graph.location(self.word)
    }

    fn tier_two(&self) -> bool {
        self.unit.facts.options.tier == Tier::Two
    }

    /// The displacement of the branch that is lowered, and the block of its target.
    fn target(&self, displacement: i32) -> u32 {
        self.plan.graph.block_of((self.word + 1).wrapping_add_signed(displacement))
    }

    /// Counts words: a taken branch skips this many without a charge.
    fn skip_fuel(&mut self, words: i64) {
        if let (Some(fuel), true) = (self.unit.fuel, words != 0) {
            let now = self.b.use_var(fuel);
            let next = plus(self.b, now, words);
            self.b.def_var(fuel, next);
        }
    }

    /// Words charged when the word that is lowered has been executed.
    fn charged(&self) -> u32 {
        self.inlined.map_or(0, |inlined| inlined.charged) + self.word + 1
    }
}

/// The sum of a value and a constant.
fn plus(b: &mut FunctionBuilder<'_>, value: Value, constant: i64) -> Value {
    if constant == 0 { value } else { b.ins().iadd_imm_s(value, constant) }
}

/// Bytes of so many cells.
fn b_offset(cells: u32) -> i32 {
    (cells * 8) as i32
}
