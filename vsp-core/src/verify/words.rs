//! The rules that a word obeys or breaks by itself, decided from the properties of its opcode. A few operations per
//! word prove for nearly all words that they break no rule.

use super::{Findings, RuleNumber};
use crate::func_type::FuncType;
use crate::index::FuncIndex;
use crate::isa::{Bound, Check, Properties};
#[cfg(feature = "math")]
use crate::isa::{Field, MathFn};
use crate::program::{FuncDecl, Program};

/// The number of items of each kind in a program.
#[derive(Clone, Copy)]
pub(super) struct Counts {
    pub(super) functions: u32,
    pub(super) imports: u32,
    pub(super) constants: u32,
    pub(super) globals: u32,
    pub(super) segments: u32,
}

impl Counts {
    pub(super) fn of(program: &Program<'_>) -> Counts {
        Counts {
            functions: program.function_count() as u32,
            imports: program.import_count() as u32,
            constants: program.constants().len() as u32,
            globals: program.globals().len() as u32,
            segments: program.passive_count(),
        }
    }
}

/// What the rules for the words of one function depend on.
pub(super) struct WordRules<'p> {
    pub(super) program: &'p Program<'p>,
    #[cfg(feature = "messages")]
    pub(super) counts: Counts,
    pub(super) decl: FuncDecl,
    /// The exclusive upper bound of an immediate, for each kind of bound.
    bounds: [u64; Bound::COUNT],
}

impl<'p> WordRules<'p> {
    pub(super) fn new(program: &'p Program<'p>, counts: Counts, decl: FuncDecl) -> WordRules<'p> {
        let mut bounds = [u64::MAX; Bound::COUNT];
        bounds[Bound::Functions as usize] = counts.functions.into();
        bounds[Bound::Imports as usize] = counts.imports.into();
        bounds[Bound::Constants as usize] = counts.constants.into();
        bounds[Bound::Globals as usize] = counts.globals.into();
        bounds[Bound::Segments as usize] = counts.segments.into();
        bounds[Bound::Locals as usize] = decl.locals.into();
        bounds[Bound::Checked as usize] = 0;
        WordRules {
            program,
            #[cfg(feature = "messages")]
            counts,
            decl,
            bounds,
        }
    }

    /// Returns the first word from `from` on that breaks a rule, is followed by a table, or has an opcode that needs
    /// more than a bounded immediate. Adds the words before it to the findings.
    #[inline(never)]
    pub(super) fn skip(&self, code: &[[u8; 4]], from: u32, findings: &mut Findings) -> u32 {
        let Findings { mut not_short_leaf, mut states, mut targets } = *findings;
        let (words, mut word) = (self.decl.words, from);
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

    /// Returns the rule that a word breaks, if it breaks one by itself, wherever it is in the function.
    pub(super) fn broken(&self, bits: u32) -> Option<RuleNumber> {
        let properties = Properties::of(bits);
        let immediate = properties.immediate(bits) as u32;
        if bits & properties.zeros != 0 {
            return Some(RuleNumber::Instruction);
        }
        let is_valid = match properties.check {
            Check::None => {
                let is_bounded = u64::from(immediate) < self.bounds[properties.bound as usize];
                return (!is_bounded).then_some(RuleNumber::Index);
            }
            Check::TailCall => match self.program.function(FuncIndex(immediate)) {
                Some(callee) => return self.results(callee.ty),
                None => return Some(RuleNumber::Index),
            },
            Check::TypedTailCall => match FuncType::from_bits(immediate) {
                Some(callee) => return self.results(callee),
                None => false,
            },
            Check::Unsupported => false,
            Check::Width => matches!(immediate, 8 | 16 | 32),
            Check::Type => FuncType::from_bits(immediate).is_some(),
            #[cfg(feature = "math")]
            Check::Math => MathFn::from_number(immediate)
                .is_some_and(|function| function.is_binary() || Field::c.unsigned(bits) == 0),
            Check::Table => immediate > 0,
        };
        (!is_valid).then_some(RuleNumber::Instruction)
    }

    /// Returns the rule that a tail call of a function of type `callee` breaks.
    fn results(&self, callee: FuncType) -> Option<RuleNumber> {
        (callee.results() != self.decl.ty.results()).then_some(RuleNumber::Results)
    }
}
