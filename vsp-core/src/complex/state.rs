//! `State`: a vector of sixteen ByteSil numbers.

use core::ops::{Add, BitAnd, BitOr, BitXor, Div, Mul, Not, Sub};

use super::ByteSil;
use super::words::{self, Binary, Compute, Lanes};

/// A vector of sixteen ByteSil numbers, called layers. Operations work on each layer separately.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[repr(transparent)]
pub struct State([u8; 16]);

impl State {
    /// All layers NULL.
    pub const NULL: State = State([0; 16]);

    /// Creates the `State` with these bytes, layer 0 first.
    #[inline]
    pub const fn from_bytes(bytes: [u8; 16]) -> State {
        State(bytes)
    }

    /// Returns its bytes, layer 0 first.
    #[inline]
    pub const fn to_bytes(self) -> [u8; 16] {
        self.0
    }

    /// Returns the `State` whose layers are all this number (SSPLAT).
    #[inline]
    pub const fn splat(number: ByteSil) -> State {
        State([number.to_bits(); 16])
    }

    /// Returns layer `index` modulo 16 (SGET).
    #[inline]
    pub const fn layer(self, index: usize) -> ByteSil {
        ByteSil::from_bits(self.0[index & 15])
    }

    /// Returns the same `State` with `number` in layer `index` modulo 16 (SSET).
    #[inline]
    pub const fn with_layer(mut self, index: usize, number: ByteSil) -> State {
        self.0[index & 15] = number.to_bits();
        self
    }

    /// Returns the layers.
    pub fn layers(self) -> impl DoubleEndedIterator<Item = ByteSil> + ExactSizeIterator {
        self.0.into_iter().map(ByteSil::from_bits)
    }

    /// Returns the conjugates (SCONJ).
    #[inline]
    pub fn conj(self) -> State {
        State::from_halves(self.halves().map(|half| words::conjugate(&mut Compute, half)))
    }

    /// Returns 1 ÷ each layer (SINV); the largest number for NULL.
    #[inline]
    pub fn inv(self) -> State {
        State::splat(ByteSil::ONE) / self
    }

    /// Moves layer i to layer i + n modulo 16 (SROTL).
    #[inline]
    pub const fn rotate_layers(self, n: u32) -> State {
        State(u128::from_le_bytes(self.0).rotate_left(8 * (n & 15)).to_le_bytes())
    }

    /// Returns the sum of all layers, computed in halves (SSUM): layers i and i + 8 first, then those four, two and one
    /// apart.
    #[inline(never)]
    pub fn sum(self) -> ByteSil {
        let [low, high] = self.halves();
        let sum = |x, y| words::binary(&mut Compute, Binary::Sum, x, y);
        let sum = [32, 16, 8].into_iter().fold(sum(low, high), |half, bits| sum(half, half >> bits));
        ByteSil::from_bits(sum as u8)
    }

    /// Returns the exclusive or of all layers (SFOLD).
    #[inline]
    pub fn fold(self) -> u8 {
        let [low, high] = self.halves();
        [32, 16, 8].into_iter().fold(low ^ high, |half, bits| half ^ half >> bits) as u8
    }

    /// Returns layers 0–7 and 8–15, the lowest layer in the low byte.
    #[inline(always)]
    pub const fn halves(self) -> [u64; 2] {
        let bits = u128::from_le_bytes(self.0);
        [bits as u64, (bits >> 64) as u64]
    }

    /// Creates the `State` with these [`halves`](Self::halves).
    #[inline(always)]
    pub const fn from_halves([low, high]: [u64; 2]) -> State {
        State((low as u128 | (high as u128) << 64).to_le_bytes())
    }

    #[inline(always)]
    fn binary(self, other: State, op: Binary) -> State {
        // Without vector instructions, processing single bytes is slower than eight at a time in an integer.
        if cfg!(any(target_feature = "sse2", target_feature = "neon")) {
            State(words::binary(&mut Lanes, op, self.0, other.0))
        } else {
            let ([low, high], [other_low, other_high]) = (self.halves(), other.halves());
            let half = |x, y| words::binary(&mut Compute, op, x, y);
            State::from_halves([half(low, other_low), half(high, other_high)])
        }
    }
}

impl Add for State {
    type Output = State;
    /// Computes SADD.
    #[inline(never)]
    fn add(self, other: State) -> State {
        self.binary(other, Binary::Sum)
    }
}

impl Sub for State {
    type Output = State;
    /// Computes SSUB.
    #[inline(never)]
    fn sub(self, other: State) -> State {
        self.binary(other, Binary::Difference)
    }
}

impl Mul for State {
    type Output = State;
    /// Computes SMUL.
    #[inline(never)]
    fn mul(self, other: State) -> State {
        self.binary(other, Binary::Product)
    }
}

impl Div for State {
    type Output = State;
    /// Computes SDIV.
    #[inline(never)]
    fn div(self, other: State) -> State {
        self.binary(other, Binary::Quotient)
    }
}

impl BitXor for State {
    type Output = State;
    /// Computes SXOR.
    #[inline]
    fn bitxor(self, other: State) -> State {
        self.binary(other, Binary::Xor)
    }
}

impl BitAnd for State {
    type Output = State;
    /// Computes SAND.
    #[inline]
    fn bitand(self, other: State) -> State {
        self.binary(other, Binary::And)
    }
}

impl BitOr for State {
    type Output = State;
    /// Computes SOR.
    #[inline]
    fn bitor(self, other: State) -> State {
        self.binary(other, Binary::Or)
    }
}

impl Not for State {
    type Output = State;
    /// Computes SNOT.
    #[inline]
    fn not(self) -> State {
        State(self.0.map(Not::not))
    }
}

impl From<[ByteSil; 16]> for State {
    fn from(layers: [ByteSil; 16]) -> State {
        State(layers.map(ByteSil::to_bits))
    }
}

impl From<State> for [ByteSil; 16] {
    fn from(state: State) -> [ByteSil; 16] {
        state.0.map(ByteSil::from_bits)
    }
}
