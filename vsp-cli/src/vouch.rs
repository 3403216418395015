//! Who vouches for machine code that the command runs.

use vsp_host::native::Trusted;

/// The user does, by naming a file or directory on the command line.
pub(crate) fn by_user<T>(code: T) -> Trusted<T> {
    // SAFETY: this is for the user to see to, as with any file of machine code that a command is told to run; the help of
    // `--code` and `--cache` says so.
    unsafe { Trusted::new(code) }
}
