//! The context that machine code accesses through its context pointer.

use crate::func_type::FuncType;
use crate::function::{FRAME_CELLS, STATE_CELLS};
use crate::limits::{Limits, MAX_PARAMS};

/// The context: the fields that machine code reads and writes, at the same offsets on every architecture.
///
/// Addresses are plain numbers here. Only the host, which may use unsafe code, converts pointers to these numbers and
/// jumps to them.
#[derive(Clone, Debug, Default)]
#[repr(C)]
pub struct Context {
    /// Address of the memory.
    pub memory: u64,
    /// Size of the memory in bytes. Machine code changes it when it grows the memory.
    pub memory_size: u64,
    /// Address of the globals.
    pub globals: u64,
    /// Address of the end of the stack, after its last cell.
    pub cells_end: u64,
    /// Size of the stack in cells.
    pub cells: u64,
    /// The balance of fuel, while no machine code keeps it in a register.
    pub fuel: i64,
    /// Address of the interrupt flag, one byte.
    pub interrupt: u64,
    /// Address of the machine code's first byte.
    pub code: u64,
    /// Address of the function table, see [`TableEntry`].
    pub functions: u64,
    /// Address of `extern "C" fn(context, import: u64, a: u64, b: u64, c: u64) -> u64`, which calls a host function
    /// with the arguments a, b and c, and with further arguments in [`Self::values`] at their indices. It returns the
    /// first result, stores the others at their indices, and stores one of the [`HostStatus`] numbers in
    /// [`Self::status`].
    pub host_call: u64,
    /// Address of `extern "C" fn(function: u64, b: u64, c: u64) -> u64`: [`compute`](super::compute).
    pub math: u64,
    /// Address of `extern "C" fn(to: u64, from: u64, length: u64)`, which copies bytes between addresses; the ranges
    /// may overlap.
    pub copy: u64,
    /// Address of `extern "C" fn(to: u64, byte: u64, length: u64)`, which fills bytes at an address.
    pub fill: u64,
    /// Private data of the host's functions.
    pub host: u64,
    /// Parameters and results of an entry, arguments 3–7 and results 1–3 of host functions, results 1–3 of functions.
    pub values: [u64; MAX_PARAMS],
    /// The value of an exit: that of HLT or YIELD, or the code of a host function's error.
    pub value: u64,
    /// The site of an exit: an index of [`CodeInfo::sites`](super::CodeInfo::sites). The host sets it to [`NO_SITE`]
    /// before it enters code that counts fuel.
    pub site: u64,
    /// The first cell of the frame in which the code exited.
    pub frame: u64,
    /// The status of the last call of a host function: one of the [`HostStatus`] numbers.
    pub status: u64,
    /// The size in bytes to which the memory can grow. MEMGROW changes [`Self::memory_size`].
    pub memory_maximum: u64,
    /// Address of the first byte of the first passive segment. The bytes of all segments follow each other.
    pub passive: u64,
}

/// The addresses of the code and of the functions it calls, which the caller of machine code fills in. [`Context`]
/// documents the fields.
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

/// The sentinel that a function that counts fuel returns instead of the fuel when it exited. The balance and the site
/// are then in the context. (If the site is [`NO_SITE`], the returned number is the fuel.)
pub const EXITED: i64 = i32::MIN as i64;

/// The [`Context::site`] of code that was entered and did not exit, and of code that could not be entered.
pub const NO_SITE: u64 = u64::MAX;

/// The status of a call of a host function, as a number for machine code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u64)]
pub enum HostStatus {
    /// It returned results.
    Done = 0,
    /// It failed with an error, whose code is [`Context::value`], or with a panic, which the host keeps.
    Error = 1,
    /// Its results are not available yet.
    Pending = 2,
}

/// A row of the function table: the properties of a function that CALLR needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub struct TableEntry {
    /// Offset of the function's first byte from the start of the machine code.
    pub offset: u32,
    /// The number of parameters, plus 16 times the number of results, plus 128 times the low nine bits of the tag.
    pub ty: u16,
    /// Size of its frame in cells, plus 8,192 times the upper three bits of the tag.
    pub cells: u16,
}

impl TableEntry {
    /// The bits of [`Self::cells`] with the upper bits of the tag.
    pub(crate) const TAG_MASK: u16 = 0xE000;

    /// Returns the type of the function, or `None` if it was not compiled.
    pub fn func_type(&self) -> Option<FuncType> {
        let (ty, upper) = (u32::from(self.ty), u32::from(self.cells >> 13));
        FuncType::from_bits(ty & 0x7F)?.with_tag(ty >> 7 | upper << 9)
    }

    /// Returns the size of the function's frame in cells.
    pub fn frame_cells(&self) -> u32 {
        (self.cells & !Self::TAG_MASK).into()
    }
}

#[cfg(feature = "jit")]
impl TableEntry {
    /// The [`Self::ty`] of a function that was not compiled. No function has it.
    const NOT_COMPILED: u16 = u16::MAX;

    /// Creates the row of a function with this type and at most 8,191 cells.
    pub(crate) fn new(offset: u32, ty: FuncType, cells: u32) -> TableEntry {
        let (shape, tag) = (ty.without_tag().bits(), ty.tag());
        TableEntry { offset, ty: (shape | tag << 7) as u16, cells: (cells | tag >> 9 << 13) as u16 }
    }

    /// Creates the row of a function that was not compiled.
    pub(crate) fn not_compiled(offset: u32, cells: u32) -> TableEntry {
        TableEntry { offset, ty: Self::NOT_COMPILED, cells: cells as u16 }
    }

    /// Returns whether the tag of a type does not fit in [`Self::ty`].
    pub(crate) fn is_large(ty: FuncType) -> bool {
        ty.tag() >> 9 != 0
    }
}

/// The largest frame, with all locals and state registers, leaves three bits for the tag.
const _: () = assert!(Limits::DEFAULT.locals + FRAME_CELLS + STATE_CELLS <= !TableEntry::TAG_MASK as u32);
