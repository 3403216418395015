//! The same WebAssembly modules in VSP and in other virtual machines, for `cargo bench --features peers wasm`.

#[cfg(feature = "peers")]
mod others;
mod translated;
#[cfg(feature = "peers")]
mod wasi;
mod works;

pub mod measure;
pub mod report;
pub mod tables;

pub use translated::Translated;
pub use works::{Command, Group, MODULES, Module, Work, works};

use vsp_host::engine::EngineKind;

use crate::peers::measure::Task;
use crate::peers::{Call, Error, Loaded, VspConfig};

/// An engine that runs WebAssembly modules: a column of the tables.
pub trait WasmEngine {
    /// Returns the head of its column.
    fn name(&self) -> String;

    /// Loads a module without imports, and creates its data.
    ///
    /// # Errors
    /// The engine fails.
    fn load_call(&self, module: &'static [u8], call: &Call) -> Result<Box<dyn Loaded>, Error>;

    /// Loads a command. Each of its runs checks what it prints, and returns 0.
    ///
    /// # Errors
    /// The engine fails.
    fn load_command(&self, command: &Command) -> Result<Box<dyn Loaded>, Error>;

    /// Returns the task of translating and compiling a module, on one thread.
    ///
    /// # Errors
    /// The engine does not support this computer.
    fn loader(&self, module: &'static [u8]) -> Result<Task<'static>, Error>;
}

/// Returns all engines of this build: the interpreters, the fast compilers, the optimising ones.
pub fn engines() -> Vec<Box<dyn WasmEngine>> {
    let translated = |kind| Box::new(Translated(VspConfig { kind, fuel: false })) as Box<dyn WasmEngine>;
    let [interpreter, tier1, tier2] =
        [EngineKind::Interpreter, EngineKind::Tier1, EngineKind::Tier2].map(translated);
    #[cfg(feature = "peers")]
    {
        use crate::peers::{Wasmi, Wasmtime};
        let [guards, checks, winch] = [Wasmtime::Guards, Wasmtime::Checks, Wasmtime::Winch]
            .map(|engine| Box::new(engine) as Box<dyn WasmEngine>);
        vec![interpreter, Box::new(Wasmi { fuel: false }), tier1, winch, tier2, guards, checks]
    }
    #[cfg(not(feature = "peers"))]
    vec![interpreter, tier1, tier2]
}
