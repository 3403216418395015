//! Half a state in an integer: eight layers at once, without carries between them.
//!
//! What the tables of [`complex`](crate::complex) say is counted up in steps, as in [`State`](crate::complex::State), because there is
//! nothing to look bytes up with. Bytes are compared as H. S. Warren does, Hacker's Delight, 2nd edition, 2-18.

use cranelift_codegen::ir::types::I64;
use cranelift_codegen::ir::{InstBuilder, Value};
use cranelift_frontend::FunctionBuilder;

use super::Binary;

/// The byte in all eight places.
const fn each(byte: u8) -> i64 {
    i64::from_le_bytes([byte; 8])
}

const HIGH: i64 = each(0x80);
const RHO: i64 = each(0xF0);
const THETA: i64 = each(0x0F);

pub(super) fn repeated(b: &mut FunctionBuilder<'_>, byte: u8) -> Value {
    b.ins().iconst(I64, each(byte))
}

pub(super) fn splat(b: &mut FunctionBuilder<'_>, number: Value) -> Value {
    let byte = b.ins().band_imm_u(number, 0xFF);
    let ones = b.ins().iconst(I64, each(1));
    b.ins().imul(byte, ones)
}

/// With another byte in this place.
pub(super) fn with_byte(b: &mut FunctionBuilder<'_>, half: Value, number: Value, place: u32) -> Value {
    let bits = i64::from(8 * place);
    let byte = b.ins().band_imm_u(number, 0xFF);
    let byte = b.ins().ishl_imm_u(byte, bits);
    let others = and(b, half, !(0xFF << bits));
    b.ins().bor(others, byte)
}

/// Layer i becomes layer i + n modulo 16.
pub(super) fn rotated(b: &mut FunctionBuilder<'_>, [low, high]: [Value; 2], n: u32) -> [Value; 2] {
    let [low, high] = if n & 8 == 0 { [low, high] } else { [high, low] };
    let bits = i64::from(8 * (n & 7));
    if bits == 0 {
        return [low, high];
    }
    [(low, high), (high, low)].map(|(to, from)| {
        let kept = b.ins().ishl_imm_u(to, bits);
        let come_in = b.ins().ushr_imm_u(from, 64 - bits);
        b.ins().bor(kept, come_in)
    })
}

pub(super) fn conjugate(b: &mut FunctionBuilder<'_>, x: Value) -> Value {
    let rho = and(b, x, RHO);
    let zero = b.ins().iconst(I64, 0);
    let theta = theta_difference(b, zero, x);
    b.ins().bor(rho, theta)
}

pub(super) fn binary(b: &mut FunctionBuilder<'_>, op: Binary, x: Value, y: Value) -> Value {
    match op {
        Binary::Sum => {
            let null = any_null(b, x, y);
            sum(b, x, y, null)
        }
        Binary::Difference => {
            let null = any_null(b, x, y);
            // NULL stays NULL; all others are turned by a half.
            let stays = is_zero(b, y);
            let half = repeated(b, 8);
            let turn = b.ins().band_not(half, stays);
            let turned = b.ins().bxor(y, turn);
            sum(b, x, turned, null)
        }
        Binary::Product => {
            let (rho_x, rho_y) = (rho(b, x), rho(b, y));
            let moved = b.ins().iadd(rho_x, rho_y);
            let (theta_x, theta_y) = (and(b, x, THETA), and(b, y, THETA));
            let theta = b.ins().iadd(theta_x, theta_y);
            let value = joined(b, moved, theta);
            let null = any_null(b, x, y);
            b.ins().band_not(value, null)
        }
        Binary::Quotient => quotient(b, x, y),
        Binary::Xor => b.ins().bxor(x, y),
        Binary::And => b.ins().band(x, y),
        Binary::Or => b.ins().bor(x, y),
    }
}

fn quotient(b: &mut FunctionBuilder<'_>, x: Value, y: Value) -> Value {
    let (rho_x, rho_y) = (rho(b, x), rho(b, y));
    let more = plus(b, rho_x, 16);
    let moved = b.ins().isub(more, rho_y);
    let theta = theta_difference(b, x, y);
    let value = joined(b, moved, theta);
    let by_null = is_zero(b, y);
    let rho_bits = repeated(b, 0xF0);
    let largest = b.ins().bor(x, rho_bits);
    let value = b.ins().bitselect(by_null, largest, value);
    let null = is_zero(b, x);
    b.ins().band_not(value, null)
}

