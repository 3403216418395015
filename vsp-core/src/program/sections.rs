//! The sections of a file and their entries, as iterators over borrowed bytes.

use core::ops::Range;

use super::cursor::Cursor;
use super::error::ReadErrorKind;
use super::utf8::text;
use super::version::Minor;
use crate::func_type::FuncType;
use crate::index::FuncIndex;
use crate::limits::{MAX_NAME, MEMORY_GRANULE, NAME_OF_2_0};

macro_rules! define_sections {
    ($($(#[$doc:meta])* $id:literal $name:ident $text:literal)*) => {
        /// A section. Its discriminant is its id in the file.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(super) enum Section {
            $($(#[$doc])* $name = $id,)*
        }

        impl Section {
            pub(super) const ALL: &[Section] = &[$(Section::$name,)*];

            /// Returns its name, as in docs/format.md.
            pub(super) const fn name(self) -> &'static str {
                match self {
                    $(Section::$name => $text,)*
                }
            }

            pub(super) fn from_id(id: u32) -> Option<Section> {
                match id {
                    $($id => Some(Section::$name),)*
                    _ => None,
                }
            }
        }
    };
}

define_sections! {
    /// u32 count; each: u16 type, u8 + u8 lengths, module, name. In format 2.1 types have 32 bits, and all lengths of
    /// names 16.
    1 Imports "imports"
    /// Each: u16 type, u16 locals, u32 words. In format 2.1 the type has 20 bits, and the locals 12.
    2 Functions "functions"
    /// Words.
    3 Code "code"
    /// u64 each.
    4 Constants "constants"
    /// u64 minimum, from format 2.1 on u64 maximum, then u64 for each global.
    5 Memory "memory"
    /// u32 count, u32 zero; each u32 address, u32 length; then the bytes.
    6 Data "data"
    /// u32 count; each: u32 function, u8 length, name.
    7 Exports "exports"
    /// u32 count; each: u8 kind, u8 length, u32 number, name.
    8 Names "names"
    /// u32 files, u32 entries; each file u8 length, name; each entry u32 word, u32 file, u32 line.
    9 Lines "lines"
    /// u32 count; each: u8 length, u32 size, name, bytes.
    10 Custom "custom"
    /// u32 count, u32 zero; each u32 end; then the bytes.
    11 Passive "passive segments"
}

impl Section {
    /// Returns whether files of this version can have the section.
    pub(super) fn is_of(self, minor: Minor) -> bool {
        self != Section::Passive || minor >= Minor::One
    }

    /// Returns whether only tools read the section.
    pub(super) fn is_for_debugging(self) -> bool {
        matches!(self, Section::Names | Section::Lines | Section::Custom)
    }
}

/// Number of sections in the format.
const SECTION_COUNT: usize = Section::ALL.len();

/// Offset and length of every section; both are 0 for an absent one.
#[derive(Clone, Debug)]
pub(super) struct SectionTable {
    extents: [(u32, u32); SECTION_COUNT],
    minor: Minor,
}

impl SectionTable {
    pub(super) const EMPTY: SectionTable =
        SectionTable { extents: [(0, 0); SECTION_COUNT], minor: Minor::Zero };

    /// Returns an empty table of a program of this version.
    pub(super) fn of_version(minor: Minor) -> SectionTable {
        SectionTable { minor, ..SectionTable::EMPTY }
    }

    /// Returns the minor version of the program's format.
    pub(super) fn minor(&self) -> Minor {
        self.minor
    }

    /// Records a section. Offset and length lie in a file of at most 2³² − 1 bytes.
    pub(super) fn set(&mut self, section: Section, offset: usize, length: usize) {
        self.extents[section as usize - 1] = (offset as u32, length as u32);
    }

    /// Returns the sections that are present, in file order.
    pub(super) fn extents(&self) -> impl Iterator<Item = SectionExtent> {
        let extents = Section::ALL.iter().zip(&self.extents);
        extents.filter(|(_, (_, length))| *length > 0).map(|(section, (offset, length))| SectionExtent {
            id: *section as u32,
            name: section.name(),
            offset: *offset,
            length: *length,
        })
    }

    /// Returns a cursor at the start of a section. (Inlining makes it fast; not inlining makes it small.)
    #[cfg_attr(threaded, inline)]
    #[cfg_attr(not(threaded), inline(never))]
    pub(super) fn cursor<'a>(&self, image: &'a [u8], section: Section) -> Cursor<'a> {
        let (offset, length) = self.extents[section as usize - 1];
        let (offset, length) = (offset as usize, length as usize);
        Cursor::new(image.get(offset..offset + length).unwrap_or(&[]), offset).of_version(self.minor)
    }
}

