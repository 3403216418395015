//! Base64, compared with the crate `base64`.

use ::base64::Engine as _;
use ::base64::engine::general_purpose::STANDARD;
use proptest::prelude::*;

use super::{Example, Expected, Invocation, inputs};

pub(super) fn reference(invocation: &Invocation) -> Expected {
    match invocation.args.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => encode(&invocation.input),
        ["decode"] => decode(&invocation.input),
        _ => Expected::refusal(2, "base64: the argument must be decode, or left out to encode\n"),
    }
}

fn encode(input: &[u8]) -> Expected {
    let digits = STANDARD.encode(input).into_bytes();
    let lines = digits.chunks(76).flat_map(|line| [line, b"\n"]);
    Expected::output(lines.flatten().copied().collect::<Vec<u8>>())
}

fn decode(input: &[u8]) -> Expected {
    let digits: Vec<(usize, u8)> =
        input.iter().copied().enumerate().filter(|(_, byte)| !matches!(byte, b'\n' | b'\r')).collect();
    let text: Vec<u8> = digits.iter().map(|(_, byte)| *byte).collect();
    if let Ok(bytes) = STANDARD.decode(&text) {
        return Expected::output(bytes);
    }
    let good = longest(text.len(), |length| is_prefix_of_valid(&text[..length]));
    let offset = digits.get(good).map_or(input.len(), |(offset, _)| *offset);
    let whole = &text[..good - good % 4];
    let mut output = STANDARD.decode(whole).unwrap_or_default();
    if let [group @ .., b'='] = &text[whole.len()..good] {
        // The second padding of a byte is missing.
        output.extend(STANDARD.decode([group, b"=="].concat()).unwrap_or_default());
    }
    Expected { output, errors: format!("base64: no Base64 at byte {offset}\n"), exit_code: 1 }
}

/// Returns whether the text is the beginning of a valid text.
fn is_prefix_of_valid(text: &[u8]) -> bool {
    ["", "=", "==", "A", "A=", "A==", "AA", "AA=", "AA==", "AAA", "AAA="]
        .iter()
        .any(|rest| STANDARD.decode([text, rest.as_bytes()].concat()).is_ok())
}

/// Returns the largest number up to `limit` for which the predicate holds, if it holds for all smaller ones.
fn longest(limit: usize, holds: impl Fn(usize) -> bool) -> usize {
    let (mut low, mut high) = (0, limit + 1);
    while high - low > 1 {
        let middle = low + (high - low) / 2;
        if holds(middle) { low = middle } else { high = middle }
    }
    low
}

pub(super) fn invocations() -> Vec<Invocation> {
    // Lengths around the groups, the lines and the buffer.
    let lengths = [0, 1, 2, 3, 56, 57, 58, 113, 114, 115, 45_600, 45_601];
    let inputs = inputs::files().into_iter().chain([inputs::all_bytes()]).chain(lengths.map(inputs::noise));
    let mut invocations = vec![
        Invocation::args("encode"),
        Invocation::args("decode decode"),
        Invocation::input(inputs::all_bytes()).with_args("decode"),
    ];
    for input in inputs {
        let lines = encode(&input).output;
        if input.len() < 5000 {
            let carriage_returns = String::from_utf8_lossy(&lines).replace('\n', "\r\n");
            invocations.push(Invocation::input(carriage_returns).with_args("decode"));
            invocations.push(Invocation::input(STANDARD.encode(&input)).with_args("decode"));
        }
        invocations.push(Invocation::input(lines).with_args("decode"));
        invocations.push(Invocation::input(input));
    }
    // Too short, and wrong after the first buffer.
    let long = STANDARD.encode(inputs::noise(40_000));
    invocations.push(Invocation::input(&long.as_bytes()[..50_001]).with_args("decode"));
    invocations.push(Invocation::input(long.replace('=', "") + "$").with_args("decode"));
    invocations
}

/// Returns the test vectors of RFC 4648, section 10.
pub(super) fn published() -> Vec<Example> {
    let vectors = [
        ("f", "Zg=="),
        ("fo", "Zm8="),
        ("foo", "Zm9v"),
        ("foob", "Zm9vYg=="),
        ("fooba", "Zm9vYmE="),
        ("foobar", "Zm9vYmFy"),
    ];
    let mut examples = vec![Example::new("", "")];
    for (bytes, digits) in vectors {
        examples.push(Example::new(bytes, format!("{digits}\n")));
        let invocation = Invocation::input(digits).with_args("decode");
        examples.push(Example { invocation, expected: Expected::output(bytes) });
    }
    for (digits, output, offset) in [
        ("Q", "", 1),
        ("QQ=", "A", 3),
        ("QR==", "", 2),
        ("QUJ=", "", 3),
        ("QUI=\nQ", "AB", 5),
        ("QQ==\n=", "A", 5),
        ("QU I=", "", 2),
        ("====", "", 0),
        ("Zg-_", "", 2),
    ] {
        let errors = format!("base64: no Base64 at byte {offset}\n");
        let expected = Expected { output: output.into(), errors, exit_code: 1 };
        examples.push(Example { invocation: Invocation::input(digits).with_args("decode"), expected });
    }
    examples
}

pub(super) fn random() -> BoxedStrategy<Invocation> {
    let digits = proptest::sample::select(b"AQgwZm8/+9=\n".as_slice());
    let nearly = proptest::collection::vec(digits, 0..12);
    let broken = (proptest::collection::vec(any::<u8>(), 0..200), any::<(prop::sample::Index, u8)>())
        .prop_map(|(bytes, (at, byte))| {
            let mut digits = encode(&bytes).output;
            if !digits.is_empty() {
                let at = at.index(digits.len());
                digits[at] = byte;
            }
            digits
        });
    let good = proptest::collection::vec(any::<u8>(), 0..200).prop_map(|bytes| encode(&bytes).output);
    prop_oneof![
        inputs::random_bytes(),
        prop_oneof![nearly, broken, good].prop_map(|input| Invocation::input(input).with_args("decode")),
    ]
    .boxed()
}
