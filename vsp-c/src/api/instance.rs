//! Instances: creating, freeing, and what is inside.

use core::ffi::c_void;

use crate::handle::Ptr;
use crate::host::{Host, imports};
use crate::instance::{Inside, Instance, Parts};
use crate::message::{Message, Wanted};
use crate::pointer::{In, Out};
use crate::program::Program;
use crate::status::{Result, Status, guard};
use crate::types::Options;

/// Creates an instance.
#[unsafe(no_mangle)]
pub extern "C" fn vsp_instance_new(
    program: Ptr<Program>,
    hosts: In<Host>,
    count: usize,
    user: *mut c_void,
    options: In<Options>,
    message: Out<Message>,
    instance: Out<Ptr<Instance>>,
) -> Status {
    create(program, None, hosts, count, user, options, message, instance)
}

/// Restores an instance.
#[unsafe(no_mangle)]
pub extern "C" fn vsp_restore(
    program: Ptr<Program>,
    saved: In<u8>,
    length: usize,
    hosts: In<Host>,
    count: usize,
    user: *mut c_void,
    options: In<Options>,
    message: Out<Message>,
    instance: Out<Ptr<Instance>>,
) -> Status {
    create(program, Some((saved, length)), hosts, count, user, options, message, instance)
}

/// Creates an instance, or restores it from saved bytes and their number.
#[expect(clippy::too_many_arguments, reason = "they are those of the functions above")]
fn create(
    program: Ptr<Program>,
    saved: Option<(In<u8>, usize)>,
    hosts: In<Host>,
    count: usize,
    user: *mut c_void,
    options: In<Options>,
    message: Out<Message>,
    instance: Out<Ptr<Instance>>,
) -> Status {
    guard(|| {
        let instance = instance.required()?;
        // SAFETY: the text of a message has the room that it says.
        let message = unsafe { Wanted::new(message)? };
        let program = program.get()?;
        let saved = match saved {
            // SAFETY: there are `length` bytes.
            Some((bytes, length)) => Some(unsafe { bytes.slice(length)? }),
            None => None,
        };
        // SAFETY: there are `count` entries, whose names are null or texts with a zero at their end.
        let imports = unsafe { imports(program, hosts.slice(count)?)? };
        let options = options.get()?.unwrap_or(Options::DEFAULT).core()?;
        let parts = Parts { program, imports, user, options, message };
        let made = match saved {
            Some(saved) => Instance::restore(parts, saved)?,
            None => Instance::new(parts)?,
        };
        Ptr::create(made, instance)?;
        Ok(Status::OK)
    })
}

/// Frees an instance.
#[unsafe(no_mangle)]
pub extern "C" fn vsp_instance_free(instance: Ptr<Instance>) -> Status {
    guard(|| instance.free().map(|()| Status::OK))
}

/// Runs `use_it` with what is inside an instance.
fn with(instance: Ptr<Instance>, use_it: impl FnOnce(&mut Inside) -> Result) -> Status {
    guard(|| {
        use_it(&mut *instance.get()?.inside.take()?)?;
        Ok(Status::OK)
    })
}

/// Stores what `find` returns.
fn found<T>(instance: Ptr<Instance>, out: Out<T>, find: impl FnOnce(&mut Inside) -> Result<T>) -> Status {
    with(instance, |inside| {
        let out = out.required()?;
        out.set(find(inside)?);
        Ok(())
    })
}

/// Stores the user pointer.
#[unsafe(no_mangle)]
pub extern "C" fn vsp_user(instance: Ptr<Instance>, user: Out<*mut c_void>) -> Status {
    found(instance, user, |it| Ok(it.state_mut().user))
}

/// Changes the user pointer.
#[unsafe(no_mangle)]
pub extern "C" fn vsp_set_user(instance: Ptr<Instance>, user: *mut c_void) -> Status {
    with(instance, |it| {
        it.state_mut().user = user;
        Ok(())
    })
}

/// Stores the balance of fuel.
#[unsafe(no_mangle)]
pub extern "C" fn vsp_fuel(instance: Ptr<Instance>, fuel: Out<i64>) -> Status {
    found(instance, fuel, |it| it.fuel())
}

/// Sets the balance of fuel.
#[unsafe(no_mangle)]
pub extern "C" fn vsp_set_fuel(instance: Ptr<Instance>, fuel: u64) -> Status {
    with(instance, |it| it.set_fuel(fuel))
}

/// Adds to the balance of fuel.
#[unsafe(no_mangle)]
pub extern "C" fn vsp_add_fuel(instance: Ptr<Instance>, fuel: u64) -> Status {
    with(instance, |it| it.add_fuel(fuel))
}

/// Stores the size of the memory.
#[unsafe(no_mangle)]
pub extern "C" fn vsp_memory_size(instance: Ptr<Instance>, size: Out<usize>) -> Status {
    found(instance, size, |it| Ok(it.memory_size()))
}

/// Stores a pointer to bytes of the memory.
#[unsafe(no_mangle)]
pub extern "C" fn vsp_memory(
    instance: Ptr<Instance>,
    address: u64,
    length: usize,
    bytes: Out<*mut u8>,
) -> Status {
    found(instance, bytes, |it| Ok(it.bytes(address, length)?.as_mut_ptr()))
}

/// Copies bytes out of the memory.
#[unsafe(no_mangle)]
pub extern "C" fn vsp_read(instance: Ptr<Instance>, address: u64, to: Out<u8>, length: usize) -> Status {
    // SAFETY: C has room for `length` bytes, outside of the instance.
    with(instance, |it| unsafe { to.fill(it.bytes(address, length)?) })
}

/// Copies bytes into the memory.
#[unsafe(no_mangle)]
pub extern "C" fn vsp_write(instance: Ptr<Instance>, address: u64, from: In<u8>, length: usize) -> Status {
    with(instance, |it| {
        // SAFETY: C lets the library read `length` bytes, outside of the instance.
        it.bytes(address, length)?.copy_from_slice(unsafe { from.slice(length)? });
        Ok(())
    })
}

/// Stores the value of a global.
#[unsafe(no_mangle)]
pub extern "C" fn vsp_global(instance: Ptr<Instance>, global: u32, value: Out<u64>) -> Status {
    found(instance, value, |it| it.global(global))
}

/// Changes the value of a global.
#[unsafe(no_mangle)]
pub extern "C" fn vsp_set_global(instance: Ptr<Instance>, global: u32, value: u64) -> Status {
    with(instance, |it| it.set_global(global, value))
}
