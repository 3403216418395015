//! Panics of host functions. They cannot unwind through machine code: they are caught where it called the host, and
//! resumed where it was entered.

/// The payload of a panic.
#[cfg(feature = "std")]
pub(crate) type Payload = alloc::boxed::Box<dyn core::any::Any + Send>;

/// The payload of a panic, of which there is none: a panic does not return to machine code.
#[cfg(not(feature = "std"))]
pub(crate) type Payload = core::convert::Infallible;

/// Calls a function, and catches its panic.
#[cfg(feature = "std")]
#[inline(always)]
pub(crate) fn catch<R>(call: impl FnOnce() -> R) -> Result<R, Payload> {
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(call))
}

/// Calls a function.
#[cfg(not(feature = "std"))]
#[inline(always)]
pub(crate) fn catch<R>(call: impl FnOnce() -> R) -> Result<R, Payload> {
    Ok(call())
}

/// Goes on with a panic.
#[cfg(feature = "std")]
pub(crate) fn resume(payload: Payload) -> ! {
    std::panic::resume_unwind(payload)
}

/// Goes on with a panic, of which there is none.
#[cfg(not(feature = "std"))]
pub(crate) fn resume(payload: Payload) -> ! {
    match payload {}
}
