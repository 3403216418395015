//! WebAssembly as programs of the command.

mod command;

use std::fs;
use std::process::Output;

use command::{run_in, stderr, stdout};

/// A folder with one module as text and as bytes.
struct Module(tempfile::TempDir);

impl Module {
    fn new(text: &str) -> Module {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("m.wat"), text).unwrap();
        fs::write(folder.path().join("m.wasm"), wat::parse_str(text).unwrap()).unwrap();
        Module(folder)
    }

    fn vsp(&self, args: &[&str]) -> Output {
        run_in(self.0.path(), args, b"")
    }

    /// Calls an export with arguments.
    fn invoke(&self, name: &str, args: &[&str]) -> Output {
        self.vsp(&[&["run", "m.wasm", "--invoke", name, "--"], args].concat())
    }
}

const NUMBERS: &str = r#"(module
    (func (export "add") (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1)))
    (func (export "wide") (param i64) (result i64) (i64.add (local.get 0) (i64.const 1)))
    (func (export "greater") (param i32 i32) (result i32) (i32.gt_u (local.get 0) (local.get 1)))
    (func (export "two") (result i32 i64) (i32.const -1) (i64.const -2))
    (func (export "nothing"))
    (func (export "f32") (param f32) (result f32) (local.get 0))
    (func (export "f64") (param f64) (result f64) (local.get 0))
    (func (export "tenth") (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32) (result i32) (local.get 9))
    (func (export "five") (result i32 i32 i32 i32 i32)
        (i32.const 1) (i32.const 2) (i32.const 3) (i32.const 4) (i32.const 5))
    (func (export "fail") unreachable)
    (memory (export "memory") 1)
)"#;

#[test]
fn arguments_and_results_have_types() {
    let module = Module::new(NUMBERS);
    for (name, args, results) in [
        ("add", &["1", "2"][..], "3\n"),
        ("add", &["-1", "0"], "-1\n"),
        ("add", &["2147483647", "1"], "-2147483648\n"),
        ("add", &["4294967295", "0x2"], "1\n"),
        // The upper half of a register does not matter: -1 is 2³² − 1.
        ("greater", &["-1", "1"], "1\n"),
        ("wide", &["9223372036854775807"], "-9223372036854775808\n"),
        ("two", &[], "-1\n-2\n"),
        ("nothing", &[], ""),
        ("f32", &["0.1"], "0.1\n"),
        ("f32", &["-inf"], "-inf\n"),
        ("f64", &["0.1"], "0.1\n"),
        ("f64", &["1e300"], "1e300\n"),
        ("tenth", &["1", "2", "3", "4", "5", "6", "7", "8", "9", "10"], "10\n"),
        ("five", &[], "1\n2\n3\n4\n5\n"),
    ] {
        let output = module.invoke(name, args);
        assert_eq!(stdout(&output), results, "{name} {args:?}: {}", stderr(&output));
        assert_eq!(output.status.code(), Some(0), "{name}");
    }
    // `--entry` has the same arguments, and prints results only with `--results`.
    assert_eq!(stdout(&module.vsp(&["run", "m.wat", "--entry", "greater", "-1", "1", "--results"])), "1\n");
    assert_eq!(stdout(&module.vsp(&["run", "m.wat", "--entry", "greater", "-1", "1"])), "");
}

