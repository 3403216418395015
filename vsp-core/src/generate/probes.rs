//! Instructions with edge operands, whose results are all kept: a bug in a rare case shows only if the case occurs and
//! nothing overwrites its result.

use alloc::vec::Vec;

use super::body::Body;
use super::values;
use crate::isa::{Inst, Reg, Role};
use crate::program::BuildError;

/// Returns whether the role is an immediate that the instruction computes with.
fn is_number(role: Role) -> bool {
    matches!(role, Role::S | Role::U | Role::Sh64 | Role::Sh32 | Role::Bits | Role::Layer)
}

impl Body<'_> {
    /// Adds instructions that each get operands of their own.
    pub(super) fn probe(&mut self) -> Result<(), BuildError> {
        self.with_kept(|body, sum| {
            let global = body.global();
            body.push(Inst::getg(sum, global)?);
            for _ in 0..2 + body.entropy.below(8) {
                match body.entropy.below(7) {
                    0 => body.exchange(sum)?,
                    1 | 2 => body.probe_with(sum, |role| role.is_float())?,
                    3 | 4 => body.probe_with(sum, is_number)?,
                    _ => body.probe_with(sum, |role| role == Role::Dst)?,
                }
            }
            body.push(Inst::setg(sum, global)?);
            Ok(())
        })
    }

    /// Adds one instruction with an operand of a matching role.
    fn probe_with(&mut self, sum: Reg, role: fn(Role) -> bool) -> Result<(), BuildError> {
        let Some(op) = self.pick_with(role) else { return Ok(()) };
        self.probing = true;
        let inst = self.with_operands(op);
        self.probing = false;
        let inst = inst?;
        self.push(inst);
        self.mix_written(sum, inst)
    }

    /// Mixes the registers that an instruction wrote into a sum.
    fn mix_written(&mut self, sum: Reg, inst: Inst) -> Result<(), BuildError> {
        let written = inst.operands().filter(|(operand, _)| operand.role.writes_register());
        let written: Vec<Reg> = written.map(|(_, value)| Reg::from_low_bits(value as u32)).collect();
        for reg in written {
            self.mix(sum, reg)?;
        }
        Ok(())
    }

    fn mix(&mut self, sum: Reg, reg: Reg) -> Result<(), BuildError> {
        self.push(Inst::rotli(sum, sum, 5)?);
        self.push(Inst::xor(sum, sum, reg)?);
        Ok(())
    }

    /// Returns a register that holds an integer or a binary64 that was just computed, which may be a NaN.
    fn computed(&mut self, is_float: bool) -> Result<Reg, BuildError> {
        let reg = self.writable();
        self.held |= 1 << reg.index();
        let [one, two] = [self.writable(), self.writable()];
        for reg in [one, two] {
            let value =
                if is_float { values::special_float(self.entropy) } else { values::integer(self.entropy) };
            self.load(reg, value)?;
        }
        let inst = match (is_float, self.entropy.below(4)) {
            (true, 0) => Inst::fadd(reg, one, two)?,
            (true, 1) => Inst::fmul(reg, one, two)?,
            (true, 2) => Inst::fdiv(reg, one, two)?,
            (true, _) => Inst::fsub(reg, one, two)?,
            (false, 0) => Inst::add(reg, one, two)?,
            (false, _) => Inst::xor(reg, one, two)?,
        };
        self.push(inst);
        Ok(reg)
    }

    /// Passes two registers of any representation through an instruction that moves values.
    fn exchange(&mut self, sum: Reg) -> Result<(), BuildError> {
        let kinds = self.entropy.bits(2);
        self.held = 0;
        let a = self.computed(kinds & 1 == 1)?;
        let b = self.computed(kinds & 2 == 2)?;
        if self.entropy.chance(1, 4) {
            let global = self.global();
            self.push(Inst::setg(a, global)?);
        }
        if self.entropy.chance(1, 3) {
            return self.meet(sum, a, b);
        }
        let condition = self.any_register(u16::MAX);
        let inst = match self.entropy.below(6) {
            0 => Inst::cmovz(a, b, condition)?,
            1 => Inst::cmovnz(a, b, condition)?,
            2 => Inst::mov(a, b)?,
            3 if self.locals > 0 => {
                let local = self.entropy.below(self.locals.into());
                self.push(Inst::setl(b, local)?);
                Inst::getl(a, local)?
            }
            _ => Inst::xchg(a, b)?,
        };
        self.held = 0;
        self.push(inst);
        self.mix(sum, a)?;
        self.mix(sum, b)
    }

    /// Computes with a register that holds `b` on some paths and `a` on others, and then observes its bits.
    fn meet(&mut self, sum: Reg, a: Reg, b: Reg) -> Result<(), BuildError> {
        let skip = self.branch_forward()?;
        let inst = match self.entropy.bits(1) {
            0 => Inst::mov(a, b)?,
            _ => Inst::getg(a, self.global())?,
        };
        self.push(inst);
        self.code.bind(skip);
        self.push(Inst::fadd(b, a, a)?);
        self.mix(sum, b)?;
        // Stored, and no operand of an integer instruction here or later, because that would make it an integer before.
        let address = 8 * self.entropy.below(2);
        self.load(b, address.into())?;
        self.push(Inst::store(b, 0, a)?);
        self.load(a, 0)
    }

    /// Reads locals that were not written in this call: other calls have used the stack before.
    pub(super) fn read_locals_early(&mut self) -> Result<(), BuildError> {
        for _ in 0..1 + self.entropy.below(2) {
            let (reg, local) = (self.writable(), self.edge_of(self.locals.into()));
            self.push(Inst::getl(reg, local)?);
            self.held = 1 << reg.index();
            let (sum, global) = (self.writable(), self.global());
            self.held = 0;
            self.push(Inst::getg(sum, global)?);
            self.mix(sum, reg)?;
            self.push(Inst::setg(sum, global)?);
        }
        Ok(())
    }

    /// Writes locals, so that the values left on the stack are not zero.
    pub(super) fn dirty_locals(&mut self) -> Result<(), BuildError> {
        let reg = self.writable();
        self.push(Inst::ori(reg, reg, 1)?);
        for _ in 0..1 + self.entropy.below(3) {
            let local = self.edge_of(self.locals.into());
            self.push(Inst::setl(reg, local)?);
        }
        Ok(())
    }

    /// Returns a number below `count`, mostly the last or the first.
    fn edge_of(&mut self, count: u32) -> u32 {
        match self.entropy.below(4) {
            0 => 0,
            1 | 2 => count - 1,
            _ => self.entropy.below(count),
        }
    }
}
