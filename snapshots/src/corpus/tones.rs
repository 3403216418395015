//! The Fourier transform with ByteSil numbers, compared with the same transform computed number by number. The expected
//! output for the shipped sound follows from its synthesis.

use proptest::collection::vec;
use proptest::prelude::*;

use super::complex::{direction, from, mul, power, sum};
use super::{Example, Expected, Invocation};

const FRAME: usize = 256;

pub(super) fn reference(invocation: &Invocation) -> Expected {
    let Some((rate, samples)) = parse(&invocation.input) else {
        return Expected::refusal(2, "tones: the input must be a WAV file with one channel of 16 bits\n");
    };
    let mut powers = [0.0; FRAME / 2 + 1];
    for frame in samples.chunks_exact(FRAME) {
        let numbers: Vec<u8> = frame.iter().map(|sample| from(f64::from(*sample) / 8192.0, 0.0)).collect();
        for (k, power) in powers.iter_mut().enumerate().take(FRAME / 2).skip(1) {
            *power += transform(&numbers, k as i64);
        }
    }
    let mut text = String::new();
    for _ in 0..3 {
        let rises = |k: usize| powers[k] > powers[k - 1] && powers[k] >= powers[k + 1];
        let peaks = (1..FRAME / 2).filter(|k| rises(*k));
        let Some(k) = peaks.rev().max_by(|a, b| powers[*a].total_cmp(&powers[*b])) else { break };
        powers[k] = 0.0;
        text += &format!("{} Hz\n", (k as u64 * u64::from(rate) + 128) / 256);
    }
    Expected::output(text)
}

/// Returns the sampling rate in samples per second, and the samples.
fn parse(input: &[u8]) -> Option<(u32, Vec<i16>)> {
    let (header, rest) = input.split_at_checked(44)?;
    let number = |at: usize| header[at..at + 4].try_into().map(u32::from_le_bytes).ok();
    let is_sound = header.starts_with(b"RIFF")
        && &header[8..12] == b"WAVE"
        && header[20..24] == [1, 0, 1, 0]
        && header[34..36] == [16, 0]
        && &header[36..40] == b"data";
    let (samples, _) = rest.as_chunks::<2>();
    is_sound.then_some((number(24)?, samples.iter().map(|bytes| i16::from_le_bytes(*bytes)).collect()))
}

/// Returns the power of k periods per frame: rows of 16 are rotated back exactly, and their samples by rounded angles.
fn transform(numbers: &[u8], k: i64) -> f64 {
    let row = |(row, numbers): (i64, &[u8])| {
        let turned: Vec<u8> =
            (0..).zip(numbers).map(|(j, number)| mul(*number, direction(-((k * j + 8) / 16)))).collect();
        mul(sum(&turned), direction(-k * row))
    };
    let rows: Vec<u8> = (0..).zip(numbers.chunks(16)).map(row).collect();
    power(sum(&rows))
}

/// Returns the sound shipped with the program.
fn sound() -> Vec<u8> {
    include_bytes!("../../../examples/tones.wav").to_vec()
}

/// Returns a file with the header of the sound and other samples.
fn with_samples(samples: &[i16]) -> Vec<u8> {
    let mut file = sound()[..44].to_vec();
    samples.iter().for_each(|sample| file.extend(sample.to_le_bytes()));
    file
}

pub(super) fn invocations() -> Vec<Invocation> {
    let mut stereo = sound();
    stereo[22] = 2;
    let square: Vec<i16> = (0..600).map(|n| if n / 10 % 2 == 0 { i16::MAX } else { i16::MIN }).collect();
    let inputs = [stereo, Vec::new(), with_samples(&[]), with_samples(&[0; 300]), with_samples(&square)];
    inputs.map(Invocation::input).into()
}

/// The tones of the sound are 440, 1000 and 2500 Hz; frequencies are multiples of 31.25 Hz.
pub(super) fn published() -> Vec<Example> {
    vec![Example::new(sound(), "1000 Hz\n2500 Hz\n438 Hz\n")]
}

pub(super) fn random() -> BoxedStrategy<Invocation> {
    vec(any::<i16>(), 250..520).prop_map(|samples| Invocation::input(with_samples(&samples))).boxed()
}
