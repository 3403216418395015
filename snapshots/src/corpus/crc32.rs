//! Against the crate `crc32fast`.

pub(super) use super::inputs::{any_bytes as invocations, random_bytes as random};
use super::{Example, Expected, Invocation, digest_line};

pub(super) fn reference(invocation: &Invocation) -> Expected {
    Expected::output(digest_line(&format!("{:08x}", crc32fast::hash(&invocation.input))))
}

/// The check value of CRC-32/ISO-HDLC.
pub(super) fn published() -> Vec<Example> {
    vec![Example::new(*b"123456789", digest_line("cbf43926"))]
}
