//! Numbers with special results in instructions, and numbers between them.

use super::entropy::{Entropy, pick};

const INTEGERS: &[u64] = &[
    0,
    1,
    u64::MAX,
    1 << 63,
    u64::MAX >> 1,
    (1 << 63) + 1,
    u32::MAX as u64,
    1 << 31,
    (1 << 31) - 1,
    1 << 32,
    0xFFFF_FFFF_8000_0000,
    0xFFFF_FFFF_7FFF_FFFF,
    0xFF,
    0x80,
    0xFFFF,
    0x8000,
    0x5555_5555_5555_5555,
    10,
    ROUNDED_TWICE,
    ROUNDED_TWICE.wrapping_neg(),
];

/// An integer that becomes another binary32 if it is rounded to a binary64 first: a little more than the middle of two
/// neighbours.
const ROUNDED_TWICE: u64 = (1 << 62) + (1 << 38) + 1;

/// Zeros, ones, halves, infinities, the ends of the ranges of numbers and of subnormals, powers of two at which
/// conversions change, values that binary32 rounds or overflows, and NaNs of all kinds.
const FLOATS: &[u64] = &[
    0,
    1 << 63,
    0x3FF0_0000_0000_0000,
    0xBFF0_0000_0000_0000,
    0x3FE0_0000_0000_0000,
    0xBFE0_0000_0000_0000,
    0x3FF8_0000_0000_0000,
    0x4004_0000_0000_0000,
    0xC004_0000_0000_0000,
    0x3FDF_FFFF_FFFF_FFFF,
    0x3FF0_0000_0000_0001,
    0x3FEF_FFFF_FFFF_FFFF,
    0x7FF0_0000_0000_0000,
    0xFFF0_0000_0000_0000,
    0x0000_0000_0000_0001,
    0x8000_0000_0000_0001,
    0x000F_FFFF_FFFF_FFFF,
    0x0010_0000_0000_0000,
    0x8010_0000_0000_0000,
    0x7FEF_FFFF_FFFF_FFFF,
    0xFFEF_FFFF_FFFF_FFFF,
    0x3CB0_0000_0000_0000,
    0x4330_0000_0000_0000,
    0x4330_0000_0000_0001,
    0x4340_0000_0000_0000,
    0x432F_FFFF_FFFF_FFFF,
    0x41DF_FFFF_FFC0_0000,
    0x41E0_0000_0000_0000,
    0xC1E0_0000_0000_0000,
    0x43E0_0000_0000_0000,
    0xC3E0_0000_0000_0000,
    0xC3E0_0000_0000_0001,
    0x43DF_FFFF_FFFF_FFFF,
    0x43F0_0000_0000_0000,
    0x43EF_FFFF_FFFF_FFFF,
    0x47EF_FFFF_E000_0000,
    0x47EF_FFFF_EFFF_FFFF,
    0x47EF_FFFF_F000_0000,
    0x3810_0000_0000_0000,
    0x380F_FFFF_F000_0000,
    0x36A0_0000_0000_0000,
    0x3690_0000_0000_0000,
    0x3690_0000_0000_0001,
    0x3FF0_0000_1000_0000,
    0x3FF0_0000_3000_0000,
    0x3FF0_0000_1000_0001,
    0x7FF8_0000_0000_0000,
    0xFFF8_0000_0000_0000,
    0x7FF0_0000_0000_0001,
    0xFFF0_0000_0000_0001,
    0x7FF8_0000_0000_1234,
    0x7FF4_0000_0000_0000,
    0xFFFF_FFFF_FFFF_FFFF,
    0x7FF0_0000_2000_0000,
];

/// Operands whose combination gives NaNs, and NaNs.
const MAKERS_OF_NANS: &[u64] = &[
    0x7FF0_0000_0000_0000,
    0xFFF0_0000_0000_0000,
    0,
    1 << 63,
    0xBFF0_0000_0000_0000,
    0xFFF8_0000_0000_0000,
    0x7FF0_0000_0000_0001,
    0xFFFF_FFFF_FFFF_FFFF,
];

/// Zeros, ones, the ends of the ranges, and NaNs of all kinds.
const BINARY32: &[u32] = &[
    0,
    1 << 31,
    0x3F80_0000,
    0xBF80_0000,
    0x7F80_0000,
    0xFF80_0000,
    0x0000_0001,
    0x807F_FFFF,
    0x0080_0000,
    0x7F7F_FFFF,
    0x7FC0_0000,
    0xFFC0_0000,
    0x7F80_0001,
    0xFFBF_FFFF,
    0x7FC1_2345,
];

/// Returns an integer.
pub(super) fn integer(entropy: &mut dyn Entropy) -> u64 {
    match entropy.below(8) {
        0 => entropy.bits(4),
        1 => entropy.bits(4).wrapping_neg(),
        2 | 3 => pick(entropy, INTEGERS).unwrap_or(0),
        4 => (1u64 << entropy.bits(6)).wrapping_add(entropy.bits(2)).wrapping_sub(2),
        5 => entropy.bits(32),
        6 => 56 + entropy.bits(4),
        _ => entropy.bits(64),
    }
}

/// Returns the bits of a binary64.
pub(super) fn float(entropy: &mut dyn Entropy) -> u64 {
    match entropy.below(8) {
        0..=2 => pick(entropy, FLOATS).unwrap_or(0),
        // Halves: ties of rounding to integers.
        3 => (f64::from(entropy.bits(8) as u32) / 2.0 - 32.0).to_bits(),
        // A magnitude near 1, so that sums round.
        4 | 5 => entropy.bits(1) << 63 | (0x3FE + entropy.bits(2)) << 52 | entropy.bits(52),
        // Any magnitude, so that results of some operation are subnormal, or overflow.
        6 => entropy.bits(64),
        _ => f64::from(f32::from_bits(entropy.bits(32) as u32)).to_bits(),
    }
}

/// Returns the bits of a binary64 that easily leads to a NaN.
pub(super) fn special_float(entropy: &mut dyn Entropy) -> u64 {
    pick(entropy, MAKERS_OF_NANS).unwrap_or(0)
}

/// Returns a number that is an edge for addresses in a memory of this size in bytes, or in some other respect.
pub(super) fn edge(entropy: &mut dyn Entropy, memory: u64) -> u64 {
    match entropy.below(10) {
        0 => memory,
        1 => memory.wrapping_sub(entropy.below(24).into()),
        2 => entropy.bits(4).wrapping_neg(),
        3 => entropy.bits(5),
        4 => 0,
        5 => float(entropy),
        6 => 1 << (32 + entropy.below(32)),
        7 => integer(entropy),
        _ => entropy.bits(32) % memory.max(1),
    }
}

/// Returns eight bytes of memory: an integer, a binary64 or two binary32.
pub(super) fn memory(entropy: &mut dyn Entropy) -> u64 {
    match entropy.below(4) {
        0 => integer(entropy),
        1 => float(entropy),
        2 => {
            let mut half = || u64::from(pick(entropy, BINARY32).unwrap_or(0));
            half() << 32 | half()
        }
        _ => entropy.bits(64),
    }
}
