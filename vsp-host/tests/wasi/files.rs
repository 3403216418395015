//! Reading, writing and positions of files.

use std::fs;

use crate::support::*;

#[test]
fn write_seek_read() {
    let folder = tempfile::tempdir().unwrap();
    let mut calls = Calls::with_dir(folder.path());
    let fd = calls.open(ROOT, "file", CREAT, READ | WRITE).unwrap();
    assert_eq!(fd, 4);
    assert_eq!(calls.write(fd, b"hello world"), Ok(11));
    assert_eq!(calls.read(fd, 5), Ok(vec![]));
    assert_eq!(calls.seek(fd, 6, 0), Ok(6));
    assert_eq!(calls.read(fd, 3), Ok(b"wor".to_vec()));
    assert_eq!(calls.seek(fd, -3, 1), Ok(6));
    assert_eq!(calls.seek(fd, -1, 2), Ok(10));
    assert_eq!(calls.read(fd, 9), Ok(b"d".to_vec()));
    calls.ok("fd_tell", &[fd, RESULT]);
    assert_eq!(calls.u64(RESULT), 11);
    // Behind the end there is a hole.
    assert_eq!(calls.seek(fd, 2, 1), Ok(13));
    assert_eq!(calls.write(fd, b"!"), Ok(1));
    assert_eq!(fs::read(folder.path().join("file")).unwrap(), b"hello world\0\0!");
    for (offset, whence) in [(-1, 0), (-100, 1), (-100, 2), (0, 3), (0, 1 << 31)] {
        assert_eq!(calls.seek(fd, offset, whence), Err(INVAL), "{offset} {whence}");
    }
    calls.ok("fd_sync", &[fd]);
    calls.ok("fd_datasync", &[fd]);
    calls.ok("fd_close", &[fd]);
    assert_eq!(calls.read(fd, 1), Err(BADF));
    assert_eq!(calls.call("fd_sync", &[fd]), BADF);
    assert_eq!(calls.call("fd_datasync", &[fd]), BADF);
    assert_eq!(calls.call("fd_tell", &[fd, RESULT]), BADF);
    assert_eq!(calls.seek(fd, 0, 1), Err(BADF));
}

#[test]
fn reads_and_writes_at_an_offset_leave_the_position() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("file"), "0123456789").unwrap();
    let mut calls = Calls::with_dir(folder.path());
    let fd = calls.open(ROOT, "file", 0, READ | WRITE).unwrap();
    calls.seek(fd, 2, 0).unwrap();
    let [vectors, count] = calls.vectors(&[(BYTES, 2), (BYTES + 8, 9)]);
    calls.ok("fd_pread", &[fd, vectors, count, 4, RESULT]);
    assert_eq!(calls.u32(RESULT), 6);
    assert_eq!(calls.get(BYTES, 2), b"45");
    assert_eq!(calls.get(BYTES + 8, 4), b"6789");
    calls.put(BYTES, b"ABCDEFGHIJ");
    let [vectors, count] = calls.vectors(&[(BYTES, 2), (BYTES + 5, 1)]);
    calls.ok("fd_pwrite", &[fd, vectors, count, 8, RESULT]);
    assert_eq!(calls.u32(RESULT), 3);
    assert_eq!(calls.read(fd, 2), Ok(b"23".to_vec()));
    assert_eq!(fs::read(folder.path().join("file")).unwrap(), b"01234567ABF");
    for name in ["fd_pread", "fd_pwrite"] {
        assert_eq!(calls.call(name, &[fd, vectors, count, 1 << 63, RESULT]), INVAL);
        assert_eq!(calls.call(name, &[99, vectors, count, 0, RESULT]), BADF);
        assert_eq!(calls.call(name, &[ROOT, vectors, count, 0, RESULT]), BADF);
    }
}

#[test]
fn the_rights_of_the_open_tell_reading_from_writing() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("file"), "text").unwrap();
    let mut calls = Calls::with_dir(folder.path());
    let reader = calls.open(ROOT, "file", 0, READ).unwrap();
    let writer = calls.open(ROOT, "file", 0, WRITE).unwrap();
    assert_eq!(calls.write(reader, b"x"), Err(BADF));
    assert_eq!(calls.read(writer, 1), Err(BADF));
    assert_eq!(calls.call("fd_filestat_set_size", &[reader, 0]), INVAL);
    assert_eq!(calls.call("fd_allocate", &[reader, 0, 10]), BADF);
    assert_eq!(calls.read(reader, 9), Ok(b"text".to_vec()));
    assert_eq!(calls.write(writer, b"T"), Ok(1));
    // A file that is created for reading only.
    let created = calls.open(ROOT, "new", CREAT, READ).unwrap();
    assert_eq!(calls.write(created, b"x"), Err(BADF));
    assert_eq!(fs::read(folder.path().join("file")).unwrap(), b"Text");
}

