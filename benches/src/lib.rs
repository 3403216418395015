//! Code shared by the benchmarks.

#[cfg(feature = "jit")]
pub mod peers;
#[cfg(feature = "jit")]
pub mod wasm;
