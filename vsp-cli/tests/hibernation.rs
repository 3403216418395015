//! `vsp run --save`, `vsp resume` and `vsp state`: programs that stop and go on.
#![cfg(unix)]

mod command;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use command::{ENGINES, example, folder, run_in, stderr, stdout, vsp, words};

/// Copies the input to the output, byte by byte, and counts to 1,000 after each.
const COPY: &str = "
.import sys.read (2) -> 1
.import sys.write (2) -> 1
.export main
.space byte 1
.func main (0) -> 0
next:
    MOVI    R0, byte
    MOVI    R1, 1
    SYSCALL sys.read
    JZ      R0, end
    MOVI    R8, 1000
count:
    LOOP    R8, count
    MOVI    R0, byte
    MOVI    R1, 1
    SYSCALL sys.write
    JMP     next
end:
    RET
.end
";

#[test]
fn a_run_is_the_same_however_often_it_is_stopped_and_wherever_it_goes_on() {
    let mandelbrot = example("mandelbrot");
    let folder = folder(&[]);
    let folder = folder.path();
    vsp(folder, &["run", &mandelbrot, "24", "--output", "whole"], b"", 0);
    let whole = fs::read(folder.join("whole")).unwrap();
    for at in ["1", "60000", "150000"] {
        let mut states = Vec::new();
        for engine in ENGINES {
            let args = ["run", &mandelbrot, "24", "--output", "out", "--save", "s.vss", "--at", at];
            let stopped = vsp(folder, &[&args[..], &["--engine", engine]].concat(), b"", 4);
            assert!(stderr(&stopped).contains("go on with: vsp resume s.vss"), "{}", stderr(&stopped));
            states.push(fs::read(folder.join("s.vss")).unwrap());
            assert_eq!(states[0], states[states.len() - 1], "{engine} at {at}");
        }
        for engine in ENGINES {
            // The same state again and again: the output goes on where the state ends.
            fs::write(folder.join("s.vss"), &states[0]).unwrap();
            vsp(folder, &["resume", "s.vss", "--engine", engine, "--save", "t.vss", "--at", "40000"], b"", 4);
            vsp(folder, &["resume", "t.vss", "--engine", ENGINES[0]], b"", 0);
            assert!(fs::read(folder.join("out")).unwrap() == whole, "{engine} at {at}");
        }
    }
}

#[test]
fn a_program_goes_through_a_pipe() {
    let mandelbrot = example("mandelbrot");
    let folder = folder(&[]);
    let folder = folder.path();
    vsp(folder, &["run", &mandelbrot, "24", "--output", "whole"], b"", 0);
    let args = ["run", &mandelbrot, "24", "--output", "out", "--save", "-", "--at", "90000"];
    let state = vsp(folder, &args, b"", 4).stdout;
    let written = fs::read(folder.join("out")).unwrap();
    let rest = vsp(folder, &["resume", "-", "--output", "-"], &state, 0).stdout;
    assert!(!written.is_empty() && !rest.is_empty());
    assert!([written, rest].concat() == fs::read(folder.join("whole")).unwrap());

    let error = vsp(folder, &["run", &mandelbrot, "24", "--save", "-"], b"", 1);
    assert!(stderr(&error).contains("name another for it with --output"), "{}", stderr(&error));
}

#[test]
fn what_was_read_ahead_from_a_pipe_is_in_the_state() {
    let folder = folder(&[("copy.sil", COPY)]);
    let folder = folder.path();
    let first = vsp(folder, &words("run copy.sil --save s.vss --at 3500"), b"0123456789", 4);
    assert_eq!(stdout(&first), "012");
    let shown = stdout(&vsp(folder, &["state", "s.vss"], b"", 0));
    assert!(shown.contains("input: a stream, 4 bytes read, 6 read ahead"), "{shown}");
    // The rest of the pipe comes from the pipe of the resumed program.
    let second = vsp(folder, &words("resume s.vss --save t.vss --at 9000"), b"abcdefghijkl", 4);
    let third = vsp(folder, &["resume", "t.vss"], b"XYZ", 0);
    assert_eq!(stdout(&first) + &stdout(&second) + &stdout(&third), "0123456789abcdefghijklXYZ");

    let state = fs::read(folder.join("s.vss")).unwrap();
    let error = vsp(folder, &["resume", "-"], &state, 1);
    let expected = "the input, of which 4 bytes were read: the state came through the standard input; name the rest with --input";
    assert!(stderr(&error).contains(expected), "{}", stderr(&error));
    fs::write(folder.join("rest"), "!").unwrap();
    assert_eq!(stdout(&vsp(folder, &words("resume - --input rest"), &state, 0)), "3456789!");

    // At the end of the input nothing more is needed.
    let first = vsp(folder, &words("run copy.sil --save s.vss --at 1001"), b"0", 4);
    vsp(folder, &words("resume s.vss --save s.vss --at 1030"), b"", 0);
    assert_eq!(stdout(&first), "");
}

