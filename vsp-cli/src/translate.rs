//! `vsp asm` and `vsp dis`.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use vsp_core::text;
use vsp_core::verify::Verified;

use crate::cli::{AsmArgs, DisArgs};
use crate::files::{self, Files};
use crate::load::Loaded;
use crate::message;

/// A result whose error is a message.
pub(crate) type Result<T> = std::result::Result<T, String>;

pub(crate) fn asm(args: &AsmArgs) -> Result<ExitCode> {
    let loaded = files::load(&args.file).map_err(|error| message::render(&error))?;
    if loaded.text.is_none() {
        let path = loaded.path.display();
        #[cfg(feature = "wasm")]
        if crate::wasm::is_translated(&loaded.program) {
            return Err(message::render_text(&format!("{path} is WebAssembly; `vsp build` translates it")));
        }
        return Err(message::render_text(&format!("{path} is already assembled")));
    }
    let program = loaded.program.clone();
    loaded.verify().map_err(|error| message::render(&error))?;
    let output = args.output.clone().unwrap_or_else(|| output_beside(&args.file, "silc"));
    Files::default().reading(&args.file, "the text").write(&output, program.bytes())?;
    Ok(ExitCode::SUCCESS)
}

pub(crate) fn dis(args: &DisArgs) -> Result<ExitCode> {
    let loaded = files::load(&args.file).map_err(|error| message::render(&error))?;
    let text = text::disassemble(&loaded.program);
    match &args.output {
        Some(output) => {
            Files::default().reading(&args.file, "the program").write(output, text.as_bytes())?;
        }
        None => print(&text)?,
    }
    Ok(ExitCode::SUCCESS)
}

/// Loads and verifies a program from a file.
pub(crate) fn load_verified(path: &Path) -> Result<(Loaded, Verified<'static>)> {
    let loaded = files::load(path).map_err(|error| message::render(&error))?;
    let verified = loaded.verify().map_err(|error| message::render(&error))?;
    Ok((loaded, verified))
}

/// Formats a count with a noun: `1 word`, `2 words`.
pub(crate) fn counted(count: u64, what: &str) -> String {
    format!("{} {what}{}", grouped(count), if count == 1 { "" } else { "s" })
}

/// Formats a number with commas between groups of three digits.
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// Returns the default output file for an input file: in its folder, with this extension; the standard output for the
/// standard input.
pub(crate) fn output_beside(file: &Path, extension: &str) -> PathBuf {
    if files::is_standard(file) { file.to_owned() } else { file.with_extension(extension) }
}

/// Writes a text to the standard output.
pub(crate) fn print(text: &str) -> Result<()> {
    print_to(io::stdout(), text)
}

/// Writes a text to `out`. A reader that has seen enough is not an error.
pub(crate) fn print_to(mut out: impl Write, text: &str) -> Result<()> {
    let written = out.write_all(text.as_bytes()).and_then(|()| out.flush()).or_else(ignore_broken_pipe);
    written.map_err(|error| message::render_text(&format!("standard output: {error}")))
}

/// Prints a message on the error stream. If that fails, only the exit code reports the failure.
pub(crate) fn print_message(message: &str) {
    let _ = writeln!(anstream::stderr(), "{message}");
}

/// Writes a report to the error stream. A reader that has seen enough is not an error.
pub(crate) fn print_error(text: &str) -> Result<()> {
    let written = anstream::stderr().write_all(text.as_bytes()).or_else(ignore_broken_pipe);
    written.map_err(|error| message::render_text(&format!("the error stream: {error}")))
}

/// Ignores the error of a reader that has seen enough.
pub(crate) fn ignore_broken_pipe(error: io::Error) -> io::Result<()> {
    if error.kind() == io::ErrorKind::BrokenPipe { Ok(()) } else { Err(error) }
}
