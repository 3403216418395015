//! Reading, writing and positions of files and streams.

use std::io::{self, Read, Seek, SeekFrom, Write};

use super::Wasi;
use super::descriptors::{Descriptor, Kind, OpenFile, Stream};
use super::errno::{Done, Errno};
use super::memory::{Memory, Vectors};

/// Every write goes to the end of the file.
const APPEND: u16 = 1;

/// Every write waits until the bytes are stored.
const DSYNC: u16 = 2;

/// As `DSYNC`, with the attributes of the file.
const SYNC: u16 = 16;

/// All flags of descriptors.
pub(super) const FLAGS: u16 = 0x1F;

/// The most bytes that are read from a stream at once.
const CHUNK: usize = 1 << 16;

/// The number of the last advice of `fd_advise`.
const LAST_ADVICE: u32 = 5;

/// The largest position in a file.
const LAST: u64 = i64::MAX as u64;

impl Wasi {
    pub(super) fn fd_read(
        &mut self,
        memory: &mut Memory<'_>,
        fd: u32,
        vectors: u32,
        count: u32,
        result: u32,
    ) -> Done {
        let vectors = memory.vectors(vectors, count)?;
        memory.bytes(result, 4)?;
        let read = match &mut self.descriptors.get_mut(fd)?.kind {
            Kind::File(file) => file.read(memory, &vectors)?,
            Kind::Stream(Stream::Stdin) => self.read_stdin(memory, &vectors)?,
            Kind::Stream(_) | Kind::Directory(_) => return Err(Errno::Badf),
        };
        memory.write_u32(result, read)
    }

    /// Reads once, so that a program gets what there is.
    fn read_stdin(&mut self, memory: &mut Memory<'_>, vectors: &Vectors) -> Result<u32, Errno> {
        let wanted: usize = vectors.iter().map(|(_, length)| *length as usize).sum();
        let mut buffer = vec![0; wanted.min(CHUNK)];
        let read = if wanted == 0 { 0 } else { self.stdin.read(&mut buffer)? };
        let mut rest = buffer.get(..read).ok_or(Errno::Io)?;
        for (address, length) in vectors {
            let (now, later) = rest.split_at(rest.len().min(*length as usize));
            memory.write(*address, now)?;
            rest = later;
        }
        Ok(read as u32)
    }

    pub(super) fn fd_write(
        &mut self,
        memory: &mut Memory<'_>,
        fd: u32,
        vectors: u32,
        count: u32,
        result: u32,
    ) -> Done {
        let vectors = memory.vectors(vectors, count)?;
        memory.bytes(result, 4)?;
        let output = match self.descriptors.get_mut(fd)? {
            Descriptor { kind: Kind::File(file), flags } => {
                let written = file.append(memory, &vectors, *flags)?;
                return memory.write_u32(result, written);
            }
            Descriptor { kind: Kind::Stream(Stream::Stdout), .. } => &mut self.stdout,
            Descriptor { kind: Kind::Stream(Stream::Stderr), .. } => &mut self.stderr,
            _ => return Err(Errno::Badf),
        };
        let mut written = 0;
        for (address, length) in vectors {
            output.write(memory.bytes(address, length)?)?;
            written += length;
        }
        output.flush()?;
        memory.write_u32(result, written)
    }

    pub(super) fn fd_pread(
        &mut self,
        memory: &mut Memory<'_>,
        fd: u32,
        vectors: u32,
        count: u32,
        offset: u64,
        result: u32,
    ) -> Done {
        let vectors = memory.vectors(vectors, count)?;
        memory.bytes(result, 4)?;
        let (file, _) = self.descriptors.file(fd)?;
        let read = file.at(offset, |file| file.read(memory, &vectors))?;
        memory.write_u32(result, read)
    }

    pub(super) fn fd_pwrite(
        &mut self,
        memory: &mut Memory<'_>,
        fd: u32,
        vectors: u32,
        count: u32,
        offset: u64,
        result: u32,
    ) -> Done {
        let vectors = memory.vectors(vectors, count)?;
        memory.bytes(result, 4)?;
        let (file, flags) = self.descriptors.file(fd)?;
        let written = file.at(offset, |file| file.write(memory, &vectors, flags))?;
        memory.write_u32(result, written)
    }

    pub(super) fn fd_seek(
        &mut self,
        memory: &mut Memory<'_>,
        fd: u32,
        offset: u64,
        whence: u32,
        result: u32,
    ) -> Done {
        let (file, _) = self.descriptors.file(fd)?;
        memory.bytes(result, 8)?;
        let offset = offset as i64;
        let to = match whence {
            0 => SeekFrom::Start(offset.try_into().map_err(|_| Errno::Inval)?),
            1 => SeekFrom::Current(offset),
            2 => SeekFrom::End(offset),
            _ => return Err(Errno::Inval),
        };
        let position = file.file.seek(to)?;
        memory.write_u64(result, position)
    }

    pub(super) fn fd_tell(&mut self, memory: &mut Memory<'_>, fd: u32, result: u32) -> Done {
        let (file, _) = self.descriptors.file(fd)?;
        memory.write_u64(result, file.file.stream_position()?)
    }