/// The position of a section in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SectionExtent {
    /// Its id, 1–11.
    pub id: u32,
    /// Its name.
    pub name: &'static str,
    /// Offset of its first byte from the start of the file.
    pub offset: u32,
    /// Its length in bytes, at least 1.
    pub length: u32,
}

/// A function that a program imports from its host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Import<'a> {
    /// The module it belongs to.
    pub module: &'a str,
    /// Its name in the module.
    pub name: &'a str,
    /// Its type.
    pub ty: FuncType,
}

/// An import with its names as they are in the file.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RawImport<'a> {
    pub(crate) module: &'a [u8],
    pub(crate) name: &'a [u8],
    pub(crate) ty: FuncType,
}

impl<'a> RawImport<'a> {
    /// Returns the import with its names as texts.
    pub(crate) fn named(self) -> Import<'a> {
        Import { module: text(self.module), name: text(self.name), ty: self.ty }
    }
}

/// The header of a function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FuncDecl {
    /// Its type.
    pub ty: FuncType,
    /// Number of locals, 0–4,095.
    pub locals: u16,
    /// Number of code words, at least 1.
    pub words: u32,
}

impl FuncDecl {
    pub(super) const BYTES: usize = 8;
}

/// A data segment: initial contents of memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Data<'a> {
    /// Address of the first byte.
    pub address: u32,
    /// The bytes, at least one.
    pub bytes: &'a [u8],
}

/// The passive segments of a program.
#[derive(Clone, Copy, Debug)]
pub(super) struct PassiveSegments<'a> {
    /// For each segment, where it ends in the bytes.
    pub(super) ends: &'a [[u8; 4]],
    /// The bytes of all segments.
    pub(super) bytes: &'a [u8],
}

impl PassiveSegments<'_> {
    /// Returns the position of a segment in the bytes.
    pub(super) fn extent(&self, index: usize) -> Option<Range<usize>> {
        let end = |index: usize| self.ends.get(index).map(|end| u32::from_le_bytes(*end) as usize);
        let start = match index.checked_sub(1) {
            Some(before) => end(before)?,
            None => 0,
        };
        Some(start..end(index)?)
    }
}

/// A function that the host can call by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Export<'a> {
    /// The name.
    pub name: &'a str,
    /// The function.
    pub function: FuncIndex,
}

/// An export with its name as it is in the file.
#[derive(Clone, Copy, Debug)]
pub(super) struct RawExport<'a> {
    pub(super) name: &'a [u8],
    pub(super) function: FuncIndex,
}

/// The kind of item that a debug name belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum NameKind {
    /// A function.
    Function,
    /// A global.
    Global,
    /// A data segment.
    Data,
    /// A passive segment.
    Passive,
}

impl NameKind {
    /// All kinds, in the order of their numbers in the file.
    pub const ALL: [NameKind; 4] = [NameKind::Function, NameKind::Global, NameKind::Data, NameKind::Passive];
}

/// A debug name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Name<'a> {
    /// The kind of item that it names.
    pub kind: NameKind,
    /// The number of the function, global or data segment.
    pub index: u32,
    /// The name.
    pub name: &'a str,
}

/// An entry of the line table: code from this word up to the next entry comes from this source line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LineEntry {
    /// The first word, counted from the start of the code section.
    pub word: u32,
    /// Index of the source file.
    pub file: u32,
    /// The line, from 1; 0 if unknown.
    pub line: u32,
}

/// A custom section, for tools; engines ignore it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Custom<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its content.
    pub bytes: &'a [u8],
}

/// An iterator over the entries of a section. After the last entry it checks that no bytes remain.
#[derive(Debug)]
pub(super) struct Entries<'a, T> {
    rest: Rest<'a>,
    parse: fn(&mut Cursor<'a>, &mut Cursor<'a>) -> Option<T>,
}

/// The unread rest of a section.
#[derive(Debug)]
struct Rest<'a> {
    /// Number of remaining entries, according to the file.
    left: u32,
    table: Cursor<'a>,
    /// The bytes that the entries refer to, if they are stored after the entries.
    payload: Cursor<'a>,
    what: &'static str,
}

impl<'a> Rest<'a> {
    /// Returns an empty rest of the section that `at` is in.
    fn none(at: Cursor<'a>) -> Self {
        Rest { left: 0, table: at.nothing(), payload: at.nothing(), what: "" }
    }

    /// Takes one entry from the count. If there was none, checks that no bytes remain. Returns whether there was one.
    fn advance(&mut self) -> bool {
        match self.left.checked_sub(1) {
            Some(left) => {
                self.left = left;
                true
            }
            None => {
                let _ = self.table.finish(self.what).and_then(|()| self.payload.finish(self.what));
                false
            }
        }
    }
}

