//! The reader: a cursor whose every step can fail, and the structural check of a whole file.

use core::cell::Cell;

use crate::limits::{Limits, MAX_MEMORY, MEMORY_GRANULE};
use crate::program::sections::{self, NameKind, SECTION_COUNT, Section, SectionTable};

/// Size of the header in bytes.
pub(super) const HEADER_BYTES: usize = 32;

/// Size of a section table entry in bytes.
pub(super) const SECTION_ENTRY_BYTES: usize = 16;

/// Alignment of sections in bytes.
pub(super) const SECTION_ALIGNMENT: usize = 8;

/// The first four bytes of every program.
pub(super) const MAGIC: [u8; 4] = *b"SILC";

/// The format version, 2.0.
pub(super) const VERSION: u16 = 0x0200;

/// Offset of the checksum in the header.
pub(crate) const CHECKSUM_AT: usize = 16;

/// An error of reading a file: its offset, the item being read, and the reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("at offset {offset}, {what}: {kind}")]
pub struct ReadError {
    /// Offset of the error in bytes from the start of the file.
    pub offset: usize,
    /// The item that was being read.
    pub what: &'static str,
    /// The reason.
    pub kind: ReadErrorKind,
}

/// The reason of a [`ReadError`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReadErrorKind {
    /// The file or section ends too early.
    #[error("needs {needed} bytes, but only {left} are left")]
    TooShort {
        /// Bytes needed.
        needed: usize,
        /// Bytes left.
        left: usize,
    },
    /// The file does not start with `SILC`.
    #[error("expected \"SILC\": this is not a VSP program")]
    Magic,
    /// A program of the obsolete format 1.0.
    #[error("format 1.0 is no longer supported: assemble its source again")]
    OldVersion,
    /// An unknown format version.
    #[error("version {}.{} is unknown, expected 2.0", .0 >> 8, .0 & 0xFF)]
    Version(u16),
    /// The bytes do not start with `SILS`.
    #[error("expected \"SILS\": this is not a snapshot")]
    SnapshotMagic,
    /// An unknown version of the snapshot format.
    #[error("version {}.{} of snapshots is unknown, expected 1.0", .0 >> 8, .0 & 0xFF)]
    SnapshotVersion(u16),
    /// The bytes do not start with `SILN`.
    #[error("expected \"SILN\": this is not a code object")]
    ObjectMagic,
    /// An unknown version of the code object format.
    #[error("version {}.{} of code objects is unknown, expected 1.0", .0 >> 8, .0 & 0xFF)]
    ObjectVersion(u16),
    /// Machine code for another ABI between code and host.
    #[error("the code has ABI version {0}, and this host has another: compile it again")]
    ObjectAbi(u32),
    /// The checksum does not match: the bytes were damaged.
    #[error("the file is damaged: its checksum is 0x{computed:08X}, expected 0x{stored:08X}")]
    Checksum {
        /// The checksum stored in the header.
        stored: u32,
        /// The checksum computed over the bytes.
        computed: u32,
    },
    /// A value other than the one that the format requires.
    #[error("expected {expected}, found {found}")]
    Expected {
        /// The value required by the format.
        expected: u64,
        /// The value found.
        found: u64,
    },
    /// A value above its limit.
    #[error("{found} is more than the limit of {limit}")]
    TooLarge {
        /// The value found.
        found: u64,
        /// The largest value allowed.
        limit: u64,
    },
    /// A value below its minimum.
    #[error("{found} is less than {least}")]
    TooSmall {
        /// The value found.
        found: u64,
        /// The smallest value allowed.
        least: u64,
    },
    /// A memory size that is not a multiple of 16.
    #[error("{0} is not a multiple of 16")]
    Granule(u64),
    /// A number that is not the id of a section or of a kind of name.
    #[error("{0} is unknown")]
    Unknown(u32),
    /// Entries that are not strictly ascending.
    #[error("out of order: entries must be strictly ascending")]
    Order,
    /// An entry that carries no information or repeats its predecessor.
    #[error("redundant: it must be left out")]
    Redundant,
    /// A function type with too many parameters or results, or reserved bits.
    #[error("0x{0:04X} is not a function type")]
    FuncType(u16),
    /// A name that is not UTF-8.
    #[error("the name is not UTF-8")]
    Utf8,
    /// Bytes after the last entry.
    #[error("{0} bytes are left over")]
    LeftOver(usize),
}

