//! VSP on a computer with an operating system: executable memory, engines, tiers, a code cache and the module `sys`.
//!
//! [`engine::Engine`] loads programs, and `docs/embedding.md` shows how, from the shortest program on.
//!
#![cfg_attr(feature = "jit", doc = include_str!("../README.md"))]
#![deny(unsafe_code)]
#![cfg_attr(not(test), warn(clippy::unwrap_used))]

#[cfg(feature = "cache")]
pub mod cache;
pub mod echo;
pub mod engine;
#[cfg(feature = "jit")]
#[allow(unsafe_code, reason = "it makes pages executable, and reads through their address")]
pub mod exec_memory;
pub mod input;
#[cfg(feature = "jit")]
pub mod native;
#[cfg(feature = "jit")]
mod native_stack;
pub mod number;
#[cfg(feature = "jit")]
#[allow(
    unsafe_code,
    reason = "it says which code belongs to which program, and how much native stack there is"
)]
pub mod os;
pub mod sys;
#[cfg(feature = "jit")]
mod tiers;
#[cfg(feature = "wasi")]
pub mod wasi;

/// The code of the document compiles and runs.
#[cfg(doctest)]
#[doc = include_str!("../../docs/embedding.md")]
struct Embedding;
