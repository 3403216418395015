//! ByteSil arithmetic for the independent implementations, by the reference evaluator.

use crate::reference;

fn computed(op: u32, b: u64, c: u64) -> u64 {
    match reference::computed(op, b, c) {
        Some(value) => value,
        None => unreachable!("0x{op:02X} is in class Ax"),
    }
}

pub(super) fn add(b: u8, c: u8) -> u8 {
    computed(0xA0, b.into(), c.into()) as u8
}

pub(super) fn mul(b: u8, c: u8) -> u8 {
    computed(0xA2, b.into(), c.into()) as u8
}

/// Returns the number 1 rotated by `sixteenths` of a turn.
pub(super) fn direction(sixteenths: i64) -> u8 {
    0x80 + sixteenths.rem_euclid(16) as u8
}

pub(super) fn from(re: f64, im: f64) -> u8 {
    computed(0xAE, re.to_bits(), im.to_bits()) as u8
}

/// Returns the square of the magnitude.
pub(super) fn power(b: u8) -> f64 {
    let (re, im) = (f64::from_bits(computed(0xAC, b.into(), 0)), f64::from_bits(computed(0xAD, b.into(), 0)));
    re * re + im * im
}

/// Sums numbers by halving: each of the first half is added to the one at the same index of the second half.
pub(super) fn sum(numbers: &[u8]) -> u8 {
    if let [number] = numbers {
        return *number;
    }
    let (first, second) = numbers.split_at(numbers.len() / 2);
    let halves: Vec<u8> = first.iter().zip(second).map(|(b, c)| add(*b, *c)).collect();
    sum(&halves)
}
