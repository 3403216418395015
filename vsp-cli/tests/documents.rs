//! Every command in the documents runs, and prints the documented output.
//!
//! - A listing after `<!-- file: NAME -->` becomes a file of this name.
//! - `cd FOLDER` holds for the commands and files after it.
//! - A `console` block contains commands, after `$ `, each with its output; a line `…` matches any lines. A command
//!   must succeed, unless `$ echo $?` after it shows its exit code.
//! - An `sh` block contains commands that succeed. `<!-- run by the gate: … -->` before it means that `.ci/run` runs
//!   them; `<!-- not run: REASON -->` marks commands that need something that is missing here (`NOT_RUN`).
//! - An `sh` block after `<!-- made before: FILE -> PATH -->` has commands that need a compiler that is missing here.
//!   They are not run; what they make is `FILE` of the project, which is copied to `PATH`.
//! - A listing after `<!-- output of: COMMAND -->` is the output of this command.
//! - A `rust` block is a doctest or a file that is compiled. A `c` block is compiled by `vsp-c/test`.
//! - Commands inside sentences are not run, but the names in them must exist: subcommands and options of `vsp`,
//!   packages and tests of `cargo`, and targets that the gate tests.
//!
//! Every document has a separate folder, with the project as `vsp`, and its examples and README.
// Documents are the same for every architecture, and commands are slow where one is emulated.
#![cfg(target_arch = "x86_64")]
#![cfg(unix)]

#[allow(dead_code, unreachable_pub, reason = "it is a whole program")]
#[path = "../../docs/tutorial/main.rs"]
mod tutorial_program;

#[allow(dead_code, unreachable_pub, reason = "it is a whole program")]
#[path = "../../docs/tutorial/wasm/tank.rs"]
mod tank;

use std::cell::RefCell;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Returns the project's folder.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Commands that only a person can run, or that need something that is not available.
const NOT_RUN: [&str; 12] = [
    "cargo install cargo-insta",
    "cargo insta test --review -p vsp-snapshots",
    "pip install mpmath",
    "python3 snapshots/generate.py",
    "cargo test -p vsp-snapshots --test cases -- rsubi",
    // The tutorial for WebAssembly: other targets, and an image for bare metal, which `flash/measure` builds.
    "rustup target add wasm32-wasip1 wasm32v1-none",
    "cd ../vsp/flash",
    "rustup target add thumbv7em-none-eabihf",
    "mkdir -p target",
    "cp ../../pump/pump.silc target/thermostat.silc",
    "export RUSTFLAGS=\"-C link-arg=--unresolved-symbols=ignore-all -C link-arg=--gc-sections\"",
    "cargo build --release --target thumbv7em-none-eabihf --features thermostat",
];

/// A fenced block: the comment before it, its language, the number of its first line, and its lines.
struct Block<'a> {
    comment: Option<(&'a str, &'a str)>,
    language: &'a str,
    line: usize,
    lines: Vec<&'a str>,
}

/// Returns the blocks of a document, including those inside lists.
fn blocks(document: &str) -> Vec<Block<'_>> {
    let mut blocks = Vec::new();
    let mut comment = None;
    let mut lines = document.lines().enumerate();
    while let Some((number, line)) = lines.next() {
        let text = line.trim_start();
        let indent = line.len() - text.len();
        if let Some(inside) = text.strip_prefix("<!-- ").and_then(|it| it.strip_suffix(" -->")) {
            comment = Some(inside.split_once(": ").unwrap_or((inside, "")));
        } else if let Some(language) = text.strip_prefix("```") {
            let mut content = Vec::new();
            loop {
                let (_, line) = lines.next().unwrap_or_else(|| panic!("line {}: it has no end", number + 1));
                if line.trim() == "```" {
                    break;
                }
                content.push(line.get(indent..).unwrap_or_default());
            }
            blocks.push(Block { comment: comment.take(), language, line: number + 2, lines: content });
        } else if !text.is_empty() {
            comment = None;
        }
    }
    blocks
}

/// Removes the comment after a command.
fn bare(command: &str) -> &str {
    command.split(" #").next().unwrap_or_default().trim_end()
}

