//! Entering machine code, and understanding how it was left.

use alloc::sync::Arc;
use core::array;
use core::sync::atomic::{AtomicBool, Ordering};

use super::{Machine, NEVER, Position};
use crate::Trap;
use crate::host::HostCalls;
use crate::index::{FuncIndex, Location};
use crate::instance::{AttachError, CallError, Instance, Outcome, Reason, Suspension, Trapped};
use crate::limits::{MAX_PARAMS, MAX_RESULTS};
use crate::native::{Addresses, CodeInfo, Context, ExitKind, NO_SITE};
use crate::verify::Verified;

/// Machine code does not saturate the balance, and tells from a number that is far below this one that it was left. A lower
/// balance is left to the interpreter.
pub(crate) const MIN_BALANCE: i64 = -(1 << 30);

/// Machine code of a program that the host can enter. Only a host can implement this so that it runs something.
///
/// Instances trust an implementation to do what the methods say. One that does not makes the program's results wrong, or the
/// instance panic; in safe code it cannot do more.
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
    /// where a loop begins, its frame is up to date. Gives `false` if the function returned, with its results as the first
    /// values; `true` if the code was left at the context's site, or could not be entered, because there is no native stack
    /// for it: then the site is [`NO_SITE`], and nothing has happened.
    fn enter(&self, session: Session<'_, '_, S>, values: &mut [u64; MAX_PARAMS]) -> bool;
}

/// Where machine code is entered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entry {
    /// At the start of a function.
    Function(FuncIndex),
    /// Where a loop begins.
    Loop(Location),
}

/// A call into machine code, which only instances make.
///
/// What machine code relies on is reached through raw pointers only: safe code can pass a session on, but change nothing
/// behind it.
///
/// ```compile_fail
/// fn change<S>(session: vsp_core::Session<'_, '_, S>) {
///     (*session.context()).memory = 0;
/// }
/// ```
///
/// ```compile_fail
/// fn change<S>(session: vsp_core::Session<'_, '_, S>) {
///     session.context().memory = 0;
/// }
/// ```
#[derive(Debug)]
pub struct Session<'s, 'a, S> {
    program: &'s Verified<'a>,
    entry: Entry,
    remaining: u64,
    /// Its addresses of memory, globals, cells and flag are those of the instance.
    context: &'s mut Context,
    /// Whose addresses of code and functions the context has.
    filled_by: &'s mut Option<CodeKey>,
    host: &'s mut HostCalls<'a, S>,
}

impl<'a, S> Session<'_, 'a, S> {
    /// Returns the program of the instance.
    #[inline(always)]
    pub fn program(&self) -> &Verified<'a> {
        self.program
    }

    /// Returns where machine code is to be entered.
    #[inline(always)]
    pub fn entry(&self) -> Entry {
        self.entry
    }

    /// Returns how many cells there can be above the frame of the function that is entered.
    #[inline(always)]
    pub fn remaining(&self) -> u64 {
        self.remaining
    }

    /// Returns whether the holder of this key filled in the addresses of code and functions, for this instance, and nobody since.
    #[inline(always)]
    pub fn is_filled_by(&self, key: &CodeKey) -> bool {
        self.filled_by.as_ref().is_some_and(|filled_by| filled_by.is(key))
    }

    /// Fills in the addresses of code and functions in the context.
    #[cold]
    pub fn fill(&mut self, key: &CodeKey, addresses: Addresses) {
        self.context.fill(addresses);
        *self.filled_by = Some(key.share());
    }

    /// Returns the context. Its addresses of memory, globals, cells and interrupt flag are those of the instance, and exposed
    /// for this session; until the session is dropped nobody else uses what is there.
    #[inline(always)]
    pub fn context(&mut self) -> *mut Context {
        self.context
    }

    /// Returns the host functions of the instance.
    #[inline(always)]
    pub fn host(&mut self) -> *mut HostCalls<'a, S> {
        self.host
    }
}

/// The identity of machine code that lies somewhere: an address may be used again, a key is not.
///
/// Whoever holds the key keeps it to itself. So [`Session::is_filled_by`] means that the holder filled in the context.
#[derive(Debug)]
pub struct CodeKey(Arc<u8>);

impl CodeKey {
    /// Makes a key that is like no other.
    #[must_use]
    pub fn new() -> CodeKey {
        CodeKey(Arc::new(0))
    }

    /// The allocation stays while there is a share of the key, so its address belongs to this key alone.
    #[inline(always)]
    fn is(&self, other: &CodeKey) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    fn share(&self) -> CodeKey {
        CodeKey(self.0.clone())
    }
}

