//! The running frame, with everything its instructions reach, and the loop.

use core::sync::atomic::{AtomicBool, Ordering};

use crate::Trap;
use crate::complex::State;
use crate::index::{FuncIndex, ImportIndex};
use crate::isa::{self, Reg, StateReg};

/// An instruction that the frame cannot carry out alone. It has been charged and counted as executed.
#[derive(Clone, Copy, Debug)]
pub(super) enum Exit {
    Call(FuncIndex),
    CallIndirect {
        number: u64,
        ty: u32,
    },
    Return,
    Host(ImportIndex),
    Yield(Reg),
    Halt(Reg),
    Trap(Trap),
    /// A check point whose place is the next word finds something to do.
    CheckPoint,
}

/// The activation has to be left; [`Activation::exit`] says why.
pub(super) struct Stopped;

/// What an instruction comes to. It is one bit, so that the compiler can turn it into where each handler jumps.
pub(super) type Step = Result<(), Stopped>;

/// The running frame.
///
/// Fuel is not counted word by word: `bias` is the balance plus the number of the next word, so that going on to the
/// next word charges 1, and a branch that adds its displacement to both charges nothing more.
pub(super) struct Activation<'a> {
    pub(super) registers: &'a mut [u64; 16],
    pub(super) locals: &'a mut [u64],
    /// The state registers, if the function has them.
    pub(super) states: &'a mut [[u64; 2]],
    pub(super) memory: &'a mut [u8],
    pub(super) globals: &'a mut [u64],
    pub(super) constants: &'a [[u8; 8]],
    pub(super) code: &'a [[u8; 4]],
    /// The next word, counted from the start of the whole code.
    pub(super) next: usize,
    pub(super) bias: i64,
    pub(super) interrupt: &'a AtomicBool,
    /// Why it is left.
    pub(super) exit: Exit,
}

impl Activation<'_> {
    /// Executes until an exit.
    #[inline(always)]
    pub(super) fn execute(&mut self) -> Exit {
        loop {
            let word = u32::from_le_bytes(self.code[self.next]);
            self.next += 1;
            if let Err(Stopped) = isa::visit(word, self) {
                return self.exit;
            }
        }
    }

    /// Executes one instruction, and gives its exit if it has one.
    #[inline(always)]
    pub(super) fn step(&mut self) -> Option<Exit> {
        let word = u32::from_le_bytes(self.code[self.next]);
        self.next += 1;
        match isa::visit(word, self) {
            Ok(()) => None,
            Err(Stopped) => Some(self.exit),
        }
    }

    /// The balance of fuel now.
    #[inline(always)]
    pub(super) fn balance(&self) -> i64 {
        self.bias.wrapping_sub(self.next as i64)
    }

    #[inline(always)]
    pub(super) fn get(&self, reg: Reg) -> u64 {
        self.registers[reg.index()]
    }

    #[inline(always)]
    pub(super) fn set(&mut self, reg: Reg, value: u64) -> Step {
        self.registers[reg.index()] = value;
        Ok(())
    }

    #[inline(always)]
    pub(super) fn get_state(&self, reg: StateReg) -> State {
        State::from_halves(self.states[reg.index()])
    }

    #[inline(always)]
    pub(super) fn set_state(&mut self, reg: StateReg, value: State) -> Step {
        self.states[reg.index()] = value.halves();
        Ok(())
    }

    #[inline(always)]
    pub(super) fn stop(&mut self, exit: Exit) -> Step {
        self.exit = exit;
        Err(Stopped)
    }

    #[inline(always)]
    pub(super) fn out_of_bounds(&mut self) -> Step {
        self.stop(Exit::Trap(Trap::MemoryOutOfBounds))
    }

    /// Skips so many words without a charge; backwards if negative.
    #[inline(always)]
    pub(super) fn skip(&mut self, words: i32) {
        self.next = self.next.wrapping_add_signed(words as isize);
        self.bias = self.bias.wrapping_add(i64::from(words));
    }

    #[inline(always)]
    pub(super) fn branch(&mut self, taken: bool, displacement: i32) -> Step {
        if !taken {
            return Ok(());
        }
        self.skip(displacement);
        if displacement < 0 { self.check_point() } else { Ok(()) }
    }

    #[inline(always)]
    fn check_point(&mut self) -> Step {
        if self.balance() < 0 || self.interrupt.load(Ordering::Relaxed) {
            return self.stop(Exit::CheckPoint);
        }
        Ok(())
    }

    #[inline(always)]
    pub(super) fn read<const N: usize>(&self, address: u64) -> Option<[u8; N]> {
        let start = usize::try_from(address).ok()?;
        self.memory.get(start..)?.first_chunk().copied()
    }

    #[inline(always)]
    pub(super) fn write<const N: usize>(&mut self, address: u64, value: [u8; N]) -> Step {
        let start = usize::try_from(address).ok();
        let slot = start.and_then(|start| self.memory.get_mut(start..)).and_then(<[u8]>::first_chunk_mut);
        match slot {
            Some(slot) => {
                *slot = value;
                Ok(())
            }
            None => self.out_of_bounds(),
        }
    }

    #[inline(always)]
    pub(super) fn copy(&mut self, to: u64, from: u64, length: u64) -> Step {
        match copy(self.memory, to, from, length) {
            Some(()) => self.charge_bulk(length),
            None => self.out_of_bounds(),
        }
    }

    #[inline(always)]
    pub(super) fn fill(&mut self, to: u64, byte: u8, length: u64) -> Step {
        match fill(self.memory, to, byte, length) {
            Some(()) => self.charge_bulk(length),
            None => self.out_of_bounds(),
        }
    }

    #[inline(always)]
    fn charge_bulk(&mut self, length: u64) -> Step {
        self.bias = self.bias.wrapping_sub((length / BYTES_PER_FUEL) as i64);
        self.check_point()
    }
}

/// The offset of `length` bytes at `address` in the memory, if all are inside.
fn checked(memory: &[u8], address: u64, length: u64) -> Option<usize> {
    let last = (memory.len() as u64).checked_sub(length)?;
    (address <= last).then_some(address as usize)
}

fn copy(memory: &mut [u8], to: u64, from: u64, length: u64) -> Option<()> {
    let (to, from) = (checked(memory, to, length)?, checked(memory, from, length)?);
    memory.copy_within(from..from + length as usize, to);
    Some(())
}

fn fill(memory: &mut [u8], to: u64, byte: u8, length: u64) -> Option<()> {
    let to = checked(memory, to, length)?;
    memory[to..to + length as usize].fill(byte);
    Some(())
}

/// MEMCOPY and MEMFILL cost one unit more for so many bytes.
pub(crate) const BYTES_PER_FUEL: u64 = 64;
