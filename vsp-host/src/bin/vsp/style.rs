//! Colours of what commands show. They are in the text, and the stream leaves them out unless it is a terminal;
//! `NO_COLOR` and `CLICOLOR_FORCE` decide as for error messages.

use std::io::Write;

use clap::builder::styling::{AnsiColor, Style};
use vsp_host::message;

use crate::translate::{Result, ignore_broken_pipe};

/// Titles, and the heads of tables.
pub(crate) const TITLE: Style = Style::new().bold();
/// Where the program is.
pub(crate) const LOCATION: Style = AnsiColor::Cyan.on_default();
/// The current line, and what changed.
pub(crate) const CURRENT: Style = AnsiColor::Green.on_default().bold();
pub(crate) const CHANGED: Style = AnsiColor::Yellow.on_default();
/// What is there to be looked past.
pub(crate) const FAINT: Style = Style::new().dimmed();
pub(crate) const ERROR: Style = AnsiColor::Red.on_default().bold();

/// Returns a text in a style.
pub(crate) fn paint(style: Style, text: &str) -> String {
    if text.is_empty() { String::new() } else { format!("{style}{text}{style:#}") }
}

/// Writes a text with styles to the standard output. A reader that has seen enough is no error.
pub(crate) fn print(text: &str) -> Result<()> {
    let mut out = anstream::stdout().lock();
    let written = out.write_all(text.as_bytes()).and_then(|()| out.flush()).or_else(ignore_broken_pipe);
    written.map_err(|error| message::render_text(&format!("the standard output: {error}")))
}
