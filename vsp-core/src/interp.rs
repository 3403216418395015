//! The interpreter: executes a verified program, allocates nothing, and defines the semantics that every other engine
//! is compared with.
//!
//! There are two interpreters: a portable one, and a faster threaded one where the build allows it. Both share the same
//! handlers.
//!
//! [`Activation`] executes the instructions of one frame. Everything that changes frames or leaves the program returns
//! to [`Machine`] as an [`Exit`].

mod activation;
mod frame;
mod handlers;
#[cfg(feature = "native")]
mod native;
#[cfg(threaded)]
pub(crate) mod threaded;
#[cfg(feature = "native")]
mod tiers;

use core::sync::atomic::{AtomicBool, Ordering};

use crate::Trap;
use crate::host::{HostCalls, Stopped};
use crate::index::{FuncIndex, ImportIndex, Location};
use crate::instance::{Instance, Outcome, Overflow, Reason, Stack, Suspension, Trapped, Values};
use crate::isa::Inst;
#[cfg(feature = "native")]
use crate::native::Context;
#[cfg(feature = "native")]
use crate::verify::Verified;
use crate::verify::{Function, STATE_CELLS};
use activation::Activation;
#[cfg(feature = "jit")]
pub(crate) use frame::BYTES_PER_FUEL;
use frame::Exit;
#[cfg(feature = "native")]
pub(crate) use native::LastEntry;
#[cfg(feature = "jit")]
pub(crate) use native::MIN_BALANCE;
#[cfg(feature = "native")]
pub use native::{CodeKey, Entry, EntryRequest, NativeCode, NotReturned};
#[cfg(feature = "native")]
pub(crate) use tiers::Slice;
#[cfg(feature = "native")]
pub use tiers::{NextSlice, TierDecision, Tiers};

/// The interrupt flag of an instance that cannot be interrupted.
static NEVER: AtomicBool = AtomicBool::new(false);

/// Runs a function whose frame is the only one, and returns its results, or the outcome if the call ended otherwise.
#[inline]
pub(crate) fn start<S>(instance: &mut Instance<'_, S>, function: FuncIndex) -> Result<Values, Outcome> {
    #[cfg(threaded)]
    match start_threaded(instance, function) {
        Some(Started::Returned(values)) => return Ok(values),
        Some(Started::Exited(exit)) => return Err(continue_after_exit(instance, &exit)),
        None => {}
    }
    Err(start_machine(instance, function))
}

#[cfg_attr(threaded, cold)]
fn start_machine<S>(instance: &mut Instance<'_, S>, function: FuncIndex) -> Outcome {
    let mut machine = Machine::running(instance);
    match machine.enter(function) {
        Ok(at) => machine.run(at),
        Err(outcome) => outcome,
    }
}

/// The progress that [`start_threaded`] made.
#[cfg(threaded)]
enum Started {
    Returned(Values),
    Exited(threaded::ExitPoint),
}

/// Runs a function as [`start`] does, on a fast path, until it returns or the threaded interpreter exits. Returns
/// `None` if there is work to do at the function's entry.
#[cfg(threaded)]
#[inline]
fn start_threaded<S>(instance: &mut Instance<'_, S>, index: FuncIndex) -> Option<Started> {
    #[cfg(feature = "native")]
    if instance.native.is_some() || instance.tiers.is_some() {
        return None;
    }
    let functions = instance.program.functions();
    let function = functions.get(index.index())?;
    let balance = instance.balance.checked_sub(function.entry_charge().into())?;
    let interrupt = instance.interrupt.as_deref().unwrap_or(&NEVER);
    if !function.short_leaf && (balance < 0 || interrupt.load(Ordering::Relaxed)) {
        return None;
    }
    instance.balance = balance;
    let resources = threaded::Resources {
        threaded: instance.program.threaded(),
        constants: instance.program.program().constants(),
        cells: instance.stack.present_cells(),
        memory: &mut instance.memory,
        globals: &mut instance.globals,
        interrupt,
        host: &mut instance.host,
        balance: &mut instance.balance,
        calls_exit: false,
        compiled: &[],
    };
    let word = function.start as usize;
    let exit = threaded::ThreadState::execute(resources, index, 0, word, |state| {
        // Only the outermost frame has no caller.
        if state.has_returned() { None } else { Some(state.exit_point()) }
    });
    Some(match exit {
        None => Started::Returned(instance.stack.first_registers(function.ty.results())),
        Some(exit) => Started::Exited(exit),
    })
}

