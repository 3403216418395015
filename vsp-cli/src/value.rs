//! The values of registers, for users and for other programs.

use serde::{Serialize, Serializer};

/// A register in JSON: its unsigned value in decimal, as a string, since JSON readers may round numbers beyond 2^53.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Bits(pub(crate) u64);

impl Serialize for Bits {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

/// Formats a register briefly: a small number in decimal, a larger one in hexadecimal and, if that is likely, as
/// binary64.
pub(crate) fn short(bits: u64) -> String {
    let value = bits as i64;
    match (likely_float(bits), i32::try_from(value)) {
        (_, Ok(small)) => small.to_string(),
        (Some(float), _) => format!("0x{bits:x} ({float:?})"),
        (None, _) => format!("0x{bits:x}"),
    }
}

/// Returns the binary64 with these bits, if they were likely meant as one.
pub(crate) fn likely_float(bits: u64) -> Option<f64> {
    let float = f64::from_bits(bits);
    (float.is_normal() && (1e-30..1e30).contains(&float.abs())).then_some(float)
}
