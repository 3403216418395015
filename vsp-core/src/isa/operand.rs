//! Operands: the bits of a word that hold them ([`Field`]) and their meaning ([`Role`]).
//!
//! ```text
//!  31        20 19    16 15    12 11     8 7       0
//! +------------+--------+--------+--------+---------+
//! |   imm12    |   c    |   b    |   a    |   op    |   N A AB ABC ABCI
//! |        imm16        |   b    |   a    |   op    |   ABI
//! |           imm20              |   a    |   op    |   AI
//! |                imm24                  |   op    |   I
//! |   rel12    |      imm8       |   a    |   op    |   AIR
//! +------------+-----------------+--------+---------+
//! ```
//!
//! A row of the opcode table lists its operands as `field: Role`. Encoding, decoding, range checks, printing and
//! parsing are derived from it.

use super::math::MathFn;
use crate::limits::MAX_SWITCH_ENTRIES;

/// A general register, R0–R9 and RA–RF.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
#[expect(missing_docs, reason = "sixteen registers named after themselves")]
#[rustfmt::skip]
pub enum Reg {
    R0, R1, R2, R3, R4, R5, R6, R7, R8, R9, RA, RB, RC, RD, RE, RF,
}

impl Reg {
    /// All registers, in order.
    pub const ALL: [Reg; 16] = {
        use Reg::*;
        [R0, R1, R2, R3, R4, R5, R6, R7, R8, R9, RA, RB, RC, RD, RE, RF]
    };

    /// Returns the register in the low four bits of `bits`; the other bits are ignored.
    #[inline(always)]
    pub const fn from_low_bits(bits: u32) -> Reg {
        // Compiles to the mask alone, unlike an index into `ALL`.
        match bits & 15 {
            0 => Reg::R0,
            1 => Reg::R1,
            2 => Reg::R2,
            3 => Reg::R3,
            4 => Reg::R4,
            5 => Reg::R5,
            6 => Reg::R6,
            7 => Reg::R7,
            8 => Reg::R8,
            9 => Reg::R9,
            10 => Reg::RA,
            11 => Reg::RB,
            12 => Reg::RC,
            13 => Reg::RD,
            14 => Reg::RE,
            _ => Reg::RF,
        }
    }

    /// Returns the number of the register: 0 for R0 to 15 for RF.
    #[inline(always)]
    pub const fn index(self) -> usize {
        self as usize
    }

    /// Returns the register called `name` (`R0` … `RF`, in either case).
    pub fn parse(name: &str) -> Option<Reg> {
        match name.as_bytes() {
            [b'R' | b'r', digit] => char::from(*digit).to_digit(16).map(Reg::from_low_bits),
            _ => None,
        }
    }
}

impl core::fmt::Display for Reg {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "R{:X}", self.index())
    }
}

/// A state register, S0–S9 and SA–SF: it holds sixteen ByteSil numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StateReg(u8);

impl StateReg {
    /// Returns all state registers, in order.
    pub fn all() -> impl DoubleEndedIterator<Item = StateReg> + ExactSizeIterator {
        (0..16).map(StateReg)
    }

    /// Returns the state register in the low four bits of `bits`; the other bits are ignored.
    #[inline(always)]
    pub const fn from_low_bits(bits: u32) -> StateReg {
        StateReg(bits as u8 & 15)
    }

    /// Returns the number of the register: 0 for S0 to 15 for SF.
    #[inline(always)]
    pub const fn index(self) -> usize {
        (self.0 & 15) as usize
    }

    /// Returns the state register called `name` (`S0` … `SF`, in either case).
    pub fn parse(name: &str) -> Option<StateReg> {
        match name.as_bytes() {
            [b'S' | b's', digit] => char::from(*digit).to_digit(16).map(StateReg::from_low_bits),
            _ => None,
        }
    }
}

impl core::fmt::Display for StateReg {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "S{:X}", self.index())
    }
}

/// A field of the instruction word, named as in the drawing above.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(non_camel_case_types, reason = "the names under which the opcode table uses them")]
#[expect(missing_docs, reason = "the drawing above is their documentation")]
#[rustfmt::skip]
pub enum Field {
    a, b, c, imm8, rel12, imm12, imm16, imm20, imm24,
}

