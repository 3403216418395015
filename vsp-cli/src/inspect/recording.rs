//! What `vsp state` shows of a recording.

use std::fmt::Write;
use std::path::Path;
use std::process::ExitCode;

use serde::Serialize;
use vsp_core::record::LogEnd;

use super::{StateArgs, json};
use crate::files;
use crate::message;
use crate::recording::{CheckedLog, Recording};
use crate::style::{self, TITLE, paint};
use crate::translate::{Result, counted, grouped};

/// What is shown of a recording.
#[derive(Serialize)]
struct Contents {
    file: String,
    bytes: usize,
    /// The path of the program; empty if it has none.
    program: String,
    program_bytes: u32,
    program_checksum: u32,
    program_is_in_file: bool,
    /// The function that is called, or was being called where the recording begins.
    entry: String,
    arguments: Vec<String>,
    /// Whether the recording begins in the middle of a call.
    is_resumed: bool,
    log_bytes: usize,
    host_calls: u64,
    /// The imports that were called.
    imports: Vec<Import>,
    end: End,
    exit_code: Option<u8>,
}

#[derive(Serialize)]
struct Import {
    name: String,
    calls: u64,
}

/// The end of the log.
#[derive(Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum End {
    Missing,
    Unknown,
    Ended,
    Stopped { fuel_used: u64 },
}

/// Shows a recording.
pub(super) fn show(args: &StateArgs, path: &Path, bytes: &[u8]) -> Result<ExitCode> {
    let recording = Recording::read(path, bytes)?;
    let loaded = recording.program(args.program.as_deref())?;
    let verified = loaded.verify().map_err(|error| message::render(&error))?;
    let log = recording.log(verified.program())?;
    let imports = verified.program().imports().zip(&log.summary.calls);
    let imports = imports.filter(|(_, calls)| **calls > 0);
    let imports =
        imports.map(|(it, calls)| Import { name: format!("{}.{}", it.module, it.name), calls: *calls });
    let contents = contents(path, bytes.len(), &recording, &log, imports.collect());
    if args.json {
        json(&contents)?;
    } else {
        style::print(&text(&contents))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn contents(
    path: &Path,
    bytes: usize,
    recording: &Recording<'_>,
    log: &CheckedLog<'_>,
    imports: Vec<Import>,
) -> Contents {
    let snapshot = recording.state.snapshot();
    Contents {
        file: files::name(path).display().to_string(),
        bytes,
        program: recording.state.program_path().to_owned(),
        program_bytes: snapshot.program_bytes(),
        program_checksum: snapshot.program_checksum(),
        program_is_in_file: recording.state.program_bytes().is_some(),
        entry: recording.command.entry.clone(),
        arguments: recording.command.args.clone(),
        is_resumed: snapshot.frames().next().is_some(),
        log_bytes: log.bytes.len(),
        host_calls: log.summary.host_calls(),
        imports,
        end: match log.summary.end {
            LogEnd::Missing => End::Missing,
            LogEnd::Digest(_) => End::Ended,
            LogEnd::Stopped { fuel, .. } => End::Stopped { fuel_used: fuel },
            _ => End::Unknown,
        },
        exit_code: log.end.as_ref().map(|end| end.exit_code),
    }
}

fn text(contents: &Contents) -> String {
    let mut out = String::new();
    // Writing to a string cannot fail.
    let _ = put(&mut out, contents);
    out
}

fn put(out: &mut String, contents: &Contents) -> std::fmt::Result {
    let Contents { file, bytes, .. } = contents;
    writeln!(out, "{}: recording 1.0, {}", paint(TITLE, file), counted(*bytes as u64, "byte"))?;
    let place = if contents.program_is_in_file { "in the file" } else { "not in the file" };
    let size = counted(contents.program_bytes.into(), "byte");
    let name = if contents.program.is_empty() { "(without a path)" } else { &contents.program };
    writeln!(out, "  program  {name}, {size}, CRC-32 0x{:08X}, {place}", contents.program_checksum)?;
    let how = if contents.is_resumed { "in a call of" } else { "before a call of" };
    let arguments: Vec<String> = contents.arguments.iter().map(|text| format!("{text:?}")).collect();
    let with = if arguments.is_empty() { String::new() } else { format!(", with {}", arguments.join(", ")) };
    writeln!(out, "  begins   {how} {}{with}", contents.entry)?;
    let end = match contents.end {
        End::Missing => "not recorded: the process was ended, or the rest is lost".to_owned(),
        End::Unknown => "somewhere after the last host call".to_owned(),
        End::Ended => "with the end of the call, or its suspension".to_owned(),
        End::Stopped { fuel_used } => {
            format!("where the program was stopped, after {} units of fuel", grouped(fuel_used))
        }
    };
    writeln!(out, "  ends     {end}")?;
    if let Some(code) = contents.exit_code {
        writeln!(out, "  exit     {code}")?;
    }
    writeln!(out, "  log      {}", counted(contents.log_bytes as u64, "byte"))?;
    writeln!(out, "\n{}: {}", paint(TITLE, "host calls"), grouped(contents.host_calls))?;
    let width = contents.imports.iter().map(|import| import.name.len()).max().unwrap_or_default();
    for Import { name, calls } in &contents.imports {
        writeln!(out, "  {name:width$}  {}", grouped(*calls))?;
    }
    Ok(())
}
