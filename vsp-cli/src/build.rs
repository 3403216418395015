//! `vsp build`.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use crate::files::Files;
use crate::translate::{Result, load_verified, output_beside};

const EXAMPLES: &str = "\
Examples:
  vsp build program.wasm
  vsp build program.wat -o program.silc
  vsp run program.silc

Exit codes: 0, 1 if the module or text is rejected, 2 for a wrong command line.";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct BuildArgs {
    /// The WebAssembly module (.wasm), its text (.wat), or a .sil text; `-` is the standard input.
    file: PathBuf,
    /// The output file; `-` is the standard output [default: the file's name with .silc, or `-` if that is `-`].
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
}

/// Makes a program of a module or text.
pub(crate) fn build(args: &BuildArgs) -> Result<ExitCode> {
    let (loaded, _) = load_verified(&args.file)?;
    let output = args.output.clone().unwrap_or_else(|| output_beside(&args.file, "silc"));
    Files::default().reading(&args.file, "the source").write(&output, loaded.program.bytes())?;
    Ok(ExitCode::SUCCESS)
}
