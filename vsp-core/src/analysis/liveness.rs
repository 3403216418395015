//! Liveness analysis: the slots that may be read after some point before they are written.

use alloc::vec::Vec;

use super::effects::locals_in;
use super::{BitSet, Graph, OutOfMemory, Worklist, filled};
use crate::isa::Inst;
use crate::limits::MAX_LOCALS_WORDS;

/// The point at which a frame is suspended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Waiting {
    /// At a safepoint: its location is the word that is executed next.
    Safepoint,
    /// At a CALL, CALLR, SYSCALL or YIELD: it waits for the results.
    Answer,
}

/// The liveness of one group of slots at every word of a function.
///
/// This is the least solution of the usual equations, so it depends only on the code and is the same in every
/// implementation. A call reads its parameters and writes its results; nothing is live after HLT, TRAP, RET and
/// tail calls. In a
/// function of more than [`MAX_LOCALS_WORDS`] words all locals are live everywhere.
///
/// It needs at most 49 bytes for each block. The analysis visits each word once, and each block once more for each of
/// the (at most 64) slots by which its solution grows.
#[derive(Debug)]
pub struct Liveness<'g> {
    graph: &'g Graph<'g>,
    group: u32,
    /// The slots that are live everywhere.
    always: u64,
    blocks: Vec<Block>,
}

/// The dataflow sets of a block.
#[derive(Clone, Copy, Debug, Default)]
struct Block {
    /// The slots that are read before they are written.
    reads: u64,
    /// The slots that are written.
    writes: u64,
    /// The slots that are live at its end.
    exit: u64,
}

impl Block {
    /// Returns the slots that are live at its start.
    fn entry(&self) -> u64 {
        self.reads | self.exit & !self.writes
    }
}

/// A word and the slots that are live before and after it.
#[derive(Clone, Copy, Debug)]
pub struct LiveWord {
    /// The word.
    pub word: u32,
    /// Its instruction.
    pub inst: Inst,
    /// The slots that are live before it is executed.
    pub before: u64,
    /// The slots that are live after it.
    pub after: u64,
    /// The slots that are live after it and that it does not write.
    kept: u64,
}

impl LiveWord {
    /// Returns the slots that are live in a frame that is suspended at this word.
    pub fn suspended(&self, waiting: Waiting) -> u64 {
        match waiting {
            Waiting::Safepoint => self.before,
            Waiting::Answer => self.kept,
        }
    }
}

impl<'g> Liveness<'g> {
    /// Solves the equations for a group of slots. A function with n locals has the groups 0 to `Slot::groups(n)` − 1.
    ///
    /// # Errors
    /// There is no memory for the analysis.
    pub fn new(graph: &'g Graph<'g>, group: u32) -> Result<Liveness<'g>, OutOfMemory> {
        let count = graph.block_count();
        let function = graph.function();
        let always = if function.words > MAX_LOCALS_WORDS { locals_in(group, function.locals) } else { 0 };
        let blocks = filled(count as usize, Block { exit: always, ..Block::default() })?;
        let mut live = Liveness { graph, group, always, blocks };
        if always == u64::MAX {
            return Ok(live);
        }
        for block in 0..count {
            live.summarize(block);
        }
        let mut worklist = live.worklist()?;
        while let Some(block) = worklist.next() {
            let entry = live.blocks[block as usize].entry();
            for &predecessor in graph.predecessors(block) {
                let before = &mut live.blocks[predecessor as usize];
                if entry & !before.exit != 0 {
                    before.exit |= entry;
                    worklist.add(predecessor);
                }
            }
        }
        Ok(live)
    }

    /// Returns an analysis in which all slots of the group are live everywhere.
    #[cfg(feature = "jit")]
    pub(crate) fn of_all(graph: &'g Graph<'g>, group: u32) -> Result<Liveness<'g>, OutOfMemory> {
        let always = u64::MAX;
        let blocks = filled(graph.block_count() as usize, Block { exit: always, ..Block::default() })?;
        Ok(Liveness { graph, group, always, blocks })
    }

    /// Returns all blocks, with successors before predecessors where that is possible.
    fn worklist(&self) -> Result<Worklist, OutOfMemory> {
        let count = self.graph.block_count();
        let order = self.graph.reverse_postorder()?;
        let mut reached = BitSet::new(count as usize)?;
        order.iter().for_each(|block| reached.insert(*block));
        let mut worklist = Worklist::new(count as usize)?;
        (0..count).filter(|block| !reached.contains(*block)).for_each(|block| worklist.add(block));
        order.iter().for_each(|block| worklist.add(*block));
        Ok(worklist)
    }

    fn summarize(&mut self, block: u32) {
        let (mut reads, mut writes) = (self.always, 0);
        for word in self.graph.words(block) {
            let effects = self.graph.effects(word);
            reads |= effects.reads_in(self.group) & !writes;
            writes |= effects.writes_in(self.group);
        }
        let summary = &mut self.blocks[block as usize];
        (summary.reads, summary.writes) = (reads, writes);
    }

    /// Returns the group.
    pub fn group(&self) -> u32 {
        self.group
    }

    /// Returns the slots that are live at the start of a block.
    pub fn entry(&self, block: u32) -> u64 {
        self.blocks[block as usize].entry() | self.always
    }

    /// Returns the slots that are live at the end of a block, after its last word.
    pub fn exit(&self, block: u32) -> u64 {
        self.blocks[block as usize].exit
    }

    /// Returns the words of a block from the last to the first, with the slots that are live before and after them.
    pub fn backwards(&self, block: u32) -> impl Iterator<Item = LiveWord> + use<'_, 'g> {
        let mut after = self.exit(block);
        self.graph.words(block).rev().map(move |word| {
            let effects = self.graph.effects(word);
            let kept = after & !effects.writes_in(self.group) | self.always;
            let before = kept | effects.reads_in(self.group);
            let live = LiveWord { word, inst: self.graph.inst(word), before, after, kept };
            after = before;
            live
        })
    }

    /// Returns a word of the function with its live slots, in time linear in the length of its block. For many words of
    /// one block, use [`Self::backwards`].
    pub fn at(&self, word: u32) -> LiveWord {
        let found = self.backwards(self.graph.block_of(word)).find(|live| live.word == word);
        let Some(live) = found else { unreachable!("a block has all its words") };
        live
    }

    /// Returns the slots that are live before a word is executed.
    pub fn before(&self, word: u32) -> u64 {
        self.at(word).before
    }

    /// Returns the slots that are live in a frame that is suspended at a word.
    pub fn suspended(&self, word: u32, waiting: Waiting) -> u64 {
        self.at(word).suspended(waiting)
    }
}
