//! The running frame of the portable interpreter, and its loop: one `match` over the undecoded words of the program.

use core::sync::atomic::{AtomicBool, Ordering};

use super::frame::{Exit, Frame, Step, Stopped};
use crate::complex::State;
use crate::isa::{self, Reg, StateReg};

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

impl Activation<'_> {
    /// Executes until an exit.
    #[inline(always)]
    pub(crate) fn execute(&mut self) -> Exit {
        loop {
            let word = u32::from_le_bytes(self.code[self.next]);
            self.next += 1;
            if let Err(Stopped) = isa::visit(word, self) {
                return self.exit;
            }
        }
    }

    /// Executes one instruction, and returns its exit if it has one.
    #[inline(always)]
    pub(crate) fn step(&mut self) -> Option<Exit> {
        let word = u32::from_le_bytes(self.code[self.next]);
        self.next += 1;
        match isa::visit(word, self) {
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
    type Reg = Reg;

    #[inline(always)]
    fn get(&self, reg: Reg) -> u64 {
        self.registers[reg.index()]
    }

    #[inline(always)]
    fn set(&mut self, reg: Reg, value: u64) -> Step {
        self.registers[reg.index()] = value;
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
