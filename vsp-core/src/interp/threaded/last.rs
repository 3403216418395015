//! Which register was written last, wherever execution can be.
//!
//! A forward analysis of each function: where paths meet on which different registers were written last, or nothing is known of
//! one, nothing is known. Only targets of branches need more than the word before; their values can only become unknown, so
//! that a few passes over the words suffice.

use alloc::vec::Vec;

use super::decode::instruction;
use crate::isa::{Access, Flow, Inst, Opcode, Reg, Role};
use crate::verify::Function;

/// What was written last: a register, and as what it was handed on; or unknown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Last(u8);

impl Last {
    const UNKNOWN: Last = Last(0xFF);
    /// No path was found that leads there.
    const UNREACHED: Last = Last(0xFE);
    const FLOAT: u8 = 0x10;

    pub(super) fn written(reg: Reg, is_float: bool) -> Last {
        Last(reg.index() as u8 | if is_float { Last::FLOAT } else { 0 })
    }

    /// The register, if it is known.
    pub(super) fn reg(self) -> Option<Reg> {
        (self.0 < 0x20).then(|| Reg::from_low_bits(self.0.into()))
    }

    fn meet(self, other: Last) -> Last {
        match (self, other) {
            (Last::UNREACHED, last) | (last, Last::UNREACHED) => last,
            (one, other) if one == other => one,
            _ => Last::UNKNOWN,
        }
    }

    /// What was written last when an instruction was executed, wherever it goes in its function.
    fn after(self, inst: Inst) -> Last {
        let written = inst.operands().find_map(|(operand, number)| {
            let is_written =
                matches!(operand.role.register_access(), Some(Access::Write | Access::ReadWrite));
            is_written.then(|| Last::written(Reg::from_low_bits(number as u32), operand.role.is_float()))
        });
        match inst.op().flow() {
            // LOOP and XCHG write without handing on.
            Flow::Next if inst.op() == Opcode::XCHG => Last::UNKNOWN,
            Flow::Next => written.unwrap_or(self),
            Flow::Branch if written.is_some_and(|written| written.reg() == self.reg()) => Last::UNKNOWN,
            Flow::Branch | Flow::Jump | Flow::Stop => self,
            Flow::Switch | Flow::Call | Flow::Suspend | Flow::Bulk => Last::UNKNOWN,
        }
    }
}

pub(super) struct Lasts;

impl Lasts {
    /// For each word what was written last when it is executed. `None` if there is no memory.
    pub(super) fn find(code: &[[u8; 4]], functions: &[Function]) -> Option<Vec<Last>> {
        let mut lasts = Vec::new();
        lasts.try_reserve_exact(code.len()).ok()?;
        lasts.resize(code.len(), Last::UNREACHED);
        for function in functions {
            let words = function.start as usize..(function.start + function.words) as usize;
            let (words, lasts) = (&code[words.clone()], &mut lasts[words]);
            Lasts::function(words, lasts);
        }
        Some(lasts)
    }

    fn function(words: &[[u8; 4]], lasts: &mut [Last]) {
        const PATIENCE: u32 = 8;
        lasts[0] = Last::UNKNOWN;
        let mut passes = 0;
        while Lasts::pass(words, lasts) {
            passes += 1;
            if passes == PATIENCE {
                Lasts::give_up(words, lasts);
            }
        }
        // A state that was saved by somebody else can go on also where no path leads.
        if lasts.contains(&Last::UNREACHED) {
            lasts.iter_mut().filter(|last| **last == Last::UNREACHED).for_each(|last| *last = Last::UNKNOWN);
            Lasts::give_up(words, lasts);
            Lasts::pass(words, lasts);
        }
    }

    /// Nothing is known where branches go back to. One more pass makes all the rest right.
    fn give_up(words: &[[u8; 4]], lasts: &mut [Last]) {
        for (word, inst) in words.iter().map(instruction).enumerate() {
            if let Some(displacement @ ..0) = inst.value_of(Role::Target) {
                lasts[(word + 1).wrapping_add_signed(displacement as isize)] = Last::UNKNOWN;
            }
        }
    }

    /// Goes through the words of a function. Gives whether something before where it was became known or unknown.
    fn pass(words: &[[u8; 4]], lasts: &mut [Last]) -> bool {
        let mut again = false;
        for word in 0..words.len() {
            let inst = instruction(&words[word]);
            let after = lasts[word].after(inst);
            if !matches!(inst.op().flow(), Flow::Jump | Flow::Stop)
                && let Some(next) = lasts.get_mut(word + 1)
            {
                *next = next.meet(after);
            }
            if let Some(displacement) = inst.value_of(Role::Target) {
                let target = (word + 1).wrapping_add_signed(displacement as isize);
                let met = lasts[target].meet(after);
                again |= met != lasts[target] && target <= word;
                lasts[target] = met;
            } else if let Some(entries) = inst.value_of(Role::Entries) {
                lasts[word + 1..=word + 1 + entries as usize].fill(Last::UNKNOWN);
            }
        }
        again
    }
}
