//! A debugged program: its execution, and the reasons for its stops.

use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use vsp_core::index::Location;
use vsp_core::verify::Function;
use vsp_core::{Instance, Outcome, Reason, Status, Suspension};

use super::changes::Values;
use super::history::{Edit, History};
use super::recorded::Recorded;
use super::report::View;
use super::setup::Setup;
use super::stops::{Evaluated, Stops};
use super::travel::Past;
use crate::code::Code;
use crate::files::{Files, Shared};
use crate::state::State;

/// Number of instructions between polls of the interrupt flag.
pub(crate) const CHUNK: u64 = 1 << 20;

/// The same for a program that runs in an engine, in units of fuel.
pub(crate) const RUN: u64 = 1 << 24;

/// The goal of a command that runs the program.
#[derive(Clone, Debug)]
pub(crate) enum Goal {
    /// The next instruction, or the next line.
    Into(Grain),
    /// The next instruction or line in this frame or a caller.
    Over(Grain),
    /// The caller's frame.
    Out,
    /// One of these locations.
    At(Vec<Location>),
    /// The first place at which this much fuel is used.
    Used(u64),
    /// The end of the program.
    End,
}

/// The unit of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Grain {
    Line,
    Instruction,
}

/// The reason of a stop.
#[derive(Debug, PartialEq)]
pub(crate) enum Stop {
    /// The goal was reached.
    Arrived,
    /// Breakpoints or watches, with their descriptions.
    Because(Vec<String>),
    /// The program cannot continue.
    Ended,
}

/// A debugged program.
pub(crate) struct Session<'p> {
    pub(super) setup: Setup<'p>,
    /// The files that are read.
    files: Files,
    /// The file that the program writes, if one is named.
    output: Option<Shared>,
    pub(crate) code: Code<'p>,
    /// The program that is looked at: the live one, or one that replays the past.
    pub(crate) instance: Instance<'p, State>,
    /// The live one, in the past.
    pub(super) past: Option<Past<'p>>,
    /// The recorded past, unless the program ended before its first instruction, or there is no memory for it.
    pub(super) history: Option<History<'p>>,
    /// The instance that replayed the past last.
    pub(super) replayed: Option<Instance<'p, State>>,
    /// The message about how the live program ended, or why it is suspended.
    pub(super) ended: Option<String>,
    pub(crate) stops: Stops,
    /// The selected frame; 0 is the innermost.
    pub(crate) selected: usize,
    /// The line after those that were listed last.
    pub(crate) listed: Option<crate::code::Line>,
    pub(super) before: Values,
    pub(super) interrupt: Arc<AtomicBool>,
    /// The balance since which fuel is counted, and the fuel used before.
    pub(super) counted: (i64, u64),
    /// Pending output.
    pub(crate) out: String,
}

impl<'p> Session<'p> {
    /// Starts a program, and stops before its first instruction.
    pub(crate) fn new(
        setup: Setup<'p>,
        code: Code<'p>,
        interrupt: Arc<AtomicBool>,
        files: Files,
    ) -> Result<Self, String> {
        let (instance, output) = setup.instance(files.clone())?;
        let mut session = Session {
            setup,
            files,
            output,
            code,
            instance,
            past: None,
            history: None,
            replayed: None,
            ended: None,
            stops: Stops::default(),
            selected: 0,
            listed: None,
            before: Values::default(),
            interrupt,
            counted: (0, 0),
            out: String::new(),
        };
        session.begin()?;
        Ok(session)
    }

    /// Restarts the program. Breakpoints, watched expressions and displays stay; what it wrote to a file is discarded.
    pub(crate) fn restart(&mut self) -> Result<(), String> {
        self.past = None;
        (self.instance, self.output) = self.setup.instance(self.files.clone())?;
        for breakpoint in &mut self.stops.breakpoints {
            breakpoint.hits = 0;
        }
        self.before = Values::default();
        self.begin()
    }

    /// Completes the file that the program writes.
    pub(crate) fn finish_output(&mut self) -> Result<(), String> {
        let Some(file) = self.output.take() else { return Ok(()) };
        let flushed = self.live_mut().state_mut().sys.output.flush();
        flushed.and_then(|()| file.finish()).map_err(|error| format!("the output: {error}"))
    }

