//! The parser of expressions.

use std::ops::Range;

use vsp_core::Excerpt;
use vsp_core::index::GlobalIndex;
use vsp_core::isa::Reg;
use vsp_core::text::{Number, most_similar};

use crate::code::Code;

use super::expression::{Binary, Expression, Type, Unary, Value};
use super::tokens::{Token, TokenKind, tokenize};

/// Maximum nesting depth of parentheses and signs.
const MAX_DEPTH: usize = 64;

/// The operators with their precedence.
const OPERATORS: [(&str, Binary, u8); 18] = [
    ("||", Binary::Or, 1),
    ("&&", Binary::And, 2),
    ("==", Binary::Equal, 3),
    ("!=", Binary::NotEqual, 3),
    ("<", Binary::Less, 3),
    ("<=", Binary::LessEqual, 3),
    (">", Binary::Greater, 3),
    (">=", Binary::GreaterEqual, 3),
    ("|", Binary::BitOr, 4),
    ("^", Binary::BitXor, 5),
    ("&", Binary::BitAnd, 6),
    ("<<", Binary::ShiftLeft, 7),
    (">>", Binary::ShiftRight, 7),
    ("+", Binary::Add, 8),
    ("-", Binary::Subtract, 8),
    ("*", Binary::Multiply, 9),
    ("/", Binary::Divide, 9),
    ("%", Binary::Remainder, 9),
];

/// A syntax error in an expression, with its location.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SyntaxError {
    pub(crate) span: Range<usize>,
    pub(crate) message: String,
}

/// The values of names.
pub(crate) trait Names {
    fn global(&self, name: &str) -> Option<GlobalIndex>;
    /// Returns the address of a data segment.
    fn data(&self, name: &str) -> Option<u32>;
    /// Returns the value of a name of `.equ` or `.space`.
    fn number(&self, name: &str) -> Option<Number>;
    /// Returns all names, for suggestions.
    fn all(&self) -> Vec<&str>;
}

impl Names for Code<'_> {
    fn global(&self, name: &str) -> Option<GlobalIndex> {
        self.global_named(name)
    }

    fn data(&self, name: &str) -> Option<u32> {
        self.data_named(name)
    }

    fn number(&self, name: &str) -> Option<Number> {
        self.number_named(name)
    }

    fn all(&self) -> Vec<&str> {
        self.value_names().collect()
    }
}

/// Parses an expression.
pub(crate) fn parse(text: &str, names: &dyn Names) -> Result<Expression, SyntaxError> {
    let tokens = tokenize(text)?;
    let mut parser = Parser { tokens: &tokens, end: text.len(), names };
    let expression = parser.binary(1, 0)?;
    match parser.tokens.first() {
        None => Ok(expression),
        Some(token) if token.kind.is("=") => Err(parser.expected("an operator; `==` compares")),
        Some(_) => Err(parser.expected("an operator or the end")),
    }
}

struct Parser<'t, 'n> {
    tokens: &'t [Token<'t>],
    /// The offset of the end of the text.
    end: usize,
    names: &'n dyn Names,
}

