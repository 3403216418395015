//! Operands of instructions, chosen by their roles, and the instructions that prepare them.

use super::body::Body;
use super::entropy::pick;
use super::{BUDGET, values};
use crate::isa::{Field, Inst, MathFn, Opcode, Operand, Reg, Role};
use crate::program::{BuildError, FuncType};

/// The registers and the displacement of a memory operand.
#[derive(Clone, Copy)]
pub(super) struct Address {
    pub(super) base: Reg,
    pub(super) index: Reg,
    pub(super) displacement: i32,
}

/// Returns the number of bytes that an instruction with a memory operand accesses.
pub(super) fn access_bytes(op: Opcode) -> u64 {
    op.access_bytes().map_or(8, u64::from)
}

impl Body<'_> {
    /// Returns an instruction with chosen operands, and appends the instructions that prepare them.
    pub(super) fn with_operands(&mut self, op: Opcode) -> Result<Inst, BuildError> {
        self.held = 0;
        let address = self.address(op)?;
        self.with_address(op, address)
    }

    /// Returns an instruction with this memory operand, if it has any, and arbitrary other operands.
    pub(super) fn with_address(&mut self, op: Opcode, address: Option<Address>) -> Result<Inst, BuildError> {
        let divides = op.meaning().contains("trap DivideByZero") && !self.entropy.chance(1, 60);
        let divisor = if divides { Some(self.divisor()?) } else { None };
        let numbered = op.meaning().contains("trap GlobalOutOfBounds");
        let global = if numbered { Some(self.numbered_global()?) } else { None };
        let math = pick(self.entropy, MathFn::ALL);
        let mut values = [0; 4];
        for (value, operand) in values.iter_mut().zip(op.operands()) {
            let last_source = operand.role == Role::Src && operand.field == Field::c;
            if let Some((number, first)) = global {
                match (operand.role, operand.field) {
                    (Role::Global, _) => *value = first as i32,
                    (Role::Src, Field::b) => *value = number as i32,
                    _ => *value = self.operand(*operand, math)?,
                }
                continue;
            }
            *value = match (address, divisor) {
                (Some(address), _) if operand.role == Role::Base => address.base as i32,
                (Some(address), _) if operand.role.index_scale().is_some() => address.index as i32,
                (Some(address), _) if operand.role == Role::Disp => address.displacement,
                (_, Some(divisor)) if last_source => divisor as i32,
                _ => self.operand(*operand, math)?,
            };
        }
        self.held = 0;
        Ok(Inst::new(op, &values[..op.operands().len().min(values.len())])?)
    }

    /// Returns the value of an operand.
    fn operand(&mut self, operand: Operand, math: Option<MathFn>) -> Result<i32, BuildError> {
        Ok(match operand.role {
            Role::Dst | Role::FDst => self.destination() as i32,
            Role::Mod => self.modified() as i32,
            Role::Src | Role::Base => self.source()? as i32,
            Role::X1 | Role::X2 | Role::X4 | Role::X8 | Role::X16 => self.source()? as i32,
            Role::SDst | Role::SSrc | Role::SMod => self.state_register() as i32,
            Role::FSrc => self.float_source()? as i32,
            Role::FSrc2 if math.is_none_or(MathFn::is_binary) => self.float_source()? as i32,
            Role::FSrc2 => 0,
            Role::Math => math.map_or(0, |function| function as i32),
            Role::S | Role::U | Role::Disp | Role::Sh64 | Role::Sh32 | Role::Layer | Role::Bits => {
                self.number(operand)
            }
            Role::Const => self.entropy.below(self.world.constants) as i32,
            Role::Local => self.entropy.below(u32::from(self.locals)) as i32,
            Role::Global => self.global() as i32,
            Role::Segment => self.entropy.below(self.world.passive) as i32,
            Role::Func => self.entropy.below(self.world.functions.len() as u32) as i32,
            Role::Import => self.entropy.below(self.world.shape.imports.len() as u32) as i32,
            Role::Type => pick(self.entropy, &self.world.functions).map_or(0, FuncType::bits) as i32,
            Role::Entries => 1,
            Role::Target => 0,
        })
    }

    /// Returns a State register, mostly one of four, so that they get values from each other.
    pub(super) fn state_register(&mut self) -> u32 {
        match self.entropy.chance(1, 8) {
            true => self.entropy.below(16),
            false => 5 * self.entropy.below(4),
        }
    }

    /// Returns any global but [`BUDGET`].
    pub(super) fn global(&mut self) -> u32 {
        BUDGET + 1 + self.entropy.below(self.world.globals - BUDGET - 1)
    }

    /// Returns a register to write.
    fn destination(&mut self) -> Reg {
        let held = core::mem::take(&mut self.held);
        let reg = self.writable();
        self.held = held;
        reg
    }

    /// Returns a register to read and write: often one that holds a binary64.
    fn modified(&mut self) -> Reg {
        let reg = self.any_register(self.floats);
        match self.reserved >> reg.index() & 1 == 0 && self.entropy.bits(1) == 1 {
            true => reg,
            false => self.destination(),
        }
    }

    /// Returns a register to read, mostly one that holds an integer.
    pub(super) fn source(&mut self) -> Result<Reg, BuildError> {
        match self.entropy.below(14) {
            _ if self.probing => self.fresh_integer(),
            0 | 1 => self.fresh_integer(),
            2 | 3 => Ok(self.any_register(self.floats)),
            _ => Ok(self.any_register(!self.floats)),
        }
    }

    /// Returns a register to read, mostly one that holds a binary64.
    fn float_source(&mut self) -> Result<Reg, BuildError> {
        if self.probing || self.floats == 0 || self.entropy.chance(1, 5) {
            return self.fresh_float();
        }
        Ok(self.any_register(self.floats))
    }

    /// Returns any register, mostly one of these.
    pub(super) fn any_register(&mut self, good: u16) -> Reg {
        let first = self.entropy.bits(4) as u32;
        if self.entropy.chance(1, 6) {
            return Reg::from_low_bits(first);
        }
        let mut all = (first..first + 16).map(Reg::from_low_bits);
        all.find(|reg| good >> reg.index() & 1 == 1).unwrap_or(Reg::R0)
    }

    /// Returns a number in the operand's range: its ends, small ones, any.
    fn number(&mut self, operand: Operand) -> i32 {
        let (low, high) = operand.role.range(operand.field);
        let value = match self.entropy.below(5) {
            0 | 1 if self.probing => low,
            2 | 3 if self.probing => high,
            0 => self.entropy.bits(3) as i32,
            1 => -(self.entropy.bits(3) as i32),
            2 => low + self.entropy.bits(1) as i32,
            3 => high - self.entropy.bits(1) as i32,
            _ => low + self.entropy.below((high - low) as u32 + 1) as i32,
        };
        match operand.role.accepts(operand.field, value) {
            true => value,
            // A power of two is a width.
            false => low << self.entropy.below(3).min(((high / low.max(1)).max(1) as u32).ilog2()),
        }
    }

    /// Returns a register that is mostly not zero, also in its low half: a special number, or any number made odd.
    fn divisor(&mut self) -> Result<Reg, BuildError> {
        let reg = self.writable();
        match self.entropy.below(3) {
            _ if self.provokes_error() => {
                let source = self.any_register(u16::MAX);
                self.push(Inst::andi(reg, source, 15)?);
            }
            0 => {
                let value = values::integer(self.entropy) | 1;
                self.load(reg, value)?;
            }
            1 => self.load(reg, u64::MAX)?,
            _ => {
                let source = self.any_register(u16::MAX);
                self.push(Inst::ori(reg, source, 1)?);
            }
        }
        self.held |= 1 << reg.index();
        Ok(reg)
    }

    /// Returns a register and the number of a global: the value of the register is mostly the distance of another global
    /// from that one.
    fn numbered_global(&mut self) -> Result<(Reg, u32), BuildError> {
        let (reg, first) = (self.writable(), self.global());
        let count = self.world.globals - first;
        match self.entropy.below(4) {
            _ if self.provokes_error() => {
                let beyond = [u64::from(count), u64::from(count), u64::MAX - u64::from(first) + 1, 1 << 32];
                let number = pick(self.entropy, &beyond).unwrap_or(0);
                self.load(reg, number)?;
            }
            0 => {
                let source = self.any_register(u16::MAX);
                let mask = (count + 1).next_power_of_two() / 2 - 1;
                self.push(Inst::andi(reg, source, mask)?);
            }
            _ => {
                // The first number that is too large is the error that a wrong comparison misses.
                let number = match self.world.provokes_errors {
                    true => self.entropy.below(2 * count + 1) / 2,
                    false => self.entropy.below(count),
                };
                self.load(reg, number.into())?;
            }
        }
        self.held |= 1 << reg.index();
        Ok((reg, first))
    }

    /// Returns the memory operand of an instruction, if it has one: mostly inside the memory.
    fn address(&mut self, op: Opcode) -> Result<Option<Address>, BuildError> {
        let find = |role: fn(Role) -> bool| op.operands().iter().find(|operand| role(operand.role)).copied();
        let Some(displacement) = find(|role| role == Role::Disp) else { return Ok(None) };
        let scale = find(|role| role.index_scale().is_some()).and_then(|operand| operand.role.index_scale());
        let bytes = access_bytes(op);
        let address = match self.pointer {
            _ if self.entropy.chance(2, 5) || self.world.memory < 128 => {
                self.fixed(displacement, scale, bytes)?
            }
            Some((base, room)) if self.entropy.bits(1) == 1 => self.near(base, room, scale)?,
            _ => {
                let (base, room) = self.moving()?;
                self.near(base, room, scale)?
            }
        };
        Ok(Some(address))
    }

    /// Returns an address that the generator knows: it loads the registers so that they add up to it, with large
    /// offsets too.
    fn fixed(&mut self, operand: Operand, scale: Option<u32>, bytes: u64) -> Result<Address, BuildError> {
        let last = self.world.memory - bytes;
        let target = match self.entropy.below(8) {
            0 => 0,
            1 | 2 => last,
            3 => last - u64::from(self.entropy.below(16)).min(last),
            _ => self.entropy.bits(32) % (last + 1),
        };
        let outside = [last + 1, self.world.memory, u64::MAX, 1 << 32, 1 << 63];
        let outside = pick(self.entropy, &outside).filter(|_| self.entropy.chance(1, 120));
        let displacement = self.number(operand);
        let index = match self.entropy.below(4) {
            0..=2 => u64::from(self.entropy.below(16)).wrapping_sub(4),
            _ => values::integer(self.entropy),
        };
        let base = self.writable();
        self.held |= 1 << base.index();
        let mut start = outside.unwrap_or(target).wrapping_sub(i64::from(displacement) as u64);
        let index = match scale {
            None => base,
            Some(scale) => {
                start = start.wrapping_sub(index << scale);
                let reg = self.writable();
                self.load(reg, index)?;
                self.held |= 1 << reg.index();
                reg
            }
        };
        self.load(base, start)?;
        Ok(Address { base, index, displacement })
    }

    /// Returns a register with an address that depends on the program's computation, and the number of bytes available
    /// after it.
    fn moving(&mut self) -> Result<(Reg, u64), BuildError> {
        let memory = self.world.memory.min(1 << 16);
        let mask = (memory / 2).next_power_of_two() / 2 - 1;
        let (base, source) = (self.writable(), self.any_register(u16::MAX));
        self.push(Inst::andi(base, source, mask as u32)?);
        let room = memory - mask - 16;
        self.pointer = Some((base, room));
        Ok((base, room))
    }

    /// Returns an address up to `room` bytes above a register's.
    fn near(&mut self, base: Reg, room: u64, scale: Option<u32>) -> Result<Address, BuildError> {
        self.held |= 1 << base.index();
        let index = match scale {
            None => base,
            Some(_) => {
                let (reg, source) = (self.writable(), self.any_register(u16::MAX));
                self.push(Inst::andi(reg, source, 3)?);
                self.held |= 1 << reg.index();
                reg
            }
        };
        let room = (room - 3 * 16).min(1 << 11) as u32;
        Ok(Address { base, index, displacement: self.entropy.below(room) as i32 })
    }
}
