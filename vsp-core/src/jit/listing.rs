//! Listings of compiled functions.

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use cranelift_codegen::CompiledCode;
use cranelift_codegen::ir::{Block, Function, Value};

use super::link::callee;
use super::names::with_stable_names;
use super::range::Range;
use crate::index::FuncIndex;

/// Intermediate representation and machine code of one function, as text.
#[derive(Clone, Debug)]
pub struct Listing {
    /// CLIF, before it is optimised.
    pub clif: String,
    /// Machine code, as the code generator prints it.
    pub machine: String,
    /// The machine code's bytes; calls are not linked.
    pub bytes: Vec<u8>,
    /// The sources of the bytes: stretches in ascending order, which cover all of them.
    pub stretches: Vec<Stretch>,
    /// The offsets in the bytes where functions are called by number, in ascending order, with these functions.
    pub calls: Vec<(u32, FuncIndex)>,
    /// The value ranges that the compiler assumes where several edges meet.
    pub ranges: Vec<JoinRange>,
}

/// The range of a value in a block with several predecessors: it is `low`, or a multiple of `step` above it, and at
/// most `high`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JoinRange {
    /// The block, as the intermediate representation calls it.
    pub block: String,
    /// The value, as the intermediate representation calls it.
    pub value: String,
    /// The smallest possible value.
    pub low: u64,
    /// The largest possible value.
    pub high: u64,
    /// The stride of the possible values; 0 if there is only one.
    pub step: u64,
}

/// A stretch of the machine code of a function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stretch {
    /// The offset of its first byte.
    pub start: u32,
    /// The offset after its last byte.
    pub end: u32,
    /// The word that it is compiled from; for an inlined body, the word of the call. `None` for code that belongs to no
    /// word: the prologue, and the exit that all sites share.
    pub word: Option<u32>,
}

impl JoinRange {
    pub(super) fn new((block, value, range): (Block, Value, Range)) -> JoinRange {
        let Range { low, high, step } = range;
        JoinRange { block: block.to_string(), value: value.to_string(), low, high, step }
    }
}

impl Listing {
    /// Returns the intermediate representation with names that do not change when a value is added elsewhere: `w3.0` is
    /// the first value that word 3 makes, `block_w3` the first block of word 3, `block_w3.0` its first parameter.
    pub fn named_clif(&self) -> String {
        with_stable_names(&self.clif)
    }

    /// Creates the listing of the code generator's output. The code generator was given the words as source locations.
    pub(super) fn new(
        clif: String,
        ranges: Vec<JoinRange>,
        function: &Function,
        code: &CompiledCode,
    ) -> Listing {
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
        Listing { clif, machine, bytes: code.code_buffer().to_vec(), stretches, calls, ranges }
    }
}
