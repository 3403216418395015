//! The kernels of `benches/kernels` in VSP and in other virtual machines, for `cargo bench --features peers peers`.

#[cfg(feature = "peers")]
mod calls_in_peers;
mod kernels;
#[cfg(feature = "peers")]
mod luajit;
mod native;
#[cfg(feature = "peers")]
mod rbpf;
mod vsp;
#[cfg(feature = "peers")]
mod wasmi;
#[cfg(feature = "peers")]
mod wasmtime;

pub mod calls;
pub mod loads;
pub mod measure;
pub mod report;
pub mod tables;
pub mod tiers;

#[cfg(feature = "peers")]
pub use self::{
    luajit::LuaJit,
    rbpf::{Rbpf, RbpfProgram},
    wasmi::Wasmi,
    wasmtime::Wasmtime,
};
pub use kernels::{KERNELS, Kernel, all_text};
#[cfg(feature = "peers")]
pub(crate) use kernels::{crc_table, random_bytes};
pub use native::Native;
pub use vsp::{Vsp, VspCall, VspConfig, assemble, instructions};

/// The kernels as a WebAssembly module, whose exports are called NAME and NAME_setup.
#[cfg(feature = "peers")]
pub const WASM: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/kernels.wasm"));

/// An error with a message.
pub type Error = Box<dyn std::error::Error>;

/// An engine that runs kernels: a column of the table.
pub trait Engine {
    /// Returns the head of its column.
    fn name(&self) -> String;

    /// Loads a kernel and creates its data. Returns `None` if the kernel does not exist for this engine.
    ///
    /// # Errors
    /// The engine fails.
    fn load(&self, kernel: &Kernel) -> Result<Option<Box<dyn Loaded>>, Error>;
}

/// A kernel, or another function, that is ready to run in an engine.
pub trait Loaded {
    /// Prepares the next run, if that is necessary; it is not timed.
    ///
    /// # Errors
    /// The engine fails.
    fn prepare(&mut self) -> Result<(), Error> {
        Ok(())
    }

    /// Runs it once, and returns its answer.
    ///
    /// # Errors
    /// It does not return.
    fn run(&mut self) -> Result<u64, Error>;
}

/// A call of a program's function, which takes a number and returns one.
#[derive(Clone, Debug)]
pub struct Call {
    /// The exported function that creates the data, if there is one. It takes the argument too.
    pub setup: Option<String>,
    /// The exported function.
    pub run: String,
    /// The argument.
    pub argument: u64,
}

/// Returns all engines of this build, native code first.
pub fn engines() -> Vec<Box<dyn Engine>> {
    let mut engines: Vec<Box<dyn Engine>> = vec![Box::new(Native)];
    engines.extend(VspConfig::ALL.map(|config| Box::new(Vsp(config)) as Box<dyn Engine>));
    #[cfg(feature = "peers")]
    {
        engines.extend(Wasmi::ALL.map(|engine| Box::new(engine) as Box<dyn Engine>));
        engines.extend(Wasmtime::ALL.map(|engine| Box::new(engine) as Box<dyn Engine>));
        engines.extend(Rbpf::ALL.map(|engine| Box::new(engine) as Box<dyn Engine>));
        engines.push(Box::new(LuaJit));
    }
    engines
}
