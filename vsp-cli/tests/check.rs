//! `vsp check` from the user's view.

mod command;

use command::{file, run, run_in, stderr, stdout};

const DOUBTFUL: &str = "\
.import sys.print_int (1) -> 0
.import sys.write (2) -> 1
.equ limit = 10
.equ used = 3
.const pi = 3.14
.const e = 2.7
.global counter = 0
.data message \"hello; there\"
.data numbers u32 1, 2, 3
.space _buffer 64
.export main

.func main (0) -> 0
start:
    MOVI    R0, used                    ; not R9
    ADD     R1, R0, R9                  ; R9 is still zero
    GETL    R2, 3
    CONST   R3, pi
    MOVI    R4, numbers
    JMP     out
    MOVI    R5, 1
again:
    MOVI    R6, 2
out:
    SYSCALL sys.print_int
    RET
    NOP
    RET
    .locals 4
.end

.func helper (0) -> 0
    RET
.end
";

const CLEAN: &str = "\
.export sum
.func sum (1) -> 1
    MOVI    R1, 0
next:
    ADD     R1, R0
    LOOP    R0, next
    MOV     R0, R1
    RET
.end
";

#[test]
fn warnings_of_a_text_have_carets() {
    let (folder, _) = file("doubtful.sil", DOUBTFUL.as_bytes());
    let output = run_in(folder.path(), &["check", "doubtful.sil"], b"");
    assert_eq!(output.status.code(), Some(0));
    assert!(
        stdout(&output).starts_with("doubtful.sil: ok: 2 functions")
            && stdout(&output).contains("12 warnings")
    );
    insta::assert_snapshot!(stderr(&output));
}

#[test]
fn warnings_of_a_program_have_locations() {
    let (folder, _) = file("doubtful.sil", DOUBTFUL.as_bytes());
    assert!(run_in(folder.path(), &["asm", "doubtful.sil"], b"").status.success());
    let output = run_in(folder.path(), &["check", "doubtful.silc"], b"");
    assert_eq!(output.status.code(), Some(0));
    insta::assert_snapshot!(stderr(&output));
}

#[test]
fn warnings_fail_only_if_that_is_asked_for() {
    let (_doubtful_folder, doubtful) = file("doubtful.sil", DOUBTFUL.as_bytes());
    let (_clean_folder, clean) = file("clean.sil", CLEAN.as_bytes());
    assert_eq!(run(&["check", "--deny-warnings", &doubtful, &clean]).status.code(), Some(1));
    let output = run(&["check", "--deny-warnings", &clean]);
    assert_eq!(output.status.code(), Some(0));
    assert!(output.stderr.is_empty(), "{}", stderr(&output));
}

#[test]
fn too_many_warnings_are_counted() {
    let labels: String = (0..100).map(|number| format!("l{number}: NOP\n")).collect();
    let text = format!(".export main\n.func main (0) -> 0\n{labels}RET\n.end\n");
    let (_folder, path) = file("labels.sil", text.as_bytes());
    let output = run(&["check", &path]);
    assert!(stdout(&output).contains("100 warnings"), "{}", stdout(&output));
    assert_eq!(stderr(&output).matches("is never used").count(), 64);
    assert!(stderr(&output).contains("there are 36 more warnings"), "{}", stderr(&output));
}
