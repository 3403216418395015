//! The threaded interpreter: decoded instructions whose handlers jump from one to the next.
//!
//! Each decoded instruction, an [`Op`], holds the handler of the instruction *after* it, so that a handler finds its
//! jump target in the bytes that it reads anyway. Handlers end with a call in tail position, which the compiler turns
//! into a jump. The data that all handlers need is passed as arguments, in machine registers ([`Handler`]): the
//! position in the code, the registers of the frame, the accumulator, and the fuel. The rest is in [`ThreadState`].
//!
//! Three more techniques make it fast. The value that an instruction wrote last is cached in an accumulator, and an
//! instruction that reads that register uses the accumulator, instead of waiting for a store and a load. The header of
//! the running loop is kept in the state, so that the processor need not compute it to continue. And calls and returns
//! are handlers like all others.
//!
//! The design is threaded code (J. R. Bell, "Threaded Code", CACM 16(6), 1973) with tail calls in place of jumps;
//! accumulator caching is stack caching (M. A. Ertl) with one register.
//!
//! [`Op`]: state::Op
//! [`Handler`]: state::Handler

mod accumulator;
mod calls;
mod decode;
mod execute;
mod frame;
mod handlers;
mod state;
mod superinstructions;
#[cfg(all(test, feature = "text"))]
mod tests;
mod thread;
mod variant;

pub(crate) use decode::Threaded;
pub(crate) use execute::Resources;
pub(crate) use state::{ExitPoint, ThreadState};
