//! The `.silc` container, formats 2.0 and 2.1: a view of a program in a byte slice, and a builder for programs made in Rust.
//! `docs/format.md` describes every byte.

mod build;
mod contents;
mod cursor;
mod error;
mod function;
mod header;
mod nibbles;
mod read;
mod sections;
mod utf8;
mod version;
mod write;

use alloc::vec::Vec;

pub use crate::func_type::FuncType;
pub use build::ProgramBuilder;
pub(crate) use cursor::{Cursor, FirstError};
pub use error::{BuildError, ReadError, ReadErrorKind};
pub use function::{FunctionBuilder, Label};
#[cfg(any(feature = "record", feature = "std"))]
pub(crate) use header::RunningChecksum;
#[cfg(feature = "record")]
pub(crate) use header::checksum_of;
pub(crate) use header::{CHECKSUM_AT, checksum};
pub use sections::{Custom, Data, Export, FuncDecl, Import, LineEntry, Name, NameKind, SectionExtent};

use crate::index::{FuncIndex, GlobalIndex, Location, PassiveIndex};
use crate::limits::Limits;
use crate::shared::Ref;
pub(crate) use sections::RawImport;
use sections::{Section, SectionTable};

/// A program as stored in its file: its structure is checked, its code is not verified yet.
///
/// It borrows the bytes, at any alignment, or shares them; it copies nothing and allocates nothing. Counts and names
/// come from the file, which may be hostile: all of them have been checked against the [`Limits`].
#[derive(Clone, Debug)]
pub struct Program<'a> {
    image: Ref<'a, [u8]>,
    sections: SectionTable,
}

impl<'a> Program<'a> {
    /// Reads a program from the bytes of a `.silc` file.
    ///
    /// # Errors
    /// The bytes are not a program of format 2.0 or 2.1. The error gives the offset and the item that was being read.
    pub fn read(image: impl Into<Ref<'a, [u8]>>) -> Result<Program<'a>, ReadError> {
        Self::read_limited(image, &Limits::DEFAULT)
    }

    /// Reads a program like [`Program::read`], with limits chosen by the host.
    ///
    /// # Errors
    /// As [`Program::read`], or the program exceeds the limits.
    pub fn read_limited(image: impl Into<Ref<'a, [u8]>>, limits: &Limits) -> Result<Program<'a>, ReadError> {
        let image = image.into();
        let sections = read::check(&image, &limits.within_format())?;
        Ok(Program { image, sections })
    }

    /// Returns the bytes of the file.
    pub fn bytes(&self) -> &[u8] {
        &self.image
    }

    /// Returns the CRC-32 stored in the file.
    pub fn checksum(&self) -> u32 {
        header::stored_checksum(&self.image)
    }

    /// Returns the version of the format: major and minor.
    pub fn format_version(&self) -> (u8, u8) {
        let [minor, major] = self.sections.minor().version().to_le_bytes();
        (major, minor)
    }

    /// Returns the sections that are present, in file order.
    pub fn sections(&self) -> impl Iterator<Item = SectionExtent> {
        self.sections.extents()
    }

    #[inline]
    fn section(&self, section: Section) -> Cursor<'_> {
        self.sections.cursor(&self.image, section)
    }

    /// Returns the imports, in index order.
    pub fn imports(&self) -> impl Iterator<Item = Import<'_>> {
        self.raw_imports().map(RawImport::named)
    }

