//! Decoding of words (section 2).

/// An instruction word.
#[derive(Clone, Copy, Debug)]
pub(super) struct Word(pub(super) u32);

impl Word {
    /// Returns bits `low` to `high`, both included, as an unsigned number.
    fn bits(self, low: u32, high: u32) -> u32 {
        (low..=high).filter(|bit| self.0 & (1 << bit) != 0).map(|bit| 1 << (bit - low)).sum()
    }

    /// Returns bits `low` to `high`, both included, as a two's complement number.
    fn signed(self, low: u32, high: u32) -> i128 {
        let width = high - low + 1;
        let value = i128::from(self.bits(low, high));
        if value >= 1 << (width - 1) { value - (1 << width) } else { value }
    }

    pub(super) fn op(self) -> u32 {
        self.bits(0, 7)
    }

    pub(super) fn a(self) -> u32 {
        self.bits(8, 11)
    }

    pub(super) fn b(self) -> u32 {
        self.bits(12, 15)
    }

    pub(super) fn c(self) -> u32 {
        self.bits(16, 19)
    }

    /// Returns imm12, unsigned.
    pub(super) fn u12(self) -> u32 {
        self.bits(20, 31)
    }

    /// Returns imm12 or rel12, signed.
    pub(super) fn s12(self) -> i128 {
        self.signed(20, 31)
    }

    pub(super) fn u16(self) -> u32 {
        self.bits(16, 31)
    }

    pub(super) fn s16(self) -> i128 {
        self.signed(16, 31)
    }

    pub(super) fn u20(self) -> u32 {
        self.bits(12, 31)
    }

    pub(super) fn s20(self) -> i128 {
        self.signed(12, 31)
    }

    pub(super) fn u24(self) -> u32 {
        self.bits(8, 31)
    }

    pub(super) fn s24(self) -> i128 {
        self.signed(8, 31)
    }

    /// Returns imm8, unsigned.
    pub(super) fn u8(self) -> u32 {
        self.bits(12, 19)
    }

    /// Returns imm8, signed.
    pub(super) fn s8(self) -> i128 {
        self.signed(12, 19)
    }
}
