#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| vsp_snapshots::fuzz::run("state", data));
