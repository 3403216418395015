//! `vsp debug --replay`, and recordings that are damaged, cut or changed.
#![cfg(unix)]

mod command;

use std::fs;
use std::path::Path;
use std::process::Output;

use command::{stderr, stdout};

/// Reads bytes and counts to each, in steps that the first byte gives; a zero traps.
const STEPS: &str = "
.import sys.read (2) -> 1
.import sys.print_uint (1) -> 0
.export main
.space byte 8
.space step 8
.func main (0) -> 0
    CALL    next
    MOVI    R1, step
    STORE   [R1], R0
again:
    CALL    next
    JZ      R0, end
    MOVI    R1, step
    LOAD    R1, [R1]
    DIVU    R0, R1
    SYSCALL sys.print_uint
    JMP     again
end:
    RET
.end
.func next (0) -> 1
    MOVI    R0, byte
    MOVI    R1, 1
    SYSCALL sys.read
    MOVI    R1, byte
    LOAD8U  R0, [R1]
    MOVI    R2, 0
    STORE8  [R1], R2
    RET
.end
";

fn folder() -> tempfile::TempDir {
    command::folder(&[("p.sil", STEPS)])
}

/// Runs a command that has to end with this exit code.
fn vsp(folder: &Path, line: &str, input: &[u8], code: i32) -> Output {
    command::vsp(folder, &command::words(line), input, code)
}

/// Returns the output of a session.
fn debug(folder: &Path, recording: &str, commands: &str, code: i32) -> String {
    stdout(&vsp(folder, &format!("debug --replay {recording}"), commands.as_bytes(), code))
}

#[test]
fn a_recorded_trap_is_followed_back_to_the_input() {
    let folder = folder();
    let folder = folder.path();
    vsp(folder, "run p.sil --record l.vsr", &[0, 6], 3);
    let commands = "continue\nprint R1\nwatch u64[step]\nreverse-continue\nrestart\nbreak next\ncontinue\n\
                    reverse-stepi\ngoto end\ncontinue\nreverse-finish\n";
    let shown = debug(folder, "l.vsr", commands, 0);
    assert_eq!(shown.matches("trap: division by zero; fuel used: ").count(), 1, "{shown}");
    // Nothing but 0 is written, so the watch finds no change.
    assert!(shown.contains("(vsp) print R1\n0\n"), "{shown}");
    assert!(shown.contains("the start of the recording\nmain+0 (p.sil:8):"), "{shown}");
    vsp(folder, "run p.sil --record l.vsr", &[2, 6, 8], 0);
    let shown = debug(folder, "l.vsr", "continue\nwatch u64[step]\nreverse-continue\nprint R0\n", 0);
    assert!(shown.contains("34\nthe program returned; fuel used: "), "{shown}");
    assert!(shown.contains("watch 1: u64[step]: 0 -> 2\nmain+3 (p.sil:12):"), "{shown}");
    assert!(shown.ends_with("(vsp) print R0\n2\n"), "{shown}");
}

#[test]
fn what_was_recorded_is_not_changed() {
    let folder = folder();
    let folder = folder.path();
    vsp(folder, "run p.sil --record l.vsr --fuel 30", &[2, 6, 8], 4);
    let refused = "error: this run was recorded, and stays as it was";
    let shown = debug(folder, "l.vsr", "set R0 = 5\nfuel 9\nresume 4\ncontinue\nset R0 = 5\ncontinue\n", 1);
    assert_eq!(shown.matches(refused).count(), 4, "{shown}");
    let end = "the recording ends here, where the program was stopped; fuel used: 40";
    assert_eq!(shown.matches(end).count(), 2, "{shown}");
    let shown = debug(folder, "l.vsr", "goto 1000000\nreverse-stepi\nstepi\nstepi\n", 0);
    assert!(shown.contains("the recording ends here") && !shown.contains("error"), "{shown}");
    let error = stderr(&vsp(folder, "debug --replay l.vsr p.sil more", b"", 1));
    assert!(error.contains("unexpected argument `more` after the program"), "{error}");
    vsp(folder, "debug --replay l.vsr --fuel 5", b"", 2);
    vsp(folder, "debug --replay l.vsr --input p.sil", b"", 2);
}

