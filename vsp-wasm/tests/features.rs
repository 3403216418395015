//! Tables, references, bulk memory, many parameters and results, tail calls, small memories, and what is refused.
//! Expected values follow from the specification.

mod common;

use common::{End, check, run, translate};
use vsp_core::program::Program;
use vsp_core::verify::Verified;
use vsp_core::{Imports, Instance, Outcome};
use vsp_wasm::{ErrorKind, Exports, ItemType, Options, Type};

fn results(values: &[u64]) -> End {
    End::Results(values.to_vec())
}

fn trap(name: &str) -> End {
    End::Trap(name.into())
}

#[test]
fn tables_that_change() {
    let text = r#"(module (type $f (func (result i32)))
        (table $t 2 10 funcref) (table $u 3 funcref)
        (elem $e func $one $two)
        (elem declare func $two)
        (elem (table $t) (i32.const 0) func $one)
        (func $one (result i32) (i32.const 1)) (func $two (result i32) (i32.const 2))
        (func (export "call") (param i32) (result i32) (call_indirect $t (type $f) (local.get 0)))
        (func (export "set") (param i32) (table.set $t (local.get 0) (ref.func $two)))
        (func (export "grow") (param i32) (result i32) (table.grow $t (ref.func $two) (local.get 0)))
        (func (export "size") (result i32) (table.size $t))
        (func (export "copy") (param i32 i32 i32)
            (table.copy $u $t (local.get 0) (local.get 1) (local.get 2)))
        (func (export "init") (param i32 i32 i32) (table.init $u $e (local.get 0) (local.get 1) (local.get 2)))
        (func (export "drop") (elem.drop $e))
        (func (export "null") (param i32) (result i32) (ref.is_null (table.get $u (local.get 0))))
        (func (export "u") (param i32) (result i32) (call_indirect $u (type $f) (local.get 0))))"#;
    let ends = run(
        text,
        &[
            ("call", &[0]),
            ("call", &[1]),
            ("call", &[2]),
            ("set", &[1]),
            ("call", &[1]),
            ("grow", &[3]),
            ("size", &[]),
            ("call", &[4]),
            ("grow", &[6]),
            ("null", &[0]),
            ("copy", &[1, 0, 2]),
            ("u", &[1]),
            ("u", &[2]),
            ("copy", &[2, 0, 2]),
            ("init", &[0, 1, 1]),
            ("u", &[0]),
            ("drop", &[]),
            ("init", &[0, 0, 0]),
            ("init", &[0, 1, 1]),
            ("set", &[5]),
        ],
    );
    let expected = [
        results(&[1]),
        trap("Explicit(4)"),
        trap("Explicit(3)"),
        results(&[]),
        results(&[2]),
        results(&[2]),
        results(&[5]),
        results(&[2]),
        results(&[0xFFFF_FFFF]),
        results(&[1]),
        results(&[]),
        results(&[1]),
        results(&[2]),
        trap("Explicit(3)"),
        results(&[]),
        results(&[2]),
        results(&[]),
        results(&[]),
        trap("Explicit(3)"),
        trap("Explicit(3)"),
    ];
    assert_eq!(ends, expected);
}

#[test]
fn bulk_memory_and_growth() {
    let text = r#"(module (memory (export "m") 1 3) (data $d "abcdef")
        (func (export "init") (param i32 i32 i32) (memory.init $d (local.get 0) (local.get 1) (local.get 2)))
        (func (export "drop") (data.drop $d))
        (func (export "copy") (param i32 i32 i32) (memory.copy (local.get 0) (local.get 1) (local.get 2)))
        (func (export "fill") (param i32 i32 i32) (memory.fill (local.get 0) (local.get 1) (local.get 2)))
        (func (export "load") (param i32) (result i32) (i32.load8_u (local.get 0)))
        (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0)))
        (func (export "size") (result i32) (memory.size)))"#;
    let ends = run(
        text,
        &[
            ("init", &[10, 2, 3]),
            ("load", &[11]),
            ("copy", &[11, 10, 3]),
            ("load", &[13]),
            ("fill", &[65_536, 0, 0]),
            ("fill", &[65_537, 0, 0]),
            ("init", &[0, 6, 0]),
            ("init", &[0, 7, 0]),
            ("drop", &[]),
            ("init", &[0, 0, 0]),
            ("init", &[0, 0, 1]),
            ("grow", &[2]),
            ("grow", &[1]),
            ("size", &[]),
            ("load", &[196_607]),
            ("load", &[196_608]),
        ],
    );
    let out = || trap("MemoryOutOfBounds");
    let expected = [
        results(&[]),
        results(&[u64::from(b'd')]),
        results(&[]),
        results(&[u64::from(b'e')]),
        results(&[]),
        out(),
        results(&[]),
        out(),
        results(&[]),
        results(&[]),
        out(),
        results(&[1]),
        results(&[0xFFFF_FFFF]),
        results(&[3]),
        results(&[0]),
        out(),
    ];
    assert_eq!(ends, expected);
}

