//! The attributes of files and descriptors: types, sizes, times, flags and rights.

use std::collections::BTreeMap;
use std::fs::FileTimes;
use std::time::{Duration, SystemTime};

use cap_fs_ext::{DirExt, MetadataExt, SystemTimeSpec};
#[cfg(unix)]
use cap_std::fs::FileTypeExt;
use cap_std::fs::{FileType, Metadata};

use super::Wasi;
use super::clock::nanoseconds;
use super::descriptors::{Kind, Stream};
use super::errno::{Done, Errno};
use super::files::FLAGS;
use super::memory::Memory;

/// File types.
const UNKNOWN: u8 = 0;
#[cfg(unix)]
const BLOCK_DEVICE: u8 = 1;
const CHARACTER_DEVICE: u8 = 2;
pub(super) const DIRECTORY: u8 = 3;
const REGULAR_FILE: u8 = 4;
const SYMBOLIC_LINK: u8 = 7;

/// Rights, as bits: what `path_open` gets tells reading from writing, and what `fd_fdstat_get` gives tells a program
/// what it can do. Nothing else depends on them.
pub(super) const READ: u64 = 1 << 1;
pub(super) const WRITE: u64 = 1 << 6;
const SEEK: u64 = 1 << 2 | 1 << 5;
const STREAM: u64 = 1 << 3 | 1 << 21 | 1 << 27;
/// Synchronisation, flags, `fd_advise`, attributes, `poll_oneoff`.
const FILE: u64 = STREAM | SEEK | 1 << 0 | 1 << 4 | 1 << 7;
/// `fd_allocate`, the size.
const FILE_CHANGES: u64 = WRITE | 1 << 8 | 1 << 22;
const TIMES: u64 = 1 << 23;
/// Opening, listing, reading links, attributes.
const DIRECTORY_READS: u64 = 1 << 0 | 1 << 3 | 1 << 4 | 1 << 13 | 1 << 14 | 1 << 15 | 1 << 18 | 1 << 21;
/// Creating, linking, renaming, sizes and times, symbolic links, removing.
const DIRECTORY_CHANGES: u64 = 1 << 9
    | 1 << 10
    | 1 << 11
    | 1 << 12
    | 1 << 16
    | 1 << 17
    | 1 << 19
    | 1 << 20
    | 1 << 24
    | 1 << 25
    | 1 << 26;

/// The numbers that stand for the inodes of the host in a deterministic run, in the order in which they were seen.
#[derive(Debug, Default)]
pub(super) struct Inodes(pub(super) BTreeMap<(u64, u64), u64>);

impl Inodes {
    pub(super) fn number(&mut self, device: u64, inode: u64) -> u64 {
        let next = self.0.len() as u64 + 1;
        *self.0.entry((device, inode)).or_insert(next)
    }
}

/// Returns the number of a file type.
pub(super) fn file_type(ty: FileType) -> u8 {
    #[cfg(unix)]
    match () {
        () if ty.is_block_device() => return BLOCK_DEVICE,
        () if ty.is_char_device() => return CHARACTER_DEVICE,
        () => {}
    }
    match () {
        () if ty.is_dir() => DIRECTORY,
        () if ty.is_file() => REGULAR_FILE,
        () if ty.is_symlink() => SYMBOLIC_LINK,
        () => UNKNOWN,
    }
}

/// The attributes of a file as the interface has them.
#[derive(Debug, Default)]
struct FileStat {
    device: u64,
    inode: u64,
    file_type: u8,
    links: u64,
    size: u64,
    /// Nanoseconds since 1970: of the last access, of the last change of the bytes, of the last change of attributes.
    times: [u64; 3],
}

impl FileStat {
    fn write(&self, memory: &mut Memory<'_>, address: u32) -> Done {
        let mut bytes = [0; 64];
        let [accessed, modified, changed] = self.times;
        let fields = [self.device, self.inode, self.file_type.into(), self.links, self.size];
        let fields = fields.into_iter().chain([accessed, modified, changed]);
        for (to, field) in bytes.chunks_exact_mut(8).zip(fields) {
            to.copy_from_slice(&field.to_le_bytes());
        }
        memory.write(address, &bytes)
    }
}

/// A change of one of the times of a file.
pub(super) type NewTime = Option<SystemTime>;

impl Wasi {
    /// Returns the attributes of a file. A deterministic run sees no time and no device of the host.
    fn stat(&mut self, metadata: &Metadata) -> FileStat {
        let stat = FileStat {
            device: MetadataExt::dev(metadata),
            inode: MetadataExt::ino(metadata),
            file_type: file_type(metadata.file_type()),
            links: MetadataExt::nlink(metadata),
            size: metadata.len(),
            times: times(metadata),
        };
        if !self.clock.is_virtual() {
            return stat;
        }
        let inode = self.inodes.number(stat.device, stat.inode);
        // What a directory occupies depends on the file system.
        let (links, size) = if stat.file_type == DIRECTORY { (1, 0) } else { (stat.links, stat.size) };
        FileStat { device: 0, inode, links, size, times: [0; 3], ..stat }
    }

    pub(super) fn write_stat(&mut self, memory: &mut Memory<'_>, address: u32, metadata: &Metadata) -> Done {
        self.stat(metadata).write(memory, address)
    }

    pub(super) fn fd_filestat_get(&mut self, memory: &mut Memory<'_>, fd: u32, result: u32) -> Done {
        let metadata = match &self.descriptors.get(fd)?.kind {
            Kind::Stream(stream) => {
                let file_type = self.stream_type(*stream);
                return FileStat { file_type, ..FileStat::default() }.write(memory, result);
            }
            Kind::File(file) => Metadata::from_file(&file.file)?,
            Kind::Directory(directory) => directory.dir.dir_metadata()?,
        };
        self.write_stat(memory, result, &metadata)
    }

