//! The errors that the verifier finds: with the feature `messages` many, precisely; without it one, by number.

use alloc::vec::Vec;

use super::{Rule, VerifyError, VerifyErrors};
use crate::index::Location;
#[cfg(feature = "messages")]
use crate::limits::MAX_VERIFY_ERRORS;

/// The errors so far.
#[derive(Default)]
pub(super) struct Errors {
    #[cfg(feature = "messages")]
    list: Vec<VerifyError>,
    #[cfg(not(feature = "messages"))]
    first: Option<(Location, super::RuleNumber)>,
    /// Whether there were errors that were not kept.
    more: bool,
}

#[cfg(feature = "messages")]
impl Errors {
    pub(super) fn add(&mut self, location: Location, rule: Rule) {
        if self.list.len() == MAX_VERIFY_ERRORS || self.list.try_reserve(1).is_err() {
            self.more = true;
        } else {
            // Targets are checked last, so errors are not reported in order.
            let at = self.list.partition_point(|before| before.location <= location);
            self.list.insert(at, VerifyError { location, rule });
        }
    }

    pub(super) fn finish(self) -> Result<(), VerifyErrors> {
        match (self.list.is_empty(), self.more) {
            (true, false) => Ok(()),
            // There was no memory for the first error.
            (true, true) => Err(VerifyErrors::OutOfMemory),
            (false, more) => Err(VerifyErrors::Rules { errors: self.list, more }),
        }
    }
}

#[cfg(not(feature = "messages"))]
impl Errors {
    #[inline(always)]
    pub(super) fn add(&mut self, location: Location, rule: Rule) {
        self.add_number(location, rule.number());
    }

    #[cold]
    #[inline(never)]
    fn add_number(&mut self, location: Location, number: super::RuleNumber) {
        self.more |= self.first.is_some();
        if self.first.is_none_or(|(first, _)| location < first) {
            self.first = Some((location, number));
        }
    }

    pub(super) fn finish(self) -> Result<(), VerifyErrors> {
        let Some((location, number)) = self.first else { return Ok(()) };
        let mut errors = Vec::new();
        errors.try_reserve_exact(1).map_err(|_| VerifyErrors::OutOfMemory)?;
        errors.push(VerifyError { location, rule: Rule::Number(number) });
        Err(VerifyErrors::Rules { errors, more: self.more })
    }
}
