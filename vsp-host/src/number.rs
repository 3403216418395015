//! The notation of numbers in arguments of programs, options of the command and commands of the debugger.
//!
//! An integer is decimal, hexadecimal after `0x` or binary after `0b`, with optional `_` between digits and an optional
//! sign. A binary64 has a point, an exponent, or is `inf` or `nan`. (`.sil` texts have the same notation.)

use std::num::IntErrorKind;

/// The error of reading a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NumberError {
    /// The text is not a number.
    #[error("is not a number")]
    NotANumber,
    /// The number has a point or an exponent, and an integer is needed.
    #[error("is no integer")]
    NotAnInteger,
    /// The integer does not fit a register.
    #[error("is out of range: an integer is from -2^63 to 2^64 - 1")]
    OutOfRange,
    /// The number is an integer above the range of counts and sizes.
    #[error("is out of range: it is from 0 to 2^64 - 1")]
    CountOutOfRange,
    /// The number is negative, and must not be.
    #[error("is negative")]
    Negative,
    /// The number is too large for a binary64.
    #[error("is out of range: it is too large for a binary64")]
    TooLarge,
}

/// Reads an integer from −2⁶³ to 2⁶⁴ − 1, as the bits of a register.
///
/// # Errors
/// The text is not such an integer.
pub fn integer(text: &str) -> Result<u64, NumberError> {
    let (negative, digits) = sign(text);
    let magnitude = match magnitude(digits) {
        Err(NumberError::NotANumber) if float(text) != Err(NumberError::NotANumber) => {
            return Err(NumberError::NotAnInteger);
        }
        magnitude => magnitude?,
    };
    match negative {
        true if magnitude <= 1 << 63 => Ok(magnitude.wrapping_neg()),
        true => Err(NumberError::OutOfRange),
        false => Ok(magnitude),
    }
}

/// Reads an integer from 0 to 2⁶⁴ − 1: a count or a size.
///
/// # Errors
/// The text is not such an integer.
pub fn count(text: &str) -> Result<u64, NumberError> {
    match integer(text) {
        Ok(0) => Ok(0),
        Ok(_) | Err(NumberError::OutOfRange) if text.starts_with('-') => Err(NumberError::Negative),
        Err(NumberError::OutOfRange) => Err(NumberError::CountOutOfRange),
        count => count,
    }
}

/// Reads a binary64; an integer becomes the nearest one. There is one NaN.
///
/// # Errors
/// The text is not a number, or is too large.
pub fn float(text: &str) -> Result<f64, NumberError> {
    let (negative, digits) = sign(text);
    let value = if is_radix(digits) {
        magnitude(digits)? as f64
    } else {
        let plain = plain(digits)?;
        if plain.starts_with(['+', '-']) {
            return Err(NumberError::NotANumber);
        }
        let value: f64 = plain.parse().map_err(|_| NumberError::NotANumber)?;
        if value.is_nan() {
            return Ok(f64::NAN);
        }
        if value.is_infinite() && plain.starts_with(|first: char| first.is_ascii_digit() || first == '.') {
            return Err(NumberError::TooLarge);
        }
        value
    };
    Ok(if negative { -value } else { value })
}

/// Reads an integer, or else a binary64, as the bits of a register.
///
/// # Errors
/// The text is not a number, or does not fit a register.
pub fn register(text: &str) -> Result<u64, NumberError> {
    match integer(text) {
        Err(NumberError::NotANumber | NumberError::NotAnInteger) => float(text).map(f64::to_bits),
        integer => integer,
    }
}

fn sign(text: &str) -> (bool, &str) {
    match (text.strip_prefix('-'), text.strip_prefix('+')) {
        (Some(digits), _) => (true, digits),
        (_, Some(digits)) => (false, digits),
        _ => (false, text),
    }
}

fn is_radix(digits: &str) -> bool {
    ["0x", "0X", "0b", "0B"].iter().any(|prefix| digits.starts_with(prefix))
}

