//! State registers as vectors.
//!
//! Byte shuffles look up the tables of [`complex`](crate::complex), in all layers at once. Flipping the highest bit of
//! the upper nibbles turns them into signed numbers, so that saturating additions keep ρ in its range.

use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::types::{I8X16, I64X2};
use cranelift_codegen::ir::{ConstantData, Endianness, InstBuilder, MemFlagsData, Value};
use cranelift_frontend::FunctionBuilder;

use crate::complex::words::Binary;
use crate::complex::{GROW_SAME, NULL_LEAST, NULL_SAME, TURN_NEXT, TURN_SAME, nibble};

/// The instruction that looks up bytes in a vector.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(in crate::jit) enum Shuffle {
    /// `pshufb` of SSSE3.
    Pshufb,
    /// `tbl` of NEON.
    Table,
}

const RHO: u8 = 0xF0;
const THETA: u8 = 0x0F;

/// The bit that turns ρ + 8 into a signed number.
const SIGN: u8 = 0x80;

pub(super) fn constant(b: &mut FunctionBuilder<'_>, bytes: [u8; 16]) -> Value {
    let constant = b.func.dfg.constants.insert(ConstantData::from(&bytes[..]));
    b.ins().vconst(I8X16, constant)
}

fn splat(b: &mut FunctionBuilder<'_>, byte: u8) -> Value {
    constant(b, [byte; 16])
}

fn is_zero(b: &mut FunctionBuilder<'_>, value: Value) -> Value {
    let zero = splat(b, 0);
    b.ins().icmp(IntCC::Equal, value, zero)
}

pub(super) fn binary(b: &mut FunctionBuilder<'_>, shuffle: Shuffle, op: Binary, x: Value, y: Value) -> Value {
    match op {
        Binary::Sum => {
            let smaller = b.ins().umin(x, y);
            let null = is_zero(b, smaller);
            sum(b, shuffle, x, y, null)
        }
        Binary::Difference => {
            let smaller = b.ins().umin(x, y);
            let null = is_zero(b, smaller);
            // NULL stays NULL; all others are turned by a half.
            let half = splat(b, 8);
            let stays = is_zero(b, y);
            let turn = b.ins().band_not(half, stays);
            let turned = b.ins().bxor(y, turn);
            sum(b, shuffle, x, turned, null)
        }
        Binary::Product => product(b, x, y),
        Binary::Quotient => quotient(b, x, y),
        Binary::Xor => b.ins().bxor(x, y),
        Binary::And => b.ins().band(x, y),
        Binary::Or => b.ins().bor(x, y),
    }
}

/// Returns the sums of values that are not zero, where 0x00 is e⁻⁸. Where one is `null`, returns the larger byte, which
/// is the other one.
fn sum(b: &mut FunctionBuilder<'_>, shuffle: Shuffle, x: Value, y: Value, null: Value) -> Value {
    let (large, small) = (b.ins().umax(x, y), b.ins().umin(x, y));
    let (rho_bits, theta_bits) = (splat(b, RHO), splat(b, THETA));
    let rho = b.ins().band(large, rho_bits);
    let rho_small = b.ins().band(small, rho_bits);
    let distance = b.ins().isub(rho, rho_small);
    let one = splat(b, 0x10);
    let same = is_zero(b, distance);
    let same = b.ins().band_not(same, null);
    let next = b.ins().icmp(IntCC::Equal, distance, one);
    let next = b.ins().band_not(next, null);

    let k = b.ins().isub(small, large);
    let k = b.ins().band(k, theta_bits);
    let entries_same = look_up(b, shuffle, |k| change(GROW_SAME, TURN_SAME, k), k);
    let entries_same = b.ins().band(entries_same, same);
    let entries_next = look_up(b, shuffle, |k| change(0, TURN_NEXT, k), k);
    let entries_next = b.ins().band(entries_next, next);
    let entry = b.ins().bor(entries_same, entries_next);
    // Values up to this limit vanish.
    let limit = look_up(b, shuffle, limit, k);
    let limit = b.ins().band(limit, same);

    let theta = b.ins().iadd(large, entry);
    let theta = b.ins().band(theta, theta_bits);
    let growth = b.ins().band(entry, rho_bits);
    let sign = splat(b, SIGN);
    let signed = b.ins().bxor(rho, sign);
    let grown = b.ins().sadd_sat(signed, growth);
    let grown = b.ins().band(grown, rho_bits);
    let grown = b.ins().bxor(grown, sign);
    let value = b.ins().bor(grown, theta);
    let vanishes = b.ins().icmp(IntCC::UnsignedLessThanOrEqual, large, limit);
    b.ins().band_not(value, vanishes)
}

