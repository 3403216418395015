//! Value representation: the slots that hold binary64s, and those among them whose NaNs are not canonical yet.
//!
//! Machine code keeps a value in an integer or in a floating-point register. Moving it between them costs cycles, and
//! so does canonicalising NaNs after every operation. So the value of a slot is one of
//!
//! - *raw*: its bits are visible to the program;
//! - *pending*: the result of a binary64 operation. A NaN in it represents the canonical NaN, and is canonicalised
//!   where the program can observe its bits;
//! - *canonical*: its bits are visible to the program, and it is not a NaN other than the canonical one, so that it
//!   counts as either.
//!
//! Where raw and pending values meet, the result is raw, and the pending one is canonicalised on its edge. The
//! exception is a slot whose bits are not observed before it is written again, for example a sum that a loop loads from
//! memory and adds to: the result is pending. Whether a slot is an integer or a binary64 where blocks meet depends on
//! its next use.

use alloc::vec::Vec;
use core::cell::Cell;

use crate::analysis::{Graph, Liveness, OutOfMemory, Slot, Worklist, filled};
use crate::isa::{Access, Flow, Inst, Opcode, Reg, Role};

/// The largest number of blocks of a function that is analysed. Larger ones keep everything in integer registers, so
/// that this analysis is cheap.
const MAX_BLOCKS: u32 = 4096;

/// The largest number of values, for each word of a function, that may need conversion on the edges between its blocks;
/// [`FREE_CONVERSIONS`] are allowed in addition. Beyond, the function keeps everything in integer registers: then at
/// most the values that a word itself wrote need conversion. No function of the examples and the benches is beyond
/// that.
const MAX_CONVERSIONS_PER_WORD: usize = 1;
const FREE_CONVERSIONS: usize = 256;

pub(super) const CANONICAL_NAN: u64 = 0x7FF8_0000_0000_0000;

/// The representation of the slots of group 0 at the start of a block.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct EntryRepresentation {
    /// Slots in floating-point registers.
    pub(super) float: u64,
    /// The slots in `float` that are pending.
    pub(super) pending: u64,
    /// Slots, in registers of either kind, that may hold a NaN whose bits have to survive.
    pub(super) raw: u64,
}

/// The possible NaNs of slots: neither bit is canonical, both is raw.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct NanState {
    raw: u64,
    pending: u64,
}

/// The next uses of slots.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Uses {
    float: u64,
    int: u64,
    /// Slots whose bits may be observed before they are written.
    bits: u64,
}

/// The effect of an instruction on the representation of values.
#[derive(Clone, Copy, Debug)]
enum Transfer {
    /// `to` becomes a copy of `from`.
    Copy { to: u64, from: u64 },
    /// Two slots are exchanged.
    Swap(u64, u64),
    /// `to` becomes a copy of `from`, or keeps its value.
    Select { to: u64, from: u64, condition: u64 },
    /// `to` becomes a constant.
    Constant { to: u64, bits: u64 },
    /// All other instructions.
    Compute { float_reads: u64, int_reads: u64, float_writes: u64, int_writes: u64, seen: u64 },
}

/// Returns the representation as integers at the start of all blocks.
pub(super) fn integers(graph: &Graph<'_>, slots: u64) -> Result<Vec<EntryRepresentation>, OutOfMemory> {
    filled(graph.block_count() as usize, EntryRepresentation { raw: slots, ..EntryRepresentation::default() })
}

/// Returns the representation at the start of all blocks. `constants` is the program's pool, `slots` are those that are
/// kept in variables.
pub(super) fn entries(
    graph: &Graph<'_>,
    constants: &[[u8; 8]],
    slots: u64,
    live: &Liveness<'_>,
) -> Result<Vec<EntryRepresentation>, OutOfMemory> {
    let mut entries = integers(graph, slots)?;
    if graph.block_count() > MAX_BLOCKS || !uses_floats(graph) {
        return Ok(entries);
    }
    let analysis = Analysis::new(graph, constants, slots)?;
    let nan_states = analysis.nan_states()?;
    let uses = analysis.uses()?;
    let at_safepoints = analysis.raw_at_safepoints(&nan_states)?;
    for (((entry, nan_states), uses), at_safepoints) in
        entries.iter_mut().zip(nan_states).zip(uses).zip(at_safepoints)
    {
        let pending = nan_states.pending & (!nan_states.raw | !(uses.bits | at_safepoints));
        entry.float = uses.float & (!uses.int | pending);
        entry.pending = entry.float & pending;
        entry.raw = nan_states.raw;
    }
    if analysis.conversions(&entries, live)
        > graph.function().words as usize * MAX_CONVERSIONS_PER_WORD + FREE_CONVERSIONS
    {
        return integers(graph, slots);
    }
    Ok(entries)
}

