//! Saved states: a suspended instance as bytes, to be resumed by another engine, process or architecture.
//!
//! [`Instance::save`](crate::Instance::save) makes the bytes, [`SavedState::read`] checks them, and
//! [`Instance::restore`](crate::Instance::restore) makes an instance of them and of the program that they belong to.
//! `docs/format.md` describes every byte. The bytes of a state depend on the program and on what it did, and neither
//! on the engine nor on the architecture.
//!
//! ```
//! # #[cfg(feature = "text")] {
//! use vsp_core::state::SavedState;
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
//! let state = SavedState::read(&saved)?;
//! assert_eq!(state.memory_bytes(), 16);
//! let mut again = Instance::restore(&program, &imports, (), Options::default(), &state)?;
//! assert_eq!(again.resume(&[12])?, instance.resume(&[12])?);
//! # }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod live;
mod read;
mod restore;
mod save;

pub use read::{SavedFrame, SavedState};
pub use restore::{FrameFault, RestoreError};
pub use save::SaveError;

/// The first four bytes.
const MAGIC: [u8; 4] = *b"SILS";

/// The version of the format: 1.0.
const VERSION: u16 = 0x0100;

/// Bytes of the header.
const HEADER_BYTES: usize = 72;

/// Flag: fuel is metered.
const METERED: u16 = 1;

/// Flag: the program can be interrupted.
const INTERRUPTIBLE: u16 = 2;

/// The numbers of the reasons.
mod reason {
    pub(super) const FUEL: u32 = 0;
    pub(super) const INTERRUPTED: u32 = 1;
    pub(super) const YIELD: u32 = 2;
    pub(super) const PENDING: u32 = 3;
}

/// Bytes in the memory that are saved together, or not at all if all are zero.
const GRANULE: usize = crate::limits::MEMORY_GRANULE as usize;
