//! `vsp asm` and `vsp dis`.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

use vsp_core::text;
use vsp_core::verify::Verified;
use vsp_host::load::{self, Loaded};
use vsp_host::message;

use crate::cli::{AsmArgs, DisArgs};

/// What went wrong, as a message.
pub(crate) type Result<T> = std::result::Result<T, String>;

pub(crate) fn asm(args: &AsmArgs) -> Result<ExitCode> {
    let loaded = load::load(&args.file).map_err(|error| message::render(&error))?;
    if loaded.text.is_none() {
        return Err(message::render_text(&format!("{} is a program already", args.file.display())));
    }
    let program = loaded.program.clone();
    loaded.verify().map_err(|error| message::render(&error))?;
    let output = args.output.clone().unwrap_or_else(|| args.file.with_extension("silc"));
    write(&output, program.bytes())?;
    Ok(ExitCode::SUCCESS)
}

pub(crate) fn dis(args: &DisArgs) -> Result<ExitCode> {
    let loaded = load::load(&args.file).map_err(|error| message::render(&error))?;
    let text = text::disassemble(&loaded.program);
    match &args.output {
        Some(output) => write(output, text.as_bytes())?,
        None => print(&text)?,
    }
    Ok(ExitCode::SUCCESS)
}

/// A program from a file, loaded and verified.
pub(crate) fn load_verified(path: &Path) -> Result<(Loaded, Verified<'static>)> {
    let loaded = load::load(path).map_err(|error| message::render(&error))?;
    let verified = loaded.verify().map_err(|error| message::render(&error))?;
    Ok((loaded, verified))
}

/// A file to write, made empty.
pub(crate) fn create(path: &Path) -> Result<File> {
    File::create(path).map_err(|error| message::render_text(&format!("{}: {error}", path.display())))
}

pub(crate) fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    std::fs::write(path, bytes).map_err(|error| message::render_text(&format!("{}: {error}", path.display())))
}

/// Writes to the standard output. A reader that has seen enough is no error.
pub(crate) fn print(text: &str) -> Result<()> {
    let written = io::stdout().write_all(text.as_bytes()).or_else(ignore_broken_pipe);
    written.map_err(|error| message::render_text(&format!("the standard output: {error}")))
}

/// A reader that has seen enough is no error.
pub(crate) fn ignore_broken_pipe(error: io::Error) -> io::Result<()> {
    if error.kind() == io::ErrorKind::BrokenPipe { Ok(()) } else { Err(error) }
}
