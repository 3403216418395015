//! The program of a command: its file, arguments, input and output, and limits.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Write};
use std::path::{Path, PathBuf};

use clap::Args;
use vsp_core::Options;
use vsp_core::limits::{MAX_STACK_CELLS, MIN_STACK_CELLS};
use vsp_core::verify::Verified;
use vsp_host::number;
use vsp_host::sys::Sys;
#[cfg(feature = "wasi")]
use vsp_host::wasi::{Input, Output};

use crate::arguments;
use crate::files::{self, Files, Shared};
use crate::script::ImportArgs;
use crate::state::State;
use crate::translate::Result;
#[cfg(feature = "wasi")]
use crate::wasi::{self, EndsWithReader, Joint, WasiArgs};

/// The fuel of a program without a limit, with which its use is counted.
pub(crate) const UNLIMITED: u64 = i64::MAX as u64;

#[derive(Debug, Args)]
pub(crate) struct ProgramArgs {
    /// The program: a .sil text, a .silc program, or WebAssembly (.wasm, .wat); `-` is the standard input (then the program's input is empty).
    pub(crate) file: PathBuf,
    /// Arguments of the program (after `--` if they look like options; negative numbers need none). If the entry
    /// function has parameters they are its arguments: integers (also `0x…`, `0b…`), or numbers with a point or
    /// exponent, `inf` or `nan`, which become binary64.
    #[arg(value_parser = arguments::argument)]
    pub(crate) args: Vec<String>,
    /// The input of the program [default: `-`, the standard input].
    #[arg(long, short, value_name = "FILE")]
    pub(crate) input: Option<PathBuf>,
    /// The output of the program [default: `-`, the standard output]. The file is complete when the program has ended,
    /// in whatever way; if it is rejected an old file stays as it was.
    #[arg(long, short, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// The exported function to call [default: `main`; `_start` if there is no `main`, or the program imports WASI].
    #[arg(long, short, value_name = "NAME")]
    pub(crate) entry: Option<String>,
    /// Call this exported function of a WebAssembly module: the arguments have its types (numbers, or `null`), and the
    /// results are printed, one per line.
    #[cfg(feature = "wasm")]
    #[arg(long, value_name = "NAME", conflicts_with = "entry")]
    pub(crate) invoke: Option<String>,
    /// Fuel of the program; an instruction costs 1 [default: no limit].
    #[arg(long, value_name = "UNITS", allow_negative_numbers = true, value_parser = number::count)]
    pub(crate) fuel: Option<u64>,
    /// Bytes of memory, a multiple of 16 [default: the program's minimum].
    #[arg(long, value_name = "BYTES", allow_negative_numbers = true, value_parser = number::count)]
    pub(crate) memory: Option<u64>,
    /// Bytes to which the memory can grow, a multiple of 16 [default: the program's maximum].
    #[arg(long, value_name = "BYTES", allow_negative_numbers = true, value_parser = number::count)]
    pub(crate) memory_maximum: Option<u64>,
    /// Cells of 8 bytes in the stack [default: 65536; 1048576 if the program was WebAssembly].
    #[arg(long, value_name = "CELLS", allow_negative_numbers = true, value_parser = cells)]
    pub(crate) stack: Option<u32>,
    #[command(flatten)]
    pub(crate) imports: ImportArgs,
    #[cfg(feature = "wasi")]
    #[command(flatten)]
    pub(crate) wasi: WasiArgs,
}

/// The streams of a program.
pub(crate) struct Streams<I> {
    pub(crate) input: I,
    pub(crate) output: Box<dyn Write + Send>,
    pub(crate) errors: Box<dyn Write>,
}

/// An input file.
pub(crate) struct InputFile {
    pub(crate) reader: Box<dyn BufRead>,
    /// Its size in bytes; 0 if it is not a regular file.
    pub(crate) bytes: u64,
}

impl ProgramArgs {
    /// Returns the files that the run reads, so that options cannot overwrite them.
    pub(crate) fn files(&self) -> Files {
        let files = Files::default().reading(&self.file, "the program");
        match &self.input {
            Some(input) => files.reading(input, "the input"),
            None => files.reading(Path::new("-"), "the input"),
        }
    }

