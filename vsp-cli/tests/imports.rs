//! Programs that import functions of other hosts than the command.

mod command;

use command::{refusal, run, run_in, stderr, stdout};

const PROGRAM: &str = "\
.import env.clock (0) -> 1
.import env.pair (1) -> 2
.import env.stop (0) -> 0
.import sys.print_int (1) -> 0
.data line \"\\n\"
.import sys.write (2) -> 1
.export main
.func main (0) -> 0
    MOVI    R8, 3
again:
    SYSCALL env.clock
    SYSCALL sys.print_int
    MOVI    R0, line
    MOVI    R1, 1
    SYSCALL sys.write
    LOOP    R8, again
    SYSCALL env.pair
    SUB     R0, R0, R1
    SYSCALL sys.print_int
    SYSCALL env.stop
    RET
.end
";

const DECLARED: &str = "\
# The device's clock.
env.clock (0) -> 1 = 100; 250
env.pair (1) -> 2 = 50 8

; The device is switched off.
env.stop (0) -> 0 fails 7
";

fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("p.sil"), PROGRAM).unwrap();
    std::fs::write(folder.path().join("device.txt"), DECLARED).unwrap();
    folder
}

#[test]
fn declared_functions_answer_in_every_command_that_runs() {
    let folder = folder();
    for args in [
        &["run", "p.sil", "--imports", "device.txt"][..],
        &["run", "--engine", "interp", "p.sil", "--imports", "device.txt"],
        &["trace", "--to", "/dev/null", "p.sil", "--imports", "device.txt"],
        &["profile", "--to", "/dev/null", "p.sil", "--imports", "device.txt"],
    ] {
        let output = run_in(folder.path(), args, b"");
        assert_eq!(stdout(&output), "100\n250\n250\n42", "{args:?}: {}", stderr(&output));
        assert_eq!(output.status.code(), Some(3), "{args:?}");
        assert!(stderr(&output).contains("trap: env.stop failed: error 7"), "{}", stderr(&output));
    }
    std::fs::write(folder.path().join("commands"), "continue\n").unwrap();
    let args = ["debug", "p.sil", "--imports", "device.txt", "--commands", "commands"];
    assert!(stdout(&run_in(folder.path(), &args, b"")).contains("env.stop"));
}

#[test]
fn unknown_imports_are_listed_or_provided() {
    let folder = folder();
    let refused = run_in(folder.path(), &["run", "p.sil"], b"");
    assert_eq!(refused.status.code(), Some(1));
    for name in ["env.clock (0) -> 1", "env.pair (1) -> 2", "env.stop (0) -> 0"] {
        assert!(stderr(&refused).contains(name), "{}", stderr(&refused));
    }
    let zero = run_in(folder.path(), &["run", "p.sil", "--unknown-imports", "default"], b"");
    assert_eq!((zero.status.code(), stdout(&zero).as_str()), (Some(0), "0\n0\n0\n0"));
    let trap = run_in(folder.path(), &["run", "p.sil", "--unknown-imports", "trap"], b"");
    assert_eq!((trap.status.code(), stdout(&trap).as_str()), (Some(3), ""));
    assert!(
        stderr(&trap).contains("trap: env.clock failed: no host function provides it"),
        "{}",
        stderr(&trap)
    );
}

#[test]
fn check_compares_with_the_declarations() {
    let folder = folder();
    assert!(run_in(folder.path(), &["check", "p.sil"], b"").status.success());
    assert!(run_in(folder.path(), &["check", "p.sil", "--imports", "device.txt"], b"").status.success());
    std::fs::write(folder.path().join("other.txt"), "env.clock (1) -> 1\nenv.pair (1) -> 2\n").unwrap();
    let output = run_in(folder.path(), &["check", "p.sil", "--imports", "other.txt"], b"");
    assert_eq!(output.status.code(), Some(1));
    assert!(
        stderr(&output).contains("env.clock") && stderr(&output).contains("env.stop"),
        "{}",
        stderr(&output)
    );
}

#[test]
fn a_wrong_declaration_is_named_with_its_line() {
    let folder = folder();
    let path = folder.path().join("wrong.txt");
    std::fs::write(&path, "# nothing\nenv.clock 0\n").unwrap();
    let program = folder.path().join("p.sil").display().to_string();
    let error = refusal(&["run", &program, "--imports", path.to_str().unwrap()], 1);
    assert!(error.contains("wrong.txt:2: expected `MODULE.NAME (PARAMETERS) -> RESULTS`"), "{error}");
    std::fs::write(&path, "sys.write (2) -> 1\n").unwrap();
    let error = refusal(&["run", &program, "--imports", path.to_str().unwrap()], 1);
    assert!(error.contains("wrong.txt:1: ") && error.contains("sys.write"), "{error}");
    assert!(stderr(&run(&["run", &program, "--imports", "nowhere"])).contains("nowhere"));
}

#[test]
fn imports_are_listed_with_their_provider() {
    let folder = folder();
    let list = stdout(&run_in(folder.path(), &["imports", "p.sil"], b""));
    let lines: Vec<&str> = list.lines().collect();
    assert_eq!(lines.len(), 6, "{list}");
    assert!(lines[1].starts_with("env.clock (0) -> 1") && lines[1].ends_with("  nobody"), "{list}");
    assert!(lines[4].starts_with("sys.print_int (1) -> 0") && lines[4].ends_with("vsp"), "{list}");
    let declared = stdout(&run_in(folder.path(), &["imports", "p.sil", "--imports", "device.txt"], b""));
    assert!(declared.lines().nth(1).unwrap().ends_with("--imports"), "{declared}");
    let sys = stdout(&run(&["imports"]));
    assert!(sys.contains("sys.write (2) -> 1") && sys.contains("address, length"), "{sys}");
}