/// A run that goes on from a state file, and one with a function before the entry.
#[test]
fn recordings_begin_in_the_middle_of_a_call_too() {
    let folder = folder();
    let folder = folder.path();
    vsp(folder, "run p.sil --save s.vss --at 25", &[2, 6, 8], 4);
    vsp(folder, "resume s.vss --record l.vsr", b"", 0);
    let shown = debug(folder, "l.vsr", "where\ncontinue\nreverse-continue\n", 0);
    assert!(shown.contains("the program returned; fuel used: "), "{shown}");
    assert!(shown.contains("the start of the recording"), "{shown}");
}

/// Returns the CRC-32 of bytes.
fn crc(bytes: &[u8]) -> u32 {
    let step = |crc: u32, byte: &u8| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| crc >> 1 ^ if crc & 1 == 1 { 0xEDB8_8320 } else { 0 })
    };
    !bytes.iter().fold(!0, step)
}

/// Returns the offsets of the log and of its end in a recording that ends with exit code 0 or 3.
fn log_of(recording: &[u8]) -> std::ops::Range<usize> {
    let state = u64::from_le_bytes(*recording[8..].first_chunk().unwrap());
    // The exit code, the length of an empty text and a checksum.
    16 + state as usize..recording.len() - 9
}

#[test]
fn a_changed_answer_is_a_difference_at_its_call() {
    let folder = folder();
    let folder = folder.path();
    vsp(folder, "run p.sil --record l.vsr", &[2, 6, 8], 0);
    let mut recording = fs::read(folder.join("l.vsr")).unwrap();
    let log = log_of(&recording);
    assert_eq!(crc(&recording[log.start..log.end - 4]).to_le_bytes(), recording[log.end - 4..log.end]);
    // The second byte that was read, 6, becomes 7: 7 / 2 is 3, too, but the state differs; 9 / 2 is another number.
    let at =
        log.start + recording[log.clone()].windows(4).position(|it| it[3] == 6 && it[2] == 1).unwrap() + 3;
    recording[at] = 9;
    let checksum = crc(&recording[log.start..log.end - 4]).to_le_bytes();
    recording[log.end - 4..log.end].copy_from_slice(&checksum);
    fs::write(folder.join("c.vsr"), &recording).unwrap();
    for engine in ["interp", "auto"] {
        let error = stderr(&vsp(folder, &format!("replay c.vsr --engine {engine}"), b"", 1));
        let expected = "the program differs from the recording at host call number 3, after ";
        assert!(error.contains(expected), "{error}");
        let expected = "units of fuel: the recording has a call of sys.print_uint(3), and the program has made a call \
                        of sys.print_uint(4)";
        assert!(error.contains(expected), "{error}");
        assert!(error.contains("p.sil:17") && error.contains("at function main, word 8"), "{error}");
    }
    let shown = debug(folder, "c.vsr", "continue\nreverse-step\n", 0);
    assert!(shown.contains("the program differs from the recording at host call number 3"), "{shown}");
    assert!(shown.contains("=>    16      DIVU    R0, R1"), "{shown}");
}

