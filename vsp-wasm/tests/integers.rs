//! Programs of integers: control, memory, globals, calls. Expected values are computed in Rust or by hand from the
//! specification.

mod common;

use common::{End, check, run};

#[test]
fn fibonacci() {
    let text = r#"(module (func $fib (export "fib") (param i32) (result i32)
        (if (result i32) (i32.lt_s (local.get 0) (i32.const 2))
            (then (local.get 0))
            (else (i32.add (call $fib (i32.sub (local.get 0) (i32.const 1)))
                           (call $fib (i32.sub (local.get 0) (i32.const 2))))))))"#;
    check(text, &[("fib", &[0], &[0]), ("fib", &[1], &[1]), ("fib", &[10], &[55]), ("fib", &[20], &[6765])]);
}

#[test]
fn loops_memory_and_globals() {
    let text = r#"(module (memory 1) (global $count (mut i32) (i32.const 5))
        (data (i32.const 16) "\01\02\03\04\ff")
        (func (export "sum") (param $n i32) (result i64) (local $i i32) (local $sum i64)
            (block $done (loop $next
                (br_if $done (i32.ge_u (local.get $i) (local.get $n)))
                (local.set $sum (i64.add (local.get $sum)
                    (i64.load8_s offset=16 (local.get $i))))
                (local.set $i (i32.add (local.get $i) (i32.const 1)))
                (br $next)))
            (local.get $sum))
        (func (export "store") (param i32 i64) (result i32)
            (i64.store (local.get 0) (local.get 1)) (i32.load16_u offset=2 (local.get 0)))
        (func (export "count") (result i32)
            (global.set $count (i32.add (global.get $count) (i32.const -1))) (global.get $count)))"#;
    check(
        text,
        &[
            ("sum", &[0], &[0]),
            ("sum", &[5], &[9]),
            ("store", &[100, 0x1122_3344_5566_7788], &[0x5566]),
            ("count", &[], &[4]),
            ("count", &[], &[3]),
        ],
    );
    let ends = run(text, &[("store", &[65_529, 0]), ("store", &[0xFFFF_FFFF, 0]), ("store", &[65_528, 7])]);
    let trap = || End::Trap("MemoryOutOfBounds".into());
    assert_eq!(ends, [trap(), trap(), End::Results(vec![0])]);
}

#[test]
fn tables_of_branches() {
    let text = r#"(module (func (export "pick") (param i32) (result i32)
        (block $c (block $b (block $a (br_table $a $b $a $c (local.get 0)))
            (return (i32.const 10)))
            (return (i32.const 20)))
        (i32.const 30)))"#;
    check(
        text,
        &[
            ("pick", &[0], &[10]),
            ("pick", &[1], &[20]),
            ("pick", &[2], &[10]),
            ("pick", &[3], &[30]),
            ("pick", &[0xFFFF_FFFF], &[30]),
        ],
    );
}

#[test]
fn indirect_calls() {
    let text = r#"(module (type $f (func (param i32) (result i32))) (type $g (func (result i64)))
        (table 5 funcref) (elem (i32.const 1) $double $seven $double)
        (func $unused (export "unused") (param i32) (result i32) (i32.const 99))
        (func $double (type $f) (i32.mul (local.get 0) (i32.const 2)))
        (func $seven (type $g) (i64.const 7))
        (func (export "call") (param i32 i32) (result i32) (call_indirect (type $f) (local.get 1) (local.get 0))))"#;
    let ends = run(
        text,
        &[
            ("call", &[1, 21]),
            ("call", &[3, 4]),
            ("call", &[2, 0]),
            ("call", &[0, 0]),
            ("call", &[4, 0]),
            ("call", &[9, 0]),
        ],
    );
    let trap = || End::Trap("BadIndirectCall".into());
    assert_eq!(ends[..2], [End::Results(vec![42]), End::Results(vec![8])]);
    assert_eq!(ends[2..], [trap(), trap(), trap(), trap()]);
}

#[test]
fn swaps_in_loops() {
    let text = r#"(module (func (export "gcd") (param i64 i64) (result i64) (local $t i64)
        (loop $next (if (i64.ne (local.get 1) (i64.const 0)) (then
            (local.set $t (i64.rem_u (local.get 0) (local.get 1)))
            (local.set 0 (local.get 1))
            (local.set 1 (local.get $t))
            (br $next))))
        (local.get 0)))"#;
    check(text, &[("gcd", &[48, 36], &[12]), ("gcd", &[17, 5], &[1]), ("gcd", &[0, 9], &[9])]);
}

#[test]
fn signed_division_overflows() {
    let text = r#"(module
        (func (export "w") (param i32 i32) (result i32) (i32.div_s (local.get 0) (local.get 1)))
        (func (export "x") (param i64 i64) (result i64) (i64.div_s (local.get 0) (local.get 1)))
        (func (export "r") (param i32 i32) (result i32) (i32.rem_s (local.get 0) (local.get 1))))"#;
    let ends = run(
        text,
        &[
            ("w", &[0xFFFF_FFF9, 2]),
            ("w", &[0x8000_0000, 0xFFFF_FFFF]),
            ("w", &[1, 0]),
            ("x", &[1 << 63, u64::MAX]),
            ("x", &[(-7i64) as u64, 2]),
            ("r", &[0x8000_0000, 0xFFFF_FFFF]),
        ],
    );
    let expected = [
        End::Results(vec![0xFFFF_FFFD]),
        End::Trap("Explicit(1)".into()),
        End::Trap("DivideByZero".into()),
        End::Trap("Explicit(1)".into()),
        End::Results(vec![(-3i64) as u64]),
        End::Results(vec![0]),
    ];
    assert_eq!(ends, expected);
}
