//! Making instructions, and simplifying them while they are made.

use alloc::vec::Vec;

use vsp_core::isa::Opcode as O;

use super::Builder;
use crate::error::Error;
use crate::ir::{Function, Kind, Value, for_each_read, has_effect};
use crate::module::Constant;

const LOW: u64 = 0xFFFF_FFFF;

impl Builder<'_, '_> {
    /// Makes an instruction with one source.
    pub(super) fn unary(&mut self, op: O, source: Value, imm: i64) -> Value {
        let constant = self.function.constant(source);
        let narrow = self.function.narrow[source.index()];
        match (op, imm, constant) {
            (O::ZEXT, 32, Some(bits)) => return self.constant(bits & LOW),
            (O::SEXT, 32, Some(bits)) => return self.constant(i64::from(bits as i32) as u64),
            (O::ZEXT, 32, None) if narrow => return source,
            (O::ZEXT | O::SEXT, 32, None) => {
                // The upper half of what is extended does not matter.
                if let Kind::Op { op: O::SEXT | O::ZEXT, args, imm: 32 } = *self.function.kind(source) {
                    return self.unary(op, self.function.resolve(args[0]), imm);
                }
            }
            _ => {}
        }
        let narrow = is_narrow(op, imm, narrow, narrow);
        self.inst(Kind::Op { op, args: [source, Value::NONE, Value::NONE], imm }, narrow)
    }

    /// Makes an instruction with two sources.
    pub(super) fn binary(&mut self, op: O, first: Value, second: Value) -> Value {
        let (mut first, mut second) = (self.function.resolve_mut(first), self.function.resolve_mut(second));
        let (mut a, mut b) = (self.function.constant(first), self.function.constant(second));
        if a.is_some() && b.is_none() && is_commutative(op) {
            core::mem::swap(&mut first, &mut second);
            core::mem::swap(&mut a, &mut b);
        }
        if let (Some(a), Some(b)) = (a, b)
            && let Some(bits) = evaluate(op, a, b)
        {
            return self.constant(bits);
        }
        if let Some(b) = b {
            if let Some(value) = self.identity(op, first, b) {
                return value;
            }
            // (x + a) + b = x + (a + b), and so for the low halves.
            if let (O::ADD | O::ADDW, Kind::Op { op: inner, args, .. }) = (op, self.function.kind(first))
                && *inner == op
                && let Some(a) = self.function.constant(args[1])
                && let Some(sum) = evaluate(op, a, b)
            {
                let (inner, sum) = (args[0], self.constant(sum));
                return self.binary(op, inner, sum);
            }
        }
        if matches!(op, O::SUB | O::SUBW)
            && let Some(b) = b
        {
            let negative = if op == O::SUB { b.wrapping_neg() } else { b.wrapping_neg() & LOW };
            let negative = self.constant(negative);
            return self.binary(if op == O::SUB { O::ADD } else { O::ADDW }, first, negative);
        }
        let narrow = is_narrow(
            op,
            b.map_or(-1, |b| b as i64),
            self.function.narrow[first.index()],
            self.function.narrow[second.index()],
        );
        self.inst(Kind::Op { op, args: [first, second, Value::NONE], imm: 0 }, narrow)
    }

    /// Returns the value of an instruction whose second source is a constant that makes it nothing.
    fn identity(&mut self, op: O, first: Value, b: u64) -> Option<Value> {
        let narrow = self.function.narrow[first.index()];
        let nothing = match op {
            O::ADD | O::SUB | O::OR | O::XOR => b == 0,
            O::SHL | O::SHR | O::SAR | O::ROTL | O::ROTR => b & 63 == 0,
            O::ADDW | O::SUBW => b & LOW == 0 && narrow,
            O::SHLW | O::SHRW | O::SARW | O::ROTLW | O::ROTRW => b & 31 == 0 && narrow,
            O::AND => b == u64::MAX || (b == LOW && narrow),
            O::MUL | O::DIVU => b == 1,
            O::MULW => b & LOW == 1 && narrow,
            _ => false,
        };
        if nothing {
            return Some(first);
        }
        match op {
            O::AND | O::MUL | O::MULW if b == 0 => Some(self.constant(0)),
            // A comparison is 0 or 1 already, and its negation is the opposite comparison.
            O::SNE if b == 0 && is_boolean(self.function.kind(first)) => Some(first),
            O::SEQ if b == 0 => self.negated(first),
            // Division by a power of two, unsigned: the sources are zero-extended.
            O::DIVU if b.is_power_of_two() => {
                let shift = self.constant(u64::from(b.trailing_zeros()));
                Some(self.binary(O::SHR, first, shift))
            }
            O::MODU if b.is_power_of_two() => {
                let mask = self.constant(b - 1);
                Some(self.binary(O::AND, first, mask))
            }
            _ => None,
        }
    }

    /// Returns the opposite of an integer comparison.
    fn negated(&mut self, value: Value) -> Option<Value> {
        let Kind::Op { op, args, .. } = *self.function.kind(value) else { return None };
        let (op, swap) = match op {
            O::SEQ => (O::SNE, false),
            O::SNE => (O::SEQ, false),
            O::SLT => (O::SLE, true),
            O::SLE => (O::SLT, true),
            O::SLTU => (O::SLEU, true),
            O::SLEU => (O::SLTU, true),
            O::SLTW => (O::SLEW, true),
            O::SLEW => (O::SLTW, true),
            O::FEQ => (O::FNE, false),
            O::FNE => (O::FEQ, false),
            _ => return None,
        };
        let (first, second) = if swap { (args[1], args[0]) } else { (args[0], args[1]) };
        let args = [first, second, Value::NONE];
        Some(self.inst(Kind::Op { op, args, imm: 0 }, true))
    }

