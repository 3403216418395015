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

use std::marker::PhantomData;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, OnceLock};

use vsp_core::index::FuncIndex;
use vsp_core::jit::{Compiler, JitError, Region, RegionCode};
use vsp_core::limits::MAX_PARAMS;
use vsp_core::native::{Arch, Code, CodeInfo, Object, ObjectError, Target};
use vsp_core::verify::Verified;
use vsp_core::{
    AttachError, CallError, Entry, EntryRequest, Instance, NativeCode, NotReturned, Outcome, Ref,
    typed_export,
};

pub use vsp_core::native::{CompileOptions, Tier};
pub use vsp_core::{FunctionError, Parameters, Results};

use crate::exec_memory::{ExecMemory, ExecMemoryError};
use crate::native_call::{self, Found, MachineCode};

pub use crate::native_call::Trusted;

/// Maximum size in bytes of an instance's native stack. The memory is reserved, and used only as deep as calls go.
pub const MAX_NATIVE_STACK: u64 = 1 << 30;

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
    /// The code object cannot be used.
    #[error(transparent)]
    Object(#[from] ObjectError),
    /// The bytes of the code object are not in the memory.
    #[error("the code object is not inside the memory, which has {size} bytes")]
    Outside {
        /// The size of the memory in bytes.
        size: usize,
    },
    /// The code object is not aligned so that it can run in place.
    #[error("the code object cannot run in place: it must start at a multiple of {align} bytes")]
    NotInPlace {
        /// The multiple.
        align: usize,
    },
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
        Ok(CompiledProgram::new(Arc::new(machine), program))
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

/// Machine code of a program, in executable memory. Several instances can use it at once, on several threads.
#[derive(Debug)]
pub struct CompiledProgram<'p> {
    machine: Arc<MachineCode>,
    program: Ref<'p, Verified<'p>>,
}

impl MachineCode {
    /// Puts code into executable memory.
    pub(crate) fn of_code(code: Code) -> Result<MachineCode, ExecMemoryError> {
        let memory = ExecMemory::new(code.bytes())?;
        Ok(MachineCode::new(code.into_info(), memory, 0))
    }

    /// Puts the code of a region into executable memory.
    pub(crate) fn of_region(code: RegionCode) -> Result<MachineCode, ExecMemoryError> {
        let memory = ExecMemory::new(code.bytes())?;
        Ok(MachineCode::new(code.into_info(), memory, 0))
    }

    /// Copies the code of an object into executable memory.
    pub(crate) fn load(object: Trusted<Object<'_>>) -> Result<MachineCode, NativeError> {
        let object = object.into_inner();
        object.info().check_target(&host_target()?)?;
        let memory = ExecMemory::new(object.placement().code)?;
        Ok(MachineCode::new(object.into_info(), memory, 0))
    }

    /// Takes over memory that holds a code object.
    fn in_place(memory: Trusted<ExecMemory>, file: Range<usize>) -> Result<MachineCode, NativeError> {
        let memory = memory.into_inner();
        let first = file.start;
        let Some(file) = memory.as_bytes().get(file) else {
            return Err(NativeError::Outside { size: memory.as_bytes().len() });
        };
        let object = Object::read(file)?;
        object.info().check_target(&host_target()?)?;
        let placement = object.placement();
        if !placement.in_place {
            return Err(NativeError::NotInPlace { align: placement.align });
        }
        let start = first + placement.offset;
        Ok(MachineCode::new(object.into_info(), memory, start))
    }

    /// Checks that frames in `cells` cells of stack can have the native stack that they need.
    pub(crate) fn reserve(&self, cells: u32) -> Result<(), AttachError> {
        let bytes = u64::from(cells) * u64::from(self.info().bytes_per_cell());
        if bytes > MAX_NATIVE_STACK {
            return Err(AttachError::NativeStack { cells, bytes, limit: MAX_NATIVE_STACK });
        }
        Ok(())
    }
}

