//! Test support for VSP: the tests that every engine must pass, on every architecture.
//!
//! - cases ([`parse`], [`run`], [`suspend_everywhere`]): programs with expected results, in `snapshots/cases`;
//!   `README.md` describes the format. Each is run in all [configurations](Configuration): interpreter, both tiers,
//!   single steps, saved and restored
//! - [`corpus`]: the programs of `examples/`, each with an independent implementation
//! - [`wasm`]: WebAssembly modules in every configuration, for the specification's tests and for random modules; and
//!   programs for WASI
//! - [`random`]: random programs in several engines, compared turn by turn, and minimised if they differ
//! - [`mod@reference`]: a slow evaluator, written from `docs/isa.md`, which shares nothing with the engines
//! - [`proof`]: a proof with an SMT solver that accesses and frames of machine code stay inside their bounds
//! - [`fuzz`]: the implementations of the fuzz targets
//! - [`listing()`], [`Versions`]: compiler output as text, for the snapshots

mod cases;
mod configuration;
pub mod corpus;
pub mod fuzz;
mod host_module;
mod listing;
pub mod proof;
pub mod random;
pub mod reference;
pub mod wasm;

pub use cases::{Case, Expected, Step, Tolerance, cases_folder, parse, run, sil_files, suspend_everywhere};
pub use configuration::Configuration;
pub use listing::{Versions, function_text, listing, named_functions};

/// Whether the tests are probably emulated: all architectures but x86_64 usually are. Fewer tests run then.
pub const EMULATED: bool = !cfg!(target_arch = "x86_64");
