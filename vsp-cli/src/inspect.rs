//! `vsp state`.

mod contents;
mod difference;
mod host;
mod recording;

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use serde::Serialize;
use vsp_core::state_file::StateFile;

use crate::files;
use crate::message;
use crate::recording::MAGIC;
use crate::resume::{Origin, program_of};
use crate::style::{self, LOCATION, TITLE, paint};
use crate::translate::{Result, counted, grouped, print};
use crate::value::short;
use contents::{Contents, Frame, Reason, Register};

/// The most frames that are shown in full.
const MAX_FRAMES: usize = 64;

/// Width of the lines with registers in columns.
const COLUMNS: usize = 90;

/// The most ranges of memory and globals that are listed.
const MAX_LISTED: usize = 32;

const NOTES: &str = "\
Examples:
  vsp state m.vss
  vsp state --json m.vss | jq '.frames[0]'
  vsp state --diff before.vss after.vss
  vsp state run.vsr

Exit codes: 0, 1 if a file is neither a state file nor a recording, or is damaged, 2 for a wrong command line.";

#[derive(Debug, Args)]
#[command(after_help = NOTES)]
pub(crate) struct StateArgs {
    /// A state file of `vsp run --save`, or a recording of `vsp run --record`; `-` is the standard input. With --diff it
    /// is the later state.
    file: PathBuf,
    /// The program, if the file has only its path and it is elsewhere.
    #[arg(long, value_name = "FILE")]
    program: Option<PathBuf>,
    /// Show what has changed since this earlier state of the same program.
    #[arg(long, value_name = "EARLIER")]
    diff: Option<PathBuf>,
    /// Write it as JSON.
    #[arg(long)]
    json: bool,
}

pub(crate) fn state(args: &StateArgs) -> Result<ExitCode> {
    // `--diff A B` reads as the options of other commands do: A is the older one.
    let (file, later) = match &args.diff {
        Some(first) => (first, Some(&args.file)),
        None => (&args.file, None),
    };
    let bytes = read(file)?;
    if bytes.starts_with(&MAGIC) && later.is_none() {
        return recording::show(args, file, &bytes);
    }
    let one = parse(file, &bytes)?;
    let Some(later) = later else {
        let contents = contents(args, file, &one, bytes.len())?;
        if args.json {
            json(&contents)?;
        } else {
            style::print(&text(&contents))?;
        }
        return Ok(ExitCode::SUCCESS);
    };
    let later_bytes = read(later)?;
    let other = parse(later, &later_bytes)?;
    let before = contents(args, file, &one, bytes.len())?;
    let after = contents(args, later, &other, later_bytes.len())?;
    let found = difference::between((&before, &one), (&after, &other))
        .map_err(|error| files::refuse(later, &error))?;
    if args.json {
        json(&found)?;
    } else {
        style::print(&found.text())?;
    }
    Ok(ExitCode::SUCCESS)
}

fn read(path: &Path) -> Result<Vec<u8>> {
    files::read(path).map_err(|error| files::refuse(path, &error))
}

fn parse<'b>(path: &Path, bytes: &'b [u8]) -> Result<StateFile<'b>> {
    StateFile::read(bytes).map_err(|error| files::refuse(path, &error))
}

fn contents(args: &StateArgs, path: &Path, file: &StateFile<'_>, bytes: usize) -> Result<Contents> {
    let loaded = program_of(file, path, args.program.as_deref(), Origin::State)?;
    let verified = loaded.verify().map_err(|error| message::render(&error))?;
    Contents::new(path, file, bytes, &loaded, &verified).map_err(|error| files::refuse(path, &error))
}

fn json(contents: &impl Serialize) -> Result<()> {
    let json = serde_json::to_string_pretty(contents);
    print(&json.map_err(|error| message::render_text(&error.to_string()))?)?;
    print("\n")
}

fn text(contents: &Contents) -> String {
    let mut out = String::new();
    // Writing to a string cannot fail.
    let _ = head(&mut out, contents)
        .and_then(|()| frames(&mut out, contents))
        .and_then(|()| globals(&mut out, contents))
        .and_then(|()| memory(&mut out, contents))
        .and_then(|()| host(&mut out, contents));
    out
}

