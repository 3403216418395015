//! Binary64 (classes 8x and 9x, and binary32 in memory), with the arithmetic of the `rustc_apfloat` crate.

use std::cmp::Ordering;

use rustc_apfloat::ieee::{Double, Single};
use rustc_apfloat::{Float, FloatConvert, Round};

use super::numbers::{power, register, signed, truth, unsigned};
use super::word::Word;

/// The NaN that instructions write.
const NAN: u64 = 0x7FF8_0000_0000_0000;

/// The NaN that stores of binary32 write.
const NAN32: u32 = 0x7FC0_0000;

/// Computes the result of an instruction on the values of its registers b and c. Returns `None` for other instructions.
pub(super) fn compute(word: Word, b: u64, c: u64) -> Option<u64> {
    match word.op() {
        0x90..=0x93 => return compare(word, b, c),
        0x96 => return Some(to_integer(b, -power(63), power(63) - 1)),
        0x97 => return Some(to_integer(b, 0, power(64) - 1)),
        0x98 => return Some(load32(unsigned(b).rem_euclid(power(32)) as u32)),
        0x99 => return Some(store32(b).into()),
        _ => {}
    }
    let (x, y) = (double(b), double(c));
    let result = match word.op() {
        0x80 => (x + y).value,
        0x81 => (x - y).value,
        0x82 => (x * y).value,
        0x83 => (x / y).value,
        0x84 => return Some(square_root(b)),
        0x85 => with_sign(b, !is_negative(b)),
        0x86 => with_sign(b, false),
        0x87 => {
            if is_nan(b) || order(b, c) == Some(Ordering::Less) {
                x
            } else {
                y_or_nan(x, y)
            }
        }
        0x88 => {
            if is_nan(b) || order(b, c) == Some(Ordering::Greater) {
                x
            } else {
                y_or_nan(x, y)
            }
        }
        0x89 => with_sign(b, is_negative(c) && !is_nan(c)),
        0x8A => x.round_to_integral(Round::TowardNegative).value,
        0x8B => x.round_to_integral(Round::TowardPositive).value,
        0x8C => x.round_to_integral(Round::TowardZero).value,
        0x8D => x.round_to_integral(Round::NearestTiesToEven).value,
        0x8E => widen(narrow(x)),
        0x8F => return mathematics(word.u12(), f64::from_bits(b), f64::from_bits(c)),
        0x94 => Double::from_i128(signed(b)).value,
        0x95 => Double::from_i128(unsigned(b)).value,
        0x9A => widen(narrow((x + y).value)),
        0x9B => widen(narrow((x - y).value)),
        0x9C => widen(narrow((x * y).value)),
        0x9D => widen(narrow((x / y).value)),
        0x9E => widen(Single::from_i128(signed(b)).value),
        0x9F => widen(Single::from_i128(unsigned(b)).value),
        _ => return None,
    };
    Some(canonical(result))
}

fn double(bits: u64) -> Double {
    Double::from_bits(u128::from(bits))
}

fn canonical(value: Double) -> u64 {
    if value.is_nan() { NAN } else { value.to_bits() as u64 }
}

/// Returns sign, exponent field and fraction field.
fn parts(bits: u64) -> (bool, i128, i128) {
    let bits = unsigned(bits);
    let (exponent, fraction) = (bits.div_euclid(power(52)).rem_euclid(power(11)), bits.rem_euclid(power(52)));
    (bits >= power(63), exponent, fraction)
}

fn is_nan(bits: u64) -> bool {
    let (_, exponent, fraction) = parts(bits);
    exponent == 0x7FF && fraction != 0
}

fn is_negative(bits: u64) -> bool {
    parts(bits).0
}

fn with_sign(bits: u64, negative: bool) -> Double {
    let magnitude = unsigned(bits).rem_euclid(power(63));
    double(register(magnitude + if negative { power(63) } else { 0 }))
}

/// Returns the second of two numbers, which the first does not precede, or NaN if either is NaN.
fn y_or_nan(x: Double, y: Double) -> Double {
    if x.is_nan() { x } else { y }
}

