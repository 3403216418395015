//! Entering machine code, and understanding how it was left.

use core::array;
use core::sync::atomic::{AtomicBool, Ordering};

use super::{Machine, NEVER, Position};
use crate::Trap;
use crate::host::HostCalls;
use crate::index::{FuncIndex, Place};
use crate::instance::{AttachError, CallError, Instance, Outcome, Reason, Suspension, Trapped};
use crate::limits::{MAX_PARAMS, MAX_RESULTS};
use crate::native::{CodeInfo, Context, ExitKind, NO_SITE};
use crate::verify::Verified;

/// Machine code does not saturate the balance, and tells from a number that is far below this one that it was left. A lower
/// balance is left to the interpreter.
pub(crate) const MIN_BALANCE: i64 = -(1 << 30);

/// Machine code of a program that the host can enter. Only a host can implement this so that it runs something.
pub trait NativeCode<S>: core::fmt::Debug + Send + Sync {
    /// What is known of the code.
    fn code(&self) -> &CodeInfo;

    /// Was the code made from this program?
    fn is_for(&self, program: &Verified<'_>) -> bool;

    /// Can frames in so many cells of stack have the native stack that they need?
    ///
    /// # Errors
    /// That would be more than is allowed.
    fn reserve(&self, cells: u32) -> Result<(), AttachError>;

    /// Enters the program where the session says. At the start of a function, its parameters are the first of the values;
    /// where a loop begins, its frame is up to date. The context's addresses are filled in here. Gives `false` if the function
    /// returned, with its results as the first values; `true` if the code was left at the context's site, or could not be entered,
    /// because there is no native stack for it: then the site is [`NO_SITE`], and nothing has happened.
    fn enter(&self, session: Session<'_, '_, S>, values: &mut [u64; MAX_PARAMS]) -> bool;
}

/// Where machine code is entered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entry {
    /// At the start of a function.
    Function(FuncIndex),
    /// Where a loop begins.
    Loop(Place),
}

/// A call into machine code. Only instances make these, so what one says is true.
#[derive(Debug)]
pub struct Session<'s, 'a, S>(Lent<'s, 'a, S>);

impl<'s, 'a, S> Session<'s, 'a, S> {
    /// What it lends. There is no way back.
    #[inline(always)]
    pub fn open(self) -> Lent<'s, 'a, S> {
        self.0
    }
}

/// What machine code works on, and where it is entered.
#[derive(Debug)]
#[non_exhaustive]
pub struct Lent<'s, 'a, S> {
    /// The program of the instance.
    pub program: &'s Verified<'a>,
    /// Where it is entered.
    pub entry: Entry,
    /// How many cells there can be behind the frame of the function that is entered, at most.
    pub remaining: u64,
    /// What it finds behind its context pointer.
    pub context: &'s mut Context,
    /// Did code that was attached then, and is now, fill in the context's addresses and sizes when it was entered before? They are
    /// those of memory, globals, cells and flag now, too; whoever had the context since filled in the same.
    pub is_filled: bool,
    /// The memory.
    pub memory: &'s mut [u8],
    /// The globals.
    pub globals: &'s mut [u64],
    /// The cells of the stack.
    pub cells: &'s mut [u64],
    /// The interrupt flag.
    pub interrupt: &'s AtomicBool,
    /// The host functions.
    pub host: &'s mut HostCalls<'a, S>,
}

/// A call of machine code that has not been brought to its end.
#[derive(Debug)]
pub struct NotReturned {
    /// The balance that it started with.
    before: i64,
    /// Was the code left? Else it was not entered.
    is_left: bool,
}

/// What [`Instance::call_native`] entered last.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Entered {
    /// The function's number, or one that no function has.
    function: u64,
    /// The cells that are left behind its frame, which is the first.
    remaining: u64,
}

impl Entered {
    /// Nothing was entered since the code was attached.
    pub(crate) const NOTHING: Entered = Entered { function: u64::MAX, remaining: 0 };
}

