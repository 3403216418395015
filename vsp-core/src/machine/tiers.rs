//! Tier-up: when the interpreter asks for machine code while a program runs, and how it switches to that code.
//!
//! A running instance reserves most of its fuel, and runs with a slice of it. So at the first safepoint after a slice
//! has expired the engine returns to [`Machine`], without any other counter. There the host is told the location of the
//! program, and may have machine code for it (on-stack replacement). The frames are then as in a suspended program. The
//! reserved fuel and the slice together are the balance, so metering stays exact.

use core::sync::atomic::Ordering;

use super::native::Enterable;
use super::state::{Machine, Position};
use crate::index::FuncIndex;
use crate::native::entry::Entry;
use crate::native::tiers::{NextSlice, TierDecision};
use crate::outcome::{Outcome, Reason};

impl<'m, S> Machine<'m, '_, S> {
    /// Continues with the slice that an earlier run did not use up, if there are tiers.
    pub(super) fn begin_slice(&mut self) {
        if let Some(tiers) = self.tiers {
            if self.slice.whole == 0 {
                self.slice.begin(tiers.slice());
            }
            self.reserve_fuel(self.slice.rest);
        }
    }

    /// Returns the balance, including the reserved fuel.
    pub(super) fn total_balance(&self) -> i64 {
        self.balance.saturating_add(self.host.own.reserved)
    }

    /// Releases the reserved fuel to the engine. Returns the slice's balance.
    pub(super) fn release_fuel(&mut self) -> i64 {
        let slice = *self.balance;
        *self.balance = self.total_balance();
        self.host.own.reserved = 0;
        slice
    }

    /// Reserves the balance above this slice.
    pub(super) fn reserve_fuel(&mut self, slice: i64) {
        let reserved = self.balance.saturating_sub(slice.max(0)).max(0);
        self.host.own.reserved = reserved;
        *self.balance -= reserved;
    }

    /// Handles an expired slice at a safepoint.
    #[cold]
    pub(super) fn slice_expired(&mut self, at: &mut Position<'m>) -> Result<(), Outcome> {
        let used = self.slice.whole.saturating_sub(*self.balance).max(0);
        self.release_fuel();
        let Some(tiers) = self.tiers.filter(|_| *self.balance >= 0) else {
            return Err(self.suspend(at.location(), Reason::Fuel));
        };
        if self.interrupt.load(Ordering::Relaxed) {
            return Err(self.suspend(at.location(), Reason::Interrupted));
        }
        let caller = self.stack.caller_hash();
        let NextSlice { slice, enter } = tiers.on_slice_expired(at.location(), used.unsigned_abs(), caller);
        self.slice.begin(slice);
        self.reserve_fuel(self.slice.rest);
        match enter.filter(|decision| self.fits(decision)) {
            Some(decision) => self.enter_decided(&decision, Entry::Osr(at.location()), at),
            None => Ok(()),
        }
    }

    /// Returns the code to call a function with, if there is some that can be used.
    #[inline]
    pub(super) fn decision(&self, function: FuncIndex) -> Option<TierDecision<'m, S>> {
        let tiers = self.tiers?;
        let compiled = tiers.compiled().get(function.index())?;
        if !compiled.load(Ordering::Relaxed) || *self.balance < 0 {
            return None;
        }
        tiers.function(function).filter(|decision| self.fits(decision))
    }

    /// Returns whether the native stack that the code may need is available.
    fn fits(&self, decision: &TierDecision<'_, S>) -> bool {
        decision.code.reserve(self.stack.cells()).is_ok()
    }

    /// Continues in machine code.
    pub(super) fn enter_decided(
        &mut self,
        decision: &TierDecision<'_, S>,
        entry: Entry,
        at: &mut Position<'m>,
    ) -> Result<(), Outcome> {
        let native = Enterable { code: &*decision.code, has_all_fuel: !decision.sliced };
        self.enter_native(&native, entry, at)
    }
}
