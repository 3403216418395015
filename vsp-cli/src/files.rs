//! The files of a command: inputs are not overwritten, and outputs appear completely or not at all.
//!
//! A file is written under a temporary name in its folder, and renamed when it is complete. Until then, and if the
//! program is rejected or the disk is full, an existing file stays as it was. Devices, pipes and terminals are written
//! directly. `-` is the standard input or output.

mod private;

use std::fmt::Display;
use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tempfile::{NamedTempFile, TempPath};

use crate::interrupt;
use crate::load::{self, LoadError, Loaded};
use crate::message;
use crate::translate::{Result, ignore_broken_pipe, print_message};
use private::check_private;
pub(crate) use private::{PrivateFile, write_private};

/// The name of the standard input in messages.
const STANDARD_INPUT: &str = "standard input";

/// The name of the standard output in messages.
const STANDARD_OUTPUT: &str = "standard output";

/// Maximum number of symbolic links that are followed.
const MAX_LINKS: usize = 40;

/// Returns whether the path means the standard input or output.
pub(crate) fn is_standard(path: &Path) -> bool {
    path == Path::new("-")
}

/// Returns the name of an input file for messages.
pub(crate) fn name(path: &Path) -> &Path {
    if is_standard(path) { Path::new(STANDARD_INPUT) } else { path }
}

/// Returns the name of an output file for messages.
pub(crate) fn output_name(path: &Path) -> &Path {
    if is_standard(path) { Path::new(STANDARD_OUTPUT) } else { path }
}

/// Returns the standard input to the first caller; others would find nothing in it.
pub(crate) fn standard_input() -> io::Result<io::Stdin> {
    static TAKEN: AtomicBool = AtomicBool::new(false);
    match TAKEN.swap(true, Ordering::Relaxed) {
        false => Ok(io::stdin()),
        true => Err(io::Error::other("it can be read only once")),
    }
}

/// Reads a file.
pub(crate) fn read(path: &Path) -> io::Result<Vec<u8>> {
    if !is_standard(path) {
        return fs::read(path);
    }
    let mut bytes = Vec::new();
    standard_input()?.read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Loads a program from a file, and assembles it if it is a text.
pub(crate) fn load(path: &Path) -> std::result::Result<Loaded, LoadError> {
    let name = name(path);
    let bytes = read(path).map_err(|error| LoadError::Io { path: name.into(), error })?;
    load::from_bytes(name, bytes)
}

/// Formats an error about an input file.
pub(crate) fn wrong(path: &Path, error: &dyn Display) -> String {
    format!("{}: {error}", name(path).display())
}

/// Renders an error about an input file as a message.
pub(crate) fn refuse(path: &Path, error: &dyn Display) -> String {
    message::render_text(&wrong(path, error))
}

/// Formats an error about an output file.
fn wrong_output(path: &Path, error: &dyn Display) -> String {
    format!("{}: {error}", output_name(path).display())
}

/// The identity of a file, whatever its name.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Identity {
    /// Device and inode of a regular file.
    #[cfg(unix)]
    Node(u64, u64),
    /// The path of a file that does not exist yet.
    Path(PathBuf),
    Standard,
}

impl Identity {
    /// Returns the identity of a file, or `None` if it is not a regular file: then reading and writing it is harmless.
    fn of(path: &Path) -> Option<Identity> {
        if is_standard(path) {
            return Some(Identity::Standard);
        }
        match path.metadata() {
            Ok(metadata) => Identity::of_file(&metadata, path),
            Err(_) => {
                let path = target(path);
                let folder = parent(&path).canonicalize().ok()?;
                Some(Identity::Path(folder.join(path.file_name()?)))
            }
        }
    }

    #[cfg(unix)]
    fn of_file(metadata: &Metadata, _: &Path) -> Option<Identity> {
        use std::os::unix::fs::MetadataExt;
        metadata.is_file().then(|| Identity::Node(metadata.dev(), metadata.ino()))
    }

    #[cfg(not(unix))]
    fn of_file(metadata: &Metadata, path: &Path) -> Option<Identity> {
        metadata.is_file().then(|| path.canonicalize().ok().map(Identity::Path)).flatten()
    }

    /// Returns the file that the standard input is redirected from, if there is one.
    #[cfg(unix)]
    fn of_standard_input() -> Option<Identity> {
        use std::os::fd::AsFd;
        let file = File::from(io::stdin().as_fd().try_clone_to_owned().ok()?);
        Identity::of_file(&file.metadata().ok()?, Path::new(STANDARD_INPUT))
    }

    #[cfg(not(unix))]
    fn of_standard_input() -> Option<Identity> {
        None
    }
}

