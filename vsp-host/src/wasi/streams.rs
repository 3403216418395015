//! The output and the error stream of the program.

use std::fmt;
use std::io::{self, IsTerminal, Write};

/// The standard output or the error stream of a program.
pub struct Output {
    sink: Sink,
    /// Bytes that the program has written.
    written: u64,
}

enum Sink {
    Captured { bytes: Vec<u8>, most: usize },
    Writer { writer: Box<dyn Write + Send>, is_terminal: bool },
}

impl Output {
    /// Creates an output whose bytes are kept, until the host takes them: see
    /// [`Wasi::captured_stdout`](super::Wasi::captured_stdout). A write beyond `most` bytes fails.
    pub fn capture(most: usize) -> Output {
        Output { sink: Sink::Captured { bytes: Vec::new(), most }, written: 0 }
    }

    /// Creates an output whose bytes are dropped.
    pub fn discard() -> Output {
        Output::writer(io::sink(), false)
    }

    /// Creates an output to a writer, which is flushed after every call of the program. `is_terminal` is what the
    /// program is told.
    pub fn writer(writer: impl Write + Send + 'static, is_terminal: bool) -> Output {
        Output { sink: Sink::Writer { writer: Box::new(writer), is_terminal }, written: 0 }
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
        match &mut self.sink {
            Sink::Captured { bytes: kept, most } if bytes.len() > *most - kept.len() => {
                return Err(io::ErrorKind::StorageFull.into());
            }
            Sink::Captured { bytes: kept, .. } => kept.extend_from_slice(bytes),
            Sink::Writer { writer, .. } => writer.write_all(bytes)?,
        }
        self.written += bytes.len() as u64;
        Ok(())
    }

    pub(super) fn flush(&mut self) -> io::Result<()> {
        match &mut self.sink {
            Sink::Captured { .. } => Ok(()),
            Sink::Writer { writer, .. } => writer.flush(),
        }
    }

    pub(super) fn written(&self) -> u64 {
        self.written
    }

    /// Goes on after so many bytes, which an earlier process has written.
    pub(super) fn restore(&mut self, written: u64) {
        self.written = written;
    }

    pub(super) fn captured(&self) -> &[u8] {
        match &self.sink {
            Sink::Captured { bytes, .. } => bytes,
            Sink::Writer { .. } => &[],
        }
    }

    pub(super) fn is_terminal(&self) -> bool {
        matches!(self.sink, Sink::Writer { is_terminal: true, .. })
    }
}

impl fmt::Debug for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Output").finish_non_exhaustive()
    }
}
