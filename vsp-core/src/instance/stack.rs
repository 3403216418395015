//! The stack of an instance: frames in cells of 8 bytes. Their layout is in `function.rs`.

use alloc::vec::Vec;
use core::cell::Cell;

use crate::function::Function;
use crate::function::layout::{CALLER, LOCALS, LOCATION, OUTERMOST, REGISTERS, pack, unpack};
use crate::index::Location;
use crate::isa::Reg;
use crate::limits::{MAX_PARAMS, MAX_RESULTS};
#[cfg(threaded)]
use crate::outcome::Values;

/// The stack of an instance. The *running frame* is its innermost frame.
#[derive(Debug)]
pub(crate) struct Stack {
    /// The cells that exist: those that were needed so far, and some more. The capacity for the whole stack is reserved
    /// on creation, so that cells never move.
    cells: Vec<u64>,
    /// Size of the stack in cells.
    limit: usize,
    /// The first cell of the running frame.
    base: usize,
    /// Whether there is a running frame.
    active: bool,
    /// Whether an engine uses the stack. It stays set after a panic of a host function: the contents of the frames are
    /// then undefined.
    pub(crate) in_use: bool,
}

/// The error of a frame that does not fit in the stack.
#[derive(Debug)]
pub(crate) struct Overflow;

/// Smallest number of cells that exist after the stack has grown, unless its size is smaller.
const MIN_GROWTH: usize = 256;

impl Stack {
    /// Creates a stack of this many cells, without frames. Returns `None` if the host has no memory for it.
    pub(crate) fn new(cells: u32) -> Option<Stack> {
        let limit = cells as usize;
        let mut cells = Vec::new();
        cells.try_reserve_exact(limit).ok()?;
        Some(Stack { cells, limit, base: 0, active: false, in_use: false })
    }

    /// Returns a copy of the first `used` cells, which are those of all frames. Returns `None` if the host has no memory
    /// for it.
    pub(super) fn copy(&self, used: usize) -> Option<Stack> {
        let mut copy = Stack::new(self.cells())?;
        copy.cells.extend_from_slice(&self.cells[..used]);
        copy.base = self.base;
        copy.active = used > 0;
        Some(copy)
    }

    /// Returns the first `used` cells, which are those of all frames.
    #[cfg(target_has_atomic = "ptr")]
    pub(super) fn first_cells(&self, used: usize) -> &[u64] {
        &self.cells[..used]
    }

    /// Replaces all frames by some that take the first `used` cells, at most the size of the stack. The innermost starts
    /// at `base`. Returns their cells, for which their contents are to be written.
    #[cfg(target_has_atomic = "ptr")]
    pub(super) fn rewound(&mut self, used: usize, base: Option<usize>) -> &mut [u64] {
        if self.reach(used).is_err() {
            unreachable!("the frames are those of a stack of this size");
        }
        self.base = base.unwrap_or(0);
        self.active = base.is_some();
        self.in_use = false;
        &mut self.cells[..used]
    }

    /// Returns the size of the stack in cells.
    #[inline]
    pub(crate) fn cells(&self) -> u32 {
        self.limit as u32
    }

    /// Ensures that the cells before `end` exist.
    #[inline]
    fn reach(&mut self, end: usize) -> Result<(), Overflow> {
        if end <= self.cells.len() { Ok(()) } else { self.grow(end) }
    }

    /// Adds cells up to `end`. Does not allocate: the capacity is reserved.
    #[cold]
    fn grow(&mut self, end: usize) -> Result<(), Overflow> {
        if end > self.limit {
            return Err(Overflow);
        }
        self.cells.resize(end.max(2 * self.cells.len()).max(MIN_GROWTH).min(self.limit), 0);
        Ok(())
    }

    /// Removes all frames.
    #[inline]
    pub(crate) fn clear(&mut self) {
        self.base = 0;
        self.active = false;
    }

    /// Pushes the outermost frame, of `callee`, with these arguments.
    #[inline]
    pub(crate) fn push_first(&mut self, callee: &Function, args: &[u64]) -> Result<(), Overflow> {
        let cells = callee.frame_cells() as usize;
        self.reach(cells)?;
        let frame = self.cells.get_mut(..cells).ok_or(Overflow)?;
        let (head, upper) = frame.split_first_chunk_mut::<LOCALS>().ok_or(Overflow)?;
        *head = [0; LOCALS];
        head[CALLER] = OUTERMOST;
        // A loop of a fixed length, as in `push`.
        for index in 0..MAX_PARAMS {
            head[REGISTERS + index] = args.get(index).copied().unwrap_or(0);
        }
        if !upper.is_empty() {
            upper.fill(0);
        }
        self.base = 0;
        self.active = true;
        Ok(())
    }