    fn begin(&mut self) -> Result<(), String> {
        self.counted = (self.instance.fuel().unwrap_or(0), 0);
        let Setup { entry, recorded, .. } = &self.setup;
        let ended = match recorded {
            Some(recorded) => recorded.begin(&self.setup, &mut self.instance)?,
            None => match entry.prepare(&mut self.instance)? {
                Some(ended) => Some(ended),
                None => {
                    let begun = self.instance.begin(entry.function, &entry.values);
                    begun.map_err(|error| error.to_string())?
                }
            },
        };
        self.ended = None;
        let position = self.fuel_used();
        let recording = match (self.instance.status(), recorded) {
            (Status::Idle, _) => Ok(None),
            (_, Some(recorded)) => {
                History::of_recording(Arc::clone(&recorded.log), &mut self.instance, position).map(Some)
            }
            (_, None) => History::begin(&mut self.instance, position).map(Some),
        };
        self.history = recording.unwrap_or_else(|error| {
            self.out += &format!("this run is not recorded: {error}\n");
            None
        });
        self.stops.watches.retain(|watch| watch.depth.is_none_or(|depth| depth == 1));
        self.refresh_watches();
        let stop = self.stop(ended);
        self.report(stop)
    }

    /// Returns the number of frames.
    pub(crate) fn depth(&self) -> usize {
        self.instance.call_stack().count()
    }

    /// Returns the location of the selected frame.
    pub(crate) fn location(&self) -> Option<Location> {
        self.instance.call_stack().nth(self.selected)
    }

    /// Returns the scope of expressions: the selected frame.
    pub(crate) fn scope(&self) -> View<'_, 'p> {
        View { instance: &self.instance, selected: self.selected }
    }

    /// Returns the fuel used until here, which is the position in the run.
    pub(crate) fn fuel_used(&self) -> u64 {
        used(self.counted, &self.instance)
    }

    /// Sets the balance of fuel.
    pub(crate) fn set_fuel(&mut self, fuel: u64) -> Result<(), String> {
        self.must_be_present()?;
        self.give_fuel(fuel);
        self.record_edit(Edit::Fuel(fuel));
        Ok(())
    }

    /// Sets the balance of fuel of the current instance.
    pub(super) fn give_fuel(&mut self, fuel: u64) {
        let used = self.fuel_used();
        self.instance.set_fuel(fuel);
        self.counted = (self.instance.fuel().unwrap_or(0), used);
    }

    /// Changes a register, local or global, or memory.
    pub(crate) fn change(&mut self, edit: Edit) -> Result<(), String> {
        self.must_be_present()?;
        edit.apply(&mut self.instance)?;
        self.record_edit(edit);
        self.before = Values::of(&self.instance);
        self.refresh_watches();
        Ok(())
    }

    /// Runs the program to a goal, `times` times.
    pub(crate) fn go(&mut self, goal: &Goal, times: u64) -> Result<(), String> {
        self.interrupt.store(false, Ordering::Relaxed);
        let mut stop = self.ready()?;
        for _ in 0..times {
            if stop != Stop::Arrived {
                break;
            }
            stop = self.run(goal)?;
        }
        self.report(stop)
    }

    /// Resumes a suspended program with the value that it waits for, and stops before the next instruction.
    pub(crate) fn resume(&mut self, value: u64) -> Result<(), String> {
        self.must_be_present()?;
        if !matches!(self.instance.suspended(), Some(Suspension { reason: Reason::Yield(_), .. })) {
            return Err("the program does not wait for a value".into());
        }
        let resumed = self.instance.begin_resume(&[value]).map_err(|error| error.to_string())?;
        self.record_edit(Edit::Answer(value));
        self.ended = None;
        let stop = self.stop(resumed);
        self.report(stop)
    }

    /// Prepares the program to execute an instruction.
    fn ready(&mut self) -> Result<Stop, String> {
        match self.instance.suspended().map(|suspension| suspension.reason) {
            None if self.instance.next_location().is_some() => Ok(Stop::Arrived),
            None => Err("the program has ended; `restart` runs it again".into()),
            Some(Reason::Fuel | Reason::Interrupted) => {
                let resumed = self.instance.begin_resume(&[]).map_err(|error| error.to_string())?;
                self.ended = None;
                Ok(self.stop(resumed))
            }
            Some(Reason::Yield(_)) => {
                Err("the program waits for a value; `resume VALUE` gives it one".into())
            }
            Some(Reason::Pending(_)) => Err("the program waits for a host function".into()),
        }
    }

