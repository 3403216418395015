//! Host functions of C: what programs call.
#![allow(unsafe_code, reason = "one of the files that access memory of C")]

#[cfg(feature = "messages")]
use alloc::string::String;
use alloc::sync::Arc;
use core::ffi::{c_char, c_void};

use vsp_core::limits::{MAX_PARAMS, MAX_RESULTS};
use vsp_core::program::FuncType;
use vsp_core::{HostStop, Imports};

use crate::pointer::In;
use crate::program::{Program, room};
use crate::status::{Result, Status};

/// The bytes that the allocations for one import take at most, beside its names and three times its share of the list.
const IMPORT: usize = 192;

/// A host function of C: `vsp_host_function`.
pub type HostFunction =
    unsafe extern "C" fn(caller: *mut Caller<'_, '_>, args: *const u64, results: *mut u64) -> Status;

/// An entry of the table of host functions: `vsp_host`.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Host {
    module: In<c_char>,
    name: In<c_char>,
    call: Option<HostFunction>,
    params: u8,
    results: u8,
}

/// The state that host functions have: C's own.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) user: *mut c_void,
}

/// The running program as a host function reaches it: `vsp_caller`.
#[repr(C)]
#[derive(Debug)]
pub struct Caller<'c, 'm> {
    #[cfg(feature = "checked")]
    tag: u32,
    caller: &'c mut vsp_core::Caller<'m, State>,
    /// The code of the failure.
    code: u32,
    /// The text of the failure.
    #[cfg(feature = "messages")]
    text: Option<String>,
}

/// A pointer to a caller as C passes it: null, or the one that the running host function got.
#[repr(transparent)]
#[derive(Debug)]
pub struct CallerPtr<'c, 'm>(*mut Caller<'c, 'm>);

/// The tag of a caller.
#[cfg(feature = "checked")]
const CALLER: u32 = u32::from_le_bytes(*b"call");

impl<'c, 'm> CallerPtr<'c, 'm> {
    /// Returns the caller.
    pub(crate) fn get(&mut self) -> Result<&mut Caller<'c, 'm>> {
        if self.0.is_null() || !self.0.is_aligned() {
            return Err(Status::E_ARGUMENT);
        }
        #[cfg(feature = "checked")]
        // SAFETY: it points to a caller, or to what was one or is another handle.
        if unsafe { (*self.0).tag } != CALLER {
            return Err(Status::E_HANDLE);
        }
        // SAFETY: it is the one that the running host function got, which uses it in one thread.
        Ok(unsafe { &mut *self.0 })
    }
}

impl Caller<'_, '_> {
    pub(crate) fn user(&mut self) -> *mut c_void {
        self.caller.state().user
    }

    pub(crate) fn memory_size(&mut self) -> usize {
        self.caller.shared_parts().1.len()
    }

    pub(crate) fn bytes(&mut self, address: u64, length: usize) -> Result<&mut [u8]> {
        self.caller.bytes(address, length as u64).ok_or(Status::E_BOUNDS)
    }

    pub(crate) fn charge(&mut self, units: u64) {
        self.caller.charge(units);
    }

    /// Takes note of a failure.
    pub(crate) fn fail(&mut self, code: u32, text: Option<&str>) {
        self.code = code;
        #[cfg(feature = "messages")]
        {
            self.text = text.map(String::from);
        }
        #[cfg(not(feature = "messages"))]
        let _ = text;
    }

    /// Returns the end of the call.
    fn end(&mut self, status: Status) -> core::result::Result<(), HostStop> {
        match status {
            Status::OK => return Ok(()),
            Status::PENDING => return Err(HostStop::Pending),
            Status::TRAPPED => {}
            other => self.fail(0, Some(other.name().trim_end_matches('\0'))),
        }
        #[cfg(feature = "messages")]
        if let Some(text) = self.text.take() {
            return Err(HostStop::failed(self.code, text));
        }
        Err(HostStop::Error(self.code))
    }
}

#[cfg(feature = "checked")]
impl Drop for Caller<'_, '_> {
    /// Marks what is left on the stack as no caller.
    fn drop(&mut self) {
        // SAFETY: it is a number of this value.
        unsafe { (&raw mut self.tag).write_volatile(0) }
    }
}

/// Calls a function of C.
fn call(
    function: HostFunction,
    caller: &mut vsp_core::Caller<'_, State>,
    args: &[u64; MAX_PARAMS],
    results: &mut [u64; MAX_RESULTS],
) -> core::result::Result<(), HostStop> {
    let mut caller = Caller {
        #[cfg(feature = "checked")]
        tag: CALLER,
        caller,
        code: 0,
        #[cfg(feature = "messages")]
        text: None,
    };
    // SAFETY: C promises that the functions of its table can be called so, and use the pointers only during the call.
    let status = unsafe { function(&raw mut caller, args.as_ptr(), results.as_mut_ptr()) };
    caller.end(status)
}

/// Returns the host functions of the table that the program imports.
///
/// # Safety
/// The names of the entries are null or texts with a zero at their end.
pub(crate) unsafe fn imports(program: &Program, hosts: &[Host]) -> Result<Arc<Imports<State>>> {
    let entry = |host: &Host| -> Result<_> {
        let ty = FuncType::new(host.params.into(), host.results.into());
        let (Some(call), Some(ty)) = (host.call, ty) else { return Err(Status::E_ARGUMENT) };
        // SAFETY: the caller's promise.
        Ok((unsafe { (host.module.text()?, host.name.text()?) }, ty, call))
    };
    for host in hosts {
        entry(host)?;
    }
    let mut bytes = 128;
    for import in program.verified().program().imports() {
        bytes += IMPORT + import.module.len() + import.name.len();
    }
    room(bytes)?;
    let mut imports = Imports::new();
    for import in program.verified().program().imports() {
        let found = hosts.iter().filter_map(|host| entry(host).ok());
        let named = (import.module, import.name);
        // What is missing, or has another type, is refused by the instance, with a message.
        if let Some((_, ty, function)) = found.into_iter().find(|(name, ..)| *name == named) {
            // A program can import a name twice.
            let _ = imports.define_raw(import.module, import.name, ty, move |caller, args, results| {
                call(function, caller, args, results)
            });
        }
    }
    Ok(Arc::new(imports))
}
