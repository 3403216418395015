//! Every command in the documents runs, and prints what they say.
//!
//! - A listing behind `<!-- file: NAME -->` becomes a file of this name.
//! - A `console` block is commands, behind `$ `, each with what it prints; a line `…` stands for any lines. A command
//!   succeeds, unless `$ echo $?` behind it shows its exit code.
//! - An `sh` block is commands that succeed. `<!-- not run: REASON -->` before it is for what is tested otherwise.
//! - A listing behind `<!-- output of: COMMAND -->` is what this command prints.
//!
//! Every document has a folder of its own, in which the project's examples and README are at hand.
// Documents are the same for every architecture, and commands are slow where one is emulated.
#![cfg(target_arch = "x86_64")]
#![cfg(unix)]

#[allow(dead_code, unreachable_pub, reason = "it is a whole program")]
#[path = "../../docs/tutorial/main.rs"]
mod tutorial_program;

use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The project's folder.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// A fenced block: the comment before it, its language, the number of its first line, and its lines.
struct Block<'a> {
    comment: Option<(&'a str, &'a str)>,
    language: &'a str,
    line: usize,
    lines: Vec<&'a str>,
}

/// The blocks of a document.
fn blocks(document: &str) -> Vec<Block<'_>> {
    let mut blocks = Vec::new();
    let mut comment = None;
    let mut lines = document.lines().enumerate();
    while let Some((number, line)) = lines.next() {
        if let Some(inside) = line.strip_prefix("<!-- ").and_then(|it| it.strip_suffix(" -->")) {
            comment = inside.split_once(": ");
        } else if let Some(language) = line.strip_prefix("```") {
            let content = lines.by_ref().map(|it| it.1).take_while(|it| *it != "```").collect();
            blocks.push(Block { comment: comment.take(), language, line: number + 2, lines: content });
        } else if !line.is_empty() {
            comment = None;
        }
    }
    blocks
}

/// The commands of a console block, each with its line number and the lines that it prints.
fn commands<'a>(block: &Block<'a>) -> Vec<(usize, &'a str, Vec<&'a str>)> {
    let mut commands: Vec<(usize, &str, Vec<&str>)> = Vec::new();
    for (number, line) in block.lines.iter().enumerate() {
        match (line.strip_prefix("$ "), commands.last_mut()) {
            (Some(command), _) => commands.push((block.line + number, command, Vec::new())),
            (None, Some((_, _, printed))) => printed.push(line),
            (None, None) => panic!("line {}: a console block starts with a command", block.line),
        }
    }
    commands
}

/// Is this what was expected, where `…` stands for any lines?
fn matches(expected: &[&str], found: &[&str]) -> bool {
    match (expected, found) {
        ([], []) => true,
        (["…", rest @ ..], _) => (0..=found.len()).any(|skipped| matches(rest, &found[skipped..])),
        ([first, expected @ ..], [it, found @ ..]) => first == it && matches(expected, found),
        _ => false,
    }
}

/// A folder with the project's examples and README, and a `vsp` that runs as the tests do.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let project = root().canonicalize().unwrap();
    for name in ["examples", "README.md"] {
        symlink(project.join(name), folder.path().join(name)).unwrap();
    }
    let vsp = env!("CARGO_BIN_EXE_vsp");
    let arch = std::env::consts::ARCH;
    // Under qemu-user the system cannot start a program for the tests' machine.
    let starts = Command::new(vsp).arg("--version").output().is_ok_and(|it| it.status.success());
    let emulator = if starts { String::new() } else { format!("qemu-{arch} -L /usr/{arch}-linux-gnu ") };
    let bin = folder.path().join(".bin");
    std::fs::create_dir(&bin).unwrap();
    let script = bin.join("vsp");
    std::fs::write(&script, format!("#!/bin/sh\nexec {emulator}'{vsp}' \"$@\"\n")).unwrap();
    std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o755)).unwrap();
    folder
}