#[test]
fn wrong_calls_are_explained() {
    let module = Module::new(NUMBERS);
    for (name, args, message) in [
        ("add", &["1"][..], "add takes (i32, i32), and 1 argument was given"),
        ("nothing", &["1", "2"], "nothing takes (), and 2 arguments were given"),
        ("add", &["1", "1.5"], "the argument \"1.5\" is not a number of type i32"),
        ("add", &["4294967296", "0"], "is not a number of type i32"),
        ("none", &[], "the module exports no function \"none\"\n"),
        ("memory", &[], "the module exports no function \"memory\""),
        ("tento", &[], "= help: did you mean `tenth`?"),
    ] {
        let output = module.invoke(name, args);
        assert_eq!(output.status.code(), Some(1), "{name}");
        assert!(stderr(&output).contains(message), "{}", stderr(&output));
    }
    let main = stderr(&module.vsp(&["run", "m.wasm"]));
    let expected = "\
error: m.wasm does not export \"_start\" or \"main\"
 |
 = help: `--invoke NAME ARGS` calls an exported function:
 = add (i32, i32) -> i32
 = wide (i64) -> i64
 = greater (i32, i32) -> i32
 = two () -> (i32, i64)
 = nothing () -> ()
 = f32 (f32) -> f32
 = f64 (f64) -> f64
 = tenth (i32, i32, i32, i32, i32, i32, i32, i32, i32, i32) -> i32
 = and 2 more: `vsp imports` lists them
";
    assert_eq!(main, expected);
    let entry = stderr(&module.vsp(&["run", "m.wasm", "--entry", "widen"]));
    assert!(entry.contains("m.wasm does not export \"widen\"\n"), "{entry}");
    assert!(entry.contains("did you mean `wide`?"), "{entry}");
    for command in ["trace", "profile", "debug"] {
        let message = stderr(&module.vsp(&[command, "m.wasm"]));
        assert!(message.contains("= add (i32, i32) -> i32"), "{command}: {message}");
    }
    let both = module.vsp(&["run", "m.wasm", "--invoke", "add", "--entry", "add"]);
    assert_eq!(both.status.code(), Some(2));
    fs::write(module.0.path().join("p.sil"), ".export main\n.func main (0) -> 0\n    RET\n.end\n").unwrap();
    let text = module.vsp(&["run", "p.sil", "--invoke", "main"]);
    assert!(stderr(&text).contains("the program was not WebAssembly"), "{}", stderr(&text));
}

#[test]
fn a_name_without_characters_is_visible() {
    let module = Module::new(r#"(module (func (export "") (param i32)))"#);
    assert!(stderr(&module.vsp(&["run", "m.wasm"])).contains("= \"\" (i32) -> ()"));
    assert_eq!(stdout(&module.vsp(&["imports", "m.wasm"])).lines().last(), Some("\"\"      (i32) -> ()"));
    assert!(stderr(&module.invoke("", &[])).contains("error: \"\" takes (i32), and 0 arguments were given"));
    assert_eq!(module.invoke("", &["1"]).status.code(), Some(0));
    let module = Module::new(r#"(module (func (export "") unreachable))"#);
    let traced = stderr(&module.vsp(&["trace", "m.wasm", "--invoke", ""]));
    assert!(traced.starts_with("    1  \"\"+0"), "{traced}");
    assert!(traced.contains("trap: unreachable\n"), "{traced}");
    assert!(traced.contains("at function \"\", word 0"), "{traced}");
    // A module that exports none.
    let module = Module::new("(module (func (result i32) i32.const 1))");
    assert!(stderr(&module.vsp(&["run", "m.wasm"])).contains("the module exports no function"));
}

/// A program has globals, a memory and tables of its own where the module imports some.
#[test]
fn imports_that_are_not_functions() {
    let module = Module::new(
        r#"(module
            (import "env" "log" (func (param i32)))
            (import "env" "base" (global i32))
            (import "env" "" (global f64))
            (import "env" "memory" (memory 1))
            (import "env" "table" (table 2 funcref)))"#,
    );
    let expected = "\
import               provided by
env.log (1) -> 0     nobody
env.base global i32  the program: 0
env.\"\" global f64    the program: 0.0
env.memory memory    the program: a memory of its own
env.table table      the program: a table of its own
";
    assert_eq!(stdout(&module.vsp(&["imports", "m.wasm"])), expected);
}

#[test]
fn traps_have_the_names_of_webassembly() {
    let module = Module::new(NUMBERS);
    let output = module.invoke("fail", &[]);
    assert_eq!(output.status.code(), Some(3));
    assert!(stderr(&output).starts_with("error: trap: unreachable\n"), "{}", stderr(&output));
}

/// Writes `s` in the start function, `i` in `_initialize` and `m` in `_start`.
const STARTS: &str = r#"(module
    (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
    (memory (export "memory") 1)
    (data (i32.const 0) "\10\00\00\00\01\00\00\00")
    (func $put (param i32)
        (i32.store8 (i32.const 16) (local.get 0))
        (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8))))
    (func $first (call $put (i32.const 115)))
    (start $first)
    (func (export "_initialize") (call $put (i32.const 105)))
    (func (export "_start") (call $put (i32.const 109)))
    (func (export "other") (param i32) (result i32) (call $put (i32.const 111)) (local.get 0))
)"#;