fn uses_floats(graph: &Graph<'_>) -> bool {
    (0..graph.function().words)
        .any(|word| graph.inst(word).op().operands().iter().any(|operand| operand.role.is_float()))
}

struct Analysis<'a> {
    graph: &'a Graph<'a>,
    constants: &'a [[u8; 8]],
    slots: u64,
    /// The reachable blocks.
    order: Vec<u32>,
    /// The effect of each word.
    transfers: Vec<Transfer>,
    /// The number of words visited.
    visits: Cell<usize>,
}

impl<'a> Analysis<'a> {
    fn new(graph: &'a Graph<'a>, constants: &'a [[u8; 8]], slots: u64) -> Result<Self, OutOfMemory> {
        let order = graph.reverse_postorder()?;
        let mut analysis =
            Analysis { graph, constants, slots, order, transfers: Vec::new(), visits: Cell::new(0) };
        let words = graph.function().words;
        analysis.transfers.try_reserve_exact(words as usize).map_err(|_| OutOfMemory)?;
        for word in 0..words {
            let transfer = analysis.transfer(word);
            analysis.transfers.push(transfer);
        }
        Ok(analysis)
    }

    /// Computes the NaN states at the start of each block: a forward analysis. A block is visited again only when its
    /// state has grown, which is two bits for each slot.
    fn nan_states(&self) -> Result<Vec<NanState>, OutOfMemory> {
        let graph = self.graph;
        let count = graph.block_count() as usize;
        let mut nan_states: Vec<NanState> = filled(count, NanState::default())?;
        nan_states[0].raw = self.params();
        let mut waiting = Worklist::new(count)?;
        self.order.iter().rev().for_each(|block| waiting.add(*block));
        while let Some(block) = waiting.next() {
            let words = graph.words(block);
            self.visits.set(self.visits.get() + words.len());
            let now = words.fold(nan_states[block as usize], |now, word| self.forwards(word, now));
            for successor in graph.successors(block) {
                let entry = &mut nan_states[successor as usize];
                let joined = NanState { raw: entry.raw | now.raw, pending: entry.pending | now.pending };
                if joined != *entry {
                    *entry = joined;
                    waiting.add(successor);
                }
            }
        }
        Ok(nan_states)
    }

    /// Returns, for each block, the slots that are raw on an edge to it with a safepoint, where they may be saved as
    /// they are at the block's start.
    fn raw_at_safepoints(&self, nan_states: &[NanState]) -> Result<Vec<u64>, OutOfMemory> {
        let graph = self.graph;
        let mut at_safepoints = filled(graph.block_count() as usize, 0)?;
        if !graph.function().short_leaf {
            at_safepoints[0] = self.params();
        }
        for block in 0..graph.block_count() {
            let words = graph.words(block);
            let last = words.end - 1;
            let back = graph.inst(last).value_of(Role::Target).filter(|displacement| *displacement < 0);
            let Some(displacement) = back else { continue };
            let now = words.fold(nan_states[block as usize], |now, word| self.forwards(word, now));
            let target = graph.block_of((last + 1).wrapping_add_signed(displacement));
            at_safepoints[target as usize] |= now.raw;
        }
        Ok(at_safepoints)
    }

    /// Returns the slots of the function's parameters.
    fn params(&self) -> u64 {
        (1 << self.graph.function().ty.params()) - 1
    }

    /// Computes the next uses of slots at the start of each block: a backward analysis. A block is visited again only
    /// when the uses at its end have grown, which are three bits for each slot.
    fn uses(&self) -> Result<Vec<Uses>, OutOfMemory> {
        let graph = self.graph;
        let count = graph.block_count() as usize;
        let mut starts = filled(count, Uses::default())?;
        let mut ends = filled(count, Uses::default())?;
        let mut waiting = Worklist::new(count)?;
        for &block in &self.order {
            let last = graph.inst(graph.words(block).end - 1);
            if last.value_of(Role::Target).is_some_and(|displacement| displacement < 0) {
                // A safepoint, where all live slots may be saved.
                ends[block as usize].bits = self.slots;
            }
            waiting.add(block);
        }
        while let Some(block) = waiting.next() {
            let end = ends[block as usize];
            let words = graph.words(block);
            self.visits.set(self.visits.get() + words.len());
            let start = words.rev().fold(end, |now, word| self.backwards(word, now));
            starts[block as usize] = start;
            for &predecessor in graph.predecessors(block) {
                let end = &mut ends[predecessor as usize];
                let joined = Uses {
                    float: end.float | start.float,
                    int: end.int | start.int,
                    bits: end.bits | start.bits,
                };
                if joined != *end {
                    *end = joined;
                    waiting.add(predecessor);
                }
            }
        }
        Ok(starts)
    }

