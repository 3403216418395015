//! A matcher of one regular expression, compared with the crate `regex`.

use ::regex::bytes::Regex;
use proptest::prelude::*;

use super::{Example, Expected, Invocation, inputs};

/// Length of the shortest input that does not fit in the memory.
const TOO_LONG: usize = 130_800;

pub(super) fn reference(invocation: &Invocation) -> Expected {
    let input = &invocation.input;
    if input.len() >= TOO_LONG {
        return Expected::refusal(2, "regex: not enough memory for the input\n");
    }
    let mut output = Vec::new();
    let (mut line, mut seen) = (1, 0);
    for found in expression().find_iter(input) {
        line += input[seen..found.start()].iter().filter(|byte| **byte == b'\n').count();
        seen = found.start();
        output.extend(format!("{line}:").bytes().chain(found.as_bytes().iter().copied()).chain([b'\n']));
    }
    let exit_code = u8::from(output.is_empty());
    Expected::output(output).with_exit_code(exit_code)
}

fn expression() -> Regex {
    let expression = Regex::new(r"(?-u)[0-9]+\.[0-9]+([eE][+-]?[0-9]+)?");
    expression.expect("a regular expression")
}

pub(super) fn invocations() -> Vec<Invocation> {
    let texts = [
        "",
        "\n",
        "1.5",
        "1.5e",
        "1.5e+",
        "1.5e+y",
        "1.5E-3",
        "1.5e3.5",
        "1.2.3",
        "1..2",
        ".5",
        "5.",
        "12345",
        "1.5e+-3",
        "x1.5e\n2.5e\r\n\n3.5e1e1",
        "1.5e+1.5e+1.5",
        "0.1+0.2-0.3",
    ];
    let mut invocations: Vec<Invocation> = texts.map(Invocation::input).into();
    invocations.extend(inputs::files().into_iter().map(Invocation::input));
    invocations.push(Invocation::input(inputs::all_bytes()));
    invocations.push(Invocation::input(inputs::noise(50_000)));
    invocations.push(Invocation::input("7".repeat(50_000) + ".5"));
    invocations.push(Invocation::input("7".repeat(50_000)));
    invocations.push(Invocation::input("\n".repeat(140_000)));
    invocations
}

pub(super) fn published() -> Vec<Example> {
    vec![Example::new("a 1.5e3x\n-2.0 3. .4 5.6E\n", "1:1.5e3\n2:2.0\n2:5.6\n")]
}

pub(super) fn random() -> BoxedStrategy<Invocation> {
    inputs::random_text(b"0159...eeE+-\n", 200).prop_map(Invocation::input).boxed()
}
