//! Mutations of inputs, for tests without a fuzzer.

use vsp_core::generate::{Entropy, Seed};

/// A mutator, which creates inputs from known ones: it changes, removes, repeats and joins bytes.
#[derive(Clone, Debug)]
pub struct Mutator {
    random: Seed,
}

impl Mutator {
    /// Creates a mutator; the same seed gives the same inputs.
    pub fn new(seed: u64) -> Mutator {
        Mutator { random: Seed::new(seed) }
    }

    /// Returns a number below `limit`, or 0 if that is 0.
    fn below(&mut self, limit: usize) -> usize {
        self.random.below(limit as u32) as usize
    }

    /// Returns a mutation of one of the inputs, of which there is at least one.
    pub fn mutated(&mut self, inputs: &[Vec<u8>]) -> Vec<u8> {
        let mut bytes = inputs[self.below(inputs.len())].clone();
        for _ in 0..=self.below(4) {
            if bytes.is_empty() {
                bytes.push(self.below(256) as u8);
            }
            let at = self.below(bytes.len());
            let length = 1 + self.below((bytes.len() - at).min(32));
            match self.below(7) {
                0 => bytes[at] ^= 1 << self.below(8),
                1 => bytes[at] = self.below(256) as u8,
                2 => bytes[at] = [0, 1, 0x7F, 0x80, 0xFF][self.below(5)],
                3 => bytes.truncate(at),
                4 => drop(bytes.drain(at..at + length)),
                5 => {
                    let repeated = bytes[at..at + length].to_vec();
                    bytes.splice(at..at, repeated);
                }
                _ => {
                    let other = &inputs[self.below(inputs.len())];
                    let from = self.below(other.len());
                    bytes.truncate(at);
                    bytes.extend(&other[from..]);
                }
            }
        }
        bytes
    }
}
