//! The time from the bytes of a program of all kernels to code that is ready, and to an instance: when repeated, and
//! after other engines ran.

use std::sync::Arc;
use std::time::{Duration, Instant};

use vsp_core::program::Program;
use vsp_core::verify::Verified;
use vsp_core::{Imports, Outcome};
use vsp_host::engine::EngineKind;

use super::measure::{Task, Times, interleaved, timed};
use super::report::Load;
use super::{Error, KERNELS, VspConfig, all_text, assemble};

/// The work of a task.
#[derive(Clone, Copy)]
pub(crate) struct LoadMode {
    /// Whether an instance is created too.
    instance: bool,
    /// Whether the work is repeated for [`WARM_UP`] before it is timed.
    warm: bool,
}

/// The modes of the times of [`Load`].
const LOAD_MODES: [LoadMode; 3] = [
    LoadMode { instance: false, warm: true },
    LoadMode { instance: true, warm: true },
    LoadMode { instance: true, warm: false },
];

/// Duration of the repetitions, after which caches and branch predictors are warm.
const WARM_UP: Duration = Duration::from_millis(2);

/// A constructor of tasks.
type Loader = Box<dyn Fn(LoadMode) -> Result<Task<'static>, Error>>;

impl LoadMode {
    /// A module is loaded once.
    pub(crate) const ONCE: LoadMode = LoadMode { instance: false, warm: false };

    pub(crate) fn task<T>(self, mut ready: impl FnMut() -> Result<T, Error> + 'static) -> Task<'static> {
        Box::new(move || {
            let started = Instant::now();
            while self.warm && started.elapsed() < WARM_UP {
                ready()?;
            }
            timed(&mut ready).map(|(time, _)| time)
        })
    }
}

/// Measures loading in engines with these names. Data that an engine reuses for all programs is created beforehand.
///
/// # Errors
/// An engine fails.
pub fn loads(wanted: impl Fn(&str) -> bool, runs: usize) -> Result<Vec<Load>, Error> {
    let mut all: Vec<(String, usize, Loader)> = Vec::new();
    let bytes = assemble(&all_text(), "all")?;
    for kind in EngineKind::ALL {
        let (config, bytes) = (VspConfig { kind, fuel: false }, bytes.clone());
        let length = bytes.len();
        all.push((config.name(), length, Box::new(move |mode| vsp(config, bytes.clone(), mode))));
    }
    #[cfg(feature = "peers")]
    {
        use super::{WASM, Wasmi, Wasmtime};
        let loader: Loader = Box::new(|mode| Ok(wasmi(Wasmi { fuel: false }, WASM, mode)));
        all.push(("wasmi".into(), WASM.len(), loader));
        for (name, engine) in [("wasmtime", Wasmtime::Guards), ("winch", Wasmtime::Winch)] {
            let loader: Loader = Box::new(move |mode| wasmtime(engine, WASM, mode));
            all.push((name.into(), WASM.len(), loader));
        }
    }
    all.retain(|(name, ..)| wanted(name));
    let mut tasks = Vec::new();
    for (_, _, loader) in &all {
        for mode in LOAD_MODES {
            tasks.push(loader(mode)?);
        }
    }
    let times = interleaved(&mut tasks, runs)?;
    let load = |((engine, bytes, _), times): ((String, usize, Loader), &[Times])| Load {
        engine,
        bytes,
        module: times[0],
        instance: times[1],
        after_others: times[2],
    };
    Ok(all.into_iter().zip(times.chunks(LOAD_MODES.len())).map(load).collect())
}

/// Checks the answers of all kernels of the one program, in machine code.
///
/// # Errors
/// An answer is wrong.
pub fn check() -> Result<(), Error> {
    let config = VspConfig { kind: EngineKind::Tier2, fuel: false };
    let module = config.module(assemble(&all_text(), "all")?)?;
    let mut instance = module.instantiate(Arc::new(Imports::new()), (), config.options())?;
    for kernel in KERNELS {
        if kernel.has_setup() {
            instance.call_export(&format!("{}_setup", kernel.name), &[kernel.argument])?;
        }
        let outcome = instance.call_export(kernel.name, &[kernel.argument])?;
        if !matches!(&outcome, Outcome::Returned(values) if values[..] == [kernel.answer]) {
            return Err(format!("{} in the program of all kernels: {outcome:?}", kernel.name).into());
        }
    }
    Ok(())
}

fn vsp(config: VspConfig, bytes: Arc<[u8]>, mode: LoadMode) -> Result<Task<'static>, Error> {
    let engine = config.engine()?;
    Ok(mode.task(move || {
        let program = Arc::new(Verified::new(Program::read(bytes.clone())?)?);
        let module = engine.load(program)?;
        let made = || module.instantiate(Arc::new(Imports::new()), (), config.options());
        let instance = mode.instance.then(made).transpose()?;
        Ok((module, instance))
    }))
}

/// Returns the task of loading a module.
#[cfg(feature = "peers")]
pub(crate) fn wasmi(config: super::Wasmi, module: &'static [u8], mode: LoadMode) -> Task<'static> {
    let engine = config.engine();
    mode.task(move || {
        let module = wasmi::Module::new(&engine, module)?;
        let mut store = config.store(&engine)?;
        let linker = wasmi::Linker::new(&engine);
        let made = || linker.instantiate_and_start(&mut store, &module);
        let instance = mode.instance.then(made).transpose()?;
        Ok((module, store, instance))
    })
}

/// Returns the task of loading a module.
///
/// # Errors
/// Wasmtime does not support this computer.
#[cfg(feature = "peers")]
pub(crate) fn wasmtime(
    config: super::Wasmtime,
    module: &'static [u8],
    mode: LoadMode,
) -> Result<Task<'static>, Error> {
    let engine = config.engine()?;
    Ok(mode.task(move || {
        let module = wasmtime::Module::new(&engine, module)?;
        let mut store = config.store(&engine)?;
        let linker = wasmtime::Linker::new(&engine);
        let instance = mode.instance.then(|| linker.instantiate(&mut store, &module)).transpose()?;
        Ok((module, store, instance))
    }))
}
