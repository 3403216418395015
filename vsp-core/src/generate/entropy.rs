//! Sources of the generator's choices.

/// A source of choices. One that has ended returns zeros, which choose short programs.
pub trait Entropy {
    /// Returns `count` bits, 1 to 64, in the low bits of the number.
    fn bits(&mut self, count: u32) -> u64;

    /// Returns a number below `count`; 0 if that is 0.
    fn below(&mut self, count: u32) -> u32 {
        let width = if count <= 256 { 16 } else { 32 };
        ((self.bits(width) * u64::from(count)) >> width) as u32
    }

    /// Returns true in `part` of `whole` cases, and never once the source has ended.
    fn chance(&mut self, part: u32, whole: u32) -> bool {
        self.below(whole) >= whole - part.min(whole)
    }
}

/// Returns one of some things, if there are any.
pub(super) fn pick<T: Copy>(entropy: &mut dyn Entropy, things: &[T]) -> Option<T> {
    things.get(entropy.below(things.len() as u32) as usize).copied()
}

/// A pseudo-random sequence from a seed: SplitMix64, the generator that seeds others (Steele, Lea, Flood 2014).
#[derive(Clone, Debug)]
pub struct Seed(u64);

impl Seed {
    /// Creates the sequence of a seed. Different seeds give different sequences.
    pub const fn new(seed: u64) -> Seed {
        Seed(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ self.0 >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ mixed >> 31
    }
}

impl Entropy for Seed {
    fn bits(&mut self, count: u32) -> u64 {
        self.next() >> (64 - count.clamp(1, 64))
    }
}

/// The bytes that a fuzzer chose.
#[derive(Clone, Debug)]
pub struct Bytes<'a>(&'a [u8]);

impl<'a> Bytes<'a> {
    /// Creates a source of the choices that these bytes encode.
    pub const fn new(bytes: &'a [u8]) -> Bytes<'a> {
        Bytes(bytes)
    }
}

impl Entropy for Bytes<'_> {
    fn bits(&mut self, count: u32) -> u64 {
        let count = count.clamp(1, 64);
        let wanted = count.div_ceil(8) as usize;
        let (head, rest) = self.0.split_at(wanted.min(self.0.len()));
        self.0 = rest;
        let value = head.iter().rev().fold(0, |value, byte| value << 8 | u64::from(*byte));
        value & u64::MAX >> (64 - count)
    }
}