    /// Prepares the stack for a call of machine code, which keeps the contents of its frames elsewhere. Removes all
    /// frames and marks the first frame as the outermost one. If machine code exits, [`Self::set_running`] sets the
    /// running frame.
    #[cfg(feature = "native")]
    pub(crate) fn begin(&mut self) {
        self.clear();
        self.all_cells()[CALLER] = OUTERMOST;
    }

    /// Pushes a frame of `callee`, called by the running frame, which is one of `caller`. The arguments are the first
    /// registers of the running frame.
    #[inline]
    pub(crate) fn push(&mut self, caller: &Function, callee: &Function) -> Result<(), Overflow> {
        let base = self.base + caller.frame_cells() as usize;
        self.reach(base + callee.frame_cells() as usize)?;
        let (below, above) = self.cells.split_at_mut_checked(base).ok_or(Overflow)?;
        let frame = above.get_mut(..callee.frame_cells() as usize).ok_or(Overflow)?;
        let args = below.get(self.base + REGISTERS..).ok_or(Overflow)?;
        let (head, slots) = frame.split_first_chunk_mut::<REGISTERS>().ok_or(Overflow)?;
        (head[LOCATION], head[CALLER]) = (0, self.base as u64);
        let params = callee.ty.params();
        #[expect(clippy::manual_memcpy, reason = "much faster than a call of memcpy for up to eight cells")]
        for index in 0..params {
            slots[index] = args[index];
        }
        slots[params..].fill(0);
        self.base = base;
        Ok(())
    }

    /// Replaces the running frame by one of `callee`, which has the same caller. The arguments are the first registers.
    /// If the new frame does not fit, the old one stays.
    #[inline]
    pub(crate) fn replace(&mut self, callee: &Function) -> Result<(), Overflow> {
        let end = self.base + callee.frame_cells() as usize;
        self.reach(end)?;
        let slots = self.cells.get_mut(self.base + REGISTERS..end).ok_or(Overflow)?;
        slots.iter_mut().skip(callee.ty.params()).for_each(|slot| *slot = 0);
        Ok(())
    }

    /// Pushes a frame at cell `base` with this location and these slots. Its caller is the running frame, if there is
    /// one. Returns the first cell after the new frame.
    pub(crate) fn push_saved(
        &mut self,
        base: usize,
        location: Location,
        slots: impl ExactSizeIterator<Item = u64>,
    ) -> Result<usize, Overflow> {
        self.reach(base + REGISTERS + slots.len())?;
        self.cells[base + CALLER] = if self.active { self.base as u64 } else { OUTERMOST };
        let mut end = base + REGISTERS;
        for slot in slots {
            self.cells[end] = slot;
            end += 1;
        }
        self.base = base;
        self.active = true;
        self.set_location(location);
        Ok(end)
    }

    /// Pops the running frame and copies its first `results` registers to its caller. Returns the caller's location. An
    /// outermost frame is kept; the result is then `None`.
    #[inline]
    pub(crate) fn pop(&mut self, results: usize) -> Option<Location> {
        let (below, frame) = self.cells.split_at_mut(self.base);
        let caller = match frame[CALLER] {
            OUTERMOST => return None,
            caller => caller as usize,
        };
        let to = &mut below[caller + REGISTERS..];
        let from = &frame[REGISTERS..];
        #[expect(clippy::manual_memcpy, reason = "much faster than a call of memcpy for up to four cells")]
        for index in 0..results.min(MAX_RESULTS) {
            to[index] = from[index];
        }
        self.base = caller;
        Some(unpack(self.cells[self.base + LOCATION]))
    }

    /// Returns the registers of the running frame, and all existing cells after them.
    #[inline]
    pub(crate) fn window(&mut self) -> Option<(&mut [u64; 16], &mut [u64])> {
        self.cells.get_mut(self.base + REGISTERS..)?.split_first_chunk_mut()
    }

    /// Returns the registers of the running frame.
    pub(crate) fn registers(&mut self) -> &mut [u64] {
        &mut self.cells[self.base + REGISTERS..][..Reg::ALL.len()]
    }

    /// Returns the first `count` registers of the outermost frame.
    #[cfg(threaded)]
    #[inline]
    pub(crate) fn first_registers(&self, count: usize) -> Values {
        let registers = self.cells.get(REGISTERS..).and_then(|registers| registers.get(..count));
        Values::new(registers.unwrap_or_default())
    }

