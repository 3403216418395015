//! Machine code in executable memory.
//!
//! [`ExecMemory::new`] asks the operating system for pages that can be read and written, copies the code into them, and
//! then makes them readable and executable. No page is ever writable and executable at once, and none becomes writable
//! again: new code is a new [`ExecMemory`]. Dropping it unmaps the pages.
//!
//! # Instruction caches
//!
//! On x86_64 and s390x, instruction caches are coherent. On aarch64 and riscv64, a core may execute earlier bytes of an
//! address until its caches are invalidated. Two parties do that here. Linux writes the data cache back and invalidates
//! the instruction caches of all cores when a page becomes executable for the first time, which happens once for each
//! of these pages. The crate that Wasmtime uses for this invalidates the range, and on aarch64 also makes all running
//! threads discard the instructions that they have already fetched.

use std::error::Error;
use std::ffi::c_void;
use std::fmt;
use std::ops::Range;
use std::ptr;

use region::{Allocation, Protection};
use wasmtime_internal_jit_icache_coherence as icache;

#[cfg(not(any(
    target_arch = "x86_64",
    target_arch = "aarch64",
    target_arch = "s390x",
    all(target_arch = "riscv64", target_os = "linux")
)))]
compile_error!("feature `jit` needs x86_64, aarch64, s390x, or riscv64 with Linux: build without it");

/// The error of putting code into executable memory.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ExecMemoryError {
    /// The system has no pages for the code.
    #[error("no memory for {size} bytes of machine code: {error}")]
    Allocate {
        /// The size of the code in bytes.
        size: usize,
        /// The error of the operating system.
        error: region::Error,
    },
    /// The system does not let written pages become executable; hardened systems refuse that.
    #[error("{size} bytes of machine code cannot be made executable: {error}")]
    Protect {
        /// The size of the code in bytes.
        size: usize,
        /// The error of the operating system.
        error: region::Error,
    },
    /// The processor's caches cannot be flushed.
    #[error("the instruction cache cannot be made coherent for {size} bytes of machine code: {error}")]
    Cache {
        /// The size of the code in bytes.
        size: usize,
        /// The error of the operating system.
        error: Box<dyn Error + Send + Sync>,
    },
}

/// Machine code that can be run and read, but not written. The start is aligned to a page (at least 4,096 bytes).
///
/// The caller has to know whether the bytes are a function and what that function expects. No pointer into the memory
/// may be used after it is dropped.
pub struct ExecMemory {
    /// The mapping: readable and executable, at least `len` bytes long. Empty code has none, since systems do not map 0
    /// bytes.
    mapping: Option<Allocation>,
    /// The size of the code in bytes.
    len: usize,
}

// SAFETY: an `ExecMemory` is the address and size of pages that nothing else frees and that belong to the process, not
// to a thread: any thread may read, run or unmap them.
unsafe impl Send for ExecMemory {}

// SAFETY: nothing writes to the pages once `new` has returned: the mapping is private to this file, only `new` makes or
// changes one, and the pages are not writable. All methods take `&self` and only read.
unsafe impl Sync for ExecMemory {}

impl ExecMemory {
    /// Copies machine code into executable memory. Empty code is allowed, and has no entries.
    ///
    /// # Errors
    /// The operating system has no memory left, does not allow executable pages, or cannot flush caches. Nothing stays
    /// mapped then.
    pub fn new(bytes: &[u8]) -> Result<Self, ExecMemoryError> {
        let size = bytes.len();
        if size == 0 {
            return Ok(Self { mapping: None, len: 0 });
        }
        let mut mapping = region::alloc(size, Protection::READ_WRITE)
            .map_err(|error| ExecMemoryError::Allocate { size, error })?;

        // SAFETY: the mapping was made above for at least `size` bytes that can be written, and `bytes` has `size`
        // bytes. They do not overlap, because `bytes` was there before the mapping.
        unsafe { ptr::copy_nonoverlapping(bytes.as_ptr(), mapping.as_mut_ptr(), size) };

        make_executable(&mapping, size)?;
        Ok(Self { mapping: Some(mapping), len: size })
    }

    /// Returns the code.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        let Some(mapping) = &self.mapping else { return &[] };
        // SAFETY: `new` copied `len` bytes to the start of the mapping and made it readable. Nothing writes there
        // again, and it stays mapped as long as `self`, which the result borrows.
        unsafe { std::slice::from_raw_parts(mapping.as_ptr(), self.len) }
    }

    /// Returns the range of addresses of the code.
    #[must_use]
    pub fn address_range(&self) -> Range<usize> {
        let start = self.as_bytes().as_ptr().addr();
        start..start + self.len
    }

    /// Returns the address of the byte at `offset`, or `None` if the code has no such byte. It can be used until `self`
    /// is dropped.
    #[must_use]
    pub fn entry(&self, offset: usize) -> Option<*const u8> {
        let mapping = self.mapping.as_ref()?;
        (offset < self.len).then(|| mapping.as_ptr::<u8>().wrapping_add(offset))
    }
}

impl fmt::Debug for ExecMemory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ExecMemory")
            .field("address_range", &format_args!("{:#x?}", self.address_range()))
            .finish()
    }
}

/// Makes a written mapping readable and executable, and its first `size` bytes safe to run on every core.
fn make_executable(mapping: &Allocation, size: usize) -> Result<(), ExecMemoryError> {
    let start: *const u8 = mapping.as_ptr();
    let cache = |error| ExecMemoryError::Cache { size, error };

    // The caches come first: some aarch64 cores mishandle their invalidation on pages that cannot be written.
    // SAFETY: the mapping holds at least `size` bytes; invalidating caches of mapped memory changes no value in it.
    unsafe { icache::clear_cache(start.cast::<c_void>(), size) }.map_err(|error| cache(error.into()))?;

    // SAFETY: the range starts at the mapping and, rounded up to pages, ends where it ends, so that no other memory
    // changes its protection. The caller has no reference into it.
    unsafe { region::protect(start, size, Protection::READ_EXECUTE) }
        .map_err(|error| ExecMemoryError::Protect { size, error })?;

    icache::pipeline_flush_mt().map_err(|error| cache(error.into()))
}
