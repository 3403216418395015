//! The section of the module in a state file: its fields, and saving them.

use std::fmt::Display;
use std::io::Seek;

use cap_fs_ext::MetadataExt;
use cap_std::fs::Metadata;
use vsp_core::state_file::{HostState, HostStateError, SectionReader, SectionWriter};

use super::clock::{Clock, MONOTONIC};
use super::descriptors::{Descriptor, Kind, OpenDirectory, OpenFile, Origin, Stream};
use super::directories::Entry;
use super::random::Random;
use super::{MODULE, Wasi};
use crate::input::SavedInput;

/// The version of the section.
const VERSION: u16 = 1;

/// The section of the module in a state file (`docs/format.md`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WasiState {
    /// The program's arguments.
    pub args: Vec<String>,
    /// The environment: each is `NAME=VALUE`.
    pub environment: Vec<String>,
    /// The standard input.
    pub stdin: SavedInput,
    /// Bytes that were written to the standard output.
    pub stdout: u64,
    /// Bytes that were written to the error stream.
    pub stderr: u64,
    /// Whether the run is deterministic as far as time goes.
    pub is_clock_virtual: bool,
    /// The time of the monotonic clock in nanoseconds.
    pub time: u64,
    /// The state of the random numbers if they follow from a seed: the generator's, and what is left of the last number.
    pub random: Option<(u64, Vec<u8>)>,
    /// The directories that the host opened.
    pub preopens: Vec<SavedPreopen>,
    /// The descriptors by their numbers.
    pub descriptors: Vec<Option<SavedDescriptor>>,
    /// The flags of the descriptors that are open, by their numbers.
    pub(super) flags: Vec<u16>,
    /// Device, inode and number of the files of a deterministic run.
    pub(super) inodes: Vec<[u64; 3]>,
    /// Names of functions that are not offered, and were called.
    pub(super) reported: Vec<String>,
}

/// A directory that the host opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SavedPreopen {
    /// The name by which the program knows it.
    pub guest: String,
    /// The path on the host, as the user gave it.
    pub host: String,
    /// Whether anything below it may be changed.
    pub changeable: bool,
}

/// A descriptor.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SavedDescriptor {
    /// A standard stream: 0, 1 or 2.
    Stream(u8),
    /// A file.
    File {
        /// The number of the directory that the host opened.
        preopen: usize,
        /// The path below it.
        path: String,
        /// Whether the program can read it.
        readable: bool,
        /// Whether the program can write to it.
        writable: bool,
        /// Whether it was opened below a directory whose files may be changed.
        changeable: bool,
        /// The position in bytes.
        position: u64,
        /// The size in bytes.
        length: u64,
    },
    /// A directory.
    Directory {
        /// The number of the directory that the host opened.
        preopen: usize,
        /// The path below it; empty for the directory itself.
        path: String,
        /// Whether anything below it may be changed.
        changeable: bool,
        /// Whether it is the one that the host opened, by the name that the program knows.
        is_preopened: bool,
        /// Name, device, inode and type of the entries that are being listed.
        entries: Vec<(String, u64, u64, u8)>,
    },
}

impl WasiState {
    /// Reads the section.
    ///
    /// # Errors
    /// It is damaged, or has another version.
    pub fn read(version: u16, mut from: SectionReader<'_>) -> Result<WasiState, HostStateError> {
        HostStateError::check_version(version, VERSION)?;
        let args = from.texts("arguments")?;
        let environment = from.texts("environment")?;
        let stdin = SavedInput::read(&mut from)?;
        let stdout = from.u64("bytes written to the standard output")?;
        let stderr = from.u64("bytes written to the error stream")?;
        let is_clock_virtual = from.flag("kind of the clock")?;
        let time = from.u64("time")?;
        let random = match from.flag("kind of the random numbers")? {
            true => Some((from.u64("random numbers")?, from.bytes("rest of a random number")?.to_vec())),
            false => None,
        };
        let preopens = from.count(9, "number of opened directories")?;
        let preopens = (0..preopens).map(|_| SavedPreopen::read(&mut from)).collect::<Result<_, _>>()?;
        let count = from.count(1, "number of descriptors")?;
        let (mut descriptors, mut flags) = (Vec::new(), Vec::new());
        for _ in 0..count {
            let (descriptor, flag) = SavedDescriptor::read(&mut from)?;
            descriptors.push(descriptor);
            flags.push(flag);
        }
        let count = from.count(24, "number of inodes")?;
        let inodes = (0..count)
            .map(|_| Ok([from.u64("device")?, from.u64("inode")?, from.u64("number of an inode")?]))
            .collect::<Result<_, HostStateError>>()?;
        let reported = from.texts("functions that are not offered")?;
        from.finish()?;
        Ok(WasiState {
            args,
            environment,
            stdin,
            stdout,
            stderr,
            is_clock_virtual,
            time,
            random,
            preopens,
            descriptors,
            flags,
            inodes,
            reported,
        })
    }

