//! The control-flow graph of a function and its basic blocks.

use alloc::vec::Vec;
use core::ops::Range;

use super::{BitSet, Effects, OutOfMemory, Signatures, filled, reserved};
use crate::index::{FuncIndex, Location};
use crate::isa::{Flow, Inst, Role};
use crate::verify::Function;

/// The control-flow graph of a function.
///
/// A *block* is a run of words that are executed one after the other: it is entered only at its first word and left
/// only after its last. Blocks are numbered in code order from 0, which is the function's entry. Calls and suspending
/// instructions do not end a block; each JMP of a SWITCH table is a block of its own.
///
/// Construction takes time linear in the function's words, and at most 40 bytes for each.
#[derive(Debug)]
pub struct Graph<'p> {
    signatures: &'p Signatures<'p>,
    index: FuncIndex,
    function: Function,
    /// The decoded words.
    insts: Vec<Inst>,
    /// The first word of every block, and the number of words.
    starts: Vec<u32>,
    /// One bit for each word: whether it is the first of a block.
    leaders: BitSet,
    /// For each 64 words, the number of blocks that start before them.
    ranks: Vec<u32>,
    /// One bit for each word: whether it is the target of a branch with a negative displacement.
    loop_heads: BitSet,
    /// For every block the start of its predecessors in `predecessors`, then the end of the last ones.
    predecessor_starts: Vec<u32>,
    predecessors: Vec<u32>,
}

/// The successors of a block.
#[derive(Clone, Debug)]
pub struct Successors {
    /// The blocks that follow it in the code.
    following: Range<u32>,
    /// The block that it branches to.
    target: Option<u32>,
}

impl Iterator for Successors {
    type Item = u32;

    fn next(&mut self) -> Option<u32> {
        self.following.next().or_else(|| self.target.take())
    }
}

