//! Compares the engines on random programs until two of them differ: `hunt PROGRAMS [FIRST_SEED]`. `bugs/run` uses it.
//!
//! The number of each program is written before it runs, so that it is known also if the process dies.

use std::io::Write;
use std::process::ExitCode;

use vsp_host::engine::EngineKind;
use vsp_host::native::Tier;
use vsp_snapshots::Way;
use vsp_snapshots::random::{Engine, Machine, check, program};

const WAYS: [Way; 6] = [
    Way::Run(EngineKind::Interpreter),
    Way::Run(EngineKind::Tier1),
    Way::Run(EngineKind::Tier2),
    Way::Scramble(EngineKind::Tier2),
    Way::Plain(EngineKind::Tier2),
    Way::Object(Tier::Two),
];

fn main() -> Result<ExitCode, String> {
    let mut arguments = std::env::args().skip(1).map(|text| text.parse::<u64>());
    let mut next = |default| arguments.next().unwrap_or(Ok(default)).map_err(|error| error.to_string());
    let (programs, first) = (next(1_000)?, next(0)?);
    let mut machines = Vec::new();
    for way in WAYS {
        machines.push(Machine::new(way)?);
    }
    for number in 0..programs {
        println!("{}", number + 1);
        std::io::stdout().flush().map_err(|error| error.to_string())?;
        let mut engines: Vec<&mut dyn Engine> = machines.iter_mut().map(|it| it as &mut dyn Engine).collect();
        if let Err(difference) = check(&program(first + number)?, &mut engines) {
            println!("seed {}: {difference}", first + number);
            return Ok(ExitCode::FAILURE);
        }
    }
    Ok(ExitCode::SUCCESS)
}
