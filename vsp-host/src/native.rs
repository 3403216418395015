//! Machine code that runs: compiled for this computer and put into executable memory.
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
use vsp_core::program::FuncType;
use vsp_core::verify::Verified;
use vsp_core::{
    AttachError, CallError, Entry, Excerpt, Instance, NativeCode, NotReturned, Outcome, Ref, Session, Value,
};

pub use vsp_core::native::{CompileOptions, Tier};

use crate::exec_memory::{ExecMemory, ExecMemoryError};
use crate::native_call::{self, Found, MachineCode};

pub use crate::native_call::Trusted;

/// Bytes of native stack that an instance may take at most. It is memory that is reserved, and used only as deep as calls go.
pub const MAX_NATIVE_STACK: u64 = 1 << 30;

/// Why there is no machine code.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NativeError {
    /// There is no code generator for this computer.
    #[error("there is no code generator for this computer: {0}")]
    Host(String),
    /// The program cannot be compiled.
    #[error(transparent)]
    Compile(#[from] JitError),
    /// The compiler has a bug that this program meets.
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
    /// The code object does not lie so that it can run there.
    #[error("the code object cannot run in place: it must start at a multiple of {align} bytes")]
    NotInPlace {
        /// The multiple.
        align: usize,
    },
    /// The code cannot be made executable.
    #[error(transparent)]
    Memory(#[from] ExecMemoryError),
}

/// This computer, with all of its processor's features that the code generator knows.
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

/// Compiles programs for this computer. It keeps what can be used again from one program to the next.
#[derive(Debug)]
pub struct VspJit {
    compiler: Compiler,
}

impl VspJit {
    /// A compiler.
    ///
    /// # Errors
    /// There is no code generator for this computer.
    pub fn new(options: CompileOptions) -> Result<VspJit, NativeError> {
        VspJit::for_target(host_target()?, options)
    }

    /// A compiler that uses only some features of this computer's processor.
    ///
    /// # Errors
    /// The target is not this computer's, or asks for what it does not have.
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

    pub(crate) fn part(&mut self, program: &Verified<'_>, part: &Region) -> Result<RegionCode, NativeError> {
        self.guarded(program, |compiler| compiler.compile_region(program, part))
    }

    /// Compiles, and goes on with another compiler if this one panics: what is left of it may be inconsistent.
    fn guarded<T>(
        &mut self,
        program: &Verified<'_>,
        compile: impl FnOnce(&mut Compiler) -> Result<T, JitError>,
    ) -> Result<T, NativeError> {
        let compiler = &mut self.compiler;
        let compiled = catch_unwind(AssertUnwindSafe(|| {
            bug::meet(program);
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

    /// What it compiles with.
    pub fn options(&self) -> CompileOptions {
        self.compiler.options()
    }

    /// What its machine code runs on.
    pub fn target(&self) -> &Target {
        self.compiler.target()
    }
}

/// A bug of the compiler: tests have one.
mod bug {
    use vsp_core::verify::Verified;

    /// The compiler panics at programs that export this name.
    #[cfg(test)]
    pub(crate) const NAME: &str = "panics_in_the_compiler";

    #[cfg(test)]
    pub(super) fn meet(program: &Verified<'_>) {
        assert!(program.program().export(NAME).is_none(), "a bug of the compiler");
    }

    #[cfg(not(test))]
    pub(super) fn meet(_: &Verified<'_>) {}
}

/// Machine code of a program, in executable memory. Many instances can use it at once, on several threads.
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

    /// Of part of a program.
    pub(crate) fn of_part(code: RegionCode) -> Result<MachineCode, ExecMemoryError> {
        let memory = ExecMemory::new(code.bytes())?;
        Ok(MachineCode::new(code.into_info(), memory, 0))
    }

    /// Copies the code of an object.
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

    /// Can frames in so many cells of stack have the native stack that they need?
    pub(crate) fn reserve(&self, cells: u32) -> Result<(), AttachError> {
        let bytes = u64::from(cells) * u64::from(self.info().bytes_per_cell());
        if bytes > MAX_NATIVE_STACK {
            return Err(AttachError::NativeStack { cells, bytes, limit: MAX_NATIVE_STACK });
        }
        Ok(())
    }
}

impl<'p> CompiledProgram<'p> {
    /// The machine code was made from the program.
    pub(crate) fn new(machine: Arc<MachineCode>, program: Ref<'p, Verified<'p>>) -> CompiledProgram<'p> {
        CompiledProgram { machine, program }
    }

    /// Puts the machine code of a code object, which was made from this program, into executable memory.
    ///
    /// That it was made from this program is checked by a checksum, which finds mistakes and not malice.
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

    /// What is known of the code.
    pub fn code(&self) -> &CodeInfo {
        self.machine.info()
    }

    /// The addresses where the code is.
    pub fn address_range(&self) -> Range<usize> {
        self.machine.address_range()
    }

    /// The program.
    pub fn program(&self) -> &Verified<'p> {
        &self.program
    }

    pub(crate) fn shared_program(&self) -> Ref<'p, Verified<'p>> {
        self.program.clone()
    }

    /// An exported function that takes and gives these types.
    ///
    /// # Errors
    /// There is no such export, or its type is another one.
    pub fn function<P: Parameters, R: Results>(
        self: &Arc<Self>,
        name: &str,
    ) -> Result<CompiledFunction<'p, P, R>, FunctionError> {
        let no_export = || FunctionError::NoExport(name.into());
        let index = self.program.export(name).ok_or_else(no_export)?;
        let function = self.program.function(index).ok_or_else(no_export)?;
        let found = self.machine.find(Entry::Function(index)).ok_or_else(no_export)?;
        if FuncType::new(P::COUNT, R::COUNT) != Some(function.ty) {
            return Err(FunctionError::Type { name: name.into(), found: function.ty });
        }
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

    fn enter(&self, session: Session<'_, '_, S>, values: &mut [u64; MAX_PARAMS]) -> bool {
        native_call::enter(&self.machine, |program| is_same(&self.program, program), session, values)
    }
}

/// Are these the same program?
pub(crate) fn is_same(one: &Verified<'_>, other: &Verified<'_>) -> bool {
    std::ptr::addr_eq(one, other) || one.program().bytes() == other.program().bytes()
}

/// Why a function cannot be had.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FunctionError {
    /// No function is exported by this name.
    #[error("the program exports no function \"{}\"", Excerpt(.0))]
    NoExport(String),
    /// It takes or gives another number of values.
    #[error("\"{}\" is a function {found}", Excerpt(name))]
    Type {
        /// The name.
        name: String,
        /// Its type.
        found: FuncType,
    },
}

/// Why a function did not return.
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

/// A function of compiled code that takes and gives these types. It keeps the code alive, and can be used by several
/// threads.
#[derive(Debug)]
pub struct CompiledFunction<'p, P, R> {
    program: Arc<CompiledProgram<'p>>,
    index: FuncIndex,
    /// Where it is.
    found: Found,
    types: PhantomData<fn(P) -> R>,
}

impl<P, R> Clone for CompiledFunction<'_, P, R> {
    fn clone(&self) -> Self {
        CompiledFunction { program: self.program.clone(), types: PhantomData, ..*self }
    }
}

