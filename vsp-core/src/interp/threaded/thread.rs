//! What a handler works on.

use core::cell::Cell;
use core::ptr;
use core::slice::Iter;
use core::sync::atomic::{AtomicBool, Ordering};

use super::decode::Threaded;
use super::op::{Handler, Op, Registers, end, variant};
use crate::Trap;
use crate::complex::State as Layers;
use crate::host::{CallHost, HostStop};
use crate::index::{FuncIndex, ImportIndex, Place};
use crate::instance::layout::{self, CALLER, LOCALS, OUTERMOST, PLACE, REGISTERS};
use crate::interp::frame::{Exit, Frame, Step, Stopped};
use crate::isa::{Reg, StateReg};
use crate::limits::{MAX_PARAMS, MAX_RESULTS};
use crate::verify::Function;

/// What handlers do not hand on in machine registers.
pub(in crate::interp) struct State<'a> {
    /// All decoded instructions, behind one that only says the handler of the first.
    ops: &'a [Op],
    functions: &'a [Function],
    constants: &'a [[u8; 8]],
    cells: &'a [Cell<u64>],
    memory: &'a mut [u8],
    globals: &'a mut [u64],
    interrupt: &'a AtomicBool,
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
    running: Running<'a>,
    exit: Exit,
    next: usize,
}

/// The running frame.
#[derive(Clone, Copy)]
pub(in crate::interp) struct Running<'a> {
    pub(in crate::interp) index: FuncIndex,
    function: &'a Function,
    /// Where it starts in the cells.
    pub(in crate::interp) base: usize,
}

/// What a machine lends to a thread.
pub(in crate::interp) struct Lent<'a> {
    pub(in crate::interp) threaded: &'a Threaded,
    pub(in crate::interp) functions: &'a [Function],
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
        let Lent { threaded, functions, constants, cells, memory, globals, interrupt, .. } = lent;
        let Lent { host, balance, calls_leave, compiled, .. } = lent;
        let fuel = *balance;
        let ops = &threaded.ops[..];
        let cells = Cell::from_mut(cells).as_slice_of_cells();
        let (Some(function), Some([before, ..]), Some(code)) =
            (functions.get(index.index()), ops.get(word..), ops.get(word + 1..))
        else {
            unreachable!("the running frame is in the stack, and its next word in the code")
        };
        let Some(registers): Option<&Registers> = cells.get(base + REGISTERS..).and_then(<[_]>::first_chunk)
        else {
            unreachable!("the running frame is in the stack")
        };
        let mut state = State {
            ops,
            functions,
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
            running: Running { index, function, base },
            exit: Exit::Return,
            next: 0,
        };
        let fuel = fuel.wrapping_sub(code.len() as i64);
        let last = threaded.last(word).map_or(0, |reg| registers[reg.index()].get());
        (before.next)(code.iter(), registers, &mut state, last, fuel, f64::from_bits(last));
        look(&state)
    }

    /// Was it left by a return to nowhere?
    #[inline(always)]
    pub(in crate::interp) fn has_returned(&self) -> bool {
        matches!(self.exit, Exit::Return)
    }

    #[inline(always)]
    pub(in crate::interp) fn left(&self) -> Left {
        Left { exit: self.exit, index: self.running.index, base: self.running.base, next: self.next }
    }
}

impl State<'_> {
    /// Is a call of this function left to the machine?
    #[inline(always)]
    fn leaves(&self, function: FuncIndex) -> bool {
        let compiled = self.compiled.get(function.index());
        self.calls_leave || compiled.is_some_and(|compiled| compiled.load(Ordering::Relaxed))
    }
}

/// Leaves the handlers.
#[inline(never)]
fn leave<'a>(code: Iter<'a, Op>, state: &mut State<'a>, fuel: i64) {
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
    pub(super) from: &'a [Op],
    pub(super) op: &'a Op,
    /// The decoded instructions from the next one on.
    pub(super) code: Iter<'a, Op>,
    /// The next one's handler.
    pub(super) next: Handler,
    /// Does execution go on elsewhere than behind this instruction?
    pub(super) is_taken: bool,
    pub(super) registers: &'a Registers,
    pub(super) state: &'s mut State<'a>,
    /// What was written last.
    pub(super) last: u64,
    /// The balance less the number of decoded instructions that are left, so that going on to the next one charges 1.
    pub(super) fuel: i64,
    /// The binary64 that was written last.
    pub(super) last_float: f64,
}

