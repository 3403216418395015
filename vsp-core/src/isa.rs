//! The instruction set: the opcode table in the forms that the rest of the crate needs.
//!
//! [`Opcode`] has the properties of one opcode, [`Inst`] is one decoded instruction, [`Visitor`] is the trait that an
//! engine implements, and [`ops`] defines every computing instruction as a pure function.

mod inst;
mod math;
mod operand;
pub mod ops;
mod properties;
mod table;

pub use inst::{DecodeError, EncodeError, Inst};
pub use math::{MathCall, MathFn};
pub use operand::{Access, Decoded, Field, Operand, Reg, Role, RoleType, StateReg, role};

pub(crate) use properties::{Bound, Check, Properties};
pub(crate) use table::for_each_op;

/// The control flow of an instruction: where execution can continue. The head of the opcode table lists the kinds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Flow {
    /// To the next word.
    Next,
    /// To the next word or the target.
    Branch,
    /// To the target.
    Jump,
    /// Into the table of JMPs that follows, or to the word after the table.
    Switch,
    /// Nowhere in this function.
    Stop,
    /// Into a function of the program, then to the next word.
    Call,
    /// Into a function of the program, which replaces this one: nowhere in this function.
    TailCall,
    /// To the host, perhaps leaving the engine, then to the next word.
    Suspend,
    /// To the next word, after work that is charged by its size.
    Bulk,
}

impl Flow {
    /// Returns whether execution can continue at the next word, or after the table of a SWITCH.
    pub(crate) const fn continues(self) -> bool {
        !matches!(self, Flow::Jump | Flow::Stop | Flow::TailCall)
    }

    /// Returns whether it calls a function or the host, suspends, or costs more fuel than other instructions.
    pub(crate) const fn is_call_or_bulk(self) -> bool {
        matches!(self, Flow::Call | Flow::TailCall | Flow::Suspend | Flow::Bulk)
    }
}

/// The titles of the classes, indexed by bits 4–7 of the opcode; empty for unused classes.
pub const CLASS_TITLES: [&str; 16] = [
    "control",
    "branches and calls",
    "data movement",
    "loads",
    "integer arithmetic",
    "bits",
    "with a constant",
    "compare; 32-bit",
    "binary64",
    "compare and convert binary64; binary32",
    "ByteSil numbers",
    "states of 16 ByteSil numbers",
    "stores",
    "more 32-bit",
    "compare with a constant and branch",
    "states in memory, sums of layers",
];

macro_rules! define_opcodes {
    ($($number:literal $op:ident $method:ident $flow:ident ($($field:ident: $role:ident),*) $meaning:literal;)*) => {
        /// An opcode: the low byte of an instruction word.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[expect(non_camel_case_types, reason = "they are called like their mnemonics")]
        #[repr(u8)]
        pub enum Opcode {
            $(#[doc = $meaning] $op = $number,)*
        }

        impl Opcode {
            /// All opcodes, in ascending order.
            pub const ALL: &[Opcode] = &[$(Opcode::$op,)*];

            /// Returns the opcode with this number, if there is one.
            pub const fn from_number(number: u8) -> Option<Opcode> {
                match number {
                    $($number => Some(Opcode::$op),)*
                    _ => None,
                }
            }

            /// Returns the mnemonic.
            pub const fn mnemonic(self) -> &'static str {
                match self {
                    $(Opcode::$op => stringify!($op),)*
                }
            }

            /// Returns its meaning as one line of register notation.
            pub const fn meaning(self) -> &'static str {
                match self {
                    $(Opcode::$op => $meaning,)*
                }
            }

            /// Returns its operands, in the order of the text form.
            pub const fn operands(self) -> &'static [Operand] {
                match self {
                    $(Opcode::$op => &[$(Operand { field: Field::$field, role: Role::$role }),*],)*
                }
            }

            /// Returns its control flow.
            pub const fn flow(self) -> Flow {
                match self {
                    $(Opcode::$op => Flow::$flow,)*
                }
            }
        }

        /// A visitor of instructions, with one method for each of them. Every engine implements it, so that an engine
        /// that lacks an instruction does not compile.
        #[expect(missing_docs, reason = "each method is the instruction of its name")]
        pub trait Visitor {
            /// The return type of every method.
            type Output;
            /// The type in which a method takes a general register.
            type Reg;
            $(
                fn $method(&mut self, $($field: <role::$role as RoleType>::Value<Self::Reg>),*) -> Self::Output;
            )*
            /// Handles a word whose low byte is not an opcode of this build. A verified program has none.
            fn reserved(&mut self, word: u32) -> Self::Output;
        }

        /// Decodes `word` and calls the method of its instruction, or [`Visitor::reserved`]. Operands are not checked:
        /// the word must have passed [`Inst::decode`].
        #[inline(always)]
        pub fn visit<V: Visitor<Reg = Reg>>(word: u32, visitor: &mut V) -> V::Output {
            match word as u8 {
                $($number => {
                    if const { Opcode::$op.is_supported() } {
                        visitor.$method($(<role::$role as RoleType>::decoded(Decoded {
                            reg: Reg::from_low_bits(word >> const { Field::$field.shift() }),
                            value: const { Operand { field: Field::$field, role: Role::$role } }.decode(word),
                        })),*)
                    } else {
                        visitor.reserved(word)
                    }
                })*
                _ => visitor.reserved(word),
            }
        }
    };
}
for_each_op!(define_opcodes);

