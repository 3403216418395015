//! Ctrl-C while a program runs: it is stopped, the user learns where it was, and files that it writes keep what is there.

use std::io::{self, IsTerminal};
use std::process;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Once, OnceLock};
use std::thread;
use std::time::Duration;

use crate::message;

use crate::cli::EXIT_INTERRUPTED;
use crate::files;
use crate::translate::say;

/// How long a program may take to come to its next safepoint. One that waits for input comes to none.
const PATIENCE: Duration = Duration::from_millis(300);

/// What tells the program that runs to stop.
static FLAG: OnceLock<Arc<AtomicBool>> = OnceLock::new();

/// Returns a flag that Ctrl-C sets, if it is wanted in any case or somebody sees the error stream: machine code that looks at it
/// is a little slower. A second Ctrl-C ends the process at once.
pub(crate) fn flag(is_wanted: bool) -> Option<Arc<AtomicBool>> {
    if !is_wanted && !io::stderr().is_terminal() {
        return None;
    }
    let flag = FLAG.get_or_init(Arc::default);
    handle().then(|| Arc::clone(flag))
}

/// Handles Ctrl-C from now on. Returns `false` if that cannot be: the debugger has a handler of its own, in which Ctrl-C
/// does not end the process.
pub(crate) fn handle() -> bool {
    static INSTALL: Once = Once::new();
    static IS_INSTALLED: AtomicBool = AtomicBool::new(false);
    INSTALL.call_once(|| IS_INSTALLED.store(ctrlc::try_set_handler(interrupted).is_ok(), Ordering::Relaxed));
    IS_INSTALLED.load(Ordering::Relaxed)
}

/// Ends the process. It runs on a thread of its own.
fn interrupted() {
    if let Some(flag) = FLAG.get()
        && !flag.swap(true, Ordering::Relaxed)
    {
        // Where the program was is said by the thread that ran it, which then ends the process.
        thread::sleep(PATIENCE);
        say(&message::render_text("interrupted"));
    }
    files::keep_unfinished();
    process::exit(EXIT_INTERRUPTED.into());
}
