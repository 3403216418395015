//! Memory that is not accessed costs nothing.
#![cfg(all(target_os = "linux", target_pointer_width = "64"))]

mod command;

#[cfg(target_arch = "x86_64")]
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use command::{file, run, stdout};
use vsp_core::program::Program;
use vsp_core::snapshot::Snapshot;
use vsp_core::verify::Verified;
use vsp_core::{Imports, Instance, Options, Outcome, text};

const TEXT: &str = "\
.memory 4294967296
.data d @ 4294967280 \"sixteen bytes .\"
.export f
.func f (0) -> 1
 YIELD R0
 MOVI R1, d
 LOAD8U R0, [R1]
 RET
.end
";

/// Returns a number of KiB in the status of a process, `self` for this one.
fn status(process: &str, name: &str) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status.lines().find(|line| line.starts_with(name)).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

/// Returns the peak memory of this process, in KiB.
fn peak() -> u64 {
    status("self", "VmHWM:")
}

#[test]
fn an_instance_of_4_gib_is_created_and_restored_at_once() {
    let bytes = text::assemble(TEXT, "f.sil").unwrap();
    let program = Verified::new(Program::read(&bytes[..]).unwrap()).unwrap();
    let imports = Imports::<()>::new();
    // Reading memory that was not written maps pages of zeros, which are shared.
    let before = peak();
    let started = Instant::now();
    let mut instance = Instance::new(&program, &imports, (), Options::default()).unwrap();
    assert!(matches!(instance.call_export("f", &[]).unwrap(), Outcome::Suspended(_)));
    instance.reset();
    assert!(matches!(instance.call_export("f", &[]).unwrap(), Outcome::Suspended(_)));
    assert!(instance.memory().first() == Some(&0) && instance.memory().len() == 1 << 32);
    let created = started.elapsed();
    assert!(created < Duration::from_secs(2), "{created:?}");

    let saved = instance.save().unwrap();
    drop(instance);
    let saved = Snapshot::read(&saved).unwrap();
    let started = Instant::now();
    let restored = Instance::restore(&program, &imports, (), Options::default(), &saved);
    let mut instance = restored.unwrap();
    let Outcome::Returned(results) = instance.resume(&[0]).unwrap() else { panic!("it returns") };
    assert_eq!(results[..], [u64::from(b's')]);
    let restored = started.elapsed();
    assert!(restored < Duration::from_secs(2), "{restored:?}");
    let grown = peak() - before;
    assert!(grown < 64 << 10, "{grown} KiB");
}

#[test]
fn a_memory_grows_to_4_gib_at_once() {
    let source = "\
.memory 65536, 4294967296
.export f
.func f (1) -> 2
 MEMGROW R0, R0
 MEMSIZE R1
 MOVI R2, 7
 STORE8 [R1 - 1], R2
 LOAD8U R2, [R1 - 1]
 RET
.end
";
    let bytes = text::assemble(source, "f.sil").unwrap();
    let program = Verified::new(Program::read(&bytes[..]).unwrap()).unwrap();
    let imports = Imports::<()>::new();
    let before = peak();
    let started = Instant::now();
    let mut instance = Instance::new(&program, &imports, (), Options::default()).unwrap();
    let Outcome::Returned(results) = instance.call_export("f", &[65_535]).unwrap() else {
        panic!("it returns")
    };
    assert_eq!(results[..], [1, 1 << 32]);
    assert!(started.elapsed() < Duration::from_secs(2), "{:?}", started.elapsed());
    let grown = peak() - before;
    assert!(grown < 64 << 10, "{grown} KiB");
}

#[test]
fn a_command_with_4_gib_is_there_at_once() {
    let (_folder, path) = file("f.sil", TEXT.replace(" YIELD R0\n", "").as_bytes());
    let started = Instant::now();
    let output = run(&["run", "--entry", "f", "--results", &path]);
    assert_eq!(stdout(&output), "115\n");
    assert!(started.elapsed() < Duration::from_secs(2), "{:?}", started.elapsed());
}

/// The process is examined while it waits for its input. (An emulator has additional memory.)
#[cfg(target_arch = "x86_64")]
#[test]
fn a_command_with_4_gib_takes_what_it_touches() {
    let text = TEXT
        .replace(".export f", ".import sys.read (2) -> 1\n.export f")
        .replace(" YIELD R0", " MOVI R0, 0\n MOVI R1, 1\n SYSCALL sys.read");
    let (_folder, path) = file("f.sil", text.as_bytes());
    let mut vsp = Command::new(env!("CARGO_BIN_EXE_vsp"));
    let vsp = vsp.args(["run", "--entry", "f", "--results", &path]);
    let Ok(mut child) = vsp.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn() else { return };
    let process = child.id().to_string();
    let started = Instant::now();
    let is_waiting =
        || std::fs::read_to_string(format!("/proc/{process}/status")).unwrap().contains("State:\tS");
    while !(is_waiting() && status(&process, "VmSize:") > 4 << 20) {
        assert!(started.elapsed() < Duration::from_secs(20), "it does not start");
        std::thread::sleep(Duration::from_millis(10));
    }
    std::thread::sleep(Duration::from_millis(100));
    let peak = status(&process, "VmHWM:");
    drop(child.stdin.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(stdout(&output), "115\n");
    assert!(peak < 100 << 10, "{peak} KiB");
}
