//! `vsp run --record` and `vsp replay`: runs that are repeated without the host.
#![cfg(unix)]

mod command;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Output;

use command::{ENGINES, example, folder, run_in, stderr, stdout, vsp, words};

/// Copies the input to the output and its length to the error stream, and exits with the last byte. Some input traps.
const COPY: &str = "
.import sys.read (2) -> 1
.import sys.write (2) -> 1
.import sys.error_uint (1) -> 0
.import sys.exit_code (1) -> 0
.export main
.space byte 8
.func main (0) -> 0
    MOVI    R8, 0
next:
    MOVI    R0, byte
    MOVI    R1, 1
    SYSCALL sys.read
    JZ      R0, end
    MOVI    R9, 100
count:
    LOOP    R9, count
    MOVI    R9, byte
    LOAD8U  R9, [R9]
    JEQI    R9, '!', fail
    MOVI    R0, byte
    MOVI    R1, 1
    SYSCALL sys.write
    ADDI    R8, 1
    JMP     next
end:
    MOV     R0, R8
    SYSCALL sys.error_uint
    MOVI    R0, byte
    LOAD8U  R0, [R0]
    SYSCALL sys.exit_code
    RET
fail:
    TRAP    5
    RET
.end
";

/// Returns what a replay printed to the error stream before its note, and the note.
fn split_note(replayed: &Output) -> (String, String) {
    let text = stderr(replayed);
    let at = text.rfind("note: replayed ").unwrap_or_else(|| panic!("no note: {text}"));
    (text[..at].to_owned(), text[at..].to_owned())
}

#[test]
fn every_engine_replays_what_every_engine_records() {
    let folder = folder(&[("copy.sil", COPY)]);
    let folder = folder.path();
    vsp(folder, &["asm", "copy.sil", "-o", "copy.silc"], b"", 0);
    for (program, input) in [("copy.sil", "some text\n"), ("copy.silc", "more"), ("copy.sil", "tra!p")] {
        let mut first: Option<Vec<u8>> = None;
        for engine in ENGINES {
            let args = ["run", program, "--record", "l.vsr", "--engine", engine];
            let recorded = run_in(folder, &args, input.as_bytes());
            let recording = fs::read(folder.join("l.vsr")).unwrap();
            assert!(*first.get_or_insert_with(|| recording.clone()) == recording, "{program} {engine}");
            for engine in ENGINES {
                let code = recorded.status.code().unwrap();
                let again = vsp(folder, &["replay", "l.vsr", "--engine", engine], b"", code);
                assert_eq!(stdout(&again), stdout(&recorded));
                let (printed, note) = split_note(&again);
                // The source is found if it is where it was.
                assert!(printed.starts_with(stderr(&recorded).lines().next().unwrap()), "{printed}");
                assert!(note.contains("in the same state as the recorded one"), "{note}");
                assert!(note.ends_with(&format!("; exit code {code}\n")), "{note}");
            }
        }
        let quiet = run_in(folder, &["replay", "--quiet", "l.vsr"], b"");
        assert_eq!(stdout(&quiet), "");
    }
    let error = stderr(&run_in(folder, &["replay", "l.vsr"], b""));
    assert!(error.contains("error: trap: "), "{error}");
    assert!(error.contains("note: replayed 7 host calls and "), "{error}");
    assert!(error.contains("the program trapped"), "{error}");
}

#[test]
fn a_recording_goes_through_a_pipe_and_its_output_to_a_file() {
    let folder = folder(&[("copy.sil", COPY)]);
    let folder = folder.path();
    let recorded = vsp(folder, &words("run copy.sil --record - --output out"), b"0123\x07", 7).stdout;
    let again = vsp(folder, &["replay", "-"], &recorded, 7);
    assert_eq!(again.stdout, fs::read(folder.join("out")).unwrap());
    vsp(folder, &words("replay - --output again"), &recorded, 7);
    assert_eq!(fs::read(folder.join("again")).unwrap(), b"0123\x07");
    let error = stderr(&vsp(folder, &words("run copy.sil --record -"), b"", 1));
    assert!(error.contains("name another for it with --output"), "{error}");
}

/// A module: `add` with types, and a start function before it.
#[cfg(feature = "wasm")]
#[test]
fn typed_results_of_webassembly_are_shown_again() {
    let module =
        "(module (global $g (mut i64) (i64.const 1)) (func $s (global.set $g (i64.const 40))) (start $s)
        (func (export \"add\") (param i64 f64) (result i64 f64)
            (i64.add (local.get 0) (global.get $g)) (f64.mul (local.get 1) (f64.const 2))))";
    let folder = folder(&[("m.wat", module)]);
    let folder = folder.path();
    let recorded = vsp(folder, &words("run m.wat --record l.vsr --invoke add 2 0.25"), b"", 0);
    assert_eq!(stdout(&recorded), "42\n0.5\n");
    for engine in ENGINES {
        let again = vsp(folder, &["replay", "l.vsr", "--engine", engine], b"", 0);
        assert_eq!(stdout(&again), "42\n0.5\n");
    }
}

