//! The words of the command line: negative numbers among the arguments of a program are no options.

use std::ffi::OsString;

use clap::{Command, CommandFactory};
use vsp_host::number::{self, NumberError};

use crate::cli::Cli;

/// In front of a word that is a negative number. No word from outside has this character in it.
const MARK: char = '\0';

/// Returns the words of the command line, with a mark in front of negative numbers behind the file of a command that
/// takes a program's arguments: `-0x10`, `-inf`. Without it the parser would look for options in them.
pub(crate) fn words() -> Vec<OsString> {
    let words: Vec<OsString> = std::env::args_os().collect();
    let cli = Cli::command();
    let command = words.get(1).and_then(|name| cli.find_subcommand(name));
    match command.filter(|command| command.get_arguments().any(|it| it.get_id() == "args")) {
        Some(command) => marked(command, words),
        None => words,
    }
}

fn marked(command: &Command, mut words: Vec<OsString>) -> Vec<OsString> {
    let (mut is_value, mut has_file) = (false, false);
    for word in words.iter_mut().skip(2) {
        let text = word.to_str().unwrap_or_default();
        if text == "--" {
            break;
        }
        if std::mem::take(&mut is_value) {
            continue;
        }
        if has_file && is_negative(text) {
            *word = format!("{MARK}{text}").into();
            continue;
        }
        is_value = takes_next(command, text);
        has_file |= text == "-" || !text.starts_with('-');
    }
    words
}

/// Is this a negative number, if perhaps one that is too large?
fn is_negative(text: &str) -> bool {
    text.starts_with('-') && number::register(text) != Err(NumberError::NotANumber)
}

/// Is this an option whose value is the next word?
fn takes_next(command: &Command, text: &str) -> bool {
    let option = match (text.strip_prefix("--"), text.strip_prefix('-')) {
        (Some(long), _) => command.get_arguments().find(|option| option.get_long() == Some(long)),
        // One letter: others are its value.
        (None, Some(short)) => {
            let short = short.parse().ok();
            command.get_arguments().find(|option| short.is_some() && option.get_short() == short)
        }
        (None, None) => None,
    };
    option.is_some_and(|option| option.get_action().takes_values())
}

/// Reads an argument of a program.
pub(crate) fn argument(word: &str) -> Result<String, std::convert::Infallible> {
    Ok(word.strip_prefix(MARK).unwrap_or(word).to_owned())
}
