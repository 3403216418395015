//! The `sys` module: the host functions of programs that `vsp run` runs.
//!
//! Addresses and lengths are in bytes of the program's memory. A function that fails traps `Host(code)` with the number
//! of a [`SysError`].
//!
//! [`FUNCTIONS`] lists the functions; `docs/sys.md` shows examples. The state of the module can be saved with that of
//! the program ([`vsp_core::state_file::HostState`], [`SysState`]).

mod saved;

use std::io::{self, Write};

use vsp_core::{Caller, Excerpt, HostStop, ImportError, Imports};

use crate::input::Input;
use crate::number::{self, NumberError};

pub use saved::SysState;

/// A function of the module, for documents and messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SysFunction {
    /// The name.
    pub name: &'static str,
    /// Number of parameters.
    pub params: u8,
    /// Number of results.
    pub results: u8,
    /// The parameters in their order, and the results.
    pub signature: &'static str,
    /// The description, in Markdown.
    pub meaning: &'static str,
    /// The errors that the function traps with.
    pub errors: &'static [SysError],
}

/// The functions that [`imports`] defines.
pub const FUNCTIONS: [SysFunction; 13] = {
    use SysError::*;
    const fn function(
        name: &'static str,
        (params, results): (u8, u8),
        signature: &'static str,
        meaning: &'static str,
        errors: &'static [SysError],
    ) -> SysFunction {
        SysFunction { name, params, results, signature, meaning, errors }
    }
    [
        function(
            "read",
            (2, 1),
            "address, length → bytes read",
            "reads bytes of the input into memory; 0 only at the end of the input, or if the length is 0",
            &[Memory, Read],
        ),
        function(
            "write",
            (2, 1),
            "address, length → bytes written",
            "writes bytes of the memory to the output, all of them",
            &[Memory, Write],
        ),
        function("print_int", (1, 0), "number", "writes a signed integer in decimal", &[Write]),
        function("print_uint", (1, 0), "number", "writes an unsigned integer in decimal", &[Write]),
        function(
            "print_float",
            (1, 0),
            "number",
            "writes a binary64 as the shortest decimal that reads back as the same number: `0.1`, `1e300`, `inf`, `NaN`",
            &[Write],
        ),
        function(
            "error",
            (2, 0),
            "address, length",
            "writes bytes of the memory to the error stream",
            &[Memory, Write],
        ),
        function(
            "error_uint",
            (1, 0),
            "number",
            "writes an unsigned integer in decimal to the error stream",
            &[Write],
        ),
        function("arg_count", (0, 1), "→ count", "returns the number of arguments", &[]),
        function(
            "arg",
            (3, 1),
            "argument, address, capacity → length",
            "copies an argument to memory, at most `capacity` bytes of it, and returns its whole length",
            &[NoArgument, Memory],
        ),
        function(
            "arg_int",
            (2, 1),
            "argument, default → number",
            "returns an argument as an integer (decimal or 0x, −2⁶³ to 2⁶⁴ − 1), or the default if there is no such argument",
            &[NotANumber],
        ),
        function(
            "arg_float",
            (2, 1),
            "argument, default → number",
            "returns an argument as a binary64, or the default if there is no such argument",
            &[NotANumber],
        ),
        function(
            "input_name",
            (2, 1),
            "address, capacity → length",
            "copies the name of the input to memory, `-` for the standard input; cut like an argument",
            &[Memory],
        ),
        function(
            "exit_code",
            (1, 0),
            "code",
            "sets the exit code of the process, 0 to 255, for when the program ends well",
            &[ExitCode],
        ),
    ]
};

/// The error of a function of the module. Its number is the code of the trap.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[repr(u32)]
pub enum SysError {
    /// An address or length reaches outside the memory.
    #[error("the bytes are not all inside the memory")]
    Memory = 1,
    /// Reading the input failed.
    #[error("the input cannot be read")]
    Read = 2,
    /// Writing the output failed.
    #[error("the output cannot be written")]
    Write = 3,
    /// There is no argument of this number.
    #[error("there is no such argument")]
    NoArgument = 4,
    /// An argument is not a number, or does not fit.
    #[error("the argument is not the number that is needed")]
    NotANumber = 5,
    /// An exit code above 255.
    #[error("an exit code is 0 to 255")]
    ExitCode = 6,
}

impl SysError {
    /// All errors, in the order of their codes.
    pub const ALL: [SysError; 6] = {
        use SysError::*;
        [Memory, Read, Write, NoArgument, NotANumber, ExitCode]
    };

