//! Plans of a host's actions on a generated program.

use alloc::vec::Vec;

use super::entropy::{Entropy, Seed};
use super::values;
use crate::index::FuncIndex;
use crate::limits::MAX_RESULTS;

/// The number of registers, which come first among the slots of a frame.
const REGISTERS: u32 = 16;

/// A call by the host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// The function.
    pub function: FuncIndex,
    /// The arguments, one for each parameter.
    pub arguments: Vec<u64>,
}

/// The amount of fuel that a program gets at a time.
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

/// The actions of a host on an instance of a generated program, and so everything that its run depends on. Every turn
/// of the host, which is a call or a resume, has a number, counted from 0 over all calls; [`Plan::turn`] gives the
/// actions in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Bytes of memory; `None` for the size that the program asks for.
    pub memory: Option<u64>,
    /// Cells of the stack; `None` for the default.
    pub stack_cells: Option<u32>,
    /// Functions to call in sequence on the same instance, whatever the outcomes.
    pub calls: Vec<Call>,
    /// The fuel in each turn.
    pub slice: Slice,
    /// Whether the interrupt flag is set in some turns.
    pub interrupts: bool,
    /// Whether the host writes into the innermost frame of the suspended program. [`Plan::changes`] gives the values.
    pub changed_frames: bool,
    /// The seed of amounts and answers.
    pub seed: u64,
    /// The number of turns after which a call is abandoned.
    pub turns: u32,
}

/// The actions of a host before and in a turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Turn {
    /// The balance that is set first.
    pub fuel: u64,
    /// Whether the interrupt flag is set during the turn.
    pub interrupt: bool,
    /// The answers for a program that waits for values: it gets as many of these as it waits for.
    pub answers: [u64; MAX_RESULTS],
    /// The error that ends a pending call instead.
    pub error: Option<u32>,
}

impl Plan {
    /// Returns the choices of the turn with this number.
    fn entropy(&self, number: u32) -> Seed {
        Seed::new(self.seed ^ u64::from(number).wrapping_mul(0xD605_0A1C_6D2E_8C35))
    }

    /// Returns the actions in the turn with this number.
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

    /// Returns the host's changes to the innermost frame if the turn with this number ends in a suspension: numbers of
    /// slots below `slots`, and their new values, many of which are near `memory`, the size of the memory in bytes.
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
