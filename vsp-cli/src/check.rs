//! `vsp check`.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;

use crate::cli::EXIT_REFUSED;
use crate::imports::unresolved_imports;
use crate::message;
use crate::script::ImportArgs;
use crate::translate::{Result, counted, load_verified, print, print_message};
use crate::warnings::warnings;

/// Maximum number of warnings printed for one program.
const MAX_WARNINGS: usize = 64;

const NOTES: &str = "\
Examples:
  vsp check examples/*.sil
  vsp check --deny-warnings program.sil

Warnings are about legal code that is often a mistake: registers and locals that are read before \
they are written (they are zero then), unreachable code, and labels, \
constants, numbers, data, spaces, globals, imports and functions that are never used. A name \
that starts with `_` needs no use. There are none about programs that were WebAssembly.

Imports of the module `sys` have to be those that `vsp run` provides. Other modules belong to \
other hosts: their imports are compared with the declarations of `--imports`, if it is given.

Exit codes:
0  all programs are valid
1  a program is rejected or cannot be read, or there are warnings and --deny-warnings
  2  wrong command line";

#[derive(Debug, Args)]
#[command(after_help = NOTES)]
pub(crate) struct CheckArgs {
    /// The programs: .sil texts or .silc programs; `-` is the standard input.
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// Fail if there are warnings.
    #[arg(long)]
    deny_warnings: bool,
    #[command(flatten)]
    imports: ImportArgs,
}

pub(crate) fn check(args: &CheckArgs) -> Result<ExitCode> {
    let mut code = ExitCode::SUCCESS;
    for file in &args.files {
        match check_file(file, &args.imports) {
            Ok(Checked { summary, warnings }) => {
                print(&summary)?;
                if warnings > 0 && args.deny_warnings {
                    code = ExitCode::from(EXIT_REFUSED);
                }
            }
            Err(error) => {
                print_message(&error);
                code = ExitCode::from(EXIT_REFUSED);
            }
        }
    }
    Ok(code)
}

/// The result for a valid program.
struct Checked {
    summary: String,
    warnings: usize,
}

fn check_file(file: &Path, imports: &ImportArgs) -> Result<Checked> {
    let (loaded, verified) = load_verified(file)?;
    let mut wrong = unresolved_imports(&loaded.program, &imports.known()?);
    wrong.retain(|wrong| imports.is_known(&wrong.module));
    if !wrong.is_empty() {
        return Err(message::render_imports(&loaded, &wrong));
    }
    let warnings = warnings(&loaded, &verified).map_err(|error| message::render_text(&error.to_string()))?;
    if !warnings.is_empty() {
        let shown = &warnings[..warnings.len().min(MAX_WARNINGS)];
        print_message(&message::render_warnings(&loaded, shown, warnings.len() - shown.len()));
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