impl<'a, T> Entries<'a, T> {
    /// Creates the iterator over `rest`, empty if there is none.
    fn new(
        at: Cursor<'a>,
        rest: Option<Rest<'a>>,
        parse: fn(&mut Cursor<'a>, &mut Cursor<'a>) -> Option<T>,
    ) -> Self {
        Entries { rest: rest.unwrap_or(Rest::none(at)), parse }
    }

    /// Returns the number of entries still to come, as stated by the file.
    pub(super) fn left(&self) -> u32 {
        self.rest.left
    }

    /// Checks every entry; `check` gets a cursor at its start. Returns `None` if there was an error, here or before.
    pub(super) fn check(mut self, mut check: impl FnMut(&Cursor<'a>, T) -> Option<()>) -> Option<()> {
        loop {
            let at = self.rest.table;
            match self.next() {
                Some(entry) => check(&at, entry)?,
                None => return if at.has_failed() { None } else { Some(()) },
            }
        }
    }
}

impl<T> Iterator for Entries<'_, T> {
    type Item = T;

    fn next(&mut self) -> Option<T> {
        if !self.rest.advance() {
            return None;
        }
        let entry = (self.parse)(&mut self.rest.table, &mut self.rest.payload);
        if entry.is_none() {
            self.rest = Rest::none(self.rest.table);
        }
        entry
    }
}

/// Reads the entry count of a section that starts with it. The section is absent if there are no entries.
fn counted<'a>(at: Cursor<'a>, what: &'static str) -> Option<Rest<'a>> {
    let mut table = at;
    let payload = at.nothing();
    if at.is_empty() {
        return Some(Rest { left: 0, table, payload, what });
    }
    match table.u32(what)? {
        0 => at.fail(what, ReadErrorKind::Redundant),
        left => Some(Rest { left, table, payload, what }),
    }
}

pub(super) fn imports(at: Cursor<'_>) -> Entries<'_, RawImport<'_>> {
    Entries::new(at, counted(at, "imports"), |table, _| {
        let before = *table;
        let bits = match table.minor() {
            Minor::Zero => table.u16("import's type")?.into(),
            Minor::One => table.u32("import's type")?,
        };
        let ty = func_type(&before, bits, "import's type")?;
        let module_length = table.name_length("import's module")?;
        let name_length = table.name_length("import's name")?;
        let module = table.name(module_length, "import's module")?;
        let name = table.name(name_length, "import's name")?;
        Some(RawImport { module, name, ty })
    })
}

/// Returns the type with these bits, which were read at `at`.
fn func_type(at: &Cursor<'_>, bits: u32, what: &'static str) -> Option<FuncType> {
    let found = FuncType::from_bits(bits).filter(|ty| ty.tag() == 0 || at.minor() >= Minor::One);
    at.note_2_1(found.is_some_and(|ty| ty.tag() != 0));
    found.or_else(|| at.fail(what, ReadErrorKind::FuncType(bits)))
}

