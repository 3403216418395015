//! The header of a file, its section table, and its checksum: the constants of the format.

/// Size of the header in bytes.
pub(super) const HEADER_BYTES: usize = 32;

/// Size of a section table entry in bytes.
pub(super) const SECTION_ENTRY_BYTES: usize = 16;

/// Alignment of sections in bytes.
pub(super) const SECTION_ALIGNMENT: usize = 8;

/// The first four bytes of every program.
pub(super) const MAGIC: [u8; 4] = *b"SILC";

/// Offset of the version in the header.
pub(super) const VERSION_AT: usize = 4;

/// Offset of the checksum in the header.
pub(crate) const CHECKSUM_AT: usize = 16;

/// Computes CRC-32 (IEEE 802.3).
#[cfg(feature = "std")]
type Digest = crc32fast::Hasher;
#[cfg(not(feature = "std"))]
type Digest = crc::Digest<'static, u32, ChecksumTable>;

/// The tables of the checksum: 16 KB, for 16 bytes at a time, in builds with the large and fast interpreter; none
/// without an operating system, where flash is scarce; otherwise 1 KB.
#[cfg(all(not(feature = "std"), threaded))]
type ChecksumTable = crc::Table<16>;
#[cfg(all(not(feature = "std"), not(threaded), target_os = "none"))]
type ChecksumTable = crc::NoTable;
#[cfg(all(not(feature = "std"), not(threaded), not(target_os = "none")))]
type ChecksumTable = crc::Table<1>;

#[cfg(not(feature = "std"))]
static ALGORITHM: crc::Crc<u32, ChecksumTable> = crc::Crc::<u32, ChecksumTable>::new(&crc::CRC_32_ISO_HDLC);

/// A CRC-32 of bytes that come in parts.
#[derive(Clone)]
pub(crate) struct RunningChecksum(Digest);

impl Default for RunningChecksum {
    fn default() -> Self {
        #[cfg(feature = "std")]
        return RunningChecksum(Digest::new());
        #[cfg(not(feature = "std"))]
        RunningChecksum(ALGORITHM.digest())
    }
}

#[cfg(any(feature = "record", feature = "std"))]
impl core::fmt::Debug for RunningChecksum {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "RunningChecksum(0x{:08X})", self.clone().finish())
    }
}

impl RunningChecksum {
    /// Adds bytes.
    pub(crate) fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// Adds the bytes of which `after` is the checksum.
    #[cfg(feature = "std")]
    pub(crate) fn join(&mut self, after: &RunningChecksum) {
        self.0.combine(&after.0);
    }

    /// Returns the checksum of all bytes.
    pub(crate) fn finish(self) -> u32 {
        self.0.finalize()
    }
}

/// Returns the CRC-32 of these bytes.
#[cfg(feature = "record")]
pub(crate) fn checksum_of(bytes: &[u8]) -> u32 {
    let mut checksum = RunningChecksum::default();
    checksum.update(bytes);
    checksum.finish()
}

/// Returns the CRC-32 of a file, with its checksum field taken as zero.
pub(crate) fn checksum(image: &[u8]) -> u32 {
    if cfg!(all(not(threaded), target_os = "none")) {
        return super::nibbles::checksum(image);
    }
    let (before, after) = image.split_at(CHECKSUM_AT.min(image.len()));
    let mut checksum = RunningChecksum::default();
    checksum.update(before);
    checksum.update(&[0; 4]);
    checksum.update(after.get(4..).unwrap_or(&[]));
    checksum.finish()
}

/// Returns the checksum stored in the header.
pub(super) fn stored_checksum(image: &[u8]) -> u32 {
    let field = image.get(CHECKSUM_AT..).and_then(<[u8]>::first_chunk);
    field.map_or(0, |bytes| u32::from_le_bytes(*bytes))
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use super::RunningChecksum;

    /// Computes the CRC-32 as `docs/format.md` defines it, bit by bit.
    fn defined(bytes: &[u8]) -> u32 {
        let step = |crc: u32| crc >> 1 ^ if crc & 1 == 1 { 0xEDB8_8320 } else { 0 };
        !bytes.iter().fold(!0, |crc, byte| (0..8).fold(crc ^ u32::from(*byte), |crc, _| step(crc)))
    }

    #[test]
    fn checksums_do_not_depend_on_parts() {
        let bytes: Vec<u8> =
            (0..5000_u32).map(|index| (index.wrapping_mul(0x9E37_79B1) >> 24) as u8).collect();
        for length in (0..300_usize).chain([1023, 1024, 1025, 5000]) {
            for split in [0, 1, length / 2, length.saturating_sub(3)] {
                let (before, after) = bytes[..length].split_at(split.min(length));
                let mut checksum = RunningChecksum::default();
                checksum.update(before);
                checksum.update(after);
                assert_eq!(checksum.finish(), defined(&bytes[..length]), "{length} bytes, split at {split}");
            }
        }
    }
}
