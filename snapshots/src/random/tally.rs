//! Counting what random programs do.

use std::collections::BTreeMap;
use std::fmt;

use vsp_core::{Outcome, Reason};

/// How a call ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum End {
    /// It returned.
    Returned,
    /// The program executed HLT.
    Halted,
    /// It trapped; the name of the trap.
    Trapped(&'static str),
    /// It was suspended so often that it was given up.
    GivenUp,
}

/// What so many programs did, in the first of the engines that were compared.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Programs that were compared.
    pub programs: u64,
    /// How their calls ended.
    pub ends: BTreeMap<End, u64>,
    /// How often they were suspended on the way, by the reason.
    pub suspensions: BTreeMap<&'static str, u64>,
    /// Fuel that they used: nearly the number of instructions.
    pub fuel: u64,
    /// Programs that were also run without fuel.
    pub unmetered: u64,
}

impl Tally {
    /// Adds what one program did, or many.
    pub fn add(&mut self, other: &Tally) {
        self.programs += other.programs;
        self.fuel += other.fuel;
        self.unmetered += other.unmetered;
        for (end, count) in &other.ends {
            *self.ends.entry(*end).or_default() += count;
        }
        for (reason, count) in &other.suspensions {
            *self.suspensions.entry(reason).or_default() += count;
        }
    }

    /// How many calls there were.
    pub fn calls(&self) -> u64 {
        self.ends.values().sum()
    }

    /// Calls that ended so, as a part of all.
    pub fn share(&self, end: End) -> f64 {
        self.ends.get(&end).copied().unwrap_or(0) as f64 / self.calls().max(1) as f64
    }

    pub(super) fn count(&mut self, outcome: &Outcome) {
        let end = match outcome {
            Outcome::Returned(_) => End::Returned,
            Outcome::Halted(_) => End::Halted,
            Outcome::Trapped(trapped) => End::Trapped(trapped.trap.name()),
            Outcome::Suspended(suspension) => {
                let reason = match suspension.reason {
                    Reason::Fuel => "Fuel",
                    Reason::Interrupted => "Interrupted",
                    Reason::Yield(_) => "Yield",
                    Reason::Pending(_) => "Pending",
                };
                *self.suspensions.entry(reason).or_default() += 1;
                return;
            }
        };
        self.count_end(end);
    }

    pub(super) fn count_end(&mut self, end: End) {
        *self.ends.entry(end).or_default() += 1;
    }

    /// Has fuel or the interrupt flag stopped something?
    pub(super) fn was_metered(&self) -> bool {
        let stopped = ["Fuel", "Interrupted"].iter().any(|it| self.suspensions.contains_key(it));
        stopped || self.ends.contains_key(&End::GivenUp)
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (programs, fuel) = (self.programs, self.fuel);
        writeln!(
            f,
            "{programs} programs, {} of them also without fuel; {fuel} units of fuel",
            self.unmetered
        )?;
        write!(f, "{} calls:", self.calls())?;
        for end in self.ends.keys() {
            write!(f, " {end:?} {:.1} %", 100.0 * self.share(*end))?;
        }
        write!(f, "\n{} suspensions:", self.suspensions.values().sum::<u64>())?;
        for (reason, count) in &self.suspensions {
            write!(f, " {reason} {count}")?;
        }
        Ok(())
    }
}
