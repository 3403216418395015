//! Value-range analysis of registers and locals, so that accesses that are always inside need no check.
//!
//! For each slot the analysis computes its smallest and its largest value and a stride: addresses that walk a table are
//! the start of the table plus multiples of the size of an entry, up to the last one. It is a forward analysis.
//! Conditional branches refine the ranges on each of their edges. At loop headers, bounds that keep growing are widened
//! to thresholds, just before one of the constants of the function, and in the end to all numbers. (P. Cousot, R.
//! Cousot, "Abstract Interpretation: A Unified Lattice Model", 1977; P. Granger, "Static Analysis of Arithmetical
//! Congruences", 1989.)
//!
//! A memory has at least the bytes that its program asks for; accesses are compared with that size.

use alloc::vec::Vec;

use super::range::{Range, Test, compared, widened};
use crate::analysis::{Graph, OutOfMemory, Slot, filled};
use crate::isa::{Inst, Opcode, Role};

/// The largest number of blocks of a function that is analysed.
const MAX_BLOCKS: u32 = 1024;

/// The largest number of visits for each word of the function; [`FREE_VISITS`] are allowed in addition. If the analysis
/// has not converged then, it has no result.
const MAX_VISITS_PER_WORD: usize = 32;
const FREE_VISITS: usize = 1024;

/// The number of changes at a loop header that are exact; later ones widen to a constant of the function, and after
/// [`MAX_CHANGES`] to all numbers.
const EXACT_CHANGES: u8 = 3;
const MAX_CHANGES: u8 = 16;

/// The largest number of constants of a function that are thresholds.
const MAX_CONSTANTS: usize = 64;

/// The ranges of all slots at a location: of the registers, then of the locals that are kept in variables.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct SlotRanges(Vec<Range>);

const REGISTERS: usize = 16;

impl SlotRanges {
    /// Returns ranges that allow all numbers.
    fn unknown(locals: usize) -> Result<SlotRanges, OutOfMemory> {
        filled(REGISTERS + locals, Range::ANY).map(SlotRanges)
    }

    fn location(slot: Slot) -> Option<usize> {
        match slot {
            Slot::Register(reg) => Some(reg.index()),
            Slot::Local(local) => Some(REGISTERS + usize::from(local)),
            Slot::State(_) => None,
        }
    }

    /// Returns the range of a slot.
    pub(super) fn get(&self, slot: Slot) -> Range {
        Self::location(slot).and_then(|location| self.0.get(location)).copied().unwrap_or(Range::ANY)
    }

    fn set(&mut self, slot: Slot, range: Range) {
        if let Some(known) = Self::location(slot).and_then(|location| self.0.get_mut(location)) {
            *known = range;
        }
    }
}

/// Value ranges at the start of each block of a function.
pub(super) struct RangeAnalysis<'a> {
    graph: &'a Graph<'a>,
    constants: &'a [[u8; 8]],
    /// One for each block, `None` if the analysis found no path to it; empty if the function was not analysed.
    entries: Vec<Option<SlotRanges>>,
}

/// The result of the analysis at the start of a block.
pub(super) enum EntryFacts {
    /// The function was not analysed: every value is possible, and no code relies on anything else.
    NotAnalysed,
    /// The ranges of the slots.
    Ranges(SlotRanges),
    /// No execution that starts at one of the entries reaches the block. Code elsewhere may rely on that.
    Unreached,
}

