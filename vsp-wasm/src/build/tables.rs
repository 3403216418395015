//! Tables and references. A reference is 0 if it is null, else the number of the function and 1.

use alloc::vec;
use alloc::vec::Vec;

use vsp_core::isa::Opcode as O;
use wasmparser::{Operator, ValType};

use super::Builder;
use crate::error::Error;
use crate::ir::{Callee, Kind, Value};
use crate::layout::{Helper, TablePlan};
use crate::trap_code;

impl Builder<'_, '_> {
    /// Translates an operator of tables or references. Returns `false` for other operators.
    pub(super) fn table(&mut self, operator: &Operator<'_>) -> Result<bool, Error> {
        match *operator {
            Operator::RefNull { .. } => self.push_constant(0),
            Operator::RefIsNull => {
                let (value, zero) = (self.pop()?, self.constant(0));
                let value = self.binary(O::SEQ, value, zero);
                self.push(value);
            }
            Operator::RefFunc { function_index } => {
                let bits = self.layout.reference(function_index)?;
                self.push_constant(bits);
            }
            Operator::TableSize { table } => {
                let size = self.table_size(table)?;
                self.push(size);
            }
            Operator::TableGet { table } => {
                let index = self.pop()?;
                let value = self.read_element(table, index)?;
                self.push(value);
            }
            Operator::TableSet { table } => {
                let (value, index) = (self.pop()?, self.pop()?);
                let base = self.checked_base(table, index)?;
                self.effect(O::SETGX, &[value, index], base);
            }
            Operator::TableGrow { table } => {
                let (count, value) = (self.pop()?, self.pop()?);
                let TablePlan::Globals { base, size, capacity, .. } = self.layout.table(table)? else {
                    return Err(Error::internal("a table in globals"));
                };
                let place = size.ok_or_else(|| Error::internal("a table that grows"))?;
                let numbers = [u64::from(base), u64::from(place), u64::from(capacity)];
                let mut args: Vec<Value> = numbers.iter().map(|number| self.constant(*number)).collect();
                args.extend([value, count]);
                self.call_helper(Helper::Grow, args, &[ValType::I32])?;
            }
            Operator::TableFill { table } => {
                let (count, value, index) = (self.pop()?, self.pop()?, self.pop()?);
                let args = vec![self.table_base(table)?, self.table_size(table)?, index, value, count];
                self.call_helper(Helper::Fill, args, &[])?;
            }
            Operator::TableCopy { dst_table, src_table } => {
                let (count, from, to) = (self.pop()?, self.pop()?, self.pop()?);
                let (to_base, to_size) = (self.table_base(dst_table)?, self.table_size(dst_table)?);
                let (from_base, from_size) = (self.table_base(src_table)?, self.table_size(src_table)?);
                self.call_helper(
                    Helper::Copy,
                    vec![to_base, to_size, to, from_base, from_size, from, count],
                    &[],
                )?;
            }
            Operator::TableInit { elem_index, table } => {
                let (count, from, to) = (self.pop()?, self.pop()?, self.pop()?);
                let (to_base, to_size) = (self.table_base(table)?, self.table_size(table)?);
                let elements = self.layout.passive_elements(elem_index)?;
                let from_base = self.constant(u64::from(elements.base));
                let from_size = self.read_global_number(elements.length);
                self.call_helper(
                    Helper::Copy,
                    vec![to_base, to_size, to, from_base, from_size, from, count],
                    &[],
                )?;
            }
            Operator::ElemDrop { elem_index } => {
                let (elements, zero) = (self.layout.passive_elements(elem_index)?, self.constant(0));
                self.effect(O::SETG, &[zero], i64::from(elements.length));
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// Calls a function that the module does not have.
    pub(super) fn call_helper(
        &mut self,
        helper: Helper,
        args: Vec<Value>,
        results: &[ValType],
    ) -> Result<(), Error> {
        let number = self.layout.helper(helper)?;
        self.emit_call(Callee::Function(number), args, results);
        Ok(())
    }

    /// Reads a 32-bit number from a global that the module does not have.
    pub(super) fn read_global_number(&mut self, global: u32) -> Value {
        self.inst(Kind::Op { op: O::GETG, args: [Value::NONE; 3], imm: i64::from(global) }, true)
    }

    /// Returns the first global of a table.
    fn table_base(&mut self, table: u32) -> Result<Value, Error> {
        match self.layout.table(table)? {
            TablePlan::Globals { base, .. } => Ok(self.constant(u64::from(base))),
            TablePlan::Direct { .. } => Err(Error::internal("a table in globals")),
        }
    }

    fn table_size(&mut self, table: u32) -> Result<Value, Error> {
        Ok(match self.layout.table(table)? {
            TablePlan::Direct { size, .. } | TablePlan::Globals { size: None, minimum: size, .. } => {
                self.constant(u64::from(size))
            }
            TablePlan::Globals { size: Some(global), .. } => self.read_global_number(global),
        })
    }

    /// Traps unless the index is in the table. Returns the number of the table's first global.
    fn checked_base(&mut self, table: u32, index: Value) -> Result<i64, Error> {
        let TablePlan::Globals { base, .. } = self.layout.table(table)? else {
            return Err(Error::internal("a table in globals"));
        };
        let size = self.table_size(table)?;
        let beyond = self.binary(O::SLEU, size, index);
        self.trap_if(beyond, trap_code::TABLE_BOUNDS);
        Ok(i64::from(base))
    }

    /// Reads an element of a table in globals, or traps.
    pub(super) fn read_element(&mut self, table: u32, index: Value) -> Result<Value, Error> {
        let base = self.checked_base(table, index)?;
        Ok(self.inst(Kind::Op { op: O::GETGX, args: [index, Value::NONE, Value::NONE], imm: base }, false))
    }
}
