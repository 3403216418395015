//! `vsp replay`.

use std::io::{self, BufWriter, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use vsp_core::index::Location;
use vsp_core::record::{LogEnd, LogSummary, ReplayError};
use vsp_core::verify::Verified;
use vsp_core::{Imports, Instance, Options, Outcome, Reason};
use vsp_host::echo::Echo;
use vsp_host::input::Input;
use vsp_host::sys::Sys;

use crate::cli::{EXIT_REFUSED, EngineArgs};
use crate::end::{End, HostError};
use crate::entry::Entry;
use crate::execution::output_error;
use crate::files::{self, Files, is_standard};
use crate::interrupt;
use crate::load::Loaded;
use crate::message;
use crate::program::UNLIMITED;
use crate::recording::{CheckedLog, Recording, RunEnd, refuse};
use crate::state::State;
use crate::translate::{Result, counted, ignore_broken_pipe, print_message};

const NOTES: &str = "\
Examples:
  vsp run examples/wc.sil --input README.md --record wc.vsr
  vsp replay wc.vsr
  vsp replay wc.vsr --quiet --engine interp
  vsp debug --replay wc.vsr

The program gets from the recording what the host functions did: no file is read or written, and what it \
writes to its output and its error stream is shown again.

Exit codes:
  0–255  the exit code of the recorded run, if the program did the same
  1      it did something else, or the recording is damaged or has no end; there is no note \"in the same state\" then
  2      wrong command line";

#[derive(Debug, Args)]
#[command(after_help = NOTES)]
pub(crate) struct ReplayArgs {
    /// The recording, a file of `vsp run --record`; `-` is the standard input.
    file: PathBuf,
    /// The program, if the recording has only its path and it is elsewhere; or its text, for messages with source
    /// lines.
    program: Option<PathBuf>,
    /// Do not show again what the program printed.
    #[arg(long, short)]
    quiet: bool,
    /// Write the output of the program to a file [default: `-`, the standard output].
    #[arg(long, short, value_name = "FILE", conflicts_with = "quiet")]
    output: Option<PathBuf>,
    #[command(flatten)]
    engine: EngineArgs,
}

pub(crate) fn replay(args: &ReplayArgs) -> Result<ExitCode> {
    let bytes = files::read(&args.file).map_err(|error| files::refuse(&args.file, &error))?;
    let recording = Recording::read(&args.file, &bytes)?;
    let loaded = recording.program(args.program.as_deref())?;
    let verified = loaded.verify().map_err(|error| message::render(&error))?;
    let log = recording.log(verified.program())?;
    let program = recording.program_args();
    let entry = Entry::new(&program, &verified)?;
    let imports = Imports::unavailable(verified.program()).map_err(|error| refuse(&loaded.path, &error))?;

    let interrupt = interrupt::flag(args.output.is_some()).map(Into::into);
    let options = Options { fuel: Some(UNLIMITED), interrupt, ..Options::default() };
    let (module, _) = crate::run::module(&args.engine, &options, &loaded.path, &verified)?;
    let (state, file) = args.state(&verified)?;
    let instance = module.restore(&imports, state, options, recording.state.snapshot());
    let mut instance = instance.map_err(|error| refuse(&args.file, &error))?;
    instance.replay(log.bytes).map_err(|error| refuse(&args.file, &error))?;
    observe(&mut instance);

    let call = recording.command.call as usize;
    let found = run(&mut instance, &entry, call, &log);
    let results = match found.last {
        Some(outcome) if recording.command.results || recording.command.invoke => {
            entry.results(&instance, &outcome).unwrap_or_else(|| plain_results(&outcome))
        }
        _ => Vec::new(),
    };
    let report = Report::new(&found, &log, &mut instance, &loaded, &verified);
    finish_output(&mut instance, &results, args.quiet, file)?;
    report.print(&loaded);
    Ok(ExitCode::from(report.code))
}

impl ReplayArgs {
    /// Creates the state of the host, and the file of the output, if one is named.
    fn state(&self, verified: &Verified<'_>) -> Result<(State, Option<files::Shared>)> {
        let file = match &self.output {
            Some(path) if !is_standard(path) => {
                let files = Files::default().reading(&self.file, "the recording");
                let mut files = match &self.program {
                    Some(program) => files.reading(program, "the program"),
                    None => files,
                };
                let output = files.create(path).map_err(|error| message::render_text(&error))?;
                Some(files::Shared::new(output))
            }
            _ => None,
        };
        let output: Box<dyn Write> = match (self.quiet, file.clone()) {
            (true, _) => Box::new(io::sink()),
            (false, Some(file)) => Box::new(BufWriter::new(file)),
            (false, None) => Box::new(BufWriter::new(io::stdout())),
        };
        let errors: Box<dyn Write> = if self.quiet { Box::new(io::sink()) } else { Box::new(io::stderr()) };
        Ok((replaying_state(verified, output, errors), file))
    }
}

/// Creates the state of a program that replays a log and prints to these streams.
pub(crate) fn replaying_state(
    verified: &Verified<'_>,
    output: Box<dyn Write>,
    errors: Box<dyn Write>,
) -> State {
    let nowhere = || Box::new(io::sink());
    let echo = Echo::new(verified.program(), output, errors);
    State { echo: Some(echo), ..State::new(Sys::new(Input::empty(), nowhere(), nowhere())) }
}

/// Lets the state of the host see the calls that are replayed.
pub(crate) fn observe(instance: &mut Instance<'_, State>) {
    instance.observe_replay(|state, call| {
        if let Some(echo) = &mut state.echo {
            echo.call(call);
        }
    });
}

/// What a replay came to.
struct Found {
    /// The outcome of the last call.
    last: Option<Outcome>,
    end: ReplayEnd,
}

enum ReplayEnd {
    /// The end of the log, in the same state.
    Same,
    /// The end of a log that has no end.
    Cut,
    Interrupted,
    Differs(ReplayError),
}

/// Runs a program to the end of its log, from a call of this number on.
fn run(instance: &mut Instance<'_, State>, entry: &Entry, mut call: usize, log: &CheckedLog<'_>) -> Found {
    let mut last = None;
    loop {
        let is_idle = instance.suspended().is_none();
        if is_idle {
            call += usize::from(last.is_some());
            if call == entry.last_call() {
                entry.pass_arguments(instance);
            }
        }
        last = match instance.replay_next() {
            Ok(Some(Outcome::Suspended(it))) if it.reason == Reason::Interrupted => {
                return Found { last: None, end: ReplayEnd::Interrupted };
            }
            Ok(Some(outcome)) => Some(outcome),
            Ok(None) => return Found { last, end: ReplayEnd::Same },
            Err(error) if is_cut(&error, &log.summary) => return Found { last, end: ReplayEnd::Cut },
            Err(error) => return Found { last: None, end: ReplayEnd::Differs(error) },
        };
    }
}

/// Returns whether a replay has come to the end of a log that has no end.
pub(crate) fn is_cut(error: &ReplayError, summary: &LogSummary) -> bool {
    let is_there = matches!(error, ReplayError::Damaged { offset, .. } if *offset == summary.bytes);
    is_there && summary.end == LogEnd::Missing
}

fn plain_results(outcome: &Outcome) -> Vec<String> {
    match outcome {
        Outcome::Returned(values) => values.iter().map(|value| (*value as i64).to_string()).collect(),
        Outcome::Halted(value) => vec![(*value as i64).to_string()],
        Outcome::Trapped(_) | Outcome::Suspended(_) => Vec::new(),
    }
}

/// Writes out the output of the program, and the results.
fn finish_output(
    instance: &mut Instance<'_, State>,
    results: &[String],
    is_quiet: bool,
    file: Option<files::Shared>,
) -> Result<()> {
    let Some(echo) = &mut instance.state_mut().echo else { return Ok(()) };
    let mut written = echo.finish();
    if !is_quiet {
        for result in results {
            let line = format!("{result}\n");
            written = written.and_then(|()| match &file {
                Some(file) => file.clone().write_all(line.as_bytes()),
                None => io::stdout().write_all(line.as_bytes()),
            });
        }
    }
    let finished = written.and_then(|()| file.map_or(Ok(()), |file| file.finish()));
    finished.or_else(ignore_broken_pipe).map_err(output_error)
}

/// Returns the end of the recorded program, as the recorded run described it.
pub(crate) fn recorded_end(
    outcome: Outcome,
    verified: &Verified<'_>,
    instance: &mut Instance<'_, State>,
    end: Option<&RunEnd>,
) -> End {
    let failure = end.and_then(|end| end.failure.clone());
    let echo = instance.state().echo.as_ref();
    let (chosen, status) = (echo.map_or(0, |echo| echo.exit_code), echo.and_then(|echo| echo.exit_status));
    let exit: Option<Box<HostError>> = status.map(crate::end::exit);
    let error = exit.or_else(|| instance.take_host_error());
    let mut described = End::new(outcome, verified, failure, chosen, error.as_deref());
    if let Some(end) = end {
        described.code = end.exit_code;
    }
    described
}

/// What is told about a replay.
struct Report {
    /// The message about the end of the program, or about a difference.
    message: Option<String>,
    /// The call stack, innermost first.
    locations: Vec<Location>,
    note: String,
    code: u8,
}

impl Report {
    fn new(
        found: &Found,
        log: &CheckedLog<'_>,
        instance: &mut Instance<'_, State>,
        loaded: &Loaded,
        verified: &Verified<'_>,
    ) -> Report {
        let calls = instance.log_position().map_or(0, |position| position.calls);
        let fuel = instance.logged_fuel().unwrap_or_default();
        let done = format!("{} and {} of fuel", counted(calls, "host call"), counted(fuel, "unit"));
        let locations: Vec<Location> = instance.call_stack().collect();
        match &found.end {
            ReplayEnd::Same => {
                let end = found.last.map(|last| recorded_end(last, verified, instance, log.end.as_ref()));
                let is_stopped = matches!(log.summary.end, LogEnd::Stopped { .. } | LogEnd::Unknown);
                let how = match &end {
                    _ if is_stopped => stopped(&locations, loaded),
                    Some(end) => format!("the program {}", end.outcome),
                    None => "the program was not called".to_owned(),
                };
                let state = match log.summary.end {
                    LogEnd::Unknown => "how far the recorded one ran is not known",
                    _ => "in the same state as the recorded one",
                };
                let exit_code = log.end.as_ref().map_or(0, |end| end.exit_code);
                let note = format!("replayed {done}: {how}, {state}; exit code {exit_code}");
                let message = end.filter(|_| !is_stopped).and_then(|end| end.message);
                Report { message, locations, note, code: exit_code }
            }
            ReplayEnd::Cut => {
                let how = stopped(&locations, loaded);
                let message = format!(
                    "the recording has no end: the process that wrote it was ended, or the rest is lost; {how}"
                );
                let note = format!("replayed {done}, which is all that was recorded");
                Report { message: Some(message), locations, note, code: EXIT_REFUSED }
            }
            ReplayEnd::Interrupted => {
                let note = format!("replayed {done} so far");
                let message = Some("interrupted".to_owned());
                Report { message, locations, note, code: interrupt::exit_code() }
            }
            ReplayEnd::Differs(error) => {
                let message = difference(error);
                let note = format!("replayed {done}, up to the difference");
                Report { message: Some(message), locations, note, code: EXIT_REFUSED }
            }
        }
    }

    fn print(&self, loaded: &Loaded) {
        if let Some(message) = &self.message {
            print_message(&message::render_stop(loaded, message, &self.locations));
        }
        print_message(&message::render_note(&self.note));
    }
}

/// Describes where a program is stopped.
fn stopped(locations: &[Location], loaded: &Loaded) -> String {
    match locations.first() {
        Some(location) => format!("the program was at {}", location.display(&loaded.program)),
        None => "the program was between two calls".to_owned(),
    }
}

/// Describes a difference between a program and its recording.
pub(crate) fn difference(error: &ReplayError) -> String {
    match error {
        ReplayError::Differs { calls, fuel, expected, found, .. } => {
            let used =
                fuel.map_or_else(String::new, |fuel| format!(", after {} of fuel", counted(fuel, "unit")));
            format!(
                "the program differs from the recording at host call number {}{used}: the recording has {expected}, \
                 and the program {found}",
                calls + 1
            )
        }
        ReplayError::End { log, instance } => format!(
            "the program ends in another state than the recorded one: its digest is 0x{instance:08X}, and that of the \
             recording 0x{log:08X}"
        ),
        other => format!("the recording cannot be replayed: {other}"),
    }
}
