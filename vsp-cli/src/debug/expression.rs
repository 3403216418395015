//! Expressions over registers, locals, globals and memory, for conditions, `print`, `set` and `watch`.
//!
//! Integers are exact; registers are signed. `==` and `!=` compare the 64 bits of a register. Floating numbers are
//! binary64; an integer combined with one is converted.

use std::fmt;
use std::ops::Range;

use vsp_core::index::GlobalIndex;
use vsp_core::isa::Reg;

/// A number.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Value {
    Int(i128),
    Float(f64),
}

impl Value {
    /// Returns the bits of a register with this value, or `None` if it does not fit.
    pub(crate) fn bits(self) -> Option<u64> {
        match self {
            Value::Int(value) => {
                u64::try_from(value).ok().or_else(|| i64::try_from(value).ok().map(|it| it as u64))
            }
            Value::Float(value) => Some(value.to_bits()),
        }
    }

    /// Returns whether a condition is true: not zero.
    pub(crate) fn is_true(self) -> bool {
        match self {
            Value::Int(value) => value != 0,
            Value::Float(value) => value != 0.0,
        }
    }

    fn float(self) -> f64 {
        match self {
            Value::Int(value) => value as f64,
            Value::Float(value) => value,
        }
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self, self.bits()) {
            (Value::Float(value), _) => write!(f, "{value:?}"),
            (Value::Int(value @ 0..=9), _) | (Value::Int(value), None) => write!(f, "{value}"),
            (Value::Int(value), Some(bits)) => write!(f, "{value} (0x{bits:x})"),
        }
    }
}

/// An interpretation of bytes of memory, or of the low bits of a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Type {
    Unsigned(u32),
    Signed(u32),
    Float(u32),
}

impl Type {
    /// Returns the type with this name.
    pub(crate) fn parse(name: &str) -> Option<Type> {
        let (kind, bits) = name.split_at_checked(1)?;
        let bits = [8, 16, 32, 64].into_iter().find(|known| bits == known.to_string())?;
        match kind {
            "u" => Some(Type::Unsigned(bits)),
            "i" => Some(Type::Signed(bits)),
            "f" if bits >= 32 => Some(Type::Float(bits)),
            _ => None,
        }
    }

    /// Returns its size in bytes.
    pub(crate) fn bytes(self) -> u64 {
        let (Type::Unsigned(bits) | Type::Signed(bits) | Type::Float(bits)) = self;
        u64::from(bits / 8)
    }

    /// Interprets the low bits of a register.
    fn read(self, bits: u64) -> Value {
        match self {
            Type::Unsigned(width) => Value::Int(i128::from(bits << (64 - width) >> (64 - width))),
            Type::Signed(width) => Value::Int(i128::from((bits << (64 - width)) as i64 >> (64 - width))),
            Type::Float(32) => Value::Float(f64::from(f32::from_bits(bits as u32))),
            Type::Float(_) => Value::Float(f64::from_bits(bits)),
        }
    }

    /// Returns the bits of a number, or `None` if it is out of the type's range.
    pub(crate) fn write(self, value: Value) -> Option<u64> {
        match (self, value) {
            (Type::Float(32), value) => Some(u64::from((value.float() as f32).to_bits())),
            (Type::Float(_), value) => Some(value.float().to_bits()),
            (Type::Unsigned(width) | Type::Signed(width), Value::Int(value)) => {
                let range = -(1i128 << (width - 1))..1i128 << width;
                range.contains(&value).then_some(value as u64)
            }
            (Type::Unsigned(_) | Type::Signed(_), Value::Float(_)) => None,
        }
    }
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Type::Unsigned(bits) => write!(f, "u{bits}"),
            Type::Signed(bits) => write!(f, "i{bits}"),
            Type::Float(bits) => write!(f, "f{bits}"),
        }
    }
}