impl<'p> Graph<'p> {
    /// Builds the graph of a function. `function` must be one of the program's.
    ///
    /// # Errors
    /// There is no memory for the graph.
    pub fn new(signatures: &'p Signatures<'p>, function: FuncIndex) -> Result<Graph<'p>, OutOfMemory> {
        let program = signatures.program();
        let index = function;
        let function = program.functions()[index.index()];
        let code = &program.program().code()[function.start as usize..][..function.words as usize];
        let mut graph = Graph {
            signatures,
            index,
            function,
            insts: reserved(code.len())?,
            starts: Vec::new(),
            leaders: BitSet::new(code.len())?,
            ranks: Vec::new(),
            loop_heads: BitSet::new(code.len())?,
            predecessor_starts: Vec::new(),
            predecessors: Vec::new(),
        };
        graph.insts.extend(code.iter().map(|word| match Inst::decode(u32::from_le_bytes(*word)) {
            Ok(inst) => inst,
            Err(error) => unreachable!("verified: {error}"),
        }));
        graph.find_blocks()?;
        graph.find_predecessors()?;
        Ok(graph)
    }

    fn find_blocks(&mut self) -> Result<(), OutOfMemory> {
        let words = self.function.words;
        self.leaders.insert(0);
        for word in 0..words {
            let inst = self.inst(word);
            if let Some((target, backward)) = target(word, inst) {
                self.leaders.insert(target);
                if backward {
                    self.loop_heads.insert(target);
                }
            }
            if ends_block(inst) && word + 1 < words {
                self.leaders.insert(word + 1);
            }
        }
        self.ranks = self.leaders.ranks()?;
        self.starts = reserved(self.leaders.len() + 1)?;
        self.starts.extend((0..words).filter(|word| self.leaders.contains(*word)));
        self.starts.push(words);
        Ok(())
    }

    fn find_predecessors(&mut self) -> Result<(), OutOfMemory> {
        let count = self.block_count();
        // First the counts, then the ends, then (counting down) the starts.
        let mut starts: Vec<u32> = filled(count as usize + 1, 0)?;
        for block in 0..count {
            for successor in self.successors(block) {
                starts[successor as usize] += 1;
            }
        }
        let mut sum = 0;
        for start in &mut starts {
            sum += *start;
            *start = sum;
        }
        let mut predecessors = filled(sum as usize, 0)?;
        for block in (0..count).rev() {
            for successor in self.successors(block) {
                let slot = &mut starts[successor as usize];
                *slot -= 1;
                predecessors[*slot as usize] = block;
            }
        }
        self.predecessor_starts = starts;
        self.predecessors = predecessors;
        Ok(())
    }

    /// Returns the function.
    pub fn function(&self) -> &Function {
        &self.function
    }

    /// Returns the function's index.
    pub fn function_index(&self) -> FuncIndex {
        self.index
    }

    /// Returns the location of a word.
    pub fn location(&self, word: u32) -> Location {
        Location { function: self.index, word }
    }

    /// Returns the instruction at a word of the function.
    #[inline]
    pub fn inst(&self, word: u32) -> Inst {
        self.insts[word as usize]
    }

    /// Returns the reads and writes of the instruction at a word.
    #[inline]
    pub fn effects(&self, word: u32) -> Effects {
        self.signatures.effects(&self.function, self.inst(word))
    }

    /// Returns the number of blocks.
    pub fn block_count(&self) -> u32 {
        self.starts.len() as u32 - 1
    }

    /// Returns the words of a block.
    pub fn words(&self, block: u32) -> Range<u32> {
        self.starts[block as usize]..self.starts[block as usize + 1]
    }

    /// Returns the block that contains a word of the function.
    pub fn block_of(&self, word: u32) -> u32 {
        self.leaders.rank(&self.ranks, word) - 1
    }

    /// Returns the successors of a block: first the blocks that follow it, then the target. (Both are the same for a
    /// branch to the next word.) The successors of a SWITCH are the JMPs of its table and the block after the table.
    pub fn successors(&self, block: u32) -> Successors {
        let last = self.starts[block as usize + 1] - 1;
        let inst = self.inst(last);
        let following = match inst.op().flow() {
            Flow::Jump | Flow::Stop | Flow::TailCall => 0,
            Flow::Switch => inst.value_of(Role::Entries).map_or(0, |entries| entries as u32) + 1,
            Flow::Next | Flow::Branch | Flow::Call | Flow::Suspend | Flow::Bulk => 1,
        };
        let target = target(last, inst).map(|(target, _)| self.block_of(target));
        Successors { following: block + 1..block + 1 + following, target }
    }

    /// Returns the predecessors of a block, in code order. (One appears twice if two edges lead from it to the block.)
    pub fn predecessors(&self, block: u32) -> &[u32] {
        let start = |block: u32| self.predecessor_starts[block as usize] as usize;
        &self.predecessors[start(block)..start(block + 1)]
    }

    /// Returns whether this word is the target of a branch with a negative displacement, and so the location of a
    /// safepoint.
    pub fn is_loop_head(&self, word: u32) -> bool {
        self.loop_heads.contains(word)
    }

    /// Returns the blocks that can be reached from the function's entry, in an order in which each comes before its
    /// successors, except along back edges.
    ///
    /// # Errors
    /// There is no memory: 21 bytes for each block are needed.
    pub fn reverse_postorder(&self) -> Result<Vec<u32>, OutOfMemory> {
        self.reverse_postorder_from(0)
    }

    /// Returns the blocks that can be reached from block `first`, in reverse postorder.
    pub(crate) fn reverse_postorder_from(&self, first: u32) -> Result<Vec<u32>, OutOfMemory> {
        let count = self.block_count() as usize;
        let mut seen = BitSet::new(count)?;
        let mut order = reserved(count)?;
        let mut path = reserved(count)?;
        seen.insert(first);
        path.push((first, self.successors(first)));
        while let Some((block, successors)) = path.last_mut() {
            match successors.find(|successor| !seen.contains(*successor)) {
                Some(next) => {
                    seen.insert(next);
                    path.push((next, self.successors(next)));
                }
                None => {
                    order.push(*block);
                    path.pop();
                }
            }
        }
        order.reverse();
        Ok(order)
    }

    /// Returns for each block whether it can be reached from the function's entry.
    ///
    /// # Errors
    /// There is no memory for the result.
    pub fn reachable(&self) -> Result<Vec<bool>, OutOfMemory> {
        let mut reached = filled(self.block_count() as usize, false)?;
        for block in self.reverse_postorder()? {
            reached[block as usize] = true;
        }
        Ok(reached)
    }

    /// Returns the words that cannot be reached, as ranges, in code order.
    ///
    /// # Errors
    /// There is no memory for the result.
    pub fn unreachable(&self) -> Result<Vec<Range<u32>>, OutOfMemory> {
        let reached = self.reachable()?;
        let mut ranges: Vec<Range<u32>> = Vec::new();
        for block in (0..self.block_count()).filter(|block| !reached[*block as usize]) {
            let words = self.words(block);
            match ranges.last_mut() {
                Some(last) if last.end == words.start => last.end = words.end,
                _ => {
                    ranges.try_reserve(1).map_err(|_| OutOfMemory)?;
                    ranges.push(words);
                }
            }
        }
        Ok(ranges)
    }
}

/// Returns the target of a branch and whether its displacement is negative.
pub(super) fn target(word: u32, inst: Inst) -> Option<(u32, bool)> {
    let displacement = inst.value_of(Role::Target)?;
    Some(((word + 1).wrapping_add_signed(displacement), displacement < 0))
}

/// Returns whether control flow after this instruction can go elsewhere than to the next word.
fn ends_block(inst: Inst) -> bool {
    match inst.op().flow() {
        Flow::Branch | Flow::Jump | Flow::Switch | Flow::Stop | Flow::TailCall => true,
        Flow::Next | Flow::Call | Flow::Suspend | Flow::Bulk => false,
    }
}