/// Returns whether the gate runs this command, with any further arguments.
fn gate_runs(gate: &str, command: &str) -> bool {
    gate.lines().map(str::trim).any(|line| {
        // Matches: step "name" command
        let line = line.strip_prefix("step \"").and_then(|it| it.split_once("\" ")).map_or(line, |it| it.1);
        line.strip_prefix(command).is_some_and(|rest| rest.is_empty() || rest.starts_with(' '))
    })
}

fn gate() -> String {
    std::fs::read_to_string(root().join(".ci/run")).unwrap()
}

/// Returns whether the Rust listings of this document are doctests of a package.
fn has_doctests(name: &str) -> bool {
    ["vsp-core", "vsp-host", "vsp-wasm"].iter().any(|package| {
        let library = std::fs::read_to_string(root().join(package).join("src/lib.rs")).unwrap();
        let path = name
            .strip_prefix(&format!("{package}/"))
            .map_or(format!("../../{name}"), |it| format!("../{it}"));
        library.contains(&format!("doc = include_str!(\"{path}\")"))
    })
}

/// Returns the commands of a console block, each with its line number and its output.
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

/// Compares the output with the expected lines, where `…` matches any lines.
fn matches(expected: &[&str], found: &[&str]) -> bool {
    match (expected, found) {
        ([], []) => true,
        (["…", rest @ ..], _) => (0..=found.len()).any(|skipped| matches(rest, &found[skipped..])),
        ([first, expected @ ..], [it, found @ ..]) => first == it && matches(expected, found),
        _ => false,
    }
}

/// Creates a folder with the project, its examples and README, and a `vsp` that runs like the tests.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let project = root().canonicalize().unwrap();
    for name in ["examples", "README.md"] {
        symlink(project.join(name), folder.path().join(name)).unwrap();
    }
    symlink(&project, folder.path().join("vsp")).unwrap();
    let vsp = env!("CARGO_BIN_EXE_vsp");
    let arch = std::env::consts::ARCH;
    // Under qemu-user the system cannot start a program of the tests' machine.
    let starts = Command::new(vsp).arg("--version").output().is_ok_and(|it| it.status.success());
    let emulator = if starts { String::new() } else { format!("qemu-{arch} -L /usr/{arch}-linux-gnu ") };
    let bin = folder.path().join(".bin");
    std::fs::create_dir(&bin).unwrap();
    let script = bin.join("vsp");
    std::fs::write(&script, format!("#!/bin/sh\nexec {emulator}'{vsp}' \"$@\"\n")).unwrap();
    std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o755)).unwrap();
    folder
}

/// Runs a shell command. Returns its exit code and its output, with errors in order.
fn shell(folder: &Path, command: &str) -> (i32, String) {
    shell_in(folder, folder, command)
}

/// As [`shell`], in a folder below that of the document.
fn shell_in(folder: &Path, current: &Path, command: &str) -> (i32, String) {
    let command = command.replace("cargo run --release --quiet -p vsp-cli -- ", "vsp ");
    let path = format!("{}:{}", folder.join(".bin").display(), std::env::var("PATH").unwrap());
    let output = Command::new("sh")
        .args(["-c", &format!("{{ {command}\n}} 2>&1")])
        .env("PATH", path)
        .env("NO_COLOR", "1")
        // The dependencies were downloaded when the project was built.
        .env("CARGO_NET_OFFLINE", "true")
        .env("CARGO_TARGET_DIR", folder.join(".target"))
        .current_dir(current)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    (output.status.code().unwrap(), String::from_utf8(output.stdout).unwrap())
}

/// Follows a document of the project, and returns the number of commands.
fn follow(name: &str, folder: &Path) -> usize {
    follow_text(name, &std::fs::read_to_string(root().join(name)).unwrap(), folder)
}