/// Handles the exit of the threaded interpreter, and continues.
#[cfg(threaded)]
#[cold]
fn continue_after_exit<S>(instance: &mut Instance<'_, S>, exit: &threaded::ExitPoint) -> Outcome {
    let mut machine = Machine::new(instance);
    let mut at = machine.position(Location { function: exit.index, word: 0 });
    machine.set_position(&mut at, exit);
    match machine.handle_exit(&mut at, exit.exit) {
        Ok(()) => machine.run(at),
        Err(outcome) => outcome,
    }
}

/// Continues a suspended program with the values it waits for. Their number has been checked.
pub(crate) fn resume<S>(instance: &mut Instance<'_, S>, reason: Reason, values: &[u64]) -> Outcome {
    let mut machine = Machine::running(instance);
    match machine.answer(reason, values) {
        Ok(at) => machine.run(at),
        Err(outcome) => outcome,
    }
}

/// Enters a function whose frame is the only one. Returns `None` if its first instruction can be executed.
pub(crate) fn enter<S>(instance: &mut Instance<'_, S>, function: FuncIndex) -> Option<Outcome> {
    let mut machine = Machine::new(instance).interpreting();
    let entered = machine.enter(function);
    machine.pause(entered)
}

/// Does the part of [`resume`] that precedes the next instruction. Returns `None` if an instruction can be executed.
pub(crate) fn answer<S>(instance: &mut Instance<'_, S>, reason: Reason, values: &[u64]) -> Option<Outcome> {
    let mut machine = Machine::new(instance).interpreting();
    let answered = machine.answer(reason, values);
    machine.pause(answered)
}

/// Continues at the location that is recorded for the running frame.
pub(crate) fn proceed<S>(instance: &mut Instance<'_, S>) -> Outcome {
    let mut machine = Machine::running(instance);
    let at = machine.position(machine.stack.location());
    machine.run(at)
}

/// Executes up to `limit` instructions, from the location that is recorded for the running frame. Stops earlier if
/// `stop` returns `true` for the location of an instruction other than the first. Returns `None` if there is a next
/// instruction.
pub(crate) fn step<S>(
    instance: &mut Instance<'_, S>,
    limit: u64,
    stop: impl FnMut(Location) -> bool,
) -> Option<Outcome> {
    let mut machine = Machine::new(instance).interpreting();
    let at = machine.position(machine.stack.location());
    let stepped = machine.step(at, limit, stop);
    machine.pause(stepped)
}

/// The running function and its next word, counted from the start of the whole code.
#[derive(Clone, Copy)]
struct Position {
    index: FuncIndex,
    function: Function,
    next: usize,
}

impl Position {
    /// Returns the location of the next word.
    fn location(&self) -> Location {
        Location { function: self.index, word: self.next as u32 - self.function.start }
    }

    /// Returns the location of the word that was executed last.
    fn executed(&self) -> Location {
        let location = self.location();
        Location { word: location.word - 1, ..location }
    }
}

/// A running instance.
struct Machine<'m, 'a, S> {
    #[cfg(feature = "native")]
    program: &'m Verified<'a>,
    functions: &'m [Function],
    code: &'m [[u8; 4]],
    constants: &'m [[u8; 8]],
    #[cfg(threaded)]
    threaded: &'m threaded::Threaded,
    host: &'m mut HostCalls<'a, S>,
    memory: &'m mut [u8],
    globals: &'m mut [u64],
    stack: &'m mut Stack,
    balance: &'m mut i64,
    interrupt: &'m AtomicBool,
    #[cfg(feature = "native")]
    context: &'m mut Context,
    #[cfg(feature = "native")]
    filled_by: &'m mut Option<CodeKey>,
    #[cfg(feature = "native")]
    native: Option<&'m (dyn NativeCode<S> + 'm)>,
    #[cfg(feature = "native")]
    tiers: Option<&'m (dyn Tiers<S> + 'm)>,
    #[cfg(feature = "native")]
    slice: &'m mut Slice,
}

