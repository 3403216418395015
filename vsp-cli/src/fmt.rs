//! `vsp fmt`.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use crate::load::{self, LoadError};
use crate::message;
use clap::Args;
use vsp_core::text;

use crate::cli::EXIT_REFUSED;
use crate::files;
use crate::translate::{Result, print, say};

const EXAMPLES: &str = "\
Examples:
  vsp fmt program.sil             changes the file, if its layout is another
  vsp fmt --check examples/*.sil  changes nothing; exit code 1 if a file's layout is another
  vsp fmt - < in.sil > out.sil    standard input to standard output, for editors

Only blanks change, and mnemonics and registers become upper case: the program stays the same to \
the byte, and every line keeps its number. A text with errors is not changed.";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct FmtArgs {
    /// The texts; `-` is the standard input, and its formatted text goes to the standard output.
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// Change nothing; say which texts have another layout, and end with exit code 1 if there are any.
    #[arg(long)]
    check: bool,
}

pub(crate) fn fmt(args: &FmtArgs) -> Result<ExitCode> {
    let mut code = ExitCode::SUCCESS;
    for file in &args.files {
        match one(file, args.check) {
            Ok(true) => {}
            Ok(false) => code = ExitCode::from(EXIT_REFUSED),
            Err(message) => {
                say(&message);
                code = ExitCode::from(EXIT_REFUSED);
            }
        }
    }
    Ok(code)
}

/// Formats a text. Is all well with it?
fn one(file: &Path, check: bool) -> Result<bool> {
    let path = files::name(file);
    let text = files::read(file).map_err(|error| LoadError::Io { path: path.into(), error });
    let text = text.and_then(|bytes| load::text(path, bytes)).map_err(|error| message::render(&error))?;
    let formatted = match text::format(&text) {
        Ok(formatted) => formatted,
        Err(errors) => {
            return Err(message::render(&LoadError::Text { path: path.into(), text, errors }));
        }
    };
    if check {
        let Some(line) = first_difference(&text, &formatted) else { return Ok(true) };
        print(&format!("{}:{line}: vsp fmt would change this line\n", path.display()))?;
        return Ok(false);
    }
    if files::is_standard(file) {
        print(&formatted)?;
    } else if formatted != text {
        files::replace(file, formatted.as_bytes())?;
    }
    Ok(true)
}

/// The number of the first line that differs.
fn first_difference(text: &str, formatted: &str) -> Option<usize> {
    if text == formatted {
        return None;
    }
    let lines = || text.split_inclusive('\n').zip(formatted.split_inclusive('\n'));
    Some(1 + lines().take_while(|(one, other)| one == other).count())
}
