//! The builder of programs in Rust.

use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;

use super::contents::{Contents, OwnedData, OwnedFunction, OwnedImport};
use super::error::BuildError;
use super::function::{Assembled, FunctionBuilder};
use super::sections::{LineEntry, NameKind};
use super::{read, write};
use crate::func_type::FuncType;
use crate::index::{ConstIndex, FuncIndex, GlobalIndex, ImportIndex, PassiveIndex};
use crate::limits::{Limits, MAX_NAME};

#[derive(Clone, Debug)]
struct Function {
    ty: FuncType,
    body: Option<FunctionBuilder>,
}

/// Collects a program and writes its `.silc` file.
///
/// ```
/// use vsp_core::isa::{Inst, Reg::*};
/// use vsp_core::program::{FuncType, FunctionBuilder, Program, ProgramBuilder};
///
/// // The sum of 1 to n.
/// let ty = FuncType::new(1, 1).ok_or("type")?;
/// let mut code = FunctionBuilder::new(ty);
/// let end = code.label();
/// let next = code.here();
/// code.branch(Inst::jz(R0, 0)?, end);
/// code.push(Inst::add(R1, R1, R0)?);
/// code.push(Inst::addi(R0, R0, -1)?);
/// code.branch(Inst::jmp(0)?, next);
/// code.bind(end);
/// code.push(Inst::mov(R0, R1)?);
/// code.push(Inst::ret()?);
///
/// let mut program = ProgramBuilder::new();
/// let sum = program.function(code);
/// program.export("sum", sum)?;
/// let bytes = program.build()?;
/// assert_eq!(Program::read(&bytes[..])?.export("sum"), Some(sum));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct ProgramBuilder {
    contents: Contents,
    functions: Vec<Function>,
    pool: BTreeMap<u64, ConstIndex>,
}

impl ProgramBuilder {
    /// Creates an empty program.
    pub fn new() -> ProgramBuilder {
        ProgramBuilder::default()
    }

    /// Sets the smallest memory that the program works with, in bytes: a multiple of 16.
    pub fn memory(&mut self, minimum: u64) {
        self.contents.memory_minimum = minimum;
    }

    /// Sets the size in bytes to which the memory can grow: a multiple of 16, at most 2³². Without it, or below the
    /// smallest memory, the memory cannot grow.
    pub fn memory_maximum(&mut self, maximum: u64) {
        self.contents.memory_maximum = maximum;
    }

    /// Declares an import.
    ///
    /// # Errors
    /// A name is too long.
    pub fn import(&mut self, module: &str, name: &str, ty: FuncType) -> Result<ImportIndex, BuildError> {
        let import = OwnedImport { module: checked(module)?, name: checked(name)?, ty };
        self.contents.imports.push(import);
        Ok(ImportIndex(self.contents.imports.len() as u32 - 1))
    }

    /// Returns the index of a constant with this value: an existing one of the pool or a new one.
    pub fn constant(&mut self, value: u64) -> ConstIndex {
        match self.pool.get(&value) {
            Some(index) => *index,
            None => self.new_constant(value),
        }
    }

    /// Appends a constant to the pool, even if its value is already there.
    pub fn new_constant(&mut self, value: u64) -> ConstIndex {
        let index = ConstIndex(self.contents.constants.len() as u32);
        self.contents.constants.push(value);
        self.pool.entry(value).or_insert(index);
        index
    }

    /// Adds a global with its initial value.
    pub fn global(&mut self, initial: u64) -> GlobalIndex {
        self.contents.globals.push(initial);
        GlobalIndex(self.contents.globals.len() as u32 - 1)
    }

    /// Adds a data segment with an optional debug name. Segments without bytes are left out.
    ///
    /// # Errors
    /// The name is too long.
    pub fn data(&mut self, address: u32, bytes: Vec<u8>, name: Option<&str>) -> Result<(), BuildError> {
        let name = name.map(checked).transpose()?;
        if !bytes.is_empty() {
            self.contents.data.push(OwnedData { address, bytes, name });
        }
        Ok(())
    }

    /// Adds a passive segment: bytes that MEMINIT copies to the memory. Returns its index.
    pub fn passive(&mut self, bytes: Vec<u8>) -> PassiveIndex {
        self.contents.passive.push(bytes);
        PassiveIndex(self.contents.passive.len() as u32 - 1)
    }

    /// Declares a function, so that others can call it before it is defined.
    pub fn declare(&mut self, ty: FuncType) -> FuncIndex {
        self.functions.push(Function { ty, body: None });
        FuncIndex(self.functions.len() as u32 - 1)
    }

    /// Changes the type of a declared function.
    #[cfg(feature = "text")]
    pub(crate) fn redeclare(&mut self, index: FuncIndex, ty: FuncType) {
        if let Some(function) = self.functions.get_mut(index.index()) {
            function.ty = ty;
        }
    }

    /// Defines a declared function.
    ///
    /// # Errors
    /// It is already defined, was never declared, or was declared with another type.
    pub fn define(&mut self, index: FuncIndex, body: FunctionBuilder) -> Result<(), BuildError> {
        match self.functions.get_mut(index.index()) {
            Some(function) if function.body.is_none() && function.ty == body.ty => {
                function.body = Some(body);
                Ok(())
            }
            _ => Err(BuildError::Redefined(index)),
        }
    }

