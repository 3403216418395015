//! What the assembler has to say about a text.

use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::ops::Range;

use super::names::Unused;
use crate::Excerpt;
use crate::limits::{MAX_ASSEMBLY_ERRORS, MAX_NAME};

/// Something wrong with a text: where, what, and perhaps what to do about it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}, column {column}: {message}{}", .hint.as_ref().map_or(String::new(), |hint| alloc::format!(" ({hint})")))]
pub struct Diagnostic {
    /// The bytes of the text that it is about.
    pub span: Range<usize>,
    /// The line, from 1.
    pub line: usize,
    /// The column, in characters from 1.
    pub column: usize,
    /// What is wrong, and what was expected.
    pub message: String,
    /// What would be right.
    pub hint: Option<String>,
}

impl Diagnostic {
    /// Something wrong with the program as a whole.
    pub(super) fn of_whole_text(error: &dyn core::fmt::Display) -> Diagnostic {
        Diagnostic { span: 0..0, line: 1, column: 1, message: error.to_string(), hint: None }
    }
}

/// An error that does not know its line and column yet.
#[derive(Clone, Debug)]
pub(super) struct Problem {
    pub(super) span: Range<usize>,
    pub(super) message: String,
    pub(super) hint: Option<String>,
}

impl Problem {
    pub(super) fn new(span: Range<usize>, message: impl Into<String>) -> Problem {
        Problem { span, message: message.into(), hint: None }
    }

    pub(super) fn with_hint(self, hint: impl Into<String>) -> Problem {
        Problem { hint: Some(hint.into()), ..self }
    }

    /// Adds the most similar of the candidates as a hint, if one is similar.
    pub(super) fn did_you_mean<'c>(self, name: &str, candidates: impl Iterator<Item = &'c str>) -> Problem {
        match most_similar(name, candidates) {
            Some(similar) => self.with_hint(alloc::format!("did you mean `{}`?", Excerpt(similar))),
            None => self,
        }
    }
}

/// The problems found so far, and the names that nothing uses.
#[derive(Debug)]
pub(super) struct Diagnostics<'t> {
    text: &'t str,
    found: Vec<Problem>,
    unused: Vec<Unused>,
}

impl<'t> Diagnostics<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        Diagnostics { text, found: Vec::new(), unused: Vec::new() }
    }

    pub(super) fn report(&mut self, problem: Problem) {
        self.found.push(problem);
    }

    pub(super) fn report_unused(&mut self, unused: impl Iterator<Item = Unused>) {
        self.unused.extend(unused);
    }

    /// Is it no use to go on?
    pub(super) fn is_full(&self) -> bool {
        self.found.len() >= MAX_ASSEMBLY_ERRORS
    }

    /// The problems, if there are any.
    pub(super) fn finish(mut self) -> Result<Self, Vec<Diagnostic>> {
        if self.found.is_empty() {
            return Ok(self);
        }
        self.found.sort_by_key(|problem| problem.span.start);
        self.found.truncate(MAX_ASSEMBLY_ERRORS);
        Err(locate(self.text, self.found))
    }

    /// The names that nothing uses, but those that start with `_`, in the order of the lines.
    pub(super) fn unused(self) -> Vec<Diagnostic> {
        let mut unused = self.unused;
        unused.sort_by_key(|unused| unused.span.start);
        let name = |unused: &Unused| self.text.get(unused.span.clone()).unwrap_or_default();
        unused.retain(|unused| !name(unused).trim_start_matches('"').starts_with('_'));
        let problem = |unused: Unused| {
            let message = alloc::format!("{} `{}` is never used", unused.what, Excerpt(name(&unused)));
            match unused.what {
                "import" => Problem::new(unused.span, message),
                _ => Problem::new(unused.span, message).with_hint("names that start with `_` need no use"),
            }
        };
        locate(self.text, unused.into_iter().map(problem).collect())
    }
}

/// Finds the lines and columns of problems, which are in the order of the text.
fn locate(text: &str, problems: Vec<Problem>) -> Vec<Diagnostic> {
    let (mut line, mut line_start, mut counted) = (1, 0, 0);
    let locate_one = |Problem { span, message, hint }| {
        let at = if text.is_char_boundary(span.start) { span.start.max(counted) } else { text.len() };
        for (newline, _) in text[counted..at].match_indices('\n') {
            line += 1;
            line_start = counted + newline + 1;
        }
        counted = at;
        let column = text[line_start..at].chars().count() + 1;
        Diagnostic { span, line, column, message, hint }
    };
    problems.into_iter().map(locate_one).collect()
}

/// Returns the candidate that takes the fewest changes of letters to reach, if these are few for the length of the
/// name: what a message can suggest.
///
/// ```
/// let commands = ["step", "next", "continue"];
/// assert_eq!(vsp_core::text::most_similar("contniue", commands.into_iter()), Some("continue"));
/// assert_eq!(vsp_core::text::most_similar("xyzzy", commands.into_iter()), None);
/// ```
pub fn most_similar<'c>(name: &str, candidates: impl Iterator<Item = &'c str>) -> Option<&'c str> {
    let length = name.chars().count();
    let allowed = (length / 3).max(1);
    // Comparing takes time with the product of the lengths.
    let comparable = |other: &&str| length <= MAX_NAME && other.chars().count().abs_diff(length) <= allowed;
    candidates
        .filter(comparable)
        .map(|candidate| (edit_distance(name, candidate), candidate))
        // Any other letter is as near to a name of one letter as any.
        .filter(|(distance, _)| *distance <= allowed && *distance < length)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// How many characters have to be inserted, deleted, replaced or swapped with their neighbour to get from one name to
/// the other, without regard to case (the "optimal string alignment" distance).
fn edit_distance(from: &str, to: &str) -> usize {
    let from: Vec<char> = from.chars().map(|it| it.to_ascii_uppercase()).collect();
    let to: Vec<char> = to.chars().map(|it| it.to_ascii_uppercase()).collect();
    let mut before_last: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=to.len()).collect();
    for i in 1..=from.len() {
        let mut row = alloc::vec![i];
        for j in 1..=to.len() {
            let replaced = last[j - 1] + usize::from(from[i - 1] != to[j - 1]);
            let mut best = replaced.min(last[j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && from[i - 1] == to[j - 2] && from[i - 2] == to[j - 1] {
                best = best.min(before_last[j - 2] + 1);
            }
            row.push(best);
        }
        before_last = core::mem::replace(&mut last, row);
    }
    last[to.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn similar_names_are_found() {
        let candidates = || ["ADD", "ADDI", "LOAD", "STORE"].into_iter();
        assert_eq!(most_similar("AD", candidates()), Some("ADD"));
        assert_eq!(most_similar("laod", candidates()), Some("LOAD"));
        assert_eq!(most_similar("STROE", candidates()), Some("STORE"));
        assert_eq!(most_similar("XYZZY", candidates()), None);
        assert_eq!(most_similar("f", ["g", "F2"].into_iter()), None);
        assert_eq!(most_similar("f", ["g", "F"].into_iter()), Some("F"));
    }

    #[test]
    fn columns_count_characters() {
        let text = "; äöü\n  ädd";
        let mut diagnostics = Diagnostics::new(text);
        diagnostics.report(Problem::new(text.find("dd").map_or(0..0, |at| at..at + 2), "no"));
        let errors = diagnostics.finish().unwrap_err();
        assert_eq!((errors[0].line, errors[0].column), (2, 4));
    }
}
