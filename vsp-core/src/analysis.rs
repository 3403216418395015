//! Static analyses of a function: its basic blocks, the registers and locals that each instruction reads and writes,
//! their liveness, and reads before initialisation.
//!
//! The analyses follow from the roles and flows of the opcode table. They serve snapshots (`docs/isa.md`, section 8),
//! the native compiler, and tools.
//!
//! Registers, state registers and locals together are the *slots* of a frame ([`Slot`]), in this order: R0–RF, S0–SF,
//! then the locals. Sets of slots are handled in *groups* of 64, as the bits of a `u64`, and liveness is computed for
//! one group at a time. So the analysis of a function with b blocks needs some tens of bytes for each block, however
//! many locals there are. Its time grows with the number of groups; so the locals of very large functions
//! ([`MAX_LOCALS_WORDS`](crate::limits::MAX_LOCALS_WORDS)) are not analysed one by one. This limit is part of the
//! instruction set's definition.
//!
//! ```
//! # #[cfg(feature = "text")] {
//! use vsp_core::analysis::{Graph, Liveness, Signatures, Slot};
//! use vsp_core::{index::FuncIndex, isa::Reg, program::Program, verify::Verified};
//!
//! let text = ".func f (2) -> 1\nloop: ADD R0, R0, R1\nLOOP R1, loop\nRET\n.end";
//! let bytes = vsp_core::text::assemble(text, "f.sil").unwrap();
//! let program = Verified::new(Program::read(&bytes[..])?)?;
//!
//! let signatures = Signatures::new(&program)?;
//! let graph = Graph::new(&signatures, FuncIndex(0))?;
//! assert_eq!(graph.block_count(), 2);
//! let live = Liveness::new(&graph, Slot::Register(Reg::R0).group())?;
//! assert_eq!(live.before(0), 0b11);
//! assert_eq!(live.before(2), 0b01);
//! # }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod effects;
mod graph;
mod liveness;
mod safepoint;
mod uninitialised;

pub use effects::{Effects, Signatures, Slot, slots};
pub use graph::{Graph, Successors};
pub use liveness::{LiveWord, Liveness, Waiting};
pub use safepoint::{is_loop_head, is_safepoint};
pub use uninitialised::{UninitialisedRead, uninitialised_reads};

use alloc::vec::Vec;

/// The error of an analysis that runs out of memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("out of memory")]
pub struct OutOfMemory;

/// Returns a vector of `count` copies of `value`.
pub(crate) fn filled<T: Clone>(count: usize, value: T) -> Result<Vec<T>, OutOfMemory> {
    let mut out = reserved(count)?;
    out.resize(count, value);
    Ok(out)
}

/// Returns an empty vector with room for `count` elements.
fn reserved<T>(count: usize) -> Result<Vec<T>, OutOfMemory> {
    let mut out = Vec::new();
    out.try_reserve_exact(count).map_err(|_| OutOfMemory)?;
    Ok(out)
}

/// A set of small integers, one bit for each.
#[derive(Clone, Debug)]
struct BitSet(Vec<u64>);

impl BitSet {
    fn new(count: usize) -> Result<BitSet, OutOfMemory> {
        filled(count.div_ceil(u64::BITS as usize), 0).map(BitSet)
    }

    fn contains(&self, index: u32) -> bool {
        self.0[(index / u64::BITS) as usize] >> (index % u64::BITS) & 1 == 1
    }

    fn insert(&mut self, index: u32) {
        self.0[(index / u64::BITS) as usize] |= 1 << (index % u64::BITS);
    }

    fn remove(&mut self, index: u32) {
        self.0[(index / u64::BITS) as usize] &= !(1 << (index % u64::BITS));
    }

    fn len(&self) -> usize {
        self.0.iter().map(|bits| bits.count_ones() as usize).sum()
    }

    /// Returns, for each 64 integers, the number of set members before them.
    fn ranks(&self) -> Result<Vec<u32>, OutOfMemory> {
        let mut ranks = reserved(self.0.len())?;
        let mut sum = 0;
        for bits in &self.0 {
            ranks.push(sum);
            sum += bits.count_ones();
        }
        Ok(ranks)
    }

    /// Returns the number of set members up to and including `index`, given the ranks of the set.
    fn rank(&self, ranks: &[u32], index: u32) -> u32 {
        let (word, bit) = ((index / u64::BITS) as usize, index % u64::BITS);
        ranks[word] + (self.0[word] << (u64::BITS - 1 - bit)).count_ones()
    }
}

/// A worklist of blocks, last in, first out. It contains each block at most once at a time.
pub(crate) struct Worklist {
    blocks: Vec<u32>,
    waiting: BitSet,
}

impl Worklist {
    /// Creates an empty worklist for this many blocks.
    pub(crate) fn new(blocks: usize) -> Result<Worklist, OutOfMemory> {
        Ok(Worklist { blocks: reserved(blocks)?, waiting: BitSet::new(blocks)? })
    }

    pub(crate) fn add(&mut self, block: u32) {
        if !self.waiting.contains(block) {
            self.waiting.insert(block);
            self.blocks.push(block);
        }
    }

    pub(crate) fn next(&mut self) -> Option<u32> {
        let block = self.blocks.pop()?;
        self.waiting.remove(block);
        Some(block)
    }
}
