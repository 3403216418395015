//! What a handler works on.

use core::cell::Cell;
use core::ptr;
use core::slice::Iter;
use core::sync::atomic::{AtomicBool, Ordering};

use super::calls::{Entry, Running};
use super::decode::Threaded;
use super::op::{Handler, Head, Op, end, variant};
use crate::Trap;
use crate::complex::State as Layers;
use crate::host::{CallHost, Stopped};
use crate::index::{FuncIndex, ImportIndex};
use crate::instance::layout::{LOCALS, REGISTERS};
use crate::interp::frame::{Exit, Frame, Step, Stopped};
use crate::isa::{Reg, StateReg};

/// What handlers do not hand on in machine registers.
pub(in crate::interp) struct State<'a> {
    /// All decoded instructions, behind one that only says the handler of the first.
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
    /// Do all calls leave, to run machine code?
    calls_leave: bool,
    /// For each function, whether calls of it leave. What is missing does not.
    compiled: &'a [AtomicBool],
    /// The branch backwards that was taken last, and where it goes.
    loop_op: *const Op,
    loop_code: Iter<'a, Op>,
    loop_next: Handler,
    /// How many decoded instructions are left there.
    loop_left: i64,
    pub(super) running: Running<'a>,
    pub(super) exit: Exit,
    next: usize,
}

/// What a machine lends to a thread.
pub(in crate::interp) struct Lent<'a> {
    pub(in crate::interp) threaded: &'a Threaded,
    pub(in crate::interp) constants: &'a [[u8; 8]],
    pub(in crate::interp) cells: &'a mut [u64],
    pub(in crate::interp) memory: &'a mut [u8],
    pub(in crate::interp) globals: &'a mut [u64],
    pub(in crate::interp) interrupt: &'a AtomicBool,
    pub(in crate::interp) host: &'a mut dyn CallHost,
    pub(in crate::interp) balance: &'a mut i64,
    /// Do all calls leave, to run machine code?
    pub(in crate::interp) calls_leave: bool,
    /// For each function, whether calls of it leave. What is missing does not.
    pub(in crate::interp) compiled: &'a [AtomicBool],
}

/// Where a thread was left, and why.
pub(in crate::interp) struct Left {
    pub(in crate::interp) exit: Exit,
    pub(in crate::interp) index: FuncIndex,
    pub(in crate::interp) base: usize,
    /// The next word, counted from the start of the whole code.
    pub(in crate::interp) next: usize,
}

impl<'a> State<'a> {
    /// Executes the function whose frame starts at a cell from a word on (counted from the start of the whole code), until an
    /// exit, and looks at the state then.
    #[inline(always)]
    pub(in crate::interp) fn execute<R>(
        lent: Lent<'a>,
        index: FuncIndex,
        base: usize,
        word: usize,
        look: impl FnOnce(&State<'a>) -> R,
    ) -> R {
        let Lent { threaded, constants, cells, memory, globals, interrupt, .. } = lent;
        let Lent { host, balance, calls_leave, compiled, .. } = lent;
        let fuel = *balance;
        let cells = Cell::from_mut(cells).as_slice_of_cells();
        let entry = threaded.entries.get(index.index());
        let head: Option<&Head> = cells.get(base..).and_then(<[_]>::first_chunk);
        let mut code = threaded.ops.iter();
        let (Some(entry), Some(head), Some(before)) = (entry, head, code.nth(word)) else {
            unreachable!("the running frame is in the stack, and its next word in the code")
        };
        let mut state = State {
            ops: threaded.ops.iter(),
            entries: &threaded.entries,
            constants,
            cells,
            memory,
            globals,
            interrupt,
            host,
            balance,
            calls_leave,
            compiled,
            loop_op: ptr::null(),
            loop_code: [].iter(),
            loop_next: end,
            loop_left: 0,
            running: Running { entry, base: base as u32 },
            exit: Exit::Return,
            next: 0,
        };
        let fuel = fuel.wrapping_sub(code.len() as i64);
        let last = threaded.last(word).map_or(0, |reg| head[REGISTERS + reg.index()].get());
        (before.next)(code, head, &mut state, last, fuel, f64::from_bits(last));
        look(&state)
    }

    /// Was it left by a return to nowhere?
    #[inline(always)]
    pub(in crate::interp) fn has_returned(&self) -> bool {
        matches!(self.exit, Exit::Return)
    }

    #[inline(always)]
    pub(in crate::interp) fn left(&self) -> Left {
        let Running { entry, base } = self.running;
        Left { exit: self.exit, index: entry.index, base: base as usize, next: self.next }
    }

    /// Is a call of the function with this number left to the machine?
    #[inline(always)]
    pub(super) fn leaves(&self, number: u64) -> bool {
        let compiled = usize::try_from(number).ok().and_then(|number| self.compiled.get(number));
        self.calls_leave || compiled.is_some_and(|compiled| compiled.load(Ordering::Relaxed))
    }
}

/// Leaves the handlers.
#[inline(never)]
pub(super) fn leave<'a>(code: Iter<'a, Op>, state: &mut State<'a>, fuel: i64) {
    state.next = state.ops.len() - 1 - code.len();
    *state.balance = fuel.wrapping_add(code.len() as i64);
}

