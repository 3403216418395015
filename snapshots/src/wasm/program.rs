//! Programs for WASI preview 1 in every engine.

use std::mem;
use std::sync::Arc;

use vsp_core::program::Program;
use vsp_core::verify::Verified;
use vsp_core::{Imports, Options, Outcome, Reason};
use vsp_host::engine::{Engine, EngineKind, Module, Threshold, TierOptions};
use vsp_host::wasi::{self, Exit, Wasi};
use vsp_wasm::Exports;

use super::{FUEL, MEMORY_MAXIMUM, SLICE, STACK_CELLS};
use crate::configuration::{Configuration, save_and_restore};

/// Tiers that compile what a short run uses much, while the program waits.
const TIERS: TierOptions =
    TierOptions { tier2: Threshold { instructions: 1_000_000, per_word: 0 }, ..TierOptions::WITHOUT_WORKER };

/// A program that was translated and verified.
#[derive(Debug)]
pub struct WasiProgram(Arc<Verified<'static>>);

/// A program that an engine has loaded, to run any number of times.
#[derive(Debug)]
pub struct LoadedProgram {
    module: Module<'static>,
    imports: Arc<Imports<Wasi>>,
}

/// The end of a program.
#[derive(Debug)]
pub struct Finished {
    /// The status that it exited with.
    pub status: u32,
    /// Its state, with the output that was captured.
    pub wasi: Wasi,
    /// How often it was saved and restored.
    pub restored: u32,
}

impl WasiProgram {
    /// Translates and verifies a module.
    ///
    /// # Errors
    /// It is refused, or has a start function, which no compiler emits for a program.
    pub fn translate(module: &[u8]) -> Result<WasiProgram, String> {
        let options = vsp_wasm::Options::default().memory_maximum(MEMORY_MAXIMUM);
        let bytes = vsp_wasm::translate(module, &options).map_err(|error| error.to_string())?;
        let program = Program::read(Arc::<[u8]>::from(bytes)).map_err(|error| error.to_string())?;
        let exports = Exports::read(&program).ok_or("the program has no section of the translator")?;
        if let Some(start) = exports.start {
            return Err(format!("the module has a start function, {start}"));
        }
        Ok(WasiProgram(Arc::new(Verified::new(program).map_err(|error| error.to_string())?)))
    }

    /// Loads the program: compiles it, if the engine does that ahead. With automatic tiering the program waits for the
    /// compiler, so that every run is the same.
    ///
    /// # Errors
    /// The compiler refuses it.
    pub fn load(&self, engine: EngineKind) -> Result<LoadedProgram, String> {
        let engine = Engine::new(engine).map_err(|error| error.to_string())?.with_tiers(TIERS);
        let module = engine.load(self.0.clone()).map_err(|error| error.to_string())?;
        let imports = Arc::new(wasi::imports().map_err(|error| error.to_string())?);
        Ok(LoadedProgram { module, imports })
    }
}

impl LoadedProgram {
    /// Returns how often automatic tiering has compiled a part of the program.
    pub fn compiled_regions(&self) -> usize {
        self.module.compiled_regions()
    }

    /// Runs the program from its start to its end, in the way of the configuration (not in the engine that it names):
    /// [`Configuration::Step`] executes its first instructions one by one, and with [`Configuration::Save`] it is saved
    /// and restored whenever the fuel of a slice runs out.
    ///
    /// # Errors
    /// It traps, or a saved instance cannot be restored.
    pub fn run(&self, configuration: Configuration, wasi: Wasi) -> Result<Finished, String> {
        let mut slice = if configuration.needs_suspensions() { SLICE } else { FUEL };
        let options = Options { stack_cells: Some(STACK_CELLS), fuel: Some(slice), ..Options::default() };
        let instance = self.module.instantiate(self.imports.clone(), wasi, options);
        let mut instance = instance.map_err(|error| error.to_string())?;
        let mut restored = 0;
        let mut outcome = configuration.call(&mut instance, "_start", &[]);
        loop {
            let status = match outcome.map_err(|error| error.to_string())? {
                Outcome::Returned(_) => 0,
                Outcome::Suspended(suspension) if suspension.reason == Reason::Fuel => {
                    let wasi = mem::take(instance.state_mut());
                    instance = save_and_restore(&instance, |saved| {
                        let again =
                            self.module.restore(self.imports.clone(), wasi, Options::default(), saved);
                        again.map_err(|error| error.to_string())
                    })?;
                    restored += 1;
                    slice *= 2;
                    instance.set_fuel(slice);
                    outcome = configuration.resume(&mut instance, &[]);
                    continue;
                }
                other => match instance.host_error().and_then(|error| error.downcast_ref::<Exit>()) {
                    Some(exit) => exit.status,
                    None => return Err(format!("{other:?}")),
                },
            };
            return Ok(Finished { status, wasi: instance.into_state(), restored });
        }
    }
}
