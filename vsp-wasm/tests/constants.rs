//! Every integer operator with a constant on either side: constants become immediates, and comparisons become part of
//! branches. Expected values are computed in Rust.

mod common;

use std::fmt::Write;

use common::{End, run};

/// The operators that compute a number.
const COMPUTING: [&str; 15] = [
    "add", "sub", "mul", "div_s", "div_u", "rem_s", "rem_u", "and", "or", "xor", "shl", "shr_s", "shr_u",
    "rotl", "rotr",
];

/// The operators that compare.
const COMPARING: [&str; 10] = ["eq", "ne", "lt_s", "lt_u", "gt_s", "gt_u", "le_s", "le_u", "ge_s", "ge_u"];

/// What uses the result of a comparison `C`; the last three invert it.
const USES: [&str; 6] = [
    "C",
    "(block (br_if 0 C) (return (i32.const 0))) (i32.const 1)",
    "(select (i32.const 1) (i32.const 0) C)",
    "(i32.eqz C)",
    "(block (br_if 0 (i32.eqz C)) (return (i32.const 0))) (i32.const 1)",
    "(if C (then (return (i32.const 0)))) (i32.const 1)",
];

/// Numbers at the edges of the ranges of immediates, shift counts and types, as values of 32 or 64 bits.
fn edges(bits: u32) -> Vec<u64> {
    let mut numbers = vec![0, 3, 100];
    for power in [0, 1, 5, 6, 7, 8, 15, 16, 31, 32, 63] {
        let power = 1u64 << power;
        numbers.extend([power - 1, power, power + 1]);
    }
    numbers.extend(numbers.clone().into_iter().map(u64::wrapping_neg));
    numbers.iter_mut().for_each(|number| *number &= u64::MAX >> (64 - bits));
    numbers.sort();
    numbers.dedup();
    numbers
}

/// Returns the result of an operator, or `None` if it traps.
fn result(op: &str, bits: u32, a: u64, b: u64) -> Option<u64> {
    let signed = |value: u64| i128::from(((value << (64 - bits)) as i64) >> (64 - bits));
    let (sa, sb, ua, ub) = (signed(a), signed(b), i128::from(a), i128::from(b));
    let count = b as u32 % bits;
    let rotate = |count: u32| (ua << count) | (ua >> (bits - count));
    let divides = |a: i128, b: i128| b != 0 && (op.starts_with("rem") || a / b < 1i128 << (bits - 1));
    let number = match op {
        "add" => ua + ub,
        "sub" => ua - ub,
        "mul" => u128::from(a).wrapping_mul(u128::from(b)) as i128,
        "div_s" => divides(sa, sb).then(|| sa / sb)?,
        "rem_s" => divides(sa, sb).then(|| sa % sb)?,
        "div_u" => ua.checked_div(ub)?,
        "rem_u" => ua.checked_rem(ub)?,
        "and" => ua & ub,
        "or" => ua | ub,
        "xor" => ua ^ ub,
        "shl" => ua << count,
        "shr_s" => sa >> count,
        "shr_u" => ua >> count,
        "rotl" => rotate(count),
        "rotr" => rotate((bits - count) % bits),
        "eq" => (a == b).into(),
        "ne" => (a != b).into(),
        "lt_s" => (sa < sb).into(),
        "gt_s" => (sa > sb).into(),
        "le_s" => (sa <= sb).into(),
        "ge_s" => (sa >= sb).into(),
        "lt_u" => (ua < ub).into(),
        "gt_u" => (ua > ub).into(),
        "le_u" => (ua <= ub).into(),
        "ge_u" => (ua >= ub).into(),
        _ => unreachable!("no such operator"),
    };
    Some(number as u64 & (u64::MAX >> (64 - bits)))
}

/// Checks an operator with each constant on both sides, and each other operand. `inverts` tells that the text computes
/// 1 for 0, and 0 for everything else.
fn check(op: &str, bits: u32, result_type: &str, text: &str, inverts: bool) {
    let numbers = edges(bits);
    let mut module = String::from("(module");
    let mut names = Vec::new();
    for (index, constant) in numbers.iter().enumerate() {
        let constant = format!("(i{bits}.const {constant})");
        for (side, operands) in
            [format!("(local.get 0) {constant}"), format!("{constant} (local.get 0)")].iter().enumerate()
        {
            let name = format!("{index}-{side}");
            let body = text.replace('C', &format!("(i{bits}.{op} {operands})"));
            write!(module, "(func (export \"{name}\") (param i{bits}) (result {result_type}) {body})")
                .unwrap();
            names.push(name);
        }
    }
    module += ")";
    let args: Vec<[u64; 1]> = numbers.iter().map(|number| [*number]).collect();
    let calls: Vec<(&str, &[u64])> =
        names.iter().flat_map(|name| args.iter().map(|args| (&name[..], &args[..]))).collect();
    let mut ends = run(&module, &calls).into_iter();
    for constant in &numbers {
        for constant_is_first in [false, true] {
            for number in &numbers {
                let (a, b) = if constant_is_first { (*constant, *number) } else { (*number, *constant) };
                let expected =
                    result(op, bits, a, b).map(|value| if inverts { (value == 0).into() } else { value });
                let found = match ends.next() {
                    Some(End::Results(results)) => Some(results[0]),
                    _ => None,
                };
                assert_eq!(
                    found, expected,
                    "i{bits}.{op} {a:#X} {b:#X}, constant first: {constant_is_first}, in {text}"
                );
            }
        }
    }
}

#[test]
fn computing_operators_take_constants() {
    for op in COMPUTING {
        check(op, 32, "i32", "C", false);
        check(op, 64, "i64", "C", false);
    }
}

#[test]
fn comparisons_take_constants_wherever_they_are_used() {
    for op in COMPARING {
        for (index, text) in USES.iter().enumerate() {
            check(op, 32, "i32", text, index >= 3);
            check(op, 64, "i32", text, index >= 3);
        }
    }
}
