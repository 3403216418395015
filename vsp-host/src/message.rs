//! Messages for people: errors with the lines they are about, traps with the calls that led to them.

use std::ops::Range;

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};
use vsp_core::index::Place;
use vsp_core::program::Program;
use vsp_core::verify::VerifyErrors;

use crate::load::{LoadError, Loaded};

/// Frames of a call stack that are printed.
const MOST_FRAMES: usize = 16;

/// The message of an error, with colours for a terminal.
pub fn render(error: &LoadError) -> String {
    let groups = match error {
        LoadError::Text { path, text, errors } => errors
            .iter()
            .map(|error| {
                let snippet = snippet(text, &path.display().to_string(), error.span.clone());
                let group = Level::ERROR.primary_title(error.message.clone()).element(snippet);
                match &error.hint {
                    Some(hint) => group.element(Level::HELP.message(hint.clone())),
                    None => group,
                }
            })
            .collect(),
        LoadError::Verify { loaded, errors: VerifyErrors::Rules { errors, more } } => {
            let mut groups: Vec<Group<'_>> = errors
                .iter()
                .map(|error| {
                    let place = describe(&loaded.program, error.place);
                    let title = Level::ERROR.primary_title(error.rule.to_string());
                    match line_of(loaded, error.place) {
                        Some((text, path, span)) => {
                            title.element(snippet(text, &path, span)).element(Level::NOTE.message(place))
                        }
                        None => title
                            .element(Level::NOTE.message(format!("in {}, {place}", loaded.path.display()))),
                    }
                })
                .collect();
            if *more {
                groups.push(Group::with_title(Level::NOTE.secondary_title("there are more errors")));
            }
            groups
        }
        other => vec![Group::with_title(Level::ERROR.primary_title(other.to_string()))],
    };
    Renderer::styled().render(&groups)
}

fn snippet<'t>(
    text: &'t str,
    path: &str,
    span: Range<usize>,
) -> Snippet<'t, annotate_snippets::Annotation<'t>> {
    // A point behind the last character is shown as that character's end.
    let end = span.end.min(text.len());
    let start = span.start.min(end);
    Snippet::source(text).path(path.to_owned()).annotation(AnnotationKind::Primary.span(start..end))
}

/// The source line of a place, if the program was assembled from a text that is at hand.
fn line_of(source: &Loaded, place: Place) -> Option<(&str, String, Range<usize>)> {
    let text = source.text.as_deref()?;
    let (_, line) = source.program.source_line_of(place)?;
    let mut start = 0;
    for (number, content) in text.split_inclusive('\n').enumerate() {
        if number + 1 == line as usize {
            let trimmed = content.trim();
            let indent = content.len() - content.trim_start().len();
            let span = start + indent..start + indent + trimmed.len();
            return Some((text, source.path.display().to_string(), span));
        }
        start += content.len();
    }
    None
}

/// A place as text: function, word, and source line where known.
pub fn describe(program: &Program<'_>, place: Place) -> String {
    let name = match program.function_name(place.function) {
        Some(name) => format!("function {name}"),
        None => format!("function {}", place.function),
    };
    match program.source_line_of(place) {
        Some((file, line)) => format!("{name}, word {} ({file}:{line})", place.word),
        None => format!("{name}, word {}", place.word),
    }
}

/// A program that stopped: why, where, and the calls that led there (innermost first).
pub fn render_stop(program: &Program<'_>, what: &str, places: &[Place]) -> String {
    let mut group = Group::with_title(Level::ERROR.primary_title(what.to_owned()));
    for (index, place) in places.iter().take(MOST_FRAMES).enumerate() {
        let how = if index == 0 { "at" } else { "called from" };
        group = group.element(Level::NOTE.no_name().message(format!("{how} {}", describe(program, *place))));
    }
    if places.len() > MOST_FRAMES {
        let more = format!("and from {} more calls", places.len() - MOST_FRAMES);
        group = group.element(Level::NOTE.no_name().message(more));
    }
    Renderer::styled().render(&[group])
}

/// A plain error message.
pub fn render_text(what: &str) -> String {
    Renderer::styled().render(&[Group::with_title(Level::ERROR.primary_title(what.to_owned()))])
}

/// A plain error message with what can help, one help to a line.
pub fn render_help(what: &str, help: &[String]) -> String {
    let mut group = Group::with_title(Level::ERROR.primary_title(what.to_owned()));
    for line in help {
        group = group.element(Level::HELP.message(line.clone()));
    }
    Renderer::styled().render(&[group])
}