#[test]
fn what_runs_before_the_call() {
    let module = Module::new(STARTS);
    assert_eq!(stdout(&module.vsp(&["run", "m.wasm"])), "sm");
    assert_eq!(stdout(&module.invoke("other", &["7"])), "sio7\n");
    assert_eq!(stdout(&module.vsp(&["trace", "m.wasm"])), "sm");
    assert_eq!(stdout(&module.vsp(&["profile", "m.wasm"])), "sm");
    let debug = stdout(&run_in(module.0.path(), &["debug", "m.wasm"], b"continue\n"));
    let (before, after) = debug.split_once("continue\n").unwrap();
    assert!(before.starts_with('s') && after.starts_with('m'), "{debug}");
}

#[test]
fn a_start_function_that_ends_the_program() {
    let text = r#"(module
        (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
        (memory (export "memory") 1)
        (func $first (call $exit (i32.const 42)))
        (start $first)
        (func (export "_start") unreachable))"#;
    let module = Module::new(text);
    for command in ["run", "trace", "profile"] {
        let output = module.vsp(&[command, "m.wasm"]);
        assert_eq!(output.status.code(), Some(42), "{command}: {}", stderr(&output));
    }
}

#[test]
fn programs_with_wasi() {
    let text = r#"(module
        (import "wasi_snapshot_preview1" "args_sizes_get" (func $sizes (param i32 i32) (result i32)))
        (import "wasi_snapshot_preview1" "args_get" (func $args (param i32 i32) (result i32)))
        (import "wasi_snapshot_preview1" "path_open"
            (func $open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
        (import "wasi_snapshot_preview1" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
        (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
        (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
        (memory (export "memory") 1)
        (func $check (param i32) (if (local.get 0) (then (call $exit (local.get 0)))))
        (func (export "_start")
            ;; The path is argument 1.
            (call $check (call $sizes (i32.const 0) (i32.const 4)))
            (call $check (call $args (i32.const 16) (i32.const 1024)))
            ;; Its length is what the arguments take, without argument 0 and two NULs.
            (i32.store (i32.const 8) (i32.sub (i32.sub (i32.load (i32.const 4)) (i32.const 1))
                (i32.sub (i32.load (i32.const 20)) (i32.load (i32.const 16)))))
            (call $check (call $open (i32.const 3) (i32.const 1) (i32.load (i32.const 20))
                (i32.load (i32.const 8)) (i32.const 0) (i64.const 2) (i64.const 2) (i32.const 0) (i32.const 12)))
            (i32.store (i32.const 32) (i32.const 2048))
            (i32.store (i32.const 36) (i32.const 1000))
            (call $check (call $read (i32.load (i32.const 12)) (i32.const 32) (i32.const 1) (i32.const 36)))
            (call $check (call $write (i32.const 1) (i32.const 32) (i32.const 1) (i32.const 40)))
            (call $exit (i32.const 7))))"#;
    let module = Module::new(text);
    fs::write(module.0.path().join("note.txt"), "a note\n").unwrap();
    let output = module.vsp(&["run", "m.wasm", "--dir-ro", ".", "note.txt"]);
    assert_eq!(
        (stdout(&output), output.status.code()),
        ("a note\n".to_owned(), Some(7)),
        "{}",
        stderr(&output)
    );
    // ENOENT, EPERM, and EBADF without a directory.
    for (args, code) in [(&["--dir", ".", "none"][..], 44), (&["--dir", ".", "../x"], 63), (&["note.txt"], 8)]
    {
        let output = module.vsp(&[&["run", "m.wasm"], args].concat());
        assert_eq!(output.status.code(), Some(code), "{args:?}");
    }
}

#[test]
fn a_module_becomes_a_program() {
    let module = Module::new(NUMBERS);
    for source in ["m.wasm", "m.wat"] {
        let built = module.vsp(&["build", source, "-o", "out.silc"]);
        assert_eq!(built.status.code(), Some(0), "{}", stderr(&built));
        assert_eq!(stdout(&module.vsp(&["run", "out.silc", "--invoke", "add", "20", "22"])), "42\n");
    }
    // Only the text has lines.
    module.vsp(&["build", "m.wasm"]);
    module.vsp(&["build", "m.wat", "--no-lines", "-o", "out.silc"]);
    assert_eq!(
        fs::read(module.0.path().join("m.silc")).unwrap(),
        fs::read(module.0.path().join("out.silc")).unwrap()
    );
    // A text, too; and the standard streams.
    fs::write(module.0.path().join("p.sil"), ".export main\n.func main (0) -> 0\n    RET\n.end\n").unwrap();
    assert_eq!(module.vsp(&["build", "p.sil"]).status.code(), Some(0));
    assert!(fs::read(module.0.path().join("p.silc")).unwrap().starts_with(b"SILC"));
    let bytes = fs::read(module.0.path().join("m.wasm")).unwrap();
    let piped = run_in(module.0.path(), &["build", "-"], &bytes);
    assert_eq!(piped.stdout, fs::read(module.0.path().join("m.silc")).unwrap());
    let over = module.vsp(&["build", "m.wasm", "-o", "m.wasm"]);
    assert!(stderr(&over).contains("this is the source, which would be lost"), "{}", stderr(&over));
}

/// A module whose data ends at 24, where its stack begins.
const SMALL: &str = r#"(module (memory (export "memory") 1)
    (global (export "__heap_base") i32 (i32.const 24))
    (data (i32.const 16) "\07")
    (func (export "load") (param i32) (result i32) (i32.load8_u (local.get 0))))"#;

#[test]
fn a_program_has_a_memory_of_the_chosen_size() {
    let module = Module::new(SMALL);
    for (args, bytes) in [
        (&["--memory", "100"][..], 112),
        (&["--memory", "0x40"], 64),
        (&["--heap", "0"], 32),
        (&["--heap", "4000"], 4032),
        (&[], 65_536),
    ] {
        for source in ["m.wasm", "m.wat"] {
            let built = module.vsp(&[&["build", source, "-o", "out.silc"], args].concat());
            assert_eq!(built.status.code(), Some(0), "{}", stderr(&built));
            let load =
                |address: u32| module.vsp(&["run", "out.silc", "--invoke", "load", &address.to_string()]);
            assert_eq!(stdout(&load(16)), "7\n");
            assert_eq!(stdout(&load(bytes - 1)), "0\n");
            let beyond = load(bytes);
            assert_eq!(beyond.status.code(), Some(3), "{args:?}");
            assert!(stderr(&beyond).starts_with("error: trap: "), "{}", stderr(&beyond));
        }
    }
}

#[test]
fn a_memory_whose_size_cannot_be_chosen_is_refused() {
    let module = Module::new(SMALL);
    let refused = |args: &[&str], code: i32, message: &str| {
        let output = module.vsp(&[&["build"], args].concat());
        assert_eq!(output.status.code(), Some(code), "{args:?}");
        assert!(stderr(&output).contains(message), "{}", stderr(&output));
    };
    refused(
        &["m.wasm", "--memory", "16"],
        1,
        "error: m.wasm: the data ends at 24, beyond the memory of 16 bytes",
    );
    refused(&["m.wasm", "--memory", "4294967297"], 1, "m.wasm: a memory has at most 4294967296 bytes");
    refused(&["m.wasm", "--memory", "-1"], 2, "--memory");
    refused(&["m.wasm", "--memory", "64", "--heap", "64"], 2, "cannot be used with");
    refused(&["none.wasm", "--memory", "64"], 1, "error: none.wasm: ");
    fs::write(module.0.path().join("p.sil"), ".export main\n.func main (0) -> 0\n    RET\n.end\n").unwrap();
    refused(&["p.sil", "--heap", "64"], 1, "error: p.sil: this is not WebAssembly");
    fs::write(
        module.0.path().join("grow.wat"),
        "(module (memory 1) (func $f (drop (memory.grow (i32.const 1)))))",
    )
    .unwrap();
    refused(
        &["grow.wat", "--heap", "0"],
        1,
        "error: grow.wat: function 0 \"f\": memory.grow: a memory whose size",
    );
}

/// Programs of `examples/devices`, with the functions of a board that a file declares.
#[test]
fn programs_for_devices_run_in_every_engine() {
    let folder = tempfile::tempdir().unwrap();
    let examples = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/devices/");
    for name in ["thermostat", "console"] {
        let (module, program) = (format!("{examples}{name}.wasm"), format!("{name}.silc"));
        let built = run_in(folder.path(), &["build", &module, "--heap", "0", "-o", &program], b"");
        assert_eq!(built.status.code(), Some(0), "{}", stderr(&built));
    }
    // 19.4 °C five times, then 25 °C three times: the heater is switched on and off.
    let board = "board.sample (0) -> 1 = 2304; 2304; 2304; 2304; 2304; 2048; 2048; 2048; -1\nboard.set_pin (2) -> 0\n";
    fs::write(folder.path().join("board.txt"), board).unwrap();
    let engines: &[&str] =
        if cfg!(feature = "jit") { &["interp", "tier1", "tier2", "auto"] } else { &["interp"] };
    for engine in engines {
        let run = |program, input| {
            let args = ["run", "--engine", engine, program, "--imports", "board.txt", "--invoke", "run"];
            let output = run_in(folder.path(), &args, input);
            assert_eq!(stderr(&output), "", "{engine}");
            stdout(&output)
        };
        assert_eq!(run("thermostat.silc", b""), "2\n", "{engine}");
        assert_eq!(run("console.silc", b"set 3 1\nget 3\nset 3 2\n"), "3 on\n?\n2\n", "{engine}");
    }
}

#[test]
fn exports_are_listed_with_their_types() {
    let module = Module::new(NUMBERS);
    module.vsp(&["build", "m.wasm", "-o", "out.silc"]);
    let list = stdout(&module.vsp(&["imports", "out.silc"]));
    let expected = "\
import  provided by

export   parameters and results
add      (i32, i32) -> i32
wide     (i64) -> i64
greater  (i32, i32) -> i32
two      () -> (i32, i64)
nothing  () -> ()
f32      (f32) -> f32
f64      (f64) -> f64
tenth    (i32, i32, i32, i32, i32, i32, i32, i32, i32, i32) -> i32
five     () -> (i32, i32, i32, i32, i32)
fail     () -> ()
";
    assert_eq!(list, expected);
    assert_eq!(stdout(&module.vsp(&["imports", "m.wat"])), expected);
}

#[test]
fn other_commands_take_modules() {
    let module = Module::new(NUMBERS);
    for file in ["m.wasm", "m.wat"] {
        let check = stdout(&module.vsp(&["check", file]));
        assert!(check.starts_with(&format!("{file}: ok: ")) && check.contains("65,536 bytes"), "{check}");
        assert!(stdout(&module.vsp(&["dump", file])).contains("add"));
        let text = stdout(&module.vsp(&["dis", file]));
        assert!(text.contains(".export add"), "{text}");
        assert!(stdout(&module.vsp(&["cfg", file, "--function", "add"])).contains("digraph"));
        assert_eq!(stdout(&module.vsp(&["trace", file, "--invoke", "add", "1", "2"])), "");
    }
    for (command, message) in
        [("asm", "m.wasm is WebAssembly; `vsp build`"), ("fmt", "this is WebAssembly, not a .sil text")]
    {
        let output = module.vsp(&[command, "m.wasm"]);
        assert_eq!(output.status.code(), Some(1));
        assert!(stderr(&output).contains(message), "{}", stderr(&output));
    }
}

/// Nobody wrote the code: it has words that are never reached, and globals that nobody uses.
#[test]
fn programs_that_were_translated_get_no_warnings() {
    let folder = tempfile::tempdir().unwrap();
    let program = concat!(env!("CARGO_MANIFEST_DIR"), "/../snapshots/wasm_programs/numbers.wasm");
    let output = run_in(folder.path(), &["check", "--deny-warnings", program], b"");
    assert!(output.status.success() && stderr(&output).is_empty(), "{}", stderr(&output));
    assert!(run_in(folder.path(), &["build", program, "-o", "n.silc"], b"").status.success());
    assert!(run_in(folder.path(), &["check", "--deny-warnings", "n.silc"], b"").status.success());
}

#[test]
fn bad_modules_are_refused() {
    let module = Module::new(NUMBERS);
    let refused = |name: &str, bytes: &[u8]| {
        fs::write(module.0.path().join(name), bytes).unwrap();
        let output = module.vsp(&["run", name]);
        assert_eq!(output.status.code(), Some(1), "{name}");
        stderr(&output)
    };
    let cut = refused("cut.wasm", b"\0asm\x01\0\0\0\x01\x7F");
    assert!(cut.starts_with("error: cut.wasm: "), "{cut}");
    let not = refused("not.wasm", b"hello");
    assert!(not.starts_with("error: not.wasm: "), "{not}");
    let text = refused("bad.wat", b"(module\n  (func (i32.addd)))");
    assert!(text.contains("bad.wat") && text.contains("i32.addd") && text.contains("2:"), "{text}");
    let bytes = refused("bytes.wat", b"(module \xFF)");
    assert!(bytes.contains("utf-8"), "{bytes}");
    let simd = refused("simd.wat", b"(module (func (drop (v128.const i64x2 0 0))))");
    assert!(simd.contains("SIMD"), "{simd}");
}

#[test]
fn missing_imports_are_all_listed() {
    let text = r#"(module
        (import "env" "abort" (func (param i32 i32 i32 i32)))
        (import "env" "now" (func $now (result f64)))
        (func (export "_start") (drop (call $now))))"#;
    let module = Module::new(text);
    let output = module.vsp(&["run", "m.wasm"]);
    assert_eq!(output.status.code(), Some(1));
    let errors = stderr(&output);
    assert!(errors.contains("env.abort (4) -> 0") && errors.contains("env.now (0) -> 1"), "{errors}");
    assert_eq!(module.vsp(&["run", "m.wasm", "--unknown-imports", "default"]).status.code(), Some(0));
    let trap = module.vsp(&["run", "m.wasm", "--unknown-imports", "trap"]);
    assert!(stderr(&trap).contains("env.now failed: no host function provides it"), "{}", stderr(&trap));
}

#[test]
fn the_stack_is_larger_than_that_of_other_programs() {
    // A call of this depth takes more than 65,536 cells: at least 18 each.
    let text = r#"(module (func $deep (export "deep") (param i32) (result i32)
        (if (result i32) (i32.eqz (local.get 0))
            (then (i32.const 0))
            (else (i32.add (i32.const 1) (call $deep (i32.sub (local.get 0) (i32.const 1))))))))"#;
    let module = Module::new(text);
    assert_eq!(stdout(&module.invoke("deep", &["20000"])), "20000\n");
    let small = module.vsp(&["run", "m.wasm", "--stack", "65536", "--invoke", "deep", "20000"]);
    assert_eq!(small.status.code(), Some(3));
}

