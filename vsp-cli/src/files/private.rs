//! Files that only their owner can read: states and recordings.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use super::{
    IfInterrupted, Unfinished, is_special, is_standard, parent, target, temporary, temporary_named,
    unfinished,
};

/// Writes a file that only its owner can read, beside the old one, which it replaces when its bytes are stored. If
/// anything fails the old file stays as it was.
pub(crate) fn write_private(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = PrivateFile::create(path, None)?;
    file.write_all(bytes)?;
    file.finish()
}

/// A file that only its owner can read, and that is written beside the old one until it is finished. If that does not
/// happen, the old file stays as it was.
pub(crate) struct PrivateFile(PrivateSink);

enum PrivateSink {
    Standard(io::Stdout),
    /// Not a regular file.
    Direct(File),
    Temporary {
        file: NamedTempFile,
        target: PathBuf,
    },
}

impl PrivateFile {
    /// Creates a file. With `part`, the end of its name until it is finished, an incomplete one is useful: it is
    /// left under that name if the command is interrupted or killed.
    pub(crate) fn create(path: &Path, part: Option<&str>) -> io::Result<PrivateFile> {
        if is_standard(path) {
            return Ok(PrivateFile(PrivateSink::Standard(io::stdout())));
        }
        if is_special(path) {
            return Ok(PrivateFile(PrivateSink::Direct(OpenOptions::new().write(true).open(path)?)));
        }
        let target = target(path);
        let prefix = target.file_name().map(|name| format!("{}.", name.to_string_lossy()));
        let file = match (part, prefix) {
            (Some(part), Some(prefix)) => temporary_named(parent(&target), 0o600, (&prefix, part))?,
            _ => temporary(parent(&target), 0o600)?,
        };
        let if_interrupted = if part.is_some() { IfInterrupted::Left } else { IfInterrupted::Removed };
        let path = file.path().to_owned();
        unfinished().push(Unfinished { path, target: target.clone(), takes_name: true, if_interrupted });
        Ok(PrivateFile(PrivateSink::Temporary { file, target }))
    }

    /// Stores the file on the disk, and gives it its name.
    pub(crate) fn finish(mut self) -> io::Result<()> {
        self.flush()?;
        let PrivateSink::Temporary { file, target } = self.0 else { return Ok(()) };
        let path = file.path().to_owned();
        let stored = file.as_file().sync_all();
        let renamed = stored.and_then(|()| file.persist(&target).map(drop).map_err(|error| error.error));
        unfinished().retain(|it| it.path != path);
        renamed?;
        // Not all file systems can store the name of a file at once.
        let _ = File::open(parent(&target)).and_then(|folder| folder.sync_all());
        Ok(())
    }
}

impl Write for PrivateFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.0 {
            PrivateSink::Standard(stdout) => stdout.write(bytes),
            PrivateSink::Direct(file) => file.write(bytes),
            PrivateSink::Temporary { file, .. } => file.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match &mut self.0 {
            PrivateSink::Standard(stdout) => stdout.flush(),
            PrivateSink::Direct(file) => file.flush(),
            PrivateSink::Temporary { file, .. } => file.flush(),
        }
    }
}

/// Checks that a file can be created beside this one, before a program runs for hours.
pub(super) fn check_private(path: &Path) -> io::Result<()> {
    if path.is_dir() {
        return Err(io::ErrorKind::IsADirectory.into());
    }
    if is_standard(path) || is_special(path) {
        return Ok(());
    }
    temporary(parent(&target(path)), 0o600).map(drop)
}
