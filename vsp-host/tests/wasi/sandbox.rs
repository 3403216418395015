//! Nothing leads out of the opened directories, and nothing is changed in those that can only be read.

use std::fs;
use std::path::Path;

use vsp_host::wasi::{Access, Wasi};

use crate::support::*;

/// A folder with `outside` and, to be opened, `inside`.
fn folders() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir_all(folder.path().join("inside/dir")).unwrap();
    fs::create_dir(folder.path().join("outside")).unwrap();
    fs::write(folder.path().join("outside/file"), "outside").unwrap();
    fs::write(folder.path().join("inside/file"), "inside").unwrap();
    folder
}

/// Calls every function with a path, which leads out, and another one, which does not.
fn all_refuse(calls: &mut Calls, path: &str) {
    for (flags, rights) in [(0, READ), (0, WRITE), (CREAT, WRITE), (TRUNC, WRITE), (CREAT | EXCL, WRITE)] {
        for follow in [0, 1] {
            let opened = calls.open_with(ROOT, follow, path, flags, rights, 0);
            assert_eq!(opened, Err(PERM), "{path} {flags} {follow}");
        }
    }
    assert_eq!(calls.open_with(ROOT, 1, path, DIRECTORY, READ, 0), Err(PERM), "{path}");
    let (fine, length) = (OTHER_PATH, 4);
    calls.put(fine, b"fine");
    for (name, before, after) in [
        ("path_create_directory", &[ROOT][..], &[][..]),
        ("path_remove_directory", &[ROOT], &[]),
        ("path_unlink_file", &[ROOT], &[]),
        ("path_filestat_get", &[ROOT, 1], &[RESULT]),
        ("path_filestat_set_times", &[ROOT, 1], &[0, 0, 10]),
        ("path_readlink", &[ROOT], &[BYTES, 9, RESULT]),
        ("path_link", &[ROOT, 0], &[ROOT, fine, length]),
        ("path_rename", &[ROOT], &[ROOT, fine, length]),
    ] {
        assert_eq!(calls.path(name, before, path, after), PERM, "{name} {path}");
    }
    // As the second path, the first being a file that is there.
    calls.put(fine, b"file");
    calls.put(PATH, path.as_bytes());
    let path_length = path.len() as u64;
    assert_eq!(calls.call("path_link", &[ROOT, 0, fine, 4, ROOT, PATH, path_length]), PERM, "{path}");
    assert_eq!(calls.call("path_rename", &[ROOT, fine, 4, ROOT, PATH, path_length]), PERM, "{path}");
    assert_eq!(calls.call("path_symlink", &[fine, 4, ROOT, PATH, path_length]), PERM, "{path}");
}

/// Nothing outside has changed.
fn check_outside(folder: &Path) {
    let names: Vec<_> =
        fs::read_dir(folder.join("outside")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names, ["file"]);
    assert_eq!(fs::read(folder.join("outside/file")).unwrap(), b"outside");
    assert_eq!(fs::read(folder.join("inside/file")).unwrap(), b"inside");
    assert_eq!(fs::read_dir(folder).unwrap().count(), 2);
}

#[test]
fn paths_that_lead_out_are_refused() {
    let folder = folders();
    let mut calls = Calls::with_dir(&folder.path().join("inside"));
    for path in [
        "../outside/file",
        "dir/../../outside/file",
        "./dir/./.././../outside/file",
        "../inside/file",
        "../new",
        "/etc/passwd",
        "/",
    ] {
        all_refuse(&mut calls, path);
    }
    let absolute = folder.path().join("inside/file");
    all_refuse(&mut calls, absolute.to_str().unwrap());
    check_outside(folder.path());
}

#[cfg(unix)]
#[test]
fn links_that_lead_out_are_refused() {
    use std::os::unix::fs::symlink;
    let folder = folders();
    let inside = folder.path().join("inside");
    symlink("../outside", inside.join("relative")).unwrap();
    symlink(folder.path().join("outside"), inside.join("absolute")).unwrap();
    symlink("dir/../relative", inside.join("chain")).unwrap();
    let mut calls = Calls::with_dir(&inside);
    for path in ["relative/file", "absolute/file", "chain/file", "relative/new", "chain/../file"] {
        all_refuse(&mut calls, path);
    }
    // The link itself, as the last part of the path.
    for path in ["relative", "absolute", "chain"] {
        assert_eq!(calls.open_with(ROOT, 1, path, 0, READ, 0), Err(PERM), "{path}");
        assert_eq!(calls.open_with(ROOT, 1, path, DIRECTORY, READ, 0), Err(PERM), "{path}");
        assert_eq!(calls.path("path_filestat_get", &[ROOT, 1], path, &[RESULT]), PERM, "{path}");
        // Its own attributes are inside.
        assert_eq!(calls.path("path_filestat_get", &[ROOT, 0], path, &[RESULT]), SUCCESS, "{path}");
    }
    check_outside(folder.path());
}

