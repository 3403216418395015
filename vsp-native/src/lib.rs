//! Entering the machine code of VSP programs, with or without an operating system.
//!
//! `vsp-core` makes machine code, or reads it from code objects, and has no unsafe code: it cannot run it. This crate
//! has what calls machine code and is called by it. A [`Platform`] says where executable memory comes from, how much
//! native stack there is, and which processor this is; [`CompiledProgram`] is machine code that instances can run.
//! `vsp-host` has the platform of operating systems. On a board, it is some twenty lines:
//!
//! ```
//! # #[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))] {
//! use vsp_core::native::{Arch, Target};
//! use vsp_native::{ExecutableMemory, LoadError, Platform};
//!
//! #[derive(Debug)]
//! enum Board {}
//!
//! #[derive(Debug)]
//! struct Block(&'static [u8]);
//!
//! // SAFETY: nothing writes to a block again.
//! unsafe impl ExecutableMemory for Block {
//!     fn as_bytes(&self) -> &[u8] {
//!         self.0
//!     }
//! }
//!
//! # fn next_block(code: &[u8]) -> Option<&'static mut [u8]> { None }
//! # fn make_executable(block: &mut [u8]) {}
//! # const STACK_BOTTOM: usize = 0;
//! // SAFETY: a block is aligned to a page, written once, and executable then. The stack begins at `STACK_BOTTOM`.
//! unsafe impl Platform for Board {
//!     type Memory = Block;
//!     type Error = LoadError;
//!     const HOST_STACK: usize = 16 << 10;
//!     const LEAF_STACK: usize = 1 << 10;
//!     const MAX_NATIVE_STACK: u64 = 256 << 10;
//!
//!     fn target() -> Result<Target, LoadError> {
//!         Ok(Target::new(Arch::host().unwrap()))
//!     }
//!
//!     fn install(code: &[u8]) -> Result<Block, LoadError> {
//!         let block = next_block(code).ok_or(LoadError::NoMemory { size: code.len() })?;
//!         block[..code.len()].copy_from_slice(code);
//!         make_executable(block);
//!         Ok(Block(block))
//!     }
//!
//!     fn remaining_stack() -> Option<usize> {
//!         let here = 0_u8;
//!         Some((&raw const here).addr() - STACK_BOTTOM)
//!     }
//! }
//! # }
//! ```
//!
//! # Native stack
//! Machine code takes [`bytes_per_cell`](vsp_core::native::CodeInfo::bytes_per_cell) bytes of native stack for each cell
//! of the instance's stack (3 or 4 in tier 2, about 30 in tier 1), and [`Platform::HOST_STACK`] below that for host
//! functions. If less is left, [`Platform::on_larger_stack`] is asked for a stack, and without one the interpreter runs
//! the call.
//!
//! # Registers
//! Machine code uses the general and the floating-point registers of its architecture. A kernel that does not save the
//! floating-point registers of its threads (on x86_64: XMM) has to save them around calls.
//!
//! # Processor features
//! [`Target::new`](vsp_core::native::Target::new) is the least processor of an architecture, and
//! [`Target::declare`](vsp_core::native::Target::declare) adds to it. On bare metal it is the host that knows
//! what its processor has.

#![no_std]
#![cfg_attr(not(test), warn(clippy::unwrap_used))]

extern crate alloc;

#[cfg(any(test, doctest, feature = "std"))]
extern crate std;

pub mod caches;
mod call;
mod machine_code;
mod platform;
mod program;
mod trusted;
mod unwind;

pub use call::stack_for;
pub use machine_code::MachineCode;
pub use platform::{ExecutableMemory, LoadError, Platform};
pub use program::{CompiledFunction, CompiledProgram, FunctionStopped, is_same};
pub use trusted::Trusted;

#[cfg(not(any(
    target_arch = "x86_64",
    target_arch = "aarch64",
    target_arch = "s390x",
    target_arch = "riscv64"
)))]
compile_error!("there is machine code for x86_64, aarch64, riscv64 and s390x only");
