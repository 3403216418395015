//! Numbers on the command line.

mod command;

use command::{example, file, refusal, run, run_with, stderr, stdout};

/// Functions that take one number, and a program that prints its argument as an integer or a binary64.
const TEXT: &str = "\
.import sys.arg_int (2) -> 1
.import sys.arg_float (2) -> 1
.import sys.print_int (1) -> 0
.import sys.print_float (1) -> 0
.export f
.export int
.export float
.func f (1) -> 1
 RET
.end
.func int (0) -> 0
 MOVI R0, 0
 MOVI R1, 0
 SYSCALL sys.arg_int
 SYSCALL sys.print_int
 RET
.end
.func float (0) -> 0
 MOVI R0, 0
 MOVI R1, 0
 SYSCALL sys.arg_float
 SYSCALL sys.print_float
 RET
.end
";

#[test]
fn an_integer_means_the_same_everywhere() {
    let (_folder, path) = file("f.sil", TEXT.as_bytes());
    for (text, value) in [
        ("5", "5"),
        ("+5", "5"),
        ("-5", "-5"),
        ("0x10", "16"),
        ("0XfF", "255"),
        ("-0x10", "-16"),
        ("0b101", "5"),
        ("1_000", "1000"),
        ("18446744073709551615", "-1"),
        ("-9223372036854775808", "-9223372036854775808"),
    ] {
        let entry = run(&["run", "--entry", "f", "--results", &path, "--", text]);
        assert_eq!(stdout(&entry).trim(), value, "{text}");
        assert_eq!(stdout(&run(&["run", "--entry", "int", &path, "--", text])), value, "{text}");
        let script = format!("print i64({})\n", text.trim_start_matches('+'));
        let debugger = stdout(&run_with(&["debug", "--entry", "int", &path], script.as_bytes()));
        let last = debugger.lines().last().unwrap().to_owned();
        assert_eq!(last.split(' ').next(), Some(value), "{text}");
        let float = stdout(&run(&["run", "--entry", "float", &path, "--", text]));
        let plain = text.trim_start_matches('+').parse::<f64>();
        assert_eq!(float.parse::<f64>().unwrap(), plain.unwrap_or_else(|_| value.parse().unwrap()), "{text}");
    }
}

#[test]
fn what_does_not_fit_is_refused_and_becomes_nothing_else() {
    let (_folder, path) = file("f.sil", TEXT.as_bytes());
    for text in ["18446744073709551616", "-9223372036854775809", "0x10000000000000000"] {
        let refused = refusal(&["run", "--entry", "f", &path, "--", text], 1);
        assert!(refused.contains(&format!("the argument \"{text}\" is out of range")), "{refused}");
        let refused = refusal(&["run", "--entry", "int", &path, "--", text], 3);
        assert!(refused.contains("is out of range: an integer is from -2^63 to 2^64 - 1"), "{refused}");
    }
    let refused = refusal(&["run", "--entry", "f", &path, "18446744073709551616"], 1);
    assert!(refused.contains("(1.8446744073709552e19 is a binary64)"), "{refused}");
    // What it says is so.
    let output = run(&["run", "--entry", "f", "--results", &path, "1.8446744073709552e19"]);
    assert_eq!(stdout(&output).trim(), 18_446_744_073_709_551_616.0f64.to_bits().to_string());

    for entry in ["f", "float"] {
        let code = if entry == "f" { 1 } else { 3 };
        let refused = refusal(&["run", "--entry", entry, &path, "1e999"], code);
        assert!(refused.contains("too large for a binary64"), "{refused}");
    }
    assert!(refusal(&["run", "--entry", "int", &path, "1.5"], 3).contains("\"1.5\", is no integer"));
    assert!(refusal(&["run", "--entry", "f", &path, "five"], 1).contains("\"five\" is not a number"));
    // There is one NaN.
    for text in ["nan", "-nan"] {
        let output = run(&["run", "--entry", "f", "--results", &path, "--", text]);
        assert_eq!(stdout(&output).trim(), f64::NAN.to_bits().to_string());
    }
}

#[test]
fn limits_are_numbers_of_the_same_notation() {
    let fib = example("fib");
    let line = ["run", "--fuel", "0x10_0000", "--memory", "0x1000", "--stack", "0b1000000000000", &fib, "5"];
    let output = run(&line);
    assert_eq!(stdout(&output).trim(), "5", "{}", stderr(&output));
    for (option, value, says) in [
        ("--fuel", "-1", "is negative"),
        ("--fuel", "1.5", "is no integer"),
        ("--memory", "18446744073709551616", "is out of range"),
        ("--stack", "4294967296", "is out of range"),
        ("--fuel", "many", "is not a number"),
    ] {
        let refused = refusal(&["run", &format!("{option}={value}"), &fib, "5"], 2);
        assert!(refused.contains(says), "{refused}");
    }
    let fuel = stdout(&run_with(&["debug", &fib, "5"], b"fuel 0x100\nstepi 0b11\n"));
    assert!(fuel.contains("left: 256"), "{fuel}");
}
