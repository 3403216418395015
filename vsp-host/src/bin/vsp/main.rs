//! The `vsp` command.

#![deny(unsafe_code)]

mod cfg;
mod check;
mod cli;
mod code;
mod compile;
mod completions;
mod debug;
mod disasm_native;
mod dump;
mod end;
mod execution;
mod fmt;
mod ir;
mod new;
mod object;
mod profile;
mod program;
mod progress;
mod run;
mod table;
mod trace;
mod translate;
mod value;
#[cfg(feature = "jit")]
#[allow(unsafe_code, reason = "it vouches for machine code")]
mod vouch;

use std::process::ExitCode;

use clap::Parser;

/// Bytes of the stack that the command runs on.
const STACK: usize = 8 << 20;

/// Runs the command on a thread whose stack is mapped from the start. That of the first thread grows when it is used, and where
/// the system has no memory left then, it kills the process.
fn main() -> ExitCode {
    match std::thread::Builder::new().name("vsp".into()).stack_size(STACK).spawn(command) {
        Ok(thread) => thread.join().unwrap_or_else(|payload| std::panic::resume_unwind(payload)),
        Err(error) => {
            anstream::eprintln!("error: no memory for the stack of the command: {error}");
            ExitCode::from(cli::EXIT_REFUSED)
        }
    }
}

fn command() -> ExitCode {
    let outcome = match cli::Cli::parse().command {
        cli::Command::Run(args) => run::run(&args),
        cli::Command::Asm(args) => translate::asm(&args),
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
        cli::Command::New(args) => new::new(&args),
        cli::Command::Completions(args) => completions::completions(&args),
    };
    match outcome {
        Ok(code) => code,
        Err(message) => {
            anstream::eprintln!("{message}");
            ExitCode::from(cli::EXIT_REFUSED)
        }
    }
}
