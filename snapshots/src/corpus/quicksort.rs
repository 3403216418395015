//! Quicksort of integers, compared with a map that counts.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::{Example, Expected, Invocation, inputs};

/// The smallest number of numbers that does not fit in the memory.
const TOO_MANY: usize = 25_000;

pub(super) fn reference(invocation: &Invocation) -> Expected {
    let mut counts = BTreeMap::<i64, usize>::new();
    for (count, (line, token)) in inputs::tokens(&invocation.input).into_iter().enumerate() {
        let Some(number) = inputs::integer(token) else {
            let message = "expected an integer from -2^63 to 2^63 - 1";
            return Expected::refusal(1, format!("quicksort: line {line}: {message}\n"));
        };
        if count == TOO_MANY - 1 {
            let message = "quicksort: not enough memory: it takes 8 bytes for every number\n";
            return Expected::refusal(1, message);
        }
        *counts.entry(number).or_default() += 1;
    }
    let lines = counts.into_iter().map(|(number, count)| format!("{number}\n").repeat(count));
    Expected::output(lines.collect::<String>())
}

pub(super) fn invocations() -> Vec<Invocation> {
    let ascending = || (0..2000).map(|n| n - 1000);
    let lists: [Vec<i64>; 8] = [
        ascending().collect(),
        ascending().rev().collect(),
        ascending().chain(ascending().rev()).collect(),
        vec![7; 2000],
        inputs::noise(12_000)
            .chunks(8)
            .map(|bytes| bytes.iter().fold(0, |n, b| n << 8 | i64::from(*b)))
            .collect(),
        inputs::noise(3000).iter().map(|byte| i64::from(*byte % 3)).collect(),
        (0..14).rev().collect(),
        vec![i64::MAX, i64::MIN, 0, -1, i64::MAX, i64::MIN],
    ];
    let mut invocations: Vec<Invocation> = lists
        .iter()
        .map(|list| list.iter().map(|number| format!("{number}\n")).collect::<String>())
        .map(Invocation::input)
        .collect();
    let texts =
        ["", "\n", "1", " 1 \t2\r\n\r\n3", "-0 0 -00 007", "1\n2\n3 x", "1\n--1", "1-1", "-", "+1", "1,2"];
    invocations.extend(texts.map(Invocation::input));
    let edges =
        ["9223372036854775807", "9223372036854775808", "-9223372036854775808", "-9223372036854775809"];
    invocations.extend(edges.map(Invocation::input));
    let long = ["0".repeat(70_000) + "1", "9".repeat(100)];
    invocations.extend(long.map(Invocation::input));
    invocations.push(Invocation::input("1 ".repeat(TOO_MANY)));
    invocations.push(Invocation::input(inputs::all_bytes()));
    invocations
}

pub(super) fn published() -> Vec<Example> {
    vec![Example::new("3 -1 2 10\n", "-1\n2\n3\n10\n")]
}

pub(super) fn random() -> BoxedStrategy<Invocation> {
    let number = prop_oneof![any::<i64>(), -20..20i64];
    let numbers = proptest::collection::vec((number, "[ \t\r\n]{1,2}"), 0..200);
    let text = numbers.prop_map(|list| {
        list.into_iter().map(|(number, blanks)| format!("{number}{blanks}")).collect::<String>().into_bytes()
    });
    prop_oneof![3 => text, 1 => inputs::random_text(b"0123456789- \n", 100)]
        .prop_map(Invocation::input)
        .boxed()
}
