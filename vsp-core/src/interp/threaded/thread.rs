//! One instruction in execution.

use core::cell::Cell;
use core::ptr;
use core::slice::Iter;
use core::sync::atomic::Ordering;

use super::state::{FrameHead, Handler, Op, ThreadState, exit_thread};
use crate::function::layout::LOCALS;
use crate::interp::frame::{Exit, Step, Stopped};
use crate::isa::{Reg, StateReg};

/// A register operand of a handler.
#[derive(Clone, Copy)]
pub(super) struct Operand {
    pub(super) reg: Reg,
    /// Whether the accumulator holds the register, in the type that is used here.
    pub(super) is_cached: bool,
    /// Whether it is a binary64.
    pub(super) is_float: bool,
}

/// One instruction in execution.
pub(super) struct Thread<'s, 'a, const VARIANT: u8> {
    /// The decoded instructions from this one on.
    pub(super) from: Iter<'a, Op>,
    pub(super) op: &'a Op,
    /// The decoded instructions from the next one on.
    pub(super) code: Iter<'a, Op>,
    /// The handler of the next one.
    pub(super) next: Handler,
    /// Whether execution continues elsewhere than after this instruction.
    pub(super) is_taken: bool,
    pub(super) head: &'a FrameHead,
    pub(super) state: &'s mut ThreadState<'a>,
    /// The accumulator: the value that was written last.
    pub(super) accumulator: u64,
    /// The balance minus the number of remaining decoded instructions, so that advancing to the next one charges 1.
    pub(super) fuel: i64,
    /// The accumulator of binary64s: the one that was written last.
    pub(super) float_accumulator: f64,
}

impl<'s, 'a, const VARIANT: u8> Thread<'s, 'a, VARIANT> {
    /// Creates a thread before the first of these instructions.
    #[inline(always)]
    pub(super) fn new(
        code: &'a [Op],
        head: &'a FrameHead,
        state: &'s mut ThreadState<'a>,
        accumulator: u64,
        fuel: i64,
        float_accumulator: f64,
    ) -> Option<Self> {
        let from = code.iter();
        let mut code = from.clone();
        let op = code.next()?;
        Some(Thread {
            from,
            op,
            code,
            next: op.next,
            is_taken: false,
            head,
            state,
            accumulator,
            fuel,
            float_accumulator,
        })
    }

    /// Executes the next instruction, and all after it.
    #[inline(always)]
    pub(super) fn dispatch_next(self) {
        (self.next)(self.code, self.head, self.state, self.accumulator, self.fuel, self.float_accumulator);
    }

    /// Leaves the handlers.
    #[inline(always)]
    pub(super) fn exit_thread(self) {
        exit_thread(self.code, self.state, self.fuel);
    }

    /// Stops with this exit: see [`Frame::stop`](crate::interp::frame::Frame::stop).
    #[inline(always)]
    pub(super) fn exit(&mut self, exit: Exit) -> Step {
        self.state.exit = exit;
        Err(Stopped)
    }

    #[inline(always)]
    pub(super) fn balance(&self) -> i64 {
        self.fuel.wrapping_add(self.code.len() as i64)
    }

    #[inline(always)]
    pub(super) fn safepoint(&mut self) -> Step {
        self.check(self.balance())
    }

    #[inline(always)]
    fn check(&mut self, balance: i64) -> Step {
        if balance < 0 || self.state.interrupt.load(Ordering::Relaxed) {
            return self.exit(Exit::Safepoint);
        }
        Ok(())
    }

    /// Branches back to the target of the branch that was taken last if it is this one, or lets [`other_loop`] find the
    /// target.
    #[inline(always)]
    pub(super) fn back(&mut self, displacement: i32) -> Step {
        self.is_taken = true;
        if !ptr::eq(self.op, self.state.loop_op) {
            self.code = self.from.clone();
            self.next = other_loop;
            return Ok(());
        }
        self.code = self.state.loop_code.clone();
        self.next = self.state.loop_next;
        self.fuel = self.fuel.wrapping_add(displacement.into());
        self.check(self.fuel.wrapping_add(self.state.loop_remaining))
    }

    /// Returns a cell above the registers.
    #[inline(always)]
    pub(super) fn upper(&self, index: usize) -> &'a Cell<u64> {
        &self.state.cells[self.state.running.base as usize + LOCALS + index]
    }

    /// Returns the two cells of a State register.
    #[inline(always)]
    pub(super) fn state_cells(&self, reg: StateReg) -> [&'a Cell<u64>; 2] {
        let at = usize::from(self.state.running.entry.locals) + 2 * reg.index();
        [self.upper(at), self.upper(at + 1)]
    }
}

/// The handler of a backward branch other than the one that was taken last.
fn other_loop<'a>(
    code: Iter<'a, Op>,
    head: &'a FrameHead,
    state: &mut ThreadState<'a>,
    accumulator: u64,
    fuel: i64,
    float_accumulator: f64,
) {
    let Some(op) = code.as_slice().first() else { return };
    let from = (state.ops.len() - code.len()).wrapping_add_signed(op.imm as isize);
    let mut target = state.ops.clone();
    let Some(before) = target.nth(from) else {
        state.exit = Exit::Lost;
        return exit_thread(code, state, fuel);
    };
    state.loop_op = op;
    state.loop_code = target.clone();
    state.loop_next = before.next;
    state.loop_remaining = target.len() as i64;
    let fuel = fuel.wrapping_add(op.imm.into());
    if fuel.wrapping_add(state.loop_remaining) < 0 || state.interrupt.load(Ordering::Relaxed) {
        state.exit = Exit::Safepoint;
        return exit_thread(target, state, fuel);
    }
    (before.next)(target, head, state, accumulator, fuel, float_accumulator);
}
