//! Standard output and error streams of the `vsp` command that are full or closed by their reader.
#![cfg(target_os = "linux")]

mod command;

use std::fs::OpenOptions;
use std::process::Stdio;

use command::{code_with, example, file, run, run_with, stderr, stdout};

/// Returns a disk without space.
fn full() -> Stdio {
    OpenOptions::new().write(true).open("/dev/full").unwrap().into()
}

/// Returns a pipe without a reader.
fn unread() -> Stdio {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    writer.into()
}

/// Returns command lines of all subcommands, with the exit codes on success, with a full error stream, and with a full
/// standard output.
fn command_lines() -> Vec<(Vec<String>, [i32; 3])> {
    let fib = example("fib");
    let line = |line: &str, codes| {
        let words = line.split(' ').map(|word| if word == "FIB" { fib.clone() } else { word.to_owned() });
        (words.collect(), codes)
    };
    let mut lines = vec![
        line("run FIB 5", [0, 0, 1]),
        line("run --stats FIB 5", [0, 1, 1]),
        line("run --json FIB 5", [0, 1, 1]),
        line("run --fuel 5 --json FIB 5", [4, 4, 4]),
        line("run --engine interp --entry fib --results FIB 5", [1, 1, 1]),
        line("run /nonexistent.sil", [1, 1, 1]),
        line("run FIB --fuel many", [2, 2, 2]),
        line("check FIB", [0, 0, 1]),
        line("check /nonexistent.sil", [1, 1, 1]),
        line("trace FIB 3", [0, 1, 1]),
        line("trace --json FIB 3", [0, 1, 1]),
        line("profile FIB 3", [0, 1, 1]),
        line("fmt --check FIB", [0, 0, 0]),
        line("fmt /nonexistent.sil", [1, 1, 1]),
        line("asm /nonexistent.sil", [1, 1, 1]),
        line("dis FIB", [0, 0, 1]),
        line("debug FIB 3", [0, 0, 1]),
        line("dump FIB", [0, 0, 1]),
        line("dump --json FIB", [0, 0, 1]),
        line("cfg FIB", [0, 0, 1]),
        line("cfg FIB -o x.png", [1, 1, 1]),
        line("new /dev/null", [1, 1, 1]),
        line("completions bash", [0, 0, 1]),
        line("--help", [0, 0, 1]),
        line("--version", [0, 0, 1]),
        line("frobnicate", [2, 2, 2]),
    ];
    if cfg!(feature = "disassembler") {
        lines.push(line("ir FIB", [0, 0, 1]));
        lines.push(line("disasm-native FIB", [0, 0, 1]));
        lines.push(line("compile /nonexistent.sil", [1, 1, 1]));
    }
    lines
}

#[test]
fn a_full_stream_is_an_error_where_it_was_asked_for_and_never_a_panic() {
    for (line, codes) in command_lines() {
        let args: Vec<&str> = line.iter().map(String::as_str).collect();
        let found = [
            code_with(&args, Stdio::null, Stdio::null),
            code_with(&args, Stdio::null, full),
            code_with(&args, full, Stdio::null),
        ];
        assert_eq!(found, codes.map(Some), "{args:?}");
        // Both are full.
        assert_eq!(code_with(&args, full, full), Some(codes[1].max(codes[2])), "{args:?}");
    }
}

#[test]
fn a_reader_that_has_seen_enough_changes_no_exit_code() {
    for (line, [code, ..]) in command_lines() {
        let args: Vec<&str> = line.iter().map(String::as_str).collect();
        assert_eq!(code_with(&args, Stdio::null, unread), Some(code), "{args:?}");
        // A program is ended if its output has no reader.
        let ended = if line[0] == "run" && code == 0 { 0 } else { code };
        assert_eq!(code_with(&args, unread, Stdio::null), Some(ended), "{args:?}");
    }
}

/// The message agrees with the exit code.
#[test]
fn a_report_in_json_knows_that_the_output_is_lost() {
    let printing =
        ".import sys.print_int (1) -> 0\n.export main\n.func main (1) -> 1\n SYSCALL sys.print_int\n";
    for (rest, message) in [
        ("RET", "the output: No space left on device (os error 28)"),
        ("l: JMP l", "the fuel is used up; the output: No space left on device (os error 28)"),
    ] {
        let (folder, path) = file("p.sil", format!("{printing} {rest}\n.end\n").as_bytes());
        let to = folder.path().join("report");
        let report = || std::fs::File::create(&to).unwrap().into();
        let code = code_with(&["run", "--json", "--results", "--fuel", "99", &path, "7"], full, report);
        assert_eq!(code, Some(1));
        let report = std::fs::read_to_string(&to).unwrap();
        let report: serde_json::Value = serde_json::from_str(&report).unwrap_or_else(|_| panic!("{report}"));
        assert_eq!((&report["exit_code"], &report["message"]), (&1.into(), &message.into()), "{report}");
    }
}

