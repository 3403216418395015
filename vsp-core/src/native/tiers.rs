//! The interface to machine code that is made while a program runs, and slices of fuel.

use core::sync::atomic::AtomicBool;

use super::code::CompileOptions;
use super::entry::NativeCode;
use crate::index::{FuncIndex, Location};
use crate::shared::Ref;
use crate::verify::Verified;

/// Machine code of regions of a program, compiled while the program runs. Only a host can give an implementation
/// something to run.
pub trait Tiers<S>: core::fmt::Debug + Send + Sync {
    /// Returns whether the code is compiled from this program.
    fn is_for(&self, program: &Verified<'_>) -> bool;

    /// Returns the minimum of options that all the code is compiled with. (The tier in them has no meaning.)
    fn options(&self) -> CompileOptions;

    /// Returns, for each function, whether there may be code to call it with.
    fn compiled(&self) -> &[AtomicBool];

    /// Returns the code to call a function with, if there is any.
    fn function(&self, function: FuncIndex) -> Option<TierDecision<'_, S>>;

    /// Returns the first slice of fuel of a program that starts to run.
    fn slice(&self) -> u64;

    /// Returns the next slice, and the code to enter, for a program at a safepoint that has used this much fuel since
    /// its last slice expired. `caller` is derived from the frame of the function's caller, which does not change while
    /// the function runs: most likely it differs after the function has been called again. It is `None` if the host
    /// called the function.
    fn on_slice_expired(&self, location: Location, used: u64, caller: Option<u64>) -> NextSlice<'_, S>;
}

/// The decision to continue in machine code.
#[derive(Debug)]
pub struct TierDecision<'t, S> {
    /// The code.
    pub code: Ref<'t, dyn NativeCode<S> + 't>,
    /// Whether the code exits when its slice expires. (Only code that counts fuel can do that.)
    pub sliced: bool,
}

/// The decision after a slice has expired.
#[derive(Debug)]
pub struct NextSlice<'t, S> {
    /// The fuel after which the next slice expires.
    pub slice: u64,
    /// The code to enter at the location. `None`: the interpreter continues.
    pub enter: Option<TierDecision<'t, S>>,
}

/// A slice of fuel.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Slice {
    /// The whole slice; 0 before the first one.
    pub(crate) whole: i64,
    /// The rest of the slice, while nothing runs.
    pub(crate) rest: i64,
}

impl Slice {
    pub(crate) fn begin(&mut self, fuel: u64) {
        self.whole = i64::try_from(fuel).unwrap_or(i64::MAX);
        self.rest = self.whole;
    }
}
