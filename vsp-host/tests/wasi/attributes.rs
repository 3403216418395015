//! Attributes, times, flags and rights.

use std::fs;
use std::time::{Duration, SystemTime};

use vsp_host::wasi::{Access, Output, Wasi};

use crate::support::*;

/// The attributes as the interface lays them out in 64 bytes.
#[derive(Debug)]
struct Stat {
    inode: u64,
    ty: u8,
    links: u64,
    size: u64,
    accessed: u64,
    modified: u64,
}

fn stat_at(calls: &mut Calls, address: u64) -> Stat {
    Stat {
        inode: calls.u64(address + 8),
        ty: calls.get(address + 16, 1)[0],
        links: calls.u64(address + 24),
        size: calls.u64(address + 32),
        accessed: calls.u64(address + 40),
        modified: calls.u64(address + 48),
    }
}

#[test]
fn attributes_of_files() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("file"), "12345").unwrap();
    fs::hard_link(folder.path().join("file"), folder.path().join("link")).unwrap();
    let mut calls = Calls::with_dir(folder.path());
    let fd = calls.open(ROOT, "file", 0, READ).unwrap();
    calls.ok("fd_filestat_get", &[fd, BYTES]);
    let opened = stat_at(&mut calls, BYTES);
    assert_eq!(calls.path("path_filestat_get", &[ROOT, 0], "link", &[BYTES]), SUCCESS);
    let named = stat_at(&mut calls, BYTES);
    assert_eq!((opened.ty, opened.links, opened.size), (4, 2, 5));
    assert_eq!((named.inode, named.size), (opened.inode, 5));
    let modified = fs::metadata(folder.path().join("file")).unwrap().modified().unwrap();
    let modified = modified.duration_since(SystemTime::UNIX_EPOCH).unwrap();
    assert_eq!(u128::from(named.modified), modified.as_nanos());

    calls.ok("fd_filestat_get", &[ROOT, BYTES]);
    assert_eq!(stat_at(&mut calls, BYTES).ty, 3);
    assert_eq!(calls.path("path_filestat_get", &[ROOT, 1], ".", &[BYTES]), SUCCESS);
    assert_eq!(stat_at(&mut calls, BYTES).ty, 3);
    for stream in 0..3 {
        calls.ok("fd_filestat_get", &[stream, BYTES]);
        assert_eq!(stat_at(&mut calls, BYTES).ty, 0);
    }

    assert_eq!(calls.call("fd_filestat_get", &[99, BYTES]), BADF);
    assert_eq!(calls.call("fd_filestat_get", &[fd, MEMORY - 63]), FAULT);
    assert_eq!(calls.path("path_filestat_get", &[ROOT, 0], "none", &[BYTES]), NOENT);
    assert_eq!(calls.path("path_filestat_get", &[ROOT, 2], "file", &[BYTES]), INVAL);
    assert_eq!(calls.path("path_filestat_get", &[99, 0], "file", &[BYTES]), BADF);
    assert_eq!(calls.path("path_filestat_get", &[fd, 0], "file", &[BYTES]), NOTDIR);
    assert_eq!(calls.path("path_filestat_get", &[ROOT, 0], "file", &[MEMORY - 63]), FAULT);
}

#[cfg(unix)]
#[test]
fn attributes_of_links() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("file"), "12345").unwrap();
    std::os::unix::fs::symlink("file", folder.path().join("link")).unwrap();
    let mut calls = Calls::with_dir(folder.path());
    for (flags, ty) in [(0, 7), (1, 4)] {
        assert_eq!(calls.path("path_filestat_get", &[ROOT, flags], "link", &[BYTES]), SUCCESS);
        assert_eq!(stat_at(&mut calls, BYTES).ty, ty);
    }
    // The times of the link, and of its file.
    assert_eq!(calls.path("path_filestat_set_times", &[ROOT, 0], "link", &[0, 7_000_000_000, 4]), SUCCESS);
    assert_eq!(calls.path("path_filestat_set_times", &[ROOT, 1], "link", &[0, 8_000_000_000, 4]), SUCCESS);
    for (flags, seconds) in [(0, 7), (1, 8)] {
        assert_eq!(calls.path("path_filestat_get", &[ROOT, flags], "link", &[BYTES]), SUCCESS);
        assert_eq!(stat_at(&mut calls, BYTES).modified, seconds * 1_000_000_000);
    }
}

