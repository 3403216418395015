//! The scripted answers of a program's host functions (`--imports`), with the calls that were answered: their section in
//! a state file.

use vsp_core::state_file::{HostState, HostStateError, SectionReader, SectionWriter, StateFile};

/// The name of the section.
pub(crate) const SECTION: &str = "script";

/// The version of the section.
const VERSION: u16 = 1;

/// Declared host functions, and how often each was called.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Script {
    /// The path of the file, for messages.
    pub(crate) path: String,
    /// The text of the file.
    pub(crate) text: String,
    /// The number of calls of each declared function. Functions after the last one were not called.
    pub(crate) calls: Vec<u64>,
}

impl Script {
    /// Reads the section.
    pub(crate) fn read(version: u16, mut from: SectionReader<'_>) -> Result<Script, HostStateError> {
        HostStateError::check_version(version, VERSION)?;
        let path = from.text("path of the declarations")?.to_owned();
        let text = from.text("declarations")?.to_owned();
        let count = from.count(8, "numbers of calls")?;
        let calls = (0..count).map(|_| from.u64("number of calls")).collect::<Result<_, _>>()?;
        from.finish()?;
        Ok(Script { path, text, calls })
    }

    /// Returns the script in a state file, which declares nothing if the file has none.
    pub(crate) fn of(file: &StateFile<'_>) -> Result<Script, String> {
        let section = file.sections().find(|section| section.name == SECTION);
        let read = |section: vsp_core::state_file::HostSection<'_>| {
            Script::read(section.version, SectionReader::new(section.bytes))
        };
        let script = section.map(read).transpose().map_err(|error| format!("{SECTION}: {error}"))?;
        Ok(script.unwrap_or_default())
    }

    /// Counts a call of a function. Returns the number of calls before.
    pub(crate) fn count(&mut self, function: usize) -> u64 {
        if self.calls.len() <= function {
            self.calls.resize(function + 1, 0);
        }
        let calls = &mut self.calls[function];
        *calls += 1;
        *calls - 1
    }
}

impl HostState for Script {
    fn name(&self) -> &str {
        SECTION
    }

    fn version(&self) -> u16 {
        VERSION
    }

    fn save(&mut self, out: &mut SectionWriter<'_>) -> Result<(), HostStateError> {
        out.text(&self.path)?;
        out.text(&self.text)?;
        out.u32(self.calls.len() as u32)?;
        self.calls.iter().try_for_each(|calls| out.u64(*calls))
    }

    fn restore(&mut self, version: u16, from: SectionReader<'_>) -> Result<(), HostStateError> {
        *self = Script::read(version, from)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let mut script =
            Script { path: "a".to_owned(), text: "d.r (0) -> 1 = 1; 2".to_owned(), calls: vec![] };
        assert_eq!([script.count(1), script.count(1), script.count(0)], [0, 1, 0]);
        let mut bytes = Vec::new();
        script.save(&mut SectionWriter::new(&mut bytes)).unwrap();
        assert_eq!(Script::read(1, SectionReader::new(&bytes)).unwrap(), script);
        for length in 0..bytes.len() {
            assert!(Script::read(1, SectionReader::new(&bytes[..length])).is_err(), "{length}");
        }
    }
}