impl Opcode {
    /// Returns the number, 0x01–0xFF.
    pub const fn number(self) -> u8 {
        self as u8
    }

    /// Returns the name of the format, which says which fields the instruction uses.
    pub const fn format(self) -> &'static str {
        operand::format_name(self.operands())
    }

    /// Returns the bits of a word that this instruction uses. All others are zero.
    pub const fn used_bits(self) -> u32 {
        operand::checked_mask(self.operands())
    }

    /// Returns whether this build of the crate executes it. Without the feature `float`, instructions with binary64
    /// operands are excluded; without `math`, those that need the functions of `libm`; without `bytesil`, the classes
    /// Ax, Bx and Fx.
    pub const fn is_supported(self) -> bool {
        if matches!(self.number() >> 4, 0xA | 0xB | 0xF) && !cfg!(feature = "bytesil") {
            return false;
        }
        let needs_math = matches!(self, Opcode::FMATH | Opcode::COMPLEX_FROM | Opcode::COMPLEX_LERP);
        if needs_math && !cfg!(feature = "math") {
            return false;
        }
        let operands = self.operands();
        let mut i = 0;
        while i < operands.len() {
            let role = operands[i].role;
            if role.is_float() && !cfg!(feature = "float") {
                return false;
            }
            i += 1;
        }
        true
    }
}

/// Checks that the rows are in ascending order and that each has a format and operands that do not overlap.
const _: () = {
    let mut i = 0;
    while i < Opcode::ALL.len() {
        let op = Opcode::ALL[i];
        assert!(i == 0 || Opcode::ALL[i - 1].number() < op.number(), "opcode numbers must rise");
        assert!(op.used_bits() & 0xFF == 0xFF && !op.format().is_empty());
        assert!(!CLASS_TITLES[(op.number() >> 4) as usize].is_empty(), "an opcode's class needs a title");
        i += 1;
    }
};

impl Opcode {
    /// Returns the number of bytes that an instruction loads or stores at its memory operand, 1 to 16, as the opcode
    /// table's meaning says; `None` for instructions without memory operand.
    pub fn access_bytes(self) -> Option<u32> {
        let (before, _) = self.meaning().split_once(" M[")?;
        self.operands().iter().find(|operand| operand.role == Role::Base)?;
        let mut words = before.rsplit(' ');
        match (words.next(), words.next(), words.next()) {
            (Some("of"), Some("bits"), Some(bits)) => bits.parse::<u32>().ok().map(|bits| bits / 8),
            (Some("of"), Some("bytes"), Some(bytes)) => bytes.parse().ok(),
            (Some("at"), Some("binary32"), _) => Some(4),
            _ => None,
        }
    }
}
