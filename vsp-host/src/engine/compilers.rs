//! A pool of compilers, so that several threads can compile at once through one engine.

use std::sync::{Mutex, MutexGuard, PoisonError};

use vsp_core::native::Target;

use crate::native::{CompileOptions, NativeError, VspJit};

/// Compilers with the same target and options. Each is used by one thread at a time and reused afterwards.
#[derive(Debug)]
pub(super) struct Compilers {
    target: Target,
    options: CompileOptions,
    idle: Mutex<Vec<VspJit>>,
}

impl Compilers {
    /// Creates a pool with one compiler.
    ///
    /// # Errors
    /// As [`VspJit::for_target`].
    pub(super) fn new(target: Target, options: CompileOptions) -> Result<Compilers, NativeError> {
        let first = VspJit::for_target(target.clone(), options)?;
        Ok(Compilers { target, options, idle: Mutex::new(vec![first]) })
    }

    /// Returns the target of the compilers.
    pub(super) fn target(&self) -> &Target {
        &self.target
    }

    /// Returns the options of the compilers.
    pub(super) fn options(&self) -> CompileOptions {
        self.options
    }

    /// Calls `work` with an idle compiler, or with a new one if all are in use.
    pub(super) fn with<T>(
        &self,
        work: impl FnOnce(&mut VspJit) -> Result<T, NativeError>,
    ) -> Result<T, NativeError> {
        let idle = self.idle().pop();
        let mut jit = match idle {
            Some(jit) => jit,
            None => VspJit::for_target(self.target.clone(), self.options)?,
        };
        let result = work(&mut jit);
        self.idle().push(jit);
        result
    }

    fn idle(&self) -> MutexGuard<'_, Vec<VspJit>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
