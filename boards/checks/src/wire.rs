//! The table of checks as bytes: numbers with seven bits to a byte, and byte strings after their length.

use vsp_core::index::{FuncIndex, Location};
use vsp_core::limits::{MAX_PARAMS, MAX_RESULTS};

/// A check: a program, and what to do with it.
#[derive(Clone, Copy, Debug)]
pub struct Check<'a> {
    /// The name, which ends in `.sil`.
    pub name: &'a str,
    /// The bytes of the program.
    pub program: &'a [u8],
    /// The steps.
    pub steps: Reader<'a>,
}

/// A list of values with a largest length.
#[derive(Clone, Copy, Debug)]
pub struct List<const N: usize> {
    values: [u64; N],
    count: usize,
}

impl<const N: usize> List<N> {
    /// Returns the values.
    pub fn values(&self) -> &[u64] {
        &self.values[..self.count]
    }
}

/// The expected end of a call.
#[derive(Clone, Copy, Debug)]
pub enum Expected {
    /// It returns these results, or binary64 that are at most this many units in the last place away.
    Returns(List<MAX_RESULTS>, u64),
    /// It halts with this value.
    Halts(u64),
    /// It traps: the code of the trap and its number.
    Traps(u64, u64, Location),
    /// It is suspended: a number for the reason ([`reason`]) and its value.
    Suspends(u64, u64, Location),
}