#[test]
fn memories_without_pages() {
    let text = r#"(module (memory 0 2)
        (func (export "load") (param i32) (result i32) (i32.load8_u (local.get 0)))
        (func (export "fill") (param i32 i32) (memory.fill (local.get 0) (i32.const 7) (local.get 1)))
        (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0))))"#;
    let ends = run(
        text,
        &[
            ("load", &[0]),
            ("fill", &[0, 0]),
            ("fill", &[0, 1]),
            ("grow", &[1]),
            ("load", &[65_535]),
            ("load", &[65_536]),
            ("fill", &[65_535, 1]),
            ("grow", &[2]),
            ("grow", &[1]),
        ],
    );
    let out = || trap("MemoryOutOfBounds");
    let expected = [
        out(),
        results(&[]),
        out(),
        results(&[0]),
        results(&[0]),
        out(),
        results(&[]),
        results(&[0xFFFF_FFFF]),
        results(&[1]),
    ];
    assert_eq!(ends, expected);
}

#[test]
fn many_parameters_and_results() {
    let text = r#"(module
        (type $t (func (param i32 i32 i32 i32 i32 i32 i32 i32 i64 f32) (result f32 i64 i32 i32 i32 i32)))
        (table funcref (elem $many))
        (func $many (type $t)
            (local.get 9) (local.get 8) (local.get 7) (local.get 2) (local.get 1) (local.get 0))
        (func (export "direct") (result f32 i64)
            (call $many (i32.const 1) (i32.const 2) (i32.const 3) (i32.const 4) (i32.const 5) (i32.const 6)
                (i32.const 7) (i32.const 8) (i64.const 9) (f32.const 10))
            drop drop drop drop)
        (func (export "indirect") (result i32) (local i32 i32)
            (call_indirect (type $t) (i32.const 1) (i32.const 2) (i32.const 3) (i32.const 4) (i32.const 5)
                (i32.const 6) (i32.const 7) (i32.const 8) (i64.const 9) (f32.const 10) (i32.const 0))
            (local.set 0) (local.set 1) drop drop drop drop
            (i32.add (i32.mul (local.get 0) (i32.const 10)) (local.get 1))))"#;
    check(text, &[("direct", &[], &[u64::from(10f32.to_bits()), 9]), ("indirect", &[], &[12])]);
}

#[test]
fn tail_calls_of_itself_use_no_stack() {
    let text = r#"(module (func $sum (export "sum") (param $n i64) (param $sum i64) (result i64) (local $t i64)
        (if (i64.eqz (local.get $n)) (then (return (i64.add (local.get $sum) (local.get $t)))))
        (local.set $t (i64.const 1000))
        (return_call $sum (i64.sub (local.get $n) (i64.const 1)) (i64.add (local.get $sum) (local.get $n)))))"#;
    check(text, &[("sum", &[1_000_000, 0], &[500_000_500_000])]);
}

