//! The threaded interpreter: decoded instructions whose handlers jump from one to the next.
//!
//! Each decoded instruction, an [`Op`], holds the handler of the instruction *behind* it, so that a handler finds where to jump
//! in the bytes that it reads anyway. Handlers end with a call in tail position, of which the compiler makes a jump. What they all
//! need travels as arguments, in machine registers ([`Handler`]): where they are, the registers of the frame, the result of the
//! instruction before, and the fuel. The rest is in [`State`].
//!
//! Three things make it fast, besides. The value that an instruction wrote last is handed on, and an instruction that
//! reads that register takes it from there, instead of waiting for a store and a load. Where the loop that runs begins is
//! kept in the state, so that the processor need not compute it to go on. And calls and returns are handlers like all others.
//!
//! The shape is threaded code (J. R. Bell, "Threaded Code", CACM 16(6), 1973) with tail calls in place of jumps.

mod calls;
mod decode;
mod groups;
mod last;
mod op;
mod pairs;
#[cfg(all(test, feature = "text"))]
mod tests;
mod thread;

pub(crate) use decode::Threaded;
pub(super) use thread::{Left, Lent, State};
