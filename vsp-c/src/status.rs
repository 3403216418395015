//! The statuses that functions return: how a call ended, or why it was refused.

use vsp_core::program::ReadError;
use vsp_core::snapshot::{RestoreError, SaveError};
use vsp_core::verify::VerifyErrors;
use vsp_core::{CallError, ImportError, InstantiateError, Outcome, Reason, Suspension};

/// The status of a call: 0 if it returned, positive if it ended otherwise, negative if it was refused.
#[repr(transparent)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Status(pub i32);

/// The result of the inner part of a function.
pub(crate) type Result<T = ()> = core::result::Result<T, Status>;

macro_rules! statuses {
    ($($name:ident $value:literal)*) => {
        impl Status {
            $(
                #[doc = concat!("The status `VSP_", stringify!($name), "` of `vsp.h`.")]
                pub const $name: Status = Status($value);
            )*

            /// Returns all statuses with the names that they have in `vsp.h`, without `VSP_`.
            pub const ALL: &[(Status, &str)] = &[$((Status($value), stringify!($name))),*];

            /// Returns the name, with a zero at its end.
            pub(crate) fn name(self) -> &'static str {
                match self.0 {
                    $($value => concat!("VSP_", stringify!($name), "\0"),)*
                    _ => "unknown status\0",
                }
            }
        }
    };
}

statuses! {
    OK 0
    HALTED 1
    OUT_OF_FUEL 2
    INTERRUPTED 3
    YIELDED 4
    PENDING 5
    TRAPPED 6
    E_ARGUMENT -1
    E_HANDLE -2
    E_BUSY -3
    E_OUT_OF_MEMORY -4
    E_FILE -5
    E_VERIFY -6
    E_IMPORT -7
    E_IMPORT_TYPE -8
    E_OPTION -9
    E_NOT_FOUND -10
    E_COUNT -11
    E_STATE -12
    E_BOUNDS -13
    E_ROOM -14
    E_SNAPSHOT -15
    E_TEXT -16
    E_WASM -17
    E_ENGINE -18
    E_UNSUPPORTED -19
    E_WRITER -20
    E_PANIC -21
}

impl From<&ReadError> for Status {
    fn from(_: &ReadError) -> Status {
        Status::E_FILE
    }
}

impl From<&VerifyErrors> for Status {
    fn from(error: &VerifyErrors) -> Status {
        match error {
            VerifyErrors::OutOfMemory => Status::E_OUT_OF_MEMORY,
            _ => Status::E_VERIFY,
        }
    }
}

impl From<&InstantiateError> for Status {
    fn from(error: &InstantiateError) -> Status {
        match error {
            InstantiateError::OutOfMemory => Status::E_OUT_OF_MEMORY,
            InstantiateError::Import(ImportError::Type { .. }) => Status::E_IMPORT_TYPE,
            InstantiateError::Import(_) => Status::E_IMPORT,
            _ => Status::E_OPTION,
        }
    }
}

impl From<&RestoreError> for Status {
    fn from(error: &RestoreError) -> Status {
        match error {
            RestoreError::Instantiate(error) => error.into(),
            RestoreError::Memory { .. }
            | RestoreError::MemoryMaximum { .. }
            | RestoreError::StackCells { .. } => Status::E_OPTION,
            _ => Status::E_SNAPSHOT,
        }
    }
}

#[cfg(feature = "jit")]
impl From<&vsp_host::engine::EngineError> for Status {
    fn from(error: &vsp_host::engine::EngineError) -> Status {
        use vsp_host::engine::EngineError;
        match error {
            EngineError::Instantiate(error) => error.into(),
            EngineError::Restore(error) => error.into(),
            _ => Status::E_ENGINE,
        }
    }
}

impl From<CallError> for Status {
    fn from(error: CallError) -> Status {
        match error {
            CallError::NoExport(_) | CallError::NoFunction(_) => Status::E_NOT_FOUND,
            CallError::Arguments { .. } | CallError::Values { .. } => Status::E_COUNT,
            _ => Status::E_STATE,
        }
    }
}

impl From<SaveError> for Status {
    fn from(_: SaveError) -> Status {
        Status::E_OUT_OF_MEMORY
    }
}

impl From<Reason> for Status {
    fn from(reason: Reason) -> Status {
        match reason {
            Reason::Fuel => Status::OUT_OF_FUEL,
            Reason::Interrupted => Status::INTERRUPTED,
            Reason::Yield(_) => Status::YIELDED,
            Reason::Pending(_) => Status::PENDING,
        }
    }
}

impl From<&Outcome> for Status {
    fn from(outcome: &Outcome) -> Status {
        match outcome {
            Outcome::Returned(_) => Status::OK,
            Outcome::Halted(_) => Status::HALTED,
            Outcome::Suspended(Suspension { reason, .. }) => (*reason).into(),
            Outcome::Trapped(_) => Status::TRAPPED,
        }
    }
}

/// Runs the body of a function that C calls. No panic unwinds into C.
pub(crate) fn guard(body: impl FnOnce() -> Result<Status>) -> Status {
    #[cfg(feature = "std")]
    let ended = std::panic::catch_unwind(core::panic::AssertUnwindSafe(body)).unwrap_or(Err(Status::E_PANIC));
    #[cfg(not(feature = "std"))]
    let ended = body();
    match ended {
        Ok(status) | Err(status) => status,
    }
}
