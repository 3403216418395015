//! The operating system as the platform of machine code.

use std::sync::Arc;

use vsp_core::limits::MAX_PARAMS;
use vsp_core::native::{Object, ObjectError, Target};
use vsp_core::verify::Verified;
use vsp_core::{EntryRequest, Ref};
use vsp_native::{ExecutableMemory, Platform, Trusted};

use crate::exec_memory::ExecMemory;
use crate::native::{CompiledProgram, NativeError, host_target};
use crate::native_stack::{HOST_STACK, on_own_stack, remaining_stack};

/// The computer with its operating system.
#[derive(Debug)]
pub enum Os {}

/// Machine code in memory of the operating system.
pub(crate) type MachineCode = vsp_native::MachineCode<Os>;

// SAFETY: memory that is installed is an `ExecMemory`, whose start is aligned to a page, and which flushes the caches.
// `stacker` knows the stack of the thread. Rust's own functions assume 4 KiB below them, which the guard page has.
unsafe impl Platform for Os {
    type Memory = ExecMemory;
    type Error = NativeError;
    const HOST_STACK: usize = HOST_STACK;
    const LEAF_STACK: usize = 4096;
    /// The memory is reserved, and used only as deep as calls go.
    const MAX_NATIVE_STACK: u64 = 1 << 30;

    fn target() -> Result<Target, NativeError> {
        host_target()
    }

    fn install(code: &[u8]) -> Result<ExecMemory, NativeError> {
        Ok(ExecMemory::new(code)?)
    }

    #[inline(always)]
    fn remaining_stack() -> Option<usize> {
        remaining_stack()
    }

    fn on_larger_stack(bytes: usize, run: &mut dyn FnMut()) -> bool {
        on_own_stack(bytes, run).is_some()
    }
}

// SAFETY: an `ExecMemory` is readable and executable for all threads, and nothing writes to it or moves it.
unsafe impl ExecutableMemory for ExecMemory {
    fn as_bytes(&self) -> &[u8] {
        ExecMemory::as_bytes(self)
    }
}

#[cfg(feature = "cache")]
/// Reads an object that is a file of a directory for which somebody vouches.
pub(crate) fn object_in<'b>(
    _: &Trusted<std::path::PathBuf>,
    bytes: &'b [u8],
) -> Result<Trusted<Object<'b>>, ObjectError> {
    let object = Object::read(bytes)?;
    // SAFETY: the directory contains only objects that the compiler made, as its owner vouches.
    Ok(unsafe { Trusted::new(object) })
}

/// Creates a compiled program from machine code of this program: the compiler of this crate made it from the program,
/// or it is from a cache, under a key that no other program has.
pub(crate) fn compiled_program<'p>(
    machine: Arc<MachineCode>,
    program: Ref<'p, Verified<'p>>,
) -> CompiledProgram<'p> {
    // SAFETY: as above, in `VspJit::compile` and `Cache::load`.
    unsafe { CompiledProgram::new(machine, program) }
}

/// Enters the code of a region for an instance that has the tiers of its program.
pub(crate) fn enter_region<S>(
    code: &MachineCode,
    request: EntryRequest<'_, '_, S>,
    values: &mut [u64; MAX_PARAMS],
) -> bool {
    // SAFETY: only instances with the tiers of the program get its installed code, and `attach_tiers` has compared the
    // programs.
    unsafe { code.enter(request, values) }
}
