//! Names and source lines of WebAssembly: in traps, profiles, traces and the debugger.

mod command;

use std::fs;
use std::path::Path;
use std::process::Output;

use command::{root, run_in, stderr, stdout};

const ENGINES: &[&str] =
    if cfg!(feature = "jit") { &["interp", "tier1", "tier2", "auto"] } else { &["interp"] };

/// The example, and its source.
const AVERAGE: &[u8] = include_bytes!("../../examples/wasm/average.wasm");
const SOURCE: &str = include_str!("../../examples/wasm/average.rs");

/// Returns the line of the example's source that contains a text: `average.rs:5`.
fn line(text: &str) -> String {
    let (number, _) = (1..).zip(SOURCE.lines()).find(|(_, line)| line.contains(text)).unwrap();
    format!("average.rs:{number}")
}

fn example(args: &[&str], input: &str) -> Output {
    run_in(&root().join("examples/wasm"), args, input.as_bytes())
}

#[test]
fn traps_have_lines_in_every_engine() {
    let folder = tempfile::tempdir().unwrap();
    let text = "(module\n  (func (export \"f\") (param i32) (result i32)\n    local.get 0\n    i32.const 0\n    i32.rem_u))\n";
    fs::write(folder.path().join("f.wat"), text).unwrap();
    for engine in ENGINES {
        let output =
            example(&["run", "--engine", engine, "average.wasm", "--invoke", "average", "5", "5"], "");
        assert_eq!(output.status.code(), Some(3), "{engine}");
        let report = stderr(&output);
        assert!(report.contains(&format!("({})\n", line("sum / (last - first)"))), "{engine}: {report}");
        assert!(report.contains("(library/core/src/panicking.rs:"), "{engine}: {report}");
        let report =
            stderr(&run_in(folder.path(), &["run", "--engine", engine, "f.wat", "--invoke", "f", "1"], b""));
        assert!(report.contains("at function f, word 2 (f.wat:5)\n"), "{engine}: {report}");
    }
}

#[test]
fn profiles_count_lines() {
    let args = ["profile", "average.wasm", "--invoke", "average", "1", "100"];
    let report = stderr(&example(&args, ""));
    let rows: Vec<&str> = report.lines().collect();
    // Most of it is the loop.
    let text = "number = if number % 2 == 0";
    assert!(rows.iter().any(|row| row.contains(&line(text)) && row.contains(text)), "{report}");
    assert!(rows.iter().any(|row| row.contains(" average::steps (average.rs:")), "{report}");
}

#[test]
fn traces_have_lines() {
    let args = ["trace", "average.wasm", "--invoke", "average", "2", "3"];
    let trace = stderr(&example(&args, ""));
    assert!(trace.contains(&format!("{}  CALL    \"average::steps\"", line("sum += steps"))), "{trace}");
    // Of a long path, the end is shown.
    let args = ["trace", "average.wasm", "--invoke", "average", "2", "2"];
    let trace = stderr(&example(&args, ""));
    assert!(trace.contains(" …asm32/mod.rs:32  TRAP"), "{trace}");
}

/// Returns what the debugger prints for these commands.
fn debug(folder: &Path, program: &str, commands: &str) -> String {
    stdout(&run_in(folder, &["debug", program, "--entry", "average", "3", "5"], commands.as_bytes()))
}

#[test]
fn the_debugger_shows_the_source() {
    let number = line("sum += steps");
    let commands = format!("break {number}\ncontinue\nbreak average::steps\ncontinue\nup\n");
    let source = "=>    18          sum += steps(number);";
    assert_eq!(number, "average.rs:18");
    let shown = debug(&root().join("examples/wasm"), "average.wasm", &commands);
    assert!(shown.contains(source), "{shown}");
    assert!(shown.contains("breakpoint 2 at average::steps+0 (average.rs:"), "{shown}");
    // The source is searched in the folder of the program, and in the current one.
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("target")).unwrap();
    fs::write(folder.path().join("target/average.wasm"), AVERAGE).unwrap();
    let shown = debug(folder.path(), "target/average.wasm", &commands);
    assert!(shown.contains("breakpoint 1 at average") && !shown.contains("sum +="), "{shown}");
    fs::write(folder.path().join("average.rs"), SOURCE).unwrap();
    let shown = debug(folder.path(), "target/average.wasm", &commands);
    assert!(shown.contains(source), "{shown}");
}

#[test]
fn files_are_named_by_the_end_of_their_paths() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("average.wasm"), AVERAGE).unwrap();
    let shown =
        debug(folder.path(), "average.wasm", "break range.rs:1\nbreak panicking.rs:1\nbreak icking.rs:1\n");
    assert!(
        shown.contains("error: there is no source file `range.rs`; there are average.rs, library/"),
        "{shown}"
    );
    assert!(shown.contains("breakpoint 1 at core::panicking::"), "{shown}");
    assert!(shown.contains("error: there is no source file `icking.rs`"), "{shown}");
    let text = "\
.lines explicit
.file \"a/f.c\"
.file \"b/f.c\"
.export average
.func average (2) -> 1
    .line $0 5
    ADD R0, R0, R1
    .line $1 6
    RET
.end
";
    fs::write(folder.path().join("f.sil"), text).unwrap();
    let shown = debug(folder.path(), "f.sil", "break f.c:5\nbreak b/f.c:5\n");
    assert!(shown.contains("error: more than one source file is named `f.c`: a/f.c, b/f.c"), "{shown}");
    assert!(shown.contains("breakpoint 1 at average+1 (b/f.c:6), the first code after line 5"), "{shown}");
}

#[test]
fn programs_are_built_without_lines() {
    let folder = tempfile::tempdir().unwrap();
    let vsp = |args: &[&str]| run_in(folder.path(), args, b"");
    fs::write(folder.path().join("average.wasm"), AVERAGE).unwrap();
    fs::write(folder.path().join("f.sil"), ".export f\n.func f (0) -> 0\n TRAP 1\n.end\n").unwrap();
    for (source, args, located) in [
        ("average.wasm", &["--entry", "average", "5", "5"][..], "function average, word 14"),
        ("f.sil", &["--entry", "f"], "function f, word 0"),
    ] {
        let mut sizes = Vec::new();
        for (options, lines) in [(&[][..], true), (&["--no-lines"], false)] {
            let built = vsp(&[&["build", source, "-o", "p.silc"], options].concat());
            assert!(built.status.success(), "{}", stderr(&built));
            let report = stderr(&vsp(&[&["run", "p.silc"], args].concat()));
            assert_eq!(report.contains(&format!("{located} (")), lines, "{report}");
            assert_eq!(report.contains(&format!("{located}\n")), !lines, "{report}");
            sizes.push(fs::metadata(folder.path().join("p.silc")).unwrap().len());
        }
        assert!(sizes[1] < sizes[0], "{source}: {sizes:?}");
    }
}