/// Follows a text, and returns the number of commands.
fn follow_text(name: &str, document: &str, folder: &Path) -> usize {
    let mut ran = 0;
    let current = RefCell::new(folder.to_path_buf());
    let mut run = |line: usize, command: &str, expected: Option<&[&str]>| {
        if let Some(below) = command.strip_prefix("cd ").filter(|it| !it.contains(' ')) {
            let changed = current.borrow().join(below).canonicalize();
            *current.borrow_mut() = changed.unwrap_or_else(|error| panic!("{name}:{line}: {below}: {error}"));
            assert!(expected.is_none_or(|it| it.is_empty()), "{name}:{line}: `{command}` prints nothing");
            return 0;
        }
        let (code, printed) = shell_in(folder, &current.borrow(), command);
        let found: Vec<&str> = printed.lines().collect();
        if let Some(expected) = expected {
            // A shell would show its prompt in the same line.
            assert!(
                printed.is_empty() || printed.ends_with('\n'),
                "{name}:{line}: `{command}` prints no newline at its end:\n{printed}"
            );
            assert!(matches(expected, &found), "{name}:{line}: `{command}` prints\n{printed}");
        }
        ran += 1;
        code
    };
    for block in blocks(document) {
        let line = block.line;
        match (block.comment, block.language) {
            (Some(("file", file)), _) => {
                let path = current.borrow().join(file);
                std::fs::create_dir_all(path.parent().unwrap()).unwrap();
                std::fs::write(path, block.lines.join("\n") + "\n").unwrap();
            }
            (Some(("made before", files)), "sh") => {
                let (from, to) =
                    files.split_once(" -> ").unwrap_or_else(|| panic!("{name}:{line}: to what?"));
                let to = current.borrow().join(to);
                std::fs::create_dir_all(to.parent().unwrap()).unwrap();
                let copied = std::fs::copy(root().join(from), to);
                copied.unwrap_or_else(|error| panic!("{name}:{line}: {from}: {error}"));
            }
            (Some(("output of", command)), _) => {
                assert!(run(line, command, Some(&block.lines)) < 2, "{name}:{line}: `{command}` fails");
            }
            (Some(("run by the gate", _)), _) => {
                for command in &block.lines {
                    assert!(gate_runs(&gate(), bare(command)), "{name}:{line}: .ci/run has no `{command}`");
                }
            }
            (Some(("not run", reason)), "sh") => {
                assert!(!reason.is_empty(), "{name}:{line}: why not?");
                for command in &block.lines {
                    assert!(NOT_RUN.contains(&bare(command)), "{name}:{line}: `{command}` can be run");
                }
            }
            (Some((other, _)), _) => panic!("{name}:{line}: what is `{other}`?"),
            (None, "sh") => {
                for (number, command) in block.lines.iter().enumerate() {
                    assert_eq!(run(line + number, command, None), 0, "{name}:{line}: `{command}` fails");
                }
            }
            (None, "console") => {
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
            (None, "rust") => assert!(has_doctests(name), "{name}:{line}: nothing compiles this"),
            (None, "c") => assert_eq!(name, "docs/c.md", "{name}:{line}: vsp-c/test compiles only that"),
            (None, "text" | "toml" | "json") => {
                let command = block.lines.iter().find(|it| it.starts_with("$ "));
                assert!(command.is_none(), "{name}:{line}: commands are in console blocks");
            }
            (None, language) => panic!("{name}:{line}: what is in a block of `{language}`?"),
        }
    }
    ran
}

/// Returns all documents, as paths from the project's folder.
fn documents() -> Vec<String> {
    // The history names commands that no longer exist; the README of new projects is followed in one.
    let others = ["CHANGELOG.md", "vsp-cli/src/new/README.md"];
    let mut found = Vec::new();
    let mut folders = vec![String::new()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(root().join(&folder)).unwrap() {
            let entry = entry.unwrap();
            let name = entry.file_name().into_string().unwrap();
            let path = format!("{folder}{name}");
            if entry.file_type().unwrap().is_dir() {
                if !name.starts_with('.') && name != "target" {
                    folders.push(path + "/");
                }
            } else if name.ends_with(".md") && !others.contains(&&*path) {
                found.push(path);
            }
        }
    }
    found
}

#[test]
fn every_document_says_what_happens() {
    let mut ran = 0;
    let documents = documents();
    for name in
        ["README.md", "CONTRIBUTING.md", "ARCHITECTURE.md", TUTORIAL, WASM_TUTORIAL, "snapshots/README.md"]
    {
        assert!(documents.iter().any(|it| it == name), "{name}");
    }
    for name in documents.iter().filter(|name| ![TUTORIAL, WASM_TUTORIAL].contains(&name.as_str())) {
        ran += follow(name, folder().path());
    }
    assert!(ran >= 20, "{ran} commands");
}

/// The README of a new project, too.
#[test]
fn a_new_project_works_as_its_readme_says() {
    let folder = folder();
    assert_eq!(shell(folder.path(), "vsp new words").0, 0);
    let project = folder.path().join("words");
    symlink(folder.path().join(".bin"), project.join(".bin")).unwrap();
    let readme = std::fs::read_to_string(project.join("README.md")).unwrap();
    assert!(follow_text("words/README.md", &readme, &project) >= 5);
}

/// Returns the code inside the sentences of a document, each with its line number.
fn inline_code(document: &str) -> Vec<(usize, &str)> {
    let mut in_block = false;
    let mut found = Vec::new();
    for (number, line) in document.lines().enumerate() {
        if line.trim_start().starts_with("```") {
            in_block = !in_block;
        } else if !in_block {
            found.extend(line.split('`').skip(1).step_by(2).map(|code| (number + 1, code)));
        }
    }
    found
}

/// Returns the options of a command and of its subcommand.
fn help(folder: &Path, subcommand: &str) -> String {
    let (code, text) = shell(folder, &format!("vsp {subcommand} --help"));
    assert_eq!(code, 0, "vsp has no `{subcommand}`");
    text
}

/// Returns the words that follow each occurrence of an option.
fn values_of<'a>(words: &[&'a str], option: &str) -> Vec<&'a str> {
    words.windows(2).filter(|pair| pair[0] == option).map(|pair| pair[1]).collect()
}

