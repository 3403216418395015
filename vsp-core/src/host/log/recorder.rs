//! Writing a log.

use alloc::string::ToString;
use alloc::vec::Vec;

use super::entry::{MAX_NUMBER, encoded, put_number};
use super::watch::{NoMemory, Watch};
use super::{LogPosition, MAGIC, VERSION, tag};
use crate::host::{HostEnd, HostError};
use crate::index::{FuncIndex, ImportIndex};
use crate::limits::{MAX_PARAMS, MAX_RESULTS};
use crate::outcome::RecordError;
use crate::program::{Program, RunningChecksum, checksum_of};

/// The most bytes of an entry, without texts and bytes of memory.
const MAX_ENTRY: usize = (MAX_PARAMS + MAX_RESULTS + 4) * MAX_NUMBER;

/// The first numbers of an entry. Filling it is faster than pushing bytes.
struct EntryBuffer<'b> {
    bytes: &'b mut [u8; MAX_ENTRY],
    length: usize,
}

impl EntryBuffer<'_> {
    #[inline]
    fn put(&mut self, number: u64) {
        let (bytes, length) = encoded(number);
        if let Some(place) = self.bytes.get_mut(self.length..self.length + MAX_NUMBER) {
            place.copy_from_slice(&bytes);
        }
        self.length += length;
    }
}

/// A log that is being written.
#[derive(Debug)]
pub(crate) struct Recorder {
    /// The bytes that were not taken yet.
    out: Vec<u8>,
    /// Number of bytes that were taken.
    taken: u64,
    /// The checksum of the bytes that were taken.
    checksum: RunningChecksum,
    calls: u64,
    /// The memory that the host was given.
    watch: Watch,
    /// Whether a host function runs.
    in_call: bool,
    error: Option<RecordError>,
}

/// What a host function was called with, and what it did.
pub(crate) struct HostRecord<'c> {
    pub(crate) import: ImportIndex,
    pub(crate) args: &'c [u64],
    pub(crate) end: HostEnd,
    /// The results, if it returned.
    pub(crate) results: &'c [u64],
    /// The error, if it failed with one.
    pub(crate) error: Option<&'c HostError>,
    pub(crate) charged: u64,
}

impl Recorder {
    /// Begins a log of this program at a state with this digest.
    pub(crate) fn new(program: &Program<'_>, digest: u32) -> Result<Recorder, RecordError> {
        let mut out = Vec::new();
        out.try_reserve(MAX_ENTRY).map_err(|_| RecordError::OutOfMemory)?;
        out.extend_from_slice(&MAGIC);
        out.extend_from_slice(&VERSION.to_le_bytes());
        out.extend_from_slice(&[0; 2]);
        out.extend_from_slice(&program.checksum().to_le_bytes());
        out.extend_from_slice(&(program.bytes().len() as u32).to_le_bytes());
        out.extend_from_slice(&digest.to_le_bytes());
        let checksum = checksum_of(&out);
        out.extend_from_slice(&checksum.to_le_bytes());
        let (checksum, watch) = (RunningChecksum::default(), Watch::default());
        Ok(Recorder { out, taken: 0, checksum, calls: 0, watch, in_call: false, error: None })
    }

    /// Returns the place of the next entry.
    pub(crate) fn position(&self) -> LogPosition {
        LogPosition { offset: self.taken + self.out.len() as u64, calls: self.calls }
    }

    /// Keeps the error; no more entries are written.
    fn fail(&mut self, error: RecordError) {
        self.error.get_or_insert(error);
    }

    fn noted(&mut self, result: Result<(), NoMemory>) {
        if result.is_err() {
            self.fail(RecordError::OutOfMemory);
        }
    }

    /// Takes note that the host can write to these bytes from now on.
    pub(crate) fn watch(&mut self, address: u64, bytes: &[u8]) {
        let added = self.watch.add(address as usize, bytes);
        self.noted(added);
    }

    /// Takes note that the host can write to all of the memory from now on.
    pub(crate) fn watch_all(&mut self, memory: &[u8]) {
        let added = self.watch.add_all(memory);
        self.noted(added);
    }

    /// Begins a call of a host function.
    #[inline]
    pub(crate) fn begin_host(&mut self) {
        if self.in_call {
            self.fail(RecordError::Panicked);
        }
        self.in_call = true;
        self.watch.clear();
    }

    /// Writes the call of a host function that [`Self::begin_host`] began.
    pub(crate) fn end_host(&mut self, record: &HostRecord<'_>, memory: &[u8]) {
        self.in_call = false;
        self.calls += 1;
        let written = self.put_host(record, memory);
        self.noted(written);
        self.watch.clear();
    }

