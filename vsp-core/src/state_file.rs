//! State files: a suspended program, its snapshot and the state of its host modules in one file.
//!
//! A [snapshot](crate::snapshot) has everything except the program and the host's own state. A state file adds both: the
//! program's bytes (or only its path), and a section for each host module. A module takes part by implementing
//! [`HostState`]; modules that know nothing of each other live side by side. `docs/format.md` describes every byte.
//!
//! ```
//! # #[cfg(feature = "text")] {
//! use vsp_core::state_file::{HostState, HostStateError, SavedProgram, SectionReader, SectionWriter, StateFile};
//! use vsp_core::{Caller, Imports, Instance, Options, program::Program, verify::Verified};
//!
//! /// The state of a module `dice`: the numbers that were thrown.
//! #[derive(Default)]
//! struct Dice {
//!     thrown: u64,
//! }
//!
//! impl HostState for Dice {
//!     fn name(&self) -> &str {
//!         "dice"
//!     }
//!     fn save(&mut self, out: &mut SectionWriter<'_>) -> Result<(), HostStateError> {
//!         out.u64(self.thrown)
//!     }
//!     fn restore(&mut self, _version: u16, mut from: SectionReader<'_>) -> Result<(), HostStateError> {
//!         self.thrown = from.u64("numbers thrown")?;
//!         from.finish()
//!     }
//! }
//!
//! let text = ".import dice.throw (0) -> 1\n.export f\n.func f (0) -> 1\nSYSCALL dice.throw\nYIELD R0\nSYSCALL dice.throw\nRET\n.end";
//! let bytes = vsp_core::text::assemble(text, "f.sil").unwrap();
//! let program = Verified::new(Program::read(&bytes[..])?)?;
//! let mut imports = Imports::<Dice>::new();
//! imports.define("dice", "throw", |caller: &mut Caller<'_, Dice>| {
//!     caller.state().thrown += 1;
//!     caller.state().thrown
//! })?;
//! let mut instance = Instance::new(&program, &imports, Dice::default(), Options::default())?;
//! instance.call_export("f", &[])?;
//! let snapshot = instance.save()?;
//! let saved = SavedProgram { path: "f.silc", bytes: Some(&bytes) };
//! let file = StateFile::write(saved, &snapshot, &mut [instance.state_mut()])?;
//!
//! // Later, elsewhere.
//! let file = StateFile::read(&file)?;
//! let program = Verified::new(Program::read(file.program_bytes().unwrap())?)?;
//! let mut dice = Dice::default();
//! file.restore(&mut [&mut dice])?;
//! let mut instance = Instance::restore(&program, &imports, dice, Options::default(), file.snapshot())?;
//! let vsp_core::Outcome::Returned(results) = instance.resume(&[0])? else { panic!("it returns") };
//! assert_eq!(results[..], [2]);
//! # }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod host_state;
mod read;
mod write;

pub use host_state::{HostState, HostStateError, SectionReader, SectionWriter};
pub use read::{HostSection, StateFile};
pub use write::SavedProgram;

use alloc::string::String;

use crate::excerpt::Excerpt;
use crate::program::ReadError;

/// The first four bytes of every state file.
const MAGIC: [u8; 4] = *b"SILH";

/// The version of the format: 1.0.
const VERSION: u16 = 0x0100;

/// Size of the header in bytes.
const HEADER_BYTES: usize = 40;

/// Size of the fields of a section before its name, in bytes.
const SECTION_HEADER_BYTES: usize = 12;

/// The most sections of a file.
const MAX_SECTIONS: u32 = 256;

/// The most bytes of the name of a section.
const MAX_NAME: u16 = 255;

/// The most bytes of the path of a program.
const MAX_PATH: u32 = 4_096;

/// An error of writing a state file, or of restoring the host modules from one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StateFileError {
    /// The bytes are not a state file of format 1.0. The error gives the offset and the item that was being read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The state of a module cannot be saved or restored.
    #[error("{module}: {error}")]
    Module {
        /// The name of the module.
        module: String,
        /// What cannot be saved or restored, and why.
        error: HostStateError,
    },
    /// The host has a module that the file has no section of.
    #[error("the state has nothing of the host module \"{}\"", Excerpt(.0))]
    Missing(String),
    /// The file has a section of a module that the host does not have.
    #[error("the state has a section of the host module \"{}\", which this host does not have", Excerpt(.0))]
    Unknown(String),
    /// Two modules have the same name.
    #[error("two host modules have the name \"{}\"", Excerpt(.0))]
    Duplicate(String),
    /// A name or path is empty or too long, or there are too many modules.
    #[error("{what}: {found} is not between {least} and {most}")]
    Limit {
        /// The item.
        what: &'static str,
        /// Its size.
        found: usize,
        /// The smallest size.
        least: usize,
        /// The largest size.
        most: usize,
    },
    /// There is no memory for the file.
    #[error("out of memory")]
    OutOfMemory,
}
