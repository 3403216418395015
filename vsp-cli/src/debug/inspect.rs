//! Commands that show or change the state of a stopped program, and show its location.

use vsp_core::index::{GlobalIndex, Location};
use vsp_core::{Escaped, Excerpt};

use super::commands::{Failure, no_arguments};
use super::expression::{Expression, Value, memory_range};
use super::history::Edit;
use super::points;
use super::session::Session;
use super::show;
use crate::code::{Line, Position};
use crate::style::{LOCATION, paint};

/// Number of lines or instructions shown before and after a location.
const AROUND: u32 = 5;

/// Numbers of frames listed from the innermost one, and from the outermost one.
const INNERMOST: usize = 20;
const OUTERMOST: usize = 5;

/// Default and maximum number of bytes of a memory dump.
const DUMP: usize = 64;
const MAX_DUMP: usize = 1 << 16;

/// Evaluates an expression.
fn value(session: &Session<'_>, text: &str) -> Result<Value, Failure> {
    points::expression(session, text)?.expression.value(&session.scope())
}

fn bits(value: Value) -> Result<u64, Failure> {
    value.bits().ok_or_else(|| "the number is larger than 64 bits can hold".to_owned())
}

fn here(session: &Session<'_>) -> Result<Location, Failure> {
    session.location().ok_or_else(|| "the program has ended; `restart` runs it again".to_owned())
}

pub(crate) fn resume(session: &mut Session<'_>, rest: &str) -> Result<(), Failure> {
    let value = bits(value(session, rest)?)?;
    session.resume(value)
}

pub(crate) fn show_location(session: &mut Session<'_>, rest: &str) -> Result<(), Failure> {
    no_arguments(rest)?;
    let location = here(session)?;
    session.out += &format!("{}:\n", paint(LOCATION, &session.code.describe(location)));
    session.out += &show::location(&session.code, location, show::mark(session.selected == 0, false));
    Ok(())
}

pub(crate) fn backtrace(session: &mut Session<'_>, rest: &str) -> Result<(), Failure> {
    no_arguments(rest)?;
    here(session)?;
    let depth = session.depth();
    let mut frames: Vec<String> = Vec::new();
    for (number, location) in session.instance.call_stack().enumerate() {
        let mark = if number == session.selected { "=>" } else { "  " };
        if number < INNERMOST || number >= depth - OUTERMOST.min(depth) {
            let described = paint(LOCATION, &session.code.describe(location));
            frames.push(format!("{mark} {number}  {described}\n"));
        } else if number == INNERMOST {
            frames.push(format!("    … {} more\n", depth - INNERMOST - OUTERMOST));
        }
    }
    session.out.extend(frames);
    Ok(())
}

pub(crate) fn frame(session: &mut Session<'_>, rest: &str) -> Result<(), Failure> {
    let depth = session.depth();
    let number = rest.parse().ok().filter(|number| *number < depth);
    session.selected = number.ok_or_else(|| match depth {
        0 => "there are no frames".to_owned(),
        _ => format!("expected the number of a frame, 0 to {}", depth - 1),
    })?;
    session.listed = None;
    show_location(session, "")
}

/// Selects the frame `by` calls further out.
pub(crate) fn move_frame(session: &mut Session<'_>, rest: &str, by: isize) -> Result<(), Failure> {
    no_arguments(rest)?;
    let number = session.selected.checked_add_signed(by).filter(|number| *number < session.depth());
    match number {
        Some(number) => frame(session, &number.to_string()),
        None if by > 0 => Err("there is no frame above this one".into()),
        None => Err("there is no frame below this one".into()),
    }
}

pub(crate) fn registers(session: &mut Session<'_>, rest: &str) -> Result<(), Failure> {
    no_arguments(rest)?;
    here(session)?;
    let shown = session.instance.frames().nth(session.selected).map(|frame| show::registers(frame.registers));
    session.out += &shown.unwrap_or_default();
    Ok(())
}

pub(crate) fn locals(session: &mut Session<'_>, rest: &str) -> Result<(), Failure> {
    no_arguments(rest)?;
    here(session)?;
    let locals = session.instance.frames().nth(session.selected).map_or(&[][..], |frame| frame.locals);
    let names = (0..locals.len()).map(|number| format!("${number}"));
    let shown = show::named_values(names.zip(locals.iter().copied()));
    session.out += if shown.is_empty() { "this function has no locals\n" } else { &shown };
    Ok(())
}

pub(crate) fn states(session: &mut Session<'_>, rest: &str) -> Result<(), Failure> {
    no_arguments(rest)?;
    here(session)?;
    let states = session.instance.frames().nth(session.selected).map_or(&[][..], |frame| frame.states);
    session.out += &match states {
        [] => "this function has no state registers\n".to_owned(),
        states => show::states(states),
    };
    Ok(())
}

pub(crate) fn globals(session: &mut Session<'_>, rest: &str) -> Result<(), Failure> {
    no_arguments(rest)?;
    let globals = (0..).map(GlobalIndex).map_while(|index| Some((index, session.instance.global(index)?)));
    let shown = show::named_values(
        globals.map(|(index, value)| (Excerpt(&session.code.global(index)).to_string(), value)),
    );
    session.out += if shown.is_empty() { "the program has no globals\n" } else { &shown };
    Ok(())
}

