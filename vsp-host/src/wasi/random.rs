//! Random numbers: those of the system, or a sequence that follows from a seed.

use super::Wasi;
use super::errno::{Done, Errno};
use super::memory::Memory;

/// The source of random bytes.
#[derive(Clone, Debug)]
pub(super) enum Random {
    /// The random numbers of the operating system.
    System,
    /// SplitMix64 (Steele, Lea and Flood, 2014): the state, and what is left of the last number, as bytes.
    Seeded { state: u64, rest: Vec<u8> },
}

impl Random {
    pub(super) fn seeded(seed: u64) -> Random {
        Random::Seeded { state: seed, rest: Vec::new() }
    }

    /// Fills the buffer. A sequence is the same however it is cut into buffers.
    fn fill(&mut self, buffer: &mut [u8]) -> Done {
        match self {
            Random::System => getrandom::fill(buffer).map_err(|_| Errno::Io),
            Random::Seeded { state, rest } => {
                for byte in buffer {
                    if rest.is_empty() {
                        // The first byte is taken first: the little end.
                        rest.extend(next(state).to_be_bytes());
                    }
                    *byte = rest.pop().unwrap_or_default();
                }
                Ok(())
            }
        }
    }
}

fn next(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let mut mixed = *state;
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    mixed ^ (mixed >> 31)
}

impl Wasi {
    pub(super) fn random_get(&mut self, memory: &mut Memory<'_>, buffer: u32, length: u32) -> Done {
        if length == 0 {
            return Ok(());
        }
        memory.bytes(buffer, length)?;
        memory.transfers(length.into());
        self.random.fill(memory.bytes_mut(buffer, length)?)
    }
}
