//! The command's own section in a state file: what it does with the program, and where the output goes.

use vsp_core::state_file::{HostState, HostStateError, SectionReader, SectionWriter};

use crate::script::Unknown;
use crate::script_state::Script;
use crate::state::State;

/// The version of the section.
const VERSION: u16 = 1;

/// The section of the command (`docs/format.md`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct CommandState {
    /// The name of the export that is called.
    pub(crate) entry: String,
    /// Whether it is called with types of WebAssembly (`--invoke`).
    pub(crate) invoke: bool,
    /// Whether the results are printed.
    pub(crate) results: bool,
    /// The arguments of the command line.
    pub(crate) args: Vec<String>,
    /// The number of the call that runs: an entry of [`crate::entry::Entry::call`].
    pub(crate) call: u32,
    /// The fuel that the program has had in all, if it is counted.
    pub(crate) granted: Option<u64>,
    /// The effect of calls that nobody provides.
    pub(crate) unknown_imports: Option<Unknown>,
    /// The file of the program's output, if it is not the standard output.
    pub(crate) output: Option<SavedOutput>,
}

/// The file that a program writes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SavedOutput {
    /// The path as the user gave it.
    pub(crate) path: String,
    /// Bytes that were written.
    pub(crate) written: u64,
}

impl CommandState {
    /// Reads the section.
    pub(crate) fn read(
        version: u16,
        mut from: SectionReader<'_>,
    ) -> std::result::Result<CommandState, HostStateError> {
        HostStateError::check_version(version, VERSION)?;
        let state = CommandState {
            entry: from.text("name of the entry function")?.to_owned(),
            invoke: from.flag("types of the entry function")?,
            results: from.flag("printing of results")?,
            args: from.texts("arguments")?,
            call: from.u32("number of the call")?,
            granted: match from.flag("counting of fuel")? {
                true => Some(from.u64("fuel of the program")?),
                false => None,
            },
            unknown_imports: match from.choice(3, "unknown imports")? {
                0 => None,
                1 => Some(Unknown::Trap),
                _ => Some(Unknown::Default),
            },
            output: match from.flag("file of the output")? {
                true => Some(SavedOutput {
                    path: from.text("path of the output")?.to_owned(),
                    written: from.u64("bytes of the output")?,
                }),
                false => None,
            },
        };
        from.finish()?;
        Ok(state)
    }
}

impl HostState for CommandState {
    fn name(&self) -> &str {
        "vsp"
    }

    fn version(&self) -> u16 {
        VERSION
    }

    fn save(&mut self, out: &mut SectionWriter<'_>) -> std::result::Result<(), HostStateError> {
        out.text(&self.entry)?;
        out.u8(self.invoke.into())?;
        out.u8(self.results.into())?;
        out.texts(&self.args)?;
        out.u32(self.call)?;
        out.u8(self.granted.is_some().into())?;
        self.granted.map_or(Ok(()), |granted| out.u64(granted))?;
        out.u8(match self.unknown_imports {
            None => 0,
            Some(Unknown::Trap) => 1,
            Some(Unknown::Default) => 2,
        })?;
        out.u8(self.output.is_some().into())?;
        if let Some(SavedOutput { path, written }) = &self.output {
            out.text(path)?;
            out.u64(*written)?;
        }
        Ok(())
    }

    fn restore(&mut self, version: u16, from: SectionReader<'_>) -> std::result::Result<(), HostStateError> {
        *self = CommandState::read(version, from)?;
        Ok(())
    }
}

/// Returns the modules of the host that have a section.
pub(crate) fn modules<'m>(
    state: &'m mut State,
    has_wasi: bool,
    command: &'m mut CommandState,
) -> Vec<&'m mut dyn HostState> {
    let _ = has_wasi;
    let mut modules: Vec<&mut dyn HostState> = vec![command, &mut state.sys];
    #[cfg(feature = "wasi")]
    if has_wasi {
        modules.push(&mut state.wasi);
    }
    if state.script != Script::default() {
        modules.push(&mut state.script);
    }
    modules
}

#[cfg(test)]
mod tests {
    use vsp_core::state_file::SectionReader;

    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let all = CommandState {
            entry: "main".to_owned(),
            invoke: true,
            results: true,
            args: vec!["1".to_owned(), String::new()],
            call: 2,
            granted: Some(7),
            unknown_imports: Some(Unknown::Default),
            output: Some(SavedOutput { path: "o".to_owned(), written: 3 }),
        };
        let trap = CommandState { unknown_imports: Some(Unknown::Trap), ..CommandState::default() };
        for mut state in [all, trap, CommandState::default()] {
            let mut bytes = Vec::new();
            state.save(&mut SectionWriter::new(&mut bytes)).unwrap();
            assert_eq!(CommandState::read(1, SectionReader::new(&bytes)).unwrap(), state);
            for length in 0..bytes.len() {
                assert!(CommandState::read(1, SectionReader::new(&bytes[..length])).is_err(), "{length}");
            }
        }
    }
}
