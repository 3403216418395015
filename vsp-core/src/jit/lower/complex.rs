//! ByteSil numbers in registers: shifts and masks instead of tables in memory.
//!
//! Sums are those of [`complex`](crate::complex), without branches. Functions of one number are two constant tables of
//! sixteen nibbles, one for ρ and one for θ.

use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::types::I64;
use cranelift_codegen::ir::{InstBuilder, Value};
use cranelift_frontend::FunctionBuilder;

use super::super::offsets;
use super::Lowering;
use crate::analysis::OutOfMemory;
use crate::complex::{ByteSil, GROW_SAME, NULL_LEAST, TURN_NEXT, TURN_SAME, nibble, nibbles};
use crate::isa::{Opcode, Reg};
use crate::native;

type Done = Result<(), OutOfMemory>;

impl Lowering<'_, '_, '_, '_> {
    /// Returns the ByteSil in a register.
    fn number(&mut self, reg: Reg) -> Value {
        let bits = self.get(reg);
        self.b.ins().band_imm_u(bits, 0xFF)
    }

    pub(super) fn complex_sum(&mut self, a: Reg, b: Reg, c: Reg) -> Done {
        let (b, c) = (self.number(b), self.number(c));
        let Sum { value, large, small } = sum(self.b, b, c);
        // If one is NULL, the sum is the other, which is the larger byte.
        let value = unless_null(self.b, small, value, large);
        self.set(a, value);
        Ok(())
    }

    pub(super) fn complex_difference(&mut self, a: Reg, b: Reg, c: Reg) -> Done {
        let (b, c) = (self.number(b), self.number(c));
        let turned = self.b.ins().bxor_imm_u(c, 8);
        let Sum { value, .. } = sum(self.b, b, turned);
        let value = unless_null(self.b, b, value, turned);
        let value = unless_null(self.b, c, value, b);
        self.set(a, value);
        Ok(())
    }

    pub(super) fn complex_product(&mut self, a: Reg, b: Reg, c: Reg) -> Done {
        let (b, c) = (self.number(b), self.number(c));
        let (rho_b, rho_c) = (self.b.ins().ushr_imm_u(b, 4), self.b.ins().ushr_imm_u(c, 4));
        let rho = self.b.ins().iadd(rho_b, rho_c);
        let rho = self.b.ins().iadd_imm_s(rho, -8);
        let theta = self.b.ins().iadd(b, c);
        let value = joined(self.b, rho, theta);
        let zero = self.b.ins().iconst(I64, 0);
        let value = unless_null(self.b, b, value, zero);
        let value = unless_null(self.b, c, value, zero);
        self.set(a, value);
        Ok(())
    }

    pub(super) fn complex_quotient(&mut self, a: Reg, b: Reg, c: Reg) -> Done {
        let (b, c) = (self.number(b), self.number(c));
        let (rho_b, rho_c) = (self.b.ins().ushr_imm_u(b, 4), self.b.ins().ushr_imm_u(c, 4));
        let rho = self.b.ins().isub(rho_b, rho_c);
        let rho = self.b.ins().iadd_imm_s(rho, 8);
        let theta = self.b.ins().isub(b, c);
        let value = joined(self.b, rho, theta);
        let largest = self.b.ins().bor_imm_u(b, 0xF0);
        let value = unless_null(self.b, c, value, largest);
        let zero = self.b.ins().iconst(I64, 0);
        let value = unless_null(self.b, b, value, zero);
        self.set(a, value);
        Ok(())
    }

    /// Applies a function in which, except for NULL, ρ of the result depends only on ρ, and θ only on θ.
    pub(super) fn complex_function(&mut self, a: Reg, b: Reg, function: impl Fn(ByteSil) -> ByteSil) -> Done {
        let b = self.number(b);
        let table =
            |entry: &dyn Fn(i32) -> i32| nibbles(core::array::from_fn(|at| entry(at as i32) as i8)) as i64;
        // With θ = 1 and ρ = 0, so that it is not NULL.
        let rhos = table(&|rho| function(ByteSil::polar(rho - 8, 1)).rho() + 8);
        let thetas = table(&|theta| function(ByteSil::polar(0, theta)).theta());
        let (rhos, thetas) = (self.b.ins().iconst(I64, rhos), self.b.ins().iconst(I64, thetas));
        let at = self.b.ins().ushr_imm_u(b, 2);
        let at = self.b.ins().band_imm_u(at, 60);
        let rho = self.b.ins().ushr(rhos, at);
        let rho = self.b.ins().band_imm_u(rho, 15);
        let rho = self.b.ins().ishl_imm_u(rho, 4);
        let at = self.b.ins().ishl_imm_u(b, 2);
        let at = self.b.ins().band_imm_u(at, 60);
        let theta = self.b.ins().ushr(thetas, at);
        let theta = self.b.ins().band_imm_u(theta, 15);
        let value = self.b.ins().bor(rho, theta);
        let of_null = self.b.ins().iconst(I64, i64::from(function(ByteSil::NULL).to_bits()));
        let value = unless_null(self.b, b, value, of_null);
        self.set(a, value);
        Ok(())
    }

    pub(super) fn complex_conjugate(&mut self, a: Reg, b: Reg) -> Done {
        let b = self.number(b);
        let rho = self.b.ins().band_imm_u(b, 0xF0);
        let theta = self.b.ins().ineg(b);
        let theta = self.b.ins().band_imm_u(theta, 15);
        let value = self.b.ins().bor(rho, theta);
        self.set(a, value);
        Ok(())
    }

