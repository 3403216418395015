//! The `.silc` container, format 2.0: a view of a program in a byte slice, and a builder for programs made in Rust.
//! `docs/format.md` describes every byte.

mod build;
mod function;
mod read;
mod sections;
mod write;

pub use build::{BuildError, ProgramBuilder};
pub use function::{FunctionBuilder, Label};
pub(crate) use read::{CHECKSUM_AT, Cursor, FirstError, checksum};
pub use read::{ReadError, ReadErrorKind};
pub use sections::{Custom, Data, Export, FuncDecl, Import, LineEntry, Name, NameKind, SectionExtent};

use crate::index::{FuncIndex, GlobalIndex, Location};
use crate::limits::{Limits, MAX_PARAMS, MAX_RESULTS};
use crate::shared::Ref;
use sections::{Section, SectionTable};

/// The type of a function or import: how many parameters it takes and how many results it gives.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FuncType(u16);

impl FuncType {
    /// The type with `params` parameters (0–8) and `results` results (0–4); `None` beyond these.
    pub const fn new(params: usize, results: usize) -> Option<FuncType> {
        if params > MAX_PARAMS || results > MAX_RESULTS {
            return None;
        }
        Some(FuncType(params as u16 | (results as u16) << 4))
    }

    /// The type with these bits: params | results << 4, the rest zero. `None` for all others.
    pub const fn from_bits(bits: u16) -> Option<FuncType> {
        if bits >> 8 != 0 {
            return None;
        }
        Self::new((bits & 15) as usize, (bits >> 4) as usize)
    }

    /// The bits that [`Self::from_bits`] takes.
    pub const fn bits(self) -> u16 {
        self.0
    }

    /// How many parameters, 0–8.
    #[inline(always)]
    pub const fn params(self) -> usize {
        (self.0 & 15) as usize
    }

    /// How many results, 0–4.
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

/// A program as it lies in its file: structure checked, code not yet verified.
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
    /// The bytes are not a program of format 2.0; the error says where and what was being read.
    pub fn read(image: impl Into<Ref<'a, [u8]>>) -> Result<Program<'a>, ReadError> {
        Self::read_limited(image, &Limits::DEFAULT)
    }

    /// [`Program::read`] with limits of the host's choice.
    ///
    /// # Errors
    /// As [`Program::read`], or the program is larger than the limits say.
    pub fn read_limited(image: impl Into<Ref<'a, [u8]>>, limits: &Limits) -> Result<Program<'a>, ReadError> {
        let image = image.into();
        let sections = read::check(&image, &limits.within_format())?;
        Ok(Program { image, sections })
    }

    /// The bytes of the file.
    pub fn bytes(&self) -> &[u8] {
        &self.image
    }

    /// The CRC-32 that the file carries.
    pub fn checksum(&self) -> u32 {
        read::stored_checksum(&self.image)
    }

    /// The version of the format: major and minor.
    pub fn format_version(&self) -> (u8, u8) {
        let [minor, major] = read::VERSION.to_le_bytes();
        (major, minor)
    }

    /// The sections that are there, in the order of the file.
    pub fn sections(&self) -> impl Iterator<Item = SectionExtent> {
        self.sections.extents()
    }

    #[inline]
    fn section(&self, section: Section) -> read::Cursor<'_> {
        self.sections.cursor(&self.image, section)
    }

    /// The imports, in the order of their numbers.
    pub fn imports(&self) -> impl Iterator<Item = Import<'_>> {
        sections::imports(self.section(Section::Imports))
    }

    /// How many functions there are.
    pub fn function_count(&self) -> usize {
        self.section(Section::Functions).remaining() / FuncDecl::BYTES
    }

    /// The functions, in the order of their numbers and of their code.
    pub fn functions(&self) -> impl Iterator<Item = FuncDecl> {
        sections::functions(self.section(Section::Functions))
    }

    /// The code of all functions: little-endian words.
    #[inline]
    pub fn code(&self) -> &[[u8; 4]] {
        self.section(Section::Code).rest().as_chunks().0
    }

