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
mod interrupt;
mod ir;
mod new;
mod object;
mod profile;
mod program;
mod progress;
mod run;
mod style;
mod table;
mod trace;
mod translate;
mod value;
#[cfg(feature = "jit")]
#[allow(unsafe_code, reason = "it vouches for machine code")]
mod vouch;

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
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
