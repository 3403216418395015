//! Source lines of modules, from what compilers write as DWARF. The expected lines are those of the source texts.

mod dwarf;

use vsp_core::program::Program;
use vsp_wasm::Options;

use dwarf::{SUM, translate, trap};

const MIN: u64 = 1 << 31;
const MINUS_ONE: u64 = 0xFFFF_FFFF;

/// Calls of the modules of `data/sum.c` that trap, and where.
const TRAPS: &[(&str, &[u64], &str)] = &[
    // In an inlined function.
    ("mean_to", &[3, 0], "include/mean.h:2"),
    // Two divisions of one function that overflow.
    ("quotients", &[MIN, MINUS_ONE, 1], "sum.c:14"),
    ("quotients", &[0, MIN, MINUS_ONE], "sum.c:15"),
    ("quotients", &[0, 0, 1], "sum.c:14"),
    ("load", &[MINUS_ONE], "sum.c:21"),
    ("fail", &[1], "sum.c:27"),
    ("fail", &[0], "sum.c:29"),
];

fn source_files(program: &[u8]) -> Vec<String> {
    Program::read(program).unwrap().source_files().map(str::to_owned).collect()
}

#[test]
fn traps_of_c_have_lines() {
    for module in SUM {
        let program = translate(module);
        for (name, args, line) in TRAPS {
            let report = trap(&program, name, args);
            assert!(report.ends_with(&format!(" ({line})")), "{line}: {report}");
        }
        assert_eq!(source_files(&program), ["sum.c", "include/mean.h"]);
        // All other code: no word of a function before the first line, nor from one function to the next.
        let program = Program::read(&program[..]).unwrap();
        for entry in program.lines() {
            assert!([0, 2].contains(&entry.line) || (6..=29).contains(&entry.line), "{entry:?}");
        }
    }
}

#[test]
fn call_stacks_of_rust_have_lines() {
    let program = translate(include_bytes!("../../examples/wasm/average.wasm"));
    let report = trap(&program, "average", &[3, 3]);
    let lines: Vec<&str> = report.lines().collect();
    let [_, panic, panicking, average] = lines[..] else { panic!("{report}") };
    // The line of the `unreachable` that is inlined, in the standard library.
    assert!(panic.contains("function core::panicking::panic_fmt,"), "{panic}");
    assert!(panic.contains("(library/stdarch/crates/core_arch/src/wasm32/mod.rs:"), "{panic}");
    assert!(panicking.contains("(library/core/src/panicking.rs:"), "{panicking}");
    let source = include_str!("../../examples/wasm/average.rs");
    let (line, _) = (1..).zip(source.lines()).find(|(_, text)| text.contains("sum / (last")).unwrap();
    assert!(average.ends_with(&format!(" (average.rs:{line})")), "{average}");
}

#[test]
fn traps_of_texts_have_lines() {
    let text = "(module
        (memory 1)
        (func (export \"f\") (param i32) (result i32)
            (i32.add
                (i32.load offset=65532 (local.get 0))
                (i32.div_u
                    (i32.const 1)
                    (local.get 0))))
        (func $g (param f64) (result i32)
            (i32.trunc_f64_s (local.get 0)))
        (func (export \"h\") (param f64) (result i32)

            (call $g (local.get 0))))";
    let mut parser = wat::Parser::new();
    parser.generate_dwarf(wat::GenerateDwarf::Lines);
    for path in ["f.wat", "/home/a/f.wat"] {
        let program = translate(&parser.parse_str(Some(path.as_ref()), text).unwrap());
        assert!(trap(&program, "f", &[1]).ends_with("(f.wat:5)"));
        let report = trap(&program, "f", &[0]);
        assert!(report.ends_with("(f.wat:6)"), "{report}");
        let report = trap(&program, "h", &[f64::INFINITY.to_bits()]);
        let lines: Vec<&str> = report.lines().collect();
        assert!(lines[1].ends_with("(f.wat:10)") && lines[2].ends_with("(f.wat:13)"), "{report}");
    }
}

#[test]
fn code_is_the_same_without_lines() {
    for module in SUM {
        let with = translate(module);
        let without = vsp_wasm::translate(module, &Options::default().lines(false)).unwrap();
        assert_eq!(Program::read(&with[..]).unwrap().without_lines(), without);
        assert_eq!(Program::read(&without[..]).unwrap().lines().count(), 0);
        assert!(with.len() > without.len());
    }
}
