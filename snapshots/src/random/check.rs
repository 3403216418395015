//! The comparison of several engines on one program, turn by turn.

use std::fmt;

use vsp_core::generate::{Generated, Plan, Turn};
use vsp_core::isa::Reg;
use vsp_core::program::Program;
use vsp_core::verify::Verified;
use vsp_core::{Outcome, Reason};

use super::engine::{Engine, EngineInstance};
use super::tally::{End, Tally};

/// The first difference between an engine and the first engine.
#[derive(Clone, Debug)]
pub struct Difference {
    /// The engine that differs.
    pub engine: String,
    /// The number of the host's turn, from 0.
    pub turn: u32,
    /// The property that differs, with both values.
    pub what: String,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} in turn {}: {}", self.engine, self.turn, self.what)
    }
}

/// Carries out the plan of a program in all engines, and compares them with the first one after every turn. Engines
/// that do not count fuel are compared only if the program was never stopped by fuel or an interrupt.
///
/// # Errors
/// The engines differ, or the program is rejected.
pub fn check(made: &Generated, engines: &mut [&mut dyn Engine]) -> Result<Tally, Difference> {
    let refused = |what: String| Difference { engine: "the verifier".into(), turn: 0, what };
    let program = Program::read(&made.bytes[..]).map_err(|error| refused(error.to_string()))?;
    let program = Verified::new(program).map_err(|error| refused(error.to_string()))?;
    let mut metered = start(&program, &made.plan, engines, true)?;
    let mut tally = play(&program, &made.plan, &mut metered, &mut |_, _| {})?;
    tally.programs = 1;
    if !tally.was_metered() {
        let mut unmetered = start(&program, &made.plan, engines, false)?;
        if unmetered.len() > 1 {
            play(&program, &made.plan, &mut unmetered, &mut |_, _| {})?;
            tally.unmetered = 1;
        }
    }
    Ok(tally)
}

/// The name of an engine, and its instance of the program.
pub(super) type Named<'p> = (String, Box<dyn EngineInstance + 'p>);

/// Starts the first engine, and those of the others that count fuel (`metered`) or do not.
fn start<'p>(
    program: &'p Verified<'p>,
    plan: &Plan,
    engines: &mut [&mut dyn Engine],
    metered: bool,
) -> Result<Vec<Named<'p>>, Difference> {
    let mut instances = Vec::new();
    for (number, engine) in engines.iter_mut().enumerate() {
        if number == 0 || engine.is_metered() == metered {
            let name = engine.name().to_owned();
            match engine.start(program, plan) {
                Ok(instance) => instances.push((name, instance)),
                Err(what) => return Err(Difference { engine: name, turn: 0, what }),
            }
        }
    }
    Ok(instances)
}

/// An action of the host in a turn.
#[derive(Clone, Debug)]
pub(super) enum Action {
    Call { number: usize },
    Resume { values: Vec<u64> },
    Fail { code: u32 },
}

/// A callback for each turn, with the action, its outcome, and the instance in the first engine. The argument is `None`
/// when a call is abandoned.
pub(super) type Watch<'w> = dyn FnMut(Option<(&Turn, &Action, &Outcome)>, &dyn EngineInstance) + 'w;

