//! Constants, comparisons and arithmetic.

use vsp_core::isa::Opcode as O;
use wasmparser::Operator;

use super::Builder;
use crate::error::Error;
use crate::ir::{EXACT, Kind, Value};

/// The bit of the sign of a binary64 and of a binary32.
const SIGN: u64 = 1 << 63;
const SIGN_32: u64 = 1 << 31;

impl Builder<'_, '_> {
    /// Translates a constant, a comparison or arithmetic. Returns `false` for other operators.
    pub(super) fn numeric(&mut self, operator: &Operator<'_>) -> Result<bool, Error> {
        use Operator::*;
        match operator {
            I32Const { value } => self.push_constant(u64::from(*value as u32)),
            I64Const { value } => self.push_constant(*value as u64),
            F32Const { value } => self.push_constant(u64::from(value.bits())),
            F64Const { value } => self.push_constant(value.bits()),
            I32Eqz | I64Eqz => {
                self.push_constant(0);
                self.two(O::SEQ)?;
            }
            I32Eq | I64Eq => self.two(O::SEQ)?,
            I32Ne | I64Ne => self.two(O::SNE)?,
            I32LtS => self.two(O::SLTW)?,
            I32GtS => self.swapped(O::SLTW)?,
            I32LeS => self.two(O::SLEW)?,
            I32GeS => self.swapped(O::SLEW)?,
            I64LtS => self.two(O::SLT)?,
            I64GtS => self.swapped(O::SLT)?,
            I64LeS => self.two(O::SLE)?,
            I64GeS => self.swapped(O::SLE)?,
            I32LtU | I64LtU => self.two(O::SLTU)?,
            I32GtU | I64GtU => self.swapped(O::SLTU)?,
            I32LeU | I64LeU => self.two(O::SLEU)?,
            I32GeU | I64GeU => self.swapped(O::SLEU)?,
            I32Clz => self.one(O::CLZW)?,
            I32Ctz => self.one(O::CTZW)?,
            I32Popcnt | I64Popcnt => self.one(O::POPCNT)?,
            I64Clz => self.one(O::CLZ)?,
            I64Ctz => self.one(O::CTZ)?,
            I32Add => self.two(O::ADDW)?,
            I32Sub => self.two(O::SUBW)?,
            I32Mul => self.two(O::MULW)?,
            I32And | I64And => self.two(O::AND)?,
            I32Or | I64Or => self.two(O::OR)?,
            I32Xor | I64Xor => self.two(O::XOR)?,
            I32Shl => self.two(O::SHLW)?,
            I32ShrU => self.two(O::SHRW)?,
            I32ShrS => self.two(O::SARW)?,
            I32Rotl => self.two(O::ROTLW)?,
            I32Rotr => self.two(O::ROTRW)?,
            I64Add => self.two(O::ADD)?,
            I64Sub => self.two(O::SUB)?,
            I64Mul => self.two(O::MUL)?,
            I64Shl => self.two(O::SHL)?,
            I64ShrU => self.two(O::SHR)?,
            I64ShrS => self.two(O::SAR)?,
            I64Rotl => self.two(O::ROTL)?,
            I64Rotr => self.two(O::ROTR)?,
            I32DivS => self.divide(false)?,
            I64DivS => self.divide(true)?,
            I32DivU | I64DivU => self.two(O::DIVU)?,
            I32RemS => self.two(O::MODW)?,
            I64RemS => self.two(O::MOD)?,
            I32RemU | I64RemU => self.two(O::MODU)?,
            F64Eq => self.two(O::FEQ)?,
            F64Ne => self.two(O::FNE)?,
            F64Lt => self.two(O::FLT)?,
            F64Gt => self.swapped(O::FLT)?,
            F64Le => self.two(O::FLE)?,
            F64Ge => self.swapped(O::FLE)?,
            F64Add => self.two(O::FADD)?,
            F64Sub => self.two(O::FSUB)?,
            F64Mul => self.two(O::FMUL)?,
            F64Div => self.two(O::FDIV)?,
            F64Min => self.two(O::FMIN)?,
            F64Max => self.two(O::FMAX)?,
            F64Sqrt => self.one(O::FSQRT)?,
            F64Floor => self.one(O::FFLOOR)?,
            F64Ceil => self.one(O::FCEIL)?,
            F64Trunc => self.one(O::FTRUNC)?,
            F64Nearest => self.one(O::FNEAREST)?,
            // These work on the bits, also of a NaN: FNEG and its like make it the canonical one.
            F64Neg => self.with_mask(O::XOR, SIGN)?,
            F64Abs => self.with_mask(O::AND, !SIGN)?,
            F64Copysign => self.copy_sign(SIGN)?,
            F32Neg => self.with_mask(O::XOR, SIGN_32)?,
            F32Abs => self.with_mask(O::AND, SIGN_32 - 1)?,
            F32Copysign => self.copy_sign(SIGN_32)?,
            F32Eq => self.compare_f32(O::FEQ, false)?,
            F32Ne => self.compare_f32(O::FNE, false)?,
            F32Lt => self.compare_f32(O::FLT, false)?,
            F32Gt => self.compare_f32(O::FLT, true)?,
            F32Le => self.compare_f32(O::FLE, false)?,
            F32Ge => self.compare_f32(O::FLE, true)?,
            F32Add => self.two_f32(O::FADDS)?,
            F32Sub => self.two_f32(O::FSUBS)?,
            F32Mul => self.two_f32(O::FMULS)?,
            F32Div => self.two_f32(O::FDIVS)?,
            F32Min => self.two_f32(O::FMIN)?,
            F32Max => self.two_f32(O::FMAX)?,
            F32Sqrt => self.one_f32(O::FSQRT)?,
            F32Floor => self.one_f32(O::FFLOOR)?,
            F32Ceil => self.one_f32(O::FCEIL)?,
            F32Trunc => self.one_f32(O::FTRUNC)?,
            F32Nearest => self.one_f32(O::FNEAREST)?,
            _ => return Ok(false),
        }
        Ok(true)
    }

