//! The error numbers of the interface, and which of them an error of the operating system is.

use std::io::{self, ErrorKind};

/// An error that a function returns to the program. Its number is the result of the function, where 0 is success.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u16)]
pub(super) enum Errno {
    /// Permission denied.
    Acces = 2,
    /// Resource unavailable, or operation would block.
    Again = 6,
    /// Bad file descriptor.
    Badf = 8,
    /// Device or resource busy.
    Busy = 10,
    /// Deadlock would occur.
    Deadlk = 16,
    /// A quota is used up.
    Dquot = 19,
    /// File exists.
    Exist = 20,
    /// Bad address.
    Fault = 21,
    /// File too large.
    Fbig = 22,
    /// Illegal byte sequence.
    Ilseq = 25,
    /// Interrupted function.
    Intr = 27,
    /// Invalid argument.
    Inval = 28,
    /// I/O error.
    Io = 29,
    /// Is a directory.
    Isdir = 31,
    /// Too many levels of symbolic links.
    Loop = 32,
    /// File descriptor value too large.
    Mfile = 33,
    /// Too many links.
    Mlink = 34,
    /// Filename too long.
    Nametoolong = 37,
    /// Too many files open in the system.
    Nfile = 41,
    /// No such file or directory.
    Noent = 44,
    /// Not enough space in memory.
    Nomem = 48,
    /// No space left on device.
    Nospc = 51,
    /// Function not supported.
    Nosys = 52,
    /// Not a directory or a symbolic link to a directory.
    Notdir = 54,
    /// Directory not empty.
    Notempty = 55,
    /// Not supported.
    Notsup = 58,
    /// Value too large to be stored in data type.
    Overflow = 61,
    /// Operation not permitted.
    Perm = 63,
    /// Broken pipe.
    Pipe = 64,
    /// Read-only file system.
    Rofs = 69,
    /// Invalid seek.
    Spipe = 70,
    /// Stale file handle.
    Stale = 72,
    /// Text file busy.
    Txtbsy = 74,
    /// Cross-device link.
    Xdev = 75,
}

/// The result of a function without results of its own.
pub(super) type Done = Result<(), Errno>;

/// Returns the number that the program gets.
pub(super) fn number(done: Done) -> u32 {
    done.map_or_else(|errno| errno as u32, |()| 0)
}

impl From<io::Error> for Errno {
    fn from(error: io::Error) -> Errno {
        #[cfg(unix)]
        if let Some(errno) = of_system(&error) {
            return errno;
        }
        match error.kind() {
            ErrorKind::NotFound => Errno::Noent,
            // A path that leads out of the opened directory.
            ErrorKind::PermissionDenied if error.raw_os_error().is_none() => Errno::Perm,
            ErrorKind::PermissionDenied => Errno::Acces,
            ErrorKind::AlreadyExists => Errno::Exist,
            ErrorKind::WouldBlock => Errno::Again,
            ErrorKind::InvalidInput => Errno::Inval,
            ErrorKind::NotADirectory => Errno::Notdir,
            ErrorKind::IsADirectory => Errno::Isdir,
            ErrorKind::DirectoryNotEmpty => Errno::Notempty,
            ErrorKind::ReadOnlyFilesystem => Errno::Rofs,
            ErrorKind::StaleNetworkFileHandle => Errno::Stale,
            ErrorKind::StorageFull => Errno::Nospc,
            ErrorKind::NotSeekable => Errno::Spipe,
            ErrorKind::QuotaExceeded => Errno::Dquot,
            ErrorKind::FileTooLarge => Errno::Fbig,
            ErrorKind::ResourceBusy => Errno::Busy,
            ErrorKind::ExecutableFileBusy => Errno::Txtbsy,
            ErrorKind::Deadlock => Errno::Deadlk,
            ErrorKind::CrossesDevices => Errno::Xdev,
            ErrorKind::TooManyLinks => Errno::Mlink,
            ErrorKind::InvalidFilename => Errno::Nametoolong,
            ErrorKind::Interrupted => Errno::Intr,
            ErrorKind::Unsupported => Errno::Notsup,
            ErrorKind::OutOfMemory => Errno::Nomem,
            ErrorKind::BrokenPipe => Errno::Pipe,
            _ => Errno::Io,
        }
    }
}

/// Returns the errors of a Unix that have no kind of their own.
#[cfg(unix)]
fn of_system(error: &io::Error) -> Option<Errno> {
    use rustix::io::Errno as System;
    Some(match System::from_io_error(error)? {
        System::PERM => Errno::Perm,
        System::BADF => Errno::Badf,
        System::LOOP => Errno::Loop,
        System::NAMETOOLONG => Errno::Nametoolong,
        System::MFILE => Errno::Mfile,
        System::NFILE => Errno::Nfile,
        System::OVERFLOW => Errno::Overflow,
        System::NOTSUP => Errno::Notsup,
        _ => return None,
    })
}
