//! The minor versions of the format: which one a program needs.

use super::contents::Contents;
use crate::isa::Opcode;
use crate::limits::{GLOBALS_OF_2_0, NAME_OF_2_0, SWITCH_ENTRIES_OF_2_0};

/// The minor version of the format.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Minor {
    /// Format 2.0.
    #[default]
    Zero,
    /// Format 2.1: more instructions, tags of function types, more globals, longer names, longer SWITCHes, memories that
    /// grow, passive segments. Types have 20 bits, lengths of names two bytes, and a memory has a maximum.
    One,
}

impl Minor {
    /// Returns the version with this number in the header.
    pub(super) const fn from_version(version: u16) -> Option<Minor> {
        match version {
            0x0200 => Some(Minor::Zero),
            0x0201 => Some(Minor::One),
            _ => None,
        }
    }

    /// Returns the number in the header.
    pub(super) const fn version(self) -> u16 {
        0x0200 | self as u16
    }
}

/// The instructions that format 2.1 adds.
const OF_2_1: [Opcode; 14] = [
    Opcode::TAILCALL,
    Opcode::TAILCALLR,
    Opcode::MEMGROW,
    Opcode::MEMINIT,
    Opcode::GETGX,
    Opcode::SETGX,
    Opcode::F32WIDEN,
    Opcode::F32NARROW,
    Opcode::FADDS,
    Opcode::FSUBS,
    Opcode::FMULS,
    Opcode::FDIVS,
    Opcode::I2FS,
    Opcode::U2FS,
];

/// One bit for each opcode number: whether format 2.1 adds it.
const IS_OF_2_1: [u64; 4] = {
    let (mut bits, mut i) = ([0; 4], 0);
    while i < OF_2_1.len() {
        let number = OF_2_1[i].number();
        bits[number as usize / 64] |= 1 << (number % 64);
        i += 1;
    }
    bits
};

/// Returns whether format 2.0 refuses a word that format 2.1 may accept.
#[inline]
pub(super) fn is_word_of_2_1(word: u32) -> bool {
    const SWITCH: u8 = Opcode::SWITCH.number();
    const CALLR: u8 = Opcode::CALLR.number();
    let immediate = word >> 12;
    match word as u8 {
        SWITCH => immediate > SWITCH_ENTRIES_OF_2_0,
        CALLR => immediate >> 8 != 0,
        number => IS_OF_2_1[usize::from(number / 64)] >> (number % 64) & 1 == 1,
    }
}

/// Returns the lowest version that can express the contents: the only one that their file may state.
pub(super) fn needed_by(contents: &Contents) -> Minor {
    let Contents { imports, functions, exports, names, source_files, customs, globals, passive, .. } =
        contents;
    let (minimum, maximum) = contents.memory_range();
    let imported = imports.iter().flat_map(|import| [&import.module, &import.name]);
    let debug = names.values().chain(source_files).chain(customs.keys());
    let mut names = imported.chain(exports.keys()).chain(debug);
    let mut types = imports.iter().map(|it| it.ty).chain(functions.iter().map(|it| it.ty));
    let mut words = functions.iter().flat_map(|function| function.words.iter().copied());
    let needs_more = globals.len() > GLOBALS_OF_2_0 as usize
        || maximum > minimum
        || !passive.is_empty()
        || types.any(|ty| ty.tag() != 0)
        || names.any(|name| name.len() > NAME_OF_2_0)
        || words.any(is_word_of_2_1);
    if needs_more { Minor::One } else { Minor::Zero }
}
