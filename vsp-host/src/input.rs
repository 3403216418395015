//! The input of a program: a stream, a file or bytes, whose position can be saved and found again.

use std::fmt;
use std::fs::File;
use std::io::{self, IsTerminal, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use vsp_core::state_file::{HostStateError, SectionReader, SectionWriter};

/// The most bytes that are read ahead.
const CAPACITY: usize = 1 << 16;

/// The input of a program. It counts what the program takes, and knows what was read ahead.
///
/// A saved program goes on with the same byte: a [file](Self::file) is opened and positioned again if it still has the
/// same size; what was read ahead from a pipe is saved, and the host of the resumed program gives the rest.
pub struct Input {
    source: Source,
    /// Bytes that the program takes before the next ones of the source: from `start` on.
    buffer: Vec<u8>,
    start: usize,
    /// Whether the buffer was read from the source, and not restored.
    is_ahead: bool,
    /// Bytes that the program has taken.
    taken: u64,
    observer: Option<Box<dyn FnMut(usize) + Send>>,
}

enum Source {
    Nothing,
    Stream {
        reader: Box<dyn Read + Send>,
        is_terminal: bool,
    },
    /// The standard input, if it is not a file. Not buffered by the library.
    #[cfg(unix)]
    Inherited(File),
    /// A regular file; without a path it is the standard input.
    File {
        file: File,
        path: Option<PathBuf>,
    },
    /// The file that a saved state names is opened; other saved inputs go on with this one.
    Reopened(Box<Source>),
    /// A read fails.
    Missing(String),
}

impl Input {
    fn new(source: Source) -> Input {
        Input { source, buffer: Vec::new(), start: 0, is_ahead: false, taken: 0, observer: None }
    }

    /// Creates an input without bytes.
    pub fn empty() -> Input {
        Input::new(Source::Nothing)
    }

    /// Creates an input of these bytes.
    pub fn bytes(bytes: impl Into<Vec<u8>>) -> Input {
        Input { buffer: bytes.into(), ..Input::empty() }
    }

    /// Creates an input of what the reader gives. It cannot be read again: a saved state has what was read ahead.
    pub fn reader(reader: impl Read + Send + 'static) -> Input {
        Input::new(Source::Stream { reader: Box::new(reader), is_terminal: false })
    }

    /// Opens a file. A saved state has its path as it is given here, and the position.
    ///
    /// # Errors
    /// It cannot be opened.
    pub fn file(path: impl Into<PathBuf>) -> io::Result<Input> {
        let path = path.into();
        let file = File::open(&path)?;
        Ok(match file.metadata()?.is_file() {
            true => Input::new(Source::File { file, path: Some(path) }),
            false => Input::reader(file),
        })
    }

    /// Returns the standard input of the process. If it is a file, a saved state has its position, and resuming needs
    /// the same file.
    pub fn inherit() -> Input {
        let stdin = io::stdin();
        #[cfg(unix)]
        if let Ok(file) = std::os::fd::AsFd::as_fd(&stdin).try_clone_to_owned() {
            let file = File::from(file);
            let is_file = file.metadata().is_ok_and(|metadata| metadata.is_file());
            return Input::new(match is_file {
                true => Source::File { file, path: None },
                false => Source::Inherited(file),
            });
        }
        let is_terminal = stdin.is_terminal();
        Input::new(Source::Stream { reader: Box::new(stdin), is_terminal })
    }

    /// Creates an input for a program that will be restored: a file that the state names is opened, and other inputs go
    /// on with `otherwise`. Use it for states that you trust: they can name any file.
    #[must_use]
    pub fn reopen(otherwise: Input) -> Input {
        Input::new(Source::Reopened(Box::new(otherwise.source)))
    }

    /// Creates an input that a program cannot read; `why` is the message of the error. A program that had begun to read a
    /// stream cannot be restored with it.
    pub fn missing(why: impl Into<String>) -> Input {
        Input::new(Source::Missing(why.into()))
    }

    /// Calls a function with the number of bytes whenever the program has taken some.
    #[must_use]
    pub fn observed(self, observer: impl FnMut(usize) + Send + 'static) -> Input {
        Input { observer: Some(Box::new(observer)), ..self }
    }

    /// Returns the size in bytes, if the input is a file.
    pub fn size(&self) -> Option<u64> {
        match &self.source {
            Source::File { file, .. } => file.metadata().ok().map(|metadata| metadata.len()),
            _ => None,
        }
    }

    /// Returns whether a read takes bytes that were read ahead, and does not wait.
    pub(crate) fn has_bytes(&self) -> bool {
        self.start < self.buffer.len()
    }

    /// Returns how many bytes the program has taken.
    pub fn taken(&self) -> u64 {
        self.taken
    }

    /// Reads what there is: at most what the source gives at once. Nothing is read ahead.
    #[cfg(feature = "wasi")]
    pub(crate) fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = match self.start < self.buffer.len() {
            true => self.take(buffer),
            false => self.source.read(buffer)?,
        };
        self.count(read, buffer.len());
        Ok(read)
    }

    /// Reads, and reads ahead if little is wanted. A file fills the buffer, up to its end.
    pub(crate) fn read_ahead(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut read = 0;
        while read < buffer.len() {
            let rest = &mut buffer[read..];
            if self.start == self.buffer.len() && rest.len() < CAPACITY {
                self.fill()?;
            }
            let count = match self.start < self.buffer.len() {
                true => self.take(rest),
                false if rest.len() < CAPACITY => 0,
                false => self.source.read(rest)?,
            };
            read += count;
            if count == 0 || !matches!(self.source, Source::File { .. }) {
                break;
            }
        }
        self.count(read, buffer.len());
        Ok(read)
    }

    fn fill(&mut self) -> io::Result<()> {
        self.buffer.resize(CAPACITY, 0);
        self.start = CAPACITY;
        let read = self.source.read(&mut self.buffer)?;
        self.buffer.truncate(read);
        (self.start, self.is_ahead) = (0, true);
        Ok(())
    }

    fn take(&mut self, buffer: &mut [u8]) -> usize {
        let rest = &self.buffer[self.start..];
        let count = rest.len().min(buffer.len());
        buffer[..count].copy_from_slice(&rest[..count]);
        self.start += count;
        count
    }

    fn count(&mut self, read: usize, wanted: usize) {
        self.taken += read as u64;
        if let Some(observer) = &mut self.observer {
            observer(read);
        }
        // The end of a stream is its end; on a terminal there may be more after it.
        let is_stream =
            !matches!(self.source, Source::File { .. } | Source::Missing(_) | Source::Reopened(_));
        if read == 0 && wanted > 0 && is_stream && !self.is_terminal() {
            self.source = Source::Nothing;
        }
    }

    pub(crate) fn is_terminal(&self) -> bool {
        match &self.source {
            #[cfg(unix)]
            Source::Inherited(file) => file.is_terminal(),
            Source::Stream { is_terminal, .. } => *is_terminal,
            _ => false,
        }
    }

    /// Returns how many bytes can be read at once: 1 if that is not known.
    #[cfg(feature = "wasi")]
    pub(crate) fn ready_bytes(&self) -> u64 {
        match (self.buffer.len() - self.start, &self.source) {
            (0, Source::Nothing) => 0,
            (0, _) => 1,
            (count, _) => count as u64,
        }
    }

    /// Waits until a read would not wait, or the time (in nanoseconds) is over. Returns whether a read would not wait.
    /// Only the standard input of a Unix process is waited for; all others count as ready.
    #[cfg(feature = "wasi")]
    pub(crate) fn wait(&self, nanoseconds: Option<u64>) -> bool {
        #[cfg(unix)]
        if let (Source::Inherited(file), true) = (&self.source, self.start == self.buffer.len()) {
            use rustix::event::{PollFd, PollFlags, Timespec, poll};
            let time = nanoseconds.map(|time| Timespec {
                tv_sec: (time / 1_000_000_000) as i64,
                tv_nsec: (time % 1_000_000_000) as _,
            });
            // An error will be seen by the read.
            return !matches!(poll(&mut [PollFd::new(file, PollFlags::IN)], time.as_ref()), Ok(0));
        }
        let _ = nanoseconds;
        true
    }

    /// Returns what a later process needs to go on with the next byte.
    ///
    /// # Errors
    /// The path is not UTF-8, or the position of the file is not known.
    pub fn save(&mut self) -> Result<SavedInput, HostStateError> {
        let ahead = &self.buffer[self.start..];
        let rest = match &mut self.source {
            Source::Nothing => SavedRest::Nothing,
            Source::File { file, path } => {
                let name = path.as_deref().map_or(Path::new(STANDARD_INPUT), |path| path);
                let cannot = |why: &dyn fmt::Display| HostStateError::cannot(name.display(), why);
                let io = |error: io::Error| cannot(&error);
                let path = match &path {
                    None => None,
                    Some(path) => {
                        let path = path.to_str();
                        Some(path.ok_or_else(|| cannot(&"the path of the input is not UTF-8"))?.to_owned())
                    }
                };
                let position = file.stream_position().map_err(io)?;
                let length = file.metadata().map_err(io)?.len();
                let unread = if self.is_ahead { ahead.len() as u64 } else { 0 };
                SavedRest::File { path, offset: position - unread, length }
            }
            _ => SavedRest::Stream,
        };
        let is_repeated = self.is_ahead && matches!(rest, SavedRest::File { .. });
        let ahead = if is_repeated { Vec::new() } else { ahead.to_vec() };
        Ok(SavedInput { taken: self.taken, ahead, rest })
    }

    /// Goes on where a saved input stopped. The input is the one that the host gives to the resumed program.
    ///
    /// # Errors
    /// The file is not there any more or has another size, or another input is needed.
    pub fn restore(&mut self, saved: SavedInput) -> Result<(), HostStateError> {
        let SavedInput { taken, ahead, rest } = saved;
        let given = std::mem::replace(&mut self.source, Source::Nothing);
        self.source = match (rest, given) {
            (SavedRest::Nothing, _) => Source::Nothing,
            (SavedRest::Stream, Source::Reopened(otherwise)) if taken == 0 && ahead.is_empty() => *otherwise,
            (SavedRest::Stream, Source::Reopened(otherwise)) => otherwise.following(taken)?,
            (SavedRest::Stream, Source::Missing(why)) if taken == 0 && ahead.is_empty() => {
                Source::Missing(why)
            }
            (SavedRest::Stream, given) => given.following(taken)?,
            (SavedRest::File { path, offset, length }, given) => given.at(path, offset, length)?,
        };
        (self.buffer, self.start, self.is_ahead, self.taken) = (ahead, 0, false, taken);
        Ok(())
    }
}

