//! The `vsp` command: assembles, checks, runs, debugs, profiles and compiles VSP programs.
//!
#![doc = include_str!("../README.md")]
#![deny(unsafe_code)]

mod arguments;
mod build;
mod cfg;
mod check;
mod cli;
mod code;
mod command_state;
mod compile;
mod completions;
mod debug;
mod disasm_native;
#[cfg(feature = "disassembler")]
mod disassembly;
mod dump;
mod end;
mod entry;
mod execution;
#[cfg(not(all(feature = "disassembler", feature = "flamegraph")))]
mod feature;
mod files;
mod fmt;
mod functions;
mod imports;
mod inspect;
mod interrupt;
mod ir;
mod list_imports;
mod load;
mod message;
mod new;
mod object;
mod profile;
mod program;
mod progress;
mod record;
mod recording;
mod replay;
mod resume;
mod run;
mod save;
mod script;
mod script_state;
mod state;
mod style;
mod table;
mod trace;
mod translate;
mod value;
#[cfg(feature = "jit")]
#[allow(unsafe_code, reason = "it vouches for machine code")]
mod vouch;
mod warnings;
#[cfg(feature = "wasi")]
mod wasi;
#[cfg(feature = "wasm")]
mod wasm;

use std::io::{self, Write};
use std::process::ExitCode;

use clap::Parser;

/// Size of the stack that the command runs on, in bytes.
const STACK: usize = 8 << 20;

/// Runs the command on a thread whose stack is mapped from the start. The stack of the main thread grows when it is
/// used, and if the system is out of memory then, it kills the process.
fn main() -> ExitCode {
    match std::thread::Builder::new().name("vsp".into()).stack_size(STACK).spawn(command) {
        Ok(thread) => thread.join().unwrap_or_else(|payload| std::panic::resume_unwind(payload)),
        Err(error) => {
            translate::print_message(&message::render_text(&format!(
                "no memory for the stack of the command: {error}"
            )));
            ExitCode::from(cli::EXIT_REFUSED)
        }
    }
}

fn command() -> ExitCode {
    let command = match cli::Cli::try_parse_from(arguments::words()) {
        Ok(cli) => cli.command,
        Err(error) => return print_usage(&error),
    };
    let outcome = match command {
        cli::Command::Run(args) => run::run(&args),
        cli::Command::Resume(args) => resume::resume(&args),
        cli::Command::Replay(args) => replay::replay(&args),
        cli::Command::State(args) => inspect::state(&args),
        cli::Command::Asm(args) => translate::asm(&args),
        cli::Command::Build(args) => build::build(&args),
        cli::Command::Dis(args) => translate::dis(&args),
        cli::Command::Check(args) => check::check(&args),
        cli::Command::Fmt(args) => fmt::fmt(&args),
        cli::Command::Debug(args) => debug::debug(&args),
        cli::Command::Ir(args) => ir::ir(&args),
        cli::Command::DisasmNative(args) => disasm_native::disasm_native(&args),
        cli::Command::Compile(args) => object::object(&args),
        cli::Command::Dump(args) => dump::dump(&args),
        cli::Command::Trace(args) => trace::trace(&args),
        cli::Command::Profile(args) => profile::profile(&args),
        cli::Command::Cfg(args) => cfg::cfg(&args),
        cli::Command::Imports(args) => list_imports::list_imports(&args),
        cli::Command::New(args) => new::new(&args),
        cli::Command::Completions(args) => completions::completions(&args),
    };
    match outcome {
        Ok(code) => code,
        Err(message) => {
            translate::print_message(&message);
            ExitCode::from(cli::EXIT_REFUSED)
        }
    }
}

/// Prints the requested help, or the error in the command line.
fn print_usage(error: &clap::Error) -> ExitCode {
    let printed = error.print().and_then(|()| io::stdout().flush()).or_else(translate::ignore_broken_pipe);
    match printed {
        _ if error.use_stderr() => ExitCode::from(cli::EXIT_USAGE),
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            translate::print_message(&message::render_text(&format!("standard output: {error}")));
            ExitCode::from(cli::EXIT_REFUSED)
        }
    }
}
