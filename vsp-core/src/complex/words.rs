//! Arithmetic on eight ByteSil numbers at once in a 64-bit integer, without carries between bytes.
//!
//! Entries of the tables of [`complex`](super) are computed by adding steps: with k' = k in −7 to 7, where the sum is
//! not NULL, the direction turns by k' ÷ 2, rounded up, between numbers of the same ρ. Bytes are compared as in H. S.
//! Warren, Hacker's Delight, 2nd edition, 2-18.
//!
//! The same algorithm serves the interpreter, which evaluates it ([`Compute`]), and the compiler, which emits
//! instructions for it.

/// The operations on 64-bit integers that the algorithm consists of.
pub(crate) trait Words {
    /// A 64-bit integer or its representation.
    type Value: Copy;
    /// Returns the value that has `byte` in every byte.
    fn constant(&mut self, byte: u8) -> Self::Value;
    fn add(&mut self, x: Self::Value, y: Self::Value) -> Self::Value;
    fn sub(&mut self, x: Self::Value, y: Self::Value) -> Self::Value;
    fn and(&mut self, x: Self::Value, y: Self::Value) -> Self::Value;
    /// Returns x and not y.
    fn and_not(&mut self, x: Self::Value, y: Self::Value) -> Self::Value;
    fn or(&mut self, x: Self::Value, y: Self::Value) -> Self::Value;
    fn xor(&mut self, x: Self::Value, y: Self::Value) -> Self::Value;
    fn shl(&mut self, x: Self::Value, bits: u32) -> Self::Value;
    fn shr(&mut self, x: Self::Value, bits: u32) -> Self::Value;
    /// Returns the bits of x where the mask has ones, and those of y elsewhere.
    fn select(&mut self, mask: Self::Value, x: Self::Value, y: Self::Value) -> Self::Value;

    /// Returns 1 in each byte that is at least `least`. Bytes must be below 32 and `least` at most 32.
    #[inline(always)]
    fn step(&mut self, x: Self::Value, least: u8) -> Self::Value {
        let more = self.constant(32 - least);
        let sum = self.add(x, more);
        let bit = self.shr(sum, 5);
        let one = self.constant(1);
        self.and(bit, one)
    }

    /// Returns all ones in each byte that is 1, and zero in the others, which must be 0.
    #[inline(always)]
    fn mask(&mut self, ones: Self::Value) -> Self::Value {
        let above = self.shl(ones, 8);
        self.sub(above, ones)
    }

    /// Returns all ones in each byte that is zero.
    #[inline(always)]
    fn is_zero(&mut self, x: Self::Value) -> Self::Value {
        let low_bits = self.constant(0x7F);
        let low = self.and(x, low_bits);
        let carried = self.add(low, low_bits);
        let nonzero = self.or(carried, x);
        let high = self.constant(0x80);
        let zero = self.and_not(high, nonzero);
        let ones = self.shr(zero, 7);
        self.mask(ones)
    }

    /// Returns the larger and the smaller of each two bytes.
    #[inline(always)]
    fn sorted(&mut self, x: Self::Value, y: Self::Value) -> (Self::Value, Self::Value) {
        let high = self.constant(0x80);
        let set = self.or(x, high);
        let cleared = self.and_not(y, high);
        let difference = self.sub(set, cleared);
        let only_x = self.and_not(x, y);
        let differ = self.xor(x, y);
        let alike = self.and_not(difference, differ);
        let at_least = self.or(only_x, alike);
        let at_least = self.and(at_least, high);
        let ones = self.shr(at_least, 7);
        let x_larger = self.mask(ones);
        let large = self.select(x_larger, x, y);
        // x ⊕ y ⊕ the larger one.
        (large, self.xor(differ, large))
    }
}

/// The implementation that evaluates the operations on a `u64`.
pub(super) struct Compute;

impl Words for Compute {
    type Value = u64;

    #[inline(always)]
    fn constant(&mut self, byte: u8) -> u64 {
        each(byte)
    }

