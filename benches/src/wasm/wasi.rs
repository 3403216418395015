//! As much of WASI preview 1 as the commands call, over a slice of memory: for the other virtual machines. Streams are
//! in memory; there are no files; time stands still.

use super::Command;
use crate::peers::Error;

/// The name of the module.
pub(super) const MODULE: &str = "wasi_snapshot_preview1";

/// The time of all clocks in nanoseconds: 2000-01-01 00:00:00 UTC, at which VSP's virtual clock starts.
const NOW: u64 = 946_684_800_000_000_000;

/// Numbers of errors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Errno {
    BadDescriptor = 8,
    BadAddress = 21,
    NotOffered = 52,
    NoSeek = 70,
}

/// The state of a run.
#[derive(Debug, Default)]
pub(super) struct Wasi {
    args: &'static [&'static str],
    input: &'static [u8],
    pub(super) stdout: Vec<u8>,
    pub(super) stderr: Vec<u8>,
    /// The status, if the program called `proc_exit`.
    pub(super) exit: Option<u32>,
}

/// Memory whose accesses are checked.
struct Memory<'a>(&'a mut [u8]);

impl Memory<'_> {
    fn slice(&mut self, address: u64, length: u64) -> Result<&mut [u8], Errno> {
        // Addresses and lengths have 32 bits.
        let (address, length) = (address as u32 as usize, length as u32 as usize);
        self.0.get_mut(address..address + length).ok_or(Errno::BadAddress)
    }

    fn write(&mut self, address: u64, bytes: &[u8]) -> Result<(), Errno> {
        self.slice(address, bytes.len() as u64)?.copy_from_slice(bytes);
        Ok(())
    }

    fn write_u32(&mut self, address: u64, value: usize) -> Result<(), Errno> {
        self.write(address, &(value as u32).to_le_bytes())
    }

    fn read_u32(&mut self, address: u64) -> Result<u64, Errno> {
        let bytes = self.slice(address, 4)?.first_chunk().ok_or(Errno::BadAddress)?;
        Ok(u32::from_le_bytes(*bytes).into())
    }

    /// Applies `transfer` to the buffers of a vector, as long as it fills them, and returns the sum of its results.
    fn vector(
        &mut self,
        vector: u64,
        count: u64,
        mut transfer: impl FnMut(&mut [u8]) -> usize,
    ) -> Result<usize, Errno> {
        let mut total = 0;
        for index in 0..count {
            let (address, length) =
                (self.read_u32(vector + 8 * index)?, self.read_u32(vector + 8 * index + 4)?);
            let transferred = transfer(self.slice(address, length)?);
            total += transferred;
            if (transferred as u64) < length {
                break;
            }
        }
        Ok(total)
    }
}

impl Wasi {
    pub(super) fn new(command: &Command) -> Wasi {
        Wasi { args: command.args, input: command.input.as_bytes(), ..Wasi::default() }
    }

    /// Calls a function. Returns the number of the error or 0, or nothing if the program ends.
    pub(super) fn call(&mut self, memory: &mut [u8], function: &str, args: &[u64]) -> Option<u32> {
        if let ("proc_exit", &[status]) = (function, args) {
            self.exit = Some(status as u32);
            return None;
        }
        Some(self.function(Memory(memory), function, args).map_or_else(|errno| errno as u32, |()| 0))
    }

