//! Benchmarks of WebAssembly: the same `.wasm` files in VSP, and with `--features peers` in other virtual machines.
//!
//!     cargo bench -p vsp-benches --features peers --bench wasm
//!
//! Every answer is compared before anything is timed.

mod common;

use clap::Parser;
use common::Common;
use vsp_benches::peers::Error;
use vsp_benches::wasm::report::WasmReport;
use vsp_benches::wasm::{MODULES, Module, WasmEngine, Work, engines, measure, tables, works};

#[derive(Parser)]
#[command(about = "Compares WebAssembly modules in all engines")]
struct Arguments {
    /// Number of runs of each program in each engine
    #[arg(long, default_value_t = 21)]
    runs: usize,
    /// Number of times that each engine compiles each module
    #[arg(long, default_value_t = 5)]
    compilations: usize,
    /// Only these kernels, programs and modules
    #[arg(long, value_delimiter = ',')]
    only: Vec<String>,
    /// Only engines whose names contain one of these
    #[arg(long, value_delimiter = ',')]
    engines: Vec<String>,
    #[command(flatten)]
    common: Common,
    /// Only kernels and programs whose full names, `wasm/NAME`, contain one of these
    filter: Vec<String>,
}

impl Arguments {
    fn wants(&self, name: &str) -> bool {
        let full = format!("wasm/{name}");
        (self.only.is_empty() || self.only.iter().any(|only| only == name))
            && (self.filter.is_empty() || self.filter.iter().any(|text| full.contains(text)))
    }

    fn works(&self) -> Result<Vec<Work>, Error> {
        Ok(works()?.into_iter().filter(|work| self.wants(&work.name)).collect())
    }

    fn modules(&self) -> impl Iterator<Item = Module> {
        MODULES.iter().copied().filter(|module| self.compilations > 0 && self.wants(module.name))
    }

    fn engines(&self) -> Vec<Box<dyn WasmEngine>> {
        let wanted =
            |name: String| self.engines.is_empty() || self.engines.iter().any(|text| name.contains(text));
        engines().into_iter().filter(|engine| wanted(engine.name())).collect()
    }
}

fn main() -> Result<(), Error> {
    let arguments = Arguments::parse();
    let (works, engines) = (arguments.works()?, arguments.engines());
    if arguments.common.is_test() {
        for work in &works {
            measure::ready(work, &engines)?;
            println!("wasm/{}: ok", work.name);
        }
        return Ok(());
    }
    if works.is_empty() && arguments.modules().next().is_none() {
        return Ok(());
    }
    let mut report = WasmReport::new(engines.iter().map(|engine| engine.name()).collect());
    for work in &works {
        eprintln!("{}", work.name);
        report.works.push(measure::work(work, &engines, arguments.runs)?);
    }
    for module in arguments.modules() {
        eprintln!("{}, compiled", module.name);
        report.modules.push(measure::module(module, &engines, arguments.compilations)?);
    }
    for table in tables::all(&report) {
        println!("{}", table.text());
    }
    arguments.common.write(&report)
}
