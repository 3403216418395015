//! The `vsp` command from the user's view.

mod command;

use command::{file, root, run as vsp, stderr, stdout};
use sha2::{Digest, Sha256};

fn example(name: &str) -> String {
    root().join("examples").join(name).display().to_string()
}

const TRAPPING: &str = "\
.export main
.func main (0) -> 0
    CALL inner
    RET
.end
.func inner (0) -> 0
    DIV R0, R1
    RET
.end
";

#[test]
fn sha256_of_the_readme() {
    let readme = root().join("README.md");
    let digest: String =
        Sha256::digest(std::fs::read(&readme).unwrap()).iter().map(|byte| format!("{byte:02x}")).collect();
    let name = readme.display().to_string();
    let output = vsp(&["run", &example("sha256.sil"), "--input", &name]);
    assert_eq!(stdout(&output), format!("{digest}  {name}\n"));
    assert!(output.status.success() && output.stderr.is_empty());
}

#[test]
fn a_program_is_assembled_run_and_disassembled() {
    let (folder, silc) = file("fib.silc", b"");
    let assembled = vsp(&["asm", &example("fib.sil"), "-o", &silc]);
    assert!(assembled.status.success(), "{}", stderr(&assembled));
    assert_eq!(stdout(&vsp(&["run", &silc, "15"])).trim(), "610");

    let listing = stdout(&vsp(&["dis", &silc]));
    let again = folder.path().join("again.sil");
    std::fs::write(&again, listing).unwrap();
    assert!(vsp(&["asm", &again.display().to_string()]).status.success());
    assert_eq!(std::fs::read(again.with_extension("silc")).unwrap(), std::fs::read(&silc).unwrap());
}

#[test]
fn damaged_files_give_one_clear_error() {
    let (_folder, silc) = file("fib.silc", b"");
    assert!(vsp(&["asm", &example("fib.sil"), "-o", &silc]).status.success());
    let good = std::fs::read(&silc).unwrap();
    let mut flipped = good.clone();
    flipped[good.len() / 2] ^= 4;
    let old = [&good[..4], &[0, 1], &good[6..]].concat();
    let cases: [(&[u8], &str); 5] = [
        (&good[..good.len() - 1], "total length"),
        (&flipped, "damaged"),
        (&old, "format 1.0"),
        (b"", "expected \"SILC\""),
        (b"\x7fELF", "expected \"SILC\""),
    ];
    for (bytes, message) in cases {
        let (_folder, path) = file("bad.silc", bytes);
        let output = vsp(&["run", &path]);
        let errors = stderr(&output);
        assert_eq!(output.status.code(), Some(1), "{errors}");
        assert!(errors.contains(message), "{message}: {errors}");
        assert_eq!(errors.matches("error").count(), 1, "{errors}");
        assert!(output.stdout.is_empty());
    }
}

#[test]
fn an_error_in_line_7_is_shown_in_line_7() {
    let text = "; one\n.export main\n.func main (0) -> 0\n    MOVI R0, 1\n    MOVI R1, 2\n    NOP\n    ADDD R0, R1\n    RET\n.end\n";
    let (_folder, path) = file("seven.sil", text.as_bytes());
    let output = vsp(&["run", &path]);
    let errors = stderr(&output);
    assert_eq!(output.status.code(), Some(1));
    assert!(errors.contains("seven.sil:7:5"), "{errors}");
    assert!(errors.contains("7 |     ADDD R0, R1"), "{errors}");
    assert!(errors.contains("did you mean `ADD`?"), "{errors}");
}

#[test]
fn all_errors_of_a_text_are_shown() {
    let text = ".func f (0) -> 0\n  JMP nowhere\n  ADDI R0, R0, 99999\n  RET\n.end\n";
    let (_folder, path) = file("two.sil", text.as_bytes());
    let errors = stderr(&vsp(&["check", &path]));
    assert!(errors.contains("two.sil:2:7") && errors.contains("two.sil:3:16"), "{errors}");
}

