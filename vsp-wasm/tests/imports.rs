//! Calls of host functions: what the host gets, also with more than 8 parameters, through tables and as exports.

mod common;

use common::translate;
use vsp_core::program::Program;
use vsp_core::verify::Verified;
use vsp_core::{Caller, Imports, Instance, Options, Outcome};

/// The calls that the host has seen.
type Seen = Vec<Vec<u64>>;

fn call(text: &str, name: &str, args: &[u64]) -> (Vec<u64>, Seen) {
    let bytes = translate(text);
    let program = Verified::new(Program::read(&bytes[..]).unwrap()).unwrap();
    let mut imports = Imports::<Seen>::new();
    imports
        .define("env", "add", |caller: &mut Caller<'_, Seen>, a: u64, b: u64| -> u64 {
            caller.state().push(vec![a, b]);
            a + b
        })
        .unwrap();
    imports
        .define(
            "env",
            "nine",
            |caller: &mut Caller<'_, Seen>,
             a: u64,
             b: u64,
             c: u64,
             d: u64,
             e: u64,
             f: u64,
             g: u64,
             h: u64| {
                caller.state().push(vec![a, b, c, d, e, f, g, h]);
            },
        )
        .unwrap();
    let mut instance = Instance::new(&program, &imports, Seen::new(), Options::default()).unwrap();
    let Outcome::Returned(results) = instance.call_export(name, args).unwrap() else { panic!("{name}") };
    let results = results.to_vec();
    (results, instance.state().clone())
}

const TEXT: &str = r#"(module
    (type $binary (func (param i32 i64) (result i64)))
    (import "env" "add" (func $add (type $binary)))
    (import "env" "nine" (func $nine (param i64 i32 i32 i32 i32 i32 i32 i32 i32)))
    (table funcref (elem $add $other $add))
    (func $other (type $binary) (i64.const 5))
    (export "host" (func $add))
    (func (export "direct") (param i32) (result i64)
        (call $add (i32.sub (local.get 0) (i32.const 1)) (i64.const 10)))
    (func (export "indirect") (param i32) (result i64)
        (call_indirect (type $binary) (i32.const 7) (i64.const 8) (local.get 0)))
    (func (export "many")
        (call $nine (i64.const -1) (i32.const -2) (i32.const 3) (i32.const 4) (i32.const 5) (i32.const 6)
            (i32.const 7) (i32.const 8) (i32.const -9))))"#;

#[test]
fn arguments_arrive() {
    assert_eq!(call(TEXT, "direct", &[0]), (vec![0xFFFF_FFFF + 10], vec![vec![0xFFFF_FFFF, 10]]));
    assert_eq!(call(TEXT, "host", &[1, 2]), (vec![3], vec![vec![1, 2]]));
    assert_eq!(call(TEXT, "indirect", &[0]), (vec![15], vec![vec![7, 8]]));
    assert_eq!(call(TEXT, "indirect", &[1]), (vec![5], vec![]));
    assert_eq!(call(TEXT, "indirect", &[2]), (vec![15], vec![vec![7, 8]]));
}

/// The first two neighbours of type i32 share a register.
#[test]
fn nine_parameters_fit_eight_registers() {
    let minus = |number: u64| u64::from((number as u32).wrapping_neg());
    let expected = vec![u64::MAX, minus(2) | 3 << 32, 4, 5, 6, 7, 8, minus(9)];
    assert_eq!(call(TEXT, "many", &[]), (vec![], vec![expected]));
}

/// An i32 of the host can come with any upper half.
#[test]
fn values_of_the_host_are_zero_extended() {
    let text = r#"(module
        (import "env" "minus" (func $minus (result i32)))
        (import "env" "half" (func $half (result f32)))
        (export "again" (func $minus))
        (func $equal (export "equal") (param i32) (result i64)
            (i64.extend_i32_u (i32.eq (local.get 0) (i32.const -1))))
        (func (export "above") (param i32) (result i32) (i32.gt_u (i32.const -1) (local.get 0)))
        (func (export "wide") (param i32) (result i64) (i64.extend_i32_u (local.get 0)))
        (func (export "loops") (param i32) (result i64) (local i64)
            (loop
                (local.set 1 (i64.add (local.get 1) (i64.extend_i32_u (local.get 0))))
                (local.tee 0 (i32.add (local.get 0) (i32.const 1)))
                br_if 0)
            local.get 1)
        (func (export "sum") (result i64) (i64.extend_i32_u (call $minus)))
        (func (export "passed") (result i64) (call $equal (call $minus)))
        (func (export "bits") (result i64) (i64.extend_i32_u (i32.reinterpret_f32 (call $half)))))"#;
    let bytes = translate(text);
    let program = Verified::new(Program::read(&bytes[..]).unwrap()).unwrap();
    let mut imports = Imports::<()>::new();
    imports.define("env", "minus", |_: &mut Caller<'_, ()>| -1_i32).unwrap();
    imports.define("env", "half", |_: &mut Caller<'_, ()>| 0xABCD_0000_3F00_0000_u64).unwrap();
    let mut instance = Instance::new(&program, &imports, (), Options::default()).unwrap();
    let minus_one = u64::MAX;
    for (name, args, expected) in [
        ("equal", &[minus_one][..], 1),
        ("above", &[minus_one], 0),
        ("wide", &[minus_one], 0xFFFF_FFFF),
        ("wide", &[0x1234_5678_0000_0001], 1),
        ("loops", &[minus_one], 0xFFFF_FFFF),
        ("sum", &[], 0xFFFF_FFFF),
        ("passed", &[], 1),
        ("bits", &[], 0x3F00_0000),
    ] {
        let Outcome::Returned(results) = instance.call_export(name, args).unwrap() else { panic!("{name}") };
        assert_eq!(results[0], expected, "{name}");
    }
}
