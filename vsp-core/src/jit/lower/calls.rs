//! Calls of functions and of the host, and returns.

use alloc::vec::Vec;

use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::types::I64;
use cranelift_codegen::ir::{
    ExtFuncData, ExternalName, FuncRef, InstBuilder, SigRef, UserExternalName, Value,
};

use super::super::offsets;
use super::super::plan::Plan;
use super::super::trampoline;
use super::edges::EdgeKind;
use super::{Inlined, Lowering};
use crate::analysis::{Graph, OutOfMemory};
use crate::index::{FuncIndex, ImportIndex};
use crate::isa::Reg;
use crate::native::{EXITED, ExitKind, HostStatus, NO_SITE, TableEntry};
use crate::program::FuncType;
use crate::trap::Trap;
use crate::verify::Function;

/// The largest number of words that are inlined into one function: compile time stays proportional to the size of the
/// source.
const MAX_INLINED_WORDS: u32 = 4096;

/// The number of parameters of a host call: the context, the number of the import, and the first arguments.
const HOST_CALL_PARAMS: usize = 5;

type Done = Result<(), OutOfMemory>;

impl Lowering<'_, '_, '_, '_> {
    pub(super) fn direct_call(&mut self, index: FuncIndex) -> Done {
        let callee = self.unit.signatures.program().functions()[index.index()];
        if self.unit.environment.region.is_some_and(|region| !region.contains(index)) {
            self.interpret();
            return self.define_results(callee.ty);
        }
        let remaining = self.remaining_after(i64::from(callee.frame_cells()));
        if self.is_inlined(&callee) {
            return self.inline(index, callee);
        }
        let function = self.callee(index, callee.ty);
        let args = self.arguments(remaining, callee.ty);
        let call = self.b.ins().call(function, &args);
        let results = self.b.inst_results(call).to_vec();
        self.after_call(&results, callee.ty, Some(index));
        Ok(())
    }

    pub(super) fn indirect_call(&mut self, a: Reg, bits: u32) -> Done {
        let Some(ty) = FuncType::from_bits(bits) else { unreachable!("verified: the type exists") };
        let number = self.get(a);
        let flags = self.unit.context_flags();
        let count = self.unit.signatures.program().functions().len() as i64;
        let missing = self.b.ins().icmp_imm_s(IntCC::UnsignedGreaterThanOrEqual, number, count);
        self.reject_if(missing);
        let table = self.b.ins().load(I64, flags, self.unit.context, offsets::FUNCTIONS);
        let offset = self.b.ins().ishl_imm_u(number, offsets::ENTRY_SHIFT);
        let entry = self.b.ins().iadd(table, offset);
        let found = self.b.ins().uload16(I64, flags, entry, offsets::ENTRY_TYPE);
        let TableEntry { ty: expected, cells: upper, .. } = TableEntry::new(0, ty, 0);
        let other = self.b.ins().icmp_imm_s(IntCC::NotEqual, found, i64::from(expected));
        self.reject_if(other);
        let mut cells = self.b.ins().uload16(I64, flags, entry, offsets::ENTRY_CELLS);
        if upper != 0 || self.unit.signatures.has_large_tags() {
            let found = self.b.ins().band_imm_u(cells, i64::from(TableEntry::TAG_MASK));
            let other = self.b.ins().icmp_imm_s(IntCC::NotEqual, found, i64::from(upper));
            self.reject_if(other);
            cells = self.b.ins().band_imm_u(cells, i64::from(!TableEntry::TAG_MASK));
        }
        let remaining = self.b.ins().isub(self.unit.remaining, cells);
        let overflow = self.b.ins().icmp_imm_s(IntCC::SignedLessThan, remaining, 0);
        self.trap_if(overflow, Trap::StackOverflow);
        let offset = self.b.ins().uload32(flags, entry, offsets::ENTRY_OFFSET);
        let code = self.b.ins().load(I64, flags, self.unit.context, offsets::CODE);
        let address = self.b.ins().iadd(code, offset);
        let signature = self.signature(ty);
        let args = self.arguments(remaining, ty);
        let call = self.b.ins().call_indirect(signature, address, &args);
        let results = self.b.inst_results(call).to_vec();
        self.after_call(&results, ty, None);
        Ok(())
    }

    /// Exits to the interpreter, which replaces the frame. So tail calls take no native stack.
    pub(super) fn tail_call(&mut self) -> Done {
        self.interpret();
        self.ended = true;
        Ok(())
    }

    /// Rejects an indirect call if the condition holds: it traps, or in a region, where it may be a call of another
    /// function, exits to the interpreter.
    fn reject_if(&mut self, condition: Value) {
        match self.unit.environment.region {
            None => self.trap_if(condition, Trap::BadIndirectCall),
            Some(_) => self.unlikely(condition, Self::interpret),
        }
    }

