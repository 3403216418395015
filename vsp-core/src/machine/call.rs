//! Calls of the host: from the first word to the outcome.

use alloc::string::String;
#[cfg(threaded)]
use core::sync::atomic::Ordering;

use super::state::Machine;
#[cfg(threaded)]
use super::state::interrupt_flag;
use crate::index::FuncIndex;
#[cfg(threaded)]
use crate::index::Location;
use crate::instance::Instance;
#[cfg(threaded)]
use crate::interp::threaded::{ExitPoint, Resources, ThreadState};
use crate::outcome::{CallError, Outcome, Reason, Values};

impl<S> Instance<'_, S> {
    /// Calls the function exported as `name`. See [`Self::call`].
    ///
    /// # Errors
    /// There is no such export, and as [`Self::call`].
    pub fn call_export(&mut self, name: &str, args: &[u64]) -> Result<Outcome, CallError> {
        let function = self.program.export(name).ok_or_else(|| CallError::NoExport(String::from(name)))?;
        self.call(function, args)
    }

    /// Calls a function and runs it until it returns, halts, traps or suspends.
    ///
    /// # Errors
    /// The number of arguments is wrong, or the instance is suspended and has to be resumed or reset first.
    #[inline]
    pub fn call(&mut self, function: FuncIndex, args: &[u64]) -> Result<Outcome, CallError> {
        match self.push_first(function, args)? {
            None => {
                let before = self.start_engine();
                let ended = start(self, function);
                self.stop_engine(before);
                match ended {
                    Ok(values) => {
                        self.stack.clear();
                        Ok(Outcome::Returned(values))
                    }
                    Err(outcome) => {
                        self.ended(&outcome);
                        Ok(outcome)
                    }
                }
            }
            Some(outcome) => Ok(outcome),
        }
    }

    /// Continues a suspended program with the values that it waits for: none after Fuel or Interrupted, one for a
    /// YIELD, the results of a pending host function.
    ///
    /// # Errors
    /// The instance is not suspended, or it waits for another number of values.
    pub fn resume(&mut self, values: &[u64]) -> Result<Outcome, CallError> {
        let reason = self.waits_for(values)?;
        Ok(self.run(|instance| answer_and_run(instance, reason, values)))
    }

    #[inline]
    pub(super) fn run(&mut self, engine: impl FnOnce(&mut Self) -> Outcome) -> Outcome {
        let before = self.start_engine();
        let outcome = engine(self);
        self.stop_engine(before);
        self.ended(&outcome);
        outcome
    }
}

/// Runs a function whose frame is the only one, and returns its results, or the outcome if the call ended otherwise.
#[inline]
fn start<S>(instance: &mut Instance<'_, S>, function: FuncIndex) -> Result<Values, Outcome> {
    #[cfg(threaded)]
    match start_threaded(instance, function) {
        Some(Started::Returned(values)) => return Ok(values),
        Some(Started::Exited(exit)) => return Err(continue_after_exit(instance, &exit)),
        None => {}
    }
    Err(start_machine(instance, function))
}

#[cfg_attr(threaded, cold)]
fn start_machine<S>(instance: &mut Instance<'_, S>, function: FuncIndex) -> Outcome {
    let mut machine = Machine::calling(instance);
    let entered = machine.enter(function);
    machine.run_from(entered)
}

/// The progress that [`start_threaded`] made.
#[cfg(threaded)]
enum Started {
    Returned(Values),
    Exited(ExitPoint),
}

/// Runs a function as [`start`] does, on a fast path, until it returns or the threaded interpreter exits. Returns
/// `None` if there is work to do at the function's entry.
#[cfg(threaded)]
#[inline]
fn start_threaded<S>(instance: &mut Instance<'_, S>, index: FuncIndex) -> Option<Started> {
    #[cfg(feature = "native")]
    if instance.native.is_some() || instance.tiers.is_some() {
        return None;
    }
    let functions = instance.program.functions();
    let function = functions.get(index.index())?;
    let balance = instance.balance.checked_sub(function.entry_charge().into())?;
    let interrupt = interrupt_flag(&instance.interrupt);
    if !function.short_leaf && (balance < 0 || interrupt.load(Ordering::Relaxed)) {
        return None;
    }
    instance.balance = balance;
    let resources = Resources {
        threaded: instance.program.threaded(),
        constants: instance.program.program().constants(),
        cells: instance.stack.present_cells(),
        memory: &mut instance.memory,
        globals: &mut instance.globals,
        interrupt,
        host: &mut instance.host,
        balance: &mut instance.balance,
        calls_exit: false,
        compiled: &[],
    };
    let word = function.start as usize;
    let exit = ThreadState::execute(resources, index, 0, word, |state| {
        // Only the outermost frame has no caller.
        if state.has_returned() { None } else { Some(state.exit_point()) }
    });
    Some(match exit {
        None => Started::Returned(instance.stack.first_registers(function.ty.results())),
        Some(exit) => Started::Exited(exit),
    })
}

/// Handles the exit of the threaded interpreter, and continues.
#[cfg(threaded)]
#[cold]
fn continue_after_exit<S>(instance: &mut Instance<'_, S>, exit: &ExitPoint) -> Outcome {
    let mut machine = Machine::new(instance);
    let mut at = machine.position(Location { function: exit.index, word: 0 });
    machine.set_position(&mut at, exit);
    let handled = machine.handle_exit(&mut at, exit.exit);
    machine.run_from(handled.map(|()| at))
}

/// Continues a suspended program with the values it waits for. Their number has been checked.
fn answer_and_run<S>(instance: &mut Instance<'_, S>, reason: Reason, values: &[u64]) -> Outcome {
    let mut machine = Machine::running(instance);
    let answered = machine.answer(reason, values);
    machine.run_from(answered)
}
