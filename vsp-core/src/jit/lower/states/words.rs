//! State registers as pairs of integers, each of eight layers, with the steps of [`words`](crate::complex::words).

use cranelift_codegen::ir::types::I64;
use cranelift_codegen::ir::{InstBuilder, Value};
use cranelift_frontend::FunctionBuilder;

use crate::complex::words::{Words, each};
pub(super) use crate::complex::words::{binary, conjugate};

impl Words for FunctionBuilder<'_> {
    type Value = Value;

    fn constant(&mut self, byte: u8) -> Value {
        self.ins().iconst(I64, each(byte) as i64)
    }

    fn add(&mut self, x: Value, y: Value) -> Value {
        self.ins().iadd(x, y)
    }

    fn sub(&mut self, x: Value, y: Value) -> Value {
        self.ins().isub(x, y)
    }

    fn and(&mut self, x: Value, y: Value) -> Value {
        self.ins().band(x, y)
    }

    fn and_not(&mut self, x: Value, y: Value) -> Value {
        self.ins().band_not(x, y)
    }

    fn or(&mut self, x: Value, y: Value) -> Value {
        self.ins().bor(x, y)
    }

    fn xor(&mut self, x: Value, y: Value) -> Value {
        self.ins().bxor(x, y)
    }

    fn shl(&mut self, x: Value, bits: u32) -> Value {
        self.ins().ishl_imm_u(x, i64::from(bits))
    }

    fn shr(&mut self, x: Value, bits: u32) -> Value {
        self.ins().ushr_imm_u(x, i64::from(bits))
    }

    fn select(&mut self, mask: Value, x: Value, y: Value) -> Value {
        self.ins().bitselect(mask, x, y)
    }
}

pub(super) fn splat(b: &mut FunctionBuilder<'_>, number: Value) -> Value {
    let byte = b.ins().band_imm_u(number, 0xFF);
    let ones = b.constant(1);
    b.ins().imul(byte, ones)
}

/// Returns the half with another byte at an index.
pub(super) fn with_byte(b: &mut FunctionBuilder<'_>, half: Value, number: Value, index: u32) -> Value {
    let bits = i64::from(8 * index);
    let byte = b.ins().band_imm_u(number, 0xFF);
    let byte = b.ins().ishl_imm_u(byte, bits);
    let others = b.ins().band_imm_s(half, !(0xFF << bits));
    b.ins().bor(others, byte)
}

/// Rotates the layers: layer i becomes layer i + n modulo 16.
pub(super) fn rotated(b: &mut FunctionBuilder<'_>, [low, high]: [Value; 2], n: u32) -> [Value; 2] {
    let [low, high] = if n & 8 == 0 { [low, high] } else { [high, low] };
    let bits = i64::from(8 * (n & 7));
    if bits == 0 {
        return [low, high];
    }
    [(low, high), (high, low)].map(|(to, from)| {
        let kept = b.ins().ishl_imm_u(to, bits);
        let come_in = b.ins().ushr_imm_u(from, 64 - bits);
        b.ins().bor(kept, come_in)
    })
}