impl Field {
    /// Returns the lowest bit of the field.
    pub const fn shift(self) -> u32 {
        match self {
            Field::a | Field::imm24 => 8,
            Field::b | Field::imm8 | Field::imm20 => 12,
            Field::c | Field::imm16 => 16,
            Field::imm12 | Field::rel12 => 20,
        }
    }

    /// Returns the width of the field in bits.
    pub const fn width(self) -> u32 {
        match self {
            Field::a | Field::b | Field::c => 4,
            Field::imm8 => 8,
            Field::imm12 | Field::rel12 => 12,
            Field::imm16 => 16,
            Field::imm20 => 20,
            Field::imm24 => 24,
        }
    }

    /// Returns the mask of the field in a word.
    pub const fn mask(self) -> u32 {
        ((1 << self.width()) - 1) << self.shift()
    }

    /// Returns the field of `word` as an unsigned number.
    #[inline(always)]
    pub const fn unsigned(self, word: u32) -> u32 {
        (word & self.mask()) >> self.shift()
    }

    /// Returns the field of `word` as a two's complement number.
    #[inline(always)]
    pub const fn signed(self, word: u32) -> i32 {
        let above = 32 - self.shift() - self.width();
        ((word << above) as i32) >> (32 - self.width())
    }
}

/// The meaning of an operand, which determines its valid values, its text form and how the instruction accesses it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// Register, written.
    Dst,
    /// Register, read.
    Src,
    /// Register, read and written (or written conditionally).
    Mod,
    /// Register, written as binary64.
    FDst,
    /// Register, read as binary64.
    FSrc,
    /// Register, read as binary64 if the mathematical function takes two arguments; otherwise the field is zero.
    FSrc2,
    /// State register, written.
    SDst,
    /// State register, read.
    SSrc,
    /// State register, read and written.
    SMod,
    /// Register, the address in a memory operand.
    Base,
    /// Register, an index times 1 in a memory operand.
    X1,
    /// Register, an index times 2 in a memory operand.
    X2,
    /// Register, an index times 4 in a memory operand.
    X4,
    /// Register, an index times 8 in a memory operand.
    X8,
    /// Register, an index times 16 in a memory operand.
    X16,
    /// Signed displacement in bytes of a memory operand.
    Disp,
    /// Signed number.
    S,
    /// Unsigned number.
    U,
    /// Signed displacement of a branch, in words from the next instruction.
    Target,
    /// Function.
    Func,
    /// Import.
    Import,
    /// Entry of the constant pool.
    Const,
    /// Local of the function.
    Local,
    /// Global.
    Global,
    /// Passive segment.
    Segment,
    /// Function type, see [`FuncType`](crate::func_type::FuncType).
    Type,
    /// Number of entries of a SWITCH table, 1–1,048,575.
    Entries,
    /// Shift count, 0–63.
    Sh64,
    /// Shift count, 0–31.
    Sh32,
    /// Layer of a state register, 0–15.
    Layer,
    /// Width of an extension: 8, 16 or 32 bits.
    Bits,
    /// Function of FMATH.
    Math,
}

/// The kind of access of an instruction to a register operand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the variants say it")]
pub enum Access {
    Read,
    Write,
    ReadWrite,
}

impl Access {
    /// Returns whether the register is read.
    pub const fn reads(self) -> bool {
        matches!(self, Access::Read | Access::ReadWrite)
    }

    /// Returns whether the register is written.
    pub const fn writes(self) -> bool {
        matches!(self, Access::Write | Access::ReadWrite)
    }
}

impl Role {
    /// Returns whether the field is a two's complement number.
    pub const fn is_signed(self) -> bool {
        matches!(self, Role::Disp | Role::S | Role::Target)
    }

