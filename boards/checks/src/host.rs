//! The host functions that checks call: the module `test` of the case files (snapshots/README.md) and the part of the
//! module `sys` (docs/sys.md) that programs on integers need.

use alloc::vec::Vec;

use vsp_core::program::FuncType;
use vsp_core::{Caller, HostStop, ImportError, Imports};

use crate::report::digits;

/// The name of the input, as programs see it.
const INPUT_NAME: &[u8] = b"input";

/// Largest number of arguments.
const ARGUMENTS: usize = 2;

/// The errors of the module `sys`, as numbers.
const MEMORY: HostStop = HostStop::Error(1);
const NO_ARGUMENT: HostStop = HostStop::Error(4);
const NOT_A_NUMBER: HostStop = HostStop::Error(5);
const EXIT_CODE: HostStop = HostStop::Error(6);

/// The state of the host functions.
#[derive(Clone, Debug, Default)]
pub struct Host {
    input: &'static [u8],
    arguments: [Option<&'static [u8]>; ARGUMENTS],
    /// What the program has written.
    pub output: Vec<u8>,
    /// The exit code that the program chose.
    pub exit_code: u32,
}

impl Host {
    /// Sets what the program reads.
    pub fn set_input(&mut self, input: &'static [u8]) {
        self.input = input;
    }

    /// Adds an argument. Returns `false` if there are too many.
    pub fn add_argument(&mut self, argument: &'static [u8]) -> bool {
        let free = self.arguments.iter_mut().find(|it| it.is_none());
        free.map(|free| *free = Some(argument)).is_some()
    }

    fn argument(&self, index: u64) -> Option<&'static [u8]> {
        *self.arguments.get(usize::try_from(index).ok()?)?
    }

    /// Writes a number in decimal.
    fn print(&mut self, number: u64) {
        self.output.extend_from_slice(digits(number, &mut [0; 20]));
    }
}

type Arguments = [u64; 8];
type Results = [u64; 4];
type Function = fn(&mut Caller<'_, Host>, &Arguments, &mut Results) -> Result<(), HostStop>;

/// A function: module, name, numbers of parameters and results.
type Row = (&'static str, &'static str, usize, usize, Function);

const FUNCTIONS: &[Row] = &[
    ("test", "echo", 1, 1, |_, args, results| {
        results[0] = args[0];
        Ok(())
    }),
    ("test", "add", 2, 1, |_, args, results| {
        results[0] = args[0].wrapping_add(args[1]);
        Ok(())
    }),
    ("test", "swap", 2, 2, |_, args, results| {
        (results[0], results[1]) = (args[1], args[0]);
        Ok(())
    }),
    ("test", "four", 0, 4, |_, _, results| {
        *results = [1, 2, 3, 4];
        Ok(())
    }),
    ("test", "sum", 8, 1, |_, args, results| {
        results[0] = args.iter().fold(0, |sum, it| sum.wrapping_add(*it));
        Ok(())
    }),
    ("test", "fail", 1, 0, |_, args, _| Err(HostStop::Error(args[0] as u32))),
    ("test", "pending", 1, 1, |_, _, _| Err(HostStop::Pending)),
    ("test", "charge", 1, 0, |caller, args, _| {
        caller.charge(args[0]);
        Ok(())
    }),
    ("test", "poke", 2, 0, |caller, args, _| {
        caller.bytes(args[0], 1).ok_or(HostStop::Error(1))?[0] = args[1] as u8;
        Ok(())
    }),
    ("sys", "read", 2, 1, read),
    ("sys", "write", 2, 1, |caller, args, results| {
        let (host, bytes) = caller.parts_of(args[0], args[1]).ok_or(MEMORY)?;
        host.output.extend_from_slice(bytes);
        results[0] = args[1];
        Ok(())
    }),
    ("sys", "error", 2, 0, |caller, args, _| caller.bytes(args[0], args[1]).map(drop).ok_or(MEMORY)),
    ("sys", "error_uint", 1, 0, |_, _, _| Ok(())),
    ("sys", "print_uint", 1, 0, |caller, args, _| {
        caller.state().print(args[0]);
        Ok(())
    }),
    ("sys", "print_int", 1, 0, |caller, args, _| {
        let number = args[0] as i64;
        if number < 0 {
            caller.state().output.push(b'-');
        }
        caller.state().print(number.unsigned_abs());
        Ok(())
    }),
    ("sys", "arg_count", 0, 1, |caller, _, results| {
        results[0] = caller.state().arguments.iter().flatten().count() as u64;
        Ok(())
    }),
    ("sys", "arg", 3, 1, |caller, args, results| {
        let argument = caller.state().argument(args[0]).ok_or(NO_ARGUMENT)?;
        copy(caller, argument, args[1], args[2], results)
    }),
    ("sys", "arg_int", 2, 1, |caller, args, results| {
        let argument = caller.state().argument(args[0]);
        let number = argument.map(|it| core::str::from_utf8(it).ok()?.parse().ok());
        results[0] = number.unwrap_or(Some(args[1])).ok_or(NOT_A_NUMBER)?;
        Ok(())
    }),
    ("sys", "input_name", 2, 1, |caller, args, results| copy(caller, INPUT_NAME, args[0], args[1], results)),
    ("sys", "exit_code", 1, 0, |caller, args, _| {
        caller.state().exit_code = u8::try_from(args[0]).map_err(|_| EXIT_CODE)?.into();
        Ok(())
    }),
];

fn read(caller: &mut Caller<'_, Host>, args: &Arguments, results: &mut Results) -> Result<(), HostStop> {
    let (host, memory) = caller.parts_of(args[0], args[1]).ok_or(MEMORY)?;
    let (bytes, rest) = host.input.split_at(memory.len().min(host.input.len()));
    memory[..bytes.len()].copy_from_slice(bytes);
    host.input = rest;
    results[0] = bytes.len() as u64;
    Ok(())
}

/// Copies a text to memory, at most `capacity` bytes of it. The result is its whole length.
fn copy(
    caller: &mut Caller<'_, Host>,
    text: &[u8],
    address: u64,
    capacity: u64,
    results: &mut Results,
) -> Result<(), HostStop> {
    let length = capacity.min(text.len() as u64);
    caller.bytes(address, length).ok_or(MEMORY)?.copy_from_slice(&text[..length as usize]);
    results[0] = text.len() as u64;
    Ok(())
}

/// Returns the host functions.
///
/// # Errors
/// One is defined twice.
pub fn imports() -> Result<Imports<Host>, ImportError> {
    let mut imports = Imports::new();
    for &(module, name, params, results, function) in FUNCTIONS {
        if let Some(ty) = FuncType::new(params, results) {
            imports.define_raw(module, name, ty, function)?;
        }
    }
    Ok(imports)
}