    /// Returns the error with this number.
    pub fn from_code(code: u32) -> Option<SysError> {
        SysError::ALL.into_iter().find(|error| *error as u32 == code)
    }
}

/// The state of the module.
pub struct Sys {
    /// The input of `sys.read`.
    pub input: Input,
    /// The name of the input.
    pub input_name: String,
    /// The output of `sys.write` and `sys.print_…`.
    pub output: Box<dyn Write>,
    /// Bytes that these functions have written to the output.
    pub written: u64,
    /// The output of `sys.error` and `sys.error_uint`.
    pub errors: Box<dyn Write>,
    /// The program's arguments.
    pub args: Vec<String>,
    /// The exit code that the program chose.
    pub exit_code: u8,
    /// The error of the operating system, or of an argument, when a function failed last.
    pub failure: Option<String>,
}

impl Sys {
    /// Creates the state of a program that has no arguments.
    pub fn new(input: Input, output: Box<dyn Write>, errors: Box<dyn Write>) -> Sys {
        Sys {
            input,
            input_name: String::new(),
            output,
            written: 0,
            errors,
            args: Vec::new(),
            exit_code: 0,
            failure: None,
        }
    }
}

impl std::fmt::Debug for Sys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sys")
            .field("input_name", &self.input_name)
            .field("args", &self.args)
            .finish_non_exhaustive()
    }
}

/// The output of a program, which counts the bytes.
struct Counted<'s>(&'s mut Sys);

impl Write for Counted<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.0.output.write(bytes)?;
        self.0.written += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.output.flush()
    }
}

impl Sys {
    fn counted(&mut self) -> Counted<'_> {
        Counted(self)
    }
}

impl AsMut<Sys> for Sys {
    fn as_mut(&mut self) -> &mut Sys {
        self
    }
}

/// Creates the functions of the module, for a state that contains a [`Sys`].
///
/// # Errors
/// None in practice: the names are all different.
pub fn imports<S: AsMut<Sys> + 'static>() -> Result<Imports<S>, ImportError> {
    let mut imports = Imports::new();
    imports
        .define("sys", "read", read::<S>)?
        .define("sys", "write", write::<S>)?
        .define("sys", "print_int", |caller: &mut Caller<'_, S>, value: i64| {
            print(caller, format_args!("{value}"))
        })?
        .define("sys", "print_uint", |caller: &mut Caller<'_, S>, value: u64| {
            print(caller, format_args!("{value}"))
        })?
        .define("sys", "print_float", |caller: &mut Caller<'_, S>, value: f64| {
            print(caller, format_args!("{value:?}"))
        })?
        .define("sys", "error", error::<S>)?
        .define("sys", "error_uint", |caller: &mut Caller<'_, S>, value: u64| {
            let result = write!(caller.state().as_mut().errors, "{value}");
            io(caller, SysError::Write, result)
        })?
        .define("sys", "arg_count", |caller: &mut Caller<'_, S>| caller.state().as_mut().args.len() as u64)?
        .define("sys", "arg", arg::<S>)?
        .define("sys", "arg_int", |caller: &mut Caller<'_, S>, index: u64, default: u64| {
            number(caller, index, default, number::integer)
        })?
        .define("sys", "arg_float", |caller: &mut Caller<'_, S>, index: u64, default: f64| {
            number(caller, index, default, number::float)
        })?
        .define("sys", "input_name", |caller: &mut Caller<'_, S>, address: u64, capacity: u64| {
            let name = caller.state().as_mut().input_name.clone();
            copy_text(caller, &name, address, capacity)
        })?
        .define("sys", "exit_code", |caller: &mut Caller<'_, S>, code: u64| match u8::try_from(code) {
            Ok(code) => {
                caller.state().as_mut().exit_code = code;
                Ok(())
            }
            Err(_) => fail(SysError::ExitCode),
        })?;
    Ok(imports)
}

fn fail<T>(error: SysError) -> Result<T, HostStop> {
    Err(HostStop::Error(error as u32))
}

fn io<S: AsMut<Sys>, T>(
    caller: &mut Caller<'_, S>,
    kind: SysError,
    result: io::Result<T>,
) -> Result<T, HostStop> {
    result.or_else(|error| {
        caller.state().as_mut().failure = Some(error.to_string());
        fail(kind)
    })
}

fn range(address: u64, length: u64) -> Option<std::ops::Range<usize>> {
    let (address, length) = (usize::try_from(address).ok()?, usize::try_from(length).ok()?);
    Some(address..address.checked_add(length)?)
}

