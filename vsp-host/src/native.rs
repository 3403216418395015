//! Machine code for this computer, in executable memory.
//!
//! ```
//! use std::sync::Arc;
//! use vsp_core::{Imports, Instance, Options, Outcome, program::Program, text, verify::Verified};
//! use vsp_host::native::{CompileOptions, VspJit};
//!
//! let bytes = text::assemble(".export square\n.func square (1) -> 1\n MUL R0, R0, R0\n RET\n.end", "s.sil").unwrap();
//! let program = Arc::new(Verified::new(Program::read(&bytes[..])?)?);
//! let code = Arc::new(VspJit::new(CompileOptions::default())?.compile(program.clone())?);
//!
//! let imports = Imports::new();
//! let mut instance = Instance::new(program, &imports, (), Options::default())?;
//! let square = code.function::<(u64,), u64>("square")?;
//! assert_eq!(square.call(&mut instance, (12,))?, 144);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, OnceLock};

use vsp_core::Ref;
use vsp_core::jit::{Compiler, JitError, Region, RegionCode};
use vsp_core::native::{Arch, Code, Target};
use vsp_core::verify::Verified;
use vsp_native::Platform;

pub use vsp_core::native::{CompileOptions, Tier};
pub use vsp_core::{FunctionError, Parameters, Results};
pub use vsp_native::{FunctionStopped, LoadError, Trusted};

use crate::exec_memory::ExecMemoryError;
use crate::os::{self, MachineCode, Os};

/// Maximum size in bytes of an instance's native stack.
pub const MAX_NATIVE_STACK: u64 = Os::MAX_NATIVE_STACK;

/// Machine code of a program, in executable memory of the operating system.
pub type CompiledProgram<'p> = vsp_native::CompiledProgram<'p, Os>;

/// A compiled function with parameters of the types `A` and results of the types `R`.
pub type CompiledFunction<'p, A, R> = vsp_native::CompiledFunction<'p, Os, A, R>;

/// The error of generating or loading machine code.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NativeError {
    /// There is no code generator for this computer.
    #[error("there is no code generator for this computer: {0}")]
    Host(String),
    /// The program cannot be compiled.
    #[error(transparent)]
    Compile(#[from] JitError),
    /// The compiler has a bug that this program triggers.
    #[error("the compiler panicked: {0}")]
    Panicked(String),
    /// The code object cannot be loaded.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// The code cannot be made executable.
    #[error(transparent)]
    Memory(#[from] ExecMemoryError),
}

/// Returns this computer as a target, with all processor features that the code generator knows.
///
/// # Errors
/// There is no code generator for it.
pub fn host_target() -> Result<Target, NativeError> {
    static FOUND: OnceLock<Target> = OnceLock::new();
    if let Some(target) = FOUND.get() {
        return Ok(target.clone());
    }
    let arch = Arch::host().ok_or_else(|| NativeError::Host(std::env::consts::ARCH.into()))?;
    let builder = cranelift_native::builder().map_err(|error| NativeError::Host(error.into()))?;
    let target = Target::of_builder(arch, &builder)?;
    Ok(FOUND.get_or_init(|| target).clone())
}

/// A compiler of programs for this computer. It reuses its buffers from one program to the next.
#[derive(Debug)]
pub struct VspJit {
    compiler: Compiler,
}

impl VspJit {
    /// Creates a compiler.
    ///
    /// # Errors
    /// There is no code generator for this computer.
    pub fn new(options: CompileOptions) -> Result<VspJit, NativeError> {
        VspJit::for_target(host_target()?, options)
    }

    /// Creates a compiler that uses only the processor features of `target`.
    ///
    /// # Errors
    /// The target is another architecture, or needs features that this computer does not have.
    pub fn for_target(target: Target, options: CompileOptions) -> Result<VspJit, NativeError> {
        let host = host_target()?;
        if !target.runs_on(&host) {
            return Err(NativeError::Host(format!("this is {host}, not {target}")));
        }
        Ok(VspJit { compiler: Compiler::new(target, options)? })
    }

    /// Compiles a program and makes it executable.
    ///
    /// # Errors
    /// It cannot be compiled, or there is no executable memory.
    pub fn compile<'p>(
        &mut self,
        program: impl Into<Ref<'p, Verified<'p>>>,
    ) -> Result<CompiledProgram<'p>, NativeError> {
        let program = program.into();
        let machine = MachineCode::of_code(self.code(&program)?)?;
        Ok(os::compiled_program(Arc::new(machine), program))
    }

    pub(crate) fn code(&mut self, program: &Verified<'_>) -> Result<Code, NativeError> {
        self.guarded(program, |compiler| compiler.compile(program))
    }

    pub(crate) fn region(
        &mut self,
        program: &Verified<'_>,
        region: &Region,
    ) -> Result<RegionCode, NativeError> {
        self.guarded(program, |compiler| compiler.compile_region(program, region))
    }

    /// Calls `compile`, and replaces the compiler if it panics, since its data may be inconsistent then.
    fn guarded<T>(
        &mut self,
        program: &Verified<'_>,
        compile: impl FnOnce(&mut Compiler) -> Result<T, JitError>,
    ) -> Result<T, NativeError> {
        let compiler = &mut self.compiler;
        let compiled = catch_unwind(AssertUnwindSafe(|| {
            injected_bug::trigger(program);
            compile(compiler)
        }));
        match compiled {
            Ok(compiled) => Ok(compiled?),
            Err(payload) => {
                self.compiler = Compiler::new(self.target().clone(), self.options())?;
                let text = payload.downcast_ref::<&str>().map(|text| (*text).to_owned());
                let text = text.or_else(|| payload.downcast_ref::<String>().cloned());
                Err(NativeError::Panicked(text.unwrap_or_default()))
            }
        }
    }

    /// Returns the options.
    pub fn options(&self) -> CompileOptions {
        self.compiler.options()
    }

    /// Returns the target.
    pub fn target(&self) -> &Target {
        self.compiler.target()
    }
}

/// A bug of the compiler, for tests.
mod injected_bug {
    use vsp_core::verify::Verified;

    /// The compiler panics at programs that export this name.
    #[cfg(test)]
    pub(crate) const NAME: &str = "panics_in_the_compiler";

    #[cfg(test)]
    pub(super) fn trigger(program: &Verified<'_>) {
        assert!(program.program().export(NAME).is_none(), "a bug of the compiler");
    }

    #[cfg(not(test))]
    pub(super) fn trigger(_: &Verified<'_>) {}
}

#[cfg(test)]
mod tests;
