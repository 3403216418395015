//! The types of functions.

use crate::limits::{MAX_PARAMS, MAX_RESULTS, MAX_TAG};

/// The type of a function or import: its number of parameters and of results, and a tag.
///
/// CALLR and TAILCALLR call only functions of the same type, tag included. A translator from a language with more types than these
/// numbers gives different tags to those with equal numbers. Nothing else depends on the tag.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FuncType(u32);

impl FuncType {
    /// Returns the type with `params` parameters (0–8), `results` results (0–4) and tag 0, or `None` outside these
    /// ranges.
    pub const fn new(params: usize, results: usize) -> Option<FuncType> {
        if params > MAX_PARAMS || results > MAX_RESULTS {
            return None;
        }
        Some(FuncType(params as u32 | (results as u32) << 4))
    }

    /// Returns the same type with this tag (0–4,095), or `None` outside this range.
    pub const fn with_tag(self, tag: u32) -> Option<FuncType> {
        if tag > MAX_TAG {
            return None;
        }
        Some(FuncType(self.0 & 0xFF | tag << 8))
    }

    /// Returns the type with these bits: params | results << 4 | tag << 8, all others zero. Returns `None` for any other
    /// value.
    pub const fn from_bits(bits: u32) -> Option<FuncType> {
        match Self::new((bits & 15) as usize, (bits >> 4 & 15) as usize) {
            Some(ty) => ty.with_tag(bits >> 8),
            None => None,
        }
    }

    /// Returns the bits that [`Self::from_bits`] takes.
    pub const fn bits(self) -> u32 {
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
        (self.0 >> 4 & 15) as usize
    }

    /// Returns the tag, 0–4,095.
    #[inline(always)]
    pub const fn tag(self) -> u32 {
        self.0 >> 8
    }

    /// Returns the same type with tag 0: the one that matters to calls of the host and to imports.
    pub const fn without_tag(self) -> FuncType {
        FuncType(self.0 & 0xFF)
    }
}

impl core::fmt::Display for FuncType {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "({}) -> {}", self.params(), self.results())?;
        match self.tag() {
            0 => Ok(()),
            tag => write!(f, " tag {tag}"),
        }
    }
}

impl core::fmt::Debug for FuncType {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "{self}")
    }
}
