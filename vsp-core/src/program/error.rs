//! The errors of reading and of building a program.

use alloc::string::String;

use crate::excerpt::Excerpt;
use crate::index::FuncIndex;
use crate::isa::{EncodeError, Opcode};

/// An error of reading a file: its offset, the item being read, and the reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("at offset {offset}{}{what}: {kind}", if what.is_empty() { "" } else { ", " })]
pub struct ReadError {
    /// Offset of the error in bytes from the start of the file.
    pub offset: usize,
    /// The item that was being read; empty without the feature `messages`.
    pub what: &'static str,
    /// The reason.
    pub kind: ReadErrorKind,
}

/// The reason of a [`ReadError`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReadErrorKind {
    /// The file or section ends too early.
    #[error("needs {needed} bytes, but only {left} are left")]
    TooShort {
        /// Bytes needed.
        needed: usize,
        /// Bytes left.
        left: usize,
    },
    /// The file does not start with `SILC`.
    #[error("expected \"SILC\": this is not a VSP program")]
    Magic,
    /// A program of the obsolete format 1.0.
    #[error("format 1.0 is no longer supported: assemble its source again")]
    OldVersion,
    /// An unknown format version.
    #[error("version {}.{} is unknown, expected 2.0 or 2.1", .0 >> 8, .0 & 0xFF)]
    Version(u16),
    /// The program states another version than the lowest one that can express it.
    #[error("the program needs format 2.{needed}, and says 2.{stated}")]
    Minor {
        /// The minor version that it needs.
        needed: u8,
        /// The minor version that it states.
        stated: u8,
    },
    /// The bytes do not start with `SILS`.
    #[error("expected \"SILS\": this is not a snapshot")]
    SnapshotMagic,
    /// An unknown version of the snapshot format.
    #[error("version {}.{} of snapshots is unknown, expected 1.0 or 1.1", .0 >> 8, .0 & 0xFF)]
    SnapshotVersion(u16),
    /// The bytes do not start with `SILD`.
    #[error("expected \"SILD\": this is not a delta of a snapshot")]
    DeltaMagic,
    /// An unknown version of the format of deltas.
    #[error("version {}.{} of deltas is unknown, expected 1.0", .0 >> 8, .0 & 0xFF)]
    DeltaVersion(u16),
    /// The bytes do not start with `SILR`.
    #[error("expected \"SILR\": this is not a log of host calls")]
    LogMagic,
    /// An unknown version of the format of logs.
    #[error("version {}.{} of logs is unknown, expected 1.0", .0 >> 8, .0 & 0xFF)]
    LogVersion(u16),
    /// The bytes do not start with `SILH`.
    #[error("expected \"SILH\": this is not a state file")]
    StateFileMagic,
    /// An unknown version of the format of state files.
    #[error("version {}.{} of state files is unknown, expected 1.0", .0 >> 8, .0 & 0xFF)]
    StateFileVersion(u16),
    /// The bytes do not start with `SILN`.
    #[error("expected \"SILN\": this is not a code object")]
    ObjectMagic,
    /// An unknown version of the code object format.
    #[error("version {}.{} of code objects is unknown, expected 1.0", .0 >> 8, .0 & 0xFF)]
    ObjectVersion(u16),
    /// Machine code for another ABI between code and host.
    #[error("the code has ABI version {0}, and this host has another: compile it again")]
    ObjectAbi(u32),
    /// The checksum does not match: the bytes were damaged.
    #[error("the file is damaged: its checksum is 0x{computed:08X}, expected 0x{stored:08X}")]
    Checksum {
        /// The checksum stored in the header.
        stored: u32,
        /// The checksum computed over the bytes.
        computed: u32,
    },
    /// A value other than the one that the format requires.
    #[error("expected {expected}, found {found}")]
    Expected {
        /// The value required by the format.
        expected: u64,
        /// The value found.
        found: u64,
    },
    /// A value above its limit.
    #[error("{found} is more than the limit of {limit}")]
    TooLarge {
        /// The value found.
        found: u64,
        /// The largest value allowed.
        limit: u64,
    },
    /// A value below its minimum.
    #[error("{found} is less than {least}")]
    TooSmall {
        /// The value found.
        found: u64,
        /// The smallest value allowed.
        least: u64,
    },
    /// A memory size that is not a multiple of 16.
    #[error("{0} is not a multiple of 16")]
    Granule(u64),
    /// A number that is not the id of a section or of a kind of name.
    #[error("{0} is unknown")]
    Unknown(u32),
    /// Entries that are not strictly ascending.
    #[error("out of order: entries must be strictly ascending")]
    Order,
    /// An entry that carries no information or repeats its predecessor.
    #[error("redundant: it must be left out")]
    Redundant,
    /// A function type with too many parameters or results, or reserved bits.
    #[error("0x{0:04X} is not a function type")]
    FuncType(u32),
    /// A name that is not UTF-8.
    #[error("the name is not UTF-8")]
    Utf8,
    /// Bytes after the last entry.
    #[error("{0} bytes are left over")]
    LeftOver(usize),
    /// The reason with this [number](ReadErrorKind::number); a build with the feature `messages` says more.
    #[error("error {0}")]
    Number(u8),
}

