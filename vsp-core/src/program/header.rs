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

/// The tables of the checksum: 16 KB, for 16 bytes at a time, in builds with the large and fast interpreter; none
/// without an operating system, where flash is scarce; otherwise 1 KB.
#[cfg(threaded)]
type ChecksumTable = crc::Table<16>;
#[cfg(all(not(threaded), target_os = "none"))]
type ChecksumTable = crc::NoTable;
#[cfg(all(not(threaded), not(target_os = "none")))]
type ChecksumTable = crc::Table<1>;

/// CRC-32 (IEEE 802.3).
static ALGORITHM: crc::Crc<u32, ChecksumTable> = crc::Crc::<u32, ChecksumTable>::new(&crc::CRC_32_ISO_HDLC);

/// A CRC-32 of bytes that come in parts.
#[cfg(feature = "record")]
#[derive(Clone)]
pub(crate) struct RunningChecksum(crc::Digest<'static, u32, ChecksumTable>);

#[cfg(feature = "record")]
impl Default for RunningChecksum {
    fn default() -> Self {
        RunningChecksum(ALGORITHM.digest())
    }
}

#[cfg(feature = "record")]
impl core::fmt::Debug for RunningChecksum {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "RunningChecksum(0x{:08X})", self.clone().finish())
    }
}

#[cfg(feature = "record")]
impl RunningChecksum {
    /// Adds bytes.
    pub(crate) fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
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
    let (before, after) = image.split_at(CHECKSUM_AT.min(image.len()));
    let mut digest = ALGORITHM.digest();
    digest.update(before);
    digest.update(&[0; 4]);
    digest.update(after.get(4..).unwrap_or(&[]));
    digest.finalize()
}

/// Returns the checksum stored in the header.
pub(super) fn stored_checksum(image: &[u8]) -> u32 {
    let field = image.get(CHECKSUM_AT..).and_then(<[u8]>::first_chunk);
    field.map_or(0, |bytes| u32::from_le_bytes(*bytes))
}
