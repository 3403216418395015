//! The formatter.

use alloc::string::String;

use super::diagnostic::AssemblyErrors;
use super::items;
use super::lexer::{self, Kind, Line, Token};

/// The column of instructions, and of comments between them.
const CODE_COLUMN: usize = 4;

/// The width of the mnemonic column, including the spaces after the mnemonic; longer mnemonics exceed it.
const MNEMONIC_COLUMNS: usize = 8;

/// The column of comments after code.
const COMMENT_COLUMN: usize = 40;

/// The distance between tab stops.
const TAB_COLUMNS: usize = 8;

/// Formats a text in the standard layout. Formatting the result again changes nothing.
///
/// Only whitespace changes, and the case of mnemonics and registers, which becomes upper case: the result assembles to
/// the same bytes. Because source lines are part of these, the line structure is kept, except for empty lines at the
/// end. Labels and directives start at the beginning of a line (except `.word` and `.line`), instructions are indented
/// by 4, their operands by 12, and comments after code by 40. Comments are not changed.
///
/// ```
/// let text = ".func f (1)->1\n add r0,r0 ;twice\n ret\n.end\n";
/// let formatted = vsp_core::text::format(text)?;
/// let twice = "    ADD     R0, R0                      ;twice\n";
/// assert_eq!(formatted, format!(".func f (1) -> 1\n{twice}    RET\n.end\n"));
/// # Ok::<(), vsp_core::text::AssemblyErrors>(())
/// ```
///
/// # Errors
/// Those of [`assemble`](super::assemble): only a text that assembles can be formatted.
pub fn format(text: &str) -> Result<String, AssemblyErrors> {
    super::assemble(text, "")?;
    let mut out = Writer::default();
    let mut lines = lexer::lines(text).peekable();
    let mut start = 0;
    for (number, source) in (1..).zip(text.split_inclusive('\n')) {
        let line = lines.next_if(|line| line.number == number);
        let code_end = line.as_ref().map_or(0, |line| line.end - start);
        let comment = source[code_end..].trim();
        let column = columns(&source[..source.len() - source[code_end..].trim_start().len()]);
        out.line(line.as_ref(), text, comment, column);
        start += source.len();
    }
    let length = out.text.trim_end_matches('\n').len();
    out.text.truncate(length);
    if !out.text.is_empty() {
        out.text.push('\n');
    }
    Ok(out.text)
}

/// Returns the width of the beginning of a line, in columns.
fn columns(beginning: &str) -> usize {
    beginning.chars().fold(0, |column, character| match character {
        '\t' => (column + 1).next_multiple_of(TAB_COLUMNS),
        _ => column + 1,
    })
}

#[derive(Default)]
struct Writer {
    text: String,
    in_function: bool,
    /// The old and new column of the previous line's comment, if it follows code or is below such a comment.
    comment_above: Option<(usize, usize)>,
}

impl Writer {
    /// Writes a line. `column` is the old column of its comment.
    fn line(&mut self, line: Option<&Line<'_>>, source: &str, comment: &str, column: usize) {
        let start = self.text.len();
        if let Some(line) = line {
            self.code(&line.tokens, source);
        }
        let width = columns(&self.text[start..]);
        let above = self.comment_above.take();
        if !comment.is_empty() {
            let below = above.filter(|(before, _)| *before == column).map(|(_, now)| now);
            let now = match line {
                Some(_) => COMMENT_COLUMN.max(width + 1),
                None => below.unwrap_or(if self.in_function { CODE_COLUMN } else { 0 }),
            };
            self.comment_above = (line.is_some() || below.is_some()).then_some((column, now));
            self.pad(now - width);
            self.text.push_str(comment);
        }
        self.text.push('\n');
    }

    fn pad(&mut self, columns: usize) {
        self.text.extend(core::iter::repeat_n(' ', columns));
    }

    fn code(&mut self, tokens: &[Token<'_>], source: &str) {
        if let Some(Token { kind: Kind::Directive(name), .. }) = tokens.first() {
            match *name {
                "func" => self.in_function = true,
                "end" => self.in_function = false,
                "word" | "line" => self.pad(CODE_COLUMN),
                _ => {}
            }
            self.operands(tokens, source, |at| starts_value(tokens, at));
            return;
        }
        let start = self.text.len();
        let mut rest = tokens;
        while let [name, colon, behind @ ..] = rest
            && colon.is(':')
        {
            if rest.len() < tokens.len() {
                self.text.push(' ');
            }
            self.text.push_str(&source[name.span.clone()]);
            self.text.push(':');
            rest = behind;
        }
        let [mnemonic, operands @ ..] = rest else { return };
        let labels = self.text[start..].chars().count();
        self.pad(if labels == 0 { CODE_COLUMN } else { CODE_COLUMN.saturating_sub(labels).max(1) });
        let mnemonic = &source[mnemonic.span.clone()];
        self.text.push_str(&mnemonic.to_ascii_uppercase());
        if !operands.is_empty() {
            self.pad(MNEMONIC_COLUMNS.saturating_sub(mnemonic.len()).max(1));
            self.operands(operands, source, |at| at == 0);
        }
    }

    /// Writes tokens, with a space between them where one belongs. `starts_value` returns whether a number can start at
    /// a token that follows a name.
    fn operands(&mut self, tokens: &[Token<'_>], source: &str, starts_value: impl Fn(usize) -> bool) {
        let mut after_sign = false;
        for (at, token) in tokens.iter().enumerate() {
            let before = at.checked_sub(1).map(|before| &tokens[before].kind);
            if before.is_some_and(|before| !after_sign && is_separated(before, &token.kind)) {
                self.text.push(' ');
            }
            after_sign = matches!(token.kind, Kind::Mark('+' | '-'))
                && (starts_value(at) || !before.is_some_and(ends_value));
            let written = &source[token.span.clone()];
            match token.register() {
                Some(_) => self.text.push_str(&written.to_ascii_uppercase()),
                None => self.text.push_str(written),
            }
        }
    }
}

fn is_separated(before: &Kind<'_>, after: &Kind<'_>) -> bool {
    !matches!(before, Kind::Mark('(' | '[' | '.' | '*'))
        && !matches!(after, Kind::Mark(')' | ']' | '.' | '*' | ','))
}

/// Returns whether a `+` or `-` after this token is a binary operator.
fn ends_value(kind: &Kind<'_>) -> bool {
    match kind {
        Kind::Word(_) | Kind::Text(_) | Kind::Int(_) | Kind::Float(_) | Kind::Index(_) => true,
        Kind::Mark(mark) => *mark == ')',
        Kind::Directive(_) | Kind::Arrow => false,
    }
}

/// Returns whether, in a directive, a number can start at this token although a name precedes it: after the name that
/// is defined, and after its type.
fn starts_value(tokens: &[Token<'_>], at: usize) -> bool {
    let Some(Kind::Directive(directive)) = tokens.first().map(|token| &token.kind) else { return false };
    match *directive {
        "global" | "const" | "equ" | "space" => at == 2,
        "data" | "passive" | "custom" | "string" => {
            let before = at.checked_sub(1).map(|before| &tokens[before].kind);
            matches!(before, Some(Kind::Word(word)) if items::is_type(word))
        }
        _ => false,
    }
}
