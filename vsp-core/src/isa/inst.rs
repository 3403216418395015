//! Decoded instructions.

use super::{
    Access, Field, MathFn, Opcode, Operand, Reg, Role, RoleType, StateReg, role, table::for_each_op,
};

/// The largest number of operands of an instruction.
const MAX_OPERANDS: usize = 4;

/// A decoded instruction: an opcode and the values of its operands, in the order of [`Opcode::operands`]. The value of
/// a register operand is the register's number, 0–15.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Inst {
    op: Opcode,
    values: [i32; MAX_OPERANDS],
}

/// The error of a word that is not an instruction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// The low byte is not an opcode.
    #[error("0x{word:08X} is not an instruction: 0x{:02X} is not an opcode", *word as u8)]
    ReservedOpcode {
        /// The word.
        word: u32,
    },
    /// Bits that the instruction does not use are set.
    #[error("0x{word:08X} is not an instruction: {} requires bits 0x{unused:08X} to be zero", op.mnemonic())]
    UnusedBits {
        /// The word.
        word: u32,
        /// Its opcode.
        op: Opcode,
        /// The bits that must be zero.
        unused: u32,
    },
    /// An operand has a value that the instruction does not allow.
    #[error("0x{word:08X} is not an instruction: {value} is not a valid {} of {}", operand.role.describe(), op.mnemonic())]
    Operand {
        /// The word.
        word: u32,
        /// Its opcode.
        op: Opcode,
        /// The operand.
        operand: Operand,
        /// Its value.
        value: i32,
    },
}

/// The error of an operand value that an instruction does not allow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", Message(self))]
pub struct EncodeError {
    /// The instruction.
    pub op: Opcode,
    /// The operand.
    pub operand: Operand,
    /// The refused value.
    pub value: i64,
}

/// The message of an [`EncodeError`].
struct Message<'e>(&'e EncodeError);

impl core::fmt::Display for Message<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let EncodeError { op, operand, value } = self.0;
        let (what, op) = (operand.role.describe(), op.mnemonic());
        let (low, high) = operand.role.range(operand.field);
        if operand.role.is_list() {
            let allowed = match operand.role {
                Role::Bits => "8, 16 or 32",
                Role::Math => "one of the functions of FMATH",
                Role::Type => "a type with up to 8 parameters and 4 results",
                _ => "0 to 15, and 0 if the function takes one argument",
            };
            write!(f, "{value} is not a valid {what} of {op}: it must be {allowed}")
        } else if matches!(operand.role, Role::S | Role::U) {
            write!(f, "{value} is out of range for {op} ({low} to {high})")
        } else {
            write!(f, "{value} is out of range for the {what} of {op} ({low} to {high})")
        }
    }
}

impl Inst {
    /// Creates an instruction from its opcode and operand values, in the order of [`Opcode::operands`]. Missing values
    /// are zero.
    ///
    /// # Errors
    /// A value is out of range for its operand, or there are more values than operands.
    pub fn new(op: Opcode, values: &[i32]) -> Result<Inst, EncodeError> {
        let mut inst = Inst { op, values: [0; MAX_OPERANDS] };
        for (i, operand) in op.operands().iter().enumerate() {
            inst.set(i, *operand, i64::from(values.get(i).copied().unwrap_or(0)))?;
        }
        match values.get(op.operands().len()) {
            Some(value) => Err(inst.extra_value_error(i64::from(*value))),
            None => inst.with_checked_arity(),
        }
    }

    /// Returns the same instruction with another value for operand number `index`.
    ///
    /// # Errors
    /// The value is out of range, or there is no such operand.
    pub fn with(mut self, index: usize, value: i64) -> Result<Inst, EncodeError> {
        match self.op.operands().get(index) {
            Some(operand) => self.set(index, *operand, value)?,
            None => return Err(self.extra_value_error(value)),
        }
        self.with_checked_arity()
    }

    /// Returns the error for a value without an operand.
    fn extra_value_error(self, value: i64) -> EncodeError {
        EncodeError { op: self.op, operand: Operand { field: Field::a, role: Role::U }, value }
    }

    fn set(&mut self, index: usize, operand: Operand, value: i64) -> Result<(), EncodeError> {
        match i32::try_from(value) {
            Ok(fits) if operand.role.accepts(operand.field, fits) => {
                self.values[index] = fits;
                Ok(())
            }
            _ => Err(EncodeError { op: self.op, operand, value }),
        }
    }

    /// Returns the opcode.
    pub const fn op(self) -> Opcode {
        self.op
    }

    /// Returns the operands with their values, in the order of the text form.
    pub fn operands(self) -> impl Iterator<Item = (Operand, i32)> {
        self.op.operands().iter().copied().zip(self.values)
    }

    /// Returns the value of the operand with this role, if the instruction has one.
    pub fn value_of(self, role: Role) -> Option<i32> {
        self.operands().find(|(operand, _)| operand.role == role).map(|(_, value)| value)
    }

