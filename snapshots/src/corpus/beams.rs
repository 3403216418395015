//! Beam forming, compared with the same beams computed number by number.

use proptest::collection::vec;
use proptest::prelude::*;

use super::complex::{direction, mul, power, sum};
use super::{Example, Expected, Invocation};

pub(super) fn reference(invocation: &Invocation) -> Expected {
    let (snapshots, rest) = invocation.input.as_chunks::<16>();
    if snapshots.is_empty() || !rest.is_empty() {
        return Expected::refusal(2, "beams: the input must be snapshots of 16 bytes, at least one\n");
    }
    let beam = |snapshot: &[u8; 16], to: i64| {
        let turned: Vec<u8> =
            (0..).zip(snapshot).map(|(antenna, number)| mul(*number, direction(-to * antenna))).collect();
        power(sum(&turned))
    };
    let powers: Vec<f64> =
        (0..16).map(|to| snapshots.iter().map(|snapshot| beam(snapshot, to)).sum()).collect();
    // The first one of the largest.
    let strongest = (0..16).rev().max_by(|a, b| powers[*a].total_cmp(&powers[*b])).unwrap_or(0);
    let mut text = String::new();
    for (to, power) in powers.iter().enumerate() {
        let share = (power * 1000.0 / powers[strongest]).round_ties_even() as u64;
        text += &format!("{to}: {share}\n");
    }
    Expected::output(text + &format!("strongest: {strongest}\n"))
}

/// Returns the measurements shipped with the program.
fn measured() -> Vec<u8> {
    include_bytes!("../../../examples/beams.bin").to_vec()
}

pub(super) fn invocations() -> Vec<Invocation> {
    let none = vec![0; 32];
    let inputs = [measured(), none, Vec::new(), vec![0x80; 17], vec![0x80; 16], vec![0xF3; 16 * 300]];
    inputs.map(Invocation::input).into()
}

/// From direction 0 all antennas measure the same, and all other beams are silent.
pub(super) fn published() -> Vec<Example> {
    let mut expected = String::from("0: 1000\n");
    (1..16).for_each(|to| expected += &format!("{to}: 0\n"));
    vec![Example::new([0x84; 16], expected + "strongest: 0\n")]
}

pub(super) fn random() -> BoxedStrategy<Invocation> {
    vec(any::<[u8; 16]>(), 1..8).prop_map(|snapshots| Invocation::input(snapshots.concat())).boxed()
}
