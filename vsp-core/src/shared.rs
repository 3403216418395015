//! A borrowed or shared reference: programs in flash are borrowed, those of a server are reference-counted.

#[cfg(target_has_atomic = "ptr")]
use alloc::sync::Arc;

/// A reference to a `T` that is borrowed or shared.
#[derive(Debug)]
pub enum Ref<'a, T: ?Sized> {
    /// Borrowed for `'a`.
    Borrowed(&'a T),
    /// Shared by reference counting.
    #[cfg(target_has_atomic = "ptr")]
    Shared(Arc<T>),
}

impl<T: ?Sized> Clone for Ref<'_, T> {
    fn clone(&self) -> Self {
        match self {
            Ref::Borrowed(it) => Ref::Borrowed(it),
            #[cfg(target_has_atomic = "ptr")]
            Ref::Shared(it) => Ref::Shared(it.clone()),
        }
    }
}

impl<T: ?Sized> core::ops::Deref for Ref<'_, T> {
    type Target = T;

    #[inline(always)]
    fn deref(&self) -> &T {
        match self {
            Ref::Borrowed(it) => it,
            #[cfg(target_has_atomic = "ptr")]
            Ref::Shared(it) => it,
        }
    }
}

impl<'a, T: ?Sized> From<&'a T> for Ref<'a, T> {
    fn from(it: &'a T) -> Self {
        Ref::Borrowed(it)
    }
}

#[cfg(target_has_atomic = "ptr")]
impl<T: ?Sized> From<Arc<T>> for Ref<'_, T> {
    fn from(it: Arc<T>) -> Self {
        Ref::Shared(it)
    }
}
