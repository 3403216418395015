//! Reading: a cursor whose every step can fail, and the check of a whole file.

use crate::limits::{Limits, MAX_MEMORY, MEMORY_GRANULE};
use crate::program::sections::{self, NameKind, SECTION_COUNT, Section, SectionTable};

/// Bytes of the header.
pub(super) const HEADER_BYTES: usize = 32;

/// Bytes of an entry of the section table.
pub(super) const SECTION_ENTRY_BYTES: usize = 16;

/// Sections start at multiples of this.
pub(super) const SECTION_ALIGNMENT: usize = 8;

/// The first four bytes of every program.
pub(super) const MAGIC: [u8; 4] = *b"SILC";

/// The version of the format: 2.0.
pub(super) const VERSION: u16 = 0x0200;

/// Where the header keeps the checksum.
pub(super) const CHECKSUM_AT: usize = 16;

/// Why bytes are no program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("at offset {offset}, {what}: {kind}")]
pub struct ReadError {
    /// Where, in bytes from the start of the file.
    pub offset: usize,
    /// What was being read.
    pub what: &'static str,
    /// What was wrong with it.
    pub kind: ReadErrorKind,
}

/// What was wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReadErrorKind {
    /// The bytes end too early.
    #[error("needs {needed} bytes, and there are {left}")]
    TooShort {
        /// Bytes that were to be read.
        needed: usize,
        /// Bytes that are left.
        left: usize,
    },
    /// The file does not start with `SILC`.
    #[error("expected \"SILC\": this is no VSP program")]
    Magic,
    /// A program of the older format 1.0.
    #[error("a program of format 1.0, whose instructions are others: assemble its source again")]
    OldVersion,
    /// A version this reader does not know.
    #[error("version {}.{} is unknown, expected 2.0", .0 >> 8, .0 & 0xFF)]
    Version(u16),
    /// The bytes were damaged.
    #[error("the file is damaged: its checksum is 0x{computed:08X}, expected 0x{stored:08X}")]
    Checksum {
        /// The checksum in the header.
        stored: u32,
        /// The checksum of the bytes.
        computed: u32,
    },
    /// A value that the format fixes.
    #[error("expected {expected}, found {found}")]
    Expected {
        /// What the format says.
        expected: u64,
        /// What stands there.
        found: u64,
    },
    /// A value beyond its limit.
    #[error("{found} is more than the limit of {limit}")]
    TooLarge {
        /// What stands there.
        found: u64,
        /// What is allowed.
        limit: u64,
    },
    /// A value below what is allowed.
    #[error("{found} is less than {least}")]
    TooSmall {
        /// What stands there.
        found: u64,
        /// What is allowed.
        least: u64,
    },
    /// A size of memory that is no multiple of 16.
    #[error("{0} is no multiple of 16")]
    Granule(u64),
    /// A number that means no section, or no kind of name.
    #[error("{0} is unknown")]
    Unknown(u32),
    /// Something that must come later than what is before it.
    #[error("out of order: entries rise strictly")]
    Order,
    /// An entry that says nothing, or the same as the one before it.
    #[error("says nothing: it must be left out")]
    Redundant,
    /// A function type with too many parameters or results, or reserved bits.
    #[error("0x{0:04X} is no function type")]
    FuncType(u16),
    /// A name that is not UTF-8.
    #[error("the name is not UTF-8")]
    Utf8,
    /// More bytes than the entries need.
    #[error("{0} bytes are left over")]
    LeftOver(usize),
}

/// A position in the bytes of one section (or of the header), and how far they go.
#[derive(Clone, Debug)]
pub(super) struct Cursor<'a> {
    bytes: &'a [u8],
    /// Where `bytes` starts in the file.
    offset: usize,
}

impl<'a> Cursor<'a> {
    pub(super) fn new(bytes: &'a [u8], offset: usize) -> Self {
        Cursor { bytes, offset }
    }

    pub(super) fn remaining(&self) -> usize {
        self.bytes.len()
    }

