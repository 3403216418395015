//! The instructions that need more of the memory than a running frame has, or the program: MEMGROW and MEMINIT.

use super::state::{Machine, Position};
use crate::index::PassiveIndex;
use crate::interp::frame::{BYTES_PER_FUEL, FUEL_PER_PAGE, NOT_GROWN, checked};
use crate::isa::{Field, Opcode, Reg};
use crate::outcome::Outcome;
use crate::trap::Trap;

impl<'m, S> Machine<'m, '_, S> {
    /// Executes the instruction before the next word, which the running frame has delegated, and passes the safepoint
    /// after it. The instruction itself has been charged.
    #[cold]
    pub(super) fn execute_delegated(&mut self, at: &mut Position<'m>) -> Result<(), Outcome> {
        let word = u32::from_le_bytes(self.code[at.next - 1]);
        let charge = match Opcode::from_number(word as u8) {
            Some(Opcode::MEMGROW) => Some(self.grow_memory(word)),
            Some(Opcode::MEMINIT) => self.copy_segment(word),
            _ => unreachable!("no other instruction is delegated"),
        };
        let Some(charge) = charge else { return Err(self.trap(*at, Trap::MemoryOutOfBounds)) };
        *self.balance = self.balance.saturating_sub_unsigned(charge);
        self.safepoint(at)
    }

    /// Executes MEMGROW. Returns the additional charge.
    fn grow_memory(&mut self, word: u32) -> u64 {
        let pages = *self.register(word >> const { Field::b.shift() });
        let before = self.memory.grow(pages);
        #[cfg(feature = "native")]
        {
            // The next entry of machine code may find the rest of the context as it is.
            self.context.memory_size = self.memory.len() as u64;
        }
        *self.register(word >> const { Field::a.shift() }) = before.unwrap_or(NOT_GROWN);
        if before.is_some() { pages * FUEL_PER_PAGE } else { 0 }
    }

    /// Executes MEMINIT. Returns the additional charge, or `None` if one of the ranges is out of bounds.
    fn copy_segment(&mut self, word: u32) -> Option<u64> {
        let to = *self.register(word >> const { Field::a.shift() });
        let from = *self.register(word >> const { Field::b.shift() });
        let length = *self.register(word >> const { Field::c.shift() });
        let index = PassiveIndex(word >> const { Field::imm12.shift() });
        let segment = self.program.program().passive_segment(index)?;
        let (to, from) = (checked(self.memory, to, length)?, checked(segment, from, length)?);
        let length = length as usize;
        self.memory[to..to + length].copy_from_slice(&segment[from..from + length]);
        Some(length as u64 / BYTES_PER_FUEL)
    }

    /// Returns the register whose number is in the low bits.
    fn register(&mut self, bits: u32) -> &mut u64 {
        &mut self.stack.registers()[Reg::from_low_bits(bits).index()]
    }
}
