//! The source of commands: a file, a pipe or a terminal.

use std::io::{self, BufRead};

use rustyline::completion::Completer;
use rustyline::error::ReadlineError;
use rustyline::highlight::Highlighter;
use rustyline::hint::Hinter;
use rustyline::history::MemHistory;
use rustyline::validate::Validator;
use rustyline::{CompletionType, Config, Context, Editor, Helper};

use super::commands::COMMANDS;
use crate::translate::print;

const PROMPT: &str = "(vsp) ";

/// The source of commands.
pub(crate) enum Input {
    /// Lines of a file or pipe. They are echoed after the prompt, so that the output reads like an interactive session.
    Script(Box<dyn BufRead>),
    /// A terminal, where an empty line repeats the last command.
    Terminal { editor: Box<Editor<Commands, MemHistory>>, last: String },
}

impl Input {
    /// Creates a line editor on the terminal.
    pub(crate) fn terminal() -> Result<Input, String> {
        let config = Config::builder().auto_add_history(true).completion_type(CompletionType::List).build();
        let editor = Editor::with_history(config, MemHistory::new());
        let mut editor = editor.map_err(|error| format!("the terminal: {error}"))?;
        editor.set_helper(Some(Commands));
        Ok(Input::Terminal { editor: Box::new(editor), last: String::new() })
    }

    /// Returns the next command, or `None` at the end.
    pub(crate) fn next(&mut self) -> Result<Option<String>, String> {
        match self {
            Input::Script(lines) => next_of_script(lines.as_mut()),
            Input::Terminal { editor, last } => loop {
                match editor.readline(PROMPT) {
                    Ok(line) if line.trim().is_empty() => return Ok(Some(last.clone())),
                    Ok(line) => {
                        last.clone_from(&line);
                        return Ok(Some(line));
                    }
                    Err(ReadlineError::Interrupted) => {}
                    Err(ReadlineError::Eof) => return Ok(None),
                    Err(error) => return Err(format!("the terminal: {error}")),
                }
            },
        }
    }

    /// Returns whether the commands come from a file or pipe.
    pub(crate) fn is_script(&self) -> bool {
        matches!(self, Input::Script(_))
    }
}

fn next_of_script(lines: &mut dyn BufRead) -> Result<Option<String>, String> {
    let mut bytes = Vec::new();
    let read = lines.read_until(b'\n', &mut bytes);
    let line = read.and_then(|count| {
        let text =
            String::from_utf8(bytes).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
        Ok((count > 0).then_some(text))
    });
    let line = line.map_err(|error| format!("the commands: {error}"))?;
    if let Some(line) = &line {
        print(&format!("{PROMPT}{}\n", line.trim_end()))?;
    }
    Ok(line)
}

/// The completion of command names.
pub(crate) struct Commands;

impl Completer for Commands {
    type Candidate = String;

    fn complete(&self, line: &str, at: usize, _: &Context<'_>) -> rustyline::Result<(usize, Vec<String>)> {
        let begun = line[..at].trim_start();
        let names = COMMANDS.iter().map(|command| command.names[0]).filter(|name| name.starts_with(begun));
        Ok((at - begun.len(), names.map(|name| format!("{name} ")).collect()))
    }
}

impl Helper for Commands {}
impl Highlighter for Commands {}
impl Validator for Commands {}
impl Hinter for Commands {
    type Hint = String;
}
