//! The native stack of machine code: the stack of the thread, or a separate one.
//!
//! A separate stack is mapped for what is left of one call of the host. The crate `stacker` does that on every system, and panics if it gets no
//! memory. So a trial allocation comes first, and if another thread takes the memory just then, the panic is caught.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use region::Protection;

/// Size of the native stack for host functions and for the entry, in bytes.
pub(crate) const HOST_STACK: usize = 256 << 10;

/// Memory in bytes that must remain available after a stack is mapped: a host function that allocates next may not be
/// able to continue without memory.
const SPARE: usize = 1 << 20;

/// Calls a function that needs `bytes` of native stack, if the current stack has them. `None` stands for the size that is
/// always available. Returns `None` if the function was not called.
#[inline(always)]
pub(crate) fn with_stack<R>(bytes: Option<usize>, run: impl FnOnce() -> R) -> Option<R> {
    match bytes {
        // Miri's functions take no native stack, and it cannot switch stacks.
        _ if cfg!(miri) => Some(run()),
        Some(bytes) if stacker::remaining_stack().is_none_or(|remaining| remaining < bytes) => None,
        _ => Some(run()),
    }
}

/// Calls a function on a separate stack of at least this size. Returns `None` if there is no memory for it; the function
/// was not called then.
pub(crate) fn on_own_stack<R>(bytes: usize, run: impl FnOnce() -> R) -> Option<R> {
    let bytes = bytes.checked_add(HOST_STACK)?;
    // No page of the allocation is touched.
    drop(region::alloc(bytes.checked_add(SPARE)?, Protection::READ_WRITE).ok()?);
    let mut is_there = false;
    let on_stack = || {
        is_there = true;
        run()
    };
    match catch_unwind(AssertUnwindSafe(|| stacker::grow(bytes, on_stack))) {
        Ok(result) => Some(result),
        Err(payload) if is_there => resume_unwind(payload),
        Err(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::{HOST_STACK, on_own_stack, with_stack};

    #[test]
    fn a_stack_that_cannot_be_had_is_no_panic() {
        for bytes in [usize::MAX, usize::MAX - HOST_STACK, 1 << 62, 1 << 48] {
            assert_eq!(on_own_stack(bytes, || unreachable!("there is no such stack")), None::<()>);
        }
        assert_eq!(on_own_stack(64 << 20, || 42), Some(42));
    }

    #[test]
    fn a_function_is_called_where_there_is_room_for_it() {
        assert_eq!(with_stack(Some(1 << 40), || unreachable!("no stack is so large")), None::<()>);
        assert_eq!(with_stack(None, || 42), Some(42));
        let both = on_own_stack(64 << 20, || with_stack(Some(64 << 20), || 42));
        assert_eq!(both, Some(Some(42)));
    }

    #[test]
    #[should_panic(expected = "from inside")]
    fn a_panic_on_the_stack_goes_on() {
        on_own_stack(64 << 20, || panic!("from inside"));
    }
}
