//! The list of the functions, and their definition as host functions.

use vsp_core::{Caller, HostResult, HostStop, ImportError, Imports};

use super::Wasi;
use super::errno::number;
use super::memory::Memory;
use super::process::Exit;

/// The name of the module. (`wasi_unstable`, whose functions have the same names and other numbers, is not offered.)
pub const MODULE: &str = "wasi_snapshot_preview1";

/// A function of the module, for documents and messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WasiFunction {
    /// The name.
    pub name: &'static str,
    /// The parameters of the program's import in their order: names and types, `u32` or `u64`.
    pub params: &'static [(&'static str, &'static str)],
    /// Number of results: 1 (an error number, or 0), or 0 for a function that does not return.
    pub results: u8,
    /// The description, in Markdown.
    pub meaning: &'static str,
}

impl WasiFunction {
    /// Returns the parameters as text: `fd: u32, …`.
    pub fn signature(&self) -> String {
        let params: Vec<String> = self.params.iter().map(|(name, ty)| format!("{name}: {ty}")).collect();
        params.join(", ")
    }
}

/// Defines [`FUNCTIONS`] and the functions that return a number.
macro_rules! functions {
    ($($name:ident($($param:ident: $ty:ident),*) $meaning:literal)*) => {
        /// The functions that [`define`] defines.
        pub const FUNCTIONS: [WasiFunction; 46] = [
            $(WasiFunction {
                name: stringify!($name),
                params: &[$((stringify!($param), stringify!($ty))),*],
                results: 1,
                meaning: $meaning,
            },)*
            WasiFunction {
                name: "proc_exit",
                params: &[("status", "u32")],
                results: 0,
                meaning: "ends the program",
            },
        ];

        fn define_returning<S: AsMut<Wasi> + 'static>(imports: &mut Imports<S>) -> Result<(), ImportError> {
            $(imports.define(MODULE, stringify!($name), |caller: &mut Caller<'_, S>, $($param: $ty),*| -> u32 {
                // These can wait.
                if const { matches!(stringify!($name).as_bytes(), b"fd_read" | b"poll_oneoff") } {
                    caller.flush_log();
                }
                let (state, memory) = caller.watched_parts();
                let mut memory = Memory::new(memory);
                let done = state.as_mut().$name(&mut memory, $($param),*);
                let fuel = memory.fuel();
                caller.charge(fuel);
                number(done)
            })?;)*
            Ok(())
        }
    };
}

