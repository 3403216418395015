//! Conversions between registers and mathematical integers.

/// Returns 2 to the power of `exponent`, which is at most 126.
pub(super) fn power(exponent: u32) -> i128 {
    (0..exponent).fold(1, |power, _| power * 2)
}

/// Returns a register as an unsigned number.
pub(super) fn unsigned(register: u64) -> i128 {
    i128::from(register)
}

/// Returns the low `width` bits of a number, as an unsigned number.
pub(super) fn low(number: i128, width: u32) -> i128 {
    number.rem_euclid(power(width))
}

/// Returns the low `width` bits of a number, as a two's complement number.
pub(super) fn signed_low(number: i128, width: u32) -> i128 {
    let value = low(number, width);
    if value >= power(width - 1) { value - power(width) } else { value }
}

/// Returns a register as a signed number.
pub(super) fn signed(register: u64) -> i128 {
    signed_low(unsigned(register), 64)
}

/// Returns a number modulo 2⁶⁴, as a register.
pub(super) fn register(number: i128) -> u64 {
    match u64::try_from(low(number, 64)) {
        Ok(register) => register,
        Err(_) => unreachable!("the low 64 bits fit 64 bits"),
    }
}

/// Returns a truth value as a register.
pub(super) fn truth(value: bool) -> u64 {
    if value { 1 } else { 0 }
}

/// Returns the binary digits of a number, lowest first.
pub(super) fn digits(number: i128, width: u32) -> Vec<bool> {
    (0..width).map(|digit| number.div_euclid(power(digit)).rem_euclid(2) == 1).collect()
}

/// Returns the number with these binary digits, lowest first.
pub(super) fn from_digits(digits: impl IntoIterator<Item = bool>) -> i128 {
    (0..).zip(digits).filter(|(_, digit)| *digit).map(|(index, _)| power(index)).sum()
}