/// Returns the text without the `_` between its characters.
fn plain(digits: &str) -> Result<String, NumberError> {
    if digits.starts_with('_') || digits.ends_with('_') {
        return Err(NumberError::NotANumber);
    }
    Ok(digits.replace('_', ""))
}

/// Reads an integer without a sign.
fn magnitude(digits: &str) -> Result<u64, NumberError> {
    let (digits, radix) = match digits.get(..2) {
        Some("0x" | "0X") => (&digits[2..], 16),
        Some("0b" | "0B") => (&digits[2..], 2),
        _ => (digits, 10),
    };
    let plain = plain(digits)?;
    // Rust's parser would accept a sign here.
    if plain.starts_with(['+', '-']) {
        return Err(NumberError::NotANumber);
    }
    u64::from_str_radix(&plain, radix).map_err(|error| match error.kind() {
        IntErrorKind::PosOverflow => NumberError::OutOfRange,
        _ => NumberError::NotANumber,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_are_those_of_a_register() {
        assert_eq!(integer("18446744073709551615"), Ok(u64::MAX));
        assert_eq!(integer("18446744073709551616"), Err(NumberError::OutOfRange));
        assert_eq!(integer("0x10000000000000000"), Err(NumberError::OutOfRange));
        assert_eq!(integer("-9223372036854775808"), Ok(1 << 63));
        assert_eq!(integer("-9223372036854775809"), Err(NumberError::OutOfRange));
        for (text, value) in
            [("0xFF", 255), ("0Xff", 255), ("0b1_01", 5), ("+5", 5), ("+0x5", 5), ("1_000", 1000), ("-0", 0)]
        {
            assert_eq!(integer(text), Ok(value), "{text}");
        }
        assert_eq!(integer("-0x1"), Ok(u64::MAX));
        for text in ["", "-", "+", "-+5", "--5", "0x", "0x+5", "5x", "0x-1", " 5", "_5", "5_", "0x_", "é"] {
            assert_eq!(integer(text), Err(NumberError::NotANumber), "{text}");
        }
        for text in ["1.5", "1e3", "1e999", "inf", "-nan"] {
            assert_eq!(integer(text), Err(NumberError::NotAnInteger), "{text}");
        }
    }

    #[test]
    fn counts_are_not_negative() {
        assert_eq!(count("0x10"), Ok(16));
        assert_eq!(count("-0"), Ok(0));
        assert_eq!(count("-1"), Err(NumberError::Negative));
        assert_eq!(count("-18446744073709551616"), Err(NumberError::Negative));
        assert_eq!(count("18446744073709551616"), Err(NumberError::CountOutOfRange));
        assert_eq!(count("1.0"), Err(NumberError::NotAnInteger));
    }

    #[test]
    fn there_is_one_nan_and_no_silent_infinity() {
        for text in ["nan", "-nan", "NaN"] {
            assert_eq!(float(text).map(f64::to_bits), Ok(f64::NAN.to_bits()), "{text}");
        }
        assert_eq!(float("1e999"), Err(NumberError::TooLarge));
        assert_eq!(float("-1e999"), Err(NumberError::TooLarge));
        assert_eq!(float("-inf"), Ok(f64::NEG_INFINITY));
        assert_eq!(float("0x10"), Ok(16.0));
        assert_eq!(float("-1_000.5"), Ok(-1000.5));
        assert_eq!(float("18446744073709551616"), Ok(18_446_744_073_709_551_616.0));
        for text in ["", "+", "+-5", "-+1.5", "x", "1.5.2"] {
            assert_eq!(float(text), Err(NumberError::NotANumber), "{text}");
        }
    }

    #[test]
    fn an_integer_that_does_not_fit_becomes_no_binary64() {
        assert_eq!(register("+5"), Ok(5));
        assert_eq!(register("18446744073709551616"), Err(NumberError::OutOfRange));
        assert_eq!(register("1.8446744073709552e19"), Ok(18_446_744_073_709_551_616.0f64.to_bits()));
        assert_eq!(register("-2.5"), Ok((-2.5f64).to_bits()));
        assert_eq!(register("five"), Err(NumberError::NotANumber));
    }
}
