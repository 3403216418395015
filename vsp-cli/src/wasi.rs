//! Options of programs that import WASI, and the state that they make.

use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};

use clap::Args;
use vsp_core::Excerpt;
use vsp_core::program::Program;
use vsp_host::number;
use vsp_host::wasi::{Access, Input, MODULE, Output, Wasi};

use crate::cli::EXIT_SUCCESS;
use crate::files;

/// The heading of the options in the help.
const HEADING: &str = "Programs that import WASI";

/// The directories that a program gets.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct DirectoryArgs {
    /// Open a directory: the program may read and change what is in it, and calls it GUEST [default: HOST].
    #[arg(long, help_heading = HEADING, value_name = "HOST[::GUEST]")]
    dir: Vec<String>,
    /// Open a directory that the program may only read.
    #[arg(long, help_heading = HEADING, value_name = "HOST[::GUEST]")]
    dir_ro: Vec<String>,
}

/// What a program that imports `wasi_snapshot_preview1` gets.
#[derive(Debug, Default, Args)]
pub(crate) struct WasiArgs {
    #[command(flatten)]
    pub(crate) directories: DirectoryArgs,
    /// Set a variable of the program's environment, which is empty otherwise; without a value, to the value that it has
    /// here.
    #[arg(long, help_heading = HEADING, value_name = "NAME[=VALUE]")]
    pub(crate) env: Vec<String>,
    /// Make the run repeatable: random numbers follow from the seed [default: 0], and time moves only with what the
    /// program does.
    #[arg(
        long, help_heading = HEADING, value_name = "SEED", num_args = 0..=1, require_equals = true, default_missing_value = "0",
        value_parser = number::count
    )]
    pub(crate) deterministic: Option<u64>,
}

/// Returns whether a program imports WASI.
pub(crate) fn is_imported(program: &Program<'_>) -> bool {
    program.imports().any(|import| import.module == MODULE)
}

impl WasiArgs {
    /// Creates the state for a program with these arguments, the first of which is its name.
    pub(crate) fn state(&self, args: Vec<String>, stdin: Input, stdout: Output) -> Result<Wasi, String> {
        let mut wasi = Wasi::new().args(args).stdin(stdin).stdout(stdout).stderr(Output::stderr());
        for variable in &self.env {
            wasi = match variable.split_once('=') {
                Some((name, value)) => wasi.env(name, value),
                None => {
                    let value = std::env::var(variable);
                    let value = value.map_err(|error| format!("--env {}: {error}", Excerpt(variable)))?;
                    wasi.env(variable, &value)
                }
            };
        }
        let DirectoryArgs { dir, dir_ro } = &self.directories;
        let directories = dir.iter().map(|dir| (dir, Access::ReadWrite));
        for (dir, access) in directories.chain(dir_ro.iter().map(|dir| (dir, Access::ReadOnly))) {
            let (host, guest) = dir.split_once("::").unwrap_or((dir, dir));
            let opened = wasi.preopen_dir(host, guest, access);
            wasi = opened.map_err(|error| format!("the directory {}: {error}", Excerpt(host)))?;
        }
        Ok(match self.deterministic {
            Some(seed) => wasi.deterministic(seed),
            None => wasi,
        })
    }
}

/// An output that ends the command when its reader has closed it: programs ignore that error, or report it as a fault
/// of their own. Elsewhere a signal ends them.
pub(crate) struct EndsWithReader(pub(crate) Joint);

impl Write for EndsWithReader {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes).inspect_err(end_if_closed)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush().inspect_err(end_if_closed)
    }
}

fn end_if_closed(error: &io::Error) {
    if error.kind() == io::ErrorKind::BrokenPipe {
        files::end_unfinished();
        std::process::exit(EXIT_SUCCESS.into());
    }
}

/// An output that both modules write to.
#[derive(Clone)]
pub(crate) struct Joint(Arc<Mutex<Box<dyn Write + Send>>>);

impl Joint {
    pub(crate) fn new(output: Box<dyn Write + Send>) -> Joint {
        Joint(Arc::new(Mutex::new(output)))
    }
}

impl Write for Joint {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).flush()
    }
}
