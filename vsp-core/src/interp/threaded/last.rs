//! Which register was written last, wherever execution can be.
//!
//! A forward analysis of each function: where paths meet on which different registers were written last, or nothing is known of
//! one, nothing is known. One pass over the words does most of it. What branches backwards changed is followed from there,
//! as far as it changes something; and a word can change only twice, from not reached to known and then to unknown. So
//! the work is linear in the number of words.

use alloc::vec::Vec;
use core::cell::Cell;

use super::op::variant;
use crate::isa::{Field, Flow, Opcode, Properties, Reg};
use crate::program::FuncType;
use crate::verify::Function;

/// What was written last: a register, and as what it was handed on; or unknown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Last(u8);

impl Last {
    const UNKNOWN: Last = Last(0xFF);
    /// No path was found that leads there.
    const UNREACHED: Last = Last(0xFE);
    /// What is never the last: it is of no register that was written.
    pub(super) const NEVER: Last = Last(0x80);
    const FLOAT: u8 = 0x10;

    pub(super) const fn written(reg: Reg, is_float: bool) -> Last {
        Last(reg as u8 | if is_float { Last::FLOAT } else { 0 })
    }

    /// As which a register is written or read that the low four bits of `bits` name, where this is so for R0.
    #[inline(always)]
    pub(super) fn for_register(self, bits: u32) -> Last {
        Last(self.0 | bits as u8 & 15)
    }

    /// What was written last after a call or a return that hands on so many registers.
    fn handed_on(count: usize) -> Last {
        if count > 0 { Last::written(Reg::R0, false) } else { Last::UNKNOWN }
    }

    /// The variant of a CALL or RET that hands on so many registers.
    #[inline(always)]
    pub(super) fn variant_handing_on(self, count: usize) -> u8 {
        variant::handing_on(count as u8, self == Last::written(Reg::R0, false))
    }

    /// The register, if it is known.
    #[inline]
    pub(super) fn reg(self) -> Option<Reg> {
        (self.0 < 0x20).then(|| Reg::from_low_bits(self.0.into()))
    }

    #[inline(always)]
    fn meet(self, other: Last) -> Last {
        match (self, other) {
            (Last::UNREACHED, last) | (last, Last::UNREACHED) => last,
            (one, other) if one == other => one,
            _ => Last::UNKNOWN,
        }
    }

    /// What was written last when an instruction was executed, wherever it goes in its function. (But see
    /// [`Self::after_turn`].)
    #[inline(always)]
    fn after(self, bits: u32) -> Last {
        let a = bits >> 8 & 15;
        let after = &AFTER[usize::from(bits as u8)];
        Last(self.0 & after.kept | a as u8 & after.register | after.set)
    }

    /// [`Self::after`], for an instruction that does not go straight on.
    fn after_turn(self, bits: u32) -> Last {
        let clashes = AFTER[usize::from(bits as u8)].clashes;
        let a = Reg::from_low_bits(bits >> Field::a.shift());
        if clashes && self.reg() == Some(a) { Last::UNKNOWN } else { self.after(bits) }
    }
}

/// What an instruction does to what was written last, so that it takes no branches to follow it: these bits of it stay, these bits
/// become those of the register a, and these are set.
#[derive(Clone, Copy)]
struct After {
    kept: u8,
    register: u8,
    set: u8,
    /// It writes the register a without handing on: if that was written last, nothing is known any more.
    clashes: bool,
}

/// By opcode number.
static AFTER: [After; 256] = {
    let mut table = [After::NOTHING; 256];
    let mut i = 0;
    while i < Opcode::ALL.len() {
        let op = Opcode::ALL[i];
        table[op.number() as usize] = After::of(op);
        i += 1;
    }
    table
};

impl After {
    /// It stays what it was.
    const NOTHING: After = After { kept: 0xFF, register: 0, set: 0, clashes: false };
    const UNKNOWN: After = After { kept: 0, register: 0, set: Last::UNKNOWN.0, clashes: false };

    const fn of(op: Opcode) -> After {
        let (operands, mut written, mut i) = (op.operands(), None, 0);
        while i < operands.len() {
            let operand = operands[i];
            if operand.role.writes_register() {
                if written.is_some() {
                    // XCHG hands nothing on.
                    return After::UNKNOWN;
                }
                assert!(matches!(operand.field, Field::a));
                written = Some(operand.role.is_float());
            }
            i += 1;
        }
        match (op.flow(), written) {
            (Flow::Next, Some(is_float)) => {
                After { kept: 0, register: 15, set: Last::written(Reg::R0, is_float).0, clashes: false }
            }
            // LOOP writes without handing on.
            (Flow::Branch, Some(_)) => After { clashes: true, ..After::NOTHING },
            (Flow::Next | Flow::Branch | Flow::Jump | Flow::Stop, _) => After::NOTHING,
            (Flow::Switch | Flow::Call | Flow::Suspend | Flow::Bulk, _) => After::UNKNOWN,
        }
    }
}

