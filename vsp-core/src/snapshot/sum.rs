//! The checksum of a large snapshot, computed while the bytes that were written are in the processor's caches.

use crate::program::RunningChecksum;

/// Bytes that are added at a time.
const AT_ONCE: usize = 1 << 16;

/// Size in bytes of the address and the length of a run.
const RUN_HEADER: usize = 8;

/// The checksum of the bytes after the header. The length of the run that is being written is not known yet: its bytes
/// have a checksum of their own, which is joined to the other one at the end of the run.
#[derive(Debug)]
pub(super) struct Sum {
    /// Offset of the first byte after the header.
    start: usize,
    /// The checksum of the bytes from `start` to `end`.
    sum: RunningChecksum,
    end: usize,
    /// Offset of the run that is being written.
    run: usize,
    /// The checksum of the bytes of the run up to this offset, if it is a long one.
    of_run: Option<(RunningChecksum, usize)>,
}

impl Sum {
    /// Creates the checksum of the bytes from `start` on. A run begins at `run`.
    pub(super) fn new(start: usize, run: usize) -> Sum {
        Sum { start, sum: RunningChecksum::default(), end: start, run, of_run: None }
    }

    /// Takes note that bytes were appended to the run.
    #[inline]
    pub(super) fn grown(&mut self, out: &[u8]) {
        let from = self.of_run.as_ref().map_or(self.run + RUN_HEADER, |(_, end)| *end);
        if out.len().saturating_sub(from) >= AT_ONCE {
            let (of_run, end) = self.of_run.get_or_insert_with(|| (RunningChecksum::default(), from));
            of_run.update(&out[*end..]);
            *end = out.len();
        }
    }

    /// Takes note that the run has ended, and its length is written.
    pub(super) fn run_ended(&mut self, out: &[u8]) {
        if let Some((mut of_run, end)) = self.of_run.take() {
            of_run.update(&out[end..]);
            self.sum.update(&out[self.end..self.run + RUN_HEADER]);
            self.sum.join(&of_run);
            self.end = out.len();
        } else if out.len() - self.end >= AT_ONCE {
            self.sum.update(&out[self.end..]);
            self.end = out.len();
        }
        self.run = out.len();
    }

    /// Returns the checksum of all bytes, of which those at `field` are taken as zero.
    pub(super) fn finish(mut self, out: &[u8], field: usize) -> u32 {
        self.run_ended(out);
        let mut whole = RunningChecksum::default();
        whole.update(&out[..field]);
        whole.update(&[0; 4]);
        if self.end == self.start {
            whole.update(&out[field + 4..]);
        } else {
            whole.update(&out[field + 4..self.start]);
            self.sum.update(&out[self.end..]);
            whole.join(&self.sum);
        }
        whole.finish()
    }
}
