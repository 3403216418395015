//! `vsp debug` from the user's view: scripts of commands, and the whole output.

mod command;

use std::collections::BTreeSet;

use command::debugger::{LINES, debug, session};
use command::{example, file, root, run, run_with, stderr, stdout};
use proptest::prelude::*;

/// A loop, calls, locals, globals and memory.
const SUMS: &str = "\
; Sums of squares.
.memory 64
.global calls
.global limit = 3
.data total @ 16
.u64 0
.export main

.func main (0) -> 1
    GETG    R1, limit
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

; R0 -> R0 * R0
.func square (1) -> 1
.locals 2
    SETL    R0, $0
    GETG    R1, calls
    ADDI    R1, 1
    SETG    R1, calls
    GETL    R2, $0
    MUL     R0, R2
    SETL    R0, $1
    RET
.end
";

const STEPPING: &str = "\
# Into the call, over it, and out of it.
where
step 2
step
next
backtrace
up
registers
down
out
next
stepi
nexti
up
step 30
";

#[test]
fn stepping() {
    insta::assert_snapshot!(session(SUMS, &[], STEPPING));
}

const BREAKPOINTS: &str = "\
break square if R0 == 2
break 18
break square+5
tbreak program.sil:17
break 9
break 27
breakpoints
continue
continue
disable 1
continue
continue
continue
enable 1
disable 2
disable 3
continue
delete 2
delete 3
delete 5
breakpoints
list
disassemble
continue
";

#[test]
fn breakpoints() {
    insta::assert_snapshot!(session(SUMS, &[], BREAKPOINTS));
}

const INSPECTING: &str = "\
until 33
print R0
print $0 * 2 + u8[total]
print f64(0x4004000000000000)
registers
locals
globals
memory total, 8
memory 0x30
set R0 = -1
set $1 = 2.5
set limit = 0b11
set u16[total + 1] = 0xABCD
set f32[32] = 0.5
registers
locals
globals
memory 0, 48
frame 1
print R1
set R1 = 1
list square
list
list 1
disassemble main
functions
continue
";

#[test]
fn inspecting_and_changing() {
    insta::assert_snapshot!(session(SUMS, &[], INSPECTING));
}

const WATCHING: &str = "\
watch u64[total]
watch calls
display R1
continue
continue
continue
disable 2
continue
display
step 3
watch R2 + 1
continue
breakpoints
delete 1
restart
continue
";

#[test]
fn watching() {
    insta::assert_snapshot!(session(SUMS, &[], WATCHING));
}

const TRAPPING: &str = "\
.export main
.func main (0) -> 0
    MOVI    R0, 7
    CALL    inner
    RET
.end
.func inner (1) -> 0
.locals 1
    SETL    R0, $0
    DIV     R0, R1
    RET
.end
";

const AFTER_A_TRAP: &str = "\
continue
backtrace
locals
print R0 / R1
step
resume 1
restart
break 10
continue
set R1 = 2
continue
where
registers
backtrace
up
out
frame 0
";

#[test]
fn a_trap_stops_in_the_debugger() {
    insta::assert_snapshot!(session(TRAPPING, &[], AFTER_A_TRAP));
}

const LOOPING: &str = ".export main\n.func main (0) -> 0\nnext:\n    ADDI    R0, 1\n    JMP     next\n.end\n";

#[test]
fn fuel() {
    let commands = "continue\ncontinue\nfuel\nfuel 10\ncontinue\nfuel 6\nstep 3\nfuel\n";
    insta::assert_snapshot!(session(LOOPING, &["--fuel", "100"], commands));
    let unlimited = session(LOOPING, &[], "step 5\nfuel\n");
    assert!(unlimited.ends_with("fuel used: 5, no limit\n"), "{unlimited}");
}

const WITH_STATES: &str = "\
.export main
.func main (0) -> 1
    MOVI    R0, 0x84
    SSPLAT  S2, R0
    SROTL   SA, S2, 3
    SMUL    SA, SA, S2
    SSUM    R0, SA
    CALL    without
    RET
.end
.func without (1) -> 1
    NOP
    RET
.end
";

const LOOKING_AT_STATES: &str = "step\nstep\nstates\nstep\nstep\nstates\nstep\nstep\nstates\n";

