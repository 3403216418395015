//! Statements, from which functions are generated.

use super::BUDGET;
use super::body::Body;
use super::entropy::pick;
use crate::isa::{Flow, Inst, Opcode, Reg, Role};
use crate::program::{BuildError, Label};

/// The deepest nesting of statements.
pub(super) const MAX_DEPTH: u32 = 4;

/// Registers that loops count with: calls do not write them.
pub(super) const COUNTERS: core::ops::Range<u32> = 4..16;

/// The deepest nesting of loops.
const MAX_LOOPS: u32 = 3;

impl Body<'_> {
    pub(super) fn statement(&mut self) -> Result<(), BuildError> {
        self.statements = self.statements.saturating_sub(1);
        if self.world.shape.changed_frames && self.entropy.chance(1, 6) {
            return self.dead_path();
        }
        match self.entropy.below(32) {
            1..=3 if self.world.provokes_errors => self.point(),
            0..=4 => self.compute_some(),
            5..=9 => self.probe(),
            10 | 11 => self.float_chain(),
            12..=16 => self.point(),
            17 => self.walk(),
            18..=20 => self.conditional(),
            21..=23 => self.counted_loop(),
            24 => self.switch(),
            25 | 26 => self.call(),
            27 | 28 => self.ask_host(),
            29 => self.bulk(),
            30 => self.stop_early(),
            _ => self.jump_anywhere(),
        }
    }

    pub(super) fn compute_some(&mut self) -> Result<(), BuildError> {
        for _ in 0..1 + self.entropy.below(5) {
            self.compute()?;
        }
        Ok(())
    }

    /// Adds some statements, in the arm or body of another one.
    fn nested(&mut self) -> Result<(), BuildError> {
        self.pointer = None;
        self.depth += 1;
        for _ in 0..1 + self.entropy.below(8) {
            if self.statements > 0 {
                match self.depth < MAX_DEPTH {
                    true => self.statement()?,
                    false => {
                        self.statements -= 1;
                        self.compute()?;
                    }
                }
            }
        }
        self.depth -= 1;
        self.pointer = None;
        Ok(())
    }

    /// Adds a branch that is taken in some cases, to a label that is to be bound below it.
    pub(super) fn branch_forward(&mut self) -> Result<Label, BuildError> {
        let label = self.code.label();
        self.branch_sometimes(label)?;
        Ok(label)
    }

    /// Adds [`Self::branch_forward`] in `cases` of `of` cases.
    pub(super) fn perhaps_forward(&mut self, cases: u32, of: u32) -> Result<Option<Label>, BuildError> {
        match self.entropy.chance(cases, of) {
            true => self.branch_forward().map(Some),
            false => Ok(None),
        }
    }

    /// Adds a branch that is taken in some cases.
    pub(super) fn branch_sometimes(&mut self, label: Label) -> Result<(), BuildError> {
        if let Some(op) = pick(self.entropy, self.world.opcodes(Flow::Branch)) {
            let inst = self.with_operands(op)?;
            self.branch(inst, label);
        }
        Ok(())
    }

    /// Adds an if, with or without else.
    fn conditional(&mut self) -> Result<(), BuildError> {
        let other = self.branch_forward()?;
        self.nested()?;
        if self.entropy.bits(1) == 1 {
            let end = self.code.label();
            self.branch(Inst::jmp(0)?, end);
            self.code.bind(other);
            self.nested()?;
            self.code.bind(end);
        } else {
            self.code.bind(other);
        }
        Ok(())
    }

    /// Adds a loop of any form that ends after some iterations; one in sixteen ends only by chance.
    fn counted_loop(&mut self) -> Result<(), BuildError> {
        let iterations = match self.entropy.below(8) {
            7 if self.depth == 0 => self.entropy.below(200),
            _ => 2 + self.entropy.below(8),
        };
        if self.reserved.count_ones() >= MAX_LOOPS {
            return self.compute();
        }
        let first = self.entropy.below(COUNTERS.len() as u32);
        let mut all =
            (0..COUNTERS.len() as u32).map(|step| COUNTERS.start + (first + step) % COUNTERS.len() as u32);
        let free = all.find(|reg| self.reserved >> reg & 1 == 0);
        let counter = Reg::from_low_bits(free.unwrap_or(COUNTERS.start));
        self.load(counter, u64::from(iterations))?;
        self.reserved |= 1 << counter.index();
        self.loop_with(counter, iterations)?;
        self.reserved &= !(1 << counter.index());
        self.pointer = None;
        Ok(())
    }

    fn loop_with(&mut self, counter: Reg, iterations: u32) -> Result<(), BuildError> {
        let end = self.code.label();
        let form = self.entropy.below(16);
        if form == 4 {
            // Counts up to the limit.
            self.load(counter, 0)?;
        }
        let head = self.code.here();
        if form == 5 {
            // Tests before each iteration.
            self.branch(Inst::jz(counter, 0)?, end);
            self.code.push(Inst::addi(counter, counter, -1)?);
        }
        self.nested()?;
        match form {
            4 => {
                self.code.push(Inst::addi(counter, counter, 1)?);
                self.branch(Inst::jlti(counter, (iterations % 100) as i32, 0)?, head);
            }
            5 => self.branch(Inst::jmp(0)?, head),
            6..=9 => {
                // Ends earlier by chance.
                self.code.push(Inst::addi(counter, counter, -1)?);
                self.branch(Inst::jz(counter, 0)?, end);
                self.branch_sometimes(head)?;
            }
            10..=12 => {
                // Continues through a table.
                self.code.push(Inst::addi(counter, counter, -1)?);
                self.branch(Inst::jz(counter, 0)?, end);
                self.table(&[head, end])?;
            }
            15 => {
                self.branch_sometimes(end)?;
                self.branch(Inst::jmp(0)?, head);
            }
            _ => self.branch(Inst::loop_(counter, 0)?, head),
        }
        self.code.bind(end);
        Ok(())
    }

    /// Adds a SWITCH whose entries go to any of these labels.
    fn table(&mut self, labels: &[Label]) -> Result<(), BuildError> {
        let entries = match self.entropy.below(12) {
            11 => 1 + self.entropy.below(100),
            few => 1 + few / 2,
        };
        let mut chooser = self.source()?;
        if self.entropy.chance(3, 4) {
            let small = self.writable();
            self.push(Inst::andi(small, chooser, 7)?);
            chooser = small;
        }
        self.code.push(Inst::switch(chooser, entries)?);
        for _ in 0..entries {
            let label = pick(self.entropy, labels).unwrap_or(labels[0]);
            self.branch(Inst::jmp(0)?, label);
        }
        Ok(())
    }

    fn switch(&mut self) -> Result<(), BuildError> {
        let arms = [self.code.label(), self.code.label(), self.code.label()];
        let end = self.code.label();
        self.table(&[arms[0], arms[1], arms[2], end])?;
        for arm in arms {
            self.nested()?;
            if self.entropy.chance(3, 4) {
                self.branch(Inst::jmp(0)?, end);
            }
            self.code.bind(arm);
        }
        self.nested()?;
        self.code.bind(end);
        Ok(())
    }

    /// Branches to `out` once the budget is used up. This location, and others like it, use up one unit each time.
    pub(super) fn spend_budget(&mut self, out: Label) -> Result<(), BuildError> {
        let budget = self.writable();
        self.push(Inst::getg(budget, BUDGET)?);
        self.branch(Inst::jz(budget, 0)?, out);
        self.push(Inst::addi(budget, budget, -1)?);
        self.push(Inst::setg(budget, BUDGET)?);
        Ok(())
    }

    /// Adds a branch that is mostly taken, to a label that is to be bound below it.
    pub(super) fn unless_rare(&mut self) -> Result<Label, BuildError> {
        let out = self.code.label();
        let source = self.source()?;
        self.held = 1 << source.index();
        let rare = self.writable();
        self.held = 0;
        self.push(Inst::shri(rare, source, 3)?);
        self.push(Inst::xor(rare, rare, source)?);
        self.push(Inst::andi(rare, rare, 7)?);
        let value = 1 + self.entropy.below(7) as i32;
        self.branch(Inst::jnei(rare, value, 0)?, out);
        Ok(out)
    }

    /// Adds an instruction that works on many bytes: mostly inside the memory, also at its end, overlapping, and of
    /// length zero.
    pub(super) fn bulk(&mut self) -> Result<(), BuildError> {
        let Some(op) = pick(self.entropy, self.world.opcodes(Flow::Bulk)) else { return Ok(()) };
        match op {
            Opcode::MEMGROW | Opcode::MEMINIT if self.world.passive == 0 => return Ok(()),
            Opcode::MEMGROW => return self.grow(),
            _ => {}
        }
        let memory = self.world.memory;
        let mask = ((memory.min(1 << 16) / 2).next_power_of_two() / 2).max(1) - 1;
        let edges = [
            [memory, 0, 0],
            [0, 0, memory],
            [memory - 1, memory - 1, 1],
            [1, 1, memory - 1],
            [memory, memory, 0],
        ];
        let bad = [
            [memory + 1, 0, 0],
            [0, memory + 1, 0],
            [1, 0, memory],
            [0, memory, 1],
            [u64::MAX, u64::MAX, 0],
            [0, 0, u64::MAX],
            [1 << 63, 0, 1 << 63],
        ];
        let sizes = match self.provokes_error() || self.entropy.chance(1, 20) {
            true => pick(self.entropy, &bad),
            false => pick(self.entropy, &edges).filter(|_| self.entropy.chance(1, 6)),
        };
        let mut inst = self.with_operands(op)?;
        let registers = op.operands().iter().filter(|operand| operand.role == Role::Src);
        for (index, _) in registers.enumerate() {
            let reg = self.writable();
            self.held |= 1 << reg.index();
            match sizes.and_then(|sizes| sizes.get(index).copied()) {
                Some(size) => self.load(reg, size)?,
                None => {
                    let source = self.source()?;
                    self.push(Inst::andi(reg, source, mask as u32)?);
                }
            }
            inst = inst.with(index, reg as i64)?;
        }
        self.held = 0;
        self.push(inst);
        Ok(())
    }

    /// Adds a MEMGROW by few pages, none, or more than fit, and in some cases an access at the end of the memory.
    fn grow(&mut self) -> Result<(), BuildError> {
        let pages = self.writable();
        let count = pick(self.entropy, &[1, 0, 1, 2, 1 << 16, 1, u64::MAX, 3, 1 << 48]).unwrap_or(1);
        self.load(pages, count)?;
        let result = self.writable();
        self.push(Inst::memgrow(result, pages)?);
        if self.entropy.bits(1) == 0 {
            return Ok(());
        }
        let (end, value) = (self.writable(), self.source()?);
        self.push(Inst::memsize(end)?);
        let displacement = if self.provokes_error() { 0 } else { -8 };
        self.push(Inst::store(end, displacement, value)?);
        Ok(())
    }

    /// Ends the function or the program, in rare cases; returns in some cases.
    fn stop_early(&mut self) -> Result<(), BuildError> {
        let Some(op) = pick(self.entropy, self.world.opcodes(Flow::Stop)) else { return Ok(()) };
        let out = match op {
            Opcode::RET if self.entropy.chance(1, 3) => self.branch_forward()?,
            Opcode::HLT if self.entropy.chance(1, 8) => self.branch_forward()?,
            _ => self.unless_rare()?,
        };
        self.instruction(op)?;
        self.code.bind(out);
        Ok(())
    }

    /// Binds a landing label, or adds a jump to any landing of the function.
    fn jump_anywhere(&mut self) -> Result<(), BuildError> {
        self.pointer = None;
        if self.landed < self.landings.len() && self.entropy.bits(1) == 1 {
            self.code.bind(self.landings[self.landed]);
            self.landed += 1;
            return Ok(());
        }
        let out = self.code.label();
        self.spend_budget(out)?;
        match pick(self.entropy, &self.landings) {
            Some(landing) if self.entropy.bits(1) == 1 => self.branch_sometimes(landing)?,
            Some(landing) => self.branch(Inst::jmp(0)?, landing),
            None => {}
        }
        self.code.bind(out);
        Ok(())
    }
}