/// The program is ended early, not only its output discarded.
#[test]
fn a_program_whose_output_nobody_wants_is_ended_without_an_error() {
    let endless = ".import sys.print_int (1) -> 0\n.export main\n.func main (0) -> 0\nl: SYSCALL sys.print_int\n JMP l\n.end\n";
    let (_folder, path) = file("endless.sil", endless.as_bytes());
    for command in ["run", "profile"] {
        assert_eq!(code_with(&[command, &path], unread, Stdio::null), Some(0), "{command}");
    }
    assert_eq!(code_with(&["trace", "--to", "-", &path], unread, Stdio::null), Some(0));
    for option in ["--to", "--flame"] {
        assert_eq!(code_with(&["profile", option, "-", &example("fib"), "3"], unread, Stdio::null), Some(0));
    }
}

/// The program, in Rust, takes a failed write for a fault, and panics.
#[cfg(feature = "wasm")]
#[test]
fn a_reader_that_has_seen_enough_ends_a_program_with_wasi() {
    let program = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/wasm/words.wasm");
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "::.");
    for option in ["--stats", "--json"] {
        let args = ["run", option, "--dir", folder, program, "README.md"];
        assert_eq!(code_with(&args, unread, Stdio::null), Some(0));
        assert_eq!(code_with(&args, Stdio::null, Stdio::null), Some(0));
    }
}

/// The shell closes the streams. (It cannot start programs of another machine.)
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
#[test]
fn closed_streams_change_no_exit_code() {
    for (line, [code, ..]) in command_lines() {
        for closed in ["2>&-", ">&-", ">&- 2>&-", "<&-"] {
            let script = format!("exec \"$0\" \"$@\" {closed}");
            let mut shell = std::process::Command::new("sh");
            shell.args(["-c", &script, env!("CARGO_BIN_EXE_vsp")]).args(&line);
            let status = shell.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status();
            match status.unwrap().code() {
                // An emulator would be needed.
                Some(126 | 127) => return,
                found => assert_eq!(found, Some(code), "{line:?} {closed}"),
            }
        }
    }
}

#[test]
fn the_debugger_says_that_the_disk_is_full() {
    let script = b"continue\nquit\n";
    let output = run_with(&["debug", &example("fib"), "--output", "/dev/full", "5"], script);
    assert_eq!(output.status.code(), Some(1));
    assert!(stdout(&output).contains("error: the program's output: No space left"), "{output:?}");
    assert!(stderr(&output).contains("error: the output: No space left"), "{output:?}");

    let (_folder, commands) = file("commands", script);
    let args = ["debug", &example("fib"), "--commands", &commands, "5"];
    assert_eq!(code_with(&args, Stdio::null, Stdio::null), Some(0));
    assert_eq!(code_with(&args, full, Stdio::null), Some(1));
}

/// `vsp_jit` and other readers of JSON round numbers beyond 2⁵³.
#[test]
fn registers_in_json_are_strings() {
    let text = ".export f\n.global g = -1\n.func f (0) -> 1\n CONST R0, 0xFFFFFFFFFFFFFFFF\n RET\n.end\n";
    let (_folder, path) = file("large.sil", text.as_bytes());
    let largest = "18446744073709551615";
    let report: serde_json::Value =
        serde_json::from_slice(&run(&["run", "--json", "--entry", "f", &path]).stderr).unwrap();
    assert_eq!(report["results"], serde_json::json!([largest]));
    assert_eq!(report["fuel_used"], 2);
    let dump: serde_json::Value = serde_json::from_str(&stdout(&run(&["dump", "--json", &path]))).unwrap();
    assert_eq!(dump["constants"], serde_json::json!([largest]));
    assert_eq!(dump["globals"][0]["initial"], largest);
    let trace = run(&["trace", "--json", "--entry", "f", "--count", "1", "--to", "-", &path]);
    let event: serde_json::Value = serde_json::from_str(&stdout(&trace)).unwrap();
    assert_eq!(event["changes"][0]["value"], largest);
}