/// The context of a session. Its fuel becomes the balance when the session ends, also by a panic of a host function.
struct Running<'b> {
    context: &'b mut Context,
    balance: &'b mut i64,
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        *self.balance = self.context.fuel;
    }
}

impl<'a, S> Machine<'_, 'a, S> {
    /// Runs the function whose frame is the running one. If it returns, `at` is behind its call; the interpreter can also go
    /// on elsewhere.
    pub(super) fn enter_native(
        &mut self,
        native: &dyn NativeCode<S>,
        entry: Entry,
        at: &mut Position,
    ) -> Result<(), Outcome> {
        let function = at.function;
        let remaining = self.stack.remaining(function.frame_cells());
        let running = Running { context: self.context, balance: self.balance };
        running.context.fuel = *running.balance;
        let mut values = array::from_fn(|index| self.stack.registers()[index]);
        let session = Session(Lent {
            program: self.program,
            entry,
            remaining,
            context: running.context,
            is_filled: false,
            memory: self.memory,
            globals: self.globals,
            cells: self.stack.all_cells(),
            interrupt: self.interrupt,
            host: self.host,
        });
        let left = native.enter(session, &mut values);
        drop(running);
        if left && self.context.site == NO_SITE {
            return match entry {
                Entry::Function(_) => self.entered(at),
                // It came from the check point there.
                Entry::Loop(_) => Ok(()),
            };
        }
        if left {
            let place = self.left(native.code())?;
            *at = self.position(place);
            return Ok(());
        }
        let results = function.ty.results();
        self.stack.registers()[..results].copy_from_slice(&values[..results]);
        self.ret(at)
    }

    /// What it means that machine code was left. Gives the place where the interpreter goes on, if that is all.
    fn left(&mut self, code: &CodeInfo) -> Result<Place, Outcome> {
        let Context { site, frame, value, .. } = *self.context;
        let site = usize::try_from(site).ok().and_then(|site| code.sites().get(site));
        let Some(site) = site else { unreachable!("machine code is left at its sites") };
        if code.options().fuel {
            *self.balance = self.balance.wrapping_sub(i64::from(site.charged));
        }
        if usize::try_from(frame).ok().and_then(|frame| self.stack.set_running(frame)).is_none() {
            unreachable!("machine code is left in a frame");
        }
        if let Some(call) = site.inlined_at {
            self.stack.set_place(call);
            if self.stack.push_place(&self.functions[call.function.index()]).is_none() {
                unreachable!("the frame of an inlined function fits");
            }
        }
        let place = site.place;
        self.stack.set_place(place);
        let trapped = |trap| Outcome::Trapped(Trapped { trap, place });
        let suspended = |reason| Outcome::Suspended(Suspension { reason, place });
        Err(match site.kind {
            ExitKind::Trap(trap) => trapped(trap),
            ExitKind::HostError => trapped(Trap::Host(value as u32)),
            ExitKind::Halt => Outcome::Halted(value),
            // Only a slice of the fuel is used up. The interpreter goes on to the next check point.
            ExitKind::Fuel if self.host.own.kept > 0 && self.whole_balance() >= 0 => {
                if !self.interrupt.load(Ordering::Relaxed) {
                    return Ok(place);
                }
                suspended(Reason::Interrupted)
            }
            ExitKind::Fuel => suspended(Reason::Fuel),
            ExitKind::Interrupted => suspended(Reason::Interrupted),
            ExitKind::Yield => suspended(Reason::Yield(value)),
            ExitKind::Pending(import) => suspended(Reason::Pending(import)),
            ExitKind::Interpret => return Ok(place),
        })
    }
}