impl<'s, 'a, const VARIANT: u8> Thread<'s, 'a, VARIANT> {
    /// Before the instruction `op`, the first of `from`, with `rest` behind it.
    #[inline(always)]
    #[expect(clippy::too_many_arguments, reason = "those of a handler, and where it is")]
    pub(super) fn new(
        from: &'a [Op],
        op: &'a Op,
        rest: &'a [Op],
        registers: &'a Registers,
        state: &'s mut State<'a>,
        last: u64,
        fuel: i64,
        last_float: f64,
    ) -> Self {
        let code = rest.iter();
        Thread { from, op, code, next: op.next, is_taken: false, registers, state, last, fuel, last_float }
    }

    /// Executes the next instruction, and all that come after it.
    #[inline(always)]
    pub(super) fn go_on(self) {
        (self.next)(self.code, self.registers, self.state, self.last, self.fuel, self.last_float);
    }

    /// Leaves the handlers.
    #[inline(always)]
    pub(super) fn leave(self) {
        leave(self.code, self.state, self.fuel);
    }

    #[inline(always)]
    fn balance(&self) -> i64 {
        self.fuel.wrapping_add(self.code.len() as i64)
    }

    #[inline(always)]
    fn check_point(&mut self) -> Step {
        if self.balance() < 0 || self.state.interrupt.load(Ordering::Relaxed) {
            return self.stop(Exit::CheckPoint);
        }
        Ok(())
    }

    /// Goes on behind the first of these instructions.
    #[inline(always)]
    fn go(&mut self, from: Option<&'a [Op]>) -> Step {
        let Some([before, rest @ ..]) = from else { return self.stop(Exit::Lost) };
        self.code = rest.iter();
        self.next = before.next;
        self.is_taken = true;
        Ok(())
    }

    /// Goes back to where this branch went when it was taken before, or lets [`other_loop`] find out.
    #[inline(always)]
    fn back(&mut self, displacement: i32) -> Step {
        self.is_taken = true;
        if !ptr::eq(self.op, self.state.loop_op) {
            self.code = self.from.iter();
            self.next = other_loop;
            return Ok(());
        }
        self.code = self.state.loop_code.clone();
        self.next = self.state.loop_next;
        self.fuel = self.fuel.wrapping_add(displacement.into());
        self.check_point()
    }

    /// The place of this instruction.
    #[inline(always)]
    fn place(&self) -> Place {
        let Running { index, function, .. } = self.state.running;
        let word = self.state.ops.len() - 1 - self.from.len();
        Place { function: index, word: word as u32 - function.start }
    }

    /// Calls a function whose frame fits, if there is nothing to do at its check point.
    #[inline(always)]
    fn called(&mut self, index: FuncIndex) -> Option<()> {
        let State { functions, cells, ops, running, interrupt, .. } = *self.state;
        let callee = functions.get(index.index())?;
        let balance = self.balance().checked_sub(callee.entry_charge().into())?;
        if !callee.short_leaf && (balance < 0 || interrupt.load(Ordering::Relaxed)) {
            return None;
        }
        let base = running.base + running.function.frame_cells() as usize;
        let (head, above) = cells.get(base..)?.split_first_chunk::<LOCALS>()?;
        if above.len() < callee.upper_cells() as usize {
            return None;
        }
        let [before, code @ ..] = ops.get(callee.start as usize..)? else { return None };
        cells.get(running.base + PLACE)?.set(layout::pack(self.place()));
        head[CALLER].set(running.base as u64);
        let registers: &Registers = head[REGISTERS..].first_chunk()?;
        for register in registers {
            register.set(0);
        }
        for (to, from) in registers.iter().zip(self.registers).take(callee.ty.params().min(MAX_PARAMS)) {
            to.set(from.get());
        }
        self.state.running = Running { index, function: callee, base };
        self.registers = registers;
        self.code = code.iter();
        self.next = if callee.upper_cells() == 0 { before.next } else { clear_upper };
        self.fuel = balance.wrapping_sub(code.len() as i64);
        Some(())
    }

    /// Returns to a caller that has a frame.
    #[inline(always)]
    fn returned(&mut self) -> Option<()> {
        let State { functions, cells, ops, running, .. } = *self.state;
        let base = match cells.get(running.base + CALLER)?.get() {
            OUTERMOST => return None,
            base => base as usize,
        };
        let head = cells.get(base..)?.first_chunk::<LOCALS>()?;
        let Place { function: index, word } = layout::unpack(head[PLACE].get());
        let function = functions.get(index.index())?;
        let [before, code @ ..] = ops.get((function.start + word) as usize + 1..)? else { return None };
        let registers: &Registers = head[REGISTERS..].first_chunk()?;
        let results = running.function.ty.results().min(MAX_RESULTS);
        for (to, from) in registers.iter().zip(self.registers).take(results) {
            to.set(from.get());
        }
        self.fuel = self.balance().wrapping_sub(code.len() as i64);
        self.state.running = Running { index, function, base };
        self.registers = registers;
        self.code = code.iter();
        self.next = before.next;
        Some(())
    }

