//! Case files: programs with the steps to carry out on them, and the expected results.

mod exhaustive;
mod parse;
mod runner;

use std::io;
use std::path::{Path, PathBuf};

pub use exhaustive::suspend_everywhere;
pub use parse::{Case, Expected, Step, Tolerance, parse};
pub use runner::run;
pub(crate) use runner::{compare, equal, location_name, reason_name};

/// Returns the folder of the cases.
pub fn cases_folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("cases")
}

/// Returns all `.sil` files below a folder, sorted by path.
///
/// # Errors
/// A folder cannot be read.
pub fn sil_files(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder)? {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "sil") {
                files.push(path);
            }
        }
    }
    files.sort();
    Ok(files)
}
