//! What a host function can do.

use core::ffi::{c_char, c_void};
use core::ptr::null_mut;

use crate::host::{Caller, CallerPtr};
use crate::pointer::{In, Out};
use crate::status::{Result, Status, guard};

/// Runs `use_it` with the caller.
fn with(mut caller: CallerPtr<'_, '_>, use_it: impl FnOnce(&mut Caller<'_, '_>) -> Result) -> Status {
    guard(|| {
        use_it(caller.get()?)?;
        Ok(Status::OK)
    })
}

/// Returns the user pointer of the instance.
#[unsafe(no_mangle)]
pub extern "C" fn vsp_caller_user(mut caller: CallerPtr<'_, '_>) -> *mut c_void {
    caller.get().map_or(null_mut(), Caller::user)
}

/// Stores the size of the memory.
#[unsafe(no_mangle)]
pub extern "C" fn vsp_caller_memory_size(caller: CallerPtr<'_, '_>, size: Out<usize>) -> Status {
    with(caller, |it| {
        size.required()?.set(it.memory_size());
        Ok(())
    })
}

/// Stores a pointer to bytes of the memory.
#[unsafe(no_mangle)]
pub extern "C" fn vsp_caller_memory(
    caller: CallerPtr<'_, '_>,
    address: u64,
    length: usize,
    bytes: Out<*mut u8>,
) -> Status {
    with(caller, |it| {
        let bytes = bytes.required()?;
        bytes.set(it.bytes(address, length)?.as_mut_ptr());
        Ok(())
    })
}

/// Copies bytes out of the memory.
#[unsafe(no_mangle)]
pub extern "C" fn vsp_caller_read(
    caller: CallerPtr<'_, '_>,
    address: u64,
    to: Out<u8>,
    length: usize,
) -> Status {
    // SAFETY: C has room for `length` bytes, outside of the instance.
    with(caller, |it| unsafe { to.fill(it.bytes(address, length)?) })
}

/// Copies bytes into the memory.
#[unsafe(no_mangle)]
pub extern "C" fn vsp_caller_write(
    caller: CallerPtr<'_, '_>,
    address: u64,
    from: In<u8>,
    length: usize,
) -> Status {
    with(caller, |it| {
        // SAFETY: C lets the library read `length` bytes, outside of the instance.
        it.bytes(address, length)?.copy_from_slice(unsafe { from.slice(length)? });
        Ok(())
    })
}

/// Takes fuel.
#[unsafe(no_mangle)]
pub extern "C" fn vsp_caller_charge(caller: CallerPtr<'_, '_>, units: u64) -> Status {
    with(caller, |it| {
        it.charge(units);
        Ok(())
    })
}

/// Notes a failure, and returns the status that the host function returns then.
#[unsafe(no_mangle)]
pub extern "C" fn vsp_caller_fail(mut caller: CallerPtr<'_, '_>, code: u32, text: In<c_char>) -> Status {
    guard(|| {
        let caller = caller.get()?;
        // SAFETY: it is null or a text with a zero at its end.
        caller.fail(code, unsafe { text.text() }.ok());
        Ok(Status::TRAPPED)
    })
}
