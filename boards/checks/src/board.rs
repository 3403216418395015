//! What a board provides, and its painted stack.

use core::ops::Range;
use core::ptr;

/// A board, as a type without values.
pub trait Board {
    /// Writes bytes to the console.
    fn write(bytes: &[u8]);

    /// Returns the number of instructions that were executed since some time in the past, as exactly as the board can
    /// tell. It is the emulator's count: on a processor it would be a clock.
    fn instructions() -> u64;

    /// Ends the emulator.
    fn exit(passed: bool) -> !;

    /// Returns the addresses of the stack, which grows to lower ones.
    fn stack() -> Range<usize>;
}

/// What unused stack holds.
const PAINT: usize = 0x5A5A_5A5A;

/// The distance of the first painted word from the frame of the painter.
const DISTANCE: usize = 128;

/// Fills the unused part of the stack. Returns the address of the caller's frame, about: its stack depth is measured
/// from there.
#[inline(never)]
pub fn paint_stack<B: Board>() -> usize {
    let local = 0_usize;
    let frame = (&raw const local).addr();
    let mut at = B::stack().start.next_multiple_of(size_of::<usize>());
    while at < frame - DISTANCE {
        // SAFETY: the addresses are the stack's, and nothing below this frame is in use.
        unsafe { ptr::with_exposed_provenance_mut::<usize>(at).write_volatile(PAINT) };
        at += size_of::<usize>();
    }
    frame
}

/// Returns how many bytes of the stack below `frame` were used at most since it was painted.
#[inline(never)]
pub fn stack_depth<B: Board>(frame: usize) -> usize {
    let mut at = B::stack().start.next_multiple_of(size_of::<usize>());
    // SAFETY: the addresses are the stack's.
    while at < frame && unsafe { ptr::with_exposed_provenance::<usize>(at).read_volatile() } == PAINT {
        at += size_of::<usize>();
    }
    frame - at
}

/// Returns how many bytes of the stack are in use by the caller and its callers.
#[inline(always)]
pub fn stack_used<B: Board>() -> usize {
    let local = 0_usize;
    B::stack().end - (&raw const local).addr()
}
