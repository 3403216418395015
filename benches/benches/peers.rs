//! Benchmarks of the kernels of `benches/kernels`: VSP, native Rust, and with `--features peers` other virtual
//! machines.
//!
//!     cargo bench -p vsp-benches --features peers --bench peers
//!
//! Every answer is compared before anything is timed.

mod common;

use std::time::Duration;

use clap::Parser;
use common::Common;
use vsp_benches::peers::report::{KernelTimes, Report};
use vsp_benches::peers::{
    Engine, Error, KERNELS, Kernel, calls, engines, instructions, loads, measure, tables, tiers,
};

#[derive(Parser)]
#[command(about = "Compares the kernels in all engines")]
struct Arguments {
    /// Number of runs of each kernel in each engine
    #[arg(long, default_value_t = 21)]
    runs: usize,
    /// Only these kernels; `loads`, `calls` and `instances` also have to be named
    #[arg(long, value_delimiter = ',')]
    only: Vec<String>,
    /// Only engines whose names contain one of these (native code is always measured)
    #[arg(long, value_delimiter = ',')]
    engines: Vec<String>,
    #[command(flatten)]
    common: Common,
    /// Also measure tiering, for amounts of work up to this many milliseconds; with 10000 that takes minutes
    #[arg(long, value_name = "MS")]
    tiers: Option<u64>,
    /// Only kernels whose full names, `peers/NAME`, contain one of these
    filter: Vec<String>,
}

/// The measurements other than kernels.
const OTHERS: [&str; 3] = ["loads", "calls", "instances"];

impl Arguments {
    fn kernels(&self) -> Result<Vec<Kernel>, Error> {
        let exists = |name: &str| OTHERS.contains(&name) || KERNELS.iter().any(|kernel| kernel.name == name);
        if let Some(unknown) = self.only.iter().find(|name| !exists(name)) {
            return Err(format!("unknown kernel {unknown}").into());
        }
        let wanted = |kernel: &Kernel| {
            let full = format!("peers/{}", kernel.name);
            (self.only.is_empty() || self.only.iter().any(|name| name == kernel.name))
                && (self.filter.is_empty() || self.filter.iter().any(|text| full.contains(text)))
        };
        Ok(KERNELS.into_iter().filter(wanted).collect())
    }

    /// Returns whether one of [`OTHERS`] is to be measured.
    fn wants_other(&self, name: &str) -> bool {
        self.filter.is_empty() && (self.only.is_empty() || self.only.iter().any(|only| only == name))
    }

    fn wants(&self, engine: &str) -> bool {
        engine == "native" || self.engines.is_empty() || self.engines.iter().any(|text| engine.contains(text))
    }

    fn engines(&self) -> Vec<Box<dyn Engine>> {
        engines().into_iter().filter(|engine| self.wants(&engine.name())).collect()
    }
}

fn main() -> Result<(), Error> {
    let arguments = Arguments::parse();
    let kernels = arguments.kernels()?;
    let engines = arguments.engines();
    if kernels.is_empty() && !OTHERS.iter().any(|name| arguments.wants_other(name)) {
        return Ok(());
    }
    let runs = arguments.runs.max(1);
    if arguments.common.is_test() {
        for kernel in &kernels {
            measure::kernel(kernel, &engines, 0)?;
            println!("peers/{}: ok", kernel.name);
        }
        return loads::check();
    }
    let mut report = Report::new(engines.iter().map(|engine| engine.name()).collect());
    for kernel in &kernels {
        eprintln!("{}", kernel.name);
        let times = measure::kernel(kernel, &engines, runs)?;
        let times = report.engines.iter().cloned().zip(times);
        report.kernels.push(KernelTimes {
            name: kernel.name.into(),
            argument: kernel.argument,
            instructions: instructions(kernel)?,
            times: times.filter_map(|(engine, times)| Some((engine, times?))).collect(),
        });
    }
    let wanted = |name: &str| arguments.wants(name);
    if arguments.wants_other("loads") {
        eprintln!("loads");
        loads::check()?;
        report.loads = loads::loads(wanted, runs)?;
    }
    if arguments.wants_other("calls") {
        eprintln!("calls");
        report.calls = calls::costs(wanted, runs)?;
    }
    if arguments.wants_other("instances") {
        eprintln!("instances");
        report.instances = calls::instances(wanted, runs)?;
    }
    if let Some(longest) = arguments.tiers {
        report.tiers = tiers::amounts(runs, Duration::from_millis(longest))?;
    }
    if !kernels.is_empty() {
        println!("{}", tables::everything(&report).text());
    }
    for table in tables::all(&report) {
        if !["ratios", "times"].contains(&table.name) && !table.rows.is_empty() {
            println!("{}", table.text());
        }
    }
    arguments.common.write(&report)
}
