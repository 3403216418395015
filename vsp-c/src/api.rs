//! The functions of `vsp.h`. It says what C promises for their parameters; the types and the `SAFETY` comments
//! rely on it.
#![allow(unsafe_code, reason = "exported names and pointers of C")]

pub mod caller;
pub mod instance;
pub mod library;
pub mod program;
pub mod run;
pub mod state;
