//! Loads, stores and the other instructions of the memory.

use vsp_core::isa::Opcode as O;
use wasmparser::{MemArg, Operator, ValType};

use super::Builder;
use crate::error::Error;
use crate::ir::{Kind, Value};
use crate::layout::{AddressCheck, Growth, Helper, PassiveData};

impl Builder<'_, '_> {
    /// Translates a memory operator. Returns `false` for other operators.
    pub(super) fn memory(&mut self, operator: &Operator<'_>) -> Result<bool, Error> {
        use Operator::*;
        match operator {
            I32Load { memarg } | I64Load32U { memarg } | F32Load { memarg } => {
                self.load(O::LOAD32U, memarg)?;
            }
            I64Load { memarg } | F64Load { memarg } => self.load(O::LOAD, memarg)?,
            I32Load8U { memarg } | I64Load8U { memarg } => self.load(O::LOAD8U, memarg)?,
            I32Load16U { memarg } | I64Load16U { memarg } => self.load(O::LOAD16U, memarg)?,
            I64Load8S { memarg } => self.load(O::LOAD8S, memarg)?,
            I64Load16S { memarg } => self.load(O::LOAD16S, memarg)?,
            I64Load32S { memarg } => self.load(O::LOAD32S, memarg)?,
            I32Load8S { memarg } => self.load_narrow(O::LOAD8S, memarg)?,
            I32Load16S { memarg } => self.load_narrow(O::LOAD16S, memarg)?,
            I32Store { memarg } | I64Store32 { memarg } => self.store(O::STORE32, memarg)?,
            I64Store { memarg } | F64Store { memarg } => self.store(O::STORE, memarg)?,
            I32Store8 { memarg } | I64Store8 { memarg } => self.store(O::STORE8, memarg)?,
            I32Store16 { memarg } | I64Store16 { memarg } => self.store(O::STORE16, memarg)?,
            F32Store { memarg } => {
                let bits = self.pop()?;
                match *self.function.kind(bits) {
                    Kind::Op { op: O::F32NARROW, args, .. } => {
                        self.push(args[0]);
                        self.store(O::STOREF32, memarg)?;
                    }
                    _ => {
                        self.push(bits);
                        self.store(O::STORE32, memarg)?;
                    }
                }
            }
            MemorySize { .. } => self.memory_size(),
            MemoryGrow { .. } => self.memory_grow()?,
            MemoryCopy { .. } => self.bulk(O::MEMCOPY)?,
            MemoryFill { .. } => self.bulk(O::MEMFILL)?,
            MemoryInit { data_index, .. } => self.memory_init(*data_index)?,
            DataDrop { data_index } => {
                if let PassiveData { dropped: Some(global), .. } = self.layout.passive_data(*data_index)? {
                    let all = self.constant(u64::MAX);
                    self.effect(O::SETG, &[all], i64::from(global));
                }
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn load(&mut self, op: O, memarg: &MemArg) -> Result<(), Error> {
        let address = self.pop()?;
        let address = self.checked_access(op, address, memarg);
        let value = self.unary(op, address, memarg.offset as i64);
        self.push(value);
        Ok(())
    }

    /// Translates a load of an i32 that extends the sign.
    fn load_narrow(&mut self, op: O, memarg: &MemArg) -> Result<(), Error> {
        self.load(op, memarg)?;
        let value = self.pop()?;
        let value = self.unary(O::ZEXT, value, 32);
        self.push(value);
        Ok(())
    }

    fn store(&mut self, op: O, memarg: &MemArg) -> Result<(), Error> {
        let (value, address) = (self.pop()?, self.pop()?);
        let address = self.checked_access(op, address, memarg);
        self.effect(op, &[address, value], memarg.offset as i64);
        Ok(())
    }

    /// Emits a MEMCOPY or MEMFILL.
    fn bulk(&mut self, op: O) -> Result<(), Error> {
        let (length, mut second, first) = (self.pop()?, self.pop()?, self.pop()?);
        let first = self.checked_range(first, length);
        if op == O::MEMCOPY {
            second = self.checked_range(second, length);
        }
        self.effect(op, &[first, second, length], 0);
        Ok(())
    }

    /// Returns an address for an access that traps if the module's memory is too small.
    fn checked_access(&mut self, op: O, address: Value, memarg: &MemArg) -> Value {
        if self.layout.memory.check == AddressCheck::None {
            return address;
        }
        let size: u64 = match op {
            O::LOAD8U | O::LOAD8S | O::STORE8 => 1,
            O::LOAD16U | O::LOAD16S | O::STORE16 => 2,
            O::LOAD | O::STORE => 8,
            _ => 4,
        };
        let length = self.constant(memarg.offset + size);
        self.checked_range(address, length)
    }

    /// Returns the address, or one that is beyond every memory if the range does not fit the module's memory.
    fn checked_range(&mut self, address: Value, length: Value) -> Value {
        let size = match self.layout.memory.check {
            AddressCheck::None => return address,
            AddressCheck::Fixed(size) => self.constant(size),
            AddressCheck::Pages => {
                let bytes = self.inst(Kind::Op { op: O::MEMSIZE, args: [Value::NONE; 3], imm: 0 }, false);
                let mask = self.constant(!0xFFFF);
                self.binary(O::AND, bytes, mask)
            }
            AddressCheck::Global(size) => self.read_global_number(size),
        };
        let end = self.binary(O::ADD, address, length);
        let beyond = self.binary(O::SLTU, size, end);
        let far = self.constant(1 << 62);
        self.select(beyond, far, address)
    }

    fn memory_size(&mut self) {
        match self.layout.memory.growth {
            Growth::Fixed(pages) => self.push_constant(pages),
            Growth::Pages => {
                let bytes = self.inst(Kind::Op { op: O::MEMSIZE, args: [Value::NONE; 3], imm: 0 }, false);
                let shift = self.constant(16);
                let pages = self.binary(O::SHR, bytes, shift);
                self.function.narrow[pages.index()] = true;
                self.push(pages);
            }
            Growth::Bytes { size, .. } => {
                let size = self.read_global_number(size);
                self.push(size);
            }
        }
    }

    fn memory_grow(&mut self) -> Result<(), Error> {
        let pages = self.pop()?;
        match self.layout.memory.growth {
            // Growing by 0 pages succeeds, by any other number it fails.
            Growth::Fixed(size) => {
                let (size, failed) = (self.constant(size), self.constant(u64::from(u32::MAX)));
                let result = self.select(pages, failed, size);
                self.push(result);
            }
            Growth::Pages => {
                let args = [pages, Value::NONE, Value::NONE];
                let result = self.inst(Kind::Op { op: O::MEMGROW, args, imm: 0 }, true);
                self.push(result);
            }
            Growth::Bytes { size, most, adds_pages } => {
                let args = alloc::vec![pages, self.constant(u64::from(size)), self.constant(most)];
                self.call_helper(Helper::GrowBytes { adds_pages }, args, &[ValType::I32])?;
            }
        }
        Ok(())
    }

    fn memory_init(&mut self, index: u32) -> Result<(), Error> {
        let data = self.layout.passive_data(index)?;
        let (length, mut offset, address) = (self.pop()?, self.pop()?, self.pop()?);
        if let Some(global) = data.dropped {
            // A dropped segment has no bytes. The global is 0, or all ones if the segment was dropped: then an offset
            // or a length other than 0 is replaced by an offset that is out of bounds of every segment.
            let mask =
                self.inst(Kind::Op { op: O::GETG, args: [Value::NONE; 3], imm: i64::from(global) }, false);
            let any = self.binary(O::OR, offset, length);
            let any = self.binary(O::AND, any, mask);
            let shift = self.constant(32);
            let beyond = self.binary(O::SHL, any, shift);
            offset = self.binary(O::OR, offset, beyond);
        }
        let address = self.checked_range(address, length);
        self.effect(O::MEMINIT, &[address, offset, length], i64::from(data.segment));
        Ok(())
    }
}
