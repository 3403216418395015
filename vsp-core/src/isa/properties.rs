//! Opcode properties: one record for each opcode, with everything that all its words have in common. Loading a program
//! inspects each word a few times; walking the operands each time would dominate loading.

use super::{Flow, Opcode, Operand, Role};

/// The properties of one opcode, from the opcode table.
#[derive(Clone, Copy)]
pub(crate) struct Properties {
    /// The bits that are zero in every valid word.
    pub(crate) zeros: u32,
    /// Mask of the immediate after shifting down. For a signed one, all bits above are set too; 0 if there is none.
    mask: u32,
    /// Lowest bit of the immediate, which extends to bit 31.
    shift: u8,
    /// The upper bound of the immediate.
    pub(crate) bound: Bound,
    /// Whether execution can continue at the next word or after its table.
    pub(crate) continues: bool,
    /// Whether execution continues only at the next word, if anywhere in the function, and the instruction does not
    /// call a function of the program.
    pub(crate) is_straight: bool,
    /// Whether a short leaf cannot contain it.
    pub(crate) is_call_or_bulk: bool,
    /// Whether the immediate is the displacement of a branch.
    pub(crate) is_target: bool,
    /// Whether the immediate is the number of entries of the table that follows.
    pub(crate) has_table: bool,
    /// Whether it has a state register operand.
    pub(crate) states: bool,
}

/// The exclusive upper bound of an instruction's immediate.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Bound {
    /// Any value is valid.
    None,
    Functions,
    Imports,
    Constants,
    Globals,
    Locals,
    Segments,
    /// No value is accepted here: the word needs the full check, because it may not be an instruction of this build,
    /// needs words after it, or depends on the type of another function.
    FullCheck,
}

impl Bound {
    /// Number of bounds.
    pub(crate) const COUNT: usize = Bound::FullCheck as usize + 1;

    /// Returns the bound of an operand with this role.
    const fn of(role: Role) -> Bound {
        match role {
            Role::Func => Bound::Functions,
            Role::Import => Bound::Imports,
            Role::Const => Bound::Constants,
            Role::Global => Bound::Globals,
            Role::Local => Bound::Locals,
            Role::Segment => Bound::Segments,
            _ => Bound::None,
        }
    }
}

/// The properties of all opcodes, indexed by opcode number.
static PROPERTIES: [Properties; 256] = {
    let mut table = [Properties::RESERVED; 256];
    let mut i = 0;
    while i < Opcode::ALL.len() {
        let op = Opcode::ALL[i];
        table[op.number() as usize] = Properties::of_opcode(op);
        i += 1;
    }
    table
};

impl Properties {
    /// The properties of words that are not instructions.
    const RESERVED: Properties = Properties {
        zeros: !0xFF,
        mask: 0,
        shift: 0,
        bound: Bound::FullCheck,
        continues: false,
        is_straight: false,
        is_call_or_bulk: false,
        is_target: false,
        has_table: false,
        states: false,
    };

    /// Returns the properties of the opcode of `word`.
    #[inline(always)]
    pub(crate) fn of(word: u32) -> &'static Properties {
        &PROPERTIES[usize::from(word as u8)]
    }

    /// Returns the large immediate of a word with this opcode, or 0 if it has none.
    #[inline(always)]
    pub(crate) fn immediate(&self, word: u32) -> i32 {
        (word as i32 >> (self.shift % 32)) & self.mask as i32
    }

    const fn of_opcode(op: Opcode) -> Properties {
        let mut properties = Properties {
            bound: Bound::None,
            continues: op.flow().continues(),
            is_straight: matches!(op.flow(), Flow::Next | Flow::Suspend | Flow::Bulk),
            is_call_or_bulk: op.flow().is_call_or_bulk(),
            ..Properties::RESERVED
        };
        let (operands, mut i) = (op.operands(), 0);
        while i < operands.len() {
            properties = properties.with(operands[i]);
            i += 1;
        }
        // The results of the callee of a tail call need the full check.
        if !Properties::are_sufficient(op) || matches!(op.flow(), Flow::TailCall) {
            properties.bound = Bound::FullCheck;
        }
        assert!(properties.has_table == matches!(op.flow(), Flow::Switch));
        assert!(
            !properties.has_table || matches!(properties.bound, Bound::FullCheck),
            "a table needs the full check"
        );
        properties
    }

    /// Returns whether every word with zeros in the unused bits is an instruction that this build executes.
    const fn are_sufficient(op: Opcode) -> bool {
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

    const fn with(mut self, operand: Operand) -> Properties {
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
    use super::{Bound, Properties};
    use crate::isa::Inst;

    fn check(word: u32) {
        let properties = Properties::of(word);
        let inst = Inst::decode(word);
        if properties.bound != Bound::FullCheck {
            assert_eq!(inst.is_ok(), word & properties.zeros == 0, "0x{word:08X}");
        }
        let Ok(inst) = inst else { return };
        let large = inst.operands().find(|(operand, _)| operand.field.mask() >> 31 == 1);
        assert_eq!(properties.immediate(word), large.map_or(0, |(_, value)| value), "{inst:?}");
        assert_eq!(
            properties.is_target,
            inst.operands().any(|(operand, _)| operand.role.is_target()),
            "{inst:?}"
        );
        assert_eq!(properties.states, inst.states().next().is_some(), "{inst:?}");
    }

    /// Tests all opcodes, each with many different upper bits and with few of them set.
    #[test]
    #[cfg_attr(miri, ignore = "too slow")]
    fn properties_agree_with_decoding() {
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
