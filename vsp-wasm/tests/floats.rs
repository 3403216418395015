//! Floats: expected values are those of the specification, or computed in Rust, whose floats are the same.

mod common;

use common::{End, check, run};

const fn bits32(x: f32) -> u64 {
    x.to_bits() as u64
}

const fn bits64(x: f64) -> u64 {
    x.to_bits()
}

#[test]
fn binary32_arithmetic_rounds_once() {
    let text = r#"(module
        (func (export "add") (param f32 f32) (result f32) (f32.add (local.get 0) (local.get 1)))
        (func (export "third") (param f32) (result f32) (f32.div (local.get 0) (f32.const 3)))
        (func (export "sqrt") (param f32) (result f32) (f32.sqrt (local.get 0)))
        (func (export "neg") (param f32) (result f32) (f32.neg (local.get 0)))
        (func (export "copysign") (param f32 f32) (result f32) (f32.copysign (local.get 0) (local.get 1)))
        (func (export "from_i64") (param i64) (result f32) (f32.convert_i64_s (local.get 0)))
        (func (export "from_u64") (param i64) (result f32) (f32.convert_i64_u (local.get 0)))
        (func (export "demote") (param f64) (result f32) (f32.demote_f64 (local.get 0)))
        (func (export "promote") (param f32) (result f64) (f64.promote_f32 (local.get 0))))"#;
    // Twice rounded, this is another number.
    let twice = 0x0100_0000_8000_0001_i64;
    check(
        text,
        &[
            ("add", &[bits32(0.1), bits32(0.2)], &[bits32(0.1 + 0.2)]),
            ("add", &[bits32(3.0e38), bits32(3.0e38)], &[bits32(f32::INFINITY)]),
            ("third", &[bits32(1.0)], &[bits32(1.0 / 3.0)]),
            ("third", &[bits32(f32::NAN)], &[0x7FC0_0000]),
            ("sqrt", &[bits32(2.0)], &[bits32(2.0f32.sqrt())]),
            // The bits of a NaN are kept.
            ("neg", &[0x7FA0_1234], &[0xFFA0_1234]),
            ("copysign", &[0x7FA0_1234, 0x8000_0000], &[0xFFA0_1234]),
            ("from_i64", &[twice as u64], &[bits32(twice as f32)]),
            ("from_u64", &[u64::MAX], &[bits32(u64::MAX as f32)]),
            ("demote", &[bits64(1e-40)], &[bits32(1e-40)]),
            ("promote", &[bits32(0.1)], &[bits64(f64::from(0.1f32))]),
        ],
    );
}

