//! Shared bounds checks of adjacent accesses.
//!
//! Loads at different displacements from the same registers, with no observable effect between them, share the check of
//! the first: whether all bytes from the lowest to the highest are inside. If it fails, a cold path finds the first
//! access that is outside, and traps there.

use alloc::vec::Vec;

use super::Lowering;
use super::memory::Address;
use crate::isa::{Flow, Inst, Opcode, Role};

/// The largest number of accesses that share a check: the cold path has a check for each.
const MAX_ACCESSES: usize = 8;

/// The largest number of words that are examined, from the first.
const MAX_WORDS: usize = 256;

/// An access that shares a check.
#[derive(Clone, Copy)]
pub(super) struct SharedAccess {
    pub(super) word: u32,
    pub(super) displacement: i32,
    pub(super) bytes: u32,
}

impl Lowering<'_, '_, '_, '_> {
    /// Returns the accesses that can share the check of this one, which is that of the current word and comes first.
    pub(super) fn accesses_sharing_check(&self, address: Address, bytes: u32) -> Vec<SharedAccess> {
        let mut accesses =
            alloc::vec![SharedAccess { word: self.word, displacement: address.displacement, bytes }];
        let graph = self.plan.graph;
        let end = graph.words(self.block).end;
        let registers = address.registers();
        for word in (self.word..end).take(MAX_WORDS) {
            let inst = graph.inst(word);
            if word > self.word {
                match accessed(inst) {
                    Some((other, bytes)) if other.has_registers_of(address) => {
                        accesses.push(SharedAccess { word, displacement: other.displacement, bytes });
                    }
                    None if can_be_passed(inst) => {}
                    Some(_) | None => break,
                }
            }
            let writes = graph.effects(word).writes_in(0);
            if writes & registers != 0 || is_store(inst) || accesses.len() == MAX_ACCESSES {
                break;
            }
        }
        accesses
    }
}

/// Returns the memory operand of an instruction, and the number of bytes that it accesses.
fn accessed(inst: Inst) -> Option<(Address, u32)> {
    let bytes = match inst.op() {
        Opcode::LOAD8U | Opcode::LOAD8S | Opcode::LOAD8UX | Opcode::LOAD8SX => 1,
        Opcode::LOAD16U | Opcode::LOAD16S | Opcode::LOAD16UX | Opcode::LOAD16SX => 2,
        Opcode::LOAD32U | Opcode::LOAD32S | Opcode::LOAD32UX | Opcode::LOAD32SX => 4,
        Opcode::LOADF32 | Opcode::LOADF32X => 4,
        Opcode::LOAD | Opcode::LOADX => 8,
        Opcode::STORE8 | Opcode::STORE8X => 1,
        Opcode::STORE16 | Opcode::STORE16X => 2,
        Opcode::STORE32 | Opcode::STORE32X | Opcode::STOREF32 | Opcode::STOREF32X => 4,
        Opcode::STORE | Opcode::STOREX => 8,
        _ => return None,
    };
    Some((Address::of(inst)?, bytes))
}

/// Returns whether the instruction writes to the memory.
fn is_store(inst: Inst) -> bool {
    let is_operand = inst.value_of(Role::Disp).is_some();
    let writes = |role: Role| {
        matches!(role.register_access(), Some(crate::isa::Access::Write))
            || matches!(role.state_access(), Some(crate::isa::Access::Write))
    };
    is_operand && !inst.operands().any(|(operand, _)| writes(operand.role))
}

/// Returns whether the instruction changes only registers and cannot trap.
fn can_be_passed(inst: Inst) -> bool {
    let can_trap = matches!(
        inst.op(),
        Opcode::DIV
            | Opcode::DIVU
            | Opcode::MOD
            | Opcode::MODU
            | Opcode::DIVW
            | Opcode::MODW
            | Opcode::GETGX
            | Opcode::SETGX
    );
    let can_be_seen = matches!(inst.op(), Opcode::SETL | Opcode::SETG) || inst.value_of(Role::Disp).is_some();
    inst.op().flow() == Flow::Next && !can_trap && !can_be_seen
}
