//! A process with little address space gets an answer or an error, in every engine.
#![cfg(all(feature = "jit", target_os = "linux", target_arch = "x86_64"))]

mod command;

use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Command, Output};

use command::{example, stderr, stdout};

const ENGINES: [&str; 4] = ["interp", "auto", "tier1", "tier2"];

/// Runs `vsp` in a process with this many KiB of address space.
fn run(kib: u32, args: &[&str]) -> Output {
    let script = format!("ulimit -v {kib} && exec \"$0\" \"$@\"");
    let mut shell = Command::new("sh");
    shell.args(["-c", &script, env!("CARGO_BIN_EXE_vsp")]).args(args).env("NO_COLOR", "1");
    shell.output().unwrap()
}

/// Cranelift aborts when it gets no memory (docs/security.md). Nothing else does.
fn is_abort_of_the_compiler(engine: &str, ran: &Output) -> bool {
    const SIGABRT: i32 = 6;
    let aborted = ran.status.signal() == Some(SIGABRT) && stderr(ran).contains("memory allocation of");
    aborted && engine != "interp"
}

/// The limits; the lowest just fits the command and the program's stack.
const LIMITS: [u32; 7] = [48_000, 56_000, 64_000, 80_000, 96_000, 160_000, 400_000];

#[test]
fn deep_recursion_traps_or_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("deep.sil");
    let source = ".export f\n.func f (1) -> 1\n ADDI R0, R0, 1\n CALL f\n ADD R0, R0, R0\n RET\n.end\n";
    std::fs::write(&path, source).unwrap();
    let path = path.display().to_string();
    let mut trapped = 0;
    for kib in LIMITS {
        for engine in ENGINES {
            // 24 MB of cells, and more of native stack.
            let stack = "3000000";
            let ran = run(kib, &["run", &path, "1", "--entry", "f", "--stack", stack, "--engine", engine]);
            let message = stderr(&ran);
            match ran.status.code() {
                Some(3) => assert!(message.contains("stack overflow"), "{kib} {engine}: {message}"),
                Some(1) => assert!(message.contains("memory"), "{kib} {engine}: {message}"),
                None if is_abort_of_the_compiler(engine, &ran) => {}
                _ => panic!("{kib} {engine}: {:?} {message}", ran.status),
            }
            trapped += u32::from(ran.status.code() == Some(3));
        }
    }
    assert!(trapped >= 8, "with much memory it traps");
}

#[test]
fn examples_give_their_results_or_are_refused() {
    let input = Path::new(env!("CARGO_MANIFEST_DIR")).join("../README.md").display().to_string();
    let programs = [
        vec![example("fib"), "15".to_owned()],
        vec![example("sha256"), "--input".to_owned(), input.clone()],
        vec![example("wc"), "--input".to_owned(), input],
    ];
    for program in &programs {
        let args: Vec<&str> = program.iter().map(String::as_str).collect();
        let wanted = stdout(&command::run(&[&["run"], &args[..]].concat()));
        for kib in LIMITS {
            for engine in ENGINES {
                let ran = run(kib, &[&["run", "--engine", engine], &args[..]].concat());
                match ran.status.code() {
                    Some(0) => assert_eq!(stdout(&ran), wanted, "{kib} {engine}"),
                    Some(1) => assert!(stderr(&ran).contains("memory"), "{kib} {engine}: {}", stderr(&ran)),
                    None if is_abort_of_the_compiler(engine, &ran) => {}
                    _ => panic!("{kib} {engine}: {:?} {}", ran.status, stderr(&ran)),
                }
            }
        }
    }
}
