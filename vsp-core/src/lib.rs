//! VSP bytecode without an operating system: file format, verifier, interpreter and assembler.
//!
//! A program passes through these types: bytes → [`program::Program`] (a checked view of the file) →
//! [`verify::Verified`] (its code is checked too) → [`Instance`] (memory, stack and host functions) → [`Outcome`].
//!
//! The crate needs only an allocator. It has no unsafe code.
//!
#![cfg_attr(feature = "text", doc = include_str!("../README.md"))]
#![no_std]
#![forbid(unsafe_code)]
#![cfg_attr(not(test), warn(clippy::unwrap_used))]

extern crate alloc;

#[cfg(any(test, doctest))]
extern crate std;

pub mod analysis;
mod backtrace;
mod bytes;
pub mod complex;
mod excerpt;
mod func_type;
mod function;
#[cfg(feature = "generate")]
pub mod generate;
mod host;
pub mod index;
mod instance;
pub mod interface;
mod interp;
pub mod isa;
#[cfg(feature = "jit")]
pub mod jit;
pub mod limits;
mod machine;
#[cfg(feature = "native")]
pub mod native;
mod outcome;
pub mod program;
#[cfg(feature = "record")]
pub mod record;
mod shared;
pub mod snapshot;
pub mod state_file;
#[cfg(feature = "text")]
pub mod text;
mod trap;
mod typed;
pub mod verify;

pub use excerpt::{Escaped, Excerpt};
pub use host::{
    Caller, GuestMemory, GuestMemoryError, GuestSlice, GuestStr, HostCalls, HostEnd, HostError, HostFn,
    HostParameter, HostResult, HostReturn, HostStop, Imports, RustType, Value,
};
#[cfg(target_has_atomic = "ptr")]
pub use instance::{Checkpoint, CheckpointError};
pub use instance::{Frame, FrameMut, Instance, Options, PendingCall, Status};
#[cfg(feature = "native")]
pub use machine::NotReturned;
pub use machine::{FuelSlices, HostRequest};
#[cfg(feature = "native")]
pub use native::entry::{CodeKey, Entry, EntryRequest, NativeCode};
#[cfg(feature = "native")]
pub use native::tiers::{NextSlice, TierDecision, Tiers};
#[cfg(feature = "native")]
pub use outcome::AttachError;
pub use outcome::{CallError, ImportError, InstantiateError, Outcome, Reason, Suspension, Trapped, Values};
pub use shared::Ref;
pub use trap::Trap;
pub use typed::{FunctionError, Parameters, Results, TypedCallError, TypedFunction, typed_export};

/// Compiles and runs the code of the document.
#[cfg(doctest)]
#[doc = include_str!("../../docs/generating.md")]
struct Generating;

/// Compiles and runs the code of the README.
#[cfg(all(doctest, feature = "text"))]
#[doc = include_str!("../../README.md")]
struct Readme;