    /// Returns the imports, in index order, with their names as they are in the file.
    pub(crate) fn raw_imports(&self) -> impl Iterator<Item = RawImport<'_>> {
        sections::imports(self.section(Section::Imports))
    }

    /// Returns the number of imports.
    pub(crate) fn import_count(&self) -> usize {
        sections::imports(self.section(Section::Imports)).left() as usize
    }

    /// Returns the number of functions.
    pub fn function_count(&self) -> usize {
        self.section(Section::Functions).remaining() / FuncDecl::BYTES
    }

    /// Returns the functions, in index order, which is also the order of their code.
    pub fn functions(&self) -> impl Iterator<Item = FuncDecl> {
        sections::functions(self.section(Section::Functions))
    }

    /// Returns the function with this index.
    pub(crate) fn function(&self, index: FuncIndex) -> Option<FuncDecl> {
        let mut at = self.section(Section::Functions);
        at.bytes(index.index() * FuncDecl::BYTES, "functions")?;
        sections::functions(at).next()
    }

    /// Returns the code of all functions as little-endian words.
    #[inline]
    pub fn code(&self) -> &[[u8; 4]] {
        self.section(Section::Code).rest().as_chunks().0
    }

    /// Returns the constant pool as little-endian values.
    #[inline]
    pub fn constants(&self) -> &[[u8; 8]] {
        self.section(Section::Constants).rest().as_chunks().0
    }

    /// Returns the smallest memory that the program works with, in bytes, 16 to 2³².
    pub fn memory_minimum(&self) -> u64 {
        sections::memory_minimum(self.section(Section::Memory))
    }

    /// Returns the size in bytes to which the memory can grow: at least the smallest memory, at most 2³².
    pub fn memory_maximum(&self) -> u64 {
        sections::memory_maximum(self.section(Section::Memory))
    }

    /// Returns the initial values of the globals.
    pub fn globals(&self) -> impl ExactSizeIterator<Item = u64> {
        sections::globals(self.section(Section::Memory))
    }

    /// Returns the data segments, in the order of their addresses.
    pub fn data(&self) -> impl Iterator<Item = Data<'_>> {
        sections::data(self.section(Section::Data))
    }

    /// Returns the number of passive segments.
    pub fn passive_count(&self) -> u32 {
        self.passive_segments().ends.len() as u32
    }

    /// Returns the bytes of a passive segment.
    pub fn passive_segment(&self, index: PassiveIndex) -> Option<&[u8]> {
        let segments = self.passive_segments();
        segments.bytes.get(segments.extent(index.index())?)
    }

    /// Returns the bytes of all passive segments, in index order.
    pub fn passive(&self) -> impl ExactSizeIterator<Item = &[u8]> {
        let segments = self.passive_segments();
        (0..segments.ends.len()).map(move |index| {
            segments.extent(index).and_then(|extent| segments.bytes.get(extent)).unwrap_or(&[])
        })
    }

    /// Returns the position of a passive segment in [`Self::passive_bytes`].
    #[cfg(feature = "jit")]
    pub(crate) fn passive_extent(&self, index: PassiveIndex) -> Option<core::ops::Range<usize>> {
        self.passive_segments().extent(index.index())
    }

    /// Returns the bytes of all passive segments, which follow each other.
    #[cfg(feature = "native")]
    pub(crate) fn passive_bytes(&self) -> &[u8] {
        self.passive_segments().bytes
    }

    fn passive_segments(&self) -> sections::PassiveSegments<'_> {
        sections::passive(self.section(Section::Passive))
    }

    /// Returns the exports, in the order of their names.
    pub fn exports(&self) -> impl Iterator<Item = Export<'_>> {
        let exports = sections::exports(self.section(Section::Exports));
        exports.map(|export| Export { name: utf8::text(export.name), function: export.function })
    }

    /// Returns the function exported as `name`.
    pub fn export(&self, name: &str) -> Option<FuncIndex> {
        let mut exports = sections::exports(self.section(Section::Exports));
        exports.find(|export| export.name == name.as_bytes()).map(|export| export.function)
    }

    /// Returns the debug names of functions, globals, data segments and passive segments, ordered by kind and index.
    pub fn names(&self) -> impl Iterator<Item = Name<'_>> {
        sections::names(self.section(Section::Names))
    }

    /// Returns the debug name of a function, or the first name it is exported by if it has none.
    pub fn function_name(&self, function: FuncIndex) -> Option<&str> {
        self.name(NameKind::Function, function.0)
            .or_else(|| self.exports().find(|export| export.function == function).map(|export| export.name))
    }

    /// Returns the debug name of the function, global, data segment or passive segment with this index.
    pub fn name(&self, kind: NameKind, index: u32) -> Option<&str> {
        self.names().find(|name| name.kind == kind && name.index == index).map(|name| name.name)
    }

    /// Returns the number of the global with this debug name.
    pub fn global(&self, name: &str) -> Option<GlobalIndex> {
        let is_global = |it: &Name<'_>| it.kind == NameKind::Global && it.name == name;
        self.names().find(is_global).map(|it| GlobalIndex(it.index))
    }

    /// Returns the source files that [`Program::lines`] refers to.
    pub fn source_files(&self) -> impl Iterator<Item = &str> {
        sections::source_files(self.section(Section::Lines))
    }

    /// Returns the line table, which maps code words to source lines, in code order.
    pub fn lines(&self) -> impl Iterator<Item = LineEntry> {
        sections::lines(self.section(Section::Lines))
    }

    /// Returns the bytes of the file without the line table.
    ///
    /// ```
    /// use vsp_core::{program::Program, text::assemble};
    ///
    /// let bytes = assemble(".func f (0) -> 0\n RET\n.end", "f.sil")?;
    /// let bytes = Program::read(&bytes[..])?.without_lines();
    /// assert_eq!(Program::read(&bytes[..])?.source_line(0), None);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn without_lines(&self) -> Vec<u8> {
        let mut contents = contents::Contents::of(self);
        contents.lines.clear();
        contents.source_files.clear();
        write::write(&contents)
    }

    /// Returns source file and line (from 1) of a code word, counted from the start of the code section.
    pub fn source_line(&self, code_word: u32) -> Option<(&str, u32)> {
        let entry = self.lines().take_while(|entry| entry.word <= code_word).last()?;
        let file = self.source_files().nth(entry.file as usize)?;
        (entry.line != 0).then_some((file, entry.line))
    }

    /// Returns source file and line (from 1) of a location.
    pub fn source_line_of(&self, location: Location) -> Option<(&str, u32)> {
        let before = self.functions().take(location.function.index()).map(|decl| decl.words).sum::<u32>();
        self.source_line(before.checked_add(location.word)?)
    }

    /// Returns the custom sections, in the order of their names.
    pub fn customs(&self) -> impl Iterator<Item = Custom<'_>> {
        sections::customs(self.section(Section::Custom))
    }
}

/// Embeds a program file in the firmware or executable that is being built, and evaluates to its bytes. The path is
/// relative to the source file, as with `include_bytes!`.
///
/// ```ignore
/// static BLINK: &[u8] = vsp_core::include_program!("blink.silc");
/// let program = vsp_core::program::Program::read(BLINK)?;
/// ```
#[macro_export]
macro_rules! include_program {
    ($path:literal $(,)?) => {{
        const BYTES: &[u8] = include_bytes!($path);
        const { assert!($crate::program::looks_like_program(BYTES), "this file is not a .silc program") };
        BYTES
    }};
}

/// Returns whether these bytes start like a `.silc` file of format 2.0 or 2.1. [`include_program!`] calls it at compile time.
pub const fn looks_like_program(bytes: &[u8]) -> bool {
    matches!(bytes, [b'S', b'I', b'L', b'C', 0 | 1, 2, ..]) && bytes.len() >= header::HEADER_BYTES
}
