//! A cursor over the tokens of a line, and the parser of constant expressions.

use alloc::borrow::Cow;
use alloc::format;
use core::ops::Range;

use super::diagnostic::Problem;
use super::lexer::{Kind, Token};
use super::names::Simple;
use crate::Excerpt;
use crate::program::FuncType;

/// The largest nesting depth of parentheses.
const MAX_DEPTH: u32 = 32;

/// A number in a text.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Number {
    /// An integer, exact; it need not fit a register.
    Int(i128),
    /// A binary64.
    Float(f64),
}

impl Number {
    /// Returns the register value that represents it, or `None` if it does not fit.
    fn bits(self) -> Option<u64> {
        match self {
            Number::Int(value) => {
                u64::try_from(value).ok().or_else(|| i64::try_from(value).ok().map(|it| it as u64))
            }
            Number::Float(value) => Some(value.to_bits()),
        }
    }
}

/// Returns the error for a number that does not fit a register.
pub(super) fn too_wide(span: Range<usize>) -> Problem {
    Problem::new(span, "the number does not fit 64 bits")
}

/// The names of numbers.
pub(super) type Values = Simple<Number>;

/// The tokens of a line that are still to be read.
#[derive(Clone, Debug)]
pub(super) struct Tokens<'l, 't> {
    tokens: &'l [Token<'t>],
    /// The end of the last token that was read.
    end: usize,
}

