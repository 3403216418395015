//! The structs of `vsp.h`.

use core::ffi::{c_char, c_void};

use vsp_core::index::{ImportIndex, Location};
use vsp_core::limits::{MAX_PARAMS, MAX_RESULTS};
use vsp_core::program::FuncType;
use vsp_core::{Reason, Suspension, Trap};

use crate::status::Status;

/// The value of [`Options::fuel`] that does not meter an instance.
const NO_LIMIT: u64 = u64::MAX;

/// A text that belongs to a program: `vsp_text`. It has no zero at its end.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Text {
    bytes: *const c_char,
    length: usize,
}

impl From<&str> for Text {
    fn from(text: &str) -> Text {
        Text { bytes: text.as_ptr().cast(), length: text.len() }
    }
}

/// The options of an instance: `vsp_options`.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Options {
    memory: u64,
    memory_maximum: u64,
    fuel: u64,
    stack_cells: u32,
    reserved: u32,
}

impl Options {
    /// The options of whoever gives none.
    pub(crate) const DEFAULT: Options =
        Options { memory: 0, memory_maximum: 0, fuel: NO_LIMIT, stack_cells: 0, reserved: 0 };

    /// Returns them as the core has them, or an error if a reserved field is not zero.
    pub(crate) fn core(self) -> crate::status::Result<vsp_core::Options<'static>> {
        if self.reserved != 0 {
            return Err(Status::E_ARGUMENT);
        }
        let chosen = |value: u64| (value != 0).then_some(value);
        Ok(vsp_core::Options {
            memory: chosen(self.memory),
            memory_maximum: chosen(self.memory_maximum),
            stack_cells: (self.stack_cells != 0).then_some(self.stack_cells),
            fuel: (self.fuel != NO_LIMIT).then_some(self.fuel),
            interrupt: None,
        })
    }
}

/// The end of a call: `vsp_outcome`.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Outcome {
    status: Status,
    count: u32,
    values: [u64; MAX_RESULTS],
    function: u32,
    word: u32,
    trap: u32,
    code: u32,
}

impl Outcome {
    /// An outcome with nothing but a status.
    pub(crate) fn of_status(status: Status) -> Outcome {
        Outcome { status, count: 0, values: [0; MAX_RESULTS], function: 0, word: 0, trap: 0, code: 0 }
    }

    pub(crate) fn status(&self) -> Status {
        self.status
    }

    fn with_values(self, values: &[u64]) -> Outcome {
        let mut own = [0; MAX_RESULTS];
        own[..values.len()].copy_from_slice(values);
        Outcome { values: own, count: values.len() as u32, ..self }
    }

    fn at(self, location: Location) -> Outcome {
        Outcome { function: location.function.0, word: location.word, ..self }
    }

    fn trapped(self, trap: Trap) -> Outcome {
        let code = match trap {
            Trap::Explicit(code) | Trap::Host(code) => code,
            _ => 0,
        };
        Outcome { trap: trap.code().into(), code, ..self }
    }
}

impl From<Suspension> for Outcome {
    fn from(it: Suspension) -> Outcome {
        let suspended = Outcome::of_status(it.reason.into()).at(it.location);
        match it.reason {
            Reason::Yield(value) => suspended.with_values(&[value]),
            Reason::Pending(ImportIndex(import)) => suspended.with_values(&[import.into()]),
            Reason::Fuel | Reason::Interrupted => suspended,
        }
    }
}

impl From<vsp_core::Outcome> for Outcome {
    fn from(outcome: vsp_core::Outcome) -> Outcome {
        let status = Outcome::of_status((&outcome).into());
        match outcome {
            vsp_core::Outcome::Returned(values) => status.with_values(&values),
            vsp_core::Outcome::Halted(value) => status.with_values(&[value]),
            vsp_core::Outcome::Suspended(it) => it.into(),
            vsp_core::Outcome::Trapped(it) => status.at(it.location).trapped(it.trap),
        }
    }
}

/// An export of a program: `vsp_export`.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Export {
    name: Text,
    function: u32,
    params: u8,
    results: u8,
}

impl Export {
    pub(crate) fn new(it: vsp_core::program::Export<'_>, ty: FuncType) -> Export {
        Export {
            name: it.name.into(),
            function: it.function.0,
            params: ty.params() as u8,
            results: ty.results() as u8,
        }
    }
}

/// An import of a program: `vsp_import`.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Import {
    module: Text,
    name: Text,
    params: u8,
    results: u8,
}

impl From<vsp_core::program::Import<'_>> for Import {
    fn from(it: vsp_core::program::Import<'_>) -> Import {
        Import {
            module: it.module.into(),
            name: it.name.into(),
            params: it.ty.params() as u8,
            results: it.ty.results() as u8,
        }
    }
}

/// A host call whose results are not there yet: `vsp_pending`.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Pending {
    import: u32,
    count: u32,
    args: [u64; MAX_PARAMS],
}

impl From<vsp_core::PendingCall<'_>> for Pending {
    fn from(it: vsp_core::PendingCall<'_>) -> Pending {
        let mut args = [0; MAX_PARAMS];
        args[..it.arguments.len()].copy_from_slice(it.arguments);
        Pending { import: it.import.0, count: it.arguments.len() as u32, args }
    }
}

/// A function that allocates: `vsp_allocate`.
pub type Allocate = unsafe extern "C" fn(user: *mut c_void, size: usize, align: usize) -> *mut c_void;

/// A function that frees: `vsp_release`.
pub type Release = unsafe extern "C" fn(user: *mut c_void, memory: *mut c_void, size: usize, align: usize);
