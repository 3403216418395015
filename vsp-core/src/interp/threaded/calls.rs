//! Calls and returns within the threaded interpreter.

use core::slice::Iter;
use core::sync::atomic::Ordering;

use super::state::{Entry, FrameHead, Op, RunningFrame, ThreadState, exit_thread};
use super::thread::Thread;
use super::variant;
use crate::function::FRAME_CELLS;
use crate::function::layout::{self, CALLER, LOCALS, LOCATION, OUTERMOST, REGISTERS};
use crate::index::Location;
use crate::interp::frame::{Exit, Step};
use crate::limits::{MAX_PARAMS, MAX_RESULTS};

impl<'a, const VARIANT: u8> Thread<'_, 'a, VARIANT> {
    /// Calls a function by its number, or exits with `exit`. If a type is given, the function must have it.
    #[inline(always)]
    pub(super) fn call_number(&mut self, number: u64, ty: Option<u32>, exit: Exit) -> Step {
        // The data of the frame need not stay in machine registers until it is known that the call stays here.
        self.note_location();
        let balance = self.balance();
        if !self.state.exits_for_call(number) && self.try_call(number, ty, balance).is_some() {
            return Ok(());
        }
        self.exit_for_call(balance, exit)
    }

    /// Calls a function by its number in place of the running one, or exits with `exit`. If a type is given, the
    /// function must have it.
    #[inline(always)]
    pub(super) fn tail_call_number(&mut self, number: u64, ty: Option<u32>, exit: Exit) -> Step {
        self.note_location();
        let balance = self.balance();
        if !self.state.exits_for_tail_call(number) && self.try_tail_call(number, ty, balance).is_some() {
            return Ok(());
        }
        self.exit_for_call(balance, exit)
    }

    /// Exits after the instruction whose location was noted.
    #[inline(always)]
    fn exit_for_call(&mut self, balance: i64, exit: Exit) -> Step {
        let Location { word, .. } = layout::unpack(self.head[LOCATION].get());
        self.code = self.state.ops.clone();
        self.code.nth(self.state.running.entry.start as usize + word as usize + 1);
        self.fuel = balance.wrapping_sub(self.code.len() as i64);
        self.exit(exit)
    }

    /// Writes the location of this instruction into the frame.
    #[inline(always)]
    pub(super) fn note_location(&mut self) {
        let caller = self.state.running.entry;
        let word = caller.remaining.wrapping_sub(self.from.len() as u32);
        self.head[LOCATION].set(layout::pack(Location { function: caller.index, word }));
    }

    /// Returns the entry of a function, and the balance in it, if its safepoint has no work to do.
    #[inline(always)]
    fn callee(&self, number: u64, balance: i64) -> Option<(&'a Entry, i64)> {
        let callee = self.state.entries.get(usize::try_from(number).ok()?)?;
        let balance = balance.checked_sub(callee.charge.into())?;
        if balance & callee.checked < 0 || self.state.interrupt.load(Ordering::Relaxed) {
            return None;
        }
        Some((callee, balance))
    }

    /// Calls a function whose frame fits, if its safepoint has no work to do.
    #[inline(always)]
    fn try_call(&mut self, number: u64, ty: Option<u32>, balance: i64) -> Option<()> {
        let (callee, balance) = self.callee(number, balance)?;
        let (params, first) = match ty {
            None => (variant::count(VARIANT).unwrap_or(callee.params.into()), self.first_register()),
            Some(ty) if ty == callee.ty => (callee.params.into(), self.register(0)),
            Some(_) => return None,
        };
        let RunningFrame { entry, base } = self.state.running;
        let start = base as usize + entry.frame_cells as usize;
        let cells = self.state.cells;
        let head: &FrameHead = cells.get(start..start + LOCALS)?.first_chunk()?;
        let mut code = self.state.ops.clone();
        let mut next = code.nth(callee.start as usize)?.next;
        if callee.frame_cells != FRAME_CELLS {
            cells.get(start + LOCALS..start + callee.frame_cells as usize)?;
            next = clear_upper;
        }
        head[CALLER].set(base.into());
        for (index, register) in head[REGISTERS..].iter().enumerate() {
            register.set(match index {
                0 if params > 0 => first,
                1..MAX_PARAMS if index < params => self.register(index),
                _ => 0,
            });
        }
        self.state.running = RunningFrame { entry: callee, base: start as u32 };
        self.head = head;
        self.accumulator = first;
        self.fuel = balance.wrapping_sub(callee.remaining.into());
        self.code = code;
        self.next = next;
        Some(())
    }

    /// Replaces the running frame by one of a function, if it fits and the function's safepoint has no work to do.
    #[inline(always)]
    fn try_tail_call(&mut self, number: u64, ty: Option<u32>, balance: i64) -> Option<()> {
        let (callee, balance) = self.callee(number, balance)?;
        if ty.is_some_and(|ty| ty != callee.ty) {
            return None;
        }
        let base = self.state.running.base;
        let start = base as usize;
        self.state.cells.get(start..start + callee.frame_cells as usize)?;
        let mut code = self.state.ops.clone();
        let mut next = code.nth(callee.start as usize)?.next;
        if callee.frame_cells != FRAME_CELLS {
            next = clear_upper;
        }
        for (index, register) in self.head[REGISTERS..].iter().enumerate() {
            if index >= callee.params.into() {
                register.set(0);
            }
        }
        self.state.running = RunningFrame { entry: callee, base };
        self.accumulator = self.register(0);
        self.fuel = balance.wrapping_sub(callee.remaining.into());
        self.code = code;
        self.next = next;
        Some(())
    }

    /// Returns to the caller, or exits.
    #[inline(always)]
    pub(super) fn return_or_exit(&mut self) -> Step {
        let balance = self.balance();
        if self.try_return(balance).is_some() {
            return Ok(());
        }
        // The location is not used.
        self.code = self.state.ops.clone();
        self.code.next();
        self.fuel = balance.wrapping_sub(self.code.len() as i64);
        self.exit(Exit::Return)
    }

    /// Returns to a caller that has a frame.
    #[inline(always)]
    fn try_return(&mut self, balance: i64) -> Option<()> {
        let base = match self.head[CALLER].get() {
            OUTERMOST => return None,
            base => base as u32,
        };
        let start = base as usize;
        let head: &FrameHead = self.state.cells.get(start..start + LOCALS)?.first_chunk()?;
        let Location { function, word } = layout::unpack(head[LOCATION].get());
        let entry = self.state.entries.get(function.index())?;
        let mut code = self.state.ops.clone();
        let next = code.nth(entry.start as usize + word as usize + 1)?.next;
        let results = variant::count(VARIANT).unwrap_or(self.state.running.entry.results.into());
        let first = self.first_register();
        for (index, register) in head[REGISTERS..].iter().enumerate().take(MAX_RESULTS) {
            if index < results {
                register.set(if index == 0 { first } else { self.register(index) });
            }
        }
        self.state.running = RunningFrame { entry, base };
        self.head = head;
        self.accumulator = first;
        // From the word after the call on.
        self.fuel = balance.wrapping_sub(i64::from(entry.remaining) - i64::from(word) - 1);
        self.code = code;
        self.next = next;
        Some(())
    }

    #[inline(always)]
    fn register(&self, index: usize) -> u64 {
        self.head[REGISTERS + index].get()
    }

    /// Returns R0, for a call or a return.
    #[inline(always)]
    fn first_register(&self) -> u64 {
        if variant::is_r0_cached(VARIANT) { self.accumulator } else { self.register(0) }
    }
}

/// The handler before the first instruction of a function that has locals or State registers: sets them to zero.
fn clear_upper<'a>(
    code: Iter<'a, Op>,
    head: &'a FrameHead,
    state: &mut ThreadState<'a>,
    accumulator: u64,
    fuel: i64,
    float_accumulator: f64,
) {
    let RunningFrame { base, entry, .. } = state.running;
    let upper =
        state.cells.get(base as usize..).and_then(|frame| frame.get(LOCALS..entry.frame_cells as usize));
    let before = state.ops.as_slice().get(entry.start as usize);
    let (Some(upper), Some(before)) = (upper, before) else {
        state.exit = Exit::Lost;
        return exit_thread(code, state, fuel);
    };
    for cell in upper {
        cell.set(0);
    }
    (before.next)(code, head, state, accumulator, fuel, float_accumulator);
}