pub(crate) fn print(session: &mut Session<'_>, rest: &str) -> Result<(), Failure> {
    let value = value(session, rest)?;
    session.out += &format!("{value}\n");
    Ok(())
}

pub(crate) fn set(session: &mut Session<'_>, rest: &str) -> Result<(), Failure> {
    // The first `=` that is not part of `==` or another operator.
    let assigned = rest.match_indices('=').map(|(at, _)| at).find(|at| {
        let before = rest[..*at].chars().next_back();
        !matches!(before, Some('=' | '!' | '<' | '>')) && !rest[at + 1..].starts_with('=')
    });
    let at = assigned.ok_or("expected TARGET = EXPR, like R0 = 5")?;
    let (target, text) = (rest[..at].trim(), rest[at + 1..].trim());
    let target = points::expression(session, target)?.expression;
    let value = value(session, text)?;
    let frame = session.selected;
    let edit = match target {
        Expression::Memory(ty, address) => {
            let address = address.value(&session.scope())?;
            let range = memory_range(session.instance.memory(), ty, address)?;
            let bits = ty.write(value).ok_or_else(|| format!("{value} is no {ty}"))?;
            Edit::Memory(range.clone(), bits.to_le_bytes()[..range.len()].to_vec())
        }
        Expression::Register(register) => Edit::Register(frame, register, bits(value)?),
        Expression::Local(number) => Edit::Local(frame, number, bits(value)?),
        Expression::Global(global) => Edit::Global(global, bits(value)?),
        _ => return Err("only a register, $local, global or type[address] can be set".into()),
    };
    session.change(edit)
}

pub(crate) fn memory(session: &mut Session<'_>, rest: &str) -> Result<(), Failure> {
    let (address, count) = match rest.rsplit_once(',') {
        Some((address, count)) => (address.trim(), Some(count.trim())),
        None => (rest, None),
    };
    let size = session.instance.memory().len();
    let start = match value(session, address)? {
        Value::Int(start) => usize::try_from(start).ok().filter(|start| *start < size),
        Value::Float(_) => None,
    };
    let start = start.ok_or_else(|| format!("expected an address, 0 to {}", size - 1))?;
    let count = match count.map(|count| value(session, count)).transpose()? {
        None => DUMP,
        Some(Value::Int(count)) if (1..=MAX_DUMP as i128).contains(&count) => count as usize,
        Some(_) => return Err(format!("expected a number of bytes, 1 to {MAX_DUMP}")),
    };
    let end = start.saturating_add(count).min(size);
    let shown = show::memory(&session.instance.memory()[start..end], start);
    session.out += &shown;
    if end - start < count {
        session.out += "the memory ends here\n";
    }
    Ok(())
}

pub(crate) fn list(session: &mut Session<'_>, rest: &str) -> Result<(), Failure> {
    let first = match (rest, session.listed) {
        ("", Some(next)) => next,
        ("", None) => {
            let location = here(session)?;
            let line = session.code.line(location);
            let line = line.ok_or("this function has no source lines; try `disassemble`")?;
            Line { line: line.line.saturating_sub(AROUND).max(1), ..line }
        }
        (location, _) => {
            let line = match session.code.position(location, session.location())? {
                Position::Line(line) => line,
                Position::Word(location) => {
                    session.code.line(location).ok_or("this location has no source line")?
                }
            };
            Line { line: line.line.saturating_sub(AROUND).max(1), ..line }
        }
    };
    let current = session.location().and_then(|location| session.code.line(location));
    let breaks: Vec<Line> =
        session.stops.locations().filter_map(|location| session.code.line(location)).collect();
    let lines = (first.line..=first.line.saturating_add(2 * AROUND)).map(|line| Line { line, ..first });
    let mut shown = 0;
    for line in lines {
        let mark = show::mark(current == Some(line), breaks.contains(&line));
        let Some(text) = show::source_line(&session.code, line, mark) else { break };
        session.out += &text;
        shown += 1;
    }
    if shown == 0 {
        let file = Escaped(session.code.file_name(first.file));
        return Err(format!("{file} is not available, or has no line {}", first.line));
    }
    session.listed = Some(Line { line: first.line + shown, ..first });
    Ok(())
}

pub(crate) fn disassemble(session: &mut Session<'_>, rest: &str) -> Result<(), Failure> {
    let here = session.location();
    let around = match rest {
        "" => here.ok_or("the program has ended; `restart` runs it again")?,
        location => {
            let (_, locations) = points::locations(session, location)?;
            *locations.first().ok_or("there is no code")?
        }
    };
    let breaks: Vec<Location> = session.stops.locations().collect();
    let last = session.code.words(around.function).min(around.word.saturating_add(AROUND + 1));
    for word in around.word.saturating_sub(AROUND)..last {
        let location = Location { word, ..around };
        if let Some(label) = session.code.label(location) {
            session.out += &format!("        {label}:\n");
        }
        let mark = show::mark(here == Some(location), breaks.contains(&location));
        session.out += &show::instruction(&session.code, location, mark);
    }
    Ok(())
}

pub(crate) fn functions(session: &mut Session<'_>, rest: &str) -> Result<(), Failure> {
    no_arguments(rest)?;
    session.code.functions().iter().for_each(|line| session.out += &format!("{line}\n"));
    Ok(())
}
