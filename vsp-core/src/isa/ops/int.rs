//! Classes 4x, and the comparisons of 6x and 7x: 64-bit integers. All arithmetic is modulo 2⁶⁴.

use crate::trap::Trap;

/// Computes ADD, ADDI.
#[inline(always)]
pub const fn add(b: u64, c: u64) -> u64 {
    b.wrapping_add(c)
}

/// Computes SUB.
#[inline(always)]
pub const fn sub(b: u64, c: u64) -> u64 {
    b.wrapping_sub(c)
}

/// Computes MUL, MULI.
#[inline(always)]
pub const fn mul(b: u64, c: u64) -> u64 {
    b.wrapping_mul(c)
}

/// Computes MULH: the high half of the signed 128-bit product.
#[inline(always)]
pub const fn mulh(b: u64, c: u64) -> u64 {
    (((b as i64 as i128) * (c as i64 as i128)) >> 64) as u64
}

/// Computes MULHU: the high half of the unsigned 128-bit product.
#[inline(always)]
pub const fn mulhu(b: u64, c: u64) -> u64 {
    (((b as u128) * (c as u128)) >> 64) as u64
}

/// Computes DIV: signed, truncating; MIN ÷ −1 is MIN.
///
/// # Errors
/// c is zero.
#[inline(always)]
pub const fn div(b: u64, c: u64) -> Result<u64, Trap> {
    match c {
        0 => Err(Trap::DivideByZero),
        _ => Ok((b as i64).wrapping_div(c as i64) as u64),
    }
}

/// Computes DIVU.
///
/// # Errors
/// c is zero.
#[inline(always)]
pub const fn divu(b: u64, c: u64) -> Result<u64, Trap> {
    match c {
        0 => Err(Trap::DivideByZero),
        _ => Ok(b / c),
    }
}

/// Computes MOD: signed, the sign of b; MIN mod −1 is 0.
///
/// # Errors
/// c is zero.
#[inline(always)]
pub const fn mod_(b: u64, c: u64) -> Result<u64, Trap> {
    match c {
        0 => Err(Trap::DivideByZero),
        _ => Ok((b as i64).wrapping_rem(c as i64) as u64),
    }
}

/// Computes MODU.
///
/// # Errors
/// c is zero.
#[inline(always)]
pub const fn modu(b: u64, c: u64) -> Result<u64, Trap> {
    match c {
        0 => Err(Trap::DivideByZero),
        _ => Ok(b % c),
    }
}

/// Computes MIN.
#[inline(always)]
pub const fn min(b: u64, c: u64) -> u64 {
    if (b as i64) < c as i64 { b } else { c }
}

/// Computes MAX.
#[inline(always)]
pub const fn max(b: u64, c: u64) -> u64 {
    if (b as i64) < c as i64 { c } else { b }
}

/// Computes MINU.
#[inline(always)]
pub const fn minu(b: u64, c: u64) -> u64 {
    if b < c { b } else { c }
}

/// Computes MAXU.
#[inline(always)]
pub const fn maxu(b: u64, c: u64) -> u64 {
    if b < c { c } else { b }
}

/// Computes NEG.
#[inline(always)]
pub const fn neg(b: u64) -> u64 {
    b.wrapping_neg()
}

/// Computes ABS: |MIN| is MIN.
#[inline(always)]
pub const fn abs(b: u64) -> u64 {
    (b as i64).wrapping_abs() as u64
}

/// Computes MAC: a + b · c.
#[inline(always)]
pub const fn mac(a: u64, b: u64, c: u64) -> u64 {
    a.wrapping_add(b.wrapping_mul(c))
}

/// Computes SEQ, SEQI: 1 or 0.
#[inline(always)]
pub const fn seq(b: u64, c: u64) -> u64 {
    (b == c) as u64
}

/// Computes SNE, SNEI.
#[inline(always)]
pub const fn sne(b: u64, c: u64) -> u64 {
    (b != c) as u64
}

/// Computes SLT, SLTI: signed.
#[inline(always)]
pub const fn slt(b: u64, c: u64) -> u64 {
    ((b as i64) < c as i64) as u64
}

/// Computes SLE: signed.
#[inline(always)]
pub const fn sle(b: u64, c: u64) -> u64 {
    (b as i64 <= c as i64) as u64
}

/// Computes SLTU, SLTUI.
#[inline(always)]
pub const fn sltu(b: u64, c: u64) -> u64 {
    (b < c) as u64
}

/// Computes SLEU.
#[inline(always)]
pub const fn sleu(b: u64, c: u64) -> u64 {
    (b <= c) as u64
}
