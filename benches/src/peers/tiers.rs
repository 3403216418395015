//! How long some work takes from the bytes of the program on, by the amount of work: in each engine of VSP, and in automatic
//! mode.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use vsp_core::program::Program;
use vsp_core::verify::Verified;
use vsp_core::{Imports, Options, Outcome};
use vsp_host::engine::{Engine, EngineKind, TierOptions};
use vsp_host::native::CompileOptions;

use super::measure::{Task, Times, in_turns, timed};
use super::report::Amount;
use super::{Error, KERNELS, Kernel, assembled};

/// Work of any amount: some kernels get a larger argument, others are called more often.
struct Work {
    kernel: Kernel,
    /// The argument, if it is always the same.
    argument: Option<u64>,
    bytes: Arc<[u8]>,
}

/// The kernels, and the argument of those that are called again and again.
const WORK: [(&str, Option<u64>); 4] =
    [("sum_loop", None), ("nbody", None), ("fib", Some(12)), ("crc32", Some(1 << 12))];

/// What runs it.
#[derive(Clone, Copy)]
struct Way {
    name: &'static str,
    kind: EngineKind,
    tiers: TierOptions,
}

const WAYS: [Way; 5] = [
    Way { name: "interp", kind: EngineKind::Interpreter, tiers: TierOptions::WITH_WORKER },
    Way { name: "tier1", kind: EngineKind::Tier1, tiers: TierOptions::WITH_WORKER },
    Way { name: "tier2", kind: EngineKind::Tier2, tiers: TierOptions::WITH_WORKER },
    Way { name: "auto", kind: EngineKind::Auto, tiers: TierOptions::WITH_WORKER },
    Way { name: "auto, no worker", kind: EngineKind::Auto, tiers: TierOptions::WITHOUT_WORKER },
];

/// The first ways choose nothing.
const SINGLE: usize = 3;

/// Engines that would take so many times as long as the best one are left out; the second number is for the longest amount.
const MAX_TIMES: [f64; 2] = [30.0, 3.0];

/// From this amount on each engine runs once.
const LONG: Duration = Duration::from_secs(10);

/// The amounts: what takes the best of the single engines so long.
const AMOUNTS: [Duration; 7] = [
    Duration::from_micros(10),
    Duration::from_micros(100),
    Duration::from_millis(1),
    Duration::from_millis(10),
    Duration::from_millis(100),
    Duration::from_secs(1),
    Duration::from_secs(10),
];

impl Work {
    fn all() -> Result<Vec<Work>, Error> {
        let work = |(name, argument)| {
            let kernel = KERNELS.into_iter().find(|kernel| kernel.name == name);
            let kernel = kernel.ok_or_else(|| format!("there is no kernel {name}"))?;
            Ok(Work { kernel, argument, bytes: assembled(kernel.text, name)? })
        };
        WORK.into_iter().map(work).collect()
    }

    /// Loads the program, and does so much work.
    fn run(&self, way: Way, amount: u64) -> Result<Duration, Error> {
        let options = CompileOptions { fuel: false, interrupt: false, ..CompileOptions::default() };
        let engine = Engine::with_options(way.kind, options)?;
        let engine = if way.kind == EngineKind::Auto { engine.with_tiers(way.tiers) } else { engine };
        let (time, ()) = timed(|| {
            let program = Arc::new(Verified::new(Program::read(self.bytes.clone())?)?);
            let module = engine.load(program)?;
            let mut instance = module.instantiate(Arc::new(Imports::new()), (), Options::default())?;
            let (argument, calls) = self.argument.map_or((amount, 1), |argument| (argument, amount));
            if self.kernel.has_setup() {
                instance.call_export("setup", &[argument])?;
            }
            let run = module.program().export("run").ok_or("there is no run")?;
            for _ in 0..calls {
                match instance.call(run, &[argument])? {
                    Outcome::Returned(_) => {}
                    other => return Err(format!("{other:?}").into()),
                }
            }
            Ok(())
        })?;
        Ok(time)
    }

    /// Seconds to load the program in an engine, and for one unit of work.
    fn cost(&self, way: Way) -> Result<(f64, f64), Error> {
        let least = |amount| -> Result<f64, Error> {
            let mut least = f64::INFINITY;
            for _ in 0..5 {
                least = least.min(self.run(way, amount)?.as_secs_f64());
            }
            Ok(least)
        };
        let load = least(1)?;
        let mut amount = 64;
        loop {
            let time = least(amount)?;
            if time > load + 0.02 {
                return Ok((load, (time - load) / amount as f64));
            }
            amount *= 4;
        }
    }
}

/// The times of all amounts up to `longest`, with up to so many runs each.
///
/// # Errors
/// An engine fails.
pub fn amounts(runs: usize, longest: Duration) -> Result<Vec<Amount>, Error> {
    let mut found = Vec::new();
    for work in Work::all()? {
        let mut costs = Vec::new();
        for way in &WAYS[..SINGLE] {
            costs.push(work.cost(*way)?);
        }
        for best in AMOUNTS.into_iter().filter(|amount| *amount <= longest) {
            let most = costs.iter().map(|(load, unit)| (best.as_secs_f64() - load) / unit);
            let amount = most.fold(1.0, f64::max) as u64;
            let slow = |location: usize| {
                let (load, unit) = costs.get(location).copied().unwrap_or_default();
                let most = MAX_TIMES[usize::from(best >= LONG)];
                load + unit * amount as f64 > most * best.as_secs_f64()
            };
            let ways: Vec<Way> = (0..WAYS.len()).filter(|way| !slow(*way)).map(|way| WAYS[way]).collect();
            let mut tasks: Vec<Task<'_>> = Vec::new();
            for way in &ways {
                let work = &work;
                tasks.push(Box::new(move || work.run(*way, amount)));
            }
            let runs = (2.0 / best.as_secs_f64()).clamp(1.0, runs as f64) as usize;
            let times = if best >= LONG { once(&mut tasks)? } else { in_turns(&mut tasks, runs)? };
            let times: BTreeMap<String, Times> = ways.iter().map(|way| way.name.into()).zip(times).collect();
            let microseconds = best.as_micros() as u64;
            eprintln!("{} {best:?}", work.kernel.name);
            found.push(Amount { kernel: work.kernel.name.into(), microseconds, amount, times });
        }
    }
    Ok(found)
}

/// The times of tasks that are long.
fn once(tasks: &mut [Task<'_>]) -> Result<Vec<Times>, Error> {
    tasks.iter_mut().map(|task| Ok(Times::of(vec![task()?.as_secs_f64() * 1e9]))).collect()
}

/// The names of what is compared, those of single engines first.
pub fn names() -> (Vec<&'static str>, Vec<&'static str>) {
    let names = WAYS.map(|way| way.name);
    (names[..SINGLE].to_vec(), names[SINGLE..].to_vec())
}
