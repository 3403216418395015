//! Value ranges: sets of 64-bit numbers with bounds and a stride, and arithmetic on them.
//!
//! Each operation returns a set that contains all results for its operands' numbers, and perhaps more. (P. Granger,
//! "Static Analysis of Arithmetical Congruences", 1989.)

/// The numbers from `low` to `high` whose distance from `low` is a multiple of the stride `step`. `step` is 0 for a
/// single number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Range {
    pub(super) low: u64,
    pub(super) high: u64,
    pub(super) step: u64,
}

impl Range {
    pub(super) const ANY: Range = Range { low: 0, high: u64::MAX, step: 1 };

    pub(super) const fn one(value: u64) -> Range {
        Range { low: value, high: value, step: 0 }
    }

    /// Creates the range of all numbers from one to another.
    pub(super) const fn between(low: u64, high: u64) -> Range {
        Range { low, high, step: (low != high) as u64 }
    }

    pub(super) fn constant(self) -> Option<u64> {
        (self.low == self.high).then_some(self.low)
    }

    pub(super) fn join(self, other: Range) -> Range {
        let apart = self.low.abs_diff(other.low);
        Range {
            low: self.low.min(other.low),
            high: self.high.max(other.high),
            step: gcd(gcd(self.step, other.step), apart),
        }
    }

    /// Returns the numbers that are at least `least`, if there are any.
    fn at_least(self, least: u64) -> Option<Range> {
        if self.low >= least {
            return Some(self);
        }
        let low = self.low.checked_add((least - self.low).checked_next_multiple_of(self.step.max(1))?)?;
        Range { low, ..self }.checked()
    }

    /// Returns the numbers that are at most `most`, if there are any.
    fn at_most(self, most: u64) -> Option<Range> {
        if self.high <= most {
            return Some(self);
        }
        let above = most.checked_sub(self.low)?;
        Range { high: most - above % self.step.max(1), ..self }.checked()
    }

    /// Returns the range without a number at one of its ends.
    fn without(self, value: u64) -> Option<Range> {
        if self.low == value {
            return self.at_least(value.checked_add(1)?);
        }
        if self.high == value { self.at_most(value - 1) } else { Some(self) }
    }

    fn checked(self) -> Option<Range> {
        let step = if self.low == self.high { 0 } else { self.step };
        (self.low <= self.high).then_some(Range { step, ..self })
    }

    pub(super) fn add(self, other: Range) -> Range {
        match (self.low.checked_add(other.low), self.high.checked_add(other.high)) {
            (Some(low), Some(high)) => Range { low, high, step: gcd(self.step, other.step) },
            _ => Range::ANY,
        }
    }

    pub(super) fn subtract(self, value: u64) -> Range {
        match self.low.checked_sub(value) {
            Some(low) => Range { low, high: self.high - value, ..self },
            None => Range::ANY,
        }
    }

    pub(super) fn add_signed(self, value: i64) -> Range {
        match value < 0 {
            true => self.subtract(value.unsigned_abs()),
            false => self.add(Range::one(value as u64)),
        }
    }

    pub(super) fn multiply(self, factor: u64) -> Range {
        match self.high.checked_mul(factor) {
            Some(high) => Range { low: self.low * factor, high, step: self.step.saturating_mul(factor) },
            None => Range::ANY,
        }
    }

    pub(super) fn shifted_right(self, count: u32) -> Range {
        Range::between(self.low >> count, self.high >> count)
    }

    /// Returns the range of values masked with a constant.
    pub(super) fn masked(self, mask: u64) -> Range {
        if let Some(value) = self.constant() {
            return Range::one(value & mask);
        }
        let step = 1_u64.checked_shl(mask.trailing_zeros()).unwrap_or(1);
        let high = self.high.min(mask);
        Range { low: 0, high: high - high % step, step }.checked().unwrap_or(Range::ANY)
    }

    /// Returns the range of values truncated to this number of bits. A range that fits is unchanged.
    pub(super) fn narrowed(self, bits: u32) -> Range {
        let most = u64::MAX.checked_shr(64 - bits).unwrap_or(0);
        if self.high <= most { self } else { Range::between(0, most) }
    }
}

/// Returns whether an access of `size` bytes is inside a memory of this many bytes, for all values of the registers.
/// Its address is the base, plus the index times 2 to its scale, plus the displacement.
pub(super) fn is_inside(
    base: Range,
    index: Option<(Range, u32)>,
    displacement: i32,
    size: u32,
    memory: u64,
) -> bool {
    let scaled = |value: u64, scale: u32| value.checked_mul(1 << scale);
    let at =
        |base: u64, index: Option<u64>| base.checked_add(index?)?.checked_add_signed(displacement.into());
    let (least, most) = match index {
        None => (Some(0), Some(0)),
        Some((index, scale)) => (scaled(index.low, scale), scaled(index.high, scale)),
    };
    let end = at(base.high, most).and_then(|last| last.checked_add(size.into()));
    at(base.low, least).is_some() && end.is_some_and(|end| end <= memory)
}

/// Widens a range: a bound that has grown moves to just before the next threshold.
pub(super) fn widened(old: Range, joined: Range, thresholds: &[u64]) -> Range {
    let Range { mut low, mut high, step } = joined;
    if high > old.high {
        let before = |constant: &u64| {
            let most = Range { high: u64::MAX, ..joined }.at_most(constant.checked_sub(1)?)?;
            (most.high >= high).then_some(most.high)
        };
        high = thresholds.iter().find_map(before).unwrap_or(u64::MAX - (u64::MAX - low) % step.max(1));
    }
    if low < old.low {
        let behind = |constant: &u64| {
            let apart = low.checked_sub(constant.checked_add(1)?)?;
            Some(low - (apart - apart % step.max(1)))
        };
        low = thresholds.iter().rev().find_map(behind).unwrap_or(low % step.max(1));
    }
    Range { low, high, step }
}

/// A comparison of two numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Test {
    Equal,
    Below,
    /// Below, as signed numbers.
    Less,
}

/// Refines two ranges by the result of a test. Returns `None` if that result is impossible.
pub(super) fn compared(a: Range, b: Range, test: Test, holds: bool) -> Option<(Range, Range)> {
    let is_positive = |range: Range| range.high <= i64::MAX as u64;
    match (test, holds) {
        (Test::Equal, true) => {
            let (low, high) = (a.low.max(b.low), a.high.min(b.high));
            let within = |range: Range| range.at_least(low)?.at_most(high);
            Some((within(a)?, within(b)?))
        }
        (Test::Equal, false) => {
            let without = |range: Range, other: Range| match other.constant() {
                Some(value) => range.without(value),
                None => Some(range),
            };
            Some((without(a, b)?, without(b, a)?))
        }
        (Test::Less, _) if !is_positive(a) || !is_positive(b) => Some((a, b)),
        (Test::Below | Test::Less, true) => {
            Some((a.at_most(b.high.checked_sub(1)?)?, b.at_least(a.low.checked_add(1)?)?))
        }
        (Test::Below | Test::Less, false) => Some((a.at_least(b.low)?, b.at_most(a.high)?)),
    }
}

fn gcd(mut a: u64, mut b: u64) -> u64 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

#[cfg(test)]
pub(super) mod tests;
