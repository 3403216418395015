//! `vsp run --save`, `vsp resume` and `vsp state`: programs that stop and go on.
#![cfg(unix)]

mod command;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Output;

use command::{example, run_in, stderr, stdout};

/// Engines of this build.
const ENGINES: &[&str] =
    if cfg!(feature = "jit") { &["interp", "tier1", "tier2", "auto"] } else { &["interp", "auto"] };

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

fn folder(programs: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in programs {
        fs::write(folder.path().join(name), text).unwrap();
    }
    folder
}

/// Runs a command that has to end with this exit code.
fn vsp(folder: &Path, args: &[&str], input: &[u8], code: i32) -> Output {
    let output = run_in(folder, args, input);
    assert_eq!(output.status.code(), Some(code), "{args:?}: {}", stderr(&output));
    output
}

fn words(line: &str) -> Vec<&str> {
    line.split(' ').collect()
}

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
    assert_eq!((&report["outcome"], &report["fuel_used"]), (&"saved".into(), &52.into()), "{error}");
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
fn what_cannot_be_saved_is_refused_at_once() {
    let program = ".import env.led (1) -> 1\n.export main\n.func main (0) -> 1\nMOVI R8, 50\nl: LOOP R8, l\nSYSCALL env.led\nRET\n.end\n";
    let folder = folder(&[("p.sil", program), ("device.txt", "env.led (1) -> 1 = 5\n")]);
    let folder = folder.path();
    let error = stderr(&vsp(folder, &words("run p.sil --imports device.txt --save s.vss --at 5"), b"", 1));
    assert!(error.contains("the scripted answers of --imports cannot be saved"), "{error}");
    // What nobody provides stays so, and the results of the entry function are printed at the end.
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
        "fuel     11 used, no limit",
        "stack    65,536 cells, 2 frames",
        "memory   64 bytes; 16 not zero",
        "  function step, word 7 (p.sil:21)\n      LOOP    R4, wait\n      R1 = 4660, R4 = 8",
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
    assert_eq!(json["frames"][0]["source"]["line"], 21);
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
