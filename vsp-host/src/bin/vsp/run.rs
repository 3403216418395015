//! `vsp run`.

use std::io::{self, BufWriter, Write};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use serde::Serialize;
use vsp_core::index::Place;
use vsp_core::program::Program;
use vsp_core::{Instance, Options, Trap};
use vsp_host::engine::{Engine, EngineError, EngineKind};
#[cfg(feature = "jit")]
use vsp_host::native::{CompileOptions, Tier};
use vsp_host::sys::Sys;
use vsp_host::{load, message, sys};

use crate::cli::{EXIT_TRAP, RunArgs};
use crate::end::End;
use crate::program::UNLIMITED;
use crate::translate::Result;

pub(crate) fn run(args: &RunArgs) -> Result<ExitCode> {
    let loaded = load::load(&args.program.file).map_err(|error| message::render(&error))?;
    let verified = loaded.verify().map_err(|error| message::render(&error))?;
    let refuse = |error: String| message::render_text(&error);
    let (entry, values) = args.program.entry(&verified).map_err(refuse)?;
    let imports = sys::imports().map_err(|error| message::render_text(&error.to_string()))?;
    let input = args.program.input_file().map_err(refuse)?;
    let input = input.unwrap_or_else(|| Box::new(io::stdin().lock()));
    let output = args.program.output_file().map_err(refuse)?;
    let output = output.unwrap_or_else(|| Box::new(BufWriter::new(io::stdout().lock())));
    let state = args.program.state(values.is_empty(), input, output);
    let mut options = args.program.options();
    if args.program.fuel.is_none() && !args.stats && !args.json {
        // Nobody asks how much was used.
        options.fuel = None;
    }
    let fuel = options.fuel.unwrap_or_default();
    let mut engine = engine(args.engine, &options).map_err(|error| refuse(error.to_string()))?;
    let started = Instant::now();
    let module = engine.load(&verified);
    let loading = started.elapsed();
    let mut instance = module
        .and_then(|module| module.instantiate(&imports, state, options))
        .map_err(|error| refuse(format!("{}: {error}", args.program.file.display())))?;

    let started = Instant::now();
    let outcome = instance.call(entry, &values).map_err(|error| message::render_text(&error.to_string()))?;
    let time = started.elapsed();
    let fuel_used = fuel.min(UNLIMITED).saturating_add_signed(-instance.fuel().unwrap_or(0));
    let ran = Ran { engine: engine_name(&instance), loading, time, fuel_used };

    let places: Vec<Place> = instance.call_stack().collect();
    let mut sys = instance.into_state();
    let (failure, chosen) = (sys.failure.take(), sys.exit_code);
    let end = End::new(outcome, verified.program(), failure, chosen);
    if args.results {
        for result in &end.results {
            writeln!(sys.output, "{}", *result as i64).map_err(output_error)?;
        }
    }
    let flushed = sys.output.flush();
    report(args, &end, verified.program(), &places, &ran);
    if end.code != EXIT_TRAP {
        flushed.or_else(ignore_broken_pipe).map_err(output_error)?;
    }
    Ok(ExitCode::from(end.code))
}

/// What makes the program ready to run. Machine code of it has what it needs, and no more.
#[cfg(feature = "jit")]
fn engine(kind: EngineKind, options: &Options<'_>) -> std::result::Result<Engine, EngineError> {
    let (fuel, interrupt) = (options.fuel.is_some(), options.interrupt.is_some());
    Engine::with_options(kind, CompileOptions { fuel, interrupt, ..CompileOptions::default() })
}

#[cfg(not(feature = "jit"))]
fn engine(kind: EngineKind, _: &Options<'_>) -> std::result::Result<Engine, EngineError> {
    Engine::new(kind)
}

/// What runs an instance.
#[cfg(feature = "jit")]
fn engine_name(instance: &Instance<'_, Sys>) -> &'static str {
    let tier = instance.native_code().map(|code| code.options().tier);
    let kind = match tier {
        None => EngineKind::Interpreter,
        Some(Tier::One) => EngineKind::Tier1,
        Some(Tier::Two) => EngineKind::Tier2,
    };
    kind.name()
}

#[cfg(not(feature = "jit"))]
fn engine_name(_: &Instance<'_, Sys>) -> &'static str {
    EngineKind::Interpreter.name()
}

/// How the program ran.
struct Ran {
    engine: &'static str,
    /// The time that the engine took to make the program ready.
    loading: Duration,
    time: Duration,
    fuel_used: u64,
}

fn output_error(error: io::Error) -> String {
    message::render_text(&format!("the output: {error}"))
}

/// A reader that has seen enough is no error.
fn ignore_broken_pipe(error: io::Error) -> io::Result<()> {
    if error.kind() == io::ErrorKind::BrokenPipe { Ok(()) } else { Err(error) }
}

#[derive(Serialize)]
struct JsonPlace {
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
    results: &'r [u64],
    message: Option<&'r str>,
    trap: Option<&'r str>,
    trap_code: Option<u32>,
    /// Innermost first.
    call_stack: Vec<JsonPlace>,
    engine: &'static str,
    fuel_used: u64,
    seconds: f64,
}

fn report(args: &RunArgs, end: &End, program: &Program<'_>, places: &[Place], ran: &Ran) {
    if args.json {
        let report = JsonReport {
            outcome: end.outcome,
            exit_code: end.code,
            results: &end.results,
            message: end.message.as_deref(),
            trap: end.trap.map(|trap| trap.name()),
            trap_code: match end.trap {
                Some(Trap::Explicit(code) | Trap::Host(code)) => Some(code),
                _ => None,
            },
            call_stack: places.iter().map(|place| json_place(program, *place)).collect(),
            engine: ran.engine,
            fuel_used: ran.fuel_used,
            seconds: ran.time.as_secs_f64(),
        };
        match serde_json::to_string(&report) {
            Ok(json) => eprintln!("{json}"),
            Err(error) => eprintln!("{error}"),
        }
        return;
    }
    if let Some(message) = &end.message {
        anstream::eprintln!("{}", message::render_stop(program, message, places));
    }
    if args.stats {
        let Ran { engine, loading, time, fuel_used } = ran;
        let nanoseconds = time.as_secs_f64() * 1e9 / (*fuel_used).max(1) as f64;
        eprintln!("{}: {fuel_used} units of fuel in {time:.2?}, {nanoseconds:.2} ns each", end.outcome);
        eprintln!("engine: {engine}, ready after {loading:.2?}");
        eprintln!("results: {:?}", end.results);
    }
}

fn json_place(program: &Program<'_>, place: Place) -> JsonPlace {
    let line = program.source_line_of(place);
    JsonPlace {
        function: place.function.0,
        name: program.function_name(place.function).map(str::to_owned),
        word: place.word,
        file: line.map(|(file, _)| file.to_owned()),
        line: line.map(|(_, line)| line),
    }
}