    /// Executes at least one instruction.
    fn run(&mut self, goal: &Goal) -> Result<Stop, String> {
        let start = Start {
            depth: self.depth(),
            line: self.instance.next_location().and_then(|at| self.code.line(at)),
        };
        let functions = self.functions();
        let mut stops: Vec<Location> = self.stops.locations().collect();
        if let Goal::At(locations) = goal {
            stops.extend(locations);
        }
        let marked = self.marked(&stops);
        let mut depth = start.depth;
        let can_run = matches!(goal, Goal::End) && stops.is_empty() && !self.stops.is_watching();
        if can_run && !self.is_present() {
            self.return_to_present();
            if self.instance.next_location().is_none() {
                self.out += &self.ended.clone().unwrap_or_default();
                return Ok(Stop::Ended);
            }
        }
        loop {
            let (limit, back) = match goal {
                _ if self.stops.is_watching() => (1, None),
                Goal::Into(_) => (1, None),
                Goal::Over(_) if depth <= start.depth => (1, None),
                Goal::Over(_) => (CHUNK, self.location_after_call(depth - start.depth)),
                Goal::Out => (CHUNK, self.location_after_call(depth + 1 - start.depth)),
                Goal::At(_) | Goal::Used(_) | Goal::End => (CHUNK, None),
            };
            let until = if let Goal::Used(position) = goal { *position } else { u64::MAX };
            let stop = |at| marked[word(functions, at)] || Some(at) == back;
            let outcome = match can_run {
                true => self.run_on()?,
                false => self.advance(limit, until, stop)?,
            };
            if let Some(outcome) = outcome {
                return Ok(self.end(&outcome));
            }
            let Some(location) = self.instance.next_location() else { return Ok(Stop::Ended) };
            depth = self.depth();
            let reasons = self.reasons(location, depth, marked[word(functions, location)]);
            if !reasons.is_empty() {
                return Ok(Stop::Because(reasons));
            }
            if self.has_arrived(goal, &start, location, depth) {
                return Ok(Stop::Arrived);
            }
            if self.interrupt.swap(false, Ordering::Relaxed) {
                return Ok(Stop::Because(vec!["interrupted".into()]));
            }
        }
    }

    /// Executes up to `limit` instructions, but not beyond the position `until`.
    fn advance(
        &mut self,
        limit: u64,
        until: u64,
        stop: impl FnMut(Location) -> bool,
    ) -> Result<Option<Outcome>, String> {
        if !self.is_present() {
            return self.replay(limit, until, stop);
        }
        let end = self.end_of_recording();
        if let Some(outcome) = self.stopped_as_recorded(end) {
            return Ok(Some(outcome));
        }
        let distance = until.min(end).saturating_sub(self.fuel_used());
        let stepped = self.instance.step_within(limit, distance, stop).map_err(|error| error.to_string())?;
        if stepped.is_none() {
            self.keep();
        }
        Ok(stepped)
    }

    /// Executes a part of the live run that stops nowhere, not only instruction by instruction.
    fn run_on(&mut self) -> Result<Option<Outcome>, String> {
        let end = self.end_of_recording();
        if let Some(outcome) = self.stopped_as_recorded(end) {
            return Ok(Some(outcome));
        }
        let next = self.history.as_ref().map_or(u64::MAX, |it| it.next);
        let distance = next.saturating_sub(self.fuel_used()).min(RUN);
        // It stops at the safepoint after that: for the recorded one, at most one unit later.
        let distance = distance.min(end.saturating_sub(self.fuel_used()).saturating_sub(1));
        let outcome = self.instance.run_within(distance).map_err(|error| error.to_string())?;
        if outcome.is_none() {
            self.keep();
        }
        Ok(outcome)
    }

    /// Returns the position at which the recorded program was stopped, if it was.
    fn end_of_recording(&self) -> u64 {
        self.setup.recorded.as_ref().and_then(Recorded::stop).unwrap_or(u64::MAX)
    }

    /// Returns the outcome of a program that has come to the end of its recording.
    fn stopped_as_recorded(&self, end: u64) -> Option<Outcome> {
        let location = self.instance.next_location().filter(|_| self.fuel_used() >= end)?;
        Some(Outcome::Suspended(Suspension { reason: Reason::Interrupted, location }))
    }

    /// Takes a checkpoint of the live run, if it is time for one.
    fn keep(&mut self) {
        let position = self.fuel_used();
        if let Some(history) = self.history.as_mut().filter(|it| position >= it.next)
            && let Err(error) = history.keep(&mut self.instance, position)
        {
            self.out += &format!("the recording ends here: {error}\n");
            self.history = None;
        }
    }