#[test]
fn a_file_that_appends_writes_at_its_end() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("file"), "ab").unwrap();
    let mut calls = Calls::with_dir(folder.path());
    let fd = calls.open_with(ROOT, 0, "file", 0, READ | WRITE, 1).unwrap();
    assert_eq!(calls.write(fd, b"cd"), Ok(2));
    calls.seek(fd, 0, 0).unwrap();
    assert_eq!(calls.write(fd, b"ef"), Ok(2));
    assert_eq!(calls.seek(fd, 0, 1), Ok(6));
    // Without the flag, at the position.
    calls.ok("fd_fdstat_set_flags", &[fd, 0]);
    calls.seek(fd, 0, 0).unwrap();
    assert_eq!(calls.write(fd, b"A"), Ok(1));
    calls.ok("fd_fdstat_set_flags", &[fd, 1]);
    assert_eq!(calls.write(fd, b"g"), Ok(1));
    assert_eq!(fs::read(folder.path().join("file")).unwrap(), b"Abcdefg");
    // The flags that wait for the device.
    for flags in [2, 8, 16, 31] {
        calls.ok("fd_fdstat_set_flags", &[fd, flags]);
        assert_eq!(calls.write(fd, b"h"), Ok(1));
    }
    for flags in [32, 1 << 16] {
        assert_eq!(calls.call("fd_fdstat_set_flags", &[fd, flags]), INVAL);
    }
    assert_eq!(calls.call("fd_fdstat_set_flags", &[99, 0]), BADF);
}

#[test]
fn sizes() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    let mut calls = Calls::with_dir(folder.path());
    let fd = calls.open(ROOT, "file", CREAT, READ | WRITE).unwrap();
    calls.write(fd, b"0123456789").unwrap();
    calls.ok("fd_filestat_set_size", &[fd, 4]);
    assert_eq!(fs::read(&path).unwrap(), b"0123");
    calls.ok("fd_filestat_set_size", &[fd, 6]);
    assert_eq!(fs::read(&path).unwrap(), b"0123\0\0");
    // It only grows.
    calls.ok("fd_allocate", &[fd, 2, 3]);
    assert_eq!(fs::read(&path).unwrap().len(), 6);
    calls.ok("fd_allocate", &[fd, 2, 6]);
    assert_eq!(fs::read(&path).unwrap().len(), 8);
    assert_eq!(calls.call("fd_allocate", &[fd, u64::MAX, 1]), FBIG);
    assert_eq!(calls.call("fd_allocate", &[fd, 0, 0]), INVAL);
    assert_eq!(calls.call("fd_filestat_set_size", &[fd, 1 << 63]), FBIG);
    assert_eq!(calls.call("fd_filestat_set_size", &[ROOT, 0]), BADF);
    assert_eq!(calls.call("fd_allocate", &[99, 0, 1]), BADF);
    for advice in 0..6 {
        calls.ok("fd_advise", &[fd, 0, 0, advice]);
    }
    assert_eq!(calls.call("fd_advise", &[fd, 0, 0, 6]), INVAL);
    assert_eq!(calls.call("fd_advise", &[99, 0, 0, 0]), BADF);
    assert_eq!(calls.call("fd_advise", &[1, 0, 0, 0]), SPIPE);
}

#[test]
fn numbers_are_the_lowest_that_are_free() {
    let folder = tempfile::tempdir().unwrap();
    let mut calls = Calls::with_dir(folder.path());
    let open = |calls: &mut Calls, name| calls.open(ROOT, name, CREAT, READ | WRITE).unwrap();
    assert_eq!([open(&mut calls, "a"), open(&mut calls, "b"), open(&mut calls, "c")], [4, 5, 6]);
    calls.ok("fd_close", &[5]);
    calls.ok("fd_close", &[0]);
    assert_eq!([open(&mut calls, "d"), open(&mut calls, "e"), open(&mut calls, "f")], [0, 5, 7]);
    // A descriptor moves to the number of another.
    calls.write(4, b"from a").unwrap();
    calls.ok("fd_renumber", &[4, 6]);
    assert_eq!(calls.read(4, 1), Err(BADF));
    calls.write(6, b" again").unwrap();
    assert_eq!(fs::read(folder.path().join("a")).unwrap(), b"from a again");
    assert_eq!(fs::read(folder.path().join("c")).unwrap(), b"");
    calls.ok("fd_renumber", &[6, 6]);
    calls.write(6, b"!").unwrap();
    assert_eq!(calls.call("fd_renumber", &[6, 99]), BADF);
    assert_eq!(calls.call("fd_renumber", &[99, 6]), BADF);
    calls.write(6, b"!").unwrap();
}

#[test]
fn a_program_cannot_use_up_the_descriptors_of_the_host() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("file"), "").unwrap();
    let mut calls = Calls::with_dir(folder.path());
    let mut opened = 0;
    let error = loop {
        match calls.open(ROOT, "file", 0, READ) {
            Ok(_) => opened += 1,
            Err(error) => break error,
        }
    };
    assert_eq!(error, MFILE);
    assert!(opened <= 1_020, "{opened}");
    calls.ok("fd_close", &[10]);
    assert_eq!(calls.open(ROOT, "file", 0, READ), Ok(10));
}

#[test]
fn directories_have_no_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let mut calls = Calls::with_dir(folder.path());
    assert_eq!(calls.read(ROOT, 1), Err(BADF));
    assert_eq!(calls.write(ROOT, b"x"), Err(BADF));
    assert_eq!(calls.seek(ROOT, 0, 0), Err(BADF));
    calls.ok("fd_sync", &[ROOT]);
    calls.ok("fd_datasync", &[ROOT]);
}