    /// Returns the number of values not written by a block that need conversion on the edges out of it. Edges out of a
    /// SWITCH share the conversion.
    fn conversions(&self, entries: &[EntryRepresentation], live: &Liveness<'_>) -> usize {
        let graph = self.graph;
        let converted = |from: u32, to: u32| {
            let (before, after) = (entries[from as usize], entries[to as usize]);
            (before.float ^ after.float | before.pending ^ after.pending) & live.entry(to) & self.slots
        };
        let of_block = |block: &u32| {
            let edges = graph.successors(*block).map(|successor| converted(*block, successor));
            match graph.inst(graph.words(*block).end - 1).op().flow() {
                Flow::Switch => edges.fold(0, |all, edge| all | edge).count_ones(),
                _ => edges.map(u64::count_ones).sum(),
            }
        };
        self.order.iter().map(|block| of_block(block) as usize).sum()
    }

    fn forwards(&self, word: u32, now: NanState) -> NanState {
        let NanState { mut raw, mut pending } = now;
        let put = |set: &mut u64, slot: u64, on: bool| *set = if on { *set | slot } else { *set & !slot };
        match self.transfers[word as usize] {
            Transfer::Copy { to, from } => {
                put(&mut raw, to, now.raw & from != 0);
                put(&mut pending, to, now.pending & from != 0);
            }
            Transfer::Swap(a, b) => {
                for (to, from) in [(a, b), (b, a)] {
                    put(&mut raw, to, now.raw & from != 0);
                    put(&mut pending, to, now.pending & from != 0);
                }
            }
            Transfer::Select { to, from, .. } => {
                put(&mut raw, to, now.raw & (from | to) != 0);
                put(&mut pending, to, now.pending & (from | to) != 0);
            }
            Transfer::Constant { to, bits } => {
                put(&mut raw, to, f64::from_bits(bits).is_nan() && bits != CANONICAL_NAN);
                put(&mut pending, to, false);
            }
            Transfer::Compute { float_writes, int_writes, .. } => {
                raw = raw & !float_writes | int_writes;
                pending = pending & !int_writes | float_writes;
            }
        }
        NanState { raw: raw & self.slots, pending: pending & self.slots }
    }

    fn backwards(&self, word: u32, now: Uses) -> Uses {
        let Uses { mut float, mut int, mut bits } = now;
        match self.transfers[word as usize] {
            Transfer::Copy { to, from } => {
                float &= !to;
                int &= !to;
                float |= if now.float & to != 0 { from } else { 0 };
                int |= if now.int & to != 0 { from } else { 0 };
                // A value that is copied into the frame's cells can be observed there.
                bits = bits & !to | if now.bits & to != 0 || to == 0 { from } else { 0 };
            }
            Transfer::Swap(a, b) => {
                float &= !(a | b);
                int &= !(a | b);
                bits &= !(a | b);
                for (to, from) in [(a, b), (b, a)] {
                    float |= if now.float & to != 0 { from } else { 0 };
                    int |= if now.int & to != 0 { from } else { 0 };
                    bits |= if now.bits & to != 0 { from } else { 0 };
                }
            }
            Transfer::Select { to, from, condition } => {
                float |= if now.float & to != 0 { from } else { 0 };
                int |= if now.int & to != 0 { from } else { 0 };
                int |= condition;
                bits |= if now.bits & to != 0 { from } else { 0 } | condition;
            }
            Transfer::Constant { to, .. } => {
                float &= !to;
                int &= !to;
                bits &= !to;
            }
            Transfer::Compute { float_reads, int_reads, float_writes, int_writes, seen } => {
                let written = float_writes | int_writes;
                float = float & !written | float_reads;
                int = int & !written | int_reads;
                bits = bits & !written | seen;
            }
        }
        Uses { float: float & self.slots, int: int & self.slots, bits: bits & self.slots }
    }

