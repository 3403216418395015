//! Text search, compared with a comparison at every offset.

use proptest::prelude::*;

use super::{Example, Expected, Invocation, inputs};

pub(super) fn reference(invocation: &Invocation) -> Expected {
    let needle = match &invocation.args[..] {
        [needle] if (1..=4096).contains(&needle.len()) => needle.as_bytes(),
        _ => {
            return Expected::refusal(
                2,
                "search: the argument must be the text to search, 1 to 4096 bytes\n",
            );
        }
    };
    let windows = invocation.input.windows(needle.len()).enumerate();
    let matches = windows.filter(|(_, window)| *window == needle).map(|(offset, _)| format!("{offset}\n"));
    let output: String = matches.collect();
    let exit_code = u8::from(output.is_empty());
    Expected::output(output).with_exit_code(exit_code)
}

fn search(needle: impl Into<String>, input: impl Into<Vec<u8>>) -> Invocation {
    Invocation { args: vec![needle.into()], ..Invocation::input(input) }
}

pub(super) fn invocations() -> Vec<Invocation> {
    let mut invocations = vec![
        Invocation::input("no argument"),
        Invocation::input("two").with_args("t wo"),
        search("", "empty"),
        search("x".repeat(4096), "x".repeat(4100)),
        search("x".repeat(4097), "x".repeat(4100)),
        search("ab", ""),
        search("ab", "a"),
        search("ab", "ab"),
        search("aaa", "a".repeat(50)),
        search("ä", "Bäh, ähnlich"),
        search("needle", inputs::all_bytes()),
        // Around the end of the buffer.
        search("xyxy", "-".repeat(65_530) + "xyxyxyxyxyxyxyx"),
        search("x".repeat(4096), "y".repeat(65_000) + &"x".repeat(4200)),
    ];
    for input in inputs::files() {
        for needle in ["the", "MOVI    R0, ", "no such text"] {
            invocations.push(search(needle, input.clone()));
        }
    }
    invocations
}

pub(super) fn published() -> Vec<Example> {
    let invocation = search("ana", "bananas and an ananas");
    vec![Example { invocation, expected: Expected::output("1\n3\n15\n17\n") }]
}

pub(super) fn random() -> BoxedStrategy<Invocation> {
    ("[ab]{1,5}", inputs::random_text(b"ab", 300)).prop_map(|(needle, input)| search(needle, input)).boxed()
}
