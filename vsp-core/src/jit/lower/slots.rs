//! Values of registers and locals: as integers, as binary64s, or both.

use cranelift_codegen::ir::condcodes::FloatCC;
use cranelift_codegen::ir::immediates::Ieee64;
use cranelift_codegen::ir::types::{F64, I64};
use cranelift_codegen::ir::{InstBuilder, InstructionData, MemFlagsData, Opcode, Value, ValueDef};

use super::super::representation::EntryRepresentation;
use super::Lowering;
use crate::isa::Reg;

/// The current representation of slots. A slot that is in neither set is not live.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Representation {
    /// Slots whose integer variable holds their bits.
    pub(super) int: u64,
    /// Slots whose binary64 variable holds their value.
    pub(super) float: u64,
    /// Slots pending canonicalisation: a NaN in their binary64 variable represents the canonical one. They are in
    /// `float` only.
    pub(super) pending: u64,
}

/// Returns the numbers of the slots in a set.
pub(super) fn indices(mut set: u64) -> impl Iterator<Item = usize> {
    core::iter::from_fn(move || {
        let slot = (set != 0).then(|| set.trailing_zeros() as usize)?;
        set &= set - 1;
        Some(slot)
    })
}

impl Lowering<'_, '_, '_, '_> {
    /// Returns the representation of the slots at the start of a block.
    pub(super) fn entry_representation(&self, block: u32) -> Representation {
        let live = self.plan.live_entry(block);
        let EntryRepresentation { float, pending, .. } = self.plan.entries[block as usize];
        Representation { int: live & !float, float: live & float, pending: live & pending }
    }

    pub(super) fn get(&mut self, reg: Reg) -> Value {
        self.slot(reg.index())
    }

    pub(super) fn set(&mut self, reg: Reg, value: Value) {
        self.set_slot(reg.index(), value);
    }

    pub(super) fn get_float(&mut self, reg: Reg) -> Value {
        self.float_slot(reg.index())
    }

    /// Sets a register to the result of a binary64 operation.
    pub(super) fn set_float(&mut self, reg: Reg, value: Value) {
        self.set_float_slot(reg.index(), value, true);
    }

    /// Returns the low half of a register.
    pub(super) fn get_word(&mut self, reg: Reg) -> Value {
        let value = self.get(reg);
        self.b.ins().ireduce(cranelift_codegen::ir::types::I32, value)
    }

    /// Sets a register to a 32-bit result, zero-extended.
    pub(super) fn set_word(&mut self, reg: Reg, value: Value) {
        let wide = self.b.ins().uextend(I64, value);
        self.set(reg, wide);
    }

    /// Returns the bits of a slot.
    pub(super) fn slot(&mut self, slot: usize) -> Value {
        let bit = 1 << slot;
        if self.representation.int & bit != 0 {
            return self.b.use_var(self.ints[slot]);
        }
        if self.representation.float & bit == 0 {
            // Not live: the value cannot be observed.
            return self.b.ins().iconst(I64, 0);
        }
        let value = self.canonical_float_slot(slot);
        let bits = self.b.ins().bitcast(I64, MemFlagsData::new(), value);
        self.b.def_var(self.ints[slot], bits);
        self.representation.int |= bit;
        bits
    }

    /// Returns the binary64 of a slot with the bits that the program sees.
    pub(super) fn canonical_float_slot(&mut self, slot: usize) -> Value {
        let bit = 1 << slot;
        let value = self.float_slot(slot);
        if self.representation.pending & bit == 0 {
            return value;
        }
        let canonical = self.canonicalised(value);
        self.set_float_slot(slot, canonical, false);
        canonical
    }

    /// Returns the binary64 of a slot. A NaN may have any bits.
    pub(super) fn float_slot(&mut self, slot: usize) -> Value {
        let bit = 1 << slot;
        if self.representation.float & bit != 0 {
            return self.b.use_var(self.floats[slot]);
        }
        let bits = self.slot(slot);
        let value = match self.constant(bits) {
            Some(bits) => self.b.ins().f64const(Ieee64::with_bits(bits as u64)),
            None => self.b.ins().bitcast(F64, MemFlagsData::new(), bits),
        };
        self.b.def_var(self.floats[slot], value);
        self.representation.float |= bit;
        value
    }

    pub(super) fn set_slot(&mut self, slot: usize, value: Value) {
        let bit = 1 << slot;
        self.b.def_var(self.ints[slot], value);
        self.representation = Representation {
            int: self.representation.int | bit,
            float: self.representation.float & !bit,
            pending: self.representation.pending & !bit,
        };
        self.forget_checks(slot);
    }