    #[inline(always)]
    fn add(&mut self, x: u64, y: u64) -> u64 {
        x.wrapping_add(y)
    }

    #[inline(always)]
    fn sub(&mut self, x: u64, y: u64) -> u64 {
        x.wrapping_sub(y)
    }

    #[inline(always)]
    fn and(&mut self, x: u64, y: u64) -> u64 {
        x & y
    }

    #[inline(always)]
    fn and_not(&mut self, x: u64, y: u64) -> u64 {
        x & !y
    }

    #[inline(always)]
    fn or(&mut self, x: u64, y: u64) -> u64 {
        x | y
    }

    #[inline(always)]
    fn xor(&mut self, x: u64, y: u64) -> u64 {
        x ^ y
    }

    #[inline(always)]
    fn shl(&mut self, x: u64, bits: u32) -> u64 {
        x << bits
    }

    #[inline(always)]
    fn shr(&mut self, x: u64, bits: u32) -> u64 {
        x >> bits
    }

    #[inline(always)]
    fn select(&mut self, mask: u64, x: u64, y: u64) -> u64 {
        y ^ (x ^ y) & mask
    }
}

/// The implementation for sixteen bytes at once, each operation as a loop that compilers turn into vector instructions.
pub(super) struct Lanes;

#[inline(always)]
fn lanes(x: [u8; 16], f: impl Fn(u8) -> u8) -> [u8; 16] {
    let mut out = [0; 16];
    for (out, x) in out.iter_mut().zip(x) {
        *out = f(x);
    }
    out
}

#[inline(always)]
fn pairs(x: [u8; 16], y: [u8; 16], f: impl Fn(u8, u8) -> u8) -> [u8; 16] {
    let mut out = [0; 16];
    for (out, (x, y)) in out.iter_mut().zip(x.into_iter().zip(y)) {
        *out = f(x, y);
    }
    out
}

impl Words for Lanes {
    type Value = [u8; 16];

    #[inline(always)]
    fn constant(&mut self, byte: u8) -> [u8; 16] {
        [byte; 16]
    }

    #[inline(always)]
    fn add(&mut self, x: [u8; 16], y: [u8; 16]) -> [u8; 16] {
        pairs(x, y, u8::wrapping_add)
    }

    #[inline(always)]
    fn sub(&mut self, x: [u8; 16], y: [u8; 16]) -> [u8; 16] {
        pairs(x, y, u8::wrapping_sub)
    }

    #[inline(always)]
    fn and(&mut self, x: [u8; 16], y: [u8; 16]) -> [u8; 16] {
        pairs(x, y, |x, y| x & y)
    }

    #[inline(always)]
    fn and_not(&mut self, x: [u8; 16], y: [u8; 16]) -> [u8; 16] {
        pairs(x, y, |x, y| x & !y)
    }

    #[inline(always)]
    fn or(&mut self, x: [u8; 16], y: [u8; 16]) -> [u8; 16] {
        pairs(x, y, |x, y| x | y)
    }

    #[inline(always)]
    fn xor(&mut self, x: [u8; 16], y: [u8; 16]) -> [u8; 16] {
        pairs(x, y, |x, y| x ^ y)
    }

    #[inline(always)]
    fn shl(&mut self, x: [u8; 16], bits: u32) -> [u8; 16] {
        lanes(x, |x| x << bits)
    }

    #[inline(always)]
    fn shr(&mut self, x: [u8; 16], bits: u32) -> [u8; 16] {
        lanes(x, |x| x >> bits)
    }

    #[inline(always)]
    fn select(&mut self, mask: [u8; 16], x: [u8; 16], y: [u8; 16]) -> [u8; 16] {
        let differ = self.xor(x, y);
        let differ = self.and(differ, mask);
        self.xor(y, differ)
    }

    #[inline(always)]
    fn step(&mut self, x: [u8; 16], least: u8) -> [u8; 16] {
        lanes(x, |x| u8::from(x >= least))
    }

