//! May-suspend analysis: an interprocedural analysis over the call graph of the functions that can suspend the program,
//! whose callers have to write back their frames.

use alloc::vec::Vec;

use super::CompileOptions;
use crate::analysis::OutOfMemory;
use crate::index::{FuncIndex, Location};
use crate::isa::{Flow, Inst, Role};
use crate::verify::Verified;

/// The functions that may suspend the program.
///
/// With fuel or an interrupt flag, these are all functions. Otherwise only YIELD and calls of the host suspend, and
/// functions that call them, directly or indirectly. CALLR can call every function.
pub(super) struct MaySuspend {
    /// One for each function; `None`: all of them.
    functions: Option<Vec<bool>>,
}

impl MaySuspend {
    /// Analyses a program. Visits each word once, and each call once.
    pub(super) fn new(program: &Verified<'_>, options: CompileOptions) -> Result<MaySuspend, OutOfMemory> {
        if options.fuel || options.interrupt {
            return Ok(MaySuspend::everywhere());
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
        Ok(MaySuspend { functions: Some(functions) })
    }

    /// Returns the result in which all functions may suspend.
    pub(super) fn everywhere() -> MaySuspend {
        MaySuspend { functions: None }
    }

    /// Returns whether the program may be suspended in a call of this function, or in an indirect call.
    pub(super) fn in_call_of(&self, callee: Option<FuncIndex>) -> bool {
        match (&self.functions, callee) {
            (Some(functions), Some(callee)) => functions[callee.index()],
            (None, _) | (_, None) => true,
        }
    }
}

/// Returns whether an instruction other than a direct call may suspend the program, without safepoints.
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
