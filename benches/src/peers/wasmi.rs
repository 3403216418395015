//! The kernels in wasmi, an interpreter of WebAssembly.

use wasmi::{CompilationMode, Config, Engine as WasmiEngine, Linker, Module, Store, TypedFunc};

use super::{Call, Engine, Error, Kernel, Loaded, WASM};

/// wasmi, metered or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wasmi {
    /// Whether it counts fuel.
    pub fuel: bool,
}

impl Wasmi {
    /// The variants that are compared.
    pub const ALL: [Wasmi; 2] = [Wasmi { fuel: false }, Wasmi { fuel: true }];

    /// Creates an engine that translates everything when it loads a module.
    pub fn engine(self) -> WasmiEngine {
        let mut config = Config::default();
        config.consume_fuel(self.fuel).compilation_mode(CompilationMode::Eager);
        WasmiEngine::new(&config)
    }

    /// Creates a store with unlimited fuel.
    ///
    /// # Errors
    /// None.
    pub fn store(self, engine: &WasmiEngine) -> Result<Store<()>, Error> {
        let mut store = Store::new(engine, ());
        if self.fuel {
            store.set_fuel(u64::MAX)?;
        }
        Ok(store)
    }

    /// Loads a module without imports, and creates its data.
    ///
    /// # Errors
    /// The module or the call does not fit.
    pub fn load_call(self, module: &[u8], call: &Call) -> Result<Box<dyn Loaded>, Error> {
        let engine = self.engine();
        let module = Module::new(&engine, module)?;
        let mut store = self.store(&engine)?;
        let instance = Linker::new(&engine).instantiate_and_start(&mut store, &module)?;
        if let Some(setup) = &call.setup {
            instance.get_typed_func::<u64, ()>(&store, setup)?.call(&mut store, call.argument)?;
        }
        let run = instance.get_typed_func(&store, &call.run)?;
        Ok(Box::new(WasmiCall { store, run, argument: call.argument }))
    }
}

impl Engine for Wasmi {
    fn name(&self) -> String {
        if self.fuel { "wasmi+fuel".into() } else { "wasmi".into() }
    }

    fn load(&self, kernel: &Kernel) -> Result<Option<Box<dyn Loaded>>, Error> {
        self.load_call(WASM, &kernel.call_of_all()).map(Some)
    }
}

struct WasmiCall {
    store: Store<()>,
    run: TypedFunc<u64, u64>,
    argument: u64,
}

impl Loaded for WasmiCall {
    fn run(&mut self) -> Result<u64, Error> {
        Ok(self.run.call(&mut self.store, self.argument)?)
    }
}
