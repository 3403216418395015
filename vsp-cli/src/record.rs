//! Recording a run: the options, and the file that is written while the program runs.

use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use clap::Args;
use vsp_core::Instance;
use vsp_core::record::RecordError;
use vsp_core::state_file::{SavedProgram, StateFile};

use crate::command_state::CommandState;
use crate::execution::Execution;
use crate::files::{self, PrivateFile, is_standard};
use crate::message;
use crate::program::ProgramArgs;
use crate::recording::{RunEnd, head};
use crate::save::{HEADING, ProgramPart};
use crate::state::State;
use crate::translate::Result;

/// Whether a run is recorded, and where.
#[derive(Debug, Args)]
pub(crate) struct RecordArgs {
    /// Record the run: all that the host functions do goes to a file, while the program runs, and `vsp replay FILE`
    /// repeats it without them. `-` is the standard output, if the program's output goes elsewhere. Only the owner can
    /// read the file: it has the program's input.
    #[arg(long, help_heading = HEADING, value_name = "FILE")]
    pub(crate) record: Option<PathBuf>,
    /// The program in the recording: its bytes, or only its path (with its length and checksum).
    #[arg(long, help_heading = HEADING, value_name = "WHAT", requires = "record", default_value = "bytes")]
    record_program: ProgramPart,
}

impl RecordArgs {
    /// Checks the options.
    pub(crate) fn prepare(&self, program: &ProgramArgs, save: Option<&Path>) -> Result<()> {
        let Some(path) = &self.record else { return Ok(()) };
        let refuse = |why: &str| Err(message::render_text(why));
        if is_standard(path) {
            if program.output.as_deref().is_none_or(is_standard) {
                return refuse(
                    "--record -: the standard output has the program's output; name another for it with --output",
                );
            }
            if save.is_some_and(is_standard) {
                return refuse("--record -: the standard output has the state of --save");
            }
            if io::stdout().is_terminal() {
                return refuse("--record -: a recording is not text for a terminal; pipe it");
            }
        }
        if self.record_program == ProgramPart::Path && is_standard(&program.file) {
            return refuse(
                "--record-program path: the program was read from the standard input, and has no path",
            );
        }
        Ok(())
    }
}

/// The file of a recording, and the error of writing it.
struct Sink {
    file: PrivateFile,
    error: Option<io::Error>,
}

impl Sink {
    fn write(&mut self, bytes: &[u8]) -> bool {
        self.error = self.error.take().or_else(|| self.file.write_all(bytes).err());
        self.error.is_none()
    }
}

/// A run that is being recorded.
pub(crate) struct Recorder<'s> {
    path: &'s Path,
    sink: Arc<Mutex<Option<Sink>>>,
    /// Why the recording cannot be completed.
    failed: Option<String>,
}

impl<'s> Recorder<'s> {
    /// Begins to record, if the options ask for it.
    pub(crate) fn begin(
        args: &'s RecordArgs,
        execution: &Execution<'_>,
        command: &CommandState,
        instance: &mut Instance<'_, State>,
    ) -> Result<Option<Recorder<'s>>> {
        let Some(path) = args.record.as_deref() else { return Ok(None) };
        let refuse = |error: &dyn std::fmt::Display| {
            message::render_text(&format!("{}: {error}", files::output_name(path).display()))
        };
        let snapshot = instance.save().map_err(|error| refuse(&error))?;
        let bytes = execution.verified.program().bytes();
        let program = SavedProgram {
            path: execution.program_path().map_err(|error| refuse(&error))?,
            bytes: (args.record_program == ProgramPart::Bytes).then_some(bytes),
        };
        let state = StateFile::write(program, &snapshot, &mut [&mut command.clone()]);
        let mut file = PrivateFile::create(path, Some(".partial")).map_err(|error| refuse(&error))?;
        file.write_all(&head(&state.map_err(|error| refuse(&error))?)).map_err(|error| refuse(&error))?;
        let sink = Arc::new(Mutex::new(Some(Sink { file, error: None })));
        let taken = Arc::clone(&sink);
        let write = move |bytes: &[u8]| lock(&taken).as_mut().is_some_and(|sink| sink.write(bytes));
        instance.record_to(write).map_err(|error| refuse(&error))?;
        Ok(Some(Recorder { path, sink, failed: None }))
    }

    /// Ends the log, when the program has ended or is stopped.
    pub(crate) fn end_log(&mut self, instance: &mut Instance<'_, State>) {
        self.failed = match instance.end_log() {
            Ok(_) => None,
            Err(RecordError::Sink) => {
                let error = lock(&self.sink).as_mut().and_then(|sink| sink.error.take());
                Some(error.map_or_else(|| RecordError::Sink.to_string(), |error| error.to_string()))
            }
            Err(error) => Some(error.to_string()),
        };
    }

    /// Completes the file.
    pub(crate) fn finish(self, end: &RunEnd) -> std::result::Result<(), String> {
        let name = files::output_name(self.path).display();
        let failed = |error: &dyn std::fmt::Display| format!("the recording {name}: {error}");
        if let Some(error) = self.failed {
            return Err(failed(&error));
        }
        let Some(Sink { mut file, .. }) = lock(&self.sink).take() else { return Ok(()) };
        let bytes = end.bytes().map_err(|error| failed(&error))?;
        file.write_all(&bytes).and_then(|()| file.finish()).map_err(|error| failed(&error))
    }
}

fn lock(sink: &Mutex<Option<Sink>>) -> MutexGuard<'_, Option<Sink>> {
    sink.lock().unwrap_or_else(PoisonError::into_inner)
}