impl Default for CodeKey {
    fn default() -> CodeKey {
        CodeKey::new()
    }
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
#[derive(Debug)]
pub(crate) struct Entered {
    /// The function's number, or one that no function has.
    function: u64,
    /// The cells that are left behind its frame, which is the first.
    remaining: u64,
    /// The key of the code that filled in the context.
    pub(crate) filled_by: Option<CodeKey>,
}

impl Entered {
    /// Nothing was entered since the code was attached.
    pub(crate) const NOTHING: Entered = Entered { function: u64::MAX, remaining: 0, filled_by: None };
}

/// What machine code works on, at addresses that do not change while the instance lives.
struct InstanceData<'s> {
    memory: &'s mut [u8],
    globals: &'s mut [u64],
    /// All that there can be.
    cells: &'s mut [u64],
    interrupt: &'s AtomicBool,
}

impl InstanceData<'_> {
    /// Exposes the addresses: of memory, globals, the end of the cells, and the flag.
    #[inline(always)]
    fn expose(self) -> [u64; 4] {
        let globals = self.globals.as_mut_ptr().expose_provenance();
        let cells_end = self.cells.as_mut_ptr_range().end.expose_provenance();
        let interrupt = self.interrupt.as_ptr().expose_provenance();
        [self.memory.as_mut_ptr().expose_provenance(), globals, cells_end, interrupt]
            .map(|address| address as u64)
    }

    /// Fills in addresses and sizes.
    fn fill(self, context: &mut Context) {
        context.memory_size = self.memory.len() as u64;
        context.cells = self.cells.len() as u64;
        [context.memory, context.globals, context.cells_end, context.interrupt] = self.expose();
    }
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
        instance.fill(self.context);
        let running = Running { context: self.context, balance: self.balance };
        running.context.fuel = *running.balance;
        let left = native.enter(
            Session {
                program: self.program,
                entry,
                remaining,
                context: running.context,
                filled_by: self.filled_by,
                host: self.host,
            },
            &mut values,
        );
        drop(running);
        if left && self.context.site == NO_SITE {
            return match entry {
                Entry::Function(_) => self.entered(at),
                // It came from the safepoint there.
                Entry::Loop(_) => Ok(()),
            };
        }
        if left {
            let location = self.left(native.code())?;
            *at = self.position(location);
            return Ok(());
        }
        let results = function.ty.results();
        self.stack.registers()[..results].copy_from_slice(&values[..results]);
        self.ret(at)
    }

    /// What it means that machine code was left. Gives the place where the interpreter goes on, if that is all.
    fn left(&mut self, code: &CodeInfo) -> Result<Location, Outcome> {
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
            // Only a slice of the fuel is used up. The interpreter goes on to the next safepoint.
            ExitKind::Fuel if self.host.own.kept > 0 && self.whole_balance() >= 0 => {
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
            let remaining = if self.entered.function == u64::from(function.0) {
                Some(self.entered.remaining)
            } else {
                self.prepare_entry(function)
            };
            if let Some(remaining) = remaining {
                if self.enter_native(function, remaining, before, enter) {
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

    /// Makes stack and context ready for a function whose frame is the first. If it fits, gives the cells that are left behind it.
    #[cold]
    #[inline(never)]
    fn prepare_entry(&mut self, function: FuncIndex) -> Option<u64> {
        let callee = self.program.function(function)?;
        let remaining = u64::from(self.stack.cells()).checked_sub(callee.frame_cells().into())?;
        self.stack.begin();
        let data = InstanceData {
            memory: &mut self.memory,
            globals: &mut self.globals,
            cells: self.stack.all_cells(),
            interrupt: self.interrupt.as_deref().unwrap_or(&NEVER),
        };
        data.fill(&mut self.context);
        self.entered.function = function.0.into();
        self.entered.remaining = remaining;
        Some(remaining)
    }

    /// Gives `true` if the code was left.
    #[inline(always)]
    fn enter_native(
        &mut self,
        function: FuncIndex,
        remaining: u64,
        before: i64,
        enter: impl FnOnce(Session<'_, 'a, S>) -> bool,
    ) -> bool {
        self.stack.clear();
        // The context has these addresses; but each session borrows what is there, and exposes it.
        InstanceData {
            memory: &mut self.memory,
            globals: &mut self.globals,
            cells: self.stack.present_cells(),
            interrupt: self.interrupt.as_deref().unwrap_or(&NEVER),
        }
        .expose();
        self.context.fuel = before;
        let running = Running { context: &mut self.context, balance: &mut self.balance };
        let left = enter(Session {
            program: &self.program,
            entry: Entry::Function(function),
            remaining,
            context: running.context,
            filled_by: &mut self.entered.filled_by,
            host: &mut self.host,
        });
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
            Ok(location) => {
                let at = machine.position(location);
                machine.run(at)
            }
            Err(outcome) => outcome,
        };
        self.stop_engine(before);
        self.ended(&outcome);
        outcome
    }
}
