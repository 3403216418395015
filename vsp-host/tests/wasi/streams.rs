//! Standard streams.

use std::io::{self, Read, Write};
use std::sync::{Arc, Mutex};

use vsp_host::wasi::{Input, Output, Wasi};

use crate::support::*;

#[test]
fn the_outputs_are_captured_apart() {
    let wasi = Wasi::new().stdout(Output::capture(100)).stderr(Output::capture(100));
    let mut calls = Calls::new(wasi);
    assert_eq!(calls.write(1, b"one "), Ok(4));
    assert_eq!(calls.write(2, b"error"), Ok(5));
    assert_eq!(calls.write(1, b"two"), Ok(3));
    assert_eq!(calls.write(0, b"x"), Err(BADF));
    assert_eq!(calls.0.state().captured_stdout(), b"one two");
    assert_eq!(calls.0.state().captured_stderr(), b"error");
}

#[test]
fn all_vectors_are_written_and_read() {
    let wasi = Wasi::new().stdin(Input::bytes("abcdefgh")).stdout(Output::capture(100));
    let mut calls = Calls::new(wasi);
    calls.put(BYTES, b"0123456789");
    let [vectors, count] = calls.vectors(&[(BYTES + 7, 3), (BYTES, 0), (BYTES, 2)]);
    calls.ok("fd_write", &[1, vectors, count, RESULT]);
    assert_eq!(calls.u32(RESULT), 5);
    assert_eq!(calls.0.state().captured_stdout(), b"78901");

    let [vectors, count] = calls.vectors(&[(BYTES, 3), (BYTES + 20, 0), (BYTES + 10, 20)]);
    calls.ok("fd_read", &[0, vectors, count, RESULT]);
    assert_eq!(calls.u32(RESULT), 8);
    assert_eq!(calls.get(BYTES, 4), b"abc3");
    assert_eq!(calls.get(BYTES + 10, 5), b"defgh");
    calls.ok("fd_read", &[0, vectors, count, RESULT]);
    assert_eq!(calls.u32(RESULT), 0);
    // No vectors at all.
    calls.ok("fd_read", &[0, vectors, 0, RESULT]);
    calls.ok("fd_write", &[1, vectors, 0, RESULT]);
    assert_eq!(calls.read(1, 1), Err(BADF));
}

#[test]
fn a_capture_has_a_limit() {
    let mut calls = Calls::new(Wasi::new().stdout(Output::capture(5)));
    assert_eq!(calls.write(1, b"1234"), Ok(4));
    assert_eq!(calls.write(1, b"56"), Err(NOSPC));
    assert_eq!(calls.write(1, b"5"), Ok(1));
    assert_eq!(calls.0.state().captured_stdout(), b"12345");
}

#[test]
fn streams_have_no_position() {
    let mut calls = Calls::new(Wasi::new().stdin(Input::bytes("abc")));
    for fd in 0..3 {
        assert_eq!(calls.seek(fd, 0, 1), Err(SPIPE));
        assert_eq!(calls.call("fd_tell", &[fd, RESULT]), SPIPE);
        let [vectors, count] = calls.vectors(&[(BYTES, 1)]);
        assert_eq!(calls.call("fd_pread", &[fd, vectors, count, 0, RESULT]), SPIPE);
        assert_eq!(calls.call("fd_pwrite", &[fd, vectors, count, 0, RESULT]), SPIPE);
        assert_eq!(calls.call("fd_sync", &[fd]), INVAL);
        assert_eq!(calls.call("fd_datasync", &[fd]), INVAL);
    }
}

/// A reader that gives a byte at a time, and a writer that counts its flushes.
#[derive(Clone, Default)]
struct Slow(Arc<Mutex<(u8, Vec<u8>)>>);

impl Read for Slow {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut state = self.0.lock().unwrap();
        state.0 += 1;
        buffer[0] = state.0;
        Ok(1)
    }
}

impl Write for Slow {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().1.push(bytes[0]);
        Ok(1)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.lock().unwrap().1.push(b'!');
        Ok(())
    }
}

#[test]
fn readers_and_writers_of_the_host() {
    let (input, output) = (Slow::default(), Slow::default());
    let wasi = Wasi::new().stdin(Input::reader(input)).stdout(Output::writer(output.clone(), false));
    let mut calls = Calls::new(wasi);
    // One read of the host for one of the program: it gets what there is.
    assert_eq!(calls.read(0, 10), Ok(vec![1]));
    assert_eq!(calls.read(0, 10), Ok(vec![2]));
    assert_eq!(calls.write(1, b"abc"), Ok(3));
    assert_eq!(output.0.lock().unwrap().1, b"abc!");
}

#[test]
fn a_closed_pipe_is_an_error_of_the_program() {
    struct Closed;
    impl Write for Closed {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::BrokenPipe.into())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let mut calls = Calls::new(Wasi::new().stdout(Output::writer(Closed, false)));
    assert_eq!(calls.write(1, b"x"), Err(64));
}

#[test]
fn a_stream_can_be_closed() {
    let mut calls = Calls::new(Wasi::new().stdout(Output::capture(9)));
    calls.ok("fd_close", &[1]);
    assert_eq!(calls.write(1, b"x"), Err(BADF));
    assert_eq!(calls.call("fd_close", &[1]), BADF);
    assert_eq!(calls.call("fd_close", &[99]), BADF);
    assert_eq!(calls.call("fd_close", &[u64::from(u32::MAX)]), BADF);
}
