//! Byte slices and strings of the program as parameters of host functions.

use core::ops::Range;

use super::HostParameter;
use crate::limits::MAX_PARAMS;

/// The error of reading or writing a [`GuestSlice`] or [`GuestStr`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum GuestMemoryError {
    /// A part of the range is outside the memory.
    #[error("{length} bytes at address {address} are not inside the memory of {memory} bytes")]
    OutOfBounds {
        /// Address of the first byte.
        address: u64,
        /// Length in bytes.
        length: u64,
        /// Size of the memory in bytes.
        memory: u64,
    },
    /// The bytes are not UTF-8.
    #[error("the text at address {address} is invalid UTF-8 at its byte {valid_up_to}")]
    Utf8 {
        /// Address of the first byte.
        address: u64,
        /// Index of the first invalid byte.
        valid_up_to: usize,
    },
}

/// A range of the program's memory: a parameter of host functions that is two parameters of the import, the address and
/// the length in bytes.
///
/// The program chooses both, so every access checks them. In a host function `?` turns the error into a trap, whose
/// text the caller of the instance gets from [`Instance::host_error`](crate::Instance::host_error).
///
/// ```
/// use vsp_core::{Caller, GuestSlice, GuestStr, HostResult, Imports};
///
/// let mut imports = Imports::<Vec<String>>::new();
/// // .import log.line (2) -> 0
/// imports.define("log", "line", |caller: &mut Caller<'_, Vec<String>>, line: GuestStr| -> HostResult {
///     let (lines, memory) = caller.parts();
///     lines.push(line.get(memory)?.to_owned());
///     Ok(())
/// })?;
/// // .import random.fill (3) -> 0
/// imports.define("random", "fill", |caller: &mut Caller<'_, Vec<String>>, bytes: GuestSlice, seed: u64| -> HostResult {
///     bytes.get_mut(caller.memory())?.fill(seed as u8);
///     Ok(())
/// })?;
/// # Ok::<(), vsp_core::ImportError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct GuestSlice {
    /// Address of the first byte.
    pub address: u64,
    /// Length in bytes.
    pub length: u64,
}

impl GuestSlice {
    /// Returns the bytes in `memory`.
    ///
    /// # Errors
    /// A part of the range is outside the memory.
    pub fn get(self, memory: &[u8]) -> Result<&[u8], GuestMemoryError> {
        let size = memory.len();
        self.range().and_then(|range| memory.get(range)).ok_or_else(|| self.out_of_bounds(size))
    }

    /// Returns the bytes in `memory`, to change them.
    ///
    /// # Errors
    /// A part of the range is outside the memory.
    pub fn get_mut(self, memory: &mut [u8]) -> Result<&mut [u8], GuestMemoryError> {
        let size = memory.len();
        self.range().and_then(|range| memory.get_mut(range)).ok_or_else(|| self.out_of_bounds(size))
    }

    fn range(self) -> Option<Range<usize>> {
        let start = usize::try_from(self.address).ok()?;
        Some(start..start.checked_add(usize::try_from(self.length).ok()?)?)
    }

    fn out_of_bounds(self, memory: usize) -> GuestMemoryError {
        let GuestSlice { address, length } = self;
        GuestMemoryError::OutOfBounds { address, length, memory: memory as u64 }
    }
}

/// A UTF-8 text in the program's memory: a parameter of host functions that is two parameters of the import, the
/// address and the length in bytes. See [`GuestSlice`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct GuestStr(pub GuestSlice);

impl GuestStr {
    /// Returns the text in `memory`.
    ///
    /// # Errors
    /// A part of the text is outside the memory, or it is invalid UTF-8.
    pub fn get(self, memory: &[u8]) -> Result<&str, GuestMemoryError> {
        let bytes = self.0.get(memory)?;
        core::str::from_utf8(bytes).map_err(|error| GuestMemoryError::Utf8 {
            address: self.0.address,
            valid_up_to: error.valid_up_to(),
        })
    }
}

impl HostParameter for GuestSlice {
    const COUNT: usize = 2;
    #[inline]
    fn from_values(values: &[u64; MAX_PARAMS], at: usize) -> GuestSlice {
        GuestSlice { address: values[at], length: values[at + 1] }
    }
}

impl HostParameter for GuestStr {
    const COUNT: usize = 2;
    #[inline]
    fn from_values(values: &[u64; MAX_PARAMS], at: usize) -> GuestStr {
        GuestStr(GuestSlice::from_values(values, at))
    }
}
