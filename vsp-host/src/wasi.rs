//! WASI preview 1: the module `wasi_snapshot_preview1`, with which programs that were WebAssembly reach files,
//! arguments, clocks and more.
//!
//! A program gets nothing that the host has not given: [`Wasi`] says what it gets, and [`imports`] creates the
//! functions. Files are those below directories that the host opened; a path that leads out of its directory, by `..`
//! or by a symbolic link, is refused.
//!
//! ```
//! use vsp_core::{Options, program::Program, text, verify::Verified};
//! use vsp_host::engine::{Engine, EngineKind};
//! use vsp_host::wasi::{self, Exit, Output, Wasi};
//!
//! let source = "\
//! .import wasi_snapshot_preview1.fd_write (4) -> 1
//! .import wasi_snapshot_preview1.proc_exit (1) -> 0
//! .export _start
//! .data text \"hello\\n\"
//! .data vector u32 text, 6
//! .space written 4
//! .func _start (0) -> 0
//!     MOVI    R0, 1           ; the standard output
//!     MOVI    R1, vector
//!     MOVI    R2, 1
//!     MOVI    R3, written
//!     SYSCALL wasi_snapshot_preview1.fd_write
//!     MOVI    R0, 7
//!     SYSCALL wasi_snapshot_preview1.proc_exit
//!     RET
//! .end
//! ";
//! let bytes = text::assemble(source, "hello.sil")?;
//! let program = Verified::new(Program::read(&bytes[..])?)?;
//! let module = Engine::new(EngineKind::Auto)?.load(&program)?;
//! let imports = wasi::imports()?;
//! let wasi = Wasi::new().args(["hello"]).stdout(Output::capture(1_000));
//! let mut instance = module.instantiate(&imports, wasi, Options::default())?;
//! instance.call_export("_start", &[])?;
//! let exit = instance.host_error().and_then(|error| error.downcast_ref::<Exit>());
//! assert_eq!(exit.map(|exit| exit.status), Some(7));
//! assert_eq!(instance.state().captured_stdout(), b"hello\n");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod attributes;
mod clock;
mod descriptors;
mod directories;
mod errno;
mod files;
mod functions;
mod memory;
mod packing;
mod paths;
mod poll;
mod process;
mod random;
mod restore;
mod saved;
mod streams;

use std::collections::BTreeSet;
use std::io;
use std::path::Path;

use cap_std::ambient_authority;
use cap_std::fs::Dir;

use attributes::Inodes;
use clock::Clock;
use descriptors::{Descriptor, Descriptors, Kind, OpenDirectory, Origin};
use random::Random;

pub use crate::input::Input;
pub use functions::{FUNCTIONS, MODULE, WasiFunction, define, imports};
pub use process::Exit;
pub use saved::{SavedDescriptor, SavedPreopen, WasiState};
pub use streams::Output;

/// What a program may do with the files of a directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// List and read them.
    ReadOnly,
    /// Change, create and remove them, too.
    ReadWrite,
}

/// What a program reaches through WASI: the state of the functions, one for each instance.
///
/// The methods that build it take and return it.
#[derive(Debug)]
pub struct Wasi {
    args: Vec<String>,
    /// Each is `NAME=VALUE`.
    environment: Vec<String>,
    stdin: Input,
    stdout: Output,
    stderr: Output,
    descriptors: Descriptors,
    /// The directories that the host opened, in their order.
    preopens: Vec<Preopen>,
    /// Whether directories that a restored state names are opened if the host has not given them.
    reopens: bool,
    clock: Clock,
    random: Random,
    inodes: Inodes,
    /// The functions that were called and are not offered, which have been reported.
    reported: BTreeSet<&'static str>,
}

/// A directory that the host opened.
#[derive(Debug)]
struct Preopen {
    guest: String,
    host: String,
    changeable: bool,
    dir: Dir,
}

impl Preopen {
    fn open(host: &Path, guest: &str, changeable: bool) -> io::Result<Preopen> {
        let dir = Dir::open_ambient_dir(host, ambient_authority())?;
        Ok(Preopen { guest: guest.to_owned(), host: host.to_string_lossy().into_owned(), changeable, dir })
    }
}