/// Carries out a plan.
pub(super) fn play(
    program: &Verified<'_>,
    plan: &Plan,
    instances: &mut [Named<'_>],
    watch: &mut Watch<'_>,
) -> Result<Tally, Difference> {
    let mut tally = Tally::default();
    let mut number = 0;
    for call in 0..plan.calls.len() {
        let mut action = Action::Call { number: call };
        for round in 1.. {
            let turn = plan.turn(number);
            let outcome = take_turn(plan, instances, number, &turn, &action)?;
            number += 1;
            let Some((_, first)) = instances.first() else { return Ok(tally) };
            watch(Some((&turn, &action, &outcome)), first.as_ref());
            let used = (turn.fuel as i64).saturating_sub(first.balance().unwrap_or(0));
            // A host function can charge all the fuel there is.
            tally.fuel += used.clamp(0, 1 << 20) as u64;
            tally.count(&outcome);
            let Outcome::Suspended(suspension) = outcome else { break };
            change_frames(program, plan, instances, number - 1)?;
            if round >= plan.turns {
                tally.count_end(End::GivenUp);
                instances.iter_mut().for_each(|(_, instance)| instance.reset());
                let Some((_, first)) = instances.first() else { return Ok(tally) };
                watch(None, first.as_ref());
                break;
            }
            action = answer(program, suspension.reason, &plan.turn(number));
        }
    }
    Ok(tally)
}

/// Writes into the innermost frames of the suspended program the values that the plan has for this turn.
fn change_frames(
    program: &Verified<'_>,
    plan: &Plan,
    instances: &mut [Named<'_>],
    number: u32,
) -> Result<(), Difference> {
    for (engine, instance) in instances {
        let location = instance.call_stack().first().copied();
        let locals =
            location.and_then(|location| program.function(location.function)).map_or(0, |it| it.locals);
        let memory = instance.memory().len() as u64;
        for (slot, value) in plan.changes(number, Reg::ALL.len() as u32 + u32::from(locals), memory) {
            let failed = |what| Difference { engine: engine.clone(), turn: number, what };
            instance.write(slot, value).map_err(failed)?;
        }
    }
    Ok(())
}

/// Returns the host's response to a suspension.
fn answer(program: &Verified<'_>, reason: Reason, turn: &Turn) -> Action {
    let count = match reason {
        Reason::Fuel | Reason::Interrupted => 0,
        Reason::Yield(_) => 1,
        Reason::Pending(import) => {
            if let Some(code) = turn.error {
                return Action::Fail { code };
            }
            program.program().imports().nth(import.index()).map_or(0, |import| import.ty.results())
        }
    };
    Action::Resume { values: turn.answers[..count].to_vec() }
}

/// Carries out a turn in all engines, and compares them with the first.
fn take_turn(
    plan: &Plan,
    instances: &mut [Named<'_>],
    number: u32,
    turn: &Turn,
    action: &Action,
) -> Result<Outcome, Difference> {
    let mut outcomes = Vec::new();
    for (name, instance) in instances.iter_mut() {
        instance.prepare(turn.fuel, turn.interrupt);
        let outcome = match action {
            Action::Call { number } => {
                let call = &plan.calls[*number];
                instance.call(call.function, &call.arguments)
            }
            Action::Resume { values } => instance.resume(values),
            Action::Fail { code } => instance.fail(*code),
        };
        let outcome = outcome.map_err(|what| Difference { engine: name.clone(), turn: number, what })?;
        outcomes.push(outcome);
    }
    let Some(((_, first), others)) = instances.split_first() else {
        return Err(Difference { engine: "none".into(), turn: number, what: "no engine was given".into() });
    };
    for ((name, instance), outcome) in others.iter().zip(&outcomes[1..]) {
        compare((first.as_ref(), &outcomes[0]), (instance.as_ref(), outcome)).map_err(|what| Difference {
            engine: name.clone(),
            turn: number,
            what,
        })?;
    }
    Ok(outcomes[0])
}

/// Compares the whole observable state of two instances.
fn compare(
    expected: (&dyn EngineInstance, &Outcome),
    found: (&dyn EngineInstance, &Outcome),
) -> Result<(), String> {
    let ((expected, outcome), (found, found_outcome)) = (expected, found);
    equal("the outcome", found_outcome, outcome)?;
    if let (Some(found), Some(expected)) = (found.balance(), expected.balance()) {
        equal("the balance", &found, &expected)?;
    }
    equal("the call stack", &found.call_stack(), &expected.call_stack())?;
    equal("the globals", &found.globals(), &expected.globals())?;
    if let (Some(found), Some(expected)) = (found.frames(), expected.frames()) {
        equal("the frames", &found, &expected)?;
    }
    let (bytes, wanted) = (found.memory(), expected.memory());
    if bytes != wanted {
        let at = bytes.iter().zip(wanted).position(|(found, expected)| found != expected);
        return Err(match at {
            Some(at) => format!("memory at 0x{at:x} is {:x}, expected {:x}", bytes[at], wanted[at]),
            None => format!("memory has {} bytes, expected {}", bytes.len(), wanted.len()),
        });
    }
    if let (Some(found), Some(expected)) = (found.state()?, expected.state()?)
        && found != expected
    {
        let at = found.iter().zip(&expected).position(|(found, expected)| found != expected);
        let (found, expected) = (found.len(), expected.len());
        return Err(format!("the snapshot differs at byte {at:?}, of {found} bytes, expected {expected}"));
    }
    Ok(())
}

fn equal<T: PartialEq + fmt::Debug>(what: &str, found: &T, expected: &T) -> Result<(), String> {
    if found == expected { Ok(()) } else { Err(format!("{what} is {found:x?}, expected {expected:x?}")) }
}
