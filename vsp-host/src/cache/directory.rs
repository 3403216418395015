//! The permissions of the directory of a cache.
//!
//! A user who can write there can make this process run any machine code. So a directory is used only if only this
//! process's user and the superuser can write to it: on Unix it belongs to one of them, and its mode lets neither
//! group nor others write. The same holds for the files in it, which may have been put there when the directory was
//! open.

use std::fs::{self, File, Metadata};
use std::io::{self, ErrorKind, Read};
use std::path::{Path, PathBuf};

/// The error of using a directory for a cache.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DirectoryError {
    /// The attributes of the directory cannot be read.
    #[error("the cache directory {}: {error}", path.display())]
    Io {
        /// The directory.
        path: PathBuf,
        /// The error of the operating system.
        error: io::Error,
    },
    /// The path is not a directory.
    #[error("the cache directory {} is no directory", path.display())]
    NoDirectory {
        /// The path.
        path: PathBuf,
    },
    /// The directory belongs to another user.
    #[error("the cache directory {} belongs to user {owner}, and has to belong to user {user}", path.display())]
    Owner {
        /// The directory.
        path: PathBuf,
        /// The number of its owner.
        owner: u32,
        /// The number of the user who runs this process.
        user: u32,
    },
    /// Other users can write to the directory.
    #[error(
        "the cache directory {} has mode {mode:04o}, which lets {} write to it: only its owner may \
         (`chmod go-w` sees to that)",
        path.display(), writers(*mode)
    )]
    Writable {
        /// The directory.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
    },
}

/// Checks that only this process's user and the superuser can write to the directory. Returns `false` if there is none.
pub(super) fn check(path: &Path) -> Result<bool, DirectoryError> {
    let data = match fs::metadata(path) {
        Ok(data) => data,
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            return Ok(false);
        }
        Err(error) => return Err(DirectoryError::Io { path: path.to_owned(), error }),
    };
    if !data.is_dir() {
        return Err(DirectoryError::NoDirectory { path: path.to_owned() });
    }
    check_owner(path, &data)?;
    Ok(true)
}

/// Returns the bytes of a file in the directory, after the same check.
pub(super) fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut file = File::open(path)?;
    check_owner(path, &file.metadata()?).map_err(io::Error::other)?;
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    Ok(bytes)
}

#[cfg(unix)]
fn check_owner(path: &Path, data: &Metadata) -> Result<(), DirectoryError> {
    use std::os::unix::fs::MetadataExt;
    let user = rustix::process::geteuid().as_raw();
    check_numbers(path, (data.uid(), data.mode() & 0o7777), user)
}

/// Accepts every directory: on other systems access control lists decide, which users check themselves.
#[cfg(not(unix))]
fn check_owner(_: &Path, _: &Metadata) -> Result<(), DirectoryError> {
    Ok(())
}

/// The bits of a mode that let the group, and others, write.
const GROUP: u32 = 0o020;
const OTHERS: u32 = 0o002;

/// Returns a phrase for the users other than the owner who can write.
fn writers(mode: u32) -> &'static str {
    match (mode & GROUP != 0, mode & OTHERS != 0) {
        (true, true) => "its group and all others",
        (true, false) => "its group",
        (false, _) => "all others",
    }
}

#[cfg(unix)]
fn check_numbers(path: &Path, (owner, mode): (u32, u32), user: u32) -> Result<(), DirectoryError> {
    const SUPERUSER: u32 = 0;
    const GROUP_OR_OTHERS: u32 = GROUP | OTHERS;
    if owner != user && owner != SUPERUSER {
        return Err(DirectoryError::Owner { path: path.to_owned(), owner, user });
    }
    if mode & GROUP_OR_OTHERS != 0 {
        return Err(DirectoryError::Writable { path: path.to_owned(), mode });
    }
    Ok(())
}

#[cfg(all(test, unix))]
mod tests {
    use super::{DirectoryError, check_numbers};
    use std::path::Path;

    #[test]
    fn the_owner_is_the_user_or_the_superuser_and_nobody_else_can_write() {
        let check = |owner, mode, user| check_numbers(Path::new("d"), (owner, mode), user);
        for (owner, mode, user) in [(7, 0o700, 7), (0, 0o755, 7), (0, 0o700, 0), (7, 0o2755, 7)] {
            assert!(check(owner, mode, user).is_ok(), "{owner} {mode:o} {user}");
        }
        for (owner, user) in [(8, 7), (7, 0)] {
            assert!(matches!(check(owner, 0o700, user), Err(DirectoryError::Owner { .. })), "{owner} {user}");
        }
        for mode in [0o777, 0o1777, 0o770, 0o775, 0o702, 0o720] {
            assert!(matches!(check(7, mode, 7), Err(DirectoryError::Writable { .. })), "{mode:o}");
        }
    }
}
