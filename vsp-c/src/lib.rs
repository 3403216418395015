//! The C interface of VSP: what `include/vsp.h` declares. `docs/c.md` describes it for its users.
//!
//! - `api` has the functions, which only convert what they get: their bodies are safe code of `program` and `instance`.
//! - `pointer` and `handle` have the types that C passes: pointers that are null or valid, and handles.
//! - `host` lets programs call C functions; `memory` is the allocator of builds without `std`.
#![cfg_attr(not(feature = "std"), no_std)]
#![deny(unsafe_code)]

extern crate alloc;

pub mod api;
mod engine;
mod handle;
mod host;
mod instance;
#[cfg(target_os = "none")]
mod memory;
mod message;
mod pointer;
mod program;
mod status;
// The header is the same for every architecture.
#[cfg(all(test, target_arch = "x86_64", unix))]
mod tests;
mod types;

pub use engine::Engine;
pub use handle::{Handle, Ptr};
pub use host::{Caller, CallerPtr, Host, HostFunction};
pub use instance::{Instance, WriterFunction};
pub use message::Message;
pub use pointer::{In, Out};
pub use program::Program;
pub use status::Status;
pub use types::{Allocate, Export, Import, Options, Outcome, Pending, Release, Text};
