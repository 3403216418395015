//! A recorded run that is debugged: it replays its log, and no host function is called.

use std::io;
use std::sync::Arc;

use vsp_core::record::{LogEnd, LogSummary, ReplayError};
use vsp_core::snapshot::Snapshot;
use vsp_core::{Instance, Options, Outcome};

use super::setup::Setup;
use crate::end::End;
use crate::program::UNLIMITED;
use crate::recording::{CheckedLog, Recording, RunEnd};
use crate::replay::{difference, is_cut, observe, recorded_end, replaying_state};
use crate::state::State;

/// A recorded run.
pub(crate) struct Recorded<'p> {
    snapshot: Snapshot<'p>,
    pub(super) log: Arc<[u8]>,
    summary: &'p LogSummary,
    /// The number of the call in which the recording begins.
    call: usize,
    end: Option<&'p RunEnd>,
}

impl<'p> Recorded<'p> {
    /// Creates a run from a recording.
    pub(super) fn new(recording: &Recording<'p>, log: &'p CheckedLog<'_>) -> Recorded<'p> {
        Recorded {
            snapshot: *recording.state.snapshot(),
            log: Arc::from(log.bytes),
            summary: &log.summary,
            call: recording.command.call as usize,
            end: log.end.as_ref(),
        }
    }

    /// Creates an instance that replays the log from its beginning, and prints what the program prints.
    pub(super) fn instance(&self, setup: &Setup<'p>) -> Result<Instance<'p, State>, String> {
        let output = Box::new(setup.console.clone());
        let state = replaying_state(setup.verified, output, Box::new(io::stderr()));
        let mut instance = self.restored(setup, state)?;
        instance.replay(Arc::clone(&self.log)).map_err(|error| difference(&error))?;
        observe(&mut instance);
        Ok(instance)
    }

    /// Creates an instance in the state at which the recording begins. It runs in machine code, if there is some.
    pub(super) fn restored(&self, setup: &Setup<'p>, state: State) -> Result<Instance<'p, State>, String> {
        let options = Options { fuel: Some(UNLIMITED), ..Options::default() };
        let restored = setup.replay.restore(setup.imports, state, options, &self.snapshot);
        restored.map_err(|error| error.to_string())
    }

    /// Begins the last call, or continues the one in which the recording begins. Returns how that ended, if the program
    /// goes no further.
    pub(super) fn begin(
        &self,
        setup: &Setup<'p>,
        instance: &mut Instance<'p, State>,
    ) -> Result<Option<Outcome>, String> {
        let entry = &setup.entry;
        if instance.suspended().is_none() {
            for _ in self.call..entry.last_call() {
                match instance.replay_next().map_err(|error| self.described(&error))? {
                    Some(Outcome::Returned(_)) => {}
                    other => return Ok(other),
                }
            }
            entry.pass_arguments(instance);
        }
        instance.replay_begin().map_err(|error| self.described(&error))
    }

    /// Returns how much fuel is used where the recording ends, if the program was stopped there.
    pub(super) fn stop(&self) -> Option<u64> {
        match self.summary.end {
            LogEnd::Stopped { fuel, .. } => Some(fuel),
            _ => None,
        }
    }

    /// Describes an error of replaying.
    pub(super) fn described(&self, error: &ReplayError) -> String {
        match is_cut(error, self.summary) {
            true => "the recording has no end, and this is all that was recorded".to_owned(),
            false => difference(error),
        }
    }

    /// Returns the end of the program, as the recorded run described it.
    pub(super) fn end(&self, setup: &Setup<'p>, instance: &mut Instance<'p, State>, outcome: Outcome) -> End {
        recorded_end(outcome, setup.verified, instance, self.end)
    }
}
