//! The lexer: splits a source text into lines and tokens.

use alloc::borrow::Cow;
use alloc::string::String;
use alloc::vec::Vec;
use core::ops::Range;

use super::diagnostic::Problem;
use crate::Excerpt;
use crate::isa::Reg;

/// The kind of a token.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Kind<'t> {
    /// A word: a mnemonic, register or name.
    Word(&'t str),
    /// A word after a dot at the start of a line.
    Directive(&'t str),
    /// The bytes of a string literal, with its escapes resolved. They may not be UTF-8, because `\xHH` can be any byte.
    Text(Vec<u8>),
    /// An integer, 0 to 2⁶⁴ − 1.
    Int(u64),
    /// A floating-point number.
    Float(f64),
    /// `$` and an index.
    Index(u32),
    /// A punctuation character: one of `, : [ ] ( ) + - * = @ .`.
    Mark(char),
    /// `->`.
    Arrow,
}

/// A token and its position in the text.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Token<'t> {
    pub(super) kind: Kind<'t>,
    pub(super) span: Range<usize>,
}

impl Token<'_> {
    pub(super) fn is(&self, mark: char) -> bool {
        self.kind == Kind::Mark(mark)
    }

    /// Returns the name that a word or a string gives. A register is not a name.
    pub(super) fn name(&self) -> Option<Cow<'_, str>> {
        match &self.kind {
            Kind::Word(word) if Reg::parse(word).is_none() => Some(Cow::Borrowed(word)),
            Kind::Text(bytes) => core::str::from_utf8(bytes).ok().map(Cow::Borrowed),
            _ => None,
        }
    }

    pub(super) fn register(&self) -> Option<Reg> {
        match self.kind {
            Kind::Word(word) => Reg::parse(word),
            _ => None,
        }
    }
}

/// The tokens of one line.
#[derive(Debug)]
pub(super) struct Line<'t> {
    /// The line number, counted from 1.
    pub(super) number: u32,
    pub(super) tokens: Vec<Token<'t>>,
    /// The end of the last token, for errors about missing tokens.
    pub(super) end: usize,
    /// The error after the last valid token.
    pub(super) problem: Option<Problem>,
}

/// Returns the lines of a text, without empty ones.
pub(super) fn lines(text: &str) -> impl Iterator<Item = Line<'_>> {
    let mut start = 0;
    text.split_inclusive('\n').zip(1..).filter_map(move |(line, number)| {
        let offset = start;
        start += line.len();
        let content = line.trim_end();
        let (tokens, problem) = (Lexer { text: content, offset, at: 0 }).tokens();
        let end = tokens.last().map_or(offset, |token| token.span.end);
        (!tokens.is_empty() || problem.is_some()).then_some(Line { number, tokens, end, problem })
    })
}

/// Returns whether a name without quotes may contain this character.
pub(super) fn is_word_character(character: char) -> bool {
    character.is_alphanumeric() || character == '_'
}

/// Returns whether this name can be written without quotes.
pub(super) fn is_plain_name(name: &str) -> bool {
    name.chars().all(is_word_character)
        && name.chars().next().is_some_and(|first| !first.is_numeric())
        && Reg::parse(name).is_none()
}

struct Lexer<'t> {
    text: &'t str,
    /// Offset of `text` in the whole text.
    offset: usize,
    at: usize,
}

impl<'t> Lexer<'t> {
    /// Returns the tokens of the line, up to its end or the first error.
    fn tokens(mut self) -> (Vec<Token<'t>>, Option<Problem>) {
        let mut tokens = Vec::new();
        loop {
            self.take_while(char::is_whitespace);
            let start = self.at;
            let Some(first) = self.peek().filter(|first| *first != ';') else { return (tokens, None) };
            match self.token(first, tokens.is_empty()) {
                Ok(kind) => tokens.push(Token { kind, span: self.span(start) }),
                Err(problem) => return (tokens, Some(problem)),
            }
        }
    }

    fn span(&self, start: usize) -> Range<usize> {
        self.offset + start..self.offset + self.at
    }

    fn rest(&self) -> &'t str {
        &self.text[self.at..]
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn next(&mut self) -> Option<char> {
        let next = self.peek()?;
        self.at += next.len_utf8();
        Some(next)
    }

