//! The native stack of machine code: the stack of the thread, or a separate one.
//!
//! A separate stack is mapped for what is left of one call of the host. The crate `stacker` does that on every system,
//! and panics if it gets no memory. So a trial allocation comes first, and if another thread takes the memory just then,
//! the panic is caught.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use region::Protection;

/// Size of the native stack for host functions and for the entry, in bytes.
pub(crate) const HOST_STACK: usize = 256 << 10;

/// Memory in bytes that must remain available after a stack is mapped: a host function that allocates next may not be
/// able to continue without memory.
const SPARE: usize = 1 << 20;

/// Returns the size in bytes of the native stack that is left, or `None` if the system does not say it.
#[inline(always)]
pub(crate) fn remaining_stack() -> Option<usize> {
    // Miri's functions take no native stack, and it cannot switch stacks.
    if cfg!(miri) { Some(usize::MAX) } else { stacker::remaining_stack() }
}

/// Calls a function on a separate stack of at least this size. Returns `None` if there is no memory for it; the function
/// was not called then.
pub(crate) fn on_own_stack<R>(bytes: usize, run: impl FnOnce() -> R) -> Option<R> {
    let bytes = bytes.checked_add(HOST_STACK)?;
    // No page of the allocation is touched.
    drop(region::alloc(bytes.checked_add(SPARE)?, Protection::READ_WRITE).ok()?);
    #[cfg(test)]
    tests::STACKS.set(tests::STACKS.get() + 1);
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
    use std::cell::Cell;
    use std::sync::Arc;

    use vsp_core::limits::MAX_NATIVE_WORDS;
    use vsp_core::program::Program;
    use vsp_core::verify::Verified;
    use vsp_core::{Imports, Options, Outcome, text};

    use super::{HOST_STACK, on_own_stack, remaining_stack};
    use crate::engine::{Engine, EngineKind, Threshold, TierOptions};

    thread_local! {
        /// The number of separate stacks that were mapped for this thread.
        pub(super) static STACKS: Cell<u32> = const { Cell::new(0) };
    }

    #[test]
    fn a_stack_that_cannot_be_had_is_no_panic() {
        for bytes in [usize::MAX, usize::MAX - HOST_STACK, 1 << 62, 1 << 48] {
            assert_eq!(on_own_stack(bytes, || unreachable!("there is no such stack")), None::<()>);
        }
        assert_eq!(on_own_stack(64 << 20, || 42), Some(42));
    }

    #[test]
    fn a_larger_stack_is_larger() {
        assert_eq!(on_own_stack(64 << 20, || remaining_stack() >= Some(64 << 20)), Some(true));
    }

    #[test]
    #[should_panic(expected = "from inside")]
    fn a_panic_on_the_stack_goes_on() {
        on_own_stack(64 << 20, || panic!("from inside"));
    }

    /// A function that is too long for machine code calls one that is not, on a thread with a small stack.
    #[test]
    #[cfg_attr(miri, ignore = "it has no machine code")]
    fn the_calls_of_an_interpreted_function_share_a_stack() {
        const TIERS: TierOptions = TierOptions {
            worker: false,
            slice: 100,
            tier1: None,
            tier2: Threshold { instructions: 1_000, per_word: 0 },
            ..TierOptions::WITH_WORKER
        };
        let unreached = " MOV R1, R1\n".repeat(MAX_NATIVE_WORDS as usize);
        let source = format!(
            ".export main\n.func main (1) -> 1\n.locals 1\n MOVI R2, 0\nnext:\n SETL R0, 0\n MOV R0, R2\n CALL step\n \
             MOV R2, R0\n GETL R0, 0\n LOOP R0, next\n MOV R0, R2\n RET\n{unreached} RET\n.end\n\
             .func step (1) -> 1\n MOVI R3, 20\nturn:\n LOOP R3, turn\n JZ R0, end\n CALL two\n ADD R0, R1\nend:\n ADDI R0, 1\n RET\n.end\n\
             .func two (1) -> 2\n MOVI R1, 2\n RET\n.end\n"
        );
        let bytes: Arc<[u8]> = text::assemble(&source, "").unwrap().into();
        let program = Verified::new(Program::read(bytes).unwrap()).unwrap();
        let module =
            Engine::new(EngineKind::Auto).unwrap().with_tiers(TIERS).load(Arc::new(program)).unwrap();
        for (cells, expected) in [(1 << 22, 1), (1 << 10, 0)] {
            let module = module.clone();
            let run = move || {
                let options = Options { stack_cells: Some(cells), ..Options::default() };
                let mut instance = module.instantiate(Arc::new(Imports::new()), (), options).unwrap();
                let outcome = instance.call_export("main", &[10_000]).unwrap();
                assert!(
                    matches!(outcome, Outcome::Returned(results) if results[..] == [29_998]),
                    "{outcome:?}"
                );
                assert!(module.compiled_regions() > 0);
                STACKS.get()
            };
            let thread = std::thread::Builder::new().stack_size(1 << 20).spawn(run).unwrap();
            assert_eq!(thread.join().unwrap(), expected, "{cells} cells");
        }
    }
}
