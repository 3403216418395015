//! What a handler works on.

use core::cell::Cell;
use core::ptr;
use core::slice::Iter;
use core::sync::atomic::{AtomicBool, Ordering};

use super::op::{Handler, Op, Registers, end, variant};
use crate::complex::State as Layers;
use crate::index::{FuncIndex, Place};
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
    /// Do calls stay in this interpreter?
    interpreting: bool,
    /// The branch backwards that was taken last, and where it goes.
    loop_op: *const Op,
    loop_code: Iter<'a, Op>,
    loop_next: Handler,
    running: Running<'a>,
    exit: Exit,
    next: usize,
    fuel: i64,
}

/// The running frame.
#[derive(Clone, Copy)]
pub(in crate::interp) struct Running<'a> {
    pub(in crate::interp) index: FuncIndex,
    function: &'a Function,
    /// Where it starts in the cells.
    pub(in crate::interp) base: usize,
    /// Locals, and then state registers.
    upper: &'a [Cell<u64>],
}

/// What a machine lends to a thread.
pub(in crate::interp) struct Lent<'a> {
    pub(in crate::interp) ops: &'a [Op],
    pub(in crate::interp) functions: &'a [Function],
    pub(in crate::interp) constants: &'a [[u8; 8]],
    pub(in crate::interp) cells: &'a mut [u64],
    pub(in crate::interp) memory: &'a mut [u8],
    pub(in crate::interp) globals: &'a mut [u64],
    pub(in crate::interp) interrupt: &'a AtomicBool,
    pub(in crate::interp) interpreting: bool,
}

/// Where a thread was left, and why.
pub(in crate::interp) struct Left {
    pub(in crate::interp) exit: Exit,
    pub(in crate::interp) index: FuncIndex,
    pub(in crate::interp) base: usize,
    /// The next word, counted from the start of the whole code.
    pub(in crate::interp) next: usize,
    pub(in crate::interp) balance: i64,
}

impl<'a> State<'a> {
    /// Executes the function whose frame starts at a cell from a word on (counted from the start of the whole code), until an
    /// exit. `last` is what the instruction before wrote.
    #[inline]
    pub(in crate::interp) fn execute(
        lent: Lent<'a>,
        index: FuncIndex,
        base: usize,
        word: usize,
        last: u64,
        balance: i64,
    ) -> Left {
        let Lent { ops, functions, constants, cells, memory, globals, interrupt, interpreting } = lent;
        let cells = Cell::from_mut(cells).as_slice_of_cells();
        let (Some(running), Some([before, ..]), Some(code)) =
            (Running::at(functions, cells, index, base), ops.get(word..), ops.get(word + 1..))
        else {
            unreachable!("the running frame is in the stack, and its next word in the code")
        };
        let Some(registers) = cells.get(base + REGISTERS..).and_then(<[_]>::first_chunk) else {
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
            interpreting,
            loop_op: ptr::null(),
            loop_code: [].iter(),
            loop_next: end,
            running,
            exit: Exit::Return,
            next: 0,
            fuel: 0,
        };
        let fuel = balance.wrapping_sub(code.len() as i64);
        (before.next)(code.iter(), registers, &mut state, last, fuel);
        Left {
            exit: state.exit,
            index: state.running.index,
            base: state.running.base,
            next: state.next,
            balance: state.fuel,
        }
    }
}

impl<'a> Running<'a> {
    #[inline(always)]
    fn at(
        functions: &'a [Function],
        cells: &'a [Cell<u64>],
        index: FuncIndex,
        base: usize,
    ) -> Option<Running<'a>> {
        let function = functions.get(index.index())?;
        let upper = cells.get(base + LOCALS..)?.get(..function.upper_cells() as usize)?;
        Some(Running { index, function, base, upper })
    }
}

/// Leaves the handlers.
#[inline(never)]
pub(super) fn leave<'a>(code: Iter<'a, Op>, state: &mut State<'a>, fuel: i64) {
    state.next = state.ops.len() - 1 - code.len();
    state.fuel = fuel.wrapping_add(code.len() as i64);
}

