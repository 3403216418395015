//! Diagnostics for users: errors with the source lines, traps with the call stack.

use std::ops::Range;
use std::path::Path;

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet, Title};
use vsp_core::analysis::Slot;
use vsp_core::index::Location;
use vsp_core::limits::MAX_ASSEMBLY_ERRORS;
use vsp_core::text::Diagnostic;
use vsp_core::verify::VerifyErrors;
use vsp_core::{Excerpt, ImportError};

#[cfg(feature = "wasm")]
use crate::functions::MAX_NAMES;
use crate::imports::UnresolvedImport;
use crate::load::{LoadError, Loaded};
use crate::warnings::Warning;

/// Maximum number of frames of a call stack that are printed.
const MAX_FRAMES: usize = 16;

/// Renders an error, with colours for a terminal.
pub(crate) fn render(error: &LoadError) -> String {
    let groups = match error {
        LoadError::Text { path, text, errors } => {
            let groups = errors.iter().map(|error| of_text(Level::ERROR, text, path, error));
            groups.chain(summary(path, errors.len(), errors.len() == MAX_ASSEMBLY_ERRORS)).collect()
        }
        LoadError::Verify { loaded, errors: VerifyErrors::Rules { errors, more } } => {
            let mut groups: Vec<Group<'_>> = errors
                .iter()
                .map(|error| {
                    let title = Level::ERROR.primary_title(error.rule.to_string());
                    of_location(title, loaded, error.location, SourceLine::span)
                })
                .collect();
            groups.extend(summary(&loaded.path, errors.len(), *more));
            groups
        }
        other => vec![Group::with_title(Level::ERROR.primary_title(other.to_string()))],
    };
    Renderer::styled().render(&groups)
}

/// Returns the number of errors as a message, if it is not obvious. `stopped` means that there may be more.
fn summary(path: &Path, count: usize, stopped: bool) -> Option<Group<'static>> {
    let path = path.display();
    let text = match (count, stopped) {
        (_, true) => format!("{path}: … and more; stopped after {count} errors"),
        (0 | 1, false) => return None,
        (_, false) => format!("{path}: {count} errors"),
    };
    Some(Group::with_title(Level::ERROR.primary_title(text)))
}

/// Returns the diagnostic of a span of a text, with that span and the hint.
fn of_text<'t>(level: Level<'t>, text: &'t str, path: &Path, found: &Diagnostic) -> Group<'t> {
    let snippet = snippet(text, &path.display().to_string(), found.span.clone());
    let group = level.primary_title(found.message.clone()).element(snippet);
    match &found.hint {
        Some(hint) => group.element(Level::HELP.message(hint.clone())),
        None => group,
    }
}

/// Returns the diagnostic of a location, with a span of its source line if that is known.
fn of_location<'l>(
    title: Title<'l>,
    loaded: &'l Loaded,
    location: Location,
    part: impl Fn(&SourceLine<'l>) -> Range<usize>,
) -> Group<'l> {
    let described = location.display(&loaded.program).to_string();
    match line_of(loaded, location) {
        Some(line) => title.element(line.snippet(part(&line))).element(Level::NOTE.message(described)),
        None => title.element(Level::NOTE.message(format!("in {}, {described}", loaded.path.display()))),
    }
}

fn snippet<'t>(
    text: &'t str,
    path: &str,
    span: Range<usize>,
) -> Snippet<'t, annotate_snippets::Annotation<'t>> {
    // A point after the last character is shown as that character's end.
    let end = span.end.min(text.len());
    let start = span.start.min(end);
    Snippet::source(text).path(path.to_owned()).annotation(AnnotationKind::Primary.span(start..end))
}

/// A line of the text that a program was assembled from.
pub(crate) struct SourceLine<'l> {
    text: &'l str,
    path: String,
    /// Its range in the text in bytes, without the end of the line.
    line: Range<usize>,
}

impl<'l> SourceLine<'l> {
    /// Returns the text of the line.
    pub(crate) fn content(&self) -> &'l str {
        &self.text[self.line.clone()]
    }

    /// Returns the range of its code in the text: without surrounding blanks, and without the comment.
    pub(crate) fn span(&self) -> Range<usize> {
        let content = self.content();
        let code = code_of(content).trim();
        let start = self.line.start + content.len() - content.trim_start().len();
        start..start + code.len()
    }

    /// Returns the range of the last occurrence of a register's name in the text (sources follow destinations); if
    /// there is none, that of all the code.
    pub(crate) fn span_of(&self, register: &str) -> Range<usize> {
        let is_name = |character: char| character.is_alphanumeric() || character == '_';
        let (mut at, mut found) = (self.line.start, None);
        for word in code_of(self.content()).split_inclusive(|character| !is_name(character)) {
            let name = word.trim_end_matches(|character| !is_name(character));
            if name.eq_ignore_ascii_case(register) {
                found = Some(at..at + name.len());
            }
            at += word.len();
        }
        found.unwrap_or_else(|| self.span())
    }

    /// Returns the line with carets under this range of the text.
    pub(crate) fn snippet(&self, span: Range<usize>) -> Snippet<'l, annotate_snippets::Annotation<'l>> {
        snippet(self.text, &self.path, span)
    }
}

