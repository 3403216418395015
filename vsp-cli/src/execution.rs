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
use vsp_host::input::Input;

use crate::cli::EXIT_REFUSED;
use crate::end::End;
use crate::entry::Entry;
use crate::files::{self, Files, Output, Shared, is_standard};
use crate::interrupt;
use crate::load::Loaded;
use crate::message;
#[cfg(feature = "wasi")]
use crate::program::imports_wasi;
use crate::program::{ProgramArgs, Streams, UNLIMITED, standard_input};
use crate::progress::Progress;
use crate::script_state::Script;
use crate::state::State;
use crate::translate::{Result, ignore_broken_pipe, load_verified, print_message};

/// A program that is ready to run.
pub(crate) struct Execution<'a> {
    args: &'a ProgramArgs,
    pub(crate) loaded: Loaded,
    pub(crate) verified: Verified<'static>,
    pub(crate) entry: Entry,
    imports: Imports<State>,
    /// The functions that `--imports` declares.
    script: Script,
    progress: Progress,
    files: RefCell<Files>,
    /// The file that the program writes, if one is named.
    output: RefCell<Option<Shared>>,
    resumed: Option<Resumed>,
}

/// How a program that was saved gets what it had.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Resumed {
    /// Bytes that the program has written to its output file, if it has one.
    pub(crate) written: Option<u64>,
    /// Whether it gets only files and directories that the command line names, and no others that the state names.
    pub(crate) only_given: bool,
    /// Whether the state was read from the standard input.
    pub(crate) takes_standard_input: bool,
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
        Self::of(args, loaded, verified, None)
    }

    /// Prepares a program that was loaded, and maybe saved before.
    pub(crate) fn of(
        args: &'a ProgramArgs,
        loaded: Loaded,
        verified: Verified<'static>,
        resumed: Option<Resumed>,
    ) -> Result<Execution<'a>> {
        let entry = Entry::new(args, &verified)?;
        let (imports, script) = args.imports.resolve(&loaded)?;
        let progress = Progress::new(args.output.as_ref().is_some_and(|path| !is_standard(path)));
        let files = RefCell::new(args.files());
        let output = RefCell::default();
        Ok(Execution { args, loaded, verified, entry, imports, script, progress, files, output, resumed })
    }

    /// Records a file that is read.
    pub(crate) fn reading(&self, path: &Path, what: &'static str) {
        self.files.replace_with(|files| std::mem::take(files).reading(path, what));
    }

    /// Records the state file that will be written. It may be one that is read.
    pub(crate) fn saving(&self, path: &Path) -> Result<()> {
        self.files.borrow_mut().claim_state(path).map_err(|error| message::render_text(&error))
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

    /// Restores an instance with `restore`.
    pub(crate) fn restored_by<'s, E: Display>(
        &'s self,
        restore: impl FnOnce(&'s Imports<State>) -> std::result::Result<Instance<'s, State>, E>,
    ) -> Result<Instance<'s, State>> {
        restore(&self.imports).map_err(|error| files::refuse(&self.args.file, &error))
    }

    /// Opens the program's files, and creates the state of the host functions.
    pub(crate) fn state(&self) -> Result<State> {
        Ok(State { script: self.script.clone(), ..self.modules_state()? })
    }

    fn modules_state(&self) -> Result<State> {
        #[cfg(feature = "wasi")]
        if imports_wasi(&self.verified) {
            let input = self.input()?;
            let (output, errors) = self.outputs()?;
            let is_terminal = self.output.borrow().is_none() && io::stdout().is_terminal();
            let streams = Streams { input, output, errors };
            let mut state = self.args.wasi_state(!self.entry.takes_args, streams, is_terminal)?;
            if self.resumed.is_some_and(|resumed| !resumed.only_given) {
                state.wasi = state.wasi.reopen_dirs();
            }
            return Ok(state);
        }
        let input = self.progress.input(self.input()?);
        let (output, errors) = self.outputs()?;
        Ok(self.args.state(!self.entry.takes_args, Streams { input, output, errors }))
    }

    /// Opens the input. Without `--input` a resumed program gets the file that it had.
    fn input(&self) -> Result<Input> {
        let Some(resumed) = &self.resumed else { return self.args.open_input() };
        if let Some(path) = self.args.input.as_deref().filter(|path| !is_standard(path)) {
            return Input::file(path).map_err(|error| files::wrong(path, &error));
        }
        let standard = match resumed.takes_standard_input {
            true => Input::missing("the state came through the standard input; name the rest with --input"),
            false => standard_input()?,
        };
        Ok(if self.args.input.is_some() || resumed.only_given { standard } else { Input::reopen(standard) })
    }

    /// Creates the file that the program writes, if one is named. Returns its output and its error stream.
    fn outputs(&self) -> Result<(Box<dyn Write + Send>, Box<dyn Write>)> {
        let written = self.resumed.and_then(|resumed| resumed.written);
        let file = self.args.output_file(&mut self.files.borrow_mut(), written)?;
        let output: Box<dyn Write + Send> = match file.clone() {
            Some(file) => Box::new(BufWriter::new(file)),
            None => Box::new(BufWriter::new(io::stdout())),
        };
        self.output.replace(file);
        Ok((output, self.progress.errors(Box::new(io::stderr()))))
    }

    /// Writes what the program has written so far to its output file, which gets its name. Returns its path and the
    /// number of its bytes; `None` is the standard output.
    pub(crate) fn publish_output(&self, state: &mut State) -> io::Result<Option<(String, u64)>> {
        state.sys.output.flush()?;
        let output = self.output.borrow();
        let (Some(file), Some(path)) = (&*output, &self.args.output) else { return Ok(None) };
        if is_standard(path) {
            return Ok(None);
        }
        let name = path.to_str().ok_or_else(|| {
            io::Error::other(format!("the path of the output, {}, is not UTF-8", path.display()))
        })?;
        Ok(Some((name.to_owned(), file.publish()?)))
    }

    /// Returns whether the program writes to a file that is named.
    pub(crate) fn has_output_file(&self) -> bool {
        self.args.output.is_some()
    }

    /// Returns the path of the program for a state file: empty if it has none.
    pub(crate) fn program_path(&self) -> Result<&str> {
        let path = &self.args.file;
        if is_standard(path) {
            return Ok("");
        }
        path.to_str().ok_or_else(|| format!("the path of the program, {}, is not UTF-8", path.display()))
    }

    /// Returns the fuel that the program has used since it was started.
    pub(crate) fn fuel_used(&self, instance: &Instance<'_, State>) -> u64 {
        let fuel = self.args.fuel().min(UNLIMITED);
        fuel.saturating_add_signed(instance.fuel().unwrap_or(0).saturating_neg())
    }

    /// Returns the end of a run, with what remains of the instance.
    pub(crate) fn ending(&self, mut instance: Instance<'_, State>, outcome: Outcome) -> Ending {
        self.progress.finish();
        let fuel_used = self.fuel_used(&instance);
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
