//! The memory of the program as the functions read and write it: every address is checked.

use vsp_core::GuestMemory;

use super::errno::Errno;

/// The most vectors of one read or write.
const MAX_VECTORS: u32 = 1_024;

/// The number of bytes for which a call takes a unit of fuel, as MEMCOPY does.
const BYTES_PER_UNIT: u64 = 64;

/// The memory of the program. Addresses are 32-bit, numbers are little-endian, and need no alignment.
pub(super) struct Memory<'m> {
    bytes: GuestMemory<'m>,
    /// The bytes that the call may transfer.
    transferred: u64,
}

/// Addresses and lengths that are all inside the memory.
pub(super) type Vectors = Vec<(u32, u32)>;

impl<'m> Memory<'m> {
    pub(super) fn new(bytes: GuestMemory<'m>) -> Memory<'m> {
        Memory { bytes, transferred: 0 }
    }

    /// Notes that the call may transfer so many bytes.
    pub(super) fn transfers(&mut self, bytes: u64) {
        self.transferred += bytes;
    }

    /// Returns the fuel for the bytes that the call may transfer.
    pub(super) fn fuel(&self) -> u64 {
        self.transferred / BYTES_PER_UNIT
    }

    /// Returns the bytes of a range.
    pub(super) fn bytes(&self, address: u32, length: u32) -> Result<&[u8], Errno> {
        self.bytes.get(range(address, length)?).ok_or(Errno::Fault)
    }

    /// Returns the bytes of a range, to write them.
    pub(super) fn bytes_mut(&mut self, address: u32, length: u32) -> Result<&mut [u8], Errno> {
        self.bytes.bytes_mut(address.into(), length.into()).ok_or(Errno::Fault)
    }

    /// Returns the `N` bytes at an address.
    pub(super) fn read<const N: usize>(&self, address: u32) -> Result<[u8; N], Errno> {
        let bytes = self.bytes.get(address as usize..).and_then(|bytes| bytes.first_chunk());
        bytes.copied().ok_or(Errno::Fault)
    }

    /// Returns the number at an address.
    pub(super) fn read_u32(&self, address: u32) -> Result<u32, Errno> {
        self.read(address).map(u32::from_le_bytes)
    }

    /// Writes bytes to an address: all of them or none.
    pub(super) fn write(&mut self, address: u32, bytes: &[u8]) -> Result<(), Errno> {
        let length = u32::try_from(bytes.len()).map_err(|_| Errno::Fault)?;
        self.bytes_mut(address, length)?.copy_from_slice(bytes);
        Ok(())
    }

    /// Writes a number to an address.
    pub(super) fn write_u32(&mut self, address: u32, value: u32) -> Result<(), Errno> {
        self.write(address, &value.to_le_bytes())
    }

    /// Writes a number to an address.
    pub(super) fn write_u64(&mut self, address: u32, value: u64) -> Result<(), Errno> {
        self.write(address, &value.to_le_bytes())
    }

    /// Returns a path: text that is not empty, and has no NUL.
    pub(super) fn path(&self, address: u32, length: u32) -> Result<&str, Errno> {
        let text = str::from_utf8(self.bytes(address, length)?).map_err(|_| Errno::Ilseq)?;
        match text {
            "" => Err(Errno::Noent),
            text if text.contains('\0') => Err(Errno::Inval),
            text => Ok(text),
        }
    }

    /// Returns the vectors of an array. All are inside the memory, and together they are shorter than 2³¹ bytes.
    pub(super) fn vectors(&mut self, address: u32, count: u32) -> Result<Vectors, Errno> {
        let array = self.bytes(address, count.checked_mul(8).ok_or(Errno::Inval)?)?;
        if count > MAX_VECTORS {
            return Err(Errno::Inval);
        }
        let (words, _) = array.as_chunks::<4>();
        let (pairs, _) = words.as_chunks::<2>();
        let mut total = 0_u64;
        let mut vectors = Vec::with_capacity(pairs.len());
        for [address, length] in pairs {
            let (address, length) = (u32::from_le_bytes(*address), u32::from_le_bytes(*length));
            self.bytes(address, length)?;
            total += u64::from(length);
            vectors.push((address, length));
        }
        if total > i32::MAX as u64 {
            return Err(Errno::Inval);
        }
        self.transfers(total);
        Ok(vectors)
    }
}

fn range(address: u32, length: u32) -> Result<std::ops::Range<usize>, Errno> {
    let end = (address as usize).checked_add(length as usize).ok_or(Errno::Fault)?;
    Ok(address as usize..end)
}
