//! The rows of the line number programs in `.debug_line`.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use core::ops::Range;

use gimli::{
    DebugLine, DebugLineOffset, IncompleteLineProgram, LineInstruction, LineProgramHeader, LineRow,
    LittleEndian, Reader,
};

use super::paths::Paths;
use super::units::directories;
use super::{Bytes, Dwarf, NONE, Row};

/// The largest header of a line number program in bytes, with its list of files. A file of it can take a hundred times
/// the memory of its bytes.
const MAX_HEADER: usize = 1 << 18;

/// Reads the lines of the code of all functions. It is at `code` in the code section, which begins with the number of
/// functions.
pub(super) fn read(dwarf: &Dwarf<'_>, code: Range<u32>, functions: usize) -> (Vec<Row>, Paths) {
    let directories = directories(dwarf);
    let mut reader = Rows {
        dwarf,
        code,
        rows: Vec::new(),
        first: 0,
        skip: false,
        count_bytes: (functions.max(1).ilog2() + 7) / 7,
        shift: 0,
        directory: &[],
        files: BTreeMap::new(),
        paths: Paths::new(dwarf.line.len()),
    };
    let mut rest = Bytes::new(dwarf.line, LittleEndian);
    while let Some((program, bytes)) = next_program(&mut rest) {
        let offset = dwarf.line.len() - rest.len() - bytes.len();
        let directory = directories.get(&offset).copied().unwrap_or_default();
        if let Some(program) = program {
            reader.program(program, directory);
        }
    }
    (reader.rows, reader.paths)
}

/// Takes the next line number program. Its header is `None` if it cannot be read.
fn next_program<'a>(rest: &mut Bytes<'a>) -> Option<(Option<IncompleteLineProgram<Bytes<'a>>>, Bytes<'a>)> {
    let whole = *rest;
    let (length, format) = rest.read_initial_length().ok()?;
    let mut body = rest.split(length).ok()?;
    let bytes = Bytes::new(&whole.slice()[..whole.len() - rest.len()], LittleEndian);
    let mut header_length = || {
        if body.read_u16()? >= 5 {
            // The sizes of an address and of a segment selector.
            body.skip(2)?;
        }
        body.read_length(format)
    };
    let program = match header_length() {
        Ok(length) if length <= MAX_HEADER => {
            DebugLine::from(bytes).program(DebugLineOffset(0), 4, None, None).ok()
        }
        _ => None,
    };
    Some((program, bytes))
}

struct Rows<'a, 'd> {
    dwarf: &'d Dwarf<'a>,
    code: Range<u32>,
    rows: Vec<Row>,
    /// The number of rows before those of the current sequence.
    first: usize,
    /// Whether the current sequence has no code in the module.
    skip: bool,
    /// The length in bytes of the number of functions.
    count_bytes: u32,
    /// Distance from the addresses of the current program to its code.
    shift: u32,
    /// The directory in which the compiler ran.
    directory: &'a [u8],
    /// The files of the current program that occurred, by their numbers there.
    files: BTreeMap<u64, u32>,
    paths: Paths,
}

impl<'a> Rows<'a, '_> {
    /// Executes a line number program. A sequence that is not complete when there is an error is left out. The numbers
    /// of files and directories are those of DWARF 4 or 5; `directory` is that of the unit in DWARF 4.
    fn program(&mut self, mut program: IncompleteLineProgram<Bytes<'a>>, directory: &'a [u8]) {
        let header = program.header();
        self.directory = match header.version() {
            ..5 => directory,
            _ => header.directory(0).and_then(|value| self.dwarf.string(value)).unwrap_or_default(),
        };
        self.paths.add_directory(self.directory);
        self.files.clear();
        (self.skip, self.shift) = (false, 0);
        let mut instructions = program.header().instructions();
        let mut row = LineRow::new(program.header());
        while let Ok(Some(instruction)) = instructions.next_instruction(program.header()) {
            match instruction {
                // Its negation overflows.
                LineInstruction::AdvanceLine(i64::MIN) => break,
                // Files belong to the header.
                LineInstruction::DefineFile(_) => continue,
                LineInstruction::SetAddress(address) => {
                    // What the linker removed.
                    self.skip |= address < row.address();
                    // The crate `wast` (263) counts from the end of the number of functions.
                    if u64::from(self.code.start).checked_sub(address) == Some(self.count_bytes.into()) {
                        self.shift = self.count_bytes;
                    }
                }
                _ => {}
            }
            match row.execute(instruction, &mut program) {
                Ok(true) => {
                    self.row(&row, program.header());
                    row.reset(program.header());
                }
                Ok(false) => {}
                Err(_) => break,
            }
            // Compilers make, with the ends of sequences, at most one and a half for each byte.
            if self.rows.len() > 2 * self.code.len() {
                break;
            }
        }
        self.rows.truncate(self.first);
    }

    fn row(&mut self, row: &LineRow, header: &LineProgramHeader<Bytes<'a>>) {
        let address = u32::try_from(row.address()).unwrap_or(u32::MAX).saturating_add(self.shift);
        if row.end_sequence() {
            self.end(address);
            return;
        }
        // The linker gives the address 0 to what it removed, where there is no code.
        self.skip |= !self.code.contains(&address);
        if self.skip {
            return;
        }
        let line = row.line().and_then(|line| u32::try_from(line.get()).ok());
        let file = line.and_then(|_| self.file(row.file_index(), header));
        let new = Row { start: address, file: file.unwrap_or(NONE), line: line.unwrap_or(0) };
        if self.sequence().last().is_some_and(|last| last.start == address) {
            self.rows.pop();
        }
        let repeats = |last: &Row| (last.file, last.line) == (new.file, new.line);
        if !self.sequence().last().is_some_and(repeats) {
            self.rows.push(new);
        }
    }

    /// Returns the rows of the current sequence.
    fn sequence(&self) -> &[Row] {
        self.rows.get(self.first..).unwrap_or(&[])
    }

    /// Ends a sequence of rows.
    fn end(&mut self, address: u32) {
        if core::mem::take(&mut self.skip) || self.sequence().is_empty() {
            self.rows.truncate(self.first);
        } else {
            self.rows.push(Row { start: address, file: NONE, line: 0 });
        }
        self.first = self.rows.len();
    }

    /// Returns the number of a file's path.
    fn file(&mut self, number: u64, header: &LineProgramHeader<Bytes<'a>>) -> Option<u32> {
        if let Some(known) = self.files.get(&number) {
            return (*known != NONE).then_some(*known);
        }
        let path = u32::try_from(number).ok().and_then(|_| {
            let file = header.file(number)?;
            let below = match u32::try_from(file.directory_index()).ok()? {
                0 => &[],
                _ => self.dwarf.string(file.directory(header)?)?,
            };
            self.paths.add([self.directory, below, self.dwarf.string(file.path_name())?])
        });
        self.files.insert(number, path.unwrap_or(NONE));
        path
    }
}