    #[inline(always)]
    fn mask(&mut self, ones: [u8; 16]) -> [u8; 16] {
        lanes(ones, u8::wrapping_neg)
    }

    #[inline(always)]
    fn is_zero(&mut self, x: [u8; 16]) -> [u8; 16] {
        lanes(x, |x| u8::from(x == 0).wrapping_neg())
    }

    #[inline(always)]
    fn sorted(&mut self, x: [u8; 16], y: [u8; 16]) -> ([u8; 16], [u8; 16]) {
        (pairs(x, y, u8::max), pairs(x, y, u8::min))
    }
}

/// Returns the value that has `byte` in all eight bytes.
pub(crate) const fn each(byte: u8) -> u64 {
    u64::from_le_bytes([byte; 8])
}

const RHO: u8 = 0xF0;
const THETA: u8 = 0x0F;

/// An operation on two numbers, in each layer.
#[derive(Clone, Copy)]
pub(crate) enum Binary {
    Sum,
    Difference,
    Product,
    Quotient,
    Xor,
    And,
    Or,
}

#[inline(always)]
pub(crate) fn conjugate<M: Words>(m: &mut M, x: M::Value) -> M::Value {
    let rho = and(m, x, RHO);
    let zero = m.constant(0);
    let theta = theta_difference(m, zero, x);
    m.or(rho, theta)
}

#[inline(always)]
pub(crate) fn binary<M: Words>(m: &mut M, op: Binary, x: M::Value, y: M::Value) -> M::Value {
    match op {
        Binary::Sum => {
            let null = any_null(m, x, y);
            sum(m, x, y, null)
        }
        Binary::Difference => {
            let null = any_null(m, x, y);
            // NULL stays NULL; all others are turned by a half turn.
            let stays = m.is_zero(y);
            let half = m.constant(8);
            let turn = m.and_not(half, stays);
            let turned = m.xor(y, turn);
            sum(m, x, turned, null)
        }
        Binary::Product => {
            let (rho_x, rho_y) = (rho(m, x), rho(m, y));
            let moved = m.add(rho_x, rho_y);
            let (theta_x, theta_y) = (and(m, x, THETA), and(m, y, THETA));
            let theta = m.add(theta_x, theta_y);
            let value = joined(m, moved, theta);
            let null = any_null(m, x, y);
            m.and_not(value, null)
        }
        Binary::Quotient => quotient(m, x, y),
        Binary::Xor => m.xor(x, y),
        Binary::And => m.and(x, y),
        Binary::Or => m.or(x, y),
    }
}

#[inline(always)]
fn quotient<M: Words>(m: &mut M, x: M::Value, y: M::Value) -> M::Value {
    let (rho_x, rho_y) = (rho(m, x), rho(m, y));
    let more = plus(m, rho_x, 16);
    let moved = m.sub(more, rho_y);
    let theta = theta_difference(m, x, y);
    let value = joined(m, moved, theta);
    let by_null = m.is_zero(y);
    let rho_bits = m.constant(0xF0);
    let largest = m.or(x, rho_bits);
    let value = m.select(by_null, largest, value);
    let null = m.is_zero(x);
    m.and_not(value, null)
}

