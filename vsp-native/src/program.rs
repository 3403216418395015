//! Machine code of a program that instances can run.

use alloc::sync::Arc;
use core::marker::PhantomData;
use core::ops::Range;

use vsp_core::index::FuncIndex;
#[cfg(feature = "jit")]
use vsp_core::jit::{Compiler, JitError};
use vsp_core::limits::MAX_PARAMS;
use vsp_core::native::{CodeInfo, Object};
use vsp_core::verify::Verified;
use vsp_core::{
    AttachError, CallError, Entry, EntryRequest, FunctionError, Instance, NativeCode, NotReturned, Outcome,
    Parameters, Ref, Results, typed_export,
};

use crate::call::stack_for;
use crate::machine_code::{Found, MachineCode};
use crate::platform::{LoadError, Platform};
use crate::trusted::Trusted;

/// Machine code of a program, in executable memory. Several instances can use it at once, on several threads.
#[derive(Debug)]
pub struct CompiledProgram<'p, P: Platform> {
    machine: Arc<MachineCode<P>>,
    program: Ref<'p, Verified<'p>>,
}

impl<'p, P: Platform> CompiledProgram<'p, P> {
    /// Creates a compiled program from machine code.
    ///
    /// # Safety
    /// The code was made from `program`, of which another copy has the same bytes.
    pub unsafe fn new(machine: Arc<MachineCode<P>>, program: Ref<'p, Verified<'p>>) -> Self {
        CompiledProgram { machine, program }
    }

    /// Compiles a program, and puts its machine code into executable memory.
    ///
    /// # Errors
    /// It cannot be compiled, or there is no executable memory.
    #[cfg(feature = "jit")]
    pub fn compile(
        compiler: &mut Compiler,
        program: impl Into<Ref<'p, Verified<'p>>>,
    ) -> Result<Self, P::Error>
    where
        P::Error: From<JitError>,
    {
        let program = program.into();
        let code = compiler.compile(&program)?;
        code.check_target(&P::target()?).map_err(LoadError::from)?;
        Ok(CompiledProgram { machine: Arc::new(MachineCode::<P>::of_code(code)?), program })
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
    ) -> Result<Self, P::Error> {
        let program = program.into();
        object.get().info().check_program(&program).map_err(LoadError::from)?;
        Ok(CompiledProgram { machine: Arc::new(MachineCode::<P>::load(object)?), program })
    }

    /// Runs the machine code of a code object where it lies: the bytes `file` of the memory are the whole object.
    ///
    /// # Errors
    /// As [`Self::load`]; and the memory does not hold the code at an address where it can run.
    pub fn in_place(
        memory: Trusted<P::Memory>,
        file: Range<usize>,
        program: impl Into<Ref<'p, Verified<'p>>>,
    ) -> Result<Self, P::Error> {
        let program = program.into();
        let machine = MachineCode::<P>::in_place(memory, file)?;
        machine.info().check_program(&program).map_err(LoadError::from)?;
        Ok(CompiledProgram { machine: Arc::new(machine), program })
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

    /// Returns the program, as it was given.
    pub fn shared_program(&self) -> Ref<'p, Verified<'p>> {
        self.program.clone()
    }

    /// Returns an exported function with these Rust types.
    ///
    /// # Errors
    /// There is no such export, or its type is another one.
    pub fn function<A: Parameters, R: Results>(
        self: &Arc<Self>,
        name: &str,
    ) -> Result<CompiledFunction<'p, P, A, R>, FunctionError> {
        let index = typed_export::<A, R>(&self.program, name)?;
        let no_export = || FunctionError::NoExport(name.into());
        let function = self.program.function(index).ok_or_else(no_export)?;
        let found = self.machine.find(Entry::Function(index)).ok_or_else(no_export)?;
        let found = if function.short_leaf { self.machine.short_leaf(found) } else { found };
        Ok(CompiledFunction { program: self.clone(), index, found, types: PhantomData })
    }
}

impl<P: Platform, S> NativeCode<S> for CompiledProgram<'_, P> {
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
        self.machine.enter_checked(|program| is_same(&self.program, program), request, values)
    }

    fn on_larger_stack(&self, cells: u32, run: &mut dyn FnMut()) -> bool {
        // The bytes of a cell are those of the function that needs most.
        P::on_larger_stack(stack_for::<P>(cells.into(), self.machine.info().bytes_per_cell()), run)
    }
}

/// Returns whether these are the same program, or copies with the same bytes.
pub fn is_same(one: &Verified<'_>, other: &Verified<'_>) -> bool {
    core::ptr::addr_eq(one, other) || one.program().bytes() == other.program().bytes()
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

/// A compiled function with parameters of the types `A` and results of the types `R`. It keeps the code alive, and can
/// be used by several threads.
///
/// [`Instance::typed`] returns functions for every engine; calls of this one take less time.
#[derive(Debug)]
pub struct CompiledFunction<'p, P: Platform, A, R> {
    program: Arc<CompiledProgram<'p, P>>,
    index: FuncIndex,
    /// The entry of the function.
    found: Found,
    types: PhantomData<fn(A) -> R>,
}

impl<P: Platform, A, R> Clone for CompiledFunction<'_, P, A, R> {
    fn clone(&self) -> Self {
        CompiledFunction { program: self.program.clone(), types: PhantomData, ..*self }
    }
}

impl<'p, P: Platform, A: Parameters, R: Results> CompiledFunction<'p, P, A, R> {
    /// Returns the number of the function.
    pub fn index(&self) -> FuncIndex {
        self.index
    }

    /// Calls the function in an instance of its program, which from then on runs this code.
    ///
    /// # Errors
    /// The instance is of another program or cannot be called, or the function did not return.
    #[inline]
    pub fn call<S>(&self, instance: &mut Instance<'p, S>, args: A) -> Result<R, FunctionStopped> {
        let mut values = [0; MAX_PARAMS];
        args.store(&mut values);
        let called = instance.call_native(&*self.program, self.index, |request| {
            let CompiledProgram { machine, program } = &*self.program;
            let is_for = |other: &Verified<'_>| is_same(program, other);
            self.found.enter(machine, is_for, request, &mut values, A::COUNT, R::COUNT)
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
