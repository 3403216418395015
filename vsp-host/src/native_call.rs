//! The call into machine code, and the calls that machine code makes to the host.
//!
//! What makes these safe: machine code comes from `vsp-core`'s compiler, at once or by a [`Trusted`] code object; it
//! lowers verified programs only, and the code reaches nothing but its native stack, and what the context's addresses lead to, within the bounds that stand there. [`enter`] fills
//! the context with the addresses and bounds of one session, which is borrowed for as long as the code runs. Until the code is
//! left, only it and the functions below touch what was lent to it, one at a time: they run on the same thread, and use
//! the same raw pointers.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::PathBuf;
use std::ptr;
use std::slice;

use vsp_core::index::ImportIndex;
use vsp_core::native::{self, CodeInfo, Context, HostStatus, Object, ObjectError};
use vsp_core::{HostCalls, HostStop, Session};

use crate::exec_memory::ExecMemory;

/// Machine code uses the System V convention on x86_64, on every system; elsewhere it is that of C.
macro_rules! extern_machine {
    ($($(#[$doc:meta])* fn $name:ident $(<$generic:ident>)? ($($arg:ident: $ty:ty),*) $(-> $result:ty)? $body:block)*) => {$(
        $(#[$doc])*
        #[cfg(target_arch = "x86_64")]
        extern "sysv64" fn $name $(<$generic>)? ($($arg: $ty),*) $(-> $result)? $body
        $(#[$doc])*
        #[cfg(not(target_arch = "x86_64"))]
        extern "C" fn $name $(<$generic>)? ($($arg: $ty),*) $(-> $result)? $body
    )*};
}

/// An entry: context, remaining cells, address of the function; what it gives is 0 if the function returned.
#[cfg(target_arch = "x86_64")]
type Entry = extern "sysv64" fn(*mut Context, u64, u64) -> u64;
/// An entry: context, remaining cells, address of the function; what it gives is 0 if the function returned.
#[cfg(not(target_arch = "x86_64"))]
type Entry = extern "C" fn(*mut Context, u64, u64) -> u64;

/// What a session keeps for the calls of its host functions.
struct Host<'s, S> {
    calls: HostCalls<'s, S>,
    memory: *mut u8,
    memory_size: usize,
    /// What a host function panicked with, and the fuel that was left then.
    panic: Option<(Box<dyn Any + Send>, i64)>,
}

/// Bytes of native stack for host functions, and for the entry.
pub(crate) const HOST_STACK: usize = 256 << 10;

/// Machine code that somebody vouches for: an [`Object`], an [`ExecMemory`] that holds one, or the path of a directory
/// with nothing but such objects.
#[derive(Clone, Debug)]
pub struct Trusted<T>(T);

impl<T> Trusted<T> {
    /// Vouches for machine code.
    ///
    /// # Safety
    /// Each code object in it is what VSP's compiler made, unchanged, from the program with which it will be loaded. A
    /// directory stays so for as long as it is used.
    #[must_use]
    pub unsafe fn new(code: T) -> Trusted<T> {
        Trusted(code)
    }

    /// What is trusted.
    pub fn get(&self) -> &T {
        &self.0
    }

    /// What was trusted.
    #[must_use]
    pub fn into_inner(self) -> T {
        self.0
    }
}

impl Trusted<PathBuf> {
    /// Reads an object that is a file of the directory.
    pub(crate) fn object<'b>(&self, bytes: &'b [u8]) -> Result<Trusted<Object<'b>>, ObjectError> {
        Object::read(bytes).map(Trusted)
    }
}

/// Machine code, and where it is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Located<'c> {
    pub(crate) info: &'c CodeInfo,
    pub(crate) memory: &'c ExecMemory,
    /// Where the code starts in the memory.
    pub(crate) start: usize,
}