#[test]
fn states() {
    insta::assert_snapshot!(session(WITH_STATES, &[], LOOKING_AT_STATES));
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

#[test]
fn a_yield_waits_for_a_value() {
    let commands = "continue\ncontinue\nresume 2.5\nresume 1\ncontinue\nresume 3 - 3\nbacktrace\ncontinue\n";
    insta::assert_snapshot!(session(YIELDING, &["5"], commands));
}

const PRINTING: &str = "\
.memory 64
.import sys.print_int (1) -> 0
.import sys.read (2) -> 1
.import sys.write (2) -> 1
.import sys.exit_code (1) -> 0
.export main
.func main (0) -> 0
    MOVI    R0, 12
    SYSCALL sys.print_int
    MOVI    R0, 0
    MOVI    R1, 5
    SYSCALL sys.read
    MOV     R1, R0
    MOVI    R0, 0
    SYSCALL sys.write
    MOVI    R0, 7
    SYSCALL sys.exit_code
    RET
.end
";

#[test]
fn output_input_and_exit_code() {
    // Commands from a pipe: the program's input is empty.
    insta::assert_snapshot!("output", session(PRINTING, &[], "step 2\nprint R0\ncontinue\n"));

    // Commands from a file: the program reads the standard input, and again after a restart.
    let (folder, path) = file("program.sil", PRINTING.as_bytes());
    let commands = folder.path().join("commands.txt").display().to_string();
    std::fs::write(&commands, "until 13\nprint R0\nrestart\ncontinue\n").unwrap();
    let output = run_with(&["debug", &path, "--commands", &commands], b"one\ntwo\n");
    insta::assert_snapshot!("input", stdout(&output));
    assert_eq!(output.status.code(), Some(0));

    // Files instead of streams.
    let (input, written) = (folder.path().join("in.txt"), folder.path().join("out.txt"));
    std::fs::write(&input, "three").unwrap();
    let (input, written) = (input.display().to_string(), written.display().to_string());
    let options = ["--input", &input, "--output", &written];
    let shown = debug(&path, &options, "continue\nrestart\ncontinue\n");
    assert!(!shown.contains("three"), "{shown}");
    assert_eq!(std::fs::read_to_string(written).unwrap(), "12three");
}

#[test]
fn lines_of_several_instructions() {
    let commands =
        "step\nstep\nstep\nstep\nlist\nstep\nstep\nrestart\nbreak 4\nbreak 3\nbreak 9\ncontinue\nnext\n";
    insta::assert_snapshot!("lines_without_source", session(LINES, &["2"], commands));

    // The source is in the program's folder.
    let (folder, path) = file("program.sil", LINES.as_bytes());
    let source = "int sum(int n) { int s = 0, i = 0;\n  do s += n; while (--n);\n\n  return 2 * s + 1;\n}\n";
    std::fs::write(folder.path().join("sum.c"), source).unwrap();
    insta::assert_snapshot!(
        "lines_with_source",
        debug(&path, &["2"], "list\nstep\nnext\nbreak 4\ncontinue\nlist\n")
    );
}

#[test]
fn a_program_without_lines() {
    let text = format!(".lines none\n{SUMS}");
    let commands = "list\nbreak 3\nbreak square\ncontinue\nstep\ndisassemble\nout\nfunctions\n";
    insta::assert_snapshot!(session(&text, &[], commands));
}

#[test]
fn a_silc_program_finds_its_text() {
    let (folder, path) = file("program.sil", SUMS.as_bytes());
    let silc = folder.path().join("program.silc").display().to_string();
    assert!(run(&["asm", &path]).status.success());
    let shown = debug(&silc, &[], "break 15\ncontinue\n");
    assert!(shown.ends_with("main+4 (program.sil:15):\n=>    15      LOAD    R3, [R2]\nchanged: R0 0 -> 9, R1 0 -> 3, R2 0 -> 16, calls 0 -> 1\n"), "{shown}");
}

const MISTAKES: &str = "\
frobnicate
s
st
d
delete x
delete 7
enable 7
break nowhere
break 99
break 0
break other.sil:3
break main+99
break main+x
break main if R0 =
break if
break main if
tbreak square if  
break square if 1 / (R0 - 3)
continue
print
print nothing + 1
print u8[64]
print $2
set
set 5 = 6
set R0
set R0 == 1
set u8[0] = 256
set u8[0] = 2.5
set $9 = 1
memory 64
memory 0, 0
memory 2.5
step 0
step x
until
frame 9
up
up
frame 0
down
list 999
fuel x
help frobnicate
where now
watch R0 +
up
watch R0
quit now
quit
print 1
";

#[test]
fn mistakes_are_explained() {
    insta::assert_snapshot!(session(SUMS, &[], MISTAKES));
}

/// The caret fits the screen, however long the line is.
#[test]
fn a_mistake_is_shown_with_what_is_around_it() {
    let sum = "R0 + ".repeat(100);
    let (name, quoted) = ("x".repeat(300), "x".repeat(40) + "…");
    let shown = session(
        SUMS,
        &[],
        &format!("print {sum}\t+ {sum}1\nprint {name}\nbreak {name}\n{name}\nwhere {name}\n"),
    );
    let said: Vec<&str> = shown.split("(vsp) ").skip(1).map(|it| it.split_once('\n').unwrap().1).collect();
    let [caret, printed, broken, command, behind] = said[..] else { panic!("{shown}") };
    let lines: Vec<&str> = caret.lines().collect();
    assert!(lines[1].starts_with("    …") && lines[1].ends_with('…'), "{caret}");
    let at = lines[2].chars().position(|it| it == '^').unwrap();
    assert_eq!(lines[1].chars().nth(at), Some('+'), "{caret}");
    for message in [printed, broken, command, behind] {
        assert!(message.contains(&quoted), "{message}");
    }
    assert!(said.iter().all(|said| said.lines().all(|line| line.chars().count() <= 160)), "{shown}");
}

#[test]
fn help_lists_all_commands_and_the_tests_use_them() {
    let help = session(SUMS, &[], "help\nhelp break\nhelp c\nquit\n");
    insta::assert_snapshot!(help);
    let listed = help
        .split("(vsp) ")
        .nth(1)
        .unwrap()
        .lines()
        .skip(1)
        .take_while(|line| !line.starts_with("A command"));
    let names: Vec<&str> = listed.map(|line| line.split([' ', ',']).next().unwrap()).collect();
    let scripts = [
        STEPPING,
        BREAKPOINTS,
        INSPECTING,
        WATCHING,
        AFTER_A_TRAP,
        LOOKING_AT_STATES,
        MISTAKES,
        "fuel",
        "help",
        include_str!("debug_reverse.rs"),
    ];
    let used: BTreeSet<&str> =
        scripts.iter().flat_map(|it| it.lines()).filter_map(|it| it.split(' ').next()).collect();
    for name in &names {
        assert!(used.contains(name), "no test uses `{name}`");
    }
    assert!(names.len() > 30, "{names:?}");
}

#[test]
fn what_cannot_begin_is_refused() {
    let (_folder, path) = file("program.sil", SUMS.as_bytes());
    let cases: [(&[&str], &str); 4] = [
        (&["--entry", "square"], "does not export \"square\""),
        (&["--commands", "/nonexistent.txt"], "/nonexistent.txt"),
        (&["--input", "/nonexistent.bin"], "/nonexistent.bin"),
        (&["--memory", "32"], "a memory of 32 bytes"),
    ];
    for (options, message) in cases {
        let output = run(&[&["debug", &path], options].concat());
        assert_eq!(output.status.code(), Some(1));
        assert!(stderr(&output).contains(message), "{}", stderr(&output));
    }
    let (_folder, wrong) = file("wrong.sil", b".func f (0) -> 0\n NOPE\n.end\n");
    assert!(stderr(&run(&["debug", &wrong])).contains("there is no instruction `NOPE`"));
}

/// A recursive call is over when the same frame continues, not another one at the same location.
#[test]
fn stepping_over_a_recursion() {
    let commands = "break 61 if depth == 3\ncontinue\nprint R1\nnext\nprint R1\nprint R0\nprint depth\n";
    let shown = debug(&example("fib"), &["9"], commands);
    let values: Vec<&str> = shown.split("(vsp) print ").skip(1).filter_map(|it| it.lines().nth(1)).collect();
    // F(8) is being computed two calls deep, and F(7) was.
    assert_eq!(values, ["8", "8", "13 (0xd)", "3"], "{shown}");
}

/// The frames of a deep recursion are listed in part.
#[test]
fn a_long_call_stack_is_cut() {
    let shown = debug(&example("fib"), &["60"], "break fib if R0 == 30\ncontinue\nbacktrace\nprint depth\n");
    let lines: Vec<&str> = shown.lines().collect();
    assert!(lines.contains(&"    … 7 more") && lines.contains(&"   31  main+4 (fib.sil:32)"), "{shown}");
    assert!(shown.ends_with("print depth\n32 (0x20)\n"), "{shown}");
}

const PIECES: &[&str] = &[
    "step",
    "next",
    "stepi",
    "nexti",
    "out",
    "continue",
    "until",
    "reverse-step",
    "reverse-next",
    "reverse-stepi",
    "reverse-nexti",
    "reverse-finish",
    "reverse-continue",
    "goto",
    "end",
    "resume",
    "restart",
    "fuel",
    "break",
    "tbreak",
    "watch",
    "display",
    "breakpoints",
    "delete",
    "enable",
    "disable",
    "where",
    "backtrace",
    "frame",
    "up",
    "down",
    "registers",
    "locals",
    "states",
    "globals",
    "print",
    "set",
    "memory",
    "list",
    "disassemble",
    "functions",
    "help",
    "R0",
    "R1",
    "$0",
    "$1",
    "calls",
    "total",
    "main",
    "square",
    "square+3",
    "12",
    "30",
    "0",
    "1",
    "2",
    "if",
    "=",
    "==",
    ",",
    "u8",
    "[",
    "]",
    "(",
    ")",
    "-",
    "*",
    "18446744073709551615",
    "program.sil:14",
    "é",
    "\u{0}",
];

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever the commands are, the debugger exits with 0 or 1, and repeated runs are the same.
    #[test]
    fn any_commands(lines in proptest::collection::vec(
        proptest::collection::vec(proptest::sample::select(PIECES), 1..6), 1..40)) {
        let lines: Vec<String> = lines.iter().map(|pieces| pieces.join(" ")).collect();
        let (_folder, path) = file("program.sil", SUMS.as_bytes());
        let args = ["debug", &path, "--fuel", "1000"];
        let output = run_with(&args, lines.join("\n").as_bytes());
        prop_assert!(matches!(output.status.code(), Some(0 | 1)), "{}", stderr(&output));
        prop_assert_eq!(stderr(&output), "");
        prop_assert_eq!(stdout(&run_with(&args, lines.join("\n").as_bytes())), stdout(&output));
    }
}

