//! The result of a compilation: plain data.

use alloc::vec::Vec;

use super::Target;
use super::context::TableEntry;
use crate::index::{FuncIndex, ImportIndex, Location};
use crate::trap::Trap;
use crate::verify::Verified;

/// How much work goes into machine code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum Tier {
    /// Compiles fast.
    One,
    /// Runs fast: optimised, short leaves inlined, bounds checks removed that are not necessary.
    #[default]
    Two,
}

/// What machine code is compiled with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct CompileOptions {
    /// The tier.
    pub tier: Tier,
    /// Does it count fuel? Code that does not cannot run an instance that is metered.
    pub fuel: bool,
    /// Does it look at the interrupt flag? Code that does not cannot run an instance that can be interrupted.
    pub interrupt: bool,
    /// Is the intermediate representation checked by Cranelift? For tests: a mistake of the lowering then is an error.
    pub check_ir: bool,
}

impl Tier {
    /// All tiers.
    pub const ALL: [Tier; 2] = [Tier::One, Tier::Two];
}

impl Default for CompileOptions {
    /// Tier 2, fuel, interruption.
    fn default() -> Self {
        CompileOptions { tier: Tier::Two, fuel: true, interrupt: true, check_ir: false }
    }
}

/// Machine code of a program, with what is needed to enter it and to understand where it was left.
///
/// The bytes are position-independent and have nothing left to relocate; everything outside is reached through the
/// [`Context`](super::Context). They can run from any address that is a multiple of [`CODE_ALIGN`].
#[derive(Clone, Debug, PartialEq)]
pub struct Code {
    pub(crate) info: CodeInfo,
    pub(crate) bytes: Vec<u8>,
}

impl Code {
    /// The machine code.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// What is known of it.
    pub fn info(&self) -> &CodeInfo {
        &self.info
    }

    /// What is known of it, without the machine code itself: for a host that has put that where it runs.
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

/// Machine code runs from addresses that are multiples of this.
pub const CODE_ALIGN: usize = 64;

/// All there is to know of machine code but its bytes.
#[derive(Clone, Debug, PartialEq)]
pub struct CodeInfo {
    pub(crate) target: Target,
    pub(crate) options: CompileOptions,
    pub(crate) program: Fingerprint,
    /// Bytes of machine code.
    pub(crate) length: u32,
    pub(crate) table: Vec<TableEntry>,
    pub(crate) entries: [u32; CodeInfo::SHAPES],
    pub(crate) loop_entry: Option<LoopEntry>,
    pub(crate) sites: Vec<Site>,
    pub(crate) bytes_per_cell: u32,
    pub(crate) stats: Stats,
}

/// Which program a code was made from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fingerprint {
    /// CRC-32 of the whole file.
    pub crc: u32,
    /// Bytes of the file.
    pub length: u32,
    /// Functions.
    pub functions: u32,
    /// Words of code.
    pub words: u32,
}

impl core::fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "{} bytes and CRC-32 0x{:08X}", self.length, self.crc)
    }
}

impl Fingerprint {
    /// That of a program.
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

/// Why machine code was left without results.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExitKind {
    /// A trap.
    Trap(Trap),
    /// A host function failed; the context's value is the code.
    HostError,
    /// HLT with the context's value.
    Halt,
    /// Fuel is used up at a safepoint.
    Fuel,
    /// The interrupt flag is set at a safepoint.
    Interrupted,
    /// YIELD with the context's value.
    Yield,
    /// A host function's results are not there yet.
    Pending(ImportIndex),
    /// The code is that of a part of the program, and the interpreter goes on at the place.
    Interpret,
}

/// Where the code of a part of a program can be entered besides at the starts of functions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LoopEntry {
    pub(crate) location: Location,
    /// The first byte of the function that begins there, from the start of the machine code.
    pub(crate) offset: u32,
    /// The entry for it.
    pub(crate) entry: u32,
}

