//! CRC-32, compared with the crate `crc32fast`.

pub(super) use super::inputs::{any_bytes as invocations, random_bytes as random};
use super::{Example, Expected, Invocation, digest_line};

pub(super) fn reference(invocation: &Invocation) -> Expected {
    Expected::output(digest_line(&format!("{:08x}", crc32fast::hash(&invocation.input))))
}

/// Returns the check value of CRC-32/ISO-HDLC, and the first texts of RFC 1321 with their checksums by zlib.
pub(super) fn published() -> Vec<Example> {
    let vectors = [
        ("123456789", "cbf43926"),
        ("", "00000000"),
        ("a", "e8b7be43"),
        ("abc", "352441c2"),
        ("message digest", "20159d7f"),
        ("abcdefghijklmnopqrstuvwxyz", "4c2750bd"),
    ];
    vectors.map(|(input, checksum)| Example::new(input, digest_line(checksum))).into()
}