/// For each word what was written last when it is executed. `None` if there is no memory.
pub(super) fn find(code: &[[u8; 4]], functions: &[Function]) -> Option<Vec<Last>> {
    let mut lasts = Vec::new();
    lasts.try_reserve_exact(code.len()).ok()?;
    lasts.resize(code.len(), Last::UNREACHED);
    let mut changed = Vec::new();
    let cells = Cell::from_mut(&mut lasts[..]).as_slice_of_cells();
    for function in functions {
        let words = function.start as usize..(function.start + function.words) as usize;
        let (words, lasts) = (&code[words.clone()], &cells[words]);
        Lasts { functions, words, lasts, changed: &mut changed }.function(function.ty)?;
    }
    Some(lasts)
}

/// The words of a function.
struct Lasts<'a> {
    functions: &'a [Function],
    words: &'a [[u8; 4]],
    lasts: &'a [Cell<Last>],
    /// Words from where a change is still to be followed.
    changed: &'a mut Vec<u32>,
}

impl Lasts<'_> {
    fn function(&mut self, ty: FuncType) -> Option<()> {
        self.pass(Last::handed_on(ty.params()))?;
        self.follow_all()?;
        // A state that was saved by somebody else can go on also where no path leads.
        if self.lasts.iter().fold(false, |is, last| is | (last.get() == Last::UNREACHED)) {
            for (word, last) in self.lasts.iter().enumerate() {
                if last.get() == Last::UNREACHED {
                    self.meet(word, Last::UNKNOWN)?;
                }
            }
            self.follow_all()?;
        }
        Some(())
    }

    /// Goes through all words once. This was written last before the first.
    fn pass(&mut self, mut flowing: Last) -> Option<()> {
        for ((word, bytes), here) in self.words.iter().enumerate().zip(self.lasts) {
            let bits = u32::from_le_bytes(*bytes);
            let facts = Properties::of(bits);
            // Only branches have changed it.
            if here.get() != Last::UNREACHED {
                flowing = flowing.meet(here.get());
            }
            here.set(flowing);
            flowing = if facts.is_straight { flowing.after(bits) } else { self.turn(word, bits, flowing)? };
        }
        Some(())
    }

    /// [`Last::after_turn`], also for calls.
    fn after_turn(&self, last: Last, bits: u32) -> Last {
        const CALL: u8 = Opcode::CALL.number();
        const CALLR: u8 = Opcode::CALLR.number();
        let immediate = Properties::of(bits).immediate(bits);
        let callee = match bits as u8 {
            CALL => self.functions.get(immediate as usize).map(|callee| callee.ty),
            CALLR => FuncType::from_bits(immediate as u16),
            _ => return last.after_turn(bits),
        };
        Last::handed_on(callee.map_or(0, FuncType::results))
    }

    /// Where an instruction can go that does not go straight on. Gives what was written last if it goes on.
    fn turn(&mut self, word: usize, bits: u32, last: Last) -> Option<Last> {
        let facts = Properties::of(bits);
        let (after, next) = (self.after_turn(last, bits), word + 1);
        if facts.is_target {
            let target = next.wrapping_add_signed(facts.immediate(bits) as isize);
            // What is still to come need not be followed.
            if target <= word {
                self.meet(target, after)?;
            } else {
                self.changes(target, after);
            }
        } else if facts.has_table {
            // It, and the word behind.
            let table = &self.lasts[next..][..=facts.immediate(bits) as usize];
            table.iter().for_each(|last| last.set(Last::UNKNOWN));
        }
        Some(if facts.continues { after } else { Last::UNREACHED })
    }

    /// One more path leads to a word.
    fn meet(&mut self, word: usize, last: Last) -> Option<()> {
        if self.changes(word, last) {
            self.changed.try_reserve(1).ok()?;
            self.changed.push(word as u32);
        }
        Some(())
    }

    /// One more path leads to a word. Does that change what is known there?
    fn changes(&self, word: usize, last: Last) -> bool {
        let before = self.lasts[word].get();
        let met = before.meet(last);
        self.lasts[word].set(met);
        met != before
    }

    fn follow_all(&mut self) -> Option<()> {
        while let Some(word) = self.changed.pop() {
            self.follow(word as usize)?;
        }
        Some(())
    }

    /// Follows what was changed at a word.
    fn follow(&mut self, mut word: usize) -> Option<()> {
        loop {
            let bits = u32::from_le_bytes(self.words[word]);
            let facts = Properties::of(bits);
            let after = self.after_turn(self.lasts[word].get(), bits);
            if facts.is_target {
                self.meet((word + 1).wrapping_add_signed(facts.immediate(bits) as isize), after)?;
            }
            word += 1;
            if !facts.continues || !self.changes(word, after) {
                return Some(());
            }
        }
    }
}
