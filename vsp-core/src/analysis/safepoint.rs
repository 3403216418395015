//! Safepoints: the locations at which a program can be suspended.

use super::graph::target;
use crate::index::Location;
use crate::isa::{Flow, Role};
use crate::verify::Verified;

/// Returns whether there is a safepoint at this location (`docs/isa.md`, section 7). Takes time linear in the
/// function's words.
pub fn is_safepoint(program: &Verified<'_>, location: Location) -> bool {
    let Some(function) = program.function(location.function) else { return false };
    let inst = |word| program.instruction(Location { word, ..location });
    if inst(location.word).is_none() {
        return false;
    }
    let follows_stop = match location.word.checked_sub(1) {
        None => !function.short_leaf,
        Some(before) => inst(before)
            .is_some_and(|inst| inst.op().flow() == Flow::Bulk || inst.value_of(Role::Import).is_some()),
    };
    follows_stop || is_loop_head(program, location)
}

/// Returns whether this location is the target of a branch with a negative displacement. Takes time linear in the
/// function's words.
pub fn is_loop_head(program: &Verified<'_>, location: Location) -> bool {
    let Some(function) = program.function(location.function) else { return false };
    let inst = |word| program.instruction(Location { word, ..location });
    (location.word..function.words)
        .any(|word| inst(word).and_then(|inst| target(word, inst)) == Some((location.word, true)))
}
