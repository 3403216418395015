//! The memory of an instance, which can grow.

use alloc::vec::Vec;
use core::ops::{Deref, DerefMut};

use super::Options;
use super::zeroed;
use crate::bytes::is_zero;
use crate::limits::{MAX_MEMORY, MEMORY_GRANULE, MEMORY_PAGE};
use crate::outcome::InstantiateError;
use crate::program::Program;

/// Largest memory, in bytes, that is copied whole. In a larger one, pages of zeros are left out: they take neither time
/// nor memory as long as nobody touches the copy, but looking for them takes as long as copying.
const COPIED_WHOLE: usize = 1 << 20;

/// The unit in which zeros are left out, in bytes: that of most operating systems.
const COPIED_PAGE: usize = 4096;

/// The memory of an instance. All bytes up to its maximum are allocated when it is created, so its address never
/// changes, and growing it cannot fail.
///
/// An operating system provides the pages when they are first touched.
#[derive(Debug)]
pub(crate) struct Memory {
    /// The bytes up to the maximum. Those beyond the size are zero.
    bytes: Vec<u8>,
    /// The number of bytes that the program can access.
    size: usize,
}

impl Memory {
    /// Creates a memory of zeros, with the sizes that the program and the host ask for.
    pub(super) fn new(program: &Program<'_>, options: &Options<'_>) -> Result<Memory, InstantiateError> {
        let (size, maximum) = sizes(program, options)?;
        let out_of_memory = InstantiateError::OutOfMemory;
        let (Ok(size), Ok(maximum)) = (usize::try_from(size), usize::try_from(maximum)) else {
            return Err(out_of_memory);
        };
        Ok(Memory { bytes: zeroed(maximum).ok_or(out_of_memory)?, size })
    }

    /// Returns a copy, or `None` if there is no memory for it.
    pub(super) fn copy(&self) -> Option<Memory> {
        if self.bytes.len() <= COPIED_WHOLE || cfg!(not(target_pointer_width = "64")) {
            let mut bytes = Vec::new();
            bytes.try_reserve_exact(self.bytes.len()).ok()?;
            bytes.extend_from_slice(self);
            bytes.resize(self.bytes.len(), 0);
            return Some(Memory { bytes, size: self.size });
        }
        let mut bytes = zeroed(self.bytes.len())?;
        let pages = self.len().div_ceil(COPIED_PAGE);
        let page = |index: usize| &self[index * COPIED_PAGE..self.len().min((index + 1) * COPIED_PAGE)];
        let is_left_out = |index: &usize| is_zero(page(*index));
        let mut next = 0;
        while let Some(first) = (next..pages).find(|index| !is_left_out(index)) {
            // A single page of zeros is copied. The memory rarely starts where a page of the system does; then the pages
            // of its neighbours are all that it is on.
            let is_end =
                |index: &usize| is_left_out(index) && (index + 1 == pages || is_left_out(&(index + 1)));
            let end = (first..pages).find(is_end).unwrap_or(pages);
            let range = first * COPIED_PAGE..self.len().min(end * COPIED_PAGE);
            bytes[range.clone()].copy_from_slice(&self[range]);
            next = end;
        }
        Some(Memory { bytes, size: self.size })
    }

    /// Returns the largest size that it can have.
    pub(crate) fn maximum(&self) -> u64 {
        self.bytes.len() as u64
    }

    /// Adds pages of zeros, and returns the number of pages that it had. Returns `None` if they do not fit.
    pub(crate) fn grow(&mut self, pages: u64) -> Option<u64> {
        let (before, room) = (self.size as u64, (self.bytes.len() - self.size) as u64);
        if pages > room / MEMORY_PAGE {
            return None;
        }
        self.size += (pages * MEMORY_PAGE) as usize;
        Some(before / MEMORY_PAGE)
    }

    /// Sets the size, which is at most the maximum, and returns the bytes. Those beyond it become zero.
    #[cfg(target_has_atomic = "ptr")]
    pub(super) fn resized(&mut self, size: usize) -> &mut [u8] {
        let before = core::mem::replace(&mut self.size, size);
        if let Some(rest) = self.bytes.get_mut(size..before) {
            rest.fill(0);
        }
        self
    }

    /// Returns all bytes up to the maximum.
    #[cfg(feature = "native")]
    #[inline(always)]
    pub(crate) fn reserved(&mut self) -> &mut [u8] {
        &mut self.bytes
    }

    /// Sets the size to the one that machine code has left in its context.
    #[cfg(feature = "native")]
    #[inline(always)]
    pub(crate) fn set_size(&mut self, size: u64) {
        self.size = (size as usize).min(self.bytes.len());
    }
}

impl Deref for Memory {
    type Target = [u8];

    /// Returns the bytes that the program can access.
    #[inline(always)]
    fn deref(&self) -> &[u8] {
        &self.bytes[..self.size]
    }
}

impl DerefMut for Memory {
    #[inline(always)]
    fn deref_mut(&mut self) -> &mut [u8] {
        &mut self.bytes[..self.size]
    }
}

/// Returns the size and the maximum of the memory of an instance with these options.
fn sizes(program: &Program<'_>, options: &Options<'_>) -> Result<(u64, u64), InstantiateError> {
    let (minimum, limit) = (program.memory_minimum(), program.memory_maximum());
    let size = options.memory.unwrap_or(minimum);
    if size < minimum || size > MAX_MEMORY || !size.is_multiple_of(MEMORY_GRANULE) {
        return Err(InstantiateError::Memory { chosen: size, minimum });
    }
    // A memory that cannot grow is as large as the host wants.
    let limit = if limit == minimum { size } else { limit };
    if size > limit {
        return Err(InstantiateError::MemoryAboveMaximum { chosen: size, maximum: limit });
    }
    let maximum = match options.memory_maximum {
        Some(chosen) if chosen < size || !chosen.is_multiple_of(MEMORY_GRANULE) => {
            return Err(InstantiateError::MemoryMaximum { chosen, size });
        }
        Some(chosen) => chosen.min(limit),
        None => limit,
    };
    Ok((size, maximum))
}
