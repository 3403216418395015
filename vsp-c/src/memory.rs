//! The allocator of builds for bare metal: an arena, or callbacks. It is not for several threads at once; `vsp.h` says
//! which functions allocate.
#![allow(unsafe_code, reason = "one of the files that access memory of C")]

use core::alloc::{GlobalAlloc, Layout};
use core::cell::UnsafeCell;
use core::ffi::c_void;
use core::ptr::{NonNull, null_mut};

use linked_list_allocator::Heap;

use crate::status::{Result, Status};
use crate::types::{Allocate, Release};

/// Where memory comes from.
enum Source {
    Nothing,
    Arena(Heap),
    Callbacks { allocate: Allocate, release: Release, user: *mut c_void },
}

struct Memory(UnsafeCell<Source>);

// SAFETY: `vsp.h` asks C to call the functions that allocate one after another.
unsafe impl Sync for Memory {}

#[global_allocator]
static MEMORY: Memory = Memory(UnsafeCell::new(Source::Nothing));

impl Memory {
    /// Uses the source.
    fn with<R>(&self, use_it: impl FnOnce(&mut Source) -> R) -> R {
        // SAFETY: functions that allocate do not run at the same time, and none of these uses contains another one. A
        // callback does not call the library.
        use_it(unsafe { &mut *self.0.get() })
    }
}

// SAFETY: each source gives memory of the layout that nobody else has, as C promises for its callbacks.
unsafe impl GlobalAlloc for Memory {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        self.with(|source| match source {
            Source::Nothing => null_mut(),
            Source::Arena(heap) => heap.allocate_first_fit(layout).map_or(null_mut(), NonNull::as_ptr),
            Source::Callbacks { allocate, user, .. } => {
                // SAFETY: C gave the function and its argument for this.
                unsafe { allocate(*user, layout.size(), layout.align()) }.cast()
            }
        })
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        self.with(|source| match source {
            Source::Nothing => {}
            Source::Arena(heap) => {
                let Some(memory) = NonNull::new(memory) else { return };
                // SAFETY: it came from `alloc` with this layout, and the source never changes.
                unsafe { heap.deallocate(memory, layout) }
            }
            Source::Callbacks { release, user, .. } => {
                // SAFETY: C gave the function and its argument for this.
                unsafe { release(*user, memory.cast(), layout.size(), layout.align()) }
            }
        });
    }
}

/// Sets the source, if there is none.
fn begin(source: impl FnOnce() -> Source) -> Result {
    MEMORY.with(|current| {
        if !matches!(current, Source::Nothing) {
            return Err(Status::E_STATE);
        }
        *current = source();
        Ok(())
    })
}

/// Takes memory for all that is allocated from now on.
///
/// # Safety
/// From now on it belongs to the library.
pub(crate) unsafe fn init_arena(memory: *mut c_void, length: usize) -> Result {
    // A few words are kept for the list of free memory.
    if memory.is_null() || length < 256 {
        return Err(Status::E_ARGUMENT);
    }
    // SAFETY: the caller's promise.
    begin(|| Source::Arena(unsafe { Heap::new(memory.cast(), length) }))
}

/// Takes the functions that allocate from now on.
pub(crate) fn init_allocator(allocate: Allocate, release: Release, user: *mut c_void) -> Result {
    begin(|| Source::Callbacks { allocate, release, user })
}

/// Returns the bytes of the arena that are used, and free.
pub(crate) fn arena_use() -> Result<(usize, usize)> {
    MEMORY.with(|source| match source {
        Source::Arena(heap) => Ok((heap.used(), heap.free())),
        _ => Err(Status::E_STATE),
    })
}

unsafe extern "C" {
    /// The function of the C library, which never returns.
    safe fn abort() -> !;
}

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    abort()
}
