//! The call into machine code, and the calls that machine code makes to the host.
//!
//! The safety argument:
//!
//! - Machine code comes from `vsp-core`'s compiler, directly or as a [`Trusted`](crate::Trusted) code object. The compiler lowers
//!   verified programs only, and the code accesses only its native stack and the data at the context's addresses,
//!   within the bounds of the context.
//! - The instance fills its context with the addresses and bounds of its data, which it never moves, and which a
//!   request borrows while the code runs. [`enter`] adds the addresses of code and functions, for an instance of the
//!   code's program. The [`CodeKey`], which never leaves the [`MachineCode`], shows whether the addresses in the
//!   context are those that [`enter`] stored for this code. The code does not write these fields, and safe code cannot
//!   reach them.
//! - Until the code exits, only it and the functions below touch the instance's data, one at a time: they run on the
//!   same thread, and use the same addresses, which were exposed for this request.

use core::mem::ManuallyDrop;
use core::ptr;
use core::slice;

use vsp_core::index::ImportIndex;
use vsp_core::limits::{MAX_PARAMS, MAX_RESULTS};
use vsp_core::native::{self, Addresses, Context, EXITED, HostStatus, NO_SITE};
use vsp_core::verify::Verified;
use vsp_core::{EntryRequest, HostCalls, HostEnd};

use crate::machine_code::{Found, MachineCode};
use crate::platform::Platform;
use crate::unwind::{self, Payload};

/// Defines functions with the calling convention of machine code: System V on x86_64, on every system, and C elsewhere.
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