    fn stream_type(&self, stream: Stream) -> u8 {
        let is_terminal = match stream {
            Stream::Stdin => self.stdin.is_terminal(),
            Stream::Stdout => self.stdout.is_terminal(),
            Stream::Stderr => self.stderr.is_terminal(),
        };
        if is_terminal { CHARACTER_DEVICE } else { UNKNOWN }
    }

    pub(super) fn fd_filestat_set_times(
        &mut self,
        _: &mut Memory<'_>,
        fd: u32,
        accessed: u64,
        modified: u64,
        flags: u32,
    ) -> Done {
        self.descriptors.get(fd)?;
        let (accessed, modified) = self.new_times(accessed, modified, flags)?;
        match &self.descriptors.get(fd)?.kind {
            Kind::Stream(_) => Err(Errno::Inval),
            Kind::File(file) if !file.changeable => Err(Errno::Rofs),
            Kind::File(file) => {
                let times = accessed.into_iter().fold(FileTimes::new(), FileTimes::set_accessed);
                let times = modified.into_iter().fold(times, FileTimes::set_modified);
                Ok(file.file.set_times(times)?)
            }
            Kind::Directory(directory) => {
                directory.check_changeable()?;
                Ok(directory.dir.set_times(".", spec(accessed), spec(modified))?)
            }
        }
    }

    /// Returns the times that a call sets.
    pub(super) fn new_times(
        &mut self,
        accessed: u64,
        modified: u64,
        flags: u32,
    ) -> Result<(NewTime, NewTime), Errno> {
        if flags > 0xF || flags & 3 == 3 || flags & 12 == 12 {
            return Err(Errno::Inval);
        }
        let mut time = |nanoseconds, flags| match flags {
            0 => Ok(None),
            1 => {
                let time = SystemTime::UNIX_EPOCH.checked_add(Duration::from_nanos(nanoseconds));
                time.ok_or(Errno::Overflow).map(Some)
            }
            _ => self.clock.wall().map(Some),
        };
        Ok((time(accessed, flags & 3)?, time(modified, flags >> 2)?))
    }

    pub(super) fn fd_fdstat_get(&mut self, memory: &mut Memory<'_>, fd: u32, result: u32) -> Done {
        let descriptor = self.descriptors.get(fd)?;
        let (file_type, rights, inheriting) = match &descriptor.kind {
            Kind::Stream(stream @ Stream::Stdin) => (self.stream_type(*stream), STREAM | READ, 0),
            Kind::Stream(stream) => (self.stream_type(*stream), STREAM | WRITE, 0),
            Kind::File(file) => {
                let reads = if file.readable { READ } else { 0 };
                let writes = if file.writable { FILE_CHANGES } else { 0 };
                let times = if file.changeable { TIMES } else { 0 };
                let file_type = file_type(Metadata::from_file(&file.file)?.file_type());
                (file_type, FILE | reads | writes | times, 0)
            }
            Kind::Directory(directory) => {
                let changes = if directory.changeable { DIRECTORY_CHANGES | TIMES } else { 0 };
                let file_changes = if directory.changeable { FILE_CHANGES } else { 0 };
                let rights = DIRECTORY_READS | changes;
                (DIRECTORY, rights, rights | FILE | READ | file_changes)
            }
        };
        let mut bytes = [0; 24];
        bytes[0] = file_type;
        bytes[2..4].copy_from_slice(&descriptor.flags.to_le_bytes());
        bytes[8..16].copy_from_slice(&rights.to_le_bytes());
        bytes[16..24].copy_from_slice(&inheriting.to_le_bytes());
        memory.write(result, &bytes)
    }

    pub(super) fn fd_fdstat_set_flags(&mut self, _: &mut Memory<'_>, fd: u32, flags: u32) -> Done {
        let descriptor = self.descriptors.get_mut(fd)?;
        descriptor.flags =
            u16::try_from(flags).ok().filter(|flags| flags & !FLAGS == 0).ok_or(Errno::Inval)?;
        Ok(())
    }

    pub(super) fn fd_fdstat_set_rights(
        &mut self,
        _: &mut Memory<'_>,
        fd: u32,
        _rights: u64,
        _inheriting: u64,
    ) -> Done {
        self.descriptors.get(fd)?;
        Err(Errno::Notsup)
    }
}

/// Returns a time as `cap-std` sets it.
pub(super) fn spec(time: NewTime) -> Option<SystemTimeSpec> {
    time.map(|time| SystemTimeSpec::Absolute(cap_std::time::SystemTime::from_std(time)))
}

/// Returns the times of a file.
fn times(metadata: &Metadata) -> [u64; 3] {
    let since_1970 = |time: std::io::Result<cap_std::time::SystemTime>| {
        let time = time.ok().and_then(|time| time.into_std().duration_since(SystemTime::UNIX_EPOCH).ok());
        time.map_or(0, nanoseconds)
    };
    let modified = since_1970(metadata.modified());
    #[cfg(unix)]
    let changed = {
        use cap_std::fs::MetadataExt;
        let seconds = u64::try_from(metadata.ctime()).unwrap_or_default();
        seconds.saturating_mul(1_000_000_000).saturating_add(metadata.ctime_nsec() as u64)
    };
    #[cfg(not(unix))]
    let changed = modified;
    [since_1970(metadata.accessed()), modified, changed]
}
