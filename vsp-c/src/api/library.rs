//! The library itself: versions, names, memory.

use core::ffi::{c_char, c_void};

use crate::pointer::Out;
use crate::status::{Status, guard};
use crate::types::{Allocate, Release};

/// Returns the version of the library: major << 16 | minor << 8 | patch.
#[unsafe(no_mangle)]
pub extern "C" fn vsp_version() -> u32 {
    const fn number(text: &str) -> u32 {
        let mut number = 0;
        let mut at = 0;
        while at < text.len() {
            number = number * 10 + (text.as_bytes()[at] - b'0') as u32;
            at += 1;
        }
        number
    }
    const VERSION: u32 = number(env!("CARGO_PKG_VERSION_MAJOR")) << 16
        | number(env!("CARGO_PKG_VERSION_MINOR")) << 8
        | number(env!("CARGO_PKG_VERSION_PATCH"));
    VERSION
}

/// Returns what the library was built with, as bits.
#[unsafe(no_mangle)]
pub extern "C" fn vsp_features() -> u32 {
    [
        cfg!(feature = "messages"),
        cfg!(feature = "text"),
        cfg!(feature = "wasm"),
        cfg!(feature = "jit"),
        cfg!(feature = "checked"),
        cfg!(target_os = "none"),
        cfg!(any(feature = "float", feature = "math")),
        cfg!(feature = "math"),
        cfg!(feature = "bytesil"),
    ]
    .iter()
    .enumerate()
    .fold(0, |bits, (bit, is_there)| bits | u32::from(*is_there) << bit)
}

/// Returns the name of a status.
#[unsafe(no_mangle)]
pub extern "C" fn vsp_status_name(status: Status) -> *const c_char {
    status.name().as_ptr().cast()
}

/// Returns the name of a kind of trap.
#[unsafe(no_mangle)]
pub extern "C" fn vsp_trap_name(trap: u32) -> *const c_char {
    let name = match trap {
        1 => "Explicit\0",
        2 => "MemoryOutOfBounds\0",
        3 => "DivideByZero\0",
        4 => "StackOverflow\0",
        5 => "BadIndirectCall\0",
        6 => "Host\0",
        7 => "GlobalOutOfBounds\0",
        _ => "unknown trap\0",
    };
    name.as_ptr().cast()
}

/// Gives the library its memory.
///
/// # Safety
/// From now on the memory belongs to the library.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vsp_init_arena(memory: *mut c_void, length: usize) -> Status {
    #[cfg(target_os = "none")]
    // SAFETY: C gives the memory away.
    return guard(|| unsafe { crate::memory::init_arena(memory, length) }.map(|()| Status::OK));
    #[cfg(not(target_os = "none"))]
    {
        let _ = (memory, length);
        Status::E_UNSUPPORTED
    }
}

/// Gives the library functions that allocate and free.
#[unsafe(no_mangle)]
pub extern "C" fn vsp_init_allocator(
    allocate: Option<Allocate>,
    release: Option<Release>,
    user: *mut c_void,
) -> Status {
    guard(|| {
        let (Some(allocate), Some(release)) = (allocate, release) else { return Err(Status::E_ARGUMENT) };
        #[cfg(target_os = "none")]
        return crate::memory::init_allocator(allocate, release, user).map(|()| Status::OK);
        #[cfg(not(target_os = "none"))]
        {
            let _ = (allocate, release, user);
            Err(Status::E_UNSUPPORTED)
        }
    })
}

/// Stores the bytes of the arena that are used and free.
#[unsafe(no_mangle)]
pub extern "C" fn vsp_arena_use(used: Out<usize>, free: Out<usize>) -> Status {
    guard(|| {
        let (used, free) = (used.optional()?, free.optional()?);
        #[cfg(target_os = "none")]
        {
            let (bytes_used, bytes_free) = crate::memory::arena_use()?;
            used.set(bytes_used);
            free.set(bytes_free);
            Ok(Status::OK)
        }
        #[cfg(not(target_os = "none"))]
        {
            let _ = (used, free);
            Err(Status::E_UNSUPPORTED)
        }
    })
}
