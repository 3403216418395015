//! What the benchmarks share: options, and the least time.

use std::error::Error;
use std::hint::black_box;
use std::path::PathBuf;
use std::time::Instant;

use clap::Args;
use serde::Serialize;

/// The options of every benchmark.
#[derive(Args)]
pub(crate) struct Common {
    /// File for the results, relative to benches/
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Do little work, once, and check the answers
    #[arg(long)]
    test: bool,
    /// Passed by cargo
    #[arg(long, hide = true)]
    bench: bool,
}

impl Common {
    /// Returns whether it runs as a test: on request, and if cargo does not benchmark.
    pub(crate) fn is_test(&self) -> bool {
        self.test || !self.bench
    }

    /// Writes the results to the file, if one is named.
    pub(crate) fn write(&self, results: &impl Serialize) -> Result<(), Box<dyn Error>> {
        if let Some(file) = &self.json {
            std::fs::write(file, serde_json::to_string_pretty(results)? + "\n")?;
        }
        Ok(())
    }
}

/// Keeps the least time, in seconds.
#[allow(dead_code, reason = "not every benchmark measures in turns")]
pub(crate) fn time<T>(least: &mut f64, run: impl FnOnce() -> T) -> T {
    let start = Instant::now();
    let result = black_box(run());
    let time = start.elapsed().as_secs_f64();
    if *least == 0.0 || time < *least {
        *least = time;
    }
    result
}
