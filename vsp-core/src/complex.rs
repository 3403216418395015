//! ByteSil: complex numbers in a byte, and their exact arithmetic without tables of results.
//!
//! A byte `(ρ + 8) · 16 + θ` with ρ from −8 to 7 and θ from 0 to 15 is the number e^ρ · e^(iθπ/8): its magnitude is a
//! power of e, and its direction is one of sixteen. The byte 0x00 is [`ByteSil::NULL`], which is zero. So e⁻⁸ itself
//! has no representation, and a result of e⁻⁸ is NULL.
//!
//! Multiplication, division, powers and conjugates are exact within the range of ρ. A sum or difference is the
//! *nearest* number: of the exact sum z, ρ is ln |z| rounded and clamped to −8 to 7, θ is arg z · 8/π rounded (ties
//! anticlockwise), and |z| < e⁻⁸ is NULL. `docs/bytesil.md` explains the system with pictures.
//!
//! # Algebra
//! - Addition and multiplication commute. NULL is neutral in addition, and x − x = NULL.
//! - As long as no ρ leaves −8 to 7, multiplication is associative, distributes over addition, and makes the numbers
//!   other than NULL a group with [`ByteSil::ONE`] as its neutral element. Outside this range ρ is clamped, so that (x
//!   · y) ÷ y may differ from x.
//! - Addition is not associative: of three numbers, the two small ones may be lost one by one and not together. A
//!   number with |Δρ| ≥ 2 to another is lost in their sum.
//! - NULL times anything is NULL. NULL ÷ x is NULL, even for x = NULL; x ÷ NULL has the largest magnitude, and x's
//!   direction.
//! - A sum is off by at most a factor of √e in magnitude and π/16 in direction, unless it leaves the range: |z| > e^7.5
//!   becomes e⁷. Magnitudes range from e⁻⁸ ≈ 0.000335 to e⁷ ≈ 1097, in steps of 8.7 dB.

use core::ops::{Add, Div, Mul, Neg, Sub};

mod cartesian;
#[cfg(feature = "num-complex")]
mod num;
mod state;
pub(crate) mod words;

pub use state::State;

/// A ByteSil number. See the [module](self).
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(transparent)]
pub struct ByteSil(u8);

/// Packs sixteen nibbles into a constant; only the low four bits of each value count. In the tables below, nibble k is
/// for an angle of kπ/8 between two numbers.
pub(crate) const fn nibbles(values: [i8; 16]) -> u64 {
    let (mut all, mut k) = (0, 0);
    while k < 16 {
        all |= (values[k] as u64 & 15) << (4 * k);
        k += 1;
    }
    all
}

/// The increment of θ of the larger of two numbers whose ρ differ by one.
pub(crate) const TURN_NEXT: u64 = nibbles([0, 0, 1, 1, 1, 1, 1, 1, 0, -1, -1, -1, -1, -1, -1, 0]);

/// The increment of θ if both have the same ρ. (At k = 8 they are opposite, and their sum is NULL.)
pub(crate) const TURN_SAME: u64 = nibbles([0, 1, 1, 2, 2, 3, 3, 4, 0, -3, -3, -2, -2, -1, -1, 0]);

/// The increment of ρ if both have the same ρ.
pub(crate) const GROW_SAME: u64 = nibbles([1, 1, 1, 1, 0, 0, 0, -1, 0, -1, 0, 0, 0, 1, 1, 1]);

/// Bit k: the sum of two numbers of the same ρ is NULL if ρ is −8.
pub(crate) const NULL_LEAST: u16 = 0b0000_0111_1100_0000;

/// Bit k: the sum is NULL for any ρ.
pub(crate) const NULL_SAME: u16 = 1 << 8;

/// Returns entry k of a table of nibbles.
pub(crate) const fn nibble(all: u64, k: u8) -> i8 {
    (((all >> (4 * k)) as i8) << 4) >> 4
}

impl ByteSil {
    /// Zero.
    pub const NULL: ByteSil = ByteSil(0x00);
    /// 1.
    pub const ONE: ByteSil = ByteSil(0x80);
    /// i.
    pub const I: ByteSil = ByteSil(0x84);
    /// −1.
    pub const NEG_ONE: ByteSil = ByteSil(0x88);
    /// −i.
    pub const NEG_I: ByteSil = ByteSil(0x8C);
    /// e⁷, the largest real number: the value of 1 ÷ NULL.
    pub const MAX: ByteSil = ByteSil(0xF0);

    /// Returns the number with this byte.
    #[inline]
    pub const fn from_bits(bits: u8) -> ByteSil {
        ByteSil(bits)
    }

    /// Returns the byte.
    #[inline]
    pub const fn to_bits(self) -> u8 {
        self.0
    }

    /// Returns all 256 numbers, in the order of their bytes.
    pub fn all() -> impl DoubleEndedIterator<Item = ByteSil> {
        (0..=u8::MAX).map(ByteSil)
    }