    /// Declares and defines a function.
    pub fn function(&mut self, body: FunctionBuilder) -> FuncIndex {
        self.functions.push(Function { ty: body.ty, body: Some(body) });
        FuncIndex(self.functions.len() as u32 - 1)
    }

    /// Exports a function.
    ///
    /// # Errors
    /// The name is too long or already exported.
    pub fn export(&mut self, name: &str, function: FuncIndex) -> Result<(), BuildError> {
        match self.contents.exports.insert(checked(name)?, function) {
            None => Ok(()),
            Some(_) => Err(BuildError::Duplicate(name.into())),
        }
    }

    /// Gives a function, global or passive segment a debug name. (Data segments are named by [`Self::data`].)
    ///
    /// # Errors
    /// The name is too long.
    pub fn name(&mut self, kind: NameKind, index: u32, name: &str) -> Result<(), BuildError> {
        self.contents.names.insert((kind, index), checked(name)?);
        Ok(())
    }

    /// Returns the index of a source file, for [`FunctionBuilder::line`].
    ///
    /// # Errors
    /// The name is too long.
    pub fn source_file(&mut self, name: &str) -> Result<u32, BuildError> {
        let known = self.contents.source_files.iter().position(|file| file == name);
        match known {
            Some(index) => Ok(index as u32),
            None => self.push_source_file(name),
        }
    }

    /// Appends a source file, even if its name is already there.
    ///
    /// # Errors
    /// The name is too long.
    pub fn push_source_file(&mut self, name: &str) -> Result<u32, BuildError> {
        self.contents.source_files.push(checked(name)?);
        Ok(self.contents.source_files.len() as u32 - 1)
    }

    /// Returns the number of source files.
    #[cfg(feature = "text")]
    pub(crate) fn source_file_count(&self) -> usize {
        self.contents.source_files.len()
    }

    /// Clears the list of source files.
    #[cfg(feature = "text")]
    pub(crate) fn forget_source_files(&mut self) {
        self.contents.source_files.clear();
    }

    /// Adds a custom section.
    ///
    /// # Errors
    /// The name is too long or already used by a custom section.
    pub fn custom(&mut self, name: &str, bytes: Vec<u8>) -> Result<(), BuildError> {
        match self.contents.customs.insert(checked(name)?, bytes) {
            None => Ok(()),
            Some(_) => Err(BuildError::Duplicate(name.into())),
        }
    }

    /// Writes the file.
    ///
    /// # Errors
    /// A label was not bound, a function was not defined, data segments overlap, or the program breaks a rule of the
    /// format.
    pub fn build(self) -> Result<Vec<u8>, BuildError> {
        self.build_limited(&Limits::DEFAULT)
    }

    /// Writes the file like [`ProgramBuilder::build`], with other limits.
    ///
    /// # Errors
    /// As [`ProgramBuilder::build`], or the program exceeds the limits.
    pub fn build_limited(self, limits: &Limits) -> Result<Vec<u8>, BuildError> {
        let mut contents = self.contents;
        let mut word = 0;
        for (index, function) in self.functions.into_iter().enumerate() {
            let body = function.body.ok_or(BuildError::NotDefined(FuncIndex(index as u32)))?;
            let (ty, locals) = (body.ty, body.locals);
            if u32::from(locals) > Limits::DEFAULT.locals {
                return Err(BuildError::Locals(FuncIndex(index as u32), locals));
            }
            let Assembled { words, lines } = body.assemble()?;
            append_lines(&mut contents.lines, &lines, word);
            word += words.len() as u32;
            contents.functions.push(OwnedFunction { ty, locals, words });
        }
        sort_data(&mut contents)?;
        let bytes = write::write(&contents);
        read::check(&bytes, &limits.within_format())?;
        Ok(bytes)
    }
}

fn checked(name: &str) -> Result<String, BuildError> {
    if name.len() > MAX_NAME { Err(BuildError::NameTooLong(name.into())) } else { Ok(name.into()) }
}

/// Appends the line table of a function that starts at word `start`. An entry that repeats its predecessor is left out.
/// A function does not inherit the last line of the preceding function.
fn append_lines(all: &mut Vec<LineEntry>, lines: &[LineEntry], start: u32) {
    if let Some(last) = all.last()
        && last.line != 0
        && lines.first().is_none_or(|first| first.word > 0)
    {
        all.push(LineEntry { word: start, file: last.file, line: 0 });
    }
    for entry in lines {
        let repeats = all.last().is_some_and(|last| (last.file, last.line) == (entry.file, entry.line));
        if !repeats {
            all.push(LineEntry { word: start + entry.word, ..*entry });
        }
    }
}

fn sort_data(contents: &mut Contents) -> Result<(), BuildError> {
    contents.data.sort_by_key(|segment| segment.address);
    for pair in contents.data.windows(2) {
        let end = u64::from(pair[0].address) + pair[0].bytes.len() as u64;
        if u64::from(pair[1].address) < end {
            return Err(BuildError::OverlappingData(u64::from(pair[1].address)));
        }
    }
    for (index, segment) in contents.data.iter_mut().enumerate() {
        if let Some(name) = segment.name.take() {
            contents.names.insert((NameKind::Data, index as u32), name);
        }
    }
    Ok(())
}
