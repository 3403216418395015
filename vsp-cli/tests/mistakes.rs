//! Messages of the `vsp` command about mistakes in programs.

mod command;

use command::{file, refusal, root, run, run_with, stderr, stdout};

#[test]
fn imports_of_sys_are_checked_with_their_locations() {
    let text = ".import log.line (2) -> 0\n.import sys.pritn_int (1) -> 0\n  .import  sys.print_int (2) -> 0 ; two?\n\
        .import sys.qqqqqqq (0) -> 0\n.export main\n.func main (0) -> 0\n RET\n.end\n";
    let (_folder, path) = file("imports.sil", text.as_bytes());
    let checked = refusal(&["check", &path], 1);
    for part in [
        "the program imports sys.pritn_int (1) -> 0, which the host does not have",
        "imports.sil:2:9",
        "did you mean `sys.print_int`?",
        "the program imports sys.print_int as (2) -> 0, and the host has it as (1) -> 0",
        "imports.sil:3:12",
        "write `.import sys.print_int (1) -> 0`",
        "imports.sil:4:9",
        "`sys` has read, write, print_int, ",
    ] {
        assert!(checked.contains(part), "{part}: {checked}");
    }
    assert!(!checked.contains("log.line"), "{checked}");
    // These commands need all imports.
    for command in ["run", "trace", "profile", "debug"] {
        let refused = refusal(&[command, &path], 1);
        for part in [
            "imports log.line (2) -> 0",
            "imports.sil:1:9",
            "imports.sil:2:9",
            "did you mean `sys.print_int`?",
        ] {
            assert!(refused.contains(part), "{command}: {part}: {refused}");
        }
    }
}

#[test]
fn a_program_of_another_host_is_checked() {
    let text =
        ".import log.line (2) -> 0\n.export main\n.func main (2) -> 0\n SYSCALL log.line\n RET\n.end\n";
    let (folder, path) = file("log.sil", text.as_bytes());
    assert!(run(&["check", "--deny-warnings", &path]).status.success());
    // Without the text there are no lines.
    let text = text.replace("log.line", "sys.line");
    std::fs::write(&path, text).unwrap();
    let silc = folder.path().join("log.silc").display().to_string();
    assert!(run(&["asm", &path, "-o", &silc]).status.success());
    let refused = refusal(&["check", &silc], 1);
    assert!(refused.contains("imports sys.line (2) -> 0") && refused.contains("in "), "{refused}");
}

#[test]
fn errors_are_counted_and_the_limit_is_named() {
    let text = |errors: usize| {
        format!(
            ".func f (0) -> 0\n{} RET\n.end\n",
            (0..errors).map(|n| format!(" JMP nowhere{n}\n")).collect::<String>()
        )
    };
    for (errors, summary) in [
        (1, None),
        (2, Some("many.sil: 2 errors")),
        (31, Some("many.sil: 31 errors")),
        (32, Some("many.sil: … and more; stopped after 32 errors")),
        (1_000, Some("many.sil: … and more; stopped after 32 errors")),
    ] {
        let (_folder, path) = file("many.sil", text(errors).as_bytes());
        let shown = refusal(&["check", &path], 1);
        let last = shown.lines().last().unwrap();
        match summary {
            Some(summary) => assert!(last.ends_with(summary), "{errors}: {last}"),
            None => assert!(!shown.contains("errors"), "{shown}"),
        }
        assert_eq!(shown.matches("there is no label").count(), errors.min(32));
    }
    // The same for errors of the verifier.
    let bad = format!(".func f (0) -> 0\n{} RET\n.end\n", " GETL R0, 3\n".repeat(40));
    let (_folder, path) = file("many.sil", bad.as_bytes());
    let shown = refusal(&["check", &path], 1);
    assert!(shown.trim_end().ends_with("stopped after 32 errors"), "{shown}");
}