impl<'a> RangeAnalysis<'a> {
    /// Analyses a function that is called with any arguments, or entered at the start of block `first` with any frame:
    /// the code of that entry compares the frame with the facts there. `constants` is the program's pool, `locals` is
    /// the number of locals kept in variables.
    ///
    /// # Errors
    /// Memory runs out.
    pub(super) fn new(
        graph: &'a Graph<'a>,
        constants: &'a [[u8; 8]],
        locals: usize,
        first: u32,
    ) -> Result<RangeAnalysis<'a>, OutOfMemory> {
        let mut ranges = RangeAnalysis { graph, constants, entries: Vec::new() };
        if graph.block_count() <= MAX_BLOCKS && ranges.accesses_memory() {
            ranges.entries = filled(graph.block_count() as usize, None)?;
            if !ranges.flow(locals, first)? {
                ranges.entries = Vec::new();
            }
        }
        Ok(ranges)
    }

    /// Creates the result for a function that is not analysed.
    pub(super) fn none(graph: &'a Graph<'a>) -> RangeAnalysis<'a> {
        RangeAnalysis { graph, constants: &[], entries: Vec::new() }
    }

    /// Returns the facts at the start of a block.
    pub(super) fn facts(&self, block: u32) -> EntryFacts {
        match self.entries.get(block as usize) {
            None => EntryFacts::NotAnalysed,
            Some(None) => EntryFacts::Unreached,
            Some(Some(known)) => EntryFacts::Ranges(known.clone()),
        }
    }

    fn accesses_memory(&self) -> bool {
        (0..self.graph.function().words).any(|word| self.graph.inst(word).value_of(Role::Disp).is_some())
    }

    /// Solves the equations for both entries of the function. Returns `false` if that takes too long.
    ///
    /// If the solution for the call alone has facts at `first`, the entry there compares the frame with these. If it
    /// has none, because some branch on the path is never taken, any frame is possible there.
    fn flow(&mut self, locals: usize, first: u32) -> Result<bool, OutOfMemory> {
        let order = self.graph.reverse_postorder()?;
        let mut solver = Solver::new(self.graph, self.thresholds()?)?;
        for source in [0, first] {
            if self.entries[source as usize].is_none() {
                if !order.contains(&source) {
                    return Ok(false);
                }
                self.entries[source as usize] = Some(SlotRanges::unknown(locals)?);
                solver.is_due[source as usize] = true;
                if !self.solve(&order, &mut solver) {
                    return Ok(false);
                }
            }
        }
        Ok(true)
    }

    /// Propagates facts until no block is due. Returns `false` if that takes too long.
    fn solve(&mut self, order: &[u32], solver: &mut Solver) -> bool {
        let graph = self.graph;
        let Solver { thresholds, changes, is_due, visits } = solver;
        while is_due.contains(&true) {
            for &block in order {
                if !core::mem::take(&mut is_due[block as usize]) {
                    continue;
                }
                let words = graph.words(block);
                // The facts are copied for each successor.
                let work = words.len() + graph.successors(block).count();
                let Some(remaining) = visits.checked_sub(work) else { return false };
                *visits = remaining;
                let EntryFacts::Ranges(mut known) = self.facts(block) else { continue };
                let last = words.end - 1;
                words.for_each(|word| self.step(word, &mut known));
                for (edge, successor) in graph.successors(block).enumerate() {
                    let mut known = known.clone();
                    if !refine(graph.inst(last), edge == 1, &mut known) {
                        continue;
                    }
                    let is_head = graph.is_loop_head(graph.words(successor).start);
                    let changes = &mut changes[successor as usize];
                    let entry = &mut self.entries[successor as usize];
                    if merge(entry, known, is_head.then_some(*changes), thresholds) {
                        *changes = changes.saturating_add(1);
                        is_due[successor as usize] = true;
                    }
                }
            }
        }
        true
    }

    /// Returns the constants of the function in ascending order, and 0.
    fn thresholds(&self) -> Result<Vec<u64>, OutOfMemory> {
        let words = 0..self.graph.function().words;
        let constants = words.filter_map(|word| {
            let inst = self.graph.inst(word);
            match condition(inst) {
                Some(Condition { b: Operand::Constant(value), .. }) => Some(value),
                _ => self.constant(inst),
            }
        });
        let mut all = filled(1, 0)?;
        all.try_reserve_exact(MAX_CONSTANTS).map_err(|_| OutOfMemory)?;
        all.extend(constants.take(MAX_CONSTANTS));
        all.sort_unstable();
        Ok(all)
    }

    /// Returns the constant of an instruction that only loads a constant into its register.
    fn constant(&self, inst: Inst) -> Option<u64> {
        if inst.op() == Opcode::MOVI {
            return inst.value_of(Role::S).map(|imm| i64::from(imm) as u64);
        }
        let index = inst.value_of(Role::Const)?;
        self.constants.get(index as usize).map(|bytes| u64::from_le_bytes(*bytes))
    }

    /// Applies the effect of a word to the ranges.
    pub(super) fn step(&self, word: u32, known: &mut SlotRanges) {
        let inst = self.graph.inst(word);
        let mut registers = inst.registers().map(|(reg, _)| Slot::Register(reg));
        let (a, b) = (registers.next(), registers.next());
        let local = inst.value_of(Role::Local).map(|local| Slot::Local(local as u16));
        match (inst.op(), a, b, local) {
            (Opcode::SETL, Some(a), _, Some(local)) => known.set(local, known.get(a)),
            (Opcode::GETL, Some(a), _, Some(local)) => known.set(a, known.get(local)),
            (Opcode::XCHG, Some(a), Some(b), _) => {
                let (old_a, old_b) = (known.get(a), known.get(b));
                known.set(a, old_b);
                known.set(b, old_a);
            }
            (_, Some(a), ..) => {
                let value = self.value(inst, known);
                self.clobber_written(word, known);
                if let Some(value) = value {
                    known.set(a, value);
                }
            }
            _ => self.clobber_written(word, known),
        }
    }

    fn clobber_written(&self, word: u32, known: &mut SlotRanges) {
        let effects = self.graph.effects(word);
        for slot in crate::analysis::slots(0, effects.writes_in(0)) {
            known.set(slot, Range::ANY);
        }
    }

    /// Returns the range of the value that an instruction writes to its first register, if the analysis models it.
    fn value(&self, inst: Inst, known: &SlotRanges) -> Option<Range> {
        if let Some(constant) = self.constant(inst) {
            return Some(Range::one(constant));
        }
        let mut read = inst.registers().skip(1).map(|(reg, _)| known.get(Slot::Register(reg)));
        let (b, c) = (read.next().unwrap_or(Range::ANY), read.next().unwrap_or(Range::ANY));
        let of = |role| inst.value_of(role).unwrap_or_default();
        let shift = || (of(Role::Sh64) as u32, of(Role::Sh32) as u32);
        let value = match inst.op() {
            Opcode::MOV => b,
            Opcode::ADDI => b.add_signed(of(Role::S).into()),
            Opcode::ANDI => b.masked(of(Role::U) as u64),
            Opcode::SHLI => b.multiply(1 << shift().0),
            Opcode::SHRI => b.shifted_right(shift().0),
            Opcode::ADD => b.add(c),
            Opcode::SUB => b.subtract(c.constant()?),
            Opcode::AND => match (b.constant(), c.constant()) {
                (Some(mask), _) => c.masked(mask),
                (_, Some(mask)) => b.masked(mask),
                _ => Range::between(0, b.high.min(c.high)),
            },
            Opcode::MINU => Range::between(b.low.min(c.low), b.high.min(c.high)),
            Opcode::MAXU => Range::between(b.low.max(c.low), b.high.max(c.high)),
            Opcode::MODU => Range::between(0, b.high.min(c.high.checked_sub(1)?)),
            Opcode::DIVU => Range::between(0, b.high),
            Opcode::ZEXT => b.narrowed(of(Role::Bits) as u32),
            Opcode::LOAD8U | Opcode::LOAD8UX => Range::between(0, 0xFF),
            Opcode::LOAD16U | Opcode::LOAD16UX => Range::between(0, 0xFFFF),
            Opcode::SHRWI => b.narrowed(32).shifted_right(shift().1),
            Opcode::ADDWI => b.narrowed(32).add_signed(of(Role::S).into()).narrowed(32),
            Opcode::LOAD32U
            | Opcode::LOAD32UX
            | Opcode::ADDW
            | Opcode::SUBW
            | Opcode::MULW
            | Opcode::F32NARROW
            | Opcode::MEMGROW => Range::between(0, 0xFFFF_FFFF),
            Opcode::LOOP => known.get(Slot::Register(inst.registers().next()?.0)).subtract(1),
            Opcode::SLT | Opcode::SLE | Opcode::SLTU | Opcode::SLEU | Opcode::SEQ | Opcode::SNE => {
                Range::between(0, 1)
            }
            Opcode::SLTI | Opcode::SLTUI | Opcode::SEQI | Opcode::SNEI => Range::between(0, 1),
            _ => return None,
        };
        Some(value)
    }
}

