//! Accumulator caching: the register that was written last, at every word.
//!
//! A forward analysis of each function. Where paths meet on which different registers were written last, or on one of
//! which it is unknown, the result is unknown. One pass over the words does most of the work. Changes through backward
//! branches are then propagated until nothing changes. A word can change only twice, from unreached to known and then
//! to unknown, so the work is linear in the number of words.

use alloc::vec::Vec;
use core::cell::Cell;

use super::variant;
use crate::function::Function;
use crate::isa::{Field, Flow, Opcode, Properties, Reg};
use crate::program::FuncType;

/// The caching state: the register that the accumulator holds and the type it was written as, or unknown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct CachingState(u8);

impl CachingState {
    const UNKNOWN: CachingState = CachingState(0xFF);
    /// No path to the word has been found.
    const UNREACHED: CachingState = CachingState(0xFE);
    /// A value that no caching state equals: it names no written register.
    pub(super) const NEVER: CachingState = CachingState(0x80);
    const FLOAT: u8 = 0x10;

    pub(super) const fn written(reg: Reg, is_float: bool) -> CachingState {
        CachingState(reg as u8 | if is_float { CachingState::FLOAT } else { 0 })
    }

    /// Returns the state for the register that the low four bits of `bits` name, given this state for R0.
    #[inline(always)]
    pub(super) fn for_register(self, bits: u32) -> CachingState {
        CachingState(self.0 | bits as u8 & 15)
    }

    /// Returns the state after a call or a return that passes this number of registers.
    fn passed(count: usize) -> CachingState {
        if count > 0 { CachingState::written(Reg::R0, false) } else { CachingState::UNKNOWN }
    }

    /// Returns the variant of a CALL or RET that passes this number of registers.
    #[inline(always)]
    pub(super) fn variant_passing(self, count: usize) -> u8 {
        variant::passing(count as u8, self == CachingState::written(Reg::R0, false))
    }

    /// Returns the cached register, if it is known.
    #[inline]
    pub(super) fn reg(self) -> Option<Reg> {
        (self.0 < 0x20).then(|| Reg::from_low_bits(self.0.into()))
    }

    #[inline(always)]
    fn meet(self, other: CachingState) -> CachingState {
        match (self, other) {
            (CachingState::UNREACHED, state) | (state, CachingState::UNREACHED) => state,
            (one, other) if one == other => one,
            _ => CachingState::UNKNOWN,
        }
    }

    /// Returns the state after an instruction, on all paths within its function. (But see
    /// [`Self::after_control_flow`].)
    #[inline(always)]
    fn after(self, bits: u32) -> CachingState {
        let a = bits >> 8 & 15;
        let after = &AFTER[usize::from(bits as u8)];
        CachingState(self.0 & after.kept | a as u8 & after.register | after.set)
    }

    /// Returns [`Self::after`] for an instruction that does not fall through unconditionally.
    fn after_control_flow(self, bits: u32) -> CachingState {
        let clashes = AFTER[usize::from(bits as u8)].clashes;
        let a = Reg::from_low_bits(bits >> Field::a.shift());
        if clashes && self.reg() == Some(a) { CachingState::UNKNOWN } else { self.after(bits) }
    }
}

/// The transfer function of an instruction, as bit masks so that it needs no branches: `kept` bits of the state stay,
/// `register` bits are taken from the number of register a, and `set` bits are set.
#[derive(Clone, Copy)]
struct After {
    kept: u8,
    register: u8,
    set: u8,
    /// Whether the instruction writes register a without caching it: if that register is cached, the state becomes
    /// unknown.
    clashes: bool,
}

/// The transfer functions by opcode number.
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
    /// The identity.
    const NOTHING: After = After { kept: 0xFF, register: 0, set: 0, clashes: false };
    const UNKNOWN: After = After { kept: 0, register: 0, set: CachingState::UNKNOWN.0, clashes: false };

    const fn of(op: Opcode) -> After {
        let (operands, mut written, mut i) = (op.operands(), None, 0);
        while i < operands.len() {
            let operand = operands[i];
            if operand.role.writes_register() {
                if written.is_some() {
                    // XCHG caches nothing.
                    return After::UNKNOWN;
                }
                assert!(matches!(operand.field, Field::a));
                written = Some(operand.role.is_float());
            }
            i += 1;
        }
        match (op.flow(), written) {
            (Flow::Next, Some(is_float)) => After {
                kept: 0,
                register: 15,
                set: CachingState::written(Reg::R0, is_float).0,
                clashes: false,
            },
            // LOOP writes without caching.
            (Flow::Branch, Some(_)) => After { clashes: true, ..After::NOTHING },
            (Flow::Next | Flow::Branch | Flow::Jump | Flow::Stop | Flow::TailCall, _) => After::NOTHING,
            (Flow::Switch | Flow::Call | Flow::Suspend | Flow::Bulk, _) => After::UNKNOWN,
        }
    }
}

