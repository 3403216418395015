//! Looking into the frames of a stopped program.

use super::Instance;
use crate::index::Place;

/// A frame of a program that is suspended, trapped or stepped through.
///
/// An engine of native code keeps registers and locals up to date only where something can still read them: where a
/// program is suspended, those that are live.
#[derive(Clone, Copy, Debug)]
pub struct Frame<'a> {
    /// Where it is: in the innermost frame the next instruction, the one that trapped, or where it is suspended; in all
    /// others their calls.
    pub place: Place,
    /// R0–RF.
    pub registers: &'a [u64; 16],
    /// The locals.
    pub locals: &'a [u64],
}

/// A [`Frame`], to change it.
#[derive(Debug)]
pub struct FrameMut<'a> {
    /// Where it is.
    pub place: Place,
    /// R0–RF.
    pub registers: &'a mut [u64; 16],
    /// The locals.
    pub locals: &'a mut [u64],
}

impl<S> Instance<'_, S> {
    /// The frames of a program that is suspended, trapped or stepped through, innermost first.
    pub fn frames(&self) -> impl Iterator<Item = Frame<'_>> {
        self.stack.bases().map(|base| {
            let place = self.stack.place_at(base);
            let slots = self.stack.slots_at(base, self.locals(place));
            let Some((registers, locals)) = slots.split_first_chunk() else {
                unreachable!("frames have registers")
            };
            Frame { place, registers, locals }
        })
    }

    /// The frame at this depth, 0 for the innermost, to change its registers and locals.
    pub fn frame_mut(&mut self, depth: usize) -> Option<FrameMut<'_>> {
        let base = self.stack.bases().nth(depth)?;
        let place = self.stack.place_at(base);
        let locals = self.locals(place);
        let (registers, locals) = self.stack.slots_at_mut(base, locals).split_first_chunk_mut()?;
        Some(FrameMut { place, registers, locals })
    }

    fn locals(&self, place: Place) -> u16 {
        self.program.function(place.function).map_or(0, |function| function.locals)
    }
}