#[test]
fn a_file_is_positioned_again_or_the_error_says_why_not() {
    let folder = folder(&[("copy.sil", COPY), ("in", "0123456789")]);
    let folder = folder.path();
    let first = vsp(folder, &words("run copy.sil --input in --save s.vss --at 3500"), b"", 4);
    let shown = stdout(&vsp(folder, &["state", "s.vss"], b"", 0));
    assert!(shown.contains("input: in, at byte 4 of 10, 4 bytes read"), "{shown}");
    let rest = vsp(folder, &["resume", "s.vss"], b"other", 0);
    assert_eq!(stdout(&first) + &stdout(&rest), "0123456789");

    let refused = |args: &str, expected: &str| {
        let error = stderr(&vsp(folder, &words(args), b"", 1));
        assert!(error.contains(expected), "{error}");
    };
    let only_given = "in: the program read it as a file, and is at byte 4 of 10: give the same file again";
    refused("resume s.vss --given-only", only_given);
    assert_eq!(stdout(&vsp(folder, &words("resume s.vss --given-only --input in"), b"", 0)), "3456789");
    for (content, bytes) in [("012345678", 9), ("0123456789a", 11)] {
        fs::write(folder.join("in"), content).unwrap();
        refused(
            "resume s.vss",
            &format!("s.vss: sys: in: it has {bytes} bytes, and had 10 when the program was saved at byte 4"),
        );
    }
    fs::remove_file(folder.join("in")).unwrap();
    refused("resume s.vss", "s.vss: sys: in: No such file or directory");
    fs::write(folder.join("moved"), "0123456789").unwrap();
    assert_eq!(stdout(&vsp(folder, &words("resume s.vss --input moved"), b"", 0)), "3456789");
}

#[test]
fn a_redirected_input_is_positioned_too() {
    let folder = folder(&[("copy.sil", COPY), ("in", "0123456789")]);
    let folder = folder.path();
    let redirected = |line: &str, code: i32| {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_vsp"));
        let input = fs::File::open(folder.join("in")).unwrap();
        let output = command.args(words(line)).current_dir(folder).stdin(input).output().unwrap();
        assert_eq!(output.status.code(), Some(code), "{}", stderr(&output));
        stdout(&output)
    };
    if cfg!(not(target_arch = "x86_64")) {
        return; // `Command` cannot start the program under emulation.
    }
    let first = redirected("run copy.sil --save s.vss --at 3500", 4);
    assert_eq!(first + &redirected("resume s.vss", 0), "0123456789");
    let error = stderr(&vsp(folder, &["resume", "s.vss"], b"0123456789", 1));
    assert!(error.contains("the standard input: the program read it as a file"), "{error}");
}

#[test]
fn an_output_file_goes_on_after_what_was_written() {
    let folder = folder(&[("copy.sil", COPY), ("in", "0123456789")]);
    let folder = folder.path();
    let read = |name: &str| fs::read_to_string(folder.join(name)).unwrap();
    vsp(folder, &words("run copy.sil -i in -o out --save s.vss --at 3500"), b"", 4);
    assert_eq!(read("out"), "012");
    // Bytes that another run has added are not part of the state.
    fs::write(folder.join("out"), "012xyz and more than all").unwrap();
    vsp(folder, &["resume", "s.vss"], b"", 0);
    assert_eq!(read("out"), "0123456789");
    assert_eq!(stdout(&vsp(folder, &words("resume s.vss --output -"), b"", 0)), "3456789");
    fs::write(folder.join("elsewhere"), "012").unwrap();
    vsp(folder, &words("resume s.vss --output elsewhere"), b"", 0);
    assert_eq!(read("elsewhere"), "0123456789");

    for name in ["out", "absent"] {
        fs::write(folder.join("out"), "01").unwrap();
        let error = stderr(&vsp(folder, &["resume", "s.vss", "--output", name], b"", 1));
        let has = if name == "out" { 2 } else { 0 };
        let expected =
            format!("{name}: the program had written 3 bytes to it, and it has {has}; `--output -`");
        assert!(error.contains(&expected), "{error}");
        assert_eq!(read("out"), "01", "nothing is lost");
    }
    assert!(!folder.join("absent").exists());
    // A program that had no file gets a new one.
    vsp(folder, &words("run copy.sil -i in --save s.vss --at 3500"), b"", 4);
    vsp(folder, &words("resume s.vss --output rest"), b"", 0);
    assert_eq!(read("rest"), "3456789");
}