impl<'t> Parser<'t, '_> {
    fn next(&mut self) -> Option<&'t Token<'t>> {
        let (first, rest) = self.tokens.split_first()?;
        self.tokens = rest;
        Some(first)
    }

    fn accept(&mut self, mark: &str) -> bool {
        let found = self.tokens.first().is_some_and(|token| token.kind.is(mark));
        if found {
            self.next();
        }
        found
    }

    fn expected(&self, what: &str) -> SyntaxError {
        match self.tokens.first() {
            Some(token) => SyntaxError { span: token.span.clone(), message: format!("expected {what}") },
            None => {
                let message = format!("expected {what}, but the expression ends");
                SyntaxError { span: self.end..self.end, message }
            }
        }
    }

    fn closing(&mut self, mark: &str) -> Result<(), SyntaxError> {
        if self.accept(mark) { Ok(()) } else { Err(self.expected(&format!("`{mark}`"))) }
    }

    /// Parses operators of at least this precedence.
    fn binary(&mut self, least: u8, depth: usize) -> Result<Expression, SyntaxError> {
        let mut left = self.unary(depth)?;
        loop {
            let operator = self.tokens.first().and_then(|token| {
                OPERATORS.iter().find(|(mark, _, binding)| token.kind.is(mark) && *binding >= least)
            });
            let Some((_, operator, binding)) = operator else { return Ok(left) };
            self.next();
            let right = self.binary(binding + 1, depth)?;
            left = Expression::Binary(*operator, Box::new(left), Box::new(right));
        }
    }

    fn unary(&mut self, depth: usize) -> Result<Expression, SyntaxError> {
        if depth == MAX_DEPTH {
            return Err(self.expected(&format!("less: expressions are nested up to {MAX_DEPTH} deep")));
        }
        for (mark, operator) in [("-", Unary::Negate), ("!", Unary::Not), ("~", Unary::BitNot)] {
            if self.accept(mark) {
                return Ok(Expression::Unary(operator, Box::new(self.unary(depth + 1)?)));
            }
        }
        self.primary(depth)
    }

    fn primary(&mut self, depth: usize) -> Result<Expression, SyntaxError> {
        const WHAT: &str = "a number, register, $local, name, type[address] or type(value)";
        let Some(token) = self.tokens.first() else { return Err(self.expected(WHAT)) };
        let expression = match &token.kind {
            TokenKind::Number(value) => Expression::Number(*value),
            TokenKind::Local(number) => Expression::Local(*number),
            TokenKind::Mark("(") => {
                self.next();
                let inside = self.binary(1, depth + 1)?;
                self.closing(")")?;
                return Ok(inside);
            }
            TokenKind::Word(word) => match (Reg::parse(word), Type::parse(word)) {
                (Some(register), _) => Expression::Register(register),
                (None, Some(ty)) if self.is_followed_by(&["[", "("]) => return self.typed(ty, depth),
                _ => self.named(word)?,
            },
            TokenKind::Quoted(name) => self.named(name)?,
            TokenKind::Mark(_) => return Err(self.expected(WHAT)),
        };
        self.next();
        Ok(expression)
    }

    fn is_followed_by(&self, marks: &[&str]) -> bool {
        matches!(self.tokens.get(1), Some(Token { kind: TokenKind::Mark(mark), .. }) if marks.contains(mark))
    }

    /// Parses `type[address]` or `type(value)`.
    fn typed(&mut self, ty: Type, depth: usize) -> Result<Expression, SyntaxError> {
        self.next();
        let is_memory = self.accept("[");
        if !is_memory {
            self.closing("(")?;
        }
        let inside = Box::new(self.binary(1, depth + 1)?);
        self.closing(if is_memory { "]" } else { ")" })?;
        Ok(if is_memory { Expression::Memory(ty, inside) } else { Expression::Convert(ty, inside) })
    }

    fn named(&self, name: &str) -> Result<Expression, SyntaxError> {
        let global = self.names.global(name).map(Expression::Global);
        let data = || self.names.data(name).map(|at| Expression::Number(Value::Int(i128::from(at))));
        let number = || {
            self.names.number(name).map(|number| match number {
                Number::Int(value) => Expression::Number(Value::Int(value)),
                Number::Float(value) => Expression::Number(Value::Float(value)),
            })
        };
        let own = || match name {
            "depth" => Some(Expression::Depth),
            "inf" => Some(Expression::Number(Value::Float(f64::INFINITY))),
            "nan" => Some(Expression::Number(Value::Float(f64::NAN))),
            _ => None,
        };
        global.or_else(data).or_else(number).or_else(own).ok_or_else(|| {
            let span = self.tokens.first().map_or(self.end..self.end, |token| token.span.clone());
            let similar = most_similar(name, self.names.all().into_iter());
            let hint = similar.map_or_else(String::new, |it| format!("; did you mean `{}`?", Excerpt(it)));
            let message =
                format!("no register, global, data, space or number is named `{}`{hint}", Excerpt(name));
            SyntaxError { span, message }
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::expression::Scope;
    use super::*;

    struct Program;

    impl Names for Program {
        fn global(&self, name: &str) -> Option<GlobalIndex> {
            ["counter", "two words"].iter().position(|it| *it == name).map(|at| GlobalIndex(at as u32))
        }

        fn data(&self, name: &str) -> Option<u32> {
            (name == "table").then_some(4)
        }

        fn number(&self, name: &str) -> Option<Number> {
            match name {
                "SIZE" => Some(Number::Int(16)),
                "half" => Some(Number::Float(0.5)),
                _ => None,
            }
        }

        fn all(&self) -> Vec<&str> {
            vec!["counter", "table", "SIZE", "half"]
        }
    }

    impl Scope for Program {
        /// R1 is 1, and so on; RF is all ones, and RE the bits of 2.5.
        fn register(&self, register: Reg) -> Option<u64> {
            Some(match register.index() {
                14 => 2.5f64.to_bits(),
                15 => u64::MAX,
                index => index as u64,
            })
        }

        fn local(&self, number: u32) -> Option<u64> {
            (number < 2).then_some(100 + u64::from(number))
        }

        fn global(&self, global: GlobalIndex) -> Option<u64> {
            Some(1_000 + u64::from(global.0))
        }

        fn memory(&self) -> &[u8] {
            &[0x01, 0x80, 0xFF, 0xFF, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x04, 0xC0]
        }

        fn depth(&self) -> usize {
            7
        }
    }

    fn value(text: &str) -> Result<String, String> {
        let expression =
            parse(text, &Program).map_err(|error| format!("{:?} {}", error.span, error.message))?;
        expression.value(&Program).map(|value| value.to_string())
    }

    #[test]
    fn values() {
        let cases = [
            ("5", "5"),
            ("-5", "-5 (0xfffffffffffffffb)"),
            ("0x10", "16 (0x10)"),
            ("0b101 + 1_000", "1005 (0x3ed)"),
            ("'a'", "97 (0x61)"),
            (r"'\n' + '\''", "49 (0x31)"),
            ("2.5", "2.5"),
            ("1e3 + 1", "1001.0"),
            ("1.5e-3", "0.0015"),
            ("R3", "3"),
            ("rA", "10 (0xa)"),
            ("RF", "-1 (0xffffffffffffffff)"),
            ("u64(RF)", "18446744073709551615 (0xffffffffffffffff)"),
            ("f64(RE)", "2.5"),
            ("$1", "101 (0x65)"),
            ("counter", "1000 (0x3e8)"),
            ("\"two words\"", "1001 (0x3e9)"),
            ("table", "4"),
            ("SIZE * 2 + table", "36 (0x24)"),
            ("half + half", "1.0"),
            ("depth", "7"),
            ("inf - nan", "NaN"),
            // Memory is little-endian.
            ("u8[1]", "128 (0x80)"),
            ("i8[1]", "-128 (0xffffffffffffff80)"),
            ("u16[0]", "32769 (0x8001)"),
            ("i16[0]", "-32767 (0xffffffffffff8001)"),
            ("u32[0]", "4294934529 (0xffff8001)"),
            ("i32[R0]", "-32767 (0xffffffffffff8001)"),
            ("f64[table]", "-2.5"),
            ("u8[u8[0] + 1]", "255 (0xff)"),
            ("i8(255)", "-1 (0xffffffffffffffff)"),
            ("u16(-1)", "65535 (0xffff)"),
            ("u64(2.5)", "4612811918334230528 (0x4004000000000000)"),
            ("f32(0x40200000)", "2.5"),
            // Precedence and associativity.
            ("1 + 2 * 3", "7"),
            ("(1 + 2) * 3", "9"),
            ("10 - 3 - 2", "5"),
            ("100 / 7 % 4", "2"),
            ("-7 / 2", "-3 (0xfffffffffffffffd)"),
            ("-7 % 2", "-1 (0xffffffffffffffff)"),
            ("7.0 / 2", "3.5"),
            ("1 << 4 | 1 + 2", "19 (0x13)"),
            ("0xF0 & 0x3C ^ 1", "49 (0x31)"),
            ("-16 >> 2", "-4 (0xfffffffffffffffc)"),
            ("~0", "-1 (0xffffffffffffffff)"),
            ("--5", "5"),
            ("1 + 1 == 2 && 2 < 1 + 2", "1"),
            ("1 == 1 || 1 / 0 == 1", "1"),
            ("0 && 1 / 0", "0"),
            ("!5", "0"),
            ("!0.0", "1"),
            ("3 > 2", "1"),
            ("3 >= 3.5", "0"),
            ("2 <= 2", "1"),
            ("2 != 2", "0"),
            // Registers are compared as their 64 bits.
            ("RF == -1", "1"),
            ("RF == 0xFFFFFFFFFFFFFFFF", "1"),
            ("RF < 0", "1"),
            ("u64(RF) < 0", "0"),
            ("nan == nan", "0"),
        ];
        for (text, expected) in cases {
            assert_eq!(value(text), Ok(expected.to_owned()), "{text}");
        }
    }

    #[test]
    fn syntax_errors_have_locations() {
        let deep = "(".repeat(100);
        let long = "1 + ".repeat(1_000);
        let cases = [
            (
                "",
                "0..0 expected a number, register, $local, name, type[address] or type(value), but the expression ends",
            ),
            (
                "1 +",
                "3..3 expected a number, register, $local, name, type[address] or type(value), but the expression ends",
            ),
            ("R0 = 5", "3..4 expected an operator; `==` compares"),
            ("1 2", "2..3 expected an operator or the end"),
            ("(1", "2..2 expected `)`, but the expression ends"),
            ("u8[1)", "4..5 expected `]`"),
            ("nothing + 1", "0..7 no register, global, data, space or number is named `nothing`"),
            (
                "tabel",
                "0..5 no register, global, data, space or number is named `tabel`; did you mean `table`?",
            ),
            ("u7[0]", "0..2 no register, global, data, space or number is named `u7`"),
            ("u8", "0..2 no register, global, data, space or number is named `u8`"),
            ("1 ? 2", "2..3 unexpected `?`"),
            ("é + €", "5..8 unexpected `€`"),
            ("\"x", "0..2 the name in quotes does not end"),
            ("'ab'", "0..4 expected one character between apostrophes"),
            ("$", "0..1 expected the number of a local after `$`"),
            ("0xG", "0..3 expected a number of 64 bits: decimal, 0x or 0b, or 2.5"),
            ("99999999999999999999", "0..20 expected a number of 64 bits: decimal, 0x or 0b, or 2.5"),
            ("1e999", "0..5 expected a number of 64 bits: decimal, 0x or 0b, or 2.5"),
            (&deep, "64..65 expected less: expressions are nested up to 64 deep"),
            (&long, "0..0 an expression has at most 2000 bytes"),
        ];
        for (text, expected) in cases {
            assert_eq!(value(text), Err(expected.to_owned()), "{text}");
        }
    }

    #[test]
    fn expressions_without_value_are_explained() {
        let cases = [
            // 2⁶⁴ − 1 squared needs 128 bits without a sign.
            ("u64(RF) * u64(RF)", "the result is too large"),
            ("1 / 0", "division by zero"),
            ("1 % 0", "division by zero"),
            ("1 << 64", "a shift is by 0 to 63"),
            ("1 >> -1", "a shift is by 0 to 63"),
            ("1.5 & 1", "bits are those of integers: u64(x) gives those of x"),
            ("~1.5", "bits are those of integers: u64(x) gives those of x"),
            ("$2", "there is no local $2 here"),
            ("u8[12]", "u8 at 12 (0xc) is not inside the memory, which has 12 bytes"),
            ("u64[5]", "u64 at 5 is not inside the memory, which has 12 bytes"),
            ("u8[-1]", "u8 at -1 (0xffffffffffffffff) is not inside the memory, which has 12 bytes"),
            ("u8[1.0]", "an address is an integer"),
            ("u8(u64(RF) + 1)", "the number is larger than 64 bits can hold"),
        ];
        for (text, expected) in cases {
            assert_eq!(value(text), Err(expected.to_owned()), "{text}");
        }
    }

    proptest! {
        /// No text causes a panic.
        #[test]
        fn any_text(text in "\\PC{0,40}", pieces in proptest::collection::vec(
            proptest::sample::select(&["R0", "RF", "$1", "table", "u8", "f64", "(", ")", "[", "]", "-", "!", "*", "/",
                "%", "<<", ">>", "==", "<", "&&", "||", "&", "1", "0", "63", "2.5", "0x8000000000000000"][..]), 0..20)) {
            let _ = value(&text);
            let _ = value(&pieces.join(" "));
        }

        /// Integers are computed like arithmetic of 128 bits.
        #[test]
        fn sums_and_products(a in any::<i64>(), b in any::<i64>(), c in 1..i64::MAX) {
            let (wide_a, wide_b, wide_c) = (i128::from(a), i128::from(b), i128::from(c));
            let expected = wide_a * wide_b / wide_c - wide_b % wide_c;
            let expected = Value::Int(expected).to_string();
            prop_assert_eq!(value(&format!("{a} * {b} / {c} - {b} % {c}")), Ok(expected));
        }
    }
}
