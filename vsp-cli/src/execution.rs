//! Preparation and completion shared by the commands that run a program.

use std::cell::RefCell;
use std::fmt::Display;
use std::io::{self, BufWriter, Write};
use std::path::Path;

use vsp_core::index::{FuncIndex, Location};
use vsp_core::verify::Verified;
use vsp_core::{Imports, Instance, Options, Outcome};
use vsp_host::sys::Sys;

use crate::cli::{EXIT_REFUSED, EXIT_TRAP};
use crate::end::End;
use crate::files::{self, Files, Output, Shared, is_standard};
use crate::interrupt;
use crate::load::Loaded;
use crate::message;
use crate::program::{InputFile, ProgramArgs, UNLIMITED};
use crate::progress::Progress;
use crate::translate::{Result, ignore_broken_pipe, load_verified, print_message};

/// A program that is ready to run.
pub(crate) struct Execution<'a> {
    args: &'a ProgramArgs,
    pub(crate) loaded: Loaded,
    pub(crate) verified: Verified<'static>,
    pub(crate) entry: FuncIndex,
    /// The arguments of the entry function.
    pub(crate) values: Vec<u64>,
    imports: Imports<Sys>,
    progress: Progress,
    files: RefCell<Files>,
    /// The file that the program writes, if one is named.
    output: RefCell<Option<Shared>>,
}

/// The end of a run.
pub(crate) struct Ending {
    pub(crate) end: End,
    /// The call stack, innermost first.
    pub(crate) locations: Vec<Location>,
    pub(crate) fuel_used: u64,
    output: Box<dyn Write>,
    file: Option<Shared>,
}

impl<'a> Execution<'a> {
    pub(crate) fn new(args: &'a ProgramArgs) -> Result<Execution<'a>> {
        let (loaded, verified) = load_verified(&args.file)?;
        let (entry, values) = args.entry(&verified).map_err(|error| message::render_text(&error))?;
        let imports = args.imports.resolve(&loaded)?;
        let progress = Progress::new(args.output.as_ref().is_some_and(|path| !is_standard(path)));
        let files = RefCell::new(args.files());
        let output = RefCell::default();
        Ok(Execution { args, loaded, verified, entry, values, imports, progress, files, output })
    }

    /// Records a file that is read.
    pub(crate) fn reading(&self, path: &Path, what: &'static str) {
        self.files.replace_with(|files| std::mem::take(files).reading(path, what));
    }

    /// Creates an output file other than the program's.
    pub(crate) fn create(&self, path: &Path) -> Result<Output> {
        self.files.borrow_mut().create(path).map_err(|error| message::render_text(&error))
    }

    /// Opens the program's files, and creates an interpreted instance.
    pub(crate) fn instance(&self) -> Result<Instance<'_, Sys>> {
        let options = Options { interrupt: interrupt::flag(true).map(Into::into), ..self.args.options() };
        self.instance_by(|imports, state| Instance::new(&self.verified, imports, state, options))
    }

    /// Opens the program's files, and creates an instance with `make`.
    pub(crate) fn instance_by<'s, E: Display>(
        &'s self,
        make: impl FnOnce(&'s Imports<Sys>, Sys) -> std::result::Result<Instance<'s, Sys>, E>,
    ) -> Result<Instance<'s, Sys>> {
        let refuse = |error: String| message::render_text(&error);
        let input = match self.args.input_file().map_err(refuse)? {
            Some(InputFile { reader, bytes }) => self.progress.reader(reader, Some(bytes)),
            None => self.progress.reader(self.args.standard_input().map_err(refuse)?, None),
        };
        let file = self.args.output_file(&mut self.files.borrow_mut()).map_err(refuse)?;
        let output: Box<dyn Write> = match file.clone() {
            Some(file) => Box::new(BufWriter::new(file)),
            None => Box::new(BufWriter::new(io::stdout().lock())),
        };
        self.output.replace(file);
        let errors = self.progress.errors(Box::new(io::stderr()));
        let state = self.args.state(self.values.is_empty(), input, output, errors);
        make(&self.imports, state).map_err(|error| files::refuse(&self.args.file, &error))
    }

    /// Returns the end of a run, with what remains of the instance.
    pub(crate) fn ending(&self, instance: Instance<'_, Sys>, outcome: Outcome) -> Ending {
        self.progress.finish();
        let fuel = self.args.options().fuel.unwrap_or_default().min(UNLIMITED);
        let fuel_used = fuel.saturating_add_signed(-instance.fuel().unwrap_or(0));
        let locations = instance.call_stack().collect();
        let mut sys = instance.into_state();
        let end = End::new(outcome, &self.verified, sys.failure.take(), sys.exit_code);
        Ending { end, locations, fuel_used, output: sys.output, file: self.output.take() }
    }

    /// Finishes a program that has not ended.
    pub(crate) fn cut_short(&self, instance: Instance<'_, Sys>) -> Result<()> {
        self.progress.finish();
        let flushed = instance.into_state().output.flush();
        let finished = flushed.and_then(|()| self.output.take().map_or(Ok(()), |file| file.finish()));
        finished.or_else(ignore_broken_pipe).map_err(output_error)
    }

    /// Prints on the error stream why and where the program stopped, unless it ended normally.
    pub(crate) fn explain(&self, ending: &Ending) {
        if let Some(message) = &ending.end.message {
            print_message(&message::render_stop(&self.loaded, message, &ending.locations));
        }
    }
}

impl Ending {
    /// Prints the results, one per line, as signed integers.
    pub(crate) fn print_results(&mut self) -> io::Result<()> {
        for result in &self.end.results {
            writeln!(self.output, "{}", *result as i64).or_else(ignore_broken_pipe)?;
        }
        Ok(())
    }

    /// Flushes the output of the program. (After a trap a failure is ignored.)
    pub(crate) fn flush(&mut self) -> io::Result<()> {
        let flushed = self.output.flush();
        let flushed = flushed.and_then(|()| self.file.take().map_or(Ok(()), |file| file.finish()));
        if self.end.code == EXIT_TRAP {
            return Ok(());
        }
        flushed.or_else(ignore_broken_pipe)
    }

    /// Records that output could not be written: then the run has failed, whatever its outcome.
    pub(crate) fn fail(&mut self, error: &io::Error) {
        let error = format!("the output: {error}");
        self.end.code = EXIT_REFUSED;
        self.end.message = Some(match self.end.message.take() {
            Some(message) => format!("{message}; {error}"),
            None => error,
        });
    }
}

/// Returns the message for an output that could not be written.
pub(crate) fn output_error(error: io::Error) -> String {
    message::render_text(&format!("the output: {error}"))
}