#[test]
fn a_number_that_does_not_fit_says_the_range_and_a_way() {
    for (line, says, help) in [
        (
            "JEQI R4, 255, l",
            "255 is out of range for JEQI (-128 to 127)",
            "`MOVI Rx, 255` puts it into a register, for `JEQ`",
        ),
        ("JLTUI R4, 256, l", "256 is out of range for JLTUI (0 to 255)", "for `JLTU`"),
        ("ADDI R4, 40000", "40000 is out of range for ADDI (-32768 to 32767)", "`MOVI Rx, 40000` puts it"),
        ("SHLI R4, 64", "64 is out of range for the shift count of SHLI (0 to 63)", ""),
        ("TRAP -1", "-1 is out of range for TRAP (0 to 16777215)", ""),
        (
            "LOAD R4, [R5 + 40000]",
            "40000 is out of range for the displacement in bytes of LOAD (-32768 to 32767)",
            "",
        ),
    ] {
        let text = format!(".export f\n.func f (0) -> 0\nl: {line}\n RET\n.end\n");
        let (_folder, path) = file("f.sil", text.as_bytes());
        let shown = refusal(&["check", &path], 1);
        assert!(shown.contains(says) && shown.contains(help), "{shown}");
        assert_eq!(shown.contains("help"), !help.is_empty(), "{shown}");
    }
    // The suggested instructions work.
    let text = ".export f\n.func f (0) -> 0\nl: MOVI R1, 255\n JEQ R4, R1, l\n RET\n.end\n";
    let (_folder, path) = file("f.sil", text.as_bytes());
    assert!(run(&["check", &path]).status.success());
}

#[test]
fn the_examples_give_no_warnings() {
    let examples = std::fs::read_dir(root().join("examples")).unwrap();
    let texts = examples.map(|entry| entry.unwrap().path());
    let texts = texts.filter(|path| path.extension().is_some_and(|extension| extension == "sil"));
    let names: Vec<String> = texts.map(|path| path.display().to_string()).collect();
    assert!(names.len() > 15);
    let line: Vec<&str> =
        ["check", "--deny-warnings"].into_iter().chain(names.iter().map(String::as_str)).collect();
    let output = run(&line);
    assert!(output.status.success(), "{}", stderr(&output));
}

#[test]
fn counts_are_words_as_people_say_them() {
    let text = ".export main\n.func main (0) -> 0\n RET\n.end\n";
    let (_folder, path) = file("one.sil", text.as_bytes());
    assert!(
        stdout(&run(&["check", &path]))
            .ends_with(": ok: 1 function, 1 word of code, 0 imports, 16 bytes of memory\n")
    );
    let stats = stderr(&run(&["run", "--stats", &path]));
    assert!(stats.contains("returned: 1 unit of fuel in ") && !stats.contains("results"), "{stats}");
    assert!(stderr(&run(&["profile", &path])).starts_with("1 instruction, 1 unit of fuel\n"));

    let loops = ".export f\n.func f (0) -> 1\n MOVI R1, 10000\nl: ADDI R0, 1\n LOOP R1, l\n RET\n.end\n";
    let (folder, path) = file("loops.sil", loops.as_bytes());
    let stats = stderr(&run(&["run", "--stats", "--entry", "f", &path]));
    assert!(
        stats.contains("returned: 20,002 units of fuel in ") && stats.contains("results: [10000]"),
        "{stats}"
    );
    let flame = folder.path().join("flame.svg").display().to_string();
    let profile = stderr(&run(&["profile", "--entry", "f", "--flame", &flame, &path]));
    assert!(profile.starts_with("20,002 instructions, 20,002 units of fuel\n"), "{profile}");
    assert!(std::fs::read_to_string(&flame).unwrap().contains("20,002 instructions"));
    let wrong = refusal(&["run", "--entry", "f", &path, "--fuel", "x"], 2);
    assert!(wrong.contains("'--fuel <UNITS>': is not a number"), "{wrong}");
}

#[test]
fn help_describes_commands_and_options() {
    let help = stdout(&run(&["--help"]));
    assert!(help.starts_with("Run, assemble, disassemble, check and debug VSP programs"), "{help}");
    let run_help = stdout(&run(&["run", "--help"]));
    let words = run_help.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        words.contains("`auto` starts in the interpreter and compiles hot code in the background"),
        "{words}"
    );
}

