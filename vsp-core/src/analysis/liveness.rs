//! Liveness: which slots can still be read, before they are written, from some place on.

use alloc::vec::Vec;

use super::effects::locals_in;
use super::{BitSet, Graph, OutOfMemory, Worklist, filled};
use crate::isa::Inst;
use crate::limits::MAX_LOCALS_WORDS;

/// What a suspended frame waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Waiting {
    /// At a safepoint: its place is the word that is executed next.
    Safepoint,
    /// For the answer of the CALL, CALLR, SYSCALL or YIELD at its place.
    Answer,
}

/// Which slots of one group are live where in a function.
///
/// This is the least solution of the usual equations, so it depends on the code alone and is the same for everybody. A
/// call reads its parameters and writes its results; HLT, TRAP and RET read nothing behind them. In a function of more
/// than [`MAX_LOCALS_WORDS`] words all locals are live everywhere.
///
/// It needs at most 49 bytes for each block. The time is that of looking once at each word, and at each block once more for
/// each of the (at most 64) slots by which its solution grows.
#[derive(Debug)]
pub struct Liveness<'g> {
    graph: &'g Graph<'g>,
    group: u32,
    /// What is live everywhere.
    always: u64,
    blocks: Vec<Block>,
}

/// What liveness knows of a block.
#[derive(Clone, Copy, Debug, Default)]
struct Block {
    /// What is read before it is written.
    reads: u64,
    /// What is written.
    writes: u64,
    /// What is live at its end.
    exit: u64,
}

impl Block {
    /// What is live at its start.
    fn entry(&self) -> u64 {
        self.reads | self.exit & !self.writes
    }
}

/// A word, and what is live around it.
#[derive(Clone, Copy, Debug)]
pub struct LiveWord {
    /// The word.
    pub word: u32,
    /// Its instruction.
    pub inst: Inst,
    /// What is live before it is executed.
    pub before: u64,
    /// What is live behind it.
    pub after: u64,
    /// What is live behind it and not written by it.
    kept: u64,
}

impl LiveWord {
    /// What is live in a frame that is suspended at this word.
    pub fn suspended(&self, waiting: Waiting) -> u64 {
        match waiting {
            Waiting::Safepoint => self.before,
            Waiting::Answer => self.kept,
        }
    }
}

impl<'g> Liveness<'g> {
    /// Solves the equations for a group of slots; a function with n locals has the groups 0 to `Slot::groups(n)` − 1.
    ///
    /// # Errors
    /// There is no memory for it.
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

    /// All blocks, so that successors come before predecessors where that is possible.
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

    /// The group.
    pub fn group(&self) -> u32 {
        self.group
    }

    /// What is live at the start of a block.
    pub fn entry(&self, block: u32) -> u64 {
        self.blocks[block as usize].entry() | self.always
    }

    /// What is live at the end of a block, behind its last word.
    pub fn exit(&self, block: u32) -> u64 {
        self.blocks[block as usize].exit
    }

    /// The words of a block from the last to the first, with what is live around them.
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

    /// What is live around a word of the function, in time linear in the length of its block. For many words of one
    /// block, use [`Self::backwards`].
    pub fn at(&self, word: u32) -> LiveWord {
        let found = self.backwards(self.graph.block_of(word)).find(|live| live.word == word);
        let Some(live) = found else { unreachable!("a block has all its words") };
        live
    }

    /// What is live before a word is executed.
    pub fn before(&self, word: u32) -> u64 {
        self.at(word).before
    }

    /// What is live in a frame that is suspended at a word.
    pub fn suspended(&self, word: u32, waiting: Waiting) -> u64 {
        self.at(word).suspended(waiting)
    }
}