/// Returns a line of a `.sil` text without its comment.
pub(crate) fn code_of(line: &str) -> &str {
    let mut in_quotes = None;
    let mut escaped = false;
    let comment = line.char_indices().find(|(_, character)| {
        match (in_quotes, character) {
            _ if escaped => escaped = false,
            (Some(_), '\\') => escaped = true,
            (Some(quote), end) if quote == *end => in_quotes = None,
            (None, '"' | '\'') => in_quotes = Some(*character),
            _ => {}
        }
        in_quotes.is_none() && *character == ';'
    });
    &line[..comment.map_or(line.len(), |(at, _)| at)]
}

/// Returns the source line of a location, if the text of the program is available.
pub(crate) fn line_of(source: &Loaded, location: Location) -> Option<SourceLine<'_>> {
    let text = source.text.as_deref()?;
    let (file, line) = source.program.source_line_of(location)?;
    if source.path.file_name()?.to_str()? != file {
        return None;
    }
    let mut start = 0;
    for (number, content) in (1..).zip(text.split_inclusive('\n')) {
        if number == line {
            let line = start..start + content.trim_end().len();
            return Some(SourceLine { text, path: source.path.display().to_string(), line });
        }
        start += content.len();
    }
    None
}

/// Renders why and where a program stopped, with the call stack (innermost first).
pub(crate) fn render_stop(loaded: &Loaded, what: &str, locations: &[Location]) -> String {
    let program = &loaded.program;
    let mut group = Group::with_title(Level::ERROR.primary_title(what.to_owned()));
    if let Some(line) = locations.first().and_then(|location| line_of(loaded, *location)) {
        group = group.element(line.snippet(line.span()));
    }
    for (index, location) in locations.iter().take(MAX_FRAMES).enumerate() {
        let how = if index == 0 { "at" } else { "called from" };
        group = group.element(Level::NOTE.no_name().message(format!("{how} {}", location.display(program))));
    }
    if locations.len() > MAX_FRAMES {
        let more = format!("and from {} more calls", locations.len() - MAX_FRAMES);
        group = group.element(Level::NOTE.no_name().message(more));
    }
    Renderer::styled().render(&[group])
}

/// Renders warnings about a program; `more` is the number of others.
pub(crate) fn render_warnings(loaded: &Loaded, warnings: &[Warning], more: usize) -> String {
    let mut groups: Vec<Group<'_>> = warnings.iter().map(|warning| render_warning(loaded, warning)).collect();
    if more > 0 {
        let title = format!("there are {more} more warnings");
        groups.push(Group::with_title(Level::NOTE.secondary_title(title)));
    }
    Renderer::styled().render(&groups)
}

fn render_warning<'l>(loaded: &'l Loaded, warning: &'l Warning) -> Group<'l> {
    let (title, location, hint) = match warning {
        Warning::UnusedName(found) => {
            let text = loaded.text.as_deref().unwrap_or_default();
            return of_text(Level::WARNING, text, &loaded.path, found);
        }
        Warning::Unused { role, index, name } => {
            let name = name.as_ref().map_or_else(String::new, |name| format!(" ({})", Excerpt(name)));
            let title = format!("{} {index}{name} is never used", role.describe());
            let location = Level::NOTE.message(format!("in {}", loaded.path.display()));
            return Level::WARNING.primary_title(title).element(location);
        }
        Warning::UninitialisedRead { location, slot } => {
            let title = format!("{slot} can be read here before anything was written to it");
            (title, *location, Some("it is zero then; if that is meant, write 0 to it first"))
        }
        Warning::Unreachable { function, words } => {
            let title = match words.len() {
                1 => "this instruction is never reached".to_owned(),
                count => format!("this and what follows, {count} instructions, are never reached"),
            };
            (title, Location { function: *function, word: words.start }, None)
        }
    };
    let group = of_location(Level::WARNING.primary_title(title), loaded, location, |line| match warning {
        Warning::UninitialisedRead { slot: slot @ (Slot::Register(_) | Slot::State(_)), .. } => {
            line.span_of(&slot.to_string())
        }
        _ => line.span(),
    });
    match hint {
        Some(hint) => group.element(Level::HELP.message(hint)),
        None => group,
    }
}

