//! Handles: what C has a pointer to, and frees.
//!
//! With the feature `checked` a handle starts with a tag that says its kind, and the memory of a freed one is
//! kept, so that every use of it finds the tag of a freed one. (What it owned is freed.)
#![allow(unsafe_code, reason = "one of the files that access memory of C")]

use alloc::alloc::{Layout, alloc};
use core::cell::UnsafeCell;
use core::mem::ManuallyDrop;
use core::ops::{Deref, DerefMut};
use core::sync::atomic::{AtomicBool, Ordering};
#[cfg(feature = "checked")]
use core::sync::atomic::{AtomicPtr, AtomicU32};

use crate::pointer::Out;
use crate::status::{Result, Status};

/// What a handle can be of.
pub(crate) trait Kind {
    /// The tag of handles of this kind.
    #[cfg_attr(not(feature = "checked"), expect(dead_code, reason = "there are no tags"))]
    const TAG: u32;

    /// Refuses to free it while it is in use.
    fn may_free(&self) -> Result {
        Ok(())
    }
}

/// The start of a handle of any kind.
#[cfg(feature = "checked")]
#[repr(C)]
#[derive(Debug)]
struct Header {
    tag: AtomicU32,
    /// The handle that was freed before this one, so that tools find no leak.
    next: AtomicPtr<Header>,
}

/// The tag of a handle that was freed.
#[cfg(feature = "checked")]
const FREED: u32 = u32::from_le_bytes(*b"free");

/// The handle that was freed last.
#[cfg(feature = "checked")]
static LAST_FREED: AtomicPtr<Header> = AtomicPtr::new(core::ptr::null_mut());

/// What C has a pointer to.
#[repr(C)]
#[derive(Debug)]
pub struct Handle<T> {
    #[cfg(feature = "checked")]
    header: Header,
    item: ManuallyDrop<T>,
}

/// A pointer to a handle as C passes it: null, or from [`Ptr::create`] and, without the feature `checked`, not freed.
#[repr(transparent)]
#[derive(Debug)]
pub struct Ptr<T>(*mut Handle<T>);

impl<T> Clone for Ptr<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Ptr<T> {}

#[allow(private_bounds, reason = "C knows no bounds")]
impl<T: Kind> Ptr<T> {
    /// Creates a handle and stores the pointer to it.
    pub(crate) fn create(item: T, out: Out<Ptr<T>>) -> Result {
        // SAFETY: a handle has a size.
        let memory = unsafe { alloc(Layout::new::<Handle<T>>()) }.cast::<Handle<T>>();
        if memory.is_null() {
            return Err(Status::E_OUT_OF_MEMORY);
        }
        let handle = Handle {
            #[cfg(feature = "checked")]
            header: Header { tag: AtomicU32::new(T::TAG), next: AtomicPtr::new(core::ptr::null_mut()) },
            item: ManuallyDrop::new(item),
        };
        // SAFETY: the memory was allocated for it.
        unsafe { memory.write(handle) };
        out.set(Ptr(memory));
        Ok(())
    }

    /// Returns whether the pointer is null.
    pub(crate) fn is_null(self) -> bool {
        self.0.is_null()
    }

    fn check(self) -> Result {
        if self.0.is_null() {
            return Err(Status::E_ARGUMENT);
        }
        #[cfg(feature = "checked")]
        {
            let header = self.0.cast::<Header>();
            if !header.is_aligned() {
                return Err(Status::E_HANDLE);
            }
            // SAFETY: it points to a handle of some kind, whose memory is never given back.
            if unsafe { &(*header).tag }.load(Ordering::Acquire) != T::TAG {
                return Err(Status::E_HANDLE);
            }
        }
        Ok(())
    }

    /// Returns the item.
    pub(crate) fn get(&self) -> Result<&T> {
        self.check()?;
        // SAFETY: it is a handle of this kind that was not freed, which C promises or the tag shows. C frees no
        // handle while a function uses it.
        Ok(unsafe { &(*self.0).item })
    }

    /// Frees the handle. Null is no handle, and nothing to free.
    pub(crate) fn free(self) -> Result {
        if self.0.is_null() {
            return Ok(());
        }
        self.get()?.may_free()?;
        #[cfg(feature = "checked")]
        self.retire()?;
        // SAFETY: as in `get`; it is dropped once, because C does not use it any more or the tag has changed.
        unsafe { ManuallyDrop::drop(&mut (*self.0).item) };
        #[cfg(not(feature = "checked"))]
        // SAFETY: it was allocated with this layout, and nothing uses it any more.
        unsafe {
            alloc::alloc::dealloc(self.0.cast(), Layout::new::<Handle<T>>());
        }
        Ok(())
    }

    /// Marks the handle as freed. Only one caller succeeds.
    #[cfg(feature = "checked")]
    fn retire(self) -> Result {
        let header = self.0.cast::<Header>();
        // SAFETY: the memory of handles is never given back.
        let marked = unsafe { &*header };
        let changed = marked.tag.compare_exchange(T::TAG, FREED, Ordering::AcqRel, Ordering::Acquire);
        changed.map_err(|_| Status::E_HANDLE)?;
        let before = LAST_FREED.swap(header, Ordering::AcqRel);
        marked.next.store(before, Ordering::Release);
        Ok(())
    }
}

/// An item that only one call uses at a time. A second one, of another thread or of a host function, is refused.
#[derive(Debug)]
pub(crate) struct Exclusive<T> {
    busy: AtomicBool,
    item: UnsafeCell<T>,
}

// SAFETY: `busy` gives the item to one thread at a time, and C's handles move between threads as `vsp.h` says: the
// pointers in the item are C's own, and it alone uses them.
unsafe impl<T> Sync for Exclusive<T> {}

impl<T> Exclusive<T> {
    pub(crate) fn new(item: T) -> Exclusive<T> {
        Exclusive { busy: AtomicBool::new(false), item: UnsafeCell::new(item) }
    }

    /// Takes the item, until the result is dropped.
    pub(crate) fn take(&self) -> Result<Taken<'_, T>> {
        if self.busy.swap(true, Ordering::Acquire) { Err(Status::E_BUSY) } else { Ok(Taken(self)) }
    }
}

/// An item that was taken.
#[derive(Debug)]
pub(crate) struct Taken<'a, T>(&'a Exclusive<T>);

impl<T> Deref for Taken<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        // SAFETY: `busy` is set, so there is no other access.
        unsafe { &*self.0.item.get() }
    }
}

impl<T> DerefMut for Taken<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: `busy` is set, so there is no other access.
        unsafe { &mut *self.0.item.get() }
    }
}

impl<T> Drop for Taken<'_, T> {
    fn drop(&mut self) {
        self.0.busy.store(false, Ordering::Release);
    }
}
