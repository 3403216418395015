//! The words of the command line: negative numbers among the arguments of a program are not options.

use std::ffi::OsString;

use clap::{Command, CommandFactory};
use vsp_host::number::{self, NumberError};

use crate::cli::Cli;

/// The mark in front of a negative number. Words of the command line never contain this character.
const MARK: char = '\0';

/// Returns the words of the command line, with a mark in front of negative numbers after the file of a command that
/// takes a program's arguments: `-0x10`, `-inf`. Without it the parser would look for options in them.
pub(crate) fn words() -> Vec<OsString> {
    let words: Vec<OsString> = std::env::args_os().collect();
    if !words.iter().filter_map(|word| word.to_str()).any(is_negative) {
        return words;
    }
    let cli = Cli::command();
    let command = words.get(1).and_then(|name| cli.find_subcommand(name));
    match command.filter(|command| command.get_arguments().any(|it| it.get_id() == "args")) {
        Some(command) => mark_negative_numbers(command, words),
        None => words,
    }
}

fn mark_negative_numbers(command: &Command, mut words: Vec<OsString>) -> Vec<OsString> {
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

/// Returns whether this is a negative number, even one out of range.
fn is_negative(text: &str) -> bool {
    text.starts_with('-') && number::register(text) != Err(NumberError::NotANumber)
}

/// Returns whether this is an option whose value is the next word.
fn takes_next(command: &Command, text: &str) -> bool {
    let option = match (text.strip_prefix("--"), text.strip_prefix('-')) {
        (Some(long), _) => command.get_arguments().find(|option| option.get_long() == Some(long)),
        // Only one letter: further ones are its value.
        (None, Some(short)) => {
            let short = short.parse().ok();
            command.get_arguments().find(|option| short.is_some() && option.get_short() == short)
        }
        (None, None) => None,
    };
    option.is_some_and(|option| option.get_action().takes_values() && !option.is_require_equals_set())
}

/// Parses an argument of a program.
pub(crate) fn argument(word: &str) -> Result<String, std::convert::Infallible> {
    Ok(word.strip_prefix(MARK).unwrap_or(word).to_owned())
}
