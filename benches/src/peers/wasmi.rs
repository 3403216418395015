//! The kernels in wasmi, an interpreter of WebAssembly.

use wasmi::{CompilationMode, Config, Engine as WasmiEngine, Linker, Module, Store, TypedFunc};

use super::{Engine, Error, Kernel, Loaded, WASM};

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
}

impl Engine for Wasmi {
    fn name(&self) -> String {
        if self.fuel { "wasmi+fuel".into() } else { "wasmi".into() }
    }

    fn load(&self, kernel: &Kernel) -> Result<Option<Box<dyn Loaded>>, Error> {
        let engine = self.engine();
        let module = Module::new(&engine, WASM)?;
        let mut store = self.store(&engine)?;
        let instance = Linker::new(&engine).instantiate_and_start(&mut store, &module)?;
        if kernel.has_setup() {
            let setup = instance.get_typed_func::<u64, ()>(&store, &format!("{}_setup", kernel.name))?;
            setup.call(&mut store, kernel.argument)?;
        }
        let run = instance.get_typed_func(&store, kernel.name)?;
        Ok(Some(Box::new(WasmiKernel { store, run, argument: kernel.argument })))
    }
}

struct WasmiKernel {
    store: Store<()>,
    run: TypedFunc<u64, u64>,
    argument: u64,
}

impl Loaded for WasmiKernel {
    fn run(&mut self) -> Result<u64, Error> {
        Ok(self.run.call(&mut self.store, self.argument)?)
    }
}
