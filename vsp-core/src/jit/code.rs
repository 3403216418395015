//! The result of a compilation: plain data.

use alloc::string::String;
use alloc::vec::Vec;

use cranelift_codegen::CompiledCode;
use cranelift_codegen::ir::Function;

use crate::index::{FuncIndex, ImportIndex, Place};
use crate::trap::Trap;

use super::context::TableEntry;
use super::link::callee;
use super::{CompileOptions, Target};

/// Machine code of a program, with what is needed to enter it and to understand where it was left.
///
/// The bytes are position-independent and have nothing left to relocate; everything outside is reached through the
/// [`Context`](super::Context). They can run from any address that is a multiple of 64.
#[derive(Clone, Debug, PartialEq)]
pub struct Code {
    pub(super) target: Target,
    pub(super) options: CompileOptions,
    pub(super) program: Fingerprint,
    pub(super) bytes: Vec<u8>,
    pub(super) table: Vec<TableEntry>,
    pub(super) entries: [u32; Code::SHAPES],
    pub(super) sites: Vec<Site>,
    pub(super) bytes_per_cell: u32,
    pub(super) stats: Stats,
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

impl Fingerprint {
    /// That of a program.
    pub fn of(program: &crate::verify::Verified<'_>) -> Fingerprint {
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
    /// Fuel is used up at a check point.
    Fuel,
    /// The interrupt flag is set at a check point.
    Interrupted,
    /// YIELD with the context's value.
    Yield,
    /// A host function's results are not there yet.
    Pending(ImportIndex),
}

/// A place where machine code can be left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Site {
    /// Where: what the outcome says.
    pub place: Place,
    /// The call of the function in which that is, if it was inlined.
    pub inlined_at: Option<Place>,
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
    /// Bounds checks that a check before them made unnecessary.
    pub checks_removed: u32,
    /// Bounds checks that are left.
    pub checks: u32,
    /// Instructions of the intermediate representation, before it is optimised.
    pub ir_instructions: u32,
}

impl Code {
    /// How many shapes of functions there are: 0–8 parameters, with and without results.
    pub(super) const SHAPES: usize = 18;

    /// No function has the shape.
    pub(super) const NO_ENTRY: u32 = u32::MAX;

    /// The shape of a type.
    pub(super) fn shape(ty: crate::program::FuncType) -> usize {
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

    /// The machine code.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The functions, in the order of their numbers.
    pub fn table(&self) -> &[TableEntry] {
        &self.table
    }

    /// The range of [`Self::bytes`] of a function, with the padding behind it.
    pub fn function(&self, function: FuncIndex) -> Option<core::ops::Range<usize>> {
        let start = self.table.get(function.index())?.offset as usize;
        let next = self.table.get(function.index() + 1).map(|entry| entry.offset);
        let end = next.or_else(|| self.entries.iter().copied().min()).unwrap_or(Code::NO_ENTRY);
        Some(start..(end as usize).min(self.bytes.len()))
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

/// Intermediate representation and machine code of one function, as text.
#[derive(Clone, Debug)]
pub struct Listing {
    /// CLIF, before it is optimised.
    pub clif: String,
    /// Machine code, as the code generator prints it.
    pub machine: String,
    /// The machine code's bytes; calls are not linked.
    pub bytes: Vec<u8>,
    /// Where the bytes come from: stretches in their order, which cover all of them.
    pub stretches: Vec<Stretch>,
    /// The offsets in the bytes where functions are called by number, rising, and which functions.
    pub calls: Vec<(u32, FuncIndex)>,
}

/// A stretch of the machine code of a function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stretch {
    /// The offset of its first byte.
    pub start: u32,
    /// The offset behind its last byte.
    pub end: u32,
    /// The word it was made of; that of the call if it is an inlined body. `None` for what belongs to no word: entering the
    /// function, and the way out that all its sites share.
    pub word: Option<u32>,
}

impl Listing {
    /// What the code generator made, which was given the words as source locations.
    pub(super) fn new(clif: String, function: &Function, code: &CompiledCode) -> Listing {
        let mut stretches: Vec<Stretch> = Vec::new();
        let mut push = |start, end, word| match stretches.last_mut() {
            _ if start >= end => {}
            Some(last) if last.word == word => last.end = end,
            _ => stretches.push(Stretch { start, end, word }),
        };
        let mut behind = 0;
        for located in code.buffer.get_srclocs_sorted() {
            let word = (!located.loc.is_default()).then(|| located.loc.bits());
            push(behind, located.start, None);
            push(located.start.max(behind), located.end, word);
            behind = behind.max(located.end);
        }
        push(behind, code.code_buffer().len() as u32, None);
        let relocs = code.buffer.relocs().iter();
        let mut calls: Vec<(u32, FuncIndex)> =
            relocs.filter_map(|reloc| Some((reloc.offset, callee(function, &reloc.target)?))).collect();
        calls.sort_unstable_by_key(|(offset, _)| *offset);
        let machine = code.vcode.clone().unwrap_or_default();
        Listing { clif, machine, bytes: code.code_buffer().to_vec(), stretches, calls }
    }
}