/// The state of the iteration.
struct Solver {
    thresholds: Vec<u64>,
    /// For each block, the number of changes of its facts, if it is a loop header.
    changes: Vec<u8>,
    /// Whether the facts of a block have changed since it was visited.
    is_due: Vec<bool>,
    /// The number of words that may still be visited.
    visits: usize,
}

impl Solver {
    fn new(graph: &Graph<'_>, thresholds: Vec<u64>) -> Result<Solver, OutOfMemory> {
        let count = graph.block_count() as usize;
        let visits = graph.function().words as usize * MAX_VISITS_PER_WORD + FREE_VISITS;
        Ok(Solver { thresholds, changes: filled(count, 0)?, is_due: filled(count, false)?, visits })
    }
}

/// Merges the ranges on one more edge to a block. Returns whether the block's ranges change. `changes` is the number of
/// earlier changes, at a loop header.
fn merge(entry: &mut Option<SlotRanges>, known: SlotRanges, changes: Option<u8>, thresholds: &[u64]) -> bool {
    let Some(SlotRanges(old)) = entry else {
        *entry = Some(known);
        return true;
    };
    let mut changed = false;
    for (old, new) in old.iter_mut().zip(known.0) {
        let joined = old.join(new);
        if joined != *old {
            *old = match changes {
                None | Some(..EXACT_CHANGES) => joined,
                Some(..MAX_CHANGES) => widened(*old, joined, thresholds),
                Some(_) => Range::ANY,
            };
            changed = true;
        }
    }
    changed
}