macro_rules! extern_machine_type {
    ($($(#[$doc:meta])* type $name:ident = fn $args:tt -> $result:ty;)*) => {$(
        $(#[$doc])*
        #[cfg(target_arch = "x86_64")]
        type $name = extern "sysv64" fn $args -> $result;
        $(#[$doc])*
        #[cfg(not(target_arch = "x86_64"))]
        type $name = extern "C" fn $args -> $result;
    )*};
}

extern_machine_type! {
    /// An entry. It takes the context, the remaining cells and the address of the function, and returns 0 if the
    /// function returned.
    type Shaped = fn(*mut Context, u64, u64) -> u64;
    /// A function. It takes the context, the remaining cells, the fuel if it is counted, and its parameters.
    type Direct = fn(*mut Context, u64, u64, u64, u64, u64) -> Returned;
}

/// The return value of a function: its first result, if it has one, and a status. The status is 0 if the function
/// returned; if fuel is counted, it is the fuel, or [`EXITED`].
#[derive(Clone, Copy)]
#[repr(C)]
struct Returned {
    status: u64,
    first: u64,
}

/// Largest number of parameters, including the fuel, of a function that is called without an entry, with all parameters
/// in registers. On s390x there is no such function: the C calling convention returns two results in memory, and that
/// of machine code in registers.
const DIRECT_PARAMS: usize = 4;
const CAN_BE_DIRECT: bool = cfg!(not(target_arch = "s390x"));

/// The data of a request for the calls of its host functions.
struct Host<'s, 'a, S> {
    calls: &'s mut HostCalls<'a, S>,
    /// A panic of a host function. It is set only if the code exited, and then taken, so that it is never dropped here.
    panic: ManuallyDrop<Option<Panic>>,
}

/// The payload of a host function's panic, and the remaining fuel at that time.
type Panic = (Payload, i64);

impl<P: Platform> MachineCode<P> {
    /// Enters the code, as `NativeCode::enter` specifies. The code has the entry of the request.
    ///
    /// # Safety
    /// The code was made from the program of the instance that makes the request, or is a region of it.
    ///
    /// # Panics
    /// The code has no such entry. A panic of a host function is resumed.
    pub unsafe fn enter<S>(&self, request: EntryRequest<'_, '_, S>, values: &mut [u64; MAX_PARAMS]) -> bool {
        self.enter_checked(|_| true, request, values)
    }

    /// Enters the code, as `NativeCode::enter` specifies. `is_for` returns whether the code was made from a program. The
    /// code has the entry of the request.
    ///
    /// # Panics
    /// The code was not made from the program of the instance. A panic of a host function is resumed.
    pub(crate) fn enter_checked<S>(
        &self,
        is_for: impl FnOnce(&Verified<'_>) -> bool,
        request: EntryRequest<'_, '_, S>,
        values: &mut [u64; MAX_PARAMS],
    ) -> bool {
        let Some(found) = self.find(request.entry()) else {
            unreachable!("code is entered only where it has an entry")
        };
        found.enter(self, is_for, request, values, found.params, MAX_RESULTS)
    }
}

/// Returns the native stack in bytes that machine code needs for frames in this number of cells, with the host functions
/// that it calls. `bytes_per_cell` is that of the code.
#[inline(always)]
pub fn stack_for<P: Platform>(cells: u64, bytes_per_cell: u32) -> usize {
    cells as usize * bytes_per_cell as usize + P::HOST_STACK
}

/// Calls a function that needs `bytes` of native stack, if the current stack has them. `None` stands for the size that is
/// always available. Returns `None` if the function was not called.
#[inline(always)]
fn with_stack<P: Platform, R>(bytes: Option<usize>, run: impl FnOnce() -> R) -> Option<R> {
    match bytes {
        Some(bytes) if P::remaining_stack().is_none_or(|remaining| remaining < bytes) => None,
        _ => Some(run()),
    }
}

impl Found {
    /// Enters the code at this entry, which [`MachineCode::find`] returned for the entry of the request. `params` and
    /// `results` are the numbers of values that it takes and returns. If the native stack lacks room, the code is not
    /// entered. Returns whether the code exited or was not entered.
    ///
    /// # Panics
    /// The code was not made from the program of the instance. A panic of a host function is resumed.
    #[inline(always)]
    pub(crate) fn enter<P: Platform, S>(
        &self,
        code: &MachineCode<P>,
        is_for: impl FnOnce(&Verified<'_>) -> bool,
        mut request: EntryRequest<'_, '_, S>,
        values: &mut [u64; MAX_PARAMS],
        params: usize,
        results: usize,
    ) -> bool {
        if !request.is_filled_by(&code.key) {
            fill_context(&mut request, code, is_for);
        }
        let remaining = request.remaining();
        // SAFETY: the request borrows both from its instance, and is not used again before machine code has exited.
        let (context, calls) = unsafe { (&mut *request.context(), &mut *request.host()) };
        let mut host = Host { calls, panic: ManuallyDrop::new(None) };
        context.host = address(&raw mut host);

        let stack = match self.is_leaf {
            true => None,
            false => Some(stack_for::<P>(remaining + self.cells, code.info.bytes_per_cell())),
        };
        let returned = if CAN_BE_DIRECT && params + usize::from(code.counts_fuel) <= DIRECT_PARAMS {
            let direct = ptr::with_exposed_provenance::<u8>(self.address);
            // SAFETY: the address is from `CodeInfo`: at it is a function that takes `params` values. With the fuel, if
            // it is counted, these are at most the parameters of `Direct`, in the same registers; the function ignores
            // the other registers. The code stays mapped while `code` is borrowed.
            let direct = unsafe { core::mem::transmute::<*const u8, Direct>(direct) };
            let [a, b, c, d, ..] = *values;
            // One call for each: code that selects the arguments would load them together, and wait until they are
            // stored.
            if code.counts_fuel {
                let fuel = context.fuel as u64;
                context.site = NO_SITE;
                let pointer = &raw mut *context;
                let returned = with_stack::<P, _>(stack, move || direct(pointer, remaining, fuel, a, b, c));
                returned.map(|returned| took_fuel(context, returned))
            } else {
                let pointer = &raw mut *context;
                with_stack::<P, _>(stack, move || direct(pointer, remaining, a, b, c, d))
            }
        } else {
            context.site = NO_SITE;
            context.values = *values;
            self.enter_with_values::<P>(context, remaining, stack)
        };
        let Some(Returned { status, first }) = returned else {
            context.site = NO_SITE;
            return true;
        };
        let left = status != 0;
        if left && let Some((payload, fuel)) = ManuallyDrop::into_inner(host.panic) {
            context.fuel = fuel;
            unwind::resume(payload);
        }
        values[0] = first;
        if results > 1 {
            values[1..results].copy_from_slice(&context.values[1..results]);
        }
        left
    }

    /// Enters the code with the first values of the context as parameters.
    #[cold]
    fn enter_with_values<P: Platform>(
        &self,
        context: &mut Context,
        remaining: u64,
        stack: Option<usize>,
    ) -> Option<Returned> {
        let entry = ptr::with_exposed_provenance::<u8>(self.entry);
        // SAFETY: the address is from `CodeInfo`: at it is an entry for functions of this type. The caller borrows the
        // code, so that it stays mapped.
        let entry = unsafe { core::mem::transmute::<*const u8, Shaped>(entry) };
        let pointer: *mut Context = context;
        let function = self.address as u64;
        let status = with_stack::<P, _>(stack, move || entry(pointer, remaining, function))?;
        Some(Returned { status, first: context.values[0] })
    }
}

/// Moves the fuel that a function returned as its status to the context. Returns a status without fuel.
#[inline]
fn took_fuel(context: &mut Context, Returned { status, first }: Returned) -> Returned {
    let fuel = status as i64;
    let left = fuel == EXITED && context.site != NO_SITE;
    if !left {
        context.fuel = fuel;
    }
    Returned { status: left.into(), first }
}

/// Fills the addresses of code and functions into the context.
#[cold]
#[inline(never)]
fn fill_context<P: Platform, S>(
    request: &mut EntryRequest<'_, '_, S>,
    code: &MachineCode<P>,
    is_for: impl FnOnce(&Verified<'_>) -> bool,
) {
    assert!(is_for(request.program()), "machine code is attached to instances of its program");
    let addresses = Addresses {
        code: code.address,
        functions: address(code.info.table().as_ptr().cast_mut()),
        host_call: host_call::<S> as *const () as u64,
        math: math as *const () as u64,
        copy: copy as *const () as u64,
        fill: fill as *const () as u64,
    };
    request.fill(&code.key, addresses);
}

/// Returns the address of data that machine code, or a function below, will use.
#[inline]
fn address<T>(pointer: *mut T) -> u64 {
    pointer.expose_provenance() as u64
}

#[cold]
#[inline(never)]
fn panicked(kept: &mut Option<Panic>, payload: Payload, fuel: i64) {
    *kept = Some((payload, fuel));
}

extern_machine! {
    /// Calls a host function for machine code. A panic is caught here, and resumed after the code has exited.
    fn host_call<S>(context: *mut Context, import: u64, a: u64, b: u64, c: u64) -> u64 {
        // SAFETY: machine code passes on the context that `enter` passed to it, which is borrowed there, and does not
        // access it before this function returns.
        let context = unsafe { &mut *context };
        // SAFETY: `enter::<S>` stored the address of its `Host<S>` in the context, and, now or in an earlier entry for
        // the same instance, the address of this function; so the type is right. Only this function uses it, and it is
        // not reentered, because host functions cannot call back into the instance.
        let host = unsafe { &mut *ptr::with_exposed_provenance_mut::<Host<'_, '_, S>>(context.host as usize) };
        let memory = ptr::with_exposed_provenance_mut(context.memory as usize);
        // SAFETY: address and size are those of the instance's memory, which its request borrows while the code waits
        // for this function.
        let memory = unsafe { slice::from_raw_parts_mut(memory, context.memory_size as usize) };
        let import = ImportIndex(import as u32);
        let called = unwind::catch(|| {
            host.calls.call(import, memory, &mut context.fuel, [a, b, c], &mut context.values)
        });
        let (status, first) = match called {
            Ok(HostEnd::Results(first)) => (HostStatus::Done, first),
            Ok(HostEnd::Pending) => (HostStatus::Pending, 0),
            Ok(HostEnd::Error(code)) => {
                context.value = code;
                (HostStatus::Error, 0)
            }
            Err(payload) => {
                panicked(&mut host.panic, payload, context.fuel);
                (HostStatus::Error, 0)
            }
        };
        context.status = status as u64;
        first
    }

    /// Computes an instruction for which machine code calls the host.
    fn math(function: u64, b: u64, c: u64) -> u64 {
        native::compute(function, b, c)
    }

    /// Executes a MEMCOPY for machine code, which has checked the ranges.
    fn copy(to: u64, from: u64, length: u64) {
        let from = ptr::with_exposed_provenance::<u8>(from as usize);
        let to = ptr::with_exposed_provenance_mut::<u8>(to as usize);
        // SAFETY: machine code adds addresses to that of the instance's memory after it has checked that `length` bytes
        // from there are inside; its request borrows the memory.
        unsafe { ptr::copy(from, to, length as usize) };
    }

    /// Executes a MEMFILL for machine code, which has checked the range, or zeros the locals of a frame.
    fn fill(to: u64, byte: u64, length: u64) {
        let to = ptr::with_exposed_provenance_mut::<u8>(to as usize);
        // SAFETY: the range is in the instance's memory, as for `copy`; or it is a frame's locals in the instance's
        // cells, which fit, as was checked at the call. Zeros are valid cells.
        unsafe { ptr::write_bytes(to, byte as u8, length as usize) };
    }
}

#[cfg(test)]
mod tests;
