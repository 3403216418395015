//! An allocator that counts what is in use.

use core::alloc::{GlobalAlloc, Layout};
use core::cell::UnsafeCell;
use core::ops::Range;
use core::ptr;

/// The size of the smallest block: 2 to the power of this.
const SMALLEST: usize = 4;

/// Blocks start at multiples of their size, up to this one.
const LARGEST_ALIGN: usize = 4096;

/// A heap with blocks of powers of two, for one processor without interrupt handlers that allocate. Blocks that are
/// freed are used for the same size again.
#[derive(Debug)]
pub struct Heap(UnsafeCell<State>);

#[derive(Debug)]
struct State {
    /// Memory that was never allocated.
    rest: Range<usize>,
    /// The first free block of each size, whose first word is the address of the next one. 0 is none.
    free: [usize; usize::BITS as usize],
    live: usize,
    peak: usize,
}

/// A place in a heap, between what is in use and what comes.
#[derive(Debug)]
pub struct Mark {
    start: usize,
    live: usize,
}

// SAFETY: there is one processor, and interrupt handlers do not allocate.
unsafe impl Sync for Heap {}

impl Default for Heap {
    fn default() -> Self {
        Heap::new()
    }
}

impl Heap {
    /// Creates a heap without memory.
    pub const fn new() -> Heap {
        Heap(UnsafeCell::new(State { rest: 0..0, free: [0; usize::BITS as usize], live: 0, peak: 0 }))
    }

    /// Gives the heap its memory.
    ///
    /// # Safety
    /// Nothing else uses these addresses.
    pub unsafe fn init(&self, memory: Range<usize>) {
        self.with(|state| state.rest = memory);
    }

    /// Returns where memory begins that was never allocated, for [`Self::reset`].
    pub fn mark(&self) -> Mark {
        self.with(|state| Mark { start: state.rest.start, live: state.live })
    }

    /// Forgets all free blocks, so that the memory from the mark on is used for blocks of any size. If as many bytes
    /// are not in use as at the mark, it does nothing.
    ///
    /// # Safety
    /// What was allocated before the mark is still in use, or was free then.
    pub unsafe fn reset(&self, mark: &Mark) {
        self.with(|state| {
            if state.live == mark.live {
                state.rest.start = mark.start;
                state.free = [0; usize::BITS as usize];
            }
        });
    }

    /// Returns the number of bytes that are in use.
    pub fn live(&self) -> usize {
        self.with(|state| state.live)
    }

    /// Returns the largest number of bytes that were in use since this was called last.
    pub fn take_peak(&self) -> usize {
        self.with(|state| core::mem::replace(&mut state.peak, state.live))
    }

    fn with<R>(&self, use_state: impl FnOnce(&mut State) -> R) -> R {
        // SAFETY: there is one processor, and none of the functions that are passed here allocates or calls another.
        use_state(unsafe { &mut *self.0.get() })
    }
}

/// Returns the size of the block for a layout, as a logarithm.
fn class(layout: Layout) -> usize {
    let size = layout.size().max(layout.align()).max(1 << SMALLEST);
    size.next_power_of_two().trailing_zeros() as usize
}

// SAFETY: a block is as large as its class, aligned to it up to `LARGEST_ALIGN`, and in one list or in use.
unsafe impl GlobalAlloc for Heap {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let class = class(layout);
        if layout.align() > LARGEST_ALIGN {
            return ptr::null_mut();
        }
        self.with(|state| {
            let mut block = state.free[class];
            if block != 0 {
                // SAFETY: a free block holds the address of the next.
                state.free[class] = unsafe { ptr::with_exposed_provenance::<usize>(block).read() };
            } else {
                let size = 1 << class;
                block = state.rest.start.next_multiple_of(size.min(LARGEST_ALIGN));
                match block.checked_add(size) {
                    Some(end) if end <= state.rest.end => state.rest.start = end,
                    _ => return ptr::null_mut(),
                }
            }
            state.live += layout.size();
            state.peak = state.peak.max(state.live);
            ptr::with_exposed_provenance_mut(block)
        })
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        let class = class(layout);
        self.with(|state| {
            state.live -= layout.size();
            // SAFETY: the block is the heap's again, and aligned.
            unsafe { block.cast::<usize>().write(state.free[class]) };
            state.free[class] = block.expose_provenance();
        });
    }
}
