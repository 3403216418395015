//! The types of functions.

use crate::limits::{MAX_PARAMS, MAX_RESULTS};

/// The type of a function or import: its number of parameters and of results.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FuncType(u16);

impl FuncType {
    /// Returns the type with `params` parameters (0–8) and `results` results (0–4), or `None` outside these ranges.
    pub const fn new(params: usize, results: usize) -> Option<FuncType> {
        if params > MAX_PARAMS || results > MAX_RESULTS {
            return None;
        }
        Some(FuncType(params as u16 | (results as u16) << 4))
    }

    /// Returns the type with these bits: params | results << 4, all others zero. Returns `None` for any other value.
    pub const fn from_bits(bits: u16) -> Option<FuncType> {
        if bits >> 8 != 0 {
            return None;
        }
        Self::new((bits & 15) as usize, (bits >> 4) as usize)
    }

    /// Returns the bits that [`Self::from_bits`] takes.
    pub const fn bits(self) -> u16 {
        self.0
    }

    /// Returns the number of parameters, 0–8.
    #[inline(always)]
    pub const fn params(self) -> usize {
        (self.0 & 15) as usize
    }

    /// Returns the number of results, 0–4.
    #[inline(always)]
    pub const fn results(self) -> usize {
        (self.0 >> 4) as usize
    }
}

impl core::fmt::Display for FuncType {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "({}) -> {}", self.params(), self.results())
    }
}

impl core::fmt::Debug for FuncType {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "{self}")
    }
}
