//! Colours of the output. The text contains them, and the stream removes them unless it is a terminal; `NO_COLOR` and
//! `CLICOLOR_FORCE` apply as for error messages.

use clap::builder::styling::{AnsiColor, Style};

use crate::translate::{Result, print_to};

/// Titles, and the heads of tables.
pub(crate) const TITLE: Style = Style::new().bold();
/// Locations in the program.
pub(crate) const LOCATION: Style = AnsiColor::Cyan.on_default();
/// The current line, and changes.
pub(crate) const CURRENT: Style = AnsiColor::Green.on_default().bold();
pub(crate) const CHANGED: Style = AnsiColor::Yellow.on_default();
/// Secondary information.
pub(crate) const FAINT: Style = Style::new().dimmed();
pub(crate) const ERROR: Style = AnsiColor::Red.on_default().bold();

/// Returns a text in a style.
pub(crate) fn paint(style: Style, text: &str) -> String {
    if text.is_empty() { String::new() } else { format!("{style}{text}{style:#}") }
}

/// Writes a text with styles to the standard output.
pub(crate) fn print(text: &str) -> Result<()> {
    print_to(anstream::stdout().lock(), text)
}
