//! Programs that import WASI, run by the command.

mod command;

use std::fs;
use std::path::Path;
use std::process::Output;

use command::{run_in, stderr, stdout};

/// Each export shows one thing that the host gives. The directory has the number 3.
const PROBE: &str = "\
.memory 65536
.import wasi_snapshot_preview1.args_get (2) -> 1
.import wasi_snapshot_preview1.args_sizes_get (2) -> 1
.import wasi_snapshot_preview1.environ_get (2) -> 1
.import wasi_snapshot_preview1.environ_sizes_get (2) -> 1
.import wasi_snapshot_preview1.clock_time_get (3) -> 1
.import wasi_snapshot_preview1.random_get (2) -> 1
.import wasi_snapshot_preview1.fd_prestat_get (2) -> 1
.import wasi_snapshot_preview1.fd_prestat_dir_name (3) -> 1
.import wasi_snapshot_preview1.fd_read (4) -> 1
.import wasi_snapshot_preview1.fd_write (4) -> 1
.import wasi_snapshot_preview1.path_open (8) -> 1
.import wasi_snapshot_preview1.proc_exit (1) -> 0
.import wasi_snapshot_preview1.sock_shutdown (2) -> 1
.import sys.print_uint (1) -> 0
.import sys.arg_count (0) -> 1
.import sys.read (2) -> 1
.export _start
.export main
.export environment
.export random
.export directory
.export cat
.export create
.export exit
.export both
.export socket
.equ COUNT = 64
.equ SIZE = 68
.equ VECTOR = 80
.equ WRITTEN = 96
.equ POINTERS = 1024
.equ BYTES = 4096
.data name @ 128 \"note.txt\"
.data mark @ 160 \"|\"

; Writes R1 bytes at R0 to the standard output.
.func write (2) -> 0
    MOVI    R8, VECTOR
    STORE32 [R8], R0
    STORE32 [R8 + 4], R1
    MOVI    R0, 1
    MOVI    R1, VECTOR
    MOVI    R2, 1
    MOVI    R3, WRITTEN
    SYSCALL wasi_snapshot_preview1.fd_write
    RET
.end

.func main (0) -> 0
    MOVI    R0, 99
    SYSCALL sys.print_uint
    RET
.end

.func _start (0) -> 0
    MOVI    R0, COUNT
    MOVI    R1, SIZE
    SYSCALL wasi_snapshot_preview1.args_sizes_get
    MOVI    R0, POINTERS
    MOVI    R1, BYTES
    SYSCALL wasi_snapshot_preview1.args_get
    MOVI    R8, SIZE
    LOAD32U R1, [R8]
    MOVI    R0, BYTES
    CALL    write
    RET
.end

.func environment (0) -> 0
    MOVI    R0, COUNT
    MOVI    R1, SIZE
    SYSCALL wasi_snapshot_preview1.environ_sizes_get
    MOVI    R0, POINTERS
    MOVI    R1, BYTES
    SYSCALL wasi_snapshot_preview1.environ_get
    MOVI    R8, SIZE
    LOAD32U R1, [R8]
    MOVI    R0, BYTES
    CALL    write
    RET
.end

; A random number and the time.
.func random (0) -> 0
    MOVI    R0, BYTES
    MOVI    R1, 8
    SYSCALL wasi_snapshot_preview1.random_get
    MOVI    R0, 0
    MOVI    R1, 0
    MOVI    R2, BYTES + 8
    SYSCALL wasi_snapshot_preview1.clock_time_get
    MOVI    R0, BYTES
    MOVI    R1, 16
    CALL    write
    RET
.end

; The name of the first directory.
.func directory (0) -> 1
    MOVI    R0, 3
    MOVI    R1, BYTES
    SYSCALL wasi_snapshot_preview1.fd_prestat_get
    JNZ     R0, end
    MOVI    R8, BYTES
    LOAD32U R9, [R8 + 4]
    MOVI    R0, 3
    MOVI    R1, BYTES
    MOV     R2, R9
    SYSCALL wasi_snapshot_preview1.fd_prestat_dir_name
    MOVI    R0, BYTES
    MOV     R1, R9
    CALL    write
    MOVI    R0, 0
end:
    RET
.end

; Writes the standard input to the standard output.
.func cat (0) -> 0
next:
    MOVI    R8, VECTOR
    MOVI    R0, BYTES
    STORE32 [R8], R0
    MOVI    R0, 1000
    STORE32 [R8 + 4], R0
    MOVI    R0, 0
    MOVI    R1, VECTOR
    MOVI    R2, 1
    MOVI    R3, WRITTEN
    SYSCALL wasi_snapshot_preview1.fd_read
    MOVI    R8, WRITTEN
    LOAD32U R1, [R8]
    JZ      R1, end
    MOVI    R0, BYTES
    CALL    write
    JMP     next
