//! Sixteen ByteSil numbers at once.
//!
//! Sums are computed without tables and branches, so that compilers can do all layers in a vector register: the entries of
//! the tables of [`complex`](super) are counted up in steps. With k' = k − 8 mod 16, in −7 to 7 where the sum is not NULL, the direction
//! turns by (k' + 1) ÷ 2, rounded down, between numbers of the same ρ.

use core::ops::{Add, BitAnd, BitOr, BitXor, Div, Mul, Not, Sub};

use super::ByteSil;

/// Sixteen ByteSil numbers, its layers. Operations work on each layer by itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[repr(transparent)]
pub struct State([u8; 16]);

impl State {
    /// All layers NULL.
    pub const NULL: State = State([0; 16]);

    /// The state with these bytes, layer 0 first.
    #[inline]
    pub const fn from_bytes(bytes: [u8; 16]) -> State {
        State(bytes)
    }

    /// Its bytes, layer 0 first.
    #[inline]
    pub const fn to_bytes(self) -> [u8; 16] {
        self.0
    }

    /// All layers are this number (SSPLAT).
    #[inline]
    pub const fn splat(number: ByteSil) -> State {
        State([number.to_bits(); 16])
    }

    /// Layer `index` modulo 16 (SGET).
    #[inline]
    pub const fn layer(self, index: usize) -> ByteSil {
        ByteSil::from_bits(self.0[index & 15])
    }

    /// The same with another layer `index` modulo 16 (SSET).
    #[inline]
    pub const fn with_layer(mut self, index: usize, number: ByteSil) -> State {
        self.0[index & 15] = number.to_bits();
        self
    }

    /// The layers.
    pub fn layers(self) -> impl DoubleEndedIterator<Item = ByteSil> + ExactSizeIterator {
        self.0.into_iter().map(ByteSil::from_bits)
    }

    /// The conjugates (SCONJ).
    #[inline]
    pub fn conj(self) -> State {
        self.map(|b| b & 0xF0 | 16_u8.wrapping_sub(b & 15) & 15)
    }

    /// 1 ÷ each (SINV); of NULL the largest number.
    #[inline]
    pub fn inv(self) -> State {
        State::splat(ByteSil::ONE) / self
    }

    /// Layer i becomes layer i + n modulo 16 (SROTL).
    #[inline]
    pub const fn rotate_layers(self, n: u32) -> State {
        State(u128::from_le_bytes(self.0).rotate_left(8 * (n & 15)).to_le_bytes())
    }

    /// The sum of all layers, in halves (SSUM): layers i and i + 8 first, then what is four, two and one apart.
    #[inline]
    pub fn sum(self) -> ByteSil {
        [8, 4, 2, 1].into_iter().fold(self, |sum, apart| sum + sum.rotate_layers(16 - apart)).layer(0)
    }

    /// The exclusive or of all layers (SFOLD).
    #[inline]
    pub fn fold(self) -> u8 {
        self.0.into_iter().fold(0, BitXor::bitxor)
    }

    #[inline(always)]
    fn map(self, f: impl Fn(u8) -> u8) -> State {
        State(self.0.map(f))
    }

    #[inline(always)]
    fn zip(self, other: State, f: impl Fn(u8, u8) -> u8) -> State {
        let mut out = [0; 16];
        for (out, (b, c)) in out.iter_mut().zip(self.0.into_iter().zip(other.0)) {
            *out = f(b, c);
        }
        State(out)
    }
}

/// All ones if the condition holds.
#[inline(always)]
const fn mask(condition: bool) -> u8 {
    if condition { 0xFF } else { 0 }
}

/// The sum of b and c, where one of them is NULL if `null`; then it is their or.
#[inline(always)]
const fn sum(b: u8, c: u8, null: u8) -> u8 {
    let (large, small) = if b > c { (b, c) } else { (c, b) };
    let rho = large >> 4;
    let distance = rho - (small >> 4);
    // k' + 8; 0 if the two are opposite.
    let k = small.wrapping_sub(large).wrapping_add(8) & 15;

    let turn_same = k.div_ceil(2) + 12;
    let turn_next = ((k >= 7) as u8) + ((k >= 10) as u8) + ((k == 0) as u8) + 15;
    let same = mask(distance == 0);
    let next = mask(distance == 1);
    let theta = large.wrapping_add(turn_same & same | turn_next & next) & 15;

    // One more than what ρ grows by.
    let growth = ((k >= 2) as u8) + ((k >= 5) as u8) - ((k >= 12) as u8) - ((k >= 15) as u8);
    let grown = rho.wrapping_add(growth & same | 1 & !same);
    let rho = if grown > 16 { 15 } else { grown.wrapping_sub(1) };

    let limit = mask(k == 0) | mask(k <= 2) & 15 | mask(k >= 14) & 15;
    let vanishes = mask(large <= limit) & same & !null;
    (rho << 4 | theta) & !null & !vanishes | (b | c) & null
}

#[inline(always)]
const fn product(b: u8, c: u8) -> u8 {
    let rho = (b >> 4) + (c >> 4);
    let rho = rho.saturating_sub(8);
    let rho = if rho > 15 { 15 } else { rho };
    (rho << 4 | b.wrapping_add(c) & 15) & !mask(b == 0 || c == 0)
}

#[inline(always)]
const fn quotient(b: u8, c: u8) -> u8 {
    // 15 more than it is, so that it is not negative: x ÷ NULL has the largest ρ.
    let rho = (b >> 4) + 23 - (c >> 4);
    let rho = rho.saturating_sub(15);
    let rho = if rho > 15 { 15 } else { rho };
    let regular = rho << 4 | b.wrapping_sub(c) & 15;
    (regular & !mask(c == 0) | (b | 0xF0) & mask(c == 0)) & !mask(b == 0)
}

impl Add for State {
    type Output = State;
    /// SADD.
    #[inline]
    fn add(self, other: State) -> State {
        self.zip(other, |b, c| sum(b, c, mask(b == 0 || c == 0)))
    }
}

impl Sub for State {
    type Output = State;
    /// SSUB.
    #[inline]
    fn sub(self, other: State) -> State {
        self.zip(other, |b, c| {
            // NULL stays NULL; all others are turned by a half.
            let turned = c ^ 8 & mask(c != 0);
            sum(b, turned, mask(b == 0 || c == 0))
        })
    }
}

impl Mul for State {
    type Output = State;
    /// SMUL.
    #[inline]
    fn mul(self, other: State) -> State {
        self.zip(other, product)
    }
}

impl Div for State {
    type Output = State;
    /// SDIV.
    #[inline]
    fn div(self, other: State) -> State {
        self.zip(other, quotient)
    }
}

impl BitXor for State {
    type Output = State;
    /// SXOR.
    #[inline]
    fn bitxor(self, other: State) -> State {
        self.zip(other, BitXor::bitxor)
    }
}

impl BitAnd for State {
    type Output = State;
    /// SAND.
    #[inline]
    fn bitand(self, other: State) -> State {
        self.zip(other, BitAnd::bitand)
    }
}

impl BitOr for State {
    type Output = State;
    /// SOR.
    #[inline]
    fn bitor(self, other: State) -> State {
        self.zip(other, BitOr::bitor)
    }
}

impl Not for State {
    type Output = State;
    /// SNOT.
    #[inline]
    fn not(self) -> State {
        self.map(Not::not)
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