/// Returns the increments of ρ and of θ.
fn change(grow: u64, turn: u64, k: u8) -> u8 {
    (nibble(grow, k) as u8) << 4 | nibble(turn, k) as u8 & THETA
}

/// Returns the limit: the sum of numbers of the same ρ is NULL if the larger one is at most this.
fn limit(k: u8) -> u8 {
    match (NULL_SAME >> k & 1, NULL_LEAST >> k & 1) {
        (1, _) => 0xFF,
        (_, 1) => THETA,
        _ => 0,
    }
}

/// Returns, for each lane, the table entry of its number, which is below 16.
fn look_up(b: &mut FunctionBuilder<'_>, shuffle: Shuffle, entry: impl Fn(u8) -> u8, at: Value) -> Value {
    let table = constant(b, core::array::from_fn(|k| entry(k as u8)));
    match shuffle {
        Shuffle::Pshufb => b.ins().x86_pshufb(table, at),
        Shuffle::Table => b.ins().swizzle(table, at),
    }
}

fn product(b: &mut FunctionBuilder<'_>, x: Value, y: Value) -> Value {
    let (sign, rho_bits) = (splat(b, SIGN), splat(b, RHO));
    let rho_x = b.ins().bxor(x, sign);
    let rho_x = b.ins().band(rho_x, rho_bits);
    // θ of one operand is harmless below ρ.
    let rho_y = b.ins().bxor(y, sign);
    let rho = b.ins().sadd_sat(rho_x, rho_y);
    let rho = b.ins().bxor(rho, sign);
    let theta = b.ins().iadd(x, y);
    let value = joined(b, rho, theta);
    let smaller = b.ins().umin(x, y);
    let null = is_zero(b, smaller);
    b.ins().band_not(value, null)
}

fn quotient(b: &mut FunctionBuilder<'_>, x: Value, y: Value) -> Value {
    let (sign, rho_bits) = (splat(b, SIGN), splat(b, RHO));
    let rho_x = b.ins().bxor(x, sign);
    let rho_x = b.ins().band(rho_x, rho_bits);
    let rho_y = b.ins().bxor(y, sign);
    let rho_y = b.ins().band(rho_y, rho_bits);
    let rho = b.ins().ssub_sat(rho_x, rho_y);
    let rho = b.ins().bxor(rho, sign);
    let theta = b.ins().isub(x, y);
    let value = joined(b, rho, theta);
    let by_null = is_zero(b, y);
    let largest = b.ins().bor(x, rho_bits);
    let value = b.ins().bitselect(by_null, largest, value);
    let null = is_zero(b, x);
    b.ins().band_not(value, null)
}

pub(super) fn conjugate(b: &mut FunctionBuilder<'_>, x: Value) -> Value {
    let theta = b.ins().ineg(x);
    joined(b, x, theta)
}

/// Returns ρ of one and θ of the other.
fn joined(b: &mut FunctionBuilder<'_>, rho: Value, theta: Value) -> Value {
    let rho_bits = splat(b, RHO);
    let difference = b.ins().bxor(rho, theta);
    let difference = b.ins().band(difference, rho_bits);
    b.ins().bxor(difference, theta)
}

/// Rotates the lanes: lane i becomes lane i + n modulo 16.
pub(super) fn rotated(b: &mut FunctionBuilder<'_>, x: Value, n: u8) -> Value {
    let lanes: [u8; 16] = core::array::from_fn(|to| (to as u8).wrapping_sub(n) & 15);
    let mask = b.func.dfg.immediates.push(ConstantData::from(&lanes[..]));
    b.ins().shuffle(x, x, mask)
}

/// Returns lanes 0–7 and 8–15.
pub(super) fn halves(b: &mut FunctionBuilder<'_>, x: Value) -> [Value; 2] {
    let flags = MemFlagsData::new().with_endianness(Endianness::Little);
    let pair = b.ins().bitcast(I64X2, flags, x);
    [0, 1].map(|half| b.ins().extractlane(pair, half))
}
