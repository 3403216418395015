//! Saving an instance.

use alloc::vec::Vec;

use super::live::{LiveSets, Stop};
use super::{GRANULE, GROWING_VERSION, INTERRUPTIBLE, MAGIC, METERED, VERSION, reason};
use crate::analysis::{OutOfMemory, Slot, Waiting};
use crate::bytes::Writer;
use crate::program::{CHECKSUM_AT, checksum};
use crate::{Instance, Reason, Status};

/// An error of saving an instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SaveError {
    /// There is no memory for the bytes or for the liveness analysis.
    #[error("out of memory")]
    OutOfMemory,
}

impl From<OutOfMemory> for SaveError {
    fn from(_: OutOfMemory) -> Self {
        SaveError::OutOfMemory
    }
}

/// Offset of the total length in the header.
const LENGTH_AT: usize = 8;

/// Offset of the number of memory runs in the header.
const RUNS_AT: usize = 68;

impl<S> Instance<'_, S> {
    /// Saves the instance as bytes: everything except the program, the host functions and the host's state. The
    /// instance does not change.
    ///
    /// An instance that is not running is saved, too: its memory, globals and fuel. After a trap the frames are not
    /// saved.
    ///
    /// Takes time linear in the memory and the frames, plus an analysis of each function that has a frame (see
    /// [`Liveness`](crate::analysis::Liveness)).
    ///
    /// # Errors
    /// There is no memory.
    pub fn save(&self) -> Result<Vec<u8>, SaveError> {
        let (reason, value, waiting) = match self.status {
            Status::Idle => (reason::IDLE, 0, Waiting::Safepoint),
            Status::Stepping => (reason::STEPPING, 0, Waiting::Safepoint),
            Status::Suspended(Reason::Fuel) => (reason::FUEL, 0, Waiting::Safepoint),
            Status::Suspended(Reason::Interrupted) => (reason::INTERRUPTED, 0, Waiting::Safepoint),
            Status::Suspended(Reason::Yield(value)) => (reason::YIELD, value, Waiting::Answer),
            Status::Suspended(Reason::Pending(import)) => {
                (reason::PENDING, u64::from(import.0), Waiting::Answer)
            }
        };
        let mut bases = Vec::new();
        if self.status != Status::Idle {
            bases.try_reserve_exact(self.stack.bases().count()).map_err(|_| OutOfMemory)?;
            bases.extend(self.stack.bases());
            bases.reverse();
        }

        let program = self.program.program();
        let mut out = Writer::default();
        out.put(&MAGIC)?;
        let maximum = self.memory_maximum();
        let can_grow = maximum > self.memory.len() as u64;
        out.u16(if can_grow { GROWING_VERSION } else { VERSION })?;
        let interruptible = if self.interrupt.is_some() { INTERRUPTIBLE } else { 0 };
        out.u16(interruptible | if self.host.own.metered { METERED } else { 0 })?;
        out.u64(0)?;
        out.u32(0)?;
        out.u32(program.checksum())?;
        out.u32(program.bytes().len() as u32)?;
        out.u32(self.stack.cells())?;
        out.u64(self.memory.len() as u64)?;
        out.u64(self.fuel().unwrap_or(0) as u64)?;
        out.u64(value)?;
        out.u32(reason)?;
        out.u32(bases.len() as u32)?;
        out.u32(self.globals.len() as u32)?;
        out.u32(0)?;
        if can_grow {
            out.u64(maximum)?;
        }
        for global in &self.globals {
            out.u64(*global)?;
        }
        self.save_frames(&mut out, &bases, waiting)?;
        let runs = out.memory(&self.memory)?;

        let mut bytes = out.0;
        let length = bytes.len() as u64;
        bytes[LENGTH_AT..][..8].copy_from_slice(&length.to_le_bytes());
        bytes[RUNS_AT..][..4].copy_from_slice(&runs.to_le_bytes());
        let checksum = checksum(&bytes);
        bytes[CHECKSUM_AT..][..4].copy_from_slice(&checksum.to_le_bytes());
        Ok(bytes)
    }

    /// Writes the frames that start at `bases`. The last one is the innermost and waits for `waiting`; all others wait
    /// for calls.
    fn save_frames(&self, out: &mut Writer, bases: &[usize], waiting: Waiting) -> Result<(), OutOfMemory> {
        let stop = |depth: usize| -> Stop {
            let waiting = if depth + 1 == bases.len() { waiting } else { Waiting::Answer };
            (self.stack.location_at(bases[depth]), waiting)
        };
        let mut stops = Vec::new();
        stops.try_reserve_exact(bases.len()).map_err(|_| OutOfMemory)?;
        stops.extend((0..bases.len()).map(stop));
        let live = LiveSets::new(&self.program, stops)?;
        for (depth, base) in bases.iter().enumerate() {
            let (location, waiting) = stop(depth);
            let function = &self.program.functions()[location.function.index()];
            out.u32(location.function.0)?;
            out.u32(location.word)?;
            let pending = self.pending().filter(|_| depth + 1 == bases.len());
            let arguments = pending.map_or(&[][..], |call| call.arguments);
            let slots = self.stack.slots_at(*base, function);
            out.slots(slots, function.locals, live.at((location, waiting)), arguments)?;
        }
        Ok(())
    }
}

impl Writer {
    /// Writes the cells of a frame: the number of cells, the number of saved ones, one bit for each cell, and the saved
    /// cells. A cell is saved if its value is not zero and its slot is live or holds an argument of the pending host
    /// call.
    fn slots(
        &mut self,
        slots: &[u64],
        locals: u16,
        live: &[u64],
        arguments: &[u64],
    ) -> Result<(), OutOfMemory> {
        let value = |index: usize| {
            let slot = Slot::of_cell(index as u32, locals);
            let is_live = live[slot.group() as usize] & slot.bit() != 0;
            if is_live { slots[index] } else { arguments.get(index).copied().unwrap_or(0) }
        };
        let saved = |index: usize| value(index) != 0;
        self.u16(slots.len() as u16)?;
        self.u16((0..slots.len()).filter(|index| saved(*index)).count() as u16)?;
        for first in (0..slots.len()).step_by(8) {
            let bits = (first..slots.len().min(first + 8)).filter(|index| saved(*index));
            self.put(&[bits.fold(0, |byte, index| byte | 1 << (index - first))])?;
        }
        for index in (0..slots.len()).filter(|index| saved(*index)) {
            self.u64(value(index))?;
        }
        Ok(())
    }

    /// Writes the runs of nonzero granules and returns their number.
    fn memory(&mut self, memory: &[u8]) -> Result<u32, OutOfMemory> {
        let granules = memory.as_chunks::<GRANULE>().0;
        let (mut runs, mut next) = (0, 0);
        while let Some(start) = position(granules, next, |granule| granule != [0; GRANULE]) {
            let end = position(granules, start, |granule| granule == [0; GRANULE]).unwrap_or(granules.len());
            self.u32(start as u32)?;
            self.u32((end - start) as u32)?;
            self.put(granules[start..end].as_flattened())?;
            runs += 1;
            next = end;
        }
        Ok(runs)
    }
}

/// Returns the first granule from `start` on that satisfies the predicate.
fn position(
    granules: &[[u8; GRANULE]],
    start: usize,
    predicate: impl Fn([u8; GRANULE]) -> bool,
) -> Option<usize> {
    granules[start..].iter().position(|granule| predicate(*granule)).map(|index| start + index)
}
