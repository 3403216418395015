//! The interpreter's loop over frames: calls, returns, host calls, suspension and safepoints.

use core::sync::atomic::Ordering;

#[cfg(feature = "native")]
use super::native::Enterable;
use super::state::{Machine, Position};
use crate::function::STATE_CELLS;
use crate::host::Stopped;
use crate::index::{FuncIndex, ImportIndex, Location};
use crate::instance::{Instance, Overflow};
use crate::interp::activation::Activation;
use crate::interp::frame::Exit;
#[cfg(threaded)]
use crate::interp::threaded::{ExitPoint, Resources, ThreadState};
use crate::isa::{Field, Reg};
#[cfg(feature = "native")]
use crate::native::entry::{Entry, MIN_BALANCE};
#[cfg(all(feature = "native", threaded))]
use crate::native::tiers::Tiers;
use crate::outcome::{Outcome, Reason, Values};
use crate::trap::Trap;

impl<'m, 'a, S> Machine<'m, 'a, S> {
    /// Creates a machine that starts a call, which machine code can run from its start.
    #[inline]
    pub(super) fn calling(instance: &'m mut Instance<'a, S>) -> Self {
        #[cfg(feature = "native")]
        if instance.native.is_some() {
            return Machine::new(instance);
        }
        Machine::running(instance)
    }

    /// Creates a machine that runs until the program exits, rather than step by step.
    #[inline]
    pub(super) fn running(instance: &'m mut Instance<'a, S>) -> Self {
        #[cfg_attr(not(feature = "native"), expect(unused_mut, reason = "there is nothing to do"))]
        let mut machine = Machine::new(instance);
        #[cfg(feature = "native")]
        machine.begin_slice();
        machine
    }

