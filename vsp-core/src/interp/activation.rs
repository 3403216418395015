//! The running frame of the portable interpreter, and its loop: one `match` over the undecoded words of the program.

use core::sync::atomic::{AtomicBool, Ordering};

use super::frame::{Exit, Frame, Step, Stopped};
use crate::complex::State;
use crate::isa::{self, Field, Reg, StateReg};

/// The running frame.
///
/// Fuel is not counted word by word: `bias` is the balance plus the number of the next word. So advancing to the next
/// word charges 1, and a branch that adds its displacement to both charges nothing more.
pub(crate) struct Activation<'a> {
    pub(crate) registers: &'a mut [u64; 16],
    pub(crate) locals: &'a mut [u64],
    /// The State registers, if the function has them.
    pub(crate) states: &'a mut [[u64; 2]],
    pub(crate) memory: &'a mut [u8],
    pub(crate) globals: &'a mut [u64],
    pub(crate) constants: &'a [[u8; 8]],
    pub(crate) code: &'a [[u8; 4]],
    /// The next word, counted from the start of the whole code.
    pub(crate) next: usize,
    pub(crate) bias: i64,
    pub(crate) interrupt: &'a AtomicBool,
    /// The reason for the exit.
    pub(crate) exit: Exit,
}

/// A register operand: its number, and the value before the instruction.
#[derive(Clone, Copy)]
pub(crate) struct Fetched {
    reg: Reg,
    value: u64,
}

impl Activation<'_> {
    /// Executes until an exit.
    #[inline(always)]
    pub(crate) fn execute(&mut self) -> Exit {
        loop {
            if let Err(Stopped) = self.execute_next() {
                return self.exit;
            }
        }
    }

    /// Executes the next word.
    ///
    /// The registers in the fields b and c are fetched before anything is known about the word: once, instead of in the
    /// code of each instruction.
    #[inline(always)]
    fn execute_next(&mut self) -> Step {
        let word = u32::from_le_bytes(self.code[self.next]);
        self.next += 1;
        let fetched = |field: Field| {
            let reg = Reg::from_low_bits(word >> field.shift());
            Fetched { reg, value: self.registers[reg.index()] }
        };
        let (a, b, c) = (fetched(Field::a), fetched(Field::b), fetched(Field::c));
        isa::visit(word, self, |field| match field {
            Field::b => b,
            Field::c => c,
            _ => a,
        })
    }

    /// Executes one instruction, and returns its exit if it has one.
    #[inline(always)]
    pub(crate) fn step(&mut self) -> Option<Exit> {
        match self.execute_next() {
            Ok(()) => None,
            Err(Stopped) => Some(self.exit),
        }
    }

    /// Returns the current balance of fuel.
    #[inline(always)]
    pub(crate) fn balance(&self) -> i64 {
        self.bias.wrapping_sub(self.next as i64)
    }

    #[inline(always)]
    fn safepoint(&mut self) -> Step {
        if self.balance() < 0 || self.interrupt.load(Ordering::Relaxed) {
            return self.stop(Exit::Safepoint);
        }
        Ok(())
    }
}

impl Frame for Activation<'_> {
    type Reg = Fetched;

    #[inline(always)]
    fn get(&self, operand: Fetched) -> u64 {
        operand.value
    }

    #[inline(always)]
    fn set(&mut self, operand: Fetched, value: u64) -> Step {
        self.registers[operand.reg.index()] = value;
        Ok(())
    }

    #[inline(always)]
    fn get_state(&self, reg: StateReg) -> State {
        State::from_halves(self.states[reg.index()])
    }

    #[inline(always)]
    fn set_state(&mut self, reg: StateReg, value: State) -> Step {
        self.states[reg.index()] = value.halves();
        Ok(())
    }

    #[inline(always)]
    fn local(&self, local: u32) -> u64 {
        self.locals[local as usize]
    }

    #[inline(always)]
    fn set_local(&mut self, local: u32, value: u64) -> Step {
        self.locals[local as usize] = value;
        Ok(())
    }

    #[inline(always)]
    fn constant(&self, constant: u32) -> u64 {
        u64::from_le_bytes(self.constants[constant as usize])
    }

    #[inline(always)]
    fn globals(&mut self) -> &mut [u64] {
        self.globals
    }

    #[inline(always)]
    fn memory(&self) -> &[u8] {
        self.memory
    }

    #[inline(always)]
    fn memory_mut(&mut self) -> &mut [u8] {
        self.memory
    }

    #[inline(always)]
    fn stop(&mut self, exit: Exit) -> Step {
        self.exit = exit;
        Err(Stopped)
    }

    #[inline(always)]
    fn skip(&mut self, words: i32) -> Step {
        self.next = self.next.wrapping_add_signed(words as isize);
        self.bias = self.bias.wrapping_add(i64::from(words));
        Ok(())
    }

    #[inline(always)]
    fn branch(&mut self, taken: bool, displacement: i32) -> Step {
        if !taken {
            return Ok(());
        }
        self.skip(displacement)?;
        if displacement < 0 { self.safepoint() } else { Ok(()) }
    }

    #[inline(always)]
    fn charge(&mut self, fuel: u64) -> Step {
        self.bias = self.bias.wrapping_sub(fuel as i64);
        self.safepoint()
    }
}
