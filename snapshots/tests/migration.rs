//! Migration: every example is stopped several times, saved in a state file, and goes on in another engine. The bytes of
//! the state files are the same whichever engine writes them, and the end is that of a run that was never stopped.

use libtest_mimic::{Arguments, Failed, Trial};
use vsp_host::engine::EngineKind;
use vsp_snapshots::corpus::{Leg, Loaded, PROGRAMS, Pace, Program, RunResult};
use vsp_snapshots::{Configuration, EMULATED};

/// The engines. `auto` tiers up as early as possible.
const ENGINES: [EngineKind; 4] =
    [EngineKind::Interpreter, EngineKind::Tier1, EngineKind::Tier2, EngineKind::Auto];

/// Where a program is stopped, in thousandths of the fuel that it uses in all.
const STOPS: [u64; 3] = [7, 430, 985];

/// Number of invocations of each program.
const EXAMPLES: usize = if EMULATED { 1 } else { 8 };

fn main() {
    let arguments = Arguments::from_args();
    let trials = PROGRAMS.iter().map(|program| Trial::test(program.name, move || migrate(program))).collect();
    libtest_mimic::run(&arguments, trials).exit();
}

fn migrate(program: &Program) -> Result<(), Failed> {
    let loaded = ENGINES.map(|kind| Loaded::new(program, Configuration::Run(kind)));
    let loaded = loaded.into_iter().collect::<Result<Vec<_>, String>>()?;
    let mut stopped = 0;
    for example in program.examples().iter().take(EXAMPLES) {
        let whole = loaded[0].run(&example.invocation, Pace::Whole)?;
        example.expected.check(&whole)?;
        // One chain for each engine, which hands the program on to the next engine at each stop.
        let mut chains = Vec::new();
        for first in 0..ENGINES.len() {
            chains.push(chain(&loaded, first, example, &whole)?);
        }
        for (first, chain) in chains.iter().enumerate() {
            for (stop, (one, other)) in chain.iter().zip(&chains[0]).enumerate() {
                if one != other {
                    return Err(format!("chain {first}: the state at stop {stop} has other bytes").into());
                }
            }
        }
        stopped += chains[0].len();
    }
    if stopped == 0 { Err("the program was never stopped".into()) } else { Ok(()) }
}

/// Runs the program from stop to stop, from engine to engine. Returns the state files.
fn chain(
    loaded: &[Loaded],
    first: usize,
    example: &vsp_snapshots::corpus::Example,
    whole: &RunResult,
) -> Result<Vec<Vec<u8>>, Failed> {
    let (mut files, mut output, mut errors) = (Vec::<Vec<u8>>::new(), Vec::new(), Vec::new());
    let mut at = 0;
    for (leg, stop) in STOPS.iter().map(|stop| Some(whole.fuel * stop / 1_000)).chain([None]).enumerate() {
        let engine = &loaded[(first + leg) % loaded.len()];
        let fuel = stop.map(|stop| (stop - at).max(1));
        at = stop.unwrap_or(at);
        let ended = match (files.last(), fuel) {
            (None, Some(fuel)) => engine.start(&example.invocation, fuel),
            (Some(file), fuel) => engine.go_on(file, fuel),
            (None, None) => engine.start(&example.invocation, i64::MAX as u64),
        };
        match ended? {
            Leg::Stopped { file, output: written, errors: reported } => {
                files.push(file);
                output.extend(written);
                errors.extend(reported);
            }
            Leg::Ended(mut end) => {
                output.append(&mut end.output);
                errors.extend(end.errors.bytes());
                let end = RunResult { output, errors: String::from_utf8(errors)?, ..end };
                if end != *whole {
                    return Err(
                        format!("chain {first} ends with {end:?}, and the whole run with {whole:?}").into()
                    );
                }
                return Ok(files);
            }
        }
    }
    Err("the program has not ended".into())
}
