//! Which functions can leave the program suspended: what the frames of their callers then have to write back.

use alloc::vec::Vec;

use super::CompileOptions;
use crate::analysis::OutOfMemory;
use crate::index::{FuncIndex, Location};
use crate::isa::{Flow, Inst, Role};
use crate::verify::Verified;

/// The functions that can leave the program suspended.
///
/// Where fuel is counted or the interrupt flag is looked at that is any function. Otherwise only YIELD and calls of the
/// host suspend, and what calls them, directly or not. CALLR can call everything.
pub(super) struct Suspending {
    /// One for each function; `None`: all of them.
    functions: Option<Vec<bool>>,
}

impl Suspending {
    /// Looks once at each word, and once at each call.
    pub(super) fn new(program: &Verified<'_>, options: CompileOptions) -> Result<Suspending, OutOfMemory> {
        if options.fuel || options.interrupt {
            return Ok(Suspending::everywhere());
        }
        let count = program.functions().len();
        let mut functions = reserved(count)?;
        functions.resize(count, false);
        let mut calls = Vec::new();
        let mut waiting = reserved(count)?;
        for (caller, function) in (0..).map(FuncIndex).zip(program.functions()) {
            for word in 0..function.words {
                let Some(inst) = program.instruction(Location { function: caller, word }) else { continue };
                if let Some(callee) = inst.value_of(Role::Func) {
                    calls.try_reserve(1).map_err(|_| OutOfMemory)?;
                    calls.push((callee as u32, caller));
                } else if can_suspend(inst) && !functions[caller.index()] {
                    functions[caller.index()] = true;
                    waiting.push(caller);
                }
            }
        }
        calls.sort_unstable();
        while let Some(callee) = waiting.pop() {
            let first = calls.partition_point(|(other, _)| *other < callee.0);
            for (_, caller) in calls[first..].iter().take_while(|(other, _)| *other == callee.0) {
                if !functions[caller.index()] {
                    functions[caller.index()] = true;
                    waiting.push(*caller);
                }
            }
        }
        Ok(Suspending { functions: Some(functions) })
    }

    /// All functions can.
    pub(super) fn everywhere() -> Suspending {
        Suspending { functions: None }
    }

    /// Can the program be suspended in a call of this function, or in an indirect call?
    pub(super) fn in_call_of(&self, callee: Option<FuncIndex>) -> bool {
        match (&self.functions, callee) {
            (Some(functions), Some(callee)) => functions[callee.index()],
            (None, _) | (_, None) => true,
        }
    }
}

/// Can an instruction that is no direct call suspend the program, without safepoints?
fn can_suspend(inst: Inst) -> bool {
    match inst.op().flow() {
        Flow::Call | Flow::Suspend => true,
        Flow::Next | Flow::Branch | Flow::Jump | Flow::Switch | Flow::Stop | Flow::Bulk => false,
    }
}

fn reserved<T>(count: usize) -> Result<Vec<T>, OutOfMemory> {
    let mut out = Vec::new();
    out.try_reserve_exact(count).map_err(|_| OutOfMemory)?;
    Ok(out)
}
