//! Reading a state file.

use alloc::borrow::ToOwned;

use super::{
    HEADER_BYTES, HostState, MAGIC, MAX_NAME, MAX_PATH, MAX_SECTIONS, SECTION_HEADER_BYTES, SectionReader,
    StateFileError, VERSION,
};
use crate::program::{Cursor, FirstError, ReadError, ReadErrorKind, checksum};
use crate::snapshot::Snapshot;

/// A state file. Its structure and that of its snapshot are checked; the program and the sections of the modules are
/// checked by those who read them.
#[derive(Clone, Copy, Debug)]
pub struct StateFile<'a> {
    path: &'a str,
    program: Option<&'a [u8]>,
    snapshot: Snapshot<'a>,
    snapshot_bytes: &'a [u8],
    sections: &'a [u8],
    section_count: u32,
}

/// The section of a host module.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HostSection<'a> {
    /// The name of the module.
    pub name: &'a str,
    /// The version of the bytes.
    pub version: u16,
    /// The bytes that the module wrote.
    pub bytes: &'a [u8],
}

/// The sizes in the header.
struct Header {
    sections: u32,
    path: u32,
    program: u32,
    snapshot: u64,
}

impl<'a> StateFile<'a> {
    /// Returns whether these bytes are a state file, or meant to be one.
    pub fn is_state_file(bytes: &[u8]) -> bool {
        bytes.starts_with(&MAGIC)
    }

    /// Reads a state file. Nothing is copied.
    ///
    /// # Errors
    /// The bytes are not a state file of format 1.0. The error gives the offset and the item that was being read.
    pub fn read(bytes: &'a [u8]) -> Result<StateFile<'a>, ReadError> {
        let errors = FirstError::default();
        let file = Self::check(Cursor::new(bytes, 0).reporting(&errors), bytes);
        match (file, errors.take()) {
            (Some(Ok(file)), None) => Ok(file),
            (Some(Err(error)), None) | (_, Some(error)) => Err(error),
            (None, None) => unreachable!("an error of the reader is reported"),
        }
    }

    /// Returns `None` if an error was reported. The error of a snapshot is its own.
    fn check<'e>(mut at: Cursor<'e>, bytes: &'a [u8]) -> Option<Result<StateFile<'a>, ReadError>>
    where
        'a: 'e,
    {
        let header = Header::read(&mut at)?;
        let path_at = at;
        let start = at.position();
        at.bytes(header.path as usize, "path of the program")?;
        let Ok(path) = core::str::from_utf8(&bytes[start..at.position()]) else {
            return path_at.fail("path of the program", ReadErrorKind::Utf8);
        };
        let program_at = at;
        let start = at.position();
        at.bytes(header.program as usize, "program")?;
        let program = (header.program > 0).then_some(&bytes[start..at.position()]);
        let start = at.position();
        at.bytes(usize::try_from(header.snapshot).unwrap_or(usize::MAX), "snapshot")?;
        let snapshot_bytes = &bytes[start..at.position()];
        let snapshot = match Snapshot::read(snapshot_bytes) {
            Ok(snapshot) => snapshot,
            Err(error) => return Some(Err(ReadError { offset: error.offset + start, ..error })),
        };
        if let Some(program) = program {
            program_at.expect(
                program.len() as u64,
                snapshot.program_bytes().into(),
                "length of the program",
            )?;
        }
        let start = at.position();
        check_sections(&mut at, header.sections)?;
        at.finish("end of the sections")?;
        let (sections, section_count) = (&bytes[start..], header.sections);
        Some(Ok(StateFile { path, program, snapshot, snapshot_bytes, sections, section_count }))
    }

    /// Returns the size of the file in bytes.
    pub fn bytes(&self) -> usize {
        let program = self.program.map_or(0, <[u8]>::len);
        HEADER_BYTES + self.path.len() + program + self.snapshot_bytes.len() + self.sections.len()
    }

    /// Returns the file that the program came from. It may be empty, and comes from the file like everything else: it
    /// can name any file.
    pub fn program_path(&self) -> &'a str {
        self.path
    }

