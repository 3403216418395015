//! The way back in `vsp debug`: earlier places of a run.

mod command;

use command::debugger::{LINES, debug, session};
use command::{example, file};

/// Returns what was printed after each command.
fn answers(shown: &str) -> Vec<&str> {
    shown.split("(vsp) ").skip(1).filter_map(|it| it.split_once('\n')).map(|(_, answer)| answer).collect()
}

/// Sums of squares.
const SUMS: &str = "\
.memory 64
.global calls
.data total @ 16
.u64 0
.export main
.func main (0) -> 1
    MOVI    R1, 3
next:
    MOV     R0, R1
    CALL    square
    MOVI    R2, total
    LOAD    R3, [R2]
    ADD     R3, R0
    STORE   [R2], R3
    LOOP    R1, next
    MOV     R0, R3
    RET
.end
.func square (1) -> 1
.locals 1
    SETL    R0, $0
    GETG    R1, calls
    ADDI    R1, 1
    SETG    R1, calls
    GETL    R2, $0
    MUL     R0, R2
    RET
.end
";

const BACK: &str = "\
reverse-step
continue
reverse-step
reverse-next 3
reverse-stepi 2
reverse-step
reverse-step
reverse-finish
fuel
set R0 = 1
fuel 5
resume 1
step 3
reverse-nexti 2
goto 20
backtrace
reverse-finish
reverse-finish
reverse-continue
goto end
goto 1000
goto nowhere
continue
reverse-next 1000
restart
goto 5
fuel
";

#[test]
fn steps_back() {
    insta::assert_snapshot!(session(SUMS, &[], BACK));
}

const STOPS: &str = "\
break square if R0 == 2
tbreak 15
watch u64[total]
continue
continue
continue
continue
continue
reverse-continue
reverse-stepi
reverse-continue
reverse-continue
breakpoints
watch R1
reverse-continue
delete 3
reverse-continue
reverse-continue
continue
continue
";

/// The places where the program stopped are the same in both directions.
#[test]
fn back_to_breakpoints_and_watched_changes() {
    insta::assert_snapshot!(session(SUMS, &[], STOPS));
}

/// A local is watched in its frame, and not in an earlier one of the same depth.
#[test]
fn a_watched_frame_is_not_confused_with_an_earlier_one() {
    let shown = session(
        SUMS,
        &[],
        "tbreak square if R0 == 2\ncontinue\nwatch R1\nstep 2\nreverse-continue\nbreakpoints\n",
    );
    let [_, at, watch, step, back, left] = answers(&shown)[..] else { panic!("{shown}") };
    assert!(at.contains("square+0"), "{shown}");
    assert_eq!(watch, "watch 2: R1, 0 now\n", "{shown}");
    assert!(step.contains("watch 2: R1: 0 -> 1\n"), "{shown}");
    let gone = "watch 2: there is no frame of `R1` here, and the watch is gone\nthe start of the recording\n";
    assert!(back.starts_with(gone), "{shown}");
    assert_eq!(left, "there are none\n", "{shown}");
}

const LOOK: &str = "registers\nlocals\nglobals\nmemory 0, 64\nbacktrace\nwhere\n";

/// Returns what [`LOOK`] shows, each time.
fn looks(shown: &str) -> Vec<&str> {
    let looks = shown.split("(vsp) registers\n").skip(1);
    looks.filter_map(|it| it.split_once("(vsp) where\n")).map(|(look, _)| look).collect()
}