/// Returns the folder of a package of the workspace.
fn package(name: &str) -> PathBuf {
    let folder = [name, name.trim_start_matches("vsp-")].map(|folder| root().join(folder));
    let found = folder.into_iter().find(|folder| folder.join("Cargo.toml").exists());
    found.unwrap_or_else(|| panic!("there is no package {name}"))
}

#[test]
fn commands_in_sentences_exist() {
    let folder = folder();
    let mut seen = 0;
    for name in documents() {
        let document = std::fs::read_to_string(root().join(&name)).unwrap();
        for (line, code) in inline_code(&document) {
            let words: Vec<&str> = code.split(' ').collect();
            let location = format!("{name}:{line}: `{code}`");
            if let ["vsp", subcommand, rest @ ..] = &words[..]
                && subcommand.starts_with(|first: char| first.is_ascii_lowercase())
            {
                let help = help(folder.path(), subcommand);
                for option in rest.iter().filter(|word| word.starts_with("--") && word.len() > 2) {
                    assert!(help.contains(option), "{location}: there is no {option}");
                }
                seen += 1;
            } else if words.contains(&"cargo") {
                let packages: Vec<PathBuf> = values_of(&words, "-p").into_iter().map(package).collect();
                for test in values_of(&words, "--test") {
                    let file = packages[0].join("tests").join(test);
                    let exists = file.with_extension("rs").exists() || file.join("main.rs").exists();
                    assert!(exists, "{location}: there is no {}", file.display());
                }
                for target in values_of(&words, "--target") {
                    assert!(
                        gate().contains(&format!("--target {target}")),
                        "{location}: .ci/run has no {target}"
                    );
                }
                seen += 1;
            }
        }
    }
    assert!(seen >= 30, "{seen} commands");
}

/// Every subcommand is in the README's table.
#[test]
fn the_readme_has_every_command() {
    let readme = std::fs::read_to_string(root().join("README.md")).unwrap();
    let rows: Vec<&str> = readme
        .lines()
        .filter_map(|line| line.strip_prefix("| `vsp "))
        .filter_map(|rest| rest.split([' ', '`']).next())
        .collect();
    let folder = folder();
    let help = shell(folder.path(), "vsp --help").1;
    let commands = help.lines().skip_while(|line| *line != "Commands:").skip(1);
    let commands: Vec<&str> = commands
        .take_while(|line| !line.is_empty())
        // A line with more indentation continues a description.
        .filter(|line| !line.starts_with("   "))
        .filter_map(|line| line.split_whitespace().next())
        .filter(|name| *name != "help")
        .collect();
    assert!(commands.len() >= 15, "{help}");
    for command in &commands {
        assert!(rows.contains(command), "README.md has no row for `vsp {command}`");
    }
    assert_eq!(rows.len(), commands.len(), "{rows:?} and {commands:?}");
}