/// Computes the caching state before each word. Returns `None` if memory runs out.
pub(super) fn analyse(code: &[[u8; 4]], functions: &[Function]) -> Option<Vec<CachingState>> {
    let mut states = Vec::new();
    states.try_reserve_exact(code.len()).ok()?;
    states.resize(code.len(), CachingState::UNREACHED);
    let mut changed = Vec::new();
    let cells = Cell::from_mut(&mut states[..]).as_slice_of_cells();
    for function in functions {
        let words = function.start as usize..(function.start + function.words) as usize;
        let (words, states) = (&code[words.clone()], &cells[words]);
        Analysis { functions, words, states, changed: &mut changed }.function(function.ty)?;
    }
    Some(states)
}

/// The analysis of one function.
struct Analysis<'a> {
    functions: &'a [Function],
    words: &'a [[u8; 4]],
    states: &'a [Cell<CachingState>],
    /// Words from which a change still has to be propagated.
    changed: &'a mut Vec<u32>,
}

impl Analysis<'_> {
    fn function(&mut self, ty: FuncType) -> Option<()> {
        self.pass(CachingState::passed(ty.params()))?;
        self.follow_all()?;
        // A forged snapshot can also continue at a word that no path reaches.
        if self.states.iter().fold(false, |is, state| is | (state.get() == CachingState::UNREACHED)) {
            for (word, state) in self.states.iter().enumerate() {
                if state.get() == CachingState::UNREACHED {
                    self.meet(word, CachingState::UNKNOWN)?;
                }
            }
            self.follow_all()?;
        }
        Some(())
    }

    /// Visits all words once. `flowing` is the state before the first.
    fn pass(&mut self, mut flowing: CachingState) -> Option<()> {
        for ((word, bytes), here) in self.words.iter().enumerate().zip(self.states) {
            let bits = u32::from_le_bytes(*bytes);
            let facts = Properties::of(bits);
            // Only branches have changed it.
            if here.get() != CachingState::UNREACHED {
                flowing = flowing.meet(here.get());
            }
            here.set(flowing);
            flowing =
                if facts.is_straight { flowing.after(bits) } else { self.control_flow(word, bits, flowing)? };
        }
        Some(())
    }

    /// Returns [`CachingState::after_control_flow`], also for calls.
    fn after_control_flow(&self, state: CachingState, bits: u32) -> CachingState {
        const CALL: u8 = Opcode::CALL.number();
        const CALLR: u8 = Opcode::CALLR.number();
        let immediate = Properties::of(bits).immediate(bits);
        let callee = match bits as u8 {
            CALL => self.functions.get(immediate as usize).map(|callee| callee.ty),
            CALLR => FuncType::from_bits(immediate as u32),
            _ => return state.after_control_flow(bits),
        };
        CachingState::passed(callee.map_or(0, FuncType::results))
    }

    /// Propagates the state to the targets of an instruction that does not fall through unconditionally. Returns the
    /// state for the fall-through path.
    fn control_flow(&mut self, word: usize, bits: u32, state: CachingState) -> Option<CachingState> {
        let facts = Properties::of(bits);
        let (after, next) = (self.after_control_flow(state, bits), word + 1);
        if facts.is_target {
            let target = next.wrapping_add_signed(facts.immediate(bits) as isize);
            // Targets ahead need no propagation: the pass visits them later.
            if target <= word {
                self.meet(target, after)?;
            } else {
                self.changes(target, after);
            }
        } else if facts.has_table() {
            // All entries, and the word after the table.
            let table = &self.states[next..][..=facts.immediate(bits) as usize];
            table.iter().for_each(|state| state.set(CachingState::UNKNOWN));
        }
        Some(if facts.continues { after } else { CachingState::UNREACHED })
    }

    /// Merges the state of one more path to a word, and schedules the word if its state changes.
    fn meet(&mut self, word: usize, state: CachingState) -> Option<()> {
        if self.changes(word, state) {
            self.changed.try_reserve(1).ok()?;
            self.changed.push(word as u32);
        }
        Some(())
    }

    /// Merges the state of one more path to a word. Returns whether the word's state changes.
    fn changes(&self, word: usize, state: CachingState) -> bool {
        let before = self.states[word].get();
        let met = before.meet(state);
        self.states[word].set(met);
        met != before
    }

    fn follow_all(&mut self) -> Option<()> {
        while let Some(word) = self.changed.pop() {
            self.follow(word as usize)?;
        }
        Some(())
    }

    /// Propagates the change at a word.
    fn follow(&mut self, mut word: usize) -> Option<()> {
        loop {
            let bits = u32::from_le_bytes(self.words[word]);
            let facts = Properties::of(bits);
            let after = self.after_control_flow(self.states[word].get(), bits);
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