impl ReadErrorKind {
    /// Returns the number of the reason, 1–27. The numbers of reasons never change.
    #[inline(always)]
    pub const fn number(&self) -> u8 {
        match *self {
            ReadErrorKind::Magic => 1,
            ReadErrorKind::OldVersion => 2,
            ReadErrorKind::Version(_) => 3,
            ReadErrorKind::Minor { .. } => 4,
            ReadErrorKind::TooShort { .. } => 5,
            ReadErrorKind::Checksum { .. } => 6,
            ReadErrorKind::Expected { .. } => 7,
            ReadErrorKind::TooLarge { .. } => 8,
            ReadErrorKind::TooSmall { .. } => 9,
            ReadErrorKind::Granule(_) => 10,
            ReadErrorKind::Unknown(_) => 11,
            ReadErrorKind::Order => 12,
            ReadErrorKind::Redundant => 13,
            ReadErrorKind::FuncType(_) => 14,
            ReadErrorKind::Utf8 => 15,
            ReadErrorKind::LeftOver(_) => 16,
            ReadErrorKind::SnapshotMagic => 17,
            ReadErrorKind::SnapshotVersion(_) => 18,
            ReadErrorKind::DeltaMagic => 19,
            ReadErrorKind::DeltaVersion(_) => 20,
            ReadErrorKind::LogMagic => 21,
            ReadErrorKind::LogVersion(_) => 22,
            ReadErrorKind::StateFileMagic => 23,
            ReadErrorKind::StateFileVersion(_) => 24,
            ReadErrorKind::ObjectMagic => 25,
            ReadErrorKind::ObjectVersion(_) => 26,
            ReadErrorKind::ObjectAbi(_) => 27,
            ReadErrorKind::Number(number) => number,
        }
    }
}

/// An error of building a program.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// A branch goes to a label that was never bound.
    #[error("a branch goes to a label that was never bound")]
    LabelNotBound,
    /// A label was bound twice.
    #[error("a label was bound twice")]
    LabelBoundTwice,
    /// A label of another function was bound.
    #[error("a label of another function was bound")]
    ForeignLabel,
    /// [`FunctionBuilder::branch`](super::FunctionBuilder::branch) was given an instruction without a target.
    #[error("{} is not a branch", .0.mnemonic())]
    NotABranch(Opcode),
    /// An operand is out of range.
    #[error(transparent)]
    Encode(#[from] EncodeError),
    /// A function was declared and never defined.
    #[error("function {0} was declared and never defined")]
    NotDefined(FuncIndex),
    /// A function was defined twice, or with a type other than the declared one.
    #[error("function {0} was defined twice, or with a type other than the declared one")]
    Redefined(FuncIndex),
    /// A function has more locals than the format allows.
    #[error("function {0} has {1} locals, more than the limit of 4095")]
    Locals(FuncIndex, u16),
    /// A name is longer than the format allows.
    #[error("the name \"{}\" has more than 65535 bytes", Excerpt(.0))]
    NameTooLong(String),
    /// Two exports, or two custom sections, have the same name.
    #[error("duplicate name \"{}\"", Excerpt(.0))]
    Duplicate(String),
    /// Two data segments overlap.
    #[error("two data segments overlap at address {0}")]
    OverlappingData(u64),
    /// The program exceeds a limit or breaks another rule of the format.
    #[error("the program breaks a rule of the format: {0}")]
    Format(#[from] ReadError),
}
