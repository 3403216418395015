//! The memory of snapshots: runs of granules, and several lists of runs on top of each other.

use alloc::vec::Vec;

use super::read::{Snapshot, read_run};
use crate::program::Cursor;

/// The runs of memory of a snapshot, which have been checked: bytes with their addresses, in ascending order.
#[derive(Clone, Copy, Debug)]
pub(super) struct Runs<'a> {
    at: Cursor<'a>,
    left: u32,
}

impl<'a> Runs<'a> {
    pub(super) fn new(bytes: &'a [u8], count: u32) -> Runs<'a> {
        Runs { at: Cursor::new(bytes, 0), left: count }
    }
}

impl<'a> Iterator for Runs<'a> {
    type Item = (u64, &'a [u8]);

    fn next(&mut self) -> Option<(u64, &'a [u8])> {
        self.left = self.left.checked_sub(1)?;
        read_run(&mut self.at)
    }
}

/// A list of runs that is read in the order of addresses.
#[derive(Debug)]
struct Layer<'a> {
    /// The first run that does not end before the address that is looked at.
    run: Option<(u64, &'a [u8])>,
    rest: Runs<'a>,
}

/// The parts of the memory of a snapshot with its deltas, in ascending order and without gaps: the address of each part,
/// its end, and its bytes, or `None` if it is zero.
#[derive(Debug)]
pub(super) struct Layers<'a> {
    /// The snapshot itself and then the deltas, whose runs replace those of the layers before them.
    layers: Vec<Layer<'a>>,
    next: u64,
    size: u64,
}

impl<'a> Layers<'a> {
    /// Takes a few words for each delta: less than the deltas themselves.
    pub(super) fn new(snapshot: &Snapshot<'a>) -> Layers<'a> {
        let lists = core::iter::once(snapshot.runs).chain(snapshot.deltas.iter().map(|delta| delta.runs));
        let layers = lists.map(|mut rest| Layer { run: rest.next(), rest }).collect();
        Layers { layers, next: 0, size: snapshot.memory_bytes() }
    }
}

impl<'a> Iterator for Layers<'a> {
    type Item = (u64, u64, Option<&'a [u8]>);

    fn next(&mut self) -> Option<(u64, u64, Option<&'a [u8]>)> {
        let (start, mut end) = (self.next, self.size);
        if start >= end {
            return None;
        }
        let mut found = None;
        for layer in self.layers.iter_mut().rev() {
            while let Some((address, bytes)) = layer.run
                && address + bytes.len() as u64 <= start
            {
                layer.run = layer.rest.next();
            }
            match layer.run {
                Some((address, bytes)) if address <= start => {
                    end = end.min(address + bytes.len() as u64);
                    found = bytes.get((start - address) as usize..(end - address) as usize);
                    break;
                }
                Some((address, _)) => end = end.min(address),
                None => {}
            }
        }
        self.next = end;
        Some((start, end, found))
    }
}
