//! The files of a command: what it reads is not overwritten, and what it writes is there as a whole or not at all.
//!
//! A file is written under another name beside its own, and gets its name when all of it is there. Until then, and if
//! the program is refused or the disk is full, the file with that name stays as it was. Devices, pipes and terminals are
//! written directly. `-` is the standard input or output.

use std::cell::RefCell;
use std::fmt::Display;
use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::load::{self, LoadError, Loaded};
use crate::message;
use tempfile::{NamedTempFile, TempPath};

use crate::interrupt;
use crate::translate::{Result, ignore_broken_pipe};

/// What messages call the standard input.
const STANDARD_INPUT: &str = "standard input";

/// What messages call the standard output.
const STANDARD_OUTPUT: &str = "standard output";

/// Symbolic links that are followed one after the other.
const MOST_LINKS: usize = 40;

/// Is this the standard input or output?
pub(crate) fn is_standard(path: &Path) -> bool {
    path == Path::new("-")
}

/// What messages call a file that is read.
pub(crate) fn name(path: &Path) -> &Path {
    if is_standard(path) { Path::new(STANDARD_INPUT) } else { path }
}

/// What messages call a file that is written.
pub(crate) fn output_name(path: &Path) -> &Path {
    if is_standard(path) { Path::new(STANDARD_OUTPUT) } else { path }
}

/// The standard input, for the first that asks; nobody else would find anything in it.
pub(crate) fn standard_input() -> io::Result<io::Stdin> {
    static TAKEN: AtomicBool = AtomicBool::new(false);
    match TAKEN.swap(true, Ordering::Relaxed) {
        false => Ok(io::stdin()),
        true => Err(io::Error::other("it is read already, and can be read once only")),
    }
}

/// All bytes of a file.
pub(crate) fn read(path: &Path) -> io::Result<Vec<u8>> {
    if !is_standard(path) {
        return fs::read(path);
    }
    let mut bytes = Vec::new();
    standard_input()?.read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// A program from a file, assembled if it is a text.
pub(crate) fn load(path: &Path) -> std::result::Result<Loaded, LoadError> {
    let name = name(path);
    let bytes = read(path).map_err(|error| LoadError::Io { path: name.into(), error })?;
    load::from_bytes(name, bytes)
}

/// What is wrong with a file that is read.
pub(crate) fn wrong(path: &Path, error: &dyn Display) -> String {
    format!("{}: {error}", name(path).display())
}

/// What is wrong with a file that is read, as a message.
pub(crate) fn refuse(path: &Path, error: &dyn Display) -> String {
    message::render_text(&wrong(path, error))
}

/// What is wrong with a file that is written.
fn wrong_output(path: &Path, error: &dyn Display) -> String {
    format!("{}: {error}", output_name(path).display())
}

/// A file, whatever its name.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Identity {
    /// Device and number of a regular file.
    #[cfg(unix)]
    Node(u64, u64),
    /// The path of a file, which is not there yet.
    Path(PathBuf),
    Standard,
}

impl Identity {
    /// `None`: this is no regular file, and it does no harm to read and write it.
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

    /// The file that the standard input comes from, if it comes from one.
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
    /// What is read, and what it is.
    read: Vec<(Identity, &'static str)>,
    written: Vec<Identity>,
}

impl Files {
    /// Notes a file that is read: the program, say.
    pub(crate) fn reading(mut self, path: &Path, what: &'static str) -> Files {
        let identity = if is_standard(path) { Identity::of_standard_input() } else { Identity::of(path) };
        self.read.extend(identity.map(|identity| (identity, what)));
        self
    }

    /// Notes a file to write. It is refused if it is read too, or written by another option.
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

    /// A file to write while a program runs, or what is wrong with it. If that is interrupted the file gets what was written.
    pub(crate) fn create(&mut self, path: &Path) -> Result<Output> {
        self.claim(path)?;
        let output = Output::new(path).map_err(|error| wrong_output(path, &error))?;
        if let Sink::Beside(beside) = &output.sink {
            beside.keep_if_interrupted();
        }
        Ok(output)
    }

