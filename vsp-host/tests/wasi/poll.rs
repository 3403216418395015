//! Waiting.

use std::time::{Duration, Instant};

use vsp_host::wasi::{Input, Wasi};

use crate::support::*;

const EVENTS: u64 = 8_192;

/// A time to wait for.
fn timer(user: u64, clock: u32, timeout: u64, flags: u16) -> [u8; 48] {
    let mut bytes = [0; 48];
    bytes[..8].copy_from_slice(&user.to_le_bytes());
    bytes[16..20].copy_from_slice(&clock.to_le_bytes());
    bytes[24..32].copy_from_slice(&timeout.to_le_bytes());
    bytes[40..42].copy_from_slice(&flags.to_le_bytes());
    bytes
}

/// A descriptor to wait for: `tag` is 1 to read it, 2 to write it.
fn descriptor(user: u64, tag: u8, fd: u32) -> [u8; 48] {
    let mut bytes = [0; 48];
    bytes[..8].copy_from_slice(&user.to_le_bytes());
    bytes[8] = tag;
    bytes[16..20].copy_from_slice(&fd.to_le_bytes());
    bytes
}

/// Returns the events: what they are of, the error, the tag, the bytes.
fn poll(calls: &mut Calls, subscriptions: &[[u8; 48]]) -> Vec<(u64, u16, u8, u64)> {
    calls.put(BYTES, &subscriptions.concat());
    calls.ok("poll_oneoff", &[BYTES, EVENTS, subscriptions.len() as u64, RESULT]);
    let count = u64::from(calls.u32(RESULT));
    let mut event = |index: u64| {
        let bytes = calls.get(EVENTS + index * 32, 32);
        let number = |at: usize| u64::from_le_bytes(bytes[at..][..8].try_into().unwrap());
        (number(0), u16::from_le_bytes([bytes[8], bytes[9]]), bytes[10], number(16))
    };
    (0..count).map(&mut event).collect()
}

#[test]
fn timers_of_the_virtual_clock() {
    let mut calls = Calls::new(Wasi::new().deterministic(0));
    let hour = 3_600_000_000_000;
    // The call looks at the clock once: 1 µs. Two timers that are due are both reported.
    let events = poll(&mut calls, &[timer(1, 1, hour, 0), timer(2, 1, hour + 1, 0), timer(3, 0, hour, 0)]);
    assert_eq!(events, [(1, 0, 0, 0), (3, 0, 0, 0)]);
    calls.ok("clock_time_get", &[1, 0, RESULT]);
    assert_eq!(calls.u64(RESULT), hour + 2_000);
    // A time of the clock itself, in the past and in the future.
    assert_eq!(poll(&mut calls, &[timer(4, 1, 5, 1)]), [(4, 0, 0, 0)]);
    let wall = 946_684_800_000_000_000 + 2 * hour;
    assert_eq!(poll(&mut calls, &[timer(5, 0, wall, 1)]), [(5, 0, 0, 0)]);
    calls.ok("clock_time_get", &[0, 0, RESULT]);
    assert_eq!(calls.u64(RESULT), wall + 1_000);
}

#[test]
fn timers_of_the_system() {
    let mut calls = Calls::new(Wasi::new());
    let started = Instant::now();
    assert_eq!(poll(&mut calls, &[timer(1, 1, 20_000_000, 0)]), [(1, 0, 0, 0)]);
    assert!(started.elapsed() >= Duration::from_millis(20));
}

#[test]
fn descriptors_are_ready() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("file"), "12345").unwrap();
    let wasi = Wasi::new().stdin(Input::bytes("abc"));
    let wasi = wasi.preopen_dir(folder.path(), "/", vsp_host::wasi::Access::ReadWrite).unwrap();
    let mut calls = Calls::new(wasi);
    let fd = calls.open(ROOT, "file", 0, READ | WRITE).unwrap();
    calls.seek(fd, 2, 0).unwrap();
    let fd = fd as u32;
    let events = poll(
        &mut calls,
        &[
            descriptor(10, 1, 0),
            descriptor(11, 2, 1),
            descriptor(12, 1, fd),
            descriptor(13, 2, fd),
            timer(14, 1, 1 << 60, 0),
        ],
    );
    assert_eq!(events, [(10, 0, 1, 3), (11, 0, 2, 1), (12, 0, 1, 3), (13, 0, 2, 1)]);
}

#[test]
fn errors_are_events() {
    let mut calls = Calls::new(Wasi::new());
    let events = poll(
        &mut calls,
        &[
            descriptor(1, 1, 99),
            descriptor(2, 2, 99),
            descriptor(3, 1, 1),
            descriptor(4, 2, 0),
            timer(5, 2, 0, 0),
            timer(6, 9, 0, 0),
            timer(7, 1, 0, 2),
        ],
    );
    let errors: Vec<(u64, u16)> = events.iter().map(|event| (event.0, event.1)).collect();
    assert_eq!(errors, [(1, 8), (2, 8), (3, 8), (4, 8), (5, 58), (6, 28), (7, 28)]);
}

#[test]
fn errors_of_the_call() {
    let mut calls = Calls::new(Wasi::new());
    assert_eq!(calls.call("poll_oneoff", &[BYTES, EVENTS, 0, RESULT]), INVAL);
    assert_eq!(calls.call("poll_oneoff", &[BYTES, EVENTS, u64::from(u32::MAX), RESULT]), INVAL);
    assert_eq!(calls.call("poll_oneoff", &[MEMORY - 47, EVENTS, 1, RESULT]), FAULT);
    assert_eq!(calls.call("poll_oneoff", &[BYTES, MEMORY - 31, 1, RESULT]), FAULT);
    assert_eq!(calls.call("poll_oneoff", &[BYTES, EVENTS, 1, MEMORY - 3]), FAULT);
    calls.put(BYTES, &descriptor(1, 3, 0));
    assert_eq!(calls.call("poll_oneoff", &[BYTES, EVENTS, 1, RESULT]), INVAL);
}
