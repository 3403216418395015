//! Inputs for the programs of the corpus.

use proptest::prelude::*;
use vsp_core::text;

use super::Invocation;

/// Returns files of this repository: prose, tables, a program, a manifest, and binary data.
pub(super) fn files() -> Vec<Vec<u8>> {
    let assembled = text::assemble(include_str!("../../../examples/sha256.sil"), "sha256.sil");
    let texts = [
        include_str!("../../../README.md"),
        include_str!("../../../docs/isa.md"),
        include_str!("../../../examples/sha256.sil"),
        include_str!("../../../Cargo.toml"),
    ];
    let texts = texts.map(|text| text.as_bytes().to_vec());
    texts.into_iter().chain(assembled.ok()).collect()
}

/// Returns pseudo-random bytes, the same in every run.
pub(super) fn noise(length: usize) -> Vec<u8> {
    let mut state = 0x9E37_79B9_7F4A_7C15u64;
    std::iter::repeat_with(|| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 32) as u8
    })
    .take(length)
    .collect()
}

/// Returns every byte once.
pub(super) fn all_bytes() -> Vec<u8> {
    (0..=u8::MAX).collect()
}

/// Returns every byte, the files, and noise of lengths around the block and buffer sizes of the programs.
pub(super) fn any_bytes() -> Vec<Invocation> {
    let lengths = [0, 1, 2, 3, 7, 8, 9, 55, 56, 57, 63, 64, 65, 119, 120, 128, 4095, 65536, 65537];
    // First what does not change with the repository: tests have checksums of it.
    let mut inputs = vec![all_bytes()];
    inputs.extend(files());
    inputs.extend(lengths.map(noise));
    inputs.into_iter().map(Invocation::input).collect()
}

/// Returns a strategy for up to a thousand bytes.
pub(super) fn random_bytes() -> BoxedStrategy<Invocation> {
    proptest::collection::vec(any::<u8>(), 0..1000).prop_map(Invocation::input).boxed()
}

/// Returns a strategy for up to `length` bytes, most of them from `letters`.
pub(super) fn random_text(letters: &'static [u8], length: usize) -> BoxedStrategy<Vec<u8>> {
    let letter = prop_oneof![20 => proptest::sample::select(letters), 1 => any::<u8>()];
    proptest::collection::vec(letter, 0..length).boxed()
}

/// Returns the tokens between blanks, with their line numbers.
pub(super) fn tokens(input: &[u8]) -> Vec<(usize, &[u8])> {
    let lines = input.split(|byte| *byte == b'\n').enumerate();
    let tokens = lines.flat_map(|(line, text)| {
        let tokens = text.split(|byte| matches!(byte, b' ' | b'\t' | b'\r'));
        tokens.filter(|token| !token.is_empty()).map(move |token| (line + 1, token))
    });
    tokens.collect()
}

/// Parses a decimal integer, with a minus if it is negative.
pub(super) fn integer(token: &[u8]) -> Option<i64> {
    let text = std::str::from_utf8(token).ok()?;
    if text.starts_with('+') { None } else { text.parse().ok() }
}
