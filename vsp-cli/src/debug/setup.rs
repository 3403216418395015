//! What is needed to start the program.

use std::io::{self, BufWriter, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use vsp_core::verify::Verified;
use vsp_core::{Imports, Instance};
#[cfg(feature = "jit")]
use vsp_host::engine::TierOptions;
use vsp_host::engine::{Engine, EngineError, EngineKind, Module};
use vsp_host::input::Input;
use vsp_host::sys::Sys;

use super::kept::Kept;
use super::recorded::Recorded;
use crate::entry::Entry;
use crate::files::{self, Files, Shared};
#[cfg(feature = "wasi")]
use crate::program::imports_wasi;
use crate::program::{ProgramArgs, Streams};
use crate::state::State;

/// The program's output if it goes to the terminal: the standard output, and whether its last line has ended.
#[derive(Clone, Debug, Default)]
pub(crate) struct Console {
    pub(crate) mid_line: Arc<AtomicBool>,
}

impl Write for Console {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = io::stdout().write(bytes)?;
        if let Some(last) = bytes[..written].last() {
            self.mid_line.store(*last != b'\n', Ordering::Relaxed);
        }
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stdout().flush()
    }
}

/// Loads a program to replay its past.
pub(crate) fn load_replay<'p>(verified: &'p Verified<'p>) -> Result<Module<'p>, EngineError> {
    let engine = Engine::new(EngineKind::Auto)?;
    #[cfg(feature = "jit")]
    let engine = engine.with_tiers(TierOptions { keep_frames: true, ..TierOptions::default() });
    engine.load(verified)
}

/// The data needed to start the program again.
pub(crate) struct Setup<'p> {
    pub(crate) args: &'p ProgramArgs,
    pub(crate) verified: &'p Verified<'p>,
    pub(crate) imports: &'p Imports<State>,
    /// The program in the engine that replays the past.
    pub(crate) replay: Module<'p>,
    pub(crate) entry: Entry,
    /// The program's input if no file is named.
    pub(crate) input: Kept,
    pub(crate) console: Console,
    /// The recording, if the run is one.
    pub(crate) recorded: Option<Recorded<'p>>,
}

impl<'p> Setup<'p> {
    /// Creates an instance, and the file that it writes, if one is named.
    pub(crate) fn instance(&self, mut files: Files) -> Result<(Instance<'p, State>, Option<Shared>), String> {
        if let Some(recorded) = &self.recorded {
            return Ok((recorded.instance(self)?, None));
        }
        let file = self.args.output_file(&mut files, None)?;
        let output: Box<dyn Write + Send> = match file.clone() {
            Some(file) => Box::new(BufWriter::new(file)),
            None => Box::new(self.console.clone()),
        };
        let state = self.state(output)?;
        let instance = Instance::new(self.verified, self.imports, state, self.args.options(self.verified));
        match instance {
            Ok(instance) => Ok((instance, file)),
            Err(error) => Err(files::wrong(&self.args.file, &error)),
        }
    }

    /// Creates an instance whose host functions will not be called. It runs in machine code, if there is some, whose
    /// frames are those of the interpreter.
    pub(crate) fn replayed(&self) -> Result<Instance<'p, State>, String> {
        let nowhere = || Box::new(io::sink());
        let state = State::new(Sys::new(Input::empty(), nowhere(), nowhere()));
        let instance = match &self.recorded {
            Some(recorded) => return recorded.restored(self, state),
            None => self.replay.instantiate(self.imports, state, self.args.options(self.verified)),
        };
        instance.map_err(|error| error.to_string())
    }

    /// Creates the state of the host functions.
    fn state(&self, output: Box<dyn Write + Send>) -> Result<State, String> {
        let pass_args = !self.entry.takes_args;
        let errors = Box::new(io::stderr());
        let input = match self.args.names_input_file() {
            true => self.args.open_input()?,
            false => Input::reader(self.input.reader()),
        };
        #[cfg(feature = "wasi")]
        if imports_wasi(self.verified) {
            return self.args.wasi_state(pass_args, Streams { input, output, errors }, false);
        }
        Ok(self.args.state(pass_args, Streams { input, output, errors }))
    }
}
