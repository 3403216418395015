//! The diagnostics of the assembler.

use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::ops::Range;

use super::names::Unused;
use crate::Excerpt;
use crate::limits::MAX_ASSEMBLY_ERRORS;

/// An error or warning about a text: its position, its message, and perhaps a hint.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}, column {column}: {message}{}", .hint.as_ref().map_or(String::new(), |hint| alloc::format!(" ({hint})")))]
pub struct Diagnostic {
    /// The range of bytes of the text that it is about.
    pub span: Range<usize>,
    /// The line, from 1.
    pub line: usize,
    /// The column, in characters from 1.
    pub column: usize,
    /// The message: the error, and what was expected.
    pub message: String,
    /// The hint: a suggested correction.
    pub hint: Option<String>,
}

impl Diagnostic {
    /// Creates a diagnostic about the program as a whole.
    pub(super) fn of_whole_text(error: &dyn core::fmt::Display) -> Diagnostic {
        Diagnostic { span: 0..0, line: 1, column: 1, message: error.to_string(), hint: None }
    }
}

/// The errors of a text, in the order of its lines; at least one, at most [`MAX_ASSEMBLY_ERRORS`].
///
/// It dereferences to the slice of them, and displays all of them, one to a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AssemblyErrors {
    file_name: String,
    diagnostics: Vec<Diagnostic>,
}

impl AssemblyErrors {
    pub(super) fn new(file_name: &str, diagnostics: Vec<Diagnostic>) -> AssemblyErrors {
        AssemblyErrors { file_name: file_name.into(), diagnostics }
    }

    /// Returns the name of the file that the text was assembled as.
    pub fn file_name(&self) -> &str {
        &self.file_name
    }

    /// Returns whether the assembler stopped at the limit, so that there can be more errors.
    pub fn is_full(&self) -> bool {
        self.diagnostics.len() == MAX_ASSEMBLY_ERRORS
    }
}

impl core::ops::Deref for AssemblyErrors {
    type Target = [Diagnostic];

    fn deref(&self) -> &[Diagnostic] {
        &self.diagnostics
    }
}

impl IntoIterator for AssemblyErrors {
    type Item = Diagnostic;
    type IntoIter = alloc::vec::IntoIter<Diagnostic>;

    fn into_iter(self) -> Self::IntoIter {
        self.diagnostics.into_iter()
    }
}

impl core::fmt::Display for AssemblyErrors {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        for (number, diagnostic) in self.diagnostics.iter().enumerate() {
            if number > 0 {
                f.write_str("\n")?;
            }
            if !self.file_name.is_empty() {
                write!(f, "{}: ", self.file_name)?;
            }
            write!(f, "{diagnostic}")?;
        }
        if self.is_full() {
            write!(f, "\nstopped after {MAX_ASSEMBLY_ERRORS} errors")?;
        }
        Ok(())
    }
}

impl core::error::Error for AssemblyErrors {}

/// A diagnostic whose line and column are not known yet.
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

    /// Adds the most similar candidate as a hint, if one is similar enough.
    pub(super) fn did_you_mean<'c>(self, name: &str, candidates: impl Iterator<Item = &'c str>) -> Problem {
        match most_similar(name, candidates) {
            Some(similar) => self.with_hint(alloc::format!("did you mean `{}`?", Excerpt(similar))),
            None => self,
        }
    }
}

/// The errors found so far, and the unused names.
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

    /// Returns whether the limit of errors is reached.
    pub(super) fn is_full(&self) -> bool {
        self.found.len() >= MAX_ASSEMBLY_ERRORS
    }

    /// Returns the problems as errors of this file, if there are any.
    pub(super) fn finish(mut self, file_name: &str) -> Result<Self, AssemblyErrors> {
        if self.found.is_empty() {
            return Ok(self);
        }
        self.found.sort_by_key(|problem| problem.span.start);
        self.found.truncate(MAX_ASSEMBLY_ERRORS);
        Err(AssemblyErrors::new(file_name, locate(self.text, self.found)))
    }

    /// Returns the unused names, except those that start with `_`, in line order.
    pub(super) fn unused(self) -> Vec<Diagnostic> {
        let mut unused = self.unused;
        unused.sort_by_key(|unused| unused.span.start);
        let name = |unused: &Unused| self.text.get(unused.span.clone()).unwrap_or_default();
        unused.retain(|unused| !name(unused).trim_start_matches('"').starts_with('_'));
        let problem = |unused: Unused| {
            let message = alloc::format!("{} `{}` is never used", unused.what, Excerpt(name(&unused)));
            match unused.what {
                "import" => Problem::new(unused.span, message),
                _ => Problem::new(unused.span, message)
                    .with_hint("a name that starts with `_` is not reported"),
            }
        };
        locate(self.text, unused.into_iter().map(problem).collect())
    }
}

/// Computes the lines and columns of diagnostics, which are in text order.
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

/// Returns the candidate with the smallest edit distance to the name, if the distance is small for the length of the
/// name. Messages suggest it.
///
/// ```
/// let commands = ["step", "next", "continue"];
/// assert_eq!(vsp_core::text::most_similar("contniue", commands.into_iter()), Some("continue"));
/// assert_eq!(vsp_core::text::most_similar("xyzzy", commands.into_iter()), None);
/// ```
pub fn most_similar<'c>(name: &str, candidates: impl Iterator<Item = &'c str>) -> Option<&'c str> {
    let length = name.chars().count();
    let allowed = (length / 3).max(1);
    // Comparing takes time proportional to the product of the lengths.
    const MAX_COMPARED: usize = 255;
    let comparable =
        |other: &&str| length <= MAX_COMPARED && other.chars().count().abs_diff(length) <= allowed;
    candidates
        .filter(comparable)
        .map(|candidate| (edit_distance(name, candidate), candidate))
        // Every other letter is at distance 1 from a one-letter name.
        .filter(|(distance, _)| *distance <= allowed && *distance < length)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// Returns the number of characters to insert, delete, replace or swap with their neighbour to turn one name into the
/// other, ignoring case (the "optimal string alignment" distance).
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
        let errors = diagnostics.finish("").unwrap_err();
        assert_eq!((errors[0].line, errors[0].column), (2, 4));
    }
}
