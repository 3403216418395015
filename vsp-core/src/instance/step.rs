//! Single-step execution, for debuggers, traces and profiles. Fuel, traps, suspension and interruption are those of
//! [`Instance::call`] and [`Instance::resume`].

use super::{Instance, Outcome, Status};
use crate::CallError;
use crate::index::{FuncIndex, Location};
use crate::interp;

impl<S> Instance<'_, S> {
    /// Begins a call like [`Self::call`], but stops before the first instruction. `None` means that [`Self::step`]
    /// executes it. Otherwise the call has already ended, or is suspended at its entry.
    ///
    /// # Errors
    /// As [`Self::call`].
    pub fn begin(&mut self, function: FuncIndex, args: &[u64]) -> Result<Option<Outcome>, CallError> {
        match self.push_first(function, args)? {
            None => Ok(self.run_some(|instance| interp::enter(instance, function))),
            overflow => Ok(overflow),
        }
    }

    /// Resumes a suspended call like [`Self::resume`], but stops before the next instruction. `None` means that
    /// [`Self::step`] executes it. Otherwise the call is suspended again.
    ///
    /// # Errors
    /// As [`Self::resume`].
    pub fn begin_resume(&mut self, values: &[u64]) -> Result<Option<Outcome>, CallError> {
        let reason = self.waits_for(values.len())?;
        Ok(self.run_some(|instance| interp::answer(instance, reason, values)))
    }

    /// Executes one instruction. `None` means that there is a next one, at [`Self::next_location`]. A host function,
    /// and the entry of a called function, are part of the instruction that calls them; a SWITCH and the JMP that it
    /// selects are two instructions.
    ///
    /// # Errors
    /// The instance is not between two instructions.
    pub fn step(&mut self) -> Result<Option<Outcome>, CallError> {
        self.step_until(1, |_| true)
    }

    /// Executes up to `limit` instructions. It stops earlier before an instruction for whose location `stop` returns
    /// true. `stop` is not called for the first one, so that execution continues from a breakpoint. `None` means that
    /// there is a next instruction, at [`Self::next_location`].
    ///
    /// # Errors
    /// The instance is not between two instructions.
    pub fn step_until(
        &mut self,
        limit: u64,
        stop: impl FnMut(Location) -> bool,
    ) -> Result<Option<Outcome>, CallError> {
        self.must_be_stepping()?;
        Ok(self.run_some(|instance| interp::step(instance, limit, stop)))
    }

    /// Finishes a call that was stepped through, like [`Self::call`], until it returns, halts, traps or suspends.
    ///
    /// # Errors
    /// The instance is not between two instructions.
    pub fn finish(&mut self) -> Result<Outcome, CallError> {
        self.must_be_stepping()?;
        self.run(interp::proceed)
    }

    /// Returns the location of the instruction that [`Self::step`] executes next, if the instance is between two
    /// instructions.
    pub fn next_location(&self) -> Option<Location> {
        (self.status == Status::Stepping).then(|| self.stack.location())
    }

    fn must_be_stepping(&self) -> Result<(), CallError> {
        match self.status {
            Status::Stepping => Ok(()),
            Status::Idle | Status::Suspended(_) => Err(CallError::NotStepping),
        }
    }

    fn run_some(&mut self, engine: impl FnOnce(&mut Self) -> Option<Outcome>) -> Option<Outcome> {
        let before = self.start_engine();
        let outcome = engine(self);
        self.stop_engine(before);
        match &outcome {
            Some(outcome) => self.ended(outcome),
            None => self.status = Status::Stepping,
        }
        outcome
    }
}
