//! Random programs in several engines, which must agree on results, traps, locations, fuel, memory and globals, and at
//! every suspension on the snapshot.
//!
//! ```
//! use vsp_snapshots::Configuration;
//! use vsp_snapshots::random::{VspEngine, check, program};
//! use vsp_host::engine::EngineKind;
//!
//! let mut interpreter = VspEngine::new(Configuration::Run(EngineKind::Interpreter))?;
//! let mut stepping = VspEngine::new(Configuration::Step)?;
//! for seed in 0..10 {
//!     let made = program(seed)?;
//!     check(&made, &mut [&mut interpreter, &mut stepping]).map_err(|difference| difference.to_string())?;
//! }
//! # Ok::<(), String>(())
//! ```

mod candidate;
mod case_file;
mod check;
mod engine;
mod minimise;
mod tally;
mod vsp_engine;

pub use case_file::case_file;
pub use check::{Difference, check};
pub use engine::{Engine, EngineInstance, FrameView};
pub use minimise::minimise;
pub use tally::{End, Tally};
pub use vsp_engine::VspEngine;

use vsp_core::generate::{Bytes, Entropy, Generated, Seed, Shape, generate};

use crate::host_module;

/// Generates the program of a seed.
///
/// # Errors
/// The generator failed, which never happens unless it has a bug.
pub fn program(seed: u64) -> Result<Generated, String> {
    make(&mut Seed::new(seed))
}

/// Generates a short program of a seed, with a short plan, for comparing very many programs. With `changed_frames` the
/// host writes into the frames of suspended programs.
///
/// # Errors
/// As [`program`].
pub fn short_program(seed: u64, changed_frames: bool) -> Result<Generated, String> {
    let imports = host_module::for_generator();
    let shape = Shape { imports: &imports, functions: 3, statements: 10, changed_frames };
    let mut made = generate(&mut Seed::new(seed), &shape).map_err(|error| error.to_string())?;
    made.plan.turns = 12;
    Ok(made)
}

/// Generates the program of the choices that a fuzzer made.
///
/// # Errors
/// As [`program`].
pub fn program_of_bytes(bytes: &[u8]) -> Result<Generated, String> {
    make(&mut Bytes::new(bytes))
}

/// Returns the seeds that a test compares: `count` seeds from 0, or those of the environment variable
/// `VSP_RANDOM=FIRST..END`.
///
/// # Panics
/// The variable is not such a range.
pub fn seeds(count: u64) -> std::ops::Range<u64> {
    let Ok(text) = std::env::var("VSP_RANDOM") else { return 0..count };
    let number = |text: &str| text.parse().ok();
    match text.split_once("..").and_then(|(first, end)| Some(number(first)?..number(end)?)) {
        Some(range) => range,
        None => panic!("VSP_RANDOM is {text}, expected FIRST..END"),
    }
}

fn make(entropy: &mut dyn Entropy) -> Result<Generated, String> {
    let imports = host_module::for_generator();
    let shape = Shape { imports: &imports, ..Shape::default() };
    generate(entropy, &shape).map_err(|error| error.to_string())
}
