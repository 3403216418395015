//! Modules in wasmi and Wasmtime.

use super::wasi::{MODULE, Wasi};
use super::{Command, WasmEngine};
use crate::peers::loads::{self, LoadMode};
use crate::peers::measure::Task;
use crate::peers::{Call, Engine, Error, Loaded, Wasmi, Wasmtime};

/// The export that starts a command, and that with its memory.
const START: &str = "_start";
const MEMORY: &str = "memory";

impl WasmEngine for Wasmi {
    fn name(&self) -> String {
        Engine::name(self)
    }

    fn load_call(&self, module: &'static [u8], call: &Call) -> Result<Box<dyn Loaded>, Error> {
        Wasmi::load_call(*self, module, call)
    }

    fn load_command(&self, command: &Command) -> Result<Box<dyn Loaded>, Error> {
        let module = wasmi::Module::new(&self.engine(), command.module.bytes)?;
        let mut linker = wasmi::Linker::new(module.engine());
        for import in module.imports() {
            let ty = import.ty().func().ok_or("an import is not a function")?;
            let name = import.name().to_owned();
            linker.func_new(MODULE, import.name(), ty.clone(), move |mut caller, params, results| {
                let memory = caller.get_export(MEMORY).and_then(wasmi::Extern::into_memory);
                let memory = memory.ok_or_else(|| wasmi::Error::new("there is no memory"))?;
                let (memory, wasi): (&mut [u8], &mut Wasi) = memory.data_and_store_mut(&mut caller);
                let (params, count) = numbers(params.iter().map(|value| match value {
                    wasmi::Val::I32(value) => u64::from(*value as u32),
                    value => value.i64().unwrap_or(0) as u64,
                }));
                let errno = wasi.call(memory, &name, &params[..count]);
                let errno = errno.ok_or_else(|| wasmi::Error::i32_exit(0))?;
                if let Some(result) = results.first_mut() {
                    *result = wasmi::Val::I32(errno as i32);
                }
                Ok(())
            })?;
        }
        Ok(Box::new(WasmiCommand { command: *command, module, linker, ready: None }))
    }

    fn loader(&self, module: &'static [u8]) -> Result<Task<'static>, Error> {
        Ok(loads::wasmi(*self, module, LoadMode::ONCE))
    }
}

/// Returns up to sixteen numbers of an iterator, and how many there are.
fn numbers(all: impl Iterator<Item = u64>) -> ([u64; 16], usize) {
    let (mut numbers, mut count) = ([0; 16], 0);
    for (number, value) in numbers.iter_mut().zip(all) {
        *number = value;
        count += 1;
    }
    (numbers, count)
}

/// A command, and the instance for its next run.
struct WasmiCommand {
    command: Command,
    module: wasmi::Module,
    linker: wasmi::Linker<Wasi>,
    ready: Option<(wasmi::Store<Wasi>, wasmi::TypedFunc<(), ()>)>,
}

impl Loaded for WasmiCommand {
    fn prepare(&mut self) -> Result<(), Error> {
        let mut store = wasmi::Store::new(self.module.engine(), Wasi::new(&self.command));
        let instance = self.linker.instantiate_and_start(&mut store, &self.module)?;
        let start = instance.get_typed_func(&store, START)?;
        self.ready = Some((store, start));
        Ok(())
    }

    fn run(&mut self) -> Result<u64, Error> {
        let (store, start) = self.ready.as_mut().ok_or("there is no instance")?;
        let ended = start.call(&mut *store, ());
        if store.data().exit.is_none() {
            ended?;
        }
        store.data().check(&self.command)
    }
}

impl WasmEngine for Wasmtime {
    fn name(&self) -> String {
        Engine::name(self)
    }

    fn load_call(&self, module: &'static [u8], call: &Call) -> Result<Box<dyn Loaded>, Error> {
        Wasmtime::load_call(*self, module, call)
    }

    fn load_command(&self, command: &Command) -> Result<Box<dyn Loaded>, Error> {
        let module = wasmtime::Module::new(&self.engine()?, command.module.bytes)?;
        let mut linker = wasmtime::Linker::new(module.engine());
        for import in module.imports() {
            let ty = import.ty().func().cloned().ok_or("an import is not a function")?;
            let name = import.name().to_owned();
            linker.func_new(MODULE, import.name(), ty, move |mut caller, params, results| {
                let memory = caller.get_export(MEMORY).and_then(wasmtime::Extern::into_memory);
                let memory = memory.ok_or_else(|| wasmtime::Error::msg("there is no memory"))?;
                let (memory, wasi): (&mut [u8], &mut Wasi) = memory.data_and_store_mut(&mut caller);
                let (params, count) = numbers(params.iter().map(|value| match value {
                    wasmtime::Val::I32(value) => u64::from(*value as u32),
                    value => value.i64().unwrap_or(0) as u64,
                }));
                let errno = wasi.call(memory, &name, &params[..count]);
                let errno = errno.ok_or_else(|| wasmtime::Error::msg("the program exits"))?;
                if let Some(result) = results.first_mut() {
                    *result = wasmtime::Val::I32(errno as i32);
                }
                Ok(())
            })?;
        }
        let module = linker.instantiate_pre(&module)?;
        Ok(Box::new(WasmtimeCommand { command: *command, module, ready: None }))
    }

    fn loader(&self, module: &'static [u8]) -> Result<Task<'static>, Error> {
        loads::wasmtime(*self, module, LoadMode::ONCE)
    }
}

/// A command, and the instance for its next run.
struct WasmtimeCommand {
    command: Command,
    module: wasmtime::InstancePre<Wasi>,
    ready: Option<(wasmtime::Store<Wasi>, wasmtime::TypedFunc<(), ()>)>,
}

impl Loaded for WasmtimeCommand {
    fn prepare(&mut self) -> Result<(), Error> {
        let mut store = wasmtime::Store::new(self.module.module().engine(), Wasi::new(&self.command));
        let instance = self.module.instantiate(&mut store)?;
        let start = instance.get_typed_func(&mut store, START)?;
        self.ready = Some((store, start));
        Ok(())
    }

    fn run(&mut self) -> Result<u64, Error> {
        let (store, start) = self.ready.as_mut().ok_or("there is no instance")?;
        let ended = start.call(&mut *store, ());
        if store.data().exit.is_none() {
            ended?;
        }
        store.data().check(&self.command)
    }
}
