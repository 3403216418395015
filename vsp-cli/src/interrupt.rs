//! Signals that end a command: the program is stopped, its location is reported, and output files keep what was
//! written. They are Ctrl-C, and on Unix SIGTERM and SIGHUP too. If programs are saved, they and the end of a time slice
//! stop the program to save it, and SIGUSR1 asks for a state without ending it.

use std::io::{self, IsTerminal};
use std::process;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::sync::{Arc, Once, OnceLock};
use std::thread;
use std::time::{Duration, Instant};

use crate::message;

use crate::cli::EXIT_INTERRUPTED;
use crate::files;
use crate::translate::print_message;

/// The time in which a program has to reach its next safepoint. One that waits for input reaches none.
const PATIENCE: Duration = Duration::from_millis(300);

/// As [`PATIENCE`], for a program that is to be saved.
const PATIENCE_FOR_STATE: Duration = Duration::from_secs(3);

/// How often it is looked whether the program has stopped.
const LOOK: Duration = Duration::from_millis(20);

/// The flag that stops the running program.
static FLAG: OnceLock<Arc<AtomicBool>> = OnceLock::new();

/// The exit code of the process if it is interrupted.
static EXIT_CODE: AtomicU8 = AtomicU8::new(EXIT_INTERRUPTED);

/// Whether a program that is stopped is saved.
static SAVES: AtomicBool = AtomicBool::new(false);

/// Whether the program has stopped and is being saved, which may take a while.
static IS_SAVING: AtomicBool = AtomicBool::new(false);

/// The reasons for which the flag was set: the bits of [`Requests`].
static REQUESTS: AtomicU8 = AtomicU8::new(0);

/// The reasons for which a program was interrupted.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Requests(u8);

impl Requests {
    const END: u8 = 1;
    const SLICE: u8 = 2;
    #[cfg(unix)]
    const STATE: u8 = 4;

    /// Returns the reasons since the last call. The program can be resumed.
    pub(crate) fn take() -> Requests {
        if let Some(flag) = FLAG.get() {
            flag.store(false, Ordering::SeqCst);
        }
        Requests(REQUESTS.swap(0, Ordering::SeqCst))
    }

    /// Asks for something: the program stops at its next safepoint.
    fn add(bit: u8) {
        REQUESTS.fetch_or(bit, Ordering::SeqCst);
        if let Some(flag) = FLAG.get() {
            flag.store(true, Ordering::SeqCst);
        }
    }

    /// Returns whether a signal ends the command.
    pub(crate) fn ends(self) -> bool {
        self.0 & Requests::END != 0
    }

    /// Returns whether the time slice is over.
    pub(crate) fn slice_is_over(self) -> bool {
        self.0 & Requests::SLICE != 0
    }

    /// Returns whether a state is asked for, after which the program goes on.
    pub(crate) fn state(self) -> bool {
        #[cfg(unix)]
        return self.0 & Requests::STATE != 0;
        #[cfg(not(unix))]
        false
    }
}

/// Lets signals stop a program to save it.
pub(crate) fn save_on_signals() {
    SAVES.store(true, Ordering::SeqCst);
}

/// Tells that the program has stopped and is being saved, or its recording completed. The signal that stopped it does
/// not end the process, but another one does.
pub(crate) fn saving() {
    IS_SAVING.store(true, Ordering::SeqCst);
}

/// Interrupts the program after a time.
pub(crate) fn after(time: Duration) -> io::Result<()> {
    let timer = thread::Builder::new().name("slice".into());
    timer.spawn(move || {
        thread::sleep(time);
        Requests::add(Requests::SLICE);
    })?;
    Ok(())
}

/// Returns a flag that a signal sets, if it is required (`is_wanted`) or the error stream is a terminal: machine code
/// that polls it is slightly slower. A second Ctrl-C ends the process at once.
pub(crate) fn flag(is_wanted: bool) -> Option<Arc<AtomicBool>> {
    if !is_wanted && !io::stderr().is_terminal() {
        return None;
    }
    let flag = FLAG.get_or_init(Arc::default);
    // Where Ctrl-C is ignored, as in background jobs of shells, a program is saved for other reasons.
    (handle() || SAVES.load(Ordering::SeqCst)).then(|| Arc::clone(flag))
}

/// Installs the signal handlers. Returns `false` if Ctrl-C is not among them: the debugger has a separate handler, in
/// which it does not end the process.
pub(crate) fn handle() -> bool {
    static INSTALL: Once = Once::new();
    static IS_INSTALLED: AtomicBool = AtomicBool::new(false);
    INSTALL.call_once(|| {
        let handled = ctrlc::try_set_handler(|| end(EXIT_INTERRUPTED));
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

/// Ends the process, on a thread of its own: it waits for the program, and another signal must be seen.
fn end(exit_code: u8) {
    if thread::Builder::new().name("end".into()).spawn(move || interrupted(exit_code)).is_err() {
        interrupted(exit_code);
    }
}

fn interrupted(exit_code: u8) {
    static IS_ENDING: AtomicBool = AtomicBool::new(false);
    EXIT_CODE.store(exit_code, Ordering::Relaxed);
    if FLAG.get().is_some() && !IS_ENDING.swap(true, Ordering::SeqCst) {
        Requests::add(Requests::END);
        // The thread that ran the program reports its location, and then ends the process.
        print_message(&message::render_text(match SAVES.load(Ordering::SeqCst) {
            true => {
                wait_for_state();
                "interrupted; the program waits for something, and was not saved"
            }
            false => {
                thread::sleep(PATIENCE);
                // A recording is being completed.
                while IS_SAVING.load(Ordering::SeqCst) {
                    thread::sleep(LOOK);
                }
                "interrupted"
            }
        }));
    }
    files::end_unfinished();
    process::exit(exit_code.into());
}

/// Returns if the program does not stop. If it does, the thread that ran it saves it and ends the process.
fn wait_for_state() {
    let started = Instant::now();
    while IS_SAVING.load(Ordering::SeqCst) || started.elapsed() < PATIENCE_FOR_STATE {
        thread::sleep(LOOK);
    }
}

#[cfg(unix)]
mod unix {
    use std::fs;
    use std::thread;

    use std::sync::atomic::Ordering;

    use signal_hook::consts::{SIGHUP, SIGTERM, SIGUSR1};
    use signal_hook::iterator::Signals;

    use super::{Requests, SAVES, end};

    /// Handles SIGTERM and SIGHUP, except those that the process was told to ignore (as `nohup` does).
    pub(super) fn handle() {
        let ignored = ignored();
        let ending = [SIGHUP, SIGTERM].into_iter().filter(|signal| ignored >> (signal - 1) & 1 == 0);
        let saving = SAVES.load(Ordering::SeqCst).then_some(SIGUSR1);
        let wanted = ending.chain(saving);
        // If this fails they end the process, as without a handler.
        let Ok(mut signals) = Signals::new(wanted) else { return };
        let _ = thread::Builder::new().name("signals".into()).spawn(move || {
            for signal in signals.forever() {
                match signal {
                    SIGUSR1 => Requests::add(Requests::STATE),
                    ending => end(128 + ending as u8),
                }
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
