//! The content of data segments and custom sections: strings, and values with a type.

use alloc::format;
use alloc::vec::Vec;
use core::ops::Range;

use super::diagnostic::Problem;
use super::expression::{Number, Tokens, Values};
use super::lexer::Kind;
use crate::Excerpt;

/// What items can refer to, and how much there may be of them.
pub(super) struct Context<'c> {
    /// Names for numbers.
    pub(super) values: &'c Values,
    /// Bytes of content so far, in the whole text.
    pub(super) used: &'c mut u64,
    /// How many there may be.
    pub(super) limit: u64,
}

impl Context<'_> {
    /// Counts bytes before they are made, so that a short text cannot ask for any amount of memory.
    fn reserve(&mut self, bytes: u64, span: &Range<usize>) -> Result<(), Problem> {
        *self.used = self.used.saturating_add(bytes);
        if *self.used > self.limit {
            let message = format!("more data than a program can have: {} bytes", self.limit);
            return Err(Problem::new(span.clone(), message));
        }
        Ok(())
    }
}

/// Is this the type of values in a list?
pub(super) fn is_type(word: &str) -> bool {
    word == "zero" || width_of(word).is_some()
}

/// The bytes of a value of this type.
fn width_of(kind: &str) -> Option<u64> {
    match kind {
        "u8" => Some(1),
        "u16" => Some(2),
        "u32" | "f32" => Some(4),
        "u64" | "f64" => Some(8),
        _ => None,
    }
}

/// Does a string, or a type with values, come next?
pub(super) fn starts(rest: &Tokens<'_, '_>) -> bool {
    let mut ahead = rest.clone();
    match ahead.next().map(|token| &token.kind) {
        // A quoted name of a data segment is followed by its address.
        Some(Kind::Text(_)) => !ahead.peek().is_some_and(|token| token.is('@')),
        // So may be one that is called like a type.
        Some(Kind::Word(word)) if is_type(word) => ahead.peek().is_some_and(|next| !next.is('@')),
        _ => false,
    }
}

/// Appends strings and typed lists of values, separated by commas.
pub(super) fn append(
    rest: &mut Tokens<'_, '_>,
    bytes: &mut Vec<u8>,
    context: &mut Context<'_>,
) -> Result<(), Problem> {
    loop {
        let token = rest.next().ok_or_else(|| rest.expected("a string, or a type and values"))?;
        match &token.kind {
            Kind::Text(text) => {
                context.reserve(text.len() as u64, &token.span)?;
                bytes.extend(text);
            }
            Kind::Word(kind) => append_values(kind, rest, bytes, context)?,
            _ => return Err(Problem::new(token.span.clone(), "expected a string, or a type and values")),
        }
        if !rest.accept(',') {
            return rest.finish_part();
        }
    }
}

/// Appends values of one type, up to the end or the next type.
pub(super) fn append_values(
    kind: &str,
    rest: &mut Tokens<'_, '_>,
    bytes: &mut Vec<u8>,
    context: &mut Context<'_>,
) -> Result<(), Problem> {
    loop {
        let mut one = rest.until_comma();
        value(kind, &mut one, bytes, context)?;
        one.finish_part()?;
        let mut ahead = rest.clone();
        if !ahead.accept(',') || starts(&ahead) {
            return Ok(());
        }
        *rest = ahead;
    }
}

fn value(
    kind: &str,
    one: &mut Tokens<'_, '_>,
    bytes: &mut Vec<u8>,
    context: &mut Context<'_>,
) -> Result<(), Problem> {
    let span = one.span();
    if kind == "zero" {
        return zeros(one, bytes, context);
    }
    let width = width_of(kind).ok_or_else(|| {
        Problem::new(span.clone(), format!("there is no type `{}`", Excerpt(kind)))
            .with_hint("types are u8, u16, u32, u64, f32, f64 and zero")
    })?;
    context.reserve(width, &span)?;
    if kind.starts_with('f') {
        let value = match one.number(context.values)? {
            Number::Float(value) => value,
            Number::Int(value) => value as f64,
        };
        match width {
            4 => bytes.extend((value as f32).to_le_bytes()),
            _ => bytes.extend(value.to_le_bytes()),
        }
    } else {
        let bits = 8 * width as u32;
        let range = -(1i128 << (bits - 1))..=(1i128 << bits) - 1;
        let value = one.integer(context.values, range, kind)?;
        bytes.extend(&value.to_le_bytes()[..width as usize]);
    }
    Ok(())
}

fn zeros(one: &mut Tokens<'_, '_>, bytes: &mut Vec<u8>, context: &mut Context<'_>) -> Result<(), Problem> {
    let span = one.span();
    let count = one.integer(context.values, 0..=i128::from(context.limit), "number of zeros")? as u64;
    context.reserve(count, &span)?;
    bytes.resize(bytes.len() + count as usize, 0);
    Ok(())
}
