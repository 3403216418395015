//! `vsp trace` and `vsp profile` from the user's view.

mod command;

use command::{example, file, refusal, root, run, run_in, run_with, stderr, stdout};
use serde_json::Value;

/// A program that calls, recurses, loops and changes a local, a global and memory.
const BUSY: &str = "\
.memory 64
.global total = 5
.export main
.func main (1) -> 1
    .locals 1
    SETL    R0, 0
    MOVI    R1, 8
    STORE   [R1 + 8], R0
    CALL    down
    SETG    R0, total
    RET
.end
.func down (1) -> 1
    JZ      R0, out
    SUBI    R0, R0, 1
    CALL    down
out:
    ADDI    R0, R0, 2
    RET
.end
";

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

/// Returns the fuel of a run, by another command.
fn fuel(args: &[&str]) -> usize {
    let output = run(&[&["run", "--json", "--engine", "tier2"], args].concat());
    json(stderr(&output).lines().last().unwrap())["fuel_used"].as_u64().unwrap() as usize
}

#[test]
fn a_trace_shows_each_instruction_and_what_it_changed() {
    let (folder, _) = file("busy.sil", BUSY.as_bytes());
    let output = run_in(folder.path(), &["trace", "busy.sil", "2"], b"");
    assert_eq!(output.status.code(), Some(0));
    insta::assert_snapshot!(stderr(&output));
}

#[test]
fn a_trace_has_a_line_for_each_unit_of_fuel() {
    let (_folder, busy) = file("busy.sil", BUSY.as_bytes());
    for args in [[busy.as_str(), "9"], [&example("fib"), "7"], [&example("sieve"), "100"]] {
        let output = run(&[&["trace"], &args[..]].concat());
        assert_eq!(stderr(&output).lines().count(), fuel(&args), "{args:?}");
        let output = run(&[&["trace", "--json"], &args[..]].concat());
        let numbers: Vec<u64> =
            stderr(&output).lines().map(|line| json(line)["number"].as_u64().unwrap()).collect();
        assert!(numbers.iter().copied().eq(1..=fuel(&args) as u64), "{args:?}");
    }
}

#[test]
fn a_trace_can_be_narrowed() {
    let fib = example("fib");
    let lines = |args: &[&str]| -> Vec<String> {
        let output = run(&[&["trace"], args, &[&fib, "9"]].concat());
        assert_eq!(output.status.code(), Some(0), "{args:?}");
        stderr(&output).lines().map(str::to_owned).collect()
    };
    let (all, main, fib_only) = (lines(&[]), lines(&["--function", "main"]), lines(&["--function", "fib"]));
    assert_eq!(main.len() + fib_only.len(), all.len());
    assert_eq!(lines(&["-f", "main", "-f", "fib"]), all);
    assert!(main.iter().all(|line| line.contains(" main+")), "{main:?}");
    assert_eq!(lines(&["--count", "5"]), all[..5]);
    assert_eq!(lines(&["--skip", "3", "--count", "5"]), all[3..8]);
    assert_eq!(lines(&["-f", "fib", "--skip", "1", "-c", "2"]), fib_only[1..3]);
}

/// The program's own output and the trace do not mix.
#[test]
fn a_trace_can_go_to_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let to = folder.path().join("trace.txt");
    let output = run(&["trace", "--to", to.to_str().unwrap(), &example("fib"), "9"]);
    assert_eq!((stdout(&output).as_str(), stderr(&output).as_str()), ("34\n", ""));
    assert_eq!(std::fs::read_to_string(to).unwrap().lines().count(), fuel(&[&example("fib"), "9"]));
}

#[test]
fn a_profile_counts_every_instruction_once() {
    let (_folder, busy) = file("busy.sil", BUSY.as_bytes());
    for args in [[busy.as_str(), "9"], [&example("fib"), "12"], [&example("sieve"), "100"]] {
        let output = run(&[&["profile", "--json"], &args[..]].concat());
        let profile = json(&stderr(&output));
        let sum = |list: &str, field: &str| -> u64 {
            profile[list].as_array().unwrap().iter().map(|entry| entry[field].as_u64().unwrap()).sum()
        };
        let all = fuel(&args) as u64;
        assert_eq!(profile["fuel_used"], all, "{args:?}");
        assert_eq!(sum("functions", "self"), all, "{args:?}");
        assert_eq!(sum("lines", "instructions"), all, "{args:?}");
        let main = profile["functions"].as_array().unwrap().iter().find(|it| it["name"] == "main").unwrap();
        assert_eq!((&main["total"], &main["calls"]), (&all.into(), &1.into()), "{args:?}");
    }
}

