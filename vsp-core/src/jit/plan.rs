//! The analyses of a function that precede its lowering.

use alloc::vec::Vec;

use super::Tier;
use super::ranges::RangeAnalysis;
use super::representation::{self, EntryRepresentation};
use crate::analysis::{Graph, Liveness, OutOfMemory, Slot};
use crate::index::{FuncIndex, Location};
use crate::isa::{Flow, Inst, Opcode, Role};
use crate::limits::{NATIVE_CALL_WORDS, NATIVE_STATE_WORDS};
use crate::verify::Verified;

/// The largest number of blocks of a function with locals in variables. Larger ones keep them in the frame's cells, so
/// that the total size of write-backs at suspensions in all blocks stays in proportion.
const MAX_BLOCKS_WITH_LOCALS: u32 = 1024;

/// The largest number of locals in variables. With the registers and the State registers they fit the bits of a `u64`.
const MAX_VARIABLE_LOCALS: u16 = 32;

/// The slots of registers and of State registers.
const REGISTERS: u64 = 0xFFFF;
const STATES: u64 = 0xFFFF << 16;

/// Returns the slots of a function that are kept in variables: all registers, the State registers if it has them, and
/// the first locals.
pub(super) fn variable_slots(graph: &Graph<'_>) -> u64 {
    let locals = match graph.block_count() {
        0..=MAX_BLOCKS_WITH_LOCALS => graph.function().locals.min(MAX_VARIABLE_LOCALS),
        _ => 0,
    };
    let states = if graph.function().states { STATES } else { 0 };
    REGISTERS | states | (0..locals).fold(0, |set, local| set | Slot::Local(local).bit())
}

/// Returns the number of words of a function, as [`MAX_NATIVE_WORDS`](crate::limits::MAX_NATIVE_WORDS) counts them.
pub(super) fn native_words(program: &Verified<'_>, index: FuncIndex) -> u32 {
    let count = program.functions()[index.index()].words;
    let words = (0..count).filter_map(|word| program.instruction(Location { function: index, word }));
    words.fold(0, |sum, inst| sum + native_weight(inst))
}

/// Returns the number of branches of a function with a negative displacement.
pub(super) fn back_edges(program: &Verified<'_>, index: FuncIndex) -> usize {
    let count = program.functions()[index.index()].words;
    let words = (0..count).filter_map(|word| program.instruction(Location { function: index, word }));
    words.filter(|inst| inst.value_of(Role::Target).is_some_and(|displacement| displacement < 0)).count()
}

fn native_weight(inst: Inst) -> u32 {
    match inst.op() {
        Opcode::SADD | Opcode::SSUB | Opcode::SMUL | Opcode::SDIV => NATIVE_STATE_WORDS,
        Opcode::SINV | Opcode::SSUM => NATIVE_STATE_WORDS,
        _ if can_suspend(inst) => NATIVE_CALL_WORDS,
        _ => 1,
    }
}

fn can_suspend(inst: Inst) -> bool {
    match inst.op().flow() {
        Flow::Call | Flow::TailCall | Flow::Suspend | Flow::Bulk => true,
        Flow::Next | Flow::Branch | Flow::Jump | Flow::Switch | Flow::Stop => {
            inst.value_of(Role::Target).is_some_and(|displacement| displacement < 0)
        }
    }
}

/// The analyses of a function.
pub(super) struct Plan<'g> {
    pub(super) graph: &'g Graph<'g>,
    pub(super) live: Liveness<'g>,
    /// The slots that are kept in variables.
    pub(super) slots: u64,
    /// The representation of slots at the start of each block.
    pub(super) entries: Vec<EntryRepresentation>,
    /// For each block, the number of edges to it from reached code; 0 if it is not reached.
    pub(super) incoming: Vec<u32>,
    /// The value ranges; not computed in tier 1.
    pub(super) ranges: RangeAnalysis<'g>,
}

impl<'g> Plan<'g> {
    /// Analyses a function for code that is entered at block `first`. `constants` is the program's pool. With
    /// `keeps_frames` all slots are live everywhere, as the bits that the interpreter has.
    pub(super) fn new(
        graph: &'g Graph<'g>,
        constants: &'g [[u8; 8]],
        tier: Tier,
        first: u32,
        keeps_frames: bool,
    ) -> Result<Plan<'g>, OutOfMemory> {
        let slots = variable_slots(graph);
        let mut incoming = Vec::new();
        incoming.try_reserve_exact(graph.block_count() as usize).map_err(|_| OutOfMemory)?;
        incoming.resize(graph.block_count() as usize, 0);
        // The block is also entered from outside.
        incoming[first as usize] = 1;
        for block in graph.reverse_postorder_from(first)? {
            for successor in graph.successors(block) {
                incoming[successor as usize] += 1;
            }
        }
        let locals = (slots & !(REGISTERS | STATES)).count_ones() as usize;
        let ranges = match tier {
            Tier::One => RangeAnalysis::none(graph),
            Tier::Two => RangeAnalysis::new(graph, constants, locals, first)?,
        };
        let (live, entries) = match keeps_frames {
            true => (Liveness::of_all(graph, 0)?, representation::integers(graph, slots)?),
            false => {
                let live = Liveness::new(graph, 0)?;
                let entries = representation::entries(graph, constants, slots, &live)?;
                (live, entries)
            }
        };
        Ok(Plan { graph, live, slots, entries, incoming, ranges })
    }

    /// Returns the slots that are kept in variables and live at the start of a block.
    pub(super) fn live_entry(&self, block: u32) -> u64 {
        self.live.entry(block) & self.slots
    }

    /// Returns the number of locals that are kept in variables.
    pub(super) fn variable_locals(&self) -> u32 {
        (self.slots & !(REGISTERS | STATES)).count_ones()
    }

    /// Returns the slot of a local, if it is kept in a variable.
    pub(super) fn variable_local(&self, local: u32) -> Option<usize> {
        let slot = Slot::Local(local as u16);
        (slot.group() == 0 && self.slots & slot.bit() != 0).then_some(slot.index() as usize)
    }
}
