//! What every board shares: checks and their report, heap, painted stack, and pages for machine code.
//!
//! The checks are the case files of `snapshots/cases` and programs of `examples/`. A board's build script assembles and
//! runs them on the computer that builds the image, and writes a table ([`wire`]) of programs, steps and results; the
//! board carries the steps out and compares.

#![cfg_attr(not(feature = "build"), no_std)]

extern crate alloc;

pub mod board;
#[cfg(feature = "build")]
pub mod build;
pub mod check;
pub mod heap;
pub mod host;
#[cfg(feature = "native")]
pub mod machine;
pub mod measure;
#[cfg(feature = "native")]
pub mod pages;
pub mod report;
#[cfg(target_arch = "arm")]
pub mod semihosting;
pub mod wire;