/// The names of `.equ` and `.space` are not in the program, but in its text.
#[test]
fn names_of_numbers_and_spaces() {
    const TEXT: &[u8] = b"\
.equ SIZE = 16
.equ half = 0.5
.data start \"abc\"
.space buffer @ 32 SIZE
.export main
.func main (0) -> 0
    MOVI    R1, buffer
    STORE8  [R1], R1
    RET
.end
";
    const COMMANDS: &str = "step 2\nprint buffer + SIZE\nmemory buffer, SIZE\nprint u8[buffer]\nprint half\n";
    let (folder, path) = file("program.sil", TEXT);
    let shown = debug(&path, &[], COMMANDS);
    for line in [
        "48 (0x30)",
        "0x00000020  20 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00  | ...............|",
        "32 (0x20)",
        "0.5",
    ] {
        assert!(shown.lines().any(|it| it == line), "{line}: {shown}");
    }
    // The same holds for a program next to its text,
    assert!(run(&["asm", &path]).status.success());
    let assembled = folder.path().join("program.silc");
    let assembled = assembled.to_str().unwrap();
    assert_eq!(debug(assembled, &[], COMMANDS), shown);
    // but not if the text has changed since.
    std::fs::write(&path, [TEXT, b".data more 1\n"].concat()).unwrap();
    let shown = debug(assembled, &[], "print SIZE\nprint start\nprint strat\n");
    assert!(shown.contains("no register, global, data, space or number is named `SIZE`"), "{shown}");
    assert!(shown.contains("(vsp) print start\n0\n"), "{shown}");
    assert!(shown.contains("named `strat`; did you mean `start`?"), "{shown}");
}

