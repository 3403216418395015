//! Random programs as case files.

use std::fmt::Write;

use vsp_core::Outcome;
use vsp_core::generate::{Generated, Plan, Turn};
use vsp_core::index::Location;
use vsp_core::program::Program;
use vsp_core::text;
use vsp_core::verify::Verified;

use super::check::{Action, play};
use super::engine::{Engine, EngineInstance};

/// Returns a case file that carries out a program's plan and expects the results of this engine. `title` is its first
/// line.
///
/// # Errors
/// The engine cannot run the program.
pub fn case_file(made: &Generated, engine: &mut dyn Engine, title: &str) -> Result<String, String> {
    let program = Program::read(&made.bytes[..]).map_err(|error| error.to_string())?;
    let program = Verified::new(program).map_err(|error| error.to_string())?;
    let instance = engine.start(&program, &made.plan)?;
    let mut writer = Writer {
        program: &program,
        plan: &made.plan,
        memory: instance.memory().to_vec(),
        out: String::new(),
    };
    writer.line(format_args!("; {title}"));
    writer.sizes();
    let mut instances = [(engine.name().to_owned(), instance)];
    let mut interrupted = false;
    play(&program, &made.plan, &mut instances, &mut |done, instance| match done {
        None => writer.line(format_args!(";! reset")),
        Some((turn, action, outcome)) => {
            writer.prepare(turn, &mut interrupted);
            writer.turn(action, outcome, instance);
        }
    })
    .map_err(|difference| difference.to_string())?;
    writer.end(instances[0].1.as_ref());
    writer.out.push_str(&text::disassemble(program.program()));
    Ok(writer.out)
}

struct Writer<'a> {
    program: &'a Verified<'a>,
    plan: &'a Plan,
    /// The initial contents of the memory.
    memory: Vec<u8>,
    out: String,
}

impl Writer<'_> {
    fn line(&mut self, line: std::fmt::Arguments<'_>) {
        // Writing to a string cannot fail.
        let _ = writeln!(self.out, "{line}");
    }

    fn sizes(&mut self) {
        if let Some(memory) = self.plan.memory {
            self.line(format_args!(";! memory {memory}"));
        }
        if let Some(cells) = self.plan.stack_cells {
            self.line(format_args!(";! stack {cells}"));
        }
    }

    /// Writes the fuel of a turn, and the interrupt flag if it changes.
    fn prepare(&mut self, turn: &Turn, interrupted: &mut bool) {
        self.line(format_args!(";! fuel {}", turn.fuel));
        if turn.interrupt != *interrupted {
            self.line(format_args!(";! interrupt {}", if turn.interrupt { "on" } else { "off" }));
            *interrupted = turn.interrupt;
        }
    }

    fn turn(&mut self, action: &Action, outcome: &Outcome, instance: &dyn EngineInstance) {
        let (action, outcome) = (self.action(action), self.outcome(outcome));
        self.line(format_args!(";! {action} {outcome}"));
        if let Some(balance) = instance.balance() {
            self.line(format_args!(";! balance {balance}"));
        }
        let frames: Vec<String> =
            instance.call_stack().into_iter().map(|location| self.location(location)).collect();
        if !frames.is_empty() {
            self.line(format_args!(";! frames {}", frames.join(" ")));
        }
    }

    fn action(&self, action: &Action) -> String {
        match action {
            Action::Call { number } => {
                let call = &self.plan.calls[*number];
                format!("call f{}({})", call.function, values(&call.arguments))
            }
            Action::Resume { values: given } => format!("resume({})", values(given)),
            Action::Fail { code } => format!("fail({code})"),
        }
    }

    fn outcome(&self, outcome: &Outcome) -> String {
        match outcome {
            Outcome::Returned(results) if results.is_empty() => "= ()".into(),
            Outcome::Returned(results) => format!("= {}", values(results)),
            Outcome::Halted(value) => format!("halts 0x{value:X}"),
            Outcome::Trapped(stop) => {
                let trap = match stop.trap {
                    vsp_core::Trap::Explicit(number) | vsp_core::Trap::Host(number) => {
                        format!("{}({number})", stop.trap.name())
                    }
                    trap => trap.name().into(),
                };
                format!("traps {trap} at {}", self.location(stop.location))
            }
            Outcome::Suspended(suspension) => {
                let reason = crate::cases::reason_name(self.program.program(), suspension.reason);
                format!("suspends {reason} at {}", self.location(suspension.location))
            }
        }
    }

    /// Formats a location as the runner of the cases does.
    fn location(&self, location: Location) -> String {
        crate::cases::location_name(self.program.program(), location)
    }

    /// Writes the globals, and the rows of memory that changed.
    fn end(&mut self, instance: &dyn EngineInstance) {
        for (index, value) in instance.globals().into_iter().enumerate() {
            self.line(format_args!(";! global {index} = 0x{value:X}"));
        }
        const ROW: usize = 16;
        let before = std::mem::take(&mut self.memory);
        let rows = instance.memory().chunks(ROW).zip(before.chunks(ROW)).enumerate();
        let changed: Vec<(usize, Vec<u8>)> = rows
            .filter(|(_, (found, before))| found != before)
            .map(|(row, (found, _))| (row * ROW, found.to_vec()))
            .collect();
        for (address, bytes) in changed {
            let bytes: Vec<String> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
            self.line(format_args!(";! bytes 0x{address:x} = {}", bytes.join(" ")));
        }
    }
}

fn values(values: &[u64]) -> String {
    let values: Vec<String> = values.iter().map(|value| format!("0x{value:X}")).collect();
    values.join(", ")
}
