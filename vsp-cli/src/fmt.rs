//! `vsp fmt`.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use vsp_core::text;

use crate::cli::EXIT_REFUSED;
use crate::files;
use crate::load::{self, LoadError};
use crate::message;
use crate::translate::{Result, print, print_message};

const EXAMPLES: &str = "\
Examples:
  vsp fmt program.sil             reformats the file if necessary
  vsp fmt --check examples/*.sil  changes nothing; exit code 1 if a file is not formatted
  vsp fmt - < in.sil > out.sil    standard input to standard output, for editors

Only blanks and the case of mnemonics and registers change: the program stays the same to \
the byte, and every line keeps its number. A text with errors is not changed.";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct FmtArgs {
    /// The texts; `-` is the standard input, and its formatted text goes to the standard output.
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// Change nothing; list the texts that are not formatted, and exit with 1 if there are any.
    #[arg(long)]
    check: bool,
}

pub(crate) fn fmt(args: &FmtArgs) -> Result<ExitCode> {
    let mut code = ExitCode::SUCCESS;
    for file in &args.files {
        match format_file(file, args.check) {
            Ok(true) => {}
            Ok(false) => code = ExitCode::from(EXIT_REFUSED),
            Err(message) => {
                print_message(&message);
                code = ExitCode::from(EXIT_REFUSED);
            }
        }
    }
    Ok(code)
}

/// Formats a text. Returns `false` if `check` finds that it is not formatted.
fn format_file(file: &Path, check: bool) -> Result<bool> {
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

/// Returns the number of the first line that differs.
fn first_difference(text: &str, formatted: &str) -> Option<usize> {
    if text == formatted {
        return None;
    }
    let lines = || text.split_inclusive('\n').zip(formatted.split_inclusive('\n'));
    Some(1 + lines().take_while(|(one, other)| one == other).count())
}
