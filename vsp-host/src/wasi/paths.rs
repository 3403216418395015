//! Functions with paths. `cap-std` resolves a path below an opened directory, and refuses what leads out of it.

use std::io;

use cap_fs_ext::{DirExt, FollowSymlinks, OpenOptionsFollowExt, OpenOptionsMaybeDirExt};
use cap_std::fs::{Dir, File, OpenOptions};

use super::Wasi;
use super::attributes::{READ, WRITE, spec};
use super::descriptors::{Descriptor, Kind, OpenDirectory, OpenFile};
use super::errno::{Done, Errno};
use super::files::FLAGS;
use super::memory::Memory;
use super::packing;

/// Flag of paths: a symbolic link in the last place is followed.
const FOLLOW: u32 = 1;

/// Flags of `path_open`.
const CREATE: u32 = 1;
const DIRECTORY: u32 = 2;
const EXCLUSIVE: u32 = 4;
const TRUNCATE: u32 = 8;

impl Wasi {
    #[allow(clippy::too_many_arguments, reason = "the interface has them")]
    pub(super) fn path_open(
        &mut self,
        memory: &mut Memory<'_>,
        fd_and_dirflags: u64,
        path: u32,
        path_length: u32,
        flags: u32,
        rights: u64,
        _inheriting: u64,
        fd_flags: u32,
        result: u32,
    ) -> Done {
        let (fd, dir_flags) = packing::halves(fd_and_dirflags);
        let directory = self.descriptors.directory(fd)?;
        let path = memory.path(path, path_length)?;
        memory.bytes(result, 4)?;
        let fd_flags = u16::try_from(fd_flags).ok().filter(|flags| flags & !FLAGS == 0);
        let (Some(fd_flags), true) = (fd_flags, flags <= 0xF) else { return Err(Errno::Inval) };
        let follow = follow(dir_flags)?;
        let kind = if flags & DIRECTORY != 0 {
            if flags & (CREATE | EXCLUSIVE | TRUNCATE) != 0 {
                return Err(Errno::Inval);
            }
            Kind::Directory(directory.below(open_directory(&directory.dir, path, follow)?, path))
        } else {
            let (readable, writable) = (rights & READ != 0, rights & WRITE != 0);
            if writable || flags & (CREATE | TRUNCATE) != 0 {
                directory.check_changeable()?;
            }
            let file = open_file(&directory.dir, path, follow, flags, writable)?.into_std();
            if file.metadata()?.is_dir() {
                Kind::Directory(directory.below(Dir::from_std_file(file), path))
            } else {
                let (origin, changeable) = (directory.origin.below(path), directory.changeable);
                Kind::File(OpenFile { file, origin, readable, writable, changeable })
            }
        };
        let fd = self.descriptors.add(Descriptor { kind, flags: fd_flags })?;
        memory.write_u32(result, fd)
    }

    pub(super) fn path_create_directory(
        &mut self,
        memory: &mut Memory<'_>,
        fd: u32,
        path: u32,
        path_length: u32,
    ) -> Done {
        let dir = self.changeable(fd)?;
        Ok(dir.create_dir(memory.path(path, path_length)?)?)
    }

    pub(super) fn path_remove_directory(
        &mut self,
        memory: &mut Memory<'_>,
        fd: u32,
        path: u32,
        path_length: u32,
    ) -> Done {
        let dir = self.changeable(fd)?;
        let path = memory.path(path, path_length)?;
        // `cap-std` refuses a slash at the end.
        let bare = path.trim_end_matches('/');
        Ok(dir.remove_dir(if bare.is_empty() { path } else { bare })?)
    }

    pub(super) fn path_unlink_file(
        &mut self,
        memory: &mut Memory<'_>,
        fd: u32,
        path: u32,
        path_length: u32,
    ) -> Done {
        let dir = self.changeable(fd)?;
        let path = memory.path(path, path_length)?;
        dir.remove_file_or_symlink(path).map_err(|error| match dir.symlink_metadata(path) {
            // Systems differ.
            Ok(metadata) if metadata.is_dir() => Errno::Isdir,
            _ => error.into(),
        })
    }

    pub(super) fn path_filestat_get(
        &mut self,
        memory: &mut Memory<'_>,
        fd: u32,
        flags: u32,
        path: u32,
        path_length: u32,
        result: u32,
    ) -> Done {
        let dir = &self.descriptors.directory(fd)?.dir;
        let path = memory.path(path, path_length)?;
        let metadata = match follow(flags)? {
            FollowSymlinks::Yes => dir.metadata(path)?,
            FollowSymlinks::No => dir.symlink_metadata(path)?,
        };
        self.write_stat(memory, result, &metadata)
    }

    #[allow(clippy::too_many_arguments, reason = "the interface has them")]
    pub(super) fn path_filestat_set_times(
        &mut self,
        memory: &mut Memory<'_>,
        fd: u32,
        flags: u32,
        path: u32,
        path_length: u32,
        accessed: u64,
        modified: u64,
        time_flags: u32,
    ) -> Done {
        let (accessed, modified) = self.new_times(accessed, modified, time_flags)?;
        let dir = self.changeable(fd)?;
        let path = memory.path(path, path_length)?;
        let (accessed, modified) = (spec(accessed), spec(modified));
        match follow(flags)? {
            FollowSymlinks::Yes => dir.set_times(path, accessed, modified)?,
            FollowSymlinks::No => dir.set_symlink_times(path, accessed, modified)?,
        }
        Ok(())
    }

