//! A second opinion on what programs mean: a slow evaluator, written from `docs/isa.md` and from nothing else.
//!
//! It shares no code with the engines that it is compared with, and does things in other ways where there are any: it takes
//! words apart by itself, computes with wide integers and with the floating numbers of the `rustc_apfloat` crate, keeps
//! registers and locals in maps, and counts fuel instruction by instruction. So it numbers the opcodes again, as that page
//! does. From `vsp-core` it takes the sections of a program, and the types in which outcomes are told.

mod bytesil;
mod calls;
mod cases;
mod data;
mod float;
mod frame;
mod host;
mod integer;
mod numbers;
mod session;
mod states;
mod word;

pub use bytesil::computed;
pub use cases::run_case;
pub use session::Reference;