/// An operator with two operands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Binary {
    Or,
    And,
    Equal,
    NotEqual,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
    BitOr,
    BitXor,
    BitAnd,
    ShiftLeft,
    ShiftRight,
    Add,
    Subtract,
    Multiply,
    Divide,
    Remainder,
}

/// An operator with one operand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unary {
    Negate,
    Not,
    BitNot,
}

/// An expression whose names are resolved.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Expression {
    Number(Value),
    Register(Reg),
    Local(u32),
    Global(GlobalIndex),
    /// The number of frames.
    Depth,
    Memory(Type, Box<Expression>),
    Convert(Type, Box<Expression>),
    Unary(Unary, Box<Expression>),
    Binary(Binary, Box<Expression>, Box<Expression>),
}

/// The state of a stopped program.
pub(crate) trait Scope {
    fn register(&self, register: Reg) -> Option<u64>;
    fn local(&self, number: u32) -> Option<u64>;
    fn global(&self, global: GlobalIndex) -> Option<u64>;
    fn memory(&self) -> &[u8];
    fn depth(&self) -> usize;
}

impl Expression {
    /// Returns whether it depends on the selected frame.
    pub(crate) fn is_of_frame(&self) -> bool {
        match self {
            Expression::Register(_) | Expression::Local(_) => true,
            Expression::Number(_) | Expression::Global(_) | Expression::Depth => false,
            Expression::Memory(_, inside) | Expression::Convert(_, inside) | Expression::Unary(_, inside) => {
                inside.is_of_frame()
            }
            Expression::Binary(_, left, right) => left.is_of_frame() || right.is_of_frame(),
        }
    }

    /// Evaluates the expression.
    ///
    /// # Errors
    /// It has no value; the message says why.
    pub(crate) fn value(&self, scope: &dyn Scope) -> Result<Value, String> {
        let register = |bits: Option<u64>| bits.map(|bits| Value::Int(i128::from(bits as i64)));
        match self {
            Expression::Number(value) => Ok(*value),
            Expression::Register(reg) => register(scope.register(*reg))
                .ok_or_else(|| "there is no frame, so there are no registers".into()),
            Expression::Local(number) => {
                register(scope.local(*number)).ok_or_else(|| format!("there is no local ${number} here"))
            }
            Expression::Global(global) => {
                register(scope.global(*global)).ok_or_else(|| format!("there is no global {global}"))
            }
            Expression::Depth => Ok(Value::Int(scope.depth() as i128)),
            Expression::Memory(ty, address) => read_memory(scope, *ty, address.value(scope)?),
            Expression::Convert(ty, value) => {
                let bits = value.value(scope)?.bits().ok_or("the number is larger than 64 bits can hold")?;
                Ok(ty.read(bits))
            }
            Expression::Unary(operator, value) => unary(*operator, value.value(scope)?),
            Expression::Binary(Binary::And, left, right) => {
                Ok(truth(left.value(scope)?.is_true() && right.value(scope)?.is_true()))
            }
            Expression::Binary(Binary::Or, left, right) => {
                Ok(truth(left.value(scope)?.is_true() || right.value(scope)?.is_true()))
            }
            Expression::Binary(operator, left, right) => {
                binary(*operator, left.value(scope)?, right.value(scope)?)
            }
        }
    }
}

/// Returns the range of memory of a value of a type.
pub(crate) fn memory_range(memory: &[u8], ty: Type, address: Value) -> Result<Range<usize>, String> {
    let start = match address {
        Value::Int(address) => usize::try_from(address).ok(),
        Value::Float(_) => return Err("an address is an integer".into()),
    };
    let range = start.and_then(|start| Some(start..start.checked_add(ty.bytes() as usize)?));
    range.filter(|range| range.end <= memory.len()).ok_or_else(|| {
        format!("{ty} at {address} is not inside the memory, which has {} bytes", memory.len())
    })
}

