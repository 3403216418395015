//! From words to decoded instructions.

use alloc::vec::Vec;

use super::last::{self, Last};
use super::op::{HANDLERS, Op, end, variant};
use super::pairs;
use crate::isa::{Access, Facts, Field, Opcode, Operand, Reg};
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
        let mut threaded = Threaded { ops, lasts: last::find(code, functions)? };
        for function in functions {
            let words = function.start as usize..(function.start + function.words) as usize;
            threaded.function(&code[words.clone()], words.start);
        }
        Some(threaded)
    }

    fn function(&mut self, words: &[[u8; 4]], start: usize) {
        let mut previous = None;
        for (word, bytes) in (start..).zip(words) {
            let bits = u32::from_le_bytes(*bytes);
            let (number, variant) = (bits as u8, variant_of(bits, self.lasts[word]));
            self.ops[word].next = HANDLERS[usize::from(number)][usize::from(variant)];
            if let Some((number_before, variant_before)) = previous
                && let Some(handler) = pairs::handler(number_before, variant_before, number, variant)
            {
                self.ops[word - 1].next = handler;
            }
            previous = Some((number, variant));
            self.ops.push(decoded(bits));
        }
    }

    /// The register that was written last when a word is executed, counted from the start of the whole code.
    pub(in crate::interp) fn last(&self, word: usize) -> Option<Reg> {
        self.lasts[word].reg()
    }
}

/// The instruction of a word of a verified program, with nothing behind it. Fields that it does not use are anything.
#[inline(always)]
fn decoded(bits: u32) -> Op {
    Op {
        next: end,
        imm: Facts::of(bits).immediate(bits),
        a: Reg::from_low_bits(bits >> Field::a.shift()),
        b: Reg::from_low_bits(bits >> Field::b.shift()),
        c: Reg::from_low_bits(bits >> Field::c.shift()),
        imm8: Field::imm8.unsigned(bits) as u8,
    }
}

/// How an instruction differs from the plain one.
#[derive(Clone, Copy)]
struct Differences {
    /// What is to have been written last for its registers a, b and c to be the last value, if they were R0.
    reads: [Last; 3],
    /// What its variant has if bit 31 is set.
    back: u8,
}

/// By opcode number.
static DIFFERENCES: [Differences; 256] = {
    let mut table = [Differences { reads: [Last::NEVER; 3], back: 0 }; 256];
    let mut i = 0;
    while i < Opcode::ALL.len() {
        let op = Opcode::ALL[i];
        table[op.number() as usize] = Differences::of(op);
        i += 1;
    }
    table
};

impl Differences {
    const fn of(op: Opcode) -> Differences {
        let mut differences = Differences { reads: [Last::NEVER; 3], back: 0 };
        let (operands, mut i) = (op.operands(), 0);
        while i < operands.len() {
            let Operand { field, role } = operands[i];
            if matches!(role.register_access(), Some(Access::Read | Access::ReadWrite)) {
                let index = match field {
                    Field::a => 0,
                    Field::b => 1,
                    Field::c => 2,
                    _ => panic!("a register in another field"),
                };
                differences.reads[index] = Last::written(Reg::R0, role.is_float());
            } else if role.is_target() {
                differences.back = variant::BACK;
            }
            i += 1;
        }
        differences
    }
}

#[inline(always)]
fn variant_of(bits: u32, last: Last) -> u8 {
    let Differences { reads: [a, b, c], back } = DIFFERENCES[usize::from(bits as u8)];
    let mut variant = if bits as i32 >= 0 { 0 } else { back };
    if last == c.for_register(bits >> Field::c.shift()) {
        variant |= variant::C;
    } else if last == b.for_register(bits >> Field::b.shift()) {
        variant |= variant::B;
    } else if last == a.for_register(bits >> Field::a.shift()) {
        variant |= variant::A;
    }
    variant
}
