//! Listing of directories.

use cap_fs_ext::MetadataExt;
use cap_std::fs::Dir;

use super::Wasi;
use super::attributes::{DIRECTORY, file_type};
use super::errno::{Done, Errno};
use super::memory::Memory;

/// The size of an entry without its name.
const HEADER: usize = 24;

/// An entry of a directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) name: String,
    pub(super) device: u64,
    pub(super) inode: u64,
    pub(super) file_type: u8,
}

impl Wasi {
    /// Fills the buffer with entries, the last one cut where the buffer ends. A cookie is the number of an entry; 0
    /// lists the directory anew.
    pub(super) fn fd_readdir(
        &mut self,
        memory: &mut Memory<'_>,
        fd: u32,
        buffer: u32,
        length: u32,
        cookie: u64,
        result: u32,
    ) -> Done {
        let directory = self.descriptors.directory_mut(fd)?;
        memory.bytes(buffer, length)?;
        memory.transfers(length.into());
        memory.bytes(result, 4)?;
        if cookie == 0 {
            directory.entries = list(&directory.dir)?;
        }
        let mut bytes = memory.bytes_mut(buffer, length)?;
        for (next, entry) in
            (1_u64..).zip(&directory.entries).skip(usize::try_from(cookie).unwrap_or(usize::MAX))
        {
            let inode = match self.clock.is_virtual() {
                true => self.inodes.number(entry.device, entry.inode),
                false => entry.inode,
            };
            let encoded = entry.encode(next, inode);
            let copied = encoded.len().min(bytes.len());
            let (to, rest) = bytes.split_at_mut(copied);
            to.copy_from_slice(&encoded[..copied]);
            bytes = rest;
            if bytes.is_empty() {
                break;
            }
        }
        let used = length - bytes.len() as u32;
        memory.write_u32(result, used)
    }
}

impl Entry {
    fn encode(&self, next: u64, inode: u64) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(HEADER + self.name.len());
        bytes.extend(next.to_le_bytes());
        bytes.extend(inode.to_le_bytes());
        bytes.extend((self.name.len() as u32).to_le_bytes());
        bytes.extend([self.file_type, 0, 0, 0]);
        bytes.extend(self.name.as_bytes());
        bytes
    }
}

/// Returns the entries of a directory, sorted by name, so that their order does not depend on the file system. Names
/// that are not UTF-8 are left out: no path could name them.
fn list(dir: &Dir) -> Result<Vec<Entry>, Errno> {
    let own = dir.dir_metadata()?;
    let of_directory = |name: &str| Entry {
        name: name.to_owned(),
        device: own.dev(),
        inode: own.ino(),
        file_type: DIRECTORY,
    };
    let mut entries = Vec::new();
    for entry in dir.entries()? {
        let entry = entry?;
        let Ok(name) = entry.file_name().into_string() else { continue };
        // The file may be gone by now.
        let Ok(metadata) = entry.metadata() else { continue };
        entries.push(Entry {
            name,
            device: metadata.dev(),
            inode: metadata.ino(),
            file_type: file_type(metadata.file_type()),
        });
    }
    entries.sort_by(|one, other| one.name.cmp(&other.name));
    entries.splice(..0, [of_directory("."), of_directory("..")]);
    Ok(entries)
}
