//! How long it takes from the bytes of a program that has all kernels to code that is ready, and to an instance.

use std::sync::Arc;

use vsp_core::program::Program;
use vsp_core::verify::Verified;
use vsp_core::{Imports, Outcome};
use vsp_host::engine::EngineKind;

use super::measure::{Task, Times, in_turns, timed};
use super::report::Load;
use super::{Error, KERNELS, VspConfig, all_text, assembled};

/// A task, and whether it makes an instance too.
type Loader = Box<dyn Fn(bool) -> Result<Task<'static>, Error>>;

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
        all.push((config.name(), length, Box::new(move |instance| vsp(config, bytes.clone(), instance))));
    }
    #[cfg(feature = "peers")]
    {
        use super::{WASM, Wasmi, Wasmtime};
        let loader: Loader = Box::new(|instance| Ok(wasmi(Wasmi { fuel: false }, instance)));
        all.push(("wasmi".into(), WASM.len(), loader));
        for (name, engine) in [("wasmtime", Wasmtime::Guards), ("winch", Wasmtime::Winch)] {
            let loader: Loader = Box::new(move |instance| wasmtime(engine, instance));
            all.push((name.into(), WASM.len(), loader));
        }
    }
    all.retain(|(name, ..)| wanted(name));
    let mut tasks = Vec::new();
    for (_, _, loader) in &all {
        tasks.extend([loader(false)?, loader(true)?]);
    }
    let times = in_turns(&mut tasks, runs)?;
    let load = |((engine, bytes, _), times): ((String, usize, Loader), &[Times])| Load {
        engine,
        bytes,
        module: times[0],
        instance: times[1],
    };
    Ok(all.into_iter().zip(times.chunks(2)).map(load).collect())
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

fn vsp(config: VspConfig, bytes: Arc<[u8]>, instance: bool) -> Result<Task<'static>, Error> {
    let mut engine = config.engine()?;
    Ok(Box::new(move || {
        let ready = || {
            let program = Arc::new(Verified::new(Program::read(bytes.clone())?)?);
            let module = engine.load(program)?;
            let made = || module.instantiate(Arc::new(Imports::new()), (), config.options());
            let instance = instance.then(made).transpose()?;
            Ok((module, instance))
        };
        timed(ready).map(|(time, _)| time)
    }))
}

#[cfg(feature = "peers")]
fn wasmi(config: super::Wasmi, instance: bool) -> Task<'static> {
    let engine = config.engine();
    Box::new(move || {
        let ready = || {
            let module = wasmi::Module::new(&engine, super::WASM)?;
            let mut store = config.store(&engine)?;
            let linker = wasmi::Linker::new(&engine);
            let instance = instance.then(|| linker.instantiate_and_start(&mut store, &module)).transpose()?;
            Ok((module, store, instance))
        };
        timed(ready).map(|(time, _)| time)
    })
}

#[cfg(feature = "peers")]
fn wasmtime(config: super::Wasmtime, instance: bool) -> Result<Task<'static>, Error> {
    let engine = config.engine()?;
    Ok(Box::new(move || {
        let ready = || {
            let module = wasmtime::Module::new(&engine, super::WASM)?;
            let mut store = config.store(&engine)?;
            let linker = wasmtime::Linker::new(&engine);
            let instance = instance.then(|| linker.instantiate(&mut store, &module)).transpose()?;
            Ok((module, store, instance))
        };
        timed(ready).map(|(time, _)| time)
    }))
}
