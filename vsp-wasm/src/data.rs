//! The data segments of the program: those of the module do not overlap there, and there are not too many.

use alloc::format;
use alloc::vec::Vec;

use vsp_core::limits::Limits;

use crate::error::Error;
use crate::module::{Module, Placement};

/// Data segments of the program: address and bytes.
pub(crate) type Segments = Vec<(u32, Vec<u8>)>;

/// Returns the data segments of the program. The module's memory has `size` bytes at first.
pub(crate) fn segments(module: &Module<'_>, size: u64) -> Result<Segments, Error> {
    let mut active: Vec<(u64, &[u8])> = Vec::new();
    for (index, data) in module.data.iter().enumerate() {
        let Placement::Active { offset, .. } = data.placement else { continue };
        let (offset, end) = (u64::from(offset), u64::from(offset) + data.bytes.len() as u64);
        if end > size {
            return Err(Error::instantiation(format!(
                "data segment {index} ends at {end}, but the memory has {size} bytes"
            )));
        }
        if !data.bytes.is_empty() {
            active.push((offset, data.bytes));
        }
    }
    let ranges = ranges(&active)?;
    let mut out: Segments =
        ranges.iter().map(|(from, to)| (*from as u32, alloc::vec![0; (to - from) as usize])).collect();
    // In the order of the module: later ones win.
    for (offset, bytes) in active {
        let at = ranges.partition_point(|(from, _)| *from <= offset) - 1;
        let from = (offset - ranges[at].0) as usize;
        out[at].1[from..from + bytes.len()].copy_from_slice(bytes);
    }
    Ok(out)
}

/// Returns the ranges of addresses that segments cover: where there are too many, with small gaps between them.
fn ranges(active: &[(u64, &[u8])]) -> Result<Vec<(u64, u64)>, Error> {
    let mut sorted: Vec<(u64, u64)> =
        active.iter().map(|(offset, bytes)| (*offset, offset + bytes.len() as u64)).collect();
    sorted.sort_unstable();
    let (most, most_bytes) = (Limits::DEFAULT.segments as usize, u64::from(Limits::DEFAULT.file_bytes));
    let mut gap = 0;
    loop {
        let mut ranges: Vec<(u64, u64)> = Vec::new();
        for (from, to) in &sorted {
            match ranges.last_mut() {
                Some((_, end)) if *from <= *end + gap => *end = (*end).max(*to),
                _ => ranges.push((*from, *to)),
            }
        }
        if ranges.iter().map(|(from, to)| to - from).sum::<u64>() > most_bytes {
            return Err(Error::limit(format!(
                "the data segments need more than {most} segments or {most_bytes} bytes"
            )));
        }
        if ranges.len() <= most {
            return Ok(ranges);
        }
        sorted = ranges;
        gap = 2 * gap + 16;
    }
}
