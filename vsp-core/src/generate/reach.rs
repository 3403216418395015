//! Accesses by registers with known bounds: they end exactly at the edges of the memory, and in some cases just beyond,
//! where a missing check is noticed.

use alloc::vec::Vec;

use super::body::Body;
use super::entropy::pick;
use super::operands::{Address, access_bytes};
use super::spans::{Side, Span};
use crate::isa::{Flow, Opcode, Operand, Reg, Role};
use crate::program::BuildError;

fn displacement_of(op: Opcode) -> Option<Operand> {
    op.operands().iter().find(|operand| operand.role == Role::Disp).copied()
}

impl Body<'_> {
    /// Returns whether the next construct is an error in the program.
    pub(super) fn provokes_error(&mut self) -> bool {
        let of = if self.world.provokes_errors { 10 } else { 250 };
        self.entropy.chance(1, of)
    }

    /// Returns the edge of the memory that the end of a statement exceeds, if it does.
    pub(super) fn ends_beyond(&mut self) -> Option<Side> {
        let of = match (self.world.provokes_errors, self.leaf) {
            (true, _) => 2,
            (false, true) => 6,
            (false, false) => 60,
        };
        let is_beyond = self.entropy.chance(1, of);
        let side = if self.entropy.chance(1, 4) { Side::Low } else { Side::High };
        is_beyond.then_some(side)
    }

    /// Returns an instruction that accesses memory, with an index of this scale if one is given.
    pub(super) fn pick_access(&mut self, scale: Option<u32>) -> Option<Opcode> {
        let fits = |op: &Opcode| {
            let found = op.operands().iter().find_map(|operand| operand.role.index_scale());
            op.operands().iter().any(|operand| operand.role == Role::Disp)
                && (scale.is_none() || found == scale)
        };
        let all = self.world.opcodes(Flow::Next);
        let possible: Vec<Opcode> = all.iter().copied().filter(|op| fits(op) && self.may_use(*op)).collect();
        pick(self.entropy, &possible)
    }

    /// Returns an instruction that accesses memory without an index, if one of a matching size is found soon.
    pub(super) fn pick_plain_access(&mut self, fits: impl Fn(u64) -> bool) -> Option<Opcode> {
        let has_index =
            |op: &Opcode| op.operands().iter().any(|operand| operand.role.index_scale().is_some());
        (0..16).find_map(|_| self.pick_access(None).filter(|op| !has_index(op) && fits(access_bytes(*op))))
    }

    /// Adds an access by a register in a span, or by a register and a scaled index whose sum is in it.
    pub(super) fn reach(
        &mut self,
        base: Reg,
        index: Option<(Reg, u32)>,
        span: Span,
    ) -> Result<(), BuildError> {
        let Some(op) = self.pick_access(index.map(|(_, scale)| scale)) else { return Ok(()) };
        self.reach_with(op, base, index.map(|(reg, _)| reg), span, None)
    }

    /// Adds an access with a given instruction, and with a given displacement if there is one. The instruction must
    /// have an index if one is given.
    pub(super) fn reach_with(
        &mut self,
        op: Opcode,
        base: Reg,
        index: Option<Reg>,
        span: Span,
        displacement: Option<i32>,
    ) -> Result<(), BuildError> {
        let scale = op.operands().iter().find_map(|operand| operand.role.index_scale());
        self.held |= 1 << base.index();
        let (index, span) = match (index, scale) {
            (Some(index), _) => (index, span),
            (None, Some(scale)) => {
                let index = self.writable();
                let few = self.few(index)?;
                (index, span.plus(few.scaled(scale)))
            }
            (None, None) => (base, span),
        };
        self.held |= 1 << index.index();
        let displacement = match displacement {
            Some(displacement) => Some(displacement),
            None => self.displacement(op, span),
        };
        let Some(displacement) = displacement else {
            self.held = 0;
            return Ok(());
        };
        let inst = self.with_address(op, Some(Address { base, index, displacement }))?;
        self.push(inst);
        Ok(())
    }

    /// Returns a displacement at which the access is inside the memory for all registers of a span, mostly at an edge;
    /// or beyond.
    pub(super) fn displacement(&mut self, op: Opcode, span: Span) -> Option<i32> {
        let operand = displacement_of(op)?;
        let bytes = access_bytes(op) as i64;
        let (least, most) = operand.role.range(operand.field);
        let (low, high) = (-span.low, self.memory() - span.high - bytes);
        let is_beyond = self.provokes_error();
        let value = match self.entropy.below(8) {
            0..=3 if is_beyond => high + 1,
            4 | 5 if is_beyond => high + 1 + i64::from(self.entropy.below(bytes as u32)),
            6 if is_beyond => low - 1,
            _ if is_beyond => low - 1 - i64::from(self.entropy.below(8)),
            _ if low > high => return None,
            0..=2 => high,
            3 => low,
            4 => (i64::from(self.entropy.below(48)) - 24).clamp(low, high),
            5 => 0_i64.clamp(low, high),
            _ => low + i64::from(self.entropy.below((high - low + 1) as u32)),
        };
        let value = value.clamp(least.into(), most.into());
        (is_beyond || (low..=high).contains(&value)).then_some(value as i32)
    }

    /// Returns the displacement at which an access is just beyond an edge of the memory if its registers are at this
    /// end of their span.
    pub(super) fn beyond(&self, op: Opcode, span: Span, side: Side) -> Option<i32> {
        let operand = displacement_of(op)?;
        let displacement = match side {
            Side::High => self.memory() - span.high - access_bytes(op) as i64 + 1,
            Side::Low => -span.low - 1,
        };
        i32::try_from(displacement).ok().filter(|it| operand.role.accepts(operand.field, *it))
    }

    /// Adds an access that is just beyond an edge of the memory if its registers are at this end of their span.
    pub(super) fn reach_beyond(
        &mut self,
        base: Reg,
        index: Option<(Reg, u32)>,
        span: Span,
        side: Side,
    ) -> Result<(), BuildError> {
        let op = match index {
            Some((_, scale)) => self.pick_access(Some(scale)),
            None => self.pick_plain_access(|_| true),
        };
        let Some(op) = op else { return Ok(()) };
        match self.beyond(op, span, side) {
            Some(displacement) => {
                self.reach_with(op, base, index.map(|(reg, _)| reg), span, Some(displacement))
            }
            None => Ok(()),
        }
    }
}
