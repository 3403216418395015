//! Signals that end a command: the program is stopped, its location is reported, and output files keep what was
//! written. They are Ctrl-C, and on Unix SIGTERM and SIGHUP too.

use std::io::{self, IsTerminal};
use std::process;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::sync::{Arc, Once, OnceLock};
use std::thread;
use std::time::Duration;

use crate::message;

use crate::cli::EXIT_INTERRUPTED;
use crate::files;
use crate::translate::print_message;

/// The time in which a program has to reach its next safepoint. One that waits for input reaches none.
const PATIENCE: Duration = Duration::from_millis(300);

/// The flag that stops the running program.
static FLAG: OnceLock<Arc<AtomicBool>> = OnceLock::new();

/// The exit code of the process if it is interrupted.
static EXIT_CODE: AtomicU8 = AtomicU8::new(EXIT_INTERRUPTED);

/// Returns a flag that a signal sets, if it is required (`is_wanted`) or the error stream is a terminal: machine code
/// that polls it is slightly slower. A second Ctrl-C ends the process at once.
pub(crate) fn flag(is_wanted: bool) -> Option<Arc<AtomicBool>> {
    if !is_wanted && !io::stderr().is_terminal() {
        return None;
    }
    let flag = FLAG.get_or_init(Arc::default);
    handle().then(|| Arc::clone(flag))
}

/// Installs the signal handlers. Returns `false` if Ctrl-C is not among them: the debugger has a separate handler, in
/// which it does not end the process.
pub(crate) fn handle() -> bool {
    static INSTALL: Once = Once::new();
    static IS_INSTALLED: AtomicBool = AtomicBool::new(false);
    INSTALL.call_once(|| {
        let handled = ctrlc::try_set_handler(|| interrupted(EXIT_INTERRUPTED));
        IS_INSTALLED.store(handled.is_ok(), Ordering::Relaxed);
        #[cfg(unix)]
        unix::handle();
    });
    IS_INSTALLED.load(Ordering::Relaxed)
}

/// Returns the exit code of an interrupted process: 128 plus the number of the signal, as in shells.
pub(crate) fn exit_code() -> u8 {
    EXIT_CODE.load(Ordering::Relaxed)
}

/// Ends the process. It runs on a separate thread.
fn interrupted(exit_code: u8) {
    EXIT_CODE.store(exit_code, Ordering::Relaxed);
    if let Some(flag) = FLAG.get()
        && !flag.swap(true, Ordering::Relaxed)
    {
        // The thread that ran the program reports its location, and then ends the process.
        thread::sleep(PATIENCE);
        print_message(&message::render_text("interrupted"));
    }
    files::end_unfinished();
    process::exit(exit_code.into());
}

#[cfg(unix)]
mod unix {
    use std::fs;
    use std::thread;

    use signal_hook::consts::{SIGHUP, SIGTERM};
    use signal_hook::iterator::Signals;

    use super::interrupted;

    /// Handles SIGTERM and SIGHUP, except those that the process was told to ignore (as `nohup` does).
    pub(super) fn handle() {
        let ignored = ignored();
        let wanted = [SIGHUP, SIGTERM].into_iter().filter(|signal| ignored >> (signal - 1) & 1 == 0);
        // If this fails they end the process, as without a handler.
        let Ok(mut signals) = Signals::new(wanted) else { return };
        let _ = thread::Builder::new().name("signals".into()).spawn(move || {
            for signal in signals.forever() {
                interrupted(128 + signal as u8);
            }
        });
    }

    /// Returns the mask of the signals that the process ignores, signal 1 at bit 0, where the system provides it.
    fn ignored() -> u64 {
        let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
        let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
        mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0)
    }
}
