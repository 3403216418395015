//! The interface of an engine that is compared with others.

use vsp_core::Outcome;
use vsp_core::generate::Plan;
use vsp_core::index::{FuncIndex, Location};
use vsp_core::verify::Verified;

/// An engine that runs programs.
pub trait Engine {
    /// Returns the name of the engine in messages.
    fn name(&self) -> &str;

    /// Returns whether the engine counts fuel and can be interrupted. One that does not only gets programs that need
    /// neither.
    fn is_metered(&self) -> bool {
        true
    }

    /// Creates an instance of a program, with memory and stack as in the plan.
    ///
    /// # Errors
    /// It cannot be created, which is a difference.
    fn start<'p>(
        &mut self,
        program: &'p Verified<'p>,
        plan: &Plan,
    ) -> Result<Box<dyn EngineInstance + 'p>, String>;
}

/// A frame of a stopped program, with all its contents.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FrameView {
    /// The location of its next instruction.
    pub location: Location,
    /// R0–RF.
    pub registers: [u64; 16],
    /// The locals.
    pub locals: Vec<u64>,
    /// The layers of the state registers, if the frame has them.
    pub states: Vec<[u8; 16]>,
}

/// An instance of a program in some engine.
pub trait EngineInstance {
    /// Sets the balance of fuel and the interrupt flag.
    fn prepare(&mut self, fuel: u64, interrupt: bool);

    /// Calls a function.
    ///
    /// # Errors
    /// The engine rejects the call, which is a difference.
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

    /// Abandons a suspended call.
    fn reset(&mut self);

    /// Writes a slot of the innermost frame: a register, or after those, a local.
    ///
    /// # Errors
    /// There is no such slot, which is a difference.
    fn write(&mut self, slot: u32, value: u64) -> Result<(), String>;

    /// Returns the balance of fuel, if the engine counts it.
    fn balance(&self) -> Option<i64>;

    /// Returns the locations of all frames, innermost first.
    fn call_stack(&self) -> Vec<Location>;

    /// Returns the memory.
    fn memory(&self) -> &[u8];

    /// Returns the globals.
    fn globals(&self) -> Vec<u64>;

    /// Returns the snapshot of a suspended program, if the engine supports snapshots.
    ///
    /// # Errors
    /// It cannot be saved, which is a difference.
    fn state(&self) -> Result<Option<Vec<u8>>, String> {
        Ok(None)
    }

    /// Returns the frames, if the engine keeps their whole contents.
    fn frames(&self) -> Option<Vec<FrameView>> {
        None
    }
}