#[test]
fn times_are_set() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("file"), "").unwrap();
    let mut calls = Calls::with_dir(folder.path());
    let fd = calls.open(ROOT, "file", 0, READ | WRITE).unwrap();
    let second = 1_000_000_000;
    for (flags, expected) in [(1 | 4, (10, 20)), (1, (10, 20)), (4, (10, 20)), (0, (10, 20))] {
        calls.ok("fd_filestat_set_times", &[fd, 10 * second, 20 * second, flags]);
        calls.ok("fd_filestat_get", &[fd, BYTES]);
        let stat = stat_at(&mut calls, BYTES);
        assert_eq!((stat.accessed, stat.modified), (expected.0 * second, expected.1 * second), "{flags}");
    }
    // Only one of them.
    assert_eq!(calls.path("path_filestat_set_times", &[ROOT, 0], "file", &[30 * second, 0, 1]), SUCCESS);
    calls.ok("fd_filestat_get", &[fd, BYTES]);
    let stat = stat_at(&mut calls, BYTES);
    assert_eq!((stat.accessed, stat.modified), (30 * second, 20 * second));
    // The present.
    calls.ok("fd_filestat_set_times", &[fd, 0, 0, 8]);
    calls.ok("fd_filestat_get", &[fd, BYTES]);
    let modified = Duration::from_nanos(stat_at(&mut calls, BYTES).modified);
    let now = SystemTime::UNIX_EPOCH.elapsed().unwrap();
    assert!(now.abs_diff(modified) < Duration::from_secs(3_600));
    // A directory.
    calls.ok("fd_filestat_set_times", &[ROOT, 0, 40 * second, 4]);
    calls.ok("fd_filestat_get", &[ROOT, BYTES]);
    assert_eq!(stat_at(&mut calls, BYTES).modified, 40 * second);

    for flags in [3, 12, 15, 16, 1 << 31] {
        assert_eq!(calls.call("fd_filestat_set_times", &[fd, 0, 0, flags]), INVAL);
        assert_eq!(calls.path("path_filestat_set_times", &[ROOT, 0], "file", &[0, 0, flags]), INVAL);
    }
    assert_eq!(calls.call("fd_filestat_set_times", &[99, 0, 0, 1]), BADF);
    assert_eq!(calls.call("fd_filestat_set_times", &[1, 0, 0, 1]), INVAL);
    assert_eq!(calls.path("path_filestat_set_times", &[ROOT, 0], "none", &[0, 0, 1]), NOENT);
    assert_eq!(calls.path("path_filestat_set_times", &[ROOT, 4], "file", &[0, 0, 1]), INVAL);
    assert_eq!(calls.path("path_filestat_set_times", &[99, 0], "file", &[0, 0, 1]), BADF);
}

/// Returns type, flags and rights of a descriptor.
fn fdstat(calls: &mut Calls, fd: u64) -> (u8, u16, u64, u64) {
    calls.put(BYTES, &[0xFF; 24]);
    calls.ok("fd_fdstat_get", &[fd, BYTES]);
    let bytes = calls.get(BYTES, 24);
    (bytes[0], u16::from_le_bytes([bytes[2], bytes[3]]), calls.u64(BYTES + 8), calls.u64(BYTES + 16))
}

#[test]
fn descriptors_tell_what_can_be_done() {
    let (seek, tell, open, readdir) = (1 << 2, 1 << 5, 1 << 13, 1 << 14);
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("file"), "").unwrap();
    let wasi = Wasi::new().stdout(Output::writer(std::io::sink(), true));
    let wasi = wasi.preopen_dir(folder.path(), "/rw", Access::ReadWrite).unwrap();
    let mut calls = Calls::new(wasi.preopen_dir(folder.path(), "/ro", Access::ReadOnly).unwrap());

    let (ty, flags, rights, _) = fdstat(&mut calls, 0);
    assert_eq!((ty, flags, rights & (READ | WRITE | seek | tell)), (0, 0, READ));
    // A terminal is a character device without a position: so `isatty` recognises it.
    let (ty, _, rights, _) = fdstat(&mut calls, 1);
    assert_eq!((ty, rights & (READ | WRITE | seek | tell)), (2, WRITE));

    let (ty, _, rights, inheriting) = fdstat(&mut calls, ROOT);
    assert_eq!((ty, rights & (open | readdir | seek)), (3, open | readdir));
    assert_eq!(inheriting & (READ | WRITE | seek), READ | WRITE | seek);
    let (_, _, rights, inheriting) = fdstat(&mut calls, ROOT + 1);
    assert_eq!(rights & (open | 1 << 9), open);
    assert_eq!(inheriting & (READ | WRITE), READ);

    let fd = calls.open_with(ROOT, 0, "file", 0, READ, 1 | 4).unwrap();
    let (ty, flags, rights, _) = fdstat(&mut calls, fd);
    assert_eq!((ty, flags, rights & (READ | WRITE | seek | tell)), (4, 5, READ | seek | tell));
    calls.ok("fd_fdstat_set_flags", &[fd, 4]);
    assert_eq!(fdstat(&mut calls, fd).1, 4);
    let fd = calls.open(ROOT, "file", 0, WRITE).unwrap();
    assert_eq!(fdstat(&mut calls, fd).2 & (READ | WRITE), WRITE);

    assert_eq!(calls.call("fd_fdstat_set_rights", &[fd, 0, 0]), NOTSUP);
    assert_eq!(calls.call("fd_fdstat_set_rights", &[99, 0, 0]), BADF);
    assert_eq!(calls.call("fd_fdstat_get", &[99, BYTES]), BADF);
    assert_eq!(calls.call("fd_fdstat_get", &[fd, MEMORY - 23]), FAULT);
}