    /// Writes a file.
    pub(crate) fn write(mut self, path: &Path, bytes: &[u8]) -> Result<()> {
        self.claim(path).map_err(|error| message::render_text(&error))?;
        replace(path, bytes)
    }
}

/// Writes a file, also one that was read and is meant to be changed.
pub(crate) fn replace(path: &Path, bytes: &[u8]) -> Result<()> {
    let written = Output::new(path).and_then(|mut output| {
        output.write_all(bytes)?;
        output.finish()
    });
    written.or_else(ignore_broken_pipe).map_err(|error| message::render_text(&wrong_output(path, &error)))
}

/// A file that is being written. [`Output::finish`] gives it its name; without that all stays as it was.
#[derive(Debug)]
pub(crate) struct Output {
    sink: Sink,
    /// Could something not be written?
    failed: bool,
}

#[derive(Debug)]
enum Sink {
    Standard(io::Stdout),
    /// No regular file.
    Direct(File),
    Beside(Beside),
}

/// A regular file that is written under another name.
#[derive(Debug)]
struct Beside {
    file: NamedTempFile,
    target: PathBuf,
    /// Can it take the target's name? Else the target gets its bytes.
    takes_name: bool,
}

impl Output {
    fn new(path: &Path) -> io::Result<Output> {
        let sink = match path.metadata() {
            _ if is_standard(path) => Sink::Standard(io::stdout()),
            Ok(metadata) if metadata.is_file() && !is_descriptor(path) => {
                Sink::Beside(Beside::replacing(path, &metadata)?)
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Sink::Beside(Beside::new(path)?),
            _ => Sink::Direct(File::create(path)?),
        };
        Ok(Output { sink, failed: false })
    }

    /// What was written is the file from now on. (Nothing happens if something could not be written: then somebody
    /// knows that already.)
    pub(crate) fn finish(mut self) -> io::Result<()> {
        self.flush()?;
        match self.sink {
            Sink::Beside(beside) if !self.failed => beside.finish(),
            _ => Ok(()),
        }
    }

    fn writer(&mut self) -> &mut dyn Write {
        match &mut self.sink {
            Sink::Standard(stdout) => stdout,
            Sink::Direct(file) => file,
            Sink::Beside(beside) => &mut beside.file,
        }
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.writer().write(bytes);
        self.failed |= written.as_ref().is_err_and(|error| error.kind() != io::ErrorKind::Interrupted);
        written
    }

    fn flush(&mut self) -> io::Result<()> {
        let flushed = self.writer().flush();
        self.failed |= flushed.is_err();
        flushed
    }
}

impl Beside {
    /// For a file that is not there.
    fn new(path: &Path) -> io::Result<Beside> {
        let target = target(path);
        let file = temporary(parent(&target), 0o666)?;
        Ok(Beside::noted(file, target, true))
    }

    /// Notes that there is this file: an interrupted command leaves none with a strange name.
    fn noted(file: NamedTempFile, target: PathBuf, takes_name: bool) -> Beside {
        let path = file.path().to_owned();
        unfinished().push(Unfinished { path, target: target.clone(), takes_name, is_kept: false });
        Beside { file, target, takes_name }
    }

    /// For a file that is there, with its owner and permissions.
    fn replacing(path: &Path, metadata: &Metadata) -> io::Result<Beside> {
        // May it be written at all?
        drop(OpenOptions::new().write(true).open(path)?);
        let target = target(path);
        // Where no file can be made, the old one can be overwritten all the same.
        let file = temporary(parent(&target), 0o600).or_else(|_| temporary(&std::env::temp_dir(), 0o600))?;
        let takes_name = keep_owner(file.as_file(), metadata);
        file.as_file().set_permissions(metadata.permissions())?;
        Ok(Beside::noted(file, target, takes_name))
    }

