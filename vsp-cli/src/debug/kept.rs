//! The program's standard input in the debugger, which is available again after a restart.

use std::io::{self, Read};
use std::sync::{Arc, Mutex, PoisonError};

/// Bytes that are read from a source at once.
const CHUNK: usize = 8 * 1024;

/// An input of which every reader gets all bytes. It is read as far as a reader needs it, and kept.
#[derive(Clone)]
pub(crate) struct Kept(Arc<Mutex<Bytes>>);

struct Bytes {
    source: Box<dyn Read + Send>,
    /// The bytes that were read from the source.
    bytes: Vec<u8>,
}

impl Kept {
    /// Creates an input of what the source gives.
    pub(crate) fn new(source: impl Read + Send + 'static) -> Kept {
        Kept(Arc::new(Mutex::new(Bytes { source: Box::new(source), bytes: Vec::new() })))
    }

    /// Returns a reader that starts at the first byte.
    pub(crate) fn reader(&self) -> impl Read + Send + use<> {
        Reader { kept: self.clone(), position: 0 }
    }
}

struct Reader {
    kept: Kept,
    position: usize,
}

impl Read for Reader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut input = self.kept.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Bytes { source, bytes } = &mut *input;
        if self.position == bytes.len() && !buffer.is_empty() {
            let mut chunk = [0; CHUNK];
            let count = source.read(&mut chunk)?;
            bytes.extend_from_slice(&chunk[..count]);
        }
        let count = (&bytes[self.position..]).read(buffer)?;
        self.position += count;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A source that gives the numbers from 0 on, one byte at each read.
    struct Numbers(u8);

    impl Read for Numbers {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            buffer[0] = self.0;
            self.0 += 1;
            Ok(1)
        }
    }

    #[test]
    fn readers_get_the_same_bytes_and_read_no_further_than_needed() {
        let kept = Kept::new(Numbers(0));
        let read = |reader: &mut dyn Read, count| {
            let mut bytes = vec![0; count];
            reader.read_exact(&mut bytes).unwrap();
            bytes
        };
        let (mut one, mut two) = (kept.reader(), kept.reader());
        assert_eq!(read(&mut one, 3), [0, 1, 2]);
        assert_eq!(kept.0.lock().unwrap().bytes.len(), 3);
        assert_eq!(read(&mut two, 2), [0, 1]);
        assert_eq!(read(&mut two, 2), [2, 3]);
        assert_eq!(read(&mut one, 2), [3, 4]);
        assert_eq!(one.read(&mut []).unwrap(), 0);
        assert_eq!(kept.0.lock().unwrap().bytes.len(), 5);
    }
}
