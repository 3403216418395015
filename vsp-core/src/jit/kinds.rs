//! Which registers and locals hold binary64s, and which of these may hold a NaN that is not canonical yet.
//!
//! Machine code keeps a value in an integer or in a floating-point register. Moving it between them costs cycles, and so
//! does making NaNs canonical after every operation. So a value of a slot is one of
//!
//! - *raw*: its bits are what the program sees;
//! - *lazy*: the result of a binary64 operation; if it is a NaN, it stands for the canonical NaN, and is made one where the
//!   program can see its bits;
//! - *clean*: its bits are what the program sees, and no NaN other than the canonical one, so that it can be taken for
//!   either.
//!
//! Where raw and lazy values meet, the result is raw, and the lazy one is made canonical on the way; except where nobody sees the
//! bits before the slot is written again, as with a sum that a loop takes from memory and adds to: that is lazy. Whether a slot is
//! kept as an integer or as a binary64 where blocks meet depends on what it is used for next.

use alloc::vec::Vec;
use core::cell::Cell;

use crate::analysis::{Graph, Liveness, OutOfMemory, Slot, Worklist, filled};
use crate::isa::{Access, Flow, Inst, Opcode, Reg, Role};

/// Functions of more blocks keep everything in integer registers, so that this analysis is cheap.
const MAX_BLOCKS: u32 = 4096;

/// So many values for each word of a function, and [`FREE`] more, may have to be converted on the ways between its blocks.
/// Beyond, it keeps everything in integer registers: then each word leaves at most what it wrote itself to be converted. No
/// function of the examples and the benches is beyond that.
const MOST_CONVERSIONS: usize = 1;
const FREE: usize = 256;

pub(super) const CANONICAL_NAN: u64 = 0x7FF8_0000_0000_0000;

/// How the slots of group 0 are kept where a block starts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Entry {
    /// Slots in floating-point registers.
    pub(super) float: u64,
    /// Those of them that are lazy.
    pub(super) lazy: u64,
    /// Slots, in registers of either kind, that may hold a NaN whose bits have to survive.
    pub(super) raw: u64,
}

/// What the values of slots can be: neither bit is clean, both is raw.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Kinds {
    raw: u64,
    lazy: u64,
}

/// What slots are used for next.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Wants {
    float: u64,
    int: u64,
    /// Those whose bits may be seen before they are written.
    bits: u64,
}

/// What an instruction does to the kinds of values.
#[derive(Clone, Copy, Debug)]
enum Transfer {
    /// `to` becomes what `from` is.
    Copy { to: u64, from: u64 },
    /// Two slots change places.
    Swap(u64, u64),
    /// `to` becomes what `from` is, or stays.
    Select { to: u64, from: u64, condition: u64 },
    /// `to` becomes a constant.
    Constant { to: u64, bits: u64 },
    /// The usual.
    Compute { float_reads: u64, int_reads: u64, float_writes: u64, int_writes: u64, seen: u64 },
}

