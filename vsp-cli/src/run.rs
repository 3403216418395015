//! `vsp run`.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use serde::Serialize;
use vsp_core::index::Location;
use vsp_core::program::Program;
use vsp_core::{Instance, Options, Trap};
use vsp_host::engine::{Engine, EngineKind, Module};
#[cfg(feature = "jit")]
use vsp_host::native::{CompileOptions, Tier};

use crate::cli::RunArgs;
use crate::execution::{Ending, Execution};
use crate::files;
use crate::interrupt;
use crate::message;
use crate::object;
use crate::state::State;
use crate::translate::{Result, counted, print_error};
use crate::value::Bits;

pub(crate) fn run(args: &RunArgs) -> Result<ExitCode> {
    let execution = Execution::new(&args.program)?;
    if let Some(code) = &args.code {
        execution.reading(code, "the code object");
    }
    let mut options = args.program.options(&execution.verified);
    // A file has to be written completely.
    options.interrupt = interrupt::flag(args.program.output.is_some()).map(Into::into);
    if args.program.fuel.is_none() && !args.stats && !args.json {
        // Fuel is not counted unless it is reported or limited.
        options.fuel = None;
    }
    let (module, loading) = module(args, &options, &execution)?;
    if !is_interruptible(&module) {
        options.interrupt = None; // Ctrl-C ends the process, without reporting the location
    }
    let mut instance = execution.instance_by(|imports, state| module.instantiate(imports, state, options))?;
    let engine = engine_name(&instance);

    let started = Instant::now();
    let prepared = execution.entry.prepare(&mut instance).map_err(|error| message::render_text(&error))?;
    let outcome = match prepared {
        Some(ended) => Ok(ended),
        None => instance.call(execution.entry.function, &execution.entry.values),
    };
    let time = started.elapsed();
    let outcome = outcome.map_err(|error| message::render_text(&error.to_string()))?;
    let mut ending = execution.ending(instance, outcome);
    let printed = if args.prints_results() { ending.print_results() } else { Ok(()) };
    // Before the end is reported.
    if let Err(error) = printed.and_then(|()| ending.flush()) {
        ending.fail(&error);
    }
    let reported = report(args, &execution, &ending, &Measurements { engine, loading, time });
    if ending.end.code == 0 {
        reported?;
    }
    Ok(ExitCode::from(ending.end.code))
}

impl RunArgs {
    fn prints_results(&self) -> bool {
        #[cfg(feature = "wasm")]
        if self.program.invoke.is_some() {
            return true;
        }
        self.results
    }
}

/// Loads the program, and returns the time this took.
fn module<'e>(
    args: &RunArgs,
    options: &Options<'_>,
    execution: &'e Execution<'_>,
) -> Result<(Module<'e>, Duration)> {
    let started;
    let module = match &args.code {
        Some(code) => {
            started = Instant::now();
            object::load(code, &execution.verified)?
        }
        None => {
            let mut engine = engine(args.engine, options)?;
            if let Some(directory) = &args.cache {
                engine = object::with_cache(engine, directory)?;
            }
            started = Instant::now();
            let module = engine.load(&execution.verified);
            module.map_err(|error| files::refuse(&args.program.file, &error))?
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
fn report(args: &RunArgs, execution: &Execution<'_>, ending: &Ending, ran: &Measurements) -> Result<()> {
    let Ending { end, fuel_used, .. } = ending;
    let Measurements { engine, loading, time } = ran;
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
    let nanoseconds = time.as_secs_f64() * 1e9 / (*fuel_used).max(1) as f64;
    let used = counted(*fuel_used, "unit");
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