impl<'l, 't> Tokens<'l, 't> {
    /// Creates the cursor. `end` is the position to report if there are no tokens.
    pub(super) fn new(tokens: &'l [Token<'t>], end: usize) -> Self {
        Tokens { tokens, end: tokens.first().map_or(end, |token| token.span.start) }
    }

    pub(super) fn peek(&self) -> Option<&'l Token<'t>> {
        self.tokens.first()
    }

    /// Returns all tokens that are left.
    pub(super) fn ahead(&self) -> &'l [Token<'t>] {
        self.tokens
    }

    pub(super) fn next(&mut self) -> Option<&'l Token<'t>> {
        let (first, rest) = self.tokens.split_first()?;
        self.tokens = rest;
        self.end = first.span.end;
        Some(first)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.tokens.is_empty()
    }

    /// Returns the range from the first to the last token left; it is empty if nothing is left.
    pub(super) fn span(&self) -> Range<usize> {
        match (self.tokens.first(), self.tokens.last()) {
            (Some(first), Some(last)) => first.span.start..last.span.end,
            _ => self.end..self.end,
        }
    }

    /// Returns the range of the next token; it is empty if nothing is left.
    pub(super) fn next_span(&self) -> Range<usize> {
        self.peek().map_or(self.end..self.end, |token| token.span.clone())
    }

    /// Returns an error about the next token, or about its absence.
    pub(super) fn expected(&self, what: &str) -> Problem {
        match self.peek() {
            Some(token) => Problem::new(token.span.clone(), format!("expected {what}")),
            None => Problem::new(self.end..self.end, format!("expected {what}, but the line ends")),
        }
    }

    pub(super) fn accept(&mut self, mark: char) -> bool {
        let found = self.peek().is_some_and(|token| token.is(mark));
        if found {
            self.next();
        }
        found
    }

    /// Skips this word, if it comes next. Returns whether it did.
    fn accept_word(&mut self, word: &str) -> bool {
        let found = self.peek().is_some_and(|token| token.kind == Kind::Word(word));
        if found {
            self.next();
        }
        found
    }

    pub(super) fn expect(&mut self, mark: char) -> Result<(), Problem> {
        if self.accept(mark) { Ok(()) } else { Err(self.expected(&format!("`{mark}`"))) }
    }

    /// Checks that the line ends here.
    pub(super) fn finish(&self) -> Result<(), Problem> {
        if self.is_empty() { Ok(()) } else { Err(self.expected("the end of the line")) }
    }

    /// Checks that the operand or item ends here.
    pub(super) fn finish_part(&self) -> Result<(), Problem> {
        if self.is_empty() { Ok(()) } else { Err(self.expected("the end of the line or `,`")) }
    }

    /// Reads a name, if the next token is one.
    pub(super) fn accept_name(&mut self) -> Option<Cow<'l, str>> {
        let name = self.peek()?.name()?;
        self.next();
        Some(name)
    }

    pub(super) fn name(&mut self, what: &str) -> Result<Cow<'l, str>, Problem> {
        if let Some(token) = self.peek()
            && token.register().is_some()
        {
            let problem = self.expected(what);
            return Err(problem.with_hint("this is the name of a register; write it in quotes"));
        }
        self.accept_name().ok_or_else(|| self.expected(what))
    }

    /// Takes the tokens up to the next comma outside brackets.
    pub(super) fn until_comma(&mut self) -> Tokens<'l, 't> {
        let mut depth = 0;
        let length = self
            .tokens
            .iter()
            .position(|token| {
                match token.kind {
                    Kind::Mark('[' | '(') => depth += 1,
                    Kind::Mark(']' | ')') => depth -= 1,
                    _ => {}
                }
                depth == 0 && token.is(',')
            })
            .unwrap_or(self.tokens.len());
        let (taken, rest) = self.tokens.split_at(length);
        let part = Tokens::new(taken, self.end);
        self.tokens = rest;
        if let Some(last) = taken.last() {
            self.end = last.span.end;
        }
        part
    }

    /// Reads a function type, `(P) -> R` or `(P) -> R tag N`.
    pub(super) fn func_type(&mut self) -> Result<FuncType, Problem> {
        let start = self.span().start;
        self.expect('(')?;
        let params = self.count("a number of parameters")?;
        self.expect(')')?;
        match self.peek() {
            Some(Token { kind: Kind::Arrow, .. }) => self.next(),
            _ => return Err(self.expected("`->` and the number of results")),
        };
        let results = self.count("a number of results")?;
        let ty = FuncType::new(params, results).ok_or_else(|| {
            Problem::new(start..self.end, "a function has 0 to 8 parameters and 0 to 4 results")
        })?;
        let start = self.span().start;
        if !self.accept_word("tag") {
            return Ok(ty);
        }
        let tag = u32::try_from(self.count("a tag")?).ok();
        tag.and_then(|tag| ty.with_tag(tag))
            .ok_or_else(|| Problem::new(start..self.end, "a tag is a number from 0 to 4095"))
    }

    fn count(&mut self, what: &str) -> Result<usize, Problem> {
        match self.peek() {
            Some(Token { kind: Kind::Int(count), .. }) => {
                self.next();
                Ok(usize::try_from(*count).unwrap_or(usize::MAX))
            }
            _ => Err(self.expected(what)),
        }
    }

    /// Reads an expression.
    pub(super) fn number(&mut self, values: &Values) -> Result<Number, Problem> {
        self.sum(values, 0)
    }

    /// Reads an expression whose value fits a register, and returns the bits of that register.
    pub(super) fn register_value(&mut self, values: &Values) -> Result<(Number, u64), Problem> {
        let span = self.span();
        let value = self.number(values)?;
        let bits = value.bits().ok_or_else(|| too_wide(span))?;
        Ok((value, bits))
    }

    /// Reads an expression whose value is an integer between `low` and `high`.
    pub(super) fn integer(
        &mut self,
        values: &Values,
        range: core::ops::RangeInclusive<i128>,
        what: &str,
    ) -> Result<i128, Problem> {
        let start = self.span().start;
        let (low, high) = (range.start(), range.end());
        match self.number(values)? {
            Number::Int(value) if range.contains(&value) => Ok(value),
            Number::Int(value) => {
                let message = format!("{value} is out of range for the {what} ({low} to {high})");
                Err(Problem::new(start..self.end, message))
            }
            Number::Float(_) => Err(Problem::new(start..self.end, format!("the {what} must be an integer"))),
        }
    }

    fn sum(&mut self, values: &Values, depth: u32) -> Result<Number, Problem> {
        let start = self.span().start;
        let mut sum = self.product(values, depth)?;
        loop {
            let subtract = match self.peek() {
                Some(token) if token.is('+') => false,
                Some(token) if token.is('-') => true,
                _ => return Ok(sum),
            };
            self.next();
            let term = self.product(values, depth)?;
            let combined = match subtract {
                false => combine(sum, term, i128::checked_add),
                true => combine(sum, term, i128::checked_sub),
            };
            sum = combined.ok_or_else(|| self.no_result(start))?;
        }
    }

    /// Reads a product: an expression without sums.
    pub(super) fn product(&mut self, values: &Values, depth: u32) -> Result<Number, Problem> {
        let start = self.span().start;
        let mut product = self.signed(values, depth)?;
        while self.accept('*') {
            let factor = self.signed(values, depth)?;
            product = combine(product, factor, i128::checked_mul).ok_or_else(|| self.no_result(start))?;
        }
        Ok(product)
    }

    fn no_result(&self, start: usize) -> Problem {
        Problem::new(
            start..self.end,
            "this cannot be computed: only 64-bit integers, or a single floating-point number",
        )
    }

    fn signed(&mut self, values: &Values, depth: u32) -> Result<Number, Problem> {
        let mut negative = false;
        loop {
            match self.peek() {
                Some(token) if token.is('-') => negative = !negative,
                Some(token) if token.is('+') => {}
                _ => break,
            }
            self.next();
        }
        let value = self.primary(values, depth)?;
        Ok(match value {
            Number::Int(value) if negative => Number::Int(-value),
            Number::Float(value) if negative => Number::Float(-value),
            other => other,
        })
    }

    fn primary(&mut self, values: &Values, depth: u32) -> Result<Number, Problem> {
        if depth == MAX_DEPTH && self.peek().is_some_and(|token| token.is('(')) {
            return Err(self.expected(&format!("a number: parentheses can be nested {MAX_DEPTH} deep")));
        }
        if self.accept('(') {
            let inner = self.sum(values, depth + 1)?;
            self.expect(')')?;
            return Ok(inner);
        }
        let Some(token) = self.peek() else { return Err(self.expected("a number")) };
        let value = match &token.kind {
            Kind::Int(value) => Number::Int(i128::from(*value)),
            Kind::Float(value) => Number::Float(*value),
            _ => self.named(token, values)?,
        };
        self.next();
        Ok(value)
    }

    fn named(&self, token: &Token<'_>, values: &Values) -> Result<Number, Problem> {
        let Some(name) = token.name() else {
            let problem = self.expected("a number");
            return Err(match token.register() {
                Some(_) => problem.with_hint("this is a register"),
                None => problem,
            });
        };
        match values.get(&*name) {
            Some(value) => Ok(value),
            None if name == "inf" => Ok(Number::Float(f64::INFINITY)),
            None if name == "nan" => Ok(Number::Float(f64::NAN)),
            None => Err(Problem::new(
                token.span.clone(),
                format!("no number or data is named `{}`", Excerpt(&name)),
            )
            .did_you_mean(&name, values.keys().map(|name| name.as_str()))),
        }
    }
}

/// Returns the result of an operation on integers, if it is in a range in which no further operation can overflow.
fn combine(a: Number, b: Number, operation: impl Fn(i128, i128) -> Option<i128>) -> Option<Number> {
    const WIDEST: i128 = 1 << 65;
    match (a, b) {
        (Number::Int(a), Number::Int(b)) => {
            operation(a, b).filter(|value| value.abs() <= WIDEST).map(Number::Int)
        }
        _ => None,
    }
}
