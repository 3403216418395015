//! Entering machine code, and handling its exits.

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

/// The lowest balance with which machine code is entered. Machine code does not saturate the balance, and a number far
/// below this one signals an exit. The interpreter runs programs with a lower balance.
pub(crate) const MIN_BALANCE: i64 = -(1 << 30);

/// Machine code of a program that the host can enter. Only a host can give an implementation something to run.
///
/// Instances trust an implementation to do as the methods say. One that does not makes the program's results wrong, or
/// the instance panic; in safe code it can do no more harm.
pub trait NativeCode<S>: core::fmt::Debug + Send + Sync {
    /// Returns the data about the code.
    fn code(&self) -> &CodeInfo;

    /// Returns whether the code was compiled from this program.
    fn is_for(&self, program: &Verified<'_>) -> bool;

    /// Reserves the native stack for frames that take this number of cells.
    ///
    /// # Errors
    /// It would take more than is allowed.
    fn reserve(&self, cells: u32) -> Result<(), AttachError>;

    /// Enters the program at the request's entry. At the start of a function, its parameters are the first of the
    /// values; at an OSR entry, its frame is up to date.
    ///
    /// Returns `false` if the function returned, with its results as the first values. Returns `true` if the code
    /// exited at the context's site. The site is [`NO_SITE`] if the code could not be entered, because it lacks native
    /// stack: then nothing has happened.
    fn enter(&self, session: EntryRequest<'_, '_, S>, values: &mut [u64; MAX_PARAMS]) -> bool;
}

/// An entry point of machine code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entry {
    /// The start of a function.
    Function(FuncIndex),
    /// A loop header, for on-stack replacement.
    Osr(Location),
}

/// A request to enter machine code. Only instances make it.
///
/// The data that machine code relies on is reached only through raw pointers: safe code can pass a request on, but
/// cannot change that data.
///
/// ```compile_fail
/// fn change<S>(request: vsp_core::EntryRequest<'_, '_, S>) {
///     (*request.context()).memory = 0;
/// }
/// ```
///
/// ```compile_fail
/// fn change<S>(request: vsp_core::EntryRequest<'_, '_, S>) {
///     request.context().memory = 0;
/// }
/// ```
#[derive(Debug)]
pub struct EntryRequest<'s, 'a, S> {
    program: &'s Verified<'a>,
    entry: Entry,
    remaining: u64,
    /// The context. Its addresses of memory, globals, cells and flag are those of the instance.
    context: &'s mut Context,
    /// The key of the code whose code and function addresses are in the context.
    filled_by: &'s mut Option<CodeKey>,
    host: &'s mut HostCalls<'a, S>,
}

impl<'a, S> EntryRequest<'_, 'a, S> {
    /// Returns the program of the instance.
    #[inline(always)]
    pub fn program(&self) -> &Verified<'a> {
        self.program
    }

    /// Returns the entry point.
    #[inline(always)]
    pub fn entry(&self) -> Entry {
        self.entry
    }

    /// Returns the number of cells available above the frame of the function that is entered.
    #[inline(always)]
    pub fn remaining(&self) -> u64 {
        self.remaining
    }

    /// Returns whether the holder of this key was the last to fill in the addresses of code and functions for this
    /// instance.
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

    /// Returns the context. Its addresses of memory, globals, cells and interrupt flag are those of the instance, and
    /// are exposed for this request. Until the request is dropped, nothing else uses the data at these addresses.
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

/// The identity of loaded machine code. Unlike an address, a key is never used again.
///
/// The holder of a key does not share it. So [`EntryRequest::is_filled_by`] means that the holder filled in the
/// context.
#[derive(Debug)]
pub struct CodeKey(Arc<u8>);

impl CodeKey {
    /// Creates a key that differs from all others.
    #[must_use]
    pub fn new() -> CodeKey {
        CodeKey(Arc::new(0))
    }

    /// Returns whether the keys are the same. The allocation lives as long as any share of the key, so its address is
    /// unique to this key.
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

/// A call of machine code that did not return.
#[derive(Debug)]
pub struct NotReturned {
    /// The balance at its start.
    before: i64,
    /// Whether the code exited. If not, it was not entered.
    has_exited: bool,
}

/// The last entry through [`Instance::call_native`].
#[derive(Debug)]
pub(crate) struct LastEntry {
    /// The function's number, or one that no function has.
    function: u64,
    /// The number of cells available above its frame, which is the outermost.
    remaining: u64,
    /// The key of the code that filled in the context.
    pub(crate) filled_by: Option<CodeKey>,
}

impl LastEntry {
    /// The state before anything has been entered since the code was attached.
    pub(crate) const NOTHING: LastEntry = LastEntry { function: u64::MAX, remaining: 0, filled_by: None };
}

/// The data of an instance that machine code uses. Its addresses do not change while the instance lives.
struct InstanceData<'s> {
    memory: &'s mut [u8],
    globals: &'s mut [u64],
    /// All cells that the stack can have.
    cells: &'s mut [u64],
    interrupt: &'s AtomicBool,
}

