//! The tokens of an expression. Numbers are written as in `.sil` texts.

use std::ops::Range;

use vsp_core::Excerpt;

use super::expression::Value;
use super::parse::SyntaxError;

/// How long an expression can be, in bytes.
const MAX_LENGTH: usize = 2_000;

/// Signs of operators and brackets; those of two characters first.
const MARKS: [&str; 25] = [
    "||", "&&", "==", "!=", "<=", ">=", "<<", ">>", "<", ">", "|", "^", "&", "+", "-", "*", "/", "%", "!",
    "~", "(", ")", "[", "]", "=",
];

/// What a token is.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Kind<'t> {
    Word(&'t str),
    /// A name in quotes, which knows no escapes.
    Quoted(&'t str),
    Number(Value),
    /// `$` and a number.
    Local(u32),
    Mark(&'static str),
}

impl Kind<'_> {
    pub(crate) fn is(&self, mark: &str) -> bool {
        matches!(self, Kind::Mark(own) if *own == mark)
    }
}

/// A token and where it is.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Token<'t> {
    pub(crate) kind: Kind<'t>,
    pub(crate) span: Range<usize>,
}

/// The tokens of a text.
pub(crate) fn tokens(text: &str) -> Result<Vec<Token<'_>>, SyntaxError> {
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

/// The first token and its length; if it is none, why not, and the length of what it is about.
fn token(rest: &str) -> Result<(Kind<'_>, usize), (String, usize)> {
    let first = rest.chars().next().unwrap_or_default();
    let word = word_length(rest);
    if first.is_ascii_digit() {
        return number(rest);
    }
    if word > 0 {
        return Ok((Kind::Word(&rest[..word]), word));
    }
    match first {
        '$' => {
            let digits = word_length(&rest[1..]);
            let number = rest[1..1 + digits].parse();
            let kind = number.map_err(|_| ("expected the number of a local after `$`".into(), 1 + digits))?;
            Ok((Kind::Local(kind), 1 + digits))
        }
        '\'' => character(rest),
        '"' => match rest[1..].find('"') {
            Some(length) => Ok((Kind::Quoted(&rest[1..1 + length]), length + 2)),
            None => Err(("the name in quotes does not end".into(), rest.len())),
        },
        _ => match MARKS.iter().find(|mark| rest.starts_with(**mark)) {
            Some(mark) => Ok((Kind::Mark(mark), mark.len())),
            None => Err((
                format!("`{}` means nothing here", Excerpt(&rest[..first.len_utf8()])),
                first.len_utf8(),
            )),
        },
    }
}

fn word_length(text: &str) -> usize {
    text.find(|it: char| !it.is_alphanumeric() && it != '_').unwrap_or(text.len())
}

fn number(rest: &str) -> Result<(Kind<'_>, usize), (String, usize)> {
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
        Some(value) => Ok((Kind::Number(value), length)),
        None => Err(("expected a number of 64 bits: decimal, 0x or 0b, or 2.5".into(), length)),
    }
}

/// A character between apostrophes: itself, or one of the escapes `\n \r \t \0 \\ \'`.
fn character(rest: &str) -> Result<(Kind<'_>, usize), (String, usize)> {
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
            Ok((Kind::Number(value), rest.len() - inside.as_str().len()))
        }
        _ => Err(("expected one character between apostrophes".into(), rest.len())),
    }
}