/// No byte of a recording can be changed unnoticed, and a part of one is replayed as far as it goes.
#[test]
fn damaged_and_cut_recordings_are_refused_or_replayed_up_to_there() {
    let folder = folder();
    let folder = folder.path();
    vsp(folder, "run p.sil --record l.vsr", &[2, 6, 8], 0);
    let recording = fs::read(folder.join("l.vsr")).unwrap();
    let log = log_of(&recording);
    let run = |bytes: &[u8], line: &str| {
        fs::write(folder.join("d.vsr"), bytes).unwrap();
        vsp(folder, line, b"", 1)
    };
    for at in 0..recording.len() {
        let mut changed = recording.clone();
        changed[at] ^= 0x40;
        let output = run(&changed, "replay d.vsr");
        assert!(stderr(&output).starts_with("error: "), "{at}: {}", stderr(&output));
    }
    // A few in the parts whose length is known, and all in the log.
    for length in (0..log.start).step_by(37).chain(log.start..recording.len()) {
        let output = run(&recording[..length], "replay d.vsr");
        let error = stderr(&output);
        assert!(error.starts_with("error: "), "{length}: {error}");
        if length >= log.start + 24 && length < log.end {
            assert!(error.starts_with("error: the recording has no end: "), "{length}: {error}");
            assert!(stdout(&output).len() <= 2 && "34".starts_with(&stdout(&output)), "{length}");
        }
        assert!(!error.contains("panicked"), "{length}: {error}");
    }
    let error = stderr(&run(&recording[..log.start + 50], "replay d.vsr"));
    assert!(error.contains("which is all that was recorded"), "{error}");
    let part = &recording[..log.start + 50];
    fs::write(folder.join("d.vsr"), part).unwrap();
    let shown = debug(folder, "d.vsr", "continue\nreverse-stepi\n", 0);
    assert!(shown.contains("the recording has no end, and this is all that was recorded"), "{shown}");
    let shown = stdout(&vsp(folder, "state d.vsr", b"", 0));
    assert!(shown.contains("ends     not recorded: the process was ended"), "{shown}");

    // Another version, and something else.
    let mut other = recording.clone();
    other[5] = 2;
    let error = stderr(&run(&other, "replay d.vsr"));
    assert!(error.contains("this is a recording of format 2.0, and this command reads 1.0"), "{error}");
    let error = stderr(&run(b"something", "replay d.vsr"));
    assert!(error.contains("this is not a recording of `vsp run --record`"), "{error}");
}

/// Ctrl-C while the program waits for input, and a process that is killed: what was recorded is there.
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
#[test]
fn a_run_that_is_ended_while_it_waits_leaves_its_recording() {
    use std::io::Write;
    use std::process::{Command, Stdio};
    use std::thread::sleep;
    use std::time::Duration;

    let folder = folder();
    let folder = folder.path();
    for signal in ["INT", "KILL"] {
        let mut command = command::interruptible(env!("CARGO_BIN_EXE_vsp"));
        let command = command.args(["run", "p.sil", "--record", "l.vsr"]).current_dir(folder);
        let command = command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        let mut input = child.stdin.take().unwrap();
        input.write_all(&[2, 6]).unwrap();
        let partial = || {
            let names = fs::read_dir(folder).unwrap().map(|it| it.unwrap().path());
            names.into_iter().find(|it| it.extension().is_some_and(|it| it == "partial"))
        };
        // The log is on the disk when the program waits for the third byte.
        let has_waited = (0..1000).any(|_| {
            sleep(Duration::from_millis(20));
            let bytes = partial().and_then(|path| fs::read(path).ok()).unwrap_or_default();
            bytes.windows(2).any(|it| it == [1, 6])
        });
        assert!(has_waited, "nothing is recorded");
        // The process is a child of `timeout`.
        let children = fs::read_to_string(format!("/proc/{0}/task/{0}/children", child.id())).unwrap();
        let process = children.split_whitespace().next().unwrap().to_owned();
        Command::new("kill").args(["-s", signal, &process]).status().unwrap();
        child.wait().unwrap();
        drop(input);
        let recording = partial().unwrap();
        assert!(!folder.join("l.vsr").exists(), "an incomplete recording takes the name of a whole one");
        let name = recording.file_name().unwrap().to_str().unwrap();
        let error = stderr(&vsp(folder, &format!("replay {name}"), b"", 1));
        assert!(error.contains("the recording has no end"), "{error}");
        assert!(error.contains("replayed 3 host calls and "), "{error}");
        fs::remove_file(recording).unwrap();
    }
}
