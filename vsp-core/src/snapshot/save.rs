//! Saving an instance.

use alloc::vec::Vec;

use super::layers::Layers;
use super::live::{LiveSets, Stop};
use super::runs::RunWriter;
use super::{DELTA_MAGIC, Form, GROWING_VERSION, INTERRUPTIBLE, MAGIC, METERED, Snapshot, VERSION, reason};
use crate::analysis::{OutOfMemory, Slot, Waiting};
use crate::bytes::Writer;
#[cfg(feature = "record")]
use crate::bytes::is_zero;
#[cfg(feature = "record")]
use crate::program::RunningChecksum;
use crate::{Instance, Reason, Status};

/// An error of saving an instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SaveError {
    /// The base of a delta belongs to another program.
    #[error("the base belongs to another program")]
    BaseProgram,
    /// The base of a delta has more memory than the instance: it cannot be an earlier state.
    #[error("the base has {base} bytes of memory, more than the {memory} of the instance")]
    BaseMemory {
        /// Bytes of memory of the base.
        base: u64,
        /// Bytes of memory of the instance.
        memory: u64,
    },
    /// There is no memory for the bytes or for the liveness analysis.
    #[error("out of memory")]
    OutOfMemory,
}

impl From<OutOfMemory> for SaveError {
    fn from(_: OutOfMemory) -> Self {
        SaveError::OutOfMemory
    }
}

/// The unit of memory in a digest, in bytes.
#[cfg(feature = "record")]
const DIGEST_PAGE: usize = 4096;