impl<'p> CompiledProgram<'p> {
    /// Creates a compiled program from machine code that was made from `program`.
    pub(crate) fn new(machine: Arc<MachineCode>, program: Ref<'p, Verified<'p>>) -> CompiledProgram<'p> {
        CompiledProgram { machine, program }
    }

    /// Puts the machine code of a code object, which was made from this program, into executable memory.
    ///
    /// A checksum checks that it was made from this program. It detects mistakes, but not attacks.
    ///
    /// # Errors
    /// The code object is for another target or program, or there is no executable memory.
    pub fn load(
        object: Trusted<Object<'_>>,
        program: impl Into<Ref<'p, Verified<'p>>>,
    ) -> Result<CompiledProgram<'p>, NativeError> {
        let program = program.into();
        object.get().info().check_program(&program)?;
        Ok(CompiledProgram::new(Arc::new(MachineCode::load(object)?), program))
    }

    /// Runs the machine code of a code object where it lies: the bytes `file` of the memory are the whole object.
    ///
    /// # Errors
    /// As [`Self::load`]; and the memory does not hold the code at an address where it can run.
    pub fn in_place(
        memory: Trusted<ExecMemory>,
        file: Range<usize>,
        program: impl Into<Ref<'p, Verified<'p>>>,
    ) -> Result<CompiledProgram<'p>, NativeError> {
        let program = program.into();
        let machine = MachineCode::in_place(memory, file)?;
        machine.info().check_program(&program)?;
        Ok(CompiledProgram::new(Arc::new(machine), program))
    }

    /// Returns the description of the code.
    pub fn code(&self) -> &CodeInfo {
        self.machine.info()
    }

    /// Returns the addresses of the code.
    pub fn address_range(&self) -> Range<usize> {
        self.machine.address_range()
    }

    /// Returns the program.
    pub fn program(&self) -> &Verified<'p> {
        &self.program
    }

    pub(crate) fn shared_program(&self) -> Ref<'p, Verified<'p>> {
        self.program.clone()
    }

    /// Returns an exported function with these Rust types.
    ///
    /// # Errors
    /// There is no such export, or its type is another one.
    pub fn function<P: Parameters, R: Results>(
        self: &Arc<Self>,
        name: &str,
    ) -> Result<CompiledFunction<'p, P, R>, FunctionError> {
        let index = typed_export::<P, R>(&self.program, name)?;
        let no_export = || FunctionError::NoExport(name.into());
        let function = self.program.function(index).ok_or_else(no_export)?;
        let found = self.machine.find(Entry::Function(index)).ok_or_else(no_export)?;
        let found = if function.short_leaf { found.of_short_leaf(&self.machine) } else { found };
        Ok(CompiledFunction { program: self.clone(), index, found, types: PhantomData })
    }
}

impl<S> NativeCode<S> for CompiledProgram<'_> {
    fn code(&self) -> &CodeInfo {
        self.machine.info()
    }

    fn is_for(&self, program: &Verified<'_>) -> bool {
        is_same(&self.program, program)
    }

    fn reserve(&self, cells: u32) -> Result<(), AttachError> {
        self.machine.reserve(cells)
    }

    fn enter(&self, request: EntryRequest<'_, '_, S>, values: &mut [u64; MAX_PARAMS]) -> bool {
        native_call::enter(&self.machine, |program| is_same(&self.program, program), request, values)
    }

    fn on_larger_stack(&self, cells: u32, run: &mut dyn FnMut()) -> bool {
        // The bytes of a cell are those of the function that needs most.
        native_call::on_larger_stack(cells, self.machine.info().bytes_per_cell(), run)
    }
}

/// Returns whether these are the same program.
pub(crate) fn is_same(one: &Verified<'_>, other: &Verified<'_>) -> bool {
    std::ptr::addr_eq(one, other) || one.program().bytes() == other.program().bytes()
}

/// The reason why a compiled function did not return.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum FunctionStopped {
    /// The instance cannot use the code.
    #[error(transparent)]
    Attach(#[from] AttachError),
    /// The instance cannot be called.
    #[error(transparent)]
    Call(#[from] CallError),
    /// It halted, trapped or was suspended.
    #[error("the function did not return: {0:?}")]
    Outcome(Outcome),
}

/// A compiled function with parameters of the types `P` and results of the types `R`. It keeps the code alive, and can
/// be used by several threads.
///
/// [`Instance::typed`] returns functions for every engine; calls of this one take less time.
#[derive(Debug)]
pub struct CompiledFunction<'p, P, R> {
    program: Arc<CompiledProgram<'p>>,
    index: FuncIndex,
    /// The entry of the function.
    found: Found,
    types: PhantomData<fn(P) -> R>,
}

impl<P, R> Clone for CompiledFunction<'_, P, R> {
    fn clone(&self) -> Self {
        CompiledFunction { program: self.program.clone(), types: PhantomData, ..*self }
    }
}

impl<'p, P: Parameters, R: Results> CompiledFunction<'p, P, R> {
    /// Returns the number of the function.
    pub fn index(&self) -> FuncIndex {
        self.index
    }

    /// Calls the function in an instance of its program, which from then on runs this code.
    ///
    /// # Errors
    /// The instance is of another program or cannot be called, or the function did not return.
    #[inline]
    pub fn call<S>(&self, instance: &mut Instance<'p, S>, args: P) -> Result<R, FunctionStopped> {
        let mut values = [0; MAX_PARAMS];
        args.store(&mut values);
        let called = instance.call_native(&*self.program, self.index, |request| {
            let CompiledProgram { machine, program } = &*self.program;
            let is_for = |other: &Verified<'_>| is_same(program, other);
            self.found.enter(machine, is_for, request, &mut values, P::COUNT, R::COUNT)
        });
        match called {
            Ok(()) => Ok(R::from_values(&values)),
            // A copy of the values, so that those above can be in machine registers.
            Err(not_returned) => self.finish(instance, values, not_returned),
        }
    }

    #[cold]
    fn finish<S>(
        &self,
        instance: &mut Instance<'p, S>,
        mut values: [u64; MAX_PARAMS],
        not_returned: NotReturned,
    ) -> Result<R, FunctionStopped> {
        if !instance.runs(&*self.program) {
            let native: Arc<dyn NativeCode<S> + 'p> = self.program.clone();
            instance.attach(native)?;
        }
        match instance.finish_native(&*self.program, self.index, &mut values, not_returned)? {
            None => Ok(R::from_values(&values)),
            Some(outcome) => Err(FunctionStopped::Outcome(outcome)),
        }
    }
}

#[cfg(test)]
mod tests;
