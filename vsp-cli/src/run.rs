//! `vsp run`.

use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use serde::Serialize;
use vsp_core::index::Location;
use vsp_core::program::Program;
use vsp_core::verify::Verified;
use vsp_core::{Instance, Options, Trap};
use vsp_host::engine::{Engine, EngineKind, Module};
#[cfg(feature = "jit")]
use vsp_host::native::{CompileOptions, Tier};

use crate::cli::{EngineArgs, ReportArgs, RunArgs};
use crate::command_state::CommandState;
use crate::execution::{Ending, Execution};
use crate::files;
use crate::interrupt;
use crate::message;
use crate::object;
use crate::record::{RecordArgs, Recorder};
use crate::recording::RunEnd;
use crate::save::{Begin, SaveArgs, Saving, drive, starting_fuel};
use crate::state::State;
use crate::translate::{Result, counted, print_error};
use crate::value::Bits;

pub(crate) fn run(args: &RunArgs) -> Result<ExitCode> {
    args.save.prepare(&args.program)?;
    args.record.prepare(&args.program, args.save.save.as_deref())?;
    let execution = Execution::new(&args.program)?;
    if let Some(path) = &args.save.save {
        execution.saving(path)?;
    }
    if let Some(path) = &args.record.record {
        execution.saving(path)?;
    }
    if let Some(code) = &args.engine.code {
        execution.reading(code, "the code object");
    }
    let mut options = args.program.options(&execution.verified);
    // Fuel is not counted unless it is reported, recorded or limited.
    let is_needed = args.report.has_fuel() || args.record.record.is_some();
    options.fuel = starting_fuel(&args.save, args.program.fuel, is_needed);
    let command = CommandState {
        entry: execution.entry.name.clone(),
        invoke: args.is_invocation(),
        results: args.results,
        args: args.program.args.clone(),
        granted: options.fuel,
        unknown_imports: args.program.imports.unknown(),
        ..CommandState::default()
    };
    let session = Session {
        execution: &execution,
        engine: &args.engine,
        report: &args.report,
        save: &args.save,
        record: &args.record,
        prints_results: args.results || args.is_invocation(),
        command,
    };
    session.run(options, Begin::Start, |module, options| {
        execution.instance_by(|imports, state| module.instantiate(imports, state, options))
    })
}

impl RunArgs {
    /// Returns whether the function is called with types of WebAssembly.
    fn is_invocation(&self) -> bool {
        #[cfg(feature = "wasm")]
        return self.program.invoke.is_some();
        #[cfg(not(feature = "wasm"))]
        false
    }
}

/// A run of a program, from its start or from where it was saved.
pub(crate) struct Session<'s> {
    pub(crate) execution: &'s Execution<'s>,
    pub(crate) engine: &'s EngineArgs,
    pub(crate) report: &'s ReportArgs,
    pub(crate) save: &'s SaveArgs,
    pub(crate) record: &'s RecordArgs,
    pub(crate) prints_results: bool,
    /// What the command saves of itself.
    pub(crate) command: CommandState,
}

impl<'s> Session<'s> {
    /// Loads the program, makes an instance with `make`, and runs it. The machine code counts fuel if `options.fuel` is
    /// not `None`.
    pub(crate) fn run(
        self,
        mut options: Options<'s>,
        begin: Begin,
        make: impl FnOnce(&Module<'s>, Options<'s>) -> Result<Instance<'s, State>>,
    ) -> Result<ExitCode> {
        let execution = self.execution;
        // A file has to be written completely.
        let is_recorded = self.record.record.is_some();
        let must_stop = execution.has_output_file() || self.save.save.is_some() || is_recorded;
        options.interrupt = interrupt::flag(must_stop).map(Into::into);
        let (module, loading) = module(self.engine, &options, &execution.loaded.path, &execution.verified)?;
        if !is_interruptible(&module) {
            if self.save.save.is_some() {
                let error = "--save: the code of --code does not poll the interrupt flag; compile it without --no-interrupt";
                return Err(message::render_text(error));
            }
            options.interrupt = None; // Ctrl-C ends the process, without reporting the location
        }
        let mut instance = make(&module, options)?;
        let engine = engine_name(&instance);
        let used_before = execution.fuel_used(&instance);

        let mut recorder = Recorder::begin(self.record, execution, &self.command, &mut instance)?;
        let saving = Saving::new(self.save, execution, self.command, &mut instance);
        let started = Instant::now();
        let driven =
            drive(execution, &mut instance, begin, saving).map_err(|error| message::render_text(&error))?;
        if let Some(recorder) = &mut recorder {
            interrupt::saving();
            recorder.end_log(&mut instance);
        }
        let time = started.elapsed();
        let failure = instance.state().sys.failure.clone();
        let mut ending = execution.ending(instance, driven.outcome);
        match driven.saved {
            Some(Ok(saved)) => ending.end.saved(saved.code, saved.note),
            Some(Err(error)) => ending.end.not_saved(&error),
            None => {}
        }
        let printed = if self.prints_results { ending.print_results() } else { Ok(()) };
        // Before the end is reported.
        if let Err(error) = printed.and_then(|()| ending.flush()) {
            ending.fail(&error);
        }
        if let Some(recorder) = recorder
            && let Err(error) = recorder.finish(&RunEnd { exit_code: ending.end.code, failure })
        {
            ending.end.not_saved(&error);
        }
        let reported =
            report(self.report, execution, &ending, &Measurements { engine, loading, time, used_before });
        if ending.end.code == 0 {
            reported?;
        }
        Ok(ExitCode::from(ending.end.code))
    }
}

