//! Exhaustive suspension: each call of a case is run with amounts of fuel that suspend it at one safepoint after
//! another, in the interpreter and in machine code. Snapshots, balances and final results must be the same.

use vsp_core::program::Program;
use vsp_core::text;
use vsp_core::verify::Verified;
use vsp_core::{Imports, Instance, Options, Outcome};
use vsp_host::engine::{Engine, EngineKind, Module};
use vsp_host::native::CompileOptions;

use super::parse::{Case, Step};
use crate::host_module;

/// Number of amounts of fuel that are tried for each call.
const AMOUNTS: u64 = 48;

/// Largest amount of fuel: a call that needs more is tested only up to here.
const MAX_FUEL: u64 = 20_000;

/// Runs the calls of a case with rising amounts of fuel. Returns the number of suspensions compared.
///
/// # Errors
/// An engine differs from the interpreter; the message says where.
pub fn suspend_everywhere(text: &str, case: &Case) -> Result<usize, String> {
    let Ok(bytes) = text::assemble(text, "case.sil") else { return Ok(0) };
    let program = Program::read(&bytes[..]).map_err(|error| error.to_string())?;
    let Ok(program) = Verified::new(program) else { return Ok(0) };
    let imports = host_module::imports().map_err(|error| error.to_string())?;
    let modules = EngineKind::ALL.map(|kind| {
        let options = CompileOptions { check_ir: true, ..CompileOptions::default() };
        Engine::with_options(kind, options).and_then(|engine| engine.load(&program))
    });
    let mut compared = 0;
    let mut done = Vec::new();
    for (line, step) in &case.steps {
        let Step::Call(name, args, _) = step else { continue };
        // Hundreds of calls that differ only in their arguments suspend at the same locations.
        if done.iter().filter(|other| *other == &name).count() == 2 {
            continue;
        }
        done.push(name);
        let mut runs = Vec::new();
        for module in &modules {
            let module = module.as_ref().map_err(|error| error.to_string())?;
            runs.push(Run { module, imports: &imports, name, args });
        }
        compared += compare(&runs).map_err(|error| format!("line {line}: {error}"))?;
    }
    Ok(compared)
}

/// One call in one engine.
struct Run<'a> {
    module: &'a Module<'a>,
    imports: &'a Imports<()>,
    name: &'a str,
    args: &'a [u64],
}

/// The observable state of a call that starts with a given amount of fuel.
#[derive(Debug, PartialEq)]
struct Observed {
    first: Outcome,
    balance: Option<i64>,
    frames: Vec<vsp_core::index::Location>,
    state: Option<Vec<u8>>,
    /// The final outcome, after resuming with plenty of fuel until the call ends.
    last: Outcome,
    last_balance: Option<i64>,
    memory: Vec<u8>,
}

impl<'a> Run<'a> {
    fn with_fuel(&self, fuel: u64) -> Result<Observed, String> {
        let options = Options { fuel: Some(fuel), ..Options::default() };
        let made = self.module.instantiate(self.imports, (), options);
        let mut instance = made.map_err(|error| error.to_string())?;
        let first = instance.call_export(self.name, self.args).map_err(|error| error.to_string())?;
        let state = match first {
            Outcome::Suspended(_) => Some(instance.save().map_err(|error| error.to_string())?),
            Outcome::Returned(_) | Outcome::Halted(_) | Outcome::Trapped(_) => None,
        };
        let (balance, frames) = (instance.fuel(), instance.call_stack().collect());
        let last = finish(&mut instance, first)?;
        let memory = instance.memory().to_vec();
        Ok(Observed { first, balance, frames, state, last, last_balance: instance.fuel(), memory })
    }
}

/// Resumes until the program ends, with the answers 1, 2, 3 …; gives up after 19 times.
fn finish(instance: &mut Instance<'_, ()>, mut outcome: Outcome) -> Result<Outcome, String> {
    for answer in 1..20 {
        let Outcome::Suspended(_) = outcome else { break };
        let count = instance.awaited_values();
        instance.set_fuel(MAX_FUEL);
        outcome = instance.resume(&[answer; 4][..count]).map_err(|error| error.to_string())?;
    }
    Ok(outcome)
}

fn compare(runs: &[Run<'_>]) -> Result<usize, String> {
    let whole = runs[0].with_fuel(MAX_FUEL)?;
    let used = (MAX_FUEL as i64).saturating_sub(whole.balance.unwrap_or(0)).clamp(0, MAX_FUEL as i64) as u64;
    let stride = (used / AMOUNTS).max(1);
    let mut compared = 0;
    for fuel in (0..=used).step_by(stride as usize) {
        let expected = runs[0].with_fuel(fuel)?;
        compared += usize::from(expected.state.is_some());
        for run in &runs[1..] {
            let found = run.with_fuel(fuel)?;
            if found != expected {
                let kind = run.module.compiled().map(|code| code.code().options().tier);
                return Err(format!("{kind:?} with fuel {fuel}: {}", difference(&found, &expected)));
            }
        }
    }
    Ok(compared)
}

fn difference(found: &Observed, expected: &Observed) -> String {
    let state = |observed: &Observed| observed.state.as_ref().map(|bytes| bytes.len());
    if (found.first, found.balance, &found.frames) != (expected.first, expected.balance, &expected.frames) {
        format!(
            "{:?} balance {:?} in {:?}, expected {:?} balance {:?} in {:?}",
            found.first, found.balance, found.frames, expected.first, expected.balance, expected.frames
        )
    } else if found.state != expected.state {
        format!("different snapshots ({:?} and {:?} bytes)", state(found), state(expected))
    } else if (found.last, found.last_balance) != (expected.last, expected.last_balance) {
        format!(
            "ends with {:?} balance {:?}, expected {:?} balance {:?}",
            found.last, found.last_balance, expected.last, expected.last_balance
        )
    } else {
        "other memory".into()
    }
}
