//! The reader of snapshots, which checks their structure.

use super::delta::Delta;
use super::layers::{Layers, Runs};
use super::{
    DELTA_MAGIC, Form, GRANULE, GROWING_VERSION, HEADER_BYTES, INTERRUPTIBLE, MAGIC, METERED, VERSION, reason,
};
use crate::index::{FuncIndex, ImportIndex, Location};
use crate::isa::Reg;
use crate::limits::{Limits, MAX_MEMORY, MAX_STACK_CELLS, MEMORY_GRANULE, MIN_STACK_CELLS};
use crate::program::{Cursor, FirstError, ReadError, ReadErrorKind, checksum};
use crate::verify::{FRAME_CELLS, STATE_CELLS};
use crate::{Reason, Status};

/// A snapshot in its file format. Its structure is checked, but not against its program.
/// ([`restore`](crate::Instance::restore), which creates an [`Instance`](crate::Instance), checks it against the
/// program.)
///
/// A small snapshot can ask for a large memory and stack. A host that does not trust it checks [`Self::memory_maximum`]
/// and [`Self::stack_cells`] before it restores it.
///
/// With [`Self::with`] it is what a full snapshot and the deltas that follow it are together.
#[derive(Clone, Copy, Debug)]
pub struct Snapshot<'a> {
    /// The header of the last delta, or of the snapshot itself.
    pub(super) header: Header,
    /// The header of the snapshot itself.
    pub(super) full: Header,
    /// The globals of the snapshot itself.
    pub(super) globals: &'a [[u8; 8]],
    /// The frames of the last delta, or of the snapshot itself.
    pub(super) frames: &'a [u8],
    /// The frames of the snapshot itself.
    pub(super) full_frames: &'a [u8],
    /// The memory of the snapshot itself.
    pub(super) runs: Runs<'a>,
    pub(super) deltas: &'a [Delta<'a>],
}

/// What distinguishes the bytes of a snapshot from those of others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Identity {
    /// Their number.
    pub bytes: u64,
    /// Their checksum.
    pub checksum: u32,
}

impl core::fmt::Display for Identity {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "{} bytes with checksum 0x{:08X}", self.bytes, self.checksum)
    }
}

/// The fields of the header that full snapshots and deltas have.
#[derive(Clone, Copy, Debug)]
pub(super) struct Header {
    pub(super) identity: Identity,
    version: u16,
    flags: u16,
    pub(super) program_checksum: u32,
    pub(super) program_bytes: u32,
    stack_cells: u32,
    pub(super) memory_bytes: u64,
    pub(super) memory_maximum: u64,
    balance: i64,
    status: Status,
    frames: u32,
    pub(super) globals: u32,
    pub(super) runs: u32,
}

/// A frame of a snapshot.
#[derive(Clone, Copy, Debug)]
pub struct SnapshotFrame<'a> {
    location: Location,
    slots: u16,
    mask: &'a [u8],
    values: &'a [[u8; 8]],
}

impl<'a> SnapshotFrame<'a> {
    /// Returns its location: that of the suspension or of the next instruction, or that of the call whose results it
    /// waits for.
    pub fn location(&self) -> Location {
        self.location
    }

    /// Returns its number of cells: 16, the function's locals, and 32 for state registers if it has them.
    pub fn slot_count(&self) -> usize {
        usize::from(self.slots)
    }

    /// Returns the values of R0–RF, of the locals and of the state registers, with zero for slots that are not live.
    pub fn slots(&self) -> impl ExactSizeIterator<Item = u64> + use<'a> {
        let SnapshotFrame { slots, mask, values, .. } = *self;
        let mut values = values.iter();
        (0..usize::from(slots)).map(move |index| match mask[index / 8] >> (index % 8) & 1 {
            1 => values.next().map_or(0, |value| u64::from_le_bytes(*value)),
            _ => 0,
        })
    }
}

