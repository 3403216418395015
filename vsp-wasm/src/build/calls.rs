//! Calls.
//!
//! The first 8 parameters are passed in R0–R7 and the first 4 results in R0–R3, the others in globals that the layout
//! reserves: the caller writes them before the call, and the callee reads them first.

use alloc::vec::Vec;

use vsp_core::isa::Opcode as O;
use vsp_core::limits::{MAX_PARAMS, MAX_RESULTS};
use wasmparser::{Operator, ValType};

use super::Builder;
use crate::error::Error;
use crate::ir::{BlockId, Callee, Edge, Kind, Terminator, Value};
use crate::layout::{Packing, TablePlan};
use crate::module::{Signature, is_32_bits};
use crate::trap_code;

impl<'m> Builder<'m, '_> {
    /// Translates a call. Returns whether the operator was one.
    pub(super) fn call(&mut self, operator: &Operator<'_>) -> Result<bool, Error> {
        match *operator {
            Operator::Call { function_index } => self.call_function(function_index)?,
            Operator::CallIndirect { type_index, table_index } => {
                self.call_indirect(type_index, table_index)?;
            }
            Operator::ReturnCall { function_index } => {
                if let Some((index, header)) = self.restart
                    && index == function_index
                {
                    self.call_itself(header)?;
                    return Ok(true);
                }
                match self.layout.import(function_index) {
                    // The host's function takes no stack.
                    Some(_) => {
                        self.call_function(function_index)?;
                        self.return_results()?;
                    }
                    None => {
                        let signature = self.signature_of(function_index)?;
                        let args = self.pop_arguments(signature)?;
                        self.tail_call(Callee::Function(self.layout.number(function_index)?), args);
                    }
                }
            }
            Operator::ReturnCallIndirect { type_index, table_index } => {
                let (callee, args, _) = self.indirect(type_index, table_index)?;
                self.tail_call(callee, args);
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// A call of the function itself in place of a return is a branch to its beginning.
    fn call_itself(&mut self, header: BlockId) -> Result<(), Error> {
        let signature = self.signature;
        let args = self.pop_arguments(signature)?;
        self.budget -= self.local_count() as i64;
        for (index, value) in (0..).zip(args) {
            self.write_local(index, value);
        }
        let zero = self.constant(0);
        for index in signature.params.len()..self.local_count() {
            self.write_local(index as u32, zero);
        }
        self.leave(Terminator::Jump(Edge { to: header, args: Vec::new() }));
        Ok(())
    }

    /// Leaves the function for another one.
    fn tail_call(&mut self, callee: Callee, args: Vec<Value>) {
        let args = self.pass(callee, args);
        self.leave(Terminator::TailCall { callee, args });
    }

    /// Returns the results that are on the stack.
    fn return_results(&mut self) -> Result<(), Error> {
        let from = self
            .stack
            .len()
            .checked_sub(self.signature.results.len())
            .ok_or_else(|| Error::internal("results"))?;
        let results = self.stack.split_off(from);
        self.leave(Terminator::Return(results));
        Ok(())
    }

    fn signature_of(&self, function: u32) -> Result<&'m Signature, Error> {
        self.module.signature(function).ok_or_else(|| Error::internal("a function"))
    }

    fn call_function(&mut self, index: u32) -> Result<(), Error> {
        let signature = self.signature_of(index)?;
        let args = self.pop_arguments(signature)?;
        match self.layout.import(index) {
            Some(import) => {
                let packed = self.pack(args, Packing::of(signature)?);
                self.emit_call(Callee::Import(import), packed, &signature.results);
            }
            None => {
                let number = self.layout.number(index)?;
                self.emit_call(Callee::Function(number), args, &signature.results);
            }
        }
        Ok(())
    }

    fn call_indirect(&mut self, ty: u32, table: u32) -> Result<(), Error> {
        let (callee, args, signature) = self.indirect(ty, table)?;
        self.emit_call(callee, args, &signature.results);
        Ok(())
    }

    /// Returns callee, arguments and signature of an indirect call. The last argument is the number of the function.
    fn indirect(&mut self, ty: u32, table: u32) -> Result<(Callee, Vec<Value>, &'m Signature), Error> {
        let module = self.module;
        let signature = module.types.get(ty as usize).ok_or_else(|| Error::internal("a type"))?;
        let index = self.pop()?;
        let mut args = self.pop_arguments(signature)?;
        let number = match self.layout.table(table)? {
            // The functions in the table have the numbers of their places.
            TablePlan::Direct { .. } => index,
            TablePlan::Globals { .. } => {
                let reference = self.read_element(table, index)?;
                let zero = self.constant(0);
                let null = self.binary(O::SEQ, reference, zero);
                self.trap_if(null, trap_code::NULL_ELEMENT);
                let minus_one = self.constant(u64::MAX);
                self.binary(O::ADD, reference, minus_one)
            }
        };
        args.push(number);
        Ok((Callee::Indirect(self.layout.type_bits(ty)?), args, signature))
    }

    fn pop_arguments(&mut self, signature: &Signature) -> Result<Vec<Value>, Error> {
        let count = signature.params.len();
        let from = self.stack.len().checked_sub(count).ok_or_else(|| Error::internal("arguments"))?;
        let mut args = self.stack.split_off(from);
        args.iter_mut().for_each(|value| *value = self.function.resolve(*value));
        Ok(args)
    }

    /// Packs the arguments of an import into 8 registers.
    fn pack(&mut self, mut args: Vec<Value>, packing: Packing) -> Vec<Value> {
        // From the right, so that the places of those that follow stay.
        for low in packing.lower.into_iter().rev() {
            let shift = self.constant(32);
            let upper = args.remove(low + 1);
            let upper = self.binary(O::SHL, upper, shift);
            args[low] = self.binary(O::OR, args[low], upper);
        }
        args
    }

    /// Returns whether a host may have sign-extended the results of this import. Functions of WASI return an error number
    /// at most.
    fn gives_any_upper_half(&self, import: u32) -> bool {
        self.module.imports.get(import as usize).is_none_or(|(module, _)| *module != "wasi_snapshot_preview1")
    }

    /// Passes the arguments that registers do not hold in globals. Returns the others.
    fn pass(&mut self, callee: Callee, mut args: Vec<Value>) -> Vec<Value> {
        let number = if matches!(callee, Callee::Indirect(_)) { args.pop() } else { None };
        for (place, value) in args.iter().enumerate().skip(MAX_PARAMS) {
            let global = self.layout.extra_param(place);
            self.effect(O::SETG, &[*value], global);
        }
        args.truncate(MAX_PARAMS);
        args.extend(number);
        args
    }

    /// Emits a call, and pushes its results. The last argument of an indirect call is the number of the function.
    pub(super) fn emit_call(&mut self, callee: Callee, args: Vec<Value>, results: &[ValType]) {
        let args = self.pass(callee, args);
        let in_registers = results.len().min(MAX_RESULTS);
        self.inst(Kind::Call { callee, args, results: in_registers as u32 }, false);
        let extends = matches!(callee, Callee::Import(import) if self.gives_any_upper_half(import));
        let first = self.stack.len();
        for ty in results.iter().take(MAX_RESULTS) {
            let value = self.value(Kind::Result, is_32_bits(*ty) && !extends);
            self.push(value);
        }
        for (place, ty) in results.iter().enumerate().skip(MAX_RESULTS) {
            let imm = self.layout.extra_result(place);
            let kind = Kind::Op { op: O::GETG, args: [Value::NONE; 3], imm };
            let value = self.inst(kind, is_32_bits(*ty) && !extends);
            self.push(value);
        }
        for (place, _) in results.iter().enumerate().filter(|(_, ty)| extends && is_32_bits(**ty)) {
            let value = self.stack[first + place];
            self.stack[first + place] = self.unary(O::ZEXT, value, 32);
        }
    }
}