    fn function(&mut self, mut memory: Memory<'_>, function: &str, args: &[u64]) -> Result<(), Errno> {
        match (function, args) {
            ("args_sizes_get", &[count, size]) => {
                memory.write_u32(count, self.args.len())?;
                memory.write_u32(size, self.args.iter().map(|arg| arg.len() + 1).sum())
            }
            ("args_get", &[mut pointer, mut buffer]) => {
                for arg in self.args {
                    memory.write_u32(pointer, buffer as usize)?;
                    memory.write(buffer, arg.as_bytes())?;
                    memory.write(buffer + arg.len() as u64, &[0])?;
                    pointer += 4;
                    buffer += arg.len() as u64 + 1;
                }
                Ok(())
            }
            ("environ_sizes_get", &[count, size]) => {
                memory.write_u32(count, 0)?;
                memory.write_u32(size, 0)
            }
            ("environ_get", _) => Ok(()),
            ("clock_time_get", &[_, _, time]) => memory.write(time, &NOW.to_le_bytes()),
            ("random_get", &[address, length]) => {
                memory.slice(address, length)?.fill(4);
                Ok(())
            }
            // A stream of unknown type, with all rights.
            ("fd_fdstat_get", &[0..=2, stat]) => {
                let stat = memory.slice(stat, 24)?;
                stat.fill(0);
                stat[8..16].fill(0xFF);
                Ok(())
            }
            ("fd_read", &[0, vector, count, result]) => {
                let read = memory.vector(vector, count, |buffer| {
                    let (now, later) = self.input.split_at(buffer.len().min(self.input.len()));
                    buffer[..now.len()].copy_from_slice(now);
                    self.input = later;
                    now.len()
                })?;
                memory.write_u32(result, read)
            }
            ("fd_write", &[fd @ 1..=2, vector, count, result]) => {
                let stream = if fd == 1 { &mut self.stdout } else { &mut self.stderr };
                let written = memory.vector(vector, count, |buffer| {
                    stream.extend_from_slice(buffer);
                    buffer.len()
                })?;
                memory.write_u32(result, written)
            }
            ("fd_seek", &[0..=2, ..]) => Err(Errno::NoSeek),
            ("fd_close", &[0..=2]) => Ok(()),
            (name, _) if name.starts_with("fd_") => Err(Errno::BadDescriptor),
            _ => Err(Errno::NotOffered),
        }
    }

    /// Returns what the command has to return, at its end.
    pub(super) fn check(&self, command: &Command) -> Result<u64, Error> {
        command.check(&self.stdout, &self.stderr, self.exit.unwrap_or(0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Calls a function on the bytes, and returns its number.
    fn call(wasi: &mut Wasi, memory: &mut [u8], function: &str, args: &[u64]) -> Option<u32> {
        wasi.call(memory, function, args)
    }

    #[test]
    fn streams() {
        let mut wasi = Wasi { input: b"abcde", ..Wasi::default() };
        let mut memory = [0; 64];
        // Two buffers: 3 bytes at 32, 4 at 40.
        for (index, number) in [32, 3, 40, 4].into_iter().enumerate() {
            memory[4 * index] = number;
        }
        assert_eq!(call(&mut wasi, &mut memory, "fd_read", &[0, 0, 2, 16]), Some(0));
        assert_eq!((&memory[32..35], &memory[40..44], memory[16]), (&b"abc"[..], &b"de\0\0"[..], 5));
        assert_eq!(call(&mut wasi, &mut memory, "fd_write", &[1, 0, 2, 16]), Some(0));
        assert_eq!((&wasi.stdout[..], memory[16]), (&b"abcde\0\0"[..], 7));
        assert_eq!(call(&mut wasi, &mut memory, "fd_read", &[0, 0, 2, 16]), Some(0));
        assert_eq!(memory[16], 0);
        assert_eq!(call(&mut wasi, &mut memory, "fd_write", &[2, 60, 1, 16]), Some(21));
        assert_eq!(call(&mut wasi, &mut memory, "fd_write", &[3, 0, 1, 16]), Some(8));
        assert_eq!(call(&mut wasi, &mut memory, "proc_exit", &[7]), None);
        assert_eq!(wasi.exit, Some(7));
    }

    #[test]
    fn arguments() {
        let mut wasi = Wasi { args: &["a", "bc"], ..Wasi::default() };
        let mut memory = [0xFF; 32];
        assert_eq!(call(&mut wasi, &mut memory, "args_sizes_get", &[0, 4]), Some(0));
        assert_eq!(memory[..8], [2, 0, 0, 0, 5, 0, 0, 0]);
        assert_eq!(call(&mut wasi, &mut memory, "args_get", &[0, 16]), Some(0));
        assert_eq!(memory[..8], [16, 0, 0, 0, 18, 0, 0, 0]);
        assert_eq!(memory[16..22], *b"a\0bc\0\xFF");
    }
}
