//! `vsp run`.

use std::fs::File;
use std::io::{self, BufReader, BufWriter, Write};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use serde::Serialize;
use vsp_core::index::{FuncIndex, Place};
use vsp_core::program::Program;
use vsp_core::verify::Verified;
use vsp_core::{Instance, Options, Outcome, Reason, Trap};
use vsp_host::sys::{self, Sys, SysError};
use vsp_host::{load, message};

use crate::cli::{EXIT_REFUSED, EXIT_SUSPENDED, EXIT_TRAP, RunArgs};
use crate::translate::Result;

/// What the interpreter is given if there is no limit: the fuel that was used is then counted all the same.
const UNLIMITED: u64 = i64::MAX as u64;

pub(crate) fn run(args: &RunArgs) -> Result<ExitCode> {
    let loaded = load::load(&args.file).map_err(|error| message::render(&error))?;
    let verified = loaded.verify().map_err(|error| message::render(&error))?;
    let (entry, values) = entry(args, &verified).map_err(|error| message::render_text(&error))?;
    let imports = sys::imports().map_err(|error| message::render_text(&error.to_string()))?;
    let state = state(args, values.is_empty()).map_err(|error| message::render_text(&error))?;
    let fuel = args.fuel.unwrap_or(UNLIMITED);
    let options = Options { memory: args.memory, stack_cells: args.stack, fuel: Some(fuel), interrupt: None };
    let mut instance = Instance::new(&verified, &imports, state, options)
        .map_err(|error| message::render_text(&format!("{}: {error}", args.file.display())))?;

    let started = Instant::now();
    let outcome = instance.call(entry, &values).map_err(|error| message::render_text(&error.to_string()))?;
    let time = started.elapsed();
    let fuel_used = fuel.min(UNLIMITED).saturating_add_signed(-instance.fuel().unwrap_or(0));

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
    report(args, &end, verified.program(), &places, fuel_used, time);
    if end.code != EXIT_TRAP {
        flushed.or_else(ignore_broken_pipe).map_err(output_error)?;
    }
    Ok(ExitCode::from(end.code))
}

fn output_error(error: io::Error) -> String {
    message::render_text(&format!("the output: {error}"))
}

/// A reader that has seen enough is no error.
fn ignore_broken_pipe(error: io::Error) -> io::Result<()> {
    if error.kind() == io::ErrorKind::BrokenPipe { Ok(()) } else { Err(error) }
}

/// The function to call, and its arguments.
fn entry(args: &RunArgs, program: &Verified<'_>) -> std::result::Result<(FuncIndex, Vec<u64>), String> {
    let Some(entry) = program.export(&args.entry) else {
        let names: Vec<&str> = program.program().exports().map(|export| export.name).collect();
        let exports = if names.is_empty() { "nothing".to_owned() } else { names.join(", ") };
        return Err(format!("{} exports no \"{}\"; it exports {exports}", args.file.display(), args.entry));
    };
    let params = program.function(entry).map_or(0, |function| function.ty.params());
    if params == 0 {
        return Ok((entry, Vec::new()));
    }
    if params != args.args.len() {
        return Err(format!("{} takes {params} arguments, and {} were given", args.entry, args.args.len()));
    }
    let values = args.args.iter().map(|text| {
        sys::parse_integer(text)
            .or_else(|| text.parse::<f64>().ok().map(f64::to_bits))
            .ok_or_else(|| format!("the argument \"{text}\" is no number"))
    });
    Ok((entry, values.collect::<std::result::Result<_, _>>()?))
}

fn state(args: &RunArgs, pass_args: bool) -> std::result::Result<Sys, String> {
    let input: Box<dyn io::BufRead> = match &args.input {
        Some(path) => match File::open(path) {
            Ok(file) => Box::new(BufReader::new(file)),
            Err(error) => return Err(format!("{}: {error}", path.display())),
        },
        None => Box::new(io::stdin().lock()),
    };
    let output: Box<dyn Write> = match &args.output {
        Some(path) => match File::create(path) {
            Ok(file) => Box::new(BufWriter::new(file)),
            Err(error) => return Err(format!("{}: {error}", path.display())),
        },
        None => Box::new(BufWriter::new(io::stdout().lock())),
    };
    let input_name = args.input.as_ref().map_or_else(|| "-".to_owned(), |path| path.display().to_string());
    let args = if pass_args { args.args.clone() } else { Vec::new() };
    let errors = Box::new(io::stderr());
    Ok(Sys { input, input_name, output, errors, args, exit_code: 0, failure: None })
}