    /// Returns the bytes of the program, if they are in the file. They have the length that the snapshot states.
    pub fn program_bytes(&self) -> Option<&'a [u8]> {
        self.program
    }

    /// Returns the snapshot.
    pub fn snapshot(&self) -> &Snapshot<'a> {
        &self.snapshot
    }

    /// Returns the bytes of the snapshot.
    pub fn snapshot_bytes(&self) -> &'a [u8] {
        self.snapshot_bytes
    }

    /// Returns the sections of the host modules, in the order of their names.
    pub fn sections(&self) -> impl Iterator<Item = HostSection<'a>> + use<'a> {
        let mut at = Cursor::new(self.sections, 0);
        (0..self.section_count).map_while(move |_| read_section(&mut at))
    }

    /// Restores the modules of the host from their sections.
    ///
    /// # Errors
    /// The host has other modules than the file, or a module cannot be restored: the error says which and why. Modules
    /// may be half restored then.
    pub fn restore(&self, modules: &mut [&mut dyn HostState]) -> Result<(), StateFileError> {
        for section in self.sections() {
            if !modules.iter().any(|module| module.name() == section.name) {
                return Err(StateFileError::Unknown(section.name.to_owned()));
            }
        }
        for module in modules {
            let section = self.sections().find(|section| section.name == module.name());
            let section = section.ok_or_else(|| StateFileError::Missing(module.name().to_owned()))?;
            let restored = module.restore(section.version, SectionReader::new(section.bytes));
            restored.map_err(|error| StateFileError::Module { module: section.name.to_owned(), error })?;
        }
        Ok(())
    }
}

impl Header {
    fn read(at: &mut Cursor<'_>) -> Option<Header> {
        let whole = *at;
        at.magic(MAGIC, ReadErrorKind::StateFileMagic)?;
        let version_at = *at;
        let version = at.u16("version")?;
        if version != VERSION {
            return version_at.fail("version", ReadErrorKind::StateFileVersion(version));
        }
        let flags_at = *at;
        let flags = at.u16("flags")?;
        let length_at = *at;
        let length = at.u64("total length")?;
        length_at.expect(whole.remaining() as u64, length, "total length")?;
        at.expect_checksum("checksum", || checksum(whole.rest()))?;
        flags_at.expect(flags.into(), 0, "flags")?;
        let sections_at = *at;
        let sections = at.u32("number of sections")?;
        sections_at.at_most(sections.into(), MAX_SECTIONS.into(), "number of sections")?;
        let path_at = *at;
        let path = at.u32("length of the program's path")?;
        path_at.at_most(path.into(), MAX_PATH.into(), "length of the program's path")?;
        let program = at.u32("length of the program")?;
        let snapshot = at.u64("length of the snapshot")?;
        debug_assert_eq!(at.position(), HEADER_BYTES);
        Some(Header { sections, path, program, snapshot })
    }
}

fn check_sections(at: &mut Cursor<'_>, count: u32) -> Option<()> {
    let mut last = "";
    for _ in 0..count {
        let start = *at;
        let section = read_section(at)?;
        if section.name <= last {
            return start.fail("name of a section", ReadErrorKind::Order);
        }
        last = section.name;
    }
    Some(())
}

fn read_section<'a>(at: &mut Cursor<'a>) -> Option<HostSection<'a>> {
    let mut fields = at.section(SECTION_HEADER_BYTES, "section")?;
    let length_at = fields;
    let name_length = fields.u16("length of the name of a section")?;
    length_at.at_most(name_length.into(), MAX_NAME.into(), "length of the name of a section")?;
    let version = fields.u16("version of a section")?;
    let length = fields.u64("length of a section")?;
    let name_at = *at;
    let name = core::str::from_utf8(at.bytes(name_length.into(), "name of a section")?);
    let Ok(name) = name else { return name_at.fail("name of a section", ReadErrorKind::Utf8) };
    let bytes = at.bytes(usize::try_from(length).unwrap_or(usize::MAX), "section")?;
    Some(HostSection { name, version, bytes })
}
