//! Searching a part of the past for the last place where something holds.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::Ordering;

use vsp_core::index::Location;

use super::report::View;
use super::session::{CHUNK, Grain, Session, word};
use super::stops::Evaluated;
use super::travel::{Back, INTERRUPTED};

/// A place that was found, and the breakpoints and watches that stop there, with their descriptions.
pub(crate) struct Found {
    pub(crate) position: u64,
    pub(crate) hits: BTreeMap<u32, String>,
}

/// What is searched.
pub(crate) struct Search {
    pub(crate) goal: Back,
    /// The number of frames at the place from which the user goes back.
    pub(crate) depth: usize,
    /// The words at which there are breakpoints.
    pub(crate) marked: Vec<bool>,
}

/// The last places where breakpoints and watches would have stopped the program.
#[derive(Default)]
struct Hits {
    /// The positions and the descriptions, by the numbers of breakpoints and watches.
    last: BTreeMap<u32, (u64, String)>,
    /// Watches of a frame that does not exist yet.
    unborn: BTreeSet<u32>,
    /// Watches of a frame that did not exist somewhere in this part of the run.
    gone: BTreeSet<u32>,
}

impl Search {
    /// Returns the number of frames at which a place can be found, at most.
    pub(crate) fn most_frames(&self) -> usize {
        match self.goal {
            Back::Into(_) | Back::Stop => usize::MAX,
            Back::Over(_) => self.depth,
            Back::Call => self.depth.saturating_sub(1),
        }
    }
}

impl Session<'_> {
    /// Replays the run from here to `end`, and returns the last place found after this one and before `end`. Removes
    /// watches of frames that did not exist all the time.
    pub(crate) fn scan(&mut self, search: &Search, end: u64) -> Result<Option<Found>, String> {
        let functions = self.functions();
        let most = search.most_frames();
        let mut depth = self.depth();
        let mut hits = self.hits_from(depth);
        let mut previous = self.instance.next_location().map(|at| (depth, at)).filter(|_| depth <= most);
        let mut found = None;
        loop {
            let (limit, back) = match search.goal {
                Back::Stop if !self.stops.is_watching() => (CHUNK, None),
                _ if depth <= most => (1, None),
                _ => (CHUNK, self.location_after_call(depth - most)),
            };
            self.replay(limit, end, |at| search.marked[word(functions, at)] || Some(at) == back)?;
            let position = self.fuel_used();
            if self.is_present() || position >= end {
                break;
            }
            if self.interrupt.swap(false, Ordering::Relaxed) {
                return Err(INTERRUPTED.into());
            }
            let Some(at) = self.instance.next_location() else { break };
            depth = self.depth();
            if depth > most {
                continue;
            }
            let is_found = match search.goal {
                Back::Stop => {
                    self.hit(&mut hits, at, depth, search.marked[word(functions, at)]);
                    false
                }
                Back::Call => true,
                Back::Into(grain) | Back::Over(grain) => self.is_start(grain, depth, at, previous),
            };
            if is_found {
                found = Some(Found { position, hits: BTreeMap::new() });
            }
            previous = Some((depth, at));
        }
        self.stops.watches.retain(|watch| !hits.gone.contains(&watch.number));
        Ok(found.or_else(|| hits.found()))
    }

    /// Returns whether a step can begin here. `previous` is the number of frames and the location at the place before, if
    /// they are known.
    fn is_start(
        &self,
        grain: Grain,
        depth: usize,
        at: Location,
        previous: Option<(usize, Location)>,
    ) -> bool {
        let differs = |(before, location): (usize, Location)| {
            before != depth || self.code.line(location) != self.code.line(at)
        };
        grain == Grain::Instruction || self.code.starts_line(at) || previous.is_some_and(differs)
    }

    /// Prepares the watches for a search from here.
    fn hits_from(&mut self, depth: usize) -> Hits {
        self.refresh_watches();
        let unborn = self.stops.watches.iter().filter(|watch| watch.depth.is_some_and(|frame| frame > depth));
        let unborn: BTreeSet<u32> = unborn.map(|watch| watch.number).collect();
        Hits { gone: unborn.clone(), unborn, ..Hits::default() }
    }

    /// Records the breakpoints and watches that stop the program here.
    fn hit(&mut self, hits: &mut Hits, location: Location, depth: usize, may_break: bool) {
        let position = self.fuel_used();
        let scope = View { instance: &self.instance, selected: 0 };
        for watch in &mut self.stops.watches {
            let number = watch.number;
            match watch.evaluate(depth, &scope) {
                Evaluated::Gone => {
                    hits.last.remove(&number);
                    hits.unborn.insert(number);
                    hits.gone.insert(number);
                }
                Evaluated::Skipped => {}
                Evaluated::Same => drop(hits.unborn.remove(&number)),
                Evaluated::Changed(change) => {
                    if !hits.unborn.remove(&number) {
                        hits.last.insert(number, (position, change));
                    }
                }
            }
        }
        if may_break {
            for (number, reason) in self.stops.breaks(location, &scope) {
                hits.last.insert(number, (position, reason));
            }
        }
    }
}

impl Hits {
    /// Returns the last place, and everything that stops there.
    fn found(self) -> Option<Found> {
        let position = self.last.values().map(|(position, _)| *position).max()?;
        let here = self.last.into_iter().filter(|(_, (at, _))| *at == position);
        Some(Found { position, hits: here.map(|(number, (_, reason))| (number, reason)).collect() })
    }
}
