//! The cursor of the reader, whose every step can fail.

use core::cell::Cell;

use super::error::{ReadError, ReadErrorKind};
use super::utf8::is_utf8;
use super::version::Minor;
use crate::limits::NAME_OF_2_0;

/// The slot that receives the first error of a reading pass.
///
/// Steps of the reader return an `Option`, and `None` means that the error is in this slot. An error is large, and the
/// code to propagate it from many places would be larger than the reader itself.
#[derive(Debug, Default)]
pub(crate) struct FirstError {
    error: Cell<Option<ReadError>>,
    /// Whether something was read that only format 2.1 of programs can express.
    needs_2_1: Cell<bool>,
}

impl FirstError {
    /// Returns the first error, if there was one.
    pub(crate) fn take(&self) -> Option<ReadError> {
        self.error.take()
    }

    /// Takes note of something that only format 2.1 of programs can express.
    pub(super) fn note_2_1(&self, is_it: bool) {
        self.needs_2_1.set(self.needs_2_1.get() | is_it);
    }

    pub(super) fn needs_2_1(&self) -> bool {
        self.needs_2_1.get()
    }
}

/// A position in the bytes of one section (or of the header), and the rest of these bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cursor<'a> {
    bytes: &'a [u8],
    /// Offset of `bytes` in the file.
    offset: usize,
    /// The slot for errors; `None` for a file that was already checked.
    errors: Option<&'a FirstError>,
    /// The minor version of the program's format, which decides about the size of some fields.
    minor: Minor,
}

impl<'a> Cursor<'a> {
    pub(crate) fn new(bytes: &'a [u8], offset: usize) -> Self {
        Cursor { bytes, offset, errors: None, minor: Minor::Zero }
    }

    pub(super) fn of_version(self, minor: Minor) -> Self {
        Cursor { minor, ..self }
    }

    /// Returns the minor version of the program's format.
    pub(super) fn minor(&self) -> Minor {
        self.minor
    }

    pub(crate) fn reporting(self, errors: &'a FirstError) -> Self {
        Cursor { errors: Some(errors), ..self }
    }

    /// Returns an empty cursor that reports errors to the same slot.
    pub(super) fn nothing(&self) -> Self {
        Cursor { bytes: &[], ..*self }
    }

    /// Returns whether an error was reported, here or before.
    pub(super) fn has_failed(&self) -> bool {
        self.errors.is_some_and(|errors| errors.error.get().is_some())
    }

    /// Returns the offset of the next byte from the start of the file.
    pub(crate) fn position(&self) -> usize {
        self.offset
    }

    pub(crate) fn remaining(&self) -> usize {
        self.bytes.len()
    }

    #[inline]
    pub(crate) fn rest(&self) -> &'a [u8] {
        self.bytes
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// Reports an error at this position and returns `None`. Without the feature `messages`, only the number of its
    /// reason is kept.
    #[inline(always)]
    pub(crate) fn fail<T>(&self, what: &'static str, kind: ReadErrorKind) -> Option<T> {
        if cfg!(feature = "messages") {
            self.report(what, kind);
        } else {
            self.report_number(kind.number());
        }
        None
    }

    #[cold]
    #[inline(never)]
    fn report_number(&self, number: u8) {
        self.report("", ReadErrorKind::Number(number));
    }

    #[cold]
    #[inline(never)]
    fn report(&self, what: &'static str, kind: ReadErrorKind) {
        if let Some(errors) = self.errors
            && errors.error.get().is_none()
        {
            errors.error.set(Some(ReadError { offset: self.offset, what, kind }));
        }
    }

    pub(crate) fn bytes(&mut self, count: usize, what: &'static str) -> Option<&'a [u8]> {
        match self.bytes.split_at_checked(count) {
            Some((taken, rest)) => {
                self.bytes = rest;
                self.offset += count;
                Some(taken)
            }
            None => self.fail(what, ReadErrorKind::TooShort { needed: count, left: self.bytes.len() }),
        }
    }

    /// Takes the next `count` bytes as a cursor of their own.
    pub(crate) fn section(&mut self, count: usize, what: &'static str) -> Option<Cursor<'a>> {
        let before = *self;
        self.bytes(count, what).map(|bytes| Cursor { bytes, ..before })
    }

    /// Reads a little-endian number of `size` bytes, at most 8. (Inlining makes it fast; not inlining makes it small.)
    #[cfg_attr(threaded, inline(always))]
    #[cfg_attr(not(threaded), inline(never))]
    fn number(&mut self, size: usize, what: &'static str) -> Option<u64> {
        let bytes = self.bytes(size, what)?;
        Some(bytes.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte)))
    }

