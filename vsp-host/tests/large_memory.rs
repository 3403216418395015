//! Memory that nobody touches costs nothing.
#![cfg(all(target_os = "linux", target_pointer_width = "64"))]

mod command;

use std::time::{Duration, Instant};

use command::{file, run, stdout};
use vsp_core::program::Program;
use vsp_core::state::SavedState;
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

/// The most memory that this process had so far, in KiB.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

#[test]
fn an_instance_of_4_gib_is_created_and_restored_at_once() {
    let bytes = text::assemble(TEXT, "f.sil").unwrap();
    let program = Verified::new(Program::read(&bytes[..]).unwrap()).unwrap();
    let imports = Imports::<()>::new();
    // Reading memory that nobody wrote maps pages of zeros, which are not the process's own.
    let before = peak();
    let started = Instant::now();
    let mut instance = Instance::new(&program, &imports, (), Options::default()).unwrap();
    assert!(matches!(instance.call_export("f", &[]).unwrap(), Outcome::Suspended(_)));
    instance.reset();
    assert!(matches!(instance.call_export("f", &[]).unwrap(), Outcome::Suspended(_)));
    assert!(instance.memory().first() == Some(&0) && instance.memory().len() == 1 << 32);
    let created = started.elapsed();
    assert!(created < Duration::from_millis(200), "{created:?}");

    let saved = instance.save().unwrap();
    drop(instance);
    let saved = SavedState::read(&saved).unwrap();
    let started = Instant::now();
    let restored = Instance::restore(&program, &imports, (), Options::default(), &saved);
    let mut instance = restored.unwrap();
    let Outcome::Returned(results) = instance.resume(&[0]).unwrap() else { panic!("it returns") };
    assert_eq!(results[..], [u64::from(b's')]);
    let restored = started.elapsed();
    assert!(restored < Duration::from_millis(200), "{restored:?}");
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
