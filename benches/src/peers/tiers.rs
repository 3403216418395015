//! The time of some work from the bytes of the program on, by the amount of work: in each engine of VSP, and in
//! automatic mode.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use vsp_core::program::Program;
use vsp_core::verify::Verified;
use vsp_core::{Imports, Options, Outcome};
use vsp_host::engine::{Engine, EngineKind, TierOptions};
use vsp_host::native::CompileOptions;

use super::measure::{Task, Times, interleaved, timed};
use super::report::Amount;
use super::{Error, KERNELS, Kernel, assemble};

/// Work of any amount: some kernels get a larger argument, others are called more often.
struct Work {
    kernel: Kernel,
    /// The argument, if it is always the same.
    argument: Option<u64>,
    bytes: Arc<[u8]>,
}

/// The kernels, with the argument of those that are called repeatedly.
const WORK: [(&str, Option<u64>); 4] =
    [("sum_loop", None), ("nbody", None), ("fib", Some(12)), ("crc32", Some(1 << 12))];

/// An engine with its options for tiering.
#[derive(Clone, Copy)]
struct TierConfiguration {
    name: &'static str,
    kind: EngineKind,
    tiers: TierOptions,
}

const CONFIGURATIONS: [TierConfiguration; 5] = [
    TierConfiguration { name: "interp", kind: EngineKind::Interpreter, tiers: TierOptions::WITH_WORKER },
    TierConfiguration { name: "tier1", kind: EngineKind::Tier1, tiers: TierOptions::WITH_WORKER },
    TierConfiguration { name: "tier2", kind: EngineKind::Tier2, tiers: TierOptions::WITH_WORKER },
    TierConfiguration { name: "auto", kind: EngineKind::Auto, tiers: TierOptions::WITH_WORKER },
    TierConfiguration { name: "auto, no worker", kind: EngineKind::Auto, tiers: TierOptions::WITHOUT_WORKER },
];

/// Number of configurations without tiering, which come first.
const SINGLE_ENGINES: usize = 3;

/// Engines slower than the best one by more than this factor are omitted; the second factor is for the longest amount.
const MAX_SLOWDOWN: [f64; 2] = [30.0, 3.0];

/// From this amount on each engine runs once.
const LONG: Duration = Duration::from_secs(10);

/// The amounts of work, as times of the best single engine.
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
            let kernel = kernel.ok_or_else(|| format!("unknown kernel {name}"))?;
            Ok(Work { kernel, argument, bytes: assemble(kernel.text, name)? })
        };
        WORK.into_iter().map(work).collect()
    }

    /// Loads the program, and does the given amount of work.
    fn run(&self, configuration: TierConfiguration, amount: u64) -> Result<Duration, Error> {
        let options = CompileOptions { fuel: false, interrupt: false, ..CompileOptions::default() };
        let engine = Engine::with_options(configuration.kind, options)?;
        let engine = if configuration.kind == EngineKind::Auto {
            engine.with_tiers(configuration.tiers)
        } else {
            engine
        };
        let (time, ()) = timed(|| {
            let program = Arc::new(Verified::new(Program::read(self.bytes.clone())?)?);
            let module = engine.load(program)?;
            let mut instance = module.instantiate(Arc::new(Imports::new()), (), Options::default())?;
            let (argument, calls) = self.argument.map_or((amount, 1), |argument| (argument, amount));
            if self.kernel.has_setup() {
                instance.call_export("setup", &[argument])?;
            }
            let run = module.program().export("run").ok_or("the kernel does not export run")?;
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

    /// Measures the seconds to load the program in an engine, and the seconds for one unit of work.
    fn cost(&self, configuration: TierConfiguration) -> Result<(f64, f64), Error> {
        let least = |amount| -> Result<f64, Error> {
            let mut least = f64::INFINITY;
            for _ in 0..5 {
                least = least.min(self.run(configuration, amount)?.as_secs_f64());
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

/// Measures all amounts up to `longest`, with at most `runs` runs each.
///
/// # Errors
/// An engine fails.
pub fn amounts(runs: usize, longest: Duration) -> Result<Vec<Amount>, Error> {
    let mut found = Vec::new();
    for work in Work::all()? {
        let mut costs = Vec::new();
        for configuration in &CONFIGURATIONS[..SINGLE_ENGINES] {
            costs.push(work.cost(*configuration)?);
        }
        for best in AMOUNTS.into_iter().filter(|amount| *amount <= longest) {
            let most = costs.iter().map(|(load, unit)| (best.as_secs_f64() - load) / unit);
            let amount = most.fold(1.0, f64::max) as u64;
            let slow = |index: usize| {
                let (load, unit) = costs.get(index).copied().unwrap_or_default();
                let most = MAX_SLOWDOWN[usize::from(best >= LONG)];
                load + unit * amount as f64 > most * best.as_secs_f64()
            };
            let configurations: Vec<TierConfiguration> = (0..CONFIGURATIONS.len())
                .filter(|configuration| !slow(*configuration))
                .map(|configuration| CONFIGURATIONS[configuration])
                .collect();
            let mut tasks: Vec<Task<'_>> = Vec::new();
            for configuration in &configurations {
                let work = &work;
                tasks.push(Box::new(move || work.run(*configuration, amount)));
            }
            let runs = (2.0 / best.as_secs_f64()).clamp(1.0, runs as f64) as usize;
            let times = if best >= LONG { once(&mut tasks)? } else { interleaved(&mut tasks, runs)? };
            let times: BTreeMap<String, Times> =
                configurations.iter().map(|configuration| configuration.name.into()).zip(times).collect();
            let microseconds = best.as_micros() as u64;
            eprintln!("{} {best:?}", work.kernel.name);
            found.push(Amount { kernel: work.kernel.name.into(), microseconds, amount, times });
        }
    }
    Ok(found)
}

/// Times long tasks once each.
fn once(tasks: &mut [Task<'_>]) -> Result<Vec<Times>, Error> {
    tasks.iter_mut().map(|task| Ok(Times::of(vec![task()?.as_secs_f64() * 1e9]))).collect()
}

/// Returns the names of the compared configurations: those without tiering, and the others.
pub fn names() -> (Vec<&'static str>, Vec<&'static str>) {
    let names = CONFIGURATIONS.map(|configuration| configuration.name);
    (names[..SINGLE_ENGINES].to_vec(), names[SINGLE_ENGINES..].to_vec())
}