/// The files of one command.
#[derive(Clone, Debug, Default)]
pub(crate) struct Files {
    /// The files that are read, with a description.
    read: Vec<(Identity, &'static str)>,
    written: Vec<Identity>,
}

impl Files {
    /// Records a file that is read, the program for example.
    pub(crate) fn reading(mut self, path: &Path, what: &'static str) -> Files {
        let identity = if is_standard(path) { Identity::of_standard_input() } else { Identity::of(path) };
        self.read.extend(identity.map(|identity| (identity, what)));
        self
    }

    /// Records a file to write. It is rejected if it is read too, or written by another option.
    fn claim(&mut self, path: &Path) -> Result<()> {
        if let Some(identity) = Identity::of(path) {
            if let Some((_, what)) = self.read.iter().find(|(read, _)| *read == identity) {
                return Err(wrong_output(
                    path,
                    &format!("this is {what}, which would be lost; name another file"),
                ));
            }
            if self.written.contains(&identity) {
                return Err(wrong_output(path, &"two outputs cannot go to the same file"));
            }
            self.written.push(identity);
        }
        Ok(())
    }

    /// Creates a file that is written while a program runs. If that is interrupted the file gets what was written so
    /// far.
    pub(crate) fn create(&mut self, path: &Path) -> Result<Output> {
        self.create_with(path, Output::new)
    }

    /// Opens a file that a program goes on to write, after this many bytes.
    pub(crate) fn continue_with(&mut self, path: &Path, written: u64) -> Result<Output> {
        self.create_with(path, |path| Output::continued(path, written))
    }

    /// Records a state file that will be written. It is rejected if it is read too, or written by another option.
    pub(crate) fn claim_state(&mut self, path: &Path) -> Result<()> {
        self.claim(path)?;
        check_private(path).map_err(|error| wrong_output(path, &error))
    }

    fn create_with(&mut self, path: &Path, open: impl FnOnce(&Path) -> io::Result<Output>) -> Result<Output> {
        self.claim(path)?;
        let output = open(path).map_err(|error| wrong_output(path, &error))?;
        if let Sink::Temporary(temporary_file) = &output.sink {
            temporary_file.keep_if_interrupted();
        }
        Ok(output)
    }

