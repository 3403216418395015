//! How fast VSP is: what the benches share.

#[cfg(feature = "jit")]
pub mod peers;
