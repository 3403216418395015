//! Directories that the host opened, and listing.

use std::fs;

use vsp_host::wasi::{Access, Wasi};

use crate::support::*;

#[test]
fn programs_find_the_opened_directories() {
    let folder = tempfile::tempdir().unwrap();
    let wasi = Wasi::new().preopen_dir(folder.path(), "/", Access::ReadOnly).unwrap();
    let wasi = wasi.preopen_dir(folder.path(), "/größe", Access::ReadWrite).unwrap();
    let mut calls = Calls::new(wasi);
    for (fd, name) in [(3, "/"), (4, "/größe")] {
        let length = name.len() as u64;
        calls.put(RESULT, &[0xFF; 8]);
        calls.ok("fd_prestat_get", &[fd, RESULT]);
        assert_eq!(calls.get(RESULT, 8)[0], 0);
        assert_eq!(u64::from(calls.u32(RESULT + 4)), length);
        calls.ok("fd_prestat_dir_name", &[fd, BYTES, length]);
        assert_eq!(calls.get(BYTES, name.len()), name.as_bytes());
        assert_eq!(calls.call("fd_prestat_dir_name", &[fd, BYTES, length - 1]), NAMETOOLONG);
        assert_eq!(calls.call("fd_prestat_dir_name", &[fd, MEMORY - length + 1, length]), FAULT);
        assert_eq!(calls.call("fd_prestat_get", &[fd, MEMORY - 7]), FAULT);
    }
    // Others are none.
    let opened = calls.open(4, ".", DIRECTORY, READ).unwrap();
    for fd in [0, 1, 2, opened, 99] {
        assert_eq!(calls.call("fd_prestat_get", &[fd, RESULT]), BADF);
        assert_eq!(calls.call("fd_prestat_dir_name", &[fd, BYTES, 100]), BADF);
    }
}

/// An entry: the cookie of the next one, the type, the name.
type Entry = (u64, u8, String);

/// Lists with a buffer of this size, as programs do: an entry that is cut is read again.
fn list(calls: &mut Calls, fd: u64, size: u64) -> Vec<Entry> {
    let mut entries: Vec<Entry> = Vec::new();
    loop {
        let cookie = entries.last().map_or(0, |entry| entry.0);
        calls.ok("fd_readdir", &[fd, BYTES, size, cookie, RESULT]);
        let used = calls.u32(RESULT) as usize;
        let bytes = calls.get(BYTES, used);
        let mut rest = &bytes[..];
        while rest.len() >= 24 {
            let length = u32::from_le_bytes(rest[16..20].try_into().unwrap()) as usize;
            let Some(name) = rest.get(24..24 + length) else { break };
            let next = u64::from_le_bytes(rest[..8].try_into().unwrap());
            assert_ne!(rest[8..16], [0; 8]);
            entries.push((next, rest[20], String::from_utf8(name.to_vec()).unwrap()));
            rest = &rest[24 + length..];
        }
        if (used as u64) < size {
            return entries;
        }
    }
}

#[test]
fn listing() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["b", "a", "long name of a file", "ä"] {
        fs::write(folder.path().join(name), "").unwrap();
    }
    fs::create_dir(folder.path().join("dir")).unwrap();
    let mut calls = Calls::with_dir(folder.path());
    let names = [(".", 3), ("..", 3), ("a", 4), ("b", 4), ("dir", 3), ("long name of a file", 4), ("ä", 4)];
    let expected: Vec<Entry> =
        (1..).zip(names).map(|(next, (name, ty))| (next, ty, name.to_owned())).collect();
    for size in [4_096, 100, 64, 43] {
        assert_eq!(list(&mut calls, ROOT, size), expected, "{size}");
    }
    // The list stays while a program goes through it, and is made anew at its start.
    fs::write(folder.path().join("c"), "").unwrap();
    calls.ok("fd_readdir", &[ROOT, BYTES, 4_096, 3, RESULT]);
    assert_eq!(calls.get(BYTES + 24, 1), b"b");
    assert_eq!(list(&mut calls, ROOT, 4_096).len(), 8);
    for cookie in [8, 1_000, u64::MAX] {
        calls.ok("fd_readdir", &[ROOT, BYTES, 4_096, cookie, RESULT]);
        assert_eq!(calls.u32(RESULT), 0);
    }
    // A buffer without place for an entry.
    calls.ok("fd_readdir", &[ROOT, BYTES, 0, 0, RESULT]);
    assert_eq!(calls.u32(RESULT), 0);
    calls.ok("fd_readdir", &[ROOT, BYTES, 10, 0, RESULT]);
    assert_eq!(calls.u32(RESULT), 10);

    assert_eq!(calls.call("fd_readdir", &[99, BYTES, 9, 0, RESULT]), BADF);
    assert_eq!(calls.call("fd_readdir", &[1, BYTES, 9, 0, RESULT]), NOTDIR);
    assert_eq!(calls.call("fd_readdir", &[ROOT, MEMORY - 8, 9, 0, RESULT]), FAULT);
    assert_eq!(calls.call("fd_readdir", &[ROOT, BYTES, 9, 0, MEMORY - 3]), FAULT);
}

#[test]
fn a_deterministic_run_sees_the_same_bytes() {
    let bytes = |names: [&str; 3]| {
        let folder = tempfile::tempdir().unwrap();
        for name in names {
            fs::write(folder.path().join(name), "text").unwrap();
        }
        let wasi = Wasi::new().deterministic(7).preopen_dir(folder.path(), "/", Access::ReadWrite).unwrap();
        let mut calls = Calls::new(wasi);
        calls.ok("fd_readdir", &[ROOT, BYTES, 4_096, 0, RESULT]);
        for (index, name) in (0..).zip(["b", "c", "a", "."]) {
            assert_eq!(calls.path("path_filestat_get", &[ROOT, 0], name, &[8_192 + 64 * index]), SUCCESS);
        }
        calls.ok("random_get", &[10_000, 100]);
        calls.ok("clock_time_get", &[0, 0, 11_000]);
        calls.get(0, MEMORY as usize)
    };
    let first = bytes(["a", "b", "c"]);
    assert!(first == bytes(["c", "b", "a"]));
    // Directory, a, b, c are the inodes 1 to 4.
    assert_eq!(first[8_192 + 8], 3);
    assert_eq!(first[8_192 + 64 + 8], 4);
    assert_eq!(first[8_192 + 128 + 8], 2);
    assert_eq!(first[8_192 + 192 + 8], 1);
}
