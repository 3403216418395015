//! VSP's own engines.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use vsp_core::complex::State;
use vsp_core::generate::Plan;
use vsp_core::index::{FuncIndex, GlobalIndex, Location};
use vsp_core::verify::Verified;
use vsp_core::{CallError, Imports, Instance, Options, Outcome};
use vsp_host::engine::{EngineKind, Module};

use super::engine::{Engine, EngineInstance, FrameView};
use crate::configuration::{Configuration, Loader, save_and_restore, scramble};
use crate::host_module;

/// A VSP engine in one of the configurations of the cases.
#[derive(Debug)]
pub struct VspEngine {
    name: String,
    configuration: Configuration,
    loader: Loader,
    imports: Arc<Imports<()>>,
    /// The snapshots of one program in `saved` are compared.
    saved: u64,
}

/// With [`VspEngine::cheap`], the snapshots of one program in this many are compared.
const SAVED: u64 = 3;

impl VspEngine {
    /// Creates the engine of a configuration. Cranelift's verifier is enabled, and every snapshot is compared.
    ///
    /// # Errors
    /// This computer or build does not have the engine.
    pub fn new(configuration: Configuration) -> Result<VspEngine, String> {
        VspEngine::with(configuration, true, 1)
    }

    /// Creates the engine of a configuration for comparing very many programs: without Cranelift's verifier, and
    /// comparing the snapshots of some programs only.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub fn cheap(configuration: Configuration) -> Result<VspEngine, String> {
        VspEngine::with(configuration, false, SAVED)
    }

    fn with(configuration: Configuration, check_ir: bool, saved: u64) -> Result<VspEngine, String> {
        let name = Configuration::ALL
            .iter()
            .find(|(_, other)| *other == configuration)
            .map_or("engine", |(name, _)| name);
        let loader = configuration.loader(check_ir).map_err(|error| error.to_string())?;
        let imports = host_module::imports().map_err(|error| error.to_string())?;
        Ok(VspEngine { name: name.into(), configuration, loader, imports: Arc::new(imports), saved })
    }
}

impl Engine for VspEngine {
    fn name(&self) -> &str {
        &self.name
    }

    fn is_metered(&self) -> bool {
        self.configuration.interrupts()
    }

    fn start<'p>(
        &mut self,
        program: &'p Verified<'p>,
        plan: &Plan,
    ) -> Result<Box<dyn EngineInstance + 'p>, String> {
        let module = self.loader.load(program).map_err(|error| error.to_string())?;
        let flag = Arc::new(AtomicBool::new(false));
        let options = Options {
            memory: plan.memory,
            memory_maximum: None,
            stack_cells: plan.stack_cells,
            fuel: self.is_metered().then_some(0),
            interrupt: self.is_metered().then(|| flag.clone().into()),
        };
        let instance = module.instantiate(self.imports.clone(), (), options);
        let instance = instance.map_err(|error| error.to_string())?;
        let saved = self.configuration.interrupts() && plan.seed.is_multiple_of(self.saved);
        Ok(Box::new(VspInstance {
            configuration: self.configuration,
            module,
            imports: self.imports.clone(),
            flag,
            instance,
            saved,
        }))
    }
}

/// An instance, with the module and imports that are needed to restore another one from its snapshot.
struct VspInstance<'p> {
    configuration: Configuration,
    module: Module<'p>,
    imports: Arc<Imports<()>>,
    flag: Arc<AtomicBool>,
    instance: Instance<'p, ()>,
    /// Whether snapshots are compared.
    saved: bool,
}

impl VspInstance<'_> {
    /// Saves or scrambles a suspended instance if the configuration says so.
    fn ended(&mut self, outcome: Result<Outcome, CallError>) -> Result<Outcome, String> {
        let outcome = outcome.map_err(|error| error.to_string())?;
        if let Outcome::Suspended(_) = outcome {
            match self.configuration {
                Configuration::Run(_)
                | Configuration::Step
                | Configuration::Frames
                | Configuration::Plain(_)
                | Configuration::Object(_) => {}
                Configuration::Scramble(_) => scramble(&mut self.instance)?,
                Configuration::Save(_) => {
                    self.instance = save_and_restore(&self.instance, |state| {
                        let options =
                            Options { interrupt: Some(self.flag.clone().into()), ..Options::default() };
                        let restored = self.module.restore(self.imports.clone(), (), options, state);
                        restored.map_err(|error| error.to_string())
                    })?;
                }
            }
        }
        Ok(outcome)
    }
}

impl EngineInstance for VspInstance<'_> {
    fn prepare(&mut self, fuel: u64, interrupt: bool) {
        self.instance.set_fuel(fuel);
        self.flag.store(interrupt, Ordering::Relaxed);
    }

    fn call(&mut self, function: FuncIndex, arguments: &[u64]) -> Result<Outcome, String> {
        let outcome = self.configuration.call(&mut self.instance, &format!("f{function}"), arguments);
        self.ended(outcome)
    }

    fn resume(&mut self, values: &[u64]) -> Result<Outcome, String> {
        let outcome = self.configuration.resume(&mut self.instance, values);
        self.ended(outcome)
    }

    fn fail(&mut self, code: u32) -> Result<Outcome, String> {
        self.instance.fail(code).map_err(|error| error.to_string())
    }

    fn reset(&mut self) {
        self.instance.reset();
    }

    fn write(&mut self, slot: u32, value: u64) -> Result<(), String> {
        let frame = self.instance.frame_mut(0).ok_or("the call stack is empty")?;
        let mut slots = frame.registers.iter_mut().chain(frame.locals);
        *slots.nth(slot as usize).ok_or_else(|| format!("there is no slot {slot}"))? = value;
        Ok(())
    }

    fn balance(&self) -> Option<i64> {
        self.instance.fuel()
    }

    fn call_stack(&self) -> Vec<Location> {
        self.instance.call_stack().collect()
    }

    fn memory(&self) -> &[u8] {
        self.instance.memory()
    }

    fn globals(&self) -> Vec<u64> {
        (0..).map_while(|index| self.instance.global(GlobalIndex(index))).collect()
    }

    fn state(&self) -> Result<Option<Vec<u8>>, String> {
        match self.instance.suspended() {
            Some(_) if self.saved => self.instance.save().map(Some).map_err(|error| error.to_string()),
            _ => Ok(None),
        }
    }

    fn frames(&self) -> Option<Vec<FrameView>> {
        let complete = match self.configuration {
            Configuration::Run(EngineKind::Interpreter) | Configuration::Step => true,
            // After a trap only the locations are kept.
            Configuration::Frames => self.instance.suspended().is_some(),
            _ => false,
        };
        let view = |frame: vsp_core::Frame<'_>| FrameView {
            location: frame.location,
            registers: *frame.registers,
            locals: frame.locals.to_vec(),
            states: frame.states.iter().map(|halves| State::from_halves(*halves).to_bytes()).collect(),
        };
        complete.then(|| self.instance.frames().map(view).collect())
    }
}
