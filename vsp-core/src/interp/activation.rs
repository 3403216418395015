//! The running frame, with everything its instructions reach, and the loop.

use core::sync::atomic::{AtomicBool, Ordering};

use crate::Trap;
use crate::index::{FuncIndex, ImportIndex};
use crate::isa::{self, Reg};

/// An instruction that the frame cannot carry out alone. It has been charged and counted as executed.
#[derive(Clone, Copy, Debug)]
pub(super) enum Exit {
    Call(FuncIndex),
    CallIndirect { number: u64, ty: u32 },
    Return,
    Host(ImportIndex),
    Yield(Reg),
    Halt(Reg),
    Trap(Trap),
    /// A check point whose place is the next word finds something to do.
    CheckPoint,
}

/// What an instruction comes to.
pub(super) type Step = Result<(), Exit>;

/// The running frame.
///
/// Fuel is not counted word by word: `bias` is the balance plus the number of the next word, so that going on to the
/// next word charges 1, and a branch that adds its displacement to both charges nothing more.
pub(super) struct Activation<'a> {
    pub(super) registers: &'a mut [u64; 16],
    pub(super) locals: &'a mut [u64],
    pub(super) memory: &'a mut [u8],
    pub(super) globals: &'a mut [u64],
    pub(super) constants: &'a [[u8; 8]],
    pub(super) code: &'a [[u8; 4]],
    /// The next word, counted from the start of the whole code.
    pub(super) next: usize,
    pub(super) bias: i64,
    pub(super) interrupt: &'a AtomicBool,
}

impl Activation<'_> {
    /// Executes until an exit. Gives it, the next word and the balance.
    pub(super) fn execute(mut self) -> (Exit, usize, i64) {
        loop {
            let word = u32::from_le_bytes(self.code[self.next]);
            self.next += 1;
            if let Err(exit) = isa::visit(word, &mut self) {
                return (exit, self.next, self.balance());
            }
        }
    }

    #[inline(always)]
    fn balance(&self) -> i64 {
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
    fn check_point(&self) -> Step {
        if self.balance() < 0 || self.interrupt.load(Ordering::Relaxed) { Err(Exit::CheckPoint) } else { Ok(()) }
    }

    #[inline(always)]
    pub(super) fn read<const N: usize>(&self, address: u64) -> Result<[u8; N], Exit> {
        usize::try_from(address)
            .ok()
            .and_then(|start| self.memory.get(start..))
            .and_then(|bytes| bytes.first_chunk::<N>())
            .copied()
            .ok_or(Exit::Trap(Trap::MemoryOutOfBounds))
    }

    #[inline(always)]
    pub(super) fn write<const N: usize>(&mut self, address: u64, value: [u8; N]) -> Step {
        let slot = usize::try_from(address)
            .ok()
            .and_then(|start| self.memory.get_mut(start..))
            .and_then(|bytes| bytes.first_chunk_mut::<N>())
            .ok_or(Exit::Trap(Trap::MemoryOutOfBounds))?;
        *slot = value;
        Ok(())
    }

    /// The offset of `length` bytes at `address` in the memory, if all are inside.
    fn checked(&self, address: u64, length: u64) -> Result<usize, Exit> {
        let size = self.memory.len() as u64;
        match size.checked_sub(length) {
            Some(last) if address <= last => Ok(address as usize),
            _ => Err(Exit::Trap(Trap::MemoryOutOfBounds)),
        }
    }

    pub(super) fn copy(&mut self, to: u64, from: u64, length: u64) -> Step {
        let (to, from) = (self.checked(to, length)?, self.checked(from, length)?);
        self.memory.copy_within(from..from + length as usize, to);
        self.charge_bulk(length)
    }

    pub(super) fn fill(&mut self, to: u64, byte: u8, length: u64) -> Step {
        let to = self.checked(to, length)?;
        self.memory[to..to + length as usize].fill(byte);
        self.charge_bulk(length)
    }

    fn charge_bulk(&mut self, length: u64) -> Step {
        self.bias = self.bias.wrapping_sub((length / BYTES_PER_FUEL) as i64);
        self.check_point()
    }
}

/// MEMCOPY and MEMFILL cost one unit more for so many bytes.
const BYTES_PER_FUEL: u64 = 64;
