//! Word count, compared with splitting.

use proptest::prelude::*;

pub(super) use super::inputs::any_bytes as invocations;
use super::{Example, Expected, INPUT_NAME, Invocation, inputs};

pub(super) fn reference(invocation: &Invocation) -> Expected {
    let input = &invocation.input;
    let lines = input.split(|byte| *byte == b'\n').count() - 1;
    let separates = |byte: &u8| b" \t\n\x0B\x0C\r".contains(byte);
    let words = input.split(separates).filter(|word| !word.is_empty()).count();
    Expected::output(format!("{lines} {words} {} {INPUT_NAME}\n", input.len()))
}

pub(super) fn published() -> Vec<Example> {
    let example = |input: &str, counts: &str| Example::new(input, format!("{counts} {INPUT_NAME}\n"));
    vec![
        example("", "0 0 0"),
        example("one", "0 1 3"),
        example("\n\n", "2 0 2"),
        example(" two  words\n", "1 2 12"),
        example("tab\tform\x0Cvertical\x0Breturn\r\n", "1 4 26"),
        // A word across the end of the buffer.
        example(&"x".repeat(70_000), "0 1 70000"),
    ]
}

pub(super) fn random() -> BoxedStrategy<Invocation> {
    inputs::random_text(b"ab \n\t\r", 300).prop_map(Invocation::input).boxed()
}