impl<'a> Snapshot<'a> {
    /// Reads a snapshot.
    ///
    /// # Errors
    /// The bytes are not a snapshot of format 1.0 or 1.1. The error gives the offset and the item that was being read.
    pub fn read(bytes: &'a [u8]) -> Result<Snapshot<'a>, ReadError> {
        checked(bytes, |at| Self::check(at, bytes))
    }

    fn check(at: &mut Cursor<'_>, bytes: &'a [u8]) -> Option<Snapshot<'a>> {
        let mut header = Header::read(at, Form::Full)?;
        if header.version == GROWING_VERSION {
            header.memory_maximum = memory_size(at, header.memory_bytes + MEMORY_GRANULE, "largest memory")?;
        }
        let start = at.position();
        at.bytes(header.globals as usize * 8, "globals")?;
        let frames_start = at.position();
        check_frames(at, &header)?;
        let runs_start = at.position();
        check_runs(at, &header, Form::Full)?;
        Some(Snapshot {
            header,
            full: header,
            globals: bytes[start..frames_start].as_chunks().0,
            frames: &bytes[frames_start..runs_start],
            full_frames: &bytes[frames_start..runs_start],
            runs: Runs::new(&bytes[runs_start..], header.runs),
            deltas: &[],
        })
    }

    /// Returns the number and the checksum of its bytes: those of the last delta, if there are any.
    pub fn identity(&self) -> Identity {
        self.header.identity
    }

    /// Returns the checksum of the program that it belongs to.
    pub fn program_checksum(&self) -> u32 {
        self.header.program_checksum
    }

    /// Returns the size in bytes of the program that it belongs to.
    pub fn program_bytes(&self) -> u32 {
        self.header.program_bytes
    }

    /// Returns the size of the memory in bytes.
    pub fn memory_bytes(&self) -> u64 {
        self.header.memory_bytes
    }

    /// Returns the size in bytes to which the memory can grow: its size if it cannot.
    pub fn memory_maximum(&self) -> u64 {
        self.header.memory_maximum
    }

    /// Returns the size of the stack in cells.
    pub fn stack_cells(&self) -> u32 {
        self.header.stack_cells
    }

    /// Returns the balance of fuel, if the instance was metered.
    pub fn fuel(&self) -> Option<i64> {
        (self.header.flags & METERED != 0).then_some(self.header.balance)
    }

    /// Returns whether the program could be interrupted. (Whether it can be after restoring depends on the options of
    /// `restore`.)
    pub fn is_interruptible(&self) -> bool {
        self.header.flags & INTERRUPTIBLE != 0
    }

    /// Returns whether the instance was idle, suspended (and why), or between two instructions.
    pub fn status(&self) -> Status {
        self.header.status
    }

    /// Returns the values of the globals.
    pub fn globals(&self) -> impl ExactSizeIterator<Item = u64> + use<'a> {
        let Snapshot { globals, deltas, .. } = *self;
        globals.iter().enumerate().map(move |(index, value)| {
            let changed = deltas.iter().rev().find_map(|delta| delta.global(index as u32));
            changed.unwrap_or(u64::from_le_bytes(*value))
        })
    }

    /// Returns the number of frames: 0 if the instance was idle.
    pub fn frame_count(&self) -> u32 {
        self.header.frames
    }

    /// Returns the frames, outermost first.
    pub fn frames(&self) -> impl Iterator<Item = SnapshotFrame<'a>> + use<'a> {
        let mut at = Cursor::new(self.frames, 0);
        (0..self.header.frames).map_while(move |_| read_frame(&mut at))
    }

    /// Returns the parts of the memory that are stored with their addresses, in ascending order. All other parts are
    /// zero. (With deltas, stored parts can be zero, too.)
    pub fn memory(&self) -> impl Iterator<Item = (u64, &'a [u8])> + use<'a> {
        Layers::new(self).filter_map(|(address, _, bytes)| Some((address, bytes?)))
    }
}