/// F(n) of the example takes 2 F(n + 1) − 1 calls.
#[test]
fn a_profile_counts_calls() {
    let profile = json(&stderr(&run(&["profile", "--json", &example("fib"), "10"])));
    let functions = profile["functions"].as_array().unwrap();
    let fib = functions.iter().find(|it| it["name"] == "fib").unwrap();
    assert_eq!(fib["calls"], 2 * 89 - 1);
    assert_eq!(fib["total"], fib["self"]);
}

#[test]
fn a_profile_for_people() {
    let output = run_in(&root(), &["profile", "--top", "4", "examples/fib.sil", "10"], b"");
    insta::assert_snapshot!(stderr(&output));
}

#[test]
fn a_flame_graph_has_the_functions() {
    let folder = tempfile::tempdir().unwrap();
    let flame = folder.path().join("flame.svg");
    let readme = std::fs::read(root().join("README.md")).unwrap();
    let args = ["profile", "--flame", flame.to_str().unwrap(), &example("wc"), "--to", "/dev/null"];
    let output = run_with(&args, &readme);
    assert!(output.status.success(), "{}", stderr(&output));
    let drawing = std::fs::read_to_string(flame).unwrap();
    assert!(drawing.contains("<svg") && drawing.contains("</svg>"));
    assert!(drawing.contains("main"), "{drawing}");
    assert!(drawing.contains(">wc.sil</text>"), "the frame below all others has a name");
}

#[test]
fn a_flame_graph_has_the_lines_if_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let program = "\
.export main
.func main (1) -> 1
 CALL half
 CALL half
 RET
.end
.func half (1) -> 1
 SHRI R0, R0, 1
 RET
.end
";
    std::fs::write(folder.path().join("p.sil"), program).unwrap();
    let args = ["profile", "p.sil", "--lines", "--json", "--to", "p.json", "8"];
    assert!(run_in(folder.path(), &args, b"").status.success());
    let json = std::fs::read_to_string(folder.path().join("p.json")).unwrap();
    let report: serde_json::Value = serde_json::from_str(&json).unwrap();
    let mut stacks: Vec<(String, String, u64)> = Vec::new();
    for stack in report["stacks"].as_array().unwrap() {
        let innermost = stack["stack"].as_array().unwrap().last().unwrap();
        let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
        stacks.push((text(innermost), text(&stack["line"]), stack["instructions"].as_u64().unwrap()));
    }
    stacks.sort();
    let expected = [
        ("half", "p.sil:8", 2),
        ("half", "p.sil:9", 2),
        ("main", "p.sil:3", 1),
        ("main", "p.sil:4", 1),
        ("main", "p.sil:5", 1),
    ];
    assert_eq!(stacks, expected.map(|(name, line, count)| (name.to_owned(), line.to_owned(), count)));
    if cfg!(feature = "flamegraph") {
        let args = ["profile", "p.sil", "--lines", "--flame", "p.svg", "--to", "p.txt", "8"];
        assert!(run_in(folder.path(), &args, b"").status.success());
        let drawing = std::fs::read_to_string(folder.path().join("p.svg")).unwrap();
        assert!(drawing.contains("<title>p.sil:8 (2 instructions, 28.57%)"), "{drawing}");
    }
    // The text has no call stacks.
    let alone = run_in(folder.path(), &["profile", "p.sil", "--lines", "8"], b"");
    assert_eq!(alone.status.code(), Some(2));
    assert!(stderr(&alone).contains("which only --flame and --json show"), "{}", stderr(&alone));
}

#[test]
fn a_trap_is_shown_after_what_led_to_it() {
    let (_folder, path) =
        file("trap.sil", b".export main\n.func main (1) -> 1\n DIV R0, R0, R1\n RET\n.end\n");
    let traced = refusal(&["trace", &path, "3"], 3);
    assert!(traced.starts_with("    1  main+0"), "{traced}");
    assert!(traced.contains("error: trap: division by zero"), "{traced}");
    let profiled = refusal(&["profile", &path, "3"], 3);
    assert!(profiled.contains("error: trap: division by zero"), "{profiled}");
    assert!(profiled.contains("1 instruction, 1 unit of fuel"), "{profiled}");
}

