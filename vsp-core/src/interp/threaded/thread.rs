//! The state that handlers work on.

use core::cell::Cell;
use core::ptr;
use core::slice::Iter;
use core::sync::atomic::{AtomicBool, Ordering};

use super::calls::{Entry, RunningFrame};
use super::decode::Threaded;
use super::op::{FrameHead, Handler, Op, end, variant};
use crate::Trap;
use crate::complex::State;
use crate::function::layout::{LOCALS, REGISTERS};
use crate::host::{self, CallHost};
use crate::index::{FuncIndex, ImportIndex};
use crate::interp::frame::{Exit, Frame, Step, Stopped};
use crate::isa::{Reg, StateReg};

/// The state that handlers do not pass in machine registers.
pub(crate) struct ThreadState<'a> {
    /// All decoded instructions, preceded by one that only holds the handler of the first.
    pub(super) ops: Iter<'a, Op>,
    pub(super) entries: &'a [Entry],
    constants: &'a [[u8; 8]],
    pub(super) cells: &'a [Cell<u64>],
    memory: &'a mut [u8],
    globals: &'a mut [u64],
    pub(super) interrupt: &'a AtomicBool,
    host: &'a mut dyn CallHost,
    /// The balance, while no handler has it.
    balance: &'a mut i64,
    /// Whether all calls exit, to run machine code.
    calls_exit: bool,
    /// For each function, whether calls of it exit. Calls of functions beyond the end do not.
    compiled: &'a [AtomicBool],
    /// The backward branch that was taken last, and its target.
    loop_op: *const Op,
    loop_code: Iter<'a, Op>,
    loop_next: Handler,
    /// The number of decoded instructions from that target on.
    loop_remaining: i64,
    pub(super) running: RunningFrame<'a>,
    pub(super) exit: Exit,
    next: usize,
}

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

/// The position and the reason of a thread's exit.
pub(crate) struct ExitPoint {
    pub(crate) exit: Exit,
    pub(crate) index: FuncIndex,
    pub(crate) base: usize,
    /// The next word, counted from the start of the whole code.
    pub(crate) next: usize,
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
}