    /// Returns the functions of the program.
    pub(super) fn functions(&self) -> &'p [Function] {
        self.setup.verified.functions()
    }

    /// Returns which words of the code are at one of these locations.
    pub(super) fn marked(&self, locations: &[Location]) -> Vec<bool> {
        let mut marked = vec![false; self.setup.verified.program().code().len()];
        locations.iter().for_each(|location| marked[word(self.functions(), *location)] = true);
        marked
    }

    /// Returns the location after the active call of frame number `index`, counted from the innermost.
    pub(super) fn location_after_call(&self, index: usize) -> Option<Location> {
        let call = self.instance.call_stack().nth(index)?;
        Some(Location { word: call.word + 1, ..call })
    }

    fn has_arrived(&self, goal: &Goal, start: &Start, location: Location, depth: usize) -> bool {
        let at_line = |grain: &Grain| {
            *grain == Grain::Instruction
                || self.code.starts_line(location)
                || self.code.line(location) != start.line
        };
        match goal {
            Goal::Into(grain) => depth != start.depth || at_line(grain),
            Goal::Over(grain) => depth < start.depth || (depth == start.depth && at_line(grain)),
            Goal::Out => depth < start.depth,
            Goal::At(locations) => locations.contains(&location),
            Goal::Used(position) => self.fuel_used() >= *position,
            Goal::End => false,
        }
    }

    /// Returns the reasons to stop here, apart from the goal.
    fn reasons(&mut self, location: Location, depth: usize, may_break: bool) -> Vec<String> {
        let mut reasons = self.changed_watches(depth);
        if !may_break {
            return reasons;
        }
        let scope = View { instance: &self.instance, selected: 0 };
        let breaks = self.stops.breaks(location, &scope);
        self.stops.stopped(|number| breaks.iter().any(|(it, _)| *it == number));
        reasons.extend(breaks.into_iter().map(|(_, reason)| reason));
        reasons
    }

    /// Returns the watched expressions whose values have changed.
    fn changed_watches(&mut self, depth: usize) -> Vec<String> {
        let mut reasons = Vec::new();
        if !self.stops.is_watching() {
            return reasons;
        }
        let scope = View { instance: &self.instance, selected: 0 };
        self.stops.watches.retain_mut(|watch| {
            let evaluated = watch.evaluate(depth, &scope);
            let is_gone = matches!(evaluated, Evaluated::Gone);
            match evaluated {
                Evaluated::Gone => {
                    let (number, text) = (watch.number, &watch.watched.text);
                    reasons.push(format!(
                        "watch {number}: the frame of `{text}` is gone, and the watch with it"
                    ));
                }
                Evaluated::Changed(change) => reasons.push(change),
                Evaluated::Skipped | Evaluated::Same => {}
            }
            !is_gone
        });
        reasons
    }

    /// Removes watches of frames that do not exist here, and resets the values of the others.
    pub(crate) fn settle_watches(&mut self) {
        let depth = self.depth();
        self.stops.watches.retain(|watch| {
            let exists = watch.depth.is_none_or(|frame| frame <= depth);
            if !exists {
                let (number, text) = (watch.number, &watch.watched.text);
                self.out +=
                    &format!("watch {number}: there is no frame of `{text}` here, and the watch is gone\n");
            }
            exists
        });
        self.refresh_watches();
    }

    /// Resets the values of the watches whose frames exist.
    pub(crate) fn refresh_watches(&mut self) {
        let depth = self.depth();
        for watch in &mut self.stops.watches {
            let Some(selected) = depth.checked_sub(watch.depth.unwrap_or(depth)) else { continue };
            let scope = View { instance: &self.instance, selected };
            watch.last = watch.watched.expression.value(&scope).ok();
        }
    }
}

/// Returns the index of a word in the whole code.
pub(super) fn word(functions: &[Function], location: Location) -> usize {
    functions.get(location.function.index()).map_or(0, |function| function.start + location.word) as usize
}

/// Returns the fuel that an instance has used. `counted` is the balance since which it is counted, and the fuel used
/// before.
pub(super) fn used((from, before): (i64, u64), instance: &Instance<'_, State>) -> u64 {
    before.saturating_add(from.saturating_sub(instance.fuel().unwrap_or(0)).unsigned_abs())
}

/// The starting point of a run.
struct Start {
    depth: usize,
    line: Option<crate::code::Line>,
}