    fn write(&self, out: &mut SectionWriter<'_>) -> Result<(), HostStateError> {
        out.texts(&self.args)?;
        out.texts(&self.environment)?;
        self.stdin.write(out)?;
        out.u64(self.stdout)?;
        out.u64(self.stderr)?;
        out.u8(self.is_clock_virtual.into())?;
        out.u64(self.time)?;
        out.u8(self.random.is_some().into())?;
        if let Some((state, rest)) = &self.random {
            out.u64(*state)?;
            out.bytes(rest)?;
        }
        out.u32(self.preopens.len() as u32)?;
        self.preopens.iter().try_for_each(|preopen| preopen.write(out))?;
        out.u32(self.descriptors.len() as u32)?;
        for (descriptor, flags) in self.descriptors.iter().zip(&self.flags) {
            SavedDescriptor::write(descriptor.as_ref(), *flags, out)?;
        }
        out.u32(self.inodes.len() as u32)?;
        self.inodes.iter().flatten().try_for_each(|number| out.u64(*number))?;
        out.texts(&self.reported)
    }
}

impl SavedPreopen {
    fn read(from: &mut SectionReader<'_>) -> Result<SavedPreopen, HostStateError> {
        Ok(SavedPreopen {
            guest: from.text("name of an opened directory")?.to_owned(),
            host: from.text("path of an opened directory")?.to_owned(),
            changeable: from.flag("access to an opened directory")?,
        })
    }

    fn write(&self, out: &mut SectionWriter<'_>) -> Result<(), HostStateError> {
        out.text(&self.guest)?;
        out.text(&self.host)?;
        out.u8(self.changeable.into())
    }
}

impl SavedDescriptor {
    /// Reads a descriptor and its flags.
    fn read(from: &mut SectionReader<'_>) -> Result<(Option<SavedDescriptor>, u16), HostStateError> {
        let kind = from.choice(4, "kind of a descriptor")?;
        if kind == 0 {
            return Ok((None, 0));
        }
        let flags = from.u16("flags of a descriptor")?;
        if kind == 1 {
            return Ok((Some(SavedDescriptor::Stream(from.choice(3, "stream of a descriptor")?)), flags));
        }
        let preopen = from.u32("directory of a descriptor")? as usize;
        let path = from.text("path of a descriptor")?.to_owned();
        let changeable = from.flag("access of a descriptor")?;
        if kind == 2 {
            let file = SavedDescriptor::File {
                preopen,
                path,
                changeable,
                readable: from.flag("access of a descriptor")?,
                writable: from.flag("access of a descriptor")?,
                position: from.u64("position of a descriptor")?,
                length: from.u64("size of a file")?,
            };
            return Ok((Some(file), flags));
        }
        let is_preopened = from.flag("origin of a descriptor")?;
        let count = from.count(21, "number of entries of a directory")?;
        let entries = (0..count).map(|_| {
            let name = from.text("name of an entry")?.to_owned();
            Ok((
                name,
                from.u64("device of an entry")?,
                from.u64("inode of an entry")?,
                from.u8("type of an entry")?,
            ))
        });
        let entries = entries.collect::<Result<_, HostStateError>>()?;
        Ok((Some(SavedDescriptor::Directory { preopen, path, changeable, is_preopened, entries }), flags))
    }

    fn write(
        descriptor: Option<&SavedDescriptor>,
        flags: u16,
        out: &mut SectionWriter<'_>,
    ) -> Result<(), HostStateError> {
        let Some(descriptor) = descriptor else { return out.u8(0) };
        match descriptor {
            SavedDescriptor::Stream(stream) => {
                out.u8(1)?;
                out.u16(flags)?;
                out.u8(*stream)
            }
            SavedDescriptor::File { preopen, path, readable, writable, changeable, position, length } => {
                out.u8(2)?;
                out.u16(flags)?;
                out.u32(*preopen as u32)?;
                out.text(path)?;
                [changeable, readable, writable].into_iter().try_for_each(|flag| out.u8((*flag).into()))?;
                out.u64(*position)?;
                out.u64(*length)
            }
            SavedDescriptor::Directory { preopen, path, changeable, is_preopened, entries } => {
                out.u8(3)?;
                out.u16(flags)?;
                out.u32(*preopen as u32)?;
                out.text(path)?;
                out.u8((*changeable).into())?;
                out.u8((*is_preopened).into())?;
                out.u32(entries.len() as u32)?;
                entries.iter().try_for_each(|(name, device, inode, file_type)| {
                    out.text(name)?;
                    out.u64(*device)?;
                    out.u64(*inode)?;
                    out.u8(*file_type)
                })
            }
        }
    }
}

/// Arguments, environment, open files, clock and random numbers. To restore, the host creates a [`Wasi`] with the streams
/// and the directories that the program shall have; directories are found by the program's names for them. Captured
/// output is not part of the state: the host takes it before it saves.
impl HostState for Wasi {
    fn name(&self) -> &str {
        MODULE
    }

    fn version(&self) -> u16 {
        VERSION
    }

