//! Modules in VSP, as the command `vsp run` takes them: translated, verified, and loaded in an engine.

use std::sync::Arc;

use vsp_core::index::FuncIndex;
use vsp_core::program::Program;
use vsp_core::verify::Verified;
use vsp_core::{Imports, Instance, Options, Outcome};
use vsp_host::engine::Module;
use vsp_host::wasi::{self, Exit, Input, Output, Wasi};
use vsp_wasm::{Exports, STACK_CELLS};

use super::{Command, WasmEngine};
use crate::peers::loads::LoadMode;
use crate::peers::measure::Task;
use crate::peers::{Call, Error, Loaded, VspCall, VspConfig};

/// Most bytes that a command prints.
const OUTPUT: usize = 1 << 20;

/// VSP with a translated module.
#[derive(Clone, Copy, Debug)]
pub struct Translated(pub VspConfig);

impl Translated {
    /// Translates a module.
    ///
    /// # Errors
    /// It is refused, or has a function that runs before all else.
    pub fn bytes(module: &[u8]) -> Result<Arc<[u8]>, Error> {
        let bytes: Arc<[u8]> = translate(module)?.into();
        let exports = Exports::read(&Program::read(bytes.clone())?).ok_or("it has no types")?;
        match exports.start {
            Some(start) => Err(format!("the module has a start function, {start}").into()),
            None => Ok(bytes),
        }
    }

    /// Returns the task of translating a module, and nothing else.
    pub fn translator(module: &'static [u8]) -> Task<'static> {
        LoadMode::ONCE.task(move || translate(module))
    }

    fn options(self) -> Options<'static> {
        Options { stack_cells: Some(STACK_CELLS), ..self.0.options() }
    }

    /// Loads a module for a call.
    ///
    /// # Errors
    /// It is refused, or does not fit the call.
    pub fn call(self, module: &[u8], call: &Call) -> Result<VspCall, Error> {
        VspCall::new(self.0, Translated::bytes(module)?, self.options(), call)
    }
}

fn translate(module: &[u8]) -> Result<Vec<u8>, Error> {
    Ok(vsp_wasm::translate(module, &vsp_wasm::Options::default())?)
}

impl WasmEngine for Translated {
    fn name(&self) -> String {
        self.0.name()
    }

    fn load_call(&self, module: &'static [u8], call: &Call) -> Result<Box<dyn Loaded>, Error> {
        Ok(Box::new(self.call(module, call)?))
    }

    fn load_command(&self, command: &Command) -> Result<Box<dyn Loaded>, Error> {
        let module = self.0.module(Translated::bytes(command.module.bytes)?)?;
        let start = module.program().export("_start").ok_or("the program does not export _start")?;
        let (imports, options) = (Arc::new(wasi::imports()?), self.options());
        Ok(Box::new(VspCommand { command: *command, module, imports, options, start, instance: None }))
    }

    fn loader(&self, module: &'static [u8]) -> Result<Task<'static>, Error> {
        let engine = self.0.engine()?;
        Ok(LoadMode::ONCE.task(move || {
            let bytes: Arc<[u8]> = translate(module)?.into();
            Ok(engine.load(Arc::new(Verified::new(Program::read(bytes)?)?))?)
        }))
    }
}

/// A command, and the instance for its next run.
struct VspCommand {
    command: Command,
    module: Module<'static>,
    imports: Arc<Imports<Wasi>>,
    options: Options<'static>,
    start: FuncIndex,
    instance: Option<Instance<'static, Wasi>>,
}

impl Loaded for VspCommand {
    fn prepare(&mut self) -> Result<(), Error> {
        let input = Input::bytes(self.command.input);
        let wasi = Wasi::new().args(self.command.args.iter().copied()).stdin(input);
        let wasi = wasi.stdout(Output::capture(OUTPUT)).stderr(Output::capture(OUTPUT)).deterministic(0);
        let instance = self.module.instantiate(self.imports.clone(), wasi, self.options.clone())?;
        self.instance = Some(instance);
        Ok(())
    }

    fn run(&mut self) -> Result<u64, Error> {
        let instance = self.instance.as_mut().ok_or("there is no instance")?;
        let outcome = instance.call(self.start, &[])?;
        let exit = instance.host_error().and_then(|error| error.downcast_ref::<Exit>());
        let status = match (outcome, exit) {
            (Outcome::Returned(_), _) => 0,
            (_, Some(exit)) => exit.status,
            (other, None) => return Err(format!("{other:?}").into()),
        };
        let wasi = instance.state();
        self.command.check(wasi.captured_stdout(), wasi.captured_stderr(), status)
    }
}
