//! Instances: a program with memory, a stack, globals and host functions, ready to be called.

#[cfg(feature = "native")]
mod attach;
// Checkpoints share pages by `Arc`.
#[cfg(target_has_atomic = "ptr")]
mod checkpoint;
mod fork;
mod frame;
mod host_call;
mod memory;
mod stack;

#[cfg(target_has_atomic = "ptr")]
pub use checkpoint::{Checkpoint, CheckpointError};
pub use frame::{Frame, FrameMut};
pub use host_call::PendingCall;
pub(crate) use memory::Memory;
pub(crate) use stack::{Overflow, Stack};

use alloc::vec::Vec;
use core::sync::atomic::AtomicBool;

use crate::host::{HostCalls, Imports};
use crate::index::{FuncIndex, GlobalIndex, ImportIndex, Location};
use crate::limits::{DEFAULT_STACK_CELLS, MAX_STACK_CELLS, MIN_STACK_CELLS};
#[cfg(feature = "native")]
use crate::native::Context;
#[cfg(feature = "native")]
use crate::native::entry::{LastEntry, NativeCode};
#[cfg(feature = "native")]
use crate::native::tiers::{Slice, Tiers};
use crate::outcome::{CallError, InstantiateError, Outcome, Reason, Suspension, Trapped};
use crate::shared::Ref;
use crate::trap::Trap;
use crate::verify::Verified;

/// The options of an instance.
#[derive(Clone, Debug, Default)]
pub struct Options<'a> {
    /// Size of the memory in bytes: a multiple of 16, at least the program's minimum, at most 2³². `None` is the
    /// program's minimum. If the program's memory can grow, this is its size at first, and at most the program's
    /// maximum.
    pub memory: Option<u64>,
    /// The size in bytes to which the memory can grow: a multiple of 16, at least its size at first. The program's own
    /// maximum is never exceeded. `None` is the program's maximum. Growing below the maximum never fails, because all
    /// of it is reserved when the instance is created.
    pub memory_maximum: Option<u64>,
    /// Size of the stack in cells, 64 to 2²⁸. `None` is 65,536.
    pub stack_cells: Option<u32>,
    /// The initial balance of fuel, 0 to 2⁶³ − 1 (larger values are clamped). `None` does not meter the instance.
    pub fuel: Option<u64>,
    /// A flag that interrupts the program at its next safepoint while it is set. With `None` the program cannot be
    /// interrupted.
    pub interrupt: Option<Ref<'a, AtomicBool>>,
}

/// The status of an instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Status {
    /// The instance can be called. After a trap it keeps the frames until then.
    Idle,
    /// The instance can be resumed.
    Suspended(Reason),
    /// The instance is between two instructions of a call that is being stepped, and can execute the next.
    Stepping,
}

impl core::fmt::Display for Status {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Status::Idle => f.write_str("idle"),
            Status::Suspended(reason) => write!(f, "suspended: {reason}"),
            Status::Stepping => f.write_str("between two instructions"),
        }
    }
}

/// A program that can be called, with state of type `S` for its host functions.
///
/// It owns its memory, stack and globals, and allocates nothing after its creation. It can be moved between threads.
/// If a host function panics, the panic passes through the interpreter; the instance can be called again afterwards.
#[derive(Debug)]
pub struct Instance<'a, S> {
    pub(crate) program: Ref<'a, Verified<'a>>,
    pub(crate) host: HostCalls<'a, S>,
    pub(crate) memory: Memory,
    pub(crate) globals: Vec<u64>,
    pub(crate) stack: Stack,
    /// The balance of fuel. Without metering, a number that is never used up.
    pub(crate) balance: i64,
    /// The part of the balance that [`Self::run_within`] keeps from the engine.
    withheld: i64,
    pub(crate) interrupt: Option<Ref<'a, AtomicBool>>,
    #[cfg(feature = "native")]
    pub(crate) native: Option<Ref<'a, dyn NativeCode<S> + 'a>>,
    /// The address of `native`, or 0.
    #[cfg(feature = "native")]
    native_address: usize,
    #[cfg(feature = "native")]
    pub(crate) tiers: Option<Ref<'a, dyn Tiers<S> + 'a>>,
    #[cfg(feature = "native")]
    pub(crate) slice: Slice,
    #[cfg(feature = "native")]
    pub(crate) context: Context,
    #[cfg(feature = "native")]
    pub(crate) last_entry: LastEntry,
    pub(crate) status: Status,
}