    /// Returns the registers of the running frame as a shared array of `Cell`s.
    pub(crate) fn register_cells(&mut self) -> &[Cell<u64>; 16] {
        match Cell::from_mut(self.registers()).as_slice_of_cells().first_chunk() {
            Some(registers) => registers,
            None => unreachable!("there are 16 registers"),
        }
    }

    /// Returns the location of the running frame, as last recorded.
    pub(crate) fn location(&self) -> Location {
        unpack(self.cells[self.base + LOCATION])
    }

    /// Records the location of the running frame.
    #[inline]
    pub(crate) fn set_location(&mut self, location: Location) {
        self.cells[self.base + LOCATION] = pack(location);
    }

    /// Returns the number of cells of the stack after the running frame, which has `frame_cells` cells. Returns `None`
    /// if the frame is not inside the stack.
    #[cfg(feature = "native")]
    pub(crate) fn remaining(&self, frame_cells: u32) -> Option<u64> {
        (self.limit.checked_sub(self.base)? as u64).checked_sub(frame_cells.into())
    }

    /// Returns the first cell of the running frame.
    #[cfg(threaded)]
    pub(crate) fn running(&self) -> usize {
        self.base
    }

    /// Returns the cells that exist so far. Pushing a frame can add cells.
    #[cfg(any(feature = "native", threaded))]
    #[inline]
    pub(crate) fn present_cells(&mut self) -> &mut [u64] {
        &mut self.cells
    }

    /// Returns the cells of the whole stack, after adding those that do not exist yet.
    #[cfg(feature = "native")]
    #[inline]
    pub(crate) fn all_cells(&mut self) -> &mut [u64] {
        if self.cells.len() != self.limit {
            self.grow_fully();
        }
        &mut self.cells
    }

    #[cfg(feature = "native")]
    #[cold]
    fn grow_fully(&mut self) {
        self.cells.resize(self.limit, 0);
    }

    /// Makes the frame that starts at this cell the running one, after an engine exited in it. Returns `None` if it is
    /// not inside the stack.
    #[cfg(any(feature = "native", threaded))]
    pub(crate) fn set_running(&mut self, base: usize) -> Option<()> {
        self.cells.get(base..base.checked_add(LOCALS)?)?;
        self.base = base;
        self.active = true;
        Some(())
    }

    /// Pushes a frame for its location only: its registers and locals are never read. The running frame, which is one
    /// of `caller`, is its caller. Returns `None` if it does not fit.
    #[cfg(feature = "native")]
    pub(crate) fn push_location(&mut self, caller: &Function) -> Option<()> {
        let running = self.base;
        self.set_running(running + caller.frame_cells() as usize)?;
        self.cells[self.base + CALLER] = running as u64;
        Some(())
    }

    /// Returns a hash of the caller of the running frame (FNV-1a over the cells before its locals), or `None` if there
    /// is no caller.
    #[cfg(feature = "native")]
    pub(crate) fn caller_hash(&self) -> Option<u64> {
        let caller = match self.cells.get(self.base + CALLER) {
            None | Some(&OUTERMOST) => return None,
            Some(caller) => *caller as usize,
        };
        let frame = self.cells.get(caller..caller + LOCALS)?;
        Some(
            frame
                .iter()
                .fold(0xCBF2_9CE4_8422_2325, |hash, cell| (hash ^ cell).wrapping_mul(0x100_0000_01B3)),
        )
    }

    /// Returns the first cell of each frame, innermost first. There are none while an engine uses the stack.
    pub(crate) fn bases(&self) -> impl Iterator<Item = usize> {
        let mut next = (self.active && !self.in_use).then_some(self.base);
        core::iter::from_fn(move || {
            let base = next?;
            next = match self.cells[base + CALLER] {
                OUTERMOST => None,
                caller => Some(caller as usize),
            };
            Some(base)
        })
    }

    /// Returns the location of the frame that starts at `base`, as last recorded.
    pub(crate) fn location_at(&self, base: usize) -> Location {
        unpack(self.cells[base + LOCATION])
    }

    /// Returns the slots (registers, locals and state registers) of the frame of this function that starts at `base`.
    pub(crate) fn slots_at(&self, base: usize, function: &Function) -> &[u64] {
        &self.cells[base + REGISTERS..base + function.frame_cells() as usize]
    }

    /// Returns the slots of the frame of this function that starts at `base`, mutably.
    pub(crate) fn slots_at_mut(&mut self, base: usize, function: &Function) -> &mut [u64] {
        &mut self.cells[base + REGISTERS..base + function.frame_cells() as usize]
    }

    /// Returns the locations of all frames, innermost first.
    pub(crate) fn locations(&self) -> impl Iterator<Item = Location> {
        self.bases().map(|base| self.location_at(base))
    }
}