    /// Returns the access to a general register operand.
    pub const fn register_access(self) -> Option<Access> {
        match self {
            Role::Src | Role::FSrc | Role::FSrc2 | Role::Base => Some(Access::Read),
            Role::X1 | Role::X2 | Role::X4 | Role::X8 | Role::X16 => Some(Access::Read),
            Role::Dst | Role::FDst => Some(Access::Write),
            Role::Mod => Some(Access::ReadWrite),
            Role::Disp | Role::S | Role::U | Role::Target | Role::Func | Role::Import | Role::Const => None,
            Role::Local | Role::Global | Role::Segment | Role::Type | Role::Entries => None,
            Role::Sh64 | Role::Sh32 | Role::Layer | Role::Bits | Role::Math => None,
            Role::SDst | Role::SSrc | Role::SMod => None,
        }
    }

    /// Returns whether it is a general register that is read.
    pub const fn reads_register(self) -> bool {
        matches!(self.register_access(), Some(access) if access.reads())
    }

    /// Returns whether it is a general register that is written.
    pub const fn writes_register(self) -> bool {
        matches!(self.register_access(), Some(access) if access.writes())
    }

    /// Returns the access to a state register operand.
    pub const fn state_access(self) -> Option<Access> {
        match self {
            Role::SSrc => Some(Access::Read),
            Role::SDst => Some(Access::Write),
            Role::SMod => Some(Access::ReadWrite),
            _ => None,
        }
    }

    /// Returns whether it is a branch displacement.
    pub const fn is_target(self) -> bool {
        matches!(self, Role::Target)
    }

    /// Returns whether the register holds a binary64.
    pub const fn is_float(self) -> bool {
        matches!(self, Role::FDst | Role::FSrc | Role::FSrc2)
    }

    /// Returns log₂ of the scale of an index in a memory operand.
    pub const fn index_scale(self) -> Option<u32> {
        match self {
            Role::X1 => Some(0),
            Role::X2 => Some(1),
            Role::X4 => Some(2),
            Role::X8 => Some(3),
            Role::X16 => Some(4),
            _ => None,
        }
    }

    /// Returns the smallest and the largest value of an operand with this role in `field`. ([`Role::Bits`] and
    /// [`Role::Math`] allow only some of the values between.)
    pub const fn range(self, field: Field) -> (i32, i32) {
        let width = field.width();
        match self {
            Role::Entries => (1, MAX_SWITCH_ENTRIES as i32),
            Role::Sh64 => (0, 63),
            Role::Sh32 => (0, 31),
            Role::Layer => (0, 15),
            Role::Bits => (8, 32),
            Role::Type => (0, (1 << 20) - 1),
            _ if self.is_signed() => (-(1 << (width - 1)), (1 << (width - 1)) - 1),
            _ => (0, ((1u32 << width) - 1) as i32),
        }
    }

    /// Returns whether only some of the values in the range are valid.
    pub(super) const fn is_list(self) -> bool {
        matches!(self, Role::Bits | Role::Math | Role::Type | Role::FSrc2)
    }

    /// Returns whether `value` is valid for an operand with this role in `field`.
    pub const fn accepts(self, field: Field, value: i32) -> bool {
        let (low, high) = self.range(field);
        let listed = match self {
            Role::Bits => value == 8 || value == 16 || value == 32,
            Role::Math => MathFn::from_number(value as u32).is_some(),
            Role::Type => crate::func_type::FuncType::from_bits(value as u32).is_some(),
            _ => true,
        };
        low <= value && value <= high && listed
    }

    /// Returns the name of a value with this role in messages.
    pub const fn describe(self) -> &'static str {
        match self {
            Role::Dst | Role::Src | Role::Mod | Role::FDst | Role::FSrc | Role::FSrc2 => "register",
            Role::Base => "base register",
            Role::SDst | Role::SSrc | Role::SMod => "state register",
            Role::X1 | Role::X2 | Role::X4 | Role::X8 | Role::X16 => "index register",
            Role::Disp => "displacement in bytes",
            Role::S => "signed constant",
            Role::U => "unsigned constant",
            Role::Target => "branch displacement",
            Role::Func => "function",
            Role::Import => "import",
            Role::Const => "constant",
            Role::Local => "local",
            Role::Global => "global",
            Role::Segment => "passive segment",
            Role::Type => "function type",
            Role::Entries => "number of table entries",
            Role::Sh64 | Role::Sh32 => "shift count",
            Role::Layer => "layer",
            Role::Bits => "width",
            Role::Math => "mathematical function",
        }
    }
}

