//! The frames of a stopped program, for inspection and change.

use super::Instance;
use crate::index::Location;

/// A frame of a program that is suspended, trapped or being stepped.
///
/// Machine code keeps registers and locals up to date only where something can still read them. In a suspended program,
/// the live ones are up to date.
#[derive(Clone, Copy, Debug)]
pub struct Frame<'a> {
    /// The location of the next instruction, the trap or the suspension in the innermost frame; of the call in all
    /// others.
    pub location: Location,
    /// R0–RF.
    pub registers: &'a [u64; 16],
    /// The locals.
    pub locals: &'a [u64],
    /// S0–SF, each as layers 0–7 and layers 8–15, the lowest layer in the low byte. Empty if the function's code names
    /// no state register.
    pub states: &'a [[u64; 2]],
}

/// A [`Frame`] whose registers and locals can be changed.
#[derive(Debug)]
pub struct FrameMut<'a> {
    /// The location, as [`Frame::location`].
    pub location: Location,
    /// R0–RF.
    pub registers: &'a mut [u64; 16],
    /// The locals.
    pub locals: &'a mut [u64],
    /// S0–SF, as [`Frame::states`].
    pub states: &'a mut [[u64; 2]],
}

impl<S> Instance<'_, S> {
    /// Returns the frames of a program that is suspended, trapped or being stepped, innermost first.
    pub fn frames(&self) -> impl Iterator<Item = Frame<'_>> {
        self.stack.bases().map(|base| {
            let location = self.stack.location_at(base);
            let Some(function) = self.program.function(location.function) else {
                unreachable!("frames are of functions")
            };
            let slots = self.stack.slots_at(base, function);
            let Some((registers, above)) = slots.split_first_chunk() else {
                unreachable!("frames have registers")
            };
            let (locals, states) = above.split_at(function.locals.into());
            Frame { location, registers, locals, states: states.as_chunks().0 }
        })
    }

    /// Returns the frame at this depth, 0 for the innermost, with mutable registers, locals and state registers.
    /// Returns `None` if there is no such frame.
    pub fn frame_mut(&mut self, depth: usize) -> Option<FrameMut<'_>> {
        let base = self.stack.bases().nth(depth)?;
        let location = self.stack.location_at(base);
        let function = self.program.function(location.function)?;
        let (registers, above) = self.stack.slots_at_mut(base, function).split_first_chunk_mut()?;
        let (locals, states) = above.split_at_mut(function.locals.into());
        Some(FrameMut { location, registers, locals, states: states.as_chunks_mut().0 })
    }
}
