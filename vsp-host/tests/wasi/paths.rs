//! Functions with paths.

use std::fs;
use std::path::Path;

use crate::support::*;

fn put(folder: &Path, name: &str, text: &str) {
    fs::write(folder.join(name), text).unwrap();
}

#[test]
fn open_flags() {
    let folder = tempfile::tempdir().unwrap();
    put(folder.path(), "old", "old text");
    fs::create_dir(folder.path().join("dir")).unwrap();
    let mut calls = Calls::with_dir(folder.path());
    assert_eq!(calls.open(ROOT, "new", 0, READ), Err(NOENT));
    assert_eq!(calls.open(ROOT, "old", CREAT | EXCL, READ | WRITE), Err(EXIST));
    calls.open(ROOT, "new", CREAT | EXCL, READ | WRITE).unwrap();
    let fd = calls.open(ROOT, "old", CREAT, READ | WRITE).unwrap();
    assert_eq!(calls.read(fd, 20), Ok(b"old text".to_vec()));
    let fd = calls.open(ROOT, "old", CREAT | TRUNC, READ | WRITE).unwrap();
    assert_eq!(calls.read(fd, 20), Ok(vec![]));
    assert_eq!(calls.open(ROOT, "old", DIRECTORY, READ), Err(NOTDIR));
    assert_eq!(calls.open(ROOT, "none", DIRECTORY, READ), Err(NOENT));
    assert_eq!(calls.open(ROOT, "dir", 0, READ | WRITE), Err(ISDIR));
    assert_eq!(calls.open(ROOT, "dir", CREAT | DIRECTORY, READ), Err(INVAL));
    assert_eq!(calls.open(ROOT, "old", 16, READ), Err(INVAL));
    assert_eq!(calls.open_with(ROOT, 0, "old", 0, READ, 32), Err(INVAL));
    assert_eq!(calls.open_with(ROOT, 2, "old", 0, READ, 0), Err(INVAL));
    assert_eq!(calls.open(99, "old", 0, READ), Err(BADF));
    assert_eq!(calls.open(fd, "old", 0, READ), Err(NOTDIR));
    assert_eq!(calls.open(1, "old", 0, READ), Err(NOTDIR));
    assert_eq!(calls.open(ROOT, "old/more", 0, READ), Err(NOTDIR));
    assert_eq!(calls.open(ROOT, "none/more", CREAT, WRITE), Err(NOENT));
    assert_eq!(calls.open(ROOT, "", 0, READ), Err(NOENT));
    assert_eq!(calls.open(ROOT, "a\0b", CREAT, WRITE), Err(INVAL));
    assert_eq!(calls.open(ROOT, &"x".repeat(300), 0, READ), Err(NAMETOOLONG));
    calls.put(PATH, b"\xFF");
    assert_eq!(calls.call("path_open", &[ROOT, PATH, 1, 0, READ, READ, 0, RESULT]), ILSEQ);
}

#[test]
fn directories_are_opened_and_paths_start_there() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir_all(folder.path().join("one/two")).unwrap();
    put(folder.path(), "one/two/file", "deep");
    let mut calls = Calls::with_dir(folder.path());
    let one = calls.open(ROOT, "one", DIRECTORY, READ | WRITE).unwrap();
    // A directory is opened without the flag, too.
    let two = calls.open(one, "two", 0, READ).unwrap();
    for (dir, path) in
        [(two, "file"), (one, "./two/file"), (two, "../two/file"), (ROOT, "one//two/../two/file")]
    {
        // Inside of a directory `..` is allowed as long as it does not lead out of it.
        let expected = if dir == two && path.starts_with("..") { Err(PERM) } else { Ok(b"deep".to_vec()) };
        let read = calls.open(dir, path, 0, READ).and_then(|fd| calls.read(fd, 10));
        assert_eq!(read, expected, "{path}");
    }
    // A descriptor stays when its directory gets another name.
    fs::rename(folder.path().join("one"), folder.path().join("uno")).unwrap();
    calls.open(one, "two/file", 0, READ).unwrap();
}

