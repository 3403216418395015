//! Statements with combinations that are rare by chance: accesses through one base register that changes between them,
//! binary64s that are moved as integers, and a checksum of all registers at the end.

use alloc::vec::Vec;

use super::body::Body;
use super::entropy::pick;
use super::operands::{Address, access_bytes};
use super::values;
use crate::isa::{Flow, Inst, Opcode, Reg, Role, StateReg};
use crate::program::BuildError;

/// Returns whether the opcode has an operand with such a role.
fn has(op: Opcode, role: fn(Role) -> bool) -> bool {
    op.operands().iter().any(|operand| role(operand.role))
}

impl Body<'_> {
    /// Chooses an opcode that has an operand with such a role. Returns `None` if the program may use none.
    pub(super) fn pick_with(&mut self, role: fn(Role) -> bool) -> Option<Opcode> {
        let all = self.world.opcodes(Flow::Next);
        let possible: Vec<Opcode> =
            all.iter().copied().filter(|op| has(*op, role) && self.may_use(*op)).collect();
        pick(self.entropy, &possible)
    }

    /// Adds accesses through one base register, which changes between them on some paths only. Occasionally the last
    /// access, or an earlier one, is outside the memory.
    pub(super) fn walk(&mut self) -> Result<(), BuildError> {
        if self.world.memory < 64 {
            return self.compute();
        }
        let (base, reserved) = (self.writable(), self.reserved);
        self.reserved |= 1 << base.index();
        self.walk_by(base)?;
        self.reserved = reserved;
        Ok(())
    }

    fn walk_by(&mut self, base: Reg) -> Result<(), BuildError> {
        self.load_inside(base)?;
        let outside = self.entropy.chance(1, 12);
        for _ in 0..1 + self.entropy.below(4) {
            self.access(base)?;
            let skip = self.perhaps_forward(1, 3)?;
            match self.entropy.below(4) {
                0 => self.load_inside(base)?,
                1 => {
                    let step = self.entropy.below(9) as i32 - 4;
                    self.push(Inst::addi(base, base, step)?);
                }
                2 => self.compute()?,
                _ => {}
            }
            if let Some(label) = skip {
                self.load_inside(base)?;
                self.access(base)?;
                self.code.bind(label);
            }
        }
        if outside {
            let address = self.world.memory - u64::from(self.entropy.below(8));
            self.load(base, address)?;
        }
        self.access(base)
    }

    /// Loads an address at least 48 bytes before the end of the memory, mostly the last such address.
    fn load_inside(&mut self, base: Reg) -> Result<(), BuildError> {
        let last = self.world.memory - 48;
        let address = match self.entropy.below(4) {
            0 => self.entropy.bits(32) % (last + 1),
            _ => last,
        };
        self.load(base, address)
    }

    /// Adds an access of any kind, at most 24 bytes after the address in a register.
    fn access(&mut self, base: Reg) -> Result<(), BuildError> {
        let Some(op) = self.pick_with(|role| role == Role::Disp) else { return Ok(()) };
        let index = match has(op, |role| role.index_scale().is_some()) {
            true => self.writable(),
            false => base,
        };
        if index != base {
            self.load(index, 0)?;
            self.held |= 1 << index.index();
        }
        let displacement = self.entropy.below(25 - access_bytes(op) as u32) as i32;
        let inst = self.with_address(op, Some(Address { base, index, displacement }))?;
        self.push(inst);
        Ok(())
    }

    /// Computes binary64s, may move them between registers, and then observes one as an integer.
    pub(super) fn float_chain(&mut self) -> Result<(), BuildError> {
        for _ in 0..1 + self.entropy.below(3) {
            if self.entropy.chance(1, 3) {
                let (reg, value) = (self.writable(), values::special_float(self.entropy));
                self.load(reg, value)?;
                self.floats |= 1 << reg.index();
            }
            if let Some(op) = self.pick_with(|role| role == Role::FDst) {
                self.instruction(op)?;
            }
        }
        if self.entropy.bits(1) == 1
            && let Some(op) = self.pick_with(|role| role == Role::Mod)
        {
            self.instruction(op)?;
        }
        let Some(op) = self.pick_with(|role| role == Role::Src) else { return Ok(()) };
        let observed = self.any_register(self.floats);
        let mut inst = self.with_operands(op)?;
        let first = op.operands().iter().position(|operand| operand.role == Role::Src);
        if let Some(index) = first.filter(|_| !op.meaning().contains("trap")) {
            inst = inst.with(index, observed as i64)?;
        }
        self.push(inst);
        Ok(())
    }

    /// Mixes all registers, and four state registers if the function uses them, into a global, so that no value goes
    /// unobserved.
    pub(super) fn keep_registers(&mut self) -> Result<(), BuildError> {
        let sum = Reg::from_low_bits(self.entropy.bits(4) as u32);
        for reg in Reg::ALL.iter().filter(|reg| **reg != sum) {
            self.push(Inst::rotli(sum, sum, 5)?);
            self.push(Inst::xor(sum, sum, *reg)?);
        }
        if self.states {
            let layers = if sum == Reg::RF { Reg::RE } else { Reg::RF };
            for number in 0..4 {
                self.push(Inst::sfold(layers, StateReg::from_low_bits(5 * number))?);
                self.push(Inst::rotli(sum, sum, 5)?);
                self.push(Inst::xor(sum, sum, layers)?);
            }
        }
        let global = self.global();
        self.push(Inst::setg(sum, global)?);
        Ok(())
    }
}
