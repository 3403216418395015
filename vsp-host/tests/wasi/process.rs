//! Arguments, environment, exit; what is not offered.

use vsp_core::{Outcome, Trap};
use vsp_host::wasi::{Exit, Output, Wasi};

use crate::support::*;

#[test]
fn arguments_and_environment() {
    let wasi = Wasi::new().args(["program", "", "größe"]).env("HOME", "/").env("EMPTY", "");
    let mut calls = Calls::new(wasi);
    for (sizes, get, texts) in [
        ("args_sizes_get", "args_get", vec!["program", "", "größe"]),
        ("environ_sizes_get", "environ_get", vec!["HOME=/", "EMPTY="]),
    ] {
        calls.ok(sizes, &[RESULT, RESULT + 4]);
        assert_eq!(calls.u32(RESULT) as usize, texts.len());
        let size: usize = texts.iter().map(|text| text.len() + 1).sum();
        assert_eq!(calls.u32(RESULT + 4) as usize, size);
        calls.ok(get, &[VECTORS, BYTES]);
        let mut at = BYTES;
        for (index, text) in (0..).zip(&texts) {
            assert_eq!(u64::from(calls.u32(VECTORS + 4 * index)), at);
            assert_eq!(calls.get(at, text.len() + 1), [text.as_bytes(), b"\0"].concat());
            at += text.len() as u64 + 1;
        }
        // The last NUL is outside of the memory.
        assert_eq!(calls.call(get, &[VECTORS, MEMORY - size as u64]), SUCCESS);
        assert_eq!(calls.call(get, &[VECTORS, MEMORY - size as u64 + 1]), FAULT);
        assert_eq!(calls.call(get, &[MEMORY - 4, BYTES]), FAULT);
    }
}

#[test]
fn without_arguments_nothing_is_written() {
    let mut calls = Calls::new(Wasi::new());
    calls.ok("args_sizes_get", &[RESULT, RESULT + 4]);
    assert_eq!(calls.u64(RESULT), 0);
    calls.ok("args_get", &[u64::from(u32::MAX), u64::from(u32::MAX)]);
}

#[test]
fn exit_ends_the_program_with_a_number() {
    for status in [0, 1, 126, 255, 256, u32::MAX] {
        let mut calls = Calls::new(Wasi::new());
        let outcome = calls.0.call_export("proc_exit", &[status.into()]).unwrap();
        assert!(matches!(outcome, Outcome::Trapped(it) if it.trap == Trap::Host(status)), "{outcome:?}");
        let exit = calls.0.host_error().and_then(|error| error.downcast_ref::<Exit>());
        assert_eq!(exit, Some(&Exit { status }));
    }
}

#[test]
fn signals_and_sockets() {
    let mut calls = Calls::new(Wasi::new().stderr(Output::capture(10_000)));
    calls.ok("sched_yield", &[]);
    assert_eq!(calls.call("proc_raise", &[6]), NOTSUP);
    for _ in 0..3 {
        assert_eq!(calls.call("sock_accept", &[3, 0, RESULT]), NOSYS);
        assert_eq!(calls.call("sock_recv", &[3, 0, 0, 0, RESULT, RESULT]), NOSYS);
        assert_eq!(calls.call("sock_send", &[3, 0, 0, 0, RESULT]), NOSYS);
        assert_eq!(calls.call("sock_shutdown", &[3, 3]), NOSYS);
    }
    // Each is reported once.
    let report = String::from_utf8(calls.0.state().captured_stderr().to_vec()).unwrap();
    let names: Vec<&str> = report.lines().filter_map(|line| line.split(' ').nth(1)).collect();
    assert_eq!(names, ["sock_accept", "sock_recv", "sock_send", "sock_shutdown"]);
}
