//! Machine code that comes while the program runs: when the interpreter asks for it, and how it goes over.
//!
//! A running instance keeps most of its fuel back, and runs with a slice of it. So at the first safepoint after a slice is
//! used up the engine comes back to [`Machine`], without any counting in between; there the host is told where the
//! program is, and may have machine code for that place. The frames are then as in a suspended program. The fuel that
//! is kept back and the slice together are the balance, so what is metered is metered exactly.

use core::sync::atomic::{AtomicBool, Ordering};

use super::native::{Entry, NativeCode};
use super::{Machine, Position};
use crate::index::{FuncIndex, Location};
use crate::instance::{Outcome, Reason};
use crate::native::CompileOptions;
use crate::shared::Ref;
use crate::verify::Verified;

/// Machine code of parts of a program, which is made while the program runs. Only a host can implement this.
pub trait Tiers<S>: core::fmt::Debug + Send + Sync {
    /// Is the code made from this program?
    fn is_for(&self, program: &Verified<'_>) -> bool;

    /// What all the code is compiled with, at least. (The tier says nothing.)
    fn options(&self) -> CompileOptions;

    /// For each function, whether there may be code to call it with.
    fn compiled(&self) -> &[AtomicBool];

    /// The code to call a function with, if there is any.
    fn function(&self, function: FuncIndex) -> Option<Chosen<'_, S>>;

    /// The fuel after which a program that begins to run comes back.
    fn slice(&self) -> u64;

    /// The program is at a safepoint, and has used so much fuel since it came back before. `caller` is made of the frame of
    /// the function's caller, which does not change while the function runs: most likely it is another number when the function
    /// has been called again. `None`: the host called it.
    fn came_back(&self, location: Location, used: u64, caller: Option<u64>) -> Next<'_, S>;
}

/// Machine code to go on in.
#[derive(Debug)]
pub struct Chosen<'t, S> {
    /// The code.
    pub code: Ref<'t, dyn NativeCode<S> + 't>,
    /// Does the program come back when its slice is used up? (Only code that counts fuel can do that.)
    pub sliced: bool,
}

/// What follows when a slice was used up.
#[derive(Debug)]
pub struct Next<'t, S> {
    /// The fuel after which the program comes back again.
    pub slice: u64,
    /// Code that can be entered at the place. `None`: the interpreter goes on.
    pub enter: Option<Chosen<'t, S>>,
}

/// A slice of fuel.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Slice {
    /// All of it; 0 if there was none yet.
    whole: i64,
    /// What is left, while nothing runs.
    pub(crate) left: i64,
}

impl Slice {
    fn begin(&mut self, fuel: u64) {
        self.whole = i64::try_from(fuel).unwrap_or(i64::MAX);
        self.left = self.whole;
    }
}

impl<'m, S> Machine<'m, '_, S> {
    /// Goes on with the slice that an earlier run did not use up, if there are tiers.
    pub(super) fn begin_slices(&mut self) {
        if let Some(tiers) = self.tiers {
            if self.slice.whole == 0 {
                self.slice.begin(tiers.slice());
            }
            self.keep_back(self.slice.left);
        }
    }

    /// The balance, with what is kept back.
    pub(super) fn whole_balance(&self) -> i64 {
        self.balance.saturating_add(self.host.own.kept)
    }

    /// Lets the engine have the fuel that was kept back. Gives the slice's balance.
    pub(super) fn lend_all(&mut self) -> i64 {
        let slice = *self.balance;
        *self.balance = self.whole_balance();
        self.host.own.kept = 0;
        slice
    }

    /// Keeps back what is more than this.
    pub(super) fn keep_back(&mut self, slice: i64) {
        let kept = self.balance.saturating_sub(slice.max(0)).max(0);
        self.host.own.kept = kept;
        *self.balance -= kept;
    }

    /// At a safepoint, the slice is used up.
    #[cold]
    pub(super) fn slice_ended(&mut self, at: &mut Position) -> Result<(), Outcome> {
        let used = self.slice.whole.saturating_sub(*self.balance).max(0);
        self.lend_all();
        let Some(tiers) = self.tiers.filter(|_| *self.balance >= 0) else {
            return Err(self.suspend(at.location(), Reason::Fuel));
        };
        if self.interrupt.load(Ordering::Relaxed) {
            return Err(self.suspend(at.location(), Reason::Interrupted));
        }
        let caller = self.stack.caller_hash();
        let Next { slice, enter } = tiers.came_back(at.location(), used.unsigned_abs(), caller);
        self.slice.begin(slice);
        self.keep_back(self.slice.left);
        match enter.filter(|chosen| self.fits(chosen)) {
            Some(chosen) => self.enter_chosen(&chosen, Entry::Loop(at.location()), at),
            None => Ok(()),
        }
    }

    /// The code to call a function with, if there is any and it can be used.
    #[inline]
    pub(super) fn chosen(&self, function: FuncIndex) -> Option<Chosen<'m, S>> {
        let tiers = self.tiers?;
        let compiled = tiers.compiled().get(function.index())?;
        if !compiled.load(Ordering::Relaxed) || *self.balance < 0 {
            return None;
        }
        tiers.function(function).filter(|chosen| self.fits(chosen))
    }

    /// Can the code have the native stack that it may need?
    fn fits(&self, chosen: &Chosen<'_, S>) -> bool {
        chosen.code.reserve(self.stack.cells()).is_ok()
    }

    /// Goes on in code.
    pub(super) fn enter_chosen(
        &mut self,
        chosen: &Chosen<'_, S>,
        entry: Entry,
        at: &mut Position,
    ) -> Result<(), Outcome> {
        if chosen.sliced {
            return self.enter_native(&*chosen.code, entry, at);
        }
        let slice = self.lend_all();
        let entered = self.enter_native(&*chosen.code, entry, at);
        self.keep_back(slice);
        entered
    }
}
