//! A program that exports every function of the interface, and the calls of the tests.

use std::fmt::Write;
use std::path::Path;

use vsp_core::program::Program;
use vsp_core::verify::Verified;
use vsp_core::{Instance, Options, Outcome, text};
use vsp_host::wasi::{self, Access, Output, Wasi};

use crate::list::{INTERFACE, registers};

/// The errors of the interface.
pub(crate) const SUCCESS: u32 = 0;
pub(crate) const ACCES: u32 = 2;
pub(crate) const BADF: u32 = 8;
pub(crate) const EXIST: u32 = 20;
pub(crate) const FAULT: u32 = 21;
pub(crate) const FBIG: u32 = 22;
pub(crate) const ILSEQ: u32 = 25;
pub(crate) const INVAL: u32 = 28;
pub(crate) const ISDIR: u32 = 31;
pub(crate) const LOOP: u32 = 32;
pub(crate) const MFILE: u32 = 33;
pub(crate) const NAMETOOLONG: u32 = 37;
pub(crate) const NOENT: u32 = 44;
pub(crate) const NOSPC: u32 = 51;
pub(crate) const NOSYS: u32 = 52;
pub(crate) const NOTDIR: u32 = 54;
pub(crate) const NOTEMPTY: u32 = 55;
pub(crate) const NOTSUP: u32 = 58;
pub(crate) const PERM: u32 = 63;
pub(crate) const ROFS: u32 = 69;
pub(crate) const SPIPE: u32 = 70;

/// Flags of `path_open`, and rights.
pub(crate) const CREAT: u32 = 1;
pub(crate) const DIRECTORY: u32 = 2;
pub(crate) const EXCL: u32 = 4;
pub(crate) const TRUNC: u32 = 8;
pub(crate) const READ: u64 = 1 << 1;
pub(crate) const WRITE: u64 = 1 << 6;

/// The first directory that the host opened.
pub(crate) const ROOT: u64 = 3;

/// The size of the memory.
pub(crate) const MEMORY: u64 = 65_536;

/// Addresses of results, vectors, paths and bytes.
pub(crate) const RESULT: u64 = 64;
pub(crate) const VECTORS: u64 = 256;
pub(crate) const PATH: u64 = 1_024;
pub(crate) const OTHER_PATH: u64 = 2_048;
pub(crate) const BYTES: u64 = 4_096;