#[test]
fn a_verifier_error_shows_the_source_line() {
    let text = ".export main\n.func main (0) -> 0\n    GETL R0, 3\n    NOP\n.end\n";
    let (_folder, path) = file("local.sil", text.as_bytes());
    let errors = stderr(&vsp(&["run", &path]));
    assert!(errors.contains("local 3 does not exist") && errors.contains("GETL R0, 3"), "{errors}");
    assert!(errors.contains("run off the end"), "{errors}");
}

#[test]
fn a_trap_shows_the_calls_in_source_lines() {
    let (_folder, path) = file("trap.sil", TRAPPING.as_bytes());
    let output = vsp(&["run", &path]);
    let errors = stderr(&output);
    assert_eq!(output.status.code(), Some(3));
    assert!(errors.contains("division by zero"), "{errors}");
    assert!(errors.contains("at function inner, word 0 (trap.sil:7)"), "{errors}");
    assert!(errors.contains("called from function main, word 0 (trap.sil:3)"), "{errors}");
}

#[test]
fn json_says_how_it_ended() {
    let (_folder, path) = file("trap.sil", TRAPPING.as_bytes());
    let report: serde_json::Value = serde_json::from_slice(&vsp(&["run", "--json", &path]).stderr).unwrap();
    assert_eq!(report["outcome"], "trapped");
    assert_eq!(report["trap"], "DivideByZero");
    assert_eq!(report["call_stack"][0]["line"], 7);
    assert_eq!(report["call_stack"][1]["name"], "main");
    assert_eq!(report["fuel_used"], 2);
    assert_eq!(report["exit_code"], 3);
}

#[test]
fn fuel_stops_an_endless_loop() {
    let (_folder, path) = file("loop.sil", b".export main\n.func main (0) -> 0\nl: JMP l\n.end\n");
    let output = vsp(&["run", &path, "--fuel", "1000"]);
    assert_eq!(output.status.code(), Some(4));
    assert!(stderr(&output).contains("the fuel is used up"), "{}", stderr(&output));
}

#[test]
fn entry_arguments_and_results() {
    let text = ".export add\n.func add (2) -> 1\n ADD R0, R1\n RET\n.end\n";
    let (_folder, path) = file("add.sil", text.as_bytes());
    assert_eq!(stdout(&vsp(&["run", &path, "--entry", "add", "--results", "40", "--", "-3"])), "37\n");
    let wrong = stderr(&vsp(&["run", &path, "--entry", "add", "1"]));
    assert!(wrong.contains("takes 2 arguments, and 1 was given"), "{wrong}");
    let missing = stderr(&vsp(&["run", &path]));
    assert!(missing.contains("does not export \"main\"; it exports add"), "{missing}");
}

#[test]
fn the_program_chooses_the_exit_code() {
    let text = ".import sys.exit_code (1) -> 0\n.export main\n.func main (0) -> 0\n MOVI R0, 42\n SYSCALL sys.exit_code\n RET\n.end\n";
    let (_folder, path) = file("exit.sil", text.as_bytes());
    assert_eq!(vsp(&["run", &path]).status.code(), Some(42));
}

#[test]
fn output_goes_to_a_file_and_statistics_to_the_error_stream() {
    let (_folder, picture) = file("picture.pgm", b"");
    let output = vsp(&["run", &example("mandelbrot.sil"), "--output", &picture, "--stats", "16", "10"]);
    assert!(output.status.success() && output.stdout.is_empty());
    assert!(stderr(&output).contains("units of fuel"), "{}", stderr(&output));
    assert!(std::fs::read(&picture).unwrap().starts_with(b"P5\n16 12\n255\n"));
}

