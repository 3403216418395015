//! Constant expressions.

use alloc::vec::Vec;

use wasmparser::{ConstExpr, Operator};

use super::{Constant, Global};
use crate::error::Error;

/// Evaluates a validated constant expression. Globals are those that precede it.
pub(super) fn evaluate(expression: &ConstExpr<'_>, globals: &[Global<'_>]) -> Result<Constant, Error> {
    let mut stack: Vec<Constant> = Vec::new();
    for operator in expression.get_operators_reader() {
        let value = match operator? {
            Operator::I32Const { value } => Constant::Bits(u64::from(value as u32)),
            Operator::I64Const { value } => Constant::Bits(value as u64),
            Operator::F32Const { value } => Constant::Bits(u64::from(value.bits())),
            Operator::F64Const { value } => Constant::Bits(value.bits()),
            Operator::RefNull { .. } => Constant::Null,
            Operator::RefFunc { function_index } => Constant::Function(function_index),
            Operator::GlobalGet { global_index } => {
                globals.get(global_index as usize).ok_or_else(|| Error::internal("a global"))?.initial
            }
            Operator::I32Add => narrow(binary(&mut stack, u64::wrapping_add)?),
            Operator::I32Sub => narrow(binary(&mut stack, u64::wrapping_sub)?),
            Operator::I32Mul => narrow(binary(&mut stack, u64::wrapping_mul)?),
            Operator::I64Add => Constant::Bits(binary(&mut stack, u64::wrapping_add)?),
            Operator::I64Sub => Constant::Bits(binary(&mut stack, u64::wrapping_sub)?),
            Operator::I64Mul => Constant::Bits(binary(&mut stack, u64::wrapping_mul)?),
            Operator::End => break,
            other => return Err(Error::unsupported(alloc::format!("{other:?} in a constant expression"))),
        };
        stack.push(value);
    }
    stack.pop().ok_or_else(|| Error::internal("a value"))
}

fn narrow(bits: u64) -> Constant {
    Constant::Bits(u64::from(bits as u32))
}

fn binary(stack: &mut Vec<Constant>, operation: fn(u64, u64) -> u64) -> Result<u64, Error> {
    match (stack.pop(), stack.pop()) {
        (Some(Constant::Bits(b)), Some(Constant::Bits(a))) => Ok(operation(a, b)),
        _ => Err(Error::internal("two numbers")),
    }
}
