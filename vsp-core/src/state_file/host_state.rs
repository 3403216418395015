//! The state of a host module: the trait, and the fields of a section.

use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt::Display;

use crate::program::{Cursor, FirstError, ReadError, ReadErrorKind};

/// A host module whose state belongs to the state of a program.
///
/// A module has a section of its own in a [state file](super::StateFile). It says in `save` what a later process needs to
/// go on, and in `restore` it takes that over. What exists only in this process, a pipe for example, is given to the
/// fresh module before it is restored; the section says which of it is needed, and from where on.
pub trait HostState {
    /// Returns the name of the section: that of the module, 1 to 255 bytes.
    fn name(&self) -> &str;

    /// Returns the version of the fields that [`Self::save`] writes.
    fn version(&self) -> u16 {
        1
    }

    /// Writes the state. Output that is buffered is flushed before: what the state counts as written has to be written.
    ///
    /// # Errors
    /// Something cannot be resumed later. The program can go on.
    fn save(&mut self, out: &mut SectionWriter<'_>) -> Result<(), HostStateError>;

    /// Takes over the state that was saved with this version. The bytes are untrusted.
    ///
    /// # Errors
    /// The version is unknown, the bytes are damaged, or something that the program had is not there any more.
    /// The module may be half restored then.
    fn restore(&mut self, version: u16, from: SectionReader<'_>) -> Result<(), HostStateError>;
}

/// The reason why the state of a host module cannot be saved or restored.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HostStateError {
    /// The section has a version that this host does not know.
    #[error("version {found} of its state is unknown, expected {expected}")]
    Version {
        /// The version of the section.
        found: u16,
        /// The version that this host knows.
        expected: u16,
    },
    /// The bytes are not what the module writes. The offset is that in the section.
    #[error("the section is damaged: {0}")]
    Read(#[from] ReadError),
    /// Something cannot be resumed.
    #[error("{what}: {why}")]
    Cannot {
        /// What cannot be resumed: a file, a stream.
        what: String,
        /// The reason, and what would help.
        why: String,
    },
    /// There is no memory for the bytes.
    #[error("out of memory")]
    OutOfMemory,
}

impl HostStateError {
    /// Returns the error that something cannot be resumed.
    pub fn cannot(what: impl Display, why: impl Display) -> HostStateError {
        HostStateError::Cannot { what: what.to_string(), why: why.to_string() }
    }

    /// Checks the version of a section.
    ///
    /// # Errors
    /// It is not the expected one.
    pub fn check_version(found: u16, expected: u16) -> Result<(), HostStateError> {
        if found == expected { Ok(()) } else { Err(HostStateError::Version { found, expected }) }
    }
}

/// The writer of a section. Numbers are little-endian.
#[derive(Debug)]
pub struct SectionWriter<'v>(&'v mut Vec<u8>);

impl<'v> SectionWriter<'v> {
    /// Creates a writer that appends to these bytes.
    pub fn new(bytes: &'v mut Vec<u8>) -> SectionWriter<'v> {
        SectionWriter(bytes)
    }

    /// Writes bytes as they are.
    ///
    /// # Errors
    /// There is no memory; so for all that follow.
    pub fn raw(&mut self, bytes: &[u8]) -> Result<(), HostStateError> {
        self.0.try_reserve(bytes.len()).map_err(|_| HostStateError::OutOfMemory)?;
        self.0.extend_from_slice(bytes);
        Ok(())
    }

    /// Writes a number of one byte.
    #[allow(clippy::missing_errors_doc, reason = "as `raw`")]
    pub fn u8(&mut self, value: u8) -> Result<(), HostStateError> {
        self.raw(&[value])
    }

    /// Writes a number of two bytes.
    #[allow(clippy::missing_errors_doc, reason = "as `raw`")]
    pub fn u16(&mut self, value: u16) -> Result<(), HostStateError> {
        self.raw(&value.to_le_bytes())
    }

    /// Writes a number of four bytes.
    #[allow(clippy::missing_errors_doc, reason = "as `raw`")]
    pub fn u32(&mut self, value: u32) -> Result<(), HostStateError> {
        self.raw(&value.to_le_bytes())
    }

    /// Writes a number of eight bytes.
    #[allow(clippy::missing_errors_doc, reason = "as `raw`")]
    pub fn u64(&mut self, value: u64) -> Result<(), HostStateError> {
        self.raw(&value.to_le_bytes())
    }

    /// Writes the number of bytes in four bytes, and the bytes.
    #[allow(clippy::missing_errors_doc, reason = "as `raw`")]
    pub fn bytes(&mut self, bytes: &[u8]) -> Result<(), HostStateError> {
        let length = u32::try_from(bytes.len()).map_err(|_| HostStateError::OutOfMemory)?;
        self.u32(length)?;
        self.raw(bytes)
    }

    /// Writes a text as [`Self::bytes`].
    #[allow(clippy::missing_errors_doc, reason = "as `raw`")]
    pub fn text(&mut self, text: &str) -> Result<(), HostStateError> {
        self.bytes(text.as_bytes())
    }

    /// Writes a number of texts, and the texts.
    #[allow(clippy::missing_errors_doc, reason = "as `raw`")]
    pub fn texts(&mut self, texts: &[String]) -> Result<(), HostStateError> {
        self.u32(u32::try_from(texts.len()).map_err(|_| HostStateError::OutOfMemory)?)?;
        texts.iter().try_for_each(|text| self.text(text))
    }
}

/// The reader of a section. Each field has a description, which the error of a damaged section contains.
#[derive(Clone, Debug)]
pub struct SectionReader<'a> {
    bytes: &'a [u8],
    position: usize,
}

impl<'a> SectionReader<'a> {
    /// Creates a reader of these bytes.
    pub fn new(bytes: &'a [u8]) -> SectionReader<'a> {
        SectionReader { bytes, position: 0 }
    }

    /// Returns the error of the field that starts at this offset.
    fn error(&self, offset: usize, what: &'static str, kind: ReadErrorKind) -> HostStateError {
        ReadError { offset, what, kind }.into()
    }

    fn step<T>(&mut self, take: impl FnOnce(&mut Cursor<'_>) -> Option<T>) -> Result<T, HostStateError> {
        let errors = FirstError::default();
        let mut cursor = Cursor::new(&self.bytes[self.position..], self.position).reporting(&errors);
        match take(&mut cursor) {
            Some(value) => {
                self.position = cursor.position();
                Ok(value)
            }
            None => match errors.take() {
                Some(error) => Err(error.into()),
                None => unreachable!("an error of the cursor is reported"),
            },
        }
    }

    /// Reads a number of one byte.
    ///
    /// # Errors
    /// The section ends; so for all that follow.
    pub fn u8(&mut self, what: &'static str) -> Result<u8, HostStateError> {
        self.step(|at| at.u8(what))
    }

    /// Reads a number of two bytes.
    #[allow(clippy::missing_errors_doc, reason = "as `u8`")]
    pub fn u16(&mut self, what: &'static str) -> Result<u16, HostStateError> {
        self.step(|at| at.u16(what))
    }

    /// Reads a number of four bytes.
    #[allow(clippy::missing_errors_doc, reason = "as `u8`")]
    pub fn u32(&mut self, what: &'static str) -> Result<u32, HostStateError> {
        self.step(|at| at.u32(what))
    }

    /// Reads a number of eight bytes.
    #[allow(clippy::missing_errors_doc, reason = "as `u8`")]
    pub fn u64(&mut self, what: &'static str) -> Result<u64, HostStateError> {
        self.step(|at| at.u64(what))
    }

    /// Reads a byte that is 0 or 1.
    ///
    /// # Errors
    /// The section ends, or the byte is another.
    pub fn flag(&mut self, what: &'static str) -> Result<bool, HostStateError> {
        Ok(self.choice(2, what)? == 1)
    }

    /// Reads a byte that is less than `count`.
    ///
    /// # Errors
    /// The section ends, or the byte is larger.
    pub fn choice(&mut self, count: u8, what: &'static str) -> Result<u8, HostStateError> {
        let offset = self.position;
        match self.u8(what)? {
            value if value < count => Ok(value),
            value => Err(self.error(offset, what, ReadErrorKind::Unknown(value.into()))),
        }
    }

    /// Reads the number of items that follow, each of at least `least_bytes` bytes (1 or more): so many can be there.
    ///
    /// # Errors
    /// The section ends, or is too short for so many.
    pub fn count(&mut self, least_bytes: usize, what: &'static str) -> Result<usize, HostStateError> {
        let offset = self.position;
        let found = self.u32(what)?;
        let limit = ((self.bytes.len() - self.position) / least_bytes.max(1)) as u64;
        if u64::from(found) > limit {
            let kind = ReadErrorKind::TooLarge { found: found.into(), limit };
            return Err(self.error(offset, what, kind));
        }
        Ok(found as usize)
    }

    /// Reads what [`SectionWriter::bytes`] wrote. It borrows from the section.
    ///
    /// # Errors
    /// The section ends.
    pub fn bytes(&mut self, what: &'static str) -> Result<&'a [u8], HostStateError> {
        let length = self.count(1, what)?;
        let bytes = &self.bytes[self.position..][..length];
        self.position += length;
        Ok(bytes)
    }

    /// Reads what [`SectionWriter::text`] wrote.
    ///
    /// # Errors
    /// The section ends, or the text is not UTF-8.
    pub fn text(&mut self, what: &'static str) -> Result<&'a str, HostStateError> {
        let offset = self.position;
        let bytes = self.bytes(what)?;
        core::str::from_utf8(bytes).map_err(|_| self.error(offset, what, ReadErrorKind::Utf8))
    }

    /// Reads what [`SectionWriter::texts`] wrote.
    ///
    /// # Errors
    /// The section ends, or a text is not UTF-8.
    pub fn texts(&mut self, what: &'static str) -> Result<Vec<String>, HostStateError> {
        let count = self.count(4, what)?;
        (0..count).map(|_| self.text(what).map(String::from)).collect()
    }

    /// Checks that nothing is left.
    ///
    /// # Errors
    /// There are more bytes.
    pub fn finish(self) -> Result<(), HostStateError> {
        match self.bytes.len() - self.position {
            0 => Ok(()),
            left => Err(self.error(self.position, "end of the section", ReadErrorKind::LeftOver(left))),
        }
    }
}