/// A running program.
pub(crate) struct Calls(pub(crate) Instance<'static, Wasi>);

impl Calls {
    pub(crate) fn new(wasi: Wasi) -> Calls {
        let mut source = format!(".memory {MEMORY}\n");
        for (name, params) in INTERFACE {
            let (params, results) = (registers(params).len(), u8::from(*name != "proc_exit"));
            let _ = writeln!(source, ".import wasi_snapshot_preview1.{name} ({params}) -> {results}");
        }
        for (name, params) in INTERFACE {
            let (params, results) = (registers(params).len(), u8::from(*name != "proc_exit"));
            let _ = writeln!(source, ".export {name}\n.func {name} ({params}) -> {results}");
            let _ = writeln!(source, "    SYSCALL wasi_snapshot_preview1.{name}\n    RET\n.end");
        }
        let bytes = text::assemble(&source, "calls.sil").unwrap();
        let program = Verified::new(Program::read(std::sync::Arc::<[u8]>::from(bytes)).unwrap()).unwrap();
        let imports = std::sync::Arc::new(wasi::imports().unwrap());
        let program = std::sync::Arc::new(program);
        let options = Options { fuel: Some(1 << 40), ..Options::default() };
        Calls(Instance::new(program, imports, wasi, options).unwrap())
    }

    /// Creates a program with a directory of the host, whose files it may change.
    pub(crate) fn with_dir(path: &Path) -> Calls {
        let wasi = Wasi::new().stdout(Output::capture(1 << 16)).stderr(Output::capture(1 << 16));
        Calls::new(wasi.preopen_dir(path, "/data", Access::ReadWrite).unwrap())
    }

    /// Calls a function, and returns its error or 0.
    pub(crate) fn call(&mut self, name: &str, args: &[u64]) -> u32 {
        match self.0.call_export(name, args).unwrap() {
            Outcome::Returned(results) => results[0].try_into().unwrap(),
            other => panic!("{name}: {other:?}"),
        }
    }

    /// Calls a function that succeeds.
    pub(crate) fn ok(&mut self, name: &str, args: &[u64]) {
        assert_eq!(self.call(name, args), SUCCESS, "{name} {args:?}");
    }

    pub(crate) fn put(&mut self, address: u64, bytes: &[u8]) {
        self.0.memory_mut()[address as usize..][..bytes.len()].copy_from_slice(bytes);
    }

    pub(crate) fn get(&mut self, address: u64, length: usize) -> Vec<u8> {
        self.0.memory_mut()[address as usize..][..length].to_vec()
    }

    pub(crate) fn u32(&mut self, address: u64) -> u32 {
        u32::from_le_bytes(self.get(address, 4).try_into().unwrap())
    }

    pub(crate) fn u64(&mut self, address: u64) -> u64 {
        u64::from_le_bytes(self.get(address, 8).try_into().unwrap())
    }

    /// Calls a function of a directory and a path: `before` are the arguments before the path, `after` those behind it.
    pub(crate) fn path(&mut self, name: &str, before: &[u64], path: &str, after: &[u64]) -> u32 {
        self.put(PATH, path.as_bytes());
        self.call(name, &[before, &[PATH, path.len() as u64], after].concat())
    }

    /// Opens a path without following a link in its last place.
    pub(crate) fn open(&mut self, dir: u64, path: &str, flags: u32, rights: u64) -> Result<u64, u32> {
        self.open_with(dir, 0, path, flags, rights, 0)
    }

    pub(crate) fn open_with(
        &mut self,
        dir: u64,
        dir_flags: u64,
        path: &str,
        flags: u32,
        rights: u64,
        fd_flags: u64,
    ) -> Result<u64, u32> {
        let after = [flags.into(), rights, rights, fd_flags, RESULT];
        match self.path("path_open", &[dir | dir_flags << 32], path, &after) {
            SUCCESS => Ok(self.u32(RESULT).into()),
            error => Err(error),
        }
    }

    /// Writes vectors, and returns the arguments that name them.
    pub(crate) fn vectors(&mut self, vectors: &[(u64, usize)]) -> [u64; 2] {
        let words = vectors.iter().flat_map(|(address, length)| [*address as u32, *length as u32]);
        let bytes: Vec<u8> = words.flat_map(u32::to_le_bytes).collect();
        self.put(VECTORS, &bytes);
        [VECTORS, vectors.len() as u64]
    }

    /// Writes bytes to a descriptor.
    pub(crate) fn write(&mut self, fd: u64, bytes: &[u8]) -> Result<u32, u32> {
        self.put(BYTES, bytes);
        let [vectors, count] = self.vectors(&[(BYTES, bytes.len())]);
        match self.call("fd_write", &[fd, vectors, count, RESULT]) {
            SUCCESS => Ok(self.u32(RESULT)),
            error => Err(error),
        }
    }

    /// Reads bytes from a descriptor.
    pub(crate) fn read(&mut self, fd: u64, length: usize) -> Result<Vec<u8>, u32> {
        let [vectors, count] = self.vectors(&[(BYTES, length)]);
        match self.call("fd_read", &[fd, vectors, count, RESULT]) {
            SUCCESS => {
                let count = self.u32(RESULT);
                Ok(self.get(BYTES, count as usize))
            }
            error => Err(error),
        }
    }

    pub(crate) fn seek(&mut self, fd: u64, offset: i64, whence: u64) -> Result<u64, u32> {
        match self.call("fd_seek", &[fd, offset as u64, whence, RESULT]) {
            SUCCESS => Ok(self.u64(RESULT)),
            error => Err(error),
        }
    }
}
