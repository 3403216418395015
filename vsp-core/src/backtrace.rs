//! Locations, traps and call stacks as text, with the names and source lines that the program has.

use core::fmt::{self, Display};

use crate::Trap;
use crate::excerpt::{Escaped, Excerpt};
use crate::index::Location;
use crate::instance::Instance;
use crate::outcome::Trapped;
use crate::program::Program;

/// Frames of a call stack that are shown.
const MAX_FRAMES: usize = 16;

impl Location {
    /// Returns a display of the location with the names of `program`: `function main, word 3 (sum.sil:12)`.
    pub fn display(self, program: &Program<'_>) -> impl Display {
        fmt::from_fn(move |f| {
            match program.function_name(self.function) {
                Some("") => write!(f, "function \"\", word {}", self.word)?,
                Some(name) => write!(f, "function {}, word {}", Excerpt(name), self.word)?,
                None => write!(f, "function {}, word {}", self.function, self.word)?,
            }
            match program.source_line_of(self) {
                Some((file, line)) => write!(f, " ({}:{line})", Escaped(file)),
                None => Ok(()),
            }
        })
    }
}

impl Trapped {
    /// Returns a display of the trap with the names of `program`:
    /// `division by zero at function main, word 3 (sum.sil:12)`. [`Instance::trap_report`] shows the call stack too.
    pub fn display(self, program: &Program<'_>) -> impl Display {
        fmt::from_fn(move |f| write!(f, "{} at {}", self.trap, self.location.display(program)))
    }
}

impl<S> Instance<'_, S> {
    /// Returns a display of the frames of a program that is suspended, trapped or stepped through, innermost first and
    /// one to a line, of which 16 are shown:
    ///
    /// ```text
    ///   at function divide, word 0 (calc.sil:9)
    ///   called from function main, word 2 (calc.sil:4)
    /// ```
    pub fn backtrace(&self) -> impl Display {
        fmt::from_fn(|f| write_frames(f, self.program.program(), self.call_stack()))
    }

    /// Returns a display of the trap that ended the last call: the reason, for a host function its import and error,
    /// and the call stack.
    ///
    /// ```text
    /// host function store.get failed: no such key
    ///   at function total, word 4 (total.sil:9)
    /// ```
    pub fn trap_report(&self, trapped: &Trapped) -> impl Display {
        fmt::from_fn(|f| {
            self.write_reason(f, trapped)?;
            f.write_str("\n")?;
            let program = self.program.program();
            // A later call has replaced the frames of an older trap, and a first frame that does not fit is not there.
            if self.call_stack().next() == Some(trapped.location) {
                write_frames(f, program, self.call_stack())
            } else {
                write_frames(f, program, core::iter::once(trapped.location))
            }
        })
    }

    fn write_reason(&self, f: &mut fmt::Formatter<'_>, trapped: &Trapped) -> fmt::Result {
        let Trap::Host(code) = trapped.trap else { return write!(f, "{}", trapped.trap) };
        match self.program.called_import(trapped.location) {
            Some(import) => {
                write!(f, "host function {}.{} failed", Excerpt(import.module), Excerpt(import.name))?;
            }
            None => f.write_str("host function failed")?,
        }
        let Some(error) = self.host_error() else { return write!(f, " with error {code}") };
        write!(f, ": {error}")?;
        let mut source = error.source();
        while let Some(cause) = source {
            write!(f, ": {cause}")?;
            source = cause.source();
        }
        Ok(())
    }
}

fn write_frames(
    f: &mut fmt::Formatter<'_>,
    program: &Program<'_>,
    mut locations: impl Iterator<Item = Location>,
) -> fmt::Result {
    for (depth, location) in locations.by_ref().take(MAX_FRAMES).enumerate() {
        let (newline, how) = if depth == 0 { ("", "at") } else { ("\n", "called from") };
        write!(f, "{newline}  {how} {}", location.display(program))?;
    }
    match locations.count() {
        0 => Ok(()),
        more => write!(f, "\n  and {more} more"),
    }
}
