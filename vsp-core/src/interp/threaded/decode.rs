//! From words to decoded instructions.

use alloc::vec::Vec;

use super::last::{Last, Lasts};
use super::op::{HANDLERS, Op, end, variant};
use super::pairs;
use crate::isa::{Access, Field, Inst, Reg, Role};
use crate::verify::Function;

/// Code as the interpreter executes it.
#[derive(Debug)]
pub(crate) struct Threaded {
    /// One for each word, behind one that only says the handler of the first.
    pub(in crate::interp) ops: Vec<Op>,
    /// For each word, what was written last when it is executed.
    lasts: Vec<Last>,
}

impl Threaded {
    /// Decodes the words of functions that are verified. `None` if there is no memory.
    pub(crate) fn new(code: &[[u8; 4]], functions: &[Function]) -> Option<Threaded> {
        let mut ops = Vec::new();
        ops.try_reserve_exact(code.len() + 1).ok()?;
        ops.push(Op { next: end, imm: 0, a: Reg::R0, b: Reg::R0, c: Reg::R0, imm8: 0 });
        let mut threaded = Threaded { ops, lasts: Lasts::find(code, functions)? };
        for function in functions {
            let words = function.start as usize..(function.start + function.words) as usize;
            threaded.function(&code[words.clone()], words.start);
        }
        Some(threaded)
    }

    fn function(&mut self, words: &[[u8; 4]], start: usize) {
        let mut previous = None;
        for (word, inst) in (start..).zip(words.iter().map(instruction)) {
            let variant = variant_of(inst, self.lasts[word]);
            self.ops[word].next = HANDLERS[usize::from(inst.op().number())][usize::from(variant)];
            if let Some((op, before)) = previous
                && let Some(handler) = pairs::handler(op, before, inst.op(), variant)
            {
                self.ops[word - 1].next = handler;
            }
            previous = Some((inst.op(), variant));
            self.ops.push(decoded(inst));
        }
    }

    /// The register that was written last when a word is executed, counted from the start of the whole code.
    pub(in crate::interp) fn last(&self, word: usize) -> Option<Reg> {
        self.lasts[word].reg()
    }
}

/// The instruction of a word of a verified program.
pub(super) fn instruction(word: &[u8; 4]) -> Inst {
    match Inst::decode(u32::from_le_bytes(*word)) {
        Ok(inst) => inst,
        Err(_) => unreachable!("verified: every word is an instruction"),
    }
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

fn variant_of(inst: Inst, last: Last) -> u8 {
    let mut variant = 0;
    for (operand, value) in inst.operands() {
        let here = Last::written(Reg::from_low_bits(value as u32), operand.role.is_float());
        let reads = matches!(operand.role.register_access(), Some(Access::Read | Access::ReadWrite));
        variant = match operand.field {
            Field::a if reads && here == last => variant & variant::BACK | variant::A,
            Field::b if reads && here == last => variant & variant::BACK | variant::B,
            Field::c if reads && here == last => variant & variant::BACK | variant::C,
            _ if operand.role == Role::Target && value < 0 => variant | variant::BACK,
            _ => variant,
        };
    }
    variant
}