/// Files, arguments, the environment, clocks and random numbers of the host.
#[cfg(feature = "wasi")]
#[test]
fn programs_that_import_wasi_are_replayed_without_files_and_time() {
    let words_wasm = command::root().join("examples/wasm/words.wasm").display().to_string();
    let folder = folder(&[("text", "one two two three three three\n"), ("copy.sil", WASI)]);
    let folder = folder.path();
    let args = ["run", &words_wasm, "--dir", ".", "--record", "l.vsr", "text"];
    let recorded = run_in(folder, &args, b"one two two\n");
    let code = recorded.status.code().unwrap();
    vsp(folder, &words("run copy.sil --record r.vsr --env NAME=value one two"), b"input", 200);
    let printed = vsp(folder, &words("replay r.vsr"), b"", 200).stdout;
    fs::remove_file(folder.join("text")).unwrap();
    for engine in ENGINES {
        let again = vsp(folder, &["replay", "l.vsr", "--engine", engine], b"", code);
        assert_eq!(stdout(&again), stdout(&recorded));
        let again = vsp(folder, &["replay", "r.vsr", "--engine", engine], b"", 200);
        assert!(again.stdout == printed && printed.len() == 16);
        assert!(stderr(&again).contains("the program exited, in the same state"), "{}", stderr(&again));
    }
}

/// Writes 8 random bytes and the time, and exits with status 200.
#[cfg(feature = "wasi")]
const WASI: &str = "
.memory 65536
.import wasi_snapshot_preview1.random_get (2) -> 1
.import wasi_snapshot_preview1.clock_time_get (3) -> 1
.import wasi_snapshot_preview1.fd_write (4) -> 1
.import wasi_snapshot_preview1.proc_exit (1) -> 0
.export _start
.func _start (0) -> 0
    MOVI    R0, 96
    MOVI    R1, 8
    SYSCALL wasi_snapshot_preview1.random_get
    MOVI    R0, 1
    MOVI    R1, 0
    MOVI    R2, 104
    SYSCALL wasi_snapshot_preview1.clock_time_get
    MOVI    R8, 64
    MOVI    R9, 96
    STORE32 [R8], R9
    MOVI    R9, 16
    STORE32 [R8 + 4], R9
    MOVI    R0, 1
    MOVI    R1, 64
    MOVI    R2, 1
    MOVI    R3, 80
    SYSCALL wasi_snapshot_preview1.fd_write
    MOVI    R0, 200
    SYSCALL wasi_snapshot_preview1.proc_exit
    RET
.end
";

#[test]
fn scripted_imports_are_not_needed_again() {
    let program = ".import os.next (1) -> 1\n.import sys.print_int (1) -> 0\n.export main\n.func main (0) -> 0\n\
                   MOVI R0, 1\nSYSCALL os.next\nSYSCALL sys.print_int\nMOVI R0, 2\nSYSCALL os.next\n\
                   SYSCALL sys.print_int\nRET\n.end\n";
    let folder = folder(&[("p.sil", program), ("answers", "os.next (1) -> 1 = 40; -2\n")]);
    let folder = folder.path();
    let recorded = vsp(folder, &words("run p.sil --imports answers --record l.vsr"), b"", 0);
    assert_eq!(stdout(&recorded), "40-2");
    fs::remove_file(folder.join("answers")).unwrap();
    assert_eq!(stdout(&vsp(folder, &["replay", "l.vsr"], b"", 0)), "40-2");
}

/// A run that was stopped ends there, and its replay in the same state; so does the rest of the run.
#[test]
fn runs_that_are_stopped_and_go_on_are_replayed() {
    let folder = folder(&[("copy.sil", COPY)]);
    let folder = folder.path();
    for engine in ENGINES {
        for stop in ["--save s.vss --at 350", "--fuel 350", "--save s.vss --fuel 350"] {
            let line = format!("run copy.sil --record l.vsr --engine {engine} {stop}");
            let recorded = vsp(folder, &words(&line), b"0123456789", 4);
            for engine in ENGINES {
                let again = vsp(folder, &["replay", "l.vsr", "--engine", engine], b"", 4);
                assert_eq!(stdout(&again), stdout(&recorded));
                let (_, note) = split_note(&again);
                assert!(note.contains("the program was at function main, word 6 (copy.sil:17)"), "{note}");
                assert!(note.contains("in the same state as the recorded one; exit code 4"), "{note}");
            }
        }
        vsp(folder, &words("run copy.sil --save s.vss --at 350"), b"0123456789", 4);
        let line = format!("resume s.vss --record rest.vsr --engine {engine}");
        let rest = vsp(folder, &words(&line), b"", b'9'.into());
        assert_eq!(stdout(&rest), "3456789");
        let shown = stdout(&vsp(folder, &["state", "rest.vsr"], b"", 0));
        assert!(shown.contains("begins   in a call of main"), "{shown}");
        for engine in ENGINES {
            let again = vsp(folder, &["replay", "rest.vsr", "--engine", engine], b"", b'9'.into());
            assert_eq!(stdout(&again), "3456789");
        }
    }
    // Wherever the time was over, if it was.
    for slice in ["1ms", "5ms", "20ms"] {
        let input = [b'.'; 20_000];
        let args = ["run", "copy.sil", "--record", "l.vsr", "--save", "s.vss", "--slice", slice];
        let recorded = run_in(folder, &args, &input);
        let code = recorded.status.code().unwrap();
        assert!(code == 4 || code == b'.'.into(), "{}", stderr(&recorded));
        assert_eq!(vsp(folder, &["replay", "l.vsr"], b"", code).stdout, recorded.stdout);
    }
}

