//! The native stack that machine code runs on: that of the thread, or one of its own.
//!
//! A stack of its own is mapped for one entry. The crate `stacker` does that on every system, and panics where it gets no memory;
//! so first it is tried whether there is as much, and if another thread takes it just then, the panic is caught.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use region::Protection;

/// Bytes of native stack for host functions, and for the entry.
pub(crate) const HOST_STACK: usize = 256 << 10;

/// Bytes that have to be left when a stack is mapped: who allocates behind that, a host function for example, may not be able to
/// go on without memory.
const SPARE: usize = 1 << 20;

/// Runs something that needs so many bytes of native stack, if it needs more than there always is: here, or on a stack of its own.
/// `None`: there is no memory for one, and nothing was run.
#[inline(always)]
pub(crate) fn with_stack<R>(bytes: Option<usize>, run: impl FnOnce() -> R) -> Option<R> {
    match bytes {
        Some(bytes) if stacker::remaining_stack().is_none_or(|remaining| remaining < bytes) => {
            on_own_stack(bytes, run)
        }
        _ => Some(run()),
    }
}

/// Runs something that needs so much native stack on a stack of its own.
#[cold]
#[inline(never)]
fn on_own_stack<R>(bytes: usize, run: impl FnOnce() -> R) -> Option<R> {
    let bytes = bytes.checked_add(HOST_STACK)?;
    // Not one page of it is touched.
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
    use super::{HOST_STACK, with_stack};

    #[test]
    fn a_stack_that_cannot_be_had_is_no_panic() {
        for bytes in [usize::MAX, usize::MAX - HOST_STACK, 1 << 62, 1 << 48] {
            assert_eq!(with_stack(Some(bytes), || unreachable!("there is no such stack")), None::<()>);
        }
        assert_eq!(with_stack(Some(64 << 20), || 42), Some(42));
        assert_eq!(with_stack(None, || 42), Some(42));
    }

    #[test]
    #[should_panic(expected = "from inside")]
    fn a_panic_on_the_stack_goes_on() {
        with_stack(Some(64 << 20), || panic!("from inside"));
    }
}