/// It is reported where it is defined, and once.
#[test]
fn a_name_that_is_too_long_is_one_short_error() {
    let long = "n".repeat(65_536);
    let shown_name = format!("the name \"{}…\" has more than 65535 bytes", "n".repeat(40));
    for (text, at) in [
        (".func main (0) -> 0\n CALL LONG\n RET\n.end\n.func LONG (0) -> 0\n RET\n.end\n", "5:7"),
        (".func main (0) -> 0\n GETG R0, LONG\n RET\n.end\n.global LONG = 1\n", "5:9"),
        (".func main (0) -> 0\n SYSCALL sys.LONG\n RET\n.end\n.import sys.LONG (0) -> 0\n", "5:9"),
        (".func main (0) -> 0\n RET\n.end\n\n.export LONG = main\n", "5:9"),
    ] {
        let (_folder, path) = file("long.sil", text.replace("LONG", &long).as_bytes());
        let said = refusal(&["check", &path], 1);
        assert!(said.starts_with(&format!("error: {shown_name}\n")), "{text}: {said}");
        assert!(said.contains(&format!("long.sil:{at}")), "{text}: {said}");
        assert_eq!(said.matches("error").count(), 1, "{said}");
        assert!(said.len() < 1_000, "{said}");
    }
    // A meaningless name can have any length.
    for line in [
        "JMP LONG",
        "MOVI R0, LONG",
        "LONG R0",
        ".LONG",
        "LONG: LONG: RET",
        "FMATH R0, LONG, R1",
        "CONST R0, LONG",
    ] {
        let text = format!(".func f (0) -> 0\n {}\n RET\n.end\n", line.replace("LONG", &long));
        let (_folder, path) = file("long.sil", text.as_bytes());
        let said = refusal(&["check", &path], 1);
        let first = said.lines().next().unwrap();
        assert!(first.contains(&format!("{}…", &long[..39])) && first.len() < 120, "{line}: {said}");
    }
}

/// Some editors write a byte order mark in front of a text.
#[test]
fn a_byte_order_mark_is_called_so() {
    let text = ".export main\n.func main (0) -> 0\n RET\n.end\n";
    for (text, at) in [(format!("\u{feff}{text}"), "1:1"), (text.replace(" RET", "\u{feff}\n RET"), "3:1")] {
        let (_folder, path) = file("marked.sil", text.as_bytes());
        for args in [&["run"][..], &["check"], &["fmt", "--check"]] {
            let said = refusal(&[args, &[&path]].concat(), 1);
            assert!(said.starts_with("error: a byte order mark: a text must start without one\n"), "{said}");
            assert!(
                said.contains(&format!("marked.sil:{at}")) && said.contains("save it as UTF-8 without"),
                "{said}"
            );
        }
    }
}

/// A terminal would execute them.
#[test]
fn names_with_control_characters_are_escaped() {
    let text = ".export main\n.func main (0) -> 0\n CALL \"a\\x1b[31mb\"\n RET\n.end\n.func \"a\\x1b[31mb\" (0) -> 0\n TRAP 1\n.end\n";
    let (folder, path) = file("escape.sil", text.as_bytes());
    let silc = folder.path().join("escape.silc").display().to_string();
    assert!(run(&["asm", &path, "-o", &silc]).status.success());
    let mut lines: Vec<Vec<&str>> = vec![vec!["run"], vec!["trace"], vec!["profile"], vec!["dump"]];
    lines.extend([vec!["ir"], vec!["disasm-native"]].into_iter().filter(|_| cfg!(feature = "disassembler")));
    for line in lines {
        let output = run(&[line.as_slice(), &[&silc]].concat());
        let said = stdout(&output) + &stderr(&output);
        assert!(said.contains("a\\u{1b}[31mb") && !said.contains('\u{1b}'), "{line:?}: {said}");
    }
    let said = stdout(&run_with(&["debug", &silc], b"functions\nstepi\nbacktrace\n"));
    assert!(said.matches("a\\u{1b}[31mb").count() > 2 && !said.contains('\u{1b}'), "{said}");
}
