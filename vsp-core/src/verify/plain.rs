//! A look at the words of a function that shows, in a few steps for each, that nearly all break no rule. What is left is for
//! the verifier, which knows all about errors.

use super::{Counts, Seen};
use crate::isa::{Bound, Properties};
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
        bounds[Bound::FullCheck as usize] = 0;
        Plain { words: decl.words, bounds }
    }

    /// The first word from this one on of which it is not certain that it breaks none of the rules 1, 3, 4 and 5. Adds what is
    /// before it to what was seen.
    #[inline(never)]
    pub(super) fn skip(&self, code: &[[u8; 4]], from: u32, seen: &mut Seen) -> u32 {
        let Seen { mut leaves, mut states, mut targets } = *seen;
        let (words, mut word) = (self.words, from);
        for bytes in &code[from as usize..] {
            let bits = u32::from_le_bytes(*bytes);
            let facts = Properties::of(bits);
            let (immediate, next) = (facts.immediate(bits), word + 1);
            let is_bounded = u64::from(immediate as u32) < self.bounds[facts.bound as usize];
            let falls_off = facts.continues & (next == words);
            if bits & facts.zeros != 0 || !is_bounded || falls_off {
                break;
            }
            // A displacement that wraps around leads far outside.
            targets |= facts.is_target & (next.wrapping_add_signed(immediate) >= words);
            leaves |= facts.is_call_or_bulk | facts.is_target & (immediate < 0);
            states |= facts.states;
            word = next;
        }
        *seen = Seen { leaves, states, targets };
        word
    }
}
