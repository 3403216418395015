//! The log of what the host did to a program: its bytes, writing and reading them. `docs/format.md` describes every
//! byte.
//!
//! [`record`](crate::record) has the interface of instances.

mod entry;
mod recorder;
mod replayer;
mod summary;
mod watch;

pub(crate) use entry::{Answer, Args, End, Entry, HostEntry};
pub(crate) use recorder::{HostRecord, Recorder, Sink};
pub(crate) use replayer::Replayer;
pub use summary::{LogEnd, LogSummary};
pub(crate) use watch::NoMemory;

/// The first four bytes of every log.
const MAGIC: [u8; 4] = *b"SILR";

/// The version of the format: 1.0.
const VERSION: u16 = 0x0100;

/// Size of the header in bytes.
const HEADER_BYTES: usize = 24;

/// The tags of the entries.
mod tag {
    /// The end of a log whose last state is not known exactly.
    pub(super) const END: u8 = 0;
    /// The end of a log, with a digest of the state.
    pub(super) const END_WITH_DIGEST: u8 = 1;
    /// A call by the host.
    pub(super) const CALL: u8 = 2;
    /// The answer to a YIELD.
    pub(super) const YIELD: u8 = 3;
    /// The results of a pending host call.
    pub(super) const ANSWER: u8 = 4;
    /// The error of a pending host call.
    pub(super) const FAIL: u8 = 5;
    /// The end of a call that the host abandoned.
    pub(super) const RESET: u8 = 6;
    /// The end of a log while the program is suspended with Fuel or Interrupted, with the fuel used and a digest.
    pub(super) const END_STOPPED: u8 = 7;
    /// A call of a host function. The lower four bits are the three fields below.
    pub(super) const HOST: u8 = 0x10;
    /// The end of the call of a host function.
    pub(super) const HOST_END: u8 = 3;
    pub(super) const RESULTS: u8 = 0;
    pub(super) const ERROR: u8 = 1;
    pub(super) const ERROR_WITH_TEXT: u8 = 2;
    pub(super) const PENDING: u8 = 3;
    /// The host function charged fuel.
    pub(super) const CHARGED: u8 = 4;
    /// The host function wrote to the memory.
    pub(super) const WROTE: u8 = 8;
}

/// A place in a log: before one of its entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct LogPosition {
    /// Offset of the entry in the log.
    pub offset: u64,
    /// Number of calls of host functions before it.
    pub calls: u64,
    /// The fuel used since the log began, if the instance is metered.
    pub fuel: Option<u64>,
}

impl LogPosition {
    /// Returns the place before the first entry.
    fn first() -> LogPosition {
        LogPosition { offset: HEADER_BYTES as u64, calls: 0, fuel: None }
    }
}
