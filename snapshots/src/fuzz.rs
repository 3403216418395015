//! The implementations of the fuzz targets. A target takes any bytes and panics if a promise is broken.
//!
//! `fuzz/` runs them with libFuzzer; `tests/fuzz.rs` runs each for a second on its corpus and on mutations of it.

mod bytes;
mod engines;
mod mutate;
mod states;

pub use mutate::Mutator;

use std::sync::{Arc, OnceLock};

use vsp_core::generate::Generated;
use vsp_core::program::Program;
use vsp_core::verify::Verified;

use crate::random;

/// A fuzz target.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// Its name: that of its file in `fuzz/fuzz_targets`, and of its folder in `fuzz/corpus`.
    pub name: &'static str,
    /// A description of its input and its checks.
    pub about: &'static str,
    /// The function.
    pub run: fn(&[u8]),
    /// A function that creates the seed inputs.
    pub seeds: fn() -> Vec<Vec<u8>>,
}

/// All targets.
pub const TARGETS: [Target; 7] = [
    Target {
        name: "container",
        about: "the bytes of a program: read, verified, listed, assembled again to the same bytes, run",
        run: bytes::container,
        seeds: bytes::container_seeds,
    },
    Target {
        name: "text",
        about: "a text: assembled, listed, formatted; the bytes stay the same",
        run: bytes::text,
        seeds: bytes::text_seeds,
    },
    Target {
        name: "verifier",
        about: "a random program with four words changed: if it is verified, interpreter and tier 2 agree",
        run: engines::verifier,
        seeds: engines::seeds,
    },
    Target {
        name: "reference",
        about: "a random program: the interpreter agrees with the reference evaluator",
        run: engines::reference,
        seeds: engines::seeds,
    },
    Target {
        name: "tiers",
        about: "a random program: both tiers agree with the interpreter",
        run: engines::tiers,
        seeds: engines::seeds,
    },
    Target {
        name: "object",
        about: "the bytes of a code object: read, and compared with a program",
        run: bytes::object,
        seeds: bytes::object_seeds,
    },
    Target {
        name: "state",
        about: "a snapshot, a delta or a log of host calls of one of several programs: read, restored, saved again, forked, resumed or replayed by interpreter and tier 2",
        run: states::state,
        seeds: states::seeds,
    },
];

/// Runs the target with this name.
///
/// # Panics
/// There is no such target, or it fails.
pub fn run(name: &str, data: &[u8]) {
    match TARGETS.iter().find(|target| target.name == name) {
        Some(target) => (target.run)(data),
        None => panic!("there is no target \"{name}\""),
    }
}

/// A random program, and its verified form.
struct Sample {
    made: Generated,
    program: Verified<'static>,
}

/// Returns the programs whose snapshots and code objects are read.
fn samples() -> &'static [Sample] {
    /// Number of programs.
    const PROGRAMS: u64 = 8;
    static SAMPLES: OnceLock<Vec<Sample>> = OnceLock::new();
    SAMPLES.get_or_init(|| {
        let sample = |seed| {
            let made = random::program(seed).expect("the generator succeeds");
            let program = Program::read(Arc::<[u8]>::from(&made.bytes[..]))
                .expect("generated programs are well formed");
            Sample { made, program: Verified::new(program).expect("generated programs verify") }
        };
        (0..PROGRAMS).map(sample).collect()
    })
}

/// Offset of the length in a program's header.
const PROGRAM_LENGTH_AT: usize = 12;

/// Offset of the checksum in the headers of all formats.
const CHECKSUM_AT: usize = 16;

/// Returns the bytes with the right checksum, and the right length at `length_at`, so that a fuzzer need not find them.
fn repaired(data: &[u8], length_at: usize) -> Vec<u8> {
    let mut bytes = data.to_vec();
    let length = bytes.len() as u32;
    if let Some(field) = bytes.get_mut(length_at..length_at + 4) {
        field.copy_from_slice(&length.to_le_bytes());
    }
    if let Some(field) = bytes.get_mut(CHECKSUM_AT..CHECKSUM_AT + 4) {
        field.fill(0);
        let checksum = crc32fast::hash(&bytes);
        bytes[CHECKSUM_AT..CHECKSUM_AT + 4].copy_from_slice(&checksum.to_le_bytes());
    }
    bytes
}
