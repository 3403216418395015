//! Recording and replaying: a log of what the host did to a program, with which it runs again in the same way, without
//! the host.
//!
//! The answers of the host are the only thing in a run that the program does not determine: the results and errors of
//! host functions, the bytes that they write to the memory, the fuel that they charge, the answers to YIELD and to
//! pending host calls, and the calls themselves. [`Instance::record`] begins to log them, and
//! [`Instance::take_log`] and [`Instance::end_log`] return the bytes, which `docs/format.md` describes.
//! [`Instance::replay`] makes an instance, in any engine on any architecture, take all that from the log. Whatever the
//! program does differently then is a [`ReplayError`].
//!
//! ```
//! # #[cfg(feature = "text")] {
//! use vsp_core::{Caller, Imports, Instance, Options, Outcome, program::Program, text, verify::Verified};
//!
//! let text = ".import os.random (0) -> 1\n.export f\n.func f (1) -> 1\n MOV R1, R0\n SYSCALL os.random\n ADD R0, R1\n RET\n.end";
//! let bytes = text::assemble(text, "f.sil")?;
//! let program = Verified::new(Program::read(&bytes[..])?)?;
//! let mut imports = Imports::<()>::new();
//! imports.define("os", "random", |_: &mut Caller<'_, ()>| 35u64)?;
//! let mut instance = Instance::new(&program, &imports, (), Options::default())?;
//! instance.record()?;
//! let outcome = instance.call_export("f", &[7])?;
//! let log = instance.end_log()?;
//!
//! let nothing = Imports::<()>::unavailable(program.program())?;
//! let mut again = Instance::new(&program, &nothing, (), Options::default())?;
//! again.replay(&log[..])?;
//! assert_eq!(again.replay_next()?, Some(outcome));
//! assert_eq!(again.replay_next()?, None);
//! # }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! What the host changes by other ways is not in the log: globals and registers, and the memory of a program that is
//! suspended with Fuel or Interrupted, or is being stepped.

use alloc::boxed::Box;
use alloc::vec::Vec;

use crate::host::HostError;
pub use crate::host::log::LogPosition;
use crate::host::log::{Entry, Recorder, Replayer};
pub use crate::outcome::{RecordError, ReplayError};
use crate::shared::Ref;
use crate::{CallError, Instance, Outcome, Reason, Status};

impl<'a, S> Instance<'a, S> {
    /// Begins to record: from now on everything that the host does to the program is written to a log.
    ///
    /// Takes time linear in the memory, for a digest of the state.
    ///
    /// # Errors
    /// The instance is recorded or replays a log already, or there is no memory.
    pub fn record(&mut self) -> Result<(), RecordError> {
        if self.host.is_logged() {
            return Err(RecordError::Busy);
        }
        let digest = self.digest().map_err(|_| RecordError::OutOfMemory)?;
        let recorder = Recorder::new(self.program.program(), digest)?;
        self.host.begin_recording(recorder).map_err(|_| RecordError::OutOfMemory)?;
        self.forget_entry();
        Ok(())
    }

    /// Returns whether the instance is recorded.
    pub fn is_recorded(&self) -> bool {
        self.host.own.recorder.is_some()
    }

    /// Returns whether the instance replays a log.
    pub fn is_replaying(&self) -> bool {
        self.host.replayer().is_some()
    }

    /// Takes the bytes of the log that were written since the last time. All of them in order are the log. (Its last
    /// entry can be missing: replaying then ends with an error after the last entry.)
    ///
    /// # Errors
    /// The instance is not recorded, or a part of the log could not be written.
    pub fn take_log(&mut self) -> Result<Vec<u8>, RecordError> {
        self.host.own.recorder.as_mut().ok_or(RecordError::NotRecording)?.take()
    }

    /// Ends recording. Returns the bytes of the log that were not taken yet.
    ///
    /// Takes time linear in the memory, for a digest of the state. A program that is suspended with Fuel or Interrupted,
    /// or is being stepped, has none: the log does not say after how many instructions that was.
    ///
    /// # Errors
    /// The instance is not recorded, or a part of the log could not be written.
    pub fn end_log(&mut self) -> Result<Vec<u8>, RecordError> {
        let recorder = match self.is_recorded() {
            true => self.host.end_logging().ok_or(RecordError::NotRecording)?,
            false => return Err(RecordError::NotRecording),
        };
        self.forget_entry();
        let digest = match self.status {
            Status::Stepping | Status::Suspended(Reason::Fuel | Reason::Interrupted) => None,
            Status::Idle | Status::Suspended(Reason::Yield(_) | Reason::Pending(_)) => {
                Some(self.digest().map_err(|_| RecordError::OutOfMemory)?)
            }
        };
        recorder.finish(digest)
    }

    /// Begins to replay a log. The instance must be in the state at which the log begins; fuel and interrupt flag can be
    /// others. From now on host functions are not called, and what they did is taken from the log. The host can make the
    /// same calls and give the same answers as when the log was recorded, or [`Self::replay_next`] takes them from the
    /// log.
    ///
    /// A host call that is not the next of the log ends the program with `Trap::Host(0)`, and [`Self::host_error`] and
    /// [`Self::replay_error`] say what differs; other differences are errors of the call.
    ///
    /// # Errors
    /// The bytes are not a log, or belong to another program or another state, or there is no memory.
    pub fn replay(&mut self, log: impl Into<Ref<'a, [u8]>>) -> Result<(), ReplayError> {
        let (replayer, begins) = self.replayer_of(log.into())?;
        let instance = self.digest().map_err(|_| ReplayError::OutOfMemory)?;
        if instance != begins {
            return Err(ReplayError::Start { log: begins, instance });
        }
        self.begin_replay(replayer)
    }