#[test]
fn a_state_file_is_private_and_the_old_one_is_never_lost() {
    let folder = folder(&[("copy.sil", COPY)]);
    let folder = folder.path();
    let mode = || fs::metadata(folder.join("s.vss")).unwrap().permissions().mode() & 0o777;
    fs::write(folder.join("s.vss"), "old").unwrap();
    fs::set_permissions(folder.join("s.vss"), fs::Permissions::from_mode(0o644)).unwrap();
    // A program that ends has no state.
    vsp(folder, &words("run copy.sil --save s.vss"), b"0", 0);
    assert_eq!((fs::read(folder.join("s.vss")).unwrap(), mode()), (b"old".to_vec(), 0o644));
    vsp(folder, &words("run copy.sil --save s.vss --at 500"), b"0", 4);
    assert_eq!(mode(), 0o600);
    // A state can replace itself, and it is not replaced by an output.
    let before = fs::read(folder.join("s.vss")).unwrap();
    vsp(folder, &words("resume s.vss --save s.vss --at 10"), b"", 4);
    assert!(fs::read(folder.join("s.vss")).unwrap() != before);
    let error = stderr(&vsp(folder, &words("resume s.vss --output s.vss"), b"", 1));
    assert!(error.contains("this is the state, which would be lost"), "{error}");
    for (args, expected) in [
        ("run copy.sil --save copy.sil --at 5", "copy.sil: this is the program, which would be lost"),
        ("run copy.sil --save o --output o --at 5", "o: two outputs cannot go to the same file"),
        ("run copy.sil --save no/s.vss --at 5", "no/s.vss: No such file or directory"),
    ] {
        let error = stderr(&vsp(folder, &words(args), b"", 1));
        assert!(error.contains(expected), "{error}");
    }
    let names = fs::read_dir(folder).unwrap().map(|it| it.unwrap().file_name().into_string().unwrap());
    let temporary: Vec<String> = names.filter(|name| name.starts_with(".vsp-")).collect();
    assert!(temporary.is_empty(), "{temporary:?}");
    assert_eq!(run_in(folder, &words("run copy.sil --at 5"), b"").status.code(), Some(2), "it needs --save");
    assert_eq!(run_in(folder, &words("run copy.sil --save s --slice 5"), b"").status.code(), Some(2));
}

#[test]
fn a_disk_without_space_is_reported_and_keeps_the_output() {
    if !Path::new("/dev/full").exists() {
        return;
    }
    let folder = folder(&[("copy.sil", COPY)]);
    let args = words("run copy.sil -o out --save /dev/full --at 3500");
    let error = stderr(&vsp(folder.path(), &args, b"0123456789", 1));
    assert!(error.contains("the program could not be saved: /dev/full: No space left"), "{error}");
    assert_eq!(fs::read_to_string(folder.path().join("out")).unwrap(), "012");
}

#[test]
fn fuel_and_answers_can_be_given_when_a_program_goes_on() {
    let program = ".import sys.print_int (1) -> 0\n.export main\n.func main (0) -> 0\nMOVI R8, 50\nl: LOOP R8, l\n\
                   MOVI R0, 7\nYIELD R0\nSYSCALL sys.print_int\nRET\n.end\n";
    let folder = folder(&[("p.sil", program)]);
    let folder = folder.path();
    let error = stderr(&vsp(folder, &words("run p.sil --fuel 20 --save s.vss"), b"", 4));
    assert!(error.contains("vsp resume s.vss --fuel UNITS (its fuel is used up)"), "{error}");
    let error = stderr(&vsp(folder, &["resume", "s.vss"], b"", 1));
    assert!(error.contains("s.vss: its fuel is used up: give it more with --fuel"), "{error}");
    vsp(folder, &words("resume s.vss --fuel 20 --save s.vss"), b"", 4);
    let shown = stdout(&vsp(folder, &["state", "s.vss"], b"", 0));
    assert!(
        shown.contains("stopped  the fuel is used up") && shown.contains("fuel     42 used, -1 left"),
        "{shown}"
    );
    let error = stderr(&vsp(folder, &words("resume s.vss --fuel 100 --save s.vss --json"), b"", 4));
    let report: serde_json::Value = serde_json::from_str(&error).unwrap();
    assert_eq!((&report["outcome"], &report["fuel_used"]), (&"saved".into(), &53.into()), "{error}");
    let error = stderr(&vsp(folder, &["resume", "s.vss"], b"", 1));
    assert!(
        error.contains("s.vss: the program yields 7, and waits for an answer: --answer VALUE"),
        "{error}"
    );
    assert_eq!(stdout(&vsp(folder, &words("resume s.vss --answer -5"), b"", 0)), "-5");
    vsp(folder, &words("run p.sil --at 20 --save s.vss"), b"", 4);
    let error = stderr(&vsp(folder, &words("resume s.vss --answer 5"), b"", 1));
    assert!(error.contains("the program does not wait for an answer"), "{error}");
}

