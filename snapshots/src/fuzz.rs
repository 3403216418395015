//! What fuzzers call. A target takes any bytes and panics if something that is promised does not hold.
//!
//! `fuzz/` runs them with libFuzzer; `tests/fuzz.rs` runs each for a second on its corpus and on changes of it.

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

/// A function for fuzzers.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// Its name: that of its file in `fuzz/fuzz_targets`, and of its folder in `fuzz/corpus`.
    pub name: &'static str,
    /// What it takes, and what it checks.
    pub about: &'static str,
    /// Runs it.
    pub run: fn(&[u8]),
    /// Inputs to start from.
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
        about: "a saved state of one of some programs: read, restored, saved again, resumed by interpreter and tier 2",
        run: states::state,
        seeds: states::seeds,
    },
];

/// The target with this name.
///
/// # Panics
/// There is none.
pub fn run(name: &str, data: &[u8]) {
    match TARGETS.iter().find(|target| target.name == name) {
        Some(target) => (target.run)(data),
        None => panic!("there is no target \"{name}\""),
    }
}

/// A random program, and its bytes as they are used.
struct Known {
    made: Generated,
    program: Verified<'static>,
}

/// The programs whose saved states and code objects are read.
fn known() -> &'static [Known] {
    /// How many there are.
    const PROGRAMS: u64 = 8;
    static KNOWN: OnceLock<Vec<Known>> = OnceLock::new();
    KNOWN.get_or_init(|| {
        let known = |seed| {
            let made = random::program(seed).expect("the generator makes programs");
            let program = Program::read(Arc::<[u8]>::from(&made.bytes[..])).expect("of the right format");
            Known { made, program: Verified::new(program).expect("that are verified") }
        };
        (0..PROGRAMS).map(known).collect()
    })
}

/// Where a program's header keeps its length.
const PROGRAM_LENGTH_AT: usize = 12;

/// Where files of all formats keep their checksum.
const CHECKSUM_AT: usize = 16;

/// The bytes with the checksum, and the length at this place, that they must have, so that a fuzzer need not find them.
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