/// Enters a function, as `NativeCode::enter` wants it. `entry` and `function` are offsets in the code; `stack` is how many
/// bytes of native stack it can take.
///
/// # Panics
/// Whatever a host function panics with.
pub(crate) fn enter<S>(
    Located { info, memory, start }: Located<'_>,
    (entry, function): (usize, usize),
    session: Session<'_, S>,
    remaining: u64,
    stack: usize,
) -> bool {
    let (Some(entry), Some(function)) = (memory.entry(start + entry), memory.entry(start + function)) else {
        unreachable!("entries are inside the code")
    };
    let Session { context, memory: bytes, globals, cells, interrupt, host } = session;
    let mut host = Host { calls: host, memory_size: bytes.len(), memory: bytes.as_mut_ptr(), panic: None };
    context.memory = address(host.memory);
    context.memory_size = host.memory_size as u64;
    context.globals = address(globals.as_mut_ptr());
    context.cells = cells.len() as u64;
    context.cells_end = address(cells.as_mut_ptr_range().end);
    context.interrupt = address(interrupt.as_ptr());
    context.code = (memory.address_range().start + start) as u64;
    context.functions = address(info.table().as_ptr().cast_mut());
    context.host_call = host_call::<S> as *const () as u64;
    context.math = math as *const () as u64;
    context.copy = copy as *const () as u64;
    context.fill = fill as *const () as u64;
    context.host = address(&raw mut host);

    // SAFETY: `Code::entry` says that there is a function of this type at the offset, and the code lies at
    // `start` in `memory`; they stay mapped while `memory` is borrowed.
    let entry = unsafe { std::mem::transmute::<*const u8, Entry>(entry) };
    let pointer: *mut Context = context;
    let left = on_enough_stack(stack + HOST_STACK, || entry(pointer, remaining, function as u64));
    if let Some((payload, fuel)) = host.panic {
        context.fuel = fuel;
        resume_unwind(payload);
    }
    left != 0
}

/// The address of something that machine code, or a function below, will use.
fn address<T>(pointer: *mut T) -> u64 {
    pointer.expose_provenance() as u64
}

/// Runs something that needs so much native stack: here, or on a stack of its own.
fn on_enough_stack<R>(bytes: usize, run: impl FnOnce() -> R) -> R {
    stacker::maybe_grow(bytes, bytes + HOST_STACK, run)
}

extern_machine! {
    /// Calls a host function for machine code. A panic ends here and goes on when the code has been left.
    fn host_call<S>(context: *mut Context, import: u64) -> u64 {
        // SAFETY: machine code hands on the context that `enter` gave it, which is borrowed there, and does not touch it
        // before this returns.
        let context = unsafe { &mut *context };
        // SAFETY: `enter::<S>` put the address of its `Host<S>` there together with that of this function, so the type
        // is right; nobody uses it but this function, which does not run twice at once since host functions cannot call
        // back into the instance.
        let host = unsafe { &mut *ptr::with_exposed_provenance_mut::<Host<'_, S>>(context.host as usize) };
        // SAFETY: pointer and size are those of the session's memory, which is lent to the code that waits for this.
        let memory = unsafe { slice::from_raw_parts_mut(host.memory, host.memory_size) };
        let import = ImportIndex(import as u32);
        let called = catch_unwind(AssertUnwindSafe(|| {
            host.calls.call(import, memory, &mut context.fuel, &mut context.values)
        }));
        let status = match called {
            Ok(Ok(())) => HostStatus::Done,
            Ok(Err(HostStop::Pending)) => HostStatus::Pending,
            Ok(Err(HostStop::Error(code))) => {
                context.value = u64::from(code);
                HostStatus::Error
            }
            Err(payload) => {
                host.panic = Some((payload, context.fuel));
                HostStatus::Error
            }
        };
        status as u64
    }

    /// What machine code leaves to the host.
    fn math(function: u64, b: u64, c: u64) -> u64 {
        native::compute(function, b, c)
    }

    /// MEMCOPY for machine code, which has checked the ranges.
    fn copy(to: u64, from: u64, length: u64) {
        let from = ptr::with_exposed_provenance::<u8>(from as usize);
        let to = ptr::with_exposed_provenance_mut::<u8>(to as usize);
        // SAFETY: machine code adds addresses to that of the session's memory after it has checked that `length` bytes
        // from there are inside; the memory is lent to it.
        unsafe { ptr::copy(from, to, length as usize) };
    }

    /// MEMFILL for machine code, which has checked the range; and zeros for its frames.
    fn fill(to: u64, byte: u64, length: u64) {
        let to = ptr::with_exposed_provenance_mut::<u8>(to as usize);
        // SAFETY: the range is in the session's memory, as for `copy`; or it is a frame's locals in the session's cells,
        // which fit, as was checked at the call. Zeros are valid cells.
        unsafe { ptr::write_bytes(to, byte as u8, length as usize) };
    }
}
