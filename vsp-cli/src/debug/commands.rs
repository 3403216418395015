//! The commands of the debugger: their table, and the parser of a line.

use vsp_core::Excerpt;
use vsp_core::text::most_similar;
use vsp_host::number;

use super::session::{Goal, Grain, Session};
use super::travel::Back;
use super::{inspect, points};
use crate::program::UNLIMITED;

/// The continuation after a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flow {
    Continue,
    Quit,
}

/// The error of a command; several lines if the location of a syntax error is shown.
pub(crate) type Failure = String;

type Run = fn(&mut Session<'_>, &str) -> Result<(), Failure>;

/// A command.
pub(crate) struct Command {
    /// Its name and its short names.
    pub(crate) names: &'static [&'static str],
    /// The notation of its arguments.
    pub(crate) arguments: &'static str,
    /// Its description.
    pub(crate) help: &'static str,
    run: Run,
}

const fn command(
    names: &'static [&'static str],
    arguments: &'static str,
    help: &'static str,
    run: Run,
) -> Command {
    Command { names, arguments, help, run }
}

/// All commands, in the order in which `help` lists them.
pub(crate) const COMMANDS: &[Command] = &[
    command(&["step", "s"], "[N]", "go to the next line, into calls; N times", |session, rest| {
        session.go(&Goal::Into(Grain::Line), times(rest)?)
    }),
    command(&["next", "n"], "[N]", "go to the next line, over calls", |session, rest| {
        session.go(&Goal::Over(Grain::Line), times(rest)?)
    }),
    command(&["stepi", "si"], "[N]", "execute one instruction, into calls", |session, rest| {
        session.go(&Goal::Into(Grain::Instruction), times(rest)?)
    }),
    command(&["nexti", "ni"], "[N]", "execute one instruction, over calls", |session, rest| {
        session.go(&Goal::Over(Grain::Instruction), times(rest)?)
    }),
    command(&["out", "o"], "", "continue until this function returns", |session, rest| {
        no_arguments(rest).and_then(|()| session.go(&Goal::Out, 1))
    }),
    command(
        &["continue", "c"],
        "",
        "continue until a breakpoint, a watched change, or the end",
        |session, rest| no_arguments(rest).and_then(|()| session.go(&Goal::End, 1)),
    ),
    command(&["until", "u"], "LOCATION", "continue until LOCATION", points::until),
    command(
        &["reverse-step", "rs"],
        "[N]",
        "go back to the start of a line, into calls; N times",
        |session, rest| session.back(Back::Into(Grain::Line), times(rest)?),
    ),
    command(&["reverse-next", "rn"], "[N]", "go back to the start of a line, over calls", |session, rest| {
        session.back(Back::Over(Grain::Line), times(rest)?)
    }),
    command(&["reverse-stepi", "rsi"], "[N]", "go back one instruction, into calls", |session, rest| {
        session.back(Back::Into(Grain::Instruction), times(rest)?)
    }),
    command(&["reverse-nexti", "rni"], "[N]", "go back one instruction, over calls", |session, rest| {
        session.back(Back::Over(Grain::Instruction), times(rest)?)
    }),
    command(&["reverse-finish", "rf"], "", "go back to the call of this function", |session, rest| {
        no_arguments(rest).and_then(|()| session.back(Back::Call, 1))
    }),
    command(
        &["reverse-continue", "rc"],
        "",
        "go back to the last stop at a breakpoint or a watched change, or to the start",
        |session, rest| no_arguments(rest).and_then(|()| session.back(Back::Stop, 1)),
    ),
    command(
        &["goto"],
        "FUEL|start|end",
        "go to where that much fuel is used, back or forward; `end` is the present",
        goto,
    ),
    command(&["resume"], "VALUE", "give a YIELD the value it waits for", inspect::resume),
    command(&["restart"], "", "back to the start; breakpoints stay", |session, rest| {
        no_arguments(rest).and_then(|()| session.restart())
    }),
    command(&["fuel"], "[UNITS]", "show the fuel, or set how much is left", fuel),
    command(
        &["break", "b"],
        "[LOCATION] [if EXPR]",
        "stop there, if EXPR is not 0; without LOCATION here",
        points::add_break,
    ),
    command(&["tbreak"], "[LOCATION] [if EXPR]", "the same, once", points::add_temporary_break),
    command(&["watch"], "EXPR", "stop when the value of EXPR changes", points::watch),
    command(&["display"], "[EXPR]", "show EXPR at every stop; without EXPR all of them now", points::display),
    command(&["breakpoints", "bl"], "", "list breakpoints, watched and displayed expressions", points::list),
    command(&["delete", "d"], "N", "delete number N of that list", points::delete),
    command(&["enable"], "N", "switch breakpoint N on", |session, rest| points::enable(session, rest, true)),
    command(&["disable"], "N", "switch breakpoint N off", |session, rest| {
        points::enable(session, rest, false)
    }),
    command(&["where", "w"], "", "show the location of this frame", inspect::show_location),
    command(&["backtrace", "bt"], "", "list the frames: the calls that led here", inspect::backtrace),
    command(&["frame", "f"], "N", "look at frame N of that list", inspect::frame),
    command(&["up"], "", "look at the frame that called this one", |session, rest| {
        inspect::move_frame(session, rest, 1)
    }),
    command(&["down"], "", "look at the frame that this one called", |session, rest| {
        inspect::move_frame(session, rest, -1)
    }),
    command(&["registers", "r", "regs"], "", "show the registers of this frame", inspect::registers),
    command(&["locals"], "", "show the locals of this frame", inspect::locals),
    command(&["states"], "", "show the state registers of this frame", inspect::states),
    command(&["globals"], "", "show the globals", inspect::globals),
    command(&["print", "p"], "EXPR", "show the value of EXPR", inspect::print),
    command(&["set"], "TARGET = EXPR", "change a register, $local, global or type[address]", inspect::set),
    command(&["memory", "m"], "EXPR [, N]", "show N bytes (64) from address EXPR", inspect::memory),
    command(
        &["list", "l"],
        "[LOCATION]",
        "show source lines around LOCATION or here, then the following ones",
        inspect::list,
    ),
    command(
        &["disassemble", "dis"],
        "[LOCATION]",
        "show instructions around LOCATION or here",
        inspect::disassemble,
    ),
    command(&["functions"], "", "list the functions", inspect::functions),
    command(&["help", "h"], "[COMMAND]", "list the commands, or explain one", help),
    command(&["quit", "q"], "", "end the debugger", |_, rest| no_arguments(rest)),
];