/// A step of a check.
#[derive(Clone, Copy, Debug)]
pub enum Step<'a> {
    /// Calls an export.
    Call(&'a str, List<MAX_PARAMS>, Expected),
    /// Resumes with values.
    Resume(List<MAX_PARAMS>, Expected),
    /// Ends a pending host call with an error.
    Fail(u32, Expected),
    /// Sets the balance of fuel.
    Fuel(u64),
    /// Checks the balance of fuel.
    Balance(i64),
    /// Sets or clears the interrupt flag.
    Interrupt(bool),
    /// Sets the size of the memory in bytes.
    Memory(u64),
    /// Sets the size in bytes to which the memory can grow.
    Maximum(u64),
    /// Sets the size of the stack in cells.
    Stack(u32),
    /// Abandons a suspended call.
    Reset,
    /// Creates a new instance.
    New,
    /// Checks bytes of the memory from an address.
    Bytes(u64, &'a [u8]),
    /// Checks the value of a global.
    Global(u32, u64),
    /// Checks a frame of the call stack: its number from the innermost, and the location.
    Frame(u32, Location),
    /// Checks the number of frames of the call stack.
    Depth(u32),
    /// The verifier refuses the program.
    Refused,
    /// Adds an argument for the program.
    Argument(&'a [u8]),
    /// Sets the input of the program.
    Input(&'a [u8]),
    /// Checks what the program has written, and its exit code.
    Output(&'a [u8], u32),
}

/// The numbers of reasons of a suspension, and their values.
pub fn reason(reason: vsp_core::Reason) -> (u64, u64) {
    use vsp_core::Reason;
    match reason {
        Reason::Fuel => (0, 0),
        Reason::Interrupted => (1, 0),
        Reason::Yield(value) => (2, value),
        Reason::Pending(import) => (3, import.0.into()),
    }
}

/// The code of a trap and its number.
pub fn trap(trap: vsp_core::Trap) -> (u64, u64) {
    use vsp_core::Trap;
    let number = match trap {
        Trap::Explicit(number) | Trap::Host(number) => number.into(),
        _ => 0,
    };
    (trap.code().into(), number)
}

/// Reads a table, or the steps of a check. It ends where the bytes do.
#[derive(Clone, Copy, Debug)]
pub struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    /// Creates a reader of a table.
    pub const fn new(bytes: &'a [u8]) -> Self {
        Reader(bytes)
    }

    /// Returns the number of bytes that are left.
    pub fn remaining(&self) -> usize {
        self.0.len()
    }

    /// Returns the next check. `None` ends the table.
    pub fn check(&mut self) -> Option<Check<'a>> {
        let (name, program) = (self.text()?, self.bytes()?);
        Some(Check { name, program, steps: Reader(self.bytes()?) })
    }

    /// Returns the next step. `None` ends the check.
    pub fn step(&mut self) -> Option<Step<'a>> {
        Some(match self.number()? {
            0 => Step::Call(self.text()?, self.list()?, self.expected()?),
            1 => Step::Resume(self.list()?, self.expected()?),
            2 => Step::Fail(self.number()? as u32, self.expected()?),
            3 => Step::Fuel(self.number()?),
            4 => Step::Balance(self.number()? as i64),
            5 => Step::Interrupt(self.number()? != 0),
            6 => Step::Memory(self.number()?),
            7 => Step::Maximum(self.number()?),
            8 => Step::Stack(self.number()? as u32),
            9 => Step::Reset,
            10 => Step::New,
            11 => Step::Bytes(self.number()?, self.bytes()?),
            12 => Step::Global(self.number()? as u32, self.number()?),
            13 => Step::Frame(self.number()? as u32, self.location()?),
            14 => Step::Depth(self.number()? as u32),
            15 => Step::Refused,
            16 => Step::Argument(self.bytes()?),
            17 => Step::Input(self.bytes()?),
            18 => Step::Output(self.bytes()?, self.number()? as u32),
            _ => return None,
        })
    }

    fn number(&mut self) -> Option<u64> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let (&byte, rest) = self.0.split_first()?;
            self.0 = rest;
            number |= u64::from(byte & 127) << shift;
            if byte < 128 {
                break;
            }
        }
        Some(number)
    }

    fn bytes(&mut self) -> Option<&'a [u8]> {
        let length = self.number()? as usize;
        let (bytes, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(bytes)
    }

    fn text(&mut self) -> Option<&'a str> {
        core::str::from_utf8(self.bytes()?).ok()
    }

    fn list<const N: usize>(&mut self) -> Option<List<N>> {
        let mut list = List { values: [0; N], count: self.number()? as usize };
        for value in list.values.get_mut(..list.count)? {
            *value = self.number()?;
        }
        Some(list)
    }

    fn location(&mut self) -> Option<Location> {
        Some(Location { function: FuncIndex(self.number()? as u32), word: self.number()? as u32 })
    }

    fn expected(&mut self) -> Option<Expected> {
        Some(match self.number()? {
            0 => Expected::Returns(self.list()?, self.number()?),
            1 => Expected::Halts(self.number()?),
            2 => Expected::Traps(self.number()?, self.number()?, self.location()?),
            3 => Expected::Suspends(self.number()?, self.number()?, self.location()?),
            _ => return None,
        })
    }
}

/// Writes a table.
#[cfg(feature = "build")]
#[derive(Clone, Debug, Default)]
pub struct Writer(alloc::vec::Vec<u8>);

#[cfg(feature = "build")]
impl Writer {
    /// Returns the bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// Appends a check.
    pub fn check(&mut self, name: &str, program: &[u8], steps: &Writer) {
        self.string(name.as_bytes());
        self.string(program);
        self.string(&steps.0);
    }

    /// Appends what another one wrote.
    pub fn append(&mut self, other: &Writer) {
        self.0.extend_from_slice(&other.0);
    }

    /// Appends numbers, of which the first is that of a step or an outcome.
    pub fn numbers(&mut self, numbers: &[u64]) {
        for mut number in numbers.iter().copied() {
            while number >= 128 {
                self.0.push(number as u8 | 128);
                number >>= 7;
            }
            self.0.push(number as u8);
        }
    }

    /// Appends a byte string.
    pub fn string(&mut self, bytes: &[u8]) {
        self.numbers(&[bytes.len() as u64]);
        self.0.extend_from_slice(bytes);
    }
}
