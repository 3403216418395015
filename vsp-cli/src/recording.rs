//! Recordings: files with the state from which a run began, the log of its host calls, and how it ended.
//! `docs/format.md` describes every byte.

use std::path::{Path, PathBuf};

use vsp_core::program::Program;
use vsp_core::record::{LogEnd, LogSummary, checksum};
use vsp_core::state_file::{SectionReader, SectionWriter, StateFile};

use crate::command_state::CommandState;
use crate::files;
use crate::load::Loaded;
use crate::message;
use crate::program::ProgramArgs;
use crate::resume::{Origin, command_of, program_of};
use crate::script::ImportArgs;
use crate::script_state::Script;
use crate::translate::Result;
#[cfg(feature = "wasi")]
use crate::wasi::WasiArgs;

/// The first four bytes of every recording.
pub(crate) const MAGIC: [u8; 4] = *b"SILT";

/// The version of the format: 1.0.
const VERSION: u16 = 0x0100;

/// Size of the header in bytes.
const HEADER_BYTES: usize = 16;

/// How the recorded run ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct RunEnd {
    /// The exit code of the command.
    pub(crate) exit_code: u8,
    /// Why a function of `sys` failed last, if one did.
    pub(crate) failure: Option<String>,
}

impl RunEnd {
    /// Returns the last part of a recording.
    pub(crate) fn bytes(&self) -> std::result::Result<Vec<u8>, String> {
        let mut bytes = Vec::new();
        let mut out = SectionWriter::new(&mut bytes);
        let written = out.u8(self.exit_code).and_then(|()| out.text(self.failure.as_deref().unwrap_or("")));
        written.map_err(|error| error.to_string())?;
        bytes.extend_from_slice(&checksum(&bytes).to_le_bytes());
        Ok(bytes)
    }

    /// Reads the last part of a recording. Returns `None` if it is cut or damaged.
    fn read(bytes: &[u8]) -> Option<RunEnd> {
        let (part, stored) = bytes.split_last_chunk()?;
        if checksum(part) != u32::from_le_bytes(*stored) {
            return None;
        }
        let mut from = SectionReader::new(part);
        let exit_code = from.u8("exit code").ok()?;
        let failure = from.text("reason of a failure").ok()?;
        from.finish().ok()?;
        let failure = Some(failure).filter(|failure| !failure.is_empty()).map(str::to_owned);
        Some(RunEnd { exit_code, failure })
    }
}

/// Returns the first part of a recording: a header, and the state at which it begins.
pub(crate) fn head(state: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(HEADER_BYTES + state.len());
    bytes.extend_from_slice(&MAGIC);
    bytes.extend_from_slice(&VERSION.to_le_bytes());
    bytes.extend_from_slice(&[0; 2]);
    bytes.extend_from_slice(&(state.len() as u64).to_le_bytes());
    bytes.extend_from_slice(state);
    bytes
}

/// A recording.
pub(crate) struct Recording<'b> {
    path: &'b Path,
    /// The state at which it begins.
    pub(crate) state: StateFile<'b>,
    /// What the command did with the program.
    pub(crate) command: CommandState,
    /// The log, and the bytes after it.
    rest: &'b [u8],
}

/// The log of a recording that was read to its end.
pub(crate) struct CheckedLog<'b> {
    pub(crate) bytes: &'b [u8],
    pub(crate) summary: LogSummary,
    /// How the run ended; `None` if the recording has no end.
    pub(crate) end: Option<RunEnd>,
}