/// How the program ended.
struct End {
    outcome: &'static str,
    /// What to tell the user; `None` if all went well.
    message: Option<String>,
    trap: Option<Trap>,
    results: Vec<u64>,
    code: u8,
}

impl End {
    fn new(outcome: Outcome, program: &Program<'_>, failure: Option<String>, chosen: u8) -> End {
        let end = |outcome, message, code| End { outcome, message, trap: None, results: Vec::new(), code };
        match outcome {
            Outcome::Returned(values) => End { results: values.to_vec(), ..end("returned", None, chosen) },
            Outcome::Halted(value) => End { results: vec![value], ..end("halted", None, chosen) },
            Outcome::Suspended(suspension) => {
                let why = match suspension.reason {
                    Reason::Fuel => "the fuel is used up".to_owned(),
                    Reason::Interrupted => "interrupted".to_owned(),
                    Reason::Yield(value) => format!("the program yields {value}, and nobody resumes it"),
                    Reason::Pending(_) => "a host function is pending".to_owned(),
                };
                end("suspended", Some(why), EXIT_SUSPENDED)
            }
            // Whoever read the output has seen enough.
            Outcome::Trapped(stop) if is_broken_pipe(stop.trap, failure.as_deref()) => {
                end("trapped", None, EXIT_REFUSED)
            }
            Outcome::Trapped(stop) => {
                let message = match stop.trap {
                    Trap::Host(code) => host_message(program, stop.place, code, failure),
                    other => format!("trap: {other}"),
                };
                End { trap: Some(stop.trap), ..end("trapped", Some(message), EXIT_TRAP) }
            }
        }
    }
}

fn is_broken_pipe(trap: Trap, failure: Option<&str>) -> bool {
    let broken = io::Error::from_raw_os_error(BROKEN_PIPE).to_string();
    trap == Trap::Host(SysError::Write as u32) && failure == Some(&broken)
}

/// EPIPE, on all systems this runs on.
const BROKEN_PIPE: i32 = 32;

fn host_message(program: &Program<'_>, place: Place, code: u32, failure: Option<String>) -> String {
    let import = called_import(program, place).unwrap_or_else(|| "a host function".to_owned());
    let reason = SysError::from_code(code).map_or_else(|| format!("error {code}"), |error| error.to_string());
    match failure {
        Some(failure) => format!("trap: {import} failed: {reason}: {failure}"),
        None => format!("trap: {import} failed: {reason}"),
    }
}

/// The import that the SYSCALL at a place calls.
fn called_import(program: &Program<'_>, place: Place) -> Option<String> {
    let start: u32 = program.functions().take(place.function.index()).map(|decl| decl.words).sum();
    let word = program.code().get((start + place.word) as usize)?;
    let inst = vsp_core::isa::Inst::decode(u32::from_le_bytes(*word)).ok()?;
    let index = inst.value_of(vsp_core::isa::Role::Import)?;
    let import = program.imports().nth(index as usize)?;
    Some(format!("{}.{}", import.module, import.name))
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
    fuel_used: u64,
    seconds: f64,
}

fn report(
    args: &RunArgs,
    end: &End,
    program: &Program<'_>,
    places: &[Place],
    fuel_used: u64,
    time: Duration,
) {
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
            fuel_used,
            seconds: time.as_secs_f64(),
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
        let nanoseconds = time.as_secs_f64() * 1e9 / fuel_used.max(1) as f64;
        eprintln!("{}: {fuel_used} units of fuel in {time:.2?}, {nanoseconds:.2} ns each", end.outcome);
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
