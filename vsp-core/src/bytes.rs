//! The writer of binary files, which reports a failed allocation as an error; searching bytes that are not zero.

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

/// Returns whether all bytes are zero.
pub(crate) fn is_zero(bytes: &[u8]) -> bool {
    // In blocks of a fixed size, which the compiler turns into vectors.
    let (blocks, rest) = bytes.as_chunks::<64>();
    let joined = |block: &[u8]| block.iter().fold(0, |joined, byte| joined | byte);
    blocks.iter().all(|block| joined(block) == 0) && joined(rest) == 0
}