    /// Returns the state registers that the instruction names, and how it accesses each.
    pub fn states(self) -> impl Iterator<Item = (StateReg, Access)> {
        self.operands().filter_map(|(operand, value)| {
            operand.role.state_access().map(|access| (StateReg::from_low_bits(value as u32), access))
        })
    }

    /// Returns the registers that the instruction names, and how it accesses each. The registers for the parameters and
    /// results of a call depend on the type of the function and are not included.
    pub fn registers(self) -> impl Iterator<Item = (Reg, Access)> {
        let unary = self.math().is_some_and(|function| !function.is_binary());
        self.operands().filter(move |(operand, _)| !(unary && operand.role == Role::FSrc2)).filter_map(
            |(operand, value)| {
                let access = operand.role.register_access()?;
                Some((Reg::from_low_bits(value as u32), access))
            },
        )
    }

    /// Encodes the instruction as a word.
    pub fn encode(self) -> u32 {
        self.operands()
            .fold(u32::from(self.op.number()), |word, (operand, value)| word | operand.encode(value))
    }

    /// Decodes `word`. Every instruction has exactly one encoding.
    ///
    /// # Errors
    /// The low byte is not an opcode, bits are set that the opcode does not use, or an operand has a value that the
    /// opcode does not allow.
    pub fn decode(word: u32) -> Result<Inst, DecodeError> {
        let op = Opcode::from_number(word as u8).ok_or(DecodeError::ReservedOpcode { word })?;
        let unused = word & !op.used_bits();
        if unused != 0 {
            return Err(DecodeError::UnusedBits { word, op, unused });
        }
        let mut inst = Inst { op, values: [0; MAX_OPERANDS] };
        for (slot, &operand) in inst.values.iter_mut().zip(op.operands()) {
            let value = operand.decode(word);
            if !operand.role.accepts(operand.field, value) {
                return Err(DecodeError::Operand { word, op, operand, value });
            }
            *slot = value;
        }
        match inst.argument_beyond_arity() {
            Some((operand, value)) => Err(DecodeError::Operand { word, op, operand, value }),
            None => Ok(inst),
        }
    }

    /// Returns the function of an FMATH, or `None` for other instructions.
    pub fn math(self) -> Option<MathFn> {
        self.value_of(Role::Math).and_then(|number| MathFn::from_number(number as u32))
    }

    /// Returns this instruction, or an error if it is an FMATH with too many arguments.
    fn with_checked_arity(self) -> Result<Inst, EncodeError> {
        match self.argument_beyond_arity() {
            Some((operand, value)) => Err(EncodeError { op: self.op, operand, value: i64::from(value) }),
            None => Ok(self),
        }
    }

    /// Returns the second argument of an FMATH whose function takes one. That field must be zero.
    fn argument_beyond_arity(self) -> Option<(Operand, i32)> {
        let unary = self.math().is_some_and(|function| !function.is_binary());
        self.operands().find(|(operand, value)| unary && operand.role == Role::FSrc2 && *value != 0)
    }
}

impl core::fmt::Debug for Inst {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "{}", self.op.mnemonic())?;
        for (operand, value) in self.operands() {
            write!(f, " {:?}={value}", operand.field)?;
        }
        Ok(())
    }
}

/// Conversion of an operand to the representation in [`Inst`].
trait IntoValue {
    fn into_value(self) -> i64;
}

impl IntoValue for Reg {
    fn into_value(self) -> i64 {
        self.index() as i64
    }
}

impl IntoValue for StateReg {
    fn into_value(self) -> i64 {
        self.index() as i64
    }
}

impl IntoValue for i32 {
    fn into_value(self) -> i64 {
        i64::from(self)
    }
}

impl IntoValue for u32 {
    fn into_value(self) -> i64 {
        i64::from(self)
    }
}

macro_rules! define_constructors {
    ($($number:literal $op:ident $method:ident $flow:ident ($($field:ident: $role:ident),*) $meaning:literal;)*) => {
        /// One constructor for each instruction, for programs built in Rust.
        ///
        /// # Errors
        /// An immediate is out of range for the instruction.
        ///
        impl Inst {$(
            #[doc = $meaning]
            ///
            /// # Errors
            /// An immediate is out of range for the instruction.
            #[allow(unused_mut, reason = "an instruction without operands sets none")]
            pub fn $method($($field: <role::$role as RoleType>::Value<Reg>),*) -> Result<Inst, EncodeError> {
                let values: &[i64] = &[$(IntoValue::into_value($field)),*];
                let mut inst = Inst { op: Opcode::$op, values: [0; MAX_OPERANDS] };
                for (i, (operand, value)) in Opcode::$op.operands().iter().zip(values).enumerate() {
                    inst.set(i, *operand, *value)?;
                }
                inst.with_checked_arity()
            }
        )*}
    };
}
for_each_op!(define_constructors);