fn read<S: AsMut<Sys>>(caller: &mut Caller<'_, S>, address: u64, length: u64) -> Result<u64, HostStop> {
    if !caller.state().as_mut().input.has_bytes() {
        caller.flush_log();
    }
    let Some((state, buffer)) = caller.parts_of(address, length) else {
        return fail(SysError::Memory);
    };
    let result = state.as_mut().input.read_ahead(buffer);
    io(caller, SysError::Read, result).map(|count| count as u64)
}

fn write<S: AsMut<Sys>>(caller: &mut Caller<'_, S>, address: u64, length: u64) -> Result<u64, HostStop> {
    let (state, memory) = caller.shared_parts();
    let sys = state.as_mut();
    let Some(bytes) = range(address, length).and_then(|range| memory.get(range)) else {
        return fail(SysError::Memory);
    };
    let result = sys.counted().write_all(bytes);
    io(caller, SysError::Write, result).map(|()| length)
}

fn error<S: AsMut<Sys>>(caller: &mut Caller<'_, S>, address: u64, length: u64) -> Result<(), HostStop> {
    let (state, memory) = caller.shared_parts();
    let sys = state.as_mut();
    let Some(bytes) = range(address, length).and_then(|range| memory.get(range)) else {
        return fail(SysError::Memory);
    };
    let result = sys.errors.write_all(bytes);
    io(caller, SysError::Write, result)
}

fn print<S: AsMut<Sys>>(caller: &mut Caller<'_, S>, text: std::fmt::Arguments<'_>) -> Result<(), HostStop> {
    let result = caller.state().as_mut().counted().write_fmt(text);
    io(caller, SysError::Write, result)
}

fn argument<S: AsMut<Sys>>(caller: &mut Caller<'_, S>, index: u64) -> Option<String> {
    let index = usize::try_from(index).ok()?;
    caller.state().as_mut().args.get(index).cloned()
}

fn arg<S: AsMut<Sys>>(
    caller: &mut Caller<'_, S>,
    index: u64,
    address: u64,
    capacity: u64,
) -> Result<u64, HostStop> {
    match argument(caller, index) {
        Some(text) => copy_text(caller, &text, address, capacity),
        None => fail(SysError::NoArgument),
    }
}

fn copy_text<S: AsMut<Sys>>(
    caller: &mut Caller<'_, S>,
    text: &str,
    address: u64,
    capacity: u64,
) -> Result<u64, HostStop> {
    let copied = capacity.min(text.len() as u64);
    match caller.bytes(address, copied) {
        Some(bytes) => {
            bytes.copy_from_slice(&text.as_bytes()[..copied as usize]);
            Ok(text.len() as u64)
        }
        None => fail(SysError::Memory),
    }
}

fn number<S: AsMut<Sys>, T>(
    caller: &mut Caller<'_, S>,
    index: u64,
    default: T,
    parse: impl Fn(&str) -> Result<T, NumberError>,
) -> Result<T, HostStop> {
    let Some(text) = argument(caller, index) else { return Ok(default) };
    parse(&text).or_else(|error| {
        caller.state().as_mut().failure = Some(format!("argument {index}, \"{}\", {error}", Excerpt(&text)));
        fail(SysError::NotANumber)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_has_the_functions_that_are_defined() {
        let defined = imports::<Sys>().unwrap();
        let listed = FUNCTIONS.map(|function| {
            format!(".import sys.{} ({}) -> {}\n", function.name, function.params, function.results)
        });
        let source = listed.concat() + ".func f (0) -> 0\n RET\n.end\n";
        let bytes = vsp_core::text::assemble(&source, "f.sil").unwrap();
        let program = vsp_core::program::Program::read(&bytes[..]).unwrap();
        let program = vsp_core::verify::Verified::new(program).unwrap();
        let sys = Sys::new(Input::empty(), Box::new(io::sink()), Box::new(io::sink()));
        vsp_core::Instance::new(&program, &defined, sys, vsp_core::Options::default()).unwrap();
        // And no others: the names in the order of their definition.
        let described = format!("{defined:?}");
        assert_eq!(described.matches("\"sys\"").count(), FUNCTIONS.len(), "{described}");
    }

    #[test]
    fn error_codes_are_those_of_the_table() {
        for code in 0..10 {
            let error = SysError::from_code(code);
            assert_eq!(error.map(|error| error as u32), (1..=6).contains(&code).then_some(code));
        }
    }
}