end:
    RET
.end

; Creates a file, and returns the error.
.func create (0) -> 1
    MOVI    R0, 3
    MOVI    R1, name
    MOVI    R2, 8
    MOVI    R3, 1
    MOVI    R4, 64
    MOVI    R5, 64
    MOVI    R6, 0
    MOVI    R7, WRITTEN
    SYSCALL wasi_snapshot_preview1.path_open
    RET
.end

.func exit (1) -> 0
    SYSCALL wasi_snapshot_preview1.proc_exit
    RET
.end

; The outputs of both modules, in their order; the input of `sys` is empty.
.func both (0) -> 0
    SYSCALL sys.arg_count
    SYSCALL sys.print_uint
    MOVI    R0, mark
    MOVI    R1, 1
    CALL    write
    MOVI    R0, BYTES
    MOVI    R1, 10
    SYSCALL sys.read
    SYSCALL sys.print_uint
    RET
.end

.func socket (0) -> 1
    MOVI    R0, 0
    MOVI    R1, 0
    SYSCALL wasi_snapshot_preview1.sock_shutdown
    RET
.end
";

/// Runs the probe in a folder: `args` come after the file.
fn probe(folder: &Path, args: &[&str], input: &str) -> Output {
    fs::write(folder.join("probe.sil"), PROBE).unwrap();
    run_in(folder, &[&["run", "probe.sil"], args].concat(), input.as_bytes())
}

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

#[test]
fn the_first_argument_is_the_name_of_the_program() {
    let folder = folder();
    // The program imports WASI: it starts at `_start`, though it has a `main`.
    assert_eq!(stdout(&probe(folder.path(), &["one", "--", "--two"], "")), "probe.sil\0one\0--two\0");
    assert_eq!(stdout(&probe(folder.path(), &["--entry", "main"], "")), "99");
}

#[test]
fn the_environment_is_what_the_options_say() {
    let folder = folder();
    let environment = |args: &[&str]| probe(folder.path(), &[args, &["-e", "environment"]].concat(), "");
    assert_eq!(stdout(&environment(&[])), "");
    assert_eq!(stdout(&environment(&["--env", "A=b=c", "--env", "EMPTY="])), "A=b=c\0EMPTY=\0");
    // `NO_COLOR` is a variable of the tests.
    assert_eq!(stdout(&environment(&["--env", "NO_COLOR"])), "NO_COLOR=1\0");
    let unset = environment(&["--env", "VSP_IS_NOT_SET"]);
    assert_eq!(unset.status.code(), Some(1));
    assert!(stderr(&unset).contains("--env VSP_IS_NOT_SET: environment variable not found"));
}

#[test]
fn directories_have_the_name_that_the_option_gives() {
    let folder = folder();
    fs::create_dir(folder.path().join("data")).unwrap();
    let directory = |args: &[&str]| {
        stdout(&probe(folder.path(), &[args, &["-e", "directory", "--results"]].concat(), ""))
    };
    assert_eq!(directory(&[]), "8\n");
    assert_eq!(directory(&["--dir", "data"]), "data0\n");
    assert_eq!(directory(&["--dir", "data::/the/data"]), "/the/data0\n");
    assert_eq!(directory(&["--dir-ro", ".::/"]), "/0\n");
    let missing = probe(folder.path(), &["--dir", "none"], "");
    assert_eq!(missing.status.code(), Some(1));
    assert!(stderr(&missing).contains("the directory none: "), "{}", stderr(&missing));
}

#[test]
fn files_are_created_only_where_that_is_allowed() {
    let folder = folder();
    fs::create_dir(folder.path().join("data")).unwrap();
    let create =
        |args: &[&str]| stdout(&probe(folder.path(), &[args, &["-e", "create", "--results"]].concat(), ""));
    assert_eq!(create(&[]), "8\n");
    assert_eq!(create(&["--dir-ro", "data"]), "69\n");
    assert!(!folder.path().join("data/note.txt").exists());
    assert_eq!(create(&["--dir", "data"]), "0\n");
    assert!(folder.path().join("data/note.txt").exists());
}

#[test]
fn deterministic_runs_are_the_same() {
    let folder = folder();
    let random = |option: &str| probe(folder.path(), &[option, "-e", "random"], "").stdout;
    let seeded = random("--deterministic=5");
    assert_eq!(seeded.len(), 16);
    assert_eq!(random("--deterministic=5"), seeded);
    assert_ne!(random("--deterministic=6"), seeded);
    // The default is 0, and the option takes no word after it. SplitMix64 starts from 0 with 0xE220A8397B1DCDAF.
    let zero = random("--deterministic");
    assert_eq!(zero[..8], 0xE220_A839_7B1D_CDAF_u64.to_le_bytes());
    assert_eq!(random("--deterministic=0x0"), zero);
    // Without the option, the time of the system.
    assert_ne!(random("--stats")[8..], seeded[8..]);
}