    /// Defines the results of a call that is never made: the code after it is lowered all the same.
    fn define_results(&mut self, ty: FuncType) -> Done {
        self.unreached();
        for result in Reg::ALL.into_iter().take(ty.results()) {
            let zero = self.b.ins().iconst(I64, 0);
            self.set(result, zero);
        }
        Ok(())
    }

    pub(super) fn host_call(&mut self, import: ImportIndex) -> Done {
        let inst = self.plan.graph.inst(self.word);
        let Some(ty) = self.unit.signatures.callee(inst) else { unreachable!("verified: the import exists") };
        let (flags, context) = (self.unit.context_flags(), self.unit.context);
        let mut args = alloc::vec![context, self.b.ins().iconst(I64, i64::from(import.0))];
        for (param, offset) in Reg::ALL.into_iter().zip(values()).take(ty.params()) {
            let value = self.get(param);
            if args.len() < HOST_CALL_PARAMS {
                args.push(value);
            } else {
                self.b.ins().store(flags, value, context, offset);
            }
        }
        while args.len() < HOST_CALL_PARAMS {
            args.push(self.b.ins().iconst(I64, 0));
        }
        self.store_fuel();
        let first = self.call_context_function(offsets::HOST_CALL, &args, true);
        let Some(first) = first else { unreachable!("it has a result") };
        let status = self.b.ins().load(I64, flags, context, offsets::STATUS);
        let (pending, error) = (self.site(ExitKind::Pending(import)), self.site(ExitKind::HostError));
        let (_, live) = self.live_here();
        self.unlikely(status, |lowering| {
            lowering.load_fuel();
            let is_pending = lowering.b.ins().icmp_imm_s(IntCC::Equal, status, HostStatus::Pending as i64);
            lowering.unlikely(is_pending, |lowering| {
                lowering.write_back(live);
                lowering.exit(pending);
            });
            lowering.exit(error);
        });
        self.load_fuel();
        self.take_results(first, ty);
        self.safepoint_after();
        Ok(())
    }

    pub(super) fn yield_value(&mut self, a: Reg) -> Done {
        self.exit_with_value(a, ExitKind::Yield, true);
        self.unreached();
        Ok(())
    }

    pub(super) fn halt(&mut self, a: Reg) -> Done {
        self.exit_with_value(a, ExitKind::Halt, false);
        self.ended = true;
        Ok(())
    }

    fn exit_with_value(&mut self, a: Reg, kind: ExitKind, suspends: bool) {
        let value = self.get(a);
        let flags = self.unit.context_flags();
        self.b.ins().store(flags, value, self.unit.context, offsets::VALUE);
        if suspends {
            let (_, live) = self.live_here();
            self.write_back(live);
        }
        self.exit_with(kind);
    }

    pub(super) fn return_to_caller(&mut self) -> Done {
        let results = self.function().ty.results();
        let values: Vec<Value> = Reg::ALL.into_iter().take(results).map(|reg| self.get(reg)).collect();
        match self.inlined {
            Some(inlined) => {
                // After the call, the fuel counts the caller's words again.
                let charged = i64::from(self.charged()) - i64::from(inlined.at.word + 1);
                self.skip_fuel(-charged);
                let values: Vec<_> = values.into_iter().map(Into::into).collect();
                self.b.ins().jump(inlined.after, &values);
            }
            None => {
                let (flags, context) = (self.unit.context_flags(), self.unit.context);
                for (value, offset) in values.iter().zip(self::values()).skip(1) {
                    self.b.ins().store(flags, *value, context, offset);
                }
                let status = match self.balance() {
                    Some(balance) => balance,
                    None => self.b.ins().iconst(I64, 0),
                };
                let mut returned = alloc::vec![status];
                returned.extend(values.first());
                self.b.ins().return_(&returned);
            }
        }
        self.ended = true;
        Ok(())
    }

    /// Returns the number of cells available after a callee's frame; traps if the frame does not fit.
    fn remaining_after(&mut self, cells: i64) -> Value {
        if self.checked.cells < cells {
            let overflow = self.b.ins().icmp_imm_s(IntCC::SignedLessThan, self.unit.remaining, cells);
            self.trap_if(overflow, Trap::StackOverflow);
            if self.tier_two() {
                self.checked.cells = cells;
            }
        }
        self.b.ins().iadd_imm_s(self.unit.remaining, -cells)
    }

    fn arguments(&mut self, remaining: Value, ty: FuncType) -> Vec<Value> {
        let mut args = alloc::vec![self.unit.context, remaining];
        args.extend(self.balance());
        args.extend(Reg::ALL.into_iter().take(ty.params()).map(|reg| self.get(reg)));
        args
    }