/// How a handler names a register.
#[derive(Clone, Copy)]
pub(super) struct Operand {
    pub(super) reg: Reg,
    /// Is it the register that was written last, and as what it is here?
    pub(super) is_last: bool,
    /// Is it a binary64?
    pub(super) is_float: bool,
}

/// One instruction at work.
pub(super) struct Thread<'s, 'a, const VARIANT: u8> {
    /// The decoded instructions from this one on.
    pub(super) from: Iter<'a, Op>,
    pub(super) op: &'a Op,
    /// The decoded instructions from the next one on.
    pub(super) code: Iter<'a, Op>,
    /// The next one's handler.
    pub(super) next: Handler,
    /// Does execution go on elsewhere than behind this instruction?
    pub(super) is_taken: bool,
    pub(super) head: &'a Head,
    pub(super) state: &'s mut State<'a>,
    /// What was written last.
    pub(super) last: u64,
    /// The balance less the number of decoded instructions that are left, so that going on to the next one charges 1.
    pub(super) fuel: i64,
    /// The binary64 that was written last.
    pub(super) last_float: f64,
}

impl<'s, 'a, const VARIANT: u8> Thread<'s, 'a, VARIANT> {
    /// Before the first of these instructions.
    #[inline(always)]
    pub(super) fn new(
        code: &'a [Op],
        head: &'a Head,
        state: &'s mut State<'a>,
        last: u64,
        fuel: i64,
        last_float: f64,
    ) -> Option<Self> {
        let from = code.iter();
        let mut code = from.clone();
        let op = code.next()?;
        Some(Thread { from, op, code, next: op.next, is_taken: false, head, state, last, fuel, last_float })
    }

    /// Executes the next instruction, and all that come after it.
    #[inline(always)]
    pub(super) fn go_on(self) {
        (self.next)(self.code, self.head, self.state, self.last, self.fuel, self.last_float);
    }

    /// Leaves the handlers.
    #[inline(always)]
    pub(super) fn leave(self) {
        leave(self.code, self.state, self.fuel);
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

    /// Goes back to where this branch went when it was taken before, or lets [`other_loop`] find out.
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
        self.check(self.fuel.wrapping_add(self.state.loop_left))
    }

    /// A cell above the registers.
    #[inline(always)]
    fn upper(&self, index: usize) -> &'a Cell<u64> {
        &self.state.cells[self.state.running.base as usize + LOCALS + index]
    }

    /// The two cells of a state register.
    #[inline(always)]
    fn state_cells(&self, reg: StateReg) -> [&'a Cell<u64>; 2] {
        let at = usize::from(self.state.running.entry.locals) + 2 * reg.index();
        [self.upper(at), self.upper(at + 1)]
    }
}

/// The handler of a branch backwards that is not the one that was taken last.
fn other_loop<'a>(
    code: Iter<'a, Op>,
    head: &'a Head,
    state: &mut State<'a>,
    last: u64,
    fuel: i64,
    last_float: f64,
) {
    let Some(op) = code.as_slice().first() else { return };
    let from = (state.ops.len() - code.len()).wrapping_add_signed(op.imm as isize);
    let mut target = state.ops.clone();
    let Some(before) = target.nth(from) else {
        state.exit = Exit::Lost;
        return leave(code, state, fuel);
    };
    state.loop_op = op;
    state.loop_code = target.clone();
    state.loop_next = before.next;
    state.loop_left = target.len() as i64;
    let fuel = fuel.wrapping_add(op.imm.into());
    if fuel.wrapping_add(state.loop_left) < 0 || state.interrupt.load(Ordering::Relaxed) {
        state.exit = Exit::Safepoint;
        return leave(target, state, fuel);
    }
    (before.next)(target, head, state, last, fuel, last_float);
}

impl<const VARIANT: u8> Frame for Thread<'_, '_, VARIANT> {
    type Reg = Operand;

    #[inline(always)]
    fn get(&self, operand: Operand) -> u64 {
        match operand {
            Operand { is_last: false, reg, .. } => self.head[REGISTERS + reg.index()].get(),
            Operand { is_float: false, .. } => self.last,
            Operand { is_float: true, .. } => self.last_float.to_bits(),
        }
    }

    #[inline(always)]
    fn set(&mut self, operand: Operand, value: u64) -> Step {
        self.head[REGISTERS + operand.reg.index()].set(value);
        if operand.is_float {
            self.last_float = f64::from_bits(value);
        } else {
            self.last = value;
        }
        Ok(())
    }

    #[inline(always)]
    fn set_aside(&mut self, operand: Operand, value: u64) -> Step {
        self.head[REGISTERS + operand.reg.index()].set(value);
        Ok(())
    }

    #[inline(always)]
    fn get_state(&self, reg: StateReg) -> Layers {
        Layers::from_halves(self.state_cells(reg).map(Cell::get))
    }

    #[inline(always)]
    fn set_state(&mut self, reg: StateReg, value: Layers) -> Step {
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
        let State { host, memory, balance, .. } = &mut *self.state;
        let called = host.call_with(import, memory, balance, registers);
        self.fuel = self.state.balance.wrapping_sub(self.code.len() as i64);
        match called {
            Ok(()) => self.safepoint(),
            Err(Stopped::Error(code)) => self.stop(Exit::Trap(Trap::Host(code))),
            Err(Stopped::Pending) => self.stop(Exit::Pending(import)),
        }
    }

    #[inline(always)]
    fn give_back(&mut self) -> Step {
        self.hand_back()
    }
}
