//! Reading a log while a program runs.

use alloc::string::{String, ToString};
use alloc::{format, vec::Vec};
use core::ops::Range;

use super::entry::{End, Entry, HostEntry, Reader};
use super::{HEADER_BYTES, LogPosition, MAGIC, VERSION};
use crate::excerpt::Excerpt;
use crate::index::{FuncIndex, ImportIndex};
use crate::outcome::{ReplayError, Values};
use crate::program::{Cursor, FirstError, FuncType, Program, ReadErrorKind, checksum_of};
use crate::shared::Ref;

/// A log that is being read.
#[derive(Clone, Debug)]
pub(crate) struct Replayer<'a> {
    bytes: Ref<'a, [u8]>,
    program: Program<'a>,
    at: LogPosition,
    /// The types of the program's imports.
    types: Vec<FuncType>,
    /// The first difference.
    error: Option<ReplayError>,
    /// The fuel used since the log began, if it is counted.
    fuel: Option<u64>,
    /// How the part of the log between two offsets ends, if that is known.
    run_end: Option<(Range<u64>, Option<u64>)>,
}

/// The header of a log.
#[derive(Clone, Copy, Debug)]
pub(super) struct Header {
    pub(super) program_checksum: u32,
    pub(super) program_bytes: u32,
    /// The digest of the first state.
    pub(super) digest: u32,
}

impl Header {
    /// Reads the header of a log of this program.
    pub(super) fn read(bytes: &[u8], program: &Program<'_>) -> Result<Header, ReplayError> {
        let errors = FirstError::default();
        let header = read_header(&mut Cursor::new(bytes, 0).reporting(&errors));
        let header = match (header, errors.take()) {
            (Some(header), None) => header,
            (_, Some(error)) => return Err(error.into()),
            (None, None) => unreachable!("an error of the reader is reported"),
        };
        let Header { program_checksum, program_bytes, .. } = header;
        match (program_checksum, program_bytes) == (program.checksum(), program.bytes().len() as u32) {
            true => Ok(header),
            false => Err(ReplayError::Program),
        }
    }
}

/// Returns the types of a program's imports.
pub(super) fn import_types(program: &Program<'_>) -> Result<Vec<FuncType>, ReplayError> {
    let mut types = Vec::new();
    types.try_reserve_exact(program.imports().count()).map_err(|_| ReplayError::OutOfMemory)?;
    types.extend(program.imports().map(|import| import.ty));
    Ok(types)
}

impl<'a> Replayer<'a> {
    /// Reads the header of a log. Returns the digest of the state at which it begins, too.
    pub(crate) fn new(
        bytes: Ref<'a, [u8]>,
        program: &Program<'a>,
    ) -> Result<(Replayer<'a>, u32), ReplayError> {
        let digest = Header::read(&bytes, program)?.digest;
        let types = import_types(program)?;
        let at = LogPosition::first();
        let program = program.clone();
        Ok((Replayer { bytes, program, at, types, error: None, fuel: None, run_end: None }, digest))
    }

    /// Sets the fuel used since the log began, for errors.
    pub(crate) fn set_fuel(&mut self, fuel: Option<u64>) {
        self.fuel = fuel;
    }

    /// Returns how much fuel is used at the end of the log, if the program is stopped there in the call that the next
    /// entry begins or continues.
    pub(crate) fn stop_of_run(&mut self) -> Option<u64> {
        if let Some((_, stop)) = self.run_end.as_ref().filter(|(part, _)| part.contains(&self.at.offset)) {
            return *stop;
        }
        let start = self.at.offset;
        let mut reader = Reader::new(&self.bytes, usize::try_from(start).unwrap_or(usize::MAX));
        let mut is_first = true;
        let (end, stop) = loop {
            let offset = reader.offset as u64;
            match reader.entry(&self.types) {
                Some(Entry::Host(_)) => {}
                Some(Entry::End { end: End::Stopped { fuel, .. }, .. }) => break (offset, Some(fuel)),
                Some(
                    Entry::Call { .. } | Entry::Yield { .. } | Entry::Answer { .. } | Entry::Fail { .. },
                ) if is_first => {}
                _ => break (offset, None),
            }
            is_first = false;
        };
        self.run_end = Some((start..end.saturating_add(1), stop));
        stop
    }

    /// Continues at a place of the log.
    pub(crate) fn seek(&mut self, position: LogPosition) {
        self.at = position;
    }

    pub(crate) fn position(&self) -> LogPosition {
        self.at
    }

