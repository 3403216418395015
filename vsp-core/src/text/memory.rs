//! The parser of memory operands.

use core::ops::Range;

use super::diagnostic::Problem;
use super::expression::{Number, Tokens, Values};
use super::lexer::Token;

/// A memory operand `[base + index * scale + displacement]`; base and index are register numbers.
pub(super) struct Memory {
    pub(super) base: i32,
    pub(super) index: Option<(i32, u32)>,
    pub(super) displacement: i128,
    pub(super) span: Range<usize>,
}

/// Parses a memory operand.
pub(super) fn parse(mut rest: Tokens<'_, '_>, values: &Values) -> Result<Memory, Problem> {
    let span = rest.span();
    if !rest.accept('[') {
        return Err(rest.expected("a memory operand like [R1 + 8]"));
    }
    let mut memory = Memory { base: -1, index: None, displacement: 0, span: span.clone() };
    let mut negative = false;
    loop {
        match rest.peek().and_then(Token::register) {
            Some(register) if !negative => {
                add_register(&mut memory, register.index() as i32, &mut rest, values)?;
            }
            Some(_) => return Err(rest.expected("a number: registers cannot be subtracted")),
            None if rest.peek().is_none_or(|token| token.is(']')) => {
                return Err(rest.expected("a register or a number"));
            }
            None => {
                let term = term(&mut rest, values)?;
                memory.displacement += if negative { -term } else { term };
            }
        }
        match rest.next() {
            Some(token) if token.is('+') => negative = false,
            Some(token) if token.is('-') => negative = true,
            Some(token) if token.is(']') => break,
            Some(token) => {
                return Err(Problem::new(token.span.clone(), "expected `+`, `-` or `]`"));
            }
            None => return Err(rest.expected("`]`")),
        }
    }
    rest.finish()?;
    match memory.base {
        -1 => Err(Problem::new(span, "a memory operand needs a base register, like [R1 + 8]")),
        _ => Ok(memory),
    }
}

/// Assigns the next register of a memory operand: to the base if it is the first without a scale, otherwise to the
/// index.
fn add_register(
    memory: &mut Memory,
    register: i32,
    rest: &mut Tokens<'_, '_>,
    values: &Values,
) -> Result<(), Problem> {
    let at = rest.next().map_or(memory.span.clone(), |token| token.span.clone());
    let scale = match rest.accept('*') {
        true => Some(u32::try_from(term(rest, values)?).unwrap_or(u32::MAX)),
        false => None,
    };
    match scale {
        None if memory.base == -1 => memory.base = register,
        _ if memory.index.is_none() => memory.index = Some((register, scale.unwrap_or(1))),
        _ => return Err(Problem::new(at, "a memory operand has at most one base and one index register")),
    }
    Ok(())
}

/// Parses a product of numbers and names.
fn term(rest: &mut Tokens<'_, '_>, values: &Values) -> Result<i128, Problem> {
    let at = rest.span();
    match rest.product(values, 0)? {
        Number::Int(value) => Ok(value),
        Number::Float(_) => Err(Problem::new(at, "a displacement must be an integer")),
    }
}
