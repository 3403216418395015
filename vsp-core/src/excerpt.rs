//! Untrusted text in messages.

use core::fmt::{self, Display, Formatter, Write};

/// Formats a name, an argument or other untrusted text for a message: on one line, cut after [`Self::MOST`] characters,
/// with invisible characters escaped.
///
/// ```
/// use vsp_core::Excerpt;
///
/// assert_eq!(Excerpt("main").to_string(), "main");
/// assert_eq!(Excerpt("a\nb\u{1b}").to_string(), "a\\nb\\u{1b}");
/// assert_eq!(Excerpt(&"x".repeat(300)).to_string(), "x".repeat(40) + "…");
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Excerpt<'t>(pub &'t str);

impl Excerpt<'_> {
    /// Maximum number of characters that are shown.
    pub const MOST: usize = 40;
}

impl Display for Excerpt<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let (shown, is_cut) = match self.0.char_indices().nth(Self::MOST) {
            Some((end, _)) => (&self.0[..end], true),
            None => (self.0, false),
        };
        Escaped(shown).fmt(f)?;
        if is_cut { f.write_char('…') } else { Ok(()) }
    }
}

/// Formats the path of a source file, a source line or other untrusted text that is not cut: on one line, with invisible
/// characters escaped.
///
/// ```
/// use vsp_core::Escaped;
///
/// assert_eq!(Escaped("src/main.rs").to_string(), "src/main.rs");
/// assert_eq!(Escaped("a\nb\u{1b}").to_string(), "a\\nb\\u{1b}");
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Escaped<'t>(pub &'t str);

impl Display for Escaped<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        for character in self.0.chars() {
            match is_visible(character) {
                true => f.write_char(character)?,
                false => write!(f, "{}", character.escape_default())?,
            }
        }
        Ok(())
    }
}

/// Returns whether a character can be shown unescaped: it is visible, and does not change the direction of the text
/// around it.
pub(crate) fn is_visible(character: char) -> bool {
    !character.is_control()
        && !matches!(character, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::Excerpt;
    use std::string::ToString;

    #[test]
    fn characters_that_are_not_seen_are_escaped() {
        for (text, shown) in [
            ("é 'x' \"y\" \\", "é 'x' \"y\" \\"),
            ("\t\r\n\0\u{7f}\u{9b}", "\\t\\r\\n\\u{0}\\u{7f}\\u{9b}"),
            ("a\u{202e}b\u{feff}", "a\\u{202e}b\\u{feff}"),
        ] {
            assert_eq!(Excerpt(text).to_string(), shown);
        }
    }

    #[test]
    fn as_many_characters_as_are_shown_are_not_cut() {
        let text = "é".repeat(Excerpt::MOST);
        assert_eq!(Excerpt(&text).to_string(), text);
        assert_eq!(Excerpt(&(text.clone() + "é")).to_string(), text + "…");
    }
}