/// The sums of values that are not zero, where 0x00 stands for e⁻⁸; and where one is `null`, the other.
fn sum(b: &mut FunctionBuilder<'_>, x: Value, y: Value, null: Value) -> Value {
    let x_larger = at_least(b, x, y);
    let large = b.ins().bitselect(x_larger, x, y);
    let small = b.ins().bitselect(x_larger, y, x);
    let (rho_large, rho_small) = (rho(b, large), rho(b, small));
    let distance = b.ins().isub(rho_large, rho_small);
    let same = is_zero(b, distance);
    let one = repeated(b, 1);
    let beyond = b.ins().bxor(distance, one);
    let next = is_zero(b, beyond);
    // Eight more than k, the angle between them, modulo 16.
    let angle = theta_difference(b, small, large);
    let k = plus(b, angle, 8);
    let k = and(b, k, THETA);

    let from = |b: &mut FunctionBuilder<'_>, least| step(b, k, least);
    let (from_1, from_2, from_3, from_5) = (from(b, 1), from(b, 2), from(b, 3), from(b, 5));
    let (from_7, from_10, from_12) = (from(b, 7), from(b, 10), from(b, 12));
    let (from_14, from_15) = (from(b, 14), from(b, 15));

    let turn_same = plus(b, k, 1);
    let turn_same = b.ins().ushr_imm_u(turn_same, 1);
    let turn_same = and(b, turn_same, THETA);
    let turn_same = plus(b, turn_same, 12);
    let turn_same = b.ins().band(turn_same, same);
    let turn_next = b.ins().iadd(from_7, from_10);
    let turn_next = plus(b, turn_next, 16);
    let turn_next = b.ins().isub(turn_next, from_1);
    let turn_next = b.ins().band(turn_next, next);
    let turn = b.ins().bor(turn_same, turn_next);
    let theta = and(b, large, THETA);
    let theta = b.ins().iadd(theta, turn);

    // One more than what ρ grows by.
    let growth = b.ins().iadd(from_2, from_5);
    let growth = b.ins().isub(growth, from_12);
    let growth = b.ins().isub(growth, from_15);
    let growth = b.ins().bitselect(same, growth, one);
    let grown = b.ins().iadd(rho_large, growth);
    // As in a product, 8 is taken away again.
    let moved = plus(b, grown, 7);
    let value = joined(b, moved, theta);

    let opposite = b.ins().bxor(from_1, one);
    let opposite = mask(b, opposite);
    let wide = b.ins().bxor(from_3, one);
    let wide = b.ins().bor(wide, from_14);
    let wide = mask(b, wide);
    let least = is_zero(b, rho_large);
    let vanishes = b.ins().band(wide, least);
    let vanishes = b.ins().bor(vanishes, opposite);
    let vanishes = b.ins().band(vanishes, same);
    let value = b.ins().band_not(value, vanishes);
    let other = b.ins().bor(x, y);
    b.ins().bitselect(null, other, value)
}

/// From ρ + 16, which is put in its range, and θ, of which the low four bits count.
fn joined(b: &mut FunctionBuilder<'_>, rho: Value, theta: Value) -> Value {
    let positive = step(b, rho, 8);
    let positive = mask(b, positive);
    let less = plus(b, rho, 24);
    let less = and(b, less, each(31));
    let less = b.ins().band(less, positive);
    let above = step(b, less, 16);
    let above = mask(b, above);
    let rho = b.ins().bor(less, above);
    let rho = and(b, rho, THETA);
    let rho = b.ins().ishl_imm_u(rho, 4);
    let theta = and(b, theta, THETA);
    b.ins().bor(rho, theta)
}

fn and(b: &mut FunctionBuilder<'_>, x: Value, bits: i64) -> Value {
    let bits = b.ins().iconst(I64, bits);
    b.ins().band(x, bits)
}

fn plus(b: &mut FunctionBuilder<'_>, x: Value, byte: u8) -> Value {
    let bytes = repeated(b, byte);
    b.ins().iadd(x, bytes)
}

/// ρ + 8.
fn rho(b: &mut FunctionBuilder<'_>, x: Value) -> Value {
    let shifted = b.ins().ushr_imm_u(x, 4);
    and(b, shifted, THETA)
}

/// θ of x minus θ of y, modulo 16.
fn theta_difference(b: &mut FunctionBuilder<'_>, x: Value, y: Value) -> Value {
    let (theta_x, theta_y) = (and(b, x, THETA), and(b, y, THETA));
    let more = plus(b, theta_x, 16);
    let difference = b.ins().isub(more, theta_y);
    and(b, difference, THETA)
}

/// 1 where a byte, which is below 32, is at least so much, which is not more than 32.
fn step(b: &mut FunctionBuilder<'_>, x: Value, least: u8) -> Value {
    let sum = plus(b, x, 32 - least);
    let bit = b.ins().ushr_imm_u(sum, 5);
    and(b, bit, each(1))
}

/// All ones where there is a 1.
fn mask(b: &mut FunctionBuilder<'_>, ones: Value) -> Value {
    let above = b.ins().ishl_imm_u(ones, 8);
    b.ins().isub(above, ones)
}

/// All ones where bit 7 is set, of what has no other bits.
fn mask_of_high(b: &mut FunctionBuilder<'_>, high: Value) -> Value {
    let ones = b.ins().ushr_imm_u(high, 7);
    mask(b, ones)
}

fn is_zero(b: &mut FunctionBuilder<'_>, x: Value) -> Value {
    let low = and(b, x, !HIGH);
    let carried = plus(b, low, 0x7F);
    let nonzero = b.ins().bor(carried, x);
    let high = b.ins().iconst(I64, HIGH);
    let zero = b.ins().band_not(high, nonzero);
    mask_of_high(b, zero)
}

/// All ones where one of them is NULL.
fn any_null(b: &mut FunctionBuilder<'_>, x: Value, y: Value) -> Value {
    let (x, y) = (is_zero(b, x), is_zero(b, y));
    b.ins().bor(x, y)
}

/// All ones where a byte of x is at least that of y.
fn at_least(b: &mut FunctionBuilder<'_>, x: Value, y: Value) -> Value {
    let high = b.ins().iconst(I64, HIGH);
    let set = b.ins().bor(x, high);
    let cleared = and(b, y, !HIGH);
    let difference = b.ins().isub(set, cleared);
    let only_x = b.ins().band_not(x, y);
    let differ = b.ins().bxor(x, y);
    let alike = b.ins().band_not(difference, differ);
    let at_least = b.ins().bor(only_x, alike);
    let at_least = b.ins().band(at_least, high);
    mask_of_high(b, at_least)
}
