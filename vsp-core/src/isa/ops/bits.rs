//! Class 5x and the bit operations of 6x: 64 bits. Shift counts are taken modulo 64.

/// Computes AND, ANDI.
#[inline(always)]
pub const fn and(b: u64, c: u64) -> u64 {
    b & c
}

/// Computes OR, ORI.
#[inline(always)]
pub const fn or(b: u64, c: u64) -> u64 {
    b | c
}

/// Computes XOR, XORI.
#[inline(always)]
pub const fn xor(b: u64, c: u64) -> u64 {
    b ^ c
}

/// Computes NOT.
#[inline(always)]
pub const fn not(b: u64) -> u64 {
    !b
}

/// Computes ANDN: b and not c.
#[inline(always)]
pub const fn andn(b: u64, c: u64) -> u64 {
    b & !c
}

/// Computes SHL, SHLI.
#[inline(always)]
pub const fn shl(b: u64, c: u64) -> u64 {
    b << (c & 63)
}

/// Computes SHR, SHRI.
#[inline(always)]
pub const fn shr(b: u64, c: u64) -> u64 {
    b >> (c & 63)
}

/// Computes SAR, SARI.
#[inline(always)]
pub const fn sar(b: u64, c: u64) -> u64 {
    (b as i64 >> (c & 63)) as u64
}

/// Computes ROTL, ROTLI.
#[inline(always)]
pub const fn rotl(b: u64, c: u64) -> u64 {
    b.rotate_left((c & 63) as u32)
}

/// Computes ROTR.
#[inline(always)]
pub const fn rotr(b: u64, c: u64) -> u64 {
    b.rotate_right((c & 63) as u32)
}

/// Computes CLZ: 64 for 0.
#[inline(always)]
pub const fn clz(b: u64) -> u64 {
    b.leading_zeros() as u64
}

/// Computes CTZ: 64 for 0.
#[inline(always)]
pub const fn ctz(b: u64) -> u64 {
    b.trailing_zeros() as u64
}

/// Computes POPCNT.
#[inline(always)]
pub const fn popcnt(b: u64) -> u64 {
    b.count_ones() as u64
}

/// Computes BSWAP.
#[inline(always)]
pub const fn bswap(b: u64) -> u64 {
    b.swap_bytes()
}

/// Computes SEXT: the low `width` bits of b, sign-extended. `width` is 8, 16 or 32.
#[inline(always)]
pub const fn sext(b: u64, width: u32) -> u64 {
    let above = 64u32.saturating_sub(width) & 63;
    ((b << above) as i64 >> above) as u64
}

/// Computes ZEXT: the low `width` bits of b, zero-extended. `width` is 8, 16 or 32.
#[inline(always)]
pub const fn zext(b: u64, width: u32) -> u64 {
    let above = 64u32.saturating_sub(width) & 63;
    (b << above) >> above
}