/// The slot that receives the first error of a reading pass.
///
/// Steps of the reader return an `Option`, and `None` means that the error is in this slot. An error is large, and the
/// code to propagate it from many places would be larger than the reader itself.
pub(crate) type FirstError = Cell<Option<ReadError>>;

/// A position in the bytes of one section (or of the header), and the rest of these bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cursor<'a> {
    bytes: &'a [u8],
    /// Offset of `bytes` in the file.
    offset: usize,
    /// The slot for errors; `None` for a file that was already checked.
    errors: Option<&'a FirstError>,
}

impl<'a> Cursor<'a> {
    pub(crate) fn new(bytes: &'a [u8], offset: usize) -> Self {
        Cursor { bytes, offset, errors: None }
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
        self.errors.is_some_and(|errors| errors.get().is_some())
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

    /// Reports an error at this position and returns `None`.
    #[inline(always)]
    pub(crate) fn fail<T>(&self, what: &'static str, kind: ReadErrorKind) -> Option<T> {
        self.report(what, kind);
        None
    }

    #[cold]
    #[inline(never)]
    fn report(&self, what: &'static str, kind: ReadErrorKind) {
        if let Some(errors) = self.errors
            && errors.get().is_none()
        {
            errors.set(Some(ReadError { offset: self.offset, what, kind }));
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
        let Cursor { offset, errors, .. } = *self;
        self.bytes(count, what).map(|bytes| Cursor { bytes, offset, errors })
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

    pub(crate) fn u32(&mut self, what: &'static str) -> Option<u32> {
        self.number(4, what).map(|number| number as u32)
    }

    pub(crate) fn u64(&mut self, what: &'static str) -> Option<u64> {
        self.number(8, what)
    }

    pub(super) fn name(&mut self, length: u8, what: &'static str) -> Option<&'a str> {
        let at = *self;
        match core::str::from_utf8(self.bytes(usize::from(length), what)?) {
            Ok(name) => Some(name),
            Err(_) => at.fail(what, ReadErrorKind::Utf8),
        }
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
        let found = self.number(size, what)?;
        at.expect(found, expected, what)
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

/// The tables of the checksum: 16 KB, for 16 bytes at a time, in builds with the large and fast interpreter; none without
/// an operating system, where flash is scarce; otherwise 1 KB.
#[cfg(threaded)]
type ChecksumTable = crc::Table<16>;
#[cfg(all(not(threaded), target_os = "none"))]
type ChecksumTable = crc::NoTable;
#[cfg(all(not(threaded), not(target_os = "none")))]
type ChecksumTable = crc::Table<1>;

/// Returns the CRC-32 (IEEE 802.3) of a file, with its checksum field taken as zero.
pub(crate) fn checksum(image: &[u8]) -> u32 {
    static ALGORITHM: crc::Crc<u32, ChecksumTable> =
        crc::Crc::<u32, ChecksumTable>::new(&crc::CRC_32_ISO_HDLC);
    let (before, after) = image.split_at(CHECKSUM_AT.min(image.len()));
    let mut digest = ALGORITHM.digest();
    digest.update(before);
    digest.update(&[0; 4]);
    digest.update(after.get(4..).unwrap_or(&[]));
    digest.finalize()
}

/// Returns the checksum stored in the header.
pub(super) fn stored_checksum(image: &[u8]) -> u32 {
    let field = image.get(CHECKSUM_AT..).and_then(<[u8]>::first_chunk);
    field.map_or(0, |bytes| u32::from_le_bytes(*bytes))
}

/// Checks the whole structure of a file.
pub(super) fn check(image: &[u8], limits: &Limits) -> Result<SectionTable, ReadError> {
    let errors = FirstError::new(None);
    let table = Checker { file: Cursor::new(image, 0).reporting(&errors), errors: &errors, limits }.file();
    match errors.take() {
        None => Ok(table.unwrap_or(SectionTable::EMPTY)),
        Some(error) => Err(error),
    }
}

struct Checker<'a> {
    /// The whole file.
    file: Cursor<'a>,
    errors: &'a FirstError,
    limits: &'a Limits,
}

impl<'a> Checker<'a> {
    fn file(&self) -> Option<SectionTable> {
        let section_count = self.header()?;
        let table = self.section_table(section_count)?;
        let section = |section| table.cursor(self.file.bytes, section).reporting(self.errors);

        self.imports(section(Section::Imports))?;
        let functions = self.functions(section(Section::Functions), section(Section::Code))?;
        check_words(section(Section::Constants), 8, self.limits.constants, "constants")?;
        let (memory, globals) = self.memory(section(Section::Memory))?;
        let segments = self.data(section(Section::Data), memory)?;
        check_exports(section(Section::Exports), functions)?;
        check_names(section(Section::Names), [functions, globals, segments])?;
        let code_words = (section(Section::Code).remaining() / 4) as u32;
        check_lines(section(Section::Lines), code_words)?;
        check_customs(section(Section::Custom))?;
        Some(table)
    }

    fn header(&self) -> Option<u32> {
        let mut at = self.file;
        if !at.bytes.starts_with(&MAGIC[..at.remaining().min(MAGIC.len())]) || at.is_empty() {
            return at.fail("magic", ReadErrorKind::Magic);
        }
        at.bytes(MAGIC.len(), "magic")?;
        let version_at = at;
        match at.u16("version")? {
            VERSION => {}
            old if old == 1 || old >> 8 == 1 => return version_at.fail("version", ReadErrorKind::OldVersion),
            other => return version_at.fail("version", ReadErrorKind::Version(other)),
        }
        at.expect_next(2, 0, "flags")?;
        let count_at = at;
        let section_count = at.u32("section count")?;
        let length_at = at;
        let length = u64::from(at.u32("total length")?);
        length_at.at_most(length, u64::from(self.limits.file_bytes), "total length")?;
        length_at.expect(self.file.remaining() as u64, length, "total length")?;
        let checksum_at = at;
        let stored = at.u32("checksum")?;
        let computed = checksum(self.file.bytes);
        if stored != computed {
            return checksum_at.fail("checksum", ReadErrorKind::Checksum { stored, computed });
        }
        at.section(HEADER_BYTES - CHECKSUM_AT - 4, "header")?.expect_zeros("reserved header bytes")?;
        count_at.at_most(u64::from(section_count), SECTION_COUNT as u64, "section count")?;
        Some(section_count)
    }

    fn section_table(&self, count: u32) -> Option<SectionTable> {
        let mut table = SectionTable::EMPTY;
        let mut at = self.file;
        at.bytes(HEADER_BYTES, "header")?;
        let mut sections = self.file;
        sections.bytes(HEADER_BYTES + SECTION_ENTRY_BYTES * count as usize, "section table")?;
        let mut last_id = 0;
        for _ in 0..count {
            let entry = at;
            let id = at.u32("section id")?;
            let Some(section) = Section::from_id(id) else {
                return entry.fail("section id", ReadErrorKind::Unknown(id));
            };
            if id <= last_id {
                return entry.fail("section id", ReadErrorKind::Order);
            }
            last_id = id;
            let padding = sections.offset.next_multiple_of(SECTION_ALIGNMENT) - sections.offset;
            let offset = sections.offset + padding;
            at.expect_next(4, offset as u64, "section offset")?;
            let length_at = at;
            let length = at.u32("section length")? as usize;
            if length == 0 {
                return length_at.fail("section length", ReadErrorKind::Redundant);
            }
            let left = sections.remaining().saturating_sub(padding);
            if length > left {
                return length_at.fail("section length", ReadErrorKind::TooShort { needed: length, left });
            }
            at.expect_next(4, 0, "section table")?;
            sections.section(padding, "padding")?.expect_zeros("padding before a section")?;
            sections.bytes(length, "section")?;
            table.set(section, offset, length);
        }
        sections.finish("end of the last section")?;
        Some(table)
    }

    fn imports(&self, at: Cursor<'a>) -> Option<()> {
        let imports = sections::imports(at);
        at.at_most(u64::from(imports.left()), u64::from(self.limits.imports), "import count")?;
        imports.check(|_, _| Some(()))
    }

    /// Checks that the functions tile the code in order. Returns their number.
    fn functions(&self, at: Cursor<'a>, code: Cursor<'a>) -> Option<u32> {
        check_words(code, 4, self.limits.code_words, "code")?;
        check_words(at, sections::FuncDecl::BYTES, self.limits.functions, "functions")?;
        let functions = sections::functions(at);
        let count = functions.left();
        let mut words = 0u64;
        functions.check(|entry, decl| {
            entry.at_most(u64::from(decl.locals), u64::from(self.limits.locals), "number of locals")?;
            let what = "function's word count";
            entry.at_most(u64::from(decl.words), u64::from(self.limits.function_words), what)?;
            words += u64::from(decl.words);
            match decl.words {
                0 => entry.fail(what, ReadErrorKind::TooSmall { found: 0, least: 1 }),
                _ => Some(()),
            }
        })?;
        at.expect(words, code.remaining() as u64 / 4, "sum of the functions' word counts")?;
        Some(count)
    }

    /// Returns the smallest memory and the number of globals.
    fn memory(&self, mut at: Cursor<'a>) -> Option<(u64, u32)> {
        if at.is_empty() {
            return Some((MEMORY_GRANULE, 0));
        }
        let minimum_at = at;
        let minimum = at.u64("memory minimum")?;
        minimum_at.at_most(minimum, MAX_MEMORY, "memory minimum")?;
        if minimum < MEMORY_GRANULE {
            let kind = ReadErrorKind::TooSmall { found: minimum, least: MEMORY_GRANULE };
            return minimum_at.fail("memory minimum", kind);
        }
        if !minimum.is_multiple_of(MEMORY_GRANULE) {
            return minimum_at.fail("memory minimum", ReadErrorKind::Granule(minimum));
        }
        check_words(at, 8, self.limits.globals, "globals")?;
        let globals = (at.remaining() / 8) as u32;
        if minimum == MEMORY_GRANULE && globals == 0 {
            return minimum_at.fail("memory section", ReadErrorKind::Redundant);
        }
        Some((minimum, globals))
    }

    /// Returns the number of data segments.
    fn data(&self, at: Cursor<'a>, memory: u64) -> Option<u32> {
        let segments = sections::data(at);
        let count = segments.left();
        at.at_most(u64::from(count), u64::from(self.limits.segments), "data segment count")?;
        let mut end = 0u64;
        segments.check(|entry, segment| {
            if u64::from(segment.address) < end {
                return entry.fail("data segment", ReadErrorKind::Order);
            }
            if segment.bytes.is_empty() {
                return entry.fail("data segment", ReadErrorKind::Redundant);
            }
            end = u64::from(segment.address) + segment.bytes.len() as u64;
            entry.at_most(end, memory, "end of a data segment")
        })?;
        Some(count)
    }
}

/// Checks that the section consists of entries of `size` bytes, at most `limit` of them.
fn check_words(at: Cursor<'_>, size: usize, limit: u32, what: &'static str) -> Option<()> {
    match at.remaining() % size {
        0 => at.at_most((at.remaining() / size) as u64, u64::from(limit), what),
        left => at.fail(what, ReadErrorKind::LeftOver(left)),
    }
}

/// Checks that `index` is below `count`.
fn check_below(at: &Cursor<'_>, index: u32, count: u32, what: &'static str) -> Option<()> {
    match count.checked_sub(1) {
        Some(last) => at.at_most(u64::from(index), u64::from(last), what),
        None => at.fail(what, ReadErrorKind::Unknown(index)),
    }
}

fn check_exports(at: Cursor<'_>, functions: u32) -> Option<()> {
    let mut last = None;
    sections::exports(at).check(|entry, export| {
        check_below(entry, export.function.0, functions, "exported function")?;
        let before = last.replace(export.name);
        if before >= last { entry.fail("export", ReadErrorKind::Order) } else { Some(()) }
    })
}

fn check_names(at: Cursor<'_>, counts: [u32; NameKind::ALL.len()]) -> Option<()> {
    let mut last = None;
    sections::names(at).check(|entry, name| {
        check_below(entry, name.index, counts[name.kind as usize], "number of a named thing")?;
        let before = last.replace((name.kind, name.index));
        if before >= last { entry.fail("name", ReadErrorKind::Order) } else { Some(()) }
    })
}

fn check_lines(at: Cursor<'_>, code_words: u32) -> Option<()> {
    let files = sections::source_files(at).count() as u32;
    let mut last: Option<sections::LineEntry> = None;
    sections::lines(at).check(|entry, line| {
        check_below(entry, line.word, code_words, "word of a line")?;
        check_below(entry, line.file, files, "file of a line")?;
        match last.replace(line) {
            Some(last) if line.word <= last.word => entry.fail("line", ReadErrorKind::Order),
            Some(last) if (line.file, line.line) == (last.file, last.line) => {
                entry.fail("line", ReadErrorKind::Redundant)
            }
            _ => Some(()),
        }
    })
}

fn check_customs(at: Cursor<'_>) -> Option<()> {
    let mut last = None;
    sections::customs(at).check(|entry, custom| {
        let before = last.replace(custom.name);
        if before >= last { entry.fail("custom section", ReadErrorKind::Order) } else { Some(()) }
    })
}