pub(super) fn functions(at: Cursor<'_>) -> Entries<'_, FuncDecl> {
    let left = (at.remaining() / FuncDecl::BYTES) as u32;
    let rest = Rest { left, table: at, payload: at.nothing(), what: "functions" };
    Entries::new(at, Some(rest), |table, _| {
        let before = *table;
        let head = table.u32("function's type")?;
        let (bits, locals) = match table.minor() {
            Minor::Zero => (head & 0xFFFF, head >> 16),
            Minor::One => (head & 0xF_FFFF, head >> 20),
        };
        let (ty, locals) = (func_type(&before, bits, "function's type")?, locals as u16);
        let words = table.u32("function's word count")?;
        Some(FuncDecl { ty, locals, words })
    })
}

pub(super) fn memory_minimum(mut at: Cursor<'_>) -> u64 {
    at.u64("memory minimum").unwrap_or(MEMORY_GRANULE)
}

pub(super) fn memory_maximum(mut at: Cursor<'_>) -> u64 {
    let minimum = memory_minimum(at);
    match at.minor() {
        Minor::Zero => minimum,
        Minor::One => {
            let _ = at.bytes(8, "memory minimum");
            at.u64("memory maximum").unwrap_or(minimum)
        }
    }
}

/// Returns the number of bytes before the globals.
pub(super) const fn bytes_before_globals(minor: Minor) -> usize {
    match minor {
        Minor::Zero => 8,
        Minor::One => 16,
    }
}

pub(super) fn globals(at: Cursor<'_>) -> impl ExactSizeIterator<Item = u64> {
    let globals = at.rest().get(bytes_before_globals(at.minor())..).unwrap_or(&[]);
    globals.as_chunks::<8>().0.iter().map(|bytes| u64::from_le_bytes(*bytes))
}

pub(super) fn data(at: Cursor<'_>) -> Entries<'_, Data<'_>> {
    let rest = counted(at, "data").and_then(|rest| {
        let Rest { left, table: mut payload, what, .. } = rest;
        if left == 0 {
            return Some(rest);
        }
        payload.expect_next(4, 0, "data")?;
        let table = payload.section((left as usize).saturating_mul(8), "data segments")?;
        Some(Rest { left, table, payload, what })
    });
    Entries::new(at, rest, |table, payload| {
        let address = table.u32("data segment's address")?;
        let length = table.u32("data segment's length")?;
        Some(Data { address, bytes: payload.bytes(length as usize, "data segment's bytes")? })
    })
}

pub(super) fn exports(at: Cursor<'_>) -> Entries<'_, RawExport<'_>> {
    Entries::new(at, counted(at, "exports"), |table, _| {
        let function = FuncIndex(table.u32("exported function")?);
        let length = table.name_length("export's name")?;
        Some(RawExport { name: table.name(length, "export's name")?, function })
    })
}

pub(super) fn names(at: Cursor<'_>) -> Entries<'_, Name<'_>> {
    Entries::new(at, counted(at, "names"), |table, _| {
        let before = *table;
        let kind = table.u8("kind of a name")?;
        let known = NameKind::ALL.get(usize::from(kind)).copied();
        let Some(kind) = known.filter(|it| *it != NameKind::Passive || before.minor() >= Minor::One) else {
            return before.fail("kind of a name", ReadErrorKind::Unknown(u32::from(kind)));
        };
        let length = table.name_length("name")?;
        let index = table.u32("number of a named thing")?;
        Some(Name { kind, index, name: text(table.name(length, "name")?) })
    })
}

/// Reads the counts of files and of entries, and returns them with a cursor to the bytes after them.
fn line_counts<'a>(at: Cursor<'a>) -> Option<(u32, u32, Cursor<'a>)> {
    let mut table = at;
    if at.is_empty() {
        return Some((0, 0, table));
    }
    let (files, entries) = (table.u32("source file count")?, table.u32("line count")?);
    if entries == 0 {
        return at.fail("lines", ReadErrorKind::Redundant);
    }
    Some((files, entries, table))
}

fn source_file<'a>(table: &mut Cursor<'a>) -> Option<&'a str> {
    let length = table.name_length("source file's name")?;
    table.name(length, "source file's name").map(text)
}

pub(super) fn source_files(at: Cursor<'_>) -> impl Iterator<Item = &str> {
    let (mut left, _, mut table) = line_counts(at).unwrap_or((0, 0, at));
    core::iter::from_fn(move || {
        left = left.checked_sub(1)?;
        source_file(&mut table)
    })
    .fuse()
}

pub(super) fn lines(at: Cursor<'_>) -> Entries<'_, LineEntry> {
    let rest = line_counts(at).and_then(|(files, left, mut table)| {
        for _ in 0..files {
            source_file(&mut table)?;
        }
        Some(Rest { left, table, payload: at.nothing(), what: "lines" })
    });
    Entries::new(at, rest, |table, _| {
        let word = table.u32("word of a line")?;
        let file = table.u32("file of a line")?;
        Some(LineEntry { word, file, line: table.u32("line")? })
    })
}

pub(super) fn customs(at: Cursor<'_>) -> Entries<'_, Custom<'_>> {
    Entries::new(at, counted(at, "custom sections"), |table, _| {
        let length = table.name_length("custom section's name")?;
        let size = table.u32("custom section's size")?;
        let name = text(table.name(length, "custom section's name")?);
        Some(Custom { name, bytes: table.bytes(size as usize, "custom section's bytes")? })
    })
}

/// Reads the table of the passive segments, and returns them, or none after an error.
pub(super) fn passive<'a>(at: Cursor<'a>) -> PassiveSegments<'a> {
    let read = || -> Option<PassiveSegments<'a>> {
        let Rest { left, mut table, what, .. } = counted(at, "passive segments")?;
        if left > 0 {
            table.expect_next(4, 0, what)?;
        }
        let ends = table.bytes((left as usize).saturating_mul(4), what)?;
        Some(PassiveSegments { ends: ends.as_chunks().0, bytes: table.rest() })
    };
    read().unwrap_or(PassiveSegments { ends: &[], bytes: &[] })
}

/// The length of a name is stored in one byte, or in two.
const _: () = assert!(NAME_OF_2_0 == u8::MAX as usize && MAX_NAME == u16::MAX as usize);
