//! `vsp imports`.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use vsp_core::ImportError;
#[cfg(feature = "wasm")]
use vsp_core::program::Program;
use vsp_host::sys;

use crate::functions::shown;
use crate::imports::{UnresolvedImport, unresolved_imports};
use crate::script::{ImportArgs, is_provided};
use crate::style;
use crate::table::Table;
use crate::translate::{Result, load_verified};
#[cfg(feature = "wasm")]
use crate::wasm;

const NOTES: &str = "\
Examples:
  vsp imports
  vsp imports examples/sha256.sil
  vsp imports program.silc --imports device.txt

Exit codes: 0, 1 if the file is not a program, 2 for an invalid command line.";

#[derive(Debug, Args)]
#[command(after_help = NOTES)]
pub(crate) struct ListImportsArgs {
    /// The program whose imports are listed; `-` is the standard input [default: list the functions of `sys`].
    file: Option<PathBuf>,
    #[command(flatten)]
    imports: ImportArgs,
}

/// Lists the imports of a program and who provides them, and its exports if it remembers their types; or the functions
/// that every program can import.
pub(crate) fn list_imports(args: &ListImportsArgs) -> Result<ExitCode> {
    let text = match &args.file {
        Some(file) => of_program(args, file)?,
        None => of_sys(),
    };
    style::print(&text)?;
    Ok(ExitCode::SUCCESS)
}

fn of_sys() -> String {
    let mut table = Table::new(&["import", "parameters and results"], &[false, false]);
    for function in sys::FUNCTIONS {
        let import = format!("sys.{} ({}) -> {}", function.name, function.params, function.results);
        table.row([import, function.signature.to_owned()]);
    }
    table.render(0)
}

fn of_program(args: &ListImportsArgs, file: &std::path::Path) -> Result<String> {
    let (loaded, _) = load_verified(file)?;
    let unresolved = unresolved_imports(&loaded.program, &args.imports.known()?);
    let mut table = Table::new(&["import", "provided by"], &[false, false]);
    for (index, import) in (0..).zip(loaded.program.imports()) {
        let provider = match unresolved.iter().find(|it| it.index == index) {
            Some(UnresolvedImport { error: ImportError::Missing { .. }, .. }) => "nobody".to_owned(),
            Some(unresolved) => unresolved.error.to_string(),
            None if is_provided(import.module) => "vsp".to_owned(),
            None => "--imports".to_owned(),
        };
        let name = format!("{}.{} {}", shown(import.module), shown(import.name), import.ty);
        table.row([name, provider]);
    }
    #[cfg(feature = "wasm")]
    for (import, own) in wasm::own_imports(&loaded.program) {
        table.row([import, own]);
    }
    let imports = table.render(0);
    #[cfg(feature = "wasm")]
    if let Some(exports) = exports(&loaded.program) {
        return Ok(format!("{imports}\n{exports}"));
    }
    Ok(imports)
}

/// Lists the exported functions of a program that was WebAssembly, if there are any, with their types.
#[cfg(feature = "wasm")]
fn exports(program: &Program<'_>) -> Option<String> {
    let functions = wasm::functions(program);
    let mut table = Table::new(&["export", "parameters and results"], &[false, false]);
    for (name, ty) in &functions {
        table.row([shown(name), ty.clone()]);
    }
    (!functions.is_empty()).then(|| table.render(0))
}
