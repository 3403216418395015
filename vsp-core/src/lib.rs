//! VSP bytecode without an operating system: its format, verifier, interpreter and assembler.
//!
//! The way of a program: bytes → [`program::Program`] (a checked view of the file) → [`verify::Verified`] (its code is
//! checked too) → [`Instance`] (memory, stack and host functions) → [`Outcome`].
//!
//! The crate needs an allocator and nothing else. It has no unsafe code.
//!
//! # Features
//! - `bytesil` (default): the instructions of [`complex`] numbers and states.
//! - `float`: binary64 instructions but FMATH. Without it programs that use them are refused.
//! - `math` (default): FMATH too, and with `bytesil` COMPLEX_FROM and COMPLEX_LERP. It is most of the code size of a small device's build.
//! - `generate`: random programs, for comparing engines.
//! - `native`: machine code that was compiled before can be run by a host; see the module `native`.
//! - `jit`: the compiler, which makes such machine code, in the module `jit`.
//! - `num-complex`: conversions between [`complex::ByteSil`] and the complex numbers of that crate.
//! - `all-targets`: with `jit`, machine code for x86_64, aarch64 and riscv64; without it, only for the architecture that
//!   this crate is built for.
//! - `s390x`: with `jit`, machine code for s390x too; needs the standard library.
//! - `text` (default): the `.sil` assembler and disassembler.
#![no_std]
#![forbid(unsafe_code)]
#![cfg_attr(not(test), warn(clippy::unwrap_used))]

extern crate alloc;

#[cfg(any(test, doctest))]
extern crate std;

pub mod analysis;
mod bytes;
pub mod complex;
mod excerpt;
#[cfg(feature = "generate")]
pub mod generate;
mod host;
pub mod index;
mod instance;
mod interp;
pub mod isa;
#[cfg(feature = "jit")]
pub mod jit;
pub mod limits;
#[cfg(feature = "native")]
pub mod native;
pub mod program;
mod shared;
pub mod state;
#[cfg(feature = "text")]
pub mod text;
mod trap;
pub mod verify;

pub use excerpt::Excerpt;
pub use host::{Caller, HostCalls, HostEnd, HostFn, HostReturn, HostStop, ImportError, Imports, Value};
#[cfg(feature = "native")]
pub use instance::AttachError;
pub use instance::{
    CallError, Frame, FrameMut, Instance, InstantiateError, Options, Outcome, Reason, Suspension, Trapped,
    Values,
};
#[cfg(feature = "native")]
pub use interp::{Chosen, CodeKey, Entry, NativeCode, Next, NotReturned, Session, Tiers};
pub use shared::Ref;
pub use trap::Trap;

/// The code of the document compiles and runs.
#[cfg(doctest)]
#[doc = include_str!("../../docs/generating.md")]
struct Generating;

/// The README's code compiles and runs.
#[cfg(all(doctest, feature = "text"))]
#[doc = include_str!("../../README.md")]
struct Readme;
