//! What is the same for all words of an opcode, in one record for each: whoever loads a program looks at each word a few
//! times, and going through its operands each time would take longer than all the rest.

use super::{Flow, Opcode, Operand, Role};

/// What the table of opcodes says of the words of one opcode.
#[derive(Clone, Copy)]
pub(crate) struct Facts {
    /// Bits that are zero in every word that is an instruction.
    pub(crate) zeros: u32,
    /// Where the immediate starts, which goes up to bit 31: 32 if there is none.
    shift: u8,
    is_signed: bool,
    /// What the immediate is below.
    pub(crate) bound: Bound,
    pub(crate) flow: Flow,
    /// Is the immediate the displacement of a branch?
    pub(crate) is_target: bool,
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
        shift: 32,
        is_signed: false,
        bound: Bound::Closer,
        flow: Flow::Stop,
        is_target: false,
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
        let wide = if self.is_signed { i64::from(word as i32) } else { i64::from(word) };
        (wide >> self.shift) as i32
    }

    const fn of_opcode(op: Opcode) -> Facts {
        let mut facts = Facts { bound: Bound::None, flow: op.flow(), ..Facts::RESERVED };
        let (operands, mut i) = (op.operands(), 0);
        while i < operands.len() {
            facts = facts.with(operands[i]);
            i += 1;
        }
        if !Facts::suffice(op) {
            facts.bound = Bound::Closer;
        }
        assert!(matches!(facts.bound, Bound::Closer) || !matches!(op.flow(), Flow::Switch));
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
            assert!(self.shift == 32, "an instruction has two large immediates");
            self.shift = field.shift() as u8;
            self.is_signed = role.is_signed();
            self.is_target = role.is_target();
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