/// The name of the standard input in messages.
const STANDARD_INPUT: &str = "the standard input";

impl Source {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let read = match self {
                Source::Nothing => Ok(0),
                Source::Stream { reader, .. } => reader.read(buffer),
                #[cfg(unix)]
                Source::Inherited(file) => file.read(buffer),
                Source::File { file, .. } => file.read(buffer),
                Source::Reopened(_) => Err(io::Error::other("it belongs to a program that was not restored")),
                Source::Missing(why) => Err(io::Error::other(why.clone())),
            };
            match read {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                other => return other,
            }
        }
    }

    /// Returns the source that gives the rest of a stream of which so many bytes were taken.
    fn following(self, taken: u64) -> Result<Source, HostStateError> {
        match self {
            Source::Missing(why) => {
                Err(HostStateError::cannot(format_args!("the input, of which {taken} bytes were read"), why))
            }
            other => Ok(other),
        }
    }

    /// Returns the file that was saved, at this position.
    fn at(self, path: Option<String>, offset: u64, length: u64) -> Result<Source, HostStateError> {
        let name = path.as_deref().unwrap_or(STANDARD_INPUT).to_owned();
        let cannot = |why: &dyn fmt::Display| HostStateError::cannot(&name, why);
        let opened = match (self, path) {
            (Source::Reopened(_), Some(path)) => {
                let path = PathBuf::from(path);
                File::open(&path)
                    .map(|file| Source::File { file, path: Some(path) })
                    .map_err(|error| cannot(&error))?
            }
            (Source::Reopened(otherwise), None) => *otherwise,
            (given, _) => given,
        };
        let Source::File { mut file, path } = opened else {
            let why = format!(
                "the program read it as a file, and is at byte {offset} of {length}: give the same file again"
            );
            return Err(cannot(&why));
        };
        let metadata = file.metadata().map_err(|error| cannot(&error))?;
        if !metadata.is_file() {
            return Err(cannot(&"this is not a regular file any more"));
        }
        if metadata.len() != length {
            let why = format!(
                "it has {} bytes, and had {length} when the program was saved at byte {offset}",
                metadata.len()
            );
            return Err(cannot(&why));
        }
        file.seek(SeekFrom::Start(offset)).map_err(|error| cannot(&error))?;
        Ok(Source::File { file, path })
    }
}