#[test]
fn fuel_ends_both() {
    let fib = example("fib");
    let traced = refusal(&["trace", "--fuel", "100", &fib], 4);
    assert!(traced.contains("error: the fuel is used up"), "{traced}");
    let profiled = refusal(&["profile", "--fuel", "100", &fib], 4);
    assert!(profiled.contains("error: the fuel is used up"), "{profiled}");
}

#[test]
fn mistakes_are_explained() {
    for command in ["trace", "profile"] {
        assert!(refusal(&[command, "nothing.sil"], 1).contains("nothing.sil"));
        refusal(&[command, "--entry", "nothing", &example("fib")], 1);
        refusal(&[command, "--fuel", "much", &example("fib")], 2);
        refusal(&[command, "--to", "/nowhere/at/all", &example("fib")], 1);
    }
}

/// All commands use the same words.
#[test]
fn a_function_that_is_not_there() {
    let (folder, named) =
        file("p.sil", b".export one\n.func one (0) -> 0\n RET\n.end\n.func (0) -> 0\n RET\n.end\n");
    let many: String = (10..30).map(|number| format!(".func f{number} (0) -> 0\n RET\n.end\n")).collect();
    let many_named = folder.path().join("many.sil").display().to_string();
    std::fs::write(&many_named, many).unwrap();
    let mut commands = vec!["dump", "cfg"];
    commands.extend(["ir", "disasm-native"].into_iter().filter(|_| cfg!(feature = "disassembler")));
    for (path, name, says) in [
        (&example("fib"), "fab", "there is no function `fab`; did you mean `fib`?"),
        (&example("fib"), "zork", "there is no function `zork`; there are main, fib"),
        (&named, "$2", "there is no function `$2`; there are one"),
        (
            &many_named,
            "g",
            "there is no function `g`; there are f10, f11, f12, f13, f14, f15, f16, f17 and 12 more",
        ),
    ] {
        let said = format!("error: {path}: {says}\n");
        for command in &commands {
            assert_eq!(refusal(&[command, "--function", name, path], 1), said, "{command}");
        }
        if *path == example("fib") {
            assert_eq!(refusal(&["trace", "--function", name, path], 1), said);
            let debugged = stdout(&run_with(&["debug", path], format!("break {name}\n").as_bytes()));
            assert!(debugged.contains(&format!("error: {says}")), "{debugged}");
        }
    }
}

#[test]
fn lines_are_not_wide() {
    let long = "long_".repeat(40);
    let text = format!(
        ".export main\n.func main (0) -> 0\n CONST R0, 0.1\n CONST R1, 0.7\n CONST R2, 1e17\n MOV R3, R1\n MOV R4, R0\n \
         CALL {long}\n RET\n.end\n.func {long} (5) -> 1\n CALL {long}2\n RET\n.end\n.func {long}2 (0) -> 0\n RET\n.end\n"
    );
    let (_folder, path) = file("long.sil", text.as_bytes());
    let traced = stderr(&run(&["trace", &path]));
    assert_eq!(traced.lines().count(), 10, "{traced}");
    assert!(traced.lines().all(|line| line.chars().count() <= 100), "{traced}");
    assert!(traced.lines().any(|line| line.ends_with('…')), "{traced}");
    for (name, columns) in [("json", 80), ("nbody", 100), ("sha256", 80)] {
        let path = format!("examples/{name}.sil");
        let readme = std::fs::read(root().join("README.md")).unwrap();
        let args = ["trace", "--count", "3000", "--to", "-", &path, "5", "--output", "/dev/null"];
        let dumped = run_in(&root(), &["dump", &path], b"");
        assert!(stdout(&dumped).lines().all(|line| line.chars().count() <= 80), "{}", stdout(&dumped));
        let shown = stdout(&run_in(&root(), &args, &readme));
        let wide: Vec<&str> = shown.lines().filter(|line| line.chars().count() > columns).collect();
        assert!(shown.lines().count() > 20 && wide.is_empty(), "{name}: {wide:#?}");
    }
}