impl<'m, 'a, S> Machine<'m, 'a, S> {
    fn new(instance: &'m mut Instance<'a, S>) -> Self {
        let program = instance.program.program();
        Machine {
            #[cfg(feature = "native")]
            program: &instance.program,
            functions: instance.program.functions(),
            code: program.code(),
            constants: program.constants(),
            #[cfg(threaded)]
            threaded: instance.program.threaded(),
            host: &mut instance.host,
            memory: &mut instance.memory,
            globals: &mut instance.globals,
            stack: &mut instance.stack,
            balance: &mut instance.balance,
            interrupt: instance.interrupt.as_deref().unwrap_or(&NEVER),
            #[cfg(feature = "native")]
            context: &mut instance.context,
            #[cfg(feature = "native")]
            filled_by: &mut instance.last_entry.filled_by,
            #[cfg(feature = "native")]
            native: instance.native.as_deref(),
            #[cfg(feature = "native")]
            tiers: instance.tiers.as_deref(),
            #[cfg(feature = "native")]
            slice: &mut instance.slice,
        }
    }

    /// Creates a machine that runs until the program exits, rather than step by step.
    fn running(instance: &'m mut Instance<'a, S>) -> Self {
        #[cfg_attr(not(feature = "native"), expect(unused_mut, reason = "there is nothing to do"))]
        let mut machine = Machine::new(instance);
        #[cfg(feature = "native")]
        machine.begin_slice();
        machine
    }

    /// Returns this machine without machine code.
    fn interpreting(self) -> Self {
        #[cfg(feature = "native")]
        return Machine { native: None, tiers: None, ..self };
        #[cfg(not(feature = "native"))]
        self
    }

    fn position(&self, location: Location) -> Position {
        let function = self.functions[location.function.index()];
        Position { index: location.function, function, next: (function.start + location.word) as usize }
    }

    /// Charges for the outermost frame and passes its safepoint. Returns the position of its first word.
    fn enter(&mut self, function: FuncIndex) -> Result<Position, Outcome> {
        let mut at = self.position(Location { function, word: 0 });
        self.enter_function(&mut at)?;
        Ok(at)
    }

