//! Restoring the state of the module: directories are found again, files are opened and positioned.

use std::fmt::Display;
use std::io::{Seek, SeekFrom};
use std::path::Path;

use cap_std::fs::{Dir, OpenOptions};
use vsp_core::state_file::HostStateError;

use super::clock::Clock;
use super::descriptors::{
    Descriptor, Descriptors, Kind, MAX_DESCRIPTORS, OpenDirectory, OpenFile, Origin, Stream,
};
use super::directories::Entry;
use super::files::FLAGS;
use super::random::Random;
use super::saved::{SavedDescriptor, SavedPreopen, WasiState};
use super::{FUNCTIONS, Preopen, Wasi};

impl Wasi {
    /// Takes over a saved state. Streams and directories are those that the host has given.
    pub(super) fn take_over(&mut self, state: WasiState) -> Result<(), HostStateError> {
        if state.descriptors.len() > MAX_DESCRIPTORS {
            return Err(HostStateError::cannot("the descriptors", "there are too many"));
        }
        self.preopens = self.found_preopens(&state.preopens)?;
        let mut descriptors = Vec::new();
        for (number, (saved, flags)) in state.descriptors.into_iter().zip(&state.flags).enumerate() {
            let kind = saved.map(|saved| self.opened(number, saved)).transpose()?;
            descriptors.push(kind.map(|kind| Descriptor { kind, flags: flags & FLAGS }));
        }
        self.descriptors = Descriptors(descriptors);
        self.stdin.restore(state.stdin)?;
        self.stdout.restore(state.stdout);
        self.stderr.restore(state.stderr);
        (self.args, self.environment) = (state.args, state.environment);
        self.clock = Clock::resumed(state.is_clock_virtual, state.time);
        self.random = match state.random {
            Some((state, rest)) => Random::Seeded { state, rest },
            None => Random::System,
        };
        self.inodes.0 =
            state.inodes.iter().map(|[device, inode, number]| ((*device, *inode), *number)).collect();
        let known =
            |name: &String| FUNCTIONS.iter().map(|function| function.name).find(|known| known == name);
        self.reported = state.reported.iter().filter_map(known).collect();
        Ok(())
    }

    /// Returns the directories of the program: those that the host has given under the same names.
    fn found_preopens(&mut self, saved: &[SavedPreopen]) -> Result<Vec<Preopen>, HostStateError> {
        let mut given = std::mem::take(&mut self.preopens);
        let mut found = Vec::new();
        for SavedPreopen { guest, host, changeable } in saved {
            let what = || format!("the directory {guest}");
            found.push(match given.iter().position(|given| given.guest == *guest) {
                Some(index) => given.remove(index),
                None if self.reopens => {
                    let opened = Preopen::open(Path::new(host), guest, *changeable);
                    opened.map_err(|error| HostStateError::cannot(what(), format_args!("{host}: {error}")))?
                }
                None => {
                    let why = format!("the program had it open, as {host}: it has to be given again");
                    return Err(HostStateError::cannot(what(), why));
                }
            });
        }
        match given.first() {
            Some(Preopen { guest, .. }) => {
                let why = "the program was started without it, and cannot get it now";
                Err(HostStateError::cannot(format_args!("the directory {guest}"), why))
            }
            None => Ok(found),
        }
    }

    fn opened(&self, number: usize, saved: SavedDescriptor) -> Result<Kind, HostStateError> {
        let (preopen, path) = match &saved {
            SavedDescriptor::Stream(0) => return Ok(Kind::Stream(Stream::Stdin)),
            SavedDescriptor::Stream(1) => return Ok(Kind::Stream(Stream::Stdout)),
            SavedDescriptor::Stream(_) => return Ok(Kind::Stream(Stream::Stderr)),
            SavedDescriptor::File { preopen, path, .. }
            | SavedDescriptor::Directory { preopen, path, .. } => (*preopen, path.clone()),
        };
        let origin = Origin { preopen, path };
        let what = self.described(number, &origin);
        let cannot = |why: &dyn Display| HostStateError::cannot(&what, why);
        let Some(given) = self.preopens.get(preopen) else {
            return Err(cannot(&"there is no such opened directory"));
        };
        match saved {
            SavedDescriptor::File { readable, writable, changeable, position, length, .. } => {
                if writable && !given.changeable {
                    return Err(cannot(
                        &"the program writes to it, and the directory was given for reading only",
                    ));
                }
                let mut options = OpenOptions::new();
                options.read(readable || !writable).write(writable);
                let file = given.dir.open_with(&origin.path, &options).map_err(|error| cannot(&error))?;
                let mut file = file.into_std();
                let metadata = file.metadata().map_err(|error| cannot(&error))?;
                if !metadata.is_file() {
                    return Err(cannot(&"this is not a regular file any more"));
                }
                if metadata.len() != length {
                    let now = metadata.len();
                    return Err(cannot(&format!(
                        "it has {now} bytes, and had {length} when the program was saved"
                    )));
                }
                file.seek(SeekFrom::Start(position)).map_err(|error| cannot(&error))?;
                let changeable = changeable && given.changeable;
                Ok(Kind::File(OpenFile { file, origin, readable, writable, changeable }))
            }
            SavedDescriptor::Directory { changeable, is_preopened, entries, .. } => {
                let dir = directory(&given.dir, &origin.path).map_err(|error| cannot(&error))?;
                let entry = |(name, device, inode, file_type)| Entry { name, device, inode, file_type };
                Ok(Kind::Directory(OpenDirectory {
                    dir,
                    changeable: changeable && given.changeable,
                    preopened: is_preopened.then(|| given.guest.clone()),
                    entries: entries.into_iter().map(entry).collect(),
                    origin,
                }))
            }
            SavedDescriptor::Stream(_) => unreachable!("streams were returned above"),
        }
    }
}

fn directory(preopened: &Dir, path: &str) -> std::io::Result<Dir> {
    if path.is_empty() { preopened.try_clone() } else { preopened.open_dir(path) }
}
