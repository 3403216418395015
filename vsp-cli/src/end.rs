//! Description of how a program ended.

use std::io;

use vsp_core::index::Location;
use vsp_core::verify::Verified;
use vsp_core::{Outcome, Reason, Trap};

/// The error of a host function.
pub(crate) type HostError = dyn std::error::Error + Send + Sync;

use vsp_host::sys::SysError;

use crate::cli::{EXIT_REFUSED, EXIT_SUCCESS, EXIT_SUSPENDED, EXIT_TRAP};
use crate::interrupt;

/// The end of a program.
pub(crate) struct End {
    pub(crate) outcome: &'static str,
    /// The message for the user; `None` if the program ended normally.
    pub(crate) message: Option<String>,
    pub(crate) trap: Option<Trap>,
    pub(crate) results: Vec<u64>,
    /// The exit code of `vsp run`.
    pub(crate) code: u8,
    /// What else the user should know.
    pub(crate) note: Option<String>,
}

/// The outcome of a program that called `proc_exit`.
pub(crate) const EXITED: &str = "exited";

/// The outcome of a program that was saved.
const SAVED: &str = "saved";

impl End {
    /// Describes an outcome: `failure` is why a function of `sys` failed, `chosen` the exit code that the program set,
    /// and `error` the error of the host function that ended the program.
    pub(crate) fn new(
        outcome: Outcome,
        program: &Verified<'_>,
        failure: Option<String>,
        chosen: u8,
        error: Option<&HostError>,
    ) -> End {
        let end = |outcome, message, code| End {
            outcome,
            message,
            trap: None,
            results: Vec::new(),
            code,
            note: None,
        };
        if let (Outcome::Trapped(_), Some(status)) = (outcome, error.and_then(exit_status)) {
            // Systems have 8 bits for it.
            let code = status as u8;
            let note =
                format!("the program exits with status {status}; the exit code is its low byte, {code}");
            let note = (status > 255).then_some(note);
            return End { results: vec![status.into()], note, ..end(EXITED, None, code) };
        }
        match outcome {
            Outcome::Returned(values) => End { results: values.to_vec(), ..end("returned", None, chosen) },
            Outcome::Halted(value) => End { results: vec![value], ..end("halted", None, chosen) },
            Outcome::Suspended(suspension) => {
                let (why, code) = match suspension.reason {
                    Reason::Fuel => ("the fuel is used up".to_owned(), EXIT_SUSPENDED),
                    Reason::Interrupted => ("interrupted".to_owned(), interrupt::exit_code()),
                    Reason::Yield(value) => (
                        format!("the program yields {value}; with --save it can be resumed with an answer"),
                        EXIT_SUSPENDED,
                    ),
                    Reason::Pending(_) => ("a host function is pending".to_owned(), EXIT_SUSPENDED),
                };
                end("suspended", Some(why), code)
            }
            // The reader of the output has seen enough.
            Outcome::Trapped(stop) if is_broken_pipe(stop.trap, failure.as_deref()) => {
                end("trapped", None, EXIT_SUCCESS)
            }
            Outcome::Trapped(stop) => {
                let message = match stop.trap {
                    Trap::Host(code) => host_message(program, stop.location, code, failure),
                    other => format!("trap: {}", trap_name(program, other)),
                };
                End { trap: Some(stop.trap), ..end("trapped", Some(message), EXIT_TRAP) }
            }
        }
    }
}

impl End {
    /// The program was saved, and can go on.
    pub(crate) fn saved(&mut self, code: u8, note: String) {
        (self.outcome, self.message, self.code, self.note) = (SAVED, None, code, Some(note));
    }

    /// The program should have been saved.
    pub(crate) fn not_saved(&mut self, why: &str) {
        self.code = EXIT_REFUSED;
        self.message = Some(match self.message.take() {
            Some(message) => format!("{message}; {why}"),
            None => why.to_owned(),
        });
    }
}

/// Returns the name of a trap: that of WebAssembly, if the program was that and the trap is none of VSP's own.
pub(crate) fn trap_name(program: &Verified<'_>, trap: Trap) -> String {
    #[cfg(feature = "wasm")]
    if let Trap::Explicit(code) = trap
        && let Some(name) = crate::wasm::explain(program.program(), code)
    {
        return name.to_owned();
    }
    let _ = program;
    trap.to_string()
}

/// Returns the status of a program that called `proc_exit`.
fn exit_status(error: &HostError) -> Option<u32> {
    #[cfg(feature = "wasi")]
    return error.downcast_ref::<vsp_host::wasi::Exit>().map(|exit| exit.status);
    #[cfg(not(feature = "wasi"))]
    {
        let _ = error;
        None
    }
}

/// Returns the error of a program that called `proc_exit` with this status.
pub(crate) fn exit(status: u32) -> Box<HostError> {
    #[cfg(feature = "wasi")]
    return vsp_host::wasi::Exit { status }.into();
    #[cfg(not(feature = "wasi"))]
    format!("the program exits with status {status}").into()
}

fn is_broken_pipe(trap: Trap, failure: Option<&str>) -> bool {
    let broken = io::Error::from_raw_os_error(BROKEN_PIPE).to_string();
    trap == Trap::Host(SysError::Write as u32) && failure == Some(&broken)
}

/// EPIPE, on all systems this runs on.
const BROKEN_PIPE: i32 = 32;

fn host_message(program: &Verified<'_>, location: Location, code: u32, failure: Option<String>) -> String {
    let import = program.called_import(location).map(|import| format!("{}.{}", import.module, import.name));
    let import = import.unwrap_or_else(|| "a host function".to_owned());
    let sys = SysError::from_code(code).filter(|_| import.starts_with("sys."));
    let reason = sys.map_or_else(|| format!("error {code}"), |error| error.to_string());
    match failure {
        Some(failure) if sys.is_none() => format!("trap: {import} failed: {failure}"),
        Some(failure) => format!("trap: {import} failed: {reason}: {failure}"),
        None => format!("trap: {import} failed: {reason}"),
    }
}
