//! Single-stepping, for debuggers, traces and profiles. Fuel, traps, suspension and interruption are as in
//! [`Instance::call`] and [`Instance::resume`].

use super::state::Machine;
use crate::index::{FuncIndex, Location};
use crate::instance::{Instance, Status};
use crate::outcome::{CallError, Outcome, Reason, Suspension};

impl<S> Instance<'_, S> {
    /// Begins a call like [`Self::call`], but stops before the first instruction. Returns `None` if the call stopped
    /// there; [`Self::step`] executes the instruction. Otherwise returns the outcome: the call has already ended, or is
    /// suspended at its entry.
    ///
    /// # Errors
    /// As [`Self::call`].
    pub fn begin(&mut self, function: FuncIndex, args: &[u64]) -> Result<Option<Outcome>, CallError> {
        match self.push_first(function, args)? {
            None => Ok(self.run_some(|instance| enter(instance, function))),
            overflow => Ok(overflow),
        }
    }

    /// Resumes a suspended call like [`Self::resume`], but stops before the next instruction. Returns `None` if it
    /// stopped there; [`Self::step`] executes the instruction. Otherwise returns the outcome: the call is suspended
    /// again.
    ///
    /// # Errors
    /// As [`Self::resume`].
    pub fn begin_resume(&mut self, values: &[u64]) -> Result<Option<Outcome>, CallError> {
        let reason = self.waits_for(values)?;
        Ok(self.run_some(|instance| answer(instance, reason, values)))
    }

    /// Executes one instruction. Returns `None` if the call continues, at [`Self::next_location`], and otherwise its
    /// outcome. A host function, and the entry of a called function, are part of the instruction that calls them. A
    /// SWITCH and the JMP that it selects are two instructions.
    ///
    /// # Errors
    /// The instance is not between two instructions.
    pub fn step(&mut self) -> Result<Option<Outcome>, CallError> {
        self.step_until(1, |_| true)
    }

    /// Executes up to `limit` instructions, but stops before an instruction if `stop` returns true for its location.
    /// `stop` is not called for the first instruction, so that execution continues from a breakpoint. Returns `None` if
    /// the call continues, at [`Self::next_location`], and otherwise its outcome.
    ///
    /// # Errors
    /// The instance is not between two instructions.
    pub fn step_until(
        &mut self,
        limit: u64,
        stop: impl FnMut(Location) -> bool,
    ) -> Result<Option<Outcome>, CallError> {
        self.step_within(limit, u64::MAX, stop)
    }

    /// Executes instructions like [`Self::step_until`], but also stops before an instruction as soon as at least `fuel`
    /// units of fuel were used since the call. (It counts them in an instance that is not metered, too.) So a place of an
    /// earlier run, whose fuel is known, is found again exactly.
    ///
    /// # Errors
    /// The instance is not between two instructions.
    pub fn step_within(
        &mut self,
        limit: u64,
        fuel: u64,
        stop: impl FnMut(Location) -> bool,
    ) -> Result<Option<Outcome>, CallError> {
        self.must_be_stepping()?;
        Ok(self.run_some(|instance| step(instance, limit, fuel, stop)))
    }

    /// Runs a call that is being stepped, in the attached engine, until it ends, or has used more than `fuel` units since
    /// the call of this method and is at a safepoint. Returns `None` if it stopped there, between two instructions, and
    /// otherwise its outcome. Every engine stops at the same place.
    ///
    /// The registers, locals and state registers of all frames are then those of the interpreter only if the engine is
    /// the interpreter, or all its machine code is of regions that keep them
    /// (`vsp_core::jit::Region::keeping_frames`). Otherwise only the live ones are.
    ///
    /// # Errors
    /// The instance is not between two instructions.
    pub fn run_within(&mut self, fuel: u64) -> Result<Option<Outcome>, CallError> {
        self.must_be_stepping()?;
        let total = self.start_engine();
        let before = total.min(i64::try_from(fuel).unwrap_or(i64::MAX));
        self.withhold(before);
        let outcome = proceed(self);
        self.stop_engine(before);
        self.release_withheld();
        match outcome {
            Outcome::Suspended(Suspension { reason: Reason::Fuel, .. }) if self.has_fuel() => {
                self.status = Status::Stepping;
                Ok(None)
            }
            outcome => {
                self.ended(&outcome);
                Ok(Some(outcome))
            }
        }
    }

    /// Runs a call that is being stepped to its outcome, like [`Self::call`].
    ///
    /// # Errors
    /// The instance is not between two instructions.
    pub fn finish(&mut self) -> Result<Outcome, CallError> {
        self.must_be_stepping()?;
        Ok(self.run(proceed))
    }

    /// Returns the location of the instruction that [`Self::step`] executes next, if the instance is between two
    /// instructions.
    pub fn next_location(&self) -> Option<Location> {
        (self.status == Status::Stepping).then(|| self.stack.location())
    }

    /// Returns an error unless the instance is between two instructions.
    fn must_be_stepping(&self) -> Result<(), CallError> {
        match self.status {
            Status::Stepping => Ok(()),
            Status::Idle | Status::Suspended(_) => Err(CallError::NotStepping),
        }
    }

    /// Runs an engine that can stop before an instruction, which it reports as `None`.
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

/// Enters a function whose frame is the only one. Returns `None` if its first instruction can be executed.
fn enter<S>(instance: &mut Instance<'_, S>, function: FuncIndex) -> Option<Outcome> {
    let mut machine = Machine::new(instance).interpreting();
    let entered = machine.enter(function);
    machine.pause(entered)
}

/// Does the part of [`Instance::resume`] that precedes the next instruction. Returns `None` if an instruction can be
/// executed.
fn answer<S>(instance: &mut Instance<'_, S>, reason: Reason, values: &[u64]) -> Option<Outcome> {
    let mut machine = Machine::new(instance).interpreting();
    let answered = machine.answer(reason, values);
    machine.pause(answered)
}

/// Continues at the location that is recorded for the running frame.
fn proceed<S>(instance: &mut Instance<'_, S>) -> Outcome {
    let mut machine = Machine::running(instance);
    let at = machine.position(machine.stack.location());
    machine.run(at)
}

/// Executes up to `limit` instructions, from the location that is recorded for the running frame. Stops earlier if
/// `fuel` units are used, or `stop` returns `true` for the location of an instruction other than the first. Returns
/// `None` if there is a next instruction.
fn step<S>(
    instance: &mut Instance<'_, S>,
    limit: u64,
    fuel: u64,
    stop: impl FnMut(Location) -> bool,
) -> Option<Outcome> {
    let mut machine = Machine::new(instance).interpreting();
    let at = machine.position(machine.stack.location());
    let stepped = machine.step(at, limit, fuel, stop);
    machine.pause(stepped)
}
