//! The interface to machine code that can be entered: its trait, its entry points, and the requests of instances.

use alloc::sync::Arc;

use super::code::CodeInfo;
use super::context::{Addresses, Context};
use crate::host::HostCalls;
use crate::index::{FuncIndex, Location};
use crate::limits::MAX_PARAMS;
use crate::outcome::AttachError;
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
    /// exited at the context's site. The site is [`NO_SITE`](super::NO_SITE) if the code could not be entered, because
    /// it lacks native stack: then nothing has happened.
    fn enter(&self, request: EntryRequest<'_, '_, S>, values: &mut [u64; MAX_PARAMS]) -> bool;

    /// Calls `run` on a native stack on which an instance with this number of cells can enter the code. Returns `false`
    /// if there is no such stack; `run` was not called then.
    ///
    /// An instance does this after it could not enter the code, and executes all that follows on the larger stack.
    fn on_larger_stack(&self, cells: u32, run: &mut dyn FnMut()) -> bool;
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
    pub(crate) program: &'s Verified<'a>,
    pub(crate) entry: Entry,
    pub(crate) remaining: u64,
    /// The context. Its addresses of memory, globals, cells and flag are those of the instance.
    pub(crate) context: &'s mut Context,
    /// The key of the code whose code and function addresses are in the context.
    pub(crate) filled_by: &'s mut Option<CodeKey>,
    pub(crate) host: &'s mut HostCalls<'a, S>,
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

/// The last entry through [`Instance::call_native`](crate::Instance::call_native).
#[derive(Debug)]
pub(crate) struct LastEntry {
    /// The function's number, or one that no function has.
    pub(crate) function: u64,
    /// The number of cells available above its frame, which is the outermost.
    pub(crate) remaining: u64,
    /// The key of the code that filled in the context.
    pub(crate) filled_by: Option<CodeKey>,
}

impl LastEntry {
    /// The state before anything has been entered since the code was attached.
    pub(crate) const NOTHING: LastEntry = LastEntry { function: u64::MAX, remaining: 0, filled_by: None };
}