    /// Writes a file.
    pub(crate) fn write(mut self, path: &Path, bytes: &[u8]) -> Result<()> {
        self.claim(path).map_err(|error| message::render_text(&error))?;
        replace(path, bytes)
    }
}

/// Writes a file, which may be one that was read and is to be changed.
pub(crate) fn replace(path: &Path, bytes: &[u8]) -> Result<()> {
    let written = Output::new(path).and_then(|mut output| {
        output.write_all(bytes)?;
        output.finish()
    });
    written.or_else(ignore_broken_pipe).map_err(|error| message::render_text(&wrong_output(path, &error)))
}

/// Returns whether the path is a device, a pipe or another file that is written directly.
fn is_special(path: &Path) -> bool {
    path.metadata().is_ok_and(|metadata| !metadata.is_file()) || is_descriptor(path)
}

/// A file that is being written. [`Output::finish`] renames it to its target; without that the target stays as it was.
#[derive(Debug)]
pub(crate) struct Output {
    sink: Sink,
    /// Bytes that were written, by this process and by those before.
    written: u64,
    /// Whether a write has failed.
    failed: bool,
}

#[derive(Debug)]
enum Sink {
    Standard(io::Stdout),
    /// Not a regular file.
    Direct(File),
    Temporary(Temporary),
}

/// A regular file that is written under a temporary name.
#[derive(Debug)]
struct Temporary {
    file: NamedTempFile,
    target: PathBuf,
    /// Whether it can be renamed to the target. Otherwise its bytes are copied to the target.
    takes_name: bool,
}

impl Output {
    fn new(path: &Path) -> io::Result<Output> {
        let sink = match path.metadata() {
            _ if is_standard(path) => Sink::Standard(io::stdout()),
            Ok(metadata) if metadata.is_file() && !is_descriptor(path) => {
                Sink::Temporary(Temporary::replacing(path, &metadata)?)
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Sink::Temporary(Temporary::new(path)?),
            _ => Sink::Direct(File::create(path)?),
        };
        Ok(Output { sink, written: 0, failed: false })
    }

    /// Opens the output of a program that has written so many bytes to it: they are kept, and others are removed. (A
    /// device or pipe just goes on.)
    fn continued(path: &Path, written: u64) -> io::Result<Output> {
        let mut output = Output::new(path)?;
        if let Sink::Temporary(temporary_file) = &mut output.sink {
            let copied = match File::open(path) {
                Ok(old) => io::copy(&mut old.take(written), &mut temporary_file.file)?,
                Err(error) if error.kind() == io::ErrorKind::NotFound => 0,
                Err(error) => return Err(error),
            };
            if copied < written {
                return Err(io::Error::other(format!(
                    "the program had written {written} bytes to it, and it has {copied}; `--output -` writes the \
                     rest to the standard output"
                )));
            }
        }
        output.written = written;
        Ok(output)
    }

    /// Gives the file its name, with what was written so far, and goes on writing to it. Returns the number of bytes.
    fn publish(&mut self) -> io::Result<u64> {
        self.flush()?;
        if self.failed {
            return Err(io::Error::other("an earlier write has failed"));
        }
        match std::mem::replace(&mut self.sink, Sink::Standard(io::stdout())) {
            Sink::Temporary(temporary_file) => {
                let target = temporary_file.target.clone();
                temporary_file.file.as_file().sync_data()?;
                temporary_file.finish()?;
                let mut file = OpenOptions::new().write(true).open(target)?;
                file.seek(SeekFrom::End(0))?;
                self.sink = Sink::Direct(file);
            }
            Sink::Direct(file) => {
                // Devices and pipes cannot be synchronised.
                let _ = file.sync_data();
                self.sink = Sink::Direct(file);
            }
            standard @ Sink::Standard(_) => self.sink = standard,
        }
        Ok(self.written)
    }

    /// Completes the file. (Nothing happens if a write has failed, which has been reported already.)
    pub(crate) fn finish(mut self) -> io::Result<()> {
        self.flush()?;
        match self.sink {
            Sink::Temporary(temporary_file) if !self.failed => temporary_file.finish(),
            _ => Ok(()),
        }
    }

    fn writer(&mut self) -> &mut dyn Write {
        match &mut self.sink {
            Sink::Standard(stdout) => stdout,
            Sink::Direct(file) => file,
            Sink::Temporary(temporary_file) => &mut temporary_file.file,
        }
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.writer().write(bytes);
        self.written += written.as_ref().map_or(0, |count| *count as u64);
        self.failed |= written.as_ref().is_err_and(|error| error.kind() != io::ErrorKind::Interrupted);
        written
    }

    fn flush(&mut self) -> io::Result<()> {
        let flushed = self.writer().flush();
        self.failed |= flushed.is_err();
        flushed
    }
}

impl Temporary {
    /// Creates a temporary file for a target that does not exist.
    fn new(path: &Path) -> io::Result<Temporary> {
        let target = target(path);
        let file = temporary(parent(&target), 0o666)?;
        Ok(Temporary::noted(file, target, true))
    }

    /// Registers a temporary file, so that an interrupted command does not leave it behind.
    fn noted(file: NamedTempFile, target: PathBuf, takes_name: bool) -> Temporary {
        let path = file.path().to_owned();
        unfinished().push(Unfinished {
            path,
            target: target.clone(),
            takes_name,
            if_interrupted: IfInterrupted::Removed,
        });
        Temporary { file, target, takes_name }
    }

    /// Creates a temporary file for an existing target, with its owner and permissions.
    fn replacing(path: &Path, metadata: &Metadata) -> io::Result<Temporary> {
        // Check that it may be written at all.
        drop(OpenOptions::new().write(true).open(path)?);
        let target = target(path);
        // Where no file can be created, the old one can still be overwritten.
        let file = temporary(parent(&target), 0o600).or_else(|_| temporary(&std::env::temp_dir(), 0o600))?;
        let takes_name = keep_owner(file.as_file(), metadata);
        file.as_file().set_permissions(metadata.permissions())?;
        Ok(Temporary::noted(file, target, takes_name))
    }

    /// Lets the target get what was written so far if the command is interrupted.
    fn keep_if_interrupted(&self) {
        let mut unfinished = unfinished();
        unfinished
            .iter_mut()
            .filter(|it| it.path == self.file.path())
            .for_each(|it| it.if_interrupted = IfInterrupted::Named);
    }

