//! Addresses outside of the memory: an error, and nothing has happened.

use std::fs;

use vsp_host::wasi::{Access, Input, Output, Wasi};

use crate::support::*;

const LAST: u64 = u32::MAX as u64;

fn calls(folder: &std::path::Path) -> Calls {
    let wasi = Wasi::new().args(["a"]).env("B", "c").stdin(Input::bytes("abc")).stdout(Output::capture(99));
    Calls::new(wasi.preopen_dir(folder, "/", Access::ReadWrite).unwrap())
}

/// A function, its arguments, and which of them are addresses of how many bytes.
type Case<'c> = (&'c str, &'c [u64], &'c [(usize, u64)]);

#[test]
fn every_address_is_checked() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("file"), "0123456789").unwrap();
    let mut calls = calls(folder.path());
    let fd = calls.open(ROOT, "file", 0, READ | WRITE).unwrap();
    let [vectors, count] = calls.vectors(&[(BYTES, 2)]);
    calls.put(PATH, b"file");
    calls.put(OTHER_PATH, b"new");
    let (path, other) = (PATH, OTHER_PATH);
    let cases: &[Case<'_>] = &[
        ("args_get", &[RESULT, BYTES], &[(0, 4), (1, 2)]),
        ("args_sizes_get", &[RESULT, RESULT], &[(0, 4), (1, 4)]),
        ("environ_get", &[RESULT, BYTES], &[(0, 4), (1, 4)]),
        ("environ_sizes_get", &[RESULT, RESULT], &[(0, 4), (1, 4)]),
        ("clock_res_get", &[0, RESULT], &[(1, 8)]),
        ("clock_time_get", &[0, 0, RESULT], &[(2, 8)]),
        ("fd_fdstat_get", &[fd, RESULT], &[(1, 24)]),
        ("fd_filestat_get", &[fd, RESULT], &[(1, 64)]),
        ("fd_prestat_get", &[ROOT, RESULT], &[(1, 8)]),
        ("fd_prestat_dir_name", &[ROOT, RESULT, 1], &[(1, 1)]),
        ("fd_read", &[fd, vectors, count, RESULT], &[(1, 8), (3, 4)]),
        ("fd_write", &[fd, vectors, count, RESULT], &[(1, 8), (3, 4)]),
        ("fd_pread", &[fd, vectors, count, 0, RESULT], &[(1, 8), (4, 4)]),
        ("fd_pwrite", &[fd, vectors, count, 0, RESULT], &[(1, 8), (4, 4)]),
        ("fd_readdir", &[ROOT, BYTES, 10, 0, RESULT], &[(1, 10), (4, 4)]),
        ("fd_seek", &[fd, 5, 0, RESULT], &[(3, 8)]),
        ("fd_tell", &[fd, RESULT], &[(1, 8)]),
        ("path_create_directory", &[ROOT, path, 4], &[(1, 4)]),
        ("path_filestat_get", &[ROOT, 0, path, 4, RESULT], &[(2, 4), (4, 64)]),
        ("path_filestat_set_times", &[ROOT, 0, path, 4, 0, 0, 4], &[(2, 4)]),
        ("path_link", &[ROOT, 0, path, 4, ROOT, other, 3], &[(2, 4), (5, 3)]),
        ("path_open", &[ROOT, path, 4, 8, READ | WRITE, 0, 0, RESULT], &[(1, 4), (7, 4)]),
        ("path_remove_directory", &[ROOT, path, 4], &[(1, 4)]),
        ("path_rename", &[ROOT, path, 4, ROOT, other, 3], &[(1, 4), (4, 3)]),
        ("path_symlink", &[path, 4, ROOT, other, 3], &[(0, 4), (3, 3)]),
        ("path_unlink_file", &[ROOT, path, 4], &[(1, 4)]),
        ("poll_oneoff", &[BYTES, RESULT, 1, RESULT], &[(0, 48), (1, 32), (3, 4)]),
        ("random_get", &[BYTES, 16], &[(0, 16)]),
    ];
    for (name, args, addresses) in cases {
        for (index, size) in *addresses {
            for address in [MEMORY - size + 1, MEMORY, LAST - size + 1, LAST] {
                let mut args = args.to_vec();
                args[*index] = address;
                assert_eq!(calls.call(name, &args), FAULT, "{name}: argument {index} is {address}");
            }
        }
    }
    // Nothing has happened: neither is the file cut, renamed or gone, nor has its position moved.
    assert_eq!(fs::read(folder.path().join("file")).unwrap(), b"0123456789");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    assert_eq!(calls.seek(fd, 0, 1), Ok(0));
}