    /// Lowers COMPLEX_LERP: a call, unless the result is one of the ends.
    pub(super) fn complex_between(&mut self, a: Reg, b: Reg, c: Reg, weight: u32) -> Done {
        let end = match weight {
            0 => b,
            4095 => c,
            _ => return self.computed(a, Opcode::COMPLEX_LERP, weight, b, c),
        };
        let value = self.number(end);
        self.set(a, value);
        Ok(())
    }

    /// Calls the host to compute an instruction with a 12-bit immediate and two register operands.
    pub(super) fn computed(&mut self, a: Reg, op: Opcode, imm: u32, b: Reg, c: Reg) -> Done {
        let (b, c) = (self.get(b), self.get(c));
        let function = self.b.ins().iconst(I64, native::function_number(op, imm) as i64);
        let Some(bits) = self.call_context_function(offsets::MATH, &[function, b, c], true) else {
            unreachable!("it has a result")
        };
        self.set(a, bits);
        Ok(())
    }
}

/// Returns `value`, or `otherwise` if `number` is NULL.
fn unless_null(b: &mut FunctionBuilder<'_>, number: Value, value: Value, otherwise: Value) -> Value {
    b.ins().select(number, value, otherwise)
}

/// Joins ρ + 8, clamped to its range, and the low four bits of θ.
fn joined(b: &mut FunctionBuilder<'_>, rho: Value, theta: Value) -> Value {
    let (zero, most) = (b.ins().iconst(I64, 0), b.ins().iconst(I64, 15));
    let above = b.ins().icmp(IntCC::SignedGreaterThan, rho, most);
    let rho = b.ins().select(above, most, rho);
    let below = b.ins().icmp(IntCC::SignedLessThan, rho, zero);
    let rho = b.ins().select(below, zero, rho);
    let rho = b.ins().ishl_imm_u(rho, 4);
    let theta = b.ins().band_imm_u(theta, 15);
    b.ins().bor(rho, theta)
}

/// The increment of twice ρ for the sum of two numbers with the same ρ. It is one less if ρ would stay, so that it
/// becomes negative where the sum is NULL if ρ is −8.
const GROWTH: u64 = {
    let (mut all, mut k) = ([0; 16], 0);
    while k < 16 {
        let growth = nibble(GROW_SAME, k);
        let vanishes = growth == 0 && NULL_LEAST >> k & 1 == 1;
        all[k as usize] = 2 * growth - vanishes as i8;
        k += 1;
    }
    nibbles(all)
};

/// A sum, and its operands in order.
struct Sum {
    value: Value,
    large: Value,
    small: Value,
}

/// Returns the sum of two numbers that are not zero; the byte 0x00 is e⁻⁸.
fn sum(b: &mut FunctionBuilder<'_>, one: Value, other: Value) -> Sum {
    let is_larger = b.ins().icmp(IntCC::UnsignedGreaterThan, one, other);
    let large = b.ins().select(is_larger, one, other);
    let small = b.ins().select(is_larger, other, one);
    let rho = b.ins().ushr_imm_u(large, 4);
    let rho_small = b.ins().ushr_imm_u(small, 4);
    let distance = b.ins().isub(rho, rho_small);
    // Four times 15 − k, modulo 64: shifting a table to the left by this amount moves entry k to its top.
    let shift = b.ins().isub(large, small);
    let shift = b.ins().iadd_imm_s(shift, -1);
    let shift = b.ins().ishl_imm_u(shift, 2);

    let zero = b.ins().iconst(I64, 0);
    let is_next = b.ins().icmp_imm_u(IntCC::Equal, distance, 1);
    let mut entry = |same: u64, next: u64| {
        let same = b.ins().iconst(I64, same as i64);
        let other = match next {
            0 => zero,
            next => {
                let next = b.ins().iconst(I64, next as i64);
                b.ins().select(is_next, next, zero)
            }
        };
        let table = b.ins().select(distance, other, same);
        let entry = b.ins().ishl(table, shift);
        b.ins().sshr_imm_u(entry, 60)
    };
    let (turn, growth) = (entry(TURN_SAME, TURN_NEXT), entry(GROWTH, 0));

    let theta = b.ins().iadd(large, turn);
    let theta = b.ins().band_imm_u(theta, 15);
    let twice = b.ins().ishl_imm_u(rho, 1);
    let twice = b.ins().iadd(twice, growth);
    let grown = b.ins().iadd_imm_s(twice, 1);
    let grown = b.ins().sshr_imm_u(grown, 1);
    let most = b.ins().iconst(I64, 15);
    let above = b.ins().icmp(IntCC::SignedGreaterThan, grown, most);
    let grown = b.ins().select(above, most, grown);
    let grown = b.ins().ishl_imm_u(grown, 4);
    let value = b.ins().bor(grown, theta);

    let vanishes = b.ins().icmp_imm_s(IntCC::SignedLessThan, twice, 0);
    let value = b.ins().select(vanishes, zero, value);
    let differ = b.ins().bxor(one, other);
    let opposite = b.ins().icmp_imm_u(IntCC::Equal, differ, 8);
    let value = b.ins().select(opposite, zero, value);
    Sum { value, large, small }
}
