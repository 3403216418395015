//! Statistics of the behaviour of random programs.

use std::collections::BTreeMap;
use std::fmt;

use vsp_core::{Outcome, Reason};

/// The end of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum End {
    /// It returned.
    Returned,
    /// The program executed HLT.
    Halted,
    /// It trapped; the name of the trap.
    Trapped(&'static str),
    /// It was abandoned after too many suspensions.
    GivenUp,
}

/// The behaviour of a number of programs in the first of the compared engines.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Number of programs compared.
    pub programs: u64,
    /// Number of calls by how they ended.
    pub ends: BTreeMap<End, u64>,
    /// Number of suspensions by reason.
    pub suspensions: BTreeMap<&'static str, u64>,
    /// Fuel used: nearly the number of instructions.
    pub fuel: u64,
    /// Number of programs that were also run in engines without fuel.
    pub unmetered: u64,
}

impl Tally {
    /// Adds the statistics of one or more programs.
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

    /// Returns the number of calls.
    pub fn calls(&self) -> u64 {
        self.ends.values().sum()
    }

    /// Returns the fraction of all calls that ended like this.
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

    /// Returns whether fuel or the interrupt flag stopped a call.
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
