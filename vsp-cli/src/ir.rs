//! `vsp ir`.

use std::process::ExitCode;

use clap::Args;

use crate::compile::{self, CompileArgs};
use crate::translate::Result;

const EXAMPLES: &str = "\
Examples:
  vsp ir examples/fib.sil --function fib
  vsp ir examples/fib.sil --function fib --tier 1 --target aarch64 --no-fuel --no-interrupt

The text is CLIF before optimisation. An instruction that starts with @ and a number \
comes from that word of the function; those before the first one enter it.";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES, after_long_help = format!("{EXAMPLES}\n\n{}", compile::NOTES))]
pub(crate) struct IrArgs {
    #[command(flatten)]
    compile: CompileArgs,
}

#[cfg(not(feature = "jit"))]
pub(crate) fn ir(_: &IrArgs) -> Result<ExitCode> {
    Err(crate::feature::missing("ir", "jit"))
}

#[cfg(feature = "jit")]
pub(crate) fn ir(args: &IrArgs) -> Result<ExitCode> {
    use std::fmt::Write;

    let mut first = true;
    compile::Compilation::new(&args.compile)?.each(|_, about, bytecode, listing| {
        let mut out = String::new();
        if !std::mem::take(&mut first) {
            out.push('\n');
        }
        let _ = writeln!(out, "; {about}");
        for (word, (label, instruction)) in bytecode.words().iter().enumerate() {
            if let Some(label) = label {
                let _ = writeln!(out, ";        {label}:");
            }
            let _ = writeln!(out, ";  @{word:04x}  {instruction}");
        }
        out += &listing.clif;
        crate::translate::print(&out)
    })?;
    Ok(ExitCode::SUCCESS)
}
