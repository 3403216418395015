//! The cases and the programs that every engine has to pass, and texts for snapshots. `README.md` describes the files.

mod case;
mod configuration;
pub mod corpus;
pub mod fuzz;
mod imports;
mod listing;
pub mod proof;
pub mod random;
pub mod reference;
mod runner;
mod sweep;

pub use case::{Case, Expected, Step, Tolerance, parse};
pub use configuration::Configuration;
pub use listing::{Versions, function_text, listing, named_functions};
pub use runner::run;
pub use sweep::sweep;

use std::io;
use std::path::{Path, PathBuf};

/// The folder of the cases.
pub fn cases_folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("cases")
}

/// All files below a folder that end in `.sil`, in the order of their names.
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
