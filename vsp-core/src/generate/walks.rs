//! Loops in which a register walks through memory: up and down, as a pointer or as an index, with all kinds of ends.

use super::body::Body;
use super::entropy::pick;
use super::flow::{COUNTERS, MAX_DEPTH};
use super::spans::Span;
use crate::isa::{Inst, Reg};
use crate::program::{BuildError, Label};

const STEPS: &[i64] = &[8, 1, 16, 4, 8, 2, 24, 3, 12, 32, -8, -1, -16, -4];

const INDEX_STEPS: &[i64] = &[1, 1, 2, 1, 3, -1, 1, -2];

/// The largest number of iterations of a walk.
const MAX_ITERATIONS: u32 = 20;

/// The largest number of reserved registers at the start of a walk: it needs three more.
const MAX_RESERVED: u32 = 6;

/// The condition that ends a walk.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    NotEqual,
    Unsigned,
    Signed,
    Immediate,
    /// A register counts the iterations.
    Counter,
    /// The comparison precedes each iteration.
    Before,
}

const ENDS: &[End] = &[
    End::NotEqual,
    End::Unsigned,
    End::Counter,
    End::Before,
    End::Unsigned,
    End::Signed,
    End::Unsigned,
    End::NotEqual,
    End::Before,
    End::Immediate,
];

/// A walk of a register.
struct Walk {
    reg: Reg,
    step: i64,
    iterations: i64,
    /// The values in the first iteration, and after the last one.
    from: i64,
    to: i64,
    /// The offset of the start on some paths.
    off: i64,
    /// The amount below `to` of the comparison's operand. It makes no difference without an offset.
    slack: i64,
    end: End,
    /// The register of the comparison's operand, or of the counter.
    other: Reg,
    index: Option<Index>,
}

/// The address that is added to a register that walks as an index.
#[derive(Clone, Copy)]
struct Index {
    base: Reg,
    /// The value of the base.
    address: i64,
    /// Log₂ of the index's factor.
    scale: u32,
}

impl Walk {
    /// Returns the span of the values in the iterations, before the step.
    fn before(&self) -> Span {
        match self.step < 0 {
            true => Span { low: self.to - self.step, high: self.from },
            false => Span { low: self.from, high: self.to - self.step + self.off % self.step },
        }
    }

    /// Returns the span of the values after the step.
    fn after(&self) -> Span {
        self.before().moved(self.step)
    }
}

