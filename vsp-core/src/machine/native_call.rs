//! Calls of the host that enter machine code directly.

use super::context::{ContextGuard, InstanceData};
use super::state::{Machine, interrupt_flag};
use crate::index::FuncIndex;
use crate::instance::Instance;
use crate::limits::{MAX_PARAMS, MAX_RESULTS};
use crate::native::entry::{Entry, EntryRequest, MIN_BALANCE, NativeCode};
use crate::native::{CodeInfo, NO_SITE};
use crate::outcome::{CallError, Outcome};

/// A call of machine code that did not return.
#[derive(Debug)]
pub struct NotReturned {
    /// The balance at its start.
    before: i64,
    /// Whether the code exited. If not, it was not entered.
    has_exited: bool,
}

impl<'a, S> Instance<'a, S> {
    /// Calls a function as [`Self::call`] does, and faster if this machine code is the attached one. `enter` does the
    /// same as [`NativeCode::enter`] with that code; it already has the arguments, and keeps the results.
    ///
    /// # Errors
    /// The function did not return in machine code: [`Self::finish_native`] completes the call.
    #[inline(always)]
    pub fn call_native<N: NativeCode<S> + ?Sized>(
        &mut self,
        native: &N,
        function: FuncIndex,
        enter: impl FnOnce(EntryRequest<'_, 'a, S>) -> bool,
    ) -> Result<(), NotReturned> {
        let before = self.starting_balance();
        if self.is_idle() && before >= MIN_BALANCE && self.runs(native) {
            let remaining = if self.last_entry.function == u64::from(function.0) {
                Some(self.last_entry.remaining)
            } else {
                self.prepare_entry(function)
            };
            if let Some(remaining) = remaining {
                if self.enter_native(function, remaining, before, enter) {
                    return Err(NotReturned { before, has_exited: true });
                }
                return Ok(());
            }
        }
        Err(NotReturned { before, has_exited: false })
    }

    /// Completes a call that [`Self::call_native`] began with this code and function: makes it if the code was not
    /// entered, or continues it. The arguments are the first of the values. Returns `None` if the function returned;
    /// then its results are the first of the values. Otherwise returns the outcome.
    ///
    /// # Errors
    /// The function does not exist, or the instance is suspended and has to be resumed or reset first.
    #[cold]
    pub fn finish_native<N: NativeCode<S> + ?Sized>(
        &mut self,
        native: &N,
        function: FuncIndex,
        values: &mut [u64; MAX_PARAMS],
        NotReturned { before, has_exited }: NotReturned,
    ) -> Result<Option<Outcome>, CallError> {
        let outcome = if has_exited && self.context.site != NO_SITE {
            self.continue_after_exit(native.code(), before)
        } else {
            let callee = self.program.function(function).ok_or(CallError::NoFunction(function))?;
            let count = callee.ty.params();
            self.call(function, &values[..count])?
        };
        match outcome {
            Outcome::Returned(results) => {
                for (index, value) in values.iter_mut().enumerate().take(MAX_RESULTS) {
                    *value = results.get(index).copied().unwrap_or(0);
                }
                Ok(None)
            }
            other => Ok(Some(other)),
        }
    }

    /// Prepares stack and context for a function whose frame is the outermost. Returns the number of cells available
    /// above the frame, if the frame fits.
    #[cold]
    #[inline(never)]
    fn prepare_entry(&mut self, function: FuncIndex) -> Option<u64> {
        #[cfg(feature = "record")]
        if self.host.is_logged() {
            return None;
        }
        let callee = self.program.function(function)?;
        let remaining = u64::from(self.stack.cells()).checked_sub(callee.frame_cells().into())?;
        self.stack.begin();
        let data = InstanceData {
            memory: &mut self.memory,
            globals: &mut self.globals,
            cells: self.stack.all_cells(),
            interrupt: interrupt_flag(&self.interrupt),
        };
        data.fill(self.program.program().passive_bytes(), &mut self.context);
        self.last_entry.function = function.0.into();
        self.last_entry.remaining = remaining;
        Some(remaining)
    }

    /// Enters the function. Returns whether the code exited.
    #[inline(always)]
    fn enter_native(
        &mut self,
        function: FuncIndex,
        remaining: u64,
        before: i64,
        enter: impl FnOnce(EntryRequest<'_, 'a, S>) -> bool,
    ) -> bool {
        self.stack.clear();
        // The context already has these addresses, but each request borrows the data at them, and exposes it.
        InstanceData {
            memory: &mut self.memory,
            globals: &mut self.globals,
            cells: self.stack.present_cells(),
            interrupt: interrupt_flag(&self.interrupt),
        }
        .expose();
        self.context.fuel = before;
        let (context, balance) = (&mut self.context, &mut self.balance);
        let guard = ContextGuard { context, balance, memory: &mut self.memory };
        let exited = enter(EntryRequest {
            program: &self.program,
            entry: Entry::Function(function),
            remaining,
            context: guard.context,
            filled_by: &mut self.last_entry.filled_by,
            host: &mut self.host,
        });
        drop(guard);
        if !exited {
            self.saturate(before);
        }
        exited
    }

    #[cold]
    fn continue_after_exit(&mut self, code: &CodeInfo, before: i64) -> Outcome {
        let mut machine = Machine::new(self);
        let at = machine.handle_code_exit(code).map(|location| machine.position(location));
        let outcome = machine.run_from(at);
        self.stop_engine(before);
        self.ended(&outcome);
        outcome
    }
}