    /// Returns e^ρ · e^(iθπ/8), with ρ clamped to −8 to 7 and θ taken modulo 16. A result of e⁻⁸ is NULL.
    pub const fn polar(rho: i32, theta: i32) -> ByteSil {
        let rho = if rho < -8 {
            -8
        } else if rho > 7 {
            7
        } else {
            rho
        };
        ByteSil(((rho + 8) as u8) << 4 | (theta & 15) as u8)
    }

    /// Returns ρ, the natural logarithm of the magnitude: −8 to 7. NULL has −8.
    #[inline]
    pub const fn rho(self) -> i32 {
        (self.0 >> 4) as i32 - 8
    }

    /// Returns θ, the direction in sixteenths of a turn: 0 to 15. NULL has 0.
    #[inline]
    pub const fn theta(self) -> i32 {
        (self.0 & 15) as i32
    }

    /// Returns whether it is zero.
    #[inline]
    pub const fn is_null(self) -> bool {
        self.0 == 0
    }

    /// Computes COMPLEX_ADD: the number nearest the exact sum.
    #[inline]
    pub const fn plus(self, other: ByteSil) -> ByteSil {
        if self.is_null() || other.is_null() { ByteSil(self.0 | other.0) } else { sum(self.0, other.0) }
    }

    /// Computes COMPLEX_SUB: the number nearest the exact difference.
    #[inline]
    pub const fn minus(self, other: ByteSil) -> ByteSil {
        // Turning 0x08 by a half turn gives the value e⁻⁸, not zero.
        match (self.is_null(), other.is_null()) {
            (_, true) => self,
            (true, false) => ByteSil(other.0 ^ 8),
            (false, false) => sum(self.0, other.0 ^ 8),
        }
    }

    /// Computes COMPLEX_MUL.
    #[inline]
    pub const fn times(self, other: ByteSil) -> ByteSil {
        match self.is_null() || other.is_null() {
            true => ByteSil::NULL,
            false => ByteSil::polar(self.rho() + other.rho(), self.theta() + other.theta()),
        }
    }

    /// Computes COMPLEX_DIV: NULL ÷ x is NULL; x ÷ NULL has ρ = 7 and the direction of x.
    #[inline]
    pub const fn divided_by(self, other: ByteSil) -> ByteSil {
        match (self.is_null(), other.is_null()) {
            (true, _) => ByteSil::NULL,
            (false, true) => ByteSil::polar(7, self.theta()),
            (false, false) => ByteSil::polar(self.rho() - other.rho(), self.theta() - other.theta()),
        }
    }

    /// Computes COMPLEX_POW. NULL to the power of n is NULL for n > 0, 1 for 0, and [`ByteSil::MAX`] for n < 0.
    #[inline]
    pub const fn pow(self, n: i32) -> ByteSil {
        match self.is_null() {
            false => ByteSil::polar(self.rho().saturating_mul(n), self.theta().wrapping_mul(n)),
            true if n > 0 => ByteSil::NULL,
            true if n == 0 => ByteSil::ONE,
            true => ByteSil::MAX,
        }
    }

    /// Computes COMPLEX_ROOT: ρ and θ divided by n, rounded towards zero. The 0-th root is 1.
    #[inline]
    pub const fn root(self, n: u32) -> ByteSil {
        if n == 0 {
            return ByteSil::ONE;
        }
        if self.is_null() {
            return ByteSil::NULL;
        }
        let divisor = if n > 16 { 16 } else { n as i32 };
        ByteSil::polar(self.rho() / divisor, self.theta() / divisor)
    }

    /// Computes COMPLEX_INV: 1 ÷ x, and [`ByteSil::MAX`] for NULL.
    #[inline]
    pub const fn inv(self) -> ByteSil {
        ByteSil::ONE.divided_by(self)
    }

    /// Computes COMPLEX_CONJ: the conjugate.
    #[inline]
    pub const fn conj(self) -> ByteSil {
        ByteSil::polar(self.rho(), -self.theta())
    }

    /// Computes COMPLEX_MAG: the magnitude.
    #[inline]
    pub const fn mag(self) -> ByteSil {
        ByteSil(self.0 & 0xF0)
    }

    /// Computes COMPLEX_PHASE: the number with the same direction and magnitude 1. That of NULL is 1.
    #[inline]
    pub const fn phase(self) -> ByteSil {
        ByteSil(0x80 | (self.0 & 15))
    }

    /// Computes COMPLEX_SCALE: the number times eⁿ.
    #[inline]
    pub const fn scale(self, n: i32) -> ByteSil {
        if self.is_null() { self } else { ByteSil::polar(self.rho().saturating_add(n), self.theta()) }
    }

    /// Computes COMPLEX_ROTATE: the number turned by n sixteenths of a turn.
    #[inline]
    pub const fn rotate(self, n: i32) -> ByteSil {
        if self.is_null() { self } else { ByteSil::polar(self.rho(), self.theta().wrapping_add(n)) }
    }
}

