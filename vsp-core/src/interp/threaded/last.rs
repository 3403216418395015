//! Which register was written last, wherever execution can be.
//!
//! A forward analysis of each function: where paths meet on which different registers were written last, or nothing is known of
//! one, nothing is known. One pass over the words does most of it. What branches backwards changed is followed from there,
//! as far as it changes something; and a word can change only twice, from not reached to known and then to unknown. So
//! the work is linear in the number of words.

use alloc::vec::Vec;

use crate::isa::{Access, Facts, Field, Flow, Opcode, Reg};
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

    /// The register, if it is known.
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

    /// What was written last when an instruction was executed, wherever it goes in its function.
    #[inline(always)]
    fn after(self, bits: u32) -> Last {
        let a = bits >> 8 & 15;
        match AFTER[usize::from(bits as u8)] {
            After { clashes: true, .. } if self.reg() == Some(Reg::from_low_bits(a)) => Last::UNKNOWN,
            After { kept, register, set, .. } => Last(self.0 & kept | a as u8 & register | set),
        }
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
            if matches!(operand.role.register_access(), Some(Access::Write | Access::ReadWrite)) {
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
    for function in functions {
        let words = function.start as usize..(function.start + function.words) as usize;
        Lasts { words: &code[words.clone()], lasts: &mut lasts[words], changed: &mut changed }.function()?;
    }
    Some(lasts)
}

/// The words of a function.
struct Lasts<'a> {
    words: &'a [[u8; 4]],
    lasts: &'a mut [Last],
    /// Words from where a change is still to be followed.
    changed: &'a mut Vec<u32>,
}

impl Lasts<'_> {
    fn function(&mut self) -> Option<()> {
        self.pass()?;
        self.follow_all()?;
        // A state that was saved by somebody else can go on also where no path leads.
        if self.lasts.contains(&Last::UNREACHED) {
            for word in 0..self.lasts.len() {
                self.meet(word, if self.lasts[word] == Last::UNREACHED { Last::UNKNOWN } else { continue })?;
            }
            self.follow_all()?;
        }
        Some(())
    }

    /// Goes through all words once.
    fn pass(&mut self) -> Option<()> {
        let mut flowing = Last::UNKNOWN;
        for (word, bytes) in self.words.iter().enumerate() {
            let bits = u32::from_le_bytes(*bytes);
            let facts = Facts::of(bits);
            // Only branches have changed it.
            if self.lasts[word] != Last::UNREACHED {
                flowing = flowing.meet(self.lasts[word]);
            }
            self.lasts[word] = flowing;
            let after = flowing.after(bits);
            if facts.is_target {
                let target = (word + 1).wrapping_add_signed(facts.immediate(bits) as isize);
                if target <= word {
                    self.meet(target, after)?;
                } else {
                    self.lasts[target] = self.lasts[target].meet(after);
                }
            } else if facts.flow == Flow::Switch {
                // Its table, and the word behind.
                self.lasts[word + 1..][..=facts.immediate(bits) as usize].fill(Last::UNKNOWN);
            }
            flowing = if facts.flow.goes_on() { after } else { Last::UNREACHED };
        }
        Some(())
    }

    /// One more path leads to a word.
    fn meet(&mut self, word: usize, last: Last) -> Option<()> {
        let met = self.lasts[word].meet(last);
        if met != self.lasts[word] {
            self.lasts[word] = met;
            self.changed.try_reserve(1).ok()?;
            self.changed.push(word as u32);
        }
        Some(())
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
            let facts = Facts::of(bits);
            let after = self.lasts[word].after(bits);
            if facts.is_target {
                self.meet((word + 1).wrapping_add_signed(facts.immediate(bits) as isize), after)?;
            }
            if !facts.flow.goes_on() {
                return Some(());
            }
            word += 1;
            let met = self.lasts[word].meet(after);
            if met == self.lasts[word] {
                return Some(());
            }
            self.lasts[word] = met;
        }
    }
}
