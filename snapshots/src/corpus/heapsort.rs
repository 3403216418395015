//! Heapsort of floating numbers, compared with the parser and the sort of the standard library.

use std::sync::LazyLock;

use proptest::prelude::*;
use regex::Regex;

use super::{Example, Expected, Invocation, inputs};

/// The smallest number of numbers that does not fit in the memory.
const TOO_MANY: usize = 25_000;

pub(super) fn reference(invocation: &Invocation) -> Expected {
    let mut numbers = Vec::new();
    for (line, token) in inputs::tokens(&invocation.input) {
        let Some(number) = number(token) else {
            let message = "expected a number like -12.5e3, an integer up to 2^53 times 10^-22 to 10^22";
            return Expected::refusal(1, format!("heapsort: line {line}: {message}\n"));
        };
        if numbers.len() == TOO_MANY - 1 {
            return Expected::refusal(1, "heapsort: not enough memory: it takes 8 bytes for every number\n");
        }
        numbers.push(number);
    }
    numbers.sort_by(f64::total_cmp);
    Expected::output(numbers.into_iter().map(|number| format!("{number:?}\n")).collect::<String>())
}

static GRAMMAR: LazyLock<Regex> = LazyLock::new(|| {
    let grammar = Regex::new(r"^-?([0-9]+)(?:\.([0-9]+))?(?:[eE]([+-]?[0-9]+))?$");
    grammar.expect("a regular expression")
});

/// Parses a number, if the program's arithmetic on it has to be exact.
fn number(token: &[u8]) -> Option<f64> {
    let text = std::str::from_utf8(token).ok()?;
    let parts = GRAMMAR.captures(text)?;
    let part = |index| parts.get(index).map_or("", |part| part.as_str());
    let digits = [part(1), part(2)].concat();
    let digits = digits.trim_start_matches('0');
    let is_small = digits.len() <= 16 && digits.parse().unwrap_or(0) <= 1u64 << 53;
    let exponent = part(3).parse::<f64>().unwrap_or(0.0) - part(2).len() as f64;
    let is_near = digits.is_empty() || exponent.abs() <= 22.0;
    if is_small && is_near { text.parse().ok() } else { None }
}

pub(super) fn invocations() -> Vec<Invocation> {
    let ascending = || (0..1500).map(|n| f64::from(n - 700) / 8.0);
    let lists: [Vec<f64>; 6] = [
        ascending().collect(),
        ascending().rev().collect(),
        vec![0.5; 1000],
        inputs::noise(3000)
            .chunks(3)
            .map(|b| f64::from(b[0]) - f64::from(b[1]) / f64::from(1 << (b[2] % 9)))
            .collect(),
        vec![2.0, 1.0],
        vec![0.0, -0.0, 0.0, -0.0, -1.0, 1.0],
    ];
    let mut invocations: Vec<Invocation> = lists
        .iter()
        .map(|list| list.iter().map(|number| format!("{number} ")).collect::<String>())
        .map(Invocation::input)
        .collect();
    let texts = [
        "",
        "\n",
        "1\r\n",
        "1e0 1E1 1e+2 1e-2 0.1 0.3 123.456",
        "1\n\n x",
        "1e",
        "1e+",
        "1.",
        ".5",
        "-",
        "- 1",
        "+1",
        "1..2",
        "1e1e1",
        "inf",
        "nan",
        "0x10",
    ];
    invocations.extend(texts.map(Invocation::input));
    let edges = [
        "9007199254740992",
        "9007199254740993",
        "9007199254740992e22",
        "9007199254740992e-22",
        "1e23",
        "1e-23",
        "90071992547409.92e24",
        "90071992547409.92e25",
        "0e99999999999999999999",
        "-0.00e-99999999999999999999",
        "1e18446744073709551617",
        "0000000000000000000000000000000001.5",
        "1.5000000000000000000000",
    ];
    invocations.extend(edges.map(Invocation::input));
    invocations.push(Invocation::input("1 ".repeat(TOO_MANY)));
    invocations.push(Invocation::input(inputs::all_bytes()));
    invocations
}

pub(super) fn published() -> Vec<Example> {
    vec![Example::new(
        "10 9.5 -1e3 0 -0 1e22 6.02e23\n",
        "-1000.0\n-0.0\n0.0\n9.5\n10.0\n6.02e23\n".replace("6.02", "1e22\n6.02"),
    )]
}

pub(super) fn random() -> BoxedStrategy<Invocation> {
    let number = prop_oneof![
        (-(1i64 << 53)..1 << 53, -22..23).prop_map(|(digits, exponent)| format!("{digits}e{exponent}")),
        (-999..999i32, 0..999u32).prop_map(|(whole, fraction)| format!("{whole}.{fraction:03}")),
    ];
    let numbers = proptest::collection::vec((number, "[ \t\r\n]{1,2}"), 0..150);
    let text = numbers.prop_map(|list| {
        list.into_iter().map(|(number, blanks)| number + &blanks).collect::<String>().into_bytes()
    });
    prop_oneof![3 => text, 1 => inputs::random_text(b"0159.e- \n", 60)].prop_map(Invocation::input).boxed()
}
