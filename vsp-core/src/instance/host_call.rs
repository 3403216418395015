//! Host calls that failed or are pending.

use super::{Instance, Status};
use crate::host::HostError;
use crate::index::ImportIndex;
use crate::limits::MAX_PARAMS;
use crate::outcome::{CallError, Outcome, Reason, Trapped};
use crate::trap::Trap;
use crate::verify::Verified;

/// A host call whose results are not available yet: [`Instance::resume`] continues the program with them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PendingCall<'i> {
    /// Number of the import.
    pub import: ImportIndex,
    /// Module of the import.
    pub module: &'i str,
    /// Name of the import.
    pub name: &'i str,
    /// The arguments.
    pub arguments: &'i [u64],
}

impl<'i> PendingCall<'i> {
    /// Returns the call that an instance of `program` with this status waits for. Its arguments are the first of
    /// `values`.
    pub(crate) fn of(
        status: Status,
        program: &'i Verified<'_>,
        values: &'i [u64; MAX_PARAMS],
    ) -> Option<PendingCall<'i>> {
        let Status::Suspended(Reason::Pending(import)) = status else { return None };
        let found = program.program().imports().nth(import.index())?;
        let arguments = &values[..found.ty.params()];
        Some(PendingCall { import, module: found.module, name: found.name, arguments })
    }
}

impl<S> Instance<'_, S> {
    /// Returns the host call that the instance waits for, if there is one. A restored instance has it too.
    pub fn pending(&self) -> Option<PendingCall<'_>> {
        PendingCall::of(self.status, &self.program, &self.host.own.pending)
    }

    /// Takes the arguments of a pending host call from the registers of the running frame, which exists.
    pub(crate) fn restore_pending_arguments(&mut self) {
        let registers = self.stack.registers();
        self.host.own.pending = core::array::from_fn::<_, MAX_PARAMS, _>(|index| registers[index]);
    }

    /// Ends a pending host call with an error: the program traps with `Trap::Host(code)`.
    ///
    /// # Errors
    /// The instance does not wait for a host function.
    pub fn fail(&mut self, code: u32) -> Result<Outcome, CallError> {
        self.end_pending(code, None)
    }

    /// Ends a pending host call with an error, which [`Self::host_error`] returns: the program traps with
    /// `Trap::Host(0)`.
    ///
    /// # Errors
    /// The instance does not wait for a host function.
    pub fn fail_with(&mut self, error: impl Into<HostError>) -> Result<Outcome, CallError> {
        self.end_pending(0, Some(error.into()))
    }

    pub(crate) fn end_pending(&mut self, code: u32, error: Option<HostError>) -> Result<Outcome, CallError> {
        let Status::Suspended(Reason::Pending(_)) = self.status else { return Err(CallError::NotPending) };
        #[cfg(feature = "record")]
        if self.host.is_logged() {
            self.host.log_failure(code, error.as_ref(), &mut self.memory, self.balance)?;
        }
        self.status = Status::Idle;
        self.host.own.error = error;
        Ok(Outcome::Trapped(Trapped { trap: Trap::Host(code), location: self.stack.location() }))
    }

    /// Returns the error of the host function that failed last, if it has more than a code: the error of the last call
    /// that ended with [`Trap::Host`].
    pub fn host_error(&self) -> Option<&HostError> {
        self.host.own.error.as_ref()
    }

    /// Takes the error that [`Self::host_error`] returns.
    pub fn take_host_error(&mut self) -> Option<HostError> {
        self.host.own.error.take()
    }
}