    fn finish(self) -> io::Result<()> {
        let mut unfinished = unfinished();
        unfinished.retain(|it| it.path != self.file.path());
        let (file, path) = self.file.into_parts();
        drop(file);
        put(path, &self.target, self.takes_name)
    }
}

/// Creates a temporary file, which is removed when the command is interrupted. The umask of the process applies to the
/// permissions.
fn temporary(folder: &Path, permissions: u32) -> io::Result<NamedTempFile> {
    temporary_named(folder, permissions, (".vsp-", ""))
}

/// As [`temporary`], with the start and the end of the name.
fn temporary_named(
    folder: &Path,
    permissions: u32,
    (prefix, suffix): (&str, &str),
) -> io::Result<NamedTempFile> {
    interrupt::handle();
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, permissions);
    #[cfg(not(unix))]
    let _ = permissions;
    tempfile::Builder::new().prefix(prefix).suffix(suffix).make_in(folder, |path| options.open(path))
}

/// Renames a file to its target. If this is impossible (the old file belongs to another user, in a folder that cannot
/// be changed, or is a mount point), the bytes are copied to the old file.
fn put(mut path: TempPath, target: &Path, takes_name: bool) -> io::Result<()> {
    if takes_name {
        match path.persist(target) {
            Ok(()) => return Ok(()),
            Err(error) if !target.is_file() => return Err(error.error),
            Err(error) => path = error.path,
        }
    }
    let mut new = File::open(&path)?;
    let mut old = OpenOptions::new().write(true).truncate(true).open(target)?;
    io::copy(&mut new, &mut old).map(drop)
}

/// A temporary file that is being written.
struct Unfinished {
    path: PathBuf,
    /// The target.
    target: PathBuf,
    /// Whether it can be renamed to the target.
    takes_name: bool,
    if_interrupted: IfInterrupted,
}

/// What becomes of an incomplete file when the command is interrupted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum IfInterrupted {
    /// It is removed.
    Removed,
    /// It gets its name: an output of a program.
    Named,
    /// It keeps the name that it has while it is written: part of a recording, which is no reason to lose a whole one.
    Left,
}

fn unfinished() -> MutexGuard<'static, Vec<Unfinished>> {
    static UNFINISHED: Mutex<Vec<Unfinished>> = Mutex::new(Vec::new());
    UNFINISHED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Moves incomplete outputs of programs to their targets, says where recordings are, and removes other temporary files,
/// before the process ends early.
pub(crate) fn end_unfinished() {
    for Unfinished { path, target, takes_name, if_interrupted } in unfinished().drain(..) {
        if if_interrupted == IfInterrupted::Left {
            print_message(&message::render_note(&format!("the recording so far is {}", path.display())));
            continue;
        }
        // It is too late to report an error.
        let Ok(path) = TempPath::try_from_path(path) else { continue };
        let is_named = if_interrupted == IfInterrupted::Named;
        let _ = if is_named { put(path, &target, takes_name) } else { path.close() };
    }
}

/// Gives a file the owner of another. Returns whether that succeeded.
#[cfg(unix)]
fn keep_owner(file: &File, metadata: &Metadata) -> bool {
    use std::os::unix::fs::{MetadataExt, fchown};
    fchown(file, Some(metadata.uid()), Some(metadata.gid())).is_ok()
}

#[cfg(not(unix))]
fn keep_owner(_: &File, _: &Metadata) -> bool {
    true
}

/// Returns whether the path is an open file descriptor of this or another process.
fn is_descriptor(path: &Path) -> bool {
    links(path).any(|path| path.starts_with("/proc") || path.starts_with("/dev/fd"))
}

/// Returns the file that a chain of symbolic links leads to, which may not exist.
fn target(path: &Path) -> PathBuf {
    links(path).last().unwrap_or_else(|| path.to_owned())
}

/// Returns a path, and the paths that it leads to link by link.
fn links(path: &Path) -> impl Iterator<Item = PathBuf> {
    let next = |path: &PathBuf| Some(parent(path).join(fs::read_link(path).ok()?));
    std::iter::successors(Some(path.to_owned()), next).take(MAX_LINKS)
}

/// Returns the folder of a file.
fn parent(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    }
}

/// An output that is written by a program and finished by its runner.
#[derive(Clone, Debug)]
pub(crate) struct Shared(Arc<Mutex<Option<Output>>>);

impl Shared {
    pub(crate) fn new(output: Output) -> Shared {
        Shared(Arc::new(Mutex::new(Some(output))))
    }

    /// As [`Output::finish`], once.
    pub(crate) fn finish(&self) -> io::Result<()> {
        self.lock().take().map_or(Ok(()), Output::finish)
    }

    /// As [`Output::publish`]. Returns 0 after [`Self::finish`].
    pub(crate) fn publish(&self) -> io::Result<u64> {
        self.lock().as_mut().map_or(Ok(0), Output::publish)
    }

    fn lock(&self) -> MutexGuard<'_, Option<Output>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.lock().as_mut().map_or(Ok(bytes.len()), |output| output.write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.lock().as_mut().map_or(Ok(()), Output::flush)
    }
}