#[test]
fn streams() {
    let folder = folder();
    assert_eq!(stdout(&probe(folder.path(), &["-e", "cat"], "some\ninput\n")), "some\ninput\n");
    fs::write(folder.path().join("in.txt"), "from a file").unwrap();
    let options = ["-e", "cat", "--input", "in.txt", "--output", "out.txt"];
    assert_eq!(stdout(&probe(folder.path(), &options, "ignored")), "");
    assert_eq!(fs::read_to_string(folder.path().join("out.txt")).unwrap(), "from a file");
    let program = run_in(folder.path(), &["run", "-", "-e", "cat"], PROBE.as_bytes());
    assert_eq!(stdout(&program), "");
    assert_eq!(program.status.code(), Some(0));
}

#[test]
fn both_modules_share_arguments_and_output() {
    let folder = folder();
    assert_eq!(stdout(&probe(folder.path(), &["-e", "both", "x", "y"], "input")), "2|0");
}

#[test]
fn the_exit_code_is_the_low_byte_of_the_status() {
    let folder = folder();
    for (status, code) in [("0", 0), ("1", 1), ("3", 3), ("126", 126), ("255", 255), ("256", 0), ("-1", 255)]
    {
        let output = probe(folder.path(), &["-e", "exit", "--", status], "");
        assert_eq!(output.status.code(), Some(code), "{status}");
        let note = stderr(&output);
        let expected = match status {
            "256" => "status 256; the exit code is its low byte, 0",
            "-1" => "status 4294967295; the exit code is its low byte, 255",
            _ => "",
        };
        assert!(note.contains(expected) && note.is_empty() == expected.is_empty(), "{note}");
    }
    let json = probe(folder.path(), &["-e", "exit", "--json", "7"], "");
    let report = stderr(&json);
    assert!(report.contains(r#""outcome":"exited","exit_code":7"#), "{report}");
}

#[test]
fn what_is_not_offered_is_reported() {
    let folder = folder();
    let socket = probe(folder.path(), &["-e", "socket", "--results"], "");
    assert_eq!(stdout(&socket), "52\n");
    assert_eq!(stderr(&socket), "wasi: sock_shutdown is not offered: it returns 52 (ENOSYS)\n");
}

#[test]
fn other_commands_run_such_programs() {
    let folder = folder();
    fs::write(folder.path().join("probe.sil"), PROBE).unwrap();
    for command in ["trace", "profile"] {
        let output = run_in(folder.path(), &[command, "probe.sil", "a"], b"");
        assert_eq!(stdout(&output), "probe.sil\0a\0", "{command}");
        let exit = run_in(folder.path(), &[command, "probe.sil", "-e", "exit", "7"], b"");
        assert_eq!(exit.status.code(), Some(7), "{command}");
    }
    fs::write(folder.path().join("in.txt"), "the input").unwrap();
    let debug = ["debug", "probe.sil", "-e", "cat", "--input", "in.txt"];
    let output = stdout(&run_in(folder.path(), &debug, b"continue\nrestart\ncontinue\n"));
    assert_eq!(output.matches("the input").count(), 2, "{output}");
    let debug = ["debug", "probe.sil", "-e", "exit", "7"];
    let output = stdout(&run_in(folder.path(), &debug, b"continue\n"));
    assert!(output.contains("the program exits with status 7; fuel used: "), "{output}");
    let imports = stdout(&run_in(folder.path(), &["imports", "probe.sil"], b""));
    assert_eq!(imports.lines().filter(|line| line.ends_with("  vsp")).count(), 16, "{imports}");
}

#[test]
fn wrong_imports_are_refused() {
    let folder = folder();
    let refused = |import: &str| {
        let text = format!(".import {import}\n.export _start\n.func _start (0) -> 0\n    RET\n.end\n");
        fs::write(folder.path().join("p.sil"), text).unwrap();
        let output = run_in(folder.path(), &["run", "p.sil"], b"");
        assert_eq!(output.status.code(), Some(1));
        stderr(&output)
    };
    let older = refused("wasi_unstable.fd_write (4) -> 1");
    assert!(older.contains("this older version of WASI is not offered"), "{older}");
    let unknown = refused("wasi_snapshot_preview1.fd_wrote (4) -> 1");
    assert!(unknown.contains("did you mean `wasi_snapshot_preview1.fd_write`?"), "{unknown}");
    let unpacked = refused("wasi_snapshot_preview1.path_open (7) -> 1");
    assert!(unpacked.contains("write `.import wasi_snapshot_preview1.path_open (8) -> 1`"), "{unpacked}");
}