    pub(super) fn set_float_slot(&mut self, slot: usize, value: Value, pending: bool) {
        let bit = 1 << slot;
        self.b.def_var(self.floats[slot], value);
        self.representation = Representation {
            int: self.representation.int & !bit,
            float: self.representation.float | bit,
            pending: self.representation.pending & !bit | if pending { bit } else { 0 },
        };
        self.forget_checks(slot);
    }

    /// Copies a slot in its current representation.
    pub(super) fn copy_slot(&mut self, to: usize, from: usize) {
        let bit = 1 << from;
        if to == from {
            return;
        }
        if self.representation.int & bit == 0 && self.representation.float & bit != 0 {
            let pending = self.representation.pending & bit != 0;
            let value = self.b.use_var(self.floats[from]);
            self.set_float_slot(to, value, pending);
        } else {
            let value = self.slot(from);
            self.set_slot(to, value);
        }
    }

    pub(super) fn swap_slots(&mut self, a: usize, b: usize) {
        let kept = |representation: &Representation, slot: usize| {
            (
                representation.int >> slot & 1 == 0 && representation.float >> slot & 1 == 1,
                representation.pending >> slot & 1 == 1,
            )
        };
        let ((a_float, a_pending), (b_float, b_pending)) =
            (kept(&self.representation, a), kept(&self.representation, b));
        let old_a = if a_float { self.float_slot(a) } else { self.slot(a) };
        let old_b = if b_float { self.float_slot(b) } else { self.slot(b) };
        match b_float {
            true => self.set_float_slot(a, old_b, b_pending),
            false => self.set_slot(a, old_b),
        }
        match a_float {
            true => self.set_float_slot(b, old_a, a_pending),
            false => self.set_slot(b, old_a),
        }
    }

    /// Copies `from` to `to` if `condition` holds.
    pub(super) fn select_slot(&mut self, condition: Value, to: usize, from: usize) {
        let only_float = |slot: usize| {
            self.representation.int >> slot & 1 == 0 && self.representation.float >> slot & 1 == 1
        };
        if !(only_float(to) && only_float(from)) {
            let (new, old) = (self.slot(from), self.slot(to));
            let value = self.b.ins().select(condition, new, old);
            return self.set_slot(to, value);
        }
        let pending = |slot: usize| self.representation.pending >> slot & 1 == 1;
        let both_pending = pending(to) && pending(from);
        let (new, old) = match both_pending {
            true => (self.float_slot(from), self.float_slot(to)),
            false => (self.canonical_float_slot(from), self.canonical_float_slot(to)),
        };
        let value = self.b.ins().select(condition, new, old);
        self.set_float_slot(to, value, both_pending);
    }

    /// Converts the live slots to the representation that a block expects.
    pub(super) fn convert(&mut self, wanted: Representation) {
        for slot in indices(wanted.int & !self.representation.int) {
            self.slot(slot);
        }
        for slot in indices(wanted.float & !wanted.pending) {
            self.canonical_float_slot(slot);
        }
        for slot in indices(wanted.float & wanted.pending) {
            self.float_slot(slot);
        }
    }

    /// Returns whether [`Self::convert`] would emit code.
    pub(super) fn needs_conversion(&self, wanted: Representation) -> bool {
        let canonical = wanted.float & !wanted.pending;
        wanted.int & !self.representation.int != 0
            || wanted.float & !self.representation.float != 0
            || canonical & self.representation.pending != 0
    }

    /// Returns the value with NaNs canonicalised, on a cold path.
    fn canonicalised(&mut self, value: Value) -> Value {
        let (cold, after) = (self.b.create_block(), self.b.create_block());
        self.b.set_cold_block(cold);
        self.stay_cold(after);
        let result = self.b.append_block_param(after, F64);
        let is_nan = self.b.ins().fcmp(FloatCC::Unordered, value, value);
        self.b.ins().brif(is_nan, cold, &[], after, &[value.into()]);
        self.b.switch_to_block(cold);
        self.b.seal_block(cold);
        let nan = self.canonical_nan();
        self.b.ins().jump(after, &[nan.into()]);
        self.b.switch_to_block(after);
        self.b.seal_block(after);
        result
    }

    pub(super) fn canonical_nan(&mut self) -> Value {
        self.b.ins().f64const(Ieee64::with_bits(0x7FF8_0000_0000_0000))
    }

    /// Returns the value as an integer constant, if it is one.
    pub(super) fn constant(&self, value: Value) -> Option<i64> {
        let ValueDef::Result(inst, _) = self.b.func.dfg.value_def(value) else { return None };
        match self.b.func.dfg.insts[inst] {
            InstructionData::UnaryImm { opcode: Opcode::Iconst, imm } => Some(imm.bits()),
            _ => None,
        }
    }
}