impl InstanceData<'_> {
    /// Exposes and returns the addresses of the memory, the globals, the end of the cells, and the interrupt flag.
    #[inline(always)]
    fn expose(self) -> [u64; 4] {
        let globals = self.globals.as_mut_ptr().expose_provenance();
        let cells_end = self.cells.as_mut_ptr_range().end.expose_provenance();
        let interrupt = self.interrupt.as_ptr().expose_provenance();
        [self.memory.as_mut_ptr().expose_provenance(), globals, cells_end, interrupt]
            .map(|address| address as u64)
    }

    /// Writes the addresses and sizes to the context.
    fn fill(self, context: &mut Context) {
        context.memory_size = self.memory.len() as u64;
        context.cells = self.cells.len() as u64;
        [context.memory, context.globals, context.cells_end, context.interrupt] = self.expose();
    }
}

/// A guard of a context while machine code runs. When it is dropped, also by a panic of a host function, the context's
/// fuel becomes the balance.
struct FuelGuard<'b> {
    context: &'b mut Context,
    balance: &'b mut i64,
}

impl Drop for FuelGuard<'_> {
    fn drop(&mut self) {
        *self.balance = self.context.fuel;
    }
}

impl<'a, S> Machine<'_, 'a, S> {
    /// Runs the function of the running frame. If it returns, `at` is the word after its call; after an exit it can be
    /// any location where the interpreter continues.
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
        let guard = FuelGuard { context: self.context, balance: self.balance };
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
            return match entry {
                Entry::Function(_) => self.charge_entry(at),
                // The program came from the safepoint at this location.
                Entry::Osr(_) => Ok(()),
            };
        }
        if exited {
            let location = self.handle_code_exit(native.code())?;
            *at = self.position(location);
            return Ok(());
        }
        let results = function.ty.results();
        self.stack.registers()[..results].copy_from_slice(&values[..results]);
        self.ret(at)
    }

    /// Handles the exit of machine code. Returns the location where the interpreter continues, if the program does not
    /// stop.
    fn handle_code_exit(&mut self, code: &CodeInfo) -> Result<Location, Outcome> {
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

impl<'a, S> Instance<'a, S> {
    /// Calls a function as [`Self::call`] does, and faster if this machine code is the attached one. `enter` does the
    /// same as [`NativeCode::enter`] with that code; it already has the arguments, and keeps the results.
    ///
    /// # Errors
    /// The function did not return in machine code: [`Self::finish_native`] completes the call.
    #[inline(always)]
    pub fn call_native<N: NativeCode<S> + ?Sized>(
        &mut self,
        native: &N,
        function: FuncIndex,
        enter: impl FnOnce(EntryRequest<'_, 'a, S>) -> bool,
    ) -> Result<(), NotReturned> {
        let before = self.starting_balance();
        if self.is_idle() && before >= MIN_BALANCE && self.runs(native) {
            let remaining = if self.last_entry.function == u64::from(function.0) {
                Some(self.last_entry.remaining)
            } else {
                self.prepare_entry(function)
            };
            if let Some(remaining) = remaining {
                if self.enter_native(function, remaining, before, enter) {
                    return Err(NotReturned { before, has_exited: true });
                }
                return Ok(());
            }
        }
        Err(NotReturned { before, has_exited: false })
    }

    /// Completes a call that [`Self::call_native`] began with this code and function: makes it if the code was not
    /// entered, or continues it. The arguments are the first of the values. Returns `None` if the function returned;
    /// then its results are the first of the values. Otherwise returns the outcome.
    ///
    /// # Errors
    /// The function does not exist, or the instance is suspended and has to be resumed or reset first.
    #[cold]
    pub fn finish_native<N: NativeCode<S> + ?Sized>(
        &mut self,
        native: &N,
        function: FuncIndex,
        values: &mut [u64; MAX_PARAMS],
        NotReturned { before, has_exited }: NotReturned,
    ) -> Result<Option<Outcome>, CallError> {
        let outcome = if has_exited && self.context.site != NO_SITE {
            self.continue_after_exit(native.code(), before)
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

    /// Prepares stack and context for a function whose frame is the outermost. Returns the number of cells available
    /// above the frame, if the frame fits.
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
        self.last_entry.function = function.0.into();
        self.last_entry.remaining = remaining;
        Some(remaining)
    }

    /// Enters the function. Returns whether the code exited.
    #[inline(always)]
    fn enter_native(
        &mut self,
        function: FuncIndex,
        remaining: u64,
        before: i64,
        enter: impl FnOnce(EntryRequest<'_, 'a, S>) -> bool,
    ) -> bool {
        self.stack.clear();
        // The context already has these addresses, but each request borrows the data at them, and exposes it.
        InstanceData {
            memory: &mut self.memory,
            globals: &mut self.globals,
            cells: self.stack.present_cells(),
            interrupt: self.interrupt.as_deref().unwrap_or(&NEVER),
        }
        .expose();
        self.context.fuel = before;
        let guard = FuelGuard { context: &mut self.context, balance: &mut self.balance };
        let exited = enter(EntryRequest {
            program: &self.program,
            entry: Entry::Function(function),
            remaining,
            context: guard.context,
            filled_by: &mut self.last_entry.filled_by,
            host: &mut self.host,
        });
        drop(guard);
        if !exited {
            self.saturate(before);
        }
        exited
    }

    #[cold]
    fn continue_after_exit(&mut self, code: &CodeInfo, before: i64) -> Outcome {
        let mut machine = Machine::new(self);
        let outcome = match machine.handle_code_exit(code) {
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
