//! Opcode properties: a record for each class of opcodes, with everything that all their words have in common. Loading
//! a program inspects each word a few times; walking the operands each time would dominate loading.
//!
//! The records are made from the opcode table when the crate is compiled. Opcodes with equal properties share one.

use super::{Flow, Opcode, Operand, Role};

/// The properties of the opcodes of one class, from the opcode table.
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
    /// The additional check of a word whose bound is [`Bound::Checked`].
    pub(crate) check: Check,
    /// Whether execution can continue at the next word or after its table.
    pub(crate) continues: bool,
    /// Whether execution continues only at the next word, if anywhere in the function, and the instruction does not
    /// call a function of the program.
    #[cfg(threaded)]
    pub(crate) is_straight: bool,
    /// Whether a short leaf cannot contain it.
    pub(crate) is_call_or_bulk: bool,
    /// Whether the immediate is the displacement of a branch.
    pub(crate) is_target: bool,
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
    /// The bound alone accepts no value: [`Properties::check`] says what decides.
    Checked,
}

/// The check of a word that needs more than zeros in its unused bits and a bounded immediate.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Check {
    /// There is none.
    None,
    /// The opcode is not one of this build: no word is valid.
    Unsupported,
    /// The immediate is a width of 8, 16 or 32 bits.
    Width,
    /// The immediate is a function type.
    Type,
    /// The immediate is a function of FMATH, and register c is zero if the function takes one argument.
    #[cfg(feature = "math")]
    Math,
    /// The immediate is the number of entries of the table that follows, at least 1.
    Table,
    /// The immediate is the function that is called in place of this one.
    TailCall,
    /// The immediate is the type of the function that is called in place of this one.
    TypedTailCall,
}

impl Check {
    /// Returns the check of a word that has an operand with this role.
    const fn of(role: Role) -> Check {
        match role {
            Role::Bits => Check::Width,
            Role::Type => Check::Type,
            Role::Entries => Check::Table,
            #[cfg(feature = "math")]
            Role::Math => Check::Math,
            #[cfg(not(feature = "math"))]
            Role::Math => Check::Unsupported,
            _ => Check::None,
        }
    }
}

impl Bound {
    /// Number of bounds.
    pub(crate) const COUNT: usize = Bound::Checked as usize + 1;

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
const ALL: [Properties; 256] = {
    let mut table = [Properties::RESERVED; 256];
    let mut i = 0;
    while i < Opcode::ALL.len() {
        let op = Opcode::ALL[i];
        table[op.number() as usize] = Properties::of_opcode(op);
        i += 1;
    }
    table
};

/// The table of the properties: one record for each opcode, in builds with the large and fast interpreter.
#[cfg(threaded)]
mod records {
    use super::{ALL, Properties};

    static RECORDS: [Properties; 256] = ALL;

    #[inline(always)]
    pub(super) fn of(number: u8) -> &'static Properties {
        &RECORDS[usize::from(number)]
    }
}

/// The table of the properties: one record for each class, and the number of its class for each opcode.
#[cfg(not(threaded))]
mod records {
    use super::{ALL, Properties};

    /// The class of each opcode, a first opcode of each class, and the number of classes.
    const CLASSES: ([u8; 256], [u8; 256], usize) = {
        let (mut classes, mut firsts, mut count) = ([0; 256], [0; 256], 0);
        let mut number = 0;
        while number < 256 {
            let mut class = 0;
            while class < count && !ALL[firsts[class] as usize].equals(&ALL[number]) {
                class += 1;
            }
            if class == count {
                firsts[class] = number as u8;
                count += 1;
            }
            classes[number] = class as u8;
            number += 1;
        }
        (classes, firsts, count)
    };

    static CLASS_OF: [u8; 256] = CLASSES.0;

    static RECORDS: [Properties; CLASSES.2] = {
        let mut records = [Properties::RESERVED; CLASSES.2];
        let mut class = 0;
        while class < CLASSES.2 {
            records[class] = ALL[CLASSES.1[class] as usize];
            class += 1;
        }
        records
    };

    pub(super) fn of(number: u8) -> &'static Properties {
        &RECORDS[usize::from(CLASS_OF[usize::from(number)])]
    }
}