    pub(crate) fn error(&self) -> Option<&ReplayError> {
        self.error.as_ref()
    }

    /// Keeps the first error, and returns it.
    pub(crate) fn fail(&mut self, error: ReplayError) -> ReplayError {
        self.error.get_or_insert(error).clone()
    }

    /// Reads the next entry, and returns the place after it.
    fn read(&self) -> Result<(Entry<'_>, u64), ReplayError> {
        if let Some(error) = &self.error {
            return Err(error.clone());
        }
        let LogPosition { offset, calls, .. } = self.at;
        let start = usize::try_from(offset).unwrap_or(usize::MAX);
        let mut reader = Reader::new(&self.bytes, start);
        match reader.entry(&self.types) {
            Some(entry) => Ok((entry, reader.offset as u64)),
            None => Err(ReplayError::Damaged { calls, offset }),
        }
    }

    /// Returns the next entry.
    pub(crate) fn peek(&self) -> Result<Entry<'_>, ReplayError> {
        self.read().map(|(entry, _)| entry)
    }

    /// Takes the next entry if `matches` returns something for it. Otherwise the program did what `found` says.
    fn take<T>(
        &mut self,
        found: impl FnOnce() -> String,
        matches: impl FnOnce(&Entry<'_>) -> Option<T>,
    ) -> Result<T, ReplayError> {
        let (read, at) = match self.read() {
            Ok((entry, end)) => match matches(&entry) {
                Some(value) => (Ok(value), LogPosition { offset: end, ..self.at }),
                None => {
                    let (calls, expected) = (self.at.calls, described(&entry, &self.program));
                    let found = found();
                    let fuel = self.fuel;
                    (Err(ReplayError::Differs { calls, fuel, location: None, expected, found }), self.at)
                }
            },
            Err(error) => (Err(error), self.at),
        };
        self.at = at;
        read.map_err(|error| self.fail(error))
    }

    /// Takes a call by the host.
    pub(crate) fn call(
        &mut self,
        function: FuncIndex,
        args: &[u64],
        memory: &mut [u8],
    ) -> Result<(), ReplayError> {
        let found = || format!("was called with {}", described_call(function, args));
        let applied = self.take(found, |entry| match entry {
            Entry::Call { function: it, args: theirs, writes } if *it == function && **theirs == *args => {
                Some(writes.apply(memory))
            }
            _ => None,
        })?;
        self.applied(applied)
    }

    /// Takes the answer to a YIELD.
    pub(crate) fn yielded(&mut self, value: u64, answer: u64, memory: &mut [u8]) -> Result<(), ReplayError> {
        let found = || format!("has yielded {value} and was answered {answer}");
        let applied = self.take(found, |entry| match entry {
            Entry::Yield { value: its, answer: theirs, writes } if (*its, *theirs) == (value, answer) => {
                Some(writes.apply(memory))
            }
            _ => None,
        })?;
        self.applied(applied)
    }

    /// Takes the results of a pending host call.
    pub(crate) fn answer(&mut self, values: &[u64], memory: &mut [u8]) -> Result<(), ReplayError> {
        let found = || format!("was given the results {:?}", Values::new(values));
        let applied = self.take(found, |entry| match entry {
            Entry::Answer { values: theirs, writes } if **theirs == *values => Some(writes.apply(memory)),
            _ => None,
        })?;
        self.applied(applied)
    }

    /// Takes the error of a pending host call.
    pub(crate) fn failed(&mut self, code: u32, memory: &mut [u8]) -> Result<(), ReplayError> {
        let found = || format!("was given the error {code}");
        let applied = self.take(found, |entry| match entry {
            Entry::Fail { code: theirs, writes, .. } if *theirs == code => Some(writes.apply(memory)),
            _ => None,
        })?;
        self.applied(applied)
    }

    /// Takes the end of a call that was abandoned, if that is the next entry.
    pub(crate) fn reset(&mut self) {
        if let Ok((Entry::Reset, end)) = self.read() {
            self.at.offset = end;
        }
    }

    /// Takes the call of a host function, and writes to the memory what that wrote. `then` gets what it did, and the
    /// memory before it.
    pub(crate) fn host<T>(
        &mut self,
        import: ImportIndex,
        args: &[u64],
        memory: &mut [u8],
        then: impl FnOnce(&HostEntry<'_>, &[u8]) -> T,
    ) -> Result<T, ReplayError> {
        let program = self.program.clone();
        let found = || format!("has made {}", quoted(&program, import, args));
        let taken = self.take(found, |entry| match entry {
            Entry::Host(host) if host.import == import && *host.args == *args => {
                let done = then(host, memory);
                Some(host.writes.apply(memory).map(|()| done))
            }
            _ => None,
        })?;
        self.at.calls += 1;
        match taken {
            Some(done) => Ok(done),
            None => Err(self.out_of_bounds()),
        }
    }

    /// Keeps and returns the error of a program that has used more fuel than the log.
    pub(crate) fn has_passed_the_stop(&mut self) -> ReplayError {
        let used = self.fuel.unwrap_or_default();
        let found = || format!("has used {used} units of fuel");
        match self.take(found, |_| None::<()>) {
            Ok(()) => unreachable!("no entry matches"),
            Err(error) => error,
        }
    }

    /// Keeps and returns the error of a next entry that is not possible for an instance with this status.
    pub(crate) fn not_possible(&mut self, status: impl core::fmt::Display) -> ReplayError {
        let found = || format!("is {status}");
        match self.take(found, |_| None::<()>) {
            Ok(()) => unreachable!("no entry matches"),
            Err(error) => error,
        }
    }

    fn applied(&mut self, applied: Option<()>) -> Result<(), ReplayError> {
        applied.ok_or_else(|| self.out_of_bounds())
    }

    /// Keeps and returns the error of writes outside of the memory.
    fn out_of_bounds(&mut self) -> ReplayError {
        let LogPosition { offset, calls, .. } = self.at;
        self.fail(ReplayError::Damaged { calls, offset })
    }

    /// Checks the end of the log. Returns what it tells about the last state.
    pub(crate) fn finish(&mut self) -> Result<End, ReplayError> {
        let found = || String::from("has ended");
        let (of_log, stored) = self.take(found, |entry| match entry {
            Entry::End { end, checksum } => Some((*end, *checksum)),
            _ => None,
        })?;
        // The log has been read up to here.
        let end = self.at.offset as usize;
        let (before, after) = (&self.bytes[..end - 4], &self.bytes[end..]);
        let computed = checksum_of(before);
        if computed != stored {
            return Err(self.fail(ReplayError::Checksum { stored, computed }));
        }
        if !after.is_empty() {
            let LogPosition { offset, calls, .. } = self.at;
            return Err(self.fail(ReplayError::Damaged { calls, offset }));
        }
        Ok(of_log)
    }
}

fn read_header(at: &mut Cursor<'_>) -> Option<Header> {
    let whole = *at;
    at.magic(MAGIC, ReadErrorKind::LogMagic)?;
    let version_at = *at;
    let version = at.u16("version")?;
    if version != VERSION {
        return version_at.fail("version", ReadErrorKind::LogVersion(version));
    }
    at.expect_next(2, 0, "reserved field")?;
    let program_checksum = at.u32("checksum of the program")?;
    let program_bytes = at.u32("length of the program")?;
    let digest = at.u32("digest of the first state")?;
    at.expect_checksum("checksum of the header", || checksum_of(&whole.rest()[..HEADER_BYTES - 4]))?;
    Some(Header { program_checksum, program_bytes, digest })
}

fn described_call(function: FuncIndex, args: &[u64]) -> String {
    format!("function {function}({})", listed(args))
}

fn listed(args: &[u64]) -> String {
    let args: Vec<String> = args.iter().map(ToString::to_string).collect();
    args.join(", ")
}

/// Returns the call of an import as text.
fn quoted(program: &Program<'_>, import: ImportIndex, arguments: &[u64]) -> String {
    let arguments = listed(arguments);
    match program.imports().nth(import.index()) {
        Some(found) => format!("a call of {}.{}({arguments})", Excerpt(found.module), Excerpt(found.name)),
        None => format!("a call of import {import}({arguments})"),
    }
}

/// Returns an entry as text.
fn described(entry: &Entry<'_>, program: &Program<'_>) -> String {
    match entry {
        Entry::End { end: End::Stopped { fuel, .. }, .. } => format!("its end, at {fuel} units of fuel"),
        Entry::End { .. } => String::from("its end"),
        Entry::Call { function, args, .. } => format!("a call of {}", described_call(*function, args)),
        Entry::Yield { value, answer, .. } => format!("a YIELD of {value} that was answered {answer}"),
        Entry::Answer { values, .. } => format!("the results {values:?} of a host call"),
        Entry::Fail { code, .. } => format!("the error {code} of a host call"),
        Entry::Reset => String::from("the end of a call that was abandoned"),
        Entry::Host(host) => quoted(program, host.import, &host.args),
    }
}