#[test]
fn a_state_without_the_program_needs_the_same_program() {
    let folder =
        folder(&[("copy.sil", COPY), ("other.sil", ".export main\n.func main (0) -> 0\nRET\n.end\n")]);
    let folder = folder.path();
    vsp(folder, &words("run copy.sil --save s.vss --at 3500"), b"0123", 4);
    let whole = fs::metadata(folder.join("s.vss")).unwrap().len();
    vsp(folder, &words("run copy.sil --save s.vss --at 3500 --save-program path"), b"0123", 4);
    assert!(fs::metadata(folder.join("s.vss")).unwrap().len() < whole);
    assert_eq!(stdout(&vsp(folder, &["resume", "s.vss"], b"", 0)), "3");
    let error = stderr(&vsp(folder, &words("resume s.vss --program other.sil"), b"", 1));
    assert!(error.contains("other.sil: this is not the program that was saved: that one has"), "{error}");
    fs::write(folder.join("copy.sil"), COPY.replace("1000", "1001")).unwrap();
    let error = stderr(&vsp(folder, &["resume", "s.vss"], b"", 1));
    assert!(error.contains("copy.sil: this is not the program that was saved"), "{error}");
    fs::create_dir(folder.join("old")).unwrap();
    fs::write(folder.join("old/copy.sil"), COPY).unwrap();
    assert_eq!(stdout(&vsp(folder, &words("resume s.vss --program old/copy.sil"), b"", 0)), "3");
    fs::remove_file(folder.join("copy.sil")).unwrap();
    let error = stderr(&vsp(folder, &["resume", "s.vss"], b"", 1));
    assert!(error.contains("if it is elsewhere, name it with --program"), "{error}");
    let error = stderr(&vsp(folder, &words("run - --save s --save-program path"), COPY.as_bytes(), 1));
    assert!(error.contains("was read from the standard input, and has no path"), "{error}");
}

#[test]
fn damaged_files_are_refused_with_a_reason() {
    let folder = folder(&[("copy.sil", COPY)]);
    let folder = folder.path();
    vsp(folder, &words("run copy.sil --save s.vss --at 3500"), b"0123", 4);
    let state = fs::read(folder.join("s.vss")).unwrap();
    let mut changed = state.clone();
    changed[100] ^= 1;
    let files: [(&[u8], &str); 4] = [
        (b"", "expected \"SILH\": this is not a state file"),
        (COPY.as_bytes(), "expected \"SILH\": this is not a state file"),
        (&state[..state.len() - 1], "total length: expected"),
        (&changed, "the file is damaged: its checksum is"),
    ];
    for (bytes, expected) in files {
        fs::write(folder.join("bad.vss"), bytes).unwrap();
        for command in
            [&["resume", "bad.vss"][..], &["state", "bad.vss"], &["state", "bad.vss", "--diff", "s.vss"]]
        {
            let error = stderr(&vsp(folder, command, b"", 1));
            assert!(error.contains("bad.vss: ") && error.contains(expected), "{error}");
        }
    }
}

#[test]
fn host_functions_of_other_hosts_answer_where_they_were() {
    // Three answers are added up, with a loop before each.
    let program = ".import env.read (1) -> 1\n.import env.led (1) -> 1\n.export main\n.func main (0) -> 1\n\
                   MOVI R9, 3\nagain: MOVI R8, 50\nl: LOOP R8, l\nMOVI R0, 1\nSYSCALL env.read\nADD RA, R0\n\
                   LOOP R9, again\nSYSCALL env.led\nMOV R0, RA\nRET\n.end\n";
    let answers = "env.led (1) -> 1 = 5\nenv.read (1) -> 1 = 100; 20; 3; 7000\n";
    let folder = folder(&[("p.sil", program), ("device.txt", answers)]);
    let folder = folder.path();
    vsp(folder, &words("run p.sil --imports device.txt --results --save s.vss --at 80"), b"", 4);
    fs::remove_file(folder.join("device.txt")).unwrap();
    let state = stdout(&vsp(folder, &["state", "s.vss"], b"", 0));
    assert!(state.contains("script\n      declarations: device.txt, 1 call answered"), "{state}");
    vsp(folder, &words("resume s.vss --save s.vss --at 60 --engine interp"), b"", 4);
    assert_eq!(stdout(&vsp(folder, &["resume", "s.vss"], b"", 0)), "123\n");
    // What nobody provides stays so, and the results of the entry function are printed at the end.
    let program = ".import env.led (1) -> 1\n.export main\n.func main (0) -> 1\nMOVI R8, 50\nl: LOOP R8, l\nSYSCALL env.led\nRET\n.end\n";
    fs::write(folder.join("p.sil"), program).unwrap();
    vsp(folder, &words("run p.sil --unknown-imports default --results --save s.vss --at 5"), b"", 4);
    assert_eq!(stdout(&vsp(folder, &["resume", "s.vss"], b"", 0)), "0\n");
    vsp(folder, &words("run p.sil --unknown-imports trap --save s.vss --at 5"), b"", 4);
    let error = stderr(&vsp(folder, &["resume", "s.vss"], b"", 3));
    assert!(error.contains("env.led failed: no host function provides it"), "{error}");
}

