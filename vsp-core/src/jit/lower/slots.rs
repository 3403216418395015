//! Values of registers and locals: as integers, as binary64s, or both.

use cranelift_codegen::ir::condcodes::FloatCC;
use cranelift_codegen::ir::immediates::Ieee64;
use cranelift_codegen::ir::types::{F64, I64};
use cranelift_codegen::ir::{InstBuilder, InstructionData, MemFlagsData, Opcode, Value, ValueDef};

use super::super::kinds::Entry;
use super::Lowering;
use crate::isa::Reg;

/// Where the values of slots are now. A slot that is in neither set is not live.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct State {
    /// Slots whose integer variable holds their bits.
    pub(super) int: u64,
    /// Slots whose binary64 variable holds their value.
    pub(super) float: u64,
    /// Slots whose binary64 variable, if it holds a NaN, stands for the canonical one. They are in `float` only.
    pub(super) lazy: u64,
}

/// The numbers of the slots of a set.
pub(super) fn indices(mut set: u64) -> impl Iterator<Item = usize> {
    core::iter::from_fn(move || {
        let slot = (set != 0).then(|| set.trailing_zeros() as usize)?;
        set &= set - 1;
        Some(slot)
    })
}

impl Lowering<'_, '_, '_, '_> {
    /// How the slots are kept where a block starts.
    pub(super) fn entry_state(&self, block: u32) -> State {
        let live = self.plan.live_entry(block);
        let Entry { float, lazy, .. } = self.plan.entries[block as usize];
        State { int: live & !float, float: live & float, lazy: live & lazy }
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

    /// The result of a binary64 operation.
    pub(super) fn set_float(&mut self, reg: Reg, value: Value) {
        self.set_float_slot(reg.index(), value, true);
    }

    /// The low half of a register.
    pub(super) fn get_word(&mut self, reg: Reg) -> Value {
        let value = self.get(reg);
        self.b.ins().ireduce(cranelift_codegen::ir::types::I32, value)
    }

    /// A 32-bit result, zero-extended.
    pub(super) fn set_word(&mut self, reg: Reg, value: Value) {
        let wide = self.b.ins().uextend(I64, value);
        self.set(reg, wide);
    }

    /// The bits of a slot.
    pub(super) fn slot(&mut self, slot: usize) -> Value {
        let bit = 1 << slot;
        if self.state.int & bit != 0 {
            return self.b.use_var(self.ints[slot]);
        }
        if self.state.float & bit == 0 {
            // Not live: nothing can tell.
            return self.b.ins().iconst(I64, 0);
        }
        let value = self.exact_float_slot(slot);
        let bits = self.b.ins().bitcast(I64, MemFlagsData::new(), value);
        self.b.def_var(self.ints[slot], bits);
        self.state.int |= bit;
        bits
    }

    /// The binary64 of a slot whose bits are what the program sees.
    pub(super) fn exact_float_slot(&mut self, slot: usize) -> Value {
        let bit = 1 << slot;
        let value = self.float_slot(slot);
        if self.state.lazy & bit == 0 {
            return value;
        }
        let exact = self.canonical(value);
        self.set_float_slot(slot, exact, false);
        exact
    }

    /// The binary64 of a slot. If it is a NaN it may be any.
    pub(super) fn float_slot(&mut self, slot: usize) -> Value {
        let bit = 1 << slot;
        if self.state.float & bit != 0 {
            return self.b.use_var(self.floats[slot]);
        }
        let bits = self.slot(slot);
        let value = match self.constant(bits) {
            Some(bits) => self.b.ins().f64const(Ieee64::with_bits(bits as u64)),
            None => self.b.ins().bitcast(F64, MemFlagsData::new(), bits),
        };
        self.b.def_var(self.floats[slot], value);
        self.state.float |= bit;
        value
    }

    pub(super) fn set_slot(&mut self, slot: usize, value: Value) {
        let bit = 1 << slot;
        self.b.def_var(self.ints[slot], value);
        self.state =
            State { int: self.state.int | bit, float: self.state.float & !bit, lazy: self.state.lazy & !bit };
        self.forget_checks(slot);
    }

    pub(super) fn set_float_slot(&mut self, slot: usize, value: Value, lazy: bool) {
        let bit = 1 << slot;
        self.b.def_var(self.floats[slot], value);
        self.state = State {
            int: self.state.int & !bit,
            float: self.state.float | bit,
            lazy: self.state.lazy & !bit | if lazy { bit } else { 0 },
        };
        self.forget_checks(slot);
    }

    /// `to` becomes what `from` is, as whatever it is kept.
    pub(super) fn copy_slot(&mut self, to: usize, from: usize) {
        let bit = 1 << from;
        if to == from {
            return;
        }
        if self.state.int & bit == 0 && self.state.float & bit != 0 {
            let lazy = self.state.lazy & bit != 0;
            let value = self.b.use_var(self.floats[from]);
            self.set_float_slot(to, value, lazy);
        } else {
            let value = self.slot(from);
            self.set_slot(to, value);
        }
    }

    pub(super) fn swap_slots(&mut self, a: usize, b: usize) {
        let kept = |state: &State, slot: usize| {
            (state.int >> slot & 1 == 0 && state.float >> slot & 1 == 1, state.lazy >> slot & 1 == 1)
        };
        let ((a_float, a_lazy), (b_float, b_lazy)) = (kept(&self.state, a), kept(&self.state, b));
        let old_a = if a_float { self.float_slot(a) } else { self.slot(a) };
        let old_b = if b_float { self.float_slot(b) } else { self.slot(b) };
        match b_float {
            true => self.set_float_slot(a, old_b, b_lazy),
            false => self.set_slot(a, old_b),
        }
        match a_float {
            true => self.set_float_slot(b, old_a, a_lazy),
            false => self.set_slot(b, old_a),
        }
    }

    /// If `condition` then `to` becomes what `from` is.
    pub(super) fn select_slot(&mut self, condition: Value, to: usize, from: usize) {
        let only_float = |slot: usize| self.state.int >> slot & 1 == 0 && self.state.float >> slot & 1 == 1;
        if !(only_float(to) && only_float(from)) {
            let (new, old) = (self.slot(from), self.slot(to));
            let value = self.b.ins().select(condition, new, old);
            return self.set_slot(to, value);
        }
        let lazy = |slot: usize| self.state.lazy >> slot & 1 == 1;
        let both_lazy = lazy(to) && lazy(from);
        let (new, old) = match both_lazy {
            true => (self.float_slot(from), self.float_slot(to)),
            false => (self.exact_float_slot(from), self.exact_float_slot(to)),
        };
        let value = self.b.ins().select(condition, new, old);
        self.set_float_slot(to, value, both_lazy);
    }

    /// Brings the live slots into the state in which a block wants them.
    pub(super) fn convert(&mut self, wanted: State) {
        for slot in indices(wanted.int & !self.state.int) {
            self.slot(slot);
        }
        for slot in indices(wanted.float & !wanted.lazy) {
            self.exact_float_slot(slot);
        }
        for slot in indices(wanted.float & wanted.lazy) {
            self.float_slot(slot);
        }
    }

    /// Would [`Self::convert`] have to do anything?
    pub(super) fn needs_conversion(&self, wanted: State) -> bool {
        let exact = wanted.float & !wanted.lazy;
        wanted.int & !self.state.int != 0
            || wanted.float & !self.state.float != 0
            || exact & self.state.lazy != 0
    }

    /// The value, or the canonical NaN if it is a NaN; on a cold path.
    fn canonical(&mut self, value: Value) -> Value {
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

    /// The value as an integer constant, if it is one.
    pub(super) fn constant(&self, value: Value) -> Option<i64> {
        let ValueDef::Result(inst, _) = self.b.func.dfg.value_def(value) else { return None };
        match self.b.func.dfg.insts[inst] {
            InstructionData::UnaryImm { opcode: Opcode::Iconst, imm } => Some(imm.bits()),
            _ => None,
        }
    }
}
