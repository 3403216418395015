//! The standard streams of the program: its input, output and error stream.

use std::fmt;
use std::io::{self, Cursor, IsTerminal, Read, Write};

/// The standard input of a program.
pub struct Input(Source);

enum Source {
    Bytes(Cursor<Vec<u8>>),
    /// Not buffered, so that what the program has not read stays in the stream.
    #[cfg(unix)]
    Inherited(std::fs::File),
    Reader {
        reader: Box<dyn Read + Send>,
        is_terminal: bool,
    },
}

impl Input {
    /// Creates an input without bytes.
    pub fn empty() -> Input {
        Input::bytes(Vec::new())
    }

    /// Creates an input of these bytes.
    pub fn bytes(bytes: impl Into<Vec<u8>>) -> Input {
        Input(Source::Bytes(Cursor::new(bytes.into())))
    }

    /// Creates an input of what the reader gives.
    pub fn reader(reader: impl Read + Send + 'static) -> Input {
        Input(Source::Reader { reader: Box::new(reader), is_terminal: false })
    }

    /// Returns the standard input of the process.
    pub fn inherit() -> Input {
        let stdin = io::stdin();
        #[cfg(unix)]
        if let Ok(file) = std::os::fd::AsFd::as_fd(&stdin).try_clone_to_owned() {
            return Input(Source::Inherited(file.into()));
        }
        let is_terminal = stdin.is_terminal();
        Input(Source::Reader { reader: Box::new(stdin), is_terminal })
    }

    pub(super) fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let read = match &mut self.0 {
                Source::Bytes(bytes) => bytes.read(buffer),
                #[cfg(unix)]
                Source::Inherited(file) => file.read(buffer),
                Source::Reader { reader, .. } => reader.read(buffer),
            };
            match read {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                other => return other,
            }
        }
    }

    pub(super) fn is_terminal(&self) -> bool {
        match &self.0 {
            Source::Bytes(_) => false,
            #[cfg(unix)]
            Source::Inherited(file) => file.is_terminal(),
            Source::Reader { is_terminal, .. } => *is_terminal,
        }
    }

    /// Returns how many bytes can be read at once: 1 if that is not known.
    pub(super) fn ready_bytes(&self) -> u64 {
        match &self.0 {
            Source::Bytes(bytes) => (bytes.get_ref().len() as u64).saturating_sub(bytes.position()),
            _ => 1,
        }
    }

    /// Waits until a read would not wait, or the time (in nanoseconds) is over. Returns whether a read would not wait.
    /// Only the standard input of a Unix process is waited for; all others count as ready.
    pub(super) fn wait(&self, nanoseconds: Option<u64>) -> bool {
        #[cfg(unix)]
        if let Source::Inherited(file) = &self.0 {
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
}

impl fmt::Debug for Input {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Input").finish_non_exhaustive()
    }
}

/// The standard output or the error stream of a program.
pub struct Output(Sink);

enum Sink {
    Captured { bytes: Vec<u8>, most: usize },
    Writer { writer: Box<dyn Write + Send>, is_terminal: bool },
}

impl Output {
    /// Creates an output whose bytes are kept, until the host takes them: see
    /// [`Wasi::captured_stdout`](super::Wasi::captured_stdout). A write beyond `most` bytes fails.
    pub fn capture(most: usize) -> Output {
        Output(Sink::Captured { bytes: Vec::new(), most })
    }

    /// Creates an output whose bytes are dropped.
    pub fn discard() -> Output {
        Output::writer(io::sink(), false)
    }

    /// Creates an output to a writer, which is flushed after every call of the program. `is_terminal` is what the
    /// program is told.
    pub fn writer(writer: impl Write + Send + 'static, is_terminal: bool) -> Output {
        Output(Sink::Writer { writer: Box::new(writer), is_terminal })
    }

    /// Returns the standard output of the process.
    pub fn stdout() -> Output {
        Output::writer(io::stdout(), io::stdout().is_terminal())
    }

    /// Returns the error stream of the process.
    pub fn stderr() -> Output {
        Output::writer(io::stderr(), io::stderr().is_terminal())
    }

    pub(super) fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        match &mut self.0 {
            Sink::Captured { bytes: kept, most } if bytes.len() > *most - kept.len() => {
                Err(io::ErrorKind::StorageFull.into())
            }
            Sink::Captured { bytes: kept, .. } => {
                kept.extend_from_slice(bytes);
                Ok(())
            }
            Sink::Writer { writer, .. } => writer.write_all(bytes),
        }
    }

    pub(super) fn flush(&mut self) -> io::Result<()> {
        match &mut self.0 {
            Sink::Captured { .. } => Ok(()),
            Sink::Writer { writer, .. } => writer.flush(),
        }
    }

    pub(super) fn captured(&self) -> &[u8] {
        match &self.0 {
            Sink::Captured { bytes, .. } => bytes,
            Sink::Writer { .. } => &[],
        }
    }

    pub(super) fn is_terminal(&self) -> bool {
        matches!(self.0, Sink::Writer { is_terminal: true, .. })
    }
}

impl fmt::Debug for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Output").finish_non_exhaustive()
    }
}