    pub(super) fn fd_advise(
        &mut self,
        _: &mut Memory<'_>,
        fd: u32,
        _offset: u64,
        _length: u64,
        advice: u32,
    ) -> Done {
        self.descriptors.file(fd)?;
        // An advice changes nothing that a program could see.
        if advice > LAST_ADVICE { Err(Errno::Inval) } else { Ok(()) }
    }

    pub(super) fn fd_allocate(&mut self, _: &mut Memory<'_>, fd: u32, offset: u64, length: u64) -> Done {
        let (file, _) = self.descriptors.file(fd)?;
        file.check_writable()?;
        let end = offset.checked_add(length).filter(|end| *end <= LAST).ok_or(Errno::Fbig)?;
        if length == 0 {
            return Err(Errno::Inval);
        }
        if file.file.metadata()?.len() < end {
            file.file.set_len(end)?;
        }
        Ok(())
    }

    pub(super) fn fd_filestat_set_size(&mut self, _: &mut Memory<'_>, fd: u32, size: u64) -> Done {
        let (file, _) = self.descriptors.file(fd)?;
        if !file.writable {
            return Err(Errno::Inval);
        }
        if size > LAST {
            return Err(Errno::Fbig);
        }
        Ok(file.file.set_len(size)?)
    }

    pub(super) fn fd_datasync(&mut self, _: &mut Memory<'_>, fd: u32) -> Done {
        self.synchronise(fd, |file| file.sync_data())
    }

    pub(super) fn fd_sync(&mut self, _: &mut Memory<'_>, fd: u32) -> Done {
        self.synchronise(fd, |file| file.sync_all())
    }

    fn synchronise(&mut self, fd: u32, sync: impl Fn(&std::fs::File) -> io::Result<()>) -> Done {
        match &self.descriptors.get(fd)?.kind {
            Kind::File(file) => Ok(sync(&file.file)?),
            // The descriptor of a directory can stand for its name only, which cannot be synchronised.
            Kind::Directory(directory) => Ok(sync(&directory.dir.open(".")?.into_std())?),
            Kind::Stream(_) => Err(Errno::Inval),
        }
    }
}

impl OpenFile {
    fn check_writable(&self) -> Done {
        if self.writable { Ok(()) } else { Err(Errno::Badf) }
    }

    /// Reads from the position, until all vectors are full or the file ends.
    fn read(&mut self, memory: &mut Memory<'_>, vectors: &Vectors) -> Result<u32, Errno> {
        if !self.readable {
            return Err(Errno::Badf);
        }
        let mut total = 0;
        for (address, length) in vectors {
            let mut buffer = memory.bytes_mut(*address, *length)?;
            while !buffer.is_empty() {
                match self.file.read(buffer) {
                    Ok(0) => return Ok(total),
                    Ok(count) => {
                        total += count as u32;
                        buffer = &mut buffer[count..];
                    }
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    Err(error) if total == 0 => return Err(error.into()),
                    // The next read will meet the error.
                    Err(_) => return Ok(total),
                }
            }
        }
        Ok(total)
    }

    /// Writes to the position, or to the end if the flags say so.
    fn append(&mut self, memory: &Memory<'_>, vectors: &Vectors, flags: u16) -> Result<u32, Errno> {
        if flags & APPEND != 0 {
            self.check_writable()?;
            self.file.seek(SeekFrom::End(0))?;
        }
        self.write(memory, vectors, flags)
    }

    /// Writes to the position.
    fn write(&mut self, memory: &Memory<'_>, vectors: &Vectors, flags: u16) -> Result<u32, Errno> {
        self.check_writable()?;
        let mut total = 0;
        'vectors: for (address, length) in vectors {
            let mut bytes = memory.bytes(*address, *length)?;
            while !bytes.is_empty() {
                match self.file.write(bytes) {
                    Ok(count) if count > 0 => {
                        total += count as u32;
                        bytes = &bytes[count..];
                    }
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    Err(error) if total == 0 => return Err(error.into()),
                    // The next write will meet the error.
                    _ => break 'vectors,
                }
            }
        }
        if flags & SYNC != 0 {
            self.file.sync_all()?;
        } else if flags & DSYNC != 0 {
            self.file.sync_data()?;
        }
        Ok(total)
    }

    /// Does something at another position, and returns to the one that the file has.
    fn at<T>(
        &mut self,
        offset: u64,
        transfer: impl FnOnce(&mut OpenFile) -> Result<T, Errno>,
    ) -> Result<T, Errno> {
        if offset > LAST {
            return Err(Errno::Inval);
        }
        let position = self.file.stream_position()?;
        self.file.seek(SeekFrom::Start(offset))?;
        let transferred = transfer(self);
        self.file.seek(SeekFrom::Start(position))?;
        transferred
    }

    /// Returns the number of bytes after the position.
    pub(super) fn bytes_left(&mut self) -> Result<u64, Errno> {
        let position = self.file.stream_position()?;
        Ok(self.file.metadata()?.len().saturating_sub(position))
    }
}
