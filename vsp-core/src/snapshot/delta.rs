//! Deltas: what changed since another snapshot.

use super::layers::Runs;
use super::read::{Header, Identity, Snapshot, check_frames, check_runs, checked, memory_size};
use super::{Form, GLOBAL_BYTES};
use crate::limits::Limits;
use crate::program::{Cursor, ReadError, ReadErrorKind};

/// A delta in its file format: what changed since its base, which is a full snapshot or another delta. Its structure is
/// checked; [`Snapshot::with`] checks that it follows its base.
#[derive(Clone, Copy, Debug)]
pub struct Delta<'a> {
    header: Header,
    base: Identity,
    /// The globals that changed: their numbers, in ascending order, each followed by the value.
    globals: &'a [[u8; GLOBAL_BYTES]],
    frames: &'a [u8],
    pub(super) runs: Runs<'a>,
}

/// The error of deltas that do not follow each other. The first field of each variant is the number of the delta,
/// counted from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DeltaError {
    /// The delta belongs to another base.
    #[error("delta {delta} follows a snapshot of {base}, and was given after one of {given}")]
    Base {
        /// The delta.
        delta: usize,
        /// The snapshot that it follows.
        base: Identity,
        /// The snapshot before it.
        given: Identity,
    },
    /// The delta belongs to another program than its base.
    #[error("delta {delta} belongs to another program than its base")]
    Program {
        /// The delta.
        delta: usize,
    },
    /// The memory is smaller than that of the base.
    #[error("delta {delta} has {memory} bytes of memory, less than the {base} of its base")]
    Memory {
        /// The delta.
        delta: usize,
        /// Bytes of its memory.
        memory: u64,
        /// Bytes of memory of its base.
        base: u64,
    },
    /// A global does not exist.
    #[error("delta {delta} changes global {global}, and its base has {globals}")]
    Global {
        /// The delta.
        delta: usize,
        /// Number of the global.
        global: u32,
        /// Number of globals of the base.
        globals: usize,
    },
}

impl<'a> Delta<'a> {
    /// Reads a delta.
    ///
    /// # Errors
    /// The bytes are not a delta of format 1.0. The error gives the offset and the item that was being read.
    pub fn read(bytes: &'a [u8]) -> Result<Delta<'a>, ReadError> {
        checked(bytes, |at| Self::check(at, bytes))
    }

    fn check(at: &mut Cursor<'_>, bytes: &'a [u8]) -> Option<Delta<'a>> {
        let mut header = Header::read(at, Form::Delta)?;
        header.memory_maximum = memory_size(at, header.memory_bytes, "largest memory")?;
        let base =
            Identity { bytes: at.u64("length of the base")?, checksum: at.u32("checksum of the base")? };
        let globals_start = at.position();
        let mut least = 0;
        for _ in 0..header.globals {
            let global_at = *at;
            let global = at.u32("number of a global")?;
            global_at.at_most(global.into(), u64::from(Limits::DEFAULT.globals) - 1, "number of a global")?;
            if global < least {
                return global_at.fail("number of a global", ReadErrorKind::Order);
            }
            at.u64("value of a global")?;
            least = global + 1;
        }
        let frames_start = at.position();
        check_frames(at, &header)?;
        let runs_start = at.position();
        check_runs(at, &header, Form::Delta)?;
        Some(Delta {
            header,
            base,
            globals: bytes[globals_start..frames_start].as_chunks().0,
            frames: &bytes[frames_start..runs_start],
            runs: Runs::new(&bytes[runs_start..], header.runs),
        })
    }

    /// Returns the number and the checksum of its bytes.
    pub fn identity(&self) -> Identity {
        self.header.identity
    }

    /// Returns the number and the checksum of the bytes of its base: of the full snapshot or the delta before it.
    pub fn base(&self) -> Identity {
        self.base
    }

    /// Returns the value of a global that changed.
    pub(super) fn global(&self, global: u32) -> Option<u64> {
        let found = self.globals.binary_search_by_key(&global, |entry| split(entry).0).ok()?;
        Some(split(&self.globals[found]).1)
    }

    /// Returns the globals that changed, with their values.
    pub(super) fn globals(&self) -> impl Iterator<Item = (u32, u64)> + use<'a> {
        self.globals.iter().map(split)
    }
}

/// Returns the number and the value of a global that changed.
fn split(entry: &[u8; GLOBAL_BYTES]) -> (u32, u64) {
    let [a, b, c, d, value @ ..] = *entry;
    (u32::from_le_bytes([a, b, c, d]), u64::from_le_bytes(value))
}

impl<'a> Snapshot<'a> {
    /// Returns the snapshot that this full snapshot and these deltas, which follow it in this order, are together. (It
    /// borrows them: nothing is copied. If this one has deltas already, they are replaced.) It can be restored, and be
    /// the base of another delta.
    ///
    /// # Errors
    /// A delta does not follow the snapshot before it.
    pub fn with(self, deltas: &'a [Delta<'a>]) -> Result<Snapshot<'a>, DeltaError> {
        let mut before = self.full;
        for (index, delta) in deltas.iter().enumerate() {
            let number = index + 1;
            let Delta { header, base, .. } = *delta;
            if base != before.identity {
                return Err(DeltaError::Base { delta: number, base, given: before.identity });
            }
            let of = |header: &Header| (header.program_bytes, header.program_checksum);
            if of(&header) != of(&before) {
                return Err(DeltaError::Program { delta: number });
            }
            if header.memory_bytes < before.memory_bytes {
                let (memory, base) = (header.memory_bytes, before.memory_bytes);
                return Err(DeltaError::Memory { delta: number, memory, base });
            }
            let globals = self.globals.len();
            if let Some((global, _)) =
                delta.globals().last().filter(|(global, _)| *global as usize >= globals)
            {
                return Err(DeltaError::Global { delta: number, global, globals });
            }
            before = header;
        }
        let frames = deltas.last().map_or(self.full_frames, |delta| delta.frames);
        Ok(Snapshot { header: before, frames, deltas, ..self })
    }

    /// Returns the deltas that it was given.
    pub fn deltas(&self) -> &'a [Delta<'a>] {
        self.deltas
    }
}
