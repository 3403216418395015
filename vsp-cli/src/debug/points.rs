//! Commands about breakpoints, watched and displayed expressions.

use vsp_core::index::Location;

use super::commands::{Failure, no_arguments};
use super::parse::{self, SyntaxError};
use super::session::{Goal, Session};
use super::stops::{Breakpoint, Condition, Watch};
use crate::code::Position;

/// Parses an expression; a syntax error shows its location.
pub(crate) fn expression(session: &Session<'_>, text: &str) -> Result<Condition, Failure> {
    if text.is_empty() {
        return Err("expected an expression; `help print` says what there is".into());
    }
    let expression = parse::parse(text, &session.code).map_err(|error| show(text, &error))?;
    Ok(Condition { text: text.to_owned(), expression })
}

/// Renders a syntax error with the part of the text that it is about, and the surrounding text.
fn show(text: &str, error: &SyntaxError) -> Failure {
    /// Maximum number of characters shown before the error, and from its start.
    const AROUND: usize = 36;
    let before: Vec<char> = text.get(..error.span.start).unwrap_or(text).chars().collect();
    let after: Vec<char> = text.get(error.span.start..).unwrap_or_default().chars().collect();
    let width = text.get(error.span.clone()).map_or(0, |part| part.chars().count()).clamp(1, AROUND);
    let left = if before.len() > AROUND { "…" } else { "" };
    let right = if after.len() > AROUND { "…" } else { "" };
    // A tab or another control character would shift the caret.
    let visible =
        |part: &[char]| part.iter().map(|it| if it.is_control() { ' ' } else { *it }).collect::<String>();
    let before = left.to_owned() + &visible(&before[before.len().saturating_sub(AROUND)..]);
    let after = visible(&after[..after.len().min(AROUND)]);
    let blanks = " ".repeat(before.chars().count());
    format!("{}\n    {before}{after}{right}\n    {blanks}{}", error.message, "^".repeat(width))
}

/// Returns the description of a position, and its locations. If its line has no code, those of the next one that has.
pub(crate) fn locations(session: &Session<'_>, text: &str) -> Result<(String, Vec<Location>), Failure> {
    match session.code.position(text, session.location())? {
        Position::Word(location) => Ok((session.code.describe(location), vec![location])),
        Position::Line(wanted) => {
            let (line, locations) = session.code.locations_of(wanted)?;
            let mut at = match locations.as_slice() {
                [location] => session.code.describe(*location),
                _ => format!("{} ({} locations)", session.code.line_name(line), locations.len()),
            };
            if line != wanted {
                at += &format!(", the first code after line {}", wanted.line);
            }
            Ok((at, locations))
        }
    }
}

pub(crate) fn until(session: &mut Session<'_>, rest: &str) -> Result<(), Failure> {
    if rest.is_empty() {
        return Err("expected a location: LINE, FILE:LINE, FUNCTION or FUNCTION+WORD".into());
    }
    let (_, locations) = locations(session, rest)?;
    session.go(&Goal::At(locations), 1)
}

pub(crate) fn add_break(session: &mut Session<'_>, rest: &str) -> Result<(), Failure> {
    add(session, rest, false)
}

pub(crate) fn add_temporary_break(session: &mut Session<'_>, rest: &str) -> Result<(), Failure> {
    add(session, rest, true)
}

fn add(session: &mut Session<'_>, rest: &str, temporary: bool) -> Result<(), Failure> {
    // The line is trimmed, and a condition may be missing.
    let padded = format!(" {rest} ");
    let (location, condition) = match padded.split_once(" if ") {
        Some((location, condition)) => (location, Some(condition.trim())),
        None => (rest, None),
    };
    if condition == Some("") {
        return Err("expected an expression after `if`, like R0 == 5; `help break` says what there is".into());
    }
    let (at, locations) = match location.trim() {
        "" => {
            let here = session.location().ok_or("the program has ended: where should it stop?")?;
            (session.code.describe(here), vec![here])
        }
        location => locations(session, location)?,
    };
    let condition = condition.map(|text| expression(session, text)).transpose()?;
    let number = session.stops.number();
    session.out += &format!("breakpoint {number} at {at}\n");
    session.stops.breakpoints.push(Breakpoint {
        number,
        at,
        locations,
        condition,
        enabled: true,
        temporary,
        hits: 0,
    });
    Ok(())
}

pub(crate) fn watch(session: &mut Session<'_>, rest: &str) -> Result<(), Failure> {
    let watched = expression(session, rest)?;
    let depth = match watched.expression.is_of_frame() {
        true if session.selected > 0 => {
            return Err("registers and locals can be watched in the innermost frame only".into());
        }
        true => Some(session.depth()),
        false => None,
    };
    let last = watched.expression.value(&session.scope()).ok();
    let number = session.stops.number();
    let shown = last.map_or_else(|| "no value now".to_owned(), |value| format!("{value} now"));
    session.out += &format!("watch {number}: {rest}, {shown}\n");
    session.stops.watches.push(Watch { number, watched, enabled: true, depth, last });
    Ok(())
}

pub(crate) fn display(session: &mut Session<'_>, rest: &str) -> Result<(), Failure> {
    if rest.is_empty() {
        session.show_displays();
        return Ok(());
    }
    let displayed = expression(session, rest)?;
    let value = displayed.expression.value(&session.scope());
    let value = value.map_or_else(|error| format!("no value: {error}"), |value| value.to_string());
    let number = session.stops.number();
    session.out += &format!("{number}: {rest} = {value}\n");
    session.stops.displays.push((number, displayed));
    Ok(())
}

pub(crate) fn list(session: &mut Session<'_>, rest: &str) -> Result<(), Failure> {
    no_arguments(rest)?;
    let lines = session.stops.list();
    match lines.is_empty() {
        true => session.out += "there are none\n",
        false => lines.iter().for_each(|line| session.out += &format!("{line}\n")),
    }
    Ok(())
}

fn number(rest: &str) -> Result<u32, Failure> {
    rest.parse().map_err(|_| "expected a number from the list that `breakpoints` shows".to_owned())
}

pub(crate) fn delete(session: &mut Session<'_>, rest: &str) -> Result<(), Failure> {
    let number = number(rest)?;
    match session.stops.delete(number) {
        true => Ok(()),
        false => Err(format!("there is no number {number}; `breakpoints` lists what there is")),
    }
}

pub(crate) fn enable(session: &mut Session<'_>, rest: &str, enabled: bool) -> Result<(), Failure> {
    let number = number(rest)?;
    match session.stops.enable(number, enabled) {
        true => Ok(()),
        false => Err(format!("there is no breakpoint or watch {number}; `breakpoints` lists what there is")),
    }
}
