//! Machine code as data: its target, the context that it accesses, and the sites at which it can exit.
//!
//! The compiler (feature `jit`) produces it. A host needs only this module to run it, and not the compiler.

mod code;
mod compute;
mod context;
pub(crate) mod entry;
pub(crate) mod object;
mod target;
pub(crate) mod tiers;

#[cfg(feature = "jit")]
pub(crate) use code::LoopEntry;
pub use code::{CODE_ALIGN, Code, CodeInfo, CompileOptions, ExitKind, Fingerprint, Site, Stats, Tier};
pub use compute::{compute, function_number};
pub use context::{Addresses, Context, EXITED, HostStatus, NO_SITE, TableEntry};
pub use object::{ABI_VERSION, Misfit, Object, ObjectError, Placement};
pub use target::{Arch, Caches, Target};