    /// Returns `first` if the condition is not zero, else `second`.
    pub(super) fn select(&mut self, condition: Value, first: Value, second: Value) -> Value {
        if let Some(bits) = self.function.constant(condition) {
            return if bits != 0 { first } else { second };
        }
        let (first, second) = (self.function.resolve_mut(first), self.function.resolve_mut(second));
        if first == second {
            return first;
        }
        let narrow = self.function.narrow[first.index()] && self.function.narrow[second.index()];
        self.inst(Kind::Op { op: O::CMOVNZ, args: [second, first, condition], imm: 0 }, narrow)
    }

    /// Returns the value of a constant expression.
    pub(super) fn constant_value(&mut self, constant: Constant) -> Result<Value, Error> {
        let bits = self.layout.constant_bits(constant)?;
        Ok(self.constant(bits))
    }
}

fn is_commutative(op: O) -> bool {
    matches!(op, O::ADD | O::MUL | O::AND | O::OR | O::XOR | O::SEQ | O::SNE | O::ADDW | O::MULW)
}

/// Returns whether the value is 0 or 1.
pub(crate) fn is_boolean(kind: &Kind) -> bool {
    let Kind::Op { op, .. } = kind else { return false };
    let number = op.number();
    (0x70..0x76).contains(&number) || (0x90..0x94).contains(&number) || matches!(*op, O::SLTW | O::SLEW)
}

/// Returns whether the result is zero-extended from 32 bits. `imm` is the immediate or the constant second source.
fn is_narrow(op: O, imm: i64, first: bool, second: bool) -> bool {
    let number = op.number();
    match op {
        O::AND => first || second,
        O::OR | O::XOR => first && second,
        O::DIVU | O::SHR => first || (op == O::SHR && imm & 63 >= 32 && imm >= 0),
        O::MODU | O::MINU => first || second,
        O::ZEXT | O::LOAD8U | O::LOAD16U | O::LOAD32U | O::CLZ | O::CTZ | O::POPCNT => true,
        O::SLTW | O::SLEW | O::DIVW | O::MODW | O::CLZW | O::CTZW | O::BSWAPW | O::F32NARROW => true,
        _ => (0x70..0x80).contains(&number) || (0x90..0x94).contains(&number),
    }
}

/// Evaluates an instruction with constant sources.
fn evaluate(op: O, a: u64, b: u64) -> Option<u64> {
    let (low_a, low_b) = (a as u32, b as u32);
    let word = |bits: u32| u64::from(bits);
    Some(match op {
        O::ADD => a.wrapping_add(b),
        O::SUB => a.wrapping_sub(b),
        O::MUL => a.wrapping_mul(b),
        O::AND => a & b,
        O::OR => a | b,
        O::XOR => a ^ b,
        O::SHL => a << (b & 63),
        O::SHR => a >> (b & 63),
        O::SAR => ((a as i64) >> (b & 63)) as u64,
        O::ADDW => word(low_a.wrapping_add(low_b)),
        O::SUBW => word(low_a.wrapping_sub(low_b)),
        O::MULW => word(low_a.wrapping_mul(low_b)),
        O::SHLW => word(low_a << (low_b & 31)),
        O::SHRW => word(low_a >> (low_b & 31)),
        O::SARW => word(((low_a as i32) >> (low_b & 31)) as u32),
        O::SEQ => u64::from(a == b),
        O::SNE => u64::from(a != b),
        O::SLT => u64::from((a as i64) < b as i64),
        O::SLE => u64::from(a as i64 <= b as i64),
        O::SLTU => u64::from(a < b),
        O::SLEU => u64::from(a <= b),
        O::SLTW => u64::from((low_a as i32) < low_b as i32),
        O::SLEW => u64::from(low_a as i32 <= low_b as i32),
        _ => return None,
    })
}

/// Returns which values are read by something that must be executed.
pub(crate) fn live_values(function: &Function) -> Vec<bool> {
    let mut live = alloc::vec![false; function.values.len()];
    let mut work = Vec::new();
    let mut mark = |value: Value, work: &mut Vec<Value>, function: &Function| {
        let value = function.resolve(value);
        if let Some(seen) = live.get_mut(value.index())
            && !*seen
        {
            *seen = true;
            work.push(value);
        }
    };
    for block in &function.order {
        let block = &function.blocks[block.index()];
        for inst in &block.insts {
            let kind = &function.values[inst.index()];
            if has_effect(kind) {
                for_each_read(kind, |value| mark(value, &mut work, function));
            }
        }
        block.terminator.reads().iter().for_each(|value| mark(*value, &mut work, function));
    }
    while let Some(value) = work.pop() {
        match &function.values[value.index()] {
            Kind::Parameter { block, index } => {
                for (pred, edge) in &function.blocks[block.index()].preds {
                    let edges = function.blocks[pred.index()].terminator.edges();
                    let arg = edges.get(*edge as usize).and_then(|edge| edge.args.get(*index as usize));
                    arg.into_iter().for_each(|value| mark(*value, &mut work, function));
                }
            }
            kind => for_each_read(kind, |value| mark(value, &mut work, function)),
        }
    }
    live
}
