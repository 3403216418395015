//! The way back: earlier places of the run, and the way forward from there to the present.
//!
//! Away from the present the session has an instance that replays the log. The live one waits, and takes over when the
//! replayed one arrives where it is.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;

use vsp_core::index::Location;
use vsp_core::{Instance, Outcome, Reason, Status, Suspension};

use super::history::{Edit, History};
use super::search::{Found, Search};
use super::session::{CHUNK, Goal, Grain, RUN, Session, Stop, used};
use crate::state::State;

/// Length of the part of the run that is searched first, in units of fuel, and the factor by which the next one is
/// longer.
const FIRST_WINDOW: u64 = 512;
const WINDOW_FACTOR: u64 = 16;

/// Number of units of fuel before its goal at which the program stops to run in an engine, and is stepped. An engine
/// stops at safepoints only, and one instruction can use much fuel: if it used more, the program goes back and is
/// stepped for a longer part of the way.
const STEPPED: u64 = 1 << 16;

/// Maximum size of the memory of an instance that is kept to go back again, in bytes.
const KEPT_MEMORY: usize = 64 << 20;

/// The factor by which that part is longer.
const STEPPED_FACTOR: u64 = 64;

const START: &str = "the start of the recording";

/// The error of a search that the user interrupts.
pub(crate) const INTERRUPTED: &str = "interrupted";

/// The live run, while the session is in its past.
pub(crate) struct Past<'p> {
    live: Instance<'p, State>,
    /// Its [`Session::counted`].
    counted: (i64, u64),
    /// The number of changes that the replayed program has got.
    edits: usize,
}

/// The goal of a command that goes back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Back {
    /// The previous instruction, or the start of the line before.
    Into(Grain),
    /// The previous instruction or line in this frame or a caller.
    Over(Grain),
    /// The call of this function.
    Call,
    /// A breakpoint, or a change of a watched expression.
    Stop,
}

impl<'p> Session<'p> {
    /// Returns the position of the present: the fuel that the live run has used.
    pub(crate) fn present(&self) -> u64 {
        let Some(past) = &self.past else { return self.fuel_used() };
        used(past.counted, &past.live)
    }

    /// Returns whether the session is in the present.
    pub(crate) fn is_present(&self) -> bool {
        self.past.is_none()
    }

