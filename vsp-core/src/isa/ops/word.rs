//! The 32-bit instructions of 6x, 7x and Dx: on the low halves, the result zero-extended. Shift counts are taken
//! modulo 32.

use crate::trap::Trap;

/// Computes ADDW, ADDWI.
#[inline(always)]
pub const fn addw(b: u64, c: u64) -> u64 {
    (b as u32).wrapping_add(c as u32) as u64
}

/// Computes SUBW.
#[inline(always)]
pub const fn subw(b: u64, c: u64) -> u64 {
    (b as u32).wrapping_sub(c as u32) as u64
}

/// Computes MULW, MULWI.
#[inline(always)]
pub const fn mulw(b: u64, c: u64) -> u64 {
    (b as u32).wrapping_mul(c as u32) as u64
}

/// Computes DIVW: signed low halves, truncating; MIN ÷ −1 is MIN.
///
/// # Errors
/// The low half of c is zero.
#[inline(always)]
pub const fn divw(b: u64, c: u64) -> Result<u64, Trap> {
    match c as i32 {
        0 => Err(Trap::DivideByZero),
        divisor => Ok((b as i32).wrapping_div(divisor) as u32 as u64),
    }
}

/// Computes MODW: signed low halves, the sign of b; MIN mod −1 is 0.
///
/// # Errors
/// The low half of c is zero.
#[inline(always)]
pub const fn modw(b: u64, c: u64) -> Result<u64, Trap> {
    match c as i32 {
        0 => Err(Trap::DivideByZero),
        divisor => Ok((b as i32).wrapping_rem(divisor) as u32 as u64),
    }
}

/// Computes SHLW, SHLWI.
#[inline(always)]
pub const fn shlw(b: u64, c: u64) -> u64 {
    ((b as u32) << (c & 31)) as u64
}

/// Computes SHRW, SHRWI.
#[inline(always)]
pub const fn shrw(b: u64, c: u64) -> u64 {
    ((b as u32) >> (c & 31)) as u64
}

/// Computes SARW, SARWI.
#[inline(always)]
pub const fn sarw(b: u64, c: u64) -> u64 {
    ((b as i32) >> (c & 31)) as u32 as u64
}

/// Computes ROTLW, ROTLWI.
#[inline(always)]
pub const fn rotlw(b: u64, c: u64) -> u64 {
    (b as u32).rotate_left((c & 31) as u32) as u64
}

/// Computes ROTRW.
#[inline(always)]
pub const fn rotrw(b: u64, c: u64) -> u64 {
    (b as u32).rotate_right((c & 31) as u32) as u64
}

/// Computes CLZW: 32 for 0.
#[inline(always)]
pub const fn clzw(b: u64) -> u64 {
    (b as u32).leading_zeros() as u64
}

/// Computes CTZW: 32 for 0.
#[inline(always)]
pub const fn ctzw(b: u64) -> u64 {
    (b as u32).trailing_zeros() as u64
}

/// Computes BSWAPW.
#[inline(always)]
pub const fn bswapw(b: u64) -> u64 {
    (b as u32).swap_bytes() as u64
}

/// Computes SLTW, and the condition of JLTW; JGEW is its negation.
#[inline(always)]
pub const fn sltw(b: u64, c: u64) -> u64 {
    ((b as i32) < c as i32) as u64
}

/// Computes SLEW.
#[inline(always)]
pub const fn slew(b: u64, c: u64) -> u64 {
    (b as i32 <= c as i32) as u64
}