#[test]
fn commands_are_suggested() {
    let shown = session(SUMS, &[], "regs\ncontniue\nbreka square\nxyzzy\n");
    assert!(shown.contains("(vsp) regs\nall are 0\n"), "{shown}");
    assert!(shown.contains("no command `contniue`; did you mean `continue`?"), "{shown}");
    assert!(shown.contains("no command `breka`; did you mean `break`?"), "{shown}");
    assert!(shown.contains("no command `xyzzy`; `help` lists them"), "{shown}");
}

/// The first blocks of docs/debugging.md: commands, and their output.
#[test]
fn the_example_of_the_document() {
    let path = root().join("docs/debugging.md");
    let page = std::fs::read_to_string(&path).unwrap();
    let blocks: Vec<&str> =
        page.split("```text\n").skip(1).filter_map(|rest| rest.split("```").next()).collect();
    let [commands, printed, ..] = blocks.as_slice() else { panic!("{} blocks", blocks.len()) };
    let (_folder, script) = file("fib.txt", commands.as_bytes());
    let output = run(&["debug", &example("fib"), "4", "--commands", &script]);
    assert_eq!(output.status.code(), Some(0));
    if std::env::var_os("VSP_BLESS").is_some() {
        std::fs::write(&path, page.replace(printed, &stdout(&output))).unwrap();
    } else {
        assert_eq!(stdout(&output), *printed, "VSP_BLESS=1 cargo test -p vsp-cli --test debug");
    }
}

