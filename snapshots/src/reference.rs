//! A second implementation of the instruction set: a slow evaluator, written from `docs/isa.md` only.
//!
//! It shares no code with the engines that it is compared with, and uses other methods where there are any: it decodes
//! words itself, computes with wide integers and with the floating-point numbers of the `rustc_apfloat` crate, keeps
//! registers and locals in maps, and counts fuel instruction by instruction. Therefore it numbers the opcodes again, as
//! `docs/isa.md` does. From `vsp-core` it takes the sections of a program, and the types of outcomes.

mod bytesil;
mod calls;
mod cases;
mod data;
mod float;
mod frame;
mod host;
mod integer;
mod machine;
mod numbers;
mod states;
mod word;

pub use bytesil::computed;
pub use cases::run_case;
pub use machine::Reference;
