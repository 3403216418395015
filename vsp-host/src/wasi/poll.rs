//! Waiting for times and descriptors.

use super::Wasi;
use super::clock::{self, MONOTONIC};
use super::descriptors::{Kind, Stream};
use super::errno::{Done, Errno};
use super::memory::Memory;

/// The most subscriptions of one call.
const MAX_SUBSCRIPTIONS: u32 = 4_096;

/// The sizes of a subscription and of an event.
const SUBSCRIPTION: u32 = 48;
const EVENT: u32 = 32;

/// What a subscription waits for.
#[derive(Clone, Copy, Debug)]
enum Wait {
    /// A time of the monotonic clock, in nanoseconds.
    Until(u64),
    Read(u32),
    Write(u32),
    /// Nothing: it has failed already.
    Failed(Errno),
}

#[derive(Clone, Copy, Debug)]
struct Subscription {
    user_data: u64,
    /// The number of what it waits for: 0 a time, 1 a read, 2 a write.
    tag: u8,
    wait: Wait,
}

/// What has happened: an error, or how many bytes can be read.
type Happened = Result<u64, Errno>;

impl Wasi {
    /// Waits until at least one of the subscriptions has happened. A descriptor can be read or written at once, but for
    /// the standard input of a Unix process; one that does not exist has an event with an error.
    pub(super) fn poll_oneoff(
        &mut self,
        memory: &mut Memory<'_>,
        subscriptions: u32,
        events: u32,
        count: u32,
        result: u32,
    ) -> Done {
        if count == 0 || count > MAX_SUBSCRIPTIONS {
            return Err(Errno::Inval);
        }
        memory.bytes(subscriptions, count * SUBSCRIPTION)?;
        memory.bytes(events, count * EVENT)?;
        memory.bytes(result, 4)?;
        // A timeout counts from here.
        let now = self.clock.read(MONOTONIC)?;
        let waits =
            (0..count).map(|index| self.subscription(memory, subscriptions + index * SUBSCRIPTION, now));
        let waits = waits.collect::<Result<Vec<_>, _>>()?;
        let mut happened = 0;
        // A signal can end a wait early.
        while happened == 0 {
            self.wait(&waits);
            for subscription in &waits {
                let Some(end) = self.happened(subscription.wait) else { continue };
                subscription.write(memory, events + happened * EVENT, end)?;
                happened += 1;
            }
        }
        memory.write_u32(result, happened)
    }

    fn subscription(&self, memory: &Memory<'_>, address: u32, now: u64) -> Result<Subscription, Errno> {
        let user_data = u64::from_le_bytes(memory.read(address)?);
        let [tag] = memory.read(address + 8)?;
        let wait = match tag {
            0 => match self.deadline(memory, address + 16, now)? {
                Ok(time) => Wait::Until(time),
                Err(errno) => Wait::Failed(errno),
            },
            1 => Wait::Read(memory.read_u32(address + 16)?),
            2 => Wait::Write(memory.read_u32(address + 16)?),
            _ => return Err(Errno::Inval),
        };
        Ok(Subscription { user_data, tag, wait })
    }

    /// Returns the time of the monotonic clock that a subscription waits for, or why there is none.
    fn deadline(&self, memory: &Memory<'_>, address: u32, now: u64) -> Result<Result<u64, Errno>, Errno> {
        let id = memory.read_u32(address)?;
        let timeout = u64::from_le_bytes(memory.read(address + 8)?);
        let flags = u16::from_le_bytes(memory.read(address + 24)?);
        if let Err(errno) = clock::check(id) {
            return Ok(Err(errno));
        }
        Ok(match flags {
            0 => Ok(now.saturating_add(timeout)),
            // A time of the clock itself.
            1 => Ok(now.saturating_add(timeout.saturating_sub(self.clock.peek(id)))),
            _ => Err(Errno::Inval),
        })
    }

    /// Waits for the first time, or until the standard input can be read, unless something has happened already.
    fn wait(&mut self, subscriptions: &[Subscription]) {
        let mut until = None;
        let mut reads_stdin = false;
        for subscription in subscriptions {
            match subscription.wait {
                Wait::Until(time) => until = Some(until.map_or(time, |until: u64| until.min(time))),
                Wait::Read(fd) if self.is_stdin(fd) && !self.clock.is_virtual() => reads_stdin = true,
                Wait::Read(_) | Wait::Write(_) | Wait::Failed(_) => return,
            }
        }
        let time = until.map(|until| until.saturating_sub(self.clock.peek(MONOTONIC)));
        if reads_stdin {
            self.stdin.wait(time);
        } else if let Some(time) = time {
            self.clock.wait(time);
        }
    }

    fn is_stdin(&self, fd: u32) -> bool {
        self.descriptors.get(fd).is_ok_and(|it| matches!(it.kind, Kind::Stream(Stream::Stdin)))
    }

    /// Returns what has happened, if anything has.
    fn happened(&mut self, wait: Wait) -> Option<Happened> {
        match wait {
            Wait::Until(time) => (self.clock.peek(MONOTONIC) >= time).then_some(Ok(0)),
            Wait::Read(fd) if self.is_stdin(fd) => {
                let is_ready = self.clock.is_virtual() || self.stdin.wait(Some(0));
                is_ready.then(|| Ok(self.stdin.ready_bytes()))
            }
            Wait::Read(fd) => Some(match self.descriptors.get_mut(fd).map(|it| &mut it.kind) {
                Ok(Kind::File(file)) if file.readable => file.bytes_left(),
                _ => Err(Errno::Badf),
            }),
            Wait::Write(fd) => Some(match self.descriptors.get(fd).map(|it| &it.kind) {
                Ok(Kind::Stream(Stream::Stdout | Stream::Stderr)) => Ok(1),
                Ok(Kind::File(file)) if file.writable => Ok(1),
                _ => Err(Errno::Badf),
            }),
            Wait::Failed(errno) => Some(Err(errno)),
        }
    }
}

impl Subscription {
    fn write(&self, memory: &mut Memory<'_>, address: u32, happened: Happened) -> Done {
        let mut event = [0; EVENT as usize];
        event[..8].copy_from_slice(&self.user_data.to_le_bytes());
        event[8..10].copy_from_slice(&happened.err().map_or(0, |errno| errno as u16).to_le_bytes());
        event[10] = self.tag;
        event[16..24].copy_from_slice(&happened.unwrap_or(0).to_le_bytes());
        memory.write(address, &event)
    }
}
