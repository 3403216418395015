//! Classes 8x and 9x and the binary32 loads and stores: IEEE 754 binary64, represented as bits.
//!
//! Basic operations are Rust's, which are IEEE's with ties to even. The square root and FMATH are those of the `libm`
//! crate. Every NaN result of these functions is [`CANONICAL_NAN`] (or [`CANONICAL_NAN32`] in memory), because payload
//! and sign of a NaN result differ between architectures.

use core::hint;

use crate::isa::{MathCall, MathFn};

/// The NaN that every float instruction writes.
pub const CANONICAL_NAN: u64 = 0x7FF8_0000_0000_0000;

/// The NaN that STOREF32 and F32NARROW write.
pub const CANONICAL_NAN32: u32 = 0x7FC0_0000;

const SIGN: u64 = 1 << 63;

#[inline(always)]
const fn float(bits: u64) -> f64 {
    f64::from_bits(bits)
}

#[inline(always)]
const fn canonical(value: f64) -> u64 {
    let mut value = value;
    if value.is_nan() {
        // A correctly predicted branch does not delay what follows, unlike a conditional move.
        hint::cold_path();
        value = f64::from_bits(CANONICAL_NAN);
    }
    value.to_bits()
}

#[inline(always)]
const fn rounded_to_f32(value: f64) -> u64 {
    canonical(value as f32 as f64)
}

/// Computes FADD.
#[inline(always)]
pub const fn fadd(b: u64, c: u64) -> u64 {
    canonical(float(b) + float(c))
}

/// Computes FSUB.
#[inline(always)]
pub const fn fsub(b: u64, c: u64) -> u64 {
    canonical(float(b) - float(c))
}

/// Computes FMUL.
#[inline(always)]
pub const fn fmul(b: u64, c: u64) -> u64 {
    canonical(float(b) * float(c))
}

/// Computes FDIV.
#[inline(always)]
pub const fn fdiv(b: u64, c: u64) -> u64 {
    canonical(float(b) / float(c))
}

/// Computes FSQRT.
#[inline]
pub fn fsqrt(b: u64) -> u64 {
    canonical(libm::sqrt(float(b)))
}

/// Computes FNEG.
#[inline(always)]
pub const fn fneg(b: u64) -> u64 {
    if float(b).is_nan() { CANONICAL_NAN } else { b ^ SIGN }
}

/// Computes FABS.
#[inline(always)]
pub const fn fabs(b: u64) -> u64 {
    canonical(float(b & !SIGN))
}

/// Computes FMIN: NaN if either is; −0 < +0.
#[inline(always)]
pub const fn fmin(b: u64, c: u64) -> u64 {
    let (x, y) = (float(b), float(c));
    if x.is_nan() || y.is_nan() {
        CANONICAL_NAN
    } else if x == y {
        b | c
    } else if x < y {
        b
    } else {
        c
    }
}

/// Computes FMAX: NaN if either is; −0 < +0.
#[inline(always)]
pub const fn fmax(b: u64, c: u64) -> u64 {
    let (x, y) = (float(b), float(c));
    if x.is_nan() || y.is_nan() {
        CANONICAL_NAN
    } else if x == y {
        b & c
    } else if x < y {
        c
    } else {
        b
    }
}

/// Computes FCOPYSIGN: |b| with the sign of c; a NaN c counts as positive.
#[inline(always)]
pub const fn fcopysign(b: u64, c: u64) -> u64 {
    let sign = if float(c).is_nan() { 0 } else { c & SIGN };
    canonical(float((b & !SIGN) | sign))
}

/// Computes FFLOOR.
#[inline]
pub fn ffloor(b: u64) -> u64 {
    canonical(libm::floor(float(b)))
}

/// Computes FCEIL.
#[inline]
pub fn fceil(b: u64) -> u64 {
    canonical(libm::ceil(float(b)))
}

