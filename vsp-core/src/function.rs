//! The properties of a verified function, and the layout of its frames.
//!
//! The layout of a frame is
//!
//! | cell | content |
//! |---|---|
//! | 0 | the location: function in the low half, word in the high half; out of date in the frame that an engine runs |
//! | 1 | the first cell of the caller's frame; all ones for the outermost frame |
//! | 2–17 | R0–RF |
//! | 18… | the locals |
//! | then | S0–SF, two cells each, the lower layers first; only if the function's code names a state register |

use crate::program::FuncType;

/// Cells of a frame that are not locals: the location, the link to the caller, and the registers.
pub const FRAME_CELLS: u32 = 18;

/// Cells of the state registers, in a frame that has them: two for each, the lower layers first.
pub const STATE_CELLS: u32 = 32;

/// Number of locals for which entering a function costs one unit of fuel.
const LOCALS_PER_FUEL: u16 = 16;

/// The properties of a function that engines need.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Function {
    /// Its first word, counted from the start of the code section.
    pub start: u32,
    /// Number of words.
    pub words: u32,
    /// Its type.
    pub ty: FuncType,
    /// Number of locals.
    pub locals: u16,
    /// Whether its code names a state register, so that its frame has them.
    pub states: bool,
    /// Whether entering it passes no safepoint.
    pub short_leaf: bool,
}

impl Function {
    /// Returns the size of its frame in cells.
    #[inline]
    pub fn frame_cells(&self) -> u32 {
        FRAME_CELLS + self.upper_cells()
    }

    /// Returns the number of cells of its frame above the registers: the locals, then the state registers if it has
    /// them.
    #[inline]
    pub fn upper_cells(&self) -> u32 {
        u32::from(self.locals) + if self.states { STATE_CELLS } else { 0 }
    }

    /// Returns the fuel that entering it costs, in addition to the 1 of the call.
    #[inline]
    pub fn entry_charge(&self) -> u32 {
        u32::from(self.locals / LOCALS_PER_FUEL)
    }
}

/// The layout of a frame: offsets in cells.
pub(crate) mod layout {
    use super::FRAME_CELLS;
    use crate::index::{FuncIndex, Location};
    use crate::isa::Reg;

    pub(crate) const LOCATION: usize = 0;
    pub(crate) const CALLER: usize = 1;
    pub(crate) const REGISTERS: usize = 2;
    pub(crate) const LOCALS: usize = FRAME_CELLS as usize;
    /// The caller link of the outermost frame.
    pub(crate) const OUTERMOST: u64 = u64::MAX;

    const _: () = assert!(REGISTERS + Reg::ALL.len() == LOCALS);

    /// Packs a location into a cell.
    pub(crate) const fn pack(location: Location) -> u64 {
        location.function.0 as u64 | (location.word as u64) << 32
    }

    pub(crate) const fn unpack(cell: u64) -> Location {
        Location { function: FuncIndex(cell as u32), word: (cell >> 32) as u32 }
    }
}