    /// Charges for the outermost frame and passes its safepoint. Returns the position of its first word.
    #[inline]
    pub(super) fn enter(&mut self, function: FuncIndex) -> Result<Position<'m>, Outcome> {
        let mut at = self.position(Location { function, word: 0 });
        self.enter_function(&mut at)?;
        Ok(at)
    }

    /// Gives a suspended program the values it waits for, and passes the safepoint if it is at one. Returns the
    /// position of the next word.
    #[inline]
    pub(super) fn answer(&mut self, reason: Reason, values: &[u64]) -> Result<Position<'m>, Outcome> {
        let mut at = self.position(self.stack.location());
        match reason {
            Reason::Fuel | Reason::Interrupted => self.safepoint(&mut at)?,
            Reason::Yield(_) => {
                self.answer_yield(at, values);
                at.next += 1;
            }
            Reason::Pending(_) => {
                self.stack.registers()[..values.len()].copy_from_slice(values);
                at.next += 1;
                self.safepoint(&mut at)?;
            }
        }
        Ok(at)
    }

    /// Executes until the program exits, if it has not already.
    pub(super) fn run_from(&mut self, at: Result<Position<'m>, Outcome>) -> Outcome {
        match at {
            Ok(at) => self.run(at),
            Err(outcome) => outcome,
        }
    }

    /// Executes until the program exits.
    pub(super) fn run(&mut self, mut at: Position<'m>) -> Outcome {
        loop {
            if let Err(outcome) = self.advance::<false>(&mut at) {
                return outcome;
            }
        }
    }

    /// Executes up to `limit` instructions, but stops before one when `fuel` units are used, or if `stop` returns true
    /// for its location. `stop` is not called for the first instruction.
    pub(super) fn step(
        &mut self,
        mut at: Position<'m>,
        limit: u64,
        fuel: u64,
        mut stop: impl FnMut(Location) -> bool,
    ) -> Result<Position<'m>, Outcome> {
        // A balance that does not exist is never reached.
        let last = self.balance.checked_sub_unsigned(fuel);
        for executed in 0..limit {
            let is_used = last.is_some_and(|last| *self.balance <= last);
            if is_used || executed > 0 && stop(at.location()) {
                break;
            }
            self.advance::<true>(&mut at)?;
        }
        Ok(at)
    }

    /// Records the location of the running frame, if the program has not ended.
    pub(super) fn pause(&mut self, state: Result<Position<'m>, Outcome>) -> Option<Outcome> {
        match state {
            Ok(at) => {
                self.stack.set_location(at.location());
                None
            }
            Err(outcome) => Some(outcome),
        }
    }

    /// Executes the running frame until an instruction needs more than the frame, and handles that exit. With `STEP`,
    /// executes one instruction.
    #[inline(always)]
    fn advance<const STEP: bool>(&mut self, at: &mut Position<'m>) -> Result<(), Outcome> {
        match self.execute::<STEP>(at) {
            Some(exit) => self.handle_exit(at, exit),
            None => Ok(()),
        }
    }

    /// Handles an exit of the running frame.
    #[inline(always)]
    pub(super) fn handle_exit(&mut self, at: &mut Position<'m>, exit: Exit) -> Result<(), Outcome> {
        match exit {
            Exit::Call(callee) => self.call(at, callee),
            Exit::CallIndirect { number, ty } => {
                let callee = self.indirect(*at, number, ty)?;
                self.call(at, callee)
            }
            Exit::TailCall(callee) => self.tail_call(at, callee),
            Exit::TailCallIndirect { number, ty } => {
                let callee = self.indirect(*at, number, ty)?;
                self.tail_call(at, callee)
            }
            Exit::Return => self.ret(at),
            Exit::Host(import) => self.host_call(at, import),
            Exit::Yield(value) => Err(self.suspend(at.executed(), Reason::Yield(value))),
            Exit::Halt(value) => Err(Outcome::Halted(value)),
            Exit::Trap(kind) => Err(self.trap(*at, kind)),
            Exit::Pending(import) => Err(self.suspend(at.executed(), Reason::Pending(import))),
            Exit::Safepoint => self.safepoint(at),
            Exit::Delegated => self.execute_delegated(at),
            Exit::Lost => unreachable!("verified: branches stay in the code"),
        }
    }

    /// Executes instructions until an exit. With `STEP`, executes one instruction, which may have none.
    #[inline(always)]
    fn execute<const STEP: bool>(&mut self, at: &mut Position<'m>) -> Option<Exit> {
        #[cfg(threaded)]
        if !STEP {
            return Some(self.execute_threaded(at));
        }
        let Some((registers, above)) = self.stack.window() else {
            unreachable!("the running frame is in the stack")
        };
        let (locals, above) = above.split_at_mut(at.function.locals.into());
        let states = if at.function.states { STATE_CELLS as usize } else { 0 };
        let mut activation = Activation {
            registers,
            locals,
            states: above[..states].as_chunks_mut().0,
            memory: self.memory,
            globals: self.globals,
            constants: self.constants,
            code: self.code,
            next: at.next,
            bias: self.balance.wrapping_add(at.next as i64),
            interrupt: self.interrupt,
            exit: Exit::Return,
        };
        let exit = if STEP { activation.step() } else { Some(activation.execute()) };
        at.next = activation.next;
        *self.balance = activation.balance();
        exit
    }

    #[cfg(threaded)]
    #[inline(always)]
    fn execute_threaded(&mut self, at: &mut Position<'m>) -> Exit {
        let base = self.stack.running();
        let exit = ThreadState::execute(
            Resources {
                threaded: self.threaded,
                constants: self.constants,
                cells: self.stack.present_cells(),
                memory: self.memory,
                globals: self.globals,
                interrupt: self.interrupt,
                host: self.host,
                balance: self.balance,
                #[cfg(feature = "native")]
                calls_exit: self.native.is_some(),
                #[cfg(not(feature = "native"))]
                calls_exit: false,
                #[cfg(feature = "native")]
                compiled: self.tiers.map_or(&[], Tiers::compiled),
                #[cfg(not(feature = "native"))]
                compiled: &[],
            },
            at.index,
            base,
            at.next,
            |state| state.exit_point(),
        );
        self.set_position(at, &exit);
        exit.exit
    }

    /// Sets the position to the one where the threaded interpreter exited.
    #[cfg(threaded)]
    #[inline(always)]
    pub(super) fn set_position(&mut self, at: &mut Position<'m>, exit: &ExitPoint) {
        if self.stack.set_running(exit.base).is_none() {
            unreachable!("the interpreter exits in a frame");
        }
        if exit.index != at.index {
            *at = self.position(Location { function: exit.index, word: 0 });
        }
        at.next = exit.next;
    }

    /// Passes the safepoint at the next word.
    pub(super) fn safepoint(&mut self, at: &mut Position<'m>) -> Result<(), Outcome> {
        let reason = if *self.balance < 0 {
            #[cfg(feature = "native")]
            return self.slice_expired(at);
            #[cfg(not(feature = "native"))]
            Reason::Fuel
        } else if self.interrupt.load(Ordering::Relaxed) {
            Reason::Interrupted
        } else {
            return Ok(());
        };
        Err(self.suspend(at.location(), reason))
    }

    /// Charges for a new frame and passes its safepoint.
    pub(super) fn charge_entry(&mut self, at: &mut Position<'m>) -> Result<(), Outcome> {
        *self.balance = self.balance.saturating_sub(i64::from(at.function.entry_charge()));
        if at.function.short_leaf { Ok(()) } else { self.safepoint(at) }
    }

    fn call(&mut self, at: &mut Position<'m>, callee: FuncIndex) -> Result<(), Outcome> {
        self.stack.set_location(at.executed());
        let entry = self.position(Location { function: callee, word: 0 });
        if let Err(Overflow) = self.stack.push(at.function, entry.function) {
            return Err(self.trap(*at, Trap::StackOverflow));
        }
        *at = entry;
        self.enter_function(at)
    }

    fn tail_call(&mut self, at: &mut Position<'m>, callee: FuncIndex) -> Result<(), Outcome> {
        let entry = self.position(Location { function: callee, word: 0 });
        if let Err(Overflow) = self.stack.replace(entry.function) {
            return Err(self.trap(*at, Trap::StackOverflow));
        }
        *at = entry;
        #[cfg(all(feature = "native", threaded))]
        if !self.threaded.is_entered_by_tail_calls(callee) {
            return self.charge_entry(at);
        }
        self.enter_function(at)
    }

    /// Enters a function that has a frame: in machine code, if there is some that can be used, otherwise in the
    /// interpreter.
    #[inline]
    fn enter_function(&mut self, at: &mut Position<'m>) -> Result<(), Outcome> {
        #[cfg(feature = "native")]
        if let Some(code) = self.native
            && *self.balance >= MIN_BALANCE
        {
            let native = Enterable { code, has_all_fuel: self.tiers.is_some() };
            return self.enter_native(&native, Entry::Function(at.index), at);
        }
        #[cfg(feature = "native")]
        if let Some(decision) = self.decision(at.index) {
            return self.enter_decided(&decision, Entry::Function(at.index), at);
        }
        self.charge_entry(at)
    }

    /// Returns the function with this number; traps unless it exists and has this type.
    fn indirect(&mut self, at: Position<'m>, number: u64, ty: u32) -> Result<FuncIndex, Outcome> {
        let index = u32::try_from(number).map(FuncIndex).ok();
        let found = index.filter(|index| {
            self.functions.get(index.index()).is_some_and(|function| function.ty.bits() == ty)
        });
        found.ok_or_else(|| self.trap(at, Trap::BadIndirectCall))
    }

    pub(super) fn ret(&mut self, at: &mut Position<'m>) -> Result<(), Outcome> {
        let results = at.function.ty.results();
        match self.stack.pop(results) {
            Some(location) => {
                *at = self.position(location);
                at.next += 1;
                Ok(())
            }
            None => Err(Outcome::Returned(Values::new(&self.stack.registers()[..results]))),
        }
    }

    fn host_call(&mut self, at: &mut Position<'m>, import: ImportIndex) -> Result<(), Outcome> {
        self.stack.set_location(at.executed());
        match self.host.call_with(import, self.memory, self.balance, self.stack.register_cells()) {
            Ok(()) => self.safepoint(at),
            Err(Stopped::Error(code)) => Err(self.trap(*at, Trap::Host(code))),
            Err(Stopped::Pending) => Err(self.suspend(at.executed(), Reason::Pending(import))),
        }
    }

    /// Writes the host's value to the register of the YIELD at the next word.
    fn answer_yield(&mut self, at: Position<'m>, values: &[u64]) {
        let word = u32::from_le_bytes(self.code[at.next]);
        let reg = Reg::from_low_bits(word >> const { Field::a.shift() });
        self.stack.registers()[reg.index()] = values[0];
    }
}