/// A Rust program with the standard library, as rustc emits it (`examples/wasm/words.rs`).
#[test]
fn a_rust_program_counts_words_in_every_engine() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("a.txt"), "Der Bär ißt.\nder bär, DER mann\n").unwrap();
    fs::write(folder.path().join("b.txt"), "one two one\r\n").unwrap();
    let program = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/wasm/words.wasm");
    let engines: &[&str] =
        if cfg!(feature = "jit") { &["interp", "tier1", "tier2", "auto"] } else { &["interp"] };
    for engine in engines {
        let output =
            run_in(folder.path(), &["run", "--engine", engine, "--dir", ".", program, "a.txt", "b.txt"], b"");
        assert_eq!(stderr(&output), "", "{engine}");
        let expected = "10 words, 6 different\n     3 der\n     2 bär\n     2 one\n     1 ißt\n     1 mann\n";
        assert_eq!(stdout(&output), expected, "{engine}");
        let output = run_in(folder.path(), &["run", "--engine", engine, "--dir", ".", program, "c.txt"], b"");
        assert_eq!(output.status.code(), Some(1));
        assert!(stderr(&output).starts_with("c.txt: "), "{}", stderr(&output));
        assert_eq!(run_in(folder.path(), &["run", program], b"").status.code(), Some(2));
    }
}
