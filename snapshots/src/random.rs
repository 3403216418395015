//! Random programs in several engines, which all have to come to the same: results, traps, places, fuel, memory and
//! globals, and at every suspension the saved state.
//!
//! ```
//! use vsp_snapshots::random::{Machine, check, program};
//! use vsp_snapshots::Way;
//! use vsp_host::engine::EngineKind;
//!
//! let mut interpreter = Machine::new(Way::Run(EngineKind::Interpreter))?;
//! let mut stepping = Machine::new(Way::Step)?;
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
mod machine;
mod minimise;
mod tally;

pub use case_file::case_file;
pub use check::{Difference, check};
pub use engine::{Engine, FrameView, Session};
pub use machine::Machine;
pub use minimise::minimise;
pub use tally::{End, Tally};

use vsp_core::generate::{Bytes, Entropy, Generated, Seed, Shape, generate};

use crate::imports;

/// The program of a seed.
///
/// # Errors
/// The generator failed, which it never should.
pub fn program(seed: u64) -> Result<Generated, String> {
    make(&mut Seed::new(seed))
}

/// A short program of a seed, with a plan that does not take long: for comparing very many. Does the host write into
/// its
/// frames?
///
/// # Errors
/// As [`program`].
pub fn short_program(seed: u64, changed_frames: bool) -> Result<Generated, String> {
    let imports = imports::for_generator();
    let shape = Shape { imports: &imports, functions: 3, statements: 10, changed_frames };
    let mut made = generate(&mut Seed::new(seed), &shape).map_err(|error| error.to_string())?;
    made.plan.turns = 12;
    Ok(made)
}

/// The program of the choices that a fuzzer made.
///
/// # Errors
/// As [`program`].
pub fn program_of_bytes(bytes: &[u8]) -> Result<Generated, String> {
    make(&mut Bytes::new(bytes))
}

/// The seeds that a test compares: so many from 0, or as the environment variable `VSP_RANDOM=FIRST..END` says.
///
/// # Panics
/// The variable is no such range.
pub fn seeds(count: u64) -> std::ops::Range<u64> {
    let Ok(text) = std::env::var("VSP_RANDOM") else { return 0..count };
    let number = |text: &str| text.parse().ok();
    match text.split_once("..").and_then(|(first, end)| Some(number(first)?..number(end)?)) {
        Some(range) => range,
        None => panic!("VSP_RANDOM is {text}, expected FIRST..END"),
    }
}

fn make(entropy: &mut dyn Entropy) -> Result<Generated, String> {
    let imports = imports::for_generator();
    let shape = Shape { imports: &imports, ..Shape::default() };
    generate(entropy, &shape).map_err(|error| error.to_string())
}