/// Every place of a run looks the same when the program comes back, also with registers that it does not read any
/// more, and with the changes that the user made.
#[test]
fn every_place_is_found_again() {
    let edit = |position: usize| match position {
        1 => "set R7 = 99\n",
        12 => "set u64[total] = 1000\n",
        18 => "set $0 = 7\n",
        30 => "set calls = -5\nset u8[40] = 255\n",
        _ => "",
    };
    let forward: String = (0..45).map(|position| edit(position).to_owned() + LOOK + "stepi\n").collect();
    let back: Vec<usize> = (0..90).map(|it| it * 29 % 45).collect();
    let back = |text: &str| back.iter().map(|at| text.replace("AT", &at.to_string())).collect::<String>();
    let shown = session(SUMS, &[], &(forward + &back(&format!("goto AT\n{LOOK}"))));
    let looks = looks(&shown);
    assert_eq!(looks.len(), 135, "{shown}");
    for (at, look) in (0..90).map(|it| it * 29 % 45).zip(&looks[45..]) {
        assert_eq!(*look, looks[at], "at {at}: {shown}");
    }
    assert!(looks[44].contains("99") && looks[44].contains("ff"), "{shown}");
}

/// Writes to half a mebibyte of memory, so that checkpoints are full snapshots and deltas, and recurses.
const LONG: &str = "\
.memory 524288
.global seen
.export main
.func main (1) -> 1
    MOVI    R2, 0
next:
    MOV     R1, R0
    CALL    mix
    ADD     R2, R1
    ANDI    R1, R0, 0xFF
    CALL    deep
    LOOP    R0, next
    MOV     R0, R2
    RET
.end
.func mix (2) -> 2
    MULI    R3, R1, 24501
    SHLI    R3, 3
    SHRI    R4, R3, 3
    CONST   R5, 0x7FFF8
    AND     R3, R5
    STORE   [R3], R4
    GETG    R5, seen
    ADDI    R5, 1
    SETG    R5, seen
    XOR     R1, R4, R5
    RET
.end
; Calls itself R1 times now and then.
.func deep (2) -> 0
    JNZ     R1, done
    ADDI    R0, 1
    ANDI    R3, R0, 0x3F
    JZ      R3, done
    CALL    deep
done:
    RET
.end
";

#[test]
fn a_long_run_has_checkpoints() {
    const LOOK: &str = "registers\nglobals\nmemory 0x1230, 640\nbacktrace\nwhere\n";
    let positions = [5_000_000, 1, 1_048_577, 4_321_987, 4_321_986, 2_500_000, 3_999_999, 123_456];
    let back: String = positions.iter().map(|at| format!("goto {at}\n{LOOK}")).collect();
    let shown = session(LONG, &["250000"], &format!("continue\n{back}"));
    let back = looks(&shown);
    for (at, look) in positions.iter().zip(&back) {
        let alone = session(LONG, &["250000"], &format!("goto {at}\n{LOOK}"));
        assert_eq!(looks(&alone), [*look], "at {at}");
    }
    assert_eq!(back.len(), positions.len(), "{shown}");
    // A watched change long ago is found in the parts between checkpoints.
    let commands =
        "goto 1500000\nprint seen\nbreak mix if seen == 50000\ngoto 5000000\ncontinue\nprint seen\n";
    let shown =
        session(LONG, &["250000"], &format!("{commands}goto 5000000\nreverse-continue\nprint seen\n"));
    assert_eq!(answers(&shown).last(), Some(&"50000 (0xc350)\n"), "{shown}");
}

/// An instruction that uses more fuel than the program is stepped before a goal, loops in between, and a trap.
const FILLING: &str = "\
.memory 8388608
.export main
.func main (1) -> 1
    MOVI    R1, 0
    MOVI    R2, 0
    CONST   R3, 8388608
next:
    ADDI    R2, 3
    MOV     R7, R2
    MEMFILL R1, R2, R3
    CALL    turn
    LOOP    R0, next
    DIV     R2, R0
    RET
.end
.func turn (1) -> 0
.locals 1
    CONST   R4, 30000
inner:
    SETL    R4, $0
    MULI    R5, R4, 12345
    XOR     R6, R5
    MOV     R5, R6
    LOOP    R4, inner
    RET
.end
";

