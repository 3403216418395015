//! Integer instructions that only compute (classes 4x, 5x, 6x, 7x, Dx).

use vsp_core::Trap;

use super::numbers::{digits, from_digits, low, power, register, signed, signed_low, truth, unsigned};
use super::word::Word;

/// Computes the result of an instruction on the values of its registers a (which MAC reads), b and c. Returns `None`
/// for other instructions.
pub(super) fn compute(word: Word, a: u64, b: u64, c: u64) -> Option<Result<u64, Trap>> {
    let value = match word.op() {
        0x45 => return Some(divide(signed(b), signed(c), |quotient, _| quotient)),
        0x46 => return Some(divide(unsigned(b), unsigned(c), |quotient, _| quotient)),
        0x47 => return Some(divide(signed(b), signed(c), |_, rest| rest)),
        0x48 => return Some(divide(unsigned(b), unsigned(c), |_, rest| rest)),
        0xD0 => return Some(divide(half(b), half(c), |quotient, _| low(quotient, 32))),
        0xD1 => return Some(divide(half(b), half(c), |_, rest| low(rest, 32))),
        0x40..=0x4F => arithmetic(word, a, b, c)?,
        0x50..=0x5F => bits(word, b, c)?,
        0x60..=0x6D => with_constant(word, b)?,
        0x70..=0x75 => compare(word, b, c)?,
        0x78..=0x7F => wide(word, b, c)?,
        0xD2..=0xDD => more_wide(word, b, c)?,
        _ => return None,
    };
    Some(Ok(value))
}

/// Returns the low half of a register as a signed number.
fn half(value: u64) -> i128 {
    signed_low(unsigned(value), 32)
}

/// Divides two numbers: the quotient is truncated, and the remainder has the sign of the dividend.
fn divide(b: i128, c: i128, result: impl Fn(i128, i128) -> i128) -> Result<u64, Trap> {
    if c == 0 {
        return Err(Trap::DivideByZero);
    }
    let magnitude = b.abs().div_euclid(c.abs());
    let quotient = if (b < 0) == (c < 0) { magnitude } else { -magnitude };
    Ok(register(result(quotient, b - quotient * c)))
}

fn arithmetic(word: Word, a: u64, b: u64, c: u64) -> Option<u64> {
    Some(match word.op() {
        0x40 => register(unsigned(b) + unsigned(c)),
        0x41 => register(unsigned(b) - unsigned(c)),
        0x42 => register(signed(b) * signed(c)),
        0x43 => register((signed(b) * signed(c)).div_euclid(power(64))),
        0x44 => high_unsigned(b, c),
        0x49 => {
            if signed(b) < signed(c) {
                b
            } else {
                c
            }
        }
        0x4A => {
            if signed(b) > signed(c) {
                b
            } else {
                c
            }
        }
        0x4B => {
            if unsigned(b) < unsigned(c) {
                b
            } else {
                c
            }
        }
        0x4C => {
            if unsigned(b) > unsigned(c) {
                b
            } else {
                c
            }
        }
        0x4D => register(-signed(b)),
        0x4E => register(signed(b).abs()),
        0x4F => register(signed(a) + signed(b) * signed(c)),
        _ => return None,
    })
}

/// Returns the high 64 bits of an unsigned product, by long multiplication with 32-bit digits.
fn high_unsigned(b: u64, c: u64) -> u64 {
    let split = |value: u64| (low(unsigned(value), 32), unsigned(value).div_euclid(power(32)));
    let ((b0, b1), (c0, c1)) = (split(b), split(c));
    let carry = (b0 * c0).div_euclid(power(32));
    let middle = b0 * c1 + b1 * c0 + carry;
    register(b1 * c1 + middle.div_euclid(power(32)))
}

fn bits(word: Word, b: u64, c: u64) -> Option<u64> {
    let count = register(low(unsigned(c), 6)) as u32;
    let (first, second) = (digits(unsigned(b), 64), digits(unsigned(c), 64));
    let both = |combine: fn(bool, bool) -> bool| {
        register(from_digits(first.iter().zip(&second).map(|(one, other)| combine(*one, *other))))
    };
    let width = word.u16();
    Some(match word.op() {
        0x50 => both(|one, other| one && other),
        0x51 => both(|one, other| one || other),
        0x52 => both(|one, other| one != other),
        0x53 => register(-1 - signed(b)),
        0x54 => both(|one, other| one && !other),
        0x55 => shift_left(b, count),
        0x56 => register(unsigned(b).div_euclid(power(count))),
        0x57 => register(signed(b).div_euclid(power(count))),
        0x58 => rotate_left(b, count, 64),
        0x59 => rotate_left(b, (64 - count) % 64, 64),
        0x5A => first.iter().rev().take_while(|digit| !**digit).count() as u64,
        0x5B => first.iter().take_while(|digit| !**digit).count() as u64,
        0x5C => first.iter().filter(|digit| **digit).count() as u64,
        0x5D => reverse_bytes(b, 8),
        0x5E => register(signed_low(unsigned(b), width)),
        0x5F => register(low(unsigned(b), width)),
        _ => return None,
    })
}

