//! Edges between blocks: conversions, fuel and safepoints.

use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{Block, InstBuilder, JumpTableData, Value, types::I32, types::I64};

use super::Lowering;
use super::slots::Representation;

/// The kind of an edge to a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum EdgeKind {
    /// From outside; with a safepoint if `check`.
    Entry { check: bool },
    /// From the word before.
    FallThrough,
    /// A taken branch with this displacement.
    Taken(i32),
}

impl EdgeKind {
    fn checks(self) -> bool {
        match self {
            EdgeKind::Entry { check } => check,
            EdgeKind::FallThrough => false,
            EdgeKind::Taken(displacement) => displacement < 0,
        }
    }

    fn skipped(self) -> i64 {
        match self {
            EdgeKind::Entry { .. } | EdgeKind::FallThrough => 0,
            EdgeKind::Taken(displacement) => i64::from(displacement),
        }
    }
}

/// The largest number of edges of a SWITCH that convert values separately. Before one with more, conversions that some
/// edges need are done for all: code for each edge would have the size of all live values.
const MAX_SEPARATE_EDGES: u32 = 8;

/// An edge out of a branch.
struct BranchEdge {
    /// The direct target of the branch.
    to: Block,
    target: u32,
    kind: EdgeKind,
    /// Whether `to` is an edge block that still has to be filled.
    open: bool,
}

impl Lowering<'_, '_, '_, '_> {
    /// Ends the current block with a jump to `target`.
    pub(super) fn goto_block(&mut self, target: u32, kind: EdgeKind) {
        let wanted = self.entry_representation(target);
        self.convert(wanted);
        self.skip_fuel(kind.skipped());
        if kind.checks() {
            self.edge_safepoint(target, matches!(kind, EdgeKind::Entry { .. }));
        }
        self.b.ins().jump(self.ir_blocks[target as usize], &[]);
        self.record_edge(target);
        self.ended = true;
    }

    /// Ends the current block with a branch.
    pub(super) fn branch(&mut self, condition: Value, displacement: i32) {
        let taken = self.edge(self.target(displacement), EdgeKind::Taken(displacement));
        let fall = self.edge(self.block + 1, EdgeKind::FallThrough);
        self.b.ins().brif(condition, taken.to, &[], fall.to, &[]);
        self.finish_edges(&[fall, taken]);
    }

    /// Ends the current block with a jump into the following table of `entries` JMPs, or to the word after it.
    pub(super) fn switch(&mut self, index: Value, entries: u32) {
        let count = self.b.ins().iconst(I64, i64::from(entries));
        let above = self.b.ins().icmp(IntCC::UnsignedGreaterThanOrEqual, index, count);
        let entry = self.b.ins().select(above, count, index);
        if let Some(fuel) = self.unit.fuel {
            // A jump to entry n skips n words without a charge.
            let now = self.b.use_var(fuel);
            let next = self.b.ins().iadd(now, entry);
            self.b.def_var(fuel, next);
        }
        let first = self.block + 1;
        let targets = first..=first + entries;
        if entries > MAX_SEPARATE_EDGES {
            let wanted = self.wanted_by_any(targets.clone());
            self.convert(wanted);
        }
        let edges: alloc::vec::Vec<BranchEdge> =
            targets.map(|target| self.edge(target, EdgeKind::FallThrough)).collect();
        let mut calls =
            edges.iter().map(|edge| self.b.func.dfg.block_call(edge.to, &[])).collect::<alloc::vec::Vec<_>>();
        let Some(after) = calls.pop() else { unreachable!("there is a block after the table") };
        let table = self.b.create_jump_table(JumpTableData::new(after, &calls));
        let entry = self.b.ins().ireduce(I32, entry);
        self.b.ins().br_table(entry, table);
        self.finish_edges(&edges);
    }

    /// Returns a representation of the live slots that suits each of some blocks.
    fn wanted_by_any(&self, blocks: impl Iterator<Item = u32>) -> Representation {
        blocks.map(|block| self.entry_representation(block)).fold(Representation::default(), |all, state| {
            let (both, float) = (all.float & state.float, all.float | state.float);
            // Pending are the slots that are pending in all blocks that want a binary64.
            let pending = all.pending & state.pending | (all.pending | state.pending) & !both;
            Representation { int: all.int | state.int, float, pending }
        })
    }

    /// Creates the edge to a block: directly, or through an edge block if it needs code.
    fn edge(&mut self, target: u32, kind: EdgeKind) -> BranchEdge {
        let moves_fuel = self.unit.fuel.is_some() && kind.skipped() != 0;
        let checks = kind.checks() && self.has_safepoints();
        let open = moves_fuel || checks || self.needs_conversion(self.entry_representation(target));
        let to = if open { self.b.create_block() } else { self.ir_blocks[target as usize] };
        BranchEdge { to, target, kind, open }
    }

    /// Fills the edge blocks after the branch.
    fn finish_edges(&mut self, edges: &[BranchEdge]) {
        let before: Representation = self.representation;
        for edge in edges {
            if edge.open {
                self.representation = before;
                self.b.switch_to_block(edge.to);
                self.b.seal_block(edge.to);
                self.goto_block(edge.target, edge.kind);
            } else {
                self.record_edge(edge.target);
            }
        }
        self.ended = true;
    }

    /// Records that an edge to a block is emitted. After the last one, the sources of the block's values are known.
    pub(super) fn record_edge(&mut self, target: u32) {
        let missing_edges = &mut self.missing_edges[target as usize];
        *missing_edges -= 1;
        if *missing_edges == 0 {
            self.b.seal_block(self.ir_blocks[target as usize]);
            if self.plan.incoming[target as usize] == 1 {
                self.inherited.insert(target, self.checked.clone());
            }
        }
    }

    /// Emits a safepoint on an edge, whose location is the first word of the target. Slots have the representation of
    /// the target's start.
    fn edge_safepoint(&mut self, target: u32, is_entry: bool) {
        if !self.has_safepoints() {
            return;
        }
        let suspend = match self.suspend.get(&target) {
            Some(block) => *block,
            None => {
                let block = self.suspension(self.entry_representation(target), self.plan.live_entry(target));
                self.suspend.insert(target, block);
                block
            }
        };
        self.safepoint(self.plan.graph.words(target).start, suspend, is_entry);
    }
}