#[test]
fn directories_are_created_and_removed() {
    let folder = tempfile::tempdir().unwrap();
    put(folder.path(), "file", "");
    let mut calls = Calls::with_dir(folder.path());
    for (path, error) in
        [("dir", SUCCESS), ("dir", EXIST), ("dir/sub", SUCCESS), ("no/sub", NOENT), ("", NOENT)]
    {
        assert_eq!(calls.path("path_create_directory", &[ROOT], path, &[]), error, "{path}");
    }
    assert!(folder.path().join("dir/sub").is_dir());
    for (path, error) in
        [("dir", NOTEMPTY), ("file", NOTDIR), ("no", NOENT), ("dir/sub/", SUCCESS), ("dir", SUCCESS)]
    {
        assert_eq!(calls.path("path_remove_directory", &[ROOT], path, &[]), error, "{path}");
    }
    assert!(!folder.path().join("dir").exists());
    assert_eq!(calls.path("path_create_directory", &[99], "x", &[]), BADF);
    assert_eq!(calls.path("path_remove_directory", &[99], "x", &[]), BADF);
}

#[test]
fn files_are_removed() {
    let folder = tempfile::tempdir().unwrap();
    put(folder.path(), "file", "");
    put(folder.path(), "other", "");
    fs::create_dir(folder.path().join("dir")).unwrap();
    let mut calls = Calls::with_dir(folder.path());
    for (path, error) in [("file", SUCCESS), ("file", NOENT), ("dir", ISDIR), ("other/", NOTDIR), ("", NOENT)]
    {
        assert_eq!(calls.path("path_unlink_file", &[ROOT], path, &[]), error, "{path}");
    }
    assert!(folder.path().join("other").exists());
    assert_eq!(calls.path("path_unlink_file", &[99], "x", &[]), BADF);
}

/// Calls a function with two paths: the arguments before the first one, between them, and the descriptor of the second.
fn two_paths(calls: &mut Calls, name: &str, before: &[u64], from: &str, dir: u64, to: &str) -> u32 {
    calls.put(OTHER_PATH, to.as_bytes());
    calls.path(name, before, from, &[dir, OTHER_PATH, to.len() as u64])
}

#[test]
fn renames() {
    let folder = tempfile::tempdir().unwrap();
    put(folder.path(), "one", "1");
    put(folder.path(), "two", "2");
    fs::create_dir(folder.path().join("dir")).unwrap();
    let mut calls = Calls::with_dir(folder.path());
    let dir = calls.open(ROOT, "dir", DIRECTORY, READ).unwrap();
    let mut rename = |fd, from, to_fd, to| two_paths(&mut calls, "path_rename", &[fd], from, to_fd, to);
    assert_eq!(rename(ROOT, "one", dir, "inner"), SUCCESS);
    assert_eq!(rename(ROOT, "one", dir, "inner"), NOENT);
    assert_eq!(rename(ROOT, "two", ROOT, "dir"), ISDIR);
    assert_eq!(rename(ROOT, "dir", ROOT, "two"), NOTDIR);
    assert_eq!(rename(dir, "inner", ROOT, "two"), SUCCESS);
    assert_eq!(rename(99, "a", ROOT, "b"), BADF);
    assert_eq!(rename(ROOT, "a", 99, "b"), BADF);
    assert_eq!(rename(ROOT, "", ROOT, "b"), NOENT);
    assert_eq!(fs::read(folder.path().join("two")).unwrap(), b"1");
}

