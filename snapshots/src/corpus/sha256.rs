//! SHA-256, compared with the crate `sha2`.

use sha2::{Digest, Sha256};

pub(super) use super::inputs::{any_bytes as invocations, random_bytes as random};
use super::{Example, Expected, Invocation, digest_line};

pub(super) fn reference(invocation: &Invocation) -> Expected {
    let digest = Sha256::digest(&invocation.input);
    let digest: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    Expected::output(digest_line(&digest))
}

/// Returns the examples of FIPS 180-4, the million letters of its predecessor, and messages of NIST.
pub(super) fn published() -> Vec<Example> {
    let vectors: [(&[u8], &str); 4] = [
        (b"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
        (b"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        (
            b"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1",
        ),
        (
            b"abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu",
            "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1",
        ),
    ];
    let mut examples: Vec<Example> =
        vectors.map(|(input, digest)| Example::new(input, digest_line(digest))).into();
    let million = "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0";
    examples.push(Example::new([b'a'; 1_000_000], digest_line(million)));
    let lines = include_str!("vectors/sha256.txt").lines().filter(|line| !line.starts_with('#'));
    examples.extend(lines.map(|line| {
        let Some((message, digest)) = line.split_once(' ') else {
            panic!("expected a message and a digest: {line}")
        };
        let digits = message.trim_start_matches('-').as_bytes().chunks(2);
        let bytes: Vec<u8> = digits
            .map(|pair| {
                match std::str::from_utf8(pair).ok().and_then(|pair| u8::from_str_radix(pair, 16).ok()) {
                    Some(byte) => byte,
                    None => panic!("expected a message in hexadecimal: {line}"),
                }
            })
            .collect();
        Example::new(bytes, digest_line(digest))
    }));
    examples
}
