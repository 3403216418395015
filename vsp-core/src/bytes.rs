//! The writer of binary files, which reports a failed allocation as an error.

use alloc::vec::Vec;

use crate::analysis::OutOfMemory;

/// A growing buffer of bytes. Numbers are written in little-endian order.
#[derive(Debug, Default)]
pub(crate) struct Writer(pub(crate) Vec<u8>);

impl Writer {
    pub(crate) fn put(&mut self, bytes: &[u8]) -> Result<(), OutOfMemory> {
        self.0.try_reserve(bytes.len()).map_err(|_| OutOfMemory)?;
        self.0.extend_from_slice(bytes);
        Ok(())
    }

    pub(crate) fn u16(&mut self, value: u16) -> Result<(), OutOfMemory> {
        self.put(&value.to_le_bytes())
    }

    pub(crate) fn u32(&mut self, value: u32) -> Result<(), OutOfMemory> {
        self.put(&value.to_le_bytes())
    }

    pub(crate) fn u64(&mut self, value: u64) -> Result<(), OutOfMemory> {
        self.put(&value.to_le_bytes())
    }
}
