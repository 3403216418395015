//! How blocks are connected: conversions, fuel and safepoints on the way from one to the next.

use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{Block, InstBuilder, JumpTableData, Value, types::I32, types::I64};

use super::Lowering;
use super::slots::State;

/// How execution comes to a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Arrival {
    /// From outside; perhaps with a safepoint.
    Entry { check: bool },
    /// From the word before.
    Fall,
    /// By a taken branch with this displacement.
    Taken(i32),
}

impl Arrival {
    fn checks(self) -> bool {
        match self {
            Arrival::Entry { check } => check,
            Arrival::Fall => false,
            Arrival::Taken(displacement) => displacement < 0,
        }
    }

    fn skipped(self) -> i64 {
        match self {
            Arrival::Entry { .. } | Arrival::Fall => 0,
            Arrival::Taken(displacement) => i64::from(displacement),
        }
    }
}

/// Before a SWITCH with more ways than this, what some of them need is converted for all: code for each way would be as large as
/// all that is live.
const MAX_SEPARATE_WAYS: u32 = 8;

/// Where a branch goes first.
struct Way {
    /// Where the branch itself goes.
    to: Block,
    target: u32,
    arrival: Arrival,
    /// Is `to` a block of its own that still has to be filled?
    open: bool,
}

impl Lowering<'_, '_, '_, '_> {
    /// Ends the current block: execution goes to `target`.
    pub(super) fn go(&mut self, target: u32, arrival: Arrival) {
        let wanted = self.entry_state(target);
        self.convert(wanted);
        self.skip_fuel(arrival.skipped());
        if arrival.checks() {
            self.check_edge(target, matches!(arrival, Arrival::Entry { .. }));
        }
        self.b.ins().jump(self.ir_blocks[target as usize], &[]);
        self.arrived(target);
        self.ended = true;
    }

    /// Ends the current block with a branch.
    pub(super) fn branch(&mut self, condition: Value, displacement: i32) {
        let taken = self.way(self.target(displacement), Arrival::Taken(displacement));
        let fall = self.way(self.block + 1, Arrival::Fall);
        self.b.ins().brif(condition, taken.to, &[], fall.to, &[]);
        self.follow(&[fall, taken]);
    }

    /// Ends the current block with a jump into the table of `entries` JMPs that follows, or behind it.
    pub(super) fn switch(&mut self, index: Value, entries: u32) {
        let count = self.b.ins().iconst(I64, i64::from(entries));
        let above = self.b.ins().icmp(IntCC::UnsignedGreaterThanOrEqual, index, count);
        let entry = self.b.ins().select(above, count, index);
        if let Some(fuel) = self.unit.fuel {
            // Going to entry n skips n words without a charge.
            let now = self.b.use_var(fuel);
            let next = self.b.ins().iadd(now, entry);
            self.b.def_var(fuel, next);
        }
        let first = self.block + 1;
        let targets = first..=first + entries;
        if entries > MAX_SEPARATE_WAYS {
            let wanted = self.wanted_by_some(targets.clone());
            self.convert(wanted);
        }
        let ways: alloc::vec::Vec<Way> = targets.map(|target| self.way(target, Arrival::Fall)).collect();
        let mut calls =
            ways.iter().map(|way| self.b.func.dfg.block_call(way.to, &[])).collect::<alloc::vec::Vec<_>>();
        let Some(behind) = calls.pop() else { unreachable!("there is a block behind the table") };
        let table = self.b.create_jump_table(JumpTableData::new(behind, &calls));
        let entry = self.b.ins().ireduce(I32, entry);
        self.b.ins().br_table(entry, table);
        self.follow(&ways);
    }

    /// A state in which the live slots are as each of some blocks wants them.
    fn wanted_by_some(&self, blocks: impl Iterator<Item = u32>) -> State {
        blocks.map(|block| self.entry_state(block)).fold(State::default(), |all, state| {
            let (both, float) = (all.float & state.float, all.float | state.float);
            // Lazy is what all want lazy that want a binary64.
            let lazy = all.lazy & state.lazy | (all.lazy | state.lazy) & !both;
            State { int: all.int | state.int, float, lazy }
        })
    }

    /// The way to a block: the block itself, or a block in between if there is something to do.
    fn way(&mut self, target: u32, arrival: Arrival) -> Way {
        let moves_fuel = self.unit.fuel.is_some() && arrival.skipped() != 0;
        let checks = arrival.checks() && self.has_safepoints();
        let open = moves_fuel || checks || self.needs_conversion(self.entry_state(target));
        let to = if open { self.b.create_block() } else { self.ir_blocks[target as usize] };
        Way { to, target, arrival, open }
    }

    /// After the branch: fills the blocks in between.
    fn follow(&mut self, ways: &[Way]) {
        let before: State = self.state;
        for way in ways {
            if way.open {
                self.state = before;
                self.b.switch_to_block(way.to);
                self.b.seal_block(way.to);
                self.go(way.target, way.arrival);
            } else {
                self.arrived(way.target);
            }
        }
        self.ended = true;
    }

    /// One of the ways to a block is done. After the last one it is known where its values come from.
    pub(super) fn arrived(&mut self, target: u32) {
        let awaited = &mut self.awaited[target as usize];
        *awaited -= 1;
        if *awaited == 0 {
            self.b.seal_block(self.ir_blocks[target as usize]);
            if self.plan.arrivals[target as usize] == 1 {
                self.inherited.insert(target, self.checked.clone());
            }
        }
    }

    /// A safepoint on the way to a block, whose first word is the place. The state is that of the block's start.
    fn check_edge(&mut self, target: u32, is_entry: bool) {
        if !self.has_safepoints() {
            return;
        }
        let suspend = match self.suspend.get(&target) {
            Some(block) => *block,
            None => {
                let block = self.suspension(self.entry_state(target), self.plan.live_entry(target));
                self.suspend.insert(target, block);
                block
            }
        };
        self.safepoint(self.plan.graph.words(target).start, suspend, is_entry);
    }
}