fn head(out: &mut String, contents: &Contents) -> std::fmt::Result {
    let Contents { file, format, bytes, program, .. } = contents;
    writeln!(out, "{}: state file {format}, {}", paint(TITLE, file), counted(*bytes as u64, "byte"))?;
    let place = if program.is_in_file { "in the file" } else { "not in the file" };
    let size = counted(program.bytes.into(), "byte");
    let name = if program.path.is_empty() { "(without a path)" } else { &program.path };
    writeln!(out, "  program  {name}, {size}, CRC-32 0x{:08X}, {place}", program.checksum)?;
    writeln!(out, "  stopped  {}", reason(contents))?;
    let fuel = match (contents.fuel_used, contents.fuel_left) {
        (Some(used), Some(left)) => format!("{} used, {} left", grouped(used), signed(left)),
        (Some(used), None) => format!("{} used, no limit", grouped(used)),
        (None, Some(left)) => format!("{} left", signed(left)),
        (None, None) => "not counted".to_owned(),
    };
    writeln!(out, "  fuel     {fuel}")?;
    let stack = counted(contents.stack_cells.into(), "cell");
    writeln!(out, "  stack    {stack}, {}", counted(contents.frames.len() as u64, "frame"))?;
    let used: u64 = contents.memory.iter().map(|range| range.bytes).sum();
    let grows = contents.memory_maximum.map(|maximum| format!(", can grow to {}", grouped(maximum)));
    let size = counted(contents.memory_bytes, "byte");
    writeln!(out, "  memory   {size}{}; {} not zero", grows.unwrap_or_default(), grouped(used))
}

fn signed(number: i64) -> String {
    let sign = if number < 0 { "-" } else { "" };
    format!("{sign}{}", grouped(number.unsigned_abs()))
}

fn reason(contents: &Contents) -> String {
    match contents.reason {
        Reason::Fuel if contents.fuel_left.is_some_and(|left| left <= 0) => "the fuel is used up".to_owned(),
        Reason::Fuel => "at a chosen count of fuel".to_owned(),
        Reason::Idle => "between two calls".to_owned(),
        Reason::Stepping => "between two instructions".to_owned(),
        Reason::Interrupted => "interrupted".to_owned(),
        Reason::Yield { value } => format!("it yields {}, and waits for an answer", value.0),
        Reason::Pending { import } => format!("it waits for import ${import}"),
    }
}

fn frames(out: &mut String, contents: &Contents) -> std::fmt::Result {
    writeln!(out, "\n{}: {}, innermost first", paint(TITLE, "frames"), contents.frames.len())?;
    for frame in contents.frames.iter().take(MAX_FRAMES) {
        frame_text(out, frame)?;
    }
    match contents.frames.len().saturating_sub(MAX_FRAMES) {
        0 => Ok(()),
        more => writeln!(out, "  and {more} more"),
    }
}

fn frame_text(out: &mut String, frame: &Frame) -> std::fmt::Result {
    writeln!(out, "  {}", paint(LOCATION, &frame.described))?;
    if let Some(line) = &frame.text {
        writeln!(out, "      {line}")?;
    }
    registers(&frame.live).iter().try_for_each(|line| writeln!(out, "      {line}"))
}

/// Returns lines with the registers and their values.
fn registers(live: &[Register]) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for (number, register) in live.iter().enumerate() {
        let comma = if number + 1 < live.len() { "," } else { "" };
        let shown = format!("{} = {}{comma}", register.name, short(register.value.0));
        match lines.last_mut().filter(|line| line.len() + shown.len() < COLUMNS) {
            Some(line) => *line += &format!(" {shown}"),
            None => lines.push(shown),
        }
    }
    lines
}

fn globals(out: &mut String, contents: &Contents) -> std::fmt::Result {
    let shown: Vec<_> = contents.globals.iter().filter(|global| global.value.0 != 0).collect();
    if contents.globals.is_empty() {
        return Ok(());
    }
    writeln!(
        out,
        "\n{}: {}, of which {} not 0",
        paint(TITLE, "globals"),
        contents.globals.len(),
        shown.len()
    )?;
    for global in shown.iter().take(MAX_LISTED) {
        writeln!(out, "  {} = {}", global.name, short(global.value.0))?;
    }
    more(out, shown.len())
}

fn memory(out: &mut String, contents: &Contents) -> std::fmt::Result {
    if contents.memory.is_empty() {
        return Ok(());
    }
    let ranges = counted(contents.memory.len() as u64, "range");
    writeln!(out, "\n{}: {ranges} with bytes that are not 0", paint(TITLE, "memory"))?;
    for range in contents.memory.iter().take(MAX_LISTED) {
        let (start, end) = (range.address, range.address + range.bytes - 1);
        writeln!(out, "  0x{start:08x} to 0x{end:08x}, {}", counted(range.bytes, "byte"))?;
    }
    more(out, contents.memory.len())
}

fn more(out: &mut String, count: usize) -> std::fmt::Result {
    match count.saturating_sub(MAX_LISTED) {
        0 => Ok(()),
        more => writeln!(out, "  and {more} more"),
    }
}

fn host(out: &mut String, contents: &Contents) -> std::fmt::Result {
    writeln!(out, "\n{}: {}", paint(TITLE, "host modules"), contents.host.len())?;
    for module in &contents.host {
        writeln!(out, "  {}", module.name)?;
        for line in module.lines() {
            writeln!(out, "      {line}")?;
        }
    }
    Ok(())
}
