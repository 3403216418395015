//! Suspension everywhere: each call of a case is run with so little fuel that it suspends at one safepoint after the other,
//! in the interpreter and in machine code; states, balances and what comes of it have to be the same.

use vsp_core::program::Program;
use vsp_core::text;
use vsp_core::verify::Verified;
use vsp_core::{Imports, Instance, Options, Outcome};
use vsp_host::engine::{Engine, EngineKind, Module};
use vsp_host::native::CompileOptions;

use crate::case::{Case, Step};
use crate::imports;

/// So many different amounts of fuel are tried for each call.
const AMOUNTS: u64 = 48;

/// A call that needs more fuel than this is swept only so far.
const MAX_FUEL: u64 = 20_000;

/// Runs all calls of a case so. Gives how many suspensions were compared.
///
/// # Errors
/// An engine came to something else than the interpreter; the message says where.
pub fn sweep(text: &str, case: &Case) -> Result<usize, String> {
    let Ok(bytes) = text::assemble(text, "case.sil") else { return Ok(0) };
    let program = Program::read(&bytes[..]).map_err(|error| error.to_string())?;
    let Ok(program) = Verified::new(program) else { return Ok(0) };
    let imports = imports::imports().map_err(|error| error.to_string())?;
    let modules = EngineKind::ALL.map(|kind| {
        let options = CompileOptions { check_ir: true, ..CompileOptions::default() };
        Engine::with_options(kind, options).and_then(|engine| engine.load(&program))
    });
    let mut compared = 0;
    let mut done = Vec::new();
    for (line, step) in &case.steps {
        let Step::Call(name, args, _) = step else { continue };
        // Hundreds of calls that differ in their numbers suspend in the same ways.
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

/// What is seen of a call that begins with some fuel.
#[derive(Debug, PartialEq)]
struct Seen {
    first: Outcome,
    balance: Option<i64>,
    frames: Vec<vsp_core::index::Location>,
    state: Option<Vec<u8>>,
    /// After it was resumed until it ended, with plenty of fuel.
    last: Outcome,
    last_balance: Option<i64>,
    memory: Vec<u8>,
}

impl<'a> Run<'a> {
    fn with_fuel(&self, fuel: u64) -> Result<Seen, String> {
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
        Ok(Seen { first, balance, frames, state, last, last_balance: instance.fuel(), memory })
    }
}

/// Resumes until the program ends; what it waits for is 1, 2, 3 … Endless ones are given up.
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

fn difference(found: &Seen, expected: &Seen) -> String {
    let state = |seen: &Seen| seen.state.as_ref().map(|bytes| bytes.len());
    if (found.first, found.balance, &found.frames) != (expected.first, expected.balance, &expected.frames) {
        format!(
            "{:?} balance {:?} in {:?}, expected {:?} balance {:?} in {:?}",
            found.first, found.balance, found.frames, expected.first, expected.balance, expected.frames
        )
    } else if found.state != expected.state {
        format!("other saved states ({:?} and {:?} bytes)", state(found), state(expected))
    } else if (found.last, found.last_balance) != (expected.last, expected.last_balance) {
        format!(
            "ends with {:?} balance {:?}, expected {:?} balance {:?}",
            found.last, found.last_balance, expected.last, expected.last_balance
        )
    } else {
        "other memory".into()
    }
}
