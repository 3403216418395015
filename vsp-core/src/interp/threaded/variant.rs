//! The variants of an instruction's handler: numbers below [`COUNT`].

/// The bits that tell which operand is cached in the accumulator: none, `a`, `b` or `c`.
pub(super) const CACHED: u8 = 3;
pub(super) const NONE: u8 = 0;
pub(super) const A: u8 = 1;
pub(super) const B: u8 = 2;
pub(super) const C: u8 = 3;
/// The bit of a backward branch.
pub(super) const BACK: u8 = 4;
pub(super) const A_BACK: u8 = A | BACK;
/// The number of variants.
pub(super) const COUNT: usize = 8;

/// The variants of CALL and RET tell the number of registers passed, if it is below 4, and whether R0 is cached.
const MORE: u8 = 4;
pub(super) const ONE: u8 = passing(1, false);
pub(super) const TWO: u8 = passing(2, false);
pub(super) const CACHED_ONE: u8 = passing(1, true);

/// Returns the variant of a CALL or RET that passes this number of registers.
#[inline(always)]
pub(super) const fn passing(count: u8, is_r0_cached: bool) -> u8 {
    match count {
        1..MORE if is_r0_cached => MORE + count,
        0..MORE => count,
        _ => MORE,
    }
}

/// Returns the number of registers passed, if the variant tells it.
pub(super) const fn count(variant: u8) -> Option<usize> {
    match variant {
        MORE => None,
        _ => Some((variant % MORE) as usize),
    }
}

/// Returns whether R0 is cached.
pub(super) const fn is_r0_cached(variant: u8) -> bool {
    variant > MORE
}
