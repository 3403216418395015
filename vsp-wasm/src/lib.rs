//! A translator from WebAssembly to VSP bytecode.
//!
//! [`translate`] makes a `.silc` program of a module. Its output is verified like every other program, so the
//! translator is outside of the trusted base: a mistake in it gives a wrong program, never an unsafe one. It needs
//! neither files nor the standard library.
//!
//! # What a host has to know
//!
//! - **Arguments and results.** Exported functions have the same names in the program, and [`Exports`] has their types,
//!   with which [`Instance::typed`](vsp_core::Instance::typed) compares the types of the host. In registers, an i32 is
//!   zero-extended, an f32 is its bits, zero-extended. What a host gives can have any upper half. Parameters from the
//!   ninth and results from the fifth on are in globals ([`Exports::extra_params`], [`Exports::extra_results`]).
//! - **Imported functions** are imports of the program with the same names. One with more than 8 parameters gets pairs
//!   of them packed: from the left, two neighbours that are both i32 share a register, the left one in the lower half,
//!   until there are 8.
//! - **Memory.** Addresses are the same. The program's memory grows up to the module's maximum, or that of
//!   [`Options::memory_maximum`]; [`Options::memory_bytes`] and [`Options::heap_bytes`] choose another size than a whole
//!   number of pages. With pages of one byte, the program's memory can be larger than the module's: instructions do not
//!   reach the rest, but the host does. An imported memory is the program's own, of the size that the module asks for,
//!   and an imported table is one of the program, too, and empty. An imported global has the value of
//!   [`Options::global`].
//! - **Start.** If the module has a start function, [`Exports::start`] is the name under which the program exports it.
//!   The host calls it once, before all else. Data is in place before; a module whose segments do not fit is refused.
//! - **Traps** of WebAssembly are traps of VSP, some with a number ([`trap_code`]), which [`trap_name`] and [`trap_report`] explain.
//! - **Names and lines.** Functions have the debug names of the module, and code the source lines of its DWARF
//!   ([`Options::lines`]). DWARF is not validated: where it is damaged, there are no lines.
//! - **Determinism.** A NaN that arithmetic makes is the canonical one. The same module and options give the same
//!   bytes.
//!
//! # What is supported
//!
//! WebAssembly 1.0, and of later versions: sign extension, saturating truncation, bulk memory, reference types,
//! multiple values, mutable globals that are exported, tail calls, extended constant expressions, and memories with
//! pages of one byte. SIMD, threads, exceptions, garbage collection, 64-bit and multiple memories are refused, with a
//! message that says how compilers leave them out.
//!
//! # How it works
//!
//! ```text
//! bytes ─module─▶ Module ─layout─▶ numbers of items
//!                   │ code of a function
//!                   ├─build──▶ SSA with block parameters ─select─▶ instructions with values
//!                   ▼                                                    │ prepare, hoist
//!                 data                                                   ▼
//!                   └──────▶ ProgramBuilder ◀─emit─ instructions with registers ◀─allocate
//! ```
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

mod allocate;
mod binary32;
mod build;
mod copies;
mod data;
mod emit;
mod error;
mod exports;
mod helpers;
mod hoist;
mod ir;
mod layout;
mod lines;
mod machine;
mod module;
mod names;
mod options;
mod prepare;
mod select;
mod translate;
pub mod trap_code;

pub use error::{Error, ErrorKind};
pub use options::{Options, STACK_CELLS};
pub use translate::translate;
pub use trap_code::{trap_name, trap_report};
pub use vsp_core::interface::{Import, ItemType, Type};

/// The types of a translated program's imports and exports.
///
/// ```
/// use vsp_core::program::Program;
///
/// let text = r#"(module (func (export "half") (param f32) (result f32) (f32.mul (local.get 0) (f32.const 0.5))))"#;
/// let bytes = vsp_wasm::translate(&wat::parse_str(text)?, &vsp_wasm::Options::default())?;
/// let exports = vsp_wasm::Exports::read(&Program::read(&bytes[..])?).ok_or("not translated")?;
/// let (params, results) = exports.function("half").ok_or("no function")?;
/// assert_eq!((params, results), (&[vsp_wasm::Type::F32][..], &[vsp_wasm::Type::F32][..]));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub use vsp_core::interface::Exports;

/// The code of the page compiles and runs.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