/// The entries of all blocks. `constants` is the program's pool, `slots` are those that are kept in variables.
pub(super) fn entries(
    graph: &Graph<'_>,
    constants: &[[u8; 8]],
    slots: u64,
    live: &Liveness<'_>,
) -> Result<Vec<Entry>, OutOfMemory> {
    let integers = Entry { raw: slots, ..Entry::default() };
    let mut entries = filled(graph.block_count() as usize, integers)?;
    if graph.block_count() > MAX_BLOCKS || !uses_floats(graph) {
        return Ok(entries);
    }
    let analysis = Analysis::new(graph, constants, slots)?;
    let kinds = analysis.kinds()?;
    let wants = analysis.wants()?;
    let checked = analysis.raw_at_safepoints(&kinds)?;
    for (((entry, kinds), wants), checked) in entries.iter_mut().zip(kinds).zip(wants).zip(checked) {
        let lazy = kinds.lazy & (!kinds.raw | !(wants.bits | checked));
        entry.float = wants.float & (!wants.int | lazy);
        entry.lazy = entry.float & lazy;
        entry.raw = kinds.raw;
    }
    if analysis.conversions(&entries, live) > graph.function().words as usize * MOST_CONVERSIONS + FREE {
        entries.fill(integers);
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
    /// The blocks that are reached.
    order: Vec<u32>,
    /// What each word does.
    transfers: Vec<Transfer>,
    /// How many words were looked at.
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

    /// The kinds at the start of each block: forwards. A block is looked at again only when its kinds have grown, which are
    /// two bits for each slot.
    fn kinds(&self) -> Result<Vec<Kinds>, OutOfMemory> {
        let graph = self.graph;
        let count = graph.block_count() as usize;
        let mut kinds: Vec<Kinds> = filled(count, Kinds::default())?;
        kinds[0].raw = self.params();
        let mut waiting = Worklist::new(count)?;
        self.order.iter().rev().for_each(|block| waiting.add(*block));
        while let Some(block) = waiting.next() {
            let words = graph.words(block);
            self.visits.set(self.visits.get() + words.len());
            let now = words.fold(kinds[block as usize], |now, word| self.forwards(word, now));
            for successor in graph.successors(block) {
                let entry = &mut kinds[successor as usize];
                let joined = Kinds { raw: entry.raw | now.raw, lazy: entry.lazy | now.lazy };
                if joined != *entry {
                    *entry = joined;
                    waiting.add(successor);
                }
            }
        }
        Ok(kinds)
    }

    /// For each block, what is raw on a way to it with a safepoint, where it may be saved as it is at the block's start.
    fn raw_at_safepoints(&self, kinds: &[Kinds]) -> Result<Vec<u64>, OutOfMemory> {
        let graph = self.graph;
        let mut checked = filled(graph.block_count() as usize, 0)?;
        if !graph.function().short_leaf {
            checked[0] = self.params();
        }
        for block in 0..graph.block_count() {
            let words = graph.words(block);
            let last = words.end - 1;
            let back = graph.inst(last).value_of(Role::Target).filter(|displacement| *displacement < 0);
            let Some(displacement) = back else { continue };
            let now = words.fold(kinds[block as usize], |now, word| self.forwards(word, now));
            let target = graph.block_of((last + 1).wrapping_add_signed(displacement));
            checked[target as usize] |= now.raw;
        }
        Ok(checked)
    }

    /// The slots of the function's parameters.
    fn params(&self) -> u64 {
        (1 << self.graph.function().ty.params()) - 1
    }

    /// What slots are used for next at the start of each block: backwards. A block is looked at again only when what is
    /// wanted at its end has grown, which are three bits for each slot.
    fn wants(&self) -> Result<Vec<Wants>, OutOfMemory> {
        let graph = self.graph;
        let count = graph.block_count() as usize;
        let mut starts = filled(count, Wants::default())?;
        let mut ends = filled(count, Wants::default())?;
        let mut waiting = Worklist::new(count)?;
        for &block in &self.order {
            let last = graph.inst(graph.words(block).end - 1);
            if last.value_of(Role::Target).is_some_and(|displacement| displacement < 0) {
                // A safepoint, where all that is live may be saved.
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
                let joined = Wants {
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

    /// How many values that a block does not write have to be converted on the ways out of blocks. On the ways out of a
    /// SWITCH that is done once.
    fn conversions(&self, entries: &[Entry], live: &Liveness<'_>) -> usize {
        let graph = self.graph;
        let converted = |from: u32, to: u32| {
            let (before, after) = (entries[from as usize], entries[to as usize]);
            (before.float ^ after.float | before.lazy ^ after.lazy) & live.entry(to) & self.slots
        };
        let of_block = |block: &u32| {
            let ways = graph.successors(*block).map(|successor| converted(*block, successor));
            match graph.inst(graph.words(*block).end - 1).op().flow() {
                Flow::Switch => ways.fold(0, |all, way| all | way).count_ones(),
                _ => ways.map(u64::count_ones).sum(),
            }
        };
        self.order.iter().map(|block| of_block(block) as usize).sum()
    }

    fn forwards(&self, word: u32, now: Kinds) -> Kinds {
        let Kinds { mut raw, mut lazy } = now;
        let put = |set: &mut u64, slot: u64, on: bool| *set = if on { *set | slot } else { *set & !slot };
        match self.transfers[word as usize] {
            Transfer::Copy { to, from } => {
                put(&mut raw, to, now.raw & from != 0);
                put(&mut lazy, to, now.lazy & from != 0);
            }
            Transfer::Swap(a, b) => {
                for (to, from) in [(a, b), (b, a)] {
                    put(&mut raw, to, now.raw & from != 0);
                    put(&mut lazy, to, now.lazy & from != 0);
                }
            }
            Transfer::Select { to, from, .. } => {
                put(&mut raw, to, now.raw & (from | to) != 0);
                put(&mut lazy, to, now.lazy & (from | to) != 0);
            }
            Transfer::Constant { to, bits } => {
                put(&mut raw, to, f64::from_bits(bits).is_nan() && bits != CANONICAL_NAN);
                put(&mut lazy, to, false);
            }
            Transfer::Compute { float_writes, int_writes, .. } => {
                raw = raw & !float_writes | int_writes;
                lazy = lazy & !int_writes | float_writes;
            }
        }
        Kinds { raw: raw & self.slots, lazy: lazy & self.slots }
    }

    fn backwards(&self, word: u32, now: Wants) -> Wants {
        let Wants { mut float, mut int, mut bits } = now;
        match self.transfers[word as usize] {
            Transfer::Copy { to, from } => {
                float &= !to;
                int &= !to;
                float |= if now.float & to != 0 { from } else { 0 };
                int |= if now.int & to != 0 { from } else { 0 };
                // What is copied into the frame's cells can be seen there.
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
        Wants { float: float & self.slots, int: int & self.slots, bits: bits & self.slots }
    }

    /// Moves and constants are looked at closely; everything else by the roles of its operands.
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

    /// The constant that an instruction does nothing but put into its register.
    fn constant(&self, inst: Inst) -> Option<u64> {
        if inst.op() == Opcode::MOVI {
            return inst.value_of(Role::S).map(|imm| i64::from(imm) as u64);
        }
        let index = inst.value_of(Role::Const)?;
        self.constants.get(index as usize).map(|bytes| u64::from_le_bytes(*bytes))
    }

    /// By the roles of its operands. What is stored can come from either kind of register.
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
            // All that is live may be saved.
            Flow::Call | Flow::Suspend | Flow::Bulk => self.slots,
            _ => effects.reads_in(0) & !float_reads | int_reads,
        };
        let int_writes = effects.writes_in(0) & !float_writes;
        Transfer::Compute { float_reads, int_reads, float_writes, int_writes, seen }
    }
}

/// Is an operand of this role what a 64-bit store stores?
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

    /// In blocks each of which goes back to the one before, a kind travels one block in each pass over them.
    #[test]
    fn a_block_is_looked_at_again_only_when_something_came_to_it() {
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
        let (kinds, wants) = (analysis.kinds().unwrap(), analysis.wants().unwrap());
        assert_eq!((kinds[1].lazy, wants[1].float), (1 << 5, 1 << 5));
        let words = graph.function().words as usize;
        assert!(analysis.visits.get() <= 8 * words, "{} visits of {words} words", analysis.visits.get());
    }
}
