//! Conditions of branches: comparisons become part of them.

use vsp_core::isa::Opcode as O;

use super::{Selector, used};
use crate::ir::{Kind, Value};
use crate::machine::{Operand, Source};

/// A branch: its opcode, sources and immediate.
pub(super) struct Branch {
    pub(super) op: O,
    pub(super) imm: i32,
    sources: [Operand; 2],
    count: usize,
}

impl Branch {
    pub(super) fn operands(&self) -> &[Operand] {
        &self.sources[..self.count]
    }
}

impl Selector<'_> {
    /// Returns the branch that is taken if the condition is not zero; with `negate`, if it is zero.
    pub(super) fn condition(&mut self, condition: Value, mut negate: bool) -> Branch {
        let mut value = self.ir.resolve(condition);
        loop {
            match &self.ir.values[value.index()] {
                Kind::Op { op: op @ (O::SEQ | O::SNE), args, .. } if self.ir.constant(args[1]) == Some(0) => {
                    negate ^= *op == O::SEQ;
                    value = self.ir.resolve(args[0]);
                }
                _ => break,
            }
        }
        if let Kind::Op { op, args, .. } = &self.ir.values[value.index()]
            && let Some(branch) = self.comparison(*op, args[0], args[1], negate)
        {
            return branch;
        }
        let source = self.read(value);
        self.one(if negate { O::JZ } else { O::JNZ }, source, 0)
    }

    fn comparison(&mut self, op: O, first: Value, second: Value, negate: bool) -> Option<Branch> {
        let (taken, inverse, taken_with, inverse_with, signed) = match op {
            O::SEQ => (O::JEQ, O::JNE, O::JEQI, O::JNEI, true),
            O::SNE => (O::JNE, O::JEQ, O::JNEI, O::JEQI, true),
            O::SLT | O::SLE => (O::JLT, O::JGE, O::JLTI, O::JGEI, true),
            O::SLTU | O::SLEU => (O::JLTU, O::JGEU, O::JLTUI, O::JGEUI, false),
            O::SLTW | O::SLEW => (O::JLTW, O::JGEW, O::JLTW, O::JGEW, true),
            _ => return None,
        };
        let pick = |negate: bool, taken: O, inverse: O| if negate { inverse } else { taken };
        let or_equal = matches!(op, O::SLE | O::SLEU | O::SLEW);
        let words = matches!(op, O::SLTW | O::SLEW);
        let fits = |bits: Option<u64>, plus_one: bool| -> Option<i32> {
            let plus = u64::from(plus_one);
            let (number, range) = match signed {
                true => ((bits? as i64).checked_add_unsigned(plus)?, -128..128),
                false => (i64::try_from(bits?.checked_add(plus)?).ok()?, 0..256),
            };
            (!words && range.contains(&number)).then_some(number as i32)
        };
        let (a, b) = (self.ir.constant(first), self.ir.constant(second));
        // first < imm, first <= imm - 1, imm - 1 < second, imm <= second
        if let Some(imm) = fits(b, or_equal) {
            let source = self.read(first);
            return Some(self.one(pick(negate, taken_with, inverse_with), source, imm));
        }
        if matches!(op, O::SLT | O::SLE | O::SLTU | O::SLEU)
            && let Some(imm) = fits(a, !or_equal)
        {
            let source = self.read(second);
            return Some(self.one(pick(!negate, taken_with, inverse_with), source, imm));
        }
        let mut read = |value: Value| if words { self.read_low(value) } else { self.read(value) };
        let (first, second) = (read(first), read(second));
        Some(if or_equal {
            two(pick(!negate, taken, inverse), second, first)
        } else {
            two(pick(negate, taken, inverse), first, second)
        })
    }

    fn one(&self, op: O, source: Source, imm: i32) -> Branch {
        Branch { op, imm, sources: [used(source); 2], count: 1 }
    }
}

fn two(op: O, first: Source, second: Source) -> Branch {
    Branch { op, imm: 0, sources: [used(first), used(second)], count: 2 }
}