/// Functions that call each other in place of a return, directly, through a table that nothing changes, and through one
/// that changes; with more arguments and results than registers pass.
#[test]
fn tail_calls_of_others_use_no_stack() {
    let text = r#"(module
        (type $t (func (param i64) (result i32)))
        (table $fixed funcref (elem $even_fixed $odd_fixed))
        (table $changed 4 funcref)
        (elem (table $changed) (i32.const 2) func $even_changed $odd_changed)
        (func $even (export "even") (param i64) (result i32)
            (if (i64.eqz (local.get 0)) (then (return (i32.const 1))))
            (return_call $odd (i64.sub (local.get 0) (i64.const 1))))
        (func $odd (param i64) (result i32) (local i64 i64)
            (if (i64.eqz (local.get 0)) (then (return (i32.const 0))))
            (return_call $even (i64.sub (local.get 0) (i64.const 1))))
        (func $even_fixed (export "even_fixed") (type $t)
            (if (i64.eqz (local.get 0)) (then (return (i32.const 1))))
            (return_call_indirect $fixed (type $t) (i64.sub (local.get 0) (i64.const 1)) (i32.const 1)))
        (func $odd_fixed (type $t)
            (if (i64.eqz (local.get 0)) (then (return (i32.const 0))))
            (return_call_indirect $fixed (type $t) (i64.sub (local.get 0) (i64.const 1)) (i32.const 0)))
        (func $even_changed (export "even_changed") (type $t)
            (if (i64.eqz (local.get 0)) (then (return (i32.const 1))))
            (return_call_indirect $changed (type $t) (i64.sub (local.get 0) (i64.const 1)) (i32.const 3)))
        (func $odd_changed (type $t)
            (if (i64.eqz (local.get 0)) (then (return (i32.const 0))))
            (table.set $changed (i32.const 1) (ref.null func))
            (return_call_indirect $changed (type $t) (i64.sub (local.get 0) (i64.const 1)) (i32.const 2)))
        (func $ten (param i64 i64 i64 i64 i64 i64 i64 i64 i64 i64) (result i64 i64 i64 i64 i64 i64)
            (local.get 0) (local.get 1) (local.get 2) (local.get 7) (local.get 8) (local.get 9))
        (func $many (param i64 i64 i64 i64 i64 i64 i64 i64 i64 i64) (result i64 i64 i64 i64 i64 i64)
            (return_call $ten (local.get 9) (local.get 8) (local.get 7) (local.get 6) (local.get 5)
                (local.get 4) (local.get 3) (local.get 2) (local.get 1) (local.get 0)))
        (func (export "many") (result i64) (local i64)
            (call $many (i64.const 1) (i64.const 2) (i64.const 3) (i64.const 4) (i64.const 5)
                (i64.const 6) (i64.const 7) (i64.const 8) (i64.const 9) (i64.const 10))
            (local.set 0) (i64.add (i64.mul (i64.const 10) (local.get 0)))
            (local.set 0) drop drop drop (i64.add (i64.mul (i64.const 1000) (local.get 0)))))"#;
    let million = 1_000_000;
    check(
        text,
        &[
            ("even", &[million], &[1]),
            ("even", &[million + 1], &[0]),
            ("even_fixed", &[million], &[1]),
            ("even_fixed", &[million + 1], &[0]),
            ("even_changed", &[million], &[1]),
            ("even_changed", &[million + 1], &[0]),
            ("many", &[], &[12_010]),
        ],
    );
}

#[test]
fn blocks_with_parameters() {
    // Counts the parameter down, and the number on the stack up.
    let text = r#"(module (func (export "f") (param $n i32) (result i32 i32)
        (i32.const 5) (i32.const 10)
        (loop $next (param i32 i32) (result i32 i32)
            (i32.const 3) i32.add
            (br_if $next (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))))"#;
    check(text, &[("f", &[4], &[5, 22])]);
}

#[test]
fn segments_overlap_and_start_runs() {
    let text = r#"(module (memory 1) (data (i32.const 8) "aaaa") (data (i32.const 10) "bb") (data (i32.const 9) "c")
        (global $g (mut i32) (i32.const 0)) (start $start)
        (func $start (global.set $g (i32.add (global.get $g) (i32.const 1))))
        (func (export "load") (result i32) (i32.load (i32.const 8)))
        (func (export "started") (result i32) (global.get $g)))"#;
    let ends = run(text, &[("load", &[]), ("started", &[])]);
    assert_eq!(ends, [results(&[]), results(&[u64::from(u32::from_le_bytes(*b"acbb"))]), results(&[1])]);
}

#[test]
fn exports_have_types() {
    let text = r#"(module (import "env" "f" (func (param externref f32) (result i64)))
        (import "env" "g" (global i64)) (memory (export "memory") 1)
        (global (export "counter") (mut f64) (f64.const 1))
        (func (export "id") (param f64 i32) (result f64) (local.get 0)))"#;
    let bytes = translate(text);
    let exports = Exports::read(&vsp_core::program::Program::read(&bytes[..]).unwrap()).unwrap();
    assert_eq!(exports.translator, env!("CARGO_PKG_VERSION"));
    assert_eq!(exports.start, None);
    assert_eq!(exports.function("id"), Some((&[Type::F64, Type::I32][..], &[Type::F64][..])));
    let counter = ItemType::Global { number: 1, ty: Type::F64, mutable: true };
    let names: Vec<&str> = exports.exports.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["memory", "counter", "id"]);
    assert_eq!(exports.exports[1].1, counter);
    assert_eq!(exports.imports.len(), 2);
    assert_eq!(
        exports.imports[0].ty,
        ItemType::Function { params: vec![Type::ExternRef, Type::F32], results: vec![Type::I64] }
    );
}

