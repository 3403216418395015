//! Errors of the compiler.

use alloc::string::String;

use crate::analysis::OutOfMemory;
use crate::index::{FuncIndex, Location};
use crate::limits::{MAX_NATIVE_BYTES_PER_CELL, MAX_NATIVE_INSTRUCTIONS};
use crate::limits::{MAX_NATIVE_WORDS, NATIVE_CALL_WORDS, NATIVE_STATE_WORDS};
use crate::native::Arch;

/// The reason why a program cannot be compiled.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum JitError {
    /// Memory ran out.
    #[error("out of memory")]
    OutOfMemory,
    /// This build has no code generator for the architecture.
    #[error("this build has no code generator for {0}, which needs the feature `{0}`")]
    Arch(Arch),
    /// The architecture has no such feature.
    #[error("{arch} has no feature \"{feature}\"")]
    Feature {
        /// The architecture.
        arch: Arch,
        /// The name of the feature.
        feature: String,
    },
    /// The code generator rejects its settings.
    #[error("invalid settings of the code generator: {0}")]
    Settings(String),
    /// A function is too long for machine code.
    #[error(
        "function {function} counts as {words} words, more than the {MAX_NATIVE_WORDS} that can be compiled \
         (an instruction that can suspend counts as {NATIVE_CALL_WORDS}, State arithmetic as {NATIVE_STATE_WORDS})"
    )]
    FunctionTooLong {
        /// The function.
        function: FuncIndex,
        /// Its words, as [`MAX_NATIVE_WORDS`] counts them.
        words: u32,
    },
    /// A function has too many instructions of the intermediate representation.
    #[error(
        "function {function} has {instructions} instructions of the intermediate representation, more than the \
         {MAX_NATIVE_INSTRUCTIONS} that can be compiled"
    )]
    TooManyInstructions {
        /// The function.
        function: FuncIndex,
        /// The number of instructions.
        instructions: u32,
    },
    /// Calls of a function take too much native stack.
    #[error(
        "function {function} takes {bytes} bytes of native stack for each of the {cells} cells of its frame, more than \
         the {MAX_NATIVE_BYTES_PER_CELL} allowed"
    )]
    FrameTooLarge {
        /// The function.
        function: FuncIndex,
        /// Bytes for each cell.
        bytes: u32,
        /// The cells.
        cells: u32,
    },
    /// The location of an OSR entry is not a loop header, or no path leads to it.
    #[error("{0} is not a reachable loop header")]
    NoLoop(Location),
    /// There is too much machine code.
    #[error("function {function} exceeds the limit of {limit} bytes of machine code")]
    CodeTooLarge {
        /// The first function that does not fit. (Trampolines and OSR entries after the functions count as the last
        /// one.)
        function: FuncIndex,
        /// The limit in bytes.
        limit: u32,
    },
    /// The code generator rejected a function.
    #[error("function {function}: {message}")]
    Codegen {
        /// The function.
        function: FuncIndex,
        /// The code generator's message.
        message: String,
    },
    /// The code generator emitted a reference that cannot be resolved.
    #[error("cannot resolve a reference of kind {0}")]
    Relocation(String),
}

impl From<OutOfMemory> for JitError {
    fn from(_: OutOfMemory) -> Self {
        JitError::OutOfMemory
    }
}
