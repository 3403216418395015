//! The command line.

use std::path::PathBuf;

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use clap::{Args, Parser, Subcommand};
use vsp_host::engine::EngineKind;

use crate::program::ProgramArgs;
use crate::record::RecordArgs;
use crate::save::SaveArgs;

/// Success.
pub(crate) const EXIT_SUCCESS: u8 = 0;

/// The program was not run, or a file could not be read or written.
pub(crate) const EXIT_REFUSED: u8 = 1;

/// The command line is wrong.
pub(crate) const EXIT_USAGE: u8 = 2;

/// The program trapped.
pub(crate) const EXIT_TRAP: u8 = 3;

/// The program was suspended: it ran out of fuel, executed YIELD, or was saved.
pub(crate) const EXIT_SUSPENDED: u8 = 4;

/// Ctrl-C stopped the program: 128 plus the number of the signal, as in shells.
pub(crate) const EXIT_INTERRUPTED: u8 = 130;

/// Exit codes of the commands that run a program.
pub(crate) const RUN_EXIT_CODES: &str = "\
Exit codes:
  0–255  the code set with sys.exit_code, or the low byte of proc_exit's status; 0 by default
  1      the program is rejected, or a file cannot be read or written
  2      wrong command line
  3      the program trapped
  4      the program ran out of fuel, executed YIELD, or was saved (--slice, --at)
  129    SIGHUP
  130    Ctrl-C
  143    SIGTERM";

const NOTES: &str = "\
`vsp COMMAND --help` has details and examples.

Exit codes:
  0  success
  1  a program is rejected, a file cannot be read or written, or a check fails
  2  wrong command line
  3  the program trapped (run, resume, replay, trace, profile)
  4  the program ran out of fuel, executed YIELD, or was saved (the same commands)
  129, 130, 143  SIGHUP, Ctrl-C, SIGTERM
A program that ends normally sets its exit code with sys.exit_code; the default is 0.

Messages are coloured on a terminal, unless the environment variable NO_COLOR is set.";

/// Run, assemble, disassemble, check and debug VSP programs.
#[derive(Debug, Parser)]
#[command(name = "vsp", version, after_help = NOTES)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run a program.
    Run(RunArgs),
    /// Go on with a program that was saved.
    Resume(crate::resume::ResumeArgs),
    /// Repeat a run that was recorded, without its host functions.
    Replay(crate::replay::ReplayArgs),
    /// Show what is in a state file or a recording, or how two of them differ.
    State(crate::inspect::StateArgs),
    /// Assemble a .sil text into a .silc program.
    Asm(AsmArgs),
    /// Translate a WebAssembly module, or assemble a text, into a .silc program.
    Build(crate::build::BuildArgs),
    /// Disassemble a program into text that assembles to the same bytes.
    Dis(DisArgs),
    /// Check that programs are well-formed and verify, and warn of likely mistakes.
    Check(crate::check::CheckArgs),
    /// Format .sil texts.
    Fmt(crate::fmt::FmtArgs),
    /// Step through a program: breakpoints, registers, memory, calls.
    Debug(crate::debug::DebugArgs),
    /// Compile a program into a code object: a file of machine code, for this or another architecture.
    Compile(crate::object::ObjectArgs),
    /// Show Cranelift's intermediate representation of functions, before it becomes machine code.
    Ir(crate::ir::IrArgs),
    /// Show the machine code of functions next to their bytecode, for any architecture.
    DisasmNative(crate::disasm_native::DisasmNativeArgs),
    /// Show the contents of a program: header, sections, functions, basic blocks, sizes.
    Dump(crate::dump::DumpArgs),
    /// Run a program and show each instruction with its effects.
    Trace(crate::trace::TraceArgs),
    /// Run a program and count its instructions by function and source line.
    Profile(crate::profile::ProfileArgs),
    /// Draw the control-flow graphs of functions.
    Cfg(crate::cfg::CfgArgs),
    /// List the imports of a program and who provides them, or the functions of the module sys.
    Imports(crate::list_imports::ListImportsArgs),
    /// Create the folder of a new project.
    New(crate::new::NewArgs),
    /// Write a completion script for a shell.
    Completions(crate::completions::CompletionsArgs),
}

