//! `vsp profile`.

#[cfg(feature = "flamegraph")]
mod flame;
mod recorder;
mod report;

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use vsp_host::number;

use crate::cli::{EXIT_USAGE, RUN_EXIT_CODES};
use crate::code::Code;
use crate::execution::{Execution, output_error};
use crate::files::Output;
use crate::message;
use crate::program::ProgramArgs;
use crate::translate::{Result, ignore_broken_pipe, print_error, print_message};
use recorder::{MAX_DEPTH, MAX_NODES, Recorder};
use report::Report;

const NOTES: &str = "\
Examples:
  vsp profile examples/fib.sil 20
  vsp profile examples/sha256.sil --input README.md --flame sha256.svg --lines
  vsp profile --json --to profile.json examples/sieve.sil

It counts executed instructions, so results are reproducible. `self` counts the instructions of a function \
itself, `total` includes its callees.";

#[derive(Debug, Args)]
#[command(after_help = format!("{NOTES}\n\n{RUN_EXIT_CODES}"))]
pub(crate) struct ProfileArgs {
    #[command(flatten)]
    program: ProgramArgs,
    /// Draw a flame graph, as SVG for a web browser.
    #[arg(long, value_name = "FILE")]
    flame: Option<PathBuf>,
    /// Count call stacks by source line, too, in the flame graph or the JSON; needs --flame or --json.
    #[arg(long)]
    lines: bool,
    /// Show the N functions and lines with the most instructions; 0 for all.
    #[arg(long, value_name = "N", default_value = "20", value_parser = number::count)]
    top: u64,
    /// The output file; `-` is the standard output [default: the error stream].
    #[arg(long, value_name = "FILE")]
    to: Option<PathBuf>,
    /// Write all functions, lines and call stacks as JSON.
    #[arg(long)]
    json: bool,
}

pub(crate) fn profile(args: &ProfileArgs) -> Result<ExitCode> {
    let refuse = |error: String| message::render_text(&error);
    if args.lines && args.flame.is_none() && !args.json {
        let what = "--lines counts call stacks by source line, which only --flame and --json show";
        let help = "without it, there is a table of source lines, too";
        print_message(&message::render_help(what, &[help.to_owned()]));
        return Ok(ExitCode::from(EXIT_USAGE));
    }
    let execution = Execution::new(&args.program)?;
    let code = Code::new(&execution.verified, &execution.loaded.path, execution.loaded.text.as_deref());
    // Before the program runs, so that a long run is not wasted.
    let to = args.to.as_deref().map(|path| execution.create(path)).transpose()?;
    #[cfg(not(feature = "flamegraph"))]
    if args.flame.is_some() {
        return Err(crate::feature::missing("profile --flame", "flamegraph"));
    }
    #[cfg(feature = "flamegraph")]
    let flame = args.flame.as_deref().map(|path| execution.create(path)).transpose()?;
    let mut recorder = Recorder::new(&execution.verified, args.lines.then(|| code.lines_of_words()));
    let mut instance = execution.instance()?;
    let begun = match execution.entry.prepare(&mut instance).map_err(refuse)? {
        Some(ended) => Ok(Some(ended)),
        None => instance.begin(execution.entry.function, &execution.entry.values),
    };
    let outcome = match begun.map_err(|error| refuse(error.to_string()))? {
        Some(outcome) => Some(outcome),
        None => {
            instance.next_location().into_iter().for_each(|location| recorder.record(location));
            let stepped = instance.step_until(u64::MAX, |location| {
                recorder.record(location);
                false
            });
            stepped.map_err(|error| refuse(error.to_string()))?
        }
    };
    let Some(outcome) = outcome else { return Err(refuse("the program has not ended".to_owned())) };
    let mut ending = execution.ending(instance, outcome);
    let flushed = ending.flush().map_err(output_error);
    execution.explain(&ending);

    let recording = recorder.finish();
    let report = Report::new(&recording, &code, &ending);
    let text = if args.json {
        serde_json::to_string_pretty(&report).map_err(|error| refuse(error.to_string()))? + "\n"
    } else {
        report.text(&code, usize::try_from(args.top).unwrap_or(usize::MAX))
    };
    match to {
        Some(file) => {
            let plain = anstream::adapter::strip_str(&text).to_string();
            write(file, &plain).map_err(|error| refuse(format!("the profile: {error}")))?;
        }
        None => print_error(&text)?,
    }
    #[cfg(feature = "flamegraph")]
    if let Some(file) = flame {
        let name = args.program.file.file_name().unwrap_or_default().to_string_lossy();
        let drawing =
            flame::draw(&report, &name).map_err(|error| refuse(format!("the flame graph: {error}")))?;
        write(file, &drawing).map_err(|error| refuse(format!("the flame graph: {error}")))?;
    }
    if recording.is_cut {
        let what = format!(
            "calls deeper than {MAX_DEPTH}, or more different call stacks than {MAX_NODES}: their instructions count \
             for the calls above them in the call stacks; functions and lines are exact"
        );
        print_message(&message::render_note(&what));
    }
    flushed?;
    Ok(ExitCode::from(ending.end.code))
}

/// Writes a whole output. A reader that has seen enough is not an error.
fn write(mut file: Output, text: &str) -> io::Result<()> {
    file.write_all(text.as_bytes()).and_then(|()| file.finish()).or_else(ignore_broken_pipe)
}
