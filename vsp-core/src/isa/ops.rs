//! The meaning of every instruction that computes something, as pure functions on 64-bit register values.
//!
//! Engines and tests call these; nothing here knows of registers, memory or fuel. Binary64 values are passed as their
//! bits, so that moving one never changes it.

pub mod bits;
pub mod complex;
pub mod float;
pub mod int;
pub mod word;
