//! The stack of an instance: frames in 8-byte cells.
//!
//! A frame is
//!
//! | cell | what |
//! |---|---|
//! | 0 | the place where it is: function in the low half, word in the high half; up to date in all frames but the running one |
//! | 1 | the cell where the caller's frame starts; all ones for the outermost frame |
//! | 2–17 | R0–RF |
//! | 18… | the locals |
//! | then | S0–SF, two cells each, the lower layers first; if the function's code names a state register |

use alloc::vec::Vec;
use core::cell::Cell;

#[cfg(threaded)]
use super::Values;
use crate::index::{FuncIndex, Location};
use crate::isa::Reg;
use crate::limits::{MAX_PARAMS, MAX_RESULTS};
use crate::verify::{FRAME_CELLS, Function};

/// Where things are in a frame, in cells.
pub(crate) mod layout {
    use super::{FRAME_CELLS, FuncIndex, Location, Reg};

    pub(crate) const PLACE: usize = 0;
    pub(crate) const CALLER: usize = 1;
    pub(crate) const REGISTERS: usize = 2;
    pub(crate) const LOCALS: usize = FRAME_CELLS as usize;
    /// The caller of the outermost frame.
    pub(crate) const OUTERMOST: u64 = u64::MAX;

    const _: () = assert!(REGISTERS + Reg::ALL.len() == LOCALS);

    /// The cell of a place.
    pub(crate) const fn pack(location: Location) -> u64 {
        location.function.0 as u64 | (location.word as u64) << 32
    }

    pub(crate) const fn unpack(cell: u64) -> Location {
        Location { function: FuncIndex(cell as u32), word: (cell >> 32) as u32 }
    }
}

use layout::{CALLER, LOCALS, OUTERMOST, PLACE, REGISTERS, pack, unpack};

/// The cells, and where the running frame starts.
#[derive(Debug)]
pub(crate) struct Stack {
    /// Those that were needed so far, and some more. There is room for all from the beginning, so that they never move.
    cells: Vec<u64>,
    /// How many there can be.
    limit: usize,
    base: usize,
    /// Is there a frame?
    active: bool,
    /// Does an engine work with it? (Or did, until a host function panicked: then nobody knows what is in its frames.)
    pub(crate) in_use: bool,
}

/// The frame does not fit.
#[derive(Debug)]
pub(crate) struct Overflow;

/// More cells at once, at least.
const STEP: usize = 256;

impl Stack {
    /// A stack of so many cells, without a frame. `None` if the host has no memory for it.
    pub(crate) fn new(cells: u32) -> Option<Stack> {
        let limit = cells as usize;
        let mut cells = Vec::new();
        cells.try_reserve_exact(limit).ok()?;
        Some(Stack { cells, limit, base: 0, active: false, in_use: false })
    }

    #[inline]
    pub(crate) fn cells(&self) -> u32 {
        self.limit as u32
    }

    /// Makes sure that the cells before `end` are there.
    #[inline]
    fn reach(&mut self, end: usize) -> Result<(), Overflow> {
        if end <= self.cells.len() { Ok(()) } else { self.grow(end) }
    }

    /// Allocates nothing: the room is there.
    #[cold]
    fn grow(&mut self, end: usize) -> Result<(), Overflow> {
        if end > self.limit {
            return Err(Overflow);
        }
        self.cells.resize(end.max(2 * self.cells.len()).max(STEP).min(self.limit), 0);
        Ok(())
    }

    /// Forgets all frames.
    #[inline]
    pub(crate) fn clear(&mut self) {
        self.base = 0;
        self.active = false;
    }

    /// The first frame, with its parameters.
    #[inline]
    pub(crate) fn push_first(&mut self, callee: &Function, args: &[u64]) -> Result<(), Overflow> {
        let cells = callee.frame_cells() as usize;
        self.reach(cells)?;
        let frame = self.cells.get_mut(..cells).ok_or(Overflow)?;
        let (head, upper) = frame.split_first_chunk_mut::<LOCALS>().ok_or(Overflow)?;
        *head = [0; LOCALS];
        head[CALLER] = OUTERMOST;
        // As in `push`.
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

    /// Gets ready for first frames of machine code, which keeps what is in them elsewhere: they become running ones by
    /// [`Self::set_running`], if it is left. That they have no caller stands in the cells from now on.
    #[cfg(feature = "native")]
    pub(crate) fn begin(&mut self) {
        self.clear();
        self.all_cells()[CALLER] = OUTERMOST;
    }

    /// A frame for `callee`, called by the running frame, which belongs to `caller`. Its parameters are the caller's
    /// first registers.
    #[inline]
    pub(crate) fn push(&mut self, caller: &Function, callee: &Function) -> Result<(), Overflow> {
        let base = self.base + caller.frame_cells() as usize;
        self.reach(base + callee.frame_cells() as usize)?;
        let (below, above) = self.cells.split_at_mut_checked(base).ok_or(Overflow)?;
        let frame = above.get_mut(..callee.frame_cells() as usize).ok_or(Overflow)?;
        let args = below[self.base + REGISTERS..].first_chunk::<MAX_PARAMS>().ok_or(Overflow)?;
        let (head, locals) = frame.split_first_chunk_mut::<LOCALS>().ok_or(Overflow)?;
        *head = [0; LOCALS];
        head[CALLER] = self.base as u64;
        // A loop of a fixed length is much faster here than copying a slice of a few cells.
        for (index, arg) in args.iter().enumerate() {
            head[REGISTERS + index] = if index < callee.ty.params() { *arg } else { 0 };
        }
        if !locals.is_empty() {
            locals.fill(0);
        }
        self.base = base;
        Ok(())
    }

    /// A frame at cell `base` with this place and so many cells above it, called by the running frame, if there is one.
    /// Gives the cell behind it.
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

    /// Ends the running frame, handing `results` first registers to its caller. Gives the caller's place, or `None`
    /// (and the frame stays) if this was the outermost one.
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
        Some(unpack(self.cells[self.base + PLACE]))
    }