#[test]
fn bits_of_nans_pass_through_memory_and_loops() {
    let text = r#"(module (memory 1) (global $g (mut f32) (f32.const nan:0x200001))
        (func (export "move") (param f32) (result f32)
            (f32.store (i32.const 4) (local.get 0)) (f32.load (i32.const 4)))
        (func (export "global") (result f32) (global.get $g))
        (func (export "sum") (param $n i32) (result f32) (local $sum f32)
            (loop $next
                (local.set $sum (f32.add (local.get $sum) (f32.load (i32.const 100))))
                (br_if $next (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
            (local.get $sum))
        (data (i32.const 100) "\cd\cc\cc\3d"))"#;
    let sum = (0..10).fold(0.0f32, |sum, _| sum + 0.1);
    check(
        text,
        &[
            ("move", &[0x7FA0_1234], &[0x7FA0_1234]),
            ("global", &[], &[0x7FA0_0001]),
            ("sum", &[10], &[bits32(sum)]),
        ],
    );
}

#[test]
fn truncation_traps_or_saturates() {
    let text = r#"(module
        (func (export "i32") (param f64) (result i32) (i32.trunc_f64_s (local.get 0)))
        (func (export "u32") (param f32) (result i32) (i32.trunc_f32_u (local.get 0)))
        (func (export "i64") (param f64) (result i64) (i64.trunc_f64_s (local.get 0)))
        (func (export "u64") (param f64) (result i64) (i64.trunc_f64_u (local.get 0)))
        (func (export "sat") (param f64) (result i32) (i32.trunc_sat_f64_s (local.get 0)))
        (func (export "satu") (param f64) (result i32) (i32.trunc_sat_f64_u (local.get 0))))"#;
    let results = |bits: u64| End::Results(vec![bits]);
    let overflow = || End::Trap("Explicit(1)".into());
    let invalid = || End::Trap("Explicit(2)".into());
    let cases: [(&str, u64, End); 22] = [
        ("i32", bits64(-2_147_483_648.9), results(0x8000_0000)),
        ("i32", bits64(2_147_483_647.9), results(0x7FFF_FFFF)),
        ("i32", bits64(2_147_483_648.0), overflow()),
        ("i32", bits64(-2_147_483_649.0), overflow()),
        ("i32", bits64(f64::NAN), invalid()),
        ("u32", bits32(-0.9), results(0)),
        ("u32", bits32(-1.0), overflow()),
        ("u32", bits32(4_294_967_296.0), overflow()),
        ("u32", bits32(4_294_967_040.0), results(4_294_967_040)),
        ("i64", bits64(-9_223_372_036_854_775_808.0), results(1 << 63)),
        ("i64", bits64(-9_223_372_036_854_777_856.0), overflow()),
        ("i64", bits64(9_223_372_036_854_775_808.0), overflow()),
        ("i64", bits64(f64::INFINITY), overflow()),
        ("u64", bits64(18_446_744_073_709_549_568.0), results(18_446_744_073_709_549_568)),
        ("u64", bits64(18_446_744_073_709_551_616.0), overflow()),
        ("u64", bits64(-1.0), overflow()),
        ("u64", bits64(-0.5), results(0)),
        ("sat", bits64(1e30), results(0x7FFF_FFFF)),
        ("sat", bits64(-1e30), results(0x8000_0000)),
        ("sat", bits64(f64::NAN), results(0)),
        ("satu", bits64(-5.0), results(0)),
        ("satu", bits64(1e30), results(0xFFFF_FFFF)),
    ];
    for (name, argument, expected) in cases {
        assert_eq!(run(text, &[(name, &[argument])]), [expected], "{name} {argument:x}");
    }
}

#[test]
fn binary32_numbers_meet() {
    // A sum and a maximum in a loop; and a number that is loaded or computed, whose bits are returned and used.
    let text = r#"(module (memory 1) (data (i32.const 0) "\00\00\80\3f\cd\cc\cc\3d\00\00\20\c0\34\12\a0\7f")
        (func (export "dot") (param $n i32) (result f32 f32) (local $i i32) (local $s f32) (local $m f32)
            (local.set $m (f32.const -inf))
            (loop $next
                (local.set $s (f32.add (local.get $s)
                    (f32.mul (f32.load (local.get $i)) (f32.load (local.get $i)))))
                (local.set $m (select (f32.load (local.get $i)) (local.get $m)
                    (f32.gt (f32.load (local.get $i)) (local.get $m))))
                (local.set $i (i32.add (local.get $i) (i32.const 4)))
                (br_if $next (i32.lt_u (local.get $i) (local.get $n))))
            (local.get $s) (local.get $m))
        (func (export "either") (param i32 f32) (result f32 f32) (local $x f32)
            (if (local.get 0)
                (then (local.set $x (f32.load (i32.const 12))))
                (else (local.set $x (f32.mul (local.get 1) (f32.const 3)))))
            (local.get $x) (f32.add (local.get $x) (f32.const 1)))
        (func (export "power") (param i32 f32) (result f32) (local $x f32)
            (local.set $x (f32.const 1))
            (loop $next
                (local.set $x (f32.mul (local.get $x) (local.get 1)))
                (f32.store (i32.const 100) (local.get $x))
                (br_if $next (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
            (f32.add (local.get $x) (f32.load (i32.const 100)))))"#;
    let numbers = [1.0f32, 0.1, -2.5];
    let sum = numbers.iter().fold(0.0f32, |sum, x| sum + x * x);
    let power = 1.1f32 * 1.1 * 1.1;
    check(
        text,
        &[
            ("dot", &[12], &[bits32(sum), bits32(1.0)]),
            ("either", &[1, 0], &[0x7FA0_1234, 0x7FC0_0000]),
            ("either", &[0, bits32(0.1)], &[bits32(0.1 * 3.0), bits32(0.1 * 3.0 + 1.0)]),
            ("power", &[3, bits32(1.1)], &[bits32(power + power)]),
        ],
    );
}