impl fmt::Debug for Input {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Input").field("taken", &self.taken).finish_non_exhaustive()
    }
}

/// The state of an input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SavedInput {
    /// Bytes that the program has taken.
    pub taken: u64,
    /// Bytes that were read ahead and that the program has not taken.
    pub ahead: Vec<u8>,
    /// What follows.
    pub rest: SavedRest,
}

/// What follows after the bytes that were read ahead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SavedRest {
    /// The end of the input.
    Nothing,
    /// What a stream gives.
    Stream,
    /// The bytes of a file from an offset on.
    File {
        /// The path as the user gave it; `None` is the standard input.
        path: Option<String>,
        /// Offset of the next byte.
        offset: u64,
        /// The size of the file in bytes.
        length: u64,
    },
}

impl SavedInput {
    /// Writes the fields.
    ///
    /// # Errors
    /// There is no memory.
    pub fn write(&self, out: &mut SectionWriter<'_>) -> Result<(), HostStateError> {
        out.u64(self.taken)?;
        out.bytes(&self.ahead)?;
        match &self.rest {
            SavedRest::Nothing => out.u8(0),
            SavedRest::Stream => out.u8(1),
            SavedRest::File { path, offset, length } => {
                out.u8(2)?;
                out.text(path.as_deref().unwrap_or_default())?;
                out.u64(*offset)?;
                out.u64(*length)
            }
        }
    }

    /// Reads the fields.
    ///
    /// # Errors
    /// They are damaged.
    pub fn read(from: &mut SectionReader<'_>) -> Result<SavedInput, HostStateError> {
        let taken = from.u64("bytes taken from the input")?;
        let ahead = from.bytes("bytes that were read ahead")?.to_vec();
        let rest = match from.choice(3, "kind of the input")? {
            0 => SavedRest::Nothing,
            1 => SavedRest::Stream,
            _ => SavedRest::File {
                path: Some(from.text("path of the input")?.to_owned()).filter(|path| !path.is_empty()),
                offset: from.u64("offset in the input")?,
                length: from.u64("size of the input")?,
            },
        };
        Ok(SavedInput { taken, ahead, rest })
    }
}
