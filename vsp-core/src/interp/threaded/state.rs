//! The data that handlers work on: decoded instructions, entries of functions, and the state of the thread.

use alloc::vec::Vec;
use core::cell::Cell;
use core::slice::Iter;
use core::sync::atomic::{AtomicBool, Ordering};

use crate::function::Function;
use crate::function::layout::LOCALS;
use crate::host::CallHost;
use crate::index::FuncIndex;
use crate::interp::frame::Exit;
use crate::isa::{Properties, Reg};

/// The start of a frame, up to the end of its registers.
pub(super) type FrameHead = [Cell<u64>; LOCALS];

/// A function that executes an instruction and all after it. Its arguments are the decoded instructions from its own to
/// the end of the code, the frame, the state, the accumulator, the fuel (see
/// [`Thread::fuel`](super::thread::Thread::fuel)), and the accumulator of binary64s.
///
/// These are as many arguments as x86_64 passes in registers: with more, no call of a handler would be a jump.
pub(super) type Handler = for<'a, 's> fn(Iter<'a, Op>, &'a FrameHead, &'s mut ThreadState<'a>, u64, i64, f64);

/// A decoded instruction.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Op {
    /// The handler of the next instruction.
    pub(super) next: Handler,
    /// The immediate; the second one of two.
    pub(super) imm: i32,
    pub(super) a: Reg,
    pub(super) b: Reg,
    pub(super) c: Reg,
    /// The first of two immediates.
    pub(super) imm8: u8,
}

/// The handler after the last instruction. Execution does not run off the end.
pub(super) fn end<'a>(_: Iter<'a, Op>, _: &'a FrameHead, _: &mut ThreadState<'a>, _: u64, _: i64, _: f64) {
    unreachable!("verified: execution does not run off the end")
}

/// The data of a function that calls and returns need.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) index: FuncIndex,
    /// Its first word, counted from the start of the whole code.
    pub(super) start: u32,
    pub(super) frame_cells: u32,
    /// The number of decoded instructions in the whole code from its first one on.
    pub(super) remaining: u32,
    /// The charge for entering it, in addition to the 1 of the call.
    pub(super) charge: u32,
    /// All ones if entering it passes a safepoint, otherwise zero.
    pub(super) checked: i64,
    pub(super) locals: u16,
    /// The bits of its type.
    pub(super) ty: u32,
    pub(super) params: u8,
    pub(super) results: u8,
    /// Whether a tail call enters its machine code, if there is any.
    pub(super) is_entered_by_tail_calls: bool,
}

/// The largest number of words of a function without loops that is interpreted after a tail call: entering machine code,
/// and leaving it for the next tail call, takes longer.
const SHORT_WORDS: u32 = 32;

impl Entry {
    fn new(code: &[[u8; 4]], index: FuncIndex, function: &Function) -> Entry {
        let has_loops = || {
            let words = code.iter().skip(function.start as usize).take(function.words as usize);
            words.map(|bytes| u32::from_le_bytes(*bytes)).any(|bits| {
                let properties = Properties::of(bits);
                properties.is_target && properties.immediate(bits) < 0
            })
        };
        Entry {
            index,
            start: function.start,
            frame_cells: function.frame_cells(),
            remaining: code.len() as u32 - function.start,
            charge: function.entry_charge(),
            checked: if function.short_leaf { 0 } else { -1 },
            locals: function.locals,
            ty: function.ty.bits(),
            params: function.ty.params() as u8,
            results: function.ty.results() as u8,
            is_entered_by_tail_calls: function.words > SHORT_WORDS || has_loops(),
        }
    }

    /// Creates the entries of all functions of a program with this code. Returns `None` if memory runs out.
    pub(super) fn all(code: &[[u8; 4]], functions: &[Function]) -> Option<Vec<Entry>> {
        let mut entries = Vec::new();
        entries.try_reserve_exact(functions.len()).ok()?;
        let functions = (0..).map(FuncIndex).zip(functions);
        entries.extend(functions.map(|(index, function)| Entry::new(code, index, function)));
        Some(entries)
    }
}

/// The running frame.
#[derive(Clone, Copy)]
pub(super) struct RunningFrame<'a> {
    pub(super) entry: &'a Entry,
    /// The cell where it starts.
    pub(super) base: u32,
}

/// The state that handlers do not pass in machine registers.
pub(crate) struct ThreadState<'a> {
    /// All decoded instructions, preceded by one that only holds the handler of the first.
    pub(super) ops: Iter<'a, Op>,
    pub(super) entries: &'a [Entry],
    pub(super) constants: &'a [[u8; 8]],
    pub(super) cells: &'a [Cell<u64>],
    pub(super) memory: &'a mut [u8],
    pub(super) globals: &'a mut [u64],
    pub(super) interrupt: &'a AtomicBool,
    pub(super) host: &'a mut dyn CallHost,
    /// The balance, while no handler has it.
    pub(super) balance: &'a mut i64,
    /// Whether all calls exit, to run machine code.
    pub(super) calls_exit: bool,
    /// For each function, whether calls of it exit. Calls of functions beyond the end do not.
    pub(super) compiled: &'a [AtomicBool],
    /// The backward branch that was taken last, and its target.
    pub(super) loop_op: *const Op,
    pub(super) loop_code: Iter<'a, Op>,
    pub(super) loop_next: Handler,
    /// The number of decoded instructions from that target on.
    pub(super) loop_remaining: i64,
    pub(super) running: RunningFrame<'a>,
    pub(super) exit: Exit,
    pub(super) next: usize,
}

/// The position and the reason of a thread's exit.
pub(crate) struct ExitPoint {
    pub(crate) exit: Exit,
    pub(crate) index: FuncIndex,
    pub(crate) base: usize,
    /// The next word, counted from the start of the whole code.
    pub(crate) next: usize,
}

impl<'a> ThreadState<'a> {
    /// Returns whether it exited by returning from the outermost frame.
    #[inline(always)]
    pub(crate) fn has_returned(&self) -> bool {
        matches!(self.exit, Exit::Return)
    }

    #[inline(always)]
    pub(crate) fn exit_point(&self) -> ExitPoint {
        let RunningFrame { entry, base } = self.running;
        ExitPoint { exit: self.exit, index: entry.index, base: base as usize, next: self.next }
    }

    /// Returns whether a call of the function with this number exits to the machine.
    #[inline(always)]
    pub(super) fn exits_for_call(&self, number: u64) -> bool {
        let compiled = usize::try_from(number).ok().and_then(|number| self.compiled.get(number));
        self.calls_exit || compiled.is_some_and(|compiled| compiled.load(Ordering::Relaxed))
    }

    /// Returns whether a tail call of the function with this number exits to the machine.
    #[inline(always)]
    pub(super) fn exits_for_tail_call(&self, number: u64) -> bool {
        let callee = usize::try_from(number).ok().and_then(|number| self.entries.get(number));
        callee.is_some_and(|callee| callee.is_entered_by_tail_calls) && self.exits_for_call(number)
    }
}

/// Leaves the handlers.
#[inline(never)]
pub(super) fn exit_thread<'a>(code: Iter<'a, Op>, state: &mut ThreadState<'a>, fuel: i64) {
    state.next = state.ops.len() - 1 - code.len();
    *state.balance = fuel.wrapping_add(code.len() as i64);
}
