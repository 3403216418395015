//! A cache of machine code: a program that was compiled once, in this process or an earlier one, is not compiled again.
//!
//! ```
//! use std::sync::Arc;
//! use vsp_core::{program::Program, text, verify::Verified};
//! use vsp_host::cache::Cache;
//! use vsp_host::engine::{Engine, EngineKind};
//!
//! # let bytes = text::assemble(".func f (0) -> 0\n RET\n.end", "f.sil").unwrap();
//! let program = Arc::new(Verified::new(Program::read(&bytes[..])?)?);
//! let cache = Arc::new(Cache::new());
//! let engine = Engine::new(EngineKind::Tier2)?.with_cache(cache.clone());
//! engine.load(program.clone())?;
//! engine.load(program)?;
//! assert_eq!((cache.statistics().compiled, cache.statistics().from_memory), (1, 1));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod directory;

pub use directory::DirectoryError;

use std::collections::HashMap;
use std::fs::DirBuilder;
use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use sha2::{Digest, Sha256};
use vsp_core::Ref;
use vsp_core::jit::producer;
use vsp_core::native::ABI_VERSION;
use vsp_core::verify::Verified;

use crate::native::{CompiledProgram, NativeError, Trusted, VspJit};
use crate::os::{self, MachineCode};

/// Default limit, in bytes, of the machine code that a cache keeps in memory.
pub const DEFAULT_MEMORY_LIMIT: usize = 64 << 20;

/// A cache of machine code, in memory and optionally in a directory. Engines can share it, also on several threads.
///
/// The key is the SHA-256 of the program's bytes, the target, the compile options and the compiler's version. So a
/// program cannot get another one's code, not even deliberately.
///
/// # The directory
/// The directory holds a code object for each key. A file is written under another name and then renamed, so that other
/// processes see all of it or nothing. A file that is damaged (its checksum is wrong) or does not match is compiled
/// again and replaced. If the directory cannot be read or written, or other users have gained write access to it,
/// programs are compiled as if it were not there; [`Statistics`] counts that. Nothing is ever deleted: a host that
/// needs the space can delete files at any time. Files whose names start with `.tmp` are from processes that died while
/// writing.
#[derive(Debug)]
pub struct Cache {
    directory: Option<Trusted<PathBuf>>,
    memory: Mutex<Memory>,
}

/// The statistics of a cache.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Statistics {
    /// Programs whose machine code was in memory.
    pub from_memory: u64,
    /// Programs whose machine code was in the directory.
    pub from_directory: u64,
    /// Programs that were compiled.
    pub compiled: u64,
    /// Files of the directory that could not be read, or were not a code object for the program.
    pub refused: u64,
    /// Code objects that could not be written.
    pub not_written: u64,
}

type Key = [u8; 32];

#[derive(Debug)]
struct Memory {
    kept: HashMap<Key, Kept>,
    /// Bytes of machine code in `kept`.
    bytes: usize,
    limit: usize,
    /// The number of uses so far.
    clock: u64,
    statistics: Statistics,
}

#[derive(Debug)]
struct Kept {
    machine: Arc<MachineCode>,
    used: u64,
}

impl Default for Cache {
    fn default() -> Self {
        Self::new()
    }
}

impl Cache {
    /// Creates a cache in memory with the [`DEFAULT_MEMORY_LIMIT`].
    pub fn new() -> Cache {
        let memory = Memory {
            kept: HashMap::new(),
            bytes: 0,
            limit: DEFAULT_MEMORY_LIMIT,
            clock: 0,
            statistics: Statistics::default(),
        };
        Cache { directory: None, memory: Mutex::new(memory) }
    }

    /// Returns the cache with a limit, in bytes, of the machine code in memory. The least recently used code is dropped
    /// first. (Code that is in use stays in memory.)
    #[must_use]
    pub fn with_memory_limit(self, bytes: usize) -> Cache {
        self.memory().limit = bytes;
        self
    }

    /// Returns the cache with a directory, which is created when it is first needed, with access only for this
    /// process's user.
    ///
    /// # Errors
    /// The directory exists, and on Unix it belongs to another user, or its group or others can write to it. (The
    /// superuser may.)
    pub fn with_directory(self, directory: Trusted<PathBuf>) -> Result<Cache, DirectoryError> {
        directory::check(directory.get())?;
        Ok(Cache { directory: Some(directory), ..self })
    }

