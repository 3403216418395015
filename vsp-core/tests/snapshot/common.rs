//! The program whose snapshot docs/format.md shows, and checksums of damaged files.
#![allow(dead_code, reason = "not every test uses everything")]

/// The program whose snapshot docs/format.md shows.
pub(crate) const SHOWN: &str = "
.lines none
.memory 64
.global = 5
.data @ 18 \"hi\"
.export f = $0
.func (1) -> 1
.locals 1
    SETL R0, 0
    CALL $1
    GETL R1, 0
    ADD R0, R0, R1
    RET
.end
.func (1) -> 1
    MOVI R1, 7
    YIELD R0
    ADD R0, R0, R1
    RET
.end";

/// Computes the checksum of docs/format.md bit by bit.
fn crc(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| crc >> 1 ^ (0xEDB8_8320 & (crc & 1).wrapping_neg()))
    })
}

/// Returns these bytes with the right checksum.
pub(crate) fn repaired(mut bytes: Vec<u8>) -> Vec<u8> {
    if bytes.len() >= 20 {
        bytes[16..20].fill(0);
        let crc = crc(&bytes);
        bytes[16..20].copy_from_slice(&crc.to_le_bytes());
    }
    bytes
}
