//! Why there is no machine code.

use alloc::string::String;

use crate::analysis::OutOfMemory;
use crate::index::{FuncIndex, Location};
use crate::limits::{MAX_NATIVE_BYTES_PER_CELL, MAX_NATIVE_INSTRUCTIONS};
use crate::limits::{MAX_NATIVE_WORDS, NATIVE_CALL_WORDS, NATIVE_STATE_WORDS};
use crate::native::Arch;

/// Why there is no machine code.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum JitError {
    /// There is no memory for it.
    #[error("out of memory")]
    OutOfMemory,
    /// This build has no code generator for the architecture.
    #[error("this build has no code generator for {arch}, which needs the feature `{feature}`", arch = .0, feature = .0.feature())]
    Arch(Arch),
    /// The architecture has no such feature.
    #[error("{arch} has no feature \"{feature}\"")]
    Feature {
        /// The architecture.
        arch: Arch,
        /// What was asked for.
        feature: String,
    },
    /// The code generator does not take its settings.
    #[error("settings of the code generator: {0}")]
    Settings(String),
    /// A function is too long for machine code.
    #[error(
        "function {function} counts {words} words, and machine code can be made of {MAX_NATIVE_WORDS} \
         (what can suspend the program counts {NATIVE_CALL_WORDS}, what computes with states {NATIVE_STATE_WORDS})"
    )]
    FunctionTooLong {
        /// The function.
        function: FuncIndex,
        /// Its words, as [`MAX_NATIVE_WORDS`] counts them.
        words: u32,
    },
    /// A function becomes too many instructions of the intermediate representation.
    #[error(
        "function {function} becomes {instructions} instructions of the intermediate representation, and at most \
         {MAX_NATIVE_INSTRUCTIONS} are compiled"
    )]
    TooManyInstructions {
        /// The function.
        function: FuncIndex,
        /// How many it becomes.
        instructions: u32,
    },
    /// Calls of a function take too much native stack.
    #[error(
        "function {function} takes {bytes} bytes of native stack for each of the {cells} cells of its frame, and may take \
         {MAX_NATIVE_BYTES_PER_CELL}"
    )]
    FrameTooLarge {
        /// The function.
        function: FuncIndex,
        /// Bytes for each cell.
        bytes: u32,
        /// The cells.
        cells: u32,
    },
    /// No loop begins at the place where a part is to be entered, or nothing leads there.
    #[error("{0} is no place where a loop begins")]
    NoLoop(Location),
    /// There is too much machine code.
    #[error("with function {function} there is more machine code than {limit} bytes")]
    CodeTooLarge {
        /// The first function that does not fit. (What is added behind the functions counts as the last one.)
        function: FuncIndex,
        /// The limit in bytes.
        limit: u32,
    },
    /// The code generator refused a function.
    #[error("function {function}: {message}")]
    Codegen {
        /// The function.
        function: FuncIndex,
        /// What it said.
        message: String,
    },
    /// The code generator made a reference that cannot be resolved.
    #[error("a reference of kind {0} cannot be resolved")]
    Relocation(String),
}

impl From<OutOfMemory> for JitError {
    fn from(_: OutOfMemory) -> Self {
        JitError::OutOfMemory
    }
}