/// The second operand of a branch's comparison.
#[derive(Clone, Copy)]
enum Operand {
    Register(Slot),
    Constant(u64),
}

/// The condition of a branch.
#[derive(Clone, Copy)]
struct Condition {
    a: Slot,
    b: Operand,
    test: Test,
    /// Whether the branch is taken if the test fails.
    inverted: bool,
}

/// Returns the condition of a branch, if it is one that refines ranges.
fn condition(inst: Inst) -> Option<Condition> {
    let (test, inverted) = match inst.op() {
        Opcode::JZ | Opcode::JEQ | Opcode::JEQI => (Test::Equal, false),
        Opcode::JNZ | Opcode::JNE | Opcode::JNEI | Opcode::LOOP => (Test::Equal, true),
        Opcode::JLTU | Opcode::JLTUI => (Test::Below, false),
        Opcode::JGEU | Opcode::JGEUI => (Test::Below, true),
        Opcode::JLT | Opcode::JLTI => (Test::Less, false),
        Opcode::JGE | Opcode::JGEI => (Test::Less, true),
        _ => return None,
    };
    let mut registers = inst.registers().map(|(reg, _)| Slot::Register(reg));
    let (a, b) = (registers.next()?, registers.next());
    let constant = inst.value_of(Role::S).or_else(|| inst.value_of(Role::U)).unwrap_or_default();
    let b = b.map_or(Operand::Constant(i64::from(constant) as u64), Operand::Register);
    Some(Condition { a, b, test, inverted })
}

/// Refines the ranges for one edge out of a block, that of its branch's target or the other one. Returns whether the
/// edge is possible.
fn refine(last: Inst, is_target: bool, known: &mut SlotRanges) -> bool {
    let Some(Condition { a, b, test, inverted }) = condition(last) else { return true };
    let other = match b {
        Operand::Register(slot) => known.get(slot),
        Operand::Constant(value) => Range::one(value),
    };
    let Some((new_a, new_b)) = compared(known.get(a), other, test, is_target != inverted) else {
        return false;
    };
    known.set(a, new_a);
    if let Operand::Register(slot) = b {
        known.set(slot, new_b);
    }
    true
}

#[cfg(all(test, feature = "text"))]
mod tests;
