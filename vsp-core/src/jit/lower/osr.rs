//! On-stack replacement: entering a function at a loop header, with the values that the interpreter left in the cells
//! of its frame.

use cranelift_codegen::ir::condcodes::{FloatCC, IntCC};
use cranelift_codegen::ir::types::{F64, I64};
use cranelift_codegen::ir::{InstBuilder, MemFlagsData, Value};

use super::super::range::Range;
use super::super::ranges::EntryFacts;
use super::slots::{self, Representation};
use super::{Lowering, b_offset};
use crate::analysis::Slot;
use crate::function::layout;
use crate::native::ExitKind;

impl Lowering<'_, '_, '_, '_> {
    /// Enters a block with all live values loaded from the frame. If the frame holds a number outside the range that
    /// the code relies on, or a NaN that it does not expect, because a host changed or created the frame, the
    /// interpreter continues instead.
    pub(super) fn enter_osr(&mut self, block: u32) {
        let frame = self.unit.frame_address(self.b);
        if u32::from(self.function().locals) > self.plan.variable_locals() {
            self.unit.frame = Some(frame);
        }
        let live = self.plan.live_entry(block);
        let facts = self.plan.ranges.facts(block);
        let mut unexpected = None;
        for slot in slots::indices(live) {
            let cell = match Slot::from_index(slot as u32) {
                Slot::Register(reg) => layout::REGISTERS + reg.index(),
                Slot::Local(local) => layout::LOCALS + usize::from(local),
                Slot::State(state) => {
                    let value = self.load_state_cells(frame, state);
                    self.set_state(state, value);
                    continue;
                }
            };
            let flags = self.unit.cell_flags();
            let value = self.b.ins().load(I64, flags, frame, b_offset(cell as u32));
            self.set_slot(slot, value);
            let is_raw = self.plan.entries[block as usize].raw >> slot & 1 == 1;
            let nan = if is_raw { None } else { Some(self.is_other_nan(value)) };
            let range = match &facts {
                EntryFacts::Ranges(known) => known.get(Slot::from_index(slot as u32)),
                EntryFacts::NotAnalysed => Range::ANY,
                EntryFacts::Unreached => unreachable!("the block is an entry of the analysis"),
            };
            let outside = self.is_outside(value, range);
            for condition in [nan, outside].into_iter().flatten() {
                unexpected = Some(match unexpected {
                    Some(other) => self.b.ins().bor(other, condition),
                    None => condition,
                });
            }
        }
        let word = self.plan.graph.words(block).start;
        if let Some(unexpected) = unexpected {
            let site = self.site_at(self.plan.graph.location(word), word, ExitKind::Interpret);
            self.unlikely(unexpected, |lowering| lowering.exit(site));
        }
        let Representation { float, pending, .. } = self.entry_representation(block);
        for slot in slots::indices(float) {
            let value = self.float_slot(slot);
            self.set_float_slot(slot, value, pending >> slot & 1 == 1);
        }
        self.b.ins().jump(self.ir_blocks[block as usize], &[]);
        self.record_edge(block);
    }

    /// Returns whether a value is outside a range. Returns `None` if no value is.
    fn is_outside(&mut self, value: Value, range: Range) -> Option<Value> {
        if range == Range::ANY {
            return None;
        }
        let Range { low, high, step } = range;
        let from_low = self.b.ins().iadd_imm_s(value, (low as i64).wrapping_neg());
        let width = self.b.ins().iconst(I64, high.wrapping_sub(low) as i64);
        let above = self.b.ins().icmp(IntCC::UnsignedGreaterThan, from_low, width);
        if step <= 1 {
            return Some(above);
        }
        let step = self.b.ins().iconst(I64, step as i64);
        let rest = self.b.ins().urem(from_low, step);
        let between = self.b.ins().icmp_imm_s(IntCC::NotEqual, rest, 0);
        Some(self.b.ins().bor(above, between))
    }

    /// Returns whether these are the bits of a NaN other than the canonical one.
    fn is_other_nan(&mut self, bits: Value) -> Value {
        let value = self.b.ins().bitcast(F64, MemFlagsData::new(), bits);
        let is_nan = self.b.ins().fcmp(FloatCC::Unordered, value, value);
        let canonical = self.b.ins().iconst(I64, super::super::representation::CANONICAL_NAN as i64);
        let is_other = self.b.ins().icmp(IntCC::NotEqual, bits, canonical);

        self.b.ins().band(is_nan, is_other)
    }
}