impl<'p, P: Parameters, R: Results> CompiledFunction<'p, P, R> {
    /// Its number.
    pub fn index(&self) -> FuncIndex {
        self.index
    }

    /// Calls it in an instance of its program, which from then on runs this code.
    ///
    /// # Errors
    /// The instance is of another program or cannot be called, or the function did not return.
    #[inline]
    pub fn call<S>(&self, instance: &mut Instance<'p, S>, args: P) -> Result<R, FunctionStopped> {
        let mut values = [0; MAX_PARAMS];
        args.store(&mut values);
        let called = instance.call_native(&*self.program, self.index, |session| {
            let CompiledProgram { machine, program } = &*self.program;
            let is_for = |other: &Verified<'_>| is_same(program, other);
            self.found.enter(machine, is_for, session, &mut values, P::COUNT, R::COUNT)
        });
        match called {
            Ok(()) => Ok(R::from_values(&values)),
            // A copy, so that the values above can be in machine registers.
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

/// Up to eight [`Value`]s, as a tuple.
pub trait Parameters {
    /// How many.
    const COUNT: usize;
    /// Puts their bits into the first places.
    fn store(self, values: &mut [u64; MAX_PARAMS]);
}

/// Up to four [`Value`]s: nothing, one, or a tuple.
pub trait Results {
    /// How many.
    const COUNT: usize;
    /// What the first [`Self::COUNT`] of these bits mean.
    fn from_values(values: &[u64; MAX_PARAMS]) -> Self;
}

macro_rules! impl_parameters {
    ($($count:literal: $($name:ident $index:tt)*;)*) => {$(
        impl<$($name: Value),*> Parameters for ($($name,)*) {
            const COUNT: usize = $count;
            #[inline]
            #[allow(unused_variables, reason = "without parameters nothing is stored")]
            fn store(self, values: &mut [u64; MAX_PARAMS]) {
                $(values[$index] = self.$index.to_bits();)*
            }
        }
    )*};
}

impl_parameters! {
    0: ;
    1: A 0;
    2: A 0 B 1;
    3: A 0 B 1 C 2;
    4: A 0 B 1 C 2 D 3;
    5: A 0 B 1 C 2 D 3 E 4;
    6: A 0 B 1 C 2 D 3 E 4 F 5;
    7: A 0 B 1 C 2 D 3 E 4 F 5 G 6;
    8: A 0 B 1 C 2 D 3 E 4 F 5 G 6 H 7;
}

macro_rules! impl_results {
    ($($count:literal: $($name:ident $index:tt)*;)*) => {$(
        impl<$($name: Value),*> Results for ($($name,)*) {
            const COUNT: usize = $count;
            #[inline]
            #[allow(unused_variables, clippy::unused_unit, reason = "without results nothing is read")]
            fn from_values(values: &[u64; MAX_PARAMS]) -> Self {
                ($($name::from_bits(values[$index]),)*)
            }
        }
    )*};
}

impl_results! {
    0: ;
    1: A 0;
    2: A 0 B 1;
    3: A 0 B 1 C 2;
    4: A 0 B 1 C 2 D 3;
}

macro_rules! impl_one_result {
    ($($ty:ty)*) => {$(
        impl Results for $ty {
            const COUNT: usize = 1;
            #[inline]
            fn from_values(values: &[u64; MAX_PARAMS]) -> Self {
                Value::from_bits(values[0])
            }
        }
    )*};
}

impl_one_result!(u64 i64 u32 i32 f64 bool);

#[cfg(test)]
mod tests;
