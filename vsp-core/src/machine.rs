//! The execution of an instance: calls of the host, and what the program does outside of a frame.
//!
//! The interpreter executes the instructions of one frame. Everything that changes frames or leaves the program returns
//! to [`Machine`](state::Machine) as an [`Exit`](crate::interp::frame::Exit). Instances are below this module, so the
//! methods that run them are here.

mod async_call;
mod call;
#[cfg(feature = "native")]
mod context;
mod execute;
mod memory;
#[cfg(feature = "native")]
mod native;
#[cfg(feature = "native")]
mod native_call;
mod state;
mod step;
#[cfg(feature = "native")]
mod tiers;

pub use async_call::{FuelSlices, HostRequest};
#[cfg(feature = "native")]
pub use native_call::NotReturned;
