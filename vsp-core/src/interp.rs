//! The interpreter: executes a verified program, allocates nothing and is the meaning that every other engine is compared with.
//!
//! There are two: a portable one, and where the build allows it a threaded one that is faster. Both have the same handlers.
//!
//! [`Activation`] executes the instructions of one frame; everything that changes frames, or leaves the program, comes
//! back to [`Machine`] as an [`Exit`].

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
pub(crate) use native::Entered;
#[cfg(feature = "jit")]
pub(crate) use native::MIN_BALANCE;
#[cfg(feature = "native")]
pub use native::{CodeKey, Entry, NativeCode, NotReturned, Session};
#[cfg(feature = "native")]
pub(crate) use tiers::Slice;
#[cfg(feature = "native")]
pub use tiers::{Chosen, Next, Tiers};

/// What an instance that cannot be interrupted looks at.
static NEVER: AtomicBool = AtomicBool::new(false);

/// Runs a function whose frame is the only one, and gives its results, or how else the call ended.
#[inline]
pub(crate) fn start<S>(instance: &mut Instance<'_, S>, function: FuncIndex) -> Result<Values, Outcome> {
    #[cfg(threaded)]
    match start_threaded(instance, function) {
        Some(Started::Returned(values)) => return Ok(values),
        Some(Started::Left(left)) => return Err(go_on(instance, &left)),
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

/// How far [`start_threaded`] got.
#[cfg(threaded)]
enum Started {
    Returned(Values),
    Left(threaded::Left),
}

/// Does what [`start`] does in few steps, if there is nothing to be done at the function's entry: until it returns, or the
/// threaded interpreter is left.
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
    let lent = threaded::Lent {
        threaded: instance.program.threaded(),
        constants: instance.program.program().constants(),
        cells: instance.stack.present_cells(),
        memory: &mut instance.memory,
        globals: &mut instance.globals,
        interrupt,
        host: &mut instance.host,
        balance: &mut instance.balance,
        calls_leave: false,
        compiled: &[],
    };
    let word = function.start as usize;
    let left = threaded::State::execute(lent, index, 0, word, |state| {
        // Only the frame that was entered has no caller.
        if state.has_returned() { None } else { Some(state.left()) }
    });
    Some(match left {
        None => Started::Returned(instance.stack.first_registers(function.ty.results())),
        Some(left) => Started::Left(left),
    })
}

/// Does what the threaded interpreter was left for, and continues.
#[cfg(threaded)]
#[cold]
fn go_on<S>(instance: &mut Instance<'_, S>, left: &threaded::Left) -> Outcome {
    let mut machine = Machine::new(instance);
    let mut at = machine.position(Location { function: left.index, word: 0 });
    machine.take_over(&mut at, left);
    match machine.act(&mut at, left.exit) {
        Ok(()) => machine.run(at),
        Err(outcome) => outcome,
    }
}

/// Continues a suspended program with the values it waits for, whose number is right.
pub(crate) fn resume<S>(instance: &mut Instance<'_, S>, reason: Reason, values: &[u64]) -> Outcome {
    let mut machine = Machine::running(instance);
    match machine.answer(reason, values) {
        Ok(at) => machine.run(at),
        Err(outcome) => outcome,
    }
}

/// Enters a function whose frame is the only one. `None` if its first instruction can be executed.
pub(crate) fn enter<S>(instance: &mut Instance<'_, S>, function: FuncIndex) -> Option<Outcome> {
    let mut machine = Machine::new(instance).interpreting();
    let entered = machine.enter(function);
    machine.pause(entered)
}

/// What [`resume`] does before it executes an instruction. `None` if one can be executed.
pub(crate) fn answer<S>(instance: &mut Instance<'_, S>, reason: Reason, values: &[u64]) -> Option<Outcome> {
    let mut machine = Machine::new(instance).interpreting();
    let answered = machine.answer(reason, values);
    machine.pause(answered)
}

/// Continues where the running frame is said to be.
pub(crate) fn proceed<S>(instance: &mut Instance<'_, S>) -> Outcome {
    let mut machine = Machine::running(instance);
    let at = machine.position(machine.stack.location());
    machine.run(at)
}

/// Executes up to `limit` instructions, from where the running frame is said to be, and fewer if `stop` says so of the
/// place of one that is not the first. `None` if there is a next one.
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

/// The function that runs, and the next word, counted from the start of the whole code.
#[derive(Clone, Copy)]
struct Position {
    index: FuncIndex,
    function: Function,
    next: usize,
}

impl Position {
    /// The place of the next word.
    fn location(&self) -> Location {
        Location { function: self.index, word: self.next as u32 - self.function.start }
    }

    /// The place of the word that was executed last.
    fn executed(&self) -> Location {
        let location = self.location();
        Location { word: location.word - 1, ..location }
    }
}

/// An instance while it runs.
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
            filled_by: &mut instance.entered.filled_by,
            #[cfg(feature = "native")]
            native: instance.native.as_deref(),
            #[cfg(feature = "native")]
            tiers: instance.tiers.as_deref(),
            #[cfg(feature = "native")]
            slice: &mut instance.slice,
        }
    }

    /// That runs until it leaves, and not step by step.
    fn running(instance: &'m mut Instance<'a, S>) -> Self {
        #[cfg_attr(not(feature = "native"), expect(unused_mut, reason = "there is nothing to do"))]
        let mut machine = Machine::new(instance);
        #[cfg(feature = "native")]
        machine.begin_slices();
        machine
    }

    /// Without machine code.
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

    /// Charges for the only frame, and passes its safepoint. Gives its first word.
    fn enter(&mut self, function: FuncIndex) -> Result<Position, Outcome> {
        let mut at = self.position(Location { function, word: 0 });
        self.begin(&mut at)?;
        Ok(at)
    }

    /// Gives a suspended program what it waits for, and passes the safepoint if it is at one. Gives the next word.
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

    /// Executes until the program leaves.
    fn run(&mut self, mut at: Position) -> Outcome {
        loop {
            if let Err(outcome) = self.turn::<false>(&mut at) {
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
            self.turn::<true>(&mut at)?;
        }
        Ok(at)
    }

    /// Records where the running frame is, if the program did not end.
    fn pause(&mut self, state: Result<Position, Outcome>) -> Option<Outcome> {
        match state {
            Ok(at) => {
                self.stack.set_location(at.location());
                None
            }
            Err(outcome) => Some(outcome),
        }
    }

    /// Executes instructions of the running frame until one needs more than the frame, and then does that; or just one
    /// instruction.
    #[inline(always)]
    fn turn<const ONE: bool>(&mut self, at: &mut Position) -> Result<(), Outcome> {
        match self.execute::<ONE>(at) {
            Some(exit) => self.act(at, exit),
            None => Ok(()),
        }
    }

    /// Does what the running frame was left for.
    #[inline(always)]
    fn act(&mut self, at: &mut Position, exit: Exit) -> Result<(), Outcome> {
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

    /// Executes instructions until an exit; or just one, which may have none.
    #[inline(always)]
    fn execute<const ONE: bool>(&mut self, at: &mut Position) -> Option<Exit> {
        #[cfg(threaded)]
        if !ONE {
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
        let exit = if ONE { activation.step() } else { Some(activation.execute()) };
        at.next = activation.next;
        *self.balance = activation.balance();
        exit
    }

    #[cfg(threaded)]
    #[inline(always)]
    fn execute_threaded(&mut self, at: &mut Position) -> Exit {
        let base = self.stack.running();
        let left = threaded::State::execute(
            threaded::Lent {
                threaded: self.threaded,
                constants: self.constants,
                cells: self.stack.present_cells(),
                memory: self.memory,
                globals: self.globals,
                interrupt: self.interrupt,
                host: self.host,
                balance: self.balance,
                #[cfg(feature = "native")]
                calls_leave: self.native.is_some(),
                #[cfg(not(feature = "native"))]
                calls_leave: false,
                #[cfg(feature = "native")]
                compiled: self.tiers.map_or(&[], Tiers::compiled),
                #[cfg(not(feature = "native"))]
                compiled: &[],
            },
            at.index,
            base,
            at.next,
            |state| state.left(),
        );
        self.take_over(at, &left);
        left.exit
    }

    /// The threaded interpreter was left there.
    #[cfg(threaded)]
    #[inline(always)]
    fn take_over(&mut self, at: &mut Position, left: &threaded::Left) {
        if self.stack.set_running(left.base).is_none() {
            unreachable!("the interpreter is left in a frame");
        }
        if left.index != at.index {
            *at = self.position(Location { function: left.index, word: 0 });
        }
        at.next = left.next;
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

    /// A safepoint whose place is the next word.
    fn safepoint(&mut self, at: &mut Position) -> Result<(), Outcome> {
        let reason = if *self.balance < 0 {
            #[cfg(feature = "native")]
            return self.slice_ended(at);
            #[cfg(not(feature = "native"))]
            Reason::Fuel
        } else if self.interrupt.load(Ordering::Relaxed) {
            Reason::Interrupted
        } else {
            return Ok(());
        };
        Err(self.suspend(at.location(), reason))
    }

    /// What happens when a frame was made: its charge, and the safepoint.
    fn entered(&mut self, at: &mut Position) -> Result<(), Outcome> {
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
        self.begin(at)
    }

    /// Begins with a function whose frame was made: in machine code, if there is any and it can be used, or here.
    #[inline]
    fn begin(&mut self, at: &mut Position) -> Result<(), Outcome> {
        #[cfg(feature = "native")]
        if let Some(native) = self.native
            && *self.balance >= native::MIN_BALANCE
        {
            return self.enter_native(native, Entry::Function(at.index), at);
        }
        #[cfg(feature = "native")]
        if let Some(chosen) = self.chosen(at.index) {
            return self.enter_chosen(&chosen, Entry::Function(at.index), at);
        }
        self.entered(at)
    }

    /// The function with this number, if it exists and has this type.
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

    /// Puts the host's value into the register of the YIELD that is the next word.
    fn answer_yield(&mut self, at: Position, values: &[u64]) {
        let inst = Inst::decode(u32::from_le_bytes(self.code[at.next])).ok();
        if let Some((reg, _)) = inst.and_then(|inst| inst.registers().next()) {
            self.stack.registers()[reg.index()] = values[0];
        }
    }
}
