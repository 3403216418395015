//! The interface between instructions and the frame that executes them, in any engine.
#![expect(unreachable_pub, reason = "`Visitor` is public, and so must be what it is implemented with")]

use core::hint::cold_path;

use crate::Trap;
use crate::complex::State;
use crate::index::{FuncIndex, ImportIndex};
use crate::isa::StateReg;

/// The reason why an engine stops: an instruction, already charged and counted as executed, that the frame cannot
/// finish by itself.
#[derive(Clone, Copy, Debug)]
pub enum Exit {
    Call(FuncIndex),
    CallIndirect {
        number: u64,
        ty: u32,
    },
    TailCall(FuncIndex),
    TailCallIndirect {
        number: u64,
        ty: u32,
    },
    Return,
    Host(ImportIndex),
    Yield(u64),
    Halt(u64),
    Trap(Trap),
    /// A host function was called and has no results yet.
    Pending(ImportIndex),
    /// The safepoint before the next word has to be handled.
    Safepoint,
    /// The machine has to execute this instruction, which needs more than the frame has.
    Delegated,
    /// The target of a branch is outside the code. Verified programs have no such branch.
    Lost,
}

/// The signal that the engine stops. The argument of [`Frame::stop`] was the reason.
#[derive(Debug)]
pub struct Stopped;

/// The result of an instruction. It is one bit, which the compiler can turn into branches in each handler.
pub type Step = Result<(), Stopped>;

/// Number of bytes for which MEMCOPY, MEMFILL and MEMINIT cost one additional unit of fuel.
pub(crate) const BYTES_PER_FUEL: u64 = 64;

/// The fuel that MEMGROW costs for each page that it adds: as much as filling it.
pub(crate) const FUEL_PER_PAGE: u64 = crate::limits::MEMORY_PAGE / BYTES_PER_FUEL;

/// The result of MEMGROW if the pages do not fit.
pub(crate) const NOT_GROWN: u64 = 0xFFFF_FFFF;

/// The running frame, with everything that its instructions access.
pub trait Frame {
    /// The operand type of a register.
    type Reg: Copy;

    fn get(&self, reg: Self::Reg) -> u64;
    fn set(&mut self, reg: Self::Reg, value: u64) -> Step;
    /// Sets a register that the next instruction is unlikely to read: the accumulator does not cache it.
    fn set_aside(&mut self, reg: Self::Reg, value: u64) -> Step {
        self.set(reg, value)
    }
    fn get_state(&self, reg: StateReg) -> State;
    fn set_state(&mut self, reg: StateReg, value: State) -> Step;
    fn local(&self, local: u32) -> u64;
    fn set_local(&mut self, local: u32, value: u64) -> Step;
    fn constant(&self, constant: u32) -> u64;
    fn globals(&mut self) -> &mut [u64];
    fn memory(&self) -> &[u8];
    fn memory_mut(&mut self) -> &mut [u8];

    /// Stops the engine with an exit.
    fn stop(&mut self, exit: Exit) -> Step;
    /// Skips this number of words without charging fuel.
    fn skip(&mut self, words: i32) -> Step;
    /// Skips `displacement` words without charging fuel, if the branch is taken. A negative displacement branches
    /// backwards and passes a safepoint.
    fn branch(&mut self, taken: bool, displacement: i32) -> Step;
    /// Charges additional fuel and passes a safepoint.
    fn charge(&mut self, fuel: u64) -> Step;

    /// Calls a function.
    #[inline(always)]
    fn enter(&mut self, function: FuncIndex) -> Step {
        self.stop(Exit::Call(function))
    }

    /// Calls a function by its number, if such a function exists and has this type.
    #[inline(always)]
    fn enter_indirect(&mut self, number: u64, ty: u32) -> Step {
        self.stop(Exit::CallIndirect { number, ty })
    }

    /// Replaces this frame by one of the function.
    #[inline(always)]
    fn replace(&mut self, function: FuncIndex) -> Step {
        self.stop(Exit::TailCall(function))
    }

    /// Replaces this frame by one of the function with this number, if such a function exists and has this type.
    #[inline(always)]
    fn replace_indirect(&mut self, number: u64, ty: u32) -> Step {
        self.stop(Exit::TailCallIndirect { number, ty })
    }

    /// Calls a host function and passes a safepoint.
    #[inline(always)]
    fn call_host(&mut self, import: ImportIndex) -> Step {
        self.stop(Exit::Host(import))
    }

    /// Returns to the caller.
    #[inline(always)]
    fn return_to_caller(&mut self) -> Step {
        self.stop(Exit::Return)
    }

    #[inline(always)]
    fn out_of_bounds(&mut self) -> Step {
        self.stop(Exit::Trap(Trap::MemoryOutOfBounds))
    }

    #[inline(always)]
    fn read<const N: usize>(&self, address: u64) -> Option<[u8; N]> {
        let memory = self.memory();
        let start = start_of::<N>(memory, address)?;
        memory[start..].first_chunk().copied()
    }

    #[inline(always)]
    fn write<const N: usize>(&mut self, address: u64, value: [u8; N]) -> Step {
        let memory = self.memory_mut();
        let Some(start) = start_of::<N>(memory, address) else { return self.out_of_bounds() };
        let Some(slot) = memory[start..].first_chunk_mut() else { return self.out_of_bounds() };
        *slot = value;
        Ok(())
    }

    #[inline(always)]
    fn copy(&mut self, to: u64, from: u64, length: u64) -> Step {
        match copy(self.memory_mut(), to, from, length) {
            Some(()) => self.charge(length / BYTES_PER_FUEL),
            None => self.out_of_bounds(),
        }
    }

    #[inline(always)]
    fn fill(&mut self, to: u64, byte: u8, length: u64) -> Step {
        match fill(self.memory_mut(), to, byte, length) {
            Some(()) => self.charge(length / BYTES_PER_FUEL),
            None => self.out_of_bounds(),
        }
    }
}

/// Returns the offset of N bytes at `address` in the memory, if all are in bounds.
///
/// There are two comparisons, each with a cold failure path, because one combined condition takes more instructions.
#[inline(always)]
fn start_of<const N: usize>(memory: &[u8], address: u64) -> Option<usize> {
    let start = usize::try_from(address).ok()?;
    if start >= memory.len() {
        cold_path();
        return None;
    }
    if N > 1 && memory.len() - start < N {
        cold_path();
        return None;
    }
    Some(start)
}

/// Returns the offset of `length` bytes at `address` in the memory, if all are in bounds.
pub(crate) fn checked(memory: &[u8], address: u64, length: u64) -> Option<usize> {
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