    /// Continues to replay a log at a place, of which [`Self::log_position`] told, in an instance that was restored from
    /// a snapshot of that time. The state is not compared.
    ///
    /// # Errors
    /// As [`Self::replay`].
    pub fn replay_from(
        &mut self,
        log: impl Into<Ref<'a, [u8]>>,
        position: LogPosition,
    ) -> Result<(), ReplayError> {
        let (mut replayer, _) = self.replayer_of(log.into())?;
        replayer.seek(position);
        self.begin_replay(replayer)
    }

    fn replayer_of(&self, log: Ref<'a, [u8]>) -> Result<(Replayer<'a>, u32), ReplayError> {
        if self.host.is_logged() {
            return Err(ReplayError::Busy);
        }
        Replayer::new(log, self.program.program())
    }

    fn begin_replay(&mut self, replayer: Replayer<'a>) -> Result<(), ReplayError> {
        self.host.begin_replay(replayer).map_err(|_| ReplayError::OutOfMemory)?;
        self.forget_entry();
        Ok(())
    }

    /// Ends replaying: from now on host functions are called again.
    pub fn end_replay(&mut self) {
        if self.is_replaying() {
            self.host.end_logging();
            self.forget_entry();
        }
    }

    /// Returns the place in the log that is written or replayed.
    pub fn log_position(&self) -> Option<LogPosition> {
        let recorder = self.host.own.recorder.as_ref().map(|recorder| recorder.position());
        recorder.or_else(|| self.host.replayer().map(Replayer::position))
    }

    /// Returns the first difference between the program and the log that it replays.
    pub fn replay_error(&self) -> Option<&ReplayError> {
        self.host.replayer()?.error()
    }

    /// Continues as the log does: calls, resumes, fails or abandons a call with what is in the log, and continues a
    /// program that is suspended with Fuel or Interrupted, or is being stepped. Returns the outcome, or `None` at the
    /// end of the log, after comparing the state with the digest there.
    ///
    /// # Errors
    /// The program differs from the log, or the log is damaged or ends without an end.
    pub fn replay_next(&mut self) -> Result<Option<Outcome>, ReplayError> {
        loop {
            let replayer = self.host.replayer().ok_or(ReplayError::NotReplaying)?;
            let outcome = match (self.status, replayer.peek()?) {
                (_, Entry::End { digest: Some(_), .. }) if self.is_at_answer() => return self.replay_end(),
                (_, Entry::End { digest: None, .. }) => return self.replay_end(),
                (_, Entry::Reset) if self.is_at_answer() => {
                    // An idle instance has nothing to abandon.
                    match self.status {
                        Status::Idle => self.host.log_reset(),
                        _ => self.reset(),
                    }
                    continue;
                }
                (Status::Suspended(Reason::Fuel | Reason::Interrupted), _) => self.resume(&[]),
                (Status::Stepping, _) => self.finish(),
                (Status::Suspended(Reason::Yield(_)), Entry::Yield { answer, .. }) => self.resume(&[answer]),
                (Status::Suspended(Reason::Pending(_)), Entry::Answer { values, .. }) => self.resume(&values),
                (Status::Suspended(Reason::Pending(_)), Entry::Fail { code, text, .. }) => {
                    let error = text.map(|text| HostError::from(alloc::string::String::from(text)));
                    self.end_pending(code, error)
                }
                (Status::Idle, Entry::Call { function, args, .. }) => self.call(function, &args),
                _ => return Err(self.ends_here()),
            };
            return match outcome {
                Ok(outcome) => match self.replay_error() {
                    Some(error) => Err(located(error.clone(), &outcome)),
                    None => Ok(Some(outcome)),
                },
                Err(CallError::Replay(error)) => Err(*error),
                Err(error) => Err(ReplayError::Call(Box::new(error))),
            };
        }
    }

    /// Checks that the log ends here, and compares the state with the digest there.
    ///
    /// # Errors
    /// The log does not end here, or is damaged, or the state is another.
    pub fn finish_replay(&mut self) -> Result<(), ReplayError> {
        let Some(log) = self.host.replayer_mut().ok_or(ReplayError::NotReplaying)?.finish()? else {
            return Ok(());
        };
        let instance = self.digest().map_err(|_| ReplayError::OutOfMemory)?;
        match self.host.replayer_mut() {
            Some(replayer) if instance != log => Err(replayer.fail(ReplayError::End { log, instance })),
            _ => Ok(()),
        }
    }

    fn replay_end(&mut self) -> Result<Option<Outcome>, ReplayError> {
        self.finish_replay().map(|()| None)
    }

    /// Returns whether the instance is idle or waits for an answer of the host.
    fn is_at_answer(&self) -> bool {
        matches!(self.status, Status::Idle | Status::Suspended(Reason::Yield(_) | Reason::Pending(_)))
    }

    /// Returns the error of a log whose next entry is not possible in this status.
    fn ends_here(&mut self) -> ReplayError {
        let status = self.status;
        match self.host.replayer_mut() {
            Some(replayer) => replayer.not_possible(status),
            None => ReplayError::NotReplaying,
        }
    }

    /// Makes typed calls of machine code take the way that looks at the log.
    fn forget_entry(&mut self) {
        #[cfg(feature = "native")]
        {
            self.last_entry = crate::native::entry::LastEntry::NOTHING;
        }
    }
}

/// Adds the location of the trap to a difference.
fn located(error: ReplayError, outcome: &Outcome) -> ReplayError {
    match (error, outcome) {
        (ReplayError::Differs { calls, expected, found, location: None }, Outcome::Trapped(trapped)) => {
            ReplayError::Differs { calls, expected, found, location: Some(trapped.location) }
        }
        (error, _) => error,
    }
}
