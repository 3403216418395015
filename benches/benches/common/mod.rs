//! The options that the benchmarks share.

use std::error::Error;
use std::path::PathBuf;

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