    pub(super) fn push_constant(&mut self, bits: u64) {
        let value = self.constant(bits);
        self.push(value);
    }

    fn one(&mut self, op: O) -> Result<(), Error> {
        let source = self.pop()?;
        let value = self.unary(op, source, 0);
        self.push(value);
        Ok(())
    }

    fn two(&mut self, op: O) -> Result<(), Error> {
        let (second, first) = (self.pop()?, self.pop()?);
        let value = self.binary(op, first, second);
        self.push(value);
        Ok(())
    }

    fn swapped(&mut self, op: O) -> Result<(), Error> {
        let (second, first) = (self.pop()?, self.pop()?);
        let value = self.binary(op, second, first);
        self.push(value);
        Ok(())
    }

    /// Translates a signed division, which traps if the result does not fit; that of VSP gives the smallest number.
    fn divide(&mut self, wide: bool) -> Result<(), Error> {
        let (divisor, dividend) = (self.pop()?, self.pop()?);
        let minus_one = if wide { u64::MAX } else { u64::from(u32::MAX) };
        if self.function.constant(divisor).is_none_or(|bits| bits == minus_one) {
            self.inst(Kind::DivisionCheck { wide, dividend, divisor }, false);
        }
        let value = self.binary(if wide { O::DIV } else { O::DIVW }, dividend, divisor);
        self.push(value);
        Ok(())
    }

    fn with_mask(&mut self, op: O, mask: u64) -> Result<(), Error> {
        let (source, mask) = (self.pop()?, self.constant(mask));
        let value = self.binary(op, source, mask);
        self.push(value);
        Ok(())
    }

    fn copy_sign(&mut self, sign: u64) -> Result<(), Error> {
        let (from, to) = (self.pop()?, self.pop()?);
        let (rest, sign) = (self.constant(sign - 1), self.constant(sign));
        let magnitude = self.binary(O::AND, to, rest);
        let sign = self.binary(O::AND, from, sign);
        let value = self.binary(O::OR, magnitude, sign);
        self.push(value);
        Ok(())
    }

    /// Returns a binary32, given its bits, as a binary64.
    pub(super) fn widen(&mut self, bits: Value) -> Value {
        if let Some(constant) = self.function.constant(bits) {
            let wide = f64::from(f32::from_bits(constant as u32));
            return self.constant(if wide.is_nan() { 0x7FF8_0000_0000_0000 } else { wide.to_bits() });
        }
        match *self.function.kind(bits) {
            // What is narrowed here came from an operation on binary32 numbers: it is one of them.
            Kind::Op { op: O::F32NARROW, args, imm: EXACT } => self.function.resolve(args[0]),
            _ => match self.widened.get(&bits) {
                Some((wide, epoch)) if *epoch == self.epoch() => *wide,
                _ => {
                    let wide = self.unary(O::F32WIDEN, bits, 0);
                    self.widened.insert(bits, (wide, self.epoch()));
                    wide
                }
            },
        }
    }

    /// Returns the choice of one of two binary32 numbers, if it can be made before they are narrowed.
    pub(super) fn select_f32(&mut self, condition: Value, first: Value, second: Value) -> Option<Value> {
        let is_exact = |value: Value| matches!(self.function.kind(value), Kind::Op { op: O::F32NARROW, .. });
        let fits = |value: Value| {
            let is_number = |bits: u64| !f32::from_bits(bits as u32).is_nan();
            is_exact(value) || self.function.constant(value).is_some_and(is_number)
        };
        if !(is_exact(first) || is_exact(second)) || !fits(first) || !fits(second) {
            return None;
        }
        let (first, second) = (self.widen(first), self.widen(second));
        let wide = self.select(condition, first, second);
        Some(self.narrow_exact(wide))
    }

    /// Returns the bits of a binary32 that is given as a binary64.
    fn narrow_exact(&mut self, wide: Value) -> Value {
        self.inst(Kind::Op { op: O::F32NARROW, args: [wide, Value::NONE, Value::NONE], imm: EXACT }, true)
    }

    /// Pushes the bits of a binary32 that is given as a binary64.
    pub(super) fn push_f32(&mut self, wide: Value) {
        let bits = self.narrow_exact(wide);
        self.push(bits);
    }

    fn one_f32(&mut self, op: O) -> Result<(), Error> {
        let source = self.pop()?;
        let source = self.widen(source);
        let mut value = self.unary(op, source, 0);
        if op == O::FSQRT {
            value = self.unary(O::FROUND32, value, 0);
        }
        self.push_f32(value);
        Ok(())
    }

    fn two_f32(&mut self, op: O) -> Result<(), Error> {
        let (second, first) = (self.pop()?, self.pop()?);
        let (first, second) = (self.widen(first), self.widen(second));
        let value = self.binary(op, first, second);
        self.push_f32(value);
        Ok(())
    }

    fn compare_f32(&mut self, op: O, swap: bool) -> Result<(), Error> {
        let (second, first) = (self.pop()?, self.pop()?);
        let (first, second) = (self.widen(first), self.widen(second));
        let value = if swap { self.binary(op, second, first) } else { self.binary(op, first, second) };
        self.push(value);
        Ok(())
    }
}
