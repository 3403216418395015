//! Against the crate `sha2`.

use sha2::{Digest, Sha256};

pub(super) use super::inputs::{any_bytes as invocations, random_bytes as random};
use super::{Example, Expected, Invocation, digest_line};

pub(super) fn reference(invocation: &Invocation) -> Expected {
    let digest = Sha256::digest(&invocation.input);
    let digest: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    Expected::output(digest_line(&digest))
}

/// The examples of FIPS 180-4.
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
    vectors.map(|(input, digest)| Example::new(input, digest_line(digest))).into()
}
