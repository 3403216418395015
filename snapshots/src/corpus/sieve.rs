//! The sieve of Eratosthenes, compared with trial division.

use proptest::prelude::*;

use super::{Example, Expected, Invocation};

pub(super) fn reference(invocation: &Invocation) -> Expected {
    let n = invocation.args.first().map_or(Ok(1_000_000), |arg| arg.parse::<i64>());
    let is_prime = |n: &i64| (2..).take_while(|d| d * d <= *n).all(|d| n % d != 0);
    match n {
        Ok(n) if n < 2_000_000 => Expected::output(format!("{}\n", (2..=n).filter(is_prime).count())),
        _ => Expected::refusal(1, "sieve: not enough memory: it takes one byte for every two numbers\n"),
    }
}

pub(super) fn invocations() -> Vec<Invocation> {
    ["-5", "0", "1", "2", "3", "4", "100", "101", "7919", "7920", "20000", "99999999999"]
        .map(Invocation::args)
        .into()
}

/// Values from OEIS A006880.
pub(super) fn published() -> Vec<Example> {
    vec![Example::with_args("10000", "1229\n"), Example::with_args("1000000", "78498\n")]
}

pub(super) fn random() -> BoxedStrategy<Invocation> {
    (0..3000u64).prop_map(|n| Invocation::args(&n.to_string())).boxed()
}
