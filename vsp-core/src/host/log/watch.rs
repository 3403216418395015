//! The parts of a memory that a host function was given, to find out what it wrote.

use alloc::vec::Vec;

use super::entry::put_number;

/// The unit in which changes are looked for, in bytes: changes with fewer equal bytes between them are one.
const BLOCK: usize = 32;

/// Ranges of a memory with their bytes at an earlier time.
#[derive(Debug, Default)]
pub(super) struct Watch {
    ranges: Vec<Range>,
    /// The earlier bytes of all ranges.
    before: Vec<u8>,
    /// Whether all of the memory is watched.
    all: bool,
}

#[derive(Clone, Copy, Debug)]
struct Range {
    address: usize,
    length: usize,
}

/// There is no memory.
#[derive(Debug)]
pub(super) struct NoMemory;

impl Watch {
    pub(super) fn clear(&mut self) {
        self.ranges.clear();
        self.before.clear();
        self.all = false;
    }

    /// Watches the bytes from `address` on, which are `bytes` now.
    pub(super) fn add(&mut self, address: usize, bytes: &[u8]) -> Result<(), NoMemory> {
        if self.all {
            return Ok(());
        }
        self.ranges.try_reserve(1).map_err(|_| NoMemory)?;
        self.ranges.push(Range { address, length: bytes.len() });
        self.before.try_reserve(bytes.len()).map_err(|_| NoMemory)?;
        self.before.extend_from_slice(bytes);
        Ok(())
    }

    /// Watches all of the memory.
    pub(super) fn add_all(&mut self, memory: &[u8]) -> Result<(), NoMemory> {
        self.add(0, memory)?;
        self.all = true;
        Ok(())
    }

    /// Returns whether nothing is watched.
    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        self.ranges.is_empty()
    }

    /// Calls `put` with the addresses and the bytes of `memory` that differ from those before.
    fn changes(
        &self,
        memory: &[u8],
        mut put: impl FnMut(usize, &[u8]) -> Result<(), NoMemory>,
    ) -> Result<(), NoMemory> {
        let mut kept = 0;
        for Range { address, length } in &self.ranges {
            let Some(now) = memory.get(*address..*address + *length) else { continue };
            let before = &self.before[kept..kept + length];
            kept += length;
            if now == before {
                continue;
            }
            let differs = |block: &usize| {
                let range = block * BLOCK..now.len().min((block + 1) * BLOCK);
                now[range.clone()] != before[range]
            };
            let (blocks, mut next) = (now.len().div_ceil(BLOCK), 0);
            while let Some(first) = (next..blocks).find(differs) {
                let end = (first..blocks).find(|block| !differs(block)).unwrap_or(blocks);
                let range = first * BLOCK..now.len().min(end * BLOCK);
                let same = |(one, other): &(&u8, &u8)| one == other;
                let pairs = || now[range.clone()].iter().zip(&before[range.clone()]);
                let (front, back) =
                    (pairs().take_while(same).count(), pairs().rev().take_while(same).count());
                put(address + range.start + front, &now[range.start + front..range.end - back])?;
                next = end;
            }
        }
        Ok(())
    }

    /// Appends the number of changes, and the changes.
    pub(super) fn put_changes(&self, memory: &[u8], out: &mut Vec<u8>) -> Result<(), NoMemory> {
        let mut count = 0;
        self.changes(memory, |_, _| {
            count += 1;
            Ok(())
        })?;
        out.try_reserve(super::entry::MAX_NUMBER).map_err(|_| NoMemory)?;
        put_number(out, count);
        self.changes(memory, |address, bytes| {
            out.try_reserve(2 * super::entry::MAX_NUMBER + bytes.len()).map_err(|_| NoMemory)?;
            put_number(out, address as u64);
            put_number(out, bytes.len() as u64);
            out.extend_from_slice(bytes);
            Ok(())
        })
    }

    /// Returns whether there are changes.
    pub(super) fn has_changes(&self, memory: &[u8]) -> bool {
        self.changes(memory, |_, _| Err(NoMemory)).is_err()
    }
}