    pub(crate) fn u8(&mut self, what: &'static str) -> Option<u8> {
        self.number(1, what).map(|number| number as u8)
    }

    pub(crate) fn u16(&mut self, what: &'static str) -> Option<u16> {
        self.number(2, what).map(|number| number as u16)
    }

    /// Reads a number of four bytes, as most are. (As [`Self::number`], fast or small.)
    #[cfg_attr(threaded, inline(always))]
    #[cfg_attr(not(threaded), inline(never))]
    pub(crate) fn u32(&mut self, what: &'static str) -> Option<u32> {
        self.bytes(4, what)?.first_chunk().map(|bytes| u32::from_le_bytes(*bytes))
    }

    pub(crate) fn u64(&mut self, what: &'static str) -> Option<u64> {
        self.number(8, what)
    }

    /// Reads the length of a name: one byte in format 2.0, then two.
    pub(super) fn name_length(&mut self, what: &'static str) -> Option<u16> {
        let length = self.number(if self.minor == Minor::Zero { 1 } else { 2 }, what)?;
        self.note_2_1(length > NAME_OF_2_0 as u64);
        Some(length as u16)
    }

    /// Takes note of something that only format 2.1 can express.
    pub(super) fn note_2_1(&self, is_it: bool) {
        if let Some(errors) = self.errors {
            errors.note_2_1(is_it);
        }
    }

    /// Takes a name, which must be UTF-8. It was checked already if this cursor reports no errors.
    pub(super) fn name(&mut self, length: u16, what: &'static str) -> Option<&'a [u8]> {
        let at = *self;
        let name = self.bytes(usize::from(length), what)?;
        if self.errors.is_some() && !is_utf8(name) {
            return at.fail(what, ReadErrorKind::Utf8);
        }
        Some(name)
    }

    #[inline(never)]
    pub(crate) fn at_most(&self, found: u64, limit: u64, what: &'static str) -> Option<()> {
        if found > limit { self.fail(what, ReadErrorKind::TooLarge { found, limit }) } else { Some(()) }
    }

    #[inline(never)]
    pub(crate) fn expect(&self, found: u64, expected: u64, what: &'static str) -> Option<()> {
        if found != expected {
            self.fail(what, ReadErrorKind::Expected { expected, found })
        } else {
            Some(())
        }
    }

    /// Reads a number that must be `expected`.
    pub(crate) fn expect_next(&mut self, size: usize, expected: u64, what: &'static str) -> Option<()> {
        let at = *self;
        let found = if size == 4 { self.u32(what)?.into() } else { self.number(size, what)? };
        at.expect(found, expected, what)
    }

    /// Reads the first bytes of a file, which must be `expected`. Any others report `kind`, and the beginning of them a
    /// file that is too short.
    pub(crate) fn magic(&mut self, expected: [u8; 4], kind: ReadErrorKind) -> Option<()> {
        if self.is_empty() || !self.bytes.starts_with(&expected[..self.remaining().min(expected.len())]) {
            return self.fail("magic", kind);
        }
        self.bytes(expected.len(), "magic").map(|_| ())
    }

    /// Reads and returns a checksum, which must be what `compute` returns. It is not called if the bytes end before the
    /// checksum.
    pub(crate) fn expect_checksum(
        &mut self,
        what: &'static str,
        compute: impl FnOnce() -> u32,
    ) -> Option<u32> {
        let at = *self;
        let stored = self.u32(what)?;
        let computed = compute();
        if stored != computed {
            return at.fail(what, ReadErrorKind::Checksum { stored, computed });
        }
        Some(stored)
    }

    /// Checks that the rest is zero bytes.
    pub(crate) fn expect_zeros(mut self, what: &'static str) -> Option<()> {
        while !self.is_empty() {
            self.expect_next(1, 0, what)?;
        }
        Some(())
    }

    pub(crate) fn finish(&self, what: &'static str) -> Option<()> {
        if self.is_empty() { Some(()) } else { self.fail(what, ReadErrorKind::LeftOver(self.remaining())) }
    }
}