fn read_memory(scope: &dyn Scope, ty: Type, address: Value) -> Result<Value, String> {
    let range = memory_range(scope.memory(), ty, address)?;
    let mut bytes = [0; 8];
    bytes[..range.len()].copy_from_slice(&scope.memory()[range]);
    Ok(ty.read(u64::from_le_bytes(bytes)))
}

fn truth(value: bool) -> Value {
    Value::Int(i128::from(value))
}

fn unary(operator: Unary, value: Value) -> Result<Value, String> {
    match (operator, value) {
        (Unary::Not, value) => Ok(truth(!value.is_true())),
        (Unary::Negate, Value::Int(value)) => value.checked_neg().map(Value::Int).ok_or_else(too_large),
        (Unary::Negate, Value::Float(value)) => Ok(Value::Float(-value)),
        (Unary::BitNot, Value::Int(value)) => Ok(Value::Int(!value)),
        (Unary::BitNot, Value::Float(_)) => Err("bits are those of integers: u64(x) gives those of x".into()),
    }
}

fn too_large() -> String {
    "the result is too large".into()
}

fn binary(operator: Binary, left: Value, right: Value) -> Result<Value, String> {
    match (left, right) {
        (Value::Int(left), Value::Int(right)) => integers(operator, left, right),
        _ => floats(operator, left.float(), right.float()),
    }
}

fn integers(operator: Binary, left: i128, right: i128) -> Result<Value, String> {
    let same = || match (Value::Int(left).bits(), Value::Int(right).bits()) {
        (Some(left), Some(right)) => left == right,
        _ => left == right,
    };
    let shift = || u32::try_from(right).ok().filter(|count| *count < 64).ok_or("a shift is by 0 to 63");
    let number = match operator {
        Binary::Or => return Ok(truth(left != 0 || right != 0)),
        Binary::And => return Ok(truth(left != 0 && right != 0)),
        Binary::Equal => return Ok(truth(same())),
        Binary::NotEqual => return Ok(truth(!same())),
        Binary::Less => return Ok(truth(left < right)),
        Binary::LessEqual => return Ok(truth(left <= right)),
        Binary::Greater => return Ok(truth(left > right)),
        Binary::GreaterEqual => return Ok(truth(left >= right)),
        Binary::BitOr => Some(left | right),
        Binary::BitXor => Some(left ^ right),
        Binary::BitAnd => Some(left & right),
        Binary::ShiftLeft => left.checked_mul(1 << shift()?),
        Binary::ShiftRight => Some(left >> shift()?),
        Binary::Add => left.checked_add(right),
        Binary::Subtract => left.checked_sub(right),
        Binary::Multiply => left.checked_mul(right),
        Binary::Divide | Binary::Remainder if right == 0 => return Err("division by zero".into()),
        Binary::Divide => left.checked_div(right),
        Binary::Remainder => left.checked_rem(right),
    };
    number.map(Value::Int).ok_or_else(too_large)
}

fn floats(operator: Binary, left: f64, right: f64) -> Result<Value, String> {
    Ok(match operator {
        Binary::Or => truth(left != 0.0 || right != 0.0),
        Binary::And => truth(left != 0.0 && right != 0.0),
        Binary::Equal => truth(left == right),
        Binary::NotEqual => truth(left != right),
        Binary::Less => truth(left < right),
        Binary::LessEqual => truth(left <= right),
        Binary::Greater => truth(left > right),
        Binary::GreaterEqual => truth(left >= right),
        Binary::Add => Value::Float(left + right),
        Binary::Subtract => Value::Float(left - right),
        Binary::Multiply => Value::Float(left * right),
        Binary::Divide => Value::Float(left / right),
        Binary::Remainder => Value::Float(left % right),
        Binary::BitOr | Binary::BitXor | Binary::BitAnd | Binary::ShiftLeft | Binary::ShiftRight => {
            return Err("bits are those of integers: u64(x) gives those of x".into());
        }
    })
}