/// Leaves the handlers.
#[inline(never)]
pub(super) fn exit_thread<'a>(code: Iter<'a, Op>, state: &mut ThreadState<'a>, fuel: i64) {
    state.next = state.ops.len() - 1 - code.len();
    *state.balance = fuel.wrapping_add(code.len() as i64);
}

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

    #[inline(always)]
    pub(super) fn balance(&self) -> i64 {
        self.fuel.wrapping_add(self.code.len() as i64)
    }

    #[inline(always)]
    fn safepoint(&mut self) -> Step {
        self.check(self.balance())
    }

    #[inline(always)]
    fn check(&mut self, balance: i64) -> Step {
        if balance < 0 || self.state.interrupt.load(Ordering::Relaxed) {
            return self.stop(Exit::Safepoint);
        }
        Ok(())
    }

    /// Branches back to the target of the branch that was taken last if it is this one, or lets [`other_loop`] find the
    /// target.
    #[inline(always)]
    fn back(&mut self, displacement: i32) -> Step {
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
    fn upper(&self, index: usize) -> &'a Cell<u64> {
        &self.state.cells[self.state.running.base as usize + LOCALS + index]
    }

    /// Returns the two cells of a State register.
    #[inline(always)]
    fn state_cells(&self, reg: StateReg) -> [&'a Cell<u64>; 2] {
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

impl<const VARIANT: u8> Frame for Thread<'_, '_, VARIANT> {
    type Reg = Operand;

    #[inline(always)]
    fn get(&self, operand: Operand) -> u64 {
        match operand {
            Operand { is_cached: false, reg, .. } => self.head[REGISTERS + reg.index()].get(),
            Operand { is_float: false, .. } => self.accumulator,
            Operand { is_float: true, .. } => self.float_accumulator.to_bits(),
        }
    }

    #[inline(always)]
    fn set(&mut self, operand: Operand, value: u64) -> Step {
        self.head[REGISTERS + operand.reg.index()].set(value);
        if operand.is_float {
            self.float_accumulator = f64::from_bits(value);
        } else {
            self.accumulator = value;
        }
        Ok(())
    }

    #[inline(always)]
    fn set_aside(&mut self, operand: Operand, value: u64) -> Step {
        self.head[REGISTERS + operand.reg.index()].set(value);
        Ok(())
    }

    #[inline(always)]
    fn get_state(&self, reg: StateReg) -> State {
        State::from_halves(self.state_cells(reg).map(Cell::get))
    }

    #[inline(always)]
    fn set_state(&mut self, reg: StateReg, value: State) -> Step {
        for (cell, half) in self.state_cells(reg).into_iter().zip(value.halves()) {
            cell.set(half);
        }
        Ok(())
    }

    #[inline(always)]
    fn local(&self, local: u32) -> u64 {
        self.upper(local as usize).get()
    }

    #[inline(always)]
    fn set_local(&mut self, local: u32, value: u64) -> Step {
        self.upper(local as usize).set(value);
        Ok(())
    }

    #[inline(always)]
    fn constant(&self, constant: u32) -> u64 {
        u64::from_le_bytes(self.state.constants[constant as usize])
    }

    #[inline(always)]
    fn globals(&mut self) -> &mut [u64] {
        self.state.globals
    }

    #[inline(always)]
    fn memory(&self) -> &[u8] {
        self.state.memory
    }

    #[inline(always)]
    fn memory_mut(&mut self) -> &mut [u8] {
        self.state.memory
    }

    #[inline(always)]
    fn stop(&mut self, exit: Exit) -> Step {
        self.state.exit = exit;
        Err(Stopped)
    }

    #[inline(always)]
    fn skip(&mut self, words: i32) -> Step {
        self.fuel = self.fuel.wrapping_add(words.into());
        let mut code = self.from.clone();
        let Some(before) = code.nth(words as usize) else { return self.stop(Exit::Lost) };
        self.code = code;
        self.next = before.next;
        self.is_taken = true;
        Ok(())
    }

    #[inline(always)]
    fn branch(&mut self, taken: bool, displacement: i32) -> Step {
        if !taken {
            Ok(())
        } else if VARIANT & variant::BACK != 0 {
            self.back(displacement)
        } else {
            self.skip(displacement)
        }
    }

    #[inline(always)]
    fn charge(&mut self, fuel: u64) -> Step {
        self.fuel = self.fuel.wrapping_sub(fuel as i64);
        self.safepoint()
    }

    #[inline(always)]
    fn enter(&mut self, function: FuncIndex) -> Step {
        self.call_number(function.0.into(), None, Exit::Call(function))
    }

    #[inline(always)]
    fn enter_indirect(&mut self, number: u64, ty: u32) -> Step {
        self.call_number(number, Some(ty), Exit::CallIndirect { number, ty })
    }

    #[inline(always)]
    fn call_host(&mut self, import: ImportIndex) -> Step {
        self.note_location();
        *self.state.balance = self.balance();
        let Some(registers) = self.head[REGISTERS..].first_chunk() else { return self.stop(Exit::Lost) };
        let ThreadState { host, memory, balance, .. } = &mut *self.state;
        let called = host.call_with(import, memory, balance, registers);
        self.fuel = self.state.balance.wrapping_sub(self.code.len() as i64);
        match called {
            Ok(()) => self.safepoint(),
            Err(host::Stopped::Error(code)) => self.stop(Exit::Trap(Trap::Host(code))),
            Err(host::Stopped::Pending) => self.stop(Exit::Pending(import)),
        }
    }

    #[inline(always)]
    fn return_to_caller(&mut self) -> Step {
        self.return_or_exit()
    }
}
