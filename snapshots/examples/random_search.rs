//! Compares engines on random programs until two of them differ, at as little cost as possible. `bugs/run` uses it, and
//! it can run for hours.
//!
//! ```text
//! random_search [PROGRAMS] [--first SEED] [--seconds SECONDS] [--engines NAME,NAME…] [--changed-frames] [--long] [--numbers]
//! ```
//!
//! `--changed-frames` lets the host write into the innermost frame of every suspended program. Without it, `--long`
//! generates the programs of the tests instead of short ones. `--engines` replaces the default engines by names of
//! `Configuration::ALL`; all are compared with the first. `--numbers` prints the number of each program before it runs,
//! so that it is known even if the process dies: `random_search … --numbers | tail -2`.
//!
//! It stops at the first difference, prints its seed and exits with 1; else it prints statistics of the programs'
//! behaviour.

use std::io::Write;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use vsp_core::generate::Generated;
use vsp_host::engine::EngineKind;
use vsp_snapshots::Configuration;
use vsp_snapshots::random::{Engine, Tally, VspEngine, check, program, short_program};

const CONFIGURATIONS: [Configuration; 4] = [
    Configuration::Run(EngineKind::Interpreter),
    Configuration::Run(EngineKind::Tier1),
    Configuration::Run(EngineKind::Tier2),
    Configuration::Run(EngineKind::Auto),
];

/// The arguments of the command line.
struct Arguments {
    programs: u64,
    first: u64,
    seconds: Option<u64>,
    configurations: Vec<Configuration>,
    changed_frames: bool,
    long: bool,
    numbers: bool,
}

fn arguments() -> Result<Arguments, String> {
    let mut given = Arguments {
        programs: u64::MAX,
        first: 0,
        seconds: None,
        configurations: CONFIGURATIONS.to_vec(),
        changed_frames: false,
        long: false,
        numbers: false,
    };
    let mut all = std::env::args().skip(1);
    while let Some(argument) = all.next() {
        let mut value = || all.next().ok_or_else(|| format!("{argument} needs a value"));
        match &argument[..] {
            "--first" => given.first = number(&value()?)?,
            "--seconds" => given.seconds = Some(number(&value()?)?),
            "--engines" => {
                given.configurations = value()?.split(',').map(configuration).collect::<Result<_, _>>()?;
            }
            "--changed-frames" => given.changed_frames = true,
            "--long" => given.long = true,
            "--numbers" => given.numbers = true,
            other => given.programs = number(other)?,
        }
    }
    if given.programs == u64::MAX && given.seconds.is_none() {
        given.programs = 1_000;
    }
    Ok(given)
}

fn number(text: &str) -> Result<u64, String> {
    text.parse().map_err(|_| format!("{text} is not a number"))
}

fn configuration(name: &str) -> Result<Configuration, String> {
    let found = Configuration::ALL.iter().find(|(other, _)| *other == name);
    found.map(|(_, configuration)| *configuration).ok_or_else(|| format!("unknown engine {name}"))
}

impl Arguments {
    fn program(&self, seed: u64) -> Result<Generated, String> {
        if self.long { program(seed) } else { short_program(seed, self.changed_frames) }
    }

    /// Runs the programs. Returns their statistics, and the seed and description of the first difference.
    fn search(&self) -> Result<(Tally, Option<(u64, String)>), String> {
        let mut engines = self
            .configurations
            .iter()
            .map(|configuration| VspEngine::cheap(*configuration))
            .collect::<Result<Vec<_>, _>>()?;
        let until = self.seconds.map(|seconds| Instant::now() + Duration::from_secs(seconds));
        let mut all = Tally::default();
        for count in 0..self.programs {
            if until.is_some_and(|until| Instant::now() >= until) {
                break;
            }
            if self.numbers {
                println!("{}", count + 1);
                std::io::stdout().flush().map_err(|error| error.to_string())?;
            }
            let seed = self.first.wrapping_add(count);
            let mut compared: Vec<&mut dyn Engine> =
                engines.iter_mut().map(|it| it as &mut dyn Engine).collect();
            match check(&self.program(seed)?, &mut compared) {
                Ok(tally) => all.add(&tally),
                Err(difference) => return Ok((all, Some((seed, difference.to_string())))),
            }
        }
        Ok((all, None))
    }
}

fn main() -> Result<ExitCode, String> {
    let given = arguments()?;
    let started = Instant::now();
    let (tally, difference) = given.search()?;
    if let Some((seed, what)) = difference {
        println!("seed {seed}: {what}");
        println!("after {} programs without a difference", tally.programs);
        return Ok(ExitCode::FAILURE);
    }
    let each = started.elapsed().as_secs_f64() * 1e3 / tally.programs.max(1) as f64;
    println!("seeds {}..{}, {each:.2} ms a program: {tally}", given.first, given.first + tally.programs);
    Ok(ExitCode::SUCCESS)
}
