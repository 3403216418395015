//! Fibonacci numbers, compared with iterative addition.

use proptest::prelude::*;

use super::{Example, Expected, Invocation};

pub(super) fn reference(invocation: &Invocation) -> Expected {
    let n = invocation.args.first().map_or(Ok(30), |arg| arg.parse::<usize>());
    match n {
        Ok(n @ 0..94) => {
            let numbers = std::iter::successors(Some((0u64, 1u64)), |(a, b)| Some((*b, a.wrapping_add(*b))));
            let number = numbers.map(|(a, _)| a).nth(n).unwrap_or_default();
            Expected::output(format!("{number}\n"))
        }
        _ => Expected::refusal(2, "fib: the argument must be a number from 0 to 93\n"),
    }
}

pub(super) fn invocations() -> Vec<Invocation> {
    ["0", "1", "2", "19", "94", "-1", "9223372036854775807"].map(Invocation::args).into()
}

/// Values from OEIS A000045.
pub(super) fn published() -> Vec<Example> {
    vec![Example::with_args("10", "55\n"), Example::with_args("20", "6765\n")]
}

pub(super) fn random() -> BoxedStrategy<Invocation> {
    (0..16u64).prop_map(|n| Invocation::args(&n.to_string())).boxed()
}
