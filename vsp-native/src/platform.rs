//! What the computer provides: executable memory and native stack.

use core::fmt;

use vsp_core::native::{ObjectError, Target};

/// The computer on which machine code runs, as a type without values: an operating system, or a board.
///
/// # Safety
/// The methods do what they say. Machine code that finds less native stack than [`Self::remaining_stack`] returns, or
/// than the constants promise, overwrites other memory.
pub unsafe trait Platform: fmt::Debug + Sized + 'static {
    /// Memory that [`Self::install`] fills.
    type Memory: ExecutableMemory;

    /// The error of this platform, and of loading machine code.
    type Error: From<LoadError>;

    /// Size in bytes of the native stack that host functions, and what calls them, may use. Machine code is entered
    /// only if this much remains below its own frames.
    ///
    /// From [`Instance::call`](vsp_core::Instance::call) on, a call of a function that calls a small host function takes
    /// less than 2 KiB on aarch64, riscv64 and x86_64 with optimised code, and one that computes FMATH less than 2.5
    /// KiB, with the frame of the function itself. So 4 KiB are enough, and what the host's own functions need. (These
    /// are the figures `native-stack-…` of the project's `boards/`, from painted stacks, with limits in its gate.)
    const HOST_STACK: usize;

    /// Size in bytes of the native stack that is assumed to be always available, as functions of Rust assume it. Short
    /// functions that call nothing and need no more are entered without looking at [`Self::remaining_stack`].
    const LEAF_STACK: usize;

    /// Largest size in bytes of an instance's native stack. Instances with more cells are refused.
    const MAX_NATIVE_STACK: u64;

    /// Returns the processor, with the features that machine code may use.
    ///
    /// # Errors
    /// Machine code cannot run here.
    fn target() -> Result<Target, Self::Error>;

    /// Copies machine code into memory from which every thread or core can execute it, at an address that is a multiple
    /// of [`CODE_ALIGN`](vsp_core::native::CODE_ALIGN). No code is there before, or the caches do not show it
    /// ([`synchronize`](crate::caches::synchronize)).
    ///
    /// # Errors
    /// There is no such memory.
    fn install(code: &[u8]) -> Result<Self::Memory, Self::Error>;

    /// Returns the size in bytes of the native stack that is left below the caller's frame, or `None` if it is not known:
    /// then machine code is entered on a larger stack only.
    fn remaining_stack() -> Option<usize>;

    /// Calls `run` on a native stack of at least this size, in bytes. Returns `false` if there is none; `run` was not
    /// called then, and the interpreter takes its place.
    fn on_larger_stack(bytes: usize, run: &mut dyn FnMut()) -> bool {
        let _ = (bytes, run);
        false
    }
}

/// Memory that holds machine code.
///
/// # Safety
/// The bytes can be executed at the address of [`Self::as_bytes`] by every thread or core. Address and bytes stay the
/// same until the value is dropped.
pub unsafe trait ExecutableMemory: fmt::Debug + Send + Sync + 'static {
    /// Returns the bytes, which can be empty.
    fn as_bytes(&self) -> &[u8];
}

/// The error of loading machine code that was compiled before.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LoadError {
    /// The code object cannot be used.
    #[error(transparent)]
    Object(#[from] ObjectError),
    /// The bytes of the code object are not in the memory.
    #[error("the code object is not inside the memory, which has {size} bytes")]
    Outside {
        /// The size of the memory in bytes.
        size: usize,
    },
    /// There is no executable memory for the code.
    #[error("no memory for {size} bytes of machine code")]
    NoMemory {
        /// The size of the code in bytes.
        size: usize,
    },
    /// The code object is not aligned so that it can run in place.
    #[error("the code object cannot run in place: it must start at a multiple of {align} bytes")]
    NotInPlace {
        /// The multiple.
        align: usize,
    },
}