/// Input that does not end, as from a program that answers.
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
mod open_input {
    use std::io::{BufRead, BufReader, Lines, Write};
    use std::process::{Child, ChildStdin, Command, Stdio};
    use std::sync::mpsc;
    use std::time::Duration;

    use super::{PRINTING, file};

    /// A session whose standard input stays open. It is killed if it prints nothing for a minute.
    struct Open {
        child: Child,
        stdin: ChildStdin,
        lines: mpsc::Receiver<String>,
    }

    impl Open {
        fn new(args: &[&str]) -> Open {
            let mut command = Command::new(env!("CARGO_BIN_EXE_vsp"));
            let command = command.arg("debug").args(args).env("NO_COLOR", "1");
            let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
            let (sender, lines) = mpsc::channel();
            let stdout: Lines<_> = BufReader::new(child.stdout.take().unwrap()).lines();
            std::thread::spawn(move || stdout.map_while(Result::ok).try_for_each(|line| sender.send(line)));
            let stdin = child.stdin.take().unwrap();
            Open { child, stdin, lines }
        }

        fn write(&mut self, text: &str) {
            self.stdin.write_all(text.as_bytes()).unwrap();
        }

        /// Reads lines up to one that contains the text.
        fn wait_for(&mut self, text: &str) {
            loop {
                match self.lines.recv_timeout(Duration::from_secs(60)) {
                    Ok(line) if line.contains(text) => return,
                    Ok(_) => {}
                    Err(error) => {
                        self.child.kill().unwrap();
                        panic!("{text}: {error}");
                    }
                }
            }
        }

        /// Waits for the end, while the standard input is open.
        fn wait(mut self) -> Option<i32> {
            while self.lines.recv_timeout(Duration::from_secs(60)).is_ok() {}
            // Without lines it has ended, or waits for a minute.
            match self.child.try_wait().unwrap() {
                Some(status) => status.code(),
                None => {
                    std::thread::sleep(Duration::from_secs(1));
                    let ended = self.child.try_wait().unwrap();
                    self.child.kill().unwrap();
                    ended.and_then(|status| status.code())
                }
            }
        }
    }

    #[test]
    fn commands_are_executed_as_they_arrive() {
        for options in [&[][..], &["--commands", "-"]] {
            let (_folder, path) = file("program.sil", PRINTING.as_bytes());
            let mut open = Open::new(&[&[&path[..]], options].concat());
            open.wait_for("=>");
            open.write("step\n");
            open.wait_for("=>");
            open.write("print 40 + 2\n");
            open.wait_for("42");
            open.write("quit\n");
            assert_eq!(open.wait(), Some(0));
        }
    }

    #[test]
    fn the_input_of_the_program_is_read_when_the_program_reads_it() {
        let (folder, path) = file("program.sil", PRINTING.as_bytes());
        let commands = folder.path().join("commands.txt").display().to_string();
        std::fs::write(&commands, "print 1 + 2\nquit\n").unwrap();
        assert_eq!(Open::new(&[&path, "--commands", &commands]).wait(), Some(0));

        #[cfg(feature = "wasi")]
        {
            let module = wat::parse_str(
                r#"(module
                    (import "wasi_snapshot_preview1" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
                    (memory (export "memory") 1)
                    (data (i32.const 0) "\20\00\00\00\04")
                    (func (export "_start")
                        (drop (call $read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 8)))))"#,
            );
            let module_path = folder.path().join("m.wasm").display().to_string();
            std::fs::write(&module_path, module.unwrap()).unwrap();
            std::fs::write(&commands, "print 1 + 2\ncontinue\nprint u8[0x20]\nrestart\ncontinue\nquit\n")
                .unwrap();
            let mut open = Open::new(&[&module_path, "--commands", &commands]);
            open.wait_for("(vsp) continue");
            open.write("A\n");
            open.wait_for("65");
            assert_eq!(open.wait(), Some(0));
        }
    }
}