    /// Returns the live instance.
    pub(crate) fn live_mut(&mut self) -> &mut Instance<'p, State> {
        self.past.as_mut().map_or(&mut self.instance, |past| &mut past.live)
    }

    /// Checks that the program can be changed.
    pub(crate) fn must_be_present(&self) -> Result<(), String> {
        match &self.past {
            _ if self.setup.recorded.is_some() => Err("this run was recorded, and stays as it was".into()),
            None => Ok(()),
            Some(_) => Err("this is the past, which stays as it was; `goto end` leads to the present".into()),
        }
    }

    /// Records a change that was made.
    pub(crate) fn record_edit(&mut self, edit: Edit) {
        let position = self.fuel_used();
        if let Some(history) = &mut self.history {
            history.edits.push((position, edit));
        }
    }

    /// Goes back, `times` times.
    pub(crate) fn back(&mut self, goal: Back, times: u64) -> Result<(), String> {
        self.interrupt.store(false, Ordering::Relaxed);
        let from = self.fuel_used();
        let start = self.history()?.start();
        if from <= start {
            return Err(format!("this is {START}"));
        }
        let stops = self.stops.clone();
        let found = self.find(goal, times);
        self.stops = stops;
        let found = match found {
            Ok(found) => found,
            Err(error) => {
                self.travel(from, false)?;
                self.settle_watches();
                return Err(error);
            }
        };
        let position = found.as_ref().map_or(start, |found| found.position);
        self.travel(position, false)?;
        let hits = match found {
            Some(found) => found.hits,
            None => BTreeMap::from([(0, START.to_owned())]),
        };
        self.stops.stopped(|number| hits.contains_key(&number));
        self.settle_watches();
        let is_step = hits.is_empty();
        let reasons = hits.into_values().collect();
        self.report(if is_step { Stop::Arrived } else { Stop::Because(reasons) })
    }

    /// Goes to the first place at which this much fuel is used, in the past or in the future.
    pub(crate) fn goto(&mut self, position: u64) -> Result<(), String> {
        self.interrupt.store(false, Ordering::Relaxed);
        let start = self.history()?.start();
        let reasons = if position < start { vec![START.to_owned()] } else { Vec::new() };
        let position = position.max(start);
        let from = self.fuel_used();
        let gone = match position > self.present() {
            true => {
                self.return_to_present();
                self.refresh_watches();
                self.go(&Goal::Used(position), 1)
            }
            false => self.travel(position, true).and_then(|()| {
                self.settle_watches();
                let ended = self.ended.clone().filter(|_| self.is_present());
                self.out += &ended.unwrap_or_default();
                self.report(Stop::Because(reasons))
            }),
        };
        if let Err(error) = gone {
            self.travel(from, false)?;
            self.refresh_watches();
            return Err(error);
        }
        if self.instance.next_location().is_some() {
            self.out += &format!("fuel used: {}\n", self.fuel_used());
        }
        Ok(())
    }

    fn history(&self) -> Result<&History<'p>, String> {
        self.history.as_ref().ok_or_else(|| "this run is not recorded".to_owned())
    }

    /// Replays up to `limit` instructions, but not beyond `until` and not beyond the next change. The live instance takes
    /// over in the present. Returns its outcome if it cannot continue.
    pub(crate) fn replay(
        &mut self,
        limit: u64,
        until: u64,
        stop: impl FnMut(Location) -> bool,
    ) -> Result<Option<Outcome>, String> {
        let next_edit = self.next_edit().map_or(u64::MAX, |(position, _)| *position);
        let end = until.min(next_edit).min(self.present());
        let distance = end.saturating_sub(self.fuel_used());
        let stepped = self.instance.step_within(limit, distance, stop);
        self.settle(stepped.map_err(|error| error.to_string())?)
    }

    /// Returns the next change that the replayed program gets.
    fn next_edit(&self) -> Option<&(u64, Edit)> {
        self.history.as_ref()?.edits.get(self.past.as_ref()?.edits)
    }

    /// Makes the changes that were made here, or returns to the present if it is here.
    fn settle(&mut self, mut outcome: Option<Outcome>) -> Result<Option<Outcome>, String> {
        let here = self.fuel_used();
        if here >= self.present() {
            self.return_to_present();
            return Ok(outcome.filter(|_| self.instance.next_location().is_none()));
        }
        let mut is_edited = false;
        while let Some((_, edit)) = self.next_edit().filter(|(position, _)| *position <= here).cloned() {
            match edit {
                Edit::Fuel(fuel) => self.give_fuel(fuel),
                Edit::Answer(value) => outcome = self.begin_resume(&[value])?,
                edit => edit.apply(&mut self.instance)?,
            }
            if let Some(past) = &mut self.past {
                past.edits += 1;
            }
            is_edited = true;
        }
        if let Some(Suspension { reason: Reason::Fuel, .. }) = self.instance.suspended() {
            outcome = self.begin_resume(&[])?;
        }
        if is_edited {
            self.refresh_watches();
        }
        if outcome.is_none() {
            return Ok(None);
        }
        let difference = self.instance.replay_error().map(ToString::to_string);
        self.return_to_present();
        let difference = difference.unwrap_or_else(|| "it stops where it did not".to_owned());
        Err(format!("the run could not be repeated: {difference}"))
    }

    fn begin_resume(&mut self, values: &[u64]) -> Result<Option<Outcome>, String> {
        self.instance.begin_resume(values).map_err(|error| error.to_string())
    }

    /// Makes the live instance the current one.
    pub(crate) fn return_to_present(&mut self) {
        if let Some(past) = self.past.take() {
            let replayed = std::mem::replace(&mut self.instance, past.live);
            self.counted = past.counted;
            if replayed.memory().len() <= KEPT_MEMORY {
                self.replayed = Some(replayed);
            }
        }
    }

    /// Goes to the first place at which this much fuel was used, in the past or the present. Can be interrupted if
    /// `interruptible`.
    fn travel(&mut self, position: u64, interruptible: bool) -> Result<(), String> {
        if position >= self.present() {
            self.return_to_present();
            return Ok(());
        }
        let here = self.fuel_used();
        let is_ahead = self.past.is_some() && here <= position && self.history()?.before(position) <= here;
        if !is_ahead {
            self.restore(position)?;
        }
        let mut stepped = STEPPED;
        while self.past.is_some() && self.fuel_used() < position {
            if !self.run_towards(position, stepped)? {
                self.restore(position)?;
                stepped = stepped.saturating_mul(STEPPED_FACTOR);
                continue;
            }
            self.replay(CHUNK, position, |_| false)?;
            if interruptible && self.interrupt.swap(false, Ordering::Relaxed) {
                return Err(INTERRUPTED.into());
            }
        }
        Ok(())
    }

    /// Runs the replayed program in its engine, unless `position` or the next change is less than `stepped` units away.
    /// Returns `false` if it went too far, or not as far as the live one.
    fn run_towards(&mut self, position: u64, stepped: u64) -> Result<bool, String> {
        let next_edit = self.next_edit().map_or(u64::MAX, |(position, _)| *position);
        let end = position.min(next_edit);
        let distance = end.saturating_sub(self.fuel_used()).saturating_sub(stepped);
        if distance == 0 || self.instance.next_location().is_none() {
            return Ok(true);
        }
        let outcome = self.instance.run_within(distance.min(RUN)).map_err(|error| error.to_string())?;
        Ok(outcome.is_none() && self.fuel_used() <= end)
    }

    /// Takes a checkpoint of the replayed program.
    fn keep_near(&mut self) -> Result<(), String> {
        let (Some(past), Some(history)) = (&self.past, &mut self.history) else { return Ok(()) };
        let position = used(self.counted, &self.instance);
        history.keep_near(&self.instance, position, past.edits)
    }

    /// Makes an instance of the past the current one, at the checkpoint before `position`.
    fn restore(&mut self, position: u64) -> Result<(), String> {
        let history = self.history.as_mut().ok_or("this run is not recorded")?;
        if self.past.is_none() {
            history.take_log(&mut self.instance)?;
        }
        match &mut self.past {
            Some(past) => {
                let restored = history.restore(position, &mut self.instance)?;
                past.edits = restored.edits;
                self.counted = (self.instance.fuel().unwrap_or(0), restored.position);
            }
            None => {
                let mut replayed = match self.replayed.take() {
                    Some(replayed) => replayed,
                    None => self.setup.replayed()?,
                };
                let restored = history.restore(position, &mut replayed)?;
                let counted = (replayed.fuel().unwrap_or(0), restored.position);
                let live = std::mem::replace(&mut self.instance, replayed);
                let counted = std::mem::replace(&mut self.counted, counted);
                self.past = Some(Past { live, counted, edits: restored.edits });
            }
        }
        self.settle(None)?;
        Ok(())
    }

    /// Finds the place to which a command goes back. Returns `None` if that is before the start of the recording. The
    /// session is somewhere in the past then, and its breakpoints and watches have changed.
    fn find(&mut self, goal: Back, times: u64) -> Result<Option<Found>, String> {
        let mut found = None;
        if matches!(goal, Back::Into(_) | Back::Over(_)) && self.is_in_instruction() {
            let before = self.find_one(Back::Into(Grain::Instruction))?;
            self.travel(before.map_or(0, |found| found.position), true)?;
        }
        for _ in 0..times {
            found = self.find_one(goal)?;
            let Some(found) = &found else { break };
            self.travel(found.position, true)?;
        }
        Ok(found)
    }

    /// Returns whether the program stopped in the instruction at its location: a trap or a YIELD. That was shown before it,
    /// too.
    fn is_in_instruction(&self) -> bool {
        match self.instance.status() {
            Status::Idle => self.depth() > 0,
            Status::Suspended(reason) => reason != Reason::Fuel,
            Status::Stepping => false,
        }
    }

    fn find_one(&mut self, goal: Back) -> Result<Option<Found>, String> {
        if goal == Back::Stop && !self.stops.is_watching() && self.stops.locations().next().is_none() {
            return Ok(None);
        }
        let locations = if goal == Back::Stop { self.stops.locations().collect() } else { Vec::new() };
        // An ended program was in its outermost frame.
        let search = Search { goal, depth: self.depth().max(1), marked: self.marked(&locations) };
        if search.most_frames() == 0 {
            // The outermost function was called before the start.
            return Ok(None);
        }
        let (start, mut end) = (self.history()?.start(), self.fuel_used());
        let mut window = FIRST_WINDOW;
        while end > start {
            // The place from which this part is replayed is found in the part before it.
            let checkpoint = self.history()?.before(end.saturating_sub(2)).max(start);
            self.travel(end.saturating_sub(window).max(checkpoint), true)?;
            let begin = self.fuel_used();
            window = window.saturating_mul(WINDOW_FACTOR);
            // Otherwise one instruction takes more than the window.
            if begin < end {
                self.keep_near()?;
                let is_start = begin == start && goal != Back::Stop && self.depth() <= search.most_frames();
                if let Some(found) = self.scan(&search, end)? {
                    return Ok(Some(found));
                }
                if begin == start {
                    return Ok(is_start.then(|| Found { position: start, hits: BTreeMap::new() }));
                }
                end = begin + 1;
            }
        }
        Ok(None)
    }
}
