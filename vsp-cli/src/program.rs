//! The program of a command: its file, arguments, input and output, and limits.

use std::io::Write;
use std::path::{Path, PathBuf};

use clap::Args;
use vsp_core::Options;
use vsp_core::limits::{MAX_STACK_CELLS, MIN_STACK_CELLS};
use vsp_core::verify::Verified;
use vsp_host::input::Input;
use vsp_host::number;
use vsp_host::sys::Sys;
#[cfg(feature = "wasi")]
use vsp_host::wasi::Output;

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
pub(crate) struct Streams {
    pub(crate) input: Input,
    pub(crate) output: Box<dyn Write + Send>,
    pub(crate) errors: Box<dyn Write>,
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
    pub(crate) fn state(&self, pass_args: bool, streams: Streams) -> State {
        State::new(self.sys(pass_args, streams))
    }

    fn sys(&self, pass_args: bool, streams: Streams) -> Sys {
        let Streams { input, output, errors } = streams;
        let input_name =
            self.input.as_ref().map_or_else(|| "-".to_owned(), |path| path.display().to_string());
        let args = if pass_args { self.args.clone() } else { Vec::new() };
        Sys { input_name, args, ..Sys::new(input, output, errors) }
    }

    /// Creates the state for a program that imports WASI. The input is that of WASI, and empty for the module `sys`.
    #[cfg(feature = "wasi")]
    pub(crate) fn wasi_state(&self, pass_args: bool, streams: Streams, is_terminal: bool) -> Result<State> {
        let name =
            self.file.file_name().map_or_else(|| "-".to_owned(), |name| name.to_string_lossy().into_owned());
        let args = if pass_args { &self.args[..] } else { &[] };
        let args = std::iter::once(name).chain(args.iter().cloned()).collect();
        let output = Joint::new(streams.output);
        let stdout = Output::writer(EndsWithReader(output.clone()), is_terminal);
        let wasi = self.wasi.state(args, streams.input, stdout)?;
        let streams = Streams { input: Input::empty(), output: Box::new(output), errors: streams.errors };
        let sys = self.sys(pass_args, streams);
        Ok(State { wasi, ..State::new(sys) })
    }

    /// Opens the input. If the program itself is read from the standard input, that is empty for it.
    pub(crate) fn open_input(&self) -> Result<Input> {
        match &self.input {
            Some(path) if !files::is_standard(path) => {
                Input::file(path).map_err(|error| files::wrong(path, &error))
            }
            None if files::is_standard(&self.file) => Ok(Input::empty()),
            _ => standard_input(),
        }
    }

    /// Returns whether the input is a file.
    pub(crate) fn names_input_file(&self) -> bool {
        self.input.as_ref().is_some_and(|path| !files::is_standard(path))
    }

    /// Creates the output file, if one is named, or opens it to go on after `written` bytes.
    pub(crate) fn output_file(&self, files: &mut Files, written: Option<u64>) -> Result<Option<Shared>> {
        let Some(path) = &self.output else { return Ok(None) };
        let output = match written {
            Some(written) => files.continue_with(path, written),
            None => files.create(path),
        };
        output.map(Shared::new).map(Some)
    }
}

/// Returns the standard input for a program.
pub(crate) fn standard_input() -> Result<Input> {
    match files::standard_input() {
        Ok(_) => Ok(Input::inherit()),
        Err(error) => Err(format!("standard input: {error}")),
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
