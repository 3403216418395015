//! VSP on a computer with an operating system: loading programs from files, the `sys` module that lets them read and
//! write, and messages for people. The `vsp` command is made of these.

#![deny(unsafe_code)]
#![cfg_attr(not(test), warn(clippy::unwrap_used))]

#[cfg(feature = "jit")]
pub mod cache;
#[cfg(feature = "disassembler")]
pub mod disassembly;
pub mod engine;
#[cfg(feature = "jit")]
#[allow(unsafe_code, reason = "it makes pages executable, and reads through their address")]
pub mod exec_memory;
pub mod load;
pub mod message;
#[cfg(feature = "jit")]
pub mod native;
#[cfg(feature = "jit")]
#[allow(unsafe_code, reason = "it calls machine code, and is called by it")]
mod native_call;
#[cfg(feature = "jit")]
mod native_stack;
pub mod sys;
#[cfg(feature = "jit")]
mod tiers;
pub mod warnings;

/// The code of the document compiles and runs.
#[cfg(doctest)]
#[doc = include_str!("../../docs/embedding.md")]
struct Embedding;
