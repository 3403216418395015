//! The live slots of the frames of a suspended program.

use alloc::vec::Vec;

use crate::analysis::{Graph, Liveness, OutOfMemory, Signatures, Slot, Waiting};
use crate::index::Location;
use crate::verify::Verified;

/// The location of a frame and the point at which it is suspended there.
pub(super) type Stop = (Location, Waiting);

/// The live slots at a set of stops.
pub(super) struct LiveSets {
    /// In ascending order, each once.
    stops: Vec<Stop>,
    /// Start of the sets of each stop in `sets`.
    starts: Vec<usize>,
    /// The sets of each stop, one for each group of slots.
    sets: Vec<u64>,
}

impl LiveSets {
    /// Computes the live slots at these stops, which all are words of the program. Each function is analysed once,
    /// however many of its words are requested.
    pub(super) fn new(program: &Verified<'_>, mut stops: Vec<Stop>) -> Result<LiveSets, OutOfMemory> {
        stops.sort_unstable();
        stops.dedup();
        let groups = |stop: &Stop| Slot::groups(program.functions()[stop.0.function.index()].locals) as usize;
        let mut starts = Vec::new();
        starts.try_reserve_exact(stops.len()).map_err(|_| OutOfMemory)?;
        let mut count = 0;
        for stop in &stops {
            starts.push(count);
            count += groups(stop);
        }
        let mut sets = Vec::new();
        sets.try_reserve_exact(count).map_err(|_| OutOfMemory)?;
        sets.resize(count, 0);

        let signatures = Signatures::new(program)?;
        let mut rest = &mut sets[..];
        for stops in stops.chunk_by(|one, other| one.0.function == other.0.function) {
            let graph = Graph::new(&signatures, stops[0].0.function)?;
            let groups = groups(&stops[0]);
            let (own, others) = rest.split_at_mut(stops.len() * groups);
            rest = others;
            for group in 0..groups {
                let live = Liveness::new(&graph, group as u32)?;
                let sets = own.iter_mut().skip(group).step_by(groups);
                fill(&graph, &live, stops, sets);
            }
        }
        Ok(LiveSets { stops, starts, sets })
    }

    /// Returns the sets of a stop, one for each group of slots.
    pub(super) fn at(&self, stop: Stop) -> &[u64] {
        let Ok(index) = self.stops.binary_search(&stop) else { unreachable!("all stops were given") };
        let end = self.starts.get(index + 1).copied().unwrap_or(self.sets.len());
        &self.sets[self.starts[index]..end]
    }
}

/// Computes the sets of stops in one function, in one walk through each of their blocks.
fn fill<'s>(
    graph: &Graph<'_>,
    live: &Liveness<'_>,
    stops: &[Stop],
    sets: impl DoubleEndedIterator<Item = &'s mut u64> + ExactSizeIterator,
) {
    let mut left = stops.iter().zip(sets).rev().peekable();
    while let Some(((location, _), _)) = left.peek() {
        let block = graph.block_of(location.word);
        let first = graph.words(block).start;
        for word in live.backwards(block) {
            while let Some(((_, waiting), set)) =
                left.next_if(|((location, _), _)| location.word == word.word)
            {
                *set = word.suspended(*waiting);
            }
            if left.peek().is_none_or(|((location, _), _)| location.word < first) {
                break;
            }
        }
    }
}