    /// A cell above the registers.
    #[inline(always)]
    fn upper(&self, index: usize) -> &'a Cell<u64> {
        &self.state.cells[self.state.running.base + LOCALS + index]
    }

    /// The two cells of a state register.
    #[inline(always)]
    fn state_cells(&self, reg: StateReg) -> [&'a Cell<u64>; 2] {
        let at = usize::from(self.state.running.function.locals) + 2 * reg.index();
        [self.upper(at), self.upper(at + 1)]
    }
}

/// The handler of a branch backwards that is not the one that was taken last.
fn other_loop<'a>(
    code: Iter<'a, Op>,
    registers: &'a Registers,
    state: &mut State<'a>,
    last: u64,
    fuel: i64,
    last_float: f64,
) {
    let Some(op) = code.as_slice().first() else { return };
    let from = (state.ops.len() - code.len()).wrapping_add_signed(op.imm as isize);
    let Some([before, target @ ..]) = state.ops.get(from..) else {
        state.exit = Exit::Lost;
        return leave(code, state, fuel);
    };
    state.loop_op = op;
    state.loop_code = target.iter();
    state.loop_next = before.next;
    let fuel = fuel.wrapping_add(op.imm.into());
    if fuel.wrapping_add(target.len() as i64) < 0 || state.interrupt.load(Ordering::Relaxed) {
        state.exit = Exit::CheckPoint;
        return leave(target.iter(), state, fuel);
    }
    (before.next)(target.iter(), registers, state, last, fuel, last_float);
}

/// What is executed before the first instruction of a function that has locals or state registers: they become zero.
fn clear_upper<'a>(
    code: Iter<'a, Op>,
    registers: &'a Registers,
    state: &mut State<'a>,
    last: u64,
    fuel: i64,
    last_float: f64,
) {
    let Running { base, function, .. } = state.running;
    let upper =
        state.cells.get(base + LOCALS..).and_then(|above| above.get(..function.upper_cells() as usize));
    let before = state.ops.get(function.start as usize);
    let (Some(upper), Some(before)) = (upper, before) else {
        state.exit = Exit::Lost;
        return leave(code, state, fuel);
    };
    for cell in upper {
        cell.set(0);
    }
    (before.next)(code, registers, state, last, fuel, last_float);
}

impl<const VARIANT: u8> Frame for Thread<'_, '_, VARIANT> {
    type Reg = Operand;

    #[inline(always)]
    fn get(&self, operand: Operand) -> u64 {
        match operand {
            Operand { is_last: false, reg, .. } => self.registers[reg.index()].get(),
            Operand { is_float: false, .. } => self.last,
            Operand { is_float: true, .. } => self.last_float.to_bits(),
        }
    }

    #[inline(always)]
    fn set(&mut self, operand: Operand, value: u64) -> Step {
        self.registers[operand.reg.index()].set(value);
        if operand.is_float {
            self.last_float = f64::from_bits(value);
        } else {
            self.last = value;
        }
        Ok(())
    }

    #[inline(always)]
    fn set_aside(&mut self, operand: Operand, value: u64) -> Step {
        self.registers[operand.reg.index()].set(value);
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
        self.go(self.from.get(words as usize..))
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
        self.check_point()
    }

    #[inline(always)]
    fn enter(&mut self, function: FuncIndex) -> Step {
        if !self.state.leaves(function) && self.called(function).is_some() {
            return Ok(());
        }
        self.stop(Exit::Call(function))
    }

    #[inline(always)]
    fn call_host(&mut self, import: ImportIndex) -> Step {
        let Some(place) = self.state.cells.get(self.state.running.base + PLACE) else {
            return self.stop(Exit::Lost);
        };
        place.set(layout::pack(self.place()));
        *self.state.balance = self.balance();
        let State { host, memory, balance, .. } = &mut *self.state;
        let called = host.call_with(import, memory, balance, self.registers);
        self.fuel = self.state.balance.wrapping_sub(self.code.len() as i64);
        match called {
            Ok(()) => self.check_point(),
            Err(HostStop::Error(code)) => self.stop(Exit::Trap(Trap::Host(code))),
            Err(HostStop::Pending) => self.stop(Exit::Pending(import)),
        }
    }

    #[inline(always)]
    fn give_back(&mut self) -> Step {
        match self.returned() {
            Some(()) => Ok(()),
            None => self.stop(Exit::Return),
        }
    }
}
