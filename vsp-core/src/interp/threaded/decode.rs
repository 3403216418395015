//! From words to decoded instructions.

use alloc::vec::Vec;

use super::calls::Entry;
use super::groups::{self, Behind};
use super::last::{self, Last};
use super::op::{Handler, Op, end, variant};
use super::pairs;
use crate::isa::{Field, Opcode, Operand, Properties, Reg};
use crate::verify::Function;

/// Code as the interpreter executes it.
#[derive(Debug)]
pub(crate) struct Threaded {
    /// One for each word, behind one that only says the handler of the first.
    pub(in crate::interp) ops: Vec<Op>,
    /// For each word, what was written last when it is executed.
    lasts: Vec<Last>,
    pub(super) entries: Vec<Entry>,
}

impl Threaded {
    /// Decodes the words of functions that are verified. `None` if there is no memory.
    pub(crate) fn new(code: &[[u8; 4]], functions: &[Function]) -> Option<Threaded> {
        let lasts = last::find(code, functions)?;
        let mut ops = Vec::new();
        ops.try_reserve_exact(code.len() + 1).ok()?;
        ops.resize(code.len() + 1, Op { next: end, imm: 0, a: Reg::R0, b: Reg::R0, c: Reg::R0, imm8: 0 });
        for function in functions {
            let words = function.start as usize..(function.start + function.words) as usize;
            let ops = &mut ops[words.start..=words.end];
            decode(&code[words.clone()], &lasts[words], function, functions, ops);
        }
        Some(Threaded { ops, lasts, entries: Entry::all(code.len(), functions)? })
    }

    /// The register that was written last when a word is executed, counted from the start of the whole code.
    #[inline]
    pub(in crate::interp) fn last(&self, word: usize) -> Option<Reg> {
        self.lasts[word].reg()
    }
}

/// Decodes the words of a function, from the last to the first. `ops` starts with the one before.
fn decode(words: &[[u8; 4]], lasts: &[Last], function: &Function, functions: &[Function], ops: &mut [Op]) {
    let Some((head, ops)) = ops.split_first_mut() else { return };
    let mut next = end as Handler;
    // 0 is no opcode, and in no pair.
    let (mut second, mut behind) = ((0, 0), Behind::NONE);
    for ((bytes, last), op) in words.iter().zip(lasts).zip(ops).rev() {
        let bits = u32::from_le_bytes(*bytes);
        *op = decoded(bits, next);
        let differences = Differences::of(bits);
        let variant = match differences.hands_on {
            None => differences.variant(bits, *last),
            Some(HandsOn::Params) => {
                let callee = functions.get(op.imm as usize);
                last.variant_handing_on(callee.map_or(0, |callee| callee.ty.params()))
            }
            Some(HandsOn::Results) => last.variant_handing_on(function.ty.results()),
        };
        let here = (bits as u8, variant);
        next = match groups::handler(here, behind) {
            Some(handler) => handler,
            None => pairs::handler(here, second),
        };
        (second, behind) = (here, behind.with(here));
    }
    head.next = next;
}

/// The instruction of a word of a verified program, before one with this handler. What it does not use is anything.
#[inline(always)]
fn decoded(bits: u32, next: Handler) -> Op {
    Op {
        next,
        imm: Properties::of(bits).immediate(bits),
        a: Reg::from_low_bits(bits >> Field::a.shift()),
        b: Reg::from_low_bits(bits >> Field::b.shift()),
        c: Reg::from_low_bits(bits >> Field::c.shift()),
        imm8: Field::imm8.unsigned(bits) as u8,
    }
}

/// How an instruction can differ from the plain one.
#[derive(Clone, Copy)]
struct Differences {
    /// What is to have been written last for its registers a, b and c to be the last value, if they were R0.
    reads: [Last; 3],
    /// What its variant has if bit 31 is set.
    back: u8,
    /// What an instruction hands on whose variants tell how much.
    hands_on: Option<HandsOn>,
}

#[derive(Clone, Copy)]
enum HandsOn {
    Params,
    Results,
}

/// By opcode number.
static DIFFERENCES: [Differences; 256] = {
    let mut table = [Differences::NONE; 256];
    let mut i = 0;
    while i < Opcode::ALL.len() {
        let op = Opcode::ALL[i];
        table[op.number() as usize] = Differences::of_opcode(op);
        i += 1;
    }
    table
};

impl Differences {
    const NONE: Differences = Differences { reads: [Last::NEVER; 3], back: 0, hands_on: None };

    const fn of_opcode(op: Opcode) -> Differences {
        let mut differences = Differences::NONE;
        differences.hands_on = match op {
            Opcode::CALL => Some(HandsOn::Params),
            Opcode::RET => Some(HandsOn::Results),
            _ => None,
        };
        let (operands, mut i) = (op.operands(), 0);
        while i < operands.len() {
            let Operand { field, role } = operands[i];
            if role.reads_register() {
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

    #[inline(always)]
    fn of(bits: u32) -> &'static Differences {
        &DIFFERENCES[usize::from(bits as u8)]
    }

    /// The variant of an instruction, where this was written last.
    #[inline(always)]
    fn variant(&self, bits: u32, last: Last) -> u8 {
        let [a, b, c] = self.reads;
        let mut read = 0;
        for (r0, field, variant) in
            [(a, Field::a, variant::A), (b, Field::b, variant::B), (c, Field::c, variant::C)]
        {
            if last == r0.for_register(bits >> field.shift()) {
                read = variant;
            }
        }
        read | (((bits >> 31) as u8 * variant::BACK) & self.back)
    }
}
