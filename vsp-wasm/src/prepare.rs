//! Preparation for register allocation: critical edges are split, and constants become values.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use crate::hoist::hoist;
use crate::machine::{Block, Code, Function, Inst, Source, Successor};

/// The number of instructions within which uses of a constant share it.
const NEAR: usize = 24;

/// Prepares a function for register allocation.
pub(crate) fn prepare(function: &mut Function) {
    let in_order = split_edges(function);
    hoist(function, in_order);
    make_arguments(function);
    make_constants(function);
}

/// Puts a block on every edge from a block with several successors to one with several predecessors or with arguments.
/// It comes after its predecessor if the edge goes backwards, else to the end of the code. Returns the number of
/// blocks before those.
fn split_edges(function: &mut Function) -> usize {
    let blocks = core::mem::take(&mut function.blocks);
    let mut preds = alloc::vec![0u32; blocks.len()];
    for successor in blocks.iter().flat_map(|block| &block.successors) {
        preds[successor.block as usize] += 1;
    }
    let is_split = |block: &Block, successor: &Successor| {
        block.successors.len() > 1 && (preds[successor.block as usize] > 1 || !successor.args.is_empty())
    };
    // The new numbers of the blocks.
    let mut numbers = Vec::with_capacity(blocks.len());
    let mut next = 0;
    for (at, block) in blocks.iter().enumerate() {
        numbers.push(next);
        let backwards = |successor: &&Successor| is_split(block, successor) && successor.block as usize <= at;
        next += 1 + block.successors.iter().filter(backwards).count() as u32;
    }
    let loops: Vec<u32> = blocks.iter().map(|block| block.in_loop).collect();
    let mut end = next;
    let mut behind = Vec::new();
    for (at, mut block) in blocks.into_iter().enumerate() {
        let offset = block.end_offset();
        let mut edges = Vec::new();
        let splits: Vec<bool> =
            block.successors.iter().map(|successor| is_split(&block, successor)).collect();
        for (successor, split) in block.successors.iter_mut().zip(splits) {
            let target = successor.block as usize;
            successor.block = numbers[target];
            if !split {
                continue;
            }
            let jump = function.inst(Code::Jump, 0, &[], offset);
            let backwards = target <= at;
            let args = core::mem::take(&mut successor.args);
            let edge = Block {
                params: Vec::new(),
                insts: alloc::vec![jump],
                successors: alloc::vec![Successor { block: successor.block, args }],
                in_loop: if backwards { block.in_loop } else { loops[target] },
            };
            if backwards {
                edges.push(edge);
                successor.block = numbers[at] + edges.len() as u32;
            } else {
                behind.push(edge);
                successor.block = end;
                end += 1;
            }
        }
        function.blocks.push(block);
        function.blocks.append(&mut edges);
    }
    function.blocks.append(&mut behind);
    for (_, before) in &mut function.loops {
        *before = numbers.get(*before as usize).copied().unwrap_or(0);
    }
    next as usize
}

/// Makes constants that are arguments of blocks, before the jump.
fn make_arguments(function: &mut Function) {
    for at in 0..function.blocks.len() {
        let mut successors = core::mem::take(&mut function.blocks[at].successors);
        let offset = function.blocks[at].end_offset();
        for source in successors.iter_mut().flat_map(|successor| &mut successor.args) {
            if let Source::Constant(bits) = *source {
                let (inst, value) = function.constant(bits, offset);
                let insts = &mut function.blocks[at].insts;
                insts.insert(insts.len().saturating_sub(1), inst);
                *source = Source::Value(value);
            }
        }
        function.blocks[at].successors = successors;
    }
}

/// Makes the constants that instructions read.
fn make_constants(function: &mut Function) {
    let mut known: BTreeMap<u64, (u32, usize)> = BTreeMap::new();
    for at in 0..function.blocks.len() {
        known.clear();
        let old = core::mem::take(&mut function.blocks[at].insts);
        let mut insts: Vec<Inst> = Vec::with_capacity(old.len() + old.len() / 4);
        for inst in old {
            for operand in inst.range() {
                let Source::Constant(bits) = function.operands[operand].source else { continue };
                let value = match known.get(&bits) {
                    Some((value, last)) if insts.len() - last < NEAR => *value,
                    _ => {
                        let (constant, value) = function.constant(bits, inst.offset);
                        insts.push(constant);
                        value
                    }
                };
                known.insert(bits, (value, insts.len()));
                function.operands[operand].source = Source::Value(value);
            }
            insts.push(inst);
        }
        function.blocks[at].insts = insts;
    }
}
