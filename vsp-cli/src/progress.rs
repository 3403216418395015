//! A progress bar for programs that read large inputs.

use std::io::{self, IsTerminal, Write};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use vsp_host::input::Input;

/// The bar appears when reading takes longer than this.
const PATIENCE: Duration = Duration::from_secs(1);

/// The progress of reading the input. It is drawn on the error stream if that is a terminal, and the output does not go
/// to a terminal at the same time.
pub(crate) struct Progress {
    bar: ProgressBar,
    is_shown: bool,
}

impl Progress {
    /// Creates the progress. `to_file` means that the output goes to a file.
    pub(crate) fn new(to_file: bool) -> Progress {
        let is_shown = io::stderr().is_terminal() && (to_file || !io::stdout().is_terminal());
        Progress { bar: ProgressBar::hidden(), is_shown }
    }

    /// Returns an input whose bytes are counted.
    pub(crate) fn input(&self, input: Input) -> Input {
        if !self.is_shown {
            return input;
        }
        let bytes = input.size().filter(|bytes| *bytes > 0);
        let template = match bytes {
            Some(_) => "{wide_bar} {bytes} of {total_bytes}, {eta} left",
            None => "{spinner} {bytes} in {elapsed}",
        };
        // The templates above are well-formed.
        if let Ok(style) = ProgressStyle::with_template(template) {
            self.bar.set_style(style);
        }
        self.bar.set_length(bytes.unwrap_or_default());
        let mut counting = Counting { bar: self.bar.clone(), started: Instant::now(), is_drawn: false };
        input.observed(move |bytes| counting.count(bytes))
    }

    /// Wraps a writer to the error stream so that it does not write into the bar.
    pub(crate) fn errors(&self, inner: Box<dyn Write>) -> Box<dyn Write> {
        if !self.is_shown {
            return inner;
        }
        Box::new(Suspending { inner, bar: self.bar.clone() })
    }

    /// Removes the bar.
    pub(crate) fn finish(&self) {
        self.bar.finish_and_clear();
    }
}

struct Counting {
    bar: ProgressBar,
    started: Instant,
    is_drawn: bool,
}

impl Counting {
    fn count(&mut self, bytes: usize) {
        if !self.is_drawn && self.started.elapsed() > PATIENCE {
            self.is_drawn = true;
            self.bar.set_draw_target(ProgressDrawTarget::stderr());
        }
        self.bar.inc(bytes as u64);
    }
}

struct Suspending {
    inner: Box<dyn Write>,
    bar: ProgressBar,
}

impl Write for Suspending {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.bar.suspend(|| self.inner.write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}
