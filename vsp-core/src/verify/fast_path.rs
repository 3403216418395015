//! The fast path of the verifier: a few operations per word prove for nearly all words that they break no rule. The
//! full check handles the others and reports the errors.

use super::{Counts, Findings};
use crate::isa::{Bound, Properties};
use crate::program::FuncDecl;

/// The fast path for the words of one function.
pub(super) struct FastPath {
    words: u32,
    /// The exclusive upper bound of an immediate, for each kind of bound.
    bounds: [u64; Bound::COUNT],
}

impl FastPath {
    pub(super) fn new(counts: Counts, decl: FuncDecl) -> FastPath {
        let mut bounds = [u64::MAX; Bound::COUNT];
        bounds[Bound::Functions as usize] = counts.functions.into();
        bounds[Bound::Imports as usize] = counts.imports.into();
        bounds[Bound::Constants as usize] = counts.constants.into();
        bounds[Bound::Globals as usize] = counts.globals.into();
        bounds[Bound::Segments as usize] = counts.segments.into();
        bounds[Bound::Locals as usize] = decl.locals.into();
        bounds[Bound::FullCheck as usize] = 0;
        FastPath { words: decl.words, bounds }
    }

    /// Returns the first word from `from` on that is not certain to pass the rules 1, 3, 4 and 5. Adds the words before
    /// it to the findings.
    #[inline(never)]
    pub(super) fn skip(&self, code: &[[u8; 4]], from: u32, findings: &mut Findings) -> u32 {
        let Findings { mut not_short_leaf, mut states, mut targets } = *findings;
        let (words, mut word) = (self.words, from);
        for bytes in &code[from as usize..] {
            let bits = u32::from_le_bytes(*bytes);
            let properties = Properties::of(bits);
            let (immediate, next) = (properties.immediate(bits), word + 1);
            let is_bounded = u64::from(immediate as u32) < self.bounds[properties.bound as usize];
            let falls_off = properties.continues & (next == words);
            if bits & properties.zeros != 0 || !is_bounded || falls_off {
                break;
            }
            // A displacement that wraps around leads far outside.
            targets |= properties.is_target & (next.wrapping_add_signed(immediate) >= words);
            not_short_leaf |= properties.is_call_or_bulk | properties.is_target & (immediate < 0);
            states |= properties.states;
            word = next;
        }
        *findings = Findings { not_short_leaf, states, targets };
        word
    }
}