/// One operand of an instruction: its field and its role.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Operand {
    /// The bits that hold it.
    pub field: Field,
    /// Its meaning.
    pub role: Role,
}

impl Operand {
    /// Returns the operand's value in `word`; registers are numbers 0–15.
    #[inline]
    pub const fn decode(self, word: u32) -> i32 {
        if self.role.is_signed() { self.field.signed(word) } else { self.field.unsigned(word) as i32 }
    }

    /// Returns the bits of a word that encode `value`, which must be in the operand's range.
    pub const fn encode(self, value: i32) -> u32 {
        ((value as u32) << self.field.shift()) & self.field.mask()
    }
}

/// Returns the union of the fields of `operands`. It is a compile error if two of them share bits.
pub(super) const fn checked_mask(operands: &[Operand]) -> u32 {
    let (mut mask, mut i) = (0xFF, 0);
    while i < operands.len() {
        assert!(mask & operands[i].field.mask() == 0, "two operands of an instruction share bits");
        mask |= operands[i].field.mask();
        i += 1;
    }
    mask
}

/// Returns the name of the format with these operands.
pub(super) const fn format_name(operands: &[Operand]) -> &'static str {
    let (mut mask, mut i, mut rel) = (0, 0, false);
    while i < operands.len() {
        mask |= operands[i].field.mask();
        rel |= matches!(operands[i].field, Field::rel12);
        i += 1;
    }
    match mask {
        0 => "N",
        0x0000_0F00 => "A",
        0x0000_FF00 => "AB",
        0x000F_FF00 => "ABC",
        0xFFFF_FF00 if operands.len() == 1 => "I",
        0xFFFF_FF00 if operands.len() == 2 => "AI",
        0xFFFF_FF00 if operands.len() == 3 && rel => "AIR",
        0xFFFF_FF00 if operands.len() == 3 => "ABI",
        0xFFFF_FF00 => "ABCI",
        0xFFF0_FF00 => "ABCI, c = 0",
        _ => panic!("no format has these operands"),
    }
}

/// The Rust type in which an engine receives an operand with some role.
pub trait RoleType {
    /// `StateReg`, `i32` or `u32`; or `R`, the engine's type for a register.
    type Value<R>;
    /// Returns the value with this role of a decoded operand.
    fn decoded<R>(operand: Decoded<R>) -> Self::Value<R>;
}

/// An operand of an instruction that was decoded earlier.
#[derive(Clone, Copy, Debug)]
pub struct Decoded<R> {
    /// The register, if the operand is one.
    pub reg: R,
    /// The number of the register or state register, or the immediate.
    pub value: i32,
}

/// The roles as types, for the signatures of [`Visitor`](super::Visitor).
pub mod role {
    use super::{Decoded, RoleType, StateReg};

    macro_rules! role_types {
        ($value:ty, $decoded:expr, $($name:ident)*) => {$(
            #[doc = concat!("[`Role::", stringify!($name), "`](super::Role::", stringify!($name), ") as a type.")]
            #[derive(Debug)]
            pub enum $name {}
            impl RoleType for $name {
                type Value<R> = $value;
                #[inline(always)]
                fn decoded<R>(operand: Decoded<R>) -> Self::Value<R> {
                    let decoded: fn(Decoded<R>) -> Self::Value<R> = $decoded;
                    decoded(operand)
                }
            }
        )*};
    }

    role_types!(R, |operand| operand.reg, Dst Src Mod FDst FSrc FSrc2 Base X1 X2 X4 X8 X16);
    role_types!(StateReg, |operand| StateReg::from_low_bits(operand.value as u32), SDst SSrc SMod);
    role_types!(i32, |operand| operand.value, Disp S Target);
    role_types!(u32, |operand| operand.value as u32,
        U Func Import Const Local Global Segment Type Entries Sh64 Sh32 Layer Bits Math);
}