    /// The constant pool: little-endian values.
    #[inline]
    pub fn constants(&self) -> &[[u8; 8]] {
        self.section(Section::Constants).rest().as_chunks().0
    }

    /// The smallest memory that the program works with, in bytes, 16 to 2³².
    pub fn memory_minimum(&self) -> u64 {
        sections::memory_minimum(self.section(Section::Memory))
    }

    /// The initial values of the globals.
    pub fn globals(&self) -> impl ExactSizeIterator<Item = u64> {
        sections::globals(self.section(Section::Memory))
    }

    /// The data segments, in the order of their addresses.
    pub fn data(&self) -> impl Iterator<Item = Data<'_>> {
        sections::data(self.section(Section::Data))
    }

    /// The exports, in the order of their names.
    pub fn exports(&self) -> impl Iterator<Item = Export<'_>> {
        sections::exports(self.section(Section::Exports))
    }

    /// The function exported as `name`.
    pub fn export(&self, name: &str) -> Option<FuncIndex> {
        self.exports().find(|export| export.name == name).map(|export| export.function)
    }

    /// The debug names of functions, globals and data segments, in the order of kind and number.
    pub fn names(&self) -> impl Iterator<Item = Name<'_>> {
        sections::names(self.section(Section::Names))
    }

    /// The debug name of a function; if it has none, the first name it is exported by.
    pub fn function_name(&self, function: FuncIndex) -> Option<&str> {
        self.name(NameKind::Function, function.0)
            .or_else(|| self.exports().find(|export| export.function == function).map(|export| export.name))
    }

    /// The debug name of the thing of a kind with this number.
    pub fn name(&self, kind: NameKind, index: u32) -> Option<&str> {
        self.names().find(|name| name.kind == kind && name.index == index).map(|name| name.name)
    }

    /// Returns the number of the global with this debug name.
    pub fn global(&self, name: &str) -> Option<GlobalIndex> {
        let is_global = |it: &Name<'_>| it.kind == NameKind::Global && it.name == name;
        self.names().find(is_global).map(|it| GlobalIndex(it.index))
    }

    /// The source files that [`Program::lines`] refers to.
    pub fn source_files(&self) -> impl Iterator<Item = &str> {
        sections::source_files(self.section(Section::Lines))
    }

    /// Which source line the words of the code come from, in the order of the code.
    pub fn lines(&self) -> impl Iterator<Item = LineEntry> {
        sections::lines(self.section(Section::Lines))
    }

    /// Source file and line (from 1) of a word of the whole code, counted from the code's start.
    pub fn source_line(&self, code_word: u32) -> Option<(&str, u32)> {
        let entry = self.lines().take_while(|entry| entry.word <= code_word).last()?;
        let file = self.source_files().nth(entry.file as usize)?;
        (entry.line != 0).then_some((file, entry.line))
    }

    /// Source file and line (from 1) of a place.
    pub fn source_line_of(&self, location: Location) -> Option<(&str, u32)> {
        let before = self.functions().take(location.function.index()).map(|decl| decl.words).sum::<u32>();
        self.source_line(before.checked_add(location.word)?)
    }

    /// The custom sections, in the order of their names.
    pub fn customs(&self) -> impl Iterator<Item = Custom<'_>> {
        sections::customs(self.section(Section::Custom))
    }
}

/// The bytes of a program file, embedded in the firmware or executable that is being built. The path is relative to
/// the source file, as with `include_bytes!`.
///
/// ```ignore
/// static BLINK: &[u8] = vsp_core::include_program!("blink.silc");
/// let program = vsp_core::program::Program::read(BLINK)?;
/// ```
#[macro_export]
macro_rules! include_program {
    ($path:literal $(,)?) => {{
        const BYTES: &[u8] = include_bytes!($path);
        const { assert!($crate::program::looks_like_program(BYTES), "this file is no .silc program") };
        BYTES
    }};
}

/// Do these bytes start as a `.silc` file of format 2.0 does? (For [`include_program!`], which asks at compile time.)
pub const fn looks_like_program(bytes: &[u8]) -> bool {
    matches!(bytes, [b'S', b'I', b'L', b'C', 0, 2, ..]) && bytes.len() >= read::HEADER_BYTES
}
