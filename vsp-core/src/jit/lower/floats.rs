//! Binary64 operations that take more than one instruction of the intermediate representation.

use cranelift_codegen::ir::condcodes::FloatCC;
use cranelift_codegen::ir::immediates::Ieee64;
use cranelift_codegen::ir::{InstBuilder, Value};

use super::Lowering;
use crate::isa::Reg;

/// A rounding direction.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Round {
    Floor,
    Ceil,
    Trunc,
    Nearest,
}

/// 2⁵²: from here on every binary64 is an integer.
const TWO_52: f64 = 4_503_599_627_370_496.0;

impl Lowering<'_, '_, '_, '_> {
    pub(super) fn round(&mut self, a: Reg, b: Reg, round: Round) {
        let x = self.get_float(b);
        let rounded = if self.unit.environment.has_rounding {
            match round {
                Round::Floor => self.b.ins().floor(x),
                Round::Ceil => self.b.ins().ceil(x),
                Round::Trunc => self.b.ins().trunc(x),
                Round::Nearest => self.b.ins().nearest(x),
            }
        } else {
            self.round_by_adding(x, round)
        };
        self.set_float(a, rounded);
    }

    /// Rounds without a rounding instruction: adding 2⁵² and subtracting it again leaves the nearest integer, which is
    /// corrected by one if it is in the wrong direction. The sign of a zero is that of x.
    fn round_by_adding(&mut self, x: Value, round: Round) -> Value {
        let large = self.float(TWO_52);
        let one = self.float(1.0);
        let magnitude = self.b.ins().fabs(x);
        let sum = self.b.ins().fadd(magnitude, large);
        let nearest = self.b.ins().fsub(sum, large);
        // With x's sign for floor and ceil, without it for trunc.
        let (value, step, wrong) = match round {
            Round::Nearest => (nearest, None, None),
            Round::Trunc => {
                let less = self.b.ins().fsub(nearest, one);
                let above = self.b.ins().fcmp(FloatCC::GreaterThan, nearest, magnitude);
                (nearest, Some(less), Some(above))
            }
            Round::Floor => {
                let signed = self.b.ins().fcopysign(nearest, x);
                let less = self.b.ins().fsub(signed, one);
                let above = self.b.ins().fcmp(FloatCC::GreaterThan, signed, x);
                (signed, Some(less), Some(above))
            }
            Round::Ceil => {
                let signed = self.b.ins().fcopysign(nearest, x);
                let more = self.b.ins().fadd(signed, one);
                let below = self.b.ins().fcmp(FloatCC::LessThan, signed, x);
                (signed, Some(more), Some(below))
            }
        };
        let value = match (step, wrong) {
            (Some(step), Some(wrong)) => self.b.ins().select(wrong, step, value),
            _ => value,
        };
        let signed = self.b.ins().fcopysign(value, x);
        // Values of 2⁵² and more, and NaNs, are unchanged.
        let small = self.b.ins().fcmp(FloatCC::LessThan, magnitude, large);
        self.b.ins().select(small, signed, x)
    }

    fn float(&mut self, value: f64) -> Value {
        self.b.ins().f64const(Ieee64::with_float(value))
    }

    /// Computes |b| with the sign of c; a NaN c counts as positive.
    pub(super) fn copy_sign(&mut self, a: Reg, b: Reg, c: Reg) {
        let (magnitude, sign) = (self.get_float(b), self.get_float(c));
        let zero = self.float(0.0);
        let is_nan = self.b.ins().fcmp(FloatCC::Unordered, sign, sign);
        let sign = self.b.ins().select(is_nan, zero, sign);
        let value = self.b.ins().fcopysign(magnitude, sign);
        self.set_float(a, value);
    }
}
