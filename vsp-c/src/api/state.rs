//! Saving instances.

use core::ffi::c_void;

use crate::handle::Ptr;
use crate::instance::{Instance, WriterFunction};
use crate::pointer::Out;
use crate::status::{Status, guard};

/// The most bytes that a writer gets at once.
const PART: usize = 4096;

/// Stores the size of the saved state.
#[unsafe(no_mangle)]
pub extern "C" fn vsp_save_size(instance: Ptr<Instance>, size: Out<usize>) -> Status {
    guard(|| {
        let size = size.required()?;
        size.set(instance.get()?.inside.take()?.save()?.len());
        Ok(Status::OK)
    })
}

/// Saves an instance to room of the caller.
#[unsafe(no_mangle)]
pub extern "C" fn vsp_save(instance: Ptr<Instance>, to: Out<u8>, room: usize, length: Out<usize>) -> Status {
    guard(|| {
        let length = length.required()?;
        let saved = instance.get()?.inside.take()?.save()?;
        length.set(saved.len());
        if saved.len() > room {
            return Err(Status::E_ROOM);
        }
        // SAFETY: C has `room` bytes, and no fewer than these.
        unsafe { to.fill(&saved)? };
        Ok(Status::OK)
    })
}

/// Saves an instance through a function.
///
/// # Safety
/// The function can be called with `user`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vsp_save_to(
    instance: Ptr<Instance>,
    write: Option<WriterFunction>,
    user: *mut c_void,
) -> Status {
    guard(|| {
        let write = write.ok_or(Status::E_ARGUMENT)?;
        let inside = instance.get()?.inside.take()?;
        for part in inside.save()?.chunks(PART) {
            // SAFETY: C gave the function and its argument for this.
            if unsafe { write(user, part.as_ptr().cast(), part.len()) } != 0 {
                return Err(Status::E_WRITER);
            }
        }
        Ok(Status::OK)
    })
}
