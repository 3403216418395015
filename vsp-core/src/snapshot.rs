//! Snapshots: an instance as bytes, to be called or resumed by another engine, process or architecture.
//!
//! [`Instance::save`](crate::Instance::save) creates the bytes, [`Snapshot::read`] checks them, and
//! [`Instance::restore`](crate::Instance::restore) creates an instance from them and the program that they belong to.
//! `docs/format.md` describes every byte. The bytes of a snapshot depend on the program and on its execution, and
//! neither on the engine nor on the architecture.
//!
//! ```
//! # #[cfg(feature = "text")] {
//! use vsp_core::snapshot::Snapshot;
//! use vsp_core::{Imports, Instance, Options, program::Program, verify::Verified};
//!
//! let text = ".export f\n.func f (1) -> 1\nYIELD R1\nADD R0, R0, R1\nRET\n.end";
//! let bytes = vsp_core::text::assemble(text, "f.sil").unwrap();
//! let program = Verified::new(Program::read(&bytes[..])?)?;
//! let imports = Imports::new();
//! let mut instance = Instance::new(&program, &imports, (), Options::default())?;
//! instance.call_export("f", &[30])?;
//! let saved = instance.save()?;
//!
//! let snapshot = Snapshot::read(&saved)?;
//! assert_eq!(snapshot.memory_bytes(), 16);
//! let mut again = Instance::restore(&program, &imports, (), Options::default(), &snapshot)?;
//! assert_eq!(again.resume(&[12])?, instance.resume(&[12])?);
//! # }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod delta;
mod layers;
mod live;
mod read;
mod restore;
mod runs;
mod save;
#[cfg(feature = "std")]
mod sum;

pub use delta::{Delta, DeltaError};
pub use read::{Identity, Snapshot, SnapshotFrame};
pub use restore::{FrameFault, RestoreError};
pub use save::SaveError;

/// The first four bytes of every snapshot.
const MAGIC: [u8; 4] = *b"SILS";

/// The first four bytes of every delta.
const DELTA_MAGIC: [u8; 4] = *b"SILD";

/// The two forms of snapshots.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    /// All of an instance.
    Full,
    /// What changed since another snapshot.
    Delta,
}

/// The version of the format of an instance whose memory cannot grow further, and of all deltas: 1.0.
const VERSION: u16 = 0x0100;

/// The version of the format of an instance whose memory can grow: 1.1. Its header has the maximum at its end.
const GROWING_VERSION: u16 = 0x0101;

/// Size of the header of version 1.0 in bytes, with which the header of a delta begins.
const HEADER_BYTES: usize = 72;

/// Flag: fuel is metered.
const METERED: u16 = 1;

/// Flag: the program can be interrupted.
const INTERRUPTIBLE: u16 = 2;

/// The numbers of the statuses: those of the suspension reasons, and two more.
mod reason {
    pub(super) const FUEL: u32 = 0;
    pub(super) const INTERRUPTED: u32 = 1;
    pub(super) const YIELD: u32 = 2;
    pub(super) const PENDING: u32 = 3;
    pub(super) const IDLE: u32 = 4;
    pub(super) const STEPPING: u32 = 5;
}

/// Size in bytes of a changed global in a delta: its number and its value.
const GLOBAL_BYTES: usize = 12;

/// Size in bytes of the unit in which memory is saved; units that are all zero are left out.
const GRANULE: usize = crate::limits::MEMORY_GRANULE as usize;
