//! The errors of recording and replaying.

use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;

use super::CallError;
use crate::index::Location;
use crate::program::ReadError;

/// The error of recording a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RecordError {
    /// The instance is already being recorded, or replays a log.
    #[error("the instance is already being recorded, or replays a log")]
    Busy,
    /// The instance is not being recorded.
    #[error("the instance is not being recorded")]
    NotRecording,
    /// A host function panicked, so that the log lacks its call.
    #[error("a host function panicked, and the log lacks its call")]
    Panicked,
    /// The sink did not take a part of the log.
    #[error("the log could not be written")]
    Sink,
    /// There is no memory for the log or for the digest of the state.
    #[error("out of memory")]
    OutOfMemory,
}

/// The error of replaying a log.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReplayError {
    /// The bytes are not a log.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The log belongs to another program.
    #[error("the log belongs to another program")]
    Program,
    /// The log begins at another state of the instance: at other memory, globals or frames.
    #[error("the log begins at a state with digest 0x{log:08X}, and the instance has 0x{instance:08X}")]
    Start {
        /// The digest in the log.
        log: u32,
        /// The digest of the instance.
        instance: u32,
    },
    /// The instance is already being recorded, or replays a log.
    #[error("the instance is already being recorded, or replays a log")]
    Busy,
    /// The instance does not replay a log.
    #[error("the instance does not replay a log")]
    NotReplaying,
    /// The program did something else than when it was recorded.
    #[error("after {calls} host calls{}{}: the log has {expected}, and the program {found}", used(.fuel), at(.location))]
    Differs {
        /// Number of calls of host functions before it.
        calls: u64,
        /// The fuel used since the log began, if the instance is metered.
        fuel: Option<u64>,
        /// The location of the program, if it was in a host call.
        location: Option<Location>,
        /// What the log has.
        expected: String,
        /// What the program did.
        found: String,
    },
    /// An entry of the log is not valid.
    #[error("after {calls} host calls, the log is damaged at offset {offset}")]
    Damaged {
        /// Number of calls of host functions before it.
        calls: u64,
        /// Offset of the entry.
        offset: u64,
    },
    /// The bytes of the log were changed.
    #[error("the log is damaged: its checksum is 0x{computed:08X}, expected 0x{stored:08X}")]
    Checksum {
        /// The checksum at the end of the log.
        stored: u32,
        /// The checksum of the log.
        computed: u32,
    },
    /// The program ended with another state than when it was recorded.
    #[error("the log ends at a state with digest 0x{log:08X}, and the program ended with 0x{instance:08X}")]
    End {
        /// The digest in the log.
        log: u32,
        /// The digest of the instance.
        instance: u32,
    },
    /// A call of the log cannot be made.
    #[error("a call of the log cannot be made: {0}")]
    Call(Box<CallError>),
    /// The log ends where the program was stopped, which an instance without metering of fuel cannot find.
    #[error(
        "the log ends where the program was stopped, and only an instance that counts fuel finds the place"
    )]
    NotMetered,
    /// There is no memory.
    #[error("out of memory")]
    OutOfMemory,
}

fn used(fuel: &Option<u64>) -> String {
    fuel.map_or_else(String::new, |fuel| format!(" and {fuel} units of fuel"))
}

fn at(location: &Option<Location>) -> String {
    location.map_or_else(String::new, |location| format!(" at {location}"))
}
