//! How long it takes from the bytes of a program that has all kernels to code that is ready, and to an instance: when nothing
//! else was done for a while, and after other engines did it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use vsp_core::program::Program;
use vsp_core::verify::Verified;
use vsp_core::{Imports, Outcome};
use vsp_host::engine::EngineKind;

use super::measure::{Task, Times, in_turns, timed};
use super::report::Load;
use super::{Error, KERNELS, VspConfig, all_text, assembled};

/// What a task does.
#[derive(Clone, Copy)]
struct Way {
    /// Does it make an instance too?
    instance: bool,
    /// Does it do everything again and again for [`AGAIN`], and say how long the last time took?
    again: bool,
}

/// What [`Load`] says.
const WAYS: [Way; 3] = [
    Way { instance: false, again: true },
    Way { instance: true, again: true },
    Way { instance: true, again: false },
];

/// After that, the computer knows the way.
const AGAIN: Duration = Duration::from_millis(2);

/// Makes a task.
type Loader = Box<dyn Fn(Way) -> Result<Task<'static>, Error>>;

impl Way {
    fn task<T>(self, mut ready: impl FnMut() -> Result<T, Error> + 'static) -> Task<'static> {
        Box::new(move || {
            let started = Instant::now();
            while self.again && started.elapsed() < AGAIN {
                ready()?;
            }
            timed(&mut ready).map(|(time, _)| time)
        })
    }
}

/// Times for engines with such names. What an engine keeps from one program to the next is made before.
///
/// # Errors
/// An engine fails.
pub fn loads(wanted: impl Fn(&str) -> bool, runs: usize) -> Result<Vec<Load>, Error> {
    let mut all: Vec<(String, usize, Loader)> = Vec::new();
    let bytes = assembled(&all_text(), "all")?;
    for kind in EngineKind::ALL {
        let (config, bytes) = (VspConfig { kind, fuel: false }, bytes.clone());
        let length = bytes.len();
        all.push((config.name(), length, Box::new(move |way| vsp(config, bytes.clone(), way))));
    }
    #[cfg(feature = "peers")]
    {
        use super::{WASM, Wasmi, Wasmtime};
        let loader: Loader = Box::new(|way| Ok(wasmi(Wasmi { fuel: false }, way)));
        all.push(("wasmi".into(), WASM.len(), loader));
        for (name, engine) in [("wasmtime", Wasmtime::Guards), ("winch", Wasmtime::Winch)] {
            let loader: Loader = Box::new(move |way| wasmtime(engine, way));
            all.push((name.into(), WASM.len(), loader));
        }
    }
    all.retain(|(name, ..)| wanted(name));
    let mut tasks = Vec::new();
    for (_, _, loader) in &all {
        for way in WAYS {
            tasks.push(loader(way)?);
        }
    }
    let times = in_turns(&mut tasks, runs)?;
    let load = |((engine, bytes, _), times): ((String, usize, Loader), &[Times])| Load {
        engine,
        bytes,
        module: times[0],
        instance: times[1],
        after_others: times[2],
    };
    Ok(all.into_iter().zip(times.chunks(WAYS.len())).map(load).collect())
}

/// Compares the answers of all kernels of the one program, in machine code.
///
/// # Errors
/// One is wrong.
pub fn check() -> Result<(), Error> {
    let config = VspConfig { kind: EngineKind::Tier2, fuel: false };
    let module = config.module(assembled(&all_text(), "all")?)?;
    let mut instance = module.instantiate(Arc::new(Imports::new()), (), config.options())?;
    for kernel in KERNELS {
        if kernel.has_setup() {
            instance.call_export(&format!("{}_setup", kernel.name), &[kernel.argument])?;
        }
        let outcome = instance.call_export(kernel.name, &[kernel.argument])?;
        if !matches!(&outcome, Outcome::Returned(values) if values[..] == [kernel.answer]) {
            return Err(format!("{} among all kernels: {outcome:?}", kernel.name).into());
        }
    }
    Ok(())
}

fn vsp(config: VspConfig, bytes: Arc<[u8]>, way: Way) -> Result<Task<'static>, Error> {
    let engine = config.engine()?;
    Ok(way.task(move || {
        let program = Arc::new(Verified::new(Program::read(bytes.clone())?)?);
        let module = engine.load(program)?;
        let made = || module.instantiate(Arc::new(Imports::new()), (), config.options());
        let instance = way.instance.then(made).transpose()?;
        Ok((module, instance))
    }))
}

#[cfg(feature = "peers")]
fn wasmi(config: super::Wasmi, way: Way) -> Task<'static> {
    let engine = config.engine();
    way.task(move || {
        let module = wasmi::Module::new(&engine, super::WASM)?;
        let mut store = config.store(&engine)?;
        let linker = wasmi::Linker::new(&engine);
        let made = || linker.instantiate_and_start(&mut store, &module);
        let instance = way.instance.then(made).transpose()?;
        Ok((module, store, instance))
    })
}

#[cfg(feature = "peers")]
fn wasmtime(config: super::Wasmtime, way: Way) -> Result<Task<'static>, Error> {
    let engine = config.engine()?;
    Ok(way.task(move || {
        let module = wasmtime::Module::new(&engine, super::WASM)?;
        let mut store = config.store(&engine)?;
        let linker = wasmtime::Linker::new(&engine);
        let instance = way.instance.then(|| linker.instantiate(&mut store, &module)).transpose()?;
        Ok((module, store, instance))
    }))
}
