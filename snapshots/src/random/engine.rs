//! What an engine has to do so that it can be compared with others.

use vsp_core::Outcome;
use vsp_core::generate::Plan;
use vsp_core::index::{FuncIndex, Location};
use vsp_core::verify::Verified;

/// Something that runs programs.
pub trait Engine {
    /// What it is called in messages.
    fn name(&self) -> &str;

    /// Does it count fuel, and can it be interrupted? One that does not is only given programs that need neither.
    fn is_metered(&self) -> bool {
        true
    }

    /// Makes an instance of a program, with memory and stack as the plan says.
    ///
    /// # Errors
    /// It cannot be made, which is a difference.
    fn start<'p>(&mut self, program: &'p Verified<'p>, plan: &Plan) -> Result<Box<dyn Session + 'p>, String>;
}

/// A frame of a stopped program with all that is in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FrameView {
    /// Where it is.
    pub location: Location,
    /// R0–RF.
    pub registers: [u64; 16],
    /// The locals.
    pub locals: Vec<u64>,
    /// The layers of the state registers, if it has them.
    pub states: Vec<[u8; 16]>,
}

/// An instance of a program in some engine.
pub trait Session {
    /// Sets the balance of fuel and the interrupt flag.
    fn prepare(&mut self, fuel: u64, interrupt: bool);

    /// Calls a function.
    ///
    /// # Errors
    /// The engine refuses, which is a difference.
    fn call(&mut self, function: FuncIndex, arguments: &[u64]) -> Result<Outcome, String>;

    /// Resumes with the values that the program waits for.
    ///
    /// # Errors
    /// As [`Self::call`].
    fn resume(&mut self, values: &[u64]) -> Result<Outcome, String>;

    /// Ends a pending host call with an error.
    ///
    /// # Errors
    /// As [`Self::call`].
    fn fail(&mut self, code: u32) -> Result<Outcome, String>;

    /// Gives up a suspended call.
    fn reset(&mut self);

    /// Writes a slot of the innermost frame: a register, or the local with the number that follows theirs.
    ///
    /// # Errors
    /// There is no such slot, which is a difference.
    fn write(&mut self, slot: u32, value: u64) -> Result<(), String>;

    /// The balance of fuel, of an engine that counts it.
    fn balance(&self) -> Option<i64>;

    /// The places of all frames, innermost first.
    fn call_stack(&self) -> Vec<Location>;

    /// The memory.
    fn memory(&self) -> &[u8];

    /// The globals.
    fn globals(&self) -> Vec<u64>;

    /// The saved state of a suspended program, of an engine that has such a thing.
    ///
    /// # Errors
    /// It cannot be saved, which is a difference.
    fn state(&self) -> Result<Option<Vec<u8>>, String> {
        Ok(None)
    }

    /// The frames, of an engine that keeps all that is in them.
    fn frames(&self) -> Option<Vec<FrameView>> {
        None
    }
}
