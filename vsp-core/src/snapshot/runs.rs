//! The writer of memory: runs of the granules that differ from a base.

use super::GRANULE;
use crate::analysis::OutOfMemory;
use crate::bytes::{Writer, is_zero};

/// The unit in which equal parts are passed over, in bytes.
const PASSED_OVER: usize = 4096;

/// A writer of maximal runs of adjacent granules.
#[derive(Debug)]
pub(super) struct RunWriter<'w> {
    out: &'w mut Writer,
    /// Offset of the length of the last run in the output.
    length_at: usize,
    /// The first granule of the last run.
    start: usize,
    /// The granule after the last run.
    end: usize,
    /// The number of runs.
    runs: u32,
}

impl<'w> RunWriter<'w> {
    pub(super) fn new(out: &'w mut Writer) -> RunWriter<'w> {
        RunWriter { out, length_at: 0, start: 0, end: 0, runs: 0 }
    }

    /// Writes the granules of a part of the memory that differ from `base`, or are not zero if there is none. Both begin
    /// at this address, a multiple of 16, after all parts that were written before.
    pub(super) fn part(
        &mut self,
        address: u64,
        memory: &[u8],
        base: Option<&[u8]>,
    ) -> Result<(), OutOfMemory> {
        let first = address as usize / GRANULE;
        match base {
            Some(base) => {
                for (index, (now, before)) in
                    memory.chunks(PASSED_OVER).zip(base.chunks(PASSED_OVER)).enumerate()
                {
                    if now != before {
                        let before = before.as_chunks::<GRANULE>().0;
                        let same = |index: usize, granule: &[u8; GRANULE]| before.get(index) == Some(granule);
                        self.granules(first + index * (PASSED_OVER / GRANULE), now, same)?;
                    }
                }
            }
            None => {
                for (index, now) in memory.chunks(PASSED_OVER).enumerate() {
                    if !is_zero(now) {
                        let same = |_, granule: &[u8; GRANULE]| *granule == [0; GRANULE];
                        self.granules(first + index * (PASSED_OVER / GRANULE), now, same)?;
                    }
                }
            }
        }
        Ok(())
    }

    /// Writes the granules, the first of which has the number `first`, that are not `same`.
    #[inline]
    fn granules(
        &mut self,
        first: usize,
        bytes: &[u8],
        same: impl Fn(usize, &[u8; GRANULE]) -> bool,
    ) -> Result<(), OutOfMemory> {
        let granules = bytes.as_chunks::<GRANULE>().0;
        let mut next = 0;
        let is_same = |index: &usize| same(*index, &granules[*index]);
        while let Some(start) = (next..granules.len()).find(|index| !is_same(index)) {
            let end = (start..granules.len()).find(is_same).unwrap_or(granules.len());
            self.run(first + start, &granules[start..end])?;
            next = end;
        }
        Ok(())
    }

    /// Writes these granules, the first of which has the number `start`.
    fn run(&mut self, start: usize, granules: &[[u8; GRANULE]]) -> Result<(), OutOfMemory> {
        if self.runs == 0 || start != self.end {
            self.out.u32(start as u32)?;
            self.length_at = self.out.0.len();
            self.out.u32(0)?;
            self.start = start;
            self.runs += 1;
        }
        self.out.put(granules.as_flattened())?;
        self.end = start + granules.len();
        let length = (self.end - self.start) as u32;
        self.out.0[self.length_at..][..4].copy_from_slice(&length.to_le_bytes());
        Ok(())
    }

    /// Returns the number of runs.
    pub(super) fn count(&self) -> u32 {
        self.runs
    }
}
