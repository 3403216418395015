//! Arguments, environment and the end of the program; functions that are not offered.

use super::Wasi;
use super::errno::{Done, Errno};
use super::memory::Memory;

/// The end of a program that called `proc_exit`: the error of the host function, with which its call ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the program exits with status {status}")]
pub struct Exit {
    /// The status, as the program gave it.
    pub status: u32,
}

impl Wasi {
    pub(super) fn args_get(&mut self, memory: &mut Memory<'_>, pointers: u32, buffer: u32) -> Done {
        write_strings(memory, &self.args, pointers, buffer)
    }

    pub(super) fn args_sizes_get(&mut self, memory: &mut Memory<'_>, count: u32, size: u32) -> Done {
        write_sizes(memory, &self.args, count, size)
    }

    pub(super) fn environ_get(&mut self, memory: &mut Memory<'_>, pointers: u32, buffer: u32) -> Done {
        write_strings(memory, &self.environment, pointers, buffer)
    }

    pub(super) fn environ_sizes_get(&mut self, memory: &mut Memory<'_>, count: u32, size: u32) -> Done {
        write_sizes(memory, &self.environment, count, size)
    }

    pub(super) fn sched_yield(&mut self, _: &mut Memory<'_>) -> Done {
        std::thread::yield_now();
        Ok(())
    }

    pub(super) fn proc_raise(&mut self, _: &mut Memory<'_>, _signal: u32) -> Done {
        Err(Errno::Notsup)
    }

    pub(super) fn sock_accept(&mut self, _: &mut Memory<'_>, _fd: u32, _flags: u32, _result: u32) -> Done {
        self.not_offered("sock_accept")
    }

    #[allow(clippy::too_many_arguments, reason = "the interface has them")]
    pub(super) fn sock_recv(
        &mut self,
        _: &mut Memory<'_>,
        _fd: u32,
        _vectors: u32,
        _count: u32,
        _flags: u32,
        _result: u32,
        _result_flags: u32,
    ) -> Done {
        self.not_offered("sock_recv")
    }

    pub(super) fn sock_send(
        &mut self,
        _: &mut Memory<'_>,
        _fd: u32,
        _vectors: u32,
        _count: u32,
        _flags: u32,
        _result: u32,
    ) -> Done {
        self.not_offered("sock_send")
    }

    pub(super) fn sock_shutdown(&mut self, _: &mut Memory<'_>, _fd: u32, _how: u32) -> Done {
        self.not_offered("sock_shutdown")
    }

    /// Reports on the error stream, once, that a function is not offered.
    fn not_offered(&mut self, name: &'static str) -> Done {
        if self.reported.insert(name) {
            let report = format!("wasi: {name} is not offered: it returns 52 (ENOSYS)\n");
            // A program whose error stream is closed gets the number all the same.
            let _ = self.stderr.write(report.as_bytes()).and_then(|()| self.stderr.flush());
        }
        Err(Errno::Nosys)
    }
}

/// Writes texts, each with a NUL after it, and their addresses.
fn write_strings(memory: &mut Memory<'_>, texts: &[String], mut pointers: u32, mut buffer: u32) -> Done {
    for text in texts {
        memory.write_u32(pointers, buffer)?;
        memory.write(buffer, text.as_bytes())?;
        let end = buffer.checked_add(text.len() as u32).ok_or(Errno::Fault)?;
        memory.write(end, &[0])?;
        buffer = end.checked_add(1).ok_or(Errno::Fault)?;
        pointers = pointers.checked_add(4).ok_or(Errno::Fault)?;
    }
    Ok(())
}

/// Writes the number of texts, and the number of bytes that they take with a NUL after each.
fn write_sizes(memory: &mut Memory<'_>, texts: &[String], count: u32, size: u32) -> Done {
    let bytes: usize = texts.iter().map(|text| text.len() + 1).sum();
    memory.write_u32(count, texts.len().try_into().map_err(|_| Errno::Overflow)?)?;
    memory.write_u32(size, bytes.try_into().map_err(|_| Errno::Overflow)?)
}