/// Computes the sum of two nonzero numbers by the rule of `docs/isa.md`; the byte 0x00 means e⁻⁸.
const fn sum(b: u8, c: u8) -> ByteSil {
    let (large, small) = if b > c { (b, c) } else { (c, b) };
    let (rho, theta) = ((large >> 4) as i32, (large & 15) as i32);
    let k = small.wrapping_sub(large) & 15;
    match rho - (small >> 4) as i32 {
        0 => {
            let null = if rho == 0 { NULL_LEAST } else { NULL_SAME };
            if null >> k & 1 == 1 {
                return ByteSil::NULL;
            }
            ByteSil::polar(rho - 8 + nibble(GROW_SAME, k) as i32, theta + nibble(TURN_SAME, k) as i32)
        }
        1 => ByteSil::polar(rho - 8, theta + nibble(TURN_NEXT, k) as i32),
        _ => ByteSil(large),
    }
}

impl Add for ByteSil {
    type Output = ByteSil;
    fn add(self, other: ByteSil) -> ByteSil {
        self.plus(other)
    }
}

impl Sub for ByteSil {
    type Output = ByteSil;
    fn sub(self, other: ByteSil) -> ByteSil {
        self.minus(other)
    }
}

impl Mul for ByteSil {
    type Output = ByteSil;
    fn mul(self, other: ByteSil) -> ByteSil {
        self.times(other)
    }
}

impl Div for ByteSil {
    type Output = ByteSil;
    fn div(self, other: ByteSil) -> ByteSil {
        self.divided_by(other)
    }
}

impl Neg for ByteSil {
    type Output = ByteSil;
    /// Computes −x. The negation of e⁻⁸ · e^(iπ) would be e⁻⁸, and is NULL.
    fn neg(self) -> ByteSil {
        self.rotate(8)
    }
}

impl core::iter::Sum for ByteSil {
    /// Adds the numbers from the first to the last. Addition is not associative: another order may give another sum.
    fn sum<I: Iterator<Item = ByteSil>>(numbers: I) -> ByteSil {
        numbers.fold(ByteSil::NULL, Add::add)
    }
}

impl core::iter::Product for ByteSil {
    fn product<I: Iterator<Item = ByteSil>>(numbers: I) -> ByteSil {
        numbers.fold(ByteSil::ONE, Mul::mul)
    }
}

impl core::fmt::Debug for ByteSil {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "ByteSil({:#04x}: {self})", self.0)
    }
}

impl core::fmt::Display for ByteSil {
    /// Writes `0`, or the magnitude and the direction: `e^-3∠4π/8`.
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        if self.is_null() {
            return f.write_str("0");
        }
        write!(f, "e^{}∠{}π/8", self.rho(), self.theta())
    }
}

#[cfg(test)]
mod tests {
    use super::words::Binary;
    use super::*;

    /// Tests the laws stated at the head of this file, for numbers whose sums and products stay in the range.
    #[test]
    #[cfg_attr(miri, ignore = "too slow")]
    fn laws_of_numbers_in_the_middle() {
        let middle = || ByteSil::all().filter(|number| (-2..=1).contains(&number.rho()));
        let mut sums_associate = true;
        for (b, c) in middle().flat_map(|b| middle().map(move |c| (b, c))) {
            assert_eq!((b + c, b * c), (c + b, c * b));
            assert_eq!(b * c / c, b);
            assert_eq!(b - b, ByteSil::NULL);
            for d in middle().step_by(5) {
                assert_eq!(d * (b + c), d * b + d * c, "{b}, {c}, {d}");
                assert_eq!((b * c) * d, b * (c * d));
                sums_associate &= (b + c) + d == b + (c + d);
            }
        }
        assert!(!sums_associate);
    }

    /// Tests that every layer of a `State` behaves like a number, for all pairs, in both implementations: as bytes and
    /// in integers.
    #[test]
    #[cfg_attr(miri, ignore = "too slow")]
    fn states_are_sixteen_numbers() {
        type Pair = (Binary, fn(ByteSil, ByteSil) -> ByteSil);
        let operations: [Pair; 4] = [
            (Binary::Sum, Add::add),
            (Binary::Difference, Sub::sub),
            (Binary::Product, Mul::mul),
            (Binary::Quotient, Div::div),
        ];
        for (op, number) in operations {
            for b in ByteSil::all() {
                for first in (0..=255).step_by(16) {
                    let others: [ByteSil; 16] =
                        core::array::from_fn(|layer| ByteSil::from_bits(first + layer as u8));
                    let expected = State::from(others.map(|c| number(b, c)));
                    let (b, others) = (State::splat(b), State::from(others));
                    let lanes = words::binary(&mut words::Lanes, op, b.to_bytes(), others.to_bytes());
                    assert_eq!(lanes, expected.to_bytes(), "{b:?} and {others:?}");
                    for (half, expected) in expected.halves().into_iter().enumerate() {
                        let [b, c] = [b, others].map(|state| state.halves()[half]);
                        assert_eq!(words::binary(&mut words::Compute, op, b, c), expected, "{b:x} and {c:x}");
                    }
                }
            }
        }
    }
}
