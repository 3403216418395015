//! Ctrl-C while a program runs: it is stopped, and the user learns where it was.

use std::io::{self, IsTerminal};
use std::process;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use vsp_host::message;

use crate::cli::EXIT_INTERRUPTED;

/// How long a program may take to come to its next safepoint. One that waits for input comes to none.
const PATIENCE: Duration = Duration::from_millis(300);

/// Returns a flag that Ctrl-C sets, if somebody sees the error stream: machine code that looks at it is a little
/// slower. A second Ctrl-C ends the process at once.
pub(crate) fn flag() -> Option<Arc<AtomicBool>> {
    if !io::stderr().is_terminal() {
        return None;
    }
    let flag = Arc::new(AtomicBool::new(false));
    let set = Arc::clone(&flag);
    let handler = move || {
        if !set.swap(true, Ordering::Relaxed) {
            // The handler has a thread of its own. Where the program was is said by the one that ran it.
            thread::sleep(PATIENCE);
            anstream::eprintln!("{}", message::render_text("interrupted"));
        }
        process::exit(EXIT_INTERRUPTED.into());
    };
    ctrlc::set_handler(handler).ok().map(|()| flag)
}