/// How a handler names a register.
#[derive(Clone, Copy)]
pub(super) struct Operand {
    pub(super) reg: Reg,
    /// Is it the register that was written last?
    pub(super) last: bool,
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
    pub(super) registers: &'a Registers,
    pub(super) state: &'s mut State<'a>,
    /// What was written last.
    pub(super) last: u64,
    /// The balance less the number of decoded instructions that are left, so that going on to the next one charges 1.
    pub(super) fuel: i64,
}

impl<'a, const VARIANT: u8> Thread<'_, 'a, VARIANT> {
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
        Ok(())
    }

    #[inline(always)]
    fn back(&mut self, displacement: i32) -> Step {
        if !ptr::eq(self.op, self.state.loop_op) {
            let ops = self.state.ops;
            let from = ops.len() - self.from.len();
            self.go(ops.get(from.wrapping_add_signed(displacement as isize)..))?;
            self.state.loop_op = self.op;
            self.state.loop_code = self.code.clone();
            self.state.loop_next = self.next;
        } else {
            self.code = self.state.loop_code.clone();
            self.next = self.state.loop_next;
        }
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
        let base = running.base + LOCALS + running.upper.len();
        let (head, above) = cells.get(base..)?.split_first_chunk::<LOCALS>()?;
        let upper = above.get(..callee.upper_cells() as usize)?;
        cells.get(running.base + PLACE)?.set(layout::pack(self.place()));
        head[CALLER].set(running.base as u64);
        let registers = head[REGISTERS..].first_chunk()?;
        for (index, register) in registers.iter().enumerate() {
            let is_parameter = index < MAX_PARAMS && index < callee.ty.params();
            register.set(if is_parameter { self.registers[index].get() } else { 0 });
        }
        for cell in upper {
            cell.set(0);
        }
        let [before, code @ ..] = ops.get(callee.start as usize..)? else { return None };
        self.state.running = Running { index, function: callee, base, upper };
        self.registers = registers;
        self.code = code.iter();
        self.next = before.next;
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
        let place = layout::unpack(head[PLACE].get());
        let caller = Running::at(functions, cells, place.function, base)?;
        let balance = self.balance();
        let [before, code @ ..] = ops.get((caller.function.start + place.word) as usize + 1..)? else {
            return None;
        };
        let registers = head[REGISTERS..].first_chunk()?;
        for index in 0..MAX_RESULTS {
            if index < running.function.ty.results() {
                let registers: &Registers = registers;
                registers[index].set(self.registers[index].get());
            }
        }
        self.state.running = caller;
        self.registers = registers;
        self.code = code.iter();
        self.next = before.next;
        self.fuel = balance.wrapping_sub(code.len() as i64);
        Some(())
    }
}

impl<const VARIANT: u8> Frame for Thread<'_, '_, VARIANT> {
    type Reg = Operand;

    #[inline(always)]
    fn get(&self, operand: Operand) -> u64 {
        if operand.last { self.last } else { self.registers[operand.reg.index()].get() }
    }

    #[inline(always)]
    fn set(&mut self, operand: Operand, value: u64) -> Step {
        self.registers[operand.reg.index()].set(value);
        self.last = value;
        Ok(())
    }

    #[inline(always)]
    fn get_state(&self, reg: StateReg) -> Layers {
        let Running { upper, function, .. } = self.state.running;
        let at = usize::from(function.locals) + 2 * reg.index();
        Layers::from_halves([upper[at].get(), upper[at + 1].get()])
    }

    #[inline(always)]
    fn set_state(&mut self, reg: StateReg, value: Layers) -> Step {
        let Running { upper, function, .. } = self.state.running;
        let at = usize::from(function.locals) + 2 * reg.index();
        let [low, high] = value.halves();
        upper[at].set(low);
        upper[at + 1].set(high);
        Ok(())
    }

    #[inline(always)]
    fn local(&self, local: u32) -> u64 {
        self.state.running.upper[local as usize].get()
    }

    #[inline(always)]
    fn set_local(&mut self, local: u32, value: u64) -> Step {
        self.state.running.upper[local as usize].set(value);
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
        if self.state.interpreting && self.called(function).is_some() {
            return Ok(());
        }
        self.stop(Exit::Call(function))
    }

    #[inline(always)]
    fn give_back(&mut self) -> Step {
        match self.returned() {
            Some(()) => Ok(()),
            None => self.stop(Exit::Return),
        }
    }
}
