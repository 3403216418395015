//! Superinstructions: frequent sequences of instructions that one handler executes.
//!
//! Fusing saves the jump between two instructions, which the processor has to predict. The instructions after the first
//! stay in the code, so that they can be branched to, and so that a trap of an earlier one leaves the program there.

mod pairs;
mod sequences;

use super::state::Handler;
#[cfg(all(test, feature = "text"))]
pub(super) use pairs::PAIRS;
pub(super) use sequences::Tail;
#[cfg(all(test, feature = "text"))]
pub(super) use sequences::all as sequences;

/// Returns the handler of an instruction, given as opcode number and variant, with this tail: that of the longest
/// superinstruction they begin with, if there is one.
#[inline(always)]
pub(super) fn handler(first: (u8, u8), second: (u8, u8), tail: Tail) -> Handler {
    match sequences::handler(first, tail) {
        Some(handler) => handler,
        None => pairs::handler(first, second),
    }
}