    /// Registers of the running frame, and everything above them to the end of the stack.
    #[inline]
    pub(crate) fn window(&mut self) -> Option<(&mut [u64; 16], &mut [u64])> {
        self.cells.get_mut(self.base + REGISTERS..)?.split_first_chunk_mut()
    }

    /// The registers of the running frame.
    pub(crate) fn registers(&mut self) -> &mut [u64] {
        &mut self.cells[self.base + REGISTERS..][..Reg::ALL.len()]
    }

    /// So many registers of the first frame.
    #[cfg(threaded)]
    #[inline]
    pub(crate) fn first_registers(&self, count: usize) -> Values {
        let registers = self.cells.get(REGISTERS..).and_then(|registers| registers.get(..count));
        Values::new(registers.unwrap_or_default())
    }

    /// The registers of the running frame, as cells.
    pub(crate) fn register_cells(&mut self) -> &[Cell<u64>; 16] {
        match Cell::from_mut(self.registers()).as_slice_of_cells().first_chunk() {
            Some(registers) => registers,
            None => unreachable!("there are 16 registers"),
        }
    }

    /// Where the running frame is, as last recorded.
    pub(crate) fn location(&self) -> Location {
        unpack(self.cells[self.base + PLACE])
    }

    #[inline]
    pub(crate) fn set_location(&mut self, location: Location) {
        self.cells[self.base + PLACE] = pack(location);
    }

    /// Cells that are left behind the running frame, which has so many. `None` if it is not inside the stack.
    #[cfg(feature = "native")]
    pub(crate) fn remaining(&self, frame_cells: u32) -> Option<u64> {
        (self.limit.checked_sub(self.base)? as u64).checked_sub(frame_cells.into())
    }

    /// The cell where the running frame starts.
    #[cfg(threaded)]
    pub(crate) fn running(&self) -> usize {
        self.base
    }

    /// The cells that are there. A frame may need more, for which it has to be pushed.
    #[cfg(any(feature = "native", threaded))]
    #[inline]
    pub(crate) fn present_cells(&mut self) -> &mut [u64] {
        &mut self.cells
    }

    /// All cells.
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

    /// An engine was left in the frame that starts at this cell. `None` if that is no cell.
    #[cfg(any(feature = "native", threaded))]
    pub(crate) fn set_running(&mut self, base: usize) -> Option<()> {
        self.cells.get(base..base.checked_add(LOCALS)?)?;
        self.base = base;
        self.active = true;
        Some(())
    }

    /// A frame behind the running one, whose registers and locals nobody will look at. `None` if it does not fit.
    #[cfg(feature = "native")]
    pub(crate) fn push_location(&mut self, caller: &Function) -> Option<()> {
        let running = self.base;
        self.set_running(running + caller.frame_cells() as usize)?;
        self.cells[self.base + CALLER] = running as u64;
        Some(())
    }

    /// A number made of the place and the registers of the running frame's caller (by FNV-1a, of words). `None`: it has none.
    #[cfg(feature = "native")]
    pub(crate) fn caller_mark(&self) -> Option<u64> {
        let caller = match self.cells.get(self.base + CALLER) {
            None | Some(&OUTERMOST) => return None,
            Some(caller) => *caller as usize,
        };
        let frame = self.cells.get(caller..caller + LOCALS)?;
        Some(
            frame
                .iter()
                .fold(0xCBF2_9CE4_8422_2325, |mark, cell| (mark ^ cell).wrapping_mul(0x100_0000_01B3)),
        )
    }

    /// Where the frames start, innermost first.
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

    /// Where the frame that starts there is, as last recorded.
    pub(crate) fn location_at(&self, base: usize) -> Location {
        unpack(self.cells[base + PLACE])
    }

    /// Registers, locals and state registers of the frame of this function that starts there.
    pub(crate) fn slots_at(&self, base: usize, function: &Function) -> &[u64] {
        &self.cells[base + REGISTERS..base + function.frame_cells() as usize]
    }

    /// Registers, locals and state registers of the frame of this function that starts there, to change them.
    pub(crate) fn slots_at_mut(&mut self, base: usize, function: &Function) -> &mut [u64] {
        &mut self.cells[base + REGISTERS..base + function.frame_cells() as usize]
    }

    /// The places of all frames, innermost first.
    pub(crate) fn locations(&self) -> impl Iterator<Item = Location> {
        self.bases().map(|base| self.location_at(base))
    }
}
