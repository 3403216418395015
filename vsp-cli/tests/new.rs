//! `vsp new` from the user's view. (`documents.rs` runs the commands of the README that it writes.)

mod command;

use command::{run, run_in, stderr, stdout};

#[test]
fn a_project_is_ready_to_run() {
    let folder = tempfile::tempdir().unwrap();
    let output = run_in(folder.path(), &["new", "deep/words"], b"");
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert_eq!(stdout(&output), "deep/words is ready: vsp run deep/words/main.sil\n");
    let project = folder.path().join("deep/words");
    assert!(std::fs::read_to_string(project.join("README.md")).unwrap().starts_with("# words\n"));
    let output = run_in(&project, &["run", "main.sil", "Ada"], b"one two\n");
    assert_eq!(stdout(&output), "hello, Ada: 1 lines, 2 words\n");
    let output = run_in(&project, &["check", "--deny-warnings", "main.sil"], b"");
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert_eq!(run_in(&project, &["fmt", "--check", "main.sil"], b"").status.code(), Some(0));
}

/// The skeleton counts like `wc`, on any input.
#[test]
fn the_program_counts_lines_and_words() {
    let folder = tempfile::tempdir().unwrap();
    assert!(run_in(folder.path(), &["new", "p"], b"").status.success());
    let long = "word  another\tthird\n\n x\n".repeat(1_000);
    for input in ["", "a", "a\n", "\n\n", " a  b ", &long] {
        let output = run_in(folder.path(), &["run", "p/main.sil"], input.as_bytes());
        let (lines, words) = (input.matches('\n').count(), input.split_ascii_whitespace().count());
        assert_eq!(stdout(&output), format!("hello, world: {lines} lines, {words} words\n"), "{input:?}");
    }
}

#[test]
fn nothing_is_overwritten() {
    let folder = tempfile::tempdir().unwrap();
    let readme = folder.path().join("README.md");
    std::fs::write(&readme, "mine").unwrap();
    let output = run(&["new", folder.path().to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("README.md: the file exists already"), "{}", stderr(&output));
    assert_eq!(std::fs::read_to_string(&readme).unwrap(), "mine");
    assert!(!folder.path().join("main.sil").exists());
}

#[test]
fn a_folder_that_cannot_be_made_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, "").unwrap();
    let output = run(&["new", file.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("file: this is not a folder"), "{}", stderr(&output));
    let output = run(&["new", file.join("project").to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("project"), "{}", stderr(&output));
}
