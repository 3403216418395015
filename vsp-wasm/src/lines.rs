//! Source lines: from the DWARF sections of a module to the line table of the program.
//!
//! An address of DWARF is an offset in the code section. DWARF is optional and nobody has validated it: what is wrong
//! with it only costs lines. All limits are those of what compilers make, with room.

mod paths;
mod rows;
mod units;

use alloc::vec::Vec;

use gimli::{AttributeValue, EndianSlice, LittleEndian};
use vsp_core::program::ProgramBuilder;

use crate::error::Error;
use crate::module::Module;

use paths::Paths;

/// Bytes of a module as gimli reads them.
type Bytes<'a> = EndianSlice<'a, LittleEndian>;

/// The largest length in bytes of a part of a path.
const MAX_PART: usize = 4096;

/// The sections of a module that lines are read from; one that the module does not have is empty.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Dwarf<'a> {
    line: &'a [u8],
    info: &'a [u8],
    abbreviations: &'a [u8],
    strings: &'a [u8],
    line_strings: &'a [u8],
}

impl<'a> Dwarf<'a> {
    /// Adds a custom section of the module, if it is one of these.
    pub(crate) fn add(&mut self, name: &str, bytes: &'a [u8]) {
        match name {
            ".debug_line" => self.line = bytes,
            ".debug_info" => self.info = bytes,
            ".debug_abbrev" => self.abbreviations = bytes,
            ".debug_str" => self.strings = bytes,
            ".debug_line_str" => self.line_strings = bytes,
            _ => {}
        }
    }

    /// Returns the bytes of a string.
    fn string(&self, value: AttributeValue<Bytes<'a>>) -> Option<&'a [u8]> {
        let from = match value {
            AttributeValue::String(bytes) => bytes.slice(),
            AttributeValue::DebugStrRef(offset) => self.strings.get(offset.0..)?,
            AttributeValue::DebugLineStrRef(offset) => self.line_strings.get(offset.0..)?,
            _ => return None,
        };
        let from = from.get(..MAX_PART).unwrap_or(from);
        from.split(|byte| *byte == 0).next()
    }
}

/// No source file.
const NONE: u32 = u32::MAX;

/// From this offset up to that of the next row, code comes from this line.
#[derive(Clone, Copy, Debug)]
struct Row {
    /// An offset in the code section.
    start: u32,
    /// A number of [`Paths`], or [`NONE`] if the line is not known.
    file: u32,
    line: u32,
}

/// The source lines of a module.
#[derive(Debug, Default)]
pub(crate) struct Lines {
    /// Ordered by their starts.
    rows: Vec<Row>,
    paths: Paths,
    /// The number of rows up to the one that was found last.
    found: usize,
}

impl Lines {
    /// Reads the lines of a module.
    pub(crate) fn read(module: &Module<'_>) -> Lines {
        let (Some(first), Some(last)) = (module.bodies.first(), module.bodies.last()) else {
            return Lines::default();
        };
        let code = module.code_offset(first.range().start)..module.code_offset(last.range().end);
        let (mut rows, paths) = rows::read(&module.dwarf, code, module.bodies.len());
        // Of two sequences, one can begin where the other ends.
        rows.sort_unstable_by_key(|row| (row.start, row.file != NONE, row.file, row.line));
        Lines { rows, paths, found: 0 }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Returns source file and line of the operator at an offset in the code section. The file is one of `program`.
    pub(crate) fn find(
        &mut self,
        offset: u32,
        program: &mut ProgramBuilder,
    ) -> Result<Option<(u32, u32)>, Error> {
        if self.is_empty() {
            return Ok(None);
        }
        // Most of the time it is the same row, or the next one.
        let is_last = |rows: &[Row], count: usize| {
            count.checked_sub(1).and_then(|at| rows.get(at)).is_none_or(|row| row.start <= offset)
                && rows.get(count).is_none_or(|row| offset < row.start)
        };
        let near = [self.found, self.found + 1].into_iter().find(|count| is_last(&self.rows, *count));
        self.found = near.unwrap_or_else(|| self.rows.partition_point(|row| row.start <= offset));
        match self.found.checked_sub(1).and_then(|at| self.rows.get(at)) {
            Some(Row { file, line, .. }) if *file != NONE => {
                Ok(Some((self.paths.source_file(*file, program)?, *line)))
            }
            _ => Ok(None),
        }
    }
}