impl Properties {
    /// The properties of words that are not instructions of this build.
    const RESERVED: Properties = Properties {
        zeros: !0xFF,
        mask: 0,
        shift: 0,
        bound: Bound::Checked,
        check: Check::Unsupported,
        continues: false,
        #[cfg(threaded)]
        is_straight: false,
        is_call_or_bulk: false,
        is_target: false,
        states: false,
    };

    /// Returns the properties of the opcode of `word`.
    #[inline(always)]
    pub(crate) fn of(word: u32) -> &'static Properties {
        records::of(word as u8)
    }

    /// Returns the large immediate of a word with this opcode, or 0 if it has none.
    #[inline(always)]
    pub(crate) fn immediate(&self, word: u32) -> i32 {
        (word as i32 >> (self.shift % 32)) & self.mask as i32
    }

    /// Returns whether the immediate is the number of entries of the table that follows.
    #[cfg(threaded)]
    pub(crate) fn has_table(&self) -> bool {
        self.check == Check::Table
    }

    /// Returns whether all fields are equal. (A derived comparison is not available at compile time.)
    #[cfg(not(threaded))]
    const fn equals(&self, other: &Properties) -> bool {
        self.zeros == other.zeros
            && self.mask == other.mask
            && self.shift == other.shift
            && self.bound as u8 == other.bound as u8
            && self.check as u8 == other.check as u8
            && self.continues == other.continues
            && self.is_call_or_bulk == other.is_call_or_bulk
            && self.is_target == other.is_target
            && self.states == other.states
    }

    const fn of_opcode(op: Opcode) -> Properties {
        if !op.is_supported() {
            return Properties::RESERVED;
        }
        let flow = op.flow();
        let mut properties = Properties {
            bound: Bound::None,
            check: Check::None,
            continues: flow.continues(),
            #[cfg(threaded)]
            is_straight: matches!(flow, Flow::Next | Flow::Suspend | Flow::Bulk),
            is_call_or_bulk: flow.is_call_or_bulk(),
            ..Properties::RESERVED
        };
        let (operands, mut i) = (op.operands(), 0);
        while i < operands.len() {
            properties = properties.with(operands[i]);
            i += 1;
        }
        properties.check = match properties.check {
            Check::Type if matches!(flow, Flow::TailCall) => Check::TypedTailCall,
            Check::None if matches!(flow, Flow::TailCall) => Check::TailCall,
            check => check,
        };
        if !matches!(properties.check, Check::None) {
            properties.bound = Bound::Checked;
        }
        assert!(matches!(properties.check, Check::Table) == matches!(flow, Flow::Switch));
        properties
    }

    const fn with(mut self, operand: Operand) -> Properties {
        let Operand { field, role } = operand;
        let (low, high) = role.range(field);
        self.states |= role.state_access().is_some();
        let check = Check::of(role);
        self.zeros &= if role.is_signed() || !matches!(check, Check::None) {
            !field.mask()
        } else {
            assert!(low == 0 && high & (high + 1) == 0, "the range is not that of a number of bits");
            !operand.encode(high)
        };
        if field.shift() + field.width() == u32::BITS {
            assert!(self.mask == 0, "an instruction has two large immediates");
            self.shift = field.shift() as u8;
            self.mask = if role.is_signed() { !0 } else { field.mask() >> field.shift() };
            self.is_target = role.is_target();
            self.bound = Bound::of(role);
            self.check = check;
        } else {
            assert!(
                !role.is_target() && matches!(Bound::of(role), Bound::None) && matches!(check, Check::None),
                "a small immediate is checked"
            );
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::{Bound, Check, Properties};
    use crate::isa::Inst;

    fn check(word: u32) {
        let properties = Properties::of(word);
        let inst = Inst::decode(word);
        if properties.bound != Bound::Checked {
            assert_eq!(inst.is_ok(), word & properties.zeros == 0, "0x{word:08X}");
        }
        let Ok(inst) = inst else { return };
        if !inst.op().is_supported() {
            return assert!(properties.check == Check::Unsupported, "{inst:?}");
        }
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