/// Reads all of the bytes.
pub(super) fn checked<T>(
    bytes: &[u8],
    check: impl FnOnce(&mut Cursor<'_>) -> Option<T>,
) -> Result<T, ReadError> {
    let errors = FirstError::default();
    let mut at = Cursor::new(bytes, 0).reporting(&errors);
    let read = check(&mut at).filter(|_| at.finish("end of the memory").is_some());
    match (read, errors.take()) {
        (Some(read), None) => Ok(read),
        (_, Some(error)) => Err(error),
        (None, None) => unreachable!("an error of the reader is reported"),
    }
}

impl Header {
    /// Reads the first fields. The largest memory is set to the memory.
    pub(super) fn read(at: &mut Cursor<'_>, form: Form) -> Option<Header> {
        let whole = *at;
        let (magic, wrong) = match form {
            Form::Full => (MAGIC, ReadErrorKind::SnapshotMagic),
            Form::Delta => (DELTA_MAGIC, ReadErrorKind::DeltaMagic),
        };
        at.magic(magic, wrong)?;
        let version_at = *at;
        let version = at.u16("version")?;
        match form {
            Form::Full if version != VERSION && version != GROWING_VERSION => {
                return version_at.fail("version", ReadErrorKind::SnapshotVersion(version));
            }
            Form::Delta if version != VERSION => {
                return version_at.fail("version", ReadErrorKind::DeltaVersion(version));
            }
            _ => {}
        }
        let flags_at = *at;
        let flags = at.u16("flags")?;
        let length_at = *at;
        let length = at.u64("total length")?;
        length_at.expect(whole.remaining() as u64, length, "total length")?;
        let stored = at.expect_checksum("checksum", || checksum(whole.rest()))?;
        flags_at.at_most(u64::from(flags), u64::from(METERED | INTERRUPTIBLE), "flags")?;
        let program_checksum = at.u32("checksum of the program")?;
        let program_bytes = at.u32("length of the program")?;
        let stack_cells =
            in_range(at, 4, (MIN_STACK_CELLS.into(), MAX_STACK_CELLS.into()), "cells of the stack")?;
        let memory_bytes = memory_size(at, MEMORY_GRANULE, "bytes of memory")?;
        let balance_at = *at;
        let balance = at.u64("balance of fuel")?;
        if flags & METERED == 0 {
            balance_at.expect(balance, 0, "balance of fuel")?;
        }
        let (value_at, value) = (*at, at.u64("value of the status")?);
        let (status_at, number) = (*at, at.u32("status")?);
        let status = match number {
            reason::FUEL => {
                let what = "flags of an instance that is suspended with Fuel";
                flags_at.expect(u64::from(flags), u64::from(flags | METERED), what)?;
                Status::Suspended(Reason::Fuel)
            }
            reason::INTERRUPTED => Status::Suspended(Reason::Interrupted),
            reason::YIELD => Status::Suspended(Reason::Yield(value)),
            reason::PENDING => {
                let limit = u64::from(Limits::DEFAULT.imports - 1);
                value_at.at_most(value, limit, "number of the import")?;
                Status::Suspended(Reason::Pending(ImportIndex(value as u32)))
            }
            reason::IDLE => Status::Idle,
            reason::STEPPING => Status::Stepping,
            other => return status_at.fail("status", ReadErrorKind::Unknown(other)),
        };
        if !matches!(status, Status::Suspended(Reason::Yield(_) | Reason::Pending(_))) {
            value_at.expect(value, 0, "value of the status")?;
        }
        let allowed = if status == Status::Idle { (0, 0) } else { (1, u32::MAX.into()) };
        let frames = in_range(at, 4, allowed, "number of frames")? as u32;
        let globals = in_range(at, 4, (0, Limits::DEFAULT.globals.into()), "number of globals")? as u32;
        let runs = at.u32("number of runs of memory")?;
        debug_assert_eq!(at.position(), HEADER_BYTES);
        Some(Header {
            identity: Identity { bytes: length, checksum: stored },
            version,
            flags,
            program_checksum,
            program_bytes,
            stack_cells: stack_cells as u32,
            memory_bytes,
            memory_maximum: memory_bytes,
            balance: balance as i64,
            status,
            frames,
            globals,
            runs,
        })
    }
}

/// Reads the size of a memory that is at least `least`.
pub(super) fn memory_size(at: &mut Cursor<'_>, least: u64, what: &'static str) -> Option<u64> {
    let size_at = *at;
    let size = in_range(at, 8, (least, MAX_MEMORY), what)?;
    match size.is_multiple_of(MEMORY_GRANULE) {
        true => Some(size),
        false => size_at.fail(what, ReadErrorKind::Granule(size)),
    }
}

/// Reads a number of 4 or 8 bytes that must be in a range.
fn in_range(at: &mut Cursor<'_>, size: usize, (least, most): (u64, u64), what: &'static str) -> Option<u64> {
    let number_at = *at;
    let found = if size == 4 { at.u32(what)?.into() } else { at.u64(what)? };
    number_at.at_most(found, most, what)?;
    if found < least {
        return number_at.fail(what, ReadErrorKind::TooSmall { found, least });
    }
    Some(found)
}

pub(super) fn check_frames(at: &mut Cursor<'_>, header: &Header) -> Option<()> {
    let mut cells = 0;
    for _ in 0..header.frames {
        let start = *at;
        let frame = read_frame(at)?;
        let bits: u32 = frame.mask.iter().map(|byte| byte.count_ones()).sum();
        start.expect(frame.values.len() as u64, u64::from(bits), "number of saved cells")?;
        let beyond = frame.mask.last().is_some_and(|last| match frame.slots % 8 {
            0 => false,
            used => last >> used != 0,
        });
        if beyond {
            return start.fail("bits of a frame", ReadErrorKind::LeftOver(1));
        }
        if frame.values.contains(&[0; 8]) {
            return start.fail("cells of a frame", ReadErrorKind::Redundant);
        }
        cells += u64::from(FRAME_CELLS) - Reg::ALL.len() as u64 + u64::from(frame.slots);
        start.at_most(cells, header.stack_cells.into(), "cells of all frames")?;
    }
    Some(())
}

fn read_frame<'a>(at: &mut Cursor<'a>) -> Option<SnapshotFrame<'a>> {
    let function = FuncIndex(at.u32("function of a frame")?);
    let word = at.u32("word of a frame")?;
    let registers = Reg::ALL.len() as u64;
    let slots_at = *at;
    let slots = at.u16("number of cells")?;
    let what = "number of cells";
    let most = registers + u64::from(Limits::DEFAULT.locals) + u64::from(STATE_CELLS);
    slots_at.at_most(slots.into(), most, what)?;
    if u64::from(slots) < registers {
        return slots_at.fail(what, ReadErrorKind::TooSmall { found: slots.into(), least: registers });
    }
    let saved = at.u16("number of saved cells")?;
    let mask = at.bytes(usize::from(slots).div_ceil(8), "bits of a frame")?;
    let values = at.bytes(usize::from(saved) * 8, "cells of a frame")?.as_chunks().0;
    Some(SnapshotFrame { location: Location { function, word }, slots, mask, values })
}

pub(super) fn check_runs(at: &mut Cursor<'_>, header: &Header, form: Form) -> Option<()> {
    let mut free = 0;
    for _ in 0..header.runs {
        let start = *at;
        let (address, bytes) = read_run(at)?;
        // Adjacent runs must be merged into one.
        if address < free {
            return start.fail("address of a run of memory", ReadErrorKind::Order);
        }
        let end = address + bytes.len() as u64;
        start.at_most(end, header.memory_bytes, "end of a run of memory")?;
        let has_zeros = || bytes.as_chunks::<GRANULE>().0.contains(&[0; GRANULE]);
        if bytes.is_empty() || form == Form::Full && has_zeros() {
            return start.fail("run of memory", ReadErrorKind::Redundant);
        }
        free = end + MEMORY_GRANULE;
    }
    Some(())
}

pub(super) fn read_run<'a>(at: &mut Cursor<'a>) -> Option<(u64, &'a [u8])> {
    let address = u64::from(at.u32("address of a run of memory")?) * MEMORY_GRANULE;
    let length = u64::from(at.u32("length of a run of memory")?) * MEMORY_GRANULE;
    let bytes = at.bytes(usize::try_from(length).unwrap_or(usize::MAX), "run of memory")?;
    Some((address, bytes))
}
