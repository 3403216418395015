//! Sharing of spill slots: the fast algorithm gives every spilled value a slot of its own.

use alloc::collections::BTreeSet;
use alloc::vec::Vec;

use regalloc2::{Allocation, Block, Edit, Function, InstOrEdit, Output, SpillSlot};

use super::Input;

/// Renumbers the slots so that slots whose live ranges do not overlap share one. Returns their number.
pub(super) fn share(input: &Input, output: &mut Output) -> u32 {
    let count = output.num_spillslots;
    let mut ranges: Vec<(u32, u32)> = alloc::vec![(u32::MAX, 0); count];
    // A range is counted in blocks. Where a loop goes back, what lives before it and in it lives to its end.
    let mut blocks_of_loops: Vec<(u32, u32)> = Vec::new();
    for at in 0..input.num_blocks() {
        for successor in input.block_succs(Block::new(at)) {
            if successor.index() <= at {
                blocks_of_loops.push((successor.index() as u32, at as u32));
            }
        }
        let mut touch = |allocation: Allocation| {
            if let Some(slot) = allocation.as_stack() {
                let range = &mut ranges[slot.index()];
                *range = (range.0.min(at as u32), range.1.max(at as u32));
            }
        };
        for item in output.block_insts_and_edits(input, Block::new(at)) {
            match item {
                InstOrEdit::Edit(Edit::Move { from, to }) => {
                    touch(*from);
                    touch(*to);
                }
                InstOrEdit::Inst(inst) => output.inst_allocs(inst).iter().for_each(|it| touch(*it)),
            }
        }
    }
    extend(&mut ranges, &mut blocks_of_loops);
    let names = assign(&ranges);
    let rename = |allocation: &mut Allocation| {
        if let Some(slot) = allocation.as_stack() {
            *allocation = Allocation::stack(SpillSlot::new(names.0[slot.index()] as usize));
        }
    };
    output.allocs.iter_mut().for_each(rename);
    for (_, Edit::Move { from, to }) in &mut output.edits {
        rename(from);
        rename(to);
    }
    names.1
}

/// Extends the ranges that a loop overlaps to all of the loop.
fn extend(ranges: &mut [(u32, u32)], loops: &mut [(u32, u32)]) {
    // One loop for each header, as long as its longest; loops that overlap without nesting become one.
    loops.sort_unstable();
    let mut merged: Vec<(u32, u32)> = Vec::new();
    for (from, to) in loops.iter() {
        match merged.last_mut() {
            Some((_, end)) if from <= end => *end = (*end).max(*to),
            _ => merged.push((*from, *to)),
        }
    }
    for (first, last) in ranges.iter_mut().filter(|range| range.0 <= range.1) {
        // A place that is only touched inside of one block needs no more.
        if first == last {
            continue;
        }
        let at = merged.partition_point(|(_, to)| to < first);
        if let Some((from, to)) = merged.get(at)
            && from <= last
        {
            (*first, *last) = ((*first).min(*from), (*last).max(*to));
        }
        let at = merged.partition_point(|(from, _)| from <= last);
        if let Some((_, to)) = at.checked_sub(1).and_then(|at| merged.get(at))
            && to >= last
        {
            *last = *to;
        }
    }
}

/// Assigns names to ranges, and returns them with their number.
fn assign(ranges: &[(u32, u32)]) -> (Vec<u32>, u32) {
    let mut order: Vec<usize> = (0..ranges.len()).filter(|at| ranges[*at].0 <= ranges[*at].1).collect();
    order.sort_unstable_by_key(|at| (ranges[*at], *at));
    let mut names = alloc::vec![0; ranges.len()];
    let (mut free, mut count): (BTreeSet<u32>, u32) = (BTreeSet::new(), 0);
    let mut busy: BTreeSet<(u32, u32)> = BTreeSet::new();
    for at in order {
        let (from, to) = ranges[at];
        while let Some((end, name)) = busy.first().copied()
            && end < from
        {
            busy.pop_first();
            free.insert(name);
        }
        let name = free.pop_first().unwrap_or_else(|| {
            count += 1;
            count - 1
        });
        names[at] = name;
        busy.insert((to, name));
    }
    (names, count)
}
