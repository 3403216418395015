//! Clocks and random numbers.

use std::time::{Duration, SystemTime};

use vsp_host::wasi::Wasi;

use crate::support::*;

fn time(calls: &mut Calls, clock: u64) -> u64 {
    calls.ok("clock_time_get", &[clock, 0, RESULT]);
    calls.u64(RESULT)
}

#[test]
fn the_clocks_of_the_system() {
    let mut calls = Calls::new(Wasi::new());
    let now = SystemTime::UNIX_EPOCH.elapsed().unwrap();
    let wall = Duration::from_nanos(time(&mut calls, 0));
    assert!(wall >= now && wall < now + Duration::from_secs(3_600), "{wall:?}");
    let first = time(&mut calls, 1);
    assert!(time(&mut calls, 1) >= first);
    calls.ok("clock_res_get", &[0, RESULT]);
    assert!(calls.u64(RESULT) > 0);
}

#[test]
fn other_clocks() {
    let mut calls = Calls::new(Wasi::new());
    for (clock, error) in [(2, NOTSUP), (3, NOTSUP), (4, INVAL), (u64::from(u32::MAX), INVAL)] {
        assert_eq!(calls.call("clock_time_get", &[clock, 0, RESULT]), error);
        assert_eq!(calls.call("clock_res_get", &[clock, RESULT]), error);
    }
    assert_eq!(calls.call("clock_time_get", &[1, 0, MEMORY - 7]), FAULT);
    assert_eq!(calls.call("clock_res_get", &[1, MEMORY - 7]), FAULT);
}

#[test]
fn the_virtual_clock_moves_with_each_look() {
    let mut calls = Calls::new(Wasi::new().deterministic(0));
    assert_eq!(time(&mut calls, 1), 1_000);
    // 2000-01-01 is 10,957 days after 1970-01-01.
    assert_eq!(time(&mut calls, 0), 10_957 * 86_400 * 1_000_000_000 + 2_000);
    assert_eq!(time(&mut calls, 1), 3_000);
    calls.ok("clock_res_get", &[1, RESULT]);
    assert_eq!(calls.u64(RESULT), 1_000);
}

#[test]
fn random_bytes_of_the_system() {
    let mut calls = Calls::new(Wasi::new());
    calls.ok("random_get", &[BYTES, 64]);
    let first = calls.get(BYTES, 64);
    calls.ok("random_get", &[BYTES, 64]);
    assert_ne!(calls.get(BYTES, 64), first);
    assert_eq!(calls.get(BYTES + 64, 8), [0; 8]);
    assert_eq!(calls.call("random_get", &[MEMORY - 1, 2]), FAULT);
    // Without bytes the address does not matter.
    calls.ok("random_get", &[u64::from(u32::MAX), 0]);
}

#[test]
fn seeded_bytes_are_those_of_splitmix64() {
    let mut calls = Calls::new(Wasi::new().deterministic(1_234_567));
    // The first numbers of the reference implementation (Vigna, splitmix64.c) for this seed.
    let numbers = [6_457_827_717_110_365_317_u64, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423];
    let bytes: Vec<u8> = numbers.into_iter().flat_map(u64::to_le_bytes).collect();
    // However they are cut.
    for (address, length) in [(0, 3), (3, 6), (9, 1), (10, 14)] {
        calls.ok("random_get", &[BYTES + address, length]);
    }
    assert_eq!(calls.get(BYTES, 24), bytes);

    let mut other = Calls::new(Wasi::new().deterministic(1_234_568));
    other.ok("random_get", &[BYTES, 24]);
    assert_ne!(other.get(BYTES, 24), bytes);
}
