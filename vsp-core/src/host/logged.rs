//! Host calls of an instance that is recorded, or that replays a log.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;

use super::log::{Answer, HostEntry, HostRecord, NoMemory, Recorder, Replayer};
use super::{Caller, HostCalls, HostEnd, HostError, HostOwn};
use crate::index::{FuncIndex, ImportIndex};
use crate::limits::{MAX_PARAMS, MAX_RESULTS};
use crate::outcome::{Reason, ReplayError};
use crate::program::FuncType;
use crate::record::ReplayedCall;

/// What [`HostCalls`] has while host calls are logged. The numbers of the host functions are then [`HIDDEN`], so that
/// calls need no other check.
pub(crate) struct Logging<'a, S> {
    /// The number of the host function for each import.
    resolved: Vec<u32>,
    /// The log that is replayed. Otherwise the instance is recorded.
    replayer: Option<Replayer<'a>>,
    /// The balance at the beginning of the log, and all that the host has added since, modulo 2⁶⁴.
    granted: i64,
    observer: Option<Observer<'a, S>>,
}

/// What sees the host calls that are replayed.
pub(crate) type Observer<'a, S> = Box<dyn FnMut(&mut S, &ReplayedCall<'_>) + Send + Sync + 'a>;

impl<S> core::fmt::Debug for Logging<'_, S> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Logging").field("replayer", &self.replayer).finish_non_exhaustive()
    }
}

impl<S> Logging<'_, S> {
    /// Returns the fuel used since the log began. `balance` includes the reserved part.
    fn used(&self, balance: i64) -> u64 {
        self.granted.wrapping_sub(balance) as u64
    }
}

/// A number that no host function has.
const HIDDEN: u32 = u32::MAX;

impl<'a, S> HostCalls<'a, S> {
    /// Returns whether host calls are logged.
    #[inline]
    pub(crate) fn is_logged(&self) -> bool {
        self.logging.is_some()
    }

    fn hide(&mut self, replayer: Option<Replayer<'a>>, balance: i64) -> Result<(), NoMemory> {
        let mut hidden = Vec::new();
        hidden.try_reserve_exact(self.resolved.len()).map_err(|_| NoMemory)?;
        hidden.resize(self.resolved.len(), HIDDEN);
        let resolved = core::mem::replace(&mut self.resolved, hidden);
        let granted = self.own.total_fuel(balance);
        self.logging = Some(Box::new(Logging { resolved, replayer, granted, observer: None }));
        Ok(())
    }

    /// Begins to record.
    pub(crate) fn begin_recording(&mut self, recorder: Recorder, balance: i64) -> Result<(), NoMemory> {
        self.hide(None, balance)?;
        self.own.recorder = Some(Box::new(recorder));
        Ok(())
    }

    /// Begins to replay a log.
    pub(crate) fn begin_replay(&mut self, replayer: Replayer<'a>, balance: i64) -> Result<(), NoMemory> {
        self.hide(Some(replayer), balance)
    }

    /// Sets what sees the host calls that are replayed.
    pub(crate) fn observe(&mut self, observer: Observer<'a, S>) {
        if let Some(logging) = &mut self.logging {
            logging.observer = Some(observer);
        }
    }

    /// Takes note that the host adds fuel to the balance, or takes it.
    pub(crate) fn log_fuel(&mut self, added: i64) {
        if let Some(logging) = &mut self.logging {
            logging.granted = logging.granted.wrapping_add(added);
        }
    }

    /// Returns the fuel used since the log began, if it is counted.
    pub(crate) fn logged_fuel(&self, balance: i64) -> Option<u64> {
        let logging = self.logging.as_ref().filter(|_| self.own.metered)?;
        Some(logging.used(self.own.total_fuel(balance)))
    }