impl Default for Wasi {
    fn default() -> Wasi {
        Wasi::new()
    }
}

impl AsMut<Wasi> for Wasi {
    fn as_mut(&mut self) -> &mut Wasi {
        self
    }
}

impl Wasi {
    /// Creates a state in which a program has no arguments, no environment, no input, no directories; its output is
    /// dropped. It sees the clocks and the random numbers of the system.
    pub fn new() -> Wasi {
        Wasi {
            args: Vec::new(),
            environment: Vec::new(),
            stdin: Input::empty(),
            stdout: Output::discard(),
            stderr: Output::discard(),
            descriptors: Descriptors::new(),
            preopens: Vec::new(),
            reopens: false,
            clock: Clock::system(),
            random: Random::System,
            inodes: Inodes::default(),
            reported: BTreeSet::new(),
        }
    }

    /// Adds arguments. By convention the first one is the name of the program.
    #[must_use]
    pub fn args(mut self, args: impl IntoIterator<Item = impl Into<String>>) -> Wasi {
        self.args.extend(args.into_iter().map(Into::into));
        self
    }

    /// Adds a variable to the environment.
    #[must_use]
    pub fn env(mut self, name: &str, value: &str) -> Wasi {
        self.environment.push(format!("{name}={value}"));
        self
    }

    /// Sets the standard input.
    #[must_use]
    pub fn stdin(mut self, stdin: Input) -> Wasi {
        self.stdin = stdin;
        self
    }

    /// Sets the standard output.
    #[must_use]
    pub fn stdout(mut self, stdout: Output) -> Wasi {
        self.stdout = stdout;
        self
    }

    /// Sets the error stream.
    #[must_use]
    pub fn stderr(mut self, stderr: Output) -> Wasi {
        self.stderr = stderr;
        self
    }

    /// Gives the program the standard streams of the process.
    #[must_use]
    pub fn inherit_streams(self) -> Wasi {
        self.stdin(Input::inherit()).stdout(Output::stdout()).stderr(Output::stderr())
    }

    /// Opens a directory of the host, which the program sees under the name `guest`. The first one gets the number 3.
    ///
    /// # Errors
    /// It cannot be opened, or the program has too many open already.
    pub fn preopen_dir(mut self, host: impl AsRef<Path>, guest: &str, access: Access) -> io::Result<Wasi> {
        let preopen = Preopen::open(host.as_ref(), guest, access == Access::ReadWrite)?;
        let directory = OpenDirectory {
            dir: preopen.dir.try_clone()?,
            origin: Origin { preopen: self.preopens.len(), path: String::new() },
            changeable: preopen.changeable,
            preopened: Some(guest.to_owned()),
            entries: Vec::new(),
        };
        let added = self.descriptors.add(Descriptor { kind: Kind::Directory(directory), flags: 0 });
        added.map_err(|_| io::Error::other("too many directories are open"))?;
        self.preopens.push(preopen);
        Ok(self)
    }

    /// Lets a program that will be restored have the directories that it had, without giving them again: they are opened
    /// by the paths in the state. Use it for states that you trust: they can name any directory.
    #[must_use]
    pub fn reopen_dirs(self) -> Wasi {
        Wasi { reopens: true, ..self }
    }

    /// Makes runs repeatable: random numbers follow from the seed (SplitMix64); the clocks start at 2000-01-01 and 0,
    /// move on by a microsecond with each look at them, and by the time that the program waits for, without waiting;
    /// times and devices of files are 0, and inodes are numbered in the order in which the program sees them. What is in
    /// the directories and in the input is not part of this.
    #[must_use]
    pub fn deterministic(mut self, seed: u64) -> Wasi {
        self.clock = Clock::Virtual(0);
        self.random = Random::seeded(seed);
        self
    }

    /// Returns what the program has written to its standard output, if that is captured.
    pub fn captured_stdout(&self) -> &[u8] {
        self.stdout.captured()
    }

    /// Returns what the program has written to its error stream, if that is captured.
    pub fn captured_stderr(&self) -> &[u8] {
        self.stderr.captured()
    }
}
