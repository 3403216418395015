//! A look at the words of a function that shows, in a few steps for each, that nearly all break no rule. What is left is for
//! the verifier, which knows all about errors.

use super::{Counts, Seen};
use crate::isa::{Bound, Facts};
use crate::program::FuncDecl;

/// What is to know of a function to look at its words.
pub(super) struct Plain {
    words: u32,
    /// For each bound a number above all that are allowed.
    bounds: [u64; Bound::COUNT],
}

impl Plain {
    pub(super) fn new(counts: Counts, decl: FuncDecl) -> Plain {
        let mut bounds = [u64::MAX; Bound::COUNT];
        bounds[Bound::Functions as usize] = counts.functions.into();
        bounds[Bound::Imports as usize] = counts.imports.into();
        bounds[Bound::Constants as usize] = counts.constants.into();
        bounds[Bound::Globals as usize] = counts.globals.into();
        bounds[Bound::Locals as usize] = decl.locals.into();
        bounds[Bound::Closer as usize] = 0;
        Plain { words: decl.words, bounds }
    }

    /// Breaks this word certainly none of the rules 1, 3, 4 and 5? If so, what it is has been seen.
    #[inline(always)]
    pub(super) fn is_word(&self, word: u32, bits: u32, seen: &mut Seen) -> bool {
        let facts = Facts::of(bits);
        let immediate = facts.immediate(bits);
        let is_plain = bits & facts.zeros == 0
            && u64::from(immediate as u32) < self.bounds[facts.bound as usize]
            && (word + 1 < self.words || !facts.flow.goes_on());
        if is_plain {
            // A displacement that wraps around leads far outside.
            let target = (word + 1).wrapping_add_signed(immediate);
            seen.targets |= facts.is_target & (target >= self.words);
            seen.leaf &= facts.flow.stays() & !(facts.is_target & (immediate < 0));
            seen.states |= facts.states;
        }
        is_plain
    }
}