#[test]
fn the_way_forward_ends_where_it_should() {
    const LOOK: &str = "registers\nlocals\nmemory 0, 16\nbacktrace\nwhere\n";
    // Every round takes 281,080 units, of which the filling takes 131,073.
    let positions = [3_000_000, 700_003, 2_900_001, 1_300_001, 150_000, 131_077];
    let back: String = positions.iter().map(|at| format!("goto {at}\n{LOOK}")).collect();
    let shown = session(FILLING, &["12"], &format!("continue\n{back}"));
    assert!(shown.contains("division by zero"), "{shown}");
    let back = looks(&shown);
    assert_eq!(back.len(), positions.len(), "{shown}");
    for (at, look) in positions.iter().zip(&back) {
        let alone = session(FILLING, &["12"], &format!("goto {at}\n{LOOK}"));
        assert_eq!(looks(&alone), [*look], "at {at}");
    }
    // Back from the trap, to a breakpoint in a loop that was passed without steps, and forward to the trap again.
    let commands = "continue\nreverse-step\nbreak 22 if R4 == 29000\nreverse-continue\nprint R0\nreverse-continue\n\
                    print R0\nprint R4\ndelete 1\ncontinue\nreverse-step\nprint R0\n";
    let shown = session(FILLING, &["12"], commands);
    let printed = answers(&shown).into_iter().filter(|it| it.lines().count() == 1 && !it.contains("point"));
    assert_eq!(printed.collect::<Vec<_>>(), ["1\n", "2\n", "29000 (0x7148)\n", "1\n"], "{shown}");
    assert_eq!(shown.matches("division by zero").count(), 2, "{shown}");
}

const YIELDING: &str = "\
.export main
.func main (1) -> 1
again:
    YIELD   R0
    JNZ     R0, again
    MOVI    R0, 40
    HLT     R0
.end
";

/// Answers to YIELD and fuel are given again.
#[test]
fn what_the_user_gave_is_given_again() {
    let answered = "continue\nresume 3\nset R1 = 77\ncontinue\nresume 0\nreverse-step 3\nstep 2\nprint R1\n";
    insta::assert_snapshot!(
        "yield",
        session(YIELDING, &["5"], &format!("{answered}continue\nreverse-step\n"))
    );
    let fuel = "continue\nfuel 9\ncontinue\nreverse-step 8\nfuel\nstep 9\nstep\nfuel 100\ncontinue\n";
    insta::assert_snapshot!("fuel_again", session(SUMS, &["--fuel", "14"], fuel));
}

const TRAPPING: &str = "\
.export main
.func main (0) -> 0
    MOVI    R0, 7
    CALL    inner
    RET
.end
.func inner (1) -> 0
    MOVI    R1, 0
    DIV     R0, R1
    RET
.end
";

#[test]
fn back_from_a_trap() {
    let commands =
        "continue\nreverse-step\nreverse-step\nstep\nstep\nstep\nreverse-finish\nreverse-continue\n";
    insta::assert_snapshot!(session(TRAPPING, &[], commands));
}

const ECHO: &str = "\
.memory 64
.import sys.read (2) -> 1
.import sys.write (2) -> 1
.export main
.func main (0) -> 1
next:
    MOVI    R0, 0
    MOVI    R1, 4
    SYSCALL sys.read
    MOV     R1, R0
    JZ      R1, done
    MOVI    R0, 0
    SYSCALL sys.write
    JMP     next
done:
    RET
.end
";

/// Input is read once and output is written once, however often the program passes there.
#[test]
fn host_calls_are_not_made_again() {
    let (folder, path) = file("program.sil", ECHO.as_bytes());
    let (input, output) = (folder.path().join("in.txt"), folder.path().join("out.txt"));
    std::fs::write(&input, "abcdefghij").unwrap();
    let (input, output) = (input.display().to_string(), output.display().to_string());
    let commands = "break 10\ncontinue\nprint u8[0]\ncontinue\nprint u8[0]\nreverse-continue\nprint u8[0]\n\
                    continue\nprint u8[0]\ncontinue\nprint u8[0]\nreverse-next 12\ncontinue\ncontinue\ncontinue\n";
    let shown = debug(&path, &["--input", &input, "--output", &output], commands);
    let printed: Vec<&str> =
        answers(&shown).into_iter().filter(|it| it.lines().count() == 1).skip(1).collect();
    assert_eq!(
        printed,
        ["97 (0x61)\n", "101 (0x65)\n", "97 (0x61)\n", "101 (0x65)\n", "105 (0x69)\n"],
        "{shown}"
    );
    assert_eq!(std::fs::read_to_string(&output).unwrap(), "abcdefghij", "{shown}");
}