#[test]
fn states_are_shown_in_words_and_as_json_and_compared() {
    let program = "
.import sys.arg_count (0) -> 1
.global counter = 5
.export main
.memory 64
.func main (0) -> 0
    MOVI    R8, 3
again:
    CALL    step
    LOOP    R8, again
    RET
.end
.func step (0) -> 0
    MOVI    R1, 0x1234
    GETG    R2, counter
    ADDI    R2, 1
    SETG    R2, counter
    MOVI    R3, 32
    STORE   [R3], R2
    MOVI    R4, 10
wait:
    LOOP    R4, wait
    MOV     R0, R1
    RET
.end
";
    let folder = folder(&[("p.sil", program)]);
    let folder = folder.path();
    vsp(folder, &words("run p.sil one --save a.vss --at 11"), b"", 4);
    vsp(folder, &words("resume a.vss --save b.vss --at 25"), b"", 4);
    let shown = stdout(&vsp(folder, &["state", "a.vss"], b"", 0));
    for expected in [
        "a.vss: state file 1.0, ",
        "  program  p.sil, ",
        ", in the file\n",
        "fuel     12 used, no limit",
        "stack    65,536 cells, 2 frames",
        "memory   64 bytes; 16 not zero",
        "  function step, word 7 (p.sil:22)\n      LOOP    R4, wait\n      R1 = 4660, R4 = 7",
        "  function main, word 1 (p.sil:9)\n      CALL    step\n      R8 = 3\n",
        "  counter = 6\n",
        "  0x00000020 to 0x0000002f, 16 bytes\n",
        "      arguments: \"one\"\n",
        "      entry function: main\n",
    ] {
        assert!(shown.contains(expected), "{expected}\n{shown}");
    }
    let json: serde_json::Value =
        serde_json::from_str(&stdout(&vsp(folder, &["state", "--json", "a.vss"], b"", 0))).unwrap();
    assert_eq!(json["frames"][0]["name"], "step");
    assert_eq!(json["frames"][0]["source"]["line"], 22);
    assert_eq!(json["globals"][0]["value"], "6");
    assert_eq!(json["memory"][0], serde_json::json!({"address": 32, "bytes": 16}));
    assert_eq!(json["host"][0]["holds"]["arguments"], serde_json::json!(["one"]));

    let shown = stdout(&vsp(folder, &words("state --diff a.vss b.vss"), b"", 0));
    for expected in [
        "a.vss and b.vss\n  fuel used in between: ",
        "frames: 2 in both",
        "      R8: 3, then 2\n",
        "globals: 1 changed\n  counter: 6, then 7\n",
        "memory: 16 bytes differ in units of 16, in 1 range\n  0x00000020 to 0x0000002f, 16 bytes\n",
    ] {
        assert!(shown.contains(expected), "{expected}\n{shown}");
    }
    let same = stdout(&vsp(folder, &words("state --diff a.vss a.vss"), b"", 0));
    assert!(same.contains("globals: 0 changed") && same.contains("memory: 0 bytes differ"), "{same}");
    let json: serde_json::Value =
        serde_json::from_str(&stdout(&vsp(folder, &words("state --json --diff a.vss b.vss"), b"", 0)))
            .unwrap();
    assert_eq!(json["globals"][0], serde_json::json!({"name": "counter", "before": "6", "after": "7"}));
    fs::write(folder.join("q.sil"), COPY).unwrap();
    vsp(folder, &words("run q.sil --save q.vss --at 5"), b"0", 4);
    let error = stderr(&vsp(folder, &words("state --diff a.vss q.vss"), b"", 1));
    assert!(error.contains("q.vss: this is the state of another program than a.vss"), "{error}");
}

