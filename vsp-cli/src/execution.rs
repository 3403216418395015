//! Preparation and completion shared by the commands that run a program.

use std::cell::RefCell;
use std::fmt::Display;
#[cfg(feature = "wasi")]
use std::io::IsTerminal;
use std::io::{self, BufWriter, Write};
use std::path::Path;

use vsp_core::index::Location;
use vsp_core::verify::Verified;
use vsp_core::{Imports, Instance, Options, Outcome};

use crate::cli::EXIT_REFUSED;
use crate::end::End;
use crate::entry::Entry;
use crate::files::{self, Files, Output, Shared, is_standard};
use crate::interrupt;
use crate::load::Loaded;
use crate::message;
#[cfg(feature = "wasi")]
use crate::program::imports_wasi;
use crate::program::{InputFile, ProgramArgs, Streams, UNLIMITED};
use crate::progress::Progress;
use crate::state::State;
use crate::translate::{Result, ignore_broken_pipe, load_verified, print_message};

/// A program that is ready to run.
pub(crate) struct Execution<'a> {
    args: &'a ProgramArgs,
    pub(crate) loaded: Loaded,
    pub(crate) verified: Verified<'static>,
    pub(crate) entry: Entry,
    imports: Imports<State>,
    progress: Progress,
    files: RefCell<Files>,
    /// The file that the program writes, if one is named.
    output: RefCell<Option<Shared>>,
}

/// The end of a run.
pub(crate) struct Ending {
    pub(crate) end: End,
    /// The results as texts, if they have types of WebAssembly.
    typed_results: Option<Vec<String>>,
    /// The call stack, innermost first.
    pub(crate) locations: Vec<Location>,
    pub(crate) fuel_used: u64,
    output: Box<dyn Write>,
    file: Option<Shared>,
}

impl<'a> Execution<'a> {
    pub(crate) fn new(args: &'a ProgramArgs) -> Result<Execution<'a>> {
        let (loaded, verified) = load_verified(&args.file)?;
        let entry = Entry::new(args, &verified)?;
        let imports = args.imports.resolve(&loaded)?;
        let progress = Progress::new(args.output.as_ref().is_some_and(|path| !is_standard(path)));
        let files = RefCell::new(args.files());
        let output = RefCell::default();
        Ok(Execution { args, loaded, verified, entry, imports, progress, files, output })
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
    pub(crate) fn instance(&self) -> Result<Instance<'_, State>> {
        let options =
            Options { interrupt: interrupt::flag(true).map(Into::into), ..self.args.options(&self.verified) };
        self.instance_by(|imports, state| Instance::new(&self.verified, imports, state, options))
    }

    /// Opens the program's files, and creates an instance with `make`.
    pub(crate) fn instance_by<'s, E: Display>(
        &'s self,
        make: impl FnOnce(&'s Imports<State>, State) -> std::result::Result<Instance<'s, State>, E>,
    ) -> Result<Instance<'s, State>> {
        let refuse = |error: String| message::render_text(&error);
        let state = self.state().map_err(refuse)?;
        make(&self.imports, state).map_err(|error| files::refuse(&self.args.file, &error))
    }

    /// Opens the program's files, and creates the state of the host functions.
    fn state(&self) -> Result<State> {
        #[cfg(feature = "wasi")]
        if imports_wasi(&self.verified) {
            let input = self.args.wasi_input()?;
            let (output, errors) = self.outputs()?;
            let is_terminal = self.output.borrow().is_none() && io::stdout().is_terminal();
            return self.args.wasi_state(
                !self.entry.takes_args,
                Streams { input, output, errors },
                is_terminal,
            );
        }
        let input = match self.args.input_file()? {
            Some(InputFile { reader, bytes }) => self.progress.reader(reader, Some(bytes)),
            None => self.progress.reader(self.args.standard_input()?, None),
        };
        let (output, errors) = self.outputs()?;
        Ok(self.args.state(!self.entry.takes_args, Streams { input, output, errors }))
    }

    /// Creates the file that the program writes, if one is named. Returns its output and its error stream.
    fn outputs(&self) -> Result<(Box<dyn Write + Send>, Box<dyn Write>)> {
        let file = self.args.output_file(&mut self.files.borrow_mut())?;
        let output: Box<dyn Write + Send> = match file.clone() {
            Some(file) => Box::new(BufWriter::new(file)),
            None => Box::new(BufWriter::new(io::stdout())),
        };
        self.output.replace(file);
        Ok((output, self.progress.errors(Box::new(io::stderr()))))
    }

    /// Returns the end of a run, with what remains of the instance.
    pub(crate) fn ending(&self, mut instance: Instance<'_, State>, outcome: Outcome) -> Ending {
        self.progress.finish();
        let fuel = self.args.fuel().min(UNLIMITED);
        let fuel_used = fuel.saturating_add_signed(-instance.fuel().unwrap_or(0));
        let locations = instance.call_stack().collect();
        let typed_results = self.entry.results(&instance, &outcome);
        let error = instance.take_host_error();
        let mut sys = instance.into_state().sys;
        let end = End::new(outcome, &self.verified, sys.failure.take(), sys.exit_code, error.as_deref());
        Ending { end, typed_results, locations, fuel_used, output: sys.output, file: self.output.take() }
    }

    /// Finishes a program that has not ended.
    pub(crate) fn cut_short(&self, instance: Instance<'_, State>) -> Result<()> {
        self.progress.finish();
        let flushed = instance.into_state().sys.output.flush();
        let finished = flushed.and_then(|()| self.output.take().map_or(Ok(()), |file| file.finish()));
        finished.or_else(ignore_broken_pipe).map_err(output_error)
    }

    /// Prints on the error stream why and where the program stopped, unless it ended normally.
    pub(crate) fn explain(&self, ending: &Ending) {
        if let Some(message) = &ending.end.message {
            print_message(&message::render_stop(&self.loaded, message, &ending.locations));
        }
        if let Some(note) = &ending.end.note {
            print_message(&message::render_note(note));
        }
    }
}

impl Ending {
    /// Prints the results, one per line, with their types or as signed integers.
    pub(crate) fn print_results(&mut self) -> io::Result<()> {
        let results = self.typed_results.take();
        let results = results
            .unwrap_or_else(|| self.end.results.iter().map(|result| (*result as i64).to_string()).collect());
        for result in results {
            writeln!(self.output, "{result}").or_else(ignore_broken_pipe)?;
        }
        Ok(())
    }

    /// Flushes the output of the program. (After a trap a failure is ignored.)
    pub(crate) fn flush(&mut self) -> io::Result<()> {
        let flushed = self.output.flush();
        let flushed = flushed.and_then(|()| self.file.take().map_or(Ok(()), |file| file.finish()));
        if self.end.trap.is_some() {
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
