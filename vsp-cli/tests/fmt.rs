//! `vsp fmt` from the user's view.

mod command;

use command::{file, root, run, run_with, stderr, stdout};

const UNTIDY: &str = ".export main\n.func main (0)->0\nmovi r0,1;one\n ret\n.end\n\n";
const TIDY: &str = "\
.export main
.func main (0) -> 0
    MOVI    R0, 1                       ;one
    RET
.end
";
const WRONG: &str = ".func main (0) -> 0\n jmp out\n.end\n";

#[test]
fn a_file_is_changed_only_if_its_layout_is_another() {
    let (_folder, path) = file("untidy.sil", UNTIDY.as_bytes());
    let output = run(&["fmt", &path]);
    assert!(output.status.success() && output.stdout.is_empty() && output.stderr.is_empty());
    assert_eq!(std::fs::read_to_string(&path).unwrap(), TIDY);

    let before = std::fs::metadata(&path).unwrap().modified().unwrap();
    assert!(run(&["fmt", &path]).status.success());
    assert_eq!(std::fs::metadata(&path).unwrap().modified().unwrap(), before);
}

#[test]
fn check_says_where_and_changes_nothing() {
    let (_untidy_folder, untidy) = file("untidy.sil", UNTIDY.as_bytes());
    let (_tidy_folder, tidy) = file("tidy.sil", TIDY.as_bytes());
    let output = run(&["fmt", "--check", &untidy, &tidy]);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(stdout(&output), format!("{untidy}:2: vsp fmt would change this line\n"));
    assert_eq!(std::fs::read_to_string(&untidy).unwrap(), UNTIDY);

    let output = run(&["fmt", "--check", &tidy]);
    assert!(output.status.success() && output.stdout.is_empty());
}

#[test]
fn the_standard_input_goes_to_the_standard_output() {
    let output = run_with(&["fmt", "-"], UNTIDY.as_bytes());
    assert_eq!((output.status.code(), stdout(&output).as_str()), (Some(0), TIDY));
    let output = run_with(&["fmt", "--check", "-"], UNTIDY.as_bytes());
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(stdout(&output), "standard input:2: vsp fmt would change this line\n");
    let output = run_with(&["fmt", "-"], WRONG.as_bytes());
    assert!(output.status.code() == Some(1) && output.stdout.is_empty());
    assert!(stderr(&output).contains("standard input:2:6"), "{}", stderr(&output));
}

#[test]
fn a_text_with_errors_is_left_alone_and_the_others_are_formatted() {
    let (_wrong_folder, wrong) = file("wrong.sil", WRONG.as_bytes());
    let (_untidy_folder, untidy) = file("untidy.sil", UNTIDY.as_bytes());
    let output = run(&["fmt", &wrong, &untidy]);
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("there is no label `out`"), "{}", stderr(&output));
    assert_eq!(std::fs::read_to_string(&wrong).unwrap(), WRONG);
    assert_eq!(std::fs::read_to_string(&untidy).unwrap(), TIDY);
}

#[test]
fn what_is_no_text_is_refused() {
    let (_folder, silc) = file("untidy.silc", b"");
    assert!(
        run(&["asm", &root().join("examples/fib.sil").display().to_string(), "-o", &silc]).status.success()
    );
    let before = std::fs::read(&silc).unwrap();
    let output = run(&["fmt", &silc]);
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("this is a .silc program"), "{}", stderr(&output));
    assert_eq!(std::fs::read(&silc).unwrap(), before);

    let (_folder, path) = file("latin.sil", b"; caf\xE9\n");
    let errors = stderr(&run(&["fmt", &path]));
    assert!(errors.contains("invalid UTF-8 at byte 5"), "{errors}");
    assert!(stderr(&run(&["fmt", "/nonexistent.sil"])).contains("/nonexistent.sil"));
}