    /// Returns the effect of a word: moves and constants individually, everything else by the roles of its operands.
    fn transfer(&self, word: u32) -> Transfer {
        let inst = self.graph.inst(word);
        let op = inst.op();
        let local = inst.value_of(Role::Local).map_or(0, |local| local_bit(local as u32)) & self.slots;
        let mut registers = inst.registers().map(|(reg, _)| bit(reg));
        let mut next = || registers.next().unwrap_or(0);
        if op == Opcode::MOV {
            Transfer::Copy { to: next(), from: next() }
        } else if op == Opcode::GETL && local != 0 {
            Transfer::Copy { to: next(), from: local }
        } else if op == Opcode::SETL {
            Transfer::Copy { from: next(), to: local }
        } else if op == Opcode::XCHG {
            Transfer::Swap(next(), next())
        } else if op == Opcode::CMOVZ || op == Opcode::CMOVNZ {
            Transfer::Select { to: next(), from: next(), condition: next() }
        } else if let Some(bits) = self.constant(inst) {
            Transfer::Constant { to: next(), bits }
        } else {
            self.compute(word, inst)
        }
    }

    /// Returns the constant of an instruction that only loads a constant into its register.
    fn constant(&self, inst: Inst) -> Option<u64> {
        if inst.op() == Opcode::MOVI {
            return inst.value_of(Role::S).map(|imm| i64::from(imm) as u64);
        }
        let index = inst.value_of(Role::Const)?;
        self.constants.get(index as usize).map(|bytes| u64::from_le_bytes(*bytes))
    }

    /// Returns the effect by the roles of the operands. A stored value can come from either kind of register.
    fn compute(&self, word: u32, inst: Inst) -> Transfer {
        let (mut float_reads, mut int_reads, mut float_writes) = (0, 0, 0);
        for (operand, value) in inst.operands() {
            let register = bit(Reg::from_low_bits(value as u32));
            match operand.role.register_access() {
                Some(Access::Read) if operand.role.is_float() => float_reads |= register,
                Some(Access::Write) if operand.role.is_float() => float_writes |= register,
                Some(Access::Read | Access::ReadWrite) if !is_stored(inst, operand.role) => {
                    int_reads |= register;
                }
                _ => {}
            }
        }
        let effects = self.graph.effects(word);
        let seen = match inst.op().flow() {
            // All live slots may be saved.
            Flow::Call | Flow::TailCall | Flow::Suspend | Flow::Bulk => self.slots,
            _ => effects.reads_in(0) & !float_reads | int_reads,
        };
        let int_writes = effects.writes_in(0) & !float_writes;
        Transfer::Compute { float_reads, int_reads, float_writes, int_writes, seen }
    }
}

/// Returns whether a 64-bit store stores the operand of this role.
fn is_stored(inst: Inst, role: Role) -> bool {
    matches!(inst.op(), Opcode::STORE | Opcode::STOREX) && role == Role::Src
}

fn bit(reg: Reg) -> u64 {
    Slot::Register(reg).bit()
}

fn local_bit(local: u32) -> u64 {
    let slot = Slot::Local(local as u16);
    if slot.group() == 0 { slot.bit() } else { 0 }
}

#[cfg(all(test, feature = "text"))]
mod tests {
    use alloc::string::String;
    use core::fmt::Write;

    use super::Analysis;
    use crate::analysis::{Graph, Signatures};
    use crate::index::FuncIndex;
    use crate::program::Program;
    use crate::verify::Verified;

    /// In blocks each of which branches back to the one before, a change travels one block in each pass over them.
    #[test]
    fn a_block_is_visited_again_only_after_a_change() {
        let blocks = 1_000;
        let mut text = String::from(".func f (2) -> 1\nb0: NOP\n");
        for block in 1..blocks {
            let _ = writeln!(text, "b{block}: NOP\n JZ R1, b{}", block - 1);
        }
        let _ = writeln!(text, " FADD R5, R5, R5\n JZ R0, b{}\n MOV R0, R5\n RET\n.end", blocks - 1);
        let bytes = crate::text::assemble(&text, "f.sil").unwrap();
        let program = Verified::new(Program::read(&bytes[..]).unwrap()).unwrap();
        let signatures = Signatures::new(&program).unwrap();
        let graph = Graph::new(&signatures, FuncIndex(0)).unwrap();
        let analysis = Analysis::new(&graph, &[], 0xFFFF).unwrap();
        let (nan_states, uses) = (analysis.nan_states().unwrap(), analysis.uses().unwrap());
        assert_eq!((nan_states[1].pending, uses[1].float), (1 << 5, 1 << 5));
        let words = graph.function().words as usize;
        assert!(analysis.visits.get() <= 8 * words, "{} visits of {words} words", analysis.visits.get());
    }
}
