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
use alloc::string::String;
use alloc::vec::Vec;

use crate::host::HostError;
use crate::host::log::{Args, End, Entry, Recorder, Replayer, Sink};
pub use crate::host::log::{LogEnd, LogPosition, LogSummary};
use crate::index::{FuncIndex, ImportIndex};
use crate::outcome::Values;
pub use crate::outcome::{RecordError, ReplayError};
use crate::shared::Ref;
use crate::{CallError, Instance, Outcome, Reason, Status};

/// Returns the CRC-32 of bytes, as logs and the other files of the project have it.
pub fn checksum(bytes: &[u8]) -> u32 {
    crate::program::checksum_of(bytes)
}

/// A call of a host function that is replayed: the host function is not called.
#[derive(Clone, Copy, Debug)]
pub struct ReplayedCall<'c> {
    /// The import.
    pub import: ImportIndex,
    /// The arguments.
    pub args: &'c [u64],
    /// The results, or `None` if the host function failed or was pending.
    pub results: Option<&'c [u64]>,
    /// The memory of the program, without what the host function wrote to it.
    pub memory: &'c [u8],
}

/// What an instance that replays a log does next.
enum Next {
    Call(FuncIndex, Args),
    Resume(Values),
    Fail(u32, Option<String>),
    /// Finishes a call that is being stepped.
    Finish,
    End,
}

impl<'a, S> Instance<'a, S> {
    /// Begins to record: from now on everything that the host does to the program is written to a log.
    ///
    /// Takes time linear in the memory, for a digest of the state.
    ///
    /// # Errors
    /// The instance is recorded or replays a log already, or there is no memory.
    pub fn record(&mut self) -> Result<(), RecordError> {
        self.begin_recording(None)
    }

    /// Begins to record, like [`Self::record`], and passes the log to `sink` in parts while the program runs, so that it
    /// takes little memory: about 64 KiB at a time. `sink` returns whether it could store them. The last part is passed
    /// by [`Self::end_log`], and [`Self::take_log`] returns nothing.
    ///
    /// # Errors
    /// As [`Self::record`].
    pub fn record_to(
        &mut self,
        sink: impl FnMut(&[u8]) -> bool + Send + Sync + 'static,
    ) -> Result<(), RecordError> {
        self.begin_recording(Some(Sink(Box::new(sink))))
    }

