//! The kernels in VSP.

use std::sync::Arc;

use vsp_core::index::FuncIndex;
use vsp_core::program::Program;
use vsp_core::verify::Verified;
use vsp_core::{Imports, Instance, Options, Outcome, text};
use vsp_host::engine::{Engine as VspEngine, EngineKind, Module};
use vsp_host::native::CompileOptions;

use super::{Call, Engine, Error, Kernel, Loaded};

/// An engine of VSP, metered or not. It cannot be interrupted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VspConfig {
    /// The engine.
    pub kind: EngineKind,
    /// Whether it counts fuel.
    pub fuel: bool,
}

impl VspConfig {
    /// The configurations that are compared.
    pub const ALL: [VspConfig; 5] = [
        VspConfig { kind: EngineKind::Interpreter, fuel: false },
        VspConfig { kind: EngineKind::Interpreter, fuel: true },
        VspConfig { kind: EngineKind::Tier1, fuel: false },
        VspConfig { kind: EngineKind::Tier2, fuel: false },
        VspConfig { kind: EngineKind::Tier2, fuel: true },
    ];

    /// The configuration that counts instructions.
    pub const COUNTING: VspConfig = VspConfig { kind: EngineKind::Interpreter, fuel: true };

    /// Returns the head of its column.
    pub fn name(self) -> String {
        format!("vsp {}{}", self.kind.name(), if self.fuel { "+fuel" } else { "" })
    }

    /// Returns the options of the compiler.
    pub fn compile_options(self) -> CompileOptions {
        CompileOptions { fuel: self.fuel, interrupt: false, ..CompileOptions::default() }
    }

    /// Returns the options of instances.
    pub fn options(self) -> Options<'static> {
        Options { fuel: self.fuel.then_some(i64::MAX as u64), ..Options::default() }
    }

    /// Creates the engine: a compiler, or the interpreter.
    ///
    /// # Errors
    /// This computer has no machine code.
    pub fn engine(self) -> Result<VspEngine, Error> {
        Ok(VspEngine::with_options(self.kind, self.compile_options())?)
    }

    /// Loads a program.
    ///
    /// # Errors
    /// The bytes are not a program, or cannot be compiled.
    pub fn module(self, bytes: Arc<[u8]>) -> Result<Module<'static>, Error> {
        let program = Arc::new(Verified::new(Program::read(bytes)?)?);
        Ok(self.engine()?.load(program)?)
    }
}

/// VSP in one of its configurations.
#[derive(Clone, Copy, Debug)]
pub struct Vsp(pub VspConfig);

impl Engine for Vsp {
    fn name(&self) -> String {
        self.0.name()
    }

    fn load(&self, kernel: &Kernel) -> Result<Option<Box<dyn Loaded>>, Error> {
        let bytes = assemble(kernel.text, kernel.name)?;
        Ok(Some(Box::new(VspCall::new(self.0, bytes, self.0.options(), &kernel.call())?)))
    }
}

/// A function of a program that is ready to be called.
#[derive(Debug)]
pub struct VspCall {
    instance: Instance<'static, ()>,
    run: FuncIndex,
    argument: u64,
}

impl VspCall {
    /// Loads a program without imports, and creates its data.
    ///
    /// # Errors
    /// The program or the call does not fit.
    pub fn new(
        config: VspConfig,
        bytes: Arc<[u8]>,
        options: Options<'static>,
        call: &Call,
    ) -> Result<VspCall, Error> {
        let module = config.module(bytes)?;
        let mut instance = module.instantiate(Arc::new(Imports::new()), (), options)?;
        if let Some(setup) = &call.setup {
            instance.call_export(setup, &[call.argument])?;
        }
        let run = module.program().export(&call.run);
        let run = run.ok_or_else(|| format!("the program does not export {}", call.run))?;
        Ok(VspCall { instance, run, argument: call.argument })
    }

    /// Returns the number of instructions of a run: its fuel, in which copying and filling count more. The
    /// configuration has to count fuel.
    ///
    /// # Errors
    /// It does not return.
    pub fn instructions(&mut self) -> Result<u64, Error> {
        self.instance.set_fuel(i64::MAX as u64);
        self.run()?;
        Ok(i64::MAX as u64 - self.instance.fuel().unwrap_or(0) as u64)
    }
}

impl Loaded for VspCall {
    fn run(&mut self) -> Result<u64, Error> {
        match self.instance.call(self.run, &[self.argument])? {
            Outcome::Returned(values) => Ok(values[0]),
            other => Err(format!("{other:?}").into()),
        }
    }
}

/// Assembles a program.
///
/// # Errors
/// It does not assemble.
pub fn assemble(source: &str, name: &str) -> Result<Arc<[u8]>, Error> {
    match text::assemble(source, name) {
        Ok(bytes) => Ok(bytes.into()),
        Err(errors) => Err(format!("{name}: {errors:?}").into()),
    }
}

/// Returns the number of instructions that a kernel executes ([`VspCall::instructions`]).
///
/// # Errors
/// It cannot be run.
pub fn instructions(kernel: &Kernel) -> Result<u64, Error> {
    let config = VspConfig::COUNTING;
    VspCall::new(config, assemble(kernel.text, kernel.name)?, config.options(), &kernel.call())?
        .instructions()
}
