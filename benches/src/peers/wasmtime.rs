//! Runs the kernels, compiled to WebAssembly, in Wasmtime with Cranelift or Winch.

use wasmtime::{
    Config, Engine as WasmtimeEngine, InstanceAllocationStrategy, Linker, Module, Store, Strategy, TypedFunc,
};

use super::{Call, Engine, Error, Kernel, Loaded, WASM};

/// Wasmtime in one of its configurations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wasmtime {
    /// Cranelift, with guard pages that catch accesses out of bounds.
    Guards,
    /// Cranelift, with an explicit bounds check for each access.
    Checks,
    /// Cranelift, with fuel metering.
    Fuel,
    /// Winch, the single-pass compiler.
    Winch,
    /// Cranelift, with the pooling allocator for memories and stacks. The code is that of [`Wasmtime::Guards`].
    Pooling,
}

impl Wasmtime {
    /// The configurations that run kernels.
    pub const ALL: [Wasmtime; 4] = [Wasmtime::Guards, Wasmtime::Checks, Wasmtime::Fuel, Wasmtime::Winch];

    /// Creates an engine, which compiles on one thread.
    ///
    /// # Errors
    /// Wasmtime does not support this computer.
    pub fn engine(self) -> Result<WasmtimeEngine, Error> {
        let mut config = Config::new();
        match self {
            Wasmtime::Guards => {}
            Wasmtime::Checks => {
                config.memory_reservation(0).memory_guard_size(0).memory_reservation_for_growth(0);
                config.guard_before_linear_memory(false);
            }
            Wasmtime::Fuel => {
                config.consume_fuel(true);
            }
            Wasmtime::Winch => {
                config.strategy(Strategy::Winch);
            }
            Wasmtime::Pooling => {
                config.allocation_strategy(InstanceAllocationStrategy::pooling());
            }
        }
        Ok(WasmtimeEngine::new(&config)?)
    }

    /// Creates a store with unlimited fuel.
    ///
    /// # Errors
    /// The engine does not meter fuel, although this configuration does.
    pub fn store(self, engine: &WasmtimeEngine) -> Result<Store<()>, Error> {
        let mut store = Store::new(engine, ());
        if self == Wasmtime::Fuel {
            store.set_fuel(u64::MAX)?;
        }
        Ok(store)
    }

    /// Loads a module without imports, and creates its data.
    ///
    /// # Errors
    /// The module or the call does not fit.
    pub fn load_call(self, module: &[u8], call: &Call) -> Result<Box<dyn Loaded>, Error> {
        let engine = self.engine()?;
        let module = Module::new(&engine, module)?;
        let mut store = self.store(&engine)?;
        let instance = Linker::new(&engine).instantiate(&mut store, &module)?;
        if let Some(setup) = &call.setup {
            instance.get_typed_func::<u64, ()>(&mut store, setup)?.call(&mut store, call.argument)?;
        }
        let run = instance.get_typed_func(&mut store, &call.run)?;
        Ok(Box::new(WasmtimeCall { store, run, argument: call.argument }))
    }
}

impl Engine for Wasmtime {
    fn name(&self) -> String {
        match self {
            Wasmtime::Guards => "wasmtime",
            Wasmtime::Checks => "wasmtime checks",
            Wasmtime::Fuel => "wasmtime+fuel",
            Wasmtime::Winch => "winch",
            Wasmtime::Pooling => "wasmtime pooling",
        }
        .into()
    }

    fn load(&self, kernel: &Kernel) -> Result<Option<Box<dyn Loaded>>, Error> {
        self.load_call(WASM, &kernel.call_of_all()).map(Some)
    }
}

struct WasmtimeCall {
    store: Store<()>,
    run: TypedFunc<u64, u64>,
    argument: u64,
}

impl Loaded for WasmtimeCall {
    fn run(&mut self) -> Result<u64, Error> {
        Ok(self.run.call(&mut self.store, self.argument)?)
    }
}
