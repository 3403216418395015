//! Class Ax: arithmetic of [`ByteSil`] numbers in the low bytes of registers. The results are zero-extended.

use crate::complex::ByteSil;

#[inline(always)]
const fn number(register: u64) -> ByteSil {
    ByteSil::from_bits(register as u8)
}

#[inline(always)]
const fn register(number: ByteSil) -> u64 {
    number.to_bits() as u64
}

macro_rules! binary {
    ($($(#[$doc:meta])* $name:ident = $method:ident;)*) => {$(
        $(#[$doc])*
        #[inline(always)]
        pub const fn $name(b: u64, c: u64) -> u64 {
            register(number(b).$method(number(c)))
        }
    )*};
}

macro_rules! unary {
    ($($(#[$doc:meta])* $name:ident = $method:ident;)*) => {$(
        $(#[$doc])*
        #[inline(always)]
        pub const fn $name(b: u64) -> u64 {
            register(number(b).$method())
        }
    )*};
}

binary! {
    /// Computes COMPLEX_ADD.
    complex_add = plus;
    /// Computes COMPLEX_SUB.
    complex_sub = minus;
    /// Computes COMPLEX_MUL.
    complex_mul = times;
    /// Computes COMPLEX_DIV.
    complex_div = divided_by;
}

unary! {
    /// Computes COMPLEX_INV.
    complex_inv = inv;
    /// Computes COMPLEX_CONJ.
    complex_conj = conj;
    /// Computes COMPLEX_MAG.
    complex_mag = mag;
    /// Computes COMPLEX_PHASE.
    complex_phase = phase;
}

/// Computes COMPLEX_POW.
#[inline(always)]
pub const fn complex_pow(b: u64, n: i32) -> u64 {
    register(number(b).pow(n))
}

/// Computes COMPLEX_ROOT.
#[inline(always)]
pub const fn complex_root(b: u64, n: u32) -> u64 {
    register(number(b).root(n))
}

/// Computes COMPLEX_SCALE.
#[inline(always)]
pub const fn complex_scale(b: u64, n: i32) -> u64 {
    register(number(b).scale(n))
}

/// Computes COMPLEX_ROTATE.
#[inline(always)]
pub const fn complex_rotate(b: u64, n: i32) -> u64 {
    register(number(b).rotate(n))
}

/// Computes COMPLEX_RE: the bits of a binary64.
#[inline(always)]
pub const fn complex_re(b: u64) -> u64 {
    number(b).re().to_bits()
}

/// Computes COMPLEX_IM: the bits of a binary64.
#[inline(always)]
pub const fn complex_im(b: u64) -> u64 {
    number(b).im().to_bits()
}

/// Computes COMPLEX_FROM, of the bits of binary64s.
#[inline]
pub fn complex_from(b: u64, c: u64) -> u64 {
    register(ByteSil::from_cartesian(f64::from_bits(b), f64::from_bits(c)))
}

/// Computes COMPLEX_LERP: `weight` is 0 to 4,095.
#[inline]
pub fn complex_lerp(b: u64, c: u64, weight: u32) -> u64 {
    register(number(b).lerp(number(c), weight as u16))
}