/// Opens `in` for reading and `out` for writing below the first directory, copies byte by byte, and ends each line with
/// a random byte and the time.
#[cfg(feature = "wasi")]
const WASI_COPY: &str = "
.memory 65536
.import wasi_snapshot_preview1.path_open (8) -> 1
.import wasi_snapshot_preview1.fd_read (4) -> 1
.import wasi_snapshot_preview1.fd_write (4) -> 1
.import wasi_snapshot_preview1.fd_fdstat_get (2) -> 1
.import wasi_snapshot_preview1.random_get (2) -> 1
.import wasi_snapshot_preview1.clock_time_get (3) -> 1
.import wasi_snapshot_preview1.proc_exit (1) -> 0
.export _start
.equ VECTOR = 64
.equ COUNT = 80
.equ BYTES = 96
.data in @ 32 \"in\"
.data out @ 40 \"out\"
.func _start (0) -> 0
    MOVI    R0, 3
    MOVI    R1, in
    MOVI    R2, 2
    MOVI    R3, 0
    MOVI    R4, 2                       ; the right to read
    MOVI    R5, 0
    MOVI    R6, 0
    MOVI    R7, 84
    SYSCALL wasi_snapshot_preview1.path_open
    JNZ     R0, exit
    MOVI    R0, 3
    MOVI    R1, out
    MOVI    R2, 3
    MOVI    R3, 9                       ; create and truncate
    MOVI    R4, 64                      ; the right to write
    MOVI    R5, 0
    MOVI    R6, 0
    MOVI    R7, 88
    SYSCALL wasi_snapshot_preview1.path_open
    JNZ     R0, exit
    MOVI    R8, VECTOR
    MOVI    R9, BYTES
    STORE32 [R8], R9
next:
    MOVI    R9, 1
    MOVI    R8, VECTOR
    STORE32 [R8 + 4], R9
    MOVI    R0, 4
    MOVI    R1, VECTOR
    MOVI    R2, 1
    MOVI    R3, COUNT
    SYSCALL wasi_snapshot_preview1.fd_read
    JNZ     R0, exit
    MOVI    R8, COUNT
    LOAD32U R9, [R8]
    JZ      R9, exit
    MOVI    R0, BYTES + 1
    MOVI    R1, 3
    SYSCALL wasi_snapshot_preview1.random_get
    MOVI    R0, 1
    MOVI    R1, 0
    MOVI    R2, BYTES + 4
    SYSCALL wasi_snapshot_preview1.clock_time_get
    MOVI    R9, 12
    MOVI    R8, VECTOR
    STORE32 [R8 + 4], R9
    MOVI    R0, 5
    MOVI    R1, VECTOR
    MOVI    R2, 1
    MOVI    R3, COUNT
    SYSCALL wasi_snapshot_preview1.fd_write
    JNZ     R0, exit
    MOVI    R8, 100
wait:
    LOOP    R8, wait
    JMP     next
exit:
    SYSCALL wasi_snapshot_preview1.proc_exit
    RET
.end
";

#[cfg(feature = "wasi")]
#[test]
fn files_clock_and_random_numbers_of_wasi_go_on() {
    let folder = folder(&[("copy.sil", WASI_COPY)]);
    let folder = folder.path();
    for name in ["data", "whole"] {
        fs::create_dir(folder.join(name)).unwrap();
        fs::write(folder.join(name).join("in"), "0123456789").unwrap();
    }
    vsp(folder, &words("run copy.sil --dir whole::. --deterministic=7"), b"", 0);
    let whole = fs::read(folder.join("whole/out")).unwrap();
    assert_eq!(whole.len(), 120);
    vsp(folder, &words("run copy.sil --dir data::. --deterministic=7 --save s.vss --at 400"), b"", 4);
    let written = fs::read(folder.join("data/out")).unwrap();
    assert!(whole.starts_with(&written) && !written.is_empty() && written.len() < 120, "{}", written.len());
    let shown = stdout(&vsp(folder, &["state", "s.vss"], b"", 0));
    let read = written.len() / 12;
    for expected in [
        "clock: virtual, ".to_owned(),
        "random numbers: from a seed".to_owned(),
        "directory .: data\n".to_owned(),
        format!("descriptor 4: ./in, read, at byte {read} of 10"),
        format!("descriptor 5: ./out, written, at byte {0} of {0}", written.len()),
    ] {
        assert!(shown.contains(&expected), "{expected}\n{shown}");
    }
    let refused = |line: &str, expected: &str| {
        let error = stderr(&vsp(folder, &words(line), b"", 1));
        assert!(error.contains(expected), "{error}");
    };
    refused(
        "resume s.vss --given-only",
        "the directory .: the program had it open, as data: it has to be given again",
    );
    refused(
        "resume s.vss --dir-ro data::.",
        "descriptor 5, ./out: the program writes to it, and the directory was given for reading only",
    );
    refused(
        "resume s.vss --dir data::. --dir whole::more",
        "the directory more: the program was started without it",
    );
    fs::write(folder.join("data/in"), "012").unwrap();
    refused("resume s.vss", "descriptor 4, ./in: it has 3 bytes, and had 10 when the program was saved");
    fs::remove_file(folder.join("data/in")).unwrap();
    refused("resume s.vss", "descriptor 4, ./in: No such file or directory");
    fs::create_dir(folder.join("data/in")).unwrap();
    refused("resume s.vss", "descriptor 4, ./in: this is not a regular file any more");
    // It goes on elsewhere, in another engine, with a copy of its directory.
    fs::create_dir(folder.join("moved")).unwrap();
    fs::write(folder.join("moved/in"), "0123456789").unwrap();
    fs::write(folder.join("moved/out"), &written).unwrap();
    let last = ENGINES[ENGINES.len() - 1];
    vsp(
        folder,
        &words("resume s.vss --given-only --dir moved::. --engine interp --save t.vss --at 400"),
        b"",
        4,
    );
    vsp(folder, &["resume", "t.vss", "--engine", last], b"", 0);
    assert_eq!(fs::read(folder.join("moved/out")).unwrap(), whole);
}

