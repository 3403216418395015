//! The decoder: from words to decoded instructions.

use alloc::vec::Vec;

use super::accumulator::{self, CachingState};
use super::state::{Entry, Handler, Op, end};
use super::superinstructions::{self, Tail};
use super::variant;
use crate::function::Function;
#[cfg(feature = "native")]
use crate::index::FuncIndex;
use crate::isa::{Field, Opcode, Operand, Properties, Reg};

/// Code in the form that the threaded interpreter executes.
#[derive(Debug)]
pub(crate) struct Threaded {
    /// One instruction for each word, preceded by one that only holds the handler of the first.
    pub(in crate::interp) ops: Vec<Op>,
    /// The caching state before each word.
    states: Vec<CachingState>,
    pub(super) entries: Vec<Entry>,
}

impl Threaded {
    /// Decodes the words of verified functions. Returns `None` if memory runs out.
    pub(crate) fn new(code: &[[u8; 4]], functions: &[Function]) -> Option<Threaded> {
        let states = accumulator::analyse(code, functions)?;
        let mut ops = Vec::new();
        ops.try_reserve_exact(code.len() + 1).ok()?;
        ops.resize(code.len() + 1, Op { next: end, imm: 0, a: Reg::R0, b: Reg::R0, c: Reg::R0, imm8: 0 });
        for function in functions {
            let words = function.start as usize..(function.start + function.words) as usize;
            let ops = &mut ops[words.start..=words.end];
            decode(&code[words.clone()], &states[words], function, functions, ops);
        }
        Some(Threaded { ops, states, entries: Entry::all(code, functions)? })
    }

    /// Returns whether a tail call of this function enters its machine code, if there is any.
    #[cfg(feature = "native")]
    pub(crate) fn is_entered_by_tail_calls(&self, index: FuncIndex) -> bool {
        self.entries.get(index.index()).is_some_and(|entry| entry.is_entered_by_tail_calls)
    }

    /// Returns the register that the accumulator caches before a word, counted from the start of the whole code.
    #[inline]
    pub(in crate::interp) fn cached_register(&self, word: usize) -> Option<Reg> {
        self.states[word].reg()
    }
}

/// Decodes the words of a function, from the last to the first. `ops` starts with the one before.
fn decode(
    words: &[[u8; 4]],
    states: &[CachingState],
    function: &Function,
    functions: &[Function],
    ops: &mut [Op],
) {
    let Some((head, ops)) = ops.split_first_mut() else { return };
    let mut next = end as Handler;
    // 0 is not an opcode, and in no superinstruction.
    let (mut second, mut tail) = ((0, 0), Tail::NONE);
    for ((bytes, state), op) in words.iter().zip(states).zip(ops).rev() {
        let bits = u32::from_le_bytes(*bytes);
        *op = decoded(bits, next);
        let specialisation = Specialisation::of(bits);
        let variant = match specialisation.passes {
            None => specialisation.variant(bits, *state),
            Some(Passes::Params) => {
                let callee = functions.get(op.imm as usize);
                state.variant_passing(callee.map_or(0, |callee| callee.ty.params()))
            }
            Some(Passes::Results) => state.variant_passing(function.ty.results()),
        };
        let here = (bits as u8, variant);
        next = superinstructions::handler(here, second, tail);
        (second, tail) = (here, tail.with(here));
    }
    head.next = next;
}

/// Decodes the word of a verified program, followed by an instruction with this handler. Fields that the instruction
/// does not use have arbitrary values.
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

/// The properties of an opcode that select the variant of its handler.
#[derive(Clone, Copy)]
struct Specialisation {
    /// The caching states in which the accumulator holds the registers a, b and c, if these were R0.
    reads: [CachingState; 3],
    /// The bit that the variant has if bit 31 is set.
    back: u8,
    /// The registers that the instruction passes, if its variants tell their number.
    passes: Option<Passes>,
}

#[derive(Clone, Copy)]
enum Passes {
    Params,
    Results,
}

/// The properties by opcode number.
static SPECIALISATIONS: [Specialisation; 256] = {
    let mut table = [Specialisation::NONE; 256];
    let mut i = 0;
    while i < Opcode::ALL.len() {
        let op = Opcode::ALL[i];
        table[op.number() as usize] = Specialisation::of_opcode(op);
        i += 1;
    }
    table
};

impl Specialisation {
    const NONE: Specialisation = Specialisation { reads: [CachingState::NEVER; 3], back: 0, passes: None };

    const fn of_opcode(op: Opcode) -> Specialisation {
        let mut specialisation = Specialisation::NONE;
        specialisation.passes = match op {
            Opcode::CALL => Some(Passes::Params),
            Opcode::RET => Some(Passes::Results),
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
                specialisation.reads[index] = CachingState::written(Reg::R0, role.is_float());
            } else if role.is_target() {
                specialisation.back = variant::BACK;
            }
            i += 1;
        }
        specialisation
    }

    #[inline(always)]
    fn of(bits: u32) -> &'static Specialisation {
        &SPECIALISATIONS[usize::from(bits as u8)]
    }

    /// Returns the variant of an instruction in this caching state.
    #[inline(always)]
    fn variant(&self, bits: u32, state: CachingState) -> u8 {
        let [a, b, c] = self.reads;
        let mut read = 0;
        for (r0, field, variant) in
            [(a, Field::a, variant::A), (b, Field::b, variant::B), (c, Field::c, variant::C)]
        {
            if state == r0.for_register(bits >> field.shift()) {
                read = variant;
            }
        }
        read | (((bits >> 31) as u8 * variant::BACK) & self.back)
    }
}
