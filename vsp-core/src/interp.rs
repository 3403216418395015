//! The interpreter: executes the instructions of verified programs, allocates nothing, and defines the semantics that
//! every other engine is compared with.
//!
//! There are two interpreters: a portable one, and a faster threaded one where the build allows it. Both share the same
//! handlers.

pub(crate) mod activation;
pub(crate) mod frame;
mod handlers;
#[cfg(threaded)]
pub(crate) mod threaded;