    fn begin_recording(&mut self, sink: Option<Sink>) -> Result<(), RecordError> {
        if self.host.is_logged() {
            return Err(RecordError::Busy);
        }
        self.put_back();
        let digest = self.digest().map_err(|_| RecordError::OutOfMemory)?;
        let recorder = Recorder::new(self.program.program(), digest, sink)?;
        self.host.begin_recording(recorder, self.balance).map_err(|_| RecordError::OutOfMemory)?;
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
    /// Takes time linear in the memory, for a digest of the state. If the program is suspended with Fuel or Interrupted,
    /// the log tells how much fuel it had used since the log began, with which a replay stops in the same state. Without
    /// metering, or if the program is being stepped, it tells neither this nor the digest.
    ///
    /// # Errors
    /// The instance is not recorded, or a part of the log could not be written.
    pub fn end_log(&mut self) -> Result<Vec<u8>, RecordError> {
        let fuel = self.host.logged_fuel(self.balance);
        let recorder = match self.is_recorded() {
            true => self.host.end_logging().ok_or(RecordError::NotRecording)?,
            false => return Err(RecordError::NotRecording),
        };
        self.forget_entry();
        let digest = || self.digest().map_err(|_| RecordError::OutOfMemory);
        let end = match (self.status, fuel) {
            (Status::Suspended(Reason::Fuel | Reason::Interrupted), Some(fuel)) => {
                End::Stopped { fuel, digest: digest()? }
            }
            (Status::Stepping | Status::Suspended(Reason::Fuel | Reason::Interrupted), _) => End::Unknown,
            (Status::Idle | Status::Suspended(Reason::Yield(_) | Reason::Pending(_)), _) => {
                End::Digest(digest()?)
            }
        };
        recorder.finish(end)
    }

    /// Returns the fuel used since the log began that is written or replayed, if the instance is metered.
    pub fn logged_fuel(&self) -> Option<u64> {
        self.host.logged_fuel(self.balance)
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
        self.begin_replay(replayer)?;
        self.host.log_fuel(position.fuel.unwrap_or_default() as i64);
        Ok(())
    }

    fn replayer_of(&self, log: Ref<'a, [u8]>) -> Result<(Replayer<'a>, u32), ReplayError> {
        if self.host.is_logged() {
            return Err(ReplayError::Busy);
        }
        Replayer::new(log, self.program.program())
    }

    fn begin_replay(&mut self, replayer: Replayer<'a>) -> Result<(), ReplayError> {
        self.put_back();
        self.host.begin_replay(replayer, self.balance).map_err(|_| ReplayError::OutOfMemory)?;
        self.forget_entry();
        Ok(())
    }

    /// Lets `observer` see each call of a host function that is replayed from now on, with the state of the host: to
    /// show again what the program printed, for example. It sees no call that differs from the log. Nothing happens if
    /// the instance does not replay a log.
    pub fn observe_replay(&mut self, observer: impl FnMut(&mut S, &ReplayedCall<'_>) + Send + Sync + 'a) {
        if self.is_replaying() {
            self.host.observe(Box::new(observer));
        }
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
        let position = recorder.or_else(|| self.host.replayer().map(Replayer::position))?;
        Some(LogPosition { fuel: self.logged_fuel(), ..position })
    }

    /// Returns the first difference between the program and the log that it replays.
    pub fn replay_error(&self) -> Option<&ReplayError> {
        self.host.replayer()?.error()
    }

    /// Continues as the log does: calls, resumes, fails or abandons a call with what is in the log, and continues a
    /// program that is suspended with Fuel or Interrupted, or is being stepped. Returns the outcome, or `None` at the
    /// end of the log, after comparing the state with the digest there.
    ///
    /// If the log ends where the program was stopped, it is suspended with Fuel there, and its balance is not changed.
    ///
    /// # Errors
    /// The program differs from the log, or the log is damaged or ends without an end; or it ends where the program was
    /// stopped, and the instance is not metered.
    pub fn replay_next(&mut self) -> Result<Option<Outcome>, ReplayError> {
        let next = self.next_of_log()?;
        if let Next::End = next {
            return self.finish_replay().map(|()| None);
        }
        let held = self.hold_fuel()?;
        let outcome = match next {
            Next::Call(function, args) => self.call(function, &args),
            Next::Resume(values) => self.resume(&values),
            Next::Fail(code, text) => self.end_pending(code, text.map(HostError::from)),
            Next::Finish | Next::End => self.finish(),
        };
        self.put_back();
        self.set_balance(self.balance.saturating_add(held));
        self.replayed(outcome.map(Some))
    }

    /// Continues as the log does, like [`Self::replay_next`], but stops before the next instruction of the program, which
    /// [`Self::step`] executes. Returns the outcome if the program did not stop there. Nothing happens if it is being
    /// stepped, or at the end of the log.
    ///
    /// # Errors
    /// As [`Self::replay_next`], without the end of a log where the program was stopped.
    pub fn replay_begin(&mut self) -> Result<Option<Outcome>, ReplayError> {
        let outcome = match self.next_of_log()? {
            Next::Call(function, args) => self.begin(function, &args),
            Next::Resume(values) => self.begin_resume(&values),
            Next::Fail(code, text) => self.end_pending(code, text.map(HostError::from)).map(Some),
            Next::Finish | Next::End => return Ok(None),
        };
        self.replayed(outcome)
    }

    /// Returns the outcome, or the difference from the log.
    fn replayed(
        &mut self,
        outcome: Result<Option<Outcome>, CallError>,
    ) -> Result<Option<Outcome>, ReplayError> {
        match outcome {
            Ok(outcome) => match self.replay_error() {
                Some(error) => Err(located(error.clone(), outcome.as_ref())),
                None => Ok(outcome),
            },
            Err(CallError::Replay(error)) => Err(*error),
            Err(error) => Err(ReplayError::Call(Box::new(error))),
        }
    }

    /// Returns what the log does next. Calls that it abandons are abandoned.
    fn next_of_log(&mut self) -> Result<Next, ReplayError> {
        loop {
            let (used, is_at_answer) = (self.host.logged_fuel(self.balance), self.is_at_answer());
            let replayer = self.host.replayer_mut().ok_or(ReplayError::NotReplaying)?;
            replayer.set_fuel(used);
            let is_stopped = matches!(
                self.status,
                Status::Suspended(Reason::Fuel | Reason::Interrupted) | Status::Stepping
            );
            // A program that did all that the log has, and is stopped, has to be where that was stopped.
            if let Some(stop) = replayer.stop_of_run().filter(|_| is_stopped)
                && used.is_some_and(|used| used > stop || used == stop && self.status != Status::Stepping)
            {
                let is_end = matches!(replayer.peek()?, Entry::End { .. });
                return match is_end && used == Some(stop) {
                    true => Ok(Next::End),
                    false => Err(replayer.has_passed_the_stop()),
                };
            }
            return Ok(match (self.status, replayer.peek()?) {
                (Status::Suspended(Reason::Fuel | Reason::Interrupted), Entry::End { end, .. })
                    if end != End::Unknown =>
                {
                    Next::Resume(Values::new(&[]))
                }
                (_, Entry::End { end: End::Digest(_), .. }) if is_at_answer => Next::End,
                (_, Entry::End { end: End::Unknown, .. }) => Next::End,
                (_, Entry::Reset) if is_at_answer => {
                    // An idle instance has nothing to abandon.
                    match self.status {
                        Status::Idle => self.host.log_reset(),
                        _ => self.reset(),
                    }
                    continue;
                }
                (Status::Suspended(Reason::Fuel | Reason::Interrupted), _) => Next::Resume(Values::new(&[])),
                (Status::Stepping, _) => Next::Finish,
                (Status::Suspended(Reason::Yield(_)), Entry::Yield { answer, .. }) => {
                    Next::Resume(Values::new(&[answer]))
                }
                (Status::Suspended(Reason::Pending(_)), Entry::Answer { values, .. }) => Next::Resume(values),
                (Status::Suspended(Reason::Pending(_)), Entry::Fail { code, text, .. }) => {
                    Next::Fail(code, text.map(String::from))
                }
                (Status::Idle, Entry::Call { function, args, .. }) => Next::Call(function, args),
                _ => return Err(self.ends_here()),
            });
        }
    }

    /// Lowers the balance so far that the program is suspended where the log ends, if it was stopped there in the call
    /// that is next. Returns what is missing then.
    fn hold_fuel(&mut self) -> Result<i64, ReplayError> {
        let used = self.host.logged_fuel(self.balance);
        let Some(stop) = self.host.replayer_mut().and_then(Replayer::stop_of_run) else { return Ok(0) };
        let left = stop.saturating_sub(used.ok_or(ReplayError::NotMetered)?);
        self.put_back();
        let before = self.balance;
        // A program is suspended when its balance is below 0.
        self.set_balance(before.min(i64::try_from(left).unwrap_or(i64::MAX) - 1));
        Ok(before.saturating_sub(self.balance))
    }

    /// Checks that the log ends here, and compares the state with the digest there.
    ///
    /// # Errors
    /// The log does not end here, or is damaged, or the state is another.
    pub fn finish_replay(&mut self) -> Result<(), ReplayError> {
        let log = match self.host.replayer_mut().ok_or(ReplayError::NotReplaying)?.finish()? {
            End::Unknown => return Ok(()),
            End::Digest(digest) | End::Stopped { digest, .. } => digest,
        };
        let instance = self.digest().map_err(|_| ReplayError::OutOfMemory)?;
        match self.host.replayer_mut() {
            Some(replayer) if instance != log => Err(replayer.fail(ReplayError::End { log, instance })),
            _ => Ok(()),
        }
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
fn located(error: ReplayError, outcome: Option<&Outcome>) -> ReplayError {
    match (error, outcome) {
        (
            ReplayError::Differs { calls, fuel, expected, found, location: None },
            Some(Outcome::Trapped(trapped)),
        ) => ReplayError::Differs { calls, fuel, expected, found, location: Some(trapped.location) },
        (error, _) => error,
    }
}
