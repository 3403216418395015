//! Numbers on the command line.

mod command;

use command::{example, file, refusal, run, run_in, run_with, stderr, stdout};

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
        let entry = run(&["run", "--entry", "f", "--results", &path, text]);
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
        let refused = refusal(&["run", "--entry", "f", &path, text], 1);
        assert!(refused.contains(&format!("the argument \"{text}\" is out of range")), "{refused}");
        let refused = refusal(&["run", "--entry", "int", &path, "--", text], 3);
        assert!(refused.contains("is out of range: an integer is from -2^63 to 2^64 - 1"), "{refused}");
    }
    let refused = refusal(&["run", "--entry", "f", &path, "18446744073709551616"], 1);
    assert!(refused.contains("(1.8446744073709552e19 is a binary64)"), "{refused}");
    // The hint of the message is right.
    let output = run(&["run", "--entry", "f", "--results", &path, "1.8446744073709552e19"]);
    assert_eq!(stdout(&output).trim(), 18_446_744_073_709_551_616.0f64.to_bits().to_string());

    for entry in ["f", "float"] {
        let code = if entry == "f" { 1 } else { 3 };
        let refused = refusal(&["run", "--entry", entry, &path, "1e999"], code);
        assert!(refused.contains("too large for a binary64"), "{refused}");
    }
    assert!(refusal(&["run", "--entry", "int", &path, "1.5"], 3).contains("\"1.5\", is no integer"));
    assert!(refusal(&["run", "--entry", "f", &path, "five"], 1).contains("\"five\" is not a number"));
    // There is only one NaN.
    for text in ["nan", "-nan"] {
        let output = run(&["run", "--entry", "f", "--results", &path, text]);
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
        ("--fuel", "18446744073709551616", "is out of range: it is from 0 to 2^64 - 1"),
        ("--stack", "4294967296", "is out of range: a stack has 64 to 2^28 cells"),
        ("--fuel", "many", "is not a number"),
    ] {
        for args in
            [&["run", &format!("{option}={value}"), &fib, "5"][..], &["run", &fib, "5", option, value]]
        {
            let refused = refusal(args, 2);
            assert!(refused.contains(says), "{refused}");
        }
    }
    let fuel = stdout(&run_with(&["debug", &fib, "5"], b"fuel 0x100\nstepi 0b11\n"));
    assert!(fuel.contains("left: 256"), "{fuel}");
}

/// Words that only the parser of the command line could misread.
#[test]
fn negative_numbers_are_no_options_and_options_no_numbers() {
    let (folder, path) = file("f.sil", TEXT.as_bytes());
    let bits = |text: &str| text.parse::<f64>().unwrap().to_bits() as i64;
    for text in ["-inf", "-2.5", "-1e3", "-.5"] {
        let output = run(&["run", "--results", &path, text, "--entry", "f", "--fuel", "100"]);
        assert_eq!(stdout(&output).trim(), bits(text).to_string(), "{text}: {}", stderr(&output));
    }
    for command in ["trace", "profile", "debug"] {
        let output = run(&[command, "--entry", "f", &path, "-0x10"]);
        assert!(output.status.success(), "{command}: {}", stderr(&output));
    }
    // The program gets them as they were written.
    let refused = refusal(&["run", "--entry", "int", &path, "-inf"], 3);
    assert!(refused.contains("argument 0, \"-inf\", is no integer"), "{refused}");
    for wrong in ["-x", "-0y", "--fule", "--5"] {
        let refused = refusal(&["run", "--entry", "f", &path, wrong], 2);
        assert!(
            refused.contains("unexpected argument '-") && refused.contains("Usage: vsp run"),
            "{refused}"
        );
    }
    // Values of options are not arguments, wherever they are.
    std::fs::write(folder.path().join("-inf"), "").unwrap();
    let output = run_in(folder.path(), &["run", "-e", "f", "f.sil", "5", "-i./-inf", "--results"], b"");
    assert_eq!(stdout(&output), "5\n", "{}", stderr(&output));
}

#[test]
fn long_arguments_are_cut_in_messages() {
    let long = "x\u{1b}[2J".repeat(100);
    let (_folder, path) = file("f.sil", TEXT.as_bytes());
    let lines: [&[&str]; 9] = [
        &["run", "--entry", "f", &path, &long],
        &["run", "--entry", "int", &path, &long],
        &["run", "--entry", &long, &path],
        &["trace", "--entry", "f", "--function", &long, &path, "1"],
        &["cfg", "--function", &long, &path],
        &["cfg", "-o", &format!("a.{long}"), &path],
        &["dump", "--function", &long, &path],
        &["ir", "--function", &long, &path],
        &["ir", "--target", &long, &path],
    ];
    let lines = if cfg!(feature = "jit") { &lines[..] } else { &lines[..7] };
    for args in lines {
        let output = run(args);
        let said = stderr(&output);
        assert!(matches!(output.status.code(), Some(1 | 3)), "{args:?}: {said}");
        assert!(said.contains('…') && !said.contains('\u{1b}'), "{args:?}: {said}");
        let is_about_file = args.contains(&"-o");
        assert!(is_about_file || !said.contains(&"x".repeat(2)) && said.len() < 600, "{args:?}: {said}");
    }
}
