//! Sessions of `vsp debug` in tests.

use super::{file, run_with, stderr, stdout};

/// Returns the output for commands from a pipe. A wrong command makes the exit code 1.
pub(crate) fn session(text: &str, options: &[&str], commands: &str) -> String {
    let (_folder, path) = file("program.sil", text.as_bytes());
    debug(&path, options, commands)
}

pub(crate) fn debug(path: &str, options: &[&str], commands: &str) -> String {
    let output = run_with(&[&["debug", path], options].concat(), commands.as_bytes());
    let shown = stdout(&output);
    assert_eq!(stderr(&output), "", "{shown}");
    let code = i32::from(shown.contains("\nerror: "));
    assert_eq!(output.status.code(), Some(code), "{shown}");
    shown
}

/// Two instructions per line, and one line that jumps to its start.
pub(crate) const LINES: &str = "\
.lines explicit
.file \"sum.c\"
.export main
.func main (1) -> 1
    .line 1
    MOVI    R1, 0
    MOVI    R2, 0
    .line 2
next:
    ADD     R1, R0
    LOOP    R0, next
    .line 4
    MOV     R0, R1
    CALL    twice
    ADDI    R0, 1
    RET
.end
.func twice (1) -> 1
    .line 8
    ADD     R0, R0
    RET
.end
";