/// Executes a line. Empty lines, and those that start with `#`, do nothing.
pub(crate) fn execute(session: &mut Session<'_>, line: &str) -> Result<Flow, Failure> {
    let line = line.trim();
    if line.is_empty() || line.starts_with('#') {
        return Ok(Flow::Continue);
    }
    let (name, rest) = line.split_at(line.find(char::is_whitespace).unwrap_or(line.len()));
    let command = find(name)?;
    (command.run)(session, rest.trim())?;
    Ok(if command.names[0] == "quit" { Flow::Quit } else { Flow::Continue })
}

/// Returns the command with this name, or the only one with this prefix.
fn find(name: &str) -> Result<&'static Command, Failure> {
    if let Some(command) = COMMANDS.iter().find(|command| command.names.contains(&name)) {
        return Ok(command);
    }
    let begun: Vec<&Command> = COMMANDS.iter().filter(|command| command.names[0].starts_with(name)).collect();
    match begun.as_slice() {
        [command] => Ok(command),
        [] => {
            let names = COMMANDS.iter().flat_map(|command| command.names.iter().copied());
            // Nearly any name of one letter is similar to another.
            let similar = most_similar(name, names.filter(|name| name.len() > 2));
            let hint = similar.map_or_else(String::new, |it| format!("; did you mean `{it}`?"));
            Err(format!("there is no command `{}`{hint}; `help` lists them", Excerpt(name)))
        }
        several => {
            let names: Vec<&str> = several.iter().map(|command| command.names[0]).collect();
            Err(format!("`{name}` can be {}", names.join(", ")))
        }
    }
}

/// Checks that the command has no arguments.
pub(crate) fn no_arguments(rest: &str) -> Result<(), Failure> {
    if rest.is_empty() { Ok(()) } else { Err(format!("unexpected argument `{}`", Excerpt(rest))) }
}

fn times(rest: &str) -> Result<u64, Failure> {
    match rest {
        "" => Ok(1),
        _ => number::count(rest)
            .ok()
            .filter(|times| *times > 0)
            .ok_or_else(|| format!("`{}` is not a positive count", Excerpt(rest))),
    }
}

fn fuel(session: &mut Session<'_>, rest: &str) -> Result<(), Failure> {
    if !rest.is_empty() {
        let units = number::count(rest).ok().filter(|units| *units <= UNLIMITED);
        let units =
            units.ok_or_else(|| format!("`{}` is out of range for fuel: 0 to 2^63 - 1", Excerpt(rest)))?;
        session.set_fuel(units)?;
    }
    // A program without a limit has `UNLIMITED` fuel, of which it never uses half.
    let left = session.instance.fuel().filter(|left| *left < (UNLIMITED / 2) as i64);
    let left = left.map_or_else(|| "no limit".to_owned(), |left| format!("left: {left}"));
    session.out += &format!("fuel used: {}, {left}\n", session.fuel_used());
    if !session.is_present() {
        session.out += &format!("fuel used in the present: {}\n", session.present());
    }
    Ok(())
}

fn goto(session: &mut Session<'_>, rest: &str) -> Result<(), Failure> {
    let position = match rest {
        "start" => Ok(0),
        "end" => Ok(session.present()),
        _ => number::count(rest),
    };
    let position = position.map_err(|_| {
        format!("`{}` is no amount of fuel: expected a number, `start` or `end`", Excerpt(rest))
    })?;
    session.goto(position)
}

const EXPRESSIONS: &str = "\
LOCATION is LINE, FILE:LINE, FUNCTION or FUNCTION+WORD. EXPR knows
  numbers       5  -0x10  0b1010  'c'  2.5
  R0 to RF      a register of this frame, as a signed integer
  $3            local number 3
  name          the value of a global or .equ, or the address of data or space; \"in quotes\" if it is not a word
  depth         the number of frames
  u8[ADDRESS]   memory; the types are u8 u16 u32 u64 i8 i16 i32 i64 f32 f64
  f64(EXPR)     the low bits of a value as that type: u64(R0) is R0 unsigned, f64(R0) as binary64
  operators     * / %  + -  << >>  &  ^  |  == != < <= > >=  &&  ||  and - ! ~ before a value
";

fn help(session: &mut Session<'_>, rest: &str) -> Result<(), Failure> {
    let describe = |command: &Command| {
        let names = command.names.join(", ");
        format!("{:<36}  {}\n", format!("{names} {}", command.arguments).trim_end(), command.help)
    };
    if rest.is_empty() {
        session.out.extend(COMMANDS.iter().map(describe));
        session.out += "A command can be abbreviated to a unique prefix.\n";
        session.out += EXPRESSIONS;
        return Ok(());
    }
    let command = find(rest)?;
    session.out += &describe(command);
    if ["LOCATION", "EXPR"].iter().any(|word| command.arguments.contains(word)) {
        session.out += EXPRESSIONS;
    }
    Ok(())
}
