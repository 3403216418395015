//! FNV-1a, compared with 128-bit arithmetic.

pub(super) use super::inputs::{any_bytes as invocations, random_bytes as random};
use super::{Example, Expected, Invocation, digest_line};

/// Computes the hash modulo 2⁶⁴ with 128 bits, and a prime that is written as its sum of powers.
pub(super) fn reference(invocation: &Invocation) -> Expected {
    let prime = (1u128 << 40) + (1 << 8) + 0xb3;
    let hash = invocation.input.iter().fold(14_695_981_039_346_656_037_u128, |hash, byte| {
        let low = hash ^ u128::from(*byte);
        low * prime % (1 << 64)
    });
    Expected::output(digest_line(&format!("{hash:016x}")))
}

/// Returns the vectors of the draft, appendix C.
pub(super) fn published() -> Vec<Example> {
    let vectors: [(&[u8], &str); 4] = [
        (b"", "cbf29ce484222325"),
        (b"a", "af63dc4c8601ec8c"),
        (b"foobar", "85944171f73967e8"),
        (b"chongo was here!\n", "46810940eff5f915"),
    ];
    vectors.map(|(input, hash)| Example::new(input, digest_line(hash))).into()
}