#[test]
fn a_link_is_not_read_to_the_outside() {
    if cfg!(unix) {
        let folder = tempfile::tempdir().unwrap();
        #[cfg(unix)]
        std::os::unix::fs::symlink("target", folder.path().join("link")).unwrap();
        let mut calls = calls(folder.path());
        let mut readlink =
            |buffer, result| calls.path("path_readlink", &[ROOT], "link", &[buffer, 6, result]);
        assert_eq!(readlink(MEMORY - 6, RESULT), SUCCESS);
        assert_eq!(readlink(MEMORY - 5, RESULT), FAULT);
        assert_eq!(readlink(LAST, RESULT), FAULT);
        assert_eq!(readlink(BYTES, MEMORY - 3), FAULT);
    }
}

#[test]
fn addresses_at_the_end_of_the_memory() {
    let folder = tempfile::tempdir().unwrap();
    let mut calls = calls(folder.path());
    calls.ok("random_get", &[MEMORY - 16, 16]);
    calls.ok("clock_time_get", &[0, 0, MEMORY - 8]);
    calls.ok("args_sizes_get", &[MEMORY - 4, MEMORY - 4]);
    calls.put(MEMORY - 1, b".");
    calls.ok("path_filestat_get", &[ROOT, 0, MEMORY - 1, 1, RESULT]);
    // Vectors, and what they name.
    calls.put(MEMORY - 8, &[(MEMORY - 3) as u32, 3].map(u32::to_le_bytes).concat());
    calls.ok("fd_read", &[0, MEMORY - 8, 1, RESULT]);
    assert_eq!(calls.get(MEMORY - 3, 3), b"abc");
}

#[test]
fn vectors_outside_of_the_memory() {
    let folder = tempfile::tempdir().unwrap();
    let mut calls = calls(folder.path());
    for (address, length) in
        [(MEMORY - 1, 2), (MEMORY + 1, 0), (LAST, 1), (0, MEMORY as usize + 1), (LAST, LAST as usize)]
    {
        // The first vector is good.
        let [vectors, count] = calls.vectors(&[(BYTES, 1), (address, length)]);
        assert_eq!(calls.call("fd_write", &[1, vectors, count, RESULT]), FAULT);
        assert_eq!(calls.call("fd_read", &[0, vectors, count, RESULT]), FAULT);
    }
    // Too many: 2³² bytes of vectors, and more than a call serves.
    for count in [LAST, 1 << 29] {
        assert_eq!(calls.call("fd_write", &[1, VECTORS, count, RESULT]), INVAL);
    }
    assert_eq!(calls.call("fd_write", &[1, 0, MEMORY / 8 + 1, RESULT]), FAULT);
    assert_eq!(calls.call("fd_write", &[1, 0, 1_025, RESULT]), INVAL);
    assert!(calls.0.state().captured_stdout().is_empty());
    assert_eq!(calls.read(0, 9), Ok(b"abc".to_vec()));
}

#[test]
fn vectors_that_overlap_are_longer_than_the_memory() {
    let folder = tempfile::tempdir().unwrap();
    let mut calls = calls(folder.path());
    let all = [(0, MEMORY as usize)];
    // 1,024 vectors of 64 KiB are 64 MiB, more than the capture takes.
    let vectors: Vec<_> = all.into_iter().cycle().take(1_024).collect();
    let [vectors, count] = calls.vectors(&vectors);
    assert_eq!(calls.call("fd_write", &[1, vectors, count, RESULT]), NOSPC);
}

/// Returns the fuel that a call takes.
fn fuel(calls: &mut Calls, name: &str, args: &[u64]) -> i64 {
    let before = calls.0.fuel().unwrap();
    calls.call(name, args);
    before - calls.0.fuel().unwrap()
}

#[test]
fn transfers_take_fuel() {
    let folder = tempfile::tempdir().unwrap();
    let mut calls = calls(folder.path());
    // SYSCALL and RET.
    assert_eq!(fuel(&mut calls, "sched_yield", &[]), 2);
    assert_eq!(fuel(&mut calls, "random_get", &[BYTES, 63]), 2);
    assert_eq!(fuel(&mut calls, "random_get", &[BYTES, 6_400]), 102);
    assert_eq!(fuel(&mut calls, "random_get", &[BYTES, LAST]), 2);
    assert_eq!(fuel(&mut calls, "fd_readdir", &[ROOT, BYTES, 640, 0, RESULT]), 12);
    let [vectors, count] = calls.vectors(&[(BYTES, 100), (BYTES, 100)]);
    for name in ["fd_read", "fd_write"] {
        assert_eq!(fuel(&mut calls, name, &[1, vectors, count, RESULT]), 2 + 200 / 64, "{name}");
    }
}
