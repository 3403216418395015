//! Execution of the programs of the corpus.

use std::cell::RefCell;
use std::io::Write;
use std::rc::Rc;
use std::sync::Arc;

use vsp_core::program::Program as File;
use vsp_core::snapshot::Snapshot;
use vsp_core::text;
use vsp_core::verify::Verified;
use vsp_core::{Imports, Instance, Options, Outcome, Reason};
use vsp_host::engine::Module;
use vsp_host::input::Input;
use vsp_host::sys::{self, Sys};

use super::{INPUT_NAME, Invocation, Program};
use crate::configuration::{Configuration, scramble};

/// The amount of fuel between suspensions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    /// No suspension.
    Whole,
    /// This many units of fuel, then twice as many, and so on.
    Slices(u64),
}

/// The result of a run.
#[derive(Clone, PartialEq, Eq)]
pub struct RunResult {
    /// The contents of the output stream.
    pub output: Vec<u8>,
    /// The contents of the error stream.
    pub errors: String,
    /// The exit code.
    pub exit_code: u8,
    /// The fuel used.
    pub fuel: u64,
    /// The memory at the end.
    pub memory: Vec<u8>,
}

impl std::fmt::Debug for RunResult {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RunResult")
            .field("output", &format_args!("{} bytes", self.output.len()))
            .field("errors", &self.errors)
            .field("exit_code", &self.exit_code)
            .field("fuel", &self.fuel)
            .field("memory", &format_args!("{} bytes", self.memory.len()))
            .finish()
    }
}

/// A program that was assembled, verified and loaded.
#[derive(Debug)]
pub struct Loaded {
    pub(super) module: Module<'static>,
    pub(super) imports: Arc<Imports<Sys>>,
    pub(super) configuration: Configuration,
}

impl Loaded {
    /// Loads a program for a configuration.
    ///
    /// # Errors
    /// The program is rejected.
    pub fn new(program: &Program, configuration: Configuration) -> Result<Loaded, String> {
        let file = format!("{}.sil", program.name);
        let bytes = text::assemble(program.text, &file).map_err(|errors| format!("{file}: {}", errors[0]))?;
        let read = File::read(Arc::<[u8]>::from(bytes)).map_err(|error| format!("{file}: {error}"))?;
        let verified = Verified::new(read).map_err(|error| format!("{file}: {error}"))?;
        let module = configuration.loader(true).and_then(|mut loader| loader.load(Arc::new(verified)));
        let module = module.map_err(|error| format!("{file}: {error}"))?;
        let imports = Arc::new(sys::imports().map_err(|error| error.to_string())?);
        Ok(Loaded { module, imports, configuration })
    }

    /// Runs the program until it ends.
    ///
    /// # Errors
    /// It traps, or something outside of the program fails.
    pub fn run(&self, invocation: &Invocation, pace: Pace) -> Result<RunResult, String> {
        let (output, errors) = (Shared::default(), Shared::default());
        let input = Input::bytes(invocation.input.clone());
        let state = Sys {
            input_name: INPUT_NAME.into(),
            args: invocation.args.clone(),
            ..Sys::new(input, Box::new(output.clone()), Box::new(errors.clone()))
        };
        let mut slice = match pace {
            Pace::Whole => i64::MAX as u64,
            Pace::Slices(fuel) => fuel,
        };
        let options = Options { memory: invocation.memory, fuel: Some(slice), ..Options::default() };
        let made = self.module.instantiate(self.imports.clone(), state, options);
        let mut instance = made.map_err(|error| error.to_string())?;
        let mut fuel = 0;
        let mut outcome =
            self.configuration.call(&mut instance, "main", &[]).map_err(|error| error.to_string())?;
        loop {
            let balance = instance.fuel().unwrap_or_default();
            fuel += (i128::from(slice) - i128::from(balance)) as u64;
            match outcome {
                Outcome::Returned(_) | Outcome::Halted(_) => break,
                Outcome::Suspended(suspension) if suspension.reason == Reason::Fuel => {}
                Outcome::Suspended(_) | Outcome::Trapped(_) => {
                    return Err(format!("{outcome:?}, {:?}", instance.state().failure));
                }
            }
            slice *= 2;
            instance = self.suspended(instance)?;
            instance.set_fuel(slice);
            outcome = self.configuration.resume(&mut instance, &[]).map_err(|error| error.to_string())?;
        }
        let memory = instance.memory().to_vec();
        let exit_code = instance.into_state().exit_code;
        let errors = String::from_utf8(errors.take()).map_err(|error| error.to_string())?;
        Ok(RunResult { output: output.take(), errors, exit_code, fuel, memory })
    }

    /// Saves or scrambles a suspended instance if the configuration says so.
    fn suspended(&self, mut instance: Instance<'static, Sys>) -> Result<Instance<'static, Sys>, String> {
        match self.configuration {
            Configuration::Run(_)
            | Configuration::Step
            | Configuration::Frames
            | Configuration::Plain(_)
            | Configuration::Object(_) => Ok(instance),
            Configuration::Scramble(_) => {
                scramble(&mut instance)?;
                Ok(instance)
            }
            Configuration::Save(_) => {
                let bytes = instance.save().map_err(|error| error.to_string())?;
                let saved = Snapshot::read(&bytes).map_err(|error| format!("snapshot: {error}"))?;
                let state = instance.into_state();
                let options = Options { fuel: Some(0), ..Options::default() };
                let restored = self.module.restore(self.imports.clone(), state, options, &saved);
                restored.map_err(|error| error.to_string())
            }
        }
    }
}

/// A writer whose contents can be read through other handles.
#[derive(Clone, Default)]
pub(super) struct Shared(Rc<RefCell<Vec<u8>>>);

impl Shared {
    /// Takes the contents.
    pub(super) fn take(&self) -> Vec<u8> {
        self.0.take()
    }
}

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.borrow_mut().extend(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
