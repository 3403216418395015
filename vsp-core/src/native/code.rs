//! The result of a compilation, as plain data.

use alloc::vec::Vec;

use super::Target;
use super::context::TableEntry;
use crate::index::{FuncIndex, ImportIndex, Location};
use crate::trap::Trap;
use crate::verify::Verified;

/// The tier of the compiler: the trade-off between compile time and code quality.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum Tier {
    /// Fast compilation.
    One,
    /// Fast code: optimised, short leaves inlined, redundant bounds checks removed.
    #[default]
    Two,
}

/// The options of a compilation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct CompileOptions {
    /// The tier.
    pub tier: Tier,
    /// Whether the code counts fuel. Code that does not cannot run a metered instance.
    pub fuel: bool,
    /// Whether the code checks the interrupt flag. Code that does not cannot run an instance that can be interrupted.
    pub interrupt: bool,
    /// Whether Cranelift verifies the intermediate representation. For tests: a bug in the lowering is then an
    /// error.
    pub check_ir: bool,
}

impl Tier {
    /// All tiers.
    pub const ALL: [Tier; 2] = [Tier::One, Tier::Two];
}

impl Default for CompileOptions {
    /// Tier 2, with fuel and interruption.
    fn default() -> Self {
        CompileOptions { tier: Tier::Two, fuel: true, interrupt: true, check_ir: false }
    }
}

/// Machine code of a program, with the data to enter it and to interpret its exits.
///
/// The bytes are position-independent and have no relocations; everything outside is reached through the
/// [`Context`](super::Context). They can run from any address that is a multiple of [`CODE_ALIGN`].
#[derive(Clone, Debug, PartialEq)]
pub struct Code {
    pub(crate) info: CodeInfo,
    pub(crate) bytes: Vec<u8>,
}

impl Code {
    /// Returns the machine code.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Returns the description of the code.
    pub fn info(&self) -> &CodeInfo {
        &self.info
    }

    /// Returns the description of the code without the machine code, for a host that has installed the code.
    pub fn into_info(self) -> CodeInfo {
        self.info
    }
}

impl core::ops::Deref for Code {
    type Target = CodeInfo;

    fn deref(&self) -> &CodeInfo {
        &self.info
    }
}

/// The alignment in bytes of the address of machine code.
pub const CODE_ALIGN: usize = 64;

/// The description of machine code: everything except its bytes.
#[derive(Clone, Debug, PartialEq)]
pub struct CodeInfo {
    pub(crate) target: Target,
    pub(crate) options: CompileOptions,
    pub(crate) program: Fingerprint,
    /// Number of bytes of machine code.
    pub(crate) length: u32,
    pub(crate) table: Vec<TableEntry>,
    pub(crate) entries: [u32; CodeInfo::SHAPES],
    pub(crate) loop_entry: Option<LoopEntry>,
    pub(crate) sites: Vec<Site>,
    pub(crate) bytes_per_cell: u32,
    pub(crate) stats: Stats,
}

/// The identity of the program that code was compiled from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fingerprint {
    /// CRC-32 of the whole file.
    pub crc: u32,
    /// Size of the file in bytes.
    pub length: u32,
    /// Number of functions.
    pub functions: u32,
    /// Number of words of code.
    pub words: u32,
}

impl core::fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "{} bytes and CRC-32 0x{:08X}", self.length, self.crc)
    }
}

impl Fingerprint {
    /// Returns the fingerprint of a program.
    pub fn of(program: &Verified<'_>) -> Fingerprint {
        let image = program.program();
        Fingerprint {
            crc: image.checksum(),
            length: image.bytes().len() as u32,
            functions: program.functions().len() as u32,
            words: image.code().len() as u32,
        }
    }
}

/// The reason for which machine code exits without results.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExitKind {
    /// A trap.
    Trap(Trap),
    /// A host function failed; the context's value is the code.
    HostError,
    /// HLT with the context's value.
    Halt,
    /// The fuel is used up at a safepoint.
    Fuel,
    /// The interrupt flag is set at a safepoint.
    Interrupted,
    /// YIELD with the context's value.
    Yield,
    /// The results of a host function are not available yet.
    Pending(ImportIndex),
    /// The interpreter continues at the location: with a tail call, or with a call of a function outside the region of
    /// the code.
    Interpret,
}

/// The OSR entry of the code of a region, in addition to the function entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LoopEntry {
    pub(crate) location: Location,
    /// Offset of the function that begins at the location, from the start of the machine code.
    pub(crate) offset: u32,
    /// Offset of the entry for it.
    pub(crate) entry: u32,
}