#[test]
fn hard_links() {
    let folder = tempfile::tempdir().unwrap();
    put(folder.path(), "one", "1");
    let mut calls = Calls::with_dir(folder.path());
    let mut link = |flags, from, to| two_paths(&mut calls, "path_link", &[ROOT, flags], from, ROOT, to);
    assert_eq!(link(0, "one", "two"), SUCCESS);
    assert_eq!(link(0, "one", "two"), EXIST);
    assert_eq!(link(0, "none", "three"), NOENT);
    assert_eq!(link(1, "one", "three"), NOTSUP);
    assert_eq!(link(2, "one", "three"), INVAL);
    assert_eq!(two_paths(&mut calls, "path_link", &[99, 0], "one", ROOT, "three"), BADF);
    assert_eq!(two_paths(&mut calls, "path_link", &[ROOT, 0], "one", 99, "three"), BADF);
    put(folder.path(), "two", "changed");
    assert_eq!(fs::read(folder.path().join("one")).unwrap(), b"changed");
}

#[cfg(unix)]
#[test]
fn symbolic_links() {
    let folder = tempfile::tempdir().unwrap();
    put(folder.path(), "file", "text");
    let mut calls = Calls::with_dir(folder.path());
    let symlink = |calls: &mut Calls, target: &str, link: &str| {
        calls.put(OTHER_PATH, link.as_bytes());
        calls.path("path_symlink", &[], target, &[ROOT, OTHER_PATH, link.len() as u64])
    };
    assert_eq!(symlink(&mut calls, "file", "link"), SUCCESS);
    assert_eq!(symlink(&mut calls, "file", "link"), EXIST);
    assert_eq!(symlink(&mut calls, "link", "chain"), SUCCESS);
    assert_eq!(symlink(&mut calls, "loop", "loop"), SUCCESS);
    assert_eq!(symlink(&mut calls, "", "empty"), NOENT);
    assert_eq!(fs::read_link(folder.path().join("link")).unwrap(), Path::new("file"));

    // Only with the flag is the last link followed.
    assert_eq!(calls.open(ROOT, "link", 0, READ), Err(LOOP));
    let fd = calls.open_with(ROOT, 1, "chain", 0, READ, 0).unwrap();
    assert_eq!(calls.read(fd, 9), Ok(b"text".to_vec()));
    assert_eq!(calls.open_with(ROOT, 1, "loop", 0, READ, 0), Err(LOOP));
    assert_eq!(calls.open(ROOT, "link", DIRECTORY, READ), Err(LOOP));
    assert_eq!(calls.open(ROOT, "loop/x", 0, READ), Err(LOOP));

    // The target, as much as fits.
    let mut readlink = |path, length| calls.path("path_readlink", &[ROOT], path, &[BYTES, length, RESULT]);
    assert_eq!(readlink("link", 2), SUCCESS);
    assert_eq!(readlink("file", 10), INVAL);
    assert_eq!(readlink("none", 10), NOENT);
    assert_eq!(readlink("link", 100), SUCCESS);
    assert_eq!(calls.u32(RESULT), 4);
    assert_eq!(calls.get(BYTES, 5), b"file\0");
    assert_eq!(calls.path("path_readlink", &[99], "link", &[BYTES, 9, RESULT]), BADF);
    assert_eq!(calls.path("path_readlink", &[ROOT], "link", &[BYTES, 2, RESULT]), SUCCESS);
    assert_eq!(calls.u32(RESULT), 2);

    // Removing a link leaves its file.
    assert_eq!(calls.path("path_unlink_file", &[ROOT], "link", &[]), SUCCESS);
    assert!(folder.path().join("file").exists());
}

#[cfg(unix)]
#[test]
fn files_that_the_process_cannot_read() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("secret");
    fs::write(&path, "").unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o200)).unwrap();
    if fs::File::open(&path).is_ok() {
        return; // The superuser reads everything.
    }
    let mut calls = Calls::with_dir(folder.path());
    assert_eq!(calls.open(ROOT, "secret", 0, READ), Err(ACCES));
    let fd = calls.open(ROOT, "secret", 0, WRITE).unwrap();
    assert_eq!(calls.write(fd, b"x"), Ok(1));
}