functions! {
    args_get(argv: u32, argv_buf: u32) "writes the arguments, each with a NUL, and their addresses"
    args_sizes_get(argc: u32, argv_buf_size: u32) "writes the number of arguments, and the bytes they take"
    environ_get(environ: u32, environ_buf: u32) "as `args_get`, for the environment: `NAME=VALUE`"
    environ_sizes_get(environc: u32, environ_buf_size: u32) "as `args_sizes_get`, for the environment"
    clock_res_get(id: u32, resolution: u32) "writes the resolution of a clock in nanoseconds"
    clock_time_get(id: u32, precision: u64, time: u32)
        "writes the time of a clock in nanoseconds: 0 wall time, 1 monotonic"
    fd_advise(fd: u32, offset: u64, len: u64, advice: u32) "does nothing"
    fd_allocate(fd: u32, offset: u64, len: u64) "makes a file at least as long as `offset + len`"
    fd_close(fd: u32) "closes a descriptor"
    fd_datasync(fd: u32) "waits until the bytes of a file are stored"
    fd_fdstat_get(fd: u32, stat: u32) "writes type, flags and rights of a descriptor"
    fd_fdstat_set_flags(fd: u32, flags: u32) "sets the flags of a descriptor"
    fd_fdstat_set_rights(fd: u32, rights_base: u64, rights_inheriting: u64) "is not supported (58)"
    fd_filestat_get(fd: u32, stat: u32) "writes the attributes of an open file"
    fd_filestat_set_size(fd: u32, size: u64) "cuts or extends a file"
    fd_filestat_set_times(fd: u32, atim: u64, mtim: u64, fst_flags: u32) "sets the times of an open file"
    fd_pread(fd: u32, iovs: u32, iovs_len: u32, offset: u64, nread: u32) "reads at an offset"
    fd_prestat_get(fd: u32, prestat: u32) "writes the length of the name of a directory that the host opened"
    fd_prestat_dir_name(fd: u32, path: u32, path_len: u32) "writes the name"
    fd_pwrite(fd: u32, iovs: u32, iovs_len: u32, offset: u64, nwritten: u32) "writes at an offset"
    fd_read(fd: u32, iovs: u32, iovs_len: u32, nread: u32) "reads"
    fd_readdir(fd: u32, buf: u32, buf_len: u32, cookie: u64, bufused: u32) "lists a directory, sorted by name"
    fd_renumber(fd: u32, to: u32) "moves a descriptor to the number of another one, which is closed"
    fd_seek(fd: u32, offset: u64, whence: u32, newoffset: u32)
        "moves the position: from the start (0), the position (1), the end (2)"
    fd_sync(fd: u32) "waits until bytes and attributes of a file are stored"
    fd_tell(fd: u32, offset: u32) "writes the position"
    fd_write(fd: u32, iovs: u32, iovs_len: u32, nwritten: u32) "writes"
    path_create_directory(fd: u32, path: u32, path_len: u32) "creates a directory"
    path_filestat_get(fd: u32, flags: u32, path: u32, path_len: u32, stat: u32)
        "writes the attributes of a file"
    path_filestat_set_times(fd: u32, flags: u32, path: u32, path_len: u32, atim: u64, mtim: u64, fst_flags: u32)
        "sets the times of a file"
    path_link(old_fd: u32, old_flags: u32, old_path: u32, old_len: u32, new_fd: u32, new_path: u32, new_len: u32)
        "gives a file another name"
    path_open(fd_and_dirflags: u64, path: u32, path_len: u32, oflags: u32, rights_base: u64,
        rights_inheriting: u64, fdflags: u32, fd: u32)
        "opens a file or directory; the first parameter is `fd \\| dirflags << 32`"
    path_readlink(fd: u32, path: u32, path_len: u32, buf: u32, buf_len: u32, bufused: u32)
        "writes the target of a symbolic link, cut to the buffer"
    path_remove_directory(fd: u32, path: u32, path_len: u32) "removes an empty directory"
    path_rename(fd: u32, old_path: u32, old_len: u32, new_fd: u32, new_path: u32, new_len: u32)
        "renames a file or directory"
    path_symlink(old_path: u32, old_len: u32, fd: u32, new_path: u32, new_len: u32) "creates a symbolic link"
    path_unlink_file(fd: u32, path: u32, path_len: u32) "removes a file or symbolic link"
    poll_oneoff(subscriptions: u32, events: u32, nsubscriptions: u32, nevents: u32)
        "waits for times and descriptors"
    proc_raise(signal: u32) "is not supported (58)"
    sched_yield() "lets other threads of the host run"
    random_get(buf: u32, buf_len: u32) "writes random bytes"
    sock_accept(fd: u32, flags: u32, result: u32) "is not offered (52)"
    sock_recv(fd: u32, ri_data: u32, ri_data_len: u32, ri_flags: u32, datalen: u32, roflags: u32)
        "is not offered (52)"
    sock_send(fd: u32, si_data: u32, si_data_len: u32, si_flags: u32, datalen: u32) "is not offered (52)"
    sock_shutdown(fd: u32, how: u32) "is not offered (52)"
}

/// Creates the functions of the module, for a state that contains a [`Wasi`].
///
/// # Errors
/// None in practice: the names are all different.
pub fn imports<S: AsMut<Wasi> + 'static>() -> Result<Imports<S>, ImportError> {
    let mut imports = Imports::new();
    define(&mut imports)?;
    Ok(imports)
}

/// Adds the functions of the module to others.
///
/// # Errors
/// One of the names is defined already.
pub fn define<S: AsMut<Wasi> + 'static>(imports: &mut Imports<S>) -> Result<(), ImportError> {
    define_returning(imports)?;
    imports.define(MODULE, "proc_exit", |_: &mut Caller<'_, S>, status: u32| -> HostResult {
        Err(HostStop::failed(status, Exit { status }))
    })?;
    Ok(())
}