    /// Returns the limits.
    pub(crate) fn options(&self, program: &Verified<'_>) -> Options<'static> {
        let stack_cells = self.stack.or_else(|| default_stack(program));
        let (memory, memory_maximum) = (self.memory, self.memory_maximum);
        Options { memory, memory_maximum, stack_cells, fuel: Some(self.fuel()), interrupt: None }
    }

    /// Returns the fuel that the program has at first.
    pub(crate) fn fuel(&self) -> u64 {
        self.fuel.unwrap_or(UNLIMITED)
    }

    /// Creates the state of the host functions. The program gets the arguments if the entry function does not take them.
    pub(crate) fn state(&self, pass_args: bool, streams: Streams<Box<dyn BufRead>>) -> State {
        State::new(self.sys(pass_args, streams))
    }

    fn sys(&self, pass_args: bool, streams: Streams<Box<dyn BufRead>>) -> Sys {
        let Streams { input, output, errors } = streams;
        let input_name =
            self.input.as_ref().map_or_else(|| "-".to_owned(), |path| path.display().to_string());
        let args = if pass_args { self.args.clone() } else { Vec::new() };
        Sys { input, input_name, output, errors, args, exit_code: 0, failure: None }
    }

    /// Creates the state for a program that imports WASI. The input is that of WASI, and empty for the module `sys`.
    #[cfg(feature = "wasi")]
    pub(crate) fn wasi_state(
        &self,
        pass_args: bool,
        streams: Streams<Input>,
        is_terminal: bool,
    ) -> Result<State> {
        let name =
            self.file.file_name().map_or_else(|| "-".to_owned(), |name| name.to_string_lossy().into_owned());
        let args = if pass_args { &self.args[..] } else { &[] };
        let args = std::iter::once(name).chain(args.iter().cloned()).collect();
        let output = Joint::new(streams.output);
        let stdout = Output::writer(EndsWithReader(output.clone()), is_terminal);
        let wasi = self.wasi.state(args, streams.input, stdout)?;
        let input: Box<dyn BufRead> = Box::new(io::empty());
        let sys = self.sys(pass_args, Streams { input, output: Box::new(output), errors: streams.errors });
        Ok(State { sys, wasi })
    }

    /// Opens the input of a program that imports WASI.
    #[cfg(feature = "wasi")]
    pub(crate) fn wasi_input(&self) -> Result<Input> {
        match (files::is_standard(&self.file), &self.input) {
            (_, Some(path)) if !files::is_standard(path) => {
                File::open(path).map(Input::reader).map_err(|error| files::wrong(path, &error))
            }
            (true, None) => Ok(Input::empty()),
            _ => match files::standard_input() {
                Ok(_) => Ok(Input::inherit()),
                Err(error) => Err(format!("standard input: {error}")),
            },
        }
    }

    /// Returns whether the input is a file.
    #[cfg(feature = "wasi")]
    pub(crate) fn names_input_file(&self) -> bool {
        self.input.as_ref().is_some_and(|path| !files::is_standard(path))
    }

    /// Opens the input file, if one is named.
    pub(crate) fn input_file(&self) -> Result<Option<InputFile>> {
        let Some(path) = self.input.as_ref().filter(|path| !files::is_standard(path)) else {
            return Ok(None);
        };
        let opened = File::open(path).and_then(|file| Ok((file.metadata()?.len(), file)));
        match opened {
            Ok((bytes, file)) => Ok(Some(InputFile { reader: Box::new(BufReader::new(file)), bytes })),
            Err(error) => Err(files::wrong(path, &error)),
        }
    }

    /// Opens the standard input for the program. If the program itself is read from it, the input is empty.
    pub(crate) fn standard_input(&self) -> Result<Box<dyn BufRead>> {
        match (files::is_standard(&self.file), &self.input) {
            (true, None) => Ok(Box::new(io::empty())),
            _ => match files::standard_input() {
                Ok(stdin) => Ok(Box::new(stdin.lock())),
                Err(error) => Err(format!("standard input: {error}")),
            },
        }
    }

    /// Creates the output file, if one is named.
    pub(crate) fn output_file(&self, files: &mut Files) -> Result<Option<Shared>> {
        self.output.as_ref().map(|path| files.create(path).map(Shared::new)).transpose()
    }
}

/// Returns whether a program imports WASI, and this build provides it.
pub(crate) fn imports_wasi(program: &Verified<'_>) -> bool {
    #[cfg(feature = "wasi")]
    return wasi::is_imported(program.program());
    #[cfg(not(feature = "wasi"))]
    {
        let _ = program;
        false
    }
}

/// Returns the size of the stack in cells, if it is not that of other programs.
fn default_stack(program: &Verified<'_>) -> Option<u32> {
    #[cfg(feature = "wasm")]
    return crate::wasm::is_translated(program.program()).then_some(vsp_wasm::STACK_CELLS);
    #[cfg(not(feature = "wasm"))]
    {
        let _ = program;
        None
    }
}

/// Parses a number of cells.
fn cells(text: &str) -> std::result::Result<u32, String> {
    let cells = number::count(text).map_err(|error| error.to_string())?;
    let most = MAX_STACK_CELLS.ilog2();
    cells.try_into().map_err(|_| format!("is out of range: a stack has {MIN_STACK_CELLS} to 2^{most} cells"))
}