#[test]
fn imported_globals_have_chosen_values() {
    let module = wat::parse_str(
        r#"(module (import "env" "base" (global $base i32)) (memory 1) (data (global.get $base) "x")
            (func (export "load") (param i32) (result i32) (i32.load8_u (local.get 0)))
            (func (export "base") (result i32) (global.get $base)))"#,
    )
    .unwrap();
    let bytes = vsp_wasm::translate(&module, &Options::default().global("env", "base", 77)).unwrap();
    let ends = common::run_bytes(&bytes, &[("base", &[]), ("load", &[77])]);
    assert_eq!(ends, [results(&[77]), results(&[u64::from(b'x')])]);
}

fn refusal(text: &str) -> (ErrorKind, String) {
    let error = vsp_wasm::translate(&wat::parse_str(text).unwrap(), &Options::default()).unwrap_err();
    (error.kind(), error.to_string())
}

#[test]
fn refusals_say_how_to_do_without() {
    let (kind, message) = refusal("(module (func (param v128)))");
    assert_eq!(kind, ErrorKind::Unsupported);
    assert!(
        message.contains("SIMD") && message.contains("-simd128") && message.contains("-mno-simd128"),
        "{message}"
    );
    let cases = [
        ("(module (memory 1 1 shared))", "-atomics"),
        ("(module (memory 1) (memory 1))", "-multimemory"),
        ("(module (memory i64 1))", "wasm32"),
        ("(module (tag))", "-fno-exceptions"),
        ("(module (type (struct)))", "garbage collection"),
    ];
    for (text, expected) in cases {
        let (kind, message) = refusal(text);
        assert_eq!(kind, ErrorKind::Unsupported, "{message}");
        assert!(message.contains(expected), "{message}");
    }
    let (kind, message) = refusal(r#"(module (memory 1) (data (i32.const 65535) "ab"))"#);
    assert_eq!(
        (kind, message.as_str()),
        (ErrorKind::Instantiation, "data segment 0 ends at 65537, but the memory has 65536 bytes")
    );
}

/// The empty component, as `wasm-tools` writes it.
#[test]
fn components_are_refused_as_such() {
    let error = vsp_wasm::translate(b"\0asm\x0d\0\x01\0", &Options::default()).unwrap_err();
    assert!(error.to_string().contains("a component, and not a module"), "{error}");
}

#[test]
fn errors_name_the_function() {
    let module = wat::parse_str("(module (func) (func $f (drop (v128.const i64x2 0 0))))").unwrap();
    let error = vsp_wasm::translate(&module, &Options::default()).unwrap_err();
    assert_eq!(error.function(), Some(1));
    assert!(error.offset().is_some());
    assert!(error.to_string().starts_with("function 1: SIMD is not supported"), "{error}");
}

#[test]
fn output_is_deterministic() {
    let text = r#"(module (memory 1) (table funcref (elem $f $f)) (func $f (param i32) (result i32)
        (loop $l (br_if $l (local.tee 0 (i32.shl (local.get 0) (i32.const 1))))) (i32.const -8)))"#;
    assert_eq!(translate(text), translate(text));
}

#[test]
fn traps_of_webassembly_are_reported_by_name() {
    let text = r#"(module
        (func (export "stop") unreachable)
        (func (export "truncate") (param f32) (result i32) (i32.trunc_f32_s (local.get 0)))
        (func (export "divide") (param i32) (result i32) (i32.div_u (i32.const 1) (local.get 0))))"#;
    let bytes = translate(text);
    let program = Verified::new(Program::read(&bytes[..]).unwrap()).unwrap();
    let imports = Imports::new();
    let mut instance = Instance::new(&program, &imports, (), vsp_core::Options::default()).unwrap();
    let nan = u64::from(f32::NAN.to_bits());
    for (name, args, expected) in [
        ("stop", &[][..], "unreachable\n  at function stop, word "),
        ("truncate", &[nan], "invalid conversion to integer\n  at function truncate, word "),
        ("truncate", &[u64::from(1e10_f32.to_bits())], "integer overflow\n  at function truncate, word "),
        ("divide", &[0], "division by zero\n  at function divide, word "),
    ] {
        let Outcome::Trapped(trapped) = instance.call_export(name, args).unwrap() else { panic!("{name}") };
        let report = vsp_wasm::trap_report(&instance, &trapped).to_string();
        assert!(report.starts_with(expected), "{report}");
    }
}
