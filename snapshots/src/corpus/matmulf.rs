//! Products of floating matrices, compared with sums in Rust.

use proptest::prelude::*;

use super::{Example, Expected, Invocation, inputs};

/// Bytes of memory for the matrices and a row.
const ROOM: usize = 0x40000 - 192;

/// The only NaNs that are written.
const NAN64: u64 = 0x7FF8_0000_0000_0000;
const NAN32: u32 = 0x7FC0_0000;

pub(super) fn reference(invocation: &Invocation) -> Expected {
    let input = &invocation.input;
    let size = match invocation.args.first().map(String::as_str) {
        None | Some("64") => 8,
        Some("32") => 4,
        Some(_) => return Expected::refusal(2, "matmulf: the argument must be 64 or 32\n"),
    };
    let too_large = Expected::refusal(1, "matmulf: not enough memory for the matrices\n");
    if input.len() >= ROOM {
        return too_large;
    }
    let Some(n) = (0..200).find(|n| 2 * n * n * size == input.len()) else {
        return Expected::refusal(1, "matmulf: the input must be the elements of two square matrices\n");
    };
    if 16 * n * n + 8 * n > ROOM {
        return too_large;
    }
    let elements = input.chunks_exact(size).map(|bytes| match bytes.try_into() {
        Ok(bytes) => f64::from_le_bytes(bytes),
        Err(_) => f64::from(f32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]])),
    });
    let elements: Vec<f64> = elements.collect();
    let (first, second) = elements.split_at(n * n);
    let product = (0..n * n).map(|index| {
        let (row, column) = (index / n, index % n);
        (0..n).map(|k| first[row * n + k] * second[k * n + column]).fold(0.0, |sum, product| sum + product)
    });
    Expected::output(product.flat_map(|element| bytes(element, size)).collect::<Vec<u8>>())
}

fn bytes(element: f64, size: usize) -> Vec<u8> {
    match (size, element.is_nan()) {
        (8, false) => element.to_le_bytes().to_vec(),
        (8, true) => NAN64.to_le_bytes().to_vec(),
        (_, false) => (element as f32).to_le_bytes().to_vec(),
        (_, true) => NAN32.to_le_bytes().to_vec(),
    }
}

fn encode64(elements: &[f64]) -> Vec<u8> {
    elements.iter().flat_map(|element| element.to_le_bytes()).collect()
}

fn encode32(elements: &[f64]) -> Vec<u8> {
    elements.iter().flat_map(|element| (*element as f32).to_le_bytes()).collect()
}

pub(super) fn invocations() -> Vec<Invocation> {
    let numbers: Vec<f64> = inputs::noise(1800).iter().map(|byte| f64::from(*byte) / 7.0 - 17.0).collect();
    // A Hilbert matrix, whose products need all digits.
    let hilbert: Vec<f64> = (0..200).map(|index| 1.0 / f64::from(index / 10 % 10 + index % 10 + 1)).collect();
    let special = [0.0, -0.0, f64::INFINITY, f64::NEG_INFINITY, f64::NAN, 1e308, 5e-324, 1.0];
    let mut invocations = vec![
        Invocation::input(encode64(&numbers)),
        Invocation::input(encode32(&numbers)).with_args("32"),
        Invocation::input(encode64(&hilbert)),
        Invocation::input(encode64(&hilbert)).with_args("64"),
        Invocation::input(encode64(&special)),
        Invocation::input(encode32(&special)).with_args("32"),
        // Numbers that overflow binary32, its subnormals, a tie.
        Invocation::input(encode32(&[3e38, 1e-45, 1.0, 16_777_217.0, 2.0, 0.5, 1.0, 1e-45])).with_args("32"),
        Invocation::args("33"),
        Invocation::args("0"),
        Invocation::input(vec![0; ROOM]),
        // These fit as binary32, but not as binary64.
        Invocation::input(vec![0; 130 * 130 * 8]).with_args("32"),
    ];
    for length in [0, 1, 8, 15, 17, 24, 32, 48] {
        invocations.push(Invocation::input(inputs::noise(length)));
        invocations.push(Invocation::input(inputs::noise(length)).with_args("32"));
    }
    invocations
}

pub(super) fn published() -> Vec<Example> {
    vec![Example::new(
        encode64(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0]),
        encode64(&[19.0, 22.0, 43.0, 50.0]),
    )]
}

pub(super) fn random() -> BoxedStrategy<Invocation> {
    let numbers = |any: BoxedStrategy<f64>| {
        (0..6usize).prop_flat_map(move |n| proptest::collection::vec(any.clone(), 2 * n * n))
    };
    let any_bits = any::<u64>().prop_map(f64::from_bits).boxed();
    prop_oneof![
        numbers((-9.0..9.0f64).boxed()).prop_map(|list| Invocation::input(encode64(&list))),
        numbers((-9.0..9.0f64).boxed()).prop_map(|list| Invocation::input(encode32(&list)).with_args("32")),
        numbers(any_bits.clone()).prop_map(|list| Invocation::input(encode64(&list))),
        numbers(any_bits).prop_map(|list| Invocation::input(encode32(&list)).with_args("32")),
        inputs::random_bytes(),
    ]
    .boxed()
}
