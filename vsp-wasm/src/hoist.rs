//! Constants of loops are made before them, where registers are free.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;

use crate::machine::{Code, Constraint, Function, Source};

/// The number of registers that values of a loop may take together with its constants.
const REGISTERS: usize = 13;

/// The sizes of loops that are looked at, in instructions, add up to at most this many times that of the function.
const WORK: usize = 16;

/// Moves constants out of loops, from the inside to the outside. Of the blocks, those before number `in_order` are in
/// the order of the code, so that a loop is a range of them.
pub(crate) fn hoist(function: &mut Function, in_order: usize) {
    let mut ranges = ranges(function, in_order);
    let sizes: Vec<usize> = function.blocks.iter().map(|block| block.insts.len()).collect();
    let total: usize = sizes.iter().sum();
    let mut work = WORK * total;
    let mut hoister = Hoister { first: BTreeMap::new(), renamed: BTreeMap::new() };
    for number in (1..function.loops.len()).rev() {
        let Some((from, to)) = ranges[number].take() else { continue };
        let size: usize = sizes[from..=to].iter().sum();
        if size > work {
            break;
        }
        work -= size;
        let before = function.loops[number].1 as usize;
        // What enters the loop is in front of it.
        if before < from && function.blocks[before].successors.len() == 1 {
            hoister.visit(function, before, from, to);
        }
    }
    if !hoister.renamed.is_empty() {
        hoister.rename(function);
    }
}

/// Returns the first and the last block of each loop.
fn ranges(function: &Function, in_order: usize) -> Vec<Option<(usize, usize)>> {
    let mut ranges: Vec<Option<(usize, usize)>> = alloc::vec![None; function.loops.len()];
    for (at, block) in function.blocks.iter().enumerate().take(in_order) {
        let range = ranges[block.in_loop as usize].get_or_insert((at, at));
        range.1 = at;
    }
    for number in (1..ranges.len()).rev() {
        let parent = function.loops[number].0 as usize;
        if let Some((from, to)) = ranges[number] {
            let outer = ranges[parent].get_or_insert((from, to));
            *outer = (outer.0.min(from), outer.1.max(to));
        }
    }
    ranges
}

struct Hoister {
    /// The locations of the first write and the last read of values of the current loop.
    first: BTreeMap<u32, (usize, usize)>,
    /// Constants that an outer loop's replace.
    renamed: BTreeMap<u32, u32>,
}

impl Hoister {
    fn visit(&mut self, function: &mut Function, before: usize, from: usize, to: usize) {
        let mut constants: BTreeMap<u64, u32> = BTreeMap::new();
        for block in &function.blocks[from..=to] {
            for inst in &block.insts {
                if let Code::Constant(bits) = inst.code {
                    *constants.entry(bits).or_default() += 2;
                }
                for operand in &function.operands[inst.range()] {
                    if let Source::Constant(bits) = operand.source {
                        *constants.entry(bits).or_default() += 1;
                    }
                }
            }
        }
        if constants.is_empty() {
            return;
        }
        let room = REGISTERS.saturating_sub(self.pressure(function, from, to));
        let mut chosen: Vec<(u32, u64)> = constants.into_iter().map(|(bits, count)| (count, bits)).collect();
        chosen.sort_unstable_by_key(|(count, bits)| (core::cmp::Reverse(*count), *bits));
        chosen.truncate(room);
        let mut values: BTreeMap<u64, u32> = BTreeMap::new();
        let offset = function.blocks[before].end_offset();
        for (_, bits) in chosen {
            let (inst, value) = function.constant(bits, offset);
            let insts = &mut function.blocks[before].insts;
            insts.insert(insts.len() - 1, inst);
            values.insert(bits, value);
        }
        if values.is_empty() {
            return;
        }
        for at in from..=to {
            let mut insts = core::mem::take(&mut function.blocks[at].insts);
            insts.retain(|inst| {
                let operands = &mut function.operands[inst.range()];
                if let (Code::Constant(bits), [result]) = (inst.code, &*operands)
                    && let (Some(value), Source::Value(old)) = (values.get(&bits), result.source)
                {
                    self.renamed.insert(old, *value);
                    return false;
                }
                for operand in operands {
                    if let Source::Constant(bits) = operand.source
                        && let Some(value) = values.get(&bits)
                    {
                        operand.source = Source::Value(*value);
                    }
                }
                true
            });
            function.blocks[at].insts = insts;
        }
    }

    /// Returns about how many values live at once in these blocks, without those that only live through.
    fn pressure(&mut self, function: &Function, from: usize, to: usize) -> usize {
        self.first.clear();
        let mut position = 0;
        let mut through = BTreeSet::new();
        for block in &function.blocks[from..=to] {
            for param in &block.params {
                self.first.insert(*param, (position, position));
            }
            for inst in &block.insts {
                position += 1;
                for operand in &function.operands[inst.range()] {
                    let Source::Value(value) = operand.source else { continue };
                    if matches!(operand.constraint, Constraint::Use | Constraint::UseIn(_)) {
                        self.read(value, position, &mut through);
                    } else {
                        self.first.insert(value, (position, position));
                    }
                }
            }
            for source in block.successors.iter().flat_map(|successor| &successor.args) {
                if let Source::Value(value) = source {
                    self.read(*value, position, &mut through);
                }
            }
        }
        let header = function.blocks.get(from).map_or(&[][..], |block| &block.params);
        through.extend(header);
        let mut changes: BTreeMap<usize, i64> = BTreeMap::new();
        for (value, (first, last)) in &self.first {
            if !through.contains(value) {
                *changes.entry(*first).or_default() += 1;
                *changes.entry(*last).or_default() -= 1;
            }
        }
        let (mut now, mut most) = (0, 0);
        for change in changes.values() {
            now += change;
            most = most.max(now);
        }
        through.len() + most as usize
    }

    fn read(&mut self, value: u32, position: usize, through: &mut BTreeSet<u32>) {
        match self.first.get_mut(&value) {
            Some((_, last)) => *last = position,
            None => {
                through.insert(value);
            }
        }
    }

    fn rename(&self, function: &mut Function) {
        let find = |source: &mut Source| {
            while let Source::Value(value) = *source
                && let Some(by) = self.renamed.get(&value)
            {
                *source = Source::Value(*by);
            }
        };
        function.operands.iter_mut().for_each(|operand| find(&mut operand.source));
        for block in &mut function.blocks {
            block.successors.iter_mut().flat_map(|successor| &mut successor.args).for_each(find);
        }
    }
}