impl Body<'_> {
    /// Adds a loop with a register that walks, and accesses by it.
    pub(super) fn walk_loop(&mut self) -> Result<(), BuildError> {
        if self.depth >= MAX_DEPTH || self.reserved.count_ones() > MAX_RESERVED {
            return self.compute();
        }
        let reserved = self.reserved;
        let mut walk = self.new_walk();
        self.start(&mut walk)?;
        self.depth += 1;
        self.iterations(&walk)?;
        self.depth -= 1;
        // After the loop it may be anywhere on its path.
        if self.entropy.chance(1, 3) {
            self.reach_on(&walk, walk.before().join(walk.after()))?;
        }
        self.reserved = reserved;
        Ok(())
    }

    /// Reserves a register that neither statements nor calls write until it is released.
    fn reserve(&mut self) -> Reg {
        let first = self.entropy.below(COUNTERS.len() as u32);
        let mut all =
            (first..first + COUNTERS.len() as u32).map(|it| COUNTERS.start + it % COUNTERS.len() as u32);
        let free = all.find(|reg| self.reserved >> reg & 1 == 0).unwrap_or(COUNTERS.start);
        self.reserved |= 1 << free;
        Reg::from_low_bits(free)
    }

    fn new_walk(&mut self) -> Walk {
        let memory = self.memory();
        let end = pick(self.entropy, ENDS).unwrap_or(End::NotEqual);
        let is_index = end == End::Immediate || self.entropy.chance(1, 4);
        let scale = self.entropy.below(4);
        let step = pick(self.entropy, if is_index { INDEX_STEPS } else { STEPS }).unwrap_or(1);
        let most = (memory - 128) / (step.abs() << if is_index { scale } else { 0 });
        let iterations = (1 + i64::from(self.entropy.below(MAX_ITERATIONS))).min(most).max(1);
        let few = i64::from(self.entropy.below(64));
        let to = match self.entropy.below(6) {
            _ if is_index && step > 0 => iterations * step + few % 3,
            _ if step < 0 => -step * (few % 2) + 16 * (few / 48),
            0 | 1 => memory,
            2 => memory - 8 * (few % 4),
            3 => memory / 2,
            _ => memory - few,
        };
        // Occasionally the walk steps over an end that it should reach exactly.
        let missed = self.entropy.chance(1, if self.world.provokes_errors { 16 } else { 80 });
        let from = to - iterations * step + i64::from(missed);
        let (reg, other) = (self.reserve(), self.reserve());
        let index = is_index.then(|| Index { base: self.reserve(), address: 0, scale });
        let slack = self.entropy.below(step.max(1) as u32).into();
        Walk { reg, step, iterations, from, to, off: 0, slack, end, other, index }
    }

    /// Loads the registers of a walk.
    fn start(&mut self, walk: &mut Walk) -> Result<(), BuildError> {
        self.load_rarely_hidden(walk.reg, walk.from)?;
        let must_not_meet = matches!(walk.end, End::Unsigned | End::Signed | End::Before);
        if walk.step > 1 && walk.iterations > 1 && must_not_meet && self.entropy.chance(2, 3) {
            walk.off = 1 + i64::from(self.entropy.below((walk.step - walk.slack) as u32));
            let skip = self.branch_forward()?;
            self.push(Inst::addi(walk.reg, walk.reg, walk.off as i32)?);
            self.code.bind(skip);
        }
        let end = match walk.end {
            End::Counter => walk.iterations,
            End::NotEqual => walk.to,
            // It need not be met.
            _ if walk.step > 0 => walk.to - walk.slack,
            _ => walk.to - walk.step,
        };
        self.load_rarely_hidden(walk.other, end)?;
        if let Some(index) = &mut walk.index {
            // Its elements end at an edge.
            let (low, high) = (walk.from.min(walk.to) << index.scale, walk.from.max(walk.to) << index.scale);
            let few = i64::from(self.entropy.below(64));
            index.address = match self.entropy.below(4) {
                0 => few - low,
                1 => (self.memory() - high) / 2,
                2 => self.memory() - high,
                _ => self.memory() - high - few,
            };
            self.load_rarely_hidden(index.base, index.address)?;
        }
        Ok(())
    }

    /// Adds an access by the register that walks, which is in this span.
    fn reach_on(&mut self, walk: &Walk, span: Span) -> Result<(), BuildError> {
        match walk.index {
            None => self.reach(walk.reg, None, span),
            Some(Index { base, address, scale }) => {
                self.reach(base, Some((walk.reg, scale)), span.scaled(scale).moved(address))
            }
        }
    }

    fn iterations(&mut self, walk: &Walk) -> Result<(), BuildError> {
        let (out, middle) = (self.code.label(), self.code.label());
        if self.entropy.chance(1, 10) {
            self.branch_sometimes(middle)?;
        }
        let head = self.code.here();
        if walk.end == End::Before {
            let leave = match (walk.step < 0, self.entropy.bits(1)) {
                (false, 0) => Inst::jgeu(walk.reg, walk.other, 0)?,
                (false, _) => Inst::jge(walk.reg, walk.other, 0)?,
                (true, 0) => Inst::jltu(walk.reg, walk.other, 0)?,
                (true, _) => Inst::jlt(walk.reg, walk.other, 0)?,
            };
            self.branch(leave, out);
        }
        for _ in 0..1 + self.entropy.below(3) {
            self.reach_on(walk, walk.before())?;
        }
        if self.statements > 0 && self.entropy.chance(1, 3) {
            self.statement()?;
        }
        if self.entropy.chance(1, if self.world.shape.changed_frames { 3 } else { 8 }) {
            let reg = self.writable();
            self.push(Inst::yield_(reg)?);
        }
        if let Some(side) = self.ends_beyond() {
            let span = walk.before();
            match walk.index {
                None => self.reach_beyond(walk.reg, None, span, side)?,
                Some(Index { base, address, scale }) => {
                    let span = span.scaled(scale).moved(address);
                    self.reach_beyond(base, Some((walk.reg, scale)), span, side)?;
                }
            }
        }
        self.code.bind(middle);
        if self.entropy.chance(1, 8) {
            self.branch_sometimes(out)?;
        }
        if self.entropy.chance(1, 40) {
            self.branch_sometimes(head)?;
        }
        self.latch(walk, head)?;
        self.code.bind(out);
        Ok(())
    }

    /// Adds the step, and the branch back to the head.
    fn latch(&mut self, walk: &Walk, head: Label) -> Result<(), BuildError> {
        let (reg, other) = (walk.reg, walk.other);
        if walk.step == -1 && walk.to == 0 && walk.end == End::NotEqual && self.entropy.bits(1) == 1 {
            self.branch(Inst::loop_(reg, 0)?, head);
            return Ok(());
        }
        self.push(Inst::addi(reg, reg, walk.step as i32)?);
        if self.entropy.chance(1, 3) {
            self.reach_on(walk, walk.after())?;
        }
        let is_down = walk.step < 0;
        let back = match walk.end {
            End::NotEqual => Inst::jne(reg, other, 0)?,
            End::Counter => Inst::loop_(other, 0)?,
            End::Before => Inst::jmp(0)?,
            End::Unsigned if is_down => Inst::jgeu(reg, other, 0)?,
            End::Unsigned => Inst::jltu(reg, other, 0)?,
            End::Signed if is_down => Inst::jge(reg, other, 0)?,
            End::Signed => Inst::jlt(reg, other, 0)?,
            End::Immediate => self.compared_with_number(walk)?,
        };
        self.branch(back, head);
        Ok(())
    }

    /// Returns a backward branch that compares with an immediate. (An index is small enough for that.)
    fn compared_with_number(&mut self, walk: &Walk) -> Result<Inst, BuildError> {
        let end = (walk.to - walk.step.min(0)) as i32;
        Ok(match (walk.step < 0, self.entropy.below(3)) {
            (true, 0) => Inst::jgeui(walk.reg, end as u32, 0)?,
            (true, 1) => Inst::jgei(walk.reg, end, 0)?,
            (false, 0) => Inst::jltui(walk.reg, end as u32, 0)?,
            (false, 1) => Inst::jlti(walk.reg, end, 0)?,
            _ if walk.to == 0 => Inst::jnz(walk.reg, 0)?,
            _ => Inst::jnei(walk.reg, walk.to as i32, 0)?,
        })
    }
}
