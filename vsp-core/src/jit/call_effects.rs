//! Interprocedural analyses over the call graph: the functions in whose calls something may happen.

use alloc::vec::Vec;

use super::CompileOptions;
use crate::analysis::OutOfMemory;
use crate::index::{FuncIndex, Location};
use crate::isa::{Flow, Inst, Opcode, Role};
use crate::verify::Verified;

/// The calls in which something may happen.
pub(super) struct CallEffect {
    /// One for each function; `None`: for all of them as for indirect calls.
    functions: Option<Vec<bool>>,
    /// Whether it may happen in indirect calls, which can call every function.
    in_indirect: bool,
}

impl CallEffect {
    /// Returns the calls in which the program may be suspended: their callers have to write back their frames.
    ///
    /// With fuel or an interrupt flag, these are all calls. Otherwise only YIELD and calls of the host suspend, and
    /// functions that call them, directly or indirectly. CALLR can call every function. A tail call exits to the
    /// interpreter, for which the callers write back their frames too.
    pub(super) fn suspension(
        program: &Verified<'_>,
        options: CompileOptions,
    ) -> Result<CallEffect, OutOfMemory> {
        if options.fuel || options.interrupt {
            return Ok(CallEffect::everywhere());
        }
        CallEffect::reaching(program, |inst| match inst.op().flow() {
            Flow::Call => inst.value_of(Role::Func).is_none(),
            Flow::TailCall | Flow::Suspend => true,
            Flow::Next | Flow::Branch | Flow::Jump | Flow::Switch | Flow::Stop | Flow::Bulk => false,
        })
    }

    /// Returns the calls in which the memory may grow: their callers have to load its size again.
    ///
    /// Only MEMGROW grows it, if the program's memory has a maximum above its minimum. (After a tail call no machine
    /// code continues that has loaded the size.)
    pub(super) fn growth(program: &Verified<'_>) -> Result<CallEffect, OutOfMemory> {
        let grows = |inst: Inst| inst.op() == Opcode::MEMGROW;
        if !can_grow(program) || !instructions(program).any(|(_, inst)| grows(inst)) {
            return Ok(CallEffect::nowhere());
        }
        CallEffect::reaching(program, |inst| grows(inst) || inst.op() == Opcode::CALLR)
    }

    /// Returns the result for a program of which only a part is compiled.
    pub(super) fn growth_in_part(program: &Verified<'_>) -> CallEffect {
        if can_grow(program) { CallEffect::everywhere() } else { CallEffect::nowhere() }
    }

    /// Returns the calls of functions that contain one of these instructions, or call such functions. Visits each word
    /// once, and each call once.
    fn reaching(program: &Verified<'_>, is_cause: impl Fn(Inst) -> bool) -> Result<CallEffect, OutOfMemory> {
        let count = program.functions().len();
        let mut functions = reserved(count)?;
        functions.resize(count, false);
        let mut calls = Vec::new();
        let mut waiting = reserved(count)?;
        for (caller, inst) in instructions(program) {
            if let Some(callee) = inst.value_of(Role::Func) {
                calls.try_reserve(1).map_err(|_| OutOfMemory)?;
                calls.push((callee as u32, caller));
            }
            if is_cause(inst) && !functions[caller.index()] {
                functions[caller.index()] = true;
                waiting.push(caller);
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
        Ok(CallEffect { functions: Some(functions), in_indirect: true })
    }

    /// Returns the result in which it may happen in all calls.
    pub(super) fn everywhere() -> CallEffect {
        CallEffect { functions: None, in_indirect: true }
    }

    /// Returns the result in which it happens in no call.
    fn nowhere() -> CallEffect {
        CallEffect { functions: None, in_indirect: false }
    }

    /// Returns whether it may happen in a call of this function, or in an indirect call.
    pub(super) fn in_call_of(&self, callee: Option<FuncIndex>) -> bool {
        match (&self.functions, callee) {
            (Some(functions), Some(callee)) => functions[callee.index()],
            (None, _) | (_, None) => self.in_indirect,
        }
    }
}

/// Returns whether the memory of the program's instances can grow.
fn can_grow(program: &Verified<'_>) -> bool {
    program.program().memory_maximum() > program.program().memory_minimum()
}

/// Returns the instructions of all functions, with their functions.
fn instructions<'p>(program: &'p Verified<'_>) -> impl Iterator<Item = (FuncIndex, Inst)> + 'p {
    (0..).map(FuncIndex).zip(program.functions()).flat_map(move |(function, it)| {
        (0..it.words)
            .filter_map(move |word| Some((function, program.instruction(Location { function, word })?)))
    })
}

fn reserved<T>(count: usize) -> Result<Vec<T>, OutOfMemory> {
    let mut out = Vec::new();
    out.try_reserve_exact(count).map_err(|_| OutOfMemory)?;
    Ok(out)
}
