//! The report: the results of a run, as they are written to a file.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Group;
use crate::peers::measure::Times;
use crate::peers::report::{Machine, geometric_mean};

/// The results of one run of the comparison. Times are in nanoseconds.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct WasmReport {
    /// When and where it was made.
    #[serde(flatten)]
    pub machine: Machine,
    /// The engines, in the order of the columns.
    pub engines: Vec<String>,
    /// What was run.
    pub works: Vec<WorkTimes>,
    /// The modules.
    pub modules: Vec<ModuleTimes>,
}

/// The times of a work.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct WorkTimes {
    /// Its name.
    pub name: String,
    /// Its group.
    pub group: Group,
    /// Number of VSP instructions that the translated program executes, unless it is a command.
    pub instructions: Option<u64>,
    /// Number of VSP instructions of the program that was written by hand, for kernels.
    pub by_hand: Option<u64>,
    /// The times by engine.
    pub times: BTreeMap<String, Times>,
}

/// Size of a module, and the times of translating and compiling it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ModuleTimes {
    /// Its name.
    pub name: String,
    /// Size of the code section in bytes.
    pub code: u64,
    /// Size of the translated code in words of four bytes.
    pub words: u64,
    /// The time of the translation to VSP bytecode.
    pub translation: Times,
    /// The times until the module can be run, by engine; for VSP with the translation.
    pub times: BTreeMap<String, Times>,
}

/// Two engines that are compared.
pub const PAIRS: [(&str, &str); 4] = [
    ("vsp interp", "wasmi"),
    ("vsp tier1", "winch"),
    ("vsp tier2", "wasmtime"),
    ("vsp tier2", "wasmtime checks"),
];

/// Returns the least time in the first engine, relative to that in the second one.
pub fn ratio(times: &BTreeMap<String, Times>, (engine, other): (&str, &str)) -> Option<f64> {
    Some(times.get(engine)?.least / times.get(other)?.least)
}

impl WorkTimes {
    /// Returns the number of instructions relative to the program that was written by hand.
    pub fn growth(&self) -> Option<f64> {
        Some(self.instructions? as f64 / self.by_hand? as f64)
    }
}

impl WasmReport {
    /// Creates an empty report for this computer.
    pub fn new(engines: Vec<String>) -> WasmReport {
        WasmReport { machine: Machine::this(), engines, works: Vec::new(), modules: Vec::new() }
    }

    /// Returns the works of a group.
    pub fn group(&self, group: Group) -> impl Iterator<Item = &WorkTimes> {
        self.works.iter().filter(move |work| work.group == group)
    }

    /// Returns the geometric mean of the ratios of two engines in a group.
    pub fn mean(&self, group: Group, pair: (&str, &str)) -> Option<f64> {
        Some(geometric_mean(self.group(group).filter_map(|work| ratio(&work.times, pair)))?.0)
    }

    /// Returns the geometric mean of the numbers of instructions relative to programs that were written by hand.
    pub fn growth(&self) -> Option<f64> {
        Some(geometric_mean(self.works.iter().filter_map(WorkTimes::growth))?.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::peers::report::Report;

    #[test]
    fn committed_results_can_be_read() -> Result<(), serde_json::Error> {
        let kernels: Report = serde_json::from_str(include_str!("../../results/latest.json"))?;
        let modules: WasmReport = serde_json::from_str(include_str!("../../results/wasm.json"))?;
        let counts = [Group::Kernels, Group::Programs].map(|group| modules.group(group).count());
        assert_eq!((kernels.kernels.len(), counts), (11, [11, 11]));
        for machine in [kernels.machine, modules.machine] {
            assert!(machine.versions.contains_key("wasmi"), "{machine:?}");
        }
        Ok(())
    }
}
