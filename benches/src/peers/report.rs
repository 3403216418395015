//! The report: the results of a run, as they are written to a file.

use std::collections::BTreeMap;
use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

use super::measure::Times;

/// When and where something was measured.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Machine {
    /// The date, as year-month-day, in UTC.
    pub date: String,
    /// The processor.
    pub cpu: String,
    /// Number of processors available to the program.
    pub cores: usize,
    /// The operating system and architecture, for example `linux x86_64`.
    pub system: String,
    /// The versions of the compared engines and of rustc, and the commit.
    pub versions: BTreeMap<String, String>,
}

/// The results of one run of the comparison. Times are in nanoseconds.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Report {
    /// When and where it was made.
    #[serde(flatten)]
    pub machine: Machine,
    /// The engines, in the order of the columns.
    pub engines: Vec<String>,
    /// The kernels.
    pub kernels: Vec<KernelTimes>,
    /// The times to load a program with all kernels, for each engine.
    pub loads: Vec<Load>,
    /// The cost of calls.
    pub calls: Vec<CallCost>,
    /// The time to create an instance with 64 KiB of memory.
    pub instances: Vec<NamedTimes>,
    /// The times of loading a program and doing an amount of work, for each engine.
    #[serde(default)]
    pub tiers: Vec<Amount>,
}

/// The times of a kernel.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct KernelTimes {
    /// Its name.
    pub name: String,
    /// Its argument.
    pub argument: u64,
    /// Number of VSP instructions that it executes.
    pub instructions: u64,
    /// The times by engine. Engines that do not have this kernel are missing.
    pub times: BTreeMap<String, Times>,
}

impl KernelTimes {
    /// Returns the median time in an engine in milliseconds.
    pub fn milliseconds(&self, engine: &str) -> Option<f64> {
        self.times.get(engine).map(|times| times.median / 1e6)
    }

    /// Returns the median time in an engine, relative to native code.
    pub fn ratio(&self, engine: &str) -> Option<f64> {
        Some(self.milliseconds(engine)? / self.milliseconds("native")?)
    }
}

/// The times to load a program.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Load {
    /// The engine.
    pub engine: String,
    /// Size of the program in bytes.
    pub bytes: usize,
    /// The time to verify and compile it, with warm caches.
    pub module: Times,
    /// The time until an instance can be called, with warm caches.
    pub instance: Times,
    /// The time until an instance can be called, after other engines ran.
    pub after_others: Times,
}

/// The cost of calls.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct CallCost {
    /// The engine.
    pub engine: String,
    /// The time of a call from the host into the program and back.
    pub enter: Times,
    /// The time of an iteration of a loop that calls a host function.
    pub with_host: Times,
    /// The time of an iteration of a loop that does the same without the host.
    pub without_host: Times,
}

impl CallCost {
    /// Returns the cost of a call from the program to the host and back, in nanoseconds.
    pub fn leave(&self) -> f64 {
        self.with_host.median - self.without_host.median
    }
}

/// An amount of work, including loading the program.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Amount {
    /// The kernel.
    pub kernel: String,
    /// The target time of the best engine without tiering, in microseconds.
    pub microseconds: u64,
    /// The argument, or the number of calls.
    pub amount: u64,
    /// The times by engine.
    pub times: BTreeMap<String, Times>,
}

/// The cost of loading, by program size.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Scaling {
    /// The costs of programs with many functions.
    pub programs: Vec<Scale>,
    /// The costs of programs with one function.
    pub functions: Vec<Scale>,
}

/// The cost of loading a program of some size.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Scale {
    /// Number of instructions.
    pub instructions: usize,
    /// For each engine its name, the time in seconds, and the peak heap size in bytes.
    pub engines: Vec<(String, f64, usize)>,
}

/// Times with a name.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct NamedTimes {
    /// The name.
    pub name: String,
    /// The times.
    pub times: Times,
}

impl Machine {
    /// Describes this computer, today.
    pub fn this() -> Machine {
        Machine {
            date: date(),
            cpu: cpu(),
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            system: format!("{} {}", std::env::consts::OS, std::env::consts::ARCH),
            versions: versions(),
        }
    }
}

impl Report {
    /// Creates an empty report for this computer.
    pub fn new(engines: Vec<String>) -> Report {
        Report {
            machine: Machine::this(),
            engines,
            kernels: Vec::new(),
            loads: Vec::new(),
            calls: Vec::new(),
            instances: Vec::new(),
            tiers: Vec::new(),
        }
    }

    /// Returns the geometric mean of an engine's times relative to native code, and the number of kernels in it.
    pub fn mean(&self, engine: &str) -> Option<(f64, usize)> {
        geometric_mean(self.kernels.iter().filter_map(|kernel| kernel.ratio(engine)))
    }
}

/// Returns the geometric mean of numbers, and how many they are.
pub(crate) fn geometric_mean(numbers: impl Iterator<Item = f64>) -> Option<(f64, usize)> {
    let logarithms: Vec<f64> = numbers.map(f64::ln).collect();
    let sum: f64 = logarithms.iter().sum();
    (!logarithms.is_empty()).then(|| ((sum / logarithms.len() as f64).exp(), logarithms.len()))
}

fn date() -> String {
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    // Days since 1 March of a year that ends a cycle of 400, so that leap days come last.
    let days = seconds / 86_400 + 719_468;
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let year = era * 400 + year_of_era + u64::from(month <= 2);
    format!("{year}-{month:02}-{day:02}")
}

fn cpu() -> String {
    let text = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = text.lines().find_map(|line| line.strip_prefix("model name")?.split_once(':'));
    model.map_or_else(|| "unknown".into(), |(_, model)| model.trim().into())
}

/// Returns the versions in Cargo.lock, that of rustc, and the commit.
fn versions() -> BTreeMap<String, String> {
    const CRATES: [&str; 8] =
        ["cranelift-codegen", "luajit-src", "mlua", "rbpf", "vsp-core", "wasmi", "wasmtime", "winch-codegen"];
    let mut versions = BTreeMap::new();
    for package in include_str!("../../../Cargo.lock").split("[[package]]") {
        let value = |key| package.lines().find_map(|line: &str| line.strip_prefix(key)?.strip_suffix('"'));
        if let (Some(name), Some(version)) = (value("name = \""), value("version = \""))
            && CRATES.contains(&name)
        {
            versions.insert(name.to_owned(), version.to_owned());
        }
    }
    versions.insert("rustc".into(), env!("BENCHES_RUSTC").into());
    let commit = Command::new("git").args(["describe", "--always", "--dirty"]).output();
    if let Some(commit) = commit.ok().filter(|output| output.status.success()) {
        versions.insert("commit".into(), String::from_utf8_lossy(&commit.stdout).trim().into());
    }
    versions
}
