//! The table of descriptors: what the numbers stand for that the program names its files by.

use std::fs::File;

use cap_std::fs::Dir;

use super::Wasi;
use super::directories::Entry;
use super::errno::{Done, Errno};
use super::memory::Memory;

/// The most descriptors that a program can have open.
pub(super) const MAX_DESCRIPTORS: usize = 1_024;

/// Where a file or directory was opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Origin {
    /// The number of the directory that the host opened.
    pub(super) preopen: usize,
    /// The path below it; empty for the directory itself.
    pub(super) path: String,
}

impl Origin {
    /// Returns the origin of what is opened below a directory of this origin.
    pub(super) fn below(&self, path: &str) -> Origin {
        let path = if self.path.is_empty() { path.to_owned() } else { format!("{}/{path}", self.path) };
        Origin { preopen: self.preopen, path }
    }
}

/// A standard stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stream {
    Stdin,
    Stdout,
    Stderr,
}

/// What a descriptor stands for, and its flags.
#[derive(Debug)]
pub(super) struct Descriptor {
    pub(super) kind: Kind,
    /// The flags of the interface: `APPEND` and others.
    pub(super) flags: u16,
}

#[derive(Debug)]
pub(super) enum Kind {
    Stream(Stream),
    File(OpenFile),
    Directory(OpenDirectory),
}

/// A file that is open.
#[derive(Debug)]
pub(super) struct OpenFile {
    pub(super) file: File,
    pub(super) origin: Origin,
    pub(super) readable: bool,
    pub(super) writable: bool,
    /// Whether it was opened below a directory whose files may be changed.
    pub(super) changeable: bool,
}

/// A directory that is open.
#[derive(Debug)]
pub(super) struct OpenDirectory {
    pub(super) dir: Dir,
    pub(super) origin: Origin,
    /// Whether anything below it may be changed.
    pub(super) changeable: bool,
    /// The name of a directory that the host opened.
    pub(super) preopened: Option<String>,
    /// The entries as they were when the program began to list them.
    pub(super) entries: Vec<Entry>,
}

impl OpenDirectory {
    /// Checks that entries may be changed.
    pub(super) fn check_changeable(&self) -> Done {
        if self.changeable { Ok(()) } else { Err(Errno::Rofs) }
    }
}

/// The table.
#[derive(Debug)]
pub(super) struct Descriptors(pub(super) Vec<Option<Descriptor>>);

impl Descriptors {
    /// Creates a table with the standard streams.
    pub(super) fn new() -> Descriptors {
        let streams = [Stream::Stdin, Stream::Stdout, Stream::Stderr];
        Descriptors(streams.map(|stream| Some(Descriptor { kind: Kind::Stream(stream), flags: 0 })).into())
    }

    /// Adds a descriptor under the lowest free number.
    pub(super) fn add(&mut self, descriptor: Descriptor) -> Result<u32, Errno> {
        let free = self.0.iter().position(Option::is_none).unwrap_or(self.0.len());
        if free >= MAX_DESCRIPTORS {
            return Err(Errno::Mfile);
        }
        if free == self.0.len() {
            self.0.push(None);
        }
        self.0[free] = Some(descriptor);
        Ok(free as u32)
    }

    pub(super) fn get(&self, fd: u32) -> Result<&Descriptor, Errno> {
        self.0.get(fd as usize).and_then(Option::as_ref).ok_or(Errno::Badf)
    }

    pub(super) fn get_mut(&mut self, fd: u32) -> Result<&mut Descriptor, Errno> {
        self.0.get_mut(fd as usize).and_then(Option::as_mut).ok_or(Errno::Badf)
    }

    /// Returns a file, and the flags of its descriptor. Streams have no position, and directories no bytes.
    pub(super) fn file(&mut self, fd: u32) -> Result<(&mut OpenFile, u16), Errno> {
        match self.get_mut(fd)? {
            Descriptor { kind: Kind::File(file), flags } => Ok((file, *flags)),
            Descriptor { kind: Kind::Stream(_), .. } => Err(Errno::Spipe),
            Descriptor { kind: Kind::Directory(_), .. } => Err(Errno::Badf),
        }
    }

    /// Returns a directory.
    pub(super) fn directory(&self, fd: u32) -> Result<&OpenDirectory, Errno> {
        match &self.get(fd)?.kind {
            Kind::Directory(directory) => Ok(directory),
            Kind::Stream(_) | Kind::File(_) => Err(Errno::Notdir),
        }
    }

    /// Returns a directory.
    pub(super) fn directory_mut(&mut self, fd: u32) -> Result<&mut OpenDirectory, Errno> {
        match &mut self.get_mut(fd)?.kind {
            Kind::Directory(directory) => Ok(directory),
            Kind::Stream(_) | Kind::File(_) => Err(Errno::Notdir),
        }
    }

    fn take(&mut self, fd: u32) -> Result<Descriptor, Errno> {
        self.0.get_mut(fd as usize).and_then(Option::take).ok_or(Errno::Badf)
    }
}

impl Wasi {
    pub(super) fn fd_close(&mut self, _: &mut Memory<'_>, fd: u32) -> Done {
        self.descriptors.take(fd).map(drop)
    }

    pub(super) fn fd_renumber(&mut self, _: &mut Memory<'_>, fd: u32, to: u32) -> Done {
        self.descriptors.get(to)?;
        let moved = self.descriptors.take(fd)?;
        self.descriptors.0[to as usize] = Some(moved);
        Ok(())
    }

    pub(super) fn fd_prestat_get(&mut self, memory: &mut Memory<'_>, fd: u32, result: u32) -> Done {
        let length = self.preopened(fd)?.len() as u32;
        let mut prestat = [0; 8];
        prestat[4..].copy_from_slice(&length.to_le_bytes());
        memory.write(result, &prestat)
    }

    pub(super) fn fd_prestat_dir_name(
        &mut self,
        memory: &mut Memory<'_>,
        fd: u32,
        path: u32,
        length: u32,
    ) -> Done {
        let name = self.preopened(fd)?;
        if (length as usize) < name.len() {
            return Err(Errno::Nametoolong);
        }
        memory.write(path, name.as_bytes())
    }

    /// Returns the name of a directory that the host opened.
    fn preopened(&self, fd: u32) -> Result<&str, Errno> {
        match &self.descriptors.get(fd)?.kind {
            Kind::Directory(OpenDirectory { preopened: Some(name), .. }) => Ok(name),
            _ => Err(Errno::Badf),
        }
    }
}