impl<'b> Recording<'b> {
    /// Reads a recording up to its log.
    pub(crate) fn read(path: &'b Path, bytes: &'b [u8]) -> Result<Recording<'b>> {
        let refuse = |error: &dyn std::fmt::Display| files::refuse(path, error);
        let (state, rest) = parts(bytes).map_err(|error| refuse(&error))?;
        let state = StateFile::read(state).map_err(|error| {
            refuse(&format!("the state at the beginning: after {HEADER_BYTES} bytes of header, {error}"))
        })?;
        let command = command_of(&state).map_err(|error| refuse(&error))?;
        Ok(Recording { path, state, command, rest })
    }

    /// Loads the program: `given`, or the one in the recording, or the one that it names.
    pub(crate) fn program(&self, given: Option<&Path>) -> Result<Loaded> {
        program_of(&self.state, self.path, given, Origin::Recording)
    }

    /// Reads the log to its end.
    pub(crate) fn log(&self, program: &Program<'_>) -> Result<CheckedLog<'b>> {
        let refuse = |error: &dyn std::fmt::Display| files::refuse(self.path, error);
        if self.rest.is_empty() {
            return Err(refuse(
                &"the recording has no log: the process that wrote it was ended before it wrote one",
            ));
        }
        let summary = LogSummary::read(self.rest, program)
            .map_err(|error| refuse(&format!("{error} (the log begins at byte {})", self.log_at())))?;
        let (bytes, rest) = self.rest.split_at(summary.bytes as usize);
        let end = match summary.end {
            LogEnd::Missing => None,
            _ => {
                let at = self.log_at() + bytes.len();
                let damaged = || refuse(&format!("at offset {at}, the end of the run is missing or damaged"));
                Some(RunEnd::read(rest).ok_or_else(damaged)?)
            }
        };
        Ok(CheckedLog { bytes, summary, end })
    }

    /// Returns the offset of the log in the file.
    pub(crate) fn log_at(&self) -> usize {
        HEADER_BYTES + self.state.bytes()
    }

    /// Returns the arguments with which the program was started, without files.
    pub(crate) fn program_args(&self) -> ProgramArgs {
        started_with(&self.command, PathBuf::from(self.state.program_path()))
    }
}

/// Returns the arguments with which a program was started, without files and limits.
pub(crate) fn started_with(command: &CommandState, file: PathBuf) -> ProgramArgs {
    let CommandState { entry, args, unknown_imports, .. } = command.clone();
    #[cfg(feature = "wasm")]
    let (entry, invoke) = if command.invoke { (None, Some(entry)) } else { (Some(entry), None) };
    #[cfg(not(feature = "wasm"))]
    let entry = Some(entry);
    ProgramArgs {
        file,
        args,
        input: None,
        output: None,
        entry,
        #[cfg(feature = "wasm")]
        invoke,
        fuel: None,
        memory: None,
        memory_maximum: None,
        stack: None,
        imports: ImportArgs::of_saved(unknown_imports, Script::default()),
        #[cfg(feature = "wasi")]
        wasi: WasiArgs::default(),
    }
}

/// Returns the state file at the beginning of a recording, and what follows it.
fn parts(bytes: &[u8]) -> std::result::Result<(&[u8], &[u8]), String> {
    if !bytes.starts_with(&MAGIC) {
        return Err(
            "this is not a recording of `vsp run --record` (it does not start with \"SILT\")".to_owned()
        );
    }
    let Some((header, rest)) = bytes.split_at_checked(HEADER_BYTES) else {
        return Err(format!("the recording ends after {} bytes, in its header", bytes.len()));
    };
    let (version, reserved) = (u16::from_le_bytes([header[4], header[5]]), &header[6..8]);
    if version != VERSION || reserved != [0; 2] {
        let (major, minor) = (version >> 8, version & 0xFF);
        return Err(format!("this is a recording of format {major}.{minor}, and this command reads 1.0"));
    }
    let length = header.last_chunk().map_or(0, |length| u64::from_le_bytes(*length));
    let split = usize::try_from(length).ok().and_then(|length| rest.split_at_checked(length));
    split.ok_or_else(|| {
        let here = rest.len();
        format!("at offset 8, the state at the beginning: expected {length} bytes, and {here} follow")
    })
}

/// Renders an error about a program that cannot be replayed.
pub(crate) fn refuse(path: &Path, error: &dyn std::fmt::Display) -> String {
    message::render_text(&files::wrong(path, error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_run_is_read_as_it_was_written() {
        let failed = RunEnd { exit_code: 3, failure: Some("No space left".to_owned()) };
        for end in [failed, RunEnd::default()] {
            let bytes = end.bytes().unwrap();
            assert_eq!(RunEnd::read(&bytes), Some(end));
            for length in 0..bytes.len() {
                assert_eq!(RunEnd::read(&bytes[..length]), None, "{length}");
            }
            for bit in 0..bytes.len() * 8 {
                let mut flipped = bytes.clone();
                flipped[bit / 8] ^= 1 << (bit % 8);
                assert_eq!(RunEnd::read(&flipped), None, "{bit}");
            }
        }
    }

    #[test]
    fn a_recording_has_two_parts() {
        let bytes = [head(b"state"), b"log".to_vec()].concat();
        assert_eq!(parts(&bytes), Ok((&b"state"[..], &b"log"[..])));
        for length in 0..HEADER_BYTES + 5 {
            assert!(parts(&bytes[..length]).is_err(), "{length}");
        }
        for at in 0..8 {
            let mut other = bytes.clone();
            other[at] ^= 1;
            assert!(parts(&other).is_err(), "{at}");
        }
    }
}
