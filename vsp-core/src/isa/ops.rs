//! The meaning of every computing instruction, as pure functions on 64-bit register values.
//!
//! Engines and tests call these functions, which are independent of registers, memory and fuel. Binary64 values are
//! passed as their bits, so that moving one never changes it.

pub mod bits;
pub mod complex;
pub mod float;
pub mod int;
pub mod word;
