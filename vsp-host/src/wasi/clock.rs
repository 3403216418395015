//! The clocks: those of the system, or a virtual one that only the program's own calls move.

use std::thread;
use std::time::{Duration, Instant, SystemTime};

use super::Wasi;
use super::errno::{Done, Errno};
use super::memory::Memory;

/// The number of the clock that measures wall time since 1970.
const REALTIME: u32 = 0;

/// The number of the clock that never goes back.
pub(super) const MONOTONIC: u32 = 1;

/// The numbers of the clocks that measure the time of the processor.
const CPU_TIMES: [u32; 2] = [2, 3];

/// The wall time at which the virtual clock starts, in nanoseconds: 2000-01-01 00:00:00 UTC.
const VIRTUAL_START: u64 = 946_684_800_000_000_000;

/// What one look at the virtual clock takes, in nanoseconds. Without it a program that waits for a time by looking at
/// the clock would never end.
const VIRTUAL_STEP: u64 = 1_000;

/// The time of a program.
#[derive(Clone, Copy, Debug)]
pub(super) enum Clock {
    /// The clocks of the system; the monotonic one starts here, at this time.
    System(Instant, Duration),
    /// Nanoseconds since the start.
    Virtual(u64),
}

impl Clock {
    pub(super) fn system() -> Clock {
        Clock::System(Instant::now(), Duration::ZERO)
    }

    /// Returns the clock whose monotonic time goes on here.
    pub(super) fn resumed(is_virtual: bool, nanoseconds: u64) -> Clock {
        match is_virtual {
            true => Clock::Virtual(nanoseconds),
            false => Clock::System(Instant::now(), Duration::from_nanos(nanoseconds)),
        }
    }

    /// Returns the time of a clock in nanoseconds. The virtual clock moves on by a step.
    pub(super) fn read(&mut self, clock: u32) -> Result<u64, Errno> {
        check(clock)?;
        if let Clock::Virtual(time) = self {
            *time = time.saturating_add(VIRTUAL_STEP);
        }
        Ok(self.peek(clock))
    }

    /// Returns the time of a clock, which exists, in nanoseconds.
    pub(super) fn peek(&self, clock: u32) -> u64 {
        match self {
            Clock::System(start, before) if clock == MONOTONIC => {
                nanoseconds(start.elapsed().saturating_add(*before))
            }
            Clock::System(..) => nanoseconds(SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default()),
            Clock::Virtual(time) if clock == MONOTONIC => *time,
            Clock::Virtual(time) => VIRTUAL_START.saturating_add(*time),
        }
    }

    /// Waits, or advances the virtual clock.
    pub(super) fn wait(&mut self, nanoseconds: u64) {
        match self {
            Clock::System(..) => thread::sleep(Duration::from_nanos(nanoseconds)),
            Clock::Virtual(time) => *time = time.saturating_add(nanoseconds),
        }
    }

    pub(super) fn is_virtual(&self) -> bool {
        matches!(self, Clock::Virtual(_))
    }

    /// Returns the wall time.
    pub(super) fn wall(&mut self) -> Result<SystemTime, Errno> {
        let time = self.read(REALTIME)?;
        SystemTime::UNIX_EPOCH.checked_add(Duration::from_nanos(time)).ok_or(Errno::Overflow)
    }
}

/// Checks that there is a clock of this number.
///
/// # Errors
/// Clocks of the processor's time are not supported, and others do not exist.
pub(super) fn check(clock: u32) -> Done {
    match clock {
        REALTIME | MONOTONIC => Ok(()),
        clock if CPU_TIMES.contains(&clock) => Err(Errno::Notsup),
        _ => Err(Errno::Inval),
    }
}

/// Returns a duration in nanoseconds, at most the largest number.
pub(super) fn nanoseconds(duration: Duration) -> u64 {
    duration.as_nanos().try_into().unwrap_or(u64::MAX)
}

impl Wasi {
    pub(super) fn clock_res_get(&mut self, memory: &mut Memory<'_>, id: u32, resolution: u32) -> Done {
        check(id)?;
        memory.write_u64(resolution, if self.clock.is_virtual() { VIRTUAL_STEP } else { 1 })
    }

    pub(super) fn clock_time_get(
        &mut self,
        memory: &mut Memory<'_>,
        id: u32,
        _precision: u64,
        time: u32,
    ) -> Done {
        let now = self.clock.read(id)?;
        memory.write_u64(time, now)
    }
}
