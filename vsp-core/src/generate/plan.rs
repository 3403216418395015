//! What is done with a generated program.

use alloc::vec::Vec;

use super::entropy::{Entropy, Seed};
use super::values;
use crate::index::FuncIndex;
use crate::limits::MAX_RESULTS;

/// Registers come first among the slots of a frame.
const REGISTERS: u32 = 16;

/// One call of the host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// The function.
    pub function: FuncIndex,
    /// As many as it has parameters.
    pub arguments: Vec<u64>,
}

/// How much fuel a program is given at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Slice {
    /// Enough.
    Plenty,
    /// Some thousands.
    Large,
    /// Some hundreds.
    Small,
    /// A handful.
    Tiny,
    /// Some hundreds, or a handful in one of three turns.
    Mixed,
}

/// What a host does with an instance of a generated program, and so everything that its run depends on. Every turn of
/// the
/// host, which is a call or a resume, has a number, counted from 0 over all calls; [`Plan::turn`] says what is done
/// in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Bytes of memory, or what the program asks for.
    pub memory: Option<u64>,
    /// Cells of the stack, or as many as there are by default.
    pub stack_cells: Option<u32>,
    /// Functions to call, one after the other, on the same instance, whatever came of the one before.
    pub calls: Vec<Call>,
    /// How much fuel there is in each turn.
    pub slice: Slice,
    /// Is the interrupt flag set in some turns?
    pub interrupts: bool,
    /// Does the host write into the innermost frame of the suspended program? [`Plan::changes`] says what.
    pub changed_frames: bool,
    /// What amounts and answers follow from.
    pub seed: u64,
    /// A call that has taken so many turns is given up.
    pub turns: u32,
}

/// What a host does before and in a turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Turn {
    /// The balance that is set first.
    pub fuel: u64,
    /// Is the interrupt flag set during the turn?
    pub interrupt: bool,
    /// What a program that waits for values is given: as many of these as it waits for.
    pub answers: [u64; MAX_RESULTS],
    /// A pending call is ended with this error instead.
    pub error: Option<u32>,
}

impl Plan {
    /// The choices of the turn with this number.
    fn entropy(&self, number: u32) -> Seed {
        Seed::new(self.seed ^ u64::from(number).wrapping_mul(0xD605_0A1C_6D2E_8C35))
    }

    /// What is done in the turn with this number.
    pub fn turn(&self, number: u32) -> Turn {
        let mut entropy = self.entropy(number);
        let fuel = match self.slice {
            Slice::Plenty => 20_000,
            Slice::Large => entropy.below(4_000),
            Slice::Small => entropy.below(250),
            Slice::Tiny => entropy.below(24),
            Slice::Mixed if entropy.chance(1, 3) => entropy.below(50),
            Slice::Mixed => 200 + entropy.below(600),
        };
        Turn {
            fuel: u64::from(fuel),
            interrupt: entropy.chance(1, 8) && self.interrupts,
            answers: core::array::from_fn(|_| values::integer(&mut entropy)),
            error: entropy.chance(1, 16).then(|| entropy.bits(8) as u32),
        }
    }

    /// What the host writes into the innermost frame if the turn with this number ends in a suspension: numbers of
    /// slots below
    /// `slots`, and their new values, many of which are near `memory`, the size of the memory in bytes.
    pub fn changes(&self, number: u32, slots: u32, memory: u64) -> Vec<(u32, u64)> {
        if !self.changed_frames {
            return Vec::new();
        }
        let mut entropy = self.entropy(!number);
        let change = |_| {
            // Registers more often than locals, of which there may be hundreds.
            let slots = if entropy.chance(1, 4) { slots } else { slots.min(REGISTERS) };
            (entropy.below(slots), values::edge(&mut entropy, memory))
        };
        (0..3).map(change).collect()
    }
}