/// Compares two numbers, with −0 before +0. Returns `None` if either is NaN.
fn order(b: u64, c: u64) -> Option<Ordering> {
    let rank = |bits: u64| {
        let magnitude = unsigned(bits).rem_euclid(power(63));
        if is_negative(bits) { -1 - magnitude } else { magnitude }
    };
    (!is_nan(b) && !is_nan(c)).then(|| rank(b).cmp(&rank(c)))
}

fn compare(word: Word, b: u64, c: u64) -> Option<u64> {
    let zeros = unsigned(b).rem_euclid(power(63)) == 0 && unsigned(c).rem_euclid(power(63)) == 0;
    let order = order(b, c).map(|order| if zeros { Ordering::Equal } else { order });
    Some(truth(match word.op() {
        0x90 => order == Some(Ordering::Equal),
        0x91 => order != Some(Ordering::Equal),
        0x92 => order == Some(Ordering::Less),
        0x93 => order == Some(Ordering::Less) || order == Some(Ordering::Equal),
        _ => return None,
    }))
}

/// Truncates a number to an integer, and clamps it to `least..=most`.
fn to_integer(b: u64, least: i128, most: i128) -> u64 {
    let (negative, exponent, fraction) = parts(b);
    if is_nan(b) {
        return 0;
    }
    let magnitude = match exponent - 1075 {
        // The magnitude is smaller than 2⁻⁵³, or larger than 2⁶⁴.
        ..=-54 => 0,
        13.. => power(65),
        down @ -53..=-1 => (fraction + power(52)).div_euclid(power(-down as u32)),
        up => (fraction + power(52)) * power(up as u32),
    };
    register(if negative { -magnitude } else { magnitude }.clamp(least, most))
}

/// Computes the square root: an integer root with more digits than are kept, and a sticky digit for the remainder.
fn square_root(b: u64) -> u64 {
    let (negative, exponent, fraction) = parts(b);
    if is_nan(b) {
        return NAN;
    }
    if unsigned(b).rem_euclid(power(63)) == 0 || !negative && exponent == 0x7FF {
        return b;
    }
    if negative {
        return NAN;
    }
    // b = digits · 2^scale.
    let (mut digits, mut scale) = match exponent {
        0 => (fraction, -1074),
        _ => (fraction + power(52), exponent - 1075),
    };
    while digits < power(120) || scale.rem_euclid(2) == 1 {
        (digits, scale) = (digits * 2, scale - 1);
    }
    let mut root = 0;
    for bit in (0..63).rev() {
        let larger = root + power(bit);
        if larger * larger <= digits {
            root = larger;
        }
    }
    let sticky = i128::from(root * root != digits);
    let rounded = Double::from_i128(root * 2 + sticky).value;
    canonical(rounded.scalbn((scale.div_euclid(2) - 1) as i32))
}

fn narrow(value: Double) -> Single {
    let mut loses = false;
    FloatConvert::<Single>::convert(value, &mut loses).value
}

fn widen(value: Single) -> Double {
    let mut loses = false;
    FloatConvert::<Double>::convert(value, &mut loses).value
}

/// Converts a binary32 from memory to a binary64.
pub(super) fn load32(bits: u32) -> u64 {
    canonical(widen(Single::from_bits(u128::from(bits))))
}

/// Converts a binary64 to the binary32 for memory.
pub(super) fn store32(bits: u64) -> u32 {
    let value = narrow(double(bits));
    if value.is_nan() { NAN32 } else { value.to_bits() as u32 }
}

/// Computes FMATH, whose results `docs/isa.md` defines as those of `libm`.
fn mathematics(function: u32, b: f64, c: f64) -> Option<u64> {
    let result = match function {
        0 => libm::sin(b),
        1 => libm::cos(b),
        2 => libm::tan(b),
        3 => libm::asin(b),
        4 => libm::acos(b),
        5 => libm::atan(b),
        6 => libm::sinh(b),
        7 => libm::cosh(b),
        8 => libm::tanh(b),
        9 => libm::exp(b),
        10 => libm::exp2(b),
        11 => libm::expm1(b),
        12 => libm::log(b),
        13 => libm::log2(b),
        14 => libm::log10(b),
        15 => libm::log1p(b),
        16 => libm::cbrt(b),
        32 => libm::pow(b, c),
        33 => libm::atan2(b, c),
        34 => libm::hypot(b, c),
        35 => libm::fmod(b, c),
        _ => return None,
    };
    Some(canonical(double(result.to_bits())))
}
