//! The command line.

use std::path::PathBuf;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, Parser, Subcommand};
use vsp_host::engine::EngineKind;

use crate::program::ProgramArgs;

/// The program was not run, or a file could not be read or written.
pub(crate) const EXIT_REFUSED: u8 = 1;

/// The program trapped.
pub(crate) const EXIT_TRAP: u8 = 3;

/// The program was suspended and nobody can resume it: its fuel was used up, or it executed YIELD.
pub(crate) const EXIT_SUSPENDED: u8 = 4;

const EXIT_CODES: &str = "\
Exit codes of `vsp run`:
  0–255  what the program chose with sys.exit_code; 0 if it chose none
  1      the program is refused, or a file cannot be read or written
  2      wrong command line
  3      the program trapped
  4      the program ran out of fuel, or executed YIELD";

/// Run, assemble, disassemble and check VSP programs.
#[derive(Debug, Parser)]
#[command(name = "vsp", version, about, after_help = EXIT_CODES)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run a program.
    Run(RunArgs),
    /// Assemble a .sil text into a .silc program.
    Asm(AsmArgs),
    /// Disassemble a program into text that assembles to the same bytes.
    Dis(DisArgs),
    /// Check that a program is well-formed and verified, and say what is in it.
    Check(CheckArgs),
    /// Format .sil texts.
    Fmt(crate::fmt::FmtArgs),
    /// Step through a program: breakpoints, registers, memory, calls.
    Debug(crate::debug::DebugArgs),
    /// Show what functions are before they become machine code: Cranelift's intermediate representation.
    Ir(crate::ir::IrArgs),
    /// Show the machine code of functions beside their bytecode, for any architecture.
    DisasmNative(crate::disasm_native::DisasmNativeArgs),
}

const RUN_EXAMPLES: &str = "\
Examples:
  vsp run examples/sha256.sil --input README.md
  vsp run examples/fib.sil 30 --stats
  vsp run examples/fib.sil 30 --stats --engine interp
  vsp run examples/mandelbrot.sil --output picture.pgm 800
  vsp run program.silc -- -5 --not-an-option";

#[derive(Debug, Args)]
#[command(after_help = RUN_EXAMPLES)]
pub(crate) struct RunArgs {
    #[command(flatten)]
    pub(crate) program: ProgramArgs,
    /// What runs the program: `auto` is tier2 where there is machine code, and else interp.
    #[arg(long, value_name = "ENGINE", default_value = "auto", value_parser = engine_kind())]
    pub(crate) engine: EngineKind,
    /// Print the results of the entry function, one to a line, as signed integers.
    #[arg(long)]
    pub(crate) results: bool,
    /// Say on the error stream what was executed, and how fast.
    #[arg(long)]
    pub(crate) stats: bool,
    /// Say on the error stream, as one line of JSON, how the program ended.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct AsmArgs {
    /// The text.
    pub(crate) file: PathBuf,
    /// Where the program goes [default: the text's name with .silc].
    #[arg(long, short, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct DisArgs {
    /// The program: a .silc program, or a .sil text, which is assembled first.
    pub(crate) file: PathBuf,
    /// Where the text goes [default: the standard output].
    #[arg(long, short, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct CheckArgs {
    /// The programs: .sil texts or .silc programs.
    #[arg(required = true)]
    pub(crate) files: Vec<PathBuf>,
}

/// Takes the names of engines.
fn engine_kind() -> impl TypedValueParser<Value = EngineKind> {
    let kinds = || std::iter::once(EngineKind::Auto).chain(EngineKind::ALL);
    PossibleValuesParser::new(kinds().map(EngineKind::name))
        .map(move |name| kinds().find(|kind| kind.name() == name).unwrap_or_default())
}
