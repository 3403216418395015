//! A debugged program: its execution, and the reasons for its stops.

use std::io::{self, BufWriter, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use vsp_core::index::{GlobalIndex, Location};
use vsp_core::isa::Reg;
use vsp_core::verify::Verified;
use vsp_core::{Imports, Instance, Outcome, Reason, Suspension};
use vsp_host::input::Input;

use super::changes::Values;
use super::expression::{Scope, Value};
use super::replay::Replay;
use super::show;
use super::stops::Stops;
use crate::code::Code;
use crate::end::{EXITED, End};
use crate::entry::Entry;
use crate::files::{self, Files, Shared};
#[cfg(feature = "wasi")]
use crate::program::imports_wasi;
use crate::program::{ProgramArgs, Streams};
use crate::state::State;
use crate::style::{CHANGED, LOCATION, paint};

/// Number of instructions between polls of the interrupt flag.
const CHUNK: u64 = 1 << 20;

/// The program's output if it goes to the terminal: the standard output, and whether its last line has ended.
#[derive(Clone, Debug, Default)]
pub(crate) struct Console {
    pub(crate) mid_line: Arc<AtomicBool>,
}

impl Write for Console {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = io::stdout().write(bytes)?;
        if let Some(last) = bytes[..written].last() {
            self.mid_line.store(*last != b'\n', Ordering::Relaxed);
        }
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stdout().flush()
    }
}

/// The data needed to start the program again.
pub(crate) struct Setup<'p> {
    pub(crate) args: &'p ProgramArgs,
    pub(crate) verified: &'p Verified<'p>,
    pub(crate) imports: &'p Imports<State>,
    pub(crate) entry: Entry,
    /// The program's input if no file is named.
    pub(crate) input: Replay,
    pub(crate) console: Console,
}

impl<'p> Setup<'p> {
    /// Creates an instance, and the file that it writes, if one is named.
    fn instance(&self, mut files: Files) -> Result<(Instance<'p, State>, Option<Shared>), String> {
        let file = self.args.output_file(&mut files, None)?;
        let output: Box<dyn Write + Send> = match file.clone() {
            Some(file) => Box::new(BufWriter::new(file)),
            None => Box::new(self.console.clone()),
        };
        let state = self.state(output)?;
        let instance = Instance::new(self.verified, self.imports, state, self.args.options(self.verified));
        match instance {
            Ok(instance) => Ok((instance, file)),
            Err(error) => Err(files::wrong(&self.args.file, &error)),
        }
    }

    /// Creates the state of the host functions.
    fn state(&self, output: Box<dyn Write + Send>) -> Result<State, String> {
        let pass_args = !self.entry.takes_args;
        let errors = Box::new(io::stderr());
        let input = match self.args.names_input_file() {
            true => self.args.open_input()?,
            false => Input::reader(self.input.reader()),
        };
        #[cfg(feature = "wasi")]
        if imports_wasi(self.verified) {
            return self.args.wasi_state(pass_args, Streams { input, output, errors }, false);
        }
        Ok(self.args.state(pass_args, Streams { input, output, errors }))
    }
}

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
enum Stop {
    /// The goal was reached.
    Arrived,
    /// Breakpoints or watches, with their descriptions.
    Because(Vec<String>),
    /// The program cannot continue.
    Ended,
}

