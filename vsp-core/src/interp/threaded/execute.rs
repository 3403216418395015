//! The execution of decoded code, from a word to an exit.

use core::cell::Cell;
use core::ptr;
use core::sync::atomic::AtomicBool;

use super::decode::Threaded;
use super::state::{FrameHead, RunningFrame, ThreadState, end};
use crate::function::layout::REGISTERS;
use crate::host::CallHost;
use crate::index::FuncIndex;
use crate::interp::frame::Exit;

/// The parts of a machine that a thread borrows.
pub(crate) struct Resources<'a> {
    pub(crate) threaded: &'a Threaded,
    pub(crate) constants: &'a [[u8; 8]],
    pub(crate) cells: &'a mut [u64],
    pub(crate) memory: &'a mut [u8],
    pub(crate) globals: &'a mut [u64],
    pub(crate) interrupt: &'a AtomicBool,
    pub(crate) host: &'a mut dyn CallHost,
    pub(crate) balance: &'a mut i64,
    /// Whether all calls exit, to run machine code.
    pub(crate) calls_exit: bool,
    /// For each function, whether calls of it exit. Calls of functions beyond the end do not.
    pub(crate) compiled: &'a [AtomicBool],
}

impl<'a> ThreadState<'a> {
    /// Executes a function from a word (counted from the start of the whole code) until an exit, and passes the state
    /// then to `look`. `base` is the cell where the function's frame starts.
    #[inline(always)]
    pub(crate) fn execute<R>(
        resources: Resources<'a>,
        index: FuncIndex,
        base: usize,
        word: usize,
        look: impl FnOnce(&ThreadState<'a>) -> R,
    ) -> R {
        let Resources { threaded, constants, cells, memory, globals, interrupt, .. } = resources;
        let Resources { host, balance, calls_exit, compiled, .. } = resources;
        let fuel = *balance;
        let cells = Cell::from_mut(cells).as_slice_of_cells();
        let entry = threaded.entries.get(index.index());
        let head: Option<&FrameHead> = cells.get(base..).and_then(<[_]>::first_chunk);
        let mut code = threaded.ops.iter();
        let (Some(entry), Some(head), Some(before)) = (entry, head, code.nth(word)) else {
            unreachable!("the running frame is in the stack, and its next word in the code")
        };
        let mut state = ThreadState {
            ops: threaded.ops.iter(),
            entries: &threaded.entries,
            constants,
            cells,
            memory,
            globals,
            interrupt,
            host,
            balance,
            calls_exit,
            compiled,
            loop_op: ptr::null(),
            loop_code: [].iter(),
            loop_next: end,
            loop_remaining: 0,
            running: RunningFrame { entry, base: base as u32 },
            exit: Exit::Return,
            next: 0,
        };
        let fuel = fuel.wrapping_sub(code.len() as i64);
        let accumulator = threaded.cached_register(word).map_or(0, |reg| head[REGISTERS + reg.index()].get());
        (before.next)(code, head, &mut state, accumulator, fuel, f64::from_bits(accumulator));
        look(&state)
    }
}