    fn take_while(&mut self, accept: impl Fn(char) -> bool) -> &'t str {
        let rest = self.rest();
        let length = rest.find(|character| !accept(character)).unwrap_or(rest.len());
        self.at += length;
        &rest[..length]
    }

    fn token(&mut self, first: char, starts_line: bool) -> Result<Kind<'t>, Problem> {
        let start = self.at;
        if first.is_ascii_digit() {
            return self.number();
        }
        if is_word_character(first) {
            return Ok(Kind::Word(self.take_while(is_word_character)));
        }
        self.next();
        match first {
            '.' if starts_line => Ok(Kind::Directive(self.take_while(is_word_character))),
            '"' => self.string(start),
            '\'' => self.character(start),
            '$' => {
                let digits = self.take_while(|it| it.is_ascii_digit());
                let what = match digits {
                    "" => "expected a number after `$`",
                    _ => "expected a number after `$`, below 2^32",
                };
                digits.parse().map(Kind::Index).map_err(|_| Problem::new(self.span(start), what))
            }
            '-' if self.peek() == Some('>') => {
                self.next();
                Ok(Kind::Arrow)
            }
            ',' | ':' | '[' | ']' | '(' | ')' | '+' | '-' | '*' | '=' | '@' | '.' => Ok(Kind::Mark(first)),
            '\u{FEFF}' => {
                Err(Problem::new(self.span(start), "a byte order mark: a text must start without one")
                    .with_hint("save it as UTF-8 without one"))
            }
            _ => {
                let message = alloc::format!("unexpected `{}`", Excerpt(first.encode_utf8(&mut [0; 4])));
                let problem = Problem::new(self.span(start), message);
                Err(match first {
                    '!'..='~' => problem,
                    // The character may look like another one, or be invisible.
                    _ => problem.with_hint(alloc::format!("U+{:04X}", u32::from(first))),
                })
            }
        }
    }

    fn number(&mut self) -> Result<Kind<'t>, Problem> {
        let start = self.at;
        let mut digits = self.take_while(is_word_character);
        let radix = match digits.get(..2) {
            Some("0x" | "0X") => 16,
            Some("0b" | "0B") => 2,
            _ => 10,
        };
        if radix == 10 {
            if self.peek() == Some('.') {
                self.next();
                self.take_while(is_word_character);
            }
            if self.text[start..self.at].ends_with(['e', 'E']) && matches!(self.peek(), Some('+' | '-')) {
                self.next();
                self.take_while(is_word_character);
            }
            digits = &self.text[start..self.at];
        } else {
            digits = &digits[2..];
        }
        let plain: String = digits.chars().filter(|it| *it != '_').collect();
        let float = radix == 10 && plain.contains(['.', 'e', 'E']);
        let bad = |what| Problem::new(self.span(start), what);
        if float {
            return match plain.parse::<f64>() {
                Ok(value) if value.is_finite() => Ok(Kind::Float(value)),
                Ok(_) => Err(bad("the number is too large for a binary64")),
                Err(_) => Err(bad("expected a number like 2.5 or 1e-3")),
            };
        }
        match u64::from_str_radix(&plain, radix) {
            Ok(value) => Ok(Kind::Int(value)),
            Err(error) if *error.kind() == core::num::IntErrorKind::PosOverflow => {
                Err(bad("the number does not fit 64 bits"))
            }
            Err(_) => {
                Err(bad("expected a number: decimal, 0x with hexadecimal or 0b with binary digits, or 2.5"))
            }
        }
    }

    fn string(&mut self, start: usize) -> Result<Kind<'t>, Problem> {
        let mut bytes = Vec::new();
        loop {
            match self.next() {
                Some('"') => return Ok(Kind::Text(bytes)),
                Some('\\') => self.escape(&mut bytes)?,
                Some(character) => bytes.extend(character.encode_utf8(&mut [0; 4]).bytes()),
                None => {
                    return Err(Problem::new(self.span(start), "the string is not terminated on this line"));
                }
            }
        }
    }

    fn character(&mut self, start: usize) -> Result<Kind<'t>, Problem> {
        let mut bytes = Vec::new();
        match self.next() {
            Some('\\') => self.escape(&mut bytes)?,
            Some(character) => bytes.extend(character.encode_utf8(&mut [0; 4]).bytes()),
            None => {}
        }
        let code = match (bytes.as_slice(), core::str::from_utf8(&bytes)) {
            ([byte], _) => Some(u64::from(*byte)),
            (_, Ok(text)) => text.chars().next().map(|character| u64::from(u32::from(character))),
            _ => None,
        };
        match code {
            Some(code) if self.next() == Some('\'') => Ok(Kind::Int(code)),
            _ => Err(Problem::new(self.span(start), "expected one character between apostrophes")),
        }
    }

    fn escape(&mut self, bytes: &mut Vec<u8>) -> Result<(), Problem> {
        let start = self.at - 1;
        let simple = match self.next() {
            Some('n') => b'\n',
            Some('r') => b'\r',
            Some('t') => b'\t',
            Some('0') => 0,
            Some(same @ ('\\' | '"' | '\'')) => same as u8,
            Some('x') => {
                let digits = self.rest().get(..2);
                // `from_str_radix` would accept a sign.
                let digits = digits.filter(|digits| digits.bytes().all(|it| it.is_ascii_hexdigit()));
                let digits = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok());
                let byte = digits
                    .ok_or_else(|| Problem::new(self.span(start), "expected two digits after `\\x`"))?;
                self.at += 2;
                byte
            }
            Some('u') => return self.unicode_escape(start, bytes),
            _ => {
                let message = "unknown escape: expected \\n \\r \\t \\0 \\\\ \\\" \\' \\xHH \\u{…}";
                return Err(Problem::new(self.span(start), message));
            }
        };
        bytes.push(simple);
        Ok(())
    }

    fn unicode_escape(&mut self, start: usize, bytes: &mut Vec<u8>) -> Result<(), Problem> {
        let opened = self.next() == Some('{');
        let digits = self.take_while(|it| it.is_ascii_hexdigit());
        let closed = self.next() == Some('}');
        match u32::from_str_radix(digits, 16).ok().and_then(char::from_u32) {
            Some(character) if opened && closed => {
                bytes.extend(character.encode_utf8(&mut [0; 4]).bytes());
                Ok(())
            }
            _ => Err(Problem::new(self.span(start), "expected `\\u{…}` with the number of a character")),
        }
    }
}
