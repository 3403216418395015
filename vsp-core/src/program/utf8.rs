//! The check that names are UTF-8. That of Rust is fast, and takes 600 bytes of flash.
//!
//! A file is checked once. Names are compared as bytes; only those that somebody asks for become texts.

/// Returns a name of a file that was checked, as text.
pub(super) fn text(name: &[u8]) -> &str {
    core::str::from_utf8(name).unwrap_or("")
}

/// Returns whether the bytes are UTF-8.
#[cfg(threaded)]
pub(super) fn is_utf8(bytes: &[u8]) -> bool {
    core::str::from_utf8(bytes).is_ok()
}

/// Returns whether the bytes are UTF-8.
#[cfg(not(threaded))]
pub(super) fn is_utf8(bytes: &[u8]) -> bool {
    let mut bytes = bytes.iter();
    while let Some(&first) = bytes.next() {
        // A first byte begins with as many ones as the character has bytes, and all others with 10.
        let length = first.leading_ones();
        match length {
            0 => continue,
            1 => return false,
            _ => {}
        }
        let mut value = u32::from(first) & (0x7F >> length);
        for _ in 1..length {
            match bytes.next() {
                Some(&byte) if byte >> 6 == 0b10 => value = value << 6 | u32::from(byte & 0x3F),
                _ => return false,
            }
        }
        // Each character has one form: the shortest.
        if char::from_u32(value).is_none_or(|character| character.len_utf8() != length as usize) {
            return false;
        }
    }
    true
}

#[cfg(all(test, not(threaded)))]
mod tests {
    use super::is_utf8;

    fn compare(bytes: &[u8]) {
        assert_eq!(is_utf8(bytes), core::str::from_utf8(bytes).is_ok(), "{bytes:02X?}");
    }

    /// Tests all sequences of up to two bytes, and longer ones around all that begin a character.
    #[test]
    #[cfg_attr(miri, ignore = "too slow")]
    fn is_utf8_agrees_with_rust() {
        const EDGES: [u8; 11] = [0, 0x41, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0, 0xFF];
        compare(&[]);
        for first in 0..=255 {
            compare(&[first]);
            for second in 0..=255 {
                compare(&[first, second]);
                for third in EDGES {
                    compare(&[first, second, third]);
                    EDGES.iter().for_each(|fourth| compare(&[first, second, third, *fourth]));
                    compare(&[first, second, third, 0x80, 0x80]);
                }
            }
        }
    }

    #[test]
    #[cfg_attr(miri, ignore = "too slow")]
    fn all_characters_are_utf8() {
        for character in '\0'..=char::MAX {
            assert!(is_utf8(character.encode_utf8(&mut [0; 4]).as_bytes()), "{character:?}");
        }
    }
}