/// A debugged program.
pub(crate) struct Session<'p> {
    setup: Setup<'p>,
    /// The files that are read.
    files: Files,
    /// The file that the program writes, if one is named.
    output: Option<Shared>,
    pub(crate) code: Code<'p>,
    pub(crate) instance: Instance<'p, State>,
    pub(crate) stops: Stops,
    /// The selected frame; 0 is the innermost.
    pub(crate) selected: usize,
    /// The line after those that were listed last.
    pub(crate) listed: Option<crate::code::Line>,
    before: Values,
    interrupt: Arc<AtomicBool>,
    /// The balance since which fuel is counted, and the fuel used before.
    counted: (i64, u64),
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
        let flushed = self.instance.state_mut().sys.output.flush();
        flushed.and_then(|()| file.finish()).map_err(|error| format!("the output: {error}"))
    }

    fn begin(&mut self) -> Result<(), String> {
        self.counted = (self.instance.fuel().unwrap_or(0), 0);
        let Setup { entry, .. } = &self.setup;
        let ended = match entry.prepare(&mut self.instance)? {
            Some(ended) => Some(ended),
            None => {
                let begun = self.instance.begin(entry.function, &entry.values);
                begun.map_err(|error| error.to_string())?
            }
        };
        self.restart_watches();
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

    /// Returns the fuel used so far.
    pub(crate) fn fuel_used(&self) -> u64 {
        let (from, before) = self.counted;
        before.saturating_add(from.saturating_sub(self.instance.fuel().unwrap_or(0)).unsigned_abs())
    }

    /// Sets the balance of fuel.
    pub(crate) fn set_fuel(&mut self, fuel: u64) {
        let used = self.fuel_used();
        self.instance.set_fuel(fuel);
        self.counted = (self.instance.fuel().unwrap_or(0), used);
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
        if !matches!(self.instance.suspended(), Some(Suspension { reason: Reason::Yield(_), .. })) {
            return Err("the program does not wait for a value".into());
        }
        let resumed = self.instance.begin_resume(&[value]).map_err(|error| error.to_string())?;
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
        let mut marked = vec![false; self.setup.verified.program().code().len()];
        let functions = self.setup.verified.functions();
        let word = |location: Location| {
            functions.get(location.function.index()).map_or(0, |function| function.start + location.word)
                as usize
        };
        for location in self.stops.locations() {
            marked[word(location)] = true;
        }
        if let Goal::At(locations) = goal {
            locations.iter().for_each(|location| marked[word(*location)] = true);
        }
        let mut depth = start.depth;
        loop {
            let (limit, back) = match goal {
                _ if self.stops.is_watching() => (1, None),
                Goal::Into(_) => (1, None),
                Goal::Over(_) if depth <= start.depth => (1, None),
                Goal::Over(_) => (CHUNK, self.location_after_call(depth - start.depth)),
                Goal::Out => (CHUNK, self.location_after_call(depth + 1 - start.depth)),
                Goal::At(_) | Goal::End => (CHUNK, None),
            };
            let stepped = self.instance.step_until(limit, |at| marked[word(at)] || Some(at) == back);
            if let Some(outcome) = stepped.map_err(|error| error.to_string())? {
                return Ok(self.end(&outcome));
            }
            let Some(location) = self.instance.next_location() else { return Ok(Stop::Ended) };
            depth = self.depth();
            let reasons = self.reasons(location, depth, marked[word(location)]);
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

    /// Returns the location after the active call of frame number `index`, counted from the innermost.
    fn location_after_call(&self, index: usize) -> Option<Location> {
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
        let breakpoints = self.stops.breakpoints.iter_mut();
        for it in breakpoints.filter(|it| it.enabled && it.locations.contains(&location)) {
            let holds = match &it.condition {
                None => Ok(true),
                Some(condition) => condition.expression.value(&scope).map(Value::is_true),
            };
            match holds {
                Ok(false) => continue,
                Ok(true) => reasons.push(format!("breakpoint {}", it.number)),
                Err(error) => {
                    reasons.push(format!("breakpoint {}: its condition has no value: {error}", it.number));
                }
            }
            it.hits += 1;
        }
        let is_reason = |number: u32| reasons.iter().any(|it| *it == format!("breakpoint {number}"));
        self.stops.breakpoints.retain(|it| !(it.temporary && is_reason(it.number)));
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
            let frame = watch.depth.unwrap_or(depth);
            if depth < frame {
                let text = &watch.watched.text;
                reasons.push(format!(
                    "watch {}: the frame of `{text}` is gone, and the watch with it",
                    watch.number
                ));
                return false;
            }
            if !watch.enabled || depth > frame {
                return true;
            }
            let now = watch.watched.expression.value(&scope).ok();
            if now != watch.last {
                let show =
                    |value: Option<Value>| value.map_or_else(|| "no value".into(), |it| it.to_string());
                let (number, text) = (watch.number, &watch.watched.text);
                reasons.push(format!("watch {number}: {text}: {} -> {}", show(watch.last), show(now)));
            }
            watch.last = now;
            true
        });
        reasons
    }

    /// Removes watches of frames that no longer exist, and resets the values of the others.
    fn restart_watches(&mut self) {
        let scope = View { instance: &self.instance, selected: 0 };
        self.stops.watches.retain(|watch| watch.depth.is_none_or(|depth| depth == 1));
        for watch in &mut self.stops.watches {
            watch.last = watch.watched.expression.value(&scope).ok();
        }
    }

    /// Returns the stop after starting or resuming a call.
    fn stop(&mut self, begun: Option<Outcome>) -> Stop {
        begun.map_or(Stop::Arrived, |outcome| self.end(&outcome))
    }

    /// Reports how the program ended, or why it is suspended.
    fn end(&mut self, outcome: &Outcome) -> Stop {
        let failure = self.instance.state_mut().sys.failure.take();
        let chosen = self.instance.state().sys.exit_code;
        let error = self.instance.take_host_error();
        let end = End::new(*outcome, self.setup.verified, failure, chosen, error.as_deref());
        let values: Vec<String> = end.results.iter().map(|value| crate::value::short(*value)).collect();
        let mut text = match (outcome, end.message) {
            (Outcome::Suspended(suspension), _) => match suspension.reason {
                Reason::Fuel => "the fuel is used up; `fuel UNITS` gives it more".to_owned(),
                Reason::Interrupted => "interrupted".to_owned(),
                Reason::Yield(value) => {
                    format!("the program yields {}, and waits for `resume VALUE`", crate::value::short(value))
                }
                Reason::Pending(_) => "a host function is pending".to_owned(),
            },
            (_, Some(message)) => message,
            (_, None) if end.outcome == EXITED => {
                format!("the program exits with status {}", values.join(""))
            }
            (_, None) if values.is_empty() => format!("the program {}", end.outcome),
            (_, None) => format!("the program {} {}", end.outcome, values.join(", ")),
        };
        if chosen != 0 {
            text += &format!(", with exit code {chosen}");
        }
        self.out += &format!("{text}; fuel used: {}\n", self.fuel_used());
        Stop::Ended
    }

    /// Reports the location of the program, and the changes since the last stop.
    fn report(&mut self, stop: Stop) -> Result<(), String> {
        let flushed = self.instance.state_mut().sys.output.flush();
        flushed.map_err(|error| format!("the program's output: {error}"))?;
        self.selected = 0;
        self.listed = None;
        let now = Values::of(&self.instance);
        let is_same_frame = now.innermost() == self.before.innermost();
        if let Stop::Because(reasons) = &stop {
            reasons.iter().for_each(|reason| self.out += &format!("{reason}\n"));
        }
        if let Some(location) = self.location() {
            if !is_same_frame || stop != Stop::Arrived {
                self.out += &format!("{}:\n", paint(LOCATION, &self.code.describe(location)));
            }
            self.out += &show::location(&self.code, location, show::mark(true, false));
        }
        let changes = self.before.changes(&now, &self.code);
        if !changes.is_empty() {
            self.out += &format!("{} {}\n", paint(CHANGED, "changed:"), changes.join(", "));
        }
        self.before = now;
        self.show_displays();
        Ok(())
    }

    /// Shows the displayed expressions.
    pub(crate) fn show_displays(&mut self) {
        let scope = View { instance: &self.instance, selected: self.selected };
        for (number, it) in &self.stops.displays {
            let value = it.expression.value(&scope);
            let value = value.map_or_else(|error| format!("no value: {error}"), |value| value.to_string());
            self.out += &format!("{number}: {} = {value}\n", it.text);
        }
    }

    /// Records a change by the user, so that it is not reported as the program's.
    pub(crate) fn changed_by_user(&mut self) {
        self.before = Values::of(&self.instance);
        let scope = View { instance: &self.instance, selected: 0 };
        let depth = self.instance.call_stack().count();
        for watch in self.stops.watches.iter_mut().filter(|it| it.depth.is_none_or(|it| it == depth)) {
            watch.last = watch.watched.expression.value(&scope).ok();
        }
    }
}

/// The starting point of a run.
struct Start {
    depth: usize,
    line: Option<crate::code::Line>,
}

/// A stopped program with the selected frame.
pub(crate) struct View<'s, 'p> {
    instance: &'s Instance<'p, State>,
    selected: usize,
}

impl Scope for View<'_, '_> {
    fn register(&self, register: Reg) -> Option<u64> {
        self.instance.frames().nth(self.selected).map(|frame| frame.registers[register.index()])
    }

    fn local(&self, number: u32) -> Option<u64> {
        self.instance.frames().nth(self.selected)?.locals.get(number as usize).copied()
    }

    fn global(&self, global: GlobalIndex) -> Option<u64> {
        self.instance.global(global)
    }

    fn memory(&self) -> &[u8] {
        self.instance.memory()
    }

    fn depth(&self) -> usize {
        self.instance.call_stack().count()
    }
}
