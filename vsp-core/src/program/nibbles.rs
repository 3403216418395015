//! The checksum of a file where flash is scarce: CRC-32 by half bytes, with a table of 64 bytes.

use super::header::CHECKSUM_AT;

/// The polynomial of CRC-32 (IEEE 802.3), reversed.
const POLYNOMIAL: u32 = 0xEDB8_8320;

/// The remainder of each half byte.
static REMAINDERS: [u32; 16] = {
    let mut table = [0; 16];
    let mut index = 0;
    while index < 16 {
        let (mut remainder, mut bit) = (index as u32, 0);
        while bit < 4 {
            remainder = remainder >> 1 ^ if remainder & 1 == 1 { POLYNOMIAL } else { 0 };
            bit += 1;
        }
        table[index] = remainder;
        index += 1;
    }
    table
};

/// Returns the CRC-32 of a file, with its checksum field taken as zero.
pub(super) fn checksum(image: &[u8]) -> u32 {
    let (before, after) = image.split_at(CHECKSUM_AT.min(image.len()));
    let after = after.get(size_of::<u32>()..).unwrap_or(&[]);
    !update(update(update(!0, before), &[0; size_of::<u32>()]), after)
}

/// Returns the remainder after more bytes.
#[inline(never)]
fn update(remainder: u32, bytes: &[u8]) -> u32 {
    bytes.iter().fold(remainder, |remainder, byte| after_half(after_half(remainder ^ u32::from(*byte))))
}

/// Returns the remainder after the low half byte of it.
#[inline(always)]
fn after_half(remainder: u32) -> u32 {
    remainder >> 4 ^ REMAINDERS[(remainder & 15) as usize]
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    #[test]
    fn half_bytes_give_the_same_checksum() {
        let bytes: Vec<u8> = (0..1000u32).map(|i| (i.wrapping_mul(i) >> 3) as u8).collect();
        for length in [0, 1, 15, 16, 17, 19, 20, 21, 32, 1000] {
            let image = &bytes[..length];
            assert_eq!(super::checksum(image), crate::program::checksum(image), "{length} bytes");
        }
    }
}
