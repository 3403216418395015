//! The tokens of an expression. Numbers have the notation of `.sil` texts.

use std::ops::Range;

use vsp_core::Excerpt;

use super::expression::Value;
use super::parse::SyntaxError;

/// Maximum length of an expression, in bytes.
const MAX_LENGTH: usize = 2_000;

/// Operators and brackets; those of two characters first.
const MARKS: [&str; 25] = [
    "||", "&&", "==", "!=", "<=", ">=", "<<", ">>", "<", ">", "|", "^", "&", "+", "-", "*", "/", "%", "!",
    "~", "(", ")", "[", "]", "=",
];

/// The value of a token.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum TokenKind<'t> {
    Word(&'t str),
    /// A name in quotes, which has no escapes.
    Quoted(&'t str),
    Number(Value),
    /// `$` and a number.
    Local(u32),
    Mark(&'static str),
}

impl TokenKind<'_> {
    pub(crate) fn is(&self, mark: &str) -> bool {
        matches!(self, TokenKind::Mark(own) if *own == mark)
    }
}

/// A token and its location.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Token<'t> {
    pub(crate) kind: TokenKind<'t>,
    pub(crate) span: Range<usize>,
}

/// Splits a text into tokens.
pub(crate) fn tokenize(text: &str) -> Result<Vec<Token<'_>>, SyntaxError> {
    if text.len() > MAX_LENGTH {
        let message = format!("an expression has at most {MAX_LENGTH} bytes");
        return Err(SyntaxError { span: 0..0, message });
    }
    let mut tokens = Vec::new();
    let mut at = 0;
    loop {
        at += text[at..].len() - text[at..].trim_start().len();
        let rest = &text[at..];
        if rest.is_empty() {
            return Ok(tokens);
        }
        let (kind, length) =
            token(rest).map_err(|(message, length)| SyntaxError { span: at..at + length, message })?;
        tokens.push(Token { kind, span: at..at + length });
        at += length;
    }
}

/// Parses the first token. Returns it and its length, or an error message and the length of the text that it is about.
fn token(rest: &str) -> Result<(TokenKind<'_>, usize), (String, usize)> {
    let first = rest.chars().next().unwrap_or_default();
    let word = word_length(rest);
    if first.is_ascii_digit() {
        return number(rest);
    }
    if word > 0 {
        return Ok((TokenKind::Word(&rest[..word]), word));
    }
    match first {
        '$' => {
            let digits = word_length(&rest[1..]);
            let number = rest[1..1 + digits].parse();
            let kind = number.map_err(|_| ("expected the number of a local after `$`".into(), 1 + digits))?;
            Ok((TokenKind::Local(kind), 1 + digits))
        }
        '\'' => character(rest),
        '"' => match rest[1..].find('"') {
            Some(length) => Ok((TokenKind::Quoted(&rest[1..1 + length]), length + 2)),
            None => Err(("the name in quotes does not end".into(), rest.len())),
        },
        _ => match MARKS.iter().find(|mark| rest.starts_with(**mark)) {
            Some(mark) => Ok((TokenKind::Mark(mark), mark.len())),
            None => Err((format!("unexpected `{}`", Excerpt(&rest[..first.len_utf8()])), first.len_utf8())),
        },
    }
}

fn word_length(text: &str) -> usize {
    text.find(|it: char| !it.is_alphanumeric() && it != '_').unwrap_or(text.len())
}

fn number(rest: &str) -> Result<(TokenKind<'_>, usize), (String, usize)> {
    let mut length = word_length(rest);
    let radix = match rest.get(..2) {
        Some("0x" | "0X") => 16,
        Some("0b" | "0B") => 2,
        _ => 10,
    };
    if radix == 10 {
        if rest[length..].starts_with('.') {
            length += 1 + word_length(&rest[length + 1..]);
        }
        if rest[..length].ends_with(['e', 'E']) && rest[length..].starts_with(['+', '-']) {
            length += 1 + word_length(&rest[length + 1..]);
        }
    }
    let digits: String = rest[..length].chars().filter(|it| *it != '_').collect();
    let digits = if radix == 10 { digits.as_str() } else { &digits[2..] };
    let value = if radix == 10 && digits.contains(['.', 'e', 'E']) {
        digits.parse().ok().filter(|value: &f64| value.is_finite()).map(Value::Float)
    } else {
        u64::from_str_radix(digits, radix).ok().map(|value| Value::Int(i128::from(value)))
    };
    match value {
        Some(value) => Ok((TokenKind::Number(value), length)),
        None => Err(("expected a number of 64 bits: decimal, 0x or 0b, or 2.5".into(), length)),
    }
}

/// Parses a character between apostrophes: itself, or one of the escapes `\n \r \t \0 \\ \'`.
fn character(rest: &str) -> Result<(TokenKind<'_>, usize), (String, usize)> {
    let mut inside = rest[1..].chars();
    let character = match inside.next() {
        Some('\\') => match inside.next() {
            Some('n') => Some('\n'),
            Some('r') => Some('\r'),
            Some('t') => Some('\t'),
            Some('0') => Some('\0'),
            Some(same @ ('\\' | '\'')) => Some(same),
            _ => None,
        },
        other => other,
    };
    match (character, inside.next()) {
        (Some(character), Some('\'')) => {
            let value = Value::Int(i128::from(u32::from(character)));
            Ok((TokenKind::Number(value), rest.len() - inside.as_str().len()))
        }
        _ => Err(("expected one character between apostrophes".into(), rest.len())),
    }
}
