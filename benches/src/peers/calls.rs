//! The cost of calls into a program and out of it, and of creating an instance with 64 KiB of memory.

use std::hint::black_box;
use std::sync::Arc;

use vsp_core::index::FuncIndex;
use vsp_core::{Caller, Imports, Instance, Outcome};
use vsp_host::engine::{EngineKind, Module};
use vsp_host::native::CompiledFunction;

use super::measure::{Task, interleaved, timed};
use super::report::{CallCost, NamedTimes};
use super::{Error, VspConfig, assemble};

/// The program in VSP.
const TEXT: &str = include_str!("../../kernels/calls.sil");

/// Number of calls that are timed together.
const CALLS: u64 = 20_000;
/// Number of instances that are timed together.
const INSTANCES: u64 = 100;

/// A program that can add 1, and can let the host add 1.
pub(crate) trait Calls {
    /// Calls the program for x + 1.
    fn inc(&mut self, x: u64) -> Result<u64, Error>;
    /// Calls the program n times for x + 1, from x = 0, and returns the last x. The loop is a method, so that it is
    /// compiled together with the call.
    fn enter(&mut self, n: u64) -> Result<u64, Error> {
        (0..n).try_fold(0, |x, _| self.inc(x))
    }
    /// Lets the program call the host n times for x + 1.
    fn leave(&mut self, n: u64) -> Result<u64, Error>;
    /// Lets the program count to n.
    fn stay(&mut self, n: u64) -> Result<u64, Error>;
}

/// A loaded program of which instances can be created.
pub(crate) trait Factory {
    /// Creates an instance and drops it.
    fn instantiate(&mut self) -> Result<(), Error>;
}

/// Measures the cost of calls, in nanoseconds per call, in engines with these names.
///
/// # Errors
/// An engine fails, or counts wrongly.
pub fn costs(wanted: impl Fn(&str) -> bool, runs: usize) -> Result<Vec<CallCost>, Error> {
    let mut all: Vec<(String, Box<dyn Calls>)> = vec![("native".into(), Box::new(NativeCalls))];
    for config in CONFIGS {
        all.push((config.name(), VspCalls::new(config)?));
    }
    #[cfg(feature = "peers")]
    super::calls_in_peers::add_calls(&mut all)?;
    all.retain(|(name, _)| wanted(name));
    let mut costs = Vec::new();
    for (engine, calls) in all {
        costs.push(cost(engine, calls, runs)?);
    }
    Ok(costs)
}

fn cost(engine: String, mut calls: Box<dyn Calls>, runs: usize) -> Result<CallCost, Error> {
    let calls = std::cell::RefCell::new(&mut *calls);
    let task = |what: fn(&mut dyn Calls, u64) -> Result<u64, Error>| -> Task<'_> {
        let (calls, engine) = (&calls, &engine);
        Box::new(move || {
            let (time, count) = timed(|| what(*calls.borrow_mut(), black_box(CALLS)))?;
            if count == CALLS { Ok(time) } else { Err(format!("{engine} counts to {count}").into()) }
        })
    };
    let mut tasks =
        [task(|calls, n| calls.enter(n)), task(|calls, n| calls.leave(n)), task(|calls, n| calls.stay(n))];
    let times = interleaved(&mut tasks, runs)?;
    drop(tasks);
    let [enter, with_host, without_host] = [0, 1, 2].map(|index| times[index].per(CALLS as f64));
    Ok(CallCost { engine, enter, with_host, without_host })
}