/// A file that cannot be found again is an error when the program is saved, and not only when it is resumed.
#[cfg(feature = "wasi")]
#[test]
fn a_file_that_was_removed_cannot_be_saved() {
    // It removes the file that it reads.
    let program = WASI_COPY
        .replace("(8) -> 1\n", "(8) -> 1\n.import wasi_snapshot_preview1.path_unlink_file (3) -> 1\n")
        .replace(
            "next:\n",
            "    MOVI R0, 3\n    MOVI R1, in\n    MOVI R2, 2\n    SYSCALL wasi_snapshot_preview1.path_unlink_file\nnext:\n",
        );
    let folder = folder(&[("copy.sil", &program)]);
    let folder = folder.path();
    fs::create_dir(folder.join("data")).unwrap();
    fs::write(folder.join("data/in"), "0123456789").unwrap();
    fs::write(folder.join("s.vss"), "old").unwrap();
    let error = stderr(&vsp(folder, &words("run copy.sil --dir data::. --save s.vss --at 400"), b"", 1));
    let expected = "the program could not be saved: wasi_snapshot_preview1: descriptor 4, ./in: the file was removed or renamed";
    assert!(error.contains(expected), "{error}");
    assert_eq!(fs::read_to_string(folder.join("s.vss")).unwrap(), "old");
}

