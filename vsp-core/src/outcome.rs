//! The end of a call, and the errors of host functions, instances and calls.

#[cfg(feature = "record")]
mod replay;

#[cfg(feature = "record")]
pub use replay::{RecordError, ReplayError};

#[cfg(feature = "record")]
use alloc::boxed::Box;
use alloc::string::String;

use crate::excerpt::Excerpt;
use crate::index::{FuncIndex, ImportIndex, Location};
use crate::limits::MAX_RESULTS;
use crate::program::FuncType;
use crate::trap::Trap;

/// Up to four results of a function.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Values {
    values: [u64; MAX_RESULTS],
    count: u8,
}

impl Values {
    /// Creates results from the first four of `values`.
    #[inline]
    pub fn new(values: &[u64]) -> Values {
        // A loop of a fixed length avoids a call of memcpy for a few words.
        let value = |index| values.get(index).copied().unwrap_or(0);
        Values { values: core::array::from_fn(value), count: values.len().min(MAX_RESULTS) as u8 }
    }
}

impl core::ops::Deref for Values {
    type Target = [u64];

    #[inline]
    fn deref(&self) -> &[u64] {
        &self.values[..usize::from(self.count)]
    }
}

impl core::fmt::Debug for Values {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

/// The reason of a suspension.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reason {
    /// The fuel is used up. Add some before resuming.
    Fuel,
    /// The interrupt flag is set. Clear it before resuming.
    Interrupted,
    /// The program executed YIELD with this value, and waits for one value.
    Yield(u64),
    /// The program called this import, whose results are not available yet.
    Pending(ImportIndex),
}

impl core::fmt::Display for Reason {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Reason::Fuel => f.write_str("out of fuel"),
            Reason::Interrupted => f.write_str("interrupted"),
            Reason::Yield(value) => write!(f, "YIELD with the value {value}"),
            Reason::Pending(import) => write!(f, "waiting for the host function of import {import}"),
        }
    }
}

/// A suspended program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Suspension {
    /// The reason.
    pub reason: Reason,
    /// The location of the safepoint, or of the YIELD or SYSCALL.
    pub location: Location,
}

impl core::fmt::Display for Suspension {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "suspended at {}: {}", self.location, self.reason)
    }
}

/// A program that trapped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[error("{trap} at {location}")]
pub struct Trapped {
    /// The trap.
    pub trap: Trap,
    /// The location of the instruction that trapped.
    pub location: Location,
}

/// The end of a call or a resume.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// The function returned these results.
    Returned(Values),
    /// The program executed HLT with this value.
    Halted(u64),
    /// The program can be resumed.
    Suspended(Suspension),
    /// The program trapped.
    Trapped(Trapped),
}

/// The error of calling or resuming an instance.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CallError {
    /// No function is exported under this name.
    #[error("the program exports no function \"{0}\"")]
    NoExport(String),
    /// The function does not exist.
    #[error("the program has no function {0}")]
    NoFunction(FuncIndex),
    /// The number of arguments differs from the function's number of parameters.
    #[error("the function takes {expected} arguments, and {given} were given")]
    Arguments {
        /// Number of parameters.
        expected: usize,
        /// Number that was given.
        given: usize,
    },
    /// The instance is suspended in a call.
    #[error("the instance is suspended: resume or reset it first")]
    Suspended,
    /// The instance is stepping through a call.
    #[error("the instance is stepping through a call: finish or reset it first")]
    Stepping,
    /// The instance is not suspended in a call.
    #[error("the instance is not suspended")]
    NotSuspended,
    /// The instance is not stepping through a call.
    #[error("the instance is not stepping through a call: begin one first")]
    NotStepping,
    /// The instance does not wait for the results of a host function.
    #[error("the instance does not wait for a host function")]
    NotPending,
    /// The function that returned has another number of results than the typed function.
    #[error("the call returned {returned} results, and the typed function has {expected}")]
    Results {
        /// Number of results of the typed function.
        expected: usize,
        /// Number of results that the call returned.
        returned: usize,
    },
    /// The call or the answer is not that of the log that the instance replays.
    #[cfg(feature = "record")]
    #[error(transparent)]
    Replay(#[from] Box<ReplayError>),
    /// The program waits for another number of values.
    #[error("the program waits for {expected} values, and {given} were given")]
    Values {
        /// Number that the program waits for.
        expected: usize,
        /// Number that was given.
        given: usize,
    },
}

/// The error of defining a host function, or of resolving the imports of a program.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ImportError {
    /// The name is already defined.
    #[error("{}.{} is already defined", Excerpt(module), Excerpt(name))]
    Defined {
        /// The module.
        module: String,
        /// The name.
        name: String,
    },
    /// The host has no function of this module and name.
    #[error("the program imports {}.{} {ty}, which the host does not have", Excerpt(module), Excerpt(name))]
    Missing {
        /// The module; empty without the feature `messages`.
        module: String,
        /// The name; empty without the feature `messages`.
        name: String,
        /// The type that the program imports it with.
        ty: FuncType,
    },
    /// The program and the host give it different types.
    #[error(
        "the program imports {}.{} as {program}, and the host has it as {host}",
        Excerpt(module),
        Excerpt(name)
    )]
    Type {
        /// The module; empty without the feature `messages`.
        module: String,
        /// The name; empty without the feature `messages`.
        name: String,
        /// The type that the program imports it with.
        program: FuncType,
        /// The type that the host defined it with.
        host: FuncType,
    },
}

/// The error of creating an instance.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InstantiateError {
    /// The host functions do not match the imports.
    #[error(transparent)]
    Import(#[from] ImportError),
    /// The size of the memory is not allowed.
    #[error(
        "a memory of {chosen} bytes: it must be a multiple of 16, at least the program's {minimum} and at most 2^32"
    )]
    Memory {
        /// The requested size.
        chosen: u64,
        /// The minimum of the program.
        minimum: u64,
    },
    /// The size of the memory is above the program's maximum.
    #[error("a memory of {chosen} bytes: the program's memory has at most {maximum}")]
    MemoryAboveMaximum {
        /// The requested size.
        chosen: u64,
        /// The maximum of the program.
        maximum: u64,
    },
    /// The maximum of the memory is not allowed.
    #[error(
        "a memory of at most {chosen} bytes: it must be a multiple of 16, and at least the memory's {size} bytes"
    )]
    MemoryMaximum {
        /// The requested maximum.
        chosen: u64,
        /// The size that the memory has at first.
        size: u64,
    },
    /// The size of the stack is not allowed.
    #[error("a stack of {0} cells: it must have 64 to 2^28")]
    StackCells(u32),
    /// There is no memory for the instance.
    #[error("out of memory")]
    OutOfMemory,
}

/// The error of attaching machine code to an instance.
#[cfg(feature = "native")]
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AttachError {
    /// The code was compiled from another program.
    #[error("the machine code was compiled from another program")]
    Program,
    /// The instance is metered, and the code does not count fuel.
    #[error("the instance is metered, and the machine code was compiled without fuel")]
    Fuel,
    /// The instance can be interrupted, and the code does not check the flag.
    #[error("the instance can be interrupted, and the machine code was compiled without interruption")]
    Interrupt,
    /// The frames of the instance's stack could need more native stack than allowed.
    #[error("{cells} cells of stack could take {bytes} bytes of native stack; at most {limit} are allowed")]
    NativeStack {
        /// Size of the instance's stack in cells.
        cells: u32,
        /// Native stack needed, in bytes.
        bytes: u64,
        /// Native stack allowed, in bytes.
        limit: u64,
    },
}