/// Offset of the length and the checksum of the base in the header of a delta.
const BASE_AT: usize = 80;

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
        let mut out = Writer::default();
        let bases = self.frame_bases()?;
        self.save_header(&mut out, Form::Full, &bases)?;
        let header = out.0.len();
        for global in &self.globals {
            out.u64(*global)?;
        }
        self.save_frames(&mut out, &bases)?;
        let mut memory = RunWriter::new(&mut out, header);
        memory.part(0, &self.memory, None)?;
        memory.finish(self.globals.len() as u32);
        Ok(out.0)
    }

    /// Saves what changed since `base`, a snapshot of the same program: usually one of this instance, or the one that it
    /// was restored from. [`Snapshot::with`](super::Snapshot::with) joins both.
    ///
    /// Takes time linear in the memory and the frames. The bytes have 92 bytes of header, the frames, 12 bytes for each
    /// global that changed, and the 16-byte granules of memory that changed.
    ///
    /// # Errors
    /// The base belongs to another program, or has more memory, or there is no memory.
    pub fn save_since(&self, base: &Snapshot<'_>) -> Result<Vec<u8>, SaveError> {
        let program = self.program.program();
        if (base.program_bytes(), base.program_checksum())
            != (program.bytes().len() as u32, program.checksum())
            || base.globals().len() != self.globals.len()
        {
            return Err(SaveError::BaseProgram);
        }
        let memory = self.memory.len() as u64;
        if base.memory_bytes() > memory {
            return Err(SaveError::BaseMemory { base: base.memory_bytes(), memory });
        }
        let mut out = Writer::default();
        let bases = self.frame_bases()?;
        self.save_header(&mut out, Form::Delta, &bases)?;
        let identity = base.identity();
        out.0[BASE_AT..][..8].copy_from_slice(&identity.bytes.to_le_bytes());
        out.0[BASE_AT + 8..][..4].copy_from_slice(&identity.checksum.to_le_bytes());
        let header = out.0.len();
        let mut changed = 0;
        for (index, (global, before)) in self.globals.iter().zip(base.globals()).enumerate() {
            if *global != before {
                out.u32(index as u32)?;
                out.u64(*global)?;
                changed += 1;
            }
        }
        self.save_frames(&mut out, &bases)?;
        let mut runs = RunWriter::new(&mut out, header);
        for (start, end, bytes) in Layers::new(base) {
            runs.part(start, &self.memory[start as usize..end as usize], bytes)?;
        }
        runs.part(base.memory_bytes(), &self.memory[base.memory_bytes() as usize..], None)?;
        runs.finish(changed);
        Ok(out.0)
    }

    /// Returns a digest of the state: of memory, globals, status and frames, but not of fuel and the stack's size. What
    /// stopped a program, fuel or an interruption, is not in it.
    /// `docs/format.md` defines it.
    #[cfg(feature = "record")]
    pub(crate) fn digest(&self) -> Result<u32, OutOfMemory> {
        let mut out = Writer::default();
        let bases = self.frame_bases()?;
        let (number, value) = self.status_fields();
        out.u32(if number == reason::INTERRUPTED { reason::FUEL } else { number })?;
        out.u64(value)?;
        self.save_frames(&mut out, &bases)?;
        let mut checksum = RunningChecksum::default();
        checksum.update(&out.0);
        for global in &self.globals {
            checksum.update(&global.to_le_bytes());
        }
        checksum.update(&(self.memory.len() as u64).to_le_bytes());
        for (index, page) in self.memory.chunks(DIGEST_PAGE).enumerate() {
            if !is_zero(page) {
                checksum.update(&(index as u32).to_le_bytes());
                checksum.update(page);
            }
        }
        Ok(checksum.finish())
    }

    /// Returns the number of the status, and its value.
    fn status_fields(&self) -> (u32, u64) {
        match self.status {
            Status::Idle => (reason::IDLE, 0),
            Status::Stepping => (reason::STEPPING, 0),
            Status::Suspended(Reason::Fuel) => (reason::FUEL, 0),
            Status::Suspended(Reason::Interrupted) => (reason::INTERRUPTED, 0),
            Status::Suspended(Reason::Yield(value)) => (reason::YIELD, value),
            Status::Suspended(Reason::Pending(import)) => (reason::PENDING, u64::from(import.0)),
        }
    }

    /// Returns the first cell of each frame that is saved, outermost first.
    fn frame_bases(&self) -> Result<Vec<usize>, OutOfMemory> {
        let mut bases = Vec::new();
        if self.status != Status::Idle {
            bases.try_reserve_exact(self.stack.bases().count()).map_err(|_| OutOfMemory)?;
            bases.extend(self.stack.bases());
            bases.reverse();
        }
        Ok(bases)
    }

    /// Writes the header. The fields that depend on what follows are zero.
    fn save_header(&self, out: &mut Writer, form: Form, bases: &[usize]) -> Result<(), OutOfMemory> {
        let (number, value) = self.status_fields();
        let program = self.program.program();
        let (memory, maximum) = (self.memory.len() as u64, self.memory_maximum());
        let grows = form == Form::Full && maximum > memory;
        out.put(if form == Form::Full { &MAGIC } else { &DELTA_MAGIC })?;
        out.u16(if grows { GROWING_VERSION } else { VERSION })?;
        let interruptible = if self.interrupt.is_some() { INTERRUPTIBLE } else { 0 };
        out.u16(interruptible | if self.host.own.metered { METERED } else { 0 })?;
        out.u64(0)?;
        out.u32(0)?;
        out.u32(program.checksum())?;
        out.u32(program.bytes().len() as u32)?;
        out.u32(self.stack.cells())?;
        out.u64(memory)?;
        out.u64(self.fuel().unwrap_or(0) as u64)?;
        out.u64(value)?;
        out.u32(number)?;
        out.u32(bases.len() as u32)?;
        out.u64(0)?;
        if grows || form == Form::Delta {
            out.u64(maximum)?;
        }
        if form == Form::Delta {
            out.put(&[0; 12])?;
        }
        Ok(())
    }

    /// Writes the frames that start at `bases`. The last one is the innermost; all others wait for calls.
    fn save_frames(&self, out: &mut Writer, bases: &[usize]) -> Result<(), OutOfMemory> {
        let waiting = match self.status {
            Status::Suspended(Reason::Yield(_) | Reason::Pending(_)) => Waiting::Answer,
            _ => Waiting::Safepoint,
        };
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
}
