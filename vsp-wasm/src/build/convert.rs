//! Conversions.

use vsp_core::isa::Opcode as O;
use wasmparser::Operator;

use super::Builder;
use crate::error::Error;
use crate::ir::Value;
use crate::trap_code;

/// The integer type of a conversion.
#[derive(Clone, Copy)]
enum Integer {
    I32,
    U32,
    I64,
    U64,
}

impl Builder<'_, '_> {
    /// Translates a conversion. Returns `false` for other operators.
    pub(super) fn conversion(&mut self, operator: &Operator<'_>) -> Result<bool, Error> {
        use Operator::*;
        match operator {
            I32WrapI64 => self.extend(O::ZEXT, 32)?,
            // The value is zero-extended, and the bits are the bits.
            I64ExtendI32U | I64ReinterpretF64 | F64ReinterpretI64 | I32ReinterpretF32 | F32ReinterpretI32 => {
            }
            I64ExtendI32S | I64Extend32S => self.extend(O::SEXT, 32)?,
            I64Extend8S => self.extend(O::SEXT, 8)?,
            I64Extend16S => self.extend(O::SEXT, 16)?,
            I32Extend8S => {
                self.extend(O::SEXT, 8)?;
                self.extend(O::ZEXT, 32)?;
            }
            I32Extend16S => {
                self.extend(O::SEXT, 16)?;
                self.extend(O::ZEXT, 32)?;
            }
            F64ConvertI32S => {
                self.extend(O::SEXT, 32)?;
                self.extend(O::I2F, 0)?;
            }
            F64ConvertI32U | F64ConvertI64S => self.extend(O::I2F, 0)?,
            F64ConvertI64U => self.extend(O::U2F, 0)?,
            F32ConvertI32S => {
                self.extend(O::SEXT, 32)?;
                self.convert_to_f32(O::I2FS)?;
            }
            F32ConvertI32U | F32ConvertI64S => self.convert_to_f32(O::I2FS)?,
            F32ConvertI64U => self.convert_to_f32(O::U2FS)?,
            F32DemoteF64 => self.convert_to_f32(O::FROUND32)?,
            F64PromoteF32 => {
                let bits = self.pop()?;
                let value = self.widen(bits);
                self.push(value);
            }
            I32TruncF64S => self.truncate(Integer::I32, false)?,
            I32TruncF64U => self.truncate(Integer::U32, false)?,
            I64TruncF64S => self.truncate(Integer::I64, false)?,
            I64TruncF64U => self.truncate(Integer::U64, false)?,
            I32TruncF32S => self.truncate(Integer::I32, true)?,
            I32TruncF32U => self.truncate(Integer::U32, true)?,
            I64TruncF32S => self.truncate(Integer::I64, true)?,
            I64TruncF32U => self.truncate(Integer::U64, true)?,
            I32TruncSatF64S => self.saturate(Integer::I32, false)?,
            I32TruncSatF64U => self.saturate(Integer::U32, false)?,
            I64TruncSatF64S => self.saturate(Integer::I64, false)?,
            I64TruncSatF64U => self.saturate(Integer::U64, false)?,
            I32TruncSatF32S => self.saturate(Integer::I32, true)?,
            I32TruncSatF32U => self.saturate(Integer::U32, true)?,
            I64TruncSatF32S => self.saturate(Integer::I64, true)?,
            I64TruncSatF32U => self.saturate(Integer::U64, true)?,
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn extend(&mut self, op: O, imm: i64) -> Result<(), Error> {
        let source = self.pop()?;
        let value = self.unary(op, source, imm);
        self.push(value);
        Ok(())
    }

    /// Converts with an instruction whose result is a binary32.
    fn convert_to_f32(&mut self, op: O) -> Result<(), Error> {
        let source = self.pop()?;
        let value = self.unary(op, source, 0);
        self.push_f32(value);
        Ok(())
    }

    fn float(&mut self, single: bool) -> Result<Value, Error> {
        let source = self.pop()?;
        Ok(if single { self.widen(source) } else { source })
    }

    /// Truncates to an integer, or traps. F2I and F2U saturate, so that it can be seen in their results whether the
    /// number was too large.
    fn truncate(&mut self, to: Integer, single: bool) -> Result<(), Error> {
        let source = self.float(single)?;
        let unordered = self.binary(O::FNE, source, source);
        self.trap_if(unordered, trap_code::INVALID_CONVERSION);
        let op = if matches!(to, Integer::U64) { O::F2U } else { O::F2I };
        let mut result = self.unary(op, source, 0);
        let overflow = match to {
            Integer::I32 => {
                let extended = self.inst_sext32(result);
                self.binary(O::SNE, extended, result)
            }
            Integer::U32 => {
                let shift = self.constant(32);
                self.binary(O::SHR, result, shift)
            }
            Integer::I64 => {
                // The largest integer is no binary64; the smallest is one.
                let (most, least) =
                    (self.constant(i64::MAX as u64), self.constant((i64::MIN as f64).to_bits()));
                let below = self.binary(O::FLT, source, least);
                self.trap_if(below, trap_code::INTEGER_OVERFLOW);
                self.binary(O::SEQ, result, most)
            }
            Integer::U64 => {
                let (most, minus_one) = (self.constant(u64::MAX), self.constant((-1.0f64).to_bits()));
                let below = self.binary(O::FLE, source, minus_one);
                self.trap_if(below, trap_code::INTEGER_OVERFLOW);
                self.binary(O::SEQ, result, most)
            }
        };
        self.trap_if(overflow, trap_code::INTEGER_OVERFLOW);
        if matches!(to, Integer::I32 | Integer::U32) {
            result = self.unary(O::ZEXT, result, 32);
        }
        self.push(result);
        Ok(())
    }

    fn inst_sext32(&mut self, value: Value) -> Value {
        self.unary(O::SEXT, value, 32)
    }

    /// Truncates to the nearest integer of the type.
    fn saturate(&mut self, to: Integer, single: bool) -> Result<(), Error> {
        let source = self.float(single)?;
        let op = if matches!(to, Integer::I32 | Integer::I64) { O::F2I } else { O::F2U };
        let mut result = self.unary(op, source, 0);
        match to {
            Integer::I32 => {
                let (least, most) =
                    (self.constant(i64::from(i32::MIN) as u64), self.constant(i32::MAX as u64));
                result = self.binary(O::MAX, result, least);
                result = self.binary(O::MIN, result, most);
                result = self.unary(O::ZEXT, result, 32);
            }
            Integer::U32 => {
                let most = self.constant(u64::from(u32::MAX));
                result = self.binary(O::MINU, result, most);
                result = self.unary(O::ZEXT, result, 32);
            }
            Integer::I64 | Integer::U64 => {}
        }
        self.push(result);
        Ok(())
    }
}