const RUN_EXAMPLES: &str = "\
Examples:
  vsp run examples/sha256.sil --input README.md
  vsp run examples/fib.sil 30 --stats
  vsp run examples/fib.sil 30 --stats --engine interp
  vsp run examples/mandelbrot.sil --output picture.pgm 800
  vsp run examples/fib.sil --code fib.vsc 30
  vsp run examples/mandelbrot.sil --output picture.pgm --save m.vss --slice 1s 800
  vsp run examples/wc.sil --input README.md --record wc.vsr
  vsp run program.silc -5 -- --not-an-option
  vsp run program.wasm --dir . one two
  vsp run module.wat --invoke add 1 2";

#[derive(Debug, Args)]
#[command(after_help = format!("{RUN_EXAMPLES}\n\n{RUN_EXIT_CODES}"))]
pub(crate) struct RunArgs {
    #[command(flatten)]
    pub(crate) program: ProgramArgs,
    #[command(flatten)]
    pub(crate) engine: EngineArgs,
    /// Print the results of the entry function, one per line, as signed integers.
    #[arg(long)]
    pub(crate) results: bool,
    #[command(flatten)]
    pub(crate) report: ReportArgs,
    #[command(flatten)]
    pub(crate) save: SaveArgs,
    #[command(flatten)]
    pub(crate) record: RecordArgs,
}

/// What executes a program.
#[derive(Debug, Args)]
pub(crate) struct EngineArgs {
    /// The engine. `auto` starts in the interpreter and compiles hot code in the background (where there is machine
    /// code); `interp` only interprets; `tier1` and `tier2` compile everything first, quickly or with more
    /// optimisation.
    #[arg(long = "engine", value_name = "ENGINE", default_value = "auto", value_parser = engine_kind())]
    pub(crate) kind: EngineKind,
    /// Run the machine code of this code object, which `vsp compile` created from the program. It is trusted like any
    /// machine code: a wrong one can do whatever this process may do.
    #[arg(long, value_name = "FILE", conflicts_with = "kind")]
    pub(crate) code: Option<PathBuf>,
    /// Cache machine code in this directory. It is trusted like the file of `--code`.
    #[arg(long, value_name = "DIR", conflicts_with = "code")]
    pub(crate) cache: Option<PathBuf>,
}

/// What is reported of a run.
#[derive(Debug, Args)]
pub(crate) struct ReportArgs {
    /// Print statistics on the error stream: what was executed, and how fast.
    #[arg(long)]
    pub(crate) stats: bool,
    /// Print the outcome on the error stream, as one line of JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

impl ReportArgs {
    /// Returns whether the use of fuel is reported.
    pub(crate) fn has_fuel(&self) -> bool {
        self.stats || self.json
    }
}

const ASM_EXAMPLES: &str = "\
Examples:
  vsp asm examples/fib.sil -o fib.silc
  vsp run fib.silc 20

The program is verified too. Exit codes: 0, 1 if there are errors, 2 for a wrong command line.";

#[derive(Debug, Args)]
#[command(after_help = ASM_EXAMPLES)]
pub(crate) struct AsmArgs {
    /// The text; `-` is the standard input.
    pub(crate) file: PathBuf,
    /// The output file; `-` is the standard output [default: the text's name with .silc, or `-` if that is `-`].
    #[arg(long, short, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
}

const DIS_EXAMPLES: &str = "\
Examples:
  vsp dis fib.silc
  vsp dis fib.silc -o fib.sil

Exit codes: 0, 1 if the file is not a program, 2 for a wrong command line.";

#[derive(Debug, Args)]
#[command(after_help = DIS_EXAMPLES)]
pub(crate) struct DisArgs {
    /// The program: a .silc program, or a .sil text, which is assembled first; `-` is the standard input.
    pub(crate) file: PathBuf,
    /// The output file [default: `-`, the standard output].
    #[arg(long, short, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
}

/// Returns the parser of engine names.
fn engine_kind() -> impl TypedValueParser<Value = EngineKind> {
    let kinds = || std::iter::once(EngineKind::Auto).chain(EngineKind::ALL);
    let value = |kind: EngineKind| match kind.name().strip_prefix("tier") {
        // The notation of `--tier` in other commands.
        Some(number) => PossibleValue::new(kind.name()).alias(number),
        None => PossibleValue::new(kind.name()),
    };
    PossibleValuesParser::new(kinds().map(value)).map(move |name| {
        kinds()
            .find(|kind| kind.name() == name || kind.name().strip_prefix("tier") == Some(&name))
            .unwrap_or_default()
    })
}