    pub(super) fn rest(&self) -> &'a [u8] {
        self.bytes
    }

    pub(super) fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    #[cold]
    pub(super) fn error(&self, what: &'static str, kind: ReadErrorKind) -> ReadError {
        ReadError { offset: self.offset, what, kind }
    }

    pub(super) fn bytes(&mut self, count: usize, what: &'static str) -> Result<&'a [u8], ReadError> {
        match self.bytes.split_at_checked(count) {
            Some((taken, rest)) => {
                self.bytes = rest;
                self.offset += count;
                Ok(taken)
            }
            None => Err(self.error(what, ReadErrorKind::TooShort { needed: count, left: self.bytes.len() })),
        }
    }

    /// The next `count` bytes as a cursor of their own.
    pub(super) fn section(&mut self, count: usize, what: &'static str) -> Result<Cursor<'a>, ReadError> {
        let offset = self.offset;
        self.bytes(count, what).map(|bytes| Cursor { bytes, offset })
    }

    fn array<const N: usize>(&mut self, what: &'static str) -> Result<[u8; N], ReadError> {
        let at = self.clone();
        let taken = self.bytes(N, what)?;
        taken
            .first_chunk::<N>()
            .copied()
            .ok_or_else(|| at.error(what, ReadErrorKind::TooShort { needed: N, left: taken.len() }))
    }

    pub(super) fn u8(&mut self, what: &'static str) -> Result<u8, ReadError> {
        self.array::<1>(what).map(|[byte]| byte)
    }

    pub(super) fn u16(&mut self, what: &'static str) -> Result<u16, ReadError> {
        self.array(what).map(u16::from_le_bytes)
    }

    pub(super) fn u32(&mut self, what: &'static str) -> Result<u32, ReadError> {
        self.array(what).map(u32::from_le_bytes)
    }

    pub(super) fn u64(&mut self, what: &'static str) -> Result<u64, ReadError> {
        self.array(what).map(u64::from_le_bytes)
    }

    pub(super) fn name(&mut self, length: usize, what: &'static str) -> Result<&'a str, ReadError> {
        let at = self.clone();
        core::str::from_utf8(self.bytes(length, what)?).map_err(|_| at.error(what, ReadErrorKind::Utf8))
    }

    pub(super) fn at_most(&self, found: u64, limit: u64, what: &'static str) -> Result<(), ReadError> {
        if found > limit {
            return Err(self.error(what, ReadErrorKind::TooLarge { found, limit }));
        }
        Ok(())
    }

    pub(super) fn expect(&self, found: u64, expected: u64, what: &'static str) -> Result<(), ReadError> {
        if found != expected {
            return Err(self.error(what, ReadErrorKind::Expected { expected, found }));
        }
        Ok(())
    }

    /// Zero bytes to the end.
    fn expect_zeros(&mut self, what: &'static str) -> Result<(), ReadError> {
        while !self.is_empty() {
            let at = self.clone();
            at.expect(u64::from(self.u8(what)?), 0, what)?;
        }
        Ok(())
    }

    pub(super) fn finish(&self, what: &'static str) -> Result<(), ReadError> {
        if self.is_empty() {
            Ok(())
        } else {
            Err(self.error(what, ReadErrorKind::LeftOver(self.remaining())))
        }
    }
}

/// The CRC-32 (IEEE 802.3) of a file, its own field taken as zero.
pub(super) fn checksum(image: &[u8]) -> u32 {
    const ALGORITHM: crc::Crc<u32, crc::Table<1>> =
        crc::Crc::<u32, crc::Table<1>>::new(&crc::CRC_32_ISO_HDLC);
    let (before, after) = image.split_at(CHECKSUM_AT.min(image.len()));
    let mut digest = ALGORITHM.digest();
    digest.update(before);
    digest.update(&[0; 4]);
    digest.update(after.get(4..).unwrap_or(&[]));
    digest.finalize()
}

/// The checksum in the header.
pub(super) fn stored_checksum(image: &[u8]) -> u32 {
    let field = image.get(CHECKSUM_AT..).and_then(<[u8]>::first_chunk);
    field.map_or(0, |bytes| u32::from_le_bytes(*bytes))
}

/// Checks the whole structure of a file.
pub(super) fn check(image: &[u8], limits: &Limits) -> Result<SectionTable, ReadError> {
    let section_count = check_header(image, limits)?;
    let table = check_section_table(image, section_count)?;
    let cursor = |section| table.cursor(image, section);

    check_imports(cursor(Section::Imports), limits)?;
    let functions = check_functions(&table, image, limits)?;
    check_words(cursor(Section::Constants), 8, limits.constants, "constants")?;
    let (memory, globals) = check_memory(cursor(Section::Memory), limits)?;
    let segments = check_data(cursor(Section::Data), limits, memory)?;
    check_exports(cursor(Section::Exports), functions)?;
    check_names(cursor(Section::Names), [functions, globals, segments])?;
    let code_words = (cursor(Section::Code).remaining() / 4) as u32;
    check_lines(cursor(Section::Lines), code_words)?;
    check_customs(cursor(Section::Custom))?;
    Ok(table)
}

fn check_header(image: &[u8], limits: &Limits) -> Result<u32, ReadError> {
    let mut at = Cursor::new(image, 0);
    let magic = at.clone().bytes(MAGIC.len().min(image.len()), "magic")?;
    if magic != MAGIC {
        return Err(at.error("magic", ReadErrorKind::Magic));
    }
    at.bytes(MAGIC.len(), "magic")?;
    let version_at = at.clone();
    match at.u16("version")? {
        VERSION => {}
        old if old == 1 || old >> 8 == 1 => {
            return Err(version_at.error("version", ReadErrorKind::OldVersion));
        }
        other => return Err(version_at.error("version", ReadErrorKind::Version(other))),
    }
    at.expect(u64::from(at.clone().u16("flags")?), 0, "flags")?;
    at.bytes(2, "flags")?;
    let count_at = at.clone();
    let section_count = at.u32("section count")?;
    let length_at = at.clone();
    let length = at.u32("total length")?;
    length_at.at_most(u64::from(length), u64::from(limits.file_bytes), "total length")?;
    length_at.expect(image.len() as u64, u64::from(length), "total length")?;
    let checksum_at = at.clone();
    let stored = at.u32("checksum")?;
    let computed = checksum(image);
    if stored != computed {
        return Err(checksum_at.error("checksum", ReadErrorKind::Checksum { stored, computed }));
    }
    let mut reserved = Cursor::new(at.bytes(HEADER_BYTES - CHECKSUM_AT - 4, "header")?, CHECKSUM_AT + 4);
    reserved.expect_zeros("reserved header bytes")?;
    count_at.at_most(u64::from(section_count), SECTION_COUNT as u64, "section count")?;
    Ok(section_count)
}

fn check_section_table(image: &[u8], count: u32) -> Result<SectionTable, ReadError> {
    let mut table = SectionTable::EMPTY;
    let mut at = Cursor::new(image, 0);
    at.bytes(HEADER_BYTES, "header")?;
    let mut end = HEADER_BYTES + SECTION_ENTRY_BYTES * count as usize;
    let mut last_id = 0;
    for _ in 0..count {
        let entry = at.clone();
        let id = at.u32("section id")?;
        let section = Section::from_id(id).ok_or(entry.error("section id", ReadErrorKind::Unknown(id)))?;
        if id <= last_id {
            return Err(entry.error("section id", ReadErrorKind::Order));
        }
        last_id = id;
        let offset_at = at.clone();
        let offset = at.u32("section offset")?;
        let expected = end.next_multiple_of(SECTION_ALIGNMENT);
        offset_at.expect(u64::from(offset), expected as u64, "section offset")?;
        let length_at = at.clone();
        let length = at.u32("section length")? as usize;
        if length == 0 {
            return Err(length_at.error("section length", ReadErrorKind::Redundant));
        }
        let left = image.len().saturating_sub(expected);
        if length > left {
            return Err(length_at.error("section length", ReadErrorKind::TooShort { needed: length, left }));
        }
        at.expect(u64::from(at.clone().u32("section table")?), 0, "section table")?;
        at.bytes(4, "section table")?;
        Cursor::new(image.get(end..expected).unwrap_or(&[]), end).expect_zeros("padding before a section")?;
        table.set(section, expected, length);
        end = expected + length;
    }
    let after = Cursor::new(image.get(end.min(image.len())..).unwrap_or(&[]), end);
    after.finish("end of the last section")?;
    Ok(table)
}

fn check_imports(at: Cursor<'_>, limits: &Limits) -> Result<(), ReadError> {
    let mut imports = sections::imports(at.clone());
    at.at_most(u64::from(imports.left), u64::from(limits.imports), "import count")?;
    imports.try_for_each(|import| import.map(|_| ()))
}

/// The functions tile the code in order.
fn check_functions(table: &SectionTable, image: &[u8], limits: &Limits) -> Result<u32, ReadError> {
    let code = table.cursor(image, Section::Code);
    check_words(code.clone(), 4, limits.code_words, "code")?;
    let at = table.cursor(image, Section::Functions);
    check_words(at.clone(), sections::FuncDecl::BYTES, limits.functions, "functions")?;
    let mut words = 0u64;
    let mut count = 0;
    let mut functions = sections::functions(at.clone());
    loop {
        let entry = functions.position();
        let Some(decl) = functions.next().transpose()? else { break };
        entry.at_most(u64::from(decl.locals), u64::from(limits.locals), "number of locals")?;
        entry.at_most(u64::from(decl.words), u64::from(limits.function_words), "function's word count")?;
        if decl.words == 0 {
            return Err(entry.error("function's word count", ReadErrorKind::TooSmall { found: 0, least: 1 }));
        }
        words += u64::from(decl.words);
        count += 1;
    }
    at.expect(words, code.remaining() as u64 / 4, "sum of the functions' word counts")?;
    Ok(count)
}

fn check_words(at: Cursor<'_>, size: usize, limit: u32, what: &'static str) -> Result<(), ReadError> {
    match at.remaining() % size {
        0 => at.at_most((at.remaining() / size) as u64, u64::from(limit), what),
        left => Err(at.error(what, ReadErrorKind::LeftOver(left))),
    }
}

fn check_memory(mut at: Cursor<'_>, limits: &Limits) -> Result<(u64, u32), ReadError> {
    if at.is_empty() {
        return Ok((MEMORY_GRANULE, 0));
    }
    let minimum_at = at.clone();
    let minimum = at.u64("memory minimum")?;
    minimum_at.at_most(minimum, MAX_MEMORY, "memory minimum")?;
    if minimum < MEMORY_GRANULE {
        let kind = ReadErrorKind::TooSmall { found: minimum, least: MEMORY_GRANULE };
        return Err(minimum_at.error("memory minimum", kind));
    }
    if !minimum.is_multiple_of(MEMORY_GRANULE) {
        return Err(minimum_at.error("memory minimum", ReadErrorKind::Granule(minimum)));
    }
    check_words(at.clone(), 8, limits.globals, "globals")?;
    let globals = (at.remaining() / 8) as u32;
    if minimum == MEMORY_GRANULE && globals == 0 {
        return Err(minimum_at.error("memory section", ReadErrorKind::Redundant));
    }
    Ok((minimum, globals))
}

fn check_data(at: Cursor<'_>, limits: &Limits, memory: u64) -> Result<u32, ReadError> {
    let mut segments = sections::data(at.clone());
    at.at_most(u64::from(segments.left), u64::from(limits.segments), "data segment count")?;
    let mut end = 0u64;
    let mut count = 0;
    loop {
        let entry = segments.position();
        let Some(segment) = segments.next().transpose()? else { break };
        if u64::from(segment.address) < end {
            return Err(entry.error("data segment", ReadErrorKind::Order));
        }
        if segment.bytes.is_empty() {
            return Err(entry.error("data segment", ReadErrorKind::Redundant));
        }
        end = u64::from(segment.address) + segment.bytes.len() as u64;
        entry.at_most(end, memory, "end of a data segment")?;
        count += 1;
    }
    Ok(count)
}

fn check_exports(at: Cursor<'_>, functions: u32) -> Result<(), ReadError> {
    let mut exports = sections::exports(at);
    let mut last = None;
    loop {
        let entry = exports.position();
        let Some(export) = exports.next().transpose()? else { break };
        check_below(&entry, export.function.0, functions, "exported function")?;
        if last >= Some(export.name) {
            return Err(entry.error("export", ReadErrorKind::Order));
        }
        last = Some(export.name);
    }
    Ok(())
}

fn check_below(at: &Cursor<'_>, index: u32, count: u32, what: &'static str) -> Result<(), ReadError> {
    match count.checked_sub(1) {
        Some(last) => at.at_most(u64::from(index), u64::from(last), what),
        None => Err(at.error(what, ReadErrorKind::Unknown(index))),
    }
}

fn check_names(at: Cursor<'_>, counts: [u32; NameKind::ALL.len()]) -> Result<(), ReadError> {
    let mut names = sections::names(at);
    let mut last = None;
    loop {
        let entry = names.position();
        let Some(name) = names.next().transpose()? else { break };
        check_below(&entry, name.index, counts[name.kind as usize], "number of a named thing")?;
        if last >= Some((name.kind, name.index)) {
            return Err(entry.error("name", ReadErrorKind::Order));
        }
        last = Some((name.kind, name.index));
    }
    Ok(())
}

fn check_lines(at: Cursor<'_>, code_words: u32) -> Result<(), ReadError> {
    let files = sections::source_files(at.clone()).try_fold(0, |count, file| file.map(|_| count + 1))?;
    let mut lines = sections::lines(at);
    let mut last: Option<sections::LineEntry> = None;
    loop {
        let entry = lines.position();
        let Some(line) = lines.next().transpose()? else { break };
        check_below(&entry, line.word, code_words, "word of a line")?;
        check_below(&entry, line.file, files, "file of a line")?;
        if let Some(last) = last {
            if line.word <= last.word {
                return Err(entry.error("line", ReadErrorKind::Order));
            }
            if (line.file, line.line) == (last.file, last.line) {
                return Err(entry.error("line", ReadErrorKind::Redundant));
            }
        }
        last = Some(line);
    }
    Ok(())
}

fn check_customs(at: Cursor<'_>) -> Result<(), ReadError> {
    let mut customs = sections::customs(at);
    let mut last = None;
    loop {
        let entry = customs.position();
        let Some(custom) = customs.next().transpose()? else { break };
        if last >= Some(custom.name) {
            return Err(entry.error("custom section", ReadErrorKind::Order));
        }
        last = Some(custom.name);
    }
    Ok(())
}