    /// Returns the log that is replayed, after telling it how much fuel is used.
    fn replayer_at(&mut self, balance: i64) -> Option<&mut Replayer<'a>> {
        let used = self.logged_fuel(balance);
        let replayer = self.replayer_mut()?;
        replayer.set_fuel(used);
        Some(replayer)
    }

    /// Ends recording or replaying: host functions are called again. Returns the recorder.
    pub(crate) fn end_logging(&mut self) -> Option<Recorder> {
        self.resolved = self.logging.take()?.resolved;
        self.own.recorder.take().map(|recorder| *recorder)
    }

    /// Returns the log that is replayed.
    pub(crate) fn replayer(&self) -> Option<&Replayer<'a>> {
        self.logging.as_ref()?.replayer.as_ref()
    }

    /// Returns the log that is replayed, to read on.
    pub(crate) fn replayer_mut(&mut self) -> Option<&mut Replayer<'a>> {
        self.logging.as_mut()?.replayer.as_mut()
    }

    /// Returns the numbers of the host functions, also while they are hidden.
    pub(super) fn true_numbers(&self) -> &[u32] {
        self.logging.as_ref().map_or(&self.resolved, |logging| &logging.resolved)
    }

    /// Returns the type of an import whose host function is hidden.
    #[cold]
    #[inline(never)]
    pub(super) fn logged_ty(&self, import: ImportIndex) -> FuncType {
        self.imports.ty(self.true_numbers()[import.index()])
    }

    /// Calls a host function that is hidden, and records the call; or answers as the log does. As [`HostCalls::call`].
    #[cold]
    #[inline(never)]
    pub(super) fn call_logged(
        &mut self,
        import: ImportIndex,
        memory: &mut [u8],
        balance: &mut i64,
        first: [u64; 3],
        values: &mut [u64; MAX_PARAMS],
    ) -> HostEnd {
        // A cold function is compiled for size, and the one that it calls for speed.
        self.log_host_call(import, memory, balance, first, values)
    }

    #[inline(never)]
    fn log_host_call(
        &mut self,
        import: ImportIndex,
        memory: &mut [u8],
        balance: &mut i64,
        [a, b, c]: [u64; 3],
        values: &mut [u64; MAX_PARAMS],
    ) -> HostEnd {
        let (Some(logging), Some(recorder)) = (&self.logging, &mut self.own.recorder) else {
            let [_, _, _, d, e, f, g, h] = *values;
            return self.replay_call(import, memory, balance, [a, b, c, d, e, f, g, h], values);
        };
        let definition = &self.imports.definitions[logging.resolved[import.index()] as usize];
        let (params, results) = (definition.ty.params(), definition.ty.results());
        recorder.begin_host(import, [a, b, c], values, params);
        let before = self.own.total_fuel(*balance);
        let mut caller = Caller { own: &mut self.own, memory, balance };
        let end = (definition.call)(&mut caller, a, b, c, values);
        let charged = before.wrapping_sub(self.own.total_fuel(*balance)) as u64;
        if let Some(recorder) = &mut self.own.recorder {
            let error = self.own.error.as_ref().filter(|_| matches!(end, HostEnd::Error(_)));
            recorder.end_host(&HostRecord { end, results, values, error, charged }, memory);
        }
        end
    }

    /// Records a call of a function of the program, or compares it with the log.
    #[cold]
    pub(crate) fn log_call(
        &mut self,
        function: FuncIndex,
        args: &[u64],
        memory: &mut [u8],
        balance: i64,
    ) -> Result<(), Box<ReplayError>> {
        if let Some(recorder) = &mut self.own.recorder {
            recorder.call(function, args, memory);
        }
        let replayer = self.replayer_at(balance);
        replayer.map_or(Ok(()), |replayer| replayer.call(function, args, memory)).map_err(Box::new)
    }

    /// Records the answer to a suspension, or compares it with the log.
    #[cold]
    pub(crate) fn log_answer(
        &mut self,
        reason: Reason,
        values: &[u64],
        memory: &mut [u8],
        balance: i64,
    ) -> Result<(), Box<ReplayError>> {
        if let Some(recorder) = &mut self.own.recorder {
            match reason {
                Reason::Fuel | Reason::Interrupted => {}
                Reason::Yield(value) => recorder.yielded(value, values[0], memory),
                Reason::Pending(_) => recorder.answer(values, memory),
            }
        }
        let Some(replayer) = self.replayer_at(balance) else { return Ok(()) };
        let replayed = match reason {
            Reason::Fuel | Reason::Interrupted => Ok(()),
            Reason::Yield(value) => replayer.yielded(value, values[0], memory),
            Reason::Pending(_) => replayer.answer(values, memory),
        };
        replayed.map_err(Box::new)
    }

    /// Records the error of a pending host call, or compares it with the log.
    #[cold]
    pub(crate) fn log_failure(
        &mut self,
        code: u32,
        error: Option<&HostError>,
        memory: &mut [u8],
        balance: i64,
    ) -> Result<(), Box<ReplayError>> {
        if let Some(recorder) = &mut self.own.recorder {
            recorder.failed(code, error, memory);
        }
        let replayer = self.replayer_at(balance);
        replayer.map_or(Ok(()), |replayer| replayer.failed(code, memory)).map_err(Box::new)
    }

    /// Records that the host abandons a call.
    #[cold]
    pub(crate) fn log_reset(&mut self) {
        if let Some(recorder) = &mut self.own.recorder {
            recorder.reset();
        }
        if let Some(replayer) = self.replayer_mut() {
            replayer.reset();
        }
    }

    /// Takes note that the host can write to the memory.
    pub(crate) fn watch_all(&mut self, memory: &[u8]) {
        if let Some(recorder) = &mut self.own.recorder {
            recorder.watch_all(memory);
        }
    }

    fn replay_call(
        &mut self,
        import: ImportIndex,
        memory: &mut [u8],
        balance: &mut i64,
        args: [u64; MAX_PARAMS],
        values: &mut [u64; MAX_PARAMS],
    ) -> HostEnd {
        let ty = self.logged_ty(import);
        let used = self.logged_fuel(*balance);
        let logging = self.logging.as_deref_mut();
        let Some(Logging { replayer: Some(replayer), observer, .. }) = logging else {
            unreachable!("an instance whose host functions are hidden is recorded or replays a log")
        };
        replayer.set_fuel(used);
        let own = &mut self.own;
        let args_of_type = &args[..ty.params()];
        let taken = replayer.host(import, args_of_type, memory, |entry, memory| {
            if let Some(observer) = observer {
                observer(&mut own.state, &replayed(entry, memory, ty));
            }
            let end = match entry.answer {
                Answer::Results(results) => {
                    values[..MAX_RESULTS].copy_from_slice(&results);
                    HostEnd::Results(results[0])
                }
                Answer::Error(code, text) => {
                    own.error = text.map(|text| HostError::from(String::from(text)));
                    HostEnd::Error(code.into())
                }
                Answer::Pending => {
                    own.pending = args;
                    HostEnd::Pending
                }
            };
            (end, entry.charged)
        });
        match taken {
            Ok((end, charged)) => {
                Caller { own, memory, balance }.charge(charged);
                end
            }
            Err(error) => {
                own.error = Some(HostError::from(error));
                HostEnd::Error(0)
            }
        }
    }
}

/// Returns a host call as an observer sees it.
fn replayed<'c>(entry: &'c HostEntry<'_>, memory: &'c [u8], ty: FuncType) -> ReplayedCall<'c> {
    let results = match &entry.answer {
        Answer::Results(results) => Some(&results[..ty.results()]),
        Answer::Error(..) | Answer::Pending => None,
    };
    ReplayedCall { import: entry.import, args: &entry.args, results, memory }
}

impl<S> HostOwn<S> {
    /// Returns the balance with the part of it that is reserved.
    fn total_fuel(&self, balance: i64) -> i64 {
        #[cfg(feature = "native")]
        return balance.saturating_add(self.reserved);
        #[cfg(not(feature = "native"))]
        balance
    }
}
