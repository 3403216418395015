//! VSP on a computer with an operating system: loading programs from files, the `sys` module that lets them read and
//! write, and messages for people. The `vsp` command is made of these.
//!
//! # Features
//! - `jit` (default): machine code, in executable memory: `native`, `exec_memory`, `cache`, and the engines that
//!   compile. Linux, macOS and Windows on x86_64 and aarch64; Linux on riscv64 and s390x. Without it everything is
//!   interpreted.
//! - `disassembler` (default): disassembled machine code (`disassembly`), for `vsp disasm-native`. Needs a C compiler.
//! - `s390x`: machine code for s390x too, on any computer. (On s390x it is there.)

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
pub mod imports;
pub mod load;
pub mod message;
#[cfg(feature = "jit")]
pub mod native;
#[cfg(feature = "jit")]
#[allow(unsafe_code, reason = "it calls machine code, and is called by it")]
mod native_call;
#[cfg(feature = "jit")]
mod native_stack;
pub mod number;
pub mod sys;
#[cfg(feature = "jit")]
mod tiers;
pub mod warnings;

/// The code of the document compiles and runs.
#[cfg(doctest)]
#[doc = include_str!("../../docs/embedding.md")]
struct Embedding;
