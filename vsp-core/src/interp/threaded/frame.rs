//! The frame of a thread, as instructions access it.

use core::cell::Cell;

use super::state::ThreadState;
use super::thread::{Operand, Thread};
use super::variant;
use crate::complex::State;
use crate::function::layout::REGISTERS;
use crate::host;
use crate::index::{FuncIndex, ImportIndex};
use crate::interp::frame::{Exit, Frame, Step};
use crate::isa::StateReg;
use crate::trap::Trap;

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
        self.exit(exit)
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
    fn replace(&mut self, function: FuncIndex) -> Step {
        self.tail_call_number(function.0.into(), None, Exit::TailCall(function))
    }

    #[inline(always)]
    fn replace_indirect(&mut self, number: u64, ty: u32) -> Step {
        self.tail_call_number(number, Some(ty), Exit::TailCallIndirect { number, ty })
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
