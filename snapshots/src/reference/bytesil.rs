//! ByteSil numbers (class Ax).
//!
//! Sums and differences are those that `snapshots/generate/bytesil.py` computed with 600 bits, for all pairs.

use std::array::from_fn;
use std::sync::LazyLock;

use rustc_apfloat::ieee::{Double, Quad};
use rustc_apfloat::{Float, FloatConvert, StatusAnd};

use super::numbers::{low, unsigned};
use super::word::Word;

/// The sums and differences of all pairs: byte 256 b + c.
static SUMS: &[u8; 65_536] = include_bytes!("../../tests/vectors/bytesil/complex_add.bin");
static DIFFERENCES: &[u8; 65_536] = include_bytes!("../../tests/vectors/bytesil/complex_sub.bin");

const NULL: i128 = 0x00;
const ONE: i128 = 0x80;
const LARGEST: i128 = 0xF0;

/// Computes the result of an instruction of class Ax on the values of its registers b and c. Returns `None` for other
/// classes.
pub fn computed(word: u32, b: u64, c: u64) -> Option<u64> {
    compute(Word(word), b, c)
}

/// Computes the result of an instruction on the values of its registers b and c. Returns `None` for other instructions.
pub(super) fn compute(word: Word, b: u64, c: u64) -> Option<u64> {
    if word.op() == 0xAE {
        return Some(from(f64::from_bits(b), f64::from_bits(c)) as u64);
    }
    let (b, c) = (low(unsigned(b), 8), low(unsigned(c), 8));
    let number = match word.op() {
        0xA0..=0xA3 => binary(word, b, c),
        0xA4..=0xA5 | 0xAA..=0xAB => with_constant(word, b),
        0xA6 if b == NULL => LARGEST,
        0xA6 => polar(-rho(b), -theta(b)),
        0xA7 => polar(rho(b), -theta(b)),
        0xA8 => polar(rho(b), 0),
        0xA9 if b == NULL => ONE,
        0xA9 => polar(0, theta(b)),
        0xAC => return Some(component(b, 0).to_bits()),
        0xAD => return Some(component(b, 4).to_bits()),
        0xAF => between(b, c, word.u12()),
        _ => return None,
    };
    Some(number as u64)
}

fn rho(number: i128) -> i128 {
    number.div_euclid(16) - 8
}

fn theta(number: i128) -> i128 {
    number.rem_euclid(16)
}

/// Returns the number with this ρ, clamped to its range, and this θ modulo 16.
fn polar(rho: i128, theta: i128) -> i128 {
    (rho.clamp(-8, 7) + 8) * 16 + theta.rem_euclid(16)
}

fn binary(word: Word, b: i128, c: i128) -> i128 {
    let pair = (256 * b + c) as usize;
    match word.op() {
        0xA0 => i128::from(SUMS[pair]),
        0xA1 => i128::from(DIFFERENCES[pair]),
        0xA2 if b == NULL || c == NULL => NULL,
        0xA2 => polar(rho(b) + rho(c), theta(b) + theta(c)),
        _ if b == NULL => NULL,
        _ if c == NULL => polar(7, theta(b)),
        _ => polar(rho(b) - rho(c), theta(b) - theta(c)),
    }
}

fn with_constant(word: Word, b: i128) -> i128 {
    let (signed, divisor) = (word.s12(), i128::from(word.u12()));
    match word.op() {
        0xA4 if b == NULL => match signed {
            1.. => NULL,
            0 => ONE,
            _ => LARGEST,
        },
        0xA4 => polar(rho(b) * signed, theta(b) * signed),
        0xA5 if divisor == 0 => ONE,
        _ if b == NULL => NULL,
        // Division of i128 truncates.
        0xA5 => polar(rho(b) / divisor, theta(b) / divisor),
        0xAA => polar(rho(b) + signed, theta(b)),
        _ => polar(rho(b), theta(b) + signed),
    }
}

/// The binary64s nearest to e^ρ cos(jπ/8), indexed by ρ + 8 and j.
static SIZES: LazyLock<[[f64; 4]; 16]> = LazyLock::new(|| {
    from_fn(|level| from_fn(|turn| nearest(power_of_e(level as i128 - 8) * quad(COSINES[turn]))))
});

/// The binary64s nearest to e^(level − ½), for levels −7 to 7.
static LIMITS: LazyLock<[f64; 15]> =
    LazyLock::new(|| from_fn(|level| nearest(power_of_e(level as i128 - 7) / quad(ROOT_OF_E))));

/// Returns the binary64 nearest to a number's component along an axis, which is `axis` sixteenths of a turn from the
/// real one.
fn component(number: i128, axis: i128) -> f64 {
    if number == NULL {
        return 0.0;
    }
    let sixteenths = (theta(number) - axis).rem_euclid(16);
    let from_axis = sixteenths.min(16 - sixteenths);
    if from_axis == 4 {
        return 0.0;
    }
    let size = SIZES[(rho(number) + 8) as usize][from_axis.min(8 - from_axis) as usize];
    if from_axis > 4 { -size } else { size }
}

/// e, √e, and cos 0, cos π/8, cos π/4, cos 3π/8.
const E: &str = "2.718281828459045235360287471352662497757";
const ROOT_OF_E: &str = "1.648721270700128146848650787814163571654";
const COSINES: [&str; 4] = [
    "1.0",
    "0.9238795325112867561281831893967882868224",
    "0.7071067811865475244008443621048490392848",
    "0.3826834323650897717284599840303988667613",
];

/// Parses a number with 113 bits, so that rounding to 53 bits gives the nearest.
fn quad(digits: &str) -> Quad {
    match digits.parse() {
        Ok(number) => number,
        Err(_) => unreachable!("{digits} is a number"),
    }
}

fn power_of_e(exponent: i128) -> Quad {
    let one = Quad::from_i128(1).value;
    let power = (0..exponent.abs()).fold(one, |power, _| (power * quad(E)).value);
    if exponent < 0 { (one / power).value } else { power }
}

fn nearest(number: StatusAnd<Quad>) -> f64 {
    let mut loses = false;
    let double: Double = number.value.convert(&mut loses).value;
    f64::from_bits(double.to_bits() as u64)
}

/// Converts from Cartesian coordinates, in the steps of `docs/isa.md`.
fn from(re: f64, im: f64) -> i128 {
    if re.is_nan() || im.is_nan() {
        return NULL;
    }
    let size = libm::hypot(re, im);
    if size < SIZES[0][0] * (1.0 - libm::exp2(-50.0)) {
        return NULL;
    }
    let levels = LIMITS.iter().filter(|limit| **limit <= size).count();
    let sixteenths = libm::atan2(im, re) * 8.0 / core::f64::consts::PI;
    polar(levels as i128 - 8, (sixteenths + 0.5).floor() as i128)
}

fn between(b: i128, c: i128, weight: u32) -> i128 {
    if weight == 0 || weight == 4095 {
        return if weight == 0 { b } else { c };
    }
    let t = f64::from(weight) / 4095.0;
    let component = |axis| component(b, axis) + (component(c, axis) - component(b, axis)) * t;
    from(component(0), component(4))
}