/// Loads the program from this file, and returns the time this took.
pub(crate) fn module<'e>(
    args: &EngineArgs,
    options: &Options<'_>,
    path: &Path,
    verified: &'e Verified<'_>,
) -> Result<(Module<'e>, Duration)> {
    let started;
    let module = match &args.code {
        Some(code) => {
            started = Instant::now();
            object::load(code, verified)?
        }
        None => {
            let mut engine = engine(args.kind, options)?;
            if let Some(directory) = &args.cache {
                engine = object::with_cache(engine, directory)?;
            }
            started = Instant::now();
            let module = engine.load(verified);
            module.map_err(|error| files::refuse(path, &error))?
        }
    };
    Ok((module, started.elapsed()))
}

/// Creates the engine. Its machine code has the checks that are needed, and no others.
#[cfg(feature = "jit")]
fn engine(kind: EngineKind, options: &Options<'_>) -> Result<Engine> {
    let (fuel, interrupt) = (options.fuel.is_some(), options.interrupt.is_some());
    Engine::with_options(kind, CompileOptions { fuel, interrupt, ..CompileOptions::default() })
        .map_err(|error| message::render_text(&error.to_string()))
}

#[cfg(not(feature = "jit"))]
fn engine(kind: EngineKind, _: &Options<'_>) -> Result<Engine> {
    Engine::new(kind).map_err(|_| crate::feature::missing(&format!("run --engine {}", kind.name()), "jit"))
}

/// Returns the name of the engine of an instance.
#[cfg(feature = "jit")]
fn engine_name(instance: &Instance<'_, State>) -> &'static str {
    let tier = instance.native_code().map(|code| code.options().tier);
    let kind = match tier {
        None if instance.has_tiers() => EngineKind::Auto,
        None => EngineKind::Interpreter,
        Some(Tier::One) => EngineKind::Tier1,
        Some(Tier::Two) => EngineKind::Tier2,
    };
    kind.name()
}

/// Returns whether the code polls the interrupt flag. A code object may be compiled without.
#[cfg(feature = "jit")]
fn is_interruptible(module: &Module<'_>) -> bool {
    module.compiled().is_none_or(|compiled| compiled.code().options().interrupt)
}

#[cfg(not(feature = "jit"))]
fn is_interruptible(_: &Module<'_>) -> bool {
    true
}

#[cfg(not(feature = "jit"))]
fn engine_name(_: &Instance<'_, State>) -> &'static str {
    EngineKind::Interpreter.name()
}

/// The measurements of a run.
struct Measurements {
    engine: &'static str,
    /// The time that the engine took to load the program.
    loading: Duration,
    time: Duration,
    /// The fuel that was used before the program was saved.
    used_before: u64,
}

#[derive(Serialize)]
struct JsonLocation {
    function: u32,
    name: Option<String>,
    word: u32,
    file: Option<String>,
    line: Option<u32>,
}

#[derive(Serialize)]
struct JsonReport<'r> {
    outcome: &'r str,
    exit_code: u8,
    results: Vec<Bits>,
    message: Option<&'r str>,
    trap: Option<&'r str>,
    trap_code: Option<u32>,
    /// The call stack, innermost first.
    call_stack: Vec<JsonLocation>,
    engine: &'static str,
    fuel_used: u64,
    seconds: f64,
}

/// Reports on the error stream how the program ended.
fn report(args: &ReportArgs, execution: &Execution<'_>, ending: &Ending, ran: &Measurements) -> Result<()> {
    let Ending { end, fuel_used, .. } = ending;
    let Measurements { engine, loading, time, used_before } = ran;
    if args.json {
        let program = execution.verified.program();
        let report = JsonReport {
            outcome: end.outcome,
            exit_code: end.code,
            results: end.results.iter().copied().map(Bits).collect(),
            message: end.message.as_deref(),
            trap: end.trap.map(|trap| trap.name()),
            trap_code: match end.trap {
                Some(Trap::Explicit(code) | Trap::Host(code)) => Some(code),
                _ => None,
            },
            call_stack: ending.locations.iter().map(|location| json_location(program, *location)).collect(),
            engine,
            fuel_used: *fuel_used,
            seconds: time.as_secs_f64(),
        };
        let json =
            serde_json::to_string(&report).map_err(|error| message::render_text(&error.to_string()))?;
        return print_error(&(json + "\n"));
    }
    execution.explain(ending);
    if !args.stats {
        return Ok(());
    }
    let fuel_used = fuel_used.saturating_sub(*used_before);
    let nanoseconds = time.as_secs_f64() * 1e9 / fuel_used.max(1) as f64;
    let used = counted(fuel_used, "unit");
    let mut text = format!("{}: {used} of fuel in {time:.2?}, {nanoseconds:.2} ns each\n", end.outcome);
    text += &format!("engine: {engine}, ready after {loading:.2?}\n");
    if !end.results.is_empty() {
        text += &format!("results: {:?}\n", end.results);
    }
    print_error(&text)
}

fn json_location(program: &Program<'_>, location: Location) -> JsonLocation {
    let line = program.source_line_of(location);
    JsonLocation {
        function: location.function.0,
        name: program.function_name(location.function).map(str::to_owned),
        word: location.word,
        file: line.map(|(file, _)| file.to_owned()),
        line: line.map(|(_, line)| line),
    }
}