impl<'a, S> Instance<'a, S> {
    /// Calls a function as [`Self::call`] does, and faster if this machine code is what is attached. `enter` does what
    /// [`NativeCode::enter`] does, with that code: it has the arguments already, and keeps the results.
    ///
    /// # Errors
    /// That did not work out: [`Self::finish_native`] says how the call ended.
    #[inline(always)]
    pub fn call_native<N: NativeCode<S> + ?Sized>(
        &mut self,
        native: &N,
        function: FuncIndex,
        enter: impl FnOnce(Session<'_, 'a, S>) -> bool,
    ) -> Result<(), NotReturned> {
        let before = self.starting_balance();
        if self.is_idle() && before >= MIN_BALANCE && self.runs(native) {
            let entered = if self.entered.function == u64::from(function.0) {
                Some((self.entered.remaining, true))
            } else {
                self.prepare_entry(function)
            };
            if let Some((remaining, is_filled)) = entered {
                if self.enter_native((function, remaining), is_filled, before, enter) {
                    return Err(NotReturned { before, is_left: true });
                }
                return Ok(());
            }
        }
        Err(NotReturned { before, is_left: false })
    }

    /// How a call ended that [`Self::call_native`] has not brought to its end, with this code and function. It was not entered,
    /// or is continued; its arguments are the first of the values. If the function returns this gives `None`, and its results
    /// are the first of the values.
    ///
    /// # Errors
    /// The function does not exist, or the instance is suspended and has to be resumed or reset first.
    #[cold]
    pub fn finish_native<N: NativeCode<S> + ?Sized>(
        &mut self,
        native: &N,
        function: FuncIndex,
        values: &mut [u64; MAX_PARAMS],
        NotReturned { before, is_left }: NotReturned,
    ) -> Result<Option<Outcome>, CallError> {
        let outcome = if is_left && self.context.site != NO_SITE {
            self.left_native(native.code(), before)
        } else {
            let callee = self.program.function(function).ok_or(CallError::NoFunction(function))?;
            let count = callee.ty.params();
            self.call(function, &values[..count])?
        };
        match outcome {
            Outcome::Returned(results) => {
                for (index, value) in values.iter_mut().enumerate().take(MAX_RESULTS) {
                    *value = results.get(index).copied().unwrap_or(0);
                }
                Ok(None)
            }
            other => Ok(Some(other)),
        }
    }

    /// Makes the stack ready for a function whose frame is the first. If it fits, gives the cells that are left behind it, and
    /// whether the context is filled.
    #[cold]
    #[inline(never)]
    fn prepare_entry(&mut self, function: FuncIndex) -> Option<(u64, bool)> {
        let callee = self.program.function(function)?;
        let remaining = u64::from(self.stack.cells()).checked_sub(callee.frame_cells().into())?;
        self.stack.begin();
        let is_filled = self.entered.function != Entered::NOTHING.function;
        self.entered = Entered { function: function.0.into(), remaining };
        Some((remaining, is_filled))
    }

    /// Gives `true` if the code was left.
    #[inline(always)]
    fn enter_native(
        &mut self,
        (function, remaining): (FuncIndex, u64),
        is_filled: bool,
        before: i64,
        enter: impl FnOnce(Session<'_, 'a, S>) -> bool,
    ) -> bool {
        self.stack.clear();
        self.context.fuel = before;
        let running = Running { context: &mut self.context, balance: &mut self.balance };
        let session = Session(Lent {
            program: &self.program,
            entry: Entry::Function(function),
            remaining,
            context: running.context,
            is_filled,
            memory: &mut self.memory,
            globals: &mut self.globals,
            cells: self.stack.present_cells(),
            interrupt: self.interrupt.as_deref().unwrap_or(&NEVER),
            host: &mut self.host,
        });
        let left = enter(session);
        drop(running);
        if !left {
            self.saturate(before);
        }
        left
    }

    #[cold]
    fn left_native(&mut self, code: &CodeInfo, before: i64) -> Outcome {
        let mut machine = Machine::new(self);
        let outcome = match machine.left(code) {
            Ok(place) => {
                let at = machine.position(place);
                machine.run(at)
            }
            Err(outcome) => outcome,
        };
        self.stop_engine(before);
        self.ended(&outcome);
        outcome
    }
}