    /// Gives a suspended program the values it waits for, and passes the safepoint if it is at one. Returns the
    /// position of the next word.
    fn answer(&mut self, reason: Reason, values: &[u64]) -> Result<Position, Outcome> {
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

    /// Executes until the program exits.
    fn run(&mut self, mut at: Position) -> Outcome {
        loop {
            if let Err(outcome) = self.advance::<false>(&mut at) {
                return outcome;
            }
        }
    }

    fn step(
        &mut self,
        mut at: Position,
        limit: u64,
        mut stop: impl FnMut(Location) -> bool,
    ) -> Result<Position, Outcome> {
        for executed in 0..limit {
            if executed > 0 && stop(at.location()) {
                break;
            }
            self.advance::<true>(&mut at)?;
        }
        Ok(at)
    }

    /// Records the location of the running frame, if the program has not ended.
    fn pause(&mut self, state: Result<Position, Outcome>) -> Option<Outcome> {
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
    fn advance<const STEP: bool>(&mut self, at: &mut Position) -> Result<(), Outcome> {
        match self.execute::<STEP>(at) {
            Some(exit) => self.handle_exit(at, exit),
            None => Ok(()),
        }
    }

    /// Handles an exit of the running frame.
    #[inline(always)]
    fn handle_exit(&mut self, at: &mut Position, exit: Exit) -> Result<(), Outcome> {
        match exit {
            Exit::Call(callee) => self.call(at, callee),
            Exit::CallIndirect { number, ty } => match self.indirect(number, ty) {
                Some(callee) => self.call(at, callee),
                None => Err(self.trap(*at, Trap::BadIndirectCall)),
            },
            Exit::Return => self.ret(at),
            Exit::Host(import) => self.host_call(at, import),
            Exit::Yield(value) => Err(self.suspend(at.executed(), Reason::Yield(value))),
            Exit::Halt(value) => Err(Outcome::Halted(value)),
            Exit::Trap(kind) => Err(self.trap(*at, kind)),
            Exit::Pending(import) => Err(self.suspend(at.executed(), Reason::Pending(import))),
            Exit::Safepoint => self.safepoint(at),
            Exit::Lost => unreachable!("verified: branches stay in the code"),
        }
    }

    /// Executes instructions until an exit. With `STEP`, executes one instruction, which may have none.
    #[inline(always)]
    fn execute<const STEP: bool>(&mut self, at: &mut Position) -> Option<Exit> {
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
    fn execute_threaded(&mut self, at: &mut Position) -> Exit {
        let base = self.stack.running();
        let exit = threaded::ThreadState::execute(
            threaded::Resources {
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
    fn set_position(&mut self, at: &mut Position, exit: &threaded::ExitPoint) {
        if self.stack.set_running(exit.base).is_none() {
            unreachable!("the interpreter exits in a frame");
        }
        if exit.index != at.index {
            *at = self.position(Location { function: exit.index, word: 0 });
        }
        at.next = exit.next;
    }

    #[cold]
    fn trap(&mut self, at: Position, trap: Trap) -> Outcome {
        let location = at.executed();
        self.stack.set_location(location);
        Outcome::Trapped(Trapped { trap, location })
    }

    #[cold]
    fn suspend(&mut self, location: Location, reason: Reason) -> Outcome {
        self.stack.set_location(location);
        Outcome::Suspended(Suspension { reason, location })
    }

    /// Passes the safepoint at the next word.
    fn safepoint(&mut self, at: &mut Position) -> Result<(), Outcome> {
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
    fn charge_entry(&mut self, at: &mut Position) -> Result<(), Outcome> {
        *self.balance = self.balance.saturating_sub(i64::from(at.function.entry_charge()));
        if at.function.short_leaf { Ok(()) } else { self.safepoint(at) }
    }

    fn call(&mut self, at: &mut Position, callee: FuncIndex) -> Result<(), Outcome> {
        self.stack.set_location(at.executed());
        let entry = self.position(Location { function: callee, word: 0 });
        if let Err(Overflow) = self.stack.push(&at.function, &entry.function) {
            return Err(self.trap(*at, Trap::StackOverflow));
        }
        *at = entry;
        self.enter_function(at)
    }

    /// Enters a function that has a frame: in machine code, if there is some that can be used, otherwise in the
    /// interpreter.
    #[inline]
    fn enter_function(&mut self, at: &mut Position) -> Result<(), Outcome> {
        #[cfg(feature = "native")]
        if let Some(native) = self.native
            && *self.balance >= native::MIN_BALANCE
        {
            return self.enter_native(native, Entry::Function(at.index), at);
        }
        #[cfg(feature = "native")]
        if let Some(decision) = self.decision(at.index) {
            return self.enter_decided(&decision, Entry::Function(at.index), at);
        }
        self.charge_entry(at)
    }

    /// Returns the function with this number, if it exists and has this type.
    fn indirect(&self, number: u64, ty: u32) -> Option<FuncIndex> {
        let index = FuncIndex(u32::try_from(number).ok()?);
        let function = self.functions.get(index.index())?;
        (u32::from(function.ty.bits()) == ty).then_some(index)
    }

    fn ret(&mut self, at: &mut Position) -> Result<(), Outcome> {
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

    fn host_call(&mut self, at: &mut Position, import: ImportIndex) -> Result<(), Outcome> {
        self.stack.set_location(at.executed());
        match self.host.call_with(import, self.memory, self.balance, self.stack.register_cells()) {
            Ok(()) => self.safepoint(at),
            Err(Stopped::Error(code)) => Err(self.trap(*at, Trap::Host(code))),
            Err(Stopped::Pending) => Err(self.suspend(at.executed(), Reason::Pending(import))),
        }
    }

    /// Writes the host's value to the register of the YIELD at the next word.
    fn answer_yield(&mut self, at: Position, values: &[u64]) {
        let inst = Inst::decode(u32::from_le_bytes(self.code[at.next])).ok();
        if let Some((reg, _)) = inst.and_then(|inst| inst.registers().next()) {
            self.stack.registers()[reg.index()] = values[0];
        }
    }
}