/// A site at which machine code can exit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Site {
    /// The location for the outcome.
    pub location: Location,
    /// The location of the inlined call, if the function of `location` was inlined.
    pub inlined_at: Option<Location>,
    /// Number of words executed since the balance in the context was updated, which must be subtracted from it.
    pub charged: u32,
    /// The reason of the exit.
    pub kind: ExitKind,
}

/// Statistics of a compilation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Number of functions.
    pub functions: u32,
    /// Number of words of bytecode.
    pub words: u32,
    /// Number of calls that were inlined.
    pub inlined: u32,
    /// Number of bounds checks that were removed, because of the range of the address or of an earlier check.
    pub checks_removed: u32,
    /// Number of bounds checks that remain.
    pub checks: u32,
    /// Number of instructions of the intermediate representation, before optimisation.
    pub ir_instructions: u32,
}

impl CodeInfo {
    /// Number of shapes of functions: 0–8 parameters, with and without results.
    pub(crate) const SHAPES: usize = 18;

    /// The offset that means that no function has the shape.
    pub(crate) const NO_ENTRY: u32 = u32::MAX;

    /// Returns the shape of a type.
    pub(crate) fn shape(ty: crate::program::FuncType) -> usize {
        ty.params() * 2 + usize::from(ty.results() > 0)
    }

    /// Returns the target it was compiled for.
    pub fn target(&self) -> &Target {
        &self.target
    }

    /// Returns the options it was compiled with.
    pub fn options(&self) -> CompileOptions {
        self.options
    }

    /// Returns the fingerprint of the program it was compiled from.
    pub fn program(&self) -> Fingerprint {
        self.program
    }

    /// Returns the number of bytes of machine code.
    pub fn length(&self) -> usize {
        self.length as usize
    }

    /// Returns the function table, in index order.
    pub fn table(&self) -> &[TableEntry] {
        &self.table
    }

    /// Returns the range of the machine code of a function, including the padding after it.
    pub fn function(&self, function: FuncIndex) -> Option<core::ops::Range<usize>> {
        let start = self.table.get(function.index())?.offset as usize;
        let next = self.table.get(function.index() + 1).map(|entry| entry.offset);
        let end = next.or_else(|| self.entries.iter().copied().min()).unwrap_or(CodeInfo::NO_ENTRY);
        Some(start..(end as usize).min(self.length()))
    }

    /// Returns the entry for a function: the offset of an `extern "C" fn(context, remaining: u64, function: u64) ->
    /// u64`, where `remaining` is the number of cells of the stack after the function's frame, and `function` is the
    /// address of its first byte. It takes the parameters from the context's values, stores the results there, and
    /// returns 0; if it returns another number, the context holds the site at which the code exited.
    pub fn entry(&self, function: FuncIndex) -> Option<usize> {
        let ty = self.table.get(function.index())?.func_type()?;
        let offset = self.entries[Self::shape(ty)];
        (offset != Self::NO_ENTRY).then_some(offset as usize)
    }

    /// Returns the entry for a function, as [`Self::entry`], and the offset of the function's first byte.
    pub fn function_entry(&self, function: FuncIndex) -> Option<(usize, usize)> {
        Some((self.entry(function)?, self.table.get(function.index())?.offset as usize))
    }

    /// Returns the OSR entry at a loop header: the offset of an entry, as of [`Self::entry`], and the offset of the
    /// code to pass to it as `function`. The function's frame must be up to date; `remaining` is the number of cells
    /// after it. Only the code of a region has such an entry.
    pub fn loop_entry(&self, location: Location) -> Option<(usize, usize)> {
        let found = self.loop_entry.filter(|entry| entry.location == location)?;
        Some((found.entry as usize, found.offset as usize))
    }

    /// Returns the location of the loop header that has an OSR entry.
    pub fn loop_location(&self) -> Option<Location> {
        self.loop_entry.map(|entry| entry.location)
    }

    /// Returns the sites at which the code can exit.
    pub fn sites(&self) -> &[Site] {
        &self.sites
    }

    /// Returns the largest number of bytes of native stack used for each cell of the program's stack.
    pub fn bytes_per_cell(&self) -> u32 {
        self.bytes_per_cell
    }

    /// Returns the statistics of the compilation.
    pub fn stats(&self) -> Stats {
        self.stats
    }
}