/// Measures the time to create and drop an instance.
///
/// # Errors
/// An engine fails.
pub fn instances(wanted: impl Fn(&str) -> bool, runs: usize) -> Result<Vec<NamedTimes>, Error> {
    let mut all: Vec<(String, Box<dyn Factory>)> = Vec::new();
    for config in CONFIGS {
        let module = config.module(assemble(TEXT, "calls")?)?;
        let factory = VspFactory { module, imports: Arc::new(imports()?), config };
        all.push((config.name(), Box::new(factory)));
    }
    #[cfg(feature = "peers")]
    super::calls_in_peers::add_factories(&mut all)?;
    all.retain(|(name, _)| wanted(name));
    let (names, mut factories): (Vec<String>, Vec<_>) = all.into_iter().unzip();
    let mut tasks: Vec<Task<'_>> = Vec::new();
    for factory in &mut factories {
        tasks.push(Box::new(move || {
            let all = || (0..INSTANCES).try_for_each(|_| factory.instantiate());
            timed(all).map(|(time, ())| time)
        }));
    }
    let times = interleaved(&mut tasks, runs)?;
    Ok(names
        .into_iter()
        .zip(times)
        .map(|(name, times)| NamedTimes { name, times: times.per(INSTANCES as f64) })
        .collect())
}

/// A function that adds 1, called through a pointer.
struct NativeCalls;

fn inc(x: u64) -> u64 {
    x + 1
}

impl Calls for NativeCalls {
    fn inc(&mut self, x: u64) -> Result<u64, Error> {
        Ok(inc(x))
    }

    fn enter(&mut self, n: u64) -> Result<u64, Error> {
        let inc = black_box(inc as fn(u64) -> u64);
        Ok((0..n).fold(0, |x, _| inc(x)))
    }

    fn leave(&mut self, n: u64) -> Result<u64, Error> {
        self.enter(n)
    }

    fn stay(&mut self, n: u64) -> Result<u64, Error> {
        Ok((0..n).fold(0, |x, _| black_box(x + 1)))
    }
}

/// The engines whose calls are measured.
const CONFIGS: [VspConfig; 2] = [
    VspConfig { kind: EngineKind::Interpreter, fuel: false },
    VspConfig { kind: EngineKind::Tier2, fuel: false },
];

fn imports() -> Result<Imports<()>, Error> {
    let mut imports = Imports::new();
    imports.define("host", "inc", |_: &mut Caller<'_, ()>, x: u64| x + 1)?;
    Ok(imports)
}

struct VspFactory {
    module: Module<'static>,
    imports: Arc<Imports<()>>,
    config: VspConfig,
}

impl Factory for VspFactory {
    fn instantiate(&mut self) -> Result<(), Error> {
        black_box(self.module.instantiate(self.imports.clone(), (), self.config.options())?);
        Ok(())
    }
}

/// Calls through an instance, or through the compiled function.
struct VspCalls {
    instance: Instance<'static, ()>,
    inc: FuncIndex,
    compiled: Option<CompiledFunction<'static, (u64,), u64>>,
    with_calls: FuncIndex,
    without_calls: FuncIndex,
}

impl VspCalls {
    #[allow(clippy::new_ret_no_self, reason = "it is one of many")]
    fn new(config: VspConfig) -> Result<Box<dyn Calls>, Error> {
        let module = config.module(assemble(TEXT, "calls")?)?;
        let export = |name| module.program().export(name).ok_or("an export is missing");
        Ok(Box::new(VspCalls {
            instance: module.instantiate(Arc::new(imports()?), (), config.options())?,
            inc: export("inc")?,
            compiled: module.compiled().map(|compiled| compiled.function("inc")).transpose()?,
            with_calls: export("with_calls")?,
            without_calls: export("without_calls")?,
        }))
    }

    fn call(&mut self, function: FuncIndex, argument: u64) -> Result<u64, Error> {
        match self.instance.call(function, &[argument])? {
            Outcome::Returned(values) => Ok(values[0]),
            other => Err(format!("{other:?}").into()),
        }
    }
}

impl Calls for VspCalls {
    fn inc(&mut self, x: u64) -> Result<u64, Error> {
        match &self.compiled {
            Some(compiled) => Ok(compiled.call(&mut self.instance, (x,))?),
            None => self.call(self.inc, x),
        }
    }

    fn leave(&mut self, n: u64) -> Result<u64, Error> {
        self.call(self.with_calls, n)
    }

    fn stay(&mut self, n: u64) -> Result<u64, Error> {
        self.call(self.without_calls, n)
    }
}
