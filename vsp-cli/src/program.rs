//! The program of a command: its file, arguments, input and output, and limits.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Write};
use std::path::{Path, PathBuf};

use clap::Args;
use vsp_core::index::FuncIndex;
use vsp_core::limits::{MAX_STACK_CELLS, MIN_STACK_CELLS};
use vsp_core::verify::Verified;
use vsp_core::{Excerpt, Options};
use vsp_host::number::{self, NumberError};
use vsp_host::sys::Sys;

use crate::arguments;
use crate::files::{self, Files, Shared};
use crate::functions;
use crate::script::ImportArgs;
use crate::translate::{Result, counted};

/// The fuel of a program without a limit, with which its use is counted.
pub(crate) const UNLIMITED: u64 = i64::MAX as u64;

#[derive(Debug, Args)]
pub(crate) struct ProgramArgs {
    /// The program: a .sil text or a .silc program; `-` is the standard input (then the program's input is empty).
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
    /// The exported function to call.
    #[arg(long, short, value_name = "NAME", default_value = "main")]
    pub(crate) entry: String,
    /// Fuel of the program; an instruction costs 1 [default: no limit].
    #[arg(long, value_name = "UNITS", allow_negative_numbers = true, value_parser = number::count)]
    pub(crate) fuel: Option<u64>,
    /// Bytes of memory, a multiple of 16 [default: the program's minimum].
    #[arg(long, value_name = "BYTES", allow_negative_numbers = true, value_parser = number::count)]
    pub(crate) memory: Option<u64>,
    /// Bytes to which the memory can grow, a multiple of 16 [default: the program's maximum].
    #[arg(long, value_name = "BYTES", allow_negative_numbers = true, value_parser = number::count)]
    pub(crate) memory_maximum: Option<u64>,
    /// Cells of 8 bytes in the stack [default: 65536].
    #[arg(long, value_name = "CELLS", allow_negative_numbers = true, value_parser = cells)]
    pub(crate) stack: Option<u32>,
    #[command(flatten)]
    pub(crate) imports: ImportArgs,
}

/// An input file.
pub(crate) struct InputFile {
    pub(crate) reader: Box<dyn BufRead>,
    /// Its size in bytes; 0 if it is not a regular file.
    pub(crate) bytes: u64,
}

impl ProgramArgs {
    /// Returns the function to call, and its arguments.
    pub(crate) fn entry(&self, program: &Verified<'_>) -> Result<(FuncIndex, Vec<u64>)> {
        let Some(entry) = program.export(&self.entry) else {
            let names: Vec<&str> = program.program().exports().map(|export| export.name).collect();
            let exports = if names.is_empty() { "nothing".to_owned() } else { functions::list(&names) };
            return Err(format!(
                "{} does not export \"{}\"; it exports {exports}",
                files::name(&self.file).display(),
                Excerpt(&self.entry)
            ));
        };
        let params = program.function(entry).map_or(0, |function| function.ty.params());
        if params == 0 {
            return Ok((entry, Vec::new()));
        }
        if params != self.args.len() {
            return Err(format!(
                "{} takes {}, and {} given",
                Excerpt(&self.entry),
                counted(params as u64, "argument"),
                if self.args.len() == 1 { "1 was".to_owned() } else { format!("{} were", self.args.len()) }
            ));
        }
        let values =
            self.args.iter().map(|text| number::register(text).map_err(|error| refusal(text, error)));
        Ok((entry, values.collect::<Result<_>>()?))
    }

    /// Returns the files that the run reads, so that options cannot overwrite them.
    pub(crate) fn files(&self) -> Files {
        let files = Files::default().reading(&self.file, "the program");
        match &self.input {
            Some(input) => files.reading(input, "the input"),
            None => files.reading(Path::new("-"), "the input"),
        }
    }

    /// Returns the limits.
    pub(crate) fn options(&self) -> Options<'static> {
        let fuel = Some(self.fuel.unwrap_or(UNLIMITED));
        let (memory, memory_maximum) = (self.memory, self.memory_maximum);
        Options { memory, memory_maximum, stack_cells: self.stack, fuel, interrupt: None }
    }

    /// Creates the state of the `sys` module. The program gets the arguments if the entry function does not take them.
    pub(crate) fn state(
        &self,
        pass_args: bool,
        input: Box<dyn BufRead>,
        output: Box<dyn Write>,
        errors: Box<dyn Write>,
    ) -> Sys {
        let input_name =
            self.input.as_ref().map_or_else(|| "-".to_owned(), |path| path.display().to_string());
        let args = if pass_args { self.args.clone() } else { Vec::new() };
        Sys { input, input_name, output, errors, args, exit_code: 0, failure: None }
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

/// Returns why an argument of the entry function is rejected.
fn refusal(text: &str, error: NumberError) -> String {
    let float = number::float(text).ok().filter(|_| error == NumberError::OutOfRange);
    let help = float.map_or_else(String::new, |float| format!(" ({float:e} is a binary64)"));
    format!("the argument \"{}\" {error}{help}", Excerpt(text))
}

/// Parses a number of cells.
fn cells(text: &str) -> std::result::Result<u32, String> {
    let cells = number::count(text).map_err(|error| error.to_string())?;
    let most = MAX_STACK_CELLS.ilog2();
    cells.try_into().map_err(|_| format!("is out of range: a stack has {MIN_STACK_CELLS} to 2^{most} cells"))
}