#[test]
fn a_recording_is_private_and_replaces_an_old_one_at_the_end() {
    let folder = folder(&[("copy.sil", COPY), ("l.vsr", "old")]);
    let folder = folder.path();
    let mode = || fs::metadata(folder.join("l.vsr")).unwrap().permissions().mode() & 0o777;
    for (args, expected) in [
        ("run absent.sil --record l.vsr", "absent.sil: No such file"),
        ("run copy.sil --record l.vsr --entry absent", "does not export \"absent\""),
        ("run copy.sil --record copy.sil", "copy.sil: this is the program, which would be lost"),
        ("run copy.sil --record o --output o", "o: two outputs cannot go to the same file"),
        ("run copy.sil --record no/l.vsr", "no/l.vsr: No such file or directory"),
    ] {
        let error = stderr(&vsp(folder, &words(args), b"", 1));
        assert!(error.contains(expected), "{error}");
    }
    assert_eq!(fs::read(folder.join("l.vsr")).unwrap(), b"old");
    vsp(folder, &words("run copy.sil --record l.vsr"), b"\0", 0);
    assert_eq!(mode(), 0o600);
    let names = fs::read_dir(folder).unwrap().map(|it| it.unwrap().file_name().into_string().unwrap());
    let others: Vec<String> =
        names.filter(|name| name.contains("partial") || name.starts_with('.')).collect();
    assert!(others.is_empty(), "{others:?}");
    if Path::new("/dev/full").exists() {
        let error = stderr(&vsp(folder, &words("run copy.sil --record /dev/full"), b"\0", 1));
        assert!(error.contains("/dev/full: No space left on device"), "{error}");
    }
    let error = stderr(&vsp(folder, &["replay", "copy.sil"], b"", 1));
    assert!(error.contains("copy.sil: this is not a recording of `vsp run --record`"), "{error}");
}

#[test]
fn a_recording_without_the_program_needs_the_same_program() {
    let folder =
        folder(&[("copy.sil", COPY), ("other.sil", ".export main\n.func main (0) -> 0\nRET\n.end\n")]);
    let folder = folder.path();
    vsp(folder, &words("run copy.sil --record l.vsr --record-program path"), b"0\x01", 1);
    assert_eq!(stdout(&vsp(folder, &["replay", "l.vsr"], b"", 1)), "0\x01");
    let shown = stdout(&vsp(folder, &["state", "l.vsr"], b"", 0));
    assert!(shown.contains("not in the file") && shown.contains("sys.read        3\n"), "{shown}");
    let error = stderr(&vsp(folder, &words("replay l.vsr other.sil"), b"", 1));
    assert!(error.contains("other.sil: this is not the program that was recorded: that one has"), "{error}");
    fs::create_dir(folder.join("moved")).unwrap();
    fs::rename(folder.join("copy.sil"), folder.join("moved/copy.sil")).unwrap();
    let error = stderr(&vsp(folder, &["replay", "l.vsr"], b"", 1));
    assert!(error.contains("if it is elsewhere, name it after it"), "{error}");
    assert_eq!(stdout(&vsp(folder, &words("replay l.vsr moved/copy.sil"), b"", 1)), "0\x01");
}

#[test]
fn options_that_do_not_fit_are_refused() {
    let folder = folder(&[("copy.sil", COPY)]);
    vsp(folder.path(), &words("run copy.sil --record-program path"), b"", 2);
    vsp(folder.path(), &words("replay l.vsr --quiet --output x"), b"", 2);
    let error = stderr(&vsp(folder.path(), &words("replay absent.vsr"), b"", 1));
    assert!(error.contains("absent.vsr: No such file or directory"), "{error}");
    let source = example("fib");
    let error = stderr(&vsp(folder.path(), &["run", &source, "5", "--record", &source], b"", 1));
    assert!(error.contains("this is the program, which would be lost"), "{error}");
}
