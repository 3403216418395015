//! Names that a text never uses.
#![cfg(feature = "text")]

use vsp_core::text::unused;

/// Returns the messages with their lines.
fn found(text: &str) -> Vec<String> {
    let found = unused(text).unwrap_or_else(|errors| panic!("{}", errors[0]));
    found.iter().map(|it| format!("{}: {}", it.line, it.message)).collect()
}

#[test]
fn everything_that_has_a_name() {
    let text = "\
.import sys.read (2) -> 1
.equ n = 1
.const c = 2
.global g = 3
.data d \"d\"
.space s 16
.export main
.func main (0) -> 0
l:  RET
.end
.func f (0) -> 0
    RET
.end
";
    assert_eq!(
        found(text),
        [
            "1: import `sys.read` is never used",
            "2: number `n` is never used",
            "3: constant `c` is never used",
            "4: global `g` is never used",
            "5: data `d` is never used",
            "6: space `s` is never used",
            "9: label `l` is never used",
            "11: function `f` is never used",
        ]
    );
}

#[test]
fn every_kind_of_use_counts() {
    let text = "\
.import sys.read (2) -> 1
.import sys.write (2) -> 1
.equ n = 1
.equ m = n + 1
.const c = 2
.const p = 5
.const k = 6
.global g = 3
.global h
.data d @ 64 \"d\"
.space s 16
.data u u8 m
.export start = main
.export \"by number\" = $2
.func main (0) -> 0
    SYSCALL sys.read
    SYSCALL $1
    CONST R0, c
    MOVI R0, p
    CONST R0, $2
    GETG R0, g
    SETG R0, $1
    LOAD8U R0, [R1 + d]
    MOVI R0, u - s
    JZ R0, l
    CALL f
l:  RET
.end
.func f (0) -> 0
    RET
.end
.func x (0) -> 0
    RET
.end
";
    assert_eq!(found(text), [] as [String; 0]);
}

/// Labels belong to their functions; other names may be used anywhere.
#[test]
fn a_label_is_used_in_its_own_function_only() {
    let text = ".export f\n.func f (0) -> 0\n JMP l\nl: CALL g\n RET\n.end\n.func g (0) -> 0\nl: RET\n.end\n";
    assert_eq!(found(text), ["8: label `l` is never used"]);
}

#[test]
fn underscores_and_indirect_calls_need_no_use() {
    let text = ".equ _n = 1\n.export f\n.func f (0) -> 0\n_l: CALLR R0, (0) -> 0\n RET\n.end\n.func g (0) -> 0\n RET\n.end\n";
    assert_eq!(found(text), [] as [String; 0]);
    assert_eq!(found(&text.replace("CALLR R0, (0) -> 0", "NOP")), ["7: function `g` is never used"]);
}

#[test]
fn a_text_with_errors_gives_them() {
    let errors = unused(".equ n = 1\n.func f (0) -> 0\n JMP l\n.end\n").unwrap_err();
    assert_eq!((errors.len(), errors[0].line), (1, 3));
}
