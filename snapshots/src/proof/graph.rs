//! The blocks of a function and the ways between them.

use std::collections::HashMap;

use super::clif::{Function, Target};

/// A way to a block.
pub(super) struct Configuration<'t> {
    pub(super) from: usize,
    /// The value that is tested, and whether the way is taken if it is not zero.
    pub(super) condition: Option<(&'t str, bool)>,
    pub(super) args: Vec<&'t str>,
}

/// The blocks that can be reached.
pub(super) struct Graph<'t> {
    /// In reverse postorder.
    pub(super) order: Vec<usize>,
    /// The place of each block in the order.
    pub(super) location: Vec<Option<usize>>,
    /// All ways to each block from blocks that can be reached.
    pub(super) configurations: Vec<Vec<Configuration<'t>>>,
    /// The immediate dominator of each block.
    pub(super) dominator: Vec<usize>,
}

impl<'t> Graph<'t> {
    pub(super) fn new(function: &'t Function<'t>) -> Graph<'t> {
        let count = function.blocks.len();
        let numbers: HashMap<&str, usize> =
            function.blocks.iter().enumerate().map(|(number, block)| (block.name, number)).collect();
        let leads = |block: usize| -> Vec<(usize, Configuration<'t>)> {
            let Some(inst) = function.blocks[block].insts.last() else { return Vec::new() };
            let condition = (inst.op == "brif").then(|| function.values(inst.rest).next()).flatten();
            let targets = function.targets(inst).into_iter().enumerate();
            let configuration = |(index, target): (usize, Target<'t>)| {
                let condition = condition.map(|value| (value, index == 0));
                (numbers[target.block], Configuration { from: block, condition, args: target.args })
            };
            targets.map(configuration).collect()
        };
        let (mut order, mut seen) = (Vec::new(), vec![false; count]);
        let mut stack = vec![(0, false)];
        while let Some((block, is_done)) = stack.pop() {
            if is_done {
                order.push(block);
            } else if !std::mem::replace(&mut seen[block], true) {
                stack.push((block, true));
                stack.extend(leads(block).into_iter().map(|(to, _)| (to, false)));
            }
        }
        order.reverse();
        let mut location = vec![None; count];
        order.iter().enumerate().for_each(|(at, &block)| location[block] = Some(at));
        let mut configurations: Vec<Vec<Configuration<'t>>> = (0..count).map(|_| Vec::new()).collect();
        order
            .iter()
            .flat_map(|&block| leads(block))
            .for_each(|(to, configuration)| configurations[to].push(configuration));
        let dominator = dominators(&order, &location, &configurations);
        Graph { order, location, configurations, dominator }
    }
}

/// Immediate dominators (K. D. Cooper, T. J. Harvey, K. Kennedy, "A Simple, Fast Dominance Algorithm", 2001).
fn dominators(
    order: &[usize],
    location: &[Option<usize>],
    configurations: &[Vec<Configuration<'_>>],
) -> Vec<usize> {
    let mut found: Vec<Option<usize>> = vec![None; location.len()];
    found[0] = Some(0);
    let mut changed = true;
    while std::mem::take(&mut changed) {
        for &block in order.iter().skip(1) {
            let known = configurations[block]
                .iter()
                .map(|configuration| configuration.from)
                .filter(|from| found[*from].is_some());
            let common = known.reduce(|mut a, mut b| {
                while a != b {
                    let later = if location[a] > location[b] { &mut a } else { &mut b };
                    *later = found[*later].unwrap_or(0);
                }
                a
            });
            changed |= std::mem::replace(&mut found[block], common) != common;
        }
    }
    found.into_iter().map(|dominator| dominator.unwrap_or(0)).collect()
}
