//! The parts of a memory that a host function was given, to find out what it wrote.

use alloc::vec::Vec;

use super::entry::{MAX_NUMBER, put_number};

/// The unit in which changes are looked for, in bytes: changes with fewer equal bytes between them are one.
const BLOCK: usize = 64;

/// Ranges of a memory with their bytes at an earlier time.
#[derive(Debug, Default)]
pub(super) struct Watch {
    ranges: Vec<Range>,
    /// The earlier bytes of all ranges.
    before: Vec<u8>,
    /// Whether all of the memory is watched.
    all: bool,
    /// The parts that were found to be different.
    changes: Vec<Range>,
}

#[derive(Clone, Copy, Debug)]
struct Range {
    address: usize,
    length: usize,
}

/// There is no memory.
#[derive(Debug)]
pub(crate) struct NoMemory;

impl Watch {
    pub(super) fn clear(&mut self) {
        self.ranges.clear();
        self.before.clear();
        self.changes.clear();
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

    /// Finds the bytes of `memory` that differ from those before. Returns whether there are any.
    pub(super) fn find_changes(&mut self, memory: &[u8]) -> Result<bool, NoMemory> {
        self.changes.clear();
        let mut kept = 0;
        for Range { address, length } in &self.ranges {
            let before = &self.before[kept..kept + length];
            kept += length;
            let Some(now) = memory.get(*address..*address + *length) else { continue };
            if now == before {
                continue;
            }
            let (blocks, rest) = now.as_chunks::<BLOCK>();
            let (blocks_before, rest_before) = before.as_chunks::<BLOCK>();
            let differs = |block: &usize| match blocks.get(*block) {
                Some(bytes) => blocks_before.get(*block) != Some(bytes),
                None => rest != rest_before,
            };
            let (count, mut next) = (now.len().div_ceil(BLOCK), 0);
            while let Some(first) = (next..count).find(differs) {
                let end = (first..count).find(|block| !differs(block)).unwrap_or(count);
                let range = first * BLOCK..now.len().min(end * BLOCK);
                let same = |(one, other): &(&u8, &u8)| one == other;
                let pairs = || now[range.clone()].iter().zip(&before[range.clone()]);
                let (front, back) =
                    (pairs().take_while(same).count(), pairs().rev().take_while(same).count());
                self.changes.try_reserve(1).map_err(|_| NoMemory)?;
                let length = range.len() - front - back;
                self.changes.push(Range { address: address + range.start + front, length });
                next = end;
            }
        }
        Ok(!self.changes.is_empty())
    }

    /// Appends the number of changes that were found last, and the changes.
    pub(super) fn put_changes(&self, memory: &[u8], out: &mut Vec<u8>) -> Result<(), NoMemory> {
        out.try_reserve(MAX_NUMBER).map_err(|_| NoMemory)?;
        put_number(out, self.changes.len() as u64);
        for Range { address, length } in &self.changes {
            out.try_reserve(2 * MAX_NUMBER + length).map_err(|_| NoMemory)?;
            put_number(out, *address as u64);
            put_number(out, *length as u64);
            out.extend_from_slice(&memory[*address..*address + *length]);
        }
        Ok(())
    }
}