/// Runs a command of the shell. Gives its exit code and what it printed, errors where they come.
fn shell(folder: &Path, command: &str) -> (i32, String) {
    let command = command.replace("cargo run --release --quiet -- ", "vsp ");
    let path = format!("{}:{}", folder.join(".bin").display(), std::env::var("PATH").unwrap());
    let output = Command::new("sh")
        .args(["-c", &format!("{{ {command}\n}} 2>&1")])
        .env("PATH", path)
        .env("NO_COLOR", "1")
        .current_dir(folder)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    (output.status.code().unwrap(), String::from_utf8(output.stdout).unwrap())
}

/// Does everything that a document says, and gives how many commands it ran.
fn follow(name: &str, folder: &Path) -> usize {
    let document = std::fs::read_to_string(root().join(name)).unwrap();
    let mut ran = 0;
    let mut run = |line: usize, command: &str, expected: Option<&[&str]>| {
        let (code, printed) = shell(folder, command);
        let found: Vec<&str> = printed.lines().collect();
        if let Some(expected) = expected {
            assert!(matches(expected, &found), "{name}:{line}: `{command}` prints\n{printed}");
        }
        ran += 1;
        code
    };
    for block in blocks(&document) {
        let line = block.line;
        match (block.comment, block.language) {
            (Some(("file", file)), _) => {
                std::fs::write(folder.join(file), block.lines.join("\n") + "\n").unwrap();
            }
            (Some(("output of", command)), _) => {
                assert!(run(line, command, Some(&block.lines)) < 2, "{name}:{line}: `{command}` fails");
            }
            (Some(("not run", reason)), _) => assert!(!reason.is_empty()),
            (_, "sh") => {
                for (number, command) in block.lines.iter().enumerate() {
                    assert_eq!(run(line + number, command, None), 0, "{name}:{line}: `{command}` fails");
                }
            }
            (_, "console") => {
                let mut code = 0;
                for (line, command, expected) in commands(&block) {
                    if command == "echo $?" {
                        assert_eq!([code.to_string()], expected[..], "{name}:{line}: the exit code");
                        code = 0;
                    } else {
                        assert_eq!(code, 0, "{name}:{line}: the command before fails");
                        code = run(line, command, Some(&expected));
                    }
                }
                assert_eq!(code, 0, "{name}:{line}: the last command fails");
            }
            _ => {}
        }
    }
    ran
}

#[test]
fn readme() {
    assert!(follow("README.md", folder().path()) >= 3);
}

#[test]
fn debugging() {
    assert!(follow("docs/debugging.md", folder().path()) >= 1);
}

#[test]
fn tutorial() {
    let folder = folder();
    assert!(follow("docs/tutorial.md", folder.path()) >= 10);

    let listing = std::fs::read_to_string(folder.path().join("main.rs")).unwrap();
    let compiled = std::fs::read_to_string(root().join("docs/tutorial/main.rs")).unwrap();
    assert_eq!(listing, compiled, "the tutorial shows docs/tutorial/main.rs");

    let source = std::fs::read_to_string(folder.path().join("vowels.sil")).unwrap();
    assert_eq!(tutorial_program::count_vowels(&source, b"Hello, Voyager!").unwrap(), 5);
    let text = "Every vowel of THIS text. ".repeat(200);
    let expected = text[..4096].chars().filter(|it| "aeiouAEIOU".contains(*it)).count() as u64;
    let counted = tutorial_program::count_vowels(&source, &text.as_bytes()[..4096]).unwrap();
    assert_eq!(counted, expected);
    assert!(tutorial_program::count_vowels(&source, text.as_bytes()).is_err(), "it does not fit the buffer");
}

#[test]
fn output_is_compared_line_by_line() {
    assert!(matches(&["a", "…", "c"], &["a", "b", "b", "c"]));
    assert!(matches(&["a", "…"], &["a"]));
    assert!(!matches(&["a", "…", "c"], &["a", "b"]));
    assert!(!matches(&["a"], &["a", "b"]));
    assert!(!matches(&["a", "b"], &["a"]));
}