#[cfg(feature = "wasm")]
#[test]
fn webassembly_goes_on_too() {
    let program = command::root().join("examples/wasm/words.wasm").display().to_string();
    let folder = folder(&[]);
    let folder = folder.path();
    fs::create_dir(folder.join("data")).unwrap();
    let text: String = (0..500).map(|line| format!("line {line} of {}\n", line % 7)).collect();
    fs::write(folder.join("data/text"), text).unwrap();
    let run = ["run", "--dir", "data::.", &program, "text"];
    let whole = stdout(&vsp(folder, &run, b"", 0));
    let mut states = Vec::new();
    for engine in ENGINES {
        let save = ["--deterministic", "--save", "s.vss", "--at", "300000", "--engine", engine];
        vsp(folder, &[&run[..1], &save[..], &run[1..]].concat(), b"", 4);
        states.push(fs::read(folder.join("s.vss")).unwrap());
        assert!(states[0] == states[states.len() - 1], "{engine}");
    }
    for engine in ENGINES {
        assert_eq!(stdout(&vsp(folder, &["resume", "s.vss", "--engine", engine], b"", 0)), whole);
    }
    // A call with types of WebAssembly prints its results when it ends, and what runs before it is part of the run.
    let module =
        "(module (global $g (mut i32) (i32.const 0)) (func $start (local i32) (local.set 0 (i32.const 50))
        (loop (local.set 0 (i32.sub (local.get 0) (i32.const 1))) (br_if 0 (local.get 0)))
        (global.set $g (i32.const 7))) (start $start)
        (func (export \"add\") (param f32) (result f32 i32) (local.get 0) (global.get $g)))";
    fs::write(folder.join("m.wat"), module).unwrap();
    let run = ["run", "m.wat", "--save", "s.vss", "--at", "20", "--invoke", "add", "1.5"];
    assert_eq!(stdout(&vsp(folder, &run, b"", 4)), "");
    assert_eq!(stdout(&vsp(folder, &["resume", "s.vss"], b"", 0)), "1.5\n7\n");
}

/// The time slice, and signals: the program is saved and ends, or goes on.
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
#[test]
fn time_and_signals_stop_a_program() {
    use std::process::{Command, Stdio};
    use std::time::{Duration, Instant};

    // It counts for many seconds, and prints what it has counted.
    let program = ".import sys.print_uint (1) -> 0\n.import sys.arg_int (2) -> 1\n.export main\n.func main (0) -> 0\n\
                   MOVI R0, 0\nMOVI R1, 0\nSYSCALL sys.arg_int\nMOV R8, R0\nMOVI R9, 0\nl: ADDI R9, 1\nLOOP R8, l\n\
                   MOV R0, R9\nSYSCALL sys.print_uint\nRET\n.end\n";
    let folder = folder(&[("p.sil", program)]);
    let folder = folder.path();
    let error = stderr(&vsp(folder, &words("run p.sil --save s.vss --slice 100ms 100000000000"), b"", 4));
    assert!(error.contains("note: saved to s.vss, "), "{error}");

    for engine in ENGINES {
        for (signal, code) in [("-INT", 130), ("-TERM", 143)] {
            let _ = fs::remove_file(folder.join("s.vss"));
            // Not `interruptible`, which passes on only the signals that end a command.
            let mut vsp = Command::new("env");
            vsp.args(["--default-signal=HUP,INT,TERM,USR1", env!("CARGO_BIN_EXE_vsp"), "run", "p.sil"]);
            // It ends by itself after a while.
            vsp.args(["--engine", engine, "--save", "s.vss", "--at", "100000000000", "100000000000"]);
            let mut child =
                vsp.current_dir(folder).stdin(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
            // A state without an end: the program goes on. (A signal that comes too early would end the process.)
            std::thread::sleep(Duration::from_secs(2));
            let send = |signal: &str| {
                assert!(
                    Command::new("kill").args([signal, &child.id().to_string()]).status().unwrap().success()
                );
            };
            send("-USR1");
            let started = Instant::now();
            while !folder.join("s.vss").exists() {
                assert!(started.elapsed() < Duration::from_secs(60), "{engine} {signal}");
                std::thread::sleep(Duration::from_millis(5));
            }
            let first = fs::read(folder.join("s.vss")).unwrap();
            std::thread::sleep(Duration::from_millis(50));
            send(signal);
            assert_eq!((engine, child.wait().unwrap().code()), (engine, Some(code)));
            let mut error = String::new();
            std::io::Read::read_to_string(&mut child.stderr.take().unwrap(), &mut error).unwrap();
            assert!(
                error.contains("; it goes on\n") && error.contains("go on with: vsp resume s.vss"),
                "{error}"
            );
            assert!(fs::read(folder.join("s.vss")).unwrap() != first, "{engine} {signal}");
        }
    }
    // Fuel is exact, also after a state that was saved in between: 100 more units are 100 more units.
    let fuel = |file: &str| {
        let json = stdout(&vsp(folder, &["state", "--json", file], b"", 0));
        serde_json::from_str::<serde_json::Value>(&json).unwrap()["fuel_used"].as_u64().unwrap()
    };
    let before = fuel("s.vss");
    vsp(folder, &words("resume s.vss --save t.vss --at 1001"), b"", 4);
    assert!((1001..1004).contains(&(fuel("t.vss") - before)), "{before} {}", fuel("t.vss"));
}

/// A program that waits reaches no safepoint: then a signal ends it, and says that it was not saved.
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
#[test]
fn a_program_that_waits_for_input_is_not_saved() {
    use std::process::{Command, Stdio};
    let folder = folder(&[("copy.sil", COPY), ("s.vss", "old")]);
    let folder = folder.path();
    let mut vsp = command::interruptible(env!("CARGO_BIN_EXE_vsp"));
    vsp.args(["run", "copy.sil", "--save", "s.vss"]).current_dir(folder);
    let mut child = vsp.stdin(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    std::thread::sleep(std::time::Duration::from_secs(2));
    // While it is open the program waits for more.
    let input = child.stdin.take();
    assert!(Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap().success());
    assert_eq!(child.wait().unwrap().code(), Some(143));
    let mut error = String::new();
    std::io::Read::read_to_string(&mut child.stderr.take().unwrap(), &mut error).unwrap();
    drop(input);
    assert!(error.contains("interrupted; the program waits for something, and was not saved"), "{error}");
    assert_eq!(fs::read_to_string(folder.join("s.vss")).unwrap(), "old");
}
