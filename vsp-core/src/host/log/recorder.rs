//! Writing a log.

use alloc::boxed::Box;
use alloc::string::ToString;
use alloc::vec::Vec;

use super::entry::{End, MAX_NUMBER, encode, put_number};
use super::watch::{NoMemory, Watch};
use super::{LogPosition, MAGIC, VERSION, tag};
use crate::host::{HostEnd, HostError};
use crate::index::{FuncIndex, ImportIndex};
use crate::limits::{MAX_PARAMS, MAX_RESULTS};
use crate::outcome::RecordError;
use crate::program::{Program, RunningChecksum, checksum_of};

/// The most bytes of an entry, without texts and bytes of memory.
const MAX_ENTRY: usize = (MAX_PARAMS + MAX_RESULTS + 4) * MAX_NUMBER;

/// The bytes of a log that were not taken yet. Behind them is room for an entry, which is filled faster than bytes are
/// pushed.
#[derive(Debug, Default)]
struct Output {
    /// The bytes, and then room for more.
    bytes: Vec<u8>,
    used: usize,
}

/// Bytes of room that are added at a time.
const ROOM: usize = 1024;

/// Bytes after which a part of the log goes to the sink.
const PART: usize = 64 << 10;

/// What takes the parts of a log, and returns whether it could.
pub(crate) struct Sink(pub(crate) Box<Take>);

type Take = dyn FnMut(&[u8]) -> bool + Send + Sync;

impl core::fmt::Debug for Sink {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Sink")
    }
}

impl Output {
    /// Returns whether there may be no room for an entry at the end.
    #[inline]
    fn is_full(&self) -> bool {
        self.bytes.len() - self.used < MAX_ENTRY
    }

    /// Makes room for an entry.
    fn grow(&mut self) -> Result<(), NoMemory> {
        self.bytes.try_reserve(ROOM).map_err(|_| NoMemory)?;
        self.bytes.resize(self.bytes.len() + ROOM, 0);
        Ok(())
    }

    /// Returns the room, of which the first `length` bytes are those of an entry that is being written.
    #[inline]
    fn room(&mut self, length: usize) -> Option<EntryBuffer<'_>> {
        let bytes = self.bytes.get_mut(self.used..)?.first_chunk_mut()?;
        Some(EntryBuffer { bytes, length })
    }

    /// Calls `append` with the bytes alone.
    fn append<T>(&mut self, append: impl FnOnce(&mut Vec<u8>) -> T) -> T {
        self.bytes.truncate(self.used);
        let appended = append(&mut self.bytes);
        self.used = self.bytes.len();
        appended
    }

    /// Takes the bytes.
    fn take(&mut self) -> Vec<u8> {
        let Output { mut bytes, used } = core::mem::take(self);
        bytes.truncate(used);
        bytes
    }
}

/// An entry that is being written.
struct EntryBuffer<'b> {
    bytes: &'b mut [u8; MAX_ENTRY],
    length: usize,
}

impl EntryBuffer<'_> {
    #[inline]
    fn put(&mut self, number: u64) {
        if let Some(place) = self.bytes.get_mut(self.length..).and_then(<[u8]>::first_chunk_mut) {
            self.length += encode(number, place);
        }
    }

    #[inline]
    fn put_results(&mut self, first: u64, record: &HostRecord<'_>) {
        if record.results > 0 {
            self.put(first);
        }
        if record.results > 1 {
            record.values[1..record.results].iter().for_each(|result| self.put(*result));
        }
    }
}

/// A log that is being written.
#[derive(Debug)]
pub(crate) struct Recorder {
    out: Output,
    /// Number of bytes that were taken.
    taken: u64,
    /// The checksum of the bytes that were taken.
    checksum: RunningChecksum,
    calls: u64,
    /// The memory that the host was given.
    watch: Watch,
    /// Whether a host function runs.
    in_call: bool,
    /// The bytes of the entry of the host function that runs: its tag, which is not known yet, import and arguments.
    begun: usize,
    error: Option<RecordError>,
    /// What takes the bytes, if the host does not.
    sink: Option<Sink>,
}