/// Renders the imports that the host does not have, with their source lines.
pub(crate) fn render_imports(loaded: &Loaded, wrong: &[UnresolvedImport]) -> String {
    let groups: Vec<Group<'_>> = wrong.iter().map(|wrong| render_import(loaded, wrong)).collect();
    Renderer::styled().render(&groups)
}

fn render_import<'l>(loaded: &'l Loaded, wrong: &UnresolvedImport) -> Group<'l> {
    let title = Level::ERROR.primary_title(wrong.error.to_string());
    let span = import_span(loaded, wrong);
    let is_in_text = span.is_some();
    let group = match span {
        Some((text, span)) => title.element(snippet(text, &loaded.path.display().to_string(), span)),
        None => title.element(Level::NOTE.message(format!("in {}", loaded.path.display()))),
    };
    let UnresolvedImport { module, known, similar, error, .. } = wrong;
    let help = match (error, similar) {
        (ImportError::Missing { .. }, Some(similar)) => {
            format!("did you mean `{}.{similar}`?", Excerpt(module))
        }
        (ImportError::Missing { .. }, None) if module == "wasi_unstable" => {
            "this older version of WASI is not offered; compile the program for `wasi_snapshot_preview1`"
                .to_owned()
        }
        (ImportError::Missing { .. }, None) if module == "wasi_snapshot_preview1" && known.is_empty() => {
            "this build has no WASI: it needs the feature `wasi`".to_owned()
        }
        (ImportError::Missing { .. }, None) if known.is_empty() => {
            format!(
                "this host has no module `{}`; `--imports` declares what another host answers, and \
                 `--unknown-imports` provides all",
                Excerpt(module)
            )
        }
        (ImportError::Missing { .. }, None) => format!("`{module}` has {}", known.join(", ")),
        (ImportError::Type { host, .. }, _) if is_in_text => {
            format!("write `.import {module}.{} {host}`", wrong.name)
        }
        (ImportError::Type { host, .. }, _) => {
            format!("the host has `{}.{} {host}`", Excerpt(module), Excerpt(&wrong.name))
        }
        _ => return group,
    };
    group.element(Level::HELP.message(help))
}

/// Returns the span of an import in the text: in the directive with its number, if it names this import.
fn import_span<'l>(loaded: &'l Loaded, wrong: &UnresolvedImport) -> Option<(&'l str, Range<usize>)> {
    let text = loaded.text.as_deref()?;
    let mut at = 0;
    let lines = text.split_inclusive('\n').map(|line| {
        at += line.len();
        (at - line.len(), line)
    });
    let is_import = |(_, line): &(usize, &str)| line.trim_start().starts_with(".import");
    let (start, line) = lines.filter(is_import).nth(wrong.index as usize)?;
    let full = format!("{}.{}", wrong.module, wrong.name);
    let code = code_of(line);
    let from = code.find(&full)?;
    let to = if matches!(wrong.error, ImportError::Type { .. }) {
        code.trim_end().len()
    } else {
        from + full.len()
    };
    Some((text, start + from..start + to))
}

/// Renders a note.
pub(crate) fn render_note(what: &str) -> String {
    Renderer::styled().render(&[Group::with_title(Level::NOTE.primary_title(what.to_owned()))])
}

/// Renders an error message.
pub(crate) fn render_text(what: &str) -> String {
    Renderer::styled().render(&[Group::with_title(Level::ERROR.primary_title(what.to_owned()))])
}

/// Renders an error message with hints, one per line.
pub(crate) fn render_help(what: &str, help: &[String]) -> String {
    let mut group = Group::with_title(Level::ERROR.primary_title(what.to_owned()));
    for line in help {
        group = group.element(Level::HELP.message(line.clone()));
    }
    Renderer::styled().render(&[group])
}

/// Renders an error message with a hint and a list that belongs to it, abbreviated if it is long.
#[cfg(feature = "wasm")]
pub(crate) fn render_list(what: &str, help: &str, list: impl ExactSizeIterator<Item = String>) -> String {
    let mut group = Group::with_title(Level::ERROR.primary_title(what.to_owned()));
    group = group.element(Level::HELP.message(help.to_owned()));
    let more = list.len().saturating_sub(MAX_NAMES);
    for item in list.take(MAX_NAMES) {
        group = group.element(Level::NOTE.no_name().message(item));
    }
    if more > 0 {
        let all = format!("and {more} more: `vsp imports` lists them");
        group = group.element(Level::NOTE.no_name().message(all));
    }
    Renderer::styled().render(&[group])
}
