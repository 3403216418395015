//! What is in a log, without running the program.

use alloc::vec::Vec;

use super::HEADER_BYTES;
use super::entry::{End, Entry, Reader};
use super::replayer::{Header, import_types};
use crate::outcome::ReplayError;
use crate::program::{Program, checksum_of};

/// What is in a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogSummary {
    /// The digest of the state at which the log begins.
    pub digest: u32,
    /// Number of calls by the host.
    pub calls_by_host: u64,
    /// Number of calls of each import of the program, in their order.
    pub calls: Vec<u64>,
    /// Size of the log in bytes, up to the last whole entry.
    pub bytes: u64,
    /// What the log tells about the state at its end.
    pub end: LogEnd,
}

/// The state at the end of a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LogEnd {
    /// The log has no end: more was recorded, or would have been.
    Missing,
    /// The program was being stepped, or was stopped without counting fuel: how far it ran is not known.
    Unknown,
    /// The program was idle, or waited for an answer, in a state with this digest.
    Digest(u32),
    /// The program was stopped, because fuel was used up or by an interruption.
    Stopped {
        /// The fuel that it had used since the log began.
        fuel: u64,
        /// The digest of the state.
        digest: u32,
    },
}

impl LogSummary {
    /// Reads a log of this program to its end, and checks it. Bytes after its end are ignored.
    ///
    /// Takes time linear in the log.
    ///
    /// # Errors
    /// The bytes are not a log, or belong to another program, or are damaged, or there is no memory. (A log that ends
    /// in the middle of an entry has [`LogEnd::Missing`].)
    pub fn read(bytes: &[u8], program: &Program<'_>) -> Result<LogSummary, ReplayError> {
        let digest = Header::read(bytes, program)?.digest;
        let types = import_types(program)?;
        let mut calls = Vec::new();
        calls.try_reserve_exact(types.len()).map_err(|_| ReplayError::OutOfMemory)?;
        calls.resize(types.len(), 0);
        let bytes_read = HEADER_BYTES as u64;
        let mut summary =
            LogSummary { digest, calls_by_host: 0, calls, bytes: bytes_read, end: LogEnd::Missing };
        let mut reader = Reader::new(bytes, HEADER_BYTES);
        loop {
            let entry = reader.entry(&types);
            match entry {
                None if reader.is_cut => return Ok(summary),
                None => {
                    let calls = summary.host_calls();
                    return Err(ReplayError::Damaged { calls, offset: summary.bytes });
                }
                Some(Entry::End { end, checksum: stored }) => {
                    let computed = checksum_of(&bytes[..reader.offset - 4]);
                    if computed != stored {
                        return Err(ReplayError::Checksum { stored, computed });
                    }
                    summary.bytes = reader.offset as u64;
                    summary.end = match end {
                        End::Unknown => LogEnd::Unknown,
                        End::Digest(digest) => LogEnd::Digest(digest),
                        End::Stopped { fuel, digest } => LogEnd::Stopped { fuel, digest },
                    };
                    return Ok(summary);
                }
                Some(Entry::Call { .. }) => summary.calls_by_host += 1,
                Some(Entry::Host(host)) => summary.calls[host.import.index()] += 1,
                Some(Entry::Yield { .. } | Entry::Answer { .. } | Entry::Fail { .. } | Entry::Reset) => {}
            }
            summary.bytes = reader.offset as u64;
        }
    }

    /// Returns the number of calls of host functions.
    pub fn host_calls(&self) -> u64 {
        self.calls.iter().sum()
    }
}