    fn put_host(&mut self, record: &HostRecord<'_>, memory: &[u8]) -> Result<(), NoMemory> {
        if self.error.is_some() {
            return Ok(());
        }
        let has_written = !self.watch.is_empty() && self.watch.find_changes(memory)?;
        let end = match (record.end, record.error) {
            (HostEnd::Results(_), _) => tag::RESULTS,
            (HostEnd::Error(_), None) => tag::ERROR,
            (HostEnd::Error(_), Some(_)) => tag::ERROR_WITH_TEXT,
            (HostEnd::Pending, _) => tag::PENDING,
        };
        let charged = if record.charged > 0 { tag::CHARGED } else { 0 };
        let start = self.out.len();
        self.out.try_reserve(MAX_ENTRY).map_err(|_| NoMemory)?;
        self.out.resize(start + MAX_ENTRY, 0);
        let Some(entry) = self.out[start..].first_chunk_mut() else { unreachable!("it has been reserved") };
        let mut entry = EntryBuffer { bytes: entry, length: 1 };
        entry.bytes[0] = tag::HOST | end | charged | if has_written { tag::WROTE } else { 0 };
        entry.put(record.import.0.into());
        record.args.iter().for_each(|argument| entry.put(*argument));
        match record.end {
            HostEnd::Results(_) => record.results.iter().for_each(|result| entry.put(*result)),
            HostEnd::Error(code) => entry.put(code),
            HostEnd::Pending => {}
        }
        let length = entry.length;
        self.out.truncate(start + length);
        if let (HostEnd::Error(_), Some(error)) = (record.end, record.error) {
            put_text(&mut self.out, error)?;
        }
        if record.charged > 0 {
            self.out.try_reserve(MAX_NUMBER).map_err(|_| NoMemory)?;
            put_number(&mut self.out, record.charged);
        }
        if has_written { self.watch.put_changes(memory, &mut self.out) } else { Ok(()) }
    }

    /// Writes an entry that `put` appends, and what the host wrote to the memory before it.
    fn entry(&mut self, memory: &[u8], put: impl FnOnce(&mut Vec<u8>) -> Result<(), NoMemory>) {
        if self.in_call {
            self.fail(RecordError::Panicked);
        }
        if self.error.is_none() {
            let reserved = self.out.try_reserve(MAX_ENTRY).map_err(|_| NoMemory);
            let written = reserved
                .and_then(|()| put(&mut self.out))
                .and_then(|()| self.watch.find_changes(memory))
                .and_then(|_| self.watch.put_changes(memory, &mut self.out));
            self.noted(written);
        }
        self.watch.clear();
    }

    /// Writes a call by the host.
    pub(crate) fn call(&mut self, function: FuncIndex, args: &[u64], memory: &[u8]) {
        self.entry(memory, |out| {
            out.push(tag::CALL);
            put_number(out, function.0.into());
            put_counted(out, args);
            Ok(())
        });
    }

    /// Writes the answer to a YIELD of `value`.
    pub(crate) fn yielded(&mut self, value: u64, answer: u64, memory: &[u8]) {
        self.entry(memory, |out| {
            out.push(tag::YIELD);
            put_number(out, value);
            put_number(out, answer);
            Ok(())
        });
    }

    /// Writes the results of a pending host call.
    pub(crate) fn answer(&mut self, values: &[u64], memory: &[u8]) {
        self.entry(memory, |out| {
            out.push(tag::ANSWER);
            put_counted(out, values);
            Ok(())
        });
    }

    /// Writes the error of a pending host call.
    pub(crate) fn failed(&mut self, code: u32, error: Option<&HostError>, memory: &[u8]) {
        self.entry(memory, |out| {
            out.push(tag::FAIL);
            put_number(out, code.into());
            out.push(error.is_some().into());
            error.map_or(Ok(()), |error| put_text(out, error))
        });
    }

    /// Writes that the host abandoned a call.
    pub(crate) fn reset(&mut self) {
        self.watch.clear();
        self.in_call = false;
        if self.error.is_some() {
            return;
        }
        match self.out.try_reserve(1) {
            Ok(()) => self.out.push(tag::RESET),
            Err(_) => self.fail(RecordError::OutOfMemory),
        }
    }

    /// Takes the bytes that were written since the last time.
    pub(crate) fn take(&mut self) -> Result<Vec<u8>, RecordError> {
        if let Some(error) = self.error {
            return Err(error);
        }
        self.checksum.update(&self.out);
        self.taken += self.out.len() as u64;
        Ok(core::mem::take(&mut self.out))
    }

    /// Ends the log at a state with this digest, if it is known. Returns the bytes that were not taken yet.
    pub(crate) fn finish(mut self, digest: Option<u32>) -> Result<Vec<u8>, RecordError> {
        if self.in_call {
            self.fail(RecordError::Panicked);
        }
        self.out.try_reserve(MAX_ENTRY).map_err(|_| RecordError::OutOfMemory)?;
        match digest {
            Some(digest) => {
                self.out.push(tag::END_WITH_DIGEST);
                self.out.extend_from_slice(&digest.to_le_bytes());
            }
            None => self.out.push(tag::END),
        }
        let mut bytes = self.take()?;
        bytes.try_reserve(4).map_err(|_| RecordError::OutOfMemory)?;
        bytes.extend_from_slice(&self.checksum.finish().to_le_bytes());
        Ok(bytes)
    }
}

/// Appends the number of values, and the values.
fn put_counted(out: &mut Vec<u8>, values: &[u64]) {
    out.push(values.len() as u8);
    values.iter().for_each(|value| put_number(out, *value));
}

fn put_text(out: &mut Vec<u8>, error: &HostError) -> Result<(), NoMemory> {
    let text = error.to_string();
    out.try_reserve(MAX_NUMBER + text.len()).map_err(|_| NoMemory)?;
    put_number(out, text.len() as u64);
    out.extend_from_slice(text.as_bytes());
    Ok(())
}