/// The README's first program succeeds with any input.
#[test]
fn the_program_of_the_readme_takes_any_number() {
    let readme = std::fs::read_to_string(root().join("README.md")).unwrap();
    let folder = folder();
    let block = blocks(&readme).into_iter().find(|block| block.comment == Some(("file", "sum.sil"))).unwrap();
    std::fs::write(folder.path().join("sum.sil"), block.lines.join("\n") + "\n").unwrap();
    for (argument, sum) in [("0", "0"), ("-5", "0"), ("1", "1"), ("10", "55"), ("", "5050")] {
        let ran = shell(folder.path(), &format!("vsp run --fuel 1000 sum.sil {argument}"));
        assert_eq!(ran, (0, format!("{sum}\n")), "{argument}");
    }
}

const TUTORIAL: &str = "docs/tutorial.md";

#[test]
fn tutorial() {
    let folder = folder();
    assert!(follow(TUTORIAL, folder.path()) >= 10);

    let listing = std::fs::read_to_string(folder.path().join("counter/src/main.rs")).unwrap();
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

const WASM_TUTORIAL: &str = "docs/tutorial/wasm.md";

#[test]
fn wasm_tutorial() {
    let folder = folder();
    assert!(follow(WASM_TUTORIAL, folder.path()) >= 25);

    let listings =
        [("words", "main.rs", "words.rs"), ("pump", "lib.rs", "pump.rs"), ("tank", "main.rs", "tank.rs")];
    for (project, listing, compiled) in listings {
        let listing = std::fs::read_to_string(folder.path().join(project).join("src").join(listing)).unwrap();
        let source = std::fs::read_to_string(root().join("docs/tutorial/wasm").join(compiled)).unwrap();
        assert_eq!(listing, source, "the tutorial shows docs/tutorial/wasm/{compiled}");
    }

    // Without samples the pump does nothing, and more of them take more fuel.
    let module = std::fs::read(root().join("docs/tutorial/wasm/pump.wasm")).unwrap();
    let (switched, tank) = tank::pump(&module, tank::Tank::new(0), 100).unwrap();
    assert_eq!((switched, tank.level), (0, 500));
    assert!(tank::pump(&module, tank::Tank::new(100), 100).is_err());
    assert!(tank::pump(&module[..100], tank::Tank::new(0), 100).is_err(), "half a module");
}

#[test]
fn output_is_compared_line_by_line() {
    assert!(matches(&["a", "…", "c"], &["a", "b", "b", "c"]));
    assert!(matches(&["a", "…"], &["a"]));
    assert!(!matches(&["a", "…", "c"], &["a", "b"]));
    assert!(!matches(&["a"], &["a", "b"]));
    assert!(!matches(&["a", "b"], &["a"]));
}

#[test]
fn blocks_inside_lists_are_blocks() {
    let found = blocks("1. A step:\n\n   <!-- not run: why -->\n   ```sh\n   vsp run\n     more\n   ```\n");
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].language, found[0].line), ("sh", 5));
    assert_eq!(found[0].comment, Some(("not run", "why")));
    assert_eq!(found[0].lines, ["vsp run", "  more"]);
}

#[test]
fn the_gate_runs_whole_commands() {
    let gate = "# cargo bench\nstep \"lints: cargo doc\" cargo clippy --quiet\n    cargo test\n";
    assert!(gate_runs(gate, "cargo clippy") && gate_runs(gate, "cargo test"));
    for other in ["cargo bench", "cargo doc", "cargo tes", "cargo clippy -p x"] {
        assert!(!gate_runs(gate, other), "{other}");
    }
}