/// Computes FTRUNC.
#[inline]
pub fn ftrunc(b: u64) -> u64 {
    canonical(libm::trunc(float(b)))
}

/// Computes FNEAREST: ties to even.
#[inline]
pub fn fnearest(b: u64) -> u64 {
    canonical(libm::rint(float(b)))
}

/// Computes FROUND32: to binary32, ties to even, and back.
#[inline(always)]
pub const fn fround32(b: u64) -> u64 {
    rounded_to_f32(float(b))
}

/// Computes FMATH.
#[inline]
pub fn fmath(function: MathFn, b: u64, c: u64) -> u64 {
    canonical(match function.call() {
        MathCall::Unary(f) => f(float(b)),
        MathCall::Binary(f) => f(float(b), float(c)),
    })
}

/// Computes FADDS: the sum, rounded to binary32. If both operands are binary32 numbers, rounding twice gives the same as
/// rounding once; this holds for all four operations (S. A. Figueroa, "When is double rounding innocuous?", 1995).
#[inline(always)]
pub const fn fadds(b: u64, c: u64) -> u64 {
    rounded_to_f32(float(b) + float(c))
}

/// Computes FSUBS: the difference, rounded to binary32.
#[inline(always)]
pub const fn fsubs(b: u64, c: u64) -> u64 {
    rounded_to_f32(float(b) - float(c))
}

/// Computes FMULS: the product, rounded to binary32.
#[inline(always)]
pub const fn fmuls(b: u64, c: u64) -> u64 {
    rounded_to_f32(float(b) * float(c))
}

/// Computes FDIVS: the quotient, rounded to binary32.
#[inline(always)]
pub const fn fdivs(b: u64, c: u64) -> u64 {
    rounded_to_f32(float(b) / float(c))
}

/// Computes FEQ: 1 or 0.
#[inline(always)]
pub const fn feq(b: u64, c: u64) -> u64 {
    (float(b) == float(c)) as u64
}

/// Computes FNE.
#[inline(always)]
pub const fn fne(b: u64, c: u64) -> u64 {
    (float(b) != float(c)) as u64
}

/// Computes FLT.
#[inline(always)]
pub const fn flt(b: u64, c: u64) -> u64 {
    (float(b) < float(c)) as u64
}

/// Computes FLE.
#[inline(always)]
pub const fn fle(b: u64, c: u64) -> u64 {
    (float(b) <= float(c)) as u64
}

/// Computes I2F.
#[inline(always)]
pub const fn i2f(b: u64) -> u64 {
    (b as i64 as f64).to_bits()
}

/// Computes U2F.
#[inline(always)]
pub const fn u2f(b: u64) -> u64 {
    (b as f64).to_bits()
}

/// Computes I2FS: rounds once, to binary32.
#[inline(always)]
pub const fn i2fs(b: u64) -> u64 {
    (b as i64 as f32 as f64).to_bits()
}

/// Computes U2FS: rounds once, to binary32.
#[inline(always)]
pub const fn u2fs(b: u64) -> u64 {
    (b as f32 as f64).to_bits()
}

/// Computes F2I: truncates, saturates, NaN gives 0.
#[inline(always)]
pub const fn f2i(b: u64) -> u64 {
    float(b) as i64 as u64
}

/// Computes F2U: truncates, saturates, NaN gives 0.
#[inline(always)]
pub const fn f2u(b: u64) -> u64 {
    float(b) as u64
}

/// Computes LOADF32, and F32WIDEN: a binary32, widened.
#[inline(always)]
pub const fn widen(bits: u32) -> u64 {
    canonical(f32::from_bits(bits) as f64)
}

/// Computes STOREF32, and F32NARROW: narrowed, ties to even.
#[inline(always)]
pub const fn narrow(b: u64) -> u32 {
    let narrowed = float(b) as f32;
    if narrowed.is_nan() { CANONICAL_NAN32 } else { narrowed.to_bits() }
}
