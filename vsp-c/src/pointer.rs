//! Pointers that C passes.
//!
//! Only C makes values of these types. It promises what `vsp.h` asks for: a pointer is null, or valid for its item
//! for as long as the call lasts. So reading and writing one item is safe here. How many items follow is said
//! apart, and where that counts the functions are unsafe.
#![allow(unsafe_code, reason = "one of the files that access memory of C")]

use core::ffi::{CStr, c_char};

use crate::status::{Result, Status};

/// A pointer to a `T` that C lets the library read: null or valid.
#[repr(transparent)]
#[derive(Debug)]
pub struct In<T>(*const T);

impl<T> Clone for In<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for In<T> {}

impl<T: Copy> In<T> {
    /// Returns the item, or `None` if the pointer is null.
    pub(crate) fn get(self) -> Result<Option<T>> {
        if self.0.is_null() {
            return Ok(None);
        }
        if !self.0.is_aligned() {
            return Err(Status::E_ARGUMENT);
        }
        // SAFETY: it is not null, so it is valid (see above).
        Ok(Some(unsafe { self.0.read() }))
    }

    /// Returns `count` items.
    ///
    /// # Safety
    /// If the pointer is not null, as many items are there for `'a`, and nobody changes them.
    pub(crate) unsafe fn slice<'a>(self, count: usize) -> Result<&'a [T]> {
        if count == 0 {
            return Ok(&[]);
        }
        let fits = count.checked_mul(size_of::<T>()).is_some_and(|bytes| isize::try_from(bytes).is_ok());
        if self.0.is_null() || !self.0.is_aligned() || !fits {
            return Err(Status::E_ARGUMENT);
        }
        // SAFETY: it is aligned and not null, no larger than memory can be, and the rest is the caller's promise.
        Ok(unsafe { core::slice::from_raw_parts(self.0, count) })
    }

    /// Copies `N` items or fewer. The rest is zero.
    ///
    /// # Safety
    /// As [`Self::slice`], during the call.
    pub(crate) unsafe fn copied<const N: usize>(self, count: usize) -> Result<[T; N]>
    where
        T: Default,
    {
        if count > N {
            return Err(Status::E_COUNT);
        }
        let mut items = [T::default(); N];
        // SAFETY: the caller's promise.
        items[..count].copy_from_slice(unsafe { self.slice(count)? });
        Ok(items)
    }
}

impl In<c_char> {
    /// Returns the text, which ends with a zero byte.
    ///
    /// # Safety
    /// If the pointer is not null, there is a zero byte, and nobody changes the text before it during `'a`.
    pub(crate) unsafe fn text<'a>(self) -> Result<&'a str> {
        if self.0.is_null() {
            return Err(Status::E_ARGUMENT);
        }
        // SAFETY: it is not null, and the rest is the caller's promise.
        unsafe { CStr::from_ptr(self.0) }.to_str().map_err(|_| Status::E_ARGUMENT)
    }
}

/// A pointer to a `T` that C lets the library write: null or valid. It can be uninitialised, and can be part of
/// what other parameters point to; so it is written last.
#[repr(transparent)]
#[derive(Debug)]
pub struct Out<T>(*mut T);

impl<T> Clone for Out<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Out<T> {}

impl<T> Out<T> {
    /// Refuses a pointer that is null or not aligned.
    pub(crate) fn required(self) -> Result<Out<T>> {
        if self.0.is_null() { Err(Status::E_ARGUMENT) } else { self.optional() }
    }

    /// Refuses a pointer that is not aligned.
    pub(crate) fn optional(self) -> Result<Out<T>> {
        if self.0.is_aligned() { Ok(self) } else { Err(Status::E_ARGUMENT) }
    }

    /// Stores the item, unless the pointer is null.
    pub(crate) fn set(self, item: T) {
        if !self.0.is_null() && self.0.is_aligned() {
            // SAFETY: it is not null, so it is valid (see above).
            unsafe { self.0.write(item) }
        }
    }

    /// Returns the item, or `None` if the pointer is null. It is one that C has initialised.
    pub(crate) fn current(self) -> Option<T>
    where
        T: Copy,
    {
        In(self.0.cast_const()).get().ok().flatten()
    }
}

impl Out<u8> {
    /// Stores bytes.
    ///
    /// # Safety
    /// If the pointer is not null, there is room for as many bytes as `from` has, and they are not part of it.
    pub(crate) unsafe fn fill(self, from: &[u8]) -> Result {
        if from.is_empty() {
            return Ok(());
        }
        if self.0.is_null() {
            return Err(Status::E_ARGUMENT);
        }
        // SAFETY: the caller's promise, and bytes have no alignment.
        unsafe { core::ptr::copy_nonoverlapping(from.as_ptr(), self.0, from.len()) }
        Ok(())
    }
}
