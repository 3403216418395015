//! The state of the module in a state file.

use std::fmt::Display;

use vsp_core::state_file::{HostState, HostStateError, SectionReader, SectionWriter};

use super::Sys;
use crate::input::SavedInput;

/// The version of the section.
const VERSION: u16 = 1;

/// The section of the module in a state file (`docs/format.md`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SysState {
    /// The program's arguments.
    pub args: Vec<String>,
    /// The name of the input, as `sys.input_name` gives it.
    pub input_name: String,
    /// The exit code that the program chose.
    pub exit_code: u8,
    /// Bytes that the module has written to the output.
    pub written: u64,
    /// The input.
    pub input: SavedInput,
}

impl SysState {
    /// Reads the section.
    ///
    /// # Errors
    /// It is damaged, or has another version.
    pub fn read(version: u16, mut from: SectionReader<'_>) -> Result<SysState, HostStateError> {
        HostStateError::check_version(version, VERSION)?;
        let state = SysState {
            args: from.texts("arguments")?,
            input_name: from.text("name of the input")?.to_owned(),
            exit_code: from.u8("exit code")?,
            written: from.u64("bytes written")?,
            input: SavedInput::read(&mut from)?,
        };
        from.finish()?;
        Ok(state)
    }

    fn write(&self, out: &mut SectionWriter<'_>) -> Result<(), HostStateError> {
        out.texts(&self.args)?;
        out.text(&self.input_name)?;
        out.u8(self.exit_code)?;
        out.u64(self.written)?;
        self.input.write(out)
    }
}

/// Arguments, exit code, and positions of input and output. To restore, the host creates a [`Sys`] with the streams that
/// the program shall have; the rest comes from the state. The output goes on where the host puts it: it has `written`
/// bytes already.
impl HostState for Sys {
    fn name(&self) -> &str {
        "sys"
    }

    fn version(&self) -> u16 {
        VERSION
    }

    fn save(&mut self, out: &mut SectionWriter<'_>) -> Result<(), HostStateError> {
        let cannot = |what: &str, error: &dyn Display| HostStateError::cannot(what, error);
        self.output.flush().map_err(|error| cannot("the output", &error))?;
        self.errors.flush().map_err(|error| cannot("the error stream", &error))?;
        let state = SysState {
            args: self.args.clone(),
            input_name: self.input_name.clone(),
            exit_code: self.exit_code,
            written: self.written,
            input: self.input.save()?,
        };
        state.write(out)
    }

    fn restore(&mut self, version: u16, from: SectionReader<'_>) -> Result<(), HostStateError> {
        let SysState { args, input_name, exit_code, written, input } = SysState::read(version, from)?;
        self.input.restore(input)?;
        (self.args, self.input_name, self.exit_code, self.written) = (args, input_name, exit_code, written);
        Ok(())
    }
}
