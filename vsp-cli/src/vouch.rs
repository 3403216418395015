//! Trust in the machine code that the command runs.

use vsp_host::native::Trusted;

/// Trusts machine code because the user names its file or directory on the command line.
pub(crate) fn by_user<T>(code: T) -> Trusted<T> {
    // SAFETY: the user is responsible, as with any file of machine code that a command is told to run; the help of
    // `--code` and `--cache` says so.
    unsafe { Trusted::new(code) }
}