impl<'a, S> Instance<'a, S> {
    /// Creates an instance: resolves its imports, reserves memory and stack, and copies the data segments.
    ///
    /// # Errors
    /// An import is missing or has another type, the options are outside their ranges, or there is no memory.
    pub fn new(
        program: impl Into<Ref<'a, Verified<'a>>>,
        imports: impl Into<Ref<'a, Imports<S>>>,
        state: S,
        options: Options<'a>,
    ) -> Result<Instance<'a, S>, InstantiateError> {
        let mut instance = Self::blank(program.into(), imports.into(), state, options)?;
        let image = instance.program.program();
        for segment in image.data() {
            instance.memory[segment.address as usize..][..segment.bytes.len()].copy_from_slice(segment.bytes);
        }
        for (global, initial) in instance.globals.iter_mut().zip(image.globals()) {
            *global = initial;
        }
        Ok(instance)
    }

    /// Creates an instance whose memory and globals are zero.
    pub(crate) fn blank(
        program: Ref<'a, Verified<'a>>,
        imports: Ref<'a, Imports<S>>,
        state: S,
        options: Options<'a>,
    ) -> Result<Instance<'a, S>, InstantiateError> {
        let image = program.program();
        let host = HostCalls::new(image, imports, state, options.fuel.is_some())?;
        let memory = Memory::new(image, &options)?;
        let cells = options.stack_cells.unwrap_or(DEFAULT_STACK_CELLS);
        if !(MIN_STACK_CELLS..=MAX_STACK_CELLS).contains(&cells) {
            return Err(InstantiateError::StackCells(cells));
        }
        let globals = zeroed(image.globals().len()).ok_or(InstantiateError::OutOfMemory)?;
        let stack = Stack::new(cells).ok_or(InstantiateError::OutOfMemory)?;
        Ok(Instance {
            program,
            host,
            memory,
            globals,
            stack,
            balance: options.fuel.map_or(i64::MAX, clamp_fuel),
            withheld: 0,
            interrupt: options.interrupt,
            #[cfg(feature = "native")]
            native: None,
            #[cfg(feature = "native")]
            tiers: None,
            #[cfg(feature = "native")]
            slice: Slice::default(),
            #[cfg(feature = "native")]
            native_address: 0,
            #[cfg(feature = "native")]
            context: Context::default(),
            #[cfg(feature = "native")]
            last_entry: LastEntry::NOTHING,
            status: Status::Idle,
        })
    }

    /// Returns the reserved fuel to the balance.
    #[inline]
    pub(crate) fn put_back(&mut self) {
        #[cfg(feature = "native")]
        {
            if self.host.own.reserved > 0 {
                self.slice.rest = self.balance.max(0);
            }
            self.balance = self.balance.saturating_add(self.host.own.reserved);
            self.host.own.reserved = 0;
        }
    }

    /// Pushes the first frame. Returns an outcome if the frame does not fit.
    #[inline]
    pub(crate) fn push_first(
        &mut self,
        function: FuncIndex,
        args: &[u64],
    ) -> Result<Option<Outcome>, CallError> {
        match self.status {
            Status::Idle => {}
            Status::Suspended(_) => return Err(CallError::Suspended),
            Status::Stepping => return Err(CallError::Stepping),
        }
        let callee = self.program.function(function).ok_or(CallError::NoFunction(function))?;
        let expected = callee.ty.params();
        if args.len() != expected {
            return Err(CallError::Arguments { expected, given: args.len() });
        }
        #[cfg(feature = "record")]
        if self.host.is_logged() {
            self.host.log_call(function, args, &mut self.memory, self.balance)?;
        }
        self.stack.clear();
        let location = Location { function, word: 0 };
        let overflow = Outcome::Trapped(Trapped { trap: Trap::StackOverflow, location });
        Ok(self.stack.push_first(callee, args).is_err().then_some(overflow))
    }

    /// Returns the reason of the suspension after checking that the instance waits for that many values.
    pub(crate) fn waits_for(&mut self, values: &[u64]) -> Result<Reason, CallError> {
        let Status::Suspended(reason) = self.status else { return Err(CallError::NotSuspended) };
        let (expected, given) = (self.awaited_values(), values.len());
        if given != expected {
            return Err(CallError::Values { expected, given });
        }
        #[cfg(feature = "record")]
        if self.host.is_logged() {
            self.host.log_answer(reason, values, &mut self.memory, self.balance)?;
        }
        Ok(reason)
    }

    /// Returns the number of values that [`Self::resume`] takes. It is 0 if the instance is not suspended.
    pub fn awaited_values(&self) -> usize {
        match self.status {
            Status::Suspended(Reason::Yield(_)) => 1,
            Status::Suspended(Reason::Pending(import)) => self.import_results(import),
            _ => 0,
        }
    }

    /// Abandons a call that is suspended or stepped through. Memory and globals stay as they are.
    pub fn reset(&mut self) {
        #[cfg(feature = "record")]
        if self.host.is_logged() && self.status != Status::Idle {
            self.host.log_reset();
        }
        self.status = Status::Idle;
        self.stack.clear();
    }

    /// Prepares a run and returns its initial balance.
    #[inline]
    pub(crate) fn start_engine(&mut self) -> i64 {
        // If a host function panics, the instance can be called again.
        self.status = Status::Idle;
        self.put_back();
        self.release_withheld();
        self.stack.in_use = true;
        self.balance = self.starting_balance();
        self.balance
    }

    /// Returns the initial balance of a run. Without metering, fuel is never used up.
    #[inline]
    pub(crate) fn starting_balance(&self) -> i64 {
        if self.host.own.metered { self.balance } else { i64::MAX }
    }

    #[cfg(feature = "native")]
    #[inline]
    pub(crate) fn is_idle(&self) -> bool {
        self.status == Status::Idle
    }

    /// Ends a run that began with the balance `before`. Engines count modulo 2⁶⁴ and only use fuel, so a balance that
    /// rose went below the lowest.
    #[inline]
    pub(crate) fn stop_engine(&mut self, before: i64) {
        self.put_back();
        self.stack.in_use = false;
        self.saturate(before);
    }

    /// Leaves the engine this much of the balance.
    pub(crate) fn withhold(&mut self, balance: i64) {
        self.withheld = self.balance.saturating_sub(balance);
        self.set_balance(balance);
    }

    /// Returns what was kept from the engine to the balance. The lowest balance stays the lowest.
    #[inline]
    pub(crate) fn release_withheld(&mut self) {
        let withheld = core::mem::take(&mut self.withheld);
        if withheld != 0 && self.balance != i64::MIN {
            self.set_balance(self.balance.saturating_add(withheld));
        }
    }

    /// Returns the balance with all that the engine does not have.
    fn total_balance(&self) -> i64 {
        #[cfg(feature = "native")]
        let balance = self.balance.saturating_add(self.host.own.reserved);
        #[cfg(not(feature = "native"))]
        let balance = self.balance;
        balance.saturating_add(self.withheld)
    }

    /// Sets the balance that [`Self::total_balance`] returns.
    fn set_total_balance(&mut self, balance: i64) {
        self.put_back();
        self.withheld = 0;
        self.set_balance(balance);
    }

    /// Returns whether a program at a safepoint can go on.
    pub(crate) fn has_fuel(&self) -> bool {
        !self.host.own.metered || self.balance >= 0
    }

    /// Sets a balance that rose to the lowest.
    #[inline]
    pub(crate) fn saturate(&mut self, before: i64) {
        if self.balance > before {
            self.balance = i64::MIN;
        }
    }

    #[inline]
    pub(crate) fn ended(&mut self, outcome: &Outcome) {
        match outcome {
            Outcome::Suspended(suspension) => self.status = Status::Suspended(suspension.reason),
            Outcome::Returned(_) | Outcome::Halted(_) => self.stack.clear(),
            Outcome::Trapped(_) => {}
        }
    }

    fn import_results(&self, import: ImportIndex) -> usize {
        self.host.ty(import).results()
    }

    /// Returns whether the instance can be called, resumed or stepped.
    pub fn status(&self) -> Status {
        self.status
    }

    /// Returns the reason and location of the suspension, if the instance is suspended.
    pub fn suspended(&self) -> Option<Suspension> {
        match self.status {
            Status::Suspended(reason) => Some(Suspension { reason, location: self.stack.location() }),
            Status::Idle | Status::Stepping => None,
        }
    }

    /// Returns the locations of all frames of a program that is suspended, trapped or stepped through, innermost first.
    pub fn call_stack(&self) -> impl Iterator<Item = Location> {
        self.stack.locations()
    }

    /// Returns the program.
    pub fn program(&self) -> &Verified<'a> {
        &self.program
    }

    /// Returns the state of the host.
    pub fn state(&self) -> &S {
        &self.host.own.state
    }

    /// Returns the state of the host, to change it.
    pub fn state_mut(&mut self) -> &mut S {
        &mut self.host.own.state
    }

    /// Drops the instance and returns the state of the host.
    pub fn into_state(self) -> S {
        self.host.own.state
    }

    /// Returns the memory, with its current size.
    pub fn memory(&self) -> &[u8] {
        &self.memory
    }

    /// Returns the memory, to change it.
    ///
    /// If the instance is recorded, all of the memory is copied, to find out what the host writes.
    pub fn memory_mut(&mut self) -> &mut [u8] {
        #[cfg(feature = "record")]
        self.host.watch_all(&self.memory);
        &mut self.memory
    }

    /// Returns the size in bytes to which the memory can grow: its size if it cannot.
    pub fn memory_maximum(&self) -> u64 {
        self.memory.maximum()
    }

    /// Returns the value of a global.
    pub fn global(&self, global: GlobalIndex) -> Option<u64> {
        self.globals.get(global.index()).copied()
    }

    /// Returns the value of a global, to change it.
    pub fn global_mut(&mut self, global: GlobalIndex) -> Option<&mut u64> {
        self.globals.get_mut(global.index())
    }

    /// Returns the value of the global with this debug name. A program that was stripped of its names has none.
    pub fn global_named(&self, name: &str) -> Option<u64> {
        self.global(self.program.program().global(name)?)
    }

    /// Returns the value of the global with this debug name, to change it.
    pub fn global_named_mut(&mut self, name: &str) -> Option<&mut u64> {
        let global = self.program.program().global(name)?;
        self.global_mut(global)
    }

    /// Returns the balance of fuel if the instance is metered. It is negative after an overdraft.
    pub fn fuel(&self) -> Option<i64> {
        self.host.own.metered.then(|| self.total_balance())
    }

    /// Sets the balance of fuel, 0 to 2⁶³ − 1 (larger values are clamped). Without metering nothing happens.
    pub fn set_fuel(&mut self, fuel: u64) {
        if self.host.own.metered {
            self.set_total_balance(clamp_fuel(fuel));
        }
    }

    /// Adds to the balance of fuel, up to 2⁶³ − 1. Without metering nothing happens.
    pub fn add_fuel(&mut self, fuel: u64) {
        if self.host.own.metered {
            self.put_back();
            self.set_balance(self.balance.saturating_add_unsigned(fuel));
        }
    }

    /// Sets the balance, of which nothing is reserved.
    pub(crate) fn set_balance(&mut self, balance: i64) {
        #[cfg(feature = "record")]
        self.host.log_fuel(balance.wrapping_sub(self.balance));
        self.balance = balance;
    }

    /// Returns the size of the stack in cells.
    pub fn stack_cells(&self) -> u32 {
        self.stack.cells()
    }
}

fn clamp_fuel(fuel: u64) -> i64 {
    i64::try_from(fuel).unwrap_or(i64::MAX)
}

/// Allocates `count` zeros, or returns `None` if there is no memory. An operating system provides zeroed pages when
/// they are first touched.
fn zeroed<T: bytemuck::Zeroable>(count: usize) -> Option<Vec<T>> {
    bytemuck::allocation::try_zeroed_slice_box(count).ok().map(Vec::from)
}
