//! Reads before initialisation. They are legal (the value is zero), and often a mistake.

use alloc::vec::Vec;

use super::{Graph, OutOfMemory, Slot, Worklist, filled, reserved, slots};
use crate::limits::MAX_LOCALS_WORDS;

/// A read of a slot that no instruction has written on some path to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UninitialisedRead {
    /// The word of the read.
    pub word: u32,
    /// The slot. Parameters count as written.
    pub slot: Slot,
}

/// Returns all reads in reachable code that may come before every write, in code order. Conditions are not evaluated: a
/// path counts even if no execution takes it. Locals of a function of more than [`MAX_LOCALS_WORDS`] words are not
/// analysed. Memory and time are those of [`Liveness`](super::Liveness), for each group of slots.
///
/// # Errors
/// There is no memory for the analysis.
pub fn uninitialised_reads(graph: &Graph<'_>) -> Result<Vec<UninitialisedRead>, OutOfMemory> {
    let mut found = Vec::new();
    for group in 0..Slot::groups(locals(graph)) {
        let unwritten = unwritten(graph, group)?;
        for (block, mut left) in (0..).zip(unwritten) {
            for word in graph.words(block) {
                if left == 0 {
                    break;
                }
                let effects = graph.effects(word);
                for slot in slots(group, effects.reads_in(group) & left) {
                    found.try_reserve(1).map_err(|_| OutOfMemory)?;
                    found.push(UninitialisedRead { word, slot });
                }
                left &= !effects.writes_in(group);
            }
        }
    }
    found.sort_unstable();
    Ok(found)
}

/// Returns the number of locals that are analysed.
fn locals(graph: &Graph<'_>) -> u16 {
    if graph.function().words > MAX_LOCALS_WORDS { 0 } else { graph.function().locals }
}

/// Returns, for each block, the slots that may be unwritten at its start; the set is empty for unreachable blocks.
fn unwritten(graph: &Graph<'_>, group: u32) -> Result<Vec<u64>, OutOfMemory> {
    let function = graph.function();
    let count = graph.block_count() as usize;
    let mut writes = reserved(count)?;
    writes.extend(
        (0..count as u32)
            .map(|block| graph.words(block).fold(0, |set, word| set | graph.effects(word).writes_in(group))),
    );
    let mut entries = filled(count, 0)?;
    let mut worklist = Worklist::new(count)?;
    entries[0] = (0..Slot::count(locals(graph)))
        .map(Slot::from_index)
        .filter(|slot| slot.group() == group && slot.index() >= function.ty.params() as u32)
        .fold(0, |set, slot| set | slot.bit());
    worklist.add(0);
    while let Some(block) = worklist.next() {
        let left = entries[block as usize] & !writes[block as usize];
        for successor in graph.successors(block) {
            if left & !entries[successor as usize] != 0 {
                entries[successor as usize] |= left;
                worklist.add(successor);
            }
        }
    }
    Ok(entries)
}