/// Computes the sums of nonzero values, where 0x00 means e⁻⁸. Where the mask `null` is set, one value is NULL, and the
/// result is the other one.
#[inline(always)]
fn sum<M: Words>(m: &mut M, x: M::Value, y: M::Value, null: M::Value) -> M::Value {
    let (large, small) = m.sorted(x, y);
    let (rho_large, rho_small) = (rho(m, large), rho(m, small));
    let distance = m.sub(rho_large, rho_small);
    let same = m.is_zero(distance);
    let one = m.constant(1);
    let beyond = m.xor(distance, one);
    let next = m.is_zero(beyond);
    // k + 8 modulo 16, where k is the angle between them.
    let angle = theta_difference(m, small, large);
    let k = plus(m, angle, 8);
    let k = and(m, k, THETA);

    let from = |m: &mut M, least| m.step(k, least);
    let (from_1, from_2, from_3, from_5) = (from(m, 1), from(m, 2), from(m, 3), from(m, 5));
    let (from_7, from_10, from_12) = (from(m, 7), from(m, 10), from(m, 12));
    let (from_14, from_15) = (from(m, 14), from(m, 15));

    let turn_same = plus(m, k, 1);
    let turn_same = m.shr(turn_same, 1);
    let turn_same = and(m, turn_same, THETA);
    let turn_same = plus(m, turn_same, 12);
    let turn_same = m.and(turn_same, same);
    let turn_next = m.add(from_7, from_10);
    let turn_next = plus(m, turn_next, 16);
    let turn_next = m.sub(turn_next, from_1);
    let turn_next = m.and(turn_next, next);
    let turn = m.or(turn_same, turn_next);
    let theta = and(m, large, THETA);
    let theta = m.add(theta, turn);

    // The increment of ρ, plus 1.
    let growth = m.add(from_2, from_5);
    let growth = m.sub(growth, from_12);
    let growth = m.sub(growth, from_15);
    let growth = m.select(same, growth, one);
    let grown = m.add(rho_large, growth);
    // As in a product, 8 is subtracted again.
    let moved = plus(m, grown, 7);
    let value = joined(m, moved, theta);

    let opposite = m.xor(from_1, one);
    let opposite = m.mask(opposite);
    let wide = m.xor(from_3, one);
    let wide = m.or(wide, from_14);
    let wide = m.mask(wide);
    let least = m.is_zero(rho_large);
    let vanishes = m.and(wide, least);
    let vanishes = m.or(vanishes, opposite);
    let vanishes = m.and(vanishes, same);
    let value = m.and_not(value, vanishes);
    let other = m.or(x, y);
    m.select(null, other, value)
}

/// Combines ρ + 16, which is clamped to its range, and θ, of which the low four bits count.
#[inline(always)]
fn joined<M: Words>(m: &mut M, rho: M::Value, theta: M::Value) -> M::Value {
    let positive = m.step(rho, 8);
    let positive = m.mask(positive);
    let less = plus(m, rho, 24);
    let less = and(m, less, 31);
    let less = m.and(less, positive);
    let above = m.step(less, 16);
    let above = m.mask(above);
    let rho = m.or(less, above);
    let rho = and(m, rho, THETA);
    let rho = m.shl(rho, 4);
    let theta = and(m, theta, THETA);
    m.or(rho, theta)
}

#[inline(always)]
fn and<M: Words>(m: &mut M, x: M::Value, bits: u8) -> M::Value {
    let bits = m.constant(bits);
    m.and(x, bits)
}

#[inline(always)]
fn plus<M: Words>(m: &mut M, x: M::Value, byte: u8) -> M::Value {
    let bytes = m.constant(byte);
    m.add(x, bytes)
}

/// Returns ρ + 8.
#[inline(always)]
fn rho<M: Words>(m: &mut M, x: M::Value) -> M::Value {
    let shifted = m.shr(x, 4);
    and(m, shifted, THETA)
}

/// Returns θ of x minus θ of y, modulo 16.
#[inline(always)]
fn theta_difference<M: Words>(m: &mut M, x: M::Value, y: M::Value) -> M::Value {
    let (theta_x, theta_y) = (and(m, x, THETA), and(m, y, THETA));
    let more = plus(m, theta_x, 16);
    let difference = m.sub(more, theta_y);
    and(m, difference, THETA)
}

/// Returns all ones in each byte where one of the values is NULL.
#[inline(always)]
fn any_null<M: Words>(m: &mut M, x: M::Value, y: M::Value) -> M::Value {
    let (x, y) = (m.is_zero(x), m.is_zero(y));
    m.or(x, y)
}
