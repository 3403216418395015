//! Case files in the evaluator.

use vsp_core::program::Program;
use vsp_core::text;
use vsp_core::verify::Verified;

use super::machine::{Machine, Reference};
use super::numbers::power;
use crate::cases::{Case, Step};
use crate::cases::{compare, equal, location_name};
use crate::random::EngineInstance;

/// Returns the balance of an instance that counts no fuel: more than can be charged.
fn unmetered() -> i128 {
    power(120)
}

/// Runs a case. One whose text or program is rejected does not concern the evaluator, and passes.
///
/// # Errors
/// The first step that fails; the message gives its line.
pub fn run_case(text: &str, case: &Case, reference: &Reference) -> Result<(), String> {
    if case.steps.iter().any(|(_, step)| matches!(step, Step::Rejected(..) | Step::Error(..))) {
        return Ok(());
    }
    let bytes = text::assemble(text, "case.sil").map_err(|errors| errors[0].to_string())?;
    let program = Program::read(&bytes[..]).map_err(|error| error.to_string())?;
    let program = Verified::new(program).map_err(|error| error.to_string())?;
    let mut runner = Runner {
        reference,
        program: &program,
        memory: None,
        maximum: None,
        stack: None,
        fuel: unmetered(),
        interrupt: false,
        machine: None,
    };
    for (line, step) in &case.steps {
        runner.step(step).map_err(|message| format!("line {line}: {message}"))?;
    }
    Ok(())
}

struct Runner<'r> {
    reference: &'r Reference,
    program: &'r Verified<'r>,
    memory: Option<u64>,
    maximum: Option<u64>,
    stack: Option<u32>,
    /// The fuel of a new instance.
    fuel: i128,
    interrupt: bool,
    machine: Option<Machine>,
}

impl Runner<'_> {
    fn machine(&mut self) -> &mut Machine {
        let machine = self.machine.get_or_insert_with(|| {
            let mut machine = self.reference.machine(self.program, self.memory, self.stack);
            machine.balance = self.fuel;
            if let Some(maximum) = self.maximum {
                machine.memory_maximum = machine.memory_maximum.min(maximum.into());
            }
            machine
        });
        machine.interrupt = self.interrupt;
        machine
    }

    fn step(&mut self, step: &Step) -> Result<(), String> {
        let program = self.program.program();
        match step {
            Step::Call(name, arguments, expected) => {
                let function = program.export(name).ok_or("the program has no such export")?;
                let outcome = self.machine().call(function, arguments)?;
                compare(program, &outcome, expected)
            }
            Step::Resume(values, expected) => compare(program, &self.machine().resume(values)?, expected),
            Step::Fail(code, expected) => compare(program, &self.machine().fail(*code)?, expected),
            Step::Fuel(fuel) => {
                self.fuel = i128::from(*fuel).min(power(63) - 1);
                if let Some(machine) = &mut self.machine {
                    machine.balance = self.fuel;
                }
                Ok(())
            }
            Step::Balance(balance) => equal("the balance", self.machine().balance(), Some(*balance)),
            Step::Interrupt(on) => {
                self.interrupt = *on;
                Ok(())
            }
            Step::Memory(size) => {
                self.memory = Some(*size);
                Ok(())
            }
            Step::Maximum(size) => {
                self.maximum = Some(*size);
                Ok(())
            }
            Step::Stack(cells) => {
                self.stack = Some(*cells);
                Ok(())
            }
            Step::Reset => {
                self.machine().reset();
                Ok(())
            }
            Step::New => {
                (self.memory, self.maximum, self.stack) = (None, None, None);
                (self.fuel, self.machine) = (unmetered(), None);
                Ok(())
            }
            Step::Bytes(address, bytes) => {
                let start = *address as usize;
                let found = self.machine().memory().get(start..start + bytes.len());
                equal("memory", found, Some(bytes.as_slice()))
            }
            Step::Global(global, value) => {
                equal("the global", self.machine().globals.get(global).copied(), Some(*value))
            }
            Step::Frames(frames) => {
                let found = self.machine().call_stack().into_iter();
                let found: Vec<String> = found.map(|location| location_name(program, location)).collect();
                equal("the call stack", &found, frames)
            }
            Step::Rejected(..) | Step::Error(..) => Err("cannot be mixed with calls".into()),
        }
    }
}