/// What a host function did.
pub(crate) struct HostRecord<'c> {
    pub(crate) end: HostEnd,
    /// The number of results.
    pub(crate) results: usize,
    /// The results after the first one, at their own index.
    pub(crate) values: &'c [u64; MAX_PARAMS],
    /// The error, if it failed with one.
    pub(crate) error: Option<&'c HostError>,
    pub(crate) charged: u64,
}

impl Recorder {
    /// Begins a log of this program at a state with this digest.
    pub(crate) fn new(
        program: &Program<'_>,
        digest: u32,
        sink: Option<Sink>,
    ) -> Result<Recorder, RecordError> {
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
        let out = Output { used: out.len(), bytes: out };
        Ok(Recorder { out, taken: 0, checksum, calls: 0, watch, in_call: false, begun: 0, error: None, sink })
    }

    /// Returns the place of the next entry.
    pub(crate) fn position(&self) -> LogPosition {
        LogPosition { offset: self.taken + self.out.used as u64, calls: self.calls, fuel: None }
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

    /// Begins a call of a host function. The first three arguments are passed one by one, as to the function itself,
    /// and the others are in `values` at their own index.
    #[inline(always)]
    pub(crate) fn begin_host(
        &mut self,
        import: ImportIndex,
        first: [u64; 3],
        values: &[u64; MAX_PARAMS],
        params: usize,
    ) {
        if self.in_call || !self.watch.is_empty() {
            self.end_unfinished();
        }
        if self.out.is_full() {
            self.make_room();
        }
        self.in_call = true;
        if let Some(mut entry) = self.out.room(1) {
            entry.put(import.0.into());
            first.iter().take(params).for_each(|argument| entry.put(*argument));
            if params > first.len() {
                values[first.len()..params].iter().for_each(|argument| entry.put(*argument));
            }
            self.begun = entry.length;
        }
    }

    /// Forgets what the host was given before, and keeps an error if the last host function has not returned.
    #[cold]
    fn end_unfinished(&mut self) {
        self.watch.clear();
        if self.in_call {
            self.fail(RecordError::Panicked);
        }
    }

    /// Ends the call of a host function that [`Self::begin_host`] began.
    #[inline(always)]
    pub(crate) fn end_host(&mut self, record: &HostRecord<'_>, memory: &[u8]) {
        self.in_call = false;
        self.calls += 1;
        match record.end {
            HostEnd::Results(first)
                if record.charged == 0 && self.watch.is_empty() && self.error.is_none() =>
            {
                if let Some(mut entry) = self.out.room(self.begun) {
                    entry.bytes[0] = tag::HOST | tag::RESULTS;
                    entry.put_results(first, record);
                    self.out.used += entry.length;
                }
            }
            _ => self.put_host(record, memory),
        }
    }

    /// Writes the end of a call of a host function, which may have failed, charged fuel or been given memory.
    #[inline(never)]
    fn put_host(&mut self, record: &HostRecord<'_>, memory: &[u8]) {
        if self.error.is_none() {
            let written = self.put_end(record, memory);
            self.noted(written);
        }
        self.watch.clear();
    }

    fn put_end(&mut self, record: &HostRecord<'_>, memory: &[u8]) -> Result<(), NoMemory> {
        let has_written = !self.watch.is_empty() && self.watch.find_changes(memory)?;
        let end = match (record.end, record.error) {
            (HostEnd::Results(_), _) => tag::RESULTS,
            (HostEnd::Error(_), None) => tag::ERROR,
            (HostEnd::Error(_), Some(_)) => tag::ERROR_WITH_TEXT,
            (HostEnd::Pending, _) => tag::PENDING,
        };
        let charged = if record.charged > 0 { tag::CHARGED } else { 0 };
        let mut entry = self.out.room(self.begun).ok_or(NoMemory)?;
        entry.bytes[0] = tag::HOST | end | charged | if has_written { tag::WROTE } else { 0 };
        match record.end {
            HostEnd::Results(first) => entry.put_results(first, record),
            HostEnd::Error(code) => entry.put(code),
            HostEnd::Pending => {}
        }
        let has_text = end == tag::ERROR_WITH_TEXT;
        if record.charged > 0 && !has_text {
            entry.put(record.charged);
        }
        self.out.used += entry.length;
        if !has_text && !has_written {
            return Ok(());
        }
        self.out.append(|out| {
            if let Some(error) = record.error.filter(|_| has_text) {
                put_text(out, error)?;
                out.try_reserve(MAX_NUMBER).map_err(|_| NoMemory)?;
                if record.charged > 0 {
                    put_number(out, record.charged);
                }
            }
            if has_written { self.watch.put_changes(memory, out) } else { Ok(()) }
        })?;
        if self.out.used >= PART {
            self.deliver();
        }
        Ok(())
    }

    /// Makes room for an entry: what there is goes to the sink, if it is a part.
    #[cold]
    fn make_room(&mut self) {
        if self.out.used >= PART {
            self.deliver();
        }
        if self.out.is_full()
            && let Err(NoMemory) = self.out.grow()
        {
            self.fail(RecordError::OutOfMemory);
        }
    }

    /// Passes the bytes that were not taken yet to the sink, if there is one.
    fn deliver(&mut self) {
        let Some(Sink(sink)) = &mut self.sink else { return };
        let (used, begun) = (self.out.used, if self.in_call { self.begun } else { 0 });
        let bytes = &self.out.bytes[..used];
        if !sink(bytes) {
            self.error.get_or_insert(RecordError::Sink);
        }
        self.checksum.update(bytes);
        self.taken += bytes.len() as u64;
        self.out.bytes.copy_within(used..used + begun, 0);
        self.out.used = 0;
    }

    /// Passes all entries so far to the sink, if there is one: the host may wait, or be ended, before the next entry.
    pub(crate) fn flush(&mut self) {
        if self.out.used > 0 && self.error.is_none() {
            self.deliver();
        }
    }

    /// Writes an entry that `put` appends, and what the host wrote to the memory before it.
    fn entry(&mut self, memory: &[u8], put: impl FnOnce(&mut Vec<u8>) -> Result<(), NoMemory>) {
        if self.in_call {
            self.fail(RecordError::Panicked);
        }
        if self.error.is_none() {
            let Recorder { out, watch, .. } = self;
            let written = out.append(|out| {
                out.try_reserve(MAX_ENTRY).map_err(|_| NoMemory)?;
                put(out)?;
                watch.find_changes(memory)?;
                watch.put_changes(memory, out)
            });
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
        let written = self.out.append(|out| {
            out.try_reserve(1).map_err(|_| NoMemory)?;
            out.push(tag::RESET);
            Ok(())
        });
        self.noted(written);
    }

    /// Takes the bytes that were written since the last time.
    pub(crate) fn take(&mut self) -> Result<Vec<u8>, RecordError> {
        if let Some(error) = self.error {
            return Err(error);
        }
        let bytes = self.out.take();
        self.checksum.update(&bytes);
        self.taken += bytes.len() as u64;
        Ok(bytes)
    }

    /// Ends the log at a state. Returns the bytes that were not taken yet.
    pub(crate) fn finish(mut self, end: End) -> Result<Vec<u8>, RecordError> {
        if self.in_call {
            self.fail(RecordError::Panicked);
        }
        self.out.append(|out| {
            out.try_reserve(MAX_ENTRY).map_err(|_| RecordError::OutOfMemory)?;
            match end {
                End::Unknown => out.push(tag::END),
                End::Digest(digest) => {
                    out.push(tag::END_WITH_DIGEST);
                    out.extend_from_slice(&digest.to_le_bytes());
                }
                End::Stopped { fuel, digest } => {
                    out.push(tag::END_STOPPED);
                    put_number(out, fuel);
                    out.extend_from_slice(&digest.to_le_bytes());
                }
            }
            Ok::<(), RecordError>(())
        })?;
        let mut bytes = self.take()?;
        bytes.try_reserve(4).map_err(|_| RecordError::OutOfMemory)?;
        bytes.extend_from_slice(&self.checksum.finish().to_le_bytes());
        let Some(Sink(sink)) = &mut self.sink else { return Ok(bytes) };
        if sink(&bytes) { Ok(Vec::new()) } else { Err(RecordError::Sink) }
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
