//! Names of a program, and lines of its sources, with control characters: a terminal would execute them.

mod command;

use std::path::Path;

use command::{run_in, stdout};

/// Every item that can have a name has one with a control sequence, and a character that reverses the direction.
const PROGRAM: &str = "\
.lines explicit
.file \"src E.c\"
.memory 64, 128
.import \"m E\".\"n E\" (1) -> 1
.global \"g E\" = 1
.global \"unused E\" = 1
.const \"k E\" = 70000000000
.data \"d E\" @ 32 \"xyz\"
.passive \"xyz\"
.name passive 0 \"p E\"
.custom \"c E\" \"xyz\"
.export \"e E\" = \"f E\"
.export main = \"f E\"
.func \"f E\" (0) -> 1
    .line 1
    MOVI R0, 3
    SETG R0, \"g E\"
    CALL \"inner E\"
    RET
.end
.func \"inner E\" (0) -> 1
    .line 2
    SYSCALL \"m E\".\"n E\"
    JNZ R0, \"label E\"
    TRAP 1
\"label E\":
    CONST R0, \"k E\"
    TRAP 2
.end
";

/// Returns a folder with the program (`p.silc`), its source file, and a module with the names of its imports, exports
/// and functions (`p.wasm`).
fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, bytes: &[u8]| std::fs::write(folder.path().join(name), bytes).unwrap();
    let program = vsp_core::text::assemble(&PROGRAM.replace(" E", "\\x1b[31m\\u{202e}"), "").unwrap();
    write("p.silc", &program);
    write("src\u{1b}[31m\u{202e}.c", b"\tfirst \x1b[31m line\n\tsecond\x07line\n");
    let module = r#"(module
        (import "m E" "n E" (func $i (param i32)))
        (func (export "f E") (export "_start") (call 2))
        (func (call $i (i32.const 1)) unreachable)
        (@custom "name" "\01\13\02\01\08f\1b[31m...\02\08g\1b[31m...")
    )"#;
    write("p.wasm", &wat::parse_str(module.replace(" E", "\\1b[31m\\e2\\80\\ae")).unwrap());
    folder
}

/// Runs a command and returns what it said on both streams.
fn said(folder: &Path, args: &[&str], input: &[u8]) -> String {
    let output = run_in(folder, args, input);
    let said = stdout(&output) + &command::stderr(&output);
    // Programs read JSON.
    let is_direction = |character: char| character == '\u{202e}' && !args.contains(&"--json");
    let is_hidden = |character: char| character.is_control() && character != '\n' || is_direction(character);
    assert!(!said.contains(is_hidden), "{args:?}: {said:?}");
    said
}

#[test]
fn no_command_shows_control_characters() {
    let folder = folder();
    let mut commands = vec![
        "run p.silc",
        "run p.silc --unknown-imports default",
        "run p.silc --unknown-imports trap",
        "run p.silc --entry nothing",
        "run p.silc --stats --json --unknown-imports default",
        "check p.silc",
        "trace p.silc --unknown-imports default",
        "trace p.silc --json --unknown-imports default",
        "profile p.silc --unknown-imports default",
        "profile p.silc --json --unknown-imports default",
        "dump p.silc",
        "dump p.silc --json",
        "dump p.silc --blocks",
        "imports p.silc",
        "imports p.silc --json",
        "dis p.silc",
        "cfg p.silc",
        "cfg p.silc --format svg",
        "build p.wasm -o built.silc",
        "run p.wasm",
        "run p.wasm --unknown-imports default",
        "run p.wasm --unknown-imports trap",
        "run p.wasm --invoke nothing",
        "check p.wasm",
        "trace p.wasm --unknown-imports default",
        "profile p.wasm --unknown-imports default",
        "dump p.wasm",
        "imports p.wasm",
        "imports p.wasm --json",
    ];
    if cfg!(feature = "disassembler") {
        commands.extend(["ir p.silc", "disasm-native p.silc", "ir p.wasm", "disasm-native p.wasm"]);
    }
    for command in commands {
        let args: Vec<&str> = command.split(' ').collect();
        said(folder.path(), &args, b"");
    }
}

#[test]
fn they_are_escaped() {
    let folder = folder();
    let args = ["run", "p.silc", "--unknown-imports", "default"];
    let trap = said(folder.path(), &args, b"");
    assert!(
        trap.contains("function inner\\u{1b}[31m\\u{202e}, word 2 (src\\u{1b}[31m\\u{202e}.c:2)"),
        "{trap}"
    );
    let profile = said(folder.path(), &["profile", "p.silc", "--unknown-imports", "default"], b"");
    assert!(profile.contains("src\\u{1b}[31m\\u{202e}.c:1  first \\u{1b}[31m line"), "{profile}");
}

#[test]
fn the_debugger_escapes_them() {
    let folder = folder();
    let input = b"\
functions\nlist\nbreak 2\nbreak nothing.c:1\nbreak nothing\ndisassemble\nwatch globals\nstep\nstepi\nglobals\ninfo\n\
next\nstepi\nstepi\nbacktrace\nlist 1\nlist 99\nprint nothing\nprint \"d\nlocals\nmemory 0 8\ncontinue\ncontinue\n";
    for program in ["p.silc", "p.wasm"] {
        let shown = said(folder.path(), &["debug", program, "--unknown-imports", "default"], input);
        assert!(shown.contains("\\u{1b}[31m"), "{shown}");
    }
    let shown = said(folder.path(), &["debug", "p.silc", "--unknown-imports", "default"], b"list\n");
    assert!(shown.contains("    first \\u{1b}[31m line"), "{shown}");
}
