//! Entering machine code, and handling its exits.

use core::array;
use core::sync::atomic::Ordering;

use super::context::{ContextGuard, InstanceData};
use super::state::{Machine, Position};
use crate::index::Location;
use crate::native::entry::{Entry, EntryRequest, NativeCode};
use crate::native::{CodeInfo, Context, ExitKind, NO_SITE};
use crate::outcome::{Outcome, Reason, Suspension, Trapped};
use crate::trap::Trap;

/// Machine code to enter, and the fuel that it may use.
pub(super) struct Enterable<'n, S> {
    pub(super) code: &'n dyn NativeCode<S>,
    /// Whether the code may use all fuel, and not only a slice.
    pub(super) has_all_fuel: bool,
}

/// The native stack lacks room to enter machine code.
struct LacksStack;

impl<'m, 'a, S> Machine<'m, 'a, S> {
    /// Runs the function of the running frame. If it returns, `at` is the word after its call; after an exit it can be
    /// any location where the interpreter continues.
    pub(super) fn enter_native(
        &mut self,
        native: &Enterable<'_, S>,
        entry: Entry,
        at: &mut Position<'m>,
    ) -> Result<(), Outcome> {
        match self.try_to_enter(native, entry, at) {
            Ok(entered) => entered,
            Err(LacksStack) => self.enter_on_larger_stack(native, entry, at),
        }
    }

    /// Enters machine code on a larger native stack, and executes the rest of the run there: an interpreted function may
    /// call many compiled ones, and stacks are not mapped for each of them. Without such a stack the interpreter runs
    /// the function.
    #[cold]
    fn enter_on_larger_stack(
        &mut self,
        native: &Enterable<'_, S>,
        entry: Entry,
        at: &mut Position<'m>,
    ) -> Result<(), Outcome> {
        let mut ended = None;
        let cells = self.stack.cells();
        native.code.on_larger_stack(cells, &mut || {
            let entered = self.try_to_enter(native, entry, at).unwrap_or_else(|_| self.interpret(entry, at));
            ended = Some(match entered {
                Ok(()) => self.run(*at),
                Err(outcome) => outcome,
            });
        });
        match ended {
            Some(outcome) => Err(outcome),
            None => self.interpret(entry, at),
        }
    }

    /// Begins to interpret what machine code was to be entered for.
    fn interpret(&mut self, entry: Entry, at: &mut Position<'m>) -> Result<(), Outcome> {
        match entry {
            Entry::Function(_) => self.charge_entry(at),
            // The program came from the safepoint at this location.
            Entry::Osr(_) => Ok(()),
        }
    }

    fn try_to_enter(
        &mut self,
        native: &Enterable<'_, S>,
        entry: Entry,
        at: &mut Position<'m>,
    ) -> Result<Result<(), Outcome>, LacksStack> {
        if !native.has_all_fuel {
            return self.enter_code(native.code, entry, at);
        }
        let slice = self.release_fuel();
        let entered = self.enter_code(native.code, entry, at);
        self.reserve_fuel(slice);
        entered
    }

    fn enter_code(
        &mut self,
        native: &dyn NativeCode<S>,
        entry: Entry,
        at: &mut Position<'m>,
    ) -> Result<Result<(), Outcome>, LacksStack> {
        let function = at.function;
        let Some(remaining) = self.stack.remaining(function.frame_cells()) else {
            unreachable!("the running frame is in the stack");
        };
        let mut values = array::from_fn(|index| self.stack.registers()[index]);
        let instance = InstanceData {
            memory: self.memory,
            globals: self.globals,
            cells: self.stack.all_cells(),
            interrupt: self.interrupt,
        };
        instance.fill(self.program.program().passive_bytes(), self.context);
        let guard = ContextGuard { context: self.context, balance: self.balance, memory: self.memory };
        guard.context.fuel = *guard.balance;
        let exited = native.enter(
            EntryRequest {
                program: self.program,
                entry,
                remaining,
                context: guard.context,
                filled_by: self.filled_by,
                host: self.host,
            },
            &mut values,
        );
        drop(guard);
        if exited && self.context.site == NO_SITE {
            return Err(LacksStack);
        }
        if exited {
            return Ok(self.handle_code_exit(native.code()).map(|location| *at = self.position(location)));
        }
        let results = function.ty.results();
        self.stack.registers()[..results].copy_from_slice(&values[..results]);
        Ok(self.ret(at))
    }

    /// Handles the exit of machine code. Returns the location where the interpreter continues, if the program does not
    /// stop.
    pub(super) fn handle_code_exit(&mut self, code: &CodeInfo) -> Result<Location, Outcome> {
        let Context { site, frame, value, .. } = *self.context;
        let site = usize::try_from(site).ok().and_then(|site| code.sites().get(site));
        let Some(site) = site else { unreachable!("machine code exits at its sites") };
        if code.options().fuel {
            *self.balance = self.balance.wrapping_sub(i64::from(site.charged));
        }
        if usize::try_from(frame).ok().and_then(|frame| self.stack.set_running(frame)).is_none() {
            unreachable!("machine code exits in a frame");
        }
        if let Some(call) = site.inlined_at {
            self.stack.set_location(call);
            if self.stack.push_location(&self.functions[call.function.index()]).is_none() {
                unreachable!("the frame of an inlined function fits");
            }
        }
        let location = site.location;
        self.stack.set_location(location);
        let trapped = |trap| Outcome::Trapped(Trapped { trap, location });
        let suspended = |reason| Outcome::Suspended(Suspension { reason, location });
        Err(match site.kind {
            ExitKind::Trap(trap) => trapped(trap),
            ExitKind::HostError => trapped(Trap::Host(value as u32)),
            ExitKind::Halt => Outcome::Halted(value),
            // Only a slice of the fuel is used up. The interpreter continues to the next safepoint.
            ExitKind::Fuel if self.host.own.reserved > 0 && self.total_balance() >= 0 => {
                if !self.interrupt.load(Ordering::Relaxed) {
                    return Ok(location);
                }
                suspended(Reason::Interrupted)
            }
            ExitKind::Fuel => suspended(Reason::Fuel),
            ExitKind::Interrupted => suspended(Reason::Interrupted),
            ExitKind::Yield => suspended(Reason::Yield(value)),
            ExitKind::Pending(import) => suspended(Reason::Pending(import)),
            ExitKind::Interpret => return Ok(location),
        })
    }
}
