//! Properties of the layout of every text.

use vsp_core::text::{AssemblyErrors, assemble, format};

/// Checks the layout of a text. Only a text that assembles has a layout. The layout assembles to the same bytes, has
/// the same comments, and is its own layout.
pub(crate) fn check(text: &str, assembled: &Result<Vec<u8>, AssemblyErrors>) {
    let formatted = match (format(text), assembled) {
        (Ok(formatted), Ok(_)) => formatted,
        (Err(errors), Err(expected)) => return assert_eq!(errors[..], expected[..]),
        (other, _) => panic!("{other:?} of\n{text}"),
    };
    assert!(assemble(&formatted, "hostile.sil").as_ref() == assembled.as_ref(), "of\n{text}\n{formatted}");
    assert_eq!(comments(&formatted), comments(text), "of\n{text}\n{formatted}");
    assert_eq!(format(&formatted).unwrap(), formatted, "of\n{text}");
}

/// Returns the comments of a text, with their line numbers.
pub(crate) fn comments(text: &str) -> Vec<(usize, &str)> {
    let lines = text.split('\n').enumerate();
    lines.filter_map(|(number, line)| Some((number, line[comment_start(line)?..].trim_end()))).collect()
}

/// Returns the position of the first `;` outside of strings and characters.
pub(crate) fn comment_start(line: &str) -> Option<usize> {
    let mut quote = None;
    let mut escaped = false;
    for (at, character) in line.char_indices() {
        match (quote, character) {
            _ if escaped => escaped = false,
            (Some(_), '\\') => escaped = true,
            (Some(open), _) if open == character => quote = None,
            (Some(_), _) => {}
            (None, '"' | '\'') => quote = Some(character),
            (None, ';') => return Some(at),
            (None, _) => {}
        }
    }
    None
}