/// A place where machine code can be left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Site {
    /// Where: what the outcome says.
    pub location: Location,
    /// The call of the function in which that is, if it was inlined.
    pub inlined_at: Option<Location>,
    /// Words that were executed since the balance in the context was counted: the balance is that much less.
    pub charged: u32,
    /// Why.
    pub kind: ExitKind,
}

/// What a compilation came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Functions.
    pub functions: u32,
    /// Words of bytecode.
    pub words: u32,
    /// Calls that were replaced by the called function's body.
    pub inlined: u32,
    /// Bounds checks that were not necessary: by what is known of the address, or because of a check before them.
    pub checks_removed: u32,
    /// Bounds checks that are left.
    pub checks: u32,
    /// Instructions of the intermediate representation, before it is optimised.
    pub ir_instructions: u32,
}

impl CodeInfo {
    /// How many shapes of functions there are: 0–8 parameters, with and without results.
    pub(crate) const SHAPES: usize = 18;

    /// No function has the shape.
    pub(crate) const NO_ENTRY: u32 = u32::MAX;

    /// The shape of a type.
    pub(crate) fn shape(ty: crate::program::FuncType) -> usize {
        ty.params() * 2 + usize::from(ty.results() > 0)
    }

    /// What it runs on.
    pub fn target(&self) -> &Target {
        &self.target
    }

    /// What it was compiled with.
    pub fn options(&self) -> CompileOptions {
        self.options
    }

    /// The program it was made from.
    pub fn program(&self) -> Fingerprint {
        self.program
    }

    /// Bytes of machine code.
    pub fn length(&self) -> usize {
        self.length as usize
    }

    /// The functions, in the order of their numbers.
    pub fn table(&self) -> &[TableEntry] {
        &self.table
    }

    /// The range of the machine code of a function, with the padding behind it.
    pub fn function(&self, function: FuncIndex) -> Option<core::ops::Range<usize>> {
        let start = self.table.get(function.index())?.offset as usize;
        let next = self.table.get(function.index() + 1).map(|entry| entry.offset);
        let end = next.or_else(|| self.entries.iter().copied().min()).unwrap_or(CodeInfo::NO_ENTRY);
        Some(start..(end as usize).min(self.length()))
    }

    /// Where to enter a function: the offset of an `extern "C" fn(context, remaining: u64, function: u64) -> u64`,
    /// where `remaining` is how many cells of the stack are left behind the function's frame and `function` is
    /// the address of its first byte. It takes the parameters from the context's values, puts the results there,
    /// and gives 0; or it gives another number, and the context says at which site the code was left.
    pub fn entry(&self, function: FuncIndex) -> Option<usize> {
        let ty = crate::program::FuncType::from_bits(self.table.get(function.index())?.ty)?;
        let offset = self.entries[Self::shape(ty)];
        (offset != Self::NO_ENTRY).then_some(offset as usize)
    }

    /// Where to enter a function: the offset of [`Self::entry`], and that of the function's first byte.
    pub fn function_entry(&self, function: FuncIndex) -> Option<(usize, usize)> {
        Some((self.entry(function)?, self.table.get(function.index())?.offset as usize))
    }

    /// Where to enter a function at a place where a loop begins: the offset of an entry, as of [`Self::entry`], and that of
    /// the code to give it. The function's frame, up to date, ends so many cells before the end of the stack as
    /// `remaining` says. Only the code of a part of a program has such a place.
    pub fn loop_entry(&self, location: Location) -> Option<(usize, usize)> {
        let found = self.loop_entry.filter(|entry| entry.location == location)?;
        Some((found.entry as usize, found.offset as usize))
    }

    /// The place where a loop begins and the code can be entered.
    pub fn loop_location(&self) -> Option<Location> {
        self.loop_entry.map(|entry| entry.location)
    }

    /// The places where it can be left.
    pub fn sites(&self) -> &[Site] {
        &self.sites
    }

    /// Bytes of native stack that are used for each cell of the program's stack, at most.
    pub fn bytes_per_cell(&self) -> u32 {
        self.bytes_per_cell
    }

    /// What the compilation came to.
    pub fn stats(&self) -> Stats {
        self.stats
    }
}
