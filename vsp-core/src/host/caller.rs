//! The host as a host function reaches it.

use core::ops::Deref;

#[cfg(feature = "record")]
use super::log::Recorder;
use super::{GuestSlice, HostEnd, HostOwn, HostStop};
use crate::limits::MAX_PARAMS;

/// The host as a host function can reach it: the host's own state, the memory of the calling program, and its fuel.
/// The program itself is out of reach: a host function cannot call back into it.
#[derive(Debug)]
pub struct Caller<'a, S> {
    pub(super) own: &'a mut HostOwn<S>,
    pub(super) memory: &'a mut [u8],
    pub(super) balance: &'a mut i64,
}

/// The memory of a program, of which a host function can read all, and get the parts that it writes to. (If the instance
/// is recorded, these parts are looked through for what it has written.)
#[derive(Debug)]
pub struct GuestMemory<'m> {
    bytes: &'m mut [u8],
    #[cfg(feature = "record")]
    recorder: Option<&'m mut Recorder>,
}

impl Deref for GuestMemory<'_> {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        self.bytes
    }
}

impl<'m> GuestMemory<'m> {
    /// Returns `length` bytes from `address`, to write to them, or `None` if a part of them is outside.
    pub fn bytes_mut(&mut self, address: u64, length: u64) -> Option<&mut [u8]> {
        let memory = GuestMemory {
            bytes: self.bytes,
            #[cfg(feature = "record")]
            recorder: self.recorder.as_deref_mut(),
        };
        memory.into_bytes(address, length)
    }

    fn into_bytes(self, address: u64, length: u64) -> Option<&'m mut [u8]> {
        let bytes = GuestSlice { address, length }.get_mut(self.bytes).ok()?;
        #[cfg(feature = "record")]
        if let Some(recorder) = self.recorder {
            recorder.watch(address, bytes);
        }
        Some(bytes)
    }
}

impl<S> Caller<'_, S> {
    /// Returns the state of the host.
    pub fn state(&mut self) -> &mut S {
        &mut self.own.state
    }

    /// Returns the memory of the program.
    ///
    /// If the instance is recorded, all of the memory is copied, to find out what the host function writes.
    /// At little cost, [`Self::bytes`] and [`Self::parts_of`] give a part, [`Self::shared_parts`] all for reading, and
    /// [`Self::watched_parts`] any parts.
    pub fn memory(&mut self) -> &mut [u8] {
        self.watch_all();
        self.memory
    }

    /// Returns the state of the host and the memory of the program, to use both at once. If the instance is recorded,
    /// this is as expensive as [`Self::memory`].
    pub fn parts(&mut self) -> (&mut S, &mut [u8]) {
        self.watch_all();
        (&mut self.own.state, self.memory)
    }

    /// Returns the state of the host, and the memory of the program for reading.
    pub fn shared_parts(&mut self) -> (&mut S, &[u8]) {
        (&mut self.own.state, self.memory)
    }

    /// Returns the state of the host, and `length` bytes of the program's memory from `address`. Returns `None` if a
    /// part of them is outside.
    pub fn parts_of(&mut self, address: u64, length: u64) -> Option<(&mut S, &mut [u8])> {
        let (state, memory) = self.watched_parts();
        Some((state, memory.into_bytes(address, length)?))
    }

    /// Returns `length` bytes of the program's memory from `address`, or `None` if a part of them is outside.
    pub fn bytes(&mut self, address: u64, length: u64) -> Option<&mut [u8]> {
        self.parts_of(address, length).map(|(_, bytes)| bytes)
    }

    /// Returns the state of the host, and the memory of the program with access to the parts that the host function
    /// names: for host functions that follow addresses in the memory.
    pub fn watched_parts(&mut self) -> (&mut S, GuestMemory<'_>) {
        let memory = GuestMemory {
            bytes: self.memory,
            #[cfg(feature = "record")]
            recorder: self.own.recorder.as_deref_mut(),
        };
        (&mut self.own.state, memory)
    }

    /// Passes the log so far to the sink of a recording ([`Instance::record_to`](crate::Instance::record_to)). A host
    /// function that may wait calls it before it does, so that the log is not lost if the process is ended then.
    pub fn flush_log(&mut self) {
        #[cfg(feature = "record")]
        if let Some(recorder) = &mut self.own.recorder {
            recorder.flush();
        }
    }

    /// Takes note that the host function can write to all of the memory.
    #[inline]
    fn watch_all(&mut self) {
        #[cfg(feature = "record")]
        if let Some(recorder) = &mut self.own.recorder {
            recorder.watch_all(self.memory);
        }
    }

    /// Keeps the error, or the arguments of a pending call, for the caller of the instance.
    #[cold]
    pub(super) fn stop(&mut self, stop: HostStop, args: [u64; MAX_PARAMS]) -> HostEnd {
        match stop {
            HostStop::Error(code) => {
                self.own.error = None;
                HostEnd::Error(code.into())
            }
            HostStop::Failed { code, error } => {
                self.own.error = Some(error);
                HostEnd::Error(code.into())
            }
            HostStop::Pending => {
                self.own.pending = args;
                HostEnd::Pending
            }
        }
    }

    /// Takes fuel. The program notices at the safepoint after the call. Without metering nothing happens.
    pub fn charge(&mut self, units: u64) {
        if self.own.metered {
            #[cfg(feature = "native")]
            if units > LARGE_CHARGE || *self.balance < -(LARGE_CHARGE as i64) {
                *self.balance = self.balance.saturating_add(core::mem::take(&mut self.own.reserved));
            }
            *self.balance = self.balance.saturating_sub_unsigned(units);
        }
    }
}

/// A charge above this, or a balance this far below zero, adds the reserved part to the balance first. So the balance
/// without it never comes near the lowest number.
#[cfg(feature = "native")]
const LARGE_CHARGE: u64 = 1 << 40;
