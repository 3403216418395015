//! The writer of memory: runs of the granules that differ from a base.

use core::ops::Range;

use super::GRANULE;
#[cfg(feature = "std")]
use super::sum::Sum;
use crate::analysis::OutOfMemory;
use crate::bytes::{Writer, is_zero};
use crate::program::CHECKSUM_AT;
#[cfg(not(feature = "std"))]
use crate::program::checksum;

/// Offset of the total length in the header.
const LENGTH_AT: usize = 8;

/// Offset of the number of globals in the header.
const GLOBALS_AT: usize = 64;

/// Offset of the number of memory runs in the header.
const RUNS_AT: usize = 68;

/// The unit in which equal parts are passed over, in bytes.
const PASSED_OVER: usize = 4096;

/// The granules that are written at once, if as many are adjacent: 1 MiB. Copying a page at a time to memory that the
/// system has to provide takes a third longer.
const WRITTEN_AT_ONCE: usize = (1 << 20) / GRANULE;

/// A part of the memory.
struct Part<'m> {
    /// The number of its first granule.
    first: usize,
    granules: &'m [[u8; GRANULE]],
    /// The granules that differ and are not written yet, which are adjacent.
    waiting: Range<usize>,
}

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
    #[cfg(feature = "std")]
    sum: Sum,
}

impl<'w> RunWriter<'w> {
    /// Creates a writer that appends to `out`, the header of which has this many bytes.
    #[cfg_attr(
        not(feature = "std"),
        expect(unused_variables, reason = "the checksum is computed at the end")
    )]
    pub(super) fn new(out: &'w mut Writer, header: usize) -> RunWriter<'w> {
        #[cfg(feature = "std")]
        let sum = Sum::new(header, out.0.len());
        RunWriter {
            out,
            length_at: 0,
            start: 0,
            end: 0,
            runs: 0,
            #[cfg(feature = "std")]
            sum,
        }
    }

    /// Writes the granules of a part of the memory that differ from `base`, or are not zero if there is none. Both begin
    /// at this address, a multiple of 16, after all parts that were written before.
    pub(super) fn part(
        &mut self,
        address: u64,
        memory: &[u8],
        base: Option<&[u8]>,
    ) -> Result<(), OutOfMemory> {
        let (first, granules) = (address as usize / GRANULE, memory.as_chunks().0);
        let mut part = Part { first, granules, waiting: 0..0 };
        let pages = memory.chunks(PASSED_OVER).enumerate();
        match base {
            Some(base) => {
                for ((index, now), before) in pages.zip(base.chunks(PASSED_OVER)) {
                    if now != before {
                        let before = before.as_chunks::<GRANULE>().0;
                        let same = |index: usize, granule: &[u8; GRANULE]| before.get(index) == Some(granule);
                        self.granules(&mut part, index, now, same)?;
                    }
                }
            }
            None => {
                for (index, now) in pages {
                    if !is_zero(now) {
                        let same = |_, granule: &[u8; GRANULE]| *granule == [0; GRANULE];
                        self.granules(&mut part, index, now, same)?;
                    }
                }
            }
        }
        self.write(&part)
    }

    /// Writes the granules of the page with this index that are not `same`. The last ones can wait.
    #[inline]
    fn granules(
        &mut self,
        part: &mut Part<'_>,
        index: usize,
        page: &[u8],
        same: impl Fn(usize, &[u8; GRANULE]) -> bool,
    ) -> Result<(), OutOfMemory> {
        let granules = page.as_chunks::<GRANULE>().0;
        let (first, mut next) = (index * (PASSED_OVER / GRANULE), 0);
        let is_same = |index: &usize| same(*index, &granules[*index]);
        while let Some(start) = (next..granules.len()).find(|index| !is_same(index)) {
            let end = (start..granules.len()).find(is_same).unwrap_or(granules.len());
            if part.waiting.end != first + start || part.waiting.len() >= WRITTEN_AT_ONCE {
                self.write(part)?;
                part.waiting = first + start..first + end;
            }
            part.waiting.end = first + end;
            next = end;
        }
        Ok(())
    }

    /// Writes the granules that wait.
    fn write(&mut self, part: &Part<'_>) -> Result<(), OutOfMemory> {
        match part.waiting.is_empty() {
            true => Ok(()),
            false => self.run(part.first + part.waiting.start, &part.granules[part.waiting.clone()]),
        }
    }

    /// Writes these granules, the first of which has the number `start`.
    fn run(&mut self, start: usize, granules: &[[u8; GRANULE]]) -> Result<(), OutOfMemory> {
        if self.runs == 0 || start != self.end {
            #[cfg(feature = "std")]
            self.sum.run_ended(&self.out.0);
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
        #[cfg(feature = "std")]
        self.sum.grown(&self.out.0);
        Ok(())
    }

    /// Writes the fields of the header that depend on what follows it: the number of globals, and those of the runs.
    pub(super) fn finish(self, globals: u32) {
        let bytes = &mut self.out.0;
        let length = bytes.len() as u64;
        bytes[LENGTH_AT..][..8].copy_from_slice(&length.to_le_bytes());
        bytes[GLOBALS_AT..][..4].copy_from_slice(&globals.to_le_bytes());
        bytes[RUNS_AT..][..4].copy_from_slice(&self.runs.to_le_bytes());
        #[cfg(feature = "std")]
        let checksum = self.sum.finish(bytes, CHECKSUM_AT);
        #[cfg(not(feature = "std"))]
        let checksum = checksum(bytes);
        bytes[CHECKSUM_AT..][..4].copy_from_slice(&checksum.to_le_bytes());
    }
}
