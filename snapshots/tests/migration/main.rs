//! Migration: every example is stopped several times, saved in a state file, and goes on in another engine. The bytes of
//! the state files are the same whichever engine writes them, and the end is that of a run that was never stopped.
//!
//! `checksums.txt` has the CRC-32 of the state files of each example's first invocation, which are the same on every
//! architecture; `VSP_BLESS=1` writes it. They change with the example's text.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

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

/// The lines of `checksums.txt`, by the names of the programs.
type Lines = BTreeMap<&'static str, String>;

fn checksums_file() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/migration/checksums.txt")
}

fn main() {
    let arguments = Arguments::from_args();
    let expected = Arc::new(std::fs::read_to_string(checksums_file()).unwrap_or_default());
    let written = Arc::new(Mutex::new(Lines::new()));
    let trials = PROGRAMS.iter().map(|program| {
        let (expected, written) = (Arc::clone(&expected), Arc::clone(&written));
        Trial::test(program.name, move || {
            let line = migrate(program)?;
            if std::env::var_os("VSP_BLESS").is_some() {
                written.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).insert(program.name, line);
                return Ok(());
            }
            match expected.lines().any(|known| known == line) {
                true => Ok(()),
                false => Err(format!("checksums.txt does not have the line `{line}`").into()),
            }
        })
    });
    let conclusion = libtest_mimic::run(&arguments, trials.collect());
    let lines = written.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    if lines.len() == PROGRAMS.len() {
        let text: String = lines.values().map(|line| format!("{line}\n")).collect();
        if let Err(error) = std::fs::write(checksums_file(), text) {
            panic!("checksums.txt: {error}");
        }
    }
    conclusion.exit();
}

/// Stops the program and lets it go on in every engine. Returns its line of `checksums.txt`.
fn migrate(program: &Program) -> Result<String, Failed> {
    let loaded = ENGINES.map(|kind| Loaded::new(program, Configuration::Run(kind)));
    let loaded = loaded.into_iter().collect::<Result<Vec<_>, String>>()?;
    let mut line = None;
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
        line.get_or_insert_with(|| {
            let checksums = chains[0].iter().map(|file| format!(" {:08X}", crc32fast::hash(file)));
            program.name.to_owned() + &checksums.collect::<String>()
        });
    }
    line.filter(|line| line.contains(' ')).ok_or_else(|| "the program was never stopped".into())
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
