//! Writing a state file.

use alloc::borrow::ToOwned;
use alloc::vec::Vec;

use super::{
    HEADER_BYTES, HostState, HostStateError, MAGIC, MAX_NAME, MAX_PATH, MAX_SECTIONS, SectionWriter,
    StateFile, StateFileError, VERSION,
};
use crate::analysis::OutOfMemory;
use crate::bytes::Writer;
use crate::program::{CHECKSUM_AT, checksum};
use crate::snapshot::Snapshot;

/// Offset of the total length in the header.
const LENGTH_AT: usize = 8;

/// The program of a state file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SavedProgram<'a> {
    /// The file that it came from, at most 4,096 bytes; may be empty. It is a name for messages, and if the file does
    /// not have the bytes of the program, it says where they are.
    pub path: &'a str,
    /// The bytes of the program, if they shall be in the file.
    pub bytes: Option<&'a [u8]>,
}

impl From<OutOfMemory> for StateFileError {
    fn from(_: OutOfMemory) -> Self {
        StateFileError::OutOfMemory
    }
}

fn limited(what: &'static str, found: usize, least: usize, most: usize) -> Result<(), StateFileError> {
    match (least..=most).contains(&found) {
        true => Ok(()),
        false => Err(StateFileError::Limit { what, found, least, most }),
    }
}

impl StateFile<'_> {
    /// Writes a state file with a section for each module: those of one program, its snapshot and its host. The sections
    /// are in the order of their names, so the order of the modules does not matter.
    ///
    /// # Errors
    /// The snapshot is damaged, a module cannot save its state, two of them have one name, or there is no memory.
    pub fn write(
        program: SavedProgram<'_>,
        snapshot: &[u8],
        modules: &mut [&mut dyn HostState],
    ) -> Result<Vec<u8>, StateFileError> {
        Snapshot::read(snapshot)?;
        limited("bytes of the program's path", program.path.len(), 0, MAX_PATH as usize)?;
        limited("number of host modules", modules.len(), 0, MAX_SECTIONS as usize)?;
        let bytes = program.bytes.unwrap_or_default();
        limited("bytes of the program", bytes.len(), 0, u32::MAX as usize)?;
        let mut out = Writer::default();
        out.put(&MAGIC)?;
        out.u16(VERSION)?;
        out.u16(0)?;
        out.u64(0)?;
        out.u32(0)?;
        out.u32(modules.len() as u32)?;
        out.u32(program.path.len() as u32)?;
        out.u32(bytes.len() as u32)?;
        out.u64(snapshot.len() as u64)?;
        debug_assert_eq!(out.0.len(), HEADER_BYTES);
        out.put(program.path.as_bytes())?;
        out.put(bytes)?;
        out.put(snapshot)?;
        modules.sort_by(|one, other| one.name().cmp(other.name()));
        if let Some(pair) = modules.windows(2).find(|pair| pair[0].name() == pair[1].name()) {
            return Err(StateFileError::Duplicate(pair[0].name().to_owned()));
        }
        for module in modules {
            section(&mut out, &mut **module)?;
        }
        let mut file = out.0;
        let length = file.len() as u64;
        file[LENGTH_AT..][..8].copy_from_slice(&length.to_le_bytes());
        let checksum = checksum(&file);
        file[CHECKSUM_AT..][..4].copy_from_slice(&checksum.to_le_bytes());
        Ok(file)
    }
}

fn section(out: &mut Writer, module: &mut dyn HostState) -> Result<(), StateFileError> {
    let name = module.name().to_owned();
    limited("bytes of the name of a host module", name.len(), 1, MAX_NAME.into())?;
    out.u16(name.len() as u16)?;
    out.u16(module.version())?;
    let length_at = out.0.len();
    out.u64(0)?;
    out.put(name.as_bytes())?;
    let start = out.0.len();
    match module.save(&mut SectionWriter::new(&mut out.0)) {
        Ok(()) => {}
        Err(HostStateError::OutOfMemory) => return Err(StateFileError::OutOfMemory),
        Err(error) => return Err(StateFileError::Module { module: name, error }),
    }
    let length = (out.0.len() - start) as u64;
    out.0[length_at..][..8].copy_from_slice(&length.to_le_bytes());
    Ok(())
}
