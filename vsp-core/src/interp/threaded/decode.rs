//! From words to decoded instructions.

use alloc::vec::Vec;

use super::op::{HANDLERS, Op, Written, end, last_written, variant};
use super::pairs;
use crate::isa::{Access, Field, Flow, Inst, Reg, Role};
use crate::verify::Function;

/// Decodes the words of functions that are verified. `None` if there is no memory.
pub(crate) fn decode(code: &[[u8; 4]], functions: &[Function]) -> Option<Vec<Op>> {
    let mut ops = Vec::new();
    ops.try_reserve_exact(code.len() + 1).ok()?;
    ops.push(Op { next: end, imm: 0, a: Reg::R0, b: Reg::R0, c: Reg::R0, imm8: 0 });
    let mut targets = Targets::new(functions)?;
    for function in functions {
        let words = &code[function.start as usize..][..function.words as usize];
        targets.find(words);
        let (mut last, mut previous) = (None, None);
        for (word, bytes) in words.iter().enumerate() {
            let Ok(inst) = Inst::decode(u32::from_le_bytes(*bytes)) else {
                unreachable!("verified: every word is an instruction")
            };
            if targets.has(word) {
                last = None;
            }
            let before = ops.len() - 1;
            let found = variant_of(inst, last);
            ops[before].next = HANDLERS[inst.op().number() as usize][usize::from(found)];
            if let Some((op, variant)) = previous
                && let Some(handler) = pairs::handler(op, variant, inst.op(), found)
            {
                ops[before - 1].next = handler;
            }
            previous = Some((inst.op(), found));
            ops.push(decoded(inst));
            last = match inst.op().flow() {
                Flow::Next | Flow::Branch => last_written(inst).or(last),
                Flow::Jump | Flow::Switch | Flow::Stop | Flow::Call | Flow::Suspend | Flow::Bulk => None,
            };
        }
    }
    Some(ops)
}

/// The instruction, with nothing behind it.
fn decoded(inst: Inst) -> Op {
    let mut op = Op { next: end, imm: 0, a: Reg::R0, b: Reg::R0, c: Reg::R0, imm8: 0 };
    for (operand, value) in inst.operands() {
        let reg = Reg::from_low_bits(value as u32);
        match operand.field {
            Field::a => op.a = reg,
            Field::b => op.b = reg,
            Field::c => op.c = reg,
            Field::imm8 => op.imm8 = value as u8,
            Field::rel12 | Field::imm12 | Field::imm16 | Field::imm20 | Field::imm24 => op.imm = value,
        }
    }
    op
}

fn variant_of(inst: Inst, last: Option<Written>) -> u8 {
    let mut variant = 0;
    for (operand, value) in inst.operands() {
        let here = Written { reg: Reg::from_low_bits(value as u32), is_float: operand.role.is_float() };
        let reads = matches!(operand.role.register_access(), Some(Access::Read | Access::ReadWrite));
        variant = match operand.field {
            Field::a if reads && Some(here) == last => variant & variant::BACK | variant::A,
            Field::b if reads && Some(here) == last => variant & variant::BACK | variant::B,
            Field::c if reads && Some(here) == last => variant & variant::BACK | variant::C,
            _ if operand.role == Role::Target && value < 0 => variant | variant::BACK,
            _ => variant,
        };
    }
    variant
}

/// One bit for each word of a function: do branches go there?
struct Targets(Vec<u64>);

impl Targets {
    /// For each of these functions, one at a time.
    fn new(functions: &[Function]) -> Option<Targets> {
        let largest = functions.iter().map(|function| function.words).max().unwrap_or(0);
        let mut bits = Vec::new();
        let count = largest.div_ceil(u64::BITS) as usize;
        bits.try_reserve_exact(count).ok()?;
        bits.resize(count, 0);
        Some(Targets(bits))
    }

    fn find(&mut self, words: &[[u8; 4]]) {
        self.0.fill(0);
        for (word, bytes) in words.iter().enumerate() {
            let inst = Inst::decode(u32::from_le_bytes(*bytes)).ok();
            if let Some(displacement) = inst.and_then(|inst| inst.value_of(Role::Target)) {
                let target = (word + 1).wrapping_add_signed(displacement as isize);
                self.0[target / u64::BITS as usize] |= 1 << (target % u64::BITS as usize);
            }
        }
    }

    fn has(&self, word: usize) -> bool {
        self.0[word / u64::BITS as usize] >> (word % u64::BITS as usize) & 1 == 1
    }
}
