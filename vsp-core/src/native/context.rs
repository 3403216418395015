//! What machine code finds behind its context pointer.

use crate::limits::MAX_PARAMS;

/// The context: the fields that machine code reads and writes, at the same offsets on every architecture.
///
/// Addresses are numbers here. Only the host, which may use unsafe code, turns memory into such numbers and jumps.
#[derive(Clone, Debug, Default)]
#[repr(C)]
pub struct Context {
    /// Address of the memory.
    pub memory: u64,
    /// Bytes of the memory.
    pub memory_size: u64,
    /// Address of the globals.
    pub globals: u64,
    /// Address behind the last cell of the stack.
    pub cells_end: u64,
    /// Cells of the stack.
    pub cells: u64,
    /// The balance of fuel, while no machine code keeps it in a register.
    pub fuel: i64,
    /// Address of the interrupt flag, one byte.
    pub interrupt: u64,
    /// Address of the machine code's first byte.
    pub code: u64,
    /// Address of the function table, see [`TableEntry`].
    pub functions: u64,
    /// Address of `extern "C" fn(context, import: u64, a: u64, b: u64, c: u64) -> u64`, which calls a host function with the
    /// arguments a, b and c, and those behind them in their places in [`Self::values`]. It gives the first result, puts the
    /// others into their places, and one of the [`HostStatus`] numbers into [`Self::status`].
    pub host_call: u64,
    /// Address of `extern "C" fn(function: u64, b: u64, c: u64) -> u64`: [`compute`](super::compute).
    pub math: u64,
    /// Address of `extern "C" fn(to: u64, from: u64, length: u64)`: copies bytes that may overlap, at addresses.
    pub copy: u64,
    /// Address of `extern "C" fn(to: u64, byte: u64, length: u64)`: fills bytes at an address.
    pub fill: u64,
    /// For the host's functions: their own data.
    pub host: u64,
    /// Parameters and results of an entry, arguments 3–7 and results 1–3 of host functions, results 1–3 of functions.
    pub values: [u64; MAX_PARAMS],
    /// What the code was left with: the value of HLT or YIELD, the code of a host function's error.
    pub value: u64,
    /// Where the code was left: an index of [`CodeInfo::sites`](super::CodeInfo::sites). The host sets it to [`NO_SITE`] before it
    /// enters code that counts fuel.
    pub site: u64,
    /// The cell where the frame starts in which it was left.
    pub frame: u64,
    /// How the last call of a host function ended: one of the [`HostStatus`] numbers.
    pub status: u64,
}

/// Addresses that whoever enters machine code fills in: of the code, and of what it needs. [`Context`] says what each is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields of Context have the same names")]
pub struct Addresses {
    pub code: u64,
    pub functions: u64,
    pub host_call: u64,
    pub math: u64,
    pub copy: u64,
    pub fill: u64,
}

impl Context {
    pub(crate) fn fill(&mut self, addresses: Addresses) {
        let Addresses { code, functions, host_call, math, copy, fill } = addresses;
        (self.code, self.functions, self.host_call) = (code, functions, host_call);
        (self.math, self.copy, self.fill) = (math, copy, fill);
    }
}

/// What a function that counts fuel gives where it would give the fuel, and was left. The balance and the site are in the context
/// then. (If the site is [`NO_SITE`], it is the fuel after all.)
pub const EXITED: i64 = i32::MIN as i64;

/// The [`Context::site`] of code that was entered, and was not left; and of code that could not be entered.
pub const NO_SITE: u64 = u64::MAX;

/// How a call of a host function ended, as a number for machine code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u64)]
pub enum HostStatus {
    /// With results.
    Done = 0,
    /// With an error, whose code is [`Context::value`]; or with a panic, which the host keeps.
    Error = 1,
    /// The results are not there yet.
    Pending = 2,
}

/// A row of the function table: what CALLR needs to know of a function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub struct TableEntry {
    /// The function's first byte, from the start of the machine code.
    pub offset: u32,
    /// Its type's bits.
    pub ty: u16,
    /// Cells of its frame.
    pub cells: u16,
}

impl TableEntry {
    /// The type of a function that was not compiled. No function has it.
    pub const NOT_COMPILED: u16 = u16::MAX;
}
