//! The `vsp` command.

#![forbid(unsafe_code)]

mod cli;
mod compile;
mod debug;
mod disasm_native;
mod end;
mod fmt;
mod ir;
mod program;
mod run;
mod translate;

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    let outcome = match cli::Cli::parse().command {
        cli::Command::Run(args) => run::run(&args),
        cli::Command::Asm(args) => translate::asm(&args),
        cli::Command::Dis(args) => translate::dis(&args),
        cli::Command::Check(args) => translate::check(&args),
        cli::Command::Fmt(args) => fmt::fmt(&args),
        cli::Command::Debug(args) => debug::debug(&args),
        cli::Command::Ir(args) => ir::ir(&args),
        cli::Command::DisasmNative(args) => disasm_native::disasm_native(&args),
    };
    match outcome {
        Ok(code) => code,
        Err(message) => {
            anstream::eprintln!("{message}");
            ExitCode::from(cli::EXIT_REFUSED)
        }
    }
}