#[cfg(unix)]
#[test]
fn links_that_the_program_makes_lead_nowhere_else() {
    let folder = folders();
    let mut calls = Calls::with_dir(&folder.path().join("inside"));
    calls.put(OTHER_PATH, b"made");
    // It can be made, and is refused when it is followed.
    assert_eq!(calls.path("path_symlink", &[], "../outside/file", &[ROOT, OTHER_PATH, 4]), SUCCESS);
    assert_eq!(calls.open_with(ROOT, 1, "made", 0, READ, 0), Err(PERM));
    assert_eq!(calls.open_with(ROOT, 1, "made", CREAT | TRUNC, WRITE, 0), Err(PERM));
    // A link to an absolute path cannot be made.
    calls.put(OTHER_PATH, b"next");
    assert_eq!(calls.path("path_symlink", &[], "/etc/passwd", &[ROOT, OTHER_PATH, 4]), PERM);
    check_outside(folder.path());
}

#[cfg(unix)]
#[test]
fn a_directory_that_was_moved_does_not_open_its_old_place() {
    let folder = folders();
    let inside = folder.path().join("inside");
    let mut calls = Calls::with_dir(&inside);
    let dir = calls.open(ROOT, "dir", DIRECTORY, READ).unwrap();
    // The host puts a link to the outside where the directory was.
    fs::rename(inside.join("dir"), inside.join("moved")).unwrap();
    std::os::unix::fs::symlink("../outside", inside.join("dir")).unwrap();
    assert_eq!(calls.open(dir, "file", 0, READ), Err(NOENT));
    assert_eq!(calls.open(ROOT, "dir/file", 0, READ), Err(PERM));
    assert_eq!(calls.open(dir, "../file", 0, READ), Err(PERM));
}

#[test]
fn what_can_only_be_read_is_not_changed() {
    let folder = folders();
    let inside = folder.path().join("inside");
    let before = fs::metadata(inside.join("file")).unwrap().modified().unwrap();
    // The same directory twice: the second one may be changed, and does not help.
    let wasi = Wasi::new().preopen_dir(&inside, "/ro", Access::ReadOnly).unwrap();
    let wasi = wasi.preopen_dir(&inside, "/rw", Access::ReadWrite).unwrap();
    let mut calls = Calls::new(wasi);
    let sub = calls.open(ROOT, "dir", DIRECTORY, READ | WRITE).unwrap();
    for dir in [ROOT, sub] {
        for (flags, rights) in [(0, READ | WRITE), (CREAT, READ), (TRUNC, READ), (CREAT | EXCL, WRITE)] {
            assert_eq!(calls.open(dir, "file", flags, rights), Err(ROFS), "{flags}");
        }
        calls.put(OTHER_PATH, b"new");
        for (name, before, after) in [
            ("path_create_directory", &[dir][..], &[][..]),
            ("path_remove_directory", &[dir], &[]),
            ("path_unlink_file", &[dir], &[]),
            ("path_filestat_set_times", &[dir, 0], &[0, 0, 1]),
            ("path_link", &[dir, 0], &[ROOT + 1, OTHER_PATH, 3]),
            ("path_link", &[ROOT + 1, 0], &[dir, OTHER_PATH, 3]),
            ("path_rename", &[dir], &[ROOT + 1, OTHER_PATH, 3]),
            ("path_rename", &[ROOT + 1], &[dir, OTHER_PATH, 3]),
            ("path_symlink", &[], &[dir, OTHER_PATH, 3]),
        ] {
            assert_eq!(calls.path(name, before, "file", after), ROFS, "{name}");
        }
        assert_eq!(calls.call("fd_filestat_set_times", &[dir, 0, 0, 1]), ROFS);
    }
    let fd = calls.open(ROOT, "file", 0, READ).unwrap();
    assert_eq!(calls.read(fd, 9), Ok(b"inside".to_vec()));
    assert_eq!(calls.write(fd, b"x"), Err(BADF));
    assert_eq!(calls.call("fd_filestat_set_size", &[fd, 0]), INVAL);
    assert_eq!(calls.call("fd_filestat_set_times", &[fd, 0, 0, 4]), ROFS);
    assert_eq!(fs::metadata(inside.join("file")).unwrap().modified().unwrap(), before);
    assert_eq!(fs::read_dir(&inside).unwrap().count(), 2);
    check_outside(folder.path());
}

#[test]
fn without_directories_there_are_no_files() {
    let mut calls = Calls::new(Wasi::new());
    assert_eq!(calls.call("fd_prestat_get", &[ROOT, RESULT]), BADF);
    assert_eq!(calls.open(ROOT, "file", 0, READ), Err(BADF));
    assert_eq!(calls.open(0, "file", 0, READ), Err(NOTDIR));
    assert!(Wasi::new().preopen_dir("/no/such/directory", "/", Access::ReadOnly).is_err());
}