    fn save(&mut self, out: &mut SectionWriter<'_>) -> Result<(), HostStateError> {
        let stream = |what: &str, error: &dyn Display| HostStateError::cannot(what, error);
        self.stdout.flush().map_err(|error| stream("the standard output", &error))?;
        self.stderr.flush().map_err(|error| stream("the error stream", &error))?;
        self.state()?.write(out)
    }

    fn restore(&mut self, version: u16, from: SectionReader<'_>) -> Result<(), HostStateError> {
        let state = WasiState::read(version, from)?;
        self.take_over(state)
    }
}

impl Wasi {
    fn state(&mut self) -> Result<WasiState, HostStateError> {
        let numbers = 0..self.descriptors.0.len();
        let descriptors = numbers.map(|number| self.saved_descriptor(number)).collect::<Result<_, _>>()?;
        let preopens = self.preopens.iter().map(|preopen| SavedPreopen {
            guest: preopen.guest.clone(),
            host: preopen.host.clone(),
            changeable: preopen.changeable,
        });
        let flags = self.descriptors.0.iter().map(|it| it.as_ref().map_or(0, |it| it.flags)).collect();
        let inodes =
            self.inodes.0.iter().map(|((device, inode), number)| [*device, *inode, *number]).collect();
        Ok(WasiState {
            args: self.args.clone(),
            environment: self.environment.clone(),
            stdin: self.stdin.save()?,
            stdout: self.stdout.written(),
            stderr: self.stderr.written(),
            is_clock_virtual: matches!(self.clock, Clock::Virtual(_)),
            time: self.clock.peek(MONOTONIC),
            random: match &self.random {
                Random::System => None,
                Random::Seeded { state, rest } => Some((*state, rest.clone())),
            },
            preopens: preopens.collect(),
            descriptors,
            flags,
            inodes,
            reported: self.reported.iter().map(|name| (*name).to_owned()).collect(),
        })
    }

    fn saved_descriptor(&self, number: usize) -> Result<Option<SavedDescriptor>, HostStateError> {
        let Some(Descriptor { kind, .. }) = &self.descriptors.0[number] else { return Ok(None) };
        Ok(Some(match kind {
            Kind::Stream(stream) => SavedDescriptor::Stream(match stream {
                Stream::Stdin => 0,
                Stream::Stdout => 1,
                Stream::Stderr => 2,
            }),
            Kind::File(file) => self.saved_file(number, file)?,
            Kind::Directory(directory) => self.saved_directory(number, directory)?,
        }))
    }

    /// Returns the name of what a descriptor stands for, for messages.
    pub(super) fn described(&self, number: usize, origin: &Origin) -> String {
        let guest = self.preopens.get(origin.preopen).map_or("?", |preopen| &preopen.guest);
        let separator = if origin.path.is_empty() { "" } else { "/" };
        format!("descriptor {number}, {guest}{separator}{}", origin.path)
    }

    fn saved_file(&self, number: usize, file: &OpenFile) -> Result<SavedDescriptor, HostStateError> {
        let cannot = |why: &dyn Display| HostStateError::cannot(self.described(number, &file.origin), why);
        let io = |error: std::io::Error| cannot(&error);
        let Origin { preopen, path } = &file.origin;
        let metadata = Metadata::from_file(&file.file).map_err(io)?;
        if !metadata.is_file() {
            return Err(cannot(&"this is not a regular file, and has no position"));
        }
        let found = self.preopens[*preopen].dir.metadata(path);
        if !found.is_ok_and(|found| is_same(&found, &metadata)) {
            return Err(cannot(
                &"the file was removed or renamed after it was opened, and cannot be found again",
            ));
        }
        if file.writable {
            file.file.sync_all().map_err(io)?;
        }
        Ok(SavedDescriptor::File {
            preopen: *preopen,
            path: path.clone(),
            readable: file.readable,
            writable: file.writable,
            changeable: file.changeable,
            position: (&file.file).stream_position().map_err(io)?,
            length: metadata.len(),
        })
    }

    fn saved_directory(
        &self,
        number: usize,
        directory: &OpenDirectory,
    ) -> Result<SavedDescriptor, HostStateError> {
        let cannot =
            |why: &dyn Display| HostStateError::cannot(self.described(number, &directory.origin), why);
        let Origin { preopen, path } = &directory.origin;
        if !path.is_empty() {
            let metadata = directory.dir.dir_metadata().map_err(|error| cannot(&error))?;
            let found = self.preopens[*preopen].dir.metadata(path);
            if !found.is_ok_and(|found| is_same(&found, &metadata)) {
                return Err(cannot(
                    &"the directory was removed or renamed after it was opened, and cannot be found again",
                ));
            }
        }
        let entry = |entry: &Entry| (entry.name.clone(), entry.device, entry.inode, entry.file_type);
        Ok(SavedDescriptor::Directory {
            preopen: *preopen,
            path: path.clone(),
            changeable: directory.changeable,
            is_preopened: directory.preopened.is_some(),
            entries: directory.entries.iter().map(entry).collect(),
        })
    }
}

fn is_same(one: &Metadata, other: &Metadata) -> bool {
    (one.dev(), one.ino()) == (other.dev(), other.ino())
}
