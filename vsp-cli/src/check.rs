//! `vsp check`.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use crate::imports::wrong_imports;
use crate::message;
use crate::script::ImportArgs;
use crate::warnings::warnings;
use clap::Args;

use crate::cli::EXIT_REFUSED;
use crate::translate::{Result, counted, load_verified, print, say};

/// Warnings of one program that are printed.
const MOST_WARNINGS: usize = 64;

const NOTES: &str = "\
Examples:
  vsp check examples/*.sil
  vsp check --deny-warnings program.sil

Warnings are about what is legal and often a mistake: registers and locals that are read before \
anything was written to them (they are zero then), code that is never reached, and labels, \
constants, numbers, data, spaces, globals, imports and functions that are never used. A name \
that starts with `_` needs no use.

Imports of the module `sys` have to be those that `vsp run` provides. Other modules belong to \
other hosts: their imports are compared with the declarations of `--imports`, if it is given.

Exit codes:
  0  all programs are good
  1  one is refused or cannot be read, or there are warnings and --deny-warnings
  2  wrong command line";

#[derive(Debug, Args)]
#[command(after_help = NOTES)]
pub(crate) struct CheckArgs {
    /// The programs: .sil texts or .silc programs; `-` is the standard input.
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// Fail if there is something to warn of.
    #[arg(long)]
    deny_warnings: bool,
    #[command(flatten)]
    imports: ImportArgs,
}

pub(crate) fn check(args: &CheckArgs) -> Result<ExitCode> {
    let mut code = ExitCode::SUCCESS;
    for file in &args.files {
        match one(file, &args.imports) {
            Ok(Checked { summary, warnings }) => {
                print(&summary)?;
                if warnings > 0 && args.deny_warnings {
                    code = ExitCode::from(EXIT_REFUSED);
                }
            }
            Err(error) => {
                say(&error);
                code = ExitCode::from(EXIT_REFUSED);
            }
        }
    }
    Ok(code)
}

/// A program that is good.
struct Checked {
    summary: String,
    warnings: usize,
}

fn one(file: &Path, imports: &ImportArgs) -> Result<Checked> {
    let (loaded, verified) = load_verified(file)?;
    let mut wrong = wrong_imports(&loaded.program, &imports.known()?);
    wrong.retain(|wrong| imports.is_known(&wrong.module));
    if !wrong.is_empty() {
        return Err(message::render_imports(&loaded, &wrong));
    }
    let warnings = warnings(&loaded, &verified).map_err(|error| message::render_text(&error.to_string()))?;
    if !warnings.is_empty() {
        let shown = &warnings[..warnings.len().min(MOST_WARNINGS)];
        say(&message::render_warnings(&loaded, shown, warnings.len() - shown.len()));
    }
    let program = verified.program();
    let count = match warnings.len() {
        0 => String::new(),
        1 => ", 1 warning".to_owned(),
        count => format!(", {count} warnings"),
    };
    let summary = format!(
        "{}: ok: {}, {} of code, {}, {} of memory{count}\n",
        loaded.path.display(),
        counted(program.function_count() as u64, "function"),
        counted(program.code().len() as u64, "word"),
        counted(program.imports().count() as u64, "import"),
        counted(program.memory_minimum(), "byte")
    );
    Ok(Checked { summary, warnings: warnings.len() })
}