    /// Emits the code after a call: propagates an exit of the callee, or takes its results.
    fn after_call(&mut self, returned: &[Value], ty: FuncType, callee: Option<FuncIndex>) {
        let status = returned[0];
        let exited = match self.unit.fuel {
            Some(_) => self.b.ins().icmp_imm_s(IntCC::Equal, status, EXITED),
            None => status,
        };
        self.propagate_exit(exited, callee);
        self.set_balance(status);
        if self.unit.environment.may_grow.in_call_of(callee) {
            self.unit.load_memory_size(self.b);
        }
        if let Some(first) = returned.get(1) {
            self.take_results(*first, ty);
        }
    }

    /// Exits if the callee did, as the condition says. The balance can also happen to equal the value that signals an
    /// exit.
    fn propagate_exit(&mut self, exited: Value, callee: Option<FuncIndex>) {
        if self.unit.fuel.is_none() {
            return self.unlikely(exited, |lowering| lowering.unwind(callee));
        }
        let (block, unwind, after) = (self.b.create_block(), self.b.create_block(), self.b.create_block());
        self.b.set_cold_block(block);
        self.b.set_cold_block(unwind);
        self.stay_cold(after);
        self.b.ins().brif(exited, block, &[], after, &[]);
        self.b.switch_to_block(block);
        self.b.seal_block(block);
        let flags = self.unit.context_flags();
        let site = self.b.ins().load(I64, flags, self.unit.context, offsets::SITE);
        let returned = self.b.ins().icmp_imm_s(IntCC::Equal, site, NO_SITE as i64);
        self.b.ins().brif(returned, after, &[], unwind, &[]);
        self.b.switch_to_block(unwind);
        self.b.seal_block(unwind);
        let representation = self.representation;
        self.unwind(callee);
        self.representation = representation;
        self.b.switch_to_block(after);
        self.b.seal_block(after);
    }

    /// Takes the results of a call: the first is an argument, the others are in the context.
    fn take_results(&mut self, first: Value, ty: FuncType) {
        let (flags, context) = (self.unit.context_flags(), self.unit.context);
        for (reg, offset) in Reg::ALL.into_iter().zip(values()).take(ty.results()) {
            let value = match reg {
                Reg::R0 => first,
                _ => self.b.ins().load(I64, flags, context, offset),
            };
            self.set(reg, value);
        }
    }

    fn callee(&mut self, index: FuncIndex, ty: FuncType) -> FuncRef {
        if let Some(callee) = self.unit.callees.get(&index.0) {
            return *callee;
        }
        let signature = self.signature(ty);
        let name = UserExternalName { namespace: 0, index: index.0 };
        let name = ExternalName::user(self.b.func.declare_imported_user_function(name));
        let callee =
            self.b.import_function(ExtFuncData { name, signature, colocated: true, patchable: false });
        self.unit.callees.insert(index.0, callee);
        callee
    }

    fn signature(&mut self, ty: FuncType) -> SigRef {
        let signature = trampoline::signature(ty, self.unit.environment.options.fuel);
        *self
            .unit
            .types
            .entry(ty.without_tag().bits())
            .or_insert_with(|| self.b.func.import_signature(signature))
    }

    fn is_inlined(&self, callee: &Function) -> bool {
        self.tier_two()
            && callee.short_leaf
            && self.inlined.is_none()
            && self.unit.inlined_words + callee.words <= MAX_INLINED_WORDS
    }

    /// Lowers the body of a short leaf in place of its call. Its frame fits.
    fn inline(&mut self, index: FuncIndex, callee: Function) -> Done {
        self.unit.inlined_words += callee.words;
        self.unit.out.stats.inlined += 1;
        let graph = Graph::new(self.unit.signatures, index)?;
        let constants = self.unit.signatures.program().program().constants();
        let plan = Plan::new(&graph, constants, self.unit.environment.options.tier, 0, false)?;
        let params: Vec<Value> =
            Reg::ALL.into_iter().take(callee.ty.params()).map(|reg| self.get(reg)).collect();
        let after = self.b.create_block();
        let results: Vec<Value> =
            (0..callee.ty.results()).map(|_| self.b.append_block_param(after, I64)).collect();
        let inlined = Inlined { at: self.location(), after, charged: self.charged() + callee.entry_charge() };
        let mut body = Lowering::new(self.b, self.unit, &plan, Some(inlined));
        body.enter(&params);
        body.blocks()?;
        self.b.switch_to_block(after);
        self.b.seal_block(after);
        for (reg, result) in Reg::ALL.into_iter().zip(results) {
            self.set(reg, result);
        }
        Ok(())
    }

    pub(super) fn jump(&mut self, displacement: i32) -> Done {
        self.goto_block(self.target(displacement), EdgeKind::Taken(displacement));
        Ok(())
    }
}

/// Returns the offsets of the context's values.
fn values() -> impl Iterator<Item = i32> {
    (0..).map(|index| offsets::VALUES + 8 * index)
}