#[cfg(feature = "wasi")]
#[test]
fn a_wasi_program_gets_the_same_again() {
    const TEXT: &str = "\
.memory 65536
.import wasi_snapshot_preview1.random_get (2) -> 1
.import wasi_snapshot_preview1.fd_read (4) -> 1
.import wasi_snapshot_preview1.fd_write (4) -> 1
.import wasi_snapshot_preview1.proc_exit (1) -> 0
.export _start
.data vector @ 16 u32 256, 4
.func _start (0) -> 0
    MOVI    R0, 256
    MOVI    R1, 8
    SYSCALL wasi_snapshot_preview1.random_get
    MOVI    R0, 0
    MOVI    R1, vector
    MOVI    R2, 1
    MOVI    R3, 64
    SYSCALL wasi_snapshot_preview1.fd_read
    MOVI    R0, 1
    SYSCALL wasi_snapshot_preview1.fd_write
    MOVI    R0, 3
    SYSCALL wasi_snapshot_preview1.proc_exit
    RET
.end
";
    let (folder, path) = file("program.sil", TEXT.as_bytes());
    let input = folder.path().join("in.txt");
    std::fs::write(&input, "word").unwrap();
    let commands = "until 12\nprint u64[256]\ncontinue\nwatch u32[256]\nreverse-continue\nprint u32[256]\n\
                    reverse-stepi\nprint u64[256]\ngoto start\nprint u64[256]\ncontinue\nprint u64[256]\ncontinue\n\
                    continue\n";
    let shown = debug(&path, &["--input", &input.display().to_string()], commands);
    let said = answers(&shown);
    let word = u32::from_le_bytes(*b"word").to_string();
    assert!(said[2].contains("word\nthe program exits with status 3"), "{shown}");
    assert!(said[4].starts_with("watch 1: u32[256]: ") && said[4].contains(&format!("-> {word}")), "{shown}");
    assert!(said[5].starts_with(&word), "{shown}");
    assert_eq!(said[7], said[1], "{shown}");
    assert_eq!(said[9], "0\n", "{shown}");
    assert_eq!(said[11], said[1], "{shown}");
    assert!(said[12].contains(&format!("-> {word}")), "{shown}");
    assert!(said[13].starts_with("the program exits with status 3"), "{shown}");
    assert_eq!(shown.matches("word\n").count(), 1, "{shown}");
}

/// Two instructions per line, and one line that jumps to its start.
#[test]
fn back_by_lines_of_several_instructions() {
    let commands = "continue\nreverse-step\nreverse-step\nreverse-step\nreverse-step\nreverse-step\nreverse-step\n\
                    step 4\nreverse-next\nstep 2\nreverse-next\nreverse-nexti\n";
    insta::assert_snapshot!(session(LINES, &["2"], commands));
}

/// A call is passed backwards as a whole, also if it is recursive and long.
#[test]
fn back_over_a_recursion() {
    let commands = "break 62 if depth == 3\ncontinue\nprint R1\nreverse-next\nprint R1\nprint depth\nbacktrace\n\
                    reverse-finish\nprint depth\n";
    let shown = debug(&example("fib"), &["24"], commands);
    let said = answers(&shown);
    assert_eq!((said[2], said[4], said[5]), ("23 (0x17)\n", "23 (0x17)\n", "3\n"), "{shown}");
    assert!(said[3].contains("CALL    fib"), "{shown}");
    assert!(said[7].starts_with("fib+3 (fib.sil:61):\n") && said[8] == "2\n", "{shown}");
}