fn shift_left(b: u64, count: u32) -> u64 {
    // The bits that are shifted out are removed first, so that the product fits.
    register(low(unsigned(b), 64 - count) * power(count))
}

/// Rotates the low `width` bits; all other bits of the result are 0.
fn rotate_left(b: u64, count: u32, width: u32) -> u64 {
    let mut all = digits(unsigned(b), width);
    all.rotate_right(count as usize);
    register(from_digits(all))
}

/// Reverses the low `count` bytes.
fn reverse_bytes(b: u64, count: u32) -> u64 {
    let byte = |index: u32| low(unsigned(b).div_euclid(power(8 * index)), 8);
    register((0..count).map(|index| byte(index) * power(8 * (count - 1 - index))).sum())
}

fn with_constant(word: Word, b: u64) -> Option<u64> {
    let (s, u) = (word.s16(), i128::from(word.u16()));
    let bitwise = |combine: fn(bool, bool) -> bool| {
        let (one, other) = (digits(unsigned(b), 64), digits(u, 64));
        register(from_digits(one.into_iter().zip(other).map(|(one, other)| combine(one, other))))
    };
    Some(match word.op() {
        0x60 => register(signed(b) + s),
        0x61 => register(signed(b) * s),
        0x62 => bitwise(|one, other| one && other),
        0x63 => bitwise(|one, other| one || other),
        0x64 => bitwise(|one, other| one != other),
        0x65 => shift_left(b, word.u16()),
        0x66 => register(unsigned(b).div_euclid(power(word.u16()))),
        0x67 => register(signed(b).div_euclid(power(word.u16()))),
        0x68 => rotate_left(b, word.u16(), 64),
        0x69 => truth(signed(b) == s),
        0x6A => truth(signed(b) != s),
        0x6B => truth(signed(b) < s),
        0x6C => truth(unsigned(b) < low(s, 64)),
        0x6D => register(low(signed(b) + s, 32)),
        _ => return None,
    })
}

fn compare(word: Word, b: u64, c: u64) -> Option<u64> {
    Some(truth(match word.op() {
        0x70 => unsigned(b) == unsigned(c),
        0x71 => unsigned(b) != unsigned(c),
        0x72 => signed(b) < signed(c),
        0x73 => signed(b) <= signed(c),
        0x74 => unsigned(b) < unsigned(c),
        0x75 => unsigned(b) <= unsigned(c),
        _ => return None,
    }))
}

/// Computes 78–7F: 32-bit instructions.
fn wide(word: Word, b: u64, c: u64) -> Option<u64> {
    let count = register(low(unsigned(c), 5)) as u32;
    let result = match word.op() {
        0x78 => half(b) + half(c),
        0x79 => half(b) - half(c),
        0x7A => half(b) * half(c),
        0x7B => low(unsigned(b), 32) * power(count),
        0x7C => low(unsigned(b), 32).div_euclid(power(count)),
        0x7D => half(b).div_euclid(power(count)),
        0x7E => unsigned(rotate_left(b, count, 32)),
        0x7F => unsigned(rotate_left(b, (32 - count) % 32, 32)),
        _ => return None,
    };
    Some(register(low(result, 32)))
}

/// Computes D2–DD except the branches: more 32-bit instructions.
fn more_wide(word: Word, b: u64, c: u64) -> Option<u64> {
    let count = word.u16();
    let low_half = digits(unsigned(b), 32);
    let result = match word.op() {
        0xD2 => return Some(truth(half(b) < half(c))),
        0xD3 => return Some(truth(half(b) <= half(c))),
        0xD4 => low(unsigned(b), 32) * power(count),
        0xD5 => low(unsigned(b), 32).div_euclid(power(count)),
        0xD6 => half(b).div_euclid(power(count)),
        0xD7 => unsigned(rotate_left(b, count, 32)),
        0xD8 => half(b) * word.s16(),
        0xDB => low_half.iter().rev().take_while(|digit| !**digit).count() as i128,
        0xDC => low_half.iter().take_while(|digit| !**digit).count() as i128,
        0xDD => unsigned(reverse_bytes(b, 4)),
        _ => return None,
    };
    Some(register(low(result, 32)))
}
