//! A translator from WebAssembly to VSP bytecode.
//!
//! [`translate`] makes a `.silc` program of a module. Its output is verified like every other program, so the
//! translator is outside of the trusted base: a mistake in it gives a wrong program, never an unsafe one.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

mod allocate;
mod build;
mod data;
mod emit;
mod error;
mod exports;
mod helpers;
mod hoist;
mod ir;
mod layout;
mod machine;
mod module;
mod options;
mod prepare;
mod select;
mod translate;
pub mod trap_code;

pub use error::{Error, ErrorKind};
pub use exports::{Exports, Import, ItemType, Type};
pub use options::Options;
pub use translate::translate;
