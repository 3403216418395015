//! Code shared by the benchmarks.

#[cfg(feature = "jit")]
pub mod peers;