    /// Returns the statistics.
    pub fn statistics(&self) -> Statistics {
        self.memory().statistics
    }

    /// Returns the machine code of a program, which is compiled if the cache does not have it.
    pub(crate) fn compile<'p>(
        &self,
        jit: &mut VspJit,
        program: Ref<'p, Verified<'p>>,
    ) -> Result<CompiledProgram<'p>, NativeError> {
        let key = key(jit, &program);
        if let Some(machine) = self.memory().get(&key) {
            return Ok(os::compiled_program(machine, program));
        }
        let machine = match self.read(&key, jit, &program) {
            Some(machine) => {
                self.memory().statistics.from_directory += 1;
                machine
            }
            None => {
                let code = jit.code(&program)?;
                self.memory().statistics.compiled += 1;
                if self.write(&key, || code.to_object().map_err(io::Error::other)).is_err() {
                    self.memory().statistics.not_written += 1;
                }
                MachineCode::of_code(code)?
            }
        };
        let machine = Arc::new(machine);
        self.memory().put(key, machine.clone());
        Ok(os::compiled_program(machine, program))
    }

    /// Returns the code in the directory, or `None` if there is none that can be used.
    fn read(&self, key: &Key, jit: &VspJit, program: &Verified<'_>) -> Option<MachineCode> {
        let directory = self.directory.as_ref()?;
        let read = match directory::check(directory.get()) {
            Ok(false) => return None,
            Ok(true) => match directory::read(&directory.get().join(file_name(key))) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => return None,
                read => read.ok(),
            },
            Err(_) => None,
        };
        let machine = read.and_then(|bytes| {
            let object = os::object_in(directory, &bytes).ok()?;
            let info = object.get().info();
            let fits = *info.target() == *jit.target()
                && info.options() == jit.options()
                && info.check_program(program).is_ok();
            if fits { MachineCode::load(object).ok() } else { None }
        });
        if machine.is_none() {
            self.memory().statistics.refused += 1;
        }
        machine
    }

    /// Writes a file of the directory, if there is one.
    fn write(&self, key: &Key, bytes: impl FnOnce() -> io::Result<Vec<u8>>) -> io::Result<()> {
        let Some(directory) = &self.directory else { return Ok(()) };
        let directory = directory.get();
        if !directory::check(directory).map_err(io::Error::other)? {
            let mut builder = DirBuilder::new();
            #[cfg(unix)]
            std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
            builder.recursive(true).create(directory)?;
            // Another process may have created it first.
            directory::check(directory).map_err(io::Error::other)?;
        }
        let mut file = tempfile::NamedTempFile::new_in(directory)?;
        file.write_all(&bytes()?)?;
        file.persist(directory.join(file_name(key)))?;
        Ok(())
    }

    fn memory(&self) -> MutexGuard<'_, Memory> {
        // The memory is consistent even if a thread panicked while it held the lock.
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Memory {
    fn get(&mut self, key: &Key) -> Option<Arc<MachineCode>> {
        let kept = self.kept.get_mut(key)?;
        self.clock += 1;
        kept.used = self.clock;
        self.statistics.from_memory += 1;
        Some(kept.machine.clone())
    }

    fn put(&mut self, key: Key, machine: Arc<MachineCode>) {
        self.clock += 1;
        self.bytes += machine.info().length();
        if let Some(replaced) = self.kept.insert(key, Kept { machine, used: self.clock }) {
            self.bytes -= replaced.machine.info().length();
        }
        while self.bytes > self.limit {
            let Some(oldest) = self.kept.iter().min_by_key(|(_, kept)| kept.used).map(|(key, _)| *key) else {
                return;
            };
            if let Some(dropped) = self.kept.remove(&oldest) {
                self.bytes -= dropped.machine.info().length();
            }
        }
    }
}

fn key(jit: &VspJit, program: &Verified<'_>) -> Key {
    let options = jit.options();
    let settings = format!(
        "{}\n{ABI_VERSION}\n{}\n{:?} {} {}\n",
        producer(),
        jit.target(),
        options.tier,
        options.fuel,
        options.interrupt
    );
    let hash = Sha256::new().chain_update(settings).chain_update(program.program().bytes());
    hash.finalize().into()
}

fn file_name(key: &Key) -> String {
    key.iter().map(|byte| format!("{byte:02x}")).collect::<String>() + ".vsc"
}