    /// Sees to it that the target gets what was written if the command is interrupted.
    fn keep_if_interrupted(&self) {
        let mut unfinished = unfinished();
        unfinished.iter_mut().filter(|it| it.path == self.file.path()).for_each(|it| it.is_kept = true);
    }

    fn finish(self) -> io::Result<()> {
        let mut unfinished = unfinished();
        unfinished.retain(|it| it.path != self.file.path());
        let (file, path) = self.file.into_parts();
        drop(file);
        put(path, &self.target, self.takes_name)
    }
}

/// A new file with a name of its own, which is not left behind when the command is interrupted. The process's mask takes
/// from the permissions.
fn temporary(folder: &Path, permissions: u32) -> io::Result<NamedTempFile> {
    interrupt::handle();
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, permissions);
    #[cfg(not(unix))]
    let _ = permissions;
    tempfile::Builder::new().prefix(".vsp-").make_in(folder, |path| options.open(path))
}

/// Gives a file its name. Where this cannot be (the old file is somebody else's, in a folder that cannot be changed, or
/// mounted), the old one gets the bytes.
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

/// A file that is being written.
struct Unfinished {
    path: PathBuf,
    /// The file whose name it is to have.
    target: PathBuf,
    /// Can it take that name?
    takes_name: bool,
    /// Is what was written so far of use?
    is_kept: bool,
}

fn unfinished() -> MutexGuard<'static, Vec<Unfinished>> {
    static UNFINISHED: Mutex<Vec<Unfinished>> = Mutex::new(Vec::new());
    UNFINISHED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Gives the files of programs what was written, and removes others, before the process ends in the middle.
pub(crate) fn end_unfinished() {
    for Unfinished { path, target, takes_name, is_kept } in unfinished().drain(..) {
        // There is nobody left to tell.
        let Ok(path) = TempPath::try_from_path(path) else { continue };
        let _ = if is_kept { put(path, &target, takes_name) } else { path.close() };
    }
}

/// Gives a file the owner of another. Can that be?
#[cfg(unix)]
fn keep_owner(file: &File, metadata: &Metadata) -> bool {
    use std::os::unix::fs::{MetadataExt, fchown};
    fchown(file, Some(metadata.uid()), Some(metadata.gid())).is_ok()
}

#[cfg(not(unix))]
fn keep_owner(_: &File, _: &Metadata) -> bool {
    true
}

/// Is this a file that the process, or another one, has open already, by its number?
fn is_descriptor(path: &Path) -> bool {
    links(path).any(|path| path.starts_with("/proc") || path.starts_with("/dev/fd"))
}

/// The file that a chain of symbolic links leads to; it may not be there.
fn target(path: &Path) -> PathBuf {
    links(path).last().unwrap_or_else(|| path.to_owned())
}

/// A path, and what it leads to link by link.
fn links(path: &Path) -> impl Iterator<Item = PathBuf> {
    let next = |path: &PathBuf| Some(parent(path).join(fs::read_link(path).ok()?));
    std::iter::successors(Some(path.to_owned()), next).take(MOST_LINKS)
}

/// The folder that a file is in.
fn parent(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    }
}

/// An output that a program writes, and whoever runs it finishes.
#[derive(Clone, Debug)]
pub(crate) struct Shared(Rc<RefCell<Option<Output>>>);

impl Shared {
    pub(crate) fn new(output: Output) -> Shared {
        Shared(Rc::new(RefCell::new(Some(output))))
    }

    /// As [`Output::finish`], once.
    pub(crate) fn finish(&self) -> io::Result<()> {
        self.0.borrow_mut().take().map_or(Ok(()), Output::finish)
    }
}

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.borrow_mut().as_mut().map_or(Ok(bytes.len()), |output| output.write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.borrow_mut().as_mut().map_or(Ok(()), Output::flush)
    }
}
