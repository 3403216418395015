//! The control-flow graph of a function.

use std::collections::HashMap;

use super::clif::{Function, Target};

/// An edge to a block.
pub(super) struct Edge<'t> {
    pub(super) from: usize,
    /// The value that is tested, and whether the edge is taken if it is not zero.
    pub(super) condition: Option<(&'t str, bool)>,
    pub(super) args: Vec<&'t str>,
}

/// The graph of the reachable blocks.
pub(super) struct Graph<'t> {
    /// The blocks in reverse postorder.
    pub(super) order: Vec<usize>,
    /// The position of each block in the order.
    pub(super) position: Vec<Option<usize>>,
    /// The edges to each block from reachable blocks.
    pub(super) edges: Vec<Vec<Edge<'t>>>,
    /// The immediate dominator of each block.
    pub(super) dominator: Vec<usize>,
}

impl<'t> Graph<'t> {
    pub(super) fn new(function: &'t Function<'t>) -> Graph<'t> {
        let count = function.blocks.len();
        let numbers: HashMap<&str, usize> =
            function.blocks.iter().enumerate().map(|(number, block)| (block.name, number)).collect();
        let successors = |block: usize| -> Vec<(usize, Edge<'t>)> {
            let Some(inst) = function.blocks[block].insts.last() else { return Vec::new() };
            let condition = (inst.op == "brif").then(|| function.values(inst.rest).next()).flatten();
            let targets = function.targets(inst).into_iter().enumerate();
            let edge = |(index, target): (usize, Target<'t>)| {
                let condition = condition.map(|value| (value, index == 0));
                (numbers[target.block], Edge { from: block, condition, args: target.args })
            };
            targets.map(edge).collect()
        };
        let (mut order, mut seen) = (Vec::new(), vec![false; count]);
        let mut stack = vec![(0, false)];
        while let Some((block, is_done)) = stack.pop() {
            if is_done {
                order.push(block);
            } else if !std::mem::replace(&mut seen[block], true) {
                stack.push((block, true));
                stack.extend(successors(block).into_iter().map(|(to, _)| (to, false)));
            }
        }
        order.reverse();
        let mut position = vec![None; count];
        order.iter().enumerate().for_each(|(at, &block)| position[block] = Some(at));
        let mut edges: Vec<Vec<Edge<'t>>> = (0..count).map(|_| Vec::new()).collect();
        order.iter().flat_map(|&block| successors(block)).for_each(|(to, edge)| edges[to].push(edge));
        let dominator = dominators(&order, &position, &edges);
        Graph { order, position, edges, dominator }
    }
}

/// Computes immediate dominators (K. D. Cooper, T. J. Harvey, K. Kennedy, "A Simple, Fast Dominance Algorithm", 2001).
fn dominators(order: &[usize], position: &[Option<usize>], edges: &[Vec<Edge<'_>>]) -> Vec<usize> {
    let mut found: Vec<Option<usize>> = vec![None; position.len()];
    found[0] = Some(0);
    let mut changed = true;
    while std::mem::take(&mut changed) {
        for &block in order.iter().skip(1) {
            let known = edges[block].iter().map(|edge| edge.from).filter(|from| found[*from].is_some());
            let common = known.reduce(|mut a, mut b| {
                while a != b {
                    let later = if position[a] > position[b] { &mut a } else { &mut b };
                    *later = found[*later].unwrap_or(0);
                }
                a
            });
            changed |= std::mem::replace(&mut found[block], common) != common;
        }
    }
    found.into_iter().map(|dominator| dominator.unwrap_or(0)).collect()
}
