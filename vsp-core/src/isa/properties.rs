//! What is the same for all words of an opcode, in one record for each: whoever loads a program looks at each word a few
//! times, and going through its operands each time would take longer than all the rest.

use super::{Flow, Opcode, Operand, Role};

/// What the table of opcodes says of the words of one opcode.
#[derive(Clone, Copy)]
pub(crate) struct Facts {
    /// Bits that are zero in every word that is an instruction.
    pub(crate) zeros: u32,
    /// The bits of the immediate, shifted down, and for a signed one all above: 0 if there is none.
    mask: u32,
    /// Where the immediate starts, which goes up to bit 31.
    shift: u8,
    /// What the immediate is below.
    pub(crate) bound: Bound,
    /// Can execution go on to the next word, or behind its table?
    pub(crate) goes_on: bool,
    /// Does execution always go on to the next word, if anywhere in the function, and is it no call of a function?
    pub(crate) is_straight: bool,
    /// Is it one of those that a short leaf has not?
    pub(crate) leaves: bool,
    /// Is the immediate the displacement of a branch?
    pub(crate) is_target: bool,
    /// Is the immediate the number of entries of the table behind it?
    pub(crate) has_table: bool,
    /// Does it name a state register?
    pub(crate) states: bool,
}

/// What the immediate of an instruction has to be below.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Bound {
    /// All are right.
    None,
    Functions,
    Imports,
    Constants,
    Globals,
    Locals,
    /// None is: a closer look has to be taken at the word, which may be no instruction that this build executes, or needs
    /// words behind it.
    Closer,
}

impl Bound {
    /// How many bounds there are.
    pub(crate) const COUNT: usize = Bound::Closer as usize + 1;

    /// Of the numbers of what an operand names.
    const fn of(role: Role) -> Bound {
        match role {
            Role::Func => Bound::Functions,
            Role::Import => Bound::Imports,
            Role::Const => Bound::Constants,
            Role::Global => Bound::Globals,
            Role::Local => Bound::Locals,
            _ => Bound::None,
        }
    }
}

/// By opcode number.
static FACTS: [Facts; 256] = {
    let mut table = [Facts::RESERVED; 256];
    let mut i = 0;
    while i < Opcode::ALL.len() {
        let op = Opcode::ALL[i];
        table[op.number() as usize] = Facts::of_opcode(op);
        i += 1;
    }
    table
};

impl Facts {
    /// Of words that are no instructions.
    const RESERVED: Facts = Facts {
        zeros: !0xFF,
        mask: 0,
        shift: 0,
        bound: Bound::Closer,
        goes_on: false,
        is_straight: false,
        leaves: false,
        is_target: false,
        has_table: false,
        states: false,
    };

    /// What there is to know of a word from its opcode.
    #[inline(always)]
    pub(crate) fn of(word: u32) -> &'static Facts {
        &FACTS[usize::from(word as u8)]
    }

    /// The immediate of a word of this opcode; of two the second one; 0 if it has none.
    #[inline(always)]
    pub(crate) fn immediate(&self, word: u32) -> i32 {
        (word as i32 >> (self.shift % 32)) & self.mask as i32
    }

    const fn of_opcode(op: Opcode) -> Facts {
        let mut facts = Facts {
            bound: Bound::None,
            goes_on: op.flow().goes_on(),
            is_straight: matches!(op.flow(), Flow::Next | Flow::Suspend | Flow::Bulk),
            leaves: op.flow().leaves(),
            ..Facts::RESERVED
        };
        let (operands, mut i) = (op.operands(), 0);
        while i < operands.len() {
            facts = facts.with(operands[i]);
            i += 1;
        }
        if !Facts::suffice(op) {
            facts.bound = Bound::Closer;
        }
        assert!(facts.has_table == matches!(op.flow(), Flow::Switch));
        assert!(
            !facts.has_table || matches!(facts.bound, Bound::Closer),
            "somebody has to look at the table"
        );
        facts
    }

    /// Are all words whose bits are those of the opcode instructions that this build executes?
    const fn suffice(op: Opcode) -> bool {
        let (operands, mut i) = (op.operands(), 0);
        while i < operands.len() {
            let Operand { field, role } = operands[i];
            let (low, high) = role.range(field);
            let is_mask = role.is_signed() || low == 0 && high & (high + 1) == 0;
            if !is_mask || role.is_list() {
                return false;
            }
            i += 1;
        }
        op.is_supported()
    }

    const fn with(mut self, operand: Operand) -> Facts {
        let Operand { field, role } = operand;
        self.zeros &= if role.is_signed() { !field.mask() } else { !operand.encode(role.range(field).1) };
        self.states |= role.state_access().is_some();
        if field.shift() + field.width() == u32::BITS {
            assert!(self.mask == 0, "an instruction has two large immediates");
            self.shift = field.shift() as u8;
            self.mask = if role.is_signed() { !0 } else { field.mask() >> field.shift() };
            self.is_target = role.is_target();
            self.has_table = matches!(role, Role::Entries);
            self.bound = Bound::of(role);
        } else {
            assert!(
                !role.is_target() && matches!(Bound::of(role), Bound::None),
                "a small immediate is bounded"
            );
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::{Bound, Facts};
    use crate::isa::Inst;

    fn check(word: u32) {
        let facts = Facts::of(word);
        let inst = Inst::decode(word);
        if facts.bound != Bound::Closer {
            assert_eq!(inst.is_ok(), word & facts.zeros == 0, "0x{word:08X}");
        }
        let Ok(inst) = inst else { return };
        let large = inst.operands().find(|(operand, _)| operand.field.mask() >> 31 == 1);
        assert_eq!(facts.immediate(word), large.map_or(0, |(_, value)| value), "{inst:?}");
        assert_eq!(facts.is_target, inst.operands().any(|(operand, _)| operand.role.is_target()), "{inst:?}");
        assert_eq!(facts.states, inst.states().next().is_some(), "{inst:?}");
    }

    /// All opcodes, each with many different upper bits, and with few of them.
    #[test]
    #[cfg_attr(miri, ignore = "too slow")]
    fn facts_are_what_decoding_finds() {
        let mut state = 7u32;
        for op in 0..=255 {
            for _ in 0..4000 {
                state ^= state << 13;
                state ^= state >> 17;
                state ^= state << 5;
                check(op | state << 8);
                check(op | (state & state.rotate_left(9) & state.rotate_left(19)) << 8);
            }
        }
    }
}
