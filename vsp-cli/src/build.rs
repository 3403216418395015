//! `vsp build`.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
#[cfg(feature = "wasm")]
use vsp_host::number;

use crate::files::{self, Files};
#[cfg(feature = "wasm")]
use crate::load;
use crate::load::Loaded;
use crate::message;
use crate::translate::{Result, output_beside};
#[cfg(feature = "wasm")]
use crate::wasm;

const EXAMPLES: &str = "\
Examples:
  vsp build program.wasm
  vsp build program.wat -o program.silc
  vsp build --no-lines program.wasm
  vsp build sensor.wasm --heap 256
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
    /// Leave out the source lines: the file is smaller, and messages name functions only.
    #[arg(long)]
    no_lines: bool,
    /// Bytes of memory, in place of the module's pages of 64 KiB: an access beyond traps. The module must neither grow
    /// its memory nor ask for its size, and its data and stack must fit.
    #[cfg(feature = "wasm")]
    #[arg(long, value_name = "BYTES", allow_negative_numbers = true, value_parser = number::count)]
    memory: Option<u64>,
    /// Like --memory, but in bytes after the module's data and stack, which end at `__heap_base`.
    #[cfg(feature = "wasm")]
    #[arg(
        long, value_name = "BYTES", allow_negative_numbers = true, value_parser = number::count,
        conflicts_with = "memory"
    )]
    heap: Option<u64>,
}

/// Makes a program of a module or text.
pub(crate) fn build(args: &BuildArgs) -> Result<ExitCode> {
    let loaded = load(args)?;
    loaded.verify().map_err(|error| message::render(&error))?;
    let output = args.output.clone().unwrap_or_else(|| output_beside(&args.file, "silc"));
    let files = Files::default().reading(&args.file, "the source");
    match args.no_lines {
        true => files.write(&output, &loaded.program.without_lines())?,
        false => files.write(&output, loaded.program.bytes())?,
    }
    Ok(ExitCode::SUCCESS)
}

/// Loads the program, with a memory of the size that the options choose.
fn load(args: &BuildArgs) -> Result<Loaded> {
    #[cfg(feature = "wasm")]
    if args.memory.is_some() || args.heap.is_some() {
        return load_module(args);
    }
    files::load(&args.file).map_err(|error| message::render(&error))
}

#[cfg(feature = "wasm")]
fn load_module(args: &BuildArgs) -> Result<Loaded> {
    let path = files::name(&args.file);
    let bytes = files::read(&args.file).map_err(|error| files::refuse(path, &error))?;
    if !wasm::is_module(path, &bytes) {
        return Err(files::refuse(
            path,
            &"this is not WebAssembly: only its memory is chosen by --memory and --heap",
        ));
    }
    let mut options = vsp_wasm::Options::default();
    if let Some(bytes) = args.memory {
        options = options.memory_bytes(bytes);
    }
    if let Some(bytes) = args.heap {
        options = options.heap_bytes(bytes);
    }
    let program = wasm::translate(path, &bytes, &options).map_err(|error| files::refuse(path, &error))?;
    load::from_bytes(path, program).map_err(|error| message::render(&error))
}