#[test]
fn missing_files_and_imports_are_named() {
    assert!(stderr(&vsp(&["run", "/nonexistent.sil"])).contains("/nonexistent.sil"));
    let missing_input = vsp(&["run", &example("crc32.sil"), "--input", "/nonexistent.bin"]);
    assert_eq!(missing_input.status.code(), Some(1));
    assert!(stderr(&missing_input).contains("/nonexistent.bin"));

    let text = ".import sys.wriet (2) -> 1\n.export main\n.func main (0) -> 0\n RET\n.end\n";
    let (_folder, path) = file("import.sil", text.as_bytes());
    assert!(
        stderr(&vsp(&["run", &path])).contains("imports sys.wriet (2) -> 1, which the host does not have")
    );
    let text = text.replace("sys.wriet (2) -> 1", "sys.write (1) -> 1");
    let (_folder, path) = file("import.sil", text.as_bytes());
    let errors = stderr(&vsp(&["run", &path]));
    assert!(errors.contains("as (1) -> 1, and the host has it as (2) -> 1"), "{errors}");
}

/// `output_files.rs` and `terminal.rs` test the exit codes of signals.
#[test]
fn exit_codes_are_those_of_the_help() {
    let text = ".export main\n.export trap\n.func main (0) -> 0\n YIELD R0\n RET\n.end\n.func trap (0) -> 0\n TRAP 5\n.end\n";
    let (_folder, path) = file("end.sil", text.as_bytes());
    let missing = path.replace("end.sil", "missing.sil");
    for command in ["run", "trace", "profile"] {
        for (args, code) in [
            (&[&example("fib.sil"), "5"][..], 0),
            (&[&missing], 1),
            (&[&path, "--entry", "missing"], 1),
            (&[], 2),
            (&[&path, "--fuel", "many"], 2),
            (&[&path, "--entry", "trap"], 3),
            (&[&path], 4),
            (&[&example("fib.sil"), "5", "--fuel", "10"], 4),
        ] {
            let line = [&[command], args].concat();
            assert_eq!(vsp(&line).status.code(), Some(code), "{line:?}");
        }
        let help = stdout(&vsp(&[command, "--help"]));
        let listed =
            help.split_once("Exit codes:\n").unwrap().1.lines().map_while(|line| line.strip_prefix("  "));
        let listed: Vec<&str> = listed.filter_map(|line| line.split(' ').next()).collect();
        assert_eq!(listed, ["0–255", "1", "2", "3", "4", "129", "130", "143"], "{command}");
    }
    let help = stdout(&vsp(&["--help"]));
    let listed =
        help.split_once("Exit codes:\n").unwrap().1.lines().map_while(|line| line.strip_prefix("  "));
    let listed: Vec<&str> = listed.filter_map(|line| line.split("  ").next()).collect();
    assert_eq!(listed, ["0", "1", "2", "3", "4", "129, 130, 143"]);
    for args in
        [&["check", &path, &missing][..], &["fmt", "--check", &path], &["check", "--deny-warnings", &missing]]
    {
        assert_eq!(vsp(args).status.code(), Some(1), "{args:?}");
    }
    for args in [&["frobnicate"][..], &[], &["check"], &["debug"]] {
        assert_eq!(vsp(args).status.code(), Some(2), "{args:?}");
    }
}

/// Returns the code block of the README that contains a text.
fn readme_block(containing: &str) -> String {
    let readme = std::fs::read_to_string(root().join("README.md")).unwrap();
    let mut blocks = readme.split("```text\n").skip(1).filter_map(|rest| rest.split("```").next());
    blocks.find(|block| block.contains(containing)).unwrap().to_owned()
}

#[test]
fn the_readme_program_does_what_the_readme_says() {
    let program = readme_block(".func main");
    let (folder, path) = file("sum.sil", program.as_bytes());
    assert_eq!(stdout(&vsp(&["run", &path, "10"])), "55\n");
    assert_eq!(stdout(&vsp(&["run", &path])), "5050\n");

    std::fs::write(&path, program.replace("R0, next ", "R0, nxet ")).unwrap();
    let shown = stderr(&vsp(&["run", &path])).replace(&folder.path().display().to_string(), "");
    assert_eq!(shown.replace("/sum.sil", "sum.sil").trim_end(), readme_block("error:").trim_end());
}