    #[allow(clippy::too_many_arguments, reason = "the interface has them")]
    pub(super) fn path_link(
        &mut self,
        memory: &mut Memory<'_>,
        old_fd: u32,
        old_flags: u32,
        old_path: u32,
        old_length: u32,
        new_fd: u32,
        new_path: u32,
        new_length: u32,
    ) -> Done {
        // Both: a name in a directory that may be changed would let the program change the file.
        let (old, new) = (self.changeable(old_fd)?, self.changeable(new_fd)?);
        let (from, to) = (memory.path(old_path, old_length)?, memory.path(new_path, new_length)?);
        match follow(old_flags)? {
            FollowSymlinks::Yes => Err(Errno::Notsup),
            FollowSymlinks::No => Ok(old.hard_link(from, new, to)?),
        }
    }

    #[allow(clippy::too_many_arguments, reason = "the interface has them")]
    pub(super) fn path_rename(
        &mut self,
        memory: &mut Memory<'_>,
        fd: u32,
        old_path: u32,
        old_length: u32,
        new_fd: u32,
        new_path: u32,
        new_length: u32,
    ) -> Done {
        let (old, new) = (self.changeable(fd)?, self.changeable(new_fd)?);
        let (from, to) = (memory.path(old_path, old_length)?, memory.path(new_path, new_length)?);
        Ok(old.rename(from, new, to)?)
    }

    pub(super) fn path_symlink(
        &mut self,
        memory: &mut Memory<'_>,
        old_path: u32,
        old_length: u32,
        fd: u32,
        new_path: u32,
        new_length: u32,
    ) -> Done {
        let dir = self.changeable(fd)?;
        let (target, link) = (memory.path(old_path, old_length)?, memory.path(new_path, new_length)?);
        Ok(DirExt::symlink(dir, target, link)?)
    }

    #[allow(clippy::too_many_arguments, reason = "the interface has them")]
    pub(super) fn path_readlink(
        &mut self,
        memory: &mut Memory<'_>,
        fd: u32,
        path: u32,
        path_length: u32,
        buffer: u32,
        length: u32,
        result: u32,
    ) -> Done {
        let dir = &self.descriptors.directory(fd)?.dir;
        let target = dir.read_link(memory.path(path, path_length)?)?;
        let target = target.to_str().ok_or(Errno::Ilseq)?;
        memory.bytes(result, 4)?;
        let copied = length.min(target.len() as u32);
        memory.bytes_mut(buffer, length)?[..copied as usize]
            .copy_from_slice(&target.as_bytes()[..copied as usize]);
        memory.write_u32(result, copied)
    }

    /// Returns a directory whose entries may be changed.
    fn changeable(&self, fd: u32) -> Result<&Dir, Errno> {
        let directory = self.descriptors.directory(fd)?;
        directory.check_changeable()?;
        Ok(&directory.dir)
    }
}

impl OpenDirectory {
    /// Returns a directory that was opened below this one.
    fn below(&self, dir: Dir, path: &str) -> OpenDirectory {
        let (origin, changeable) = (self.origin.below(path), self.changeable);
        OpenDirectory { dir, origin, changeable, preopened: None, entries: Vec::new() }
    }
}

fn follow(flags: u32) -> Result<FollowSymlinks, Errno> {
    match flags {
        0 => Ok(FollowSymlinks::No),
        FOLLOW => Ok(FollowSymlinks::Yes),
        _ => Err(Errno::Inval),
    }
}

fn open_directory(dir: &Dir, path: &str, follow: FollowSymlinks) -> Result<Dir, Errno> {
    let opened = match follow {
        FollowSymlinks::Yes => dir.open_dir(path),
        FollowSymlinks::No => dir.open_dir_nofollow(path),
    };
    opened.map_err(|error| match dir.symlink_metadata(path) {
        // Systems differ.
        Ok(metadata) if metadata.is_symlink() && follow == FollowSymlinks::No => Errno::Loop,
        _ => error.into(),
    })
}

/// Opens a file, or a directory to list it.
fn open_file(dir: &Dir, path: &str, follow: FollowSymlinks, flags: u32, writable: bool) -> io::Result<File> {
    let is_new = flags & CREATE != 0 && flags & EXCLUSIVE != 0;
    let truncates = flags & TRUNCATE != 0;
    let mut options = OpenOptions::new();
    options.read(true).write(writable || truncates).truncate(truncates && !is_new);
    options.follow(follow).maybe_dir(true);
    if is_new {
        return dir.open_with(path, options.write(true).create_new(true));
    }
    let opened = dir.open_with(path, &options);
    // A file that is there may be one that the process can read only, or write only.
    match opened.as_ref().err().map(io::Error::kind) {
        Some(io::ErrorKind::NotFound) if flags & CREATE != 0 => {
            dir.open_with(path, options.write(true).create(true))
        }
        Some(io::ErrorKind::PermissionDenied) if writable => dir.open_with(path, options.read(false)),
        _ => opened,
    }
}
