//! The reader: the structural check of a whole file.

use super::cursor::{Cursor, FirstError};
use super::error::{ReadError, ReadErrorKind};
use super::header::{
    CHECKSUM_AT, HEADER_BYTES, MAGIC, SECTION_ALIGNMENT, SECTION_ENTRY_BYTES, VERSION_AT, checksum,
};
use super::sections::{self, NameKind, Section, SectionTable};
use super::version::{Minor, is_word_of_2_1};
use crate::limits::{GLOBALS_OF_2_0, Limits, MAX_MEMORY, MEMORY_GRANULE};

/// Checks the whole structure of a file.
pub(super) fn check(image: &[u8], limits: &Limits) -> Result<SectionTable, ReadError> {
    let errors = FirstError::default();
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
        let (minor, section_count) = self.header()?;
        let table = self.section_table(minor, section_count)?;
        let section = |section| self.section(&table, section);

        self.imports(section(Section::Imports))?;
        let functions = self.functions(section(Section::Functions), section(Section::Code))?;
        check_words(section(Section::Constants), 8, self.limits.constants, "constants")?;
        let (memory, globals) = self.memory(section(Section::Memory))?;
        let segments = self.data(section(Section::Data), memory)?;
        let passive = check_passive(section(Section::Passive), self.limits.passive_segments)?;
        check_exports(section(Section::Exports), functions)?;
        if cfg!(feature = "debug-sections") {
            check_names(section(Section::Names), [functions, globals, segments, passive])?;
            check_lines(section(Section::Lines), section(Section::Code).remaining() / 4)?;
            check_customs(section(Section::Custom))?;
        }
        self.version(minor, section(Section::Code))?;
        Some(table)
    }

    /// Returns a cursor at the start of a section, which reports errors.
    #[cfg_attr(not(threaded), inline(never))]
    fn section(&self, table: &SectionTable, section: Section) -> Cursor<'a> {
        table.cursor(self.file.rest(), section).reporting(self.errors)
    }

    /// Checks that the file states the lowest version that can express the program, whose sections are valid.
    fn version(&self, stated: Minor, code: Cursor<'a>) -> Option<()> {
        if self.errors.needs_2_1() {
            // The sections of format 2.0 that have been checked cannot express more.
            return Some(());
        }
        let words: &[[u8; 4]] = code.rest().as_chunks().0;
        let newer = words.iter().position(|word| is_word_of_2_1(u32::from_le_bytes(*word)));
        let (mut at, offset, needed) = match (stated, newer) {
            (Minor::Zero, Some(word)) => (code, 4 * word, Minor::One),
            (Minor::One, None) => (self.file, VERSION_AT, Minor::Zero),
            _ => return Some(()),
        };
        at.bytes(offset, "version")?;
        at.fail("version", ReadErrorKind::Minor { needed: needed as u8, stated: stated as u8 })
    }

    /// Returns the minor version and the number of sections.
    fn header(&self) -> Option<(Minor, u32)> {
        let mut at = self.file;
        at.magic(MAGIC, ReadErrorKind::Magic)?;
        let version_at = at;
        let version = at.u16("version")?;
        let Some(minor) = Minor::from_version(version) else {
            let is_old = version == 1 || version >> 8 == 1;
            let kind = if is_old { ReadErrorKind::OldVersion } else { ReadErrorKind::Version(version) };
            return version_at.fail("version", kind);
        };
        at.expect_next(2, 0, "flags")?;
        let count_at = at;
        let section_count = at.u32("section count")?;
        let length_at = at;
        let length = u64::from(at.u32("total length")?);
        length_at.at_most(length, u64::from(self.limits.file_bytes), "total length")?;
        length_at.expect(self.file.remaining() as u64, length, "total length")?;
        at.expect_checksum("checksum", || checksum(self.file.rest()))?;
        at.section(HEADER_BYTES - CHECKSUM_AT - 4, "header")?.expect_zeros("reserved header bytes")?;
        let most = Section::ALL.iter().filter(|section| section.is_of(minor)).count();
        count_at.at_most(u64::from(section_count), most as u64, "section count")?;
        Some((minor, section_count))
    }

    fn section_table(&self, minor: Minor, count: u32) -> Option<SectionTable> {
        let mut table = SectionTable::of_version(minor);
        let mut at = self.file;
        at.bytes(HEADER_BYTES, "header")?;
        let mut sections = self.file;
        sections.bytes(HEADER_BYTES + SECTION_ENTRY_BYTES * count as usize, "section table")?;
        let mut last_id = 0;
        for _ in 0..count {
            let entry = at;
            let id = at.u32("section id")?;
            let Some(section) = Section::from_id(id).filter(|section| section.is_of(minor)) else {
                return entry.fail("section id", ReadErrorKind::Unknown(id));
            };
            if id <= last_id {
                return entry.fail("section id", ReadErrorKind::Order);
            }
            last_id = id;
            let padding = sections.position().next_multiple_of(SECTION_ALIGNMENT) - sections.position();
            let offset = sections.position() + padding;
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
            let is_read = cfg!(feature = "debug-sections") || !section.is_for_debugging();
            if is_read {
                table.set(section, offset, length);
            }
            // A section that is not read may be the reason for its version.
            self.errors.note_2_1(section == Section::Passive || !is_read && minor == Minor::One);
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
        let minimum = memory_size(&mut at, MEMORY_GRANULE, "memory minimum")?;
        let maximum = match at.minor() {
            Minor::Zero => minimum,
            Minor::One => memory_size(&mut at, minimum, "memory maximum")?,
        };
        let most = match at.minor() {
            Minor::Zero => self.limits.globals.min(GLOBALS_OF_2_0),
            Minor::One => self.limits.globals,
        };
        check_words(at, 8, most, "globals")?;
        let globals = (at.remaining() / 8) as u32;
        self.errors.note_2_1(maximum > minimum || globals > GLOBALS_OF_2_0);
        if maximum == MEMORY_GRANULE && globals == 0 {
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

/// Reads the size of a memory that is at least `least`.
fn memory_size(at: &mut Cursor<'_>, least: u64, what: &'static str) -> Option<u64> {
    let size_at = *at;
    let size = at.u64(what)?;
    size_at.at_most(size, MAX_MEMORY, what)?;
    if size < least {
        return size_at.fail(what, ReadErrorKind::TooSmall { found: size, least });
    }
    if !size.is_multiple_of(MEMORY_GRANULE) {
        return size_at.fail(what, ReadErrorKind::Granule(size));
    }
    Some(size)
}

/// Checks the passive segments. Returns their number.
fn check_passive(at: Cursor<'_>, limit: u32) -> Option<u32> {
    let segments = sections::passive(at);
    if at.has_failed() {
        return None;
    }
    let count = segments.ends.len() as u32;
    at.at_most(u64::from(count), u64::from(limit), "passive segment count")?;
    let mut table = at;
    table.bytes(if count == 0 { 0 } else { 8 }, "passive segments")?;
    let mut last = 0;
    for _ in 0..count {
        let entry = table;
        let end = table.u32("end of a passive segment")?;
        if end < last {
            let kind = ReadErrorKind::TooSmall { found: end.into(), least: last.into() };
            return entry.fail("end of a passive segment", kind);
        }
        last = end;
    }
    at.expect(segments.bytes.len() as u64, last.into(), "bytes of the passive segments")?;
    Some(count)
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

fn check_lines(at: Cursor<'_>, code_words: usize) -> Option<()> {
    let files = sections::source_files(at).count() as u32;
    let mut last: Option<sections::LineEntry> = None;
    sections::lines(at).check(|entry, line| {
        check_below(entry, line.word, code_words as u32, "word of a line")?;
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
