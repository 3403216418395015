//! Statements with registers that are addresses and change.

use super::body::Body;
use super::spans::{MARGIN, Side, Span};
use crate::isa::{Inst, Reg};
use crate::program::BuildError;

/// The smallest memory that has room for pointers.
const LEAST_MEMORY: u64 = 256;

impl Body<'_> {
    /// Returns whether the memory is large enough for the statements of this file.
    pub(super) fn has_room(&self) -> bool {
        self.world.memory >= LEAST_MEMORY
    }

    /// Adds a statement with pointers.
    pub(super) fn point(&mut self) -> Result<(), BuildError> {
        if !self.has_room() {
            return self.compute();
        }
        match self.entropy.below(16) {
            0..=2 => self.bounded_accesses(),
            3..=5 => self.chased_accesses(),
            6 => self.growing_accesses(),
            7 => self.access_after_step(),
            8 => self.partially_redundant_access(),
            _ if self.leaf => self.bounded_accesses(),
            9..=13 => self.walk_loop(),
            _ => self.dead_path(),
        }
    }

    /// Reserves a register for the code that `inner` adds.
    pub(super) fn with_kept(
        &mut self,
        inner: impl FnOnce(&mut Self, Reg) -> Result<(), BuildError>,
    ) -> Result<(), BuildError> {
        let reg = self.writable();
        let reserved = self.reserved;
        self.reserved |= 1 << reg.index();
        inner(self, reg)?;
        self.reserved = reserved;
        Ok(())
    }

    /// Adds accesses by a register of which only the bounds are known. The last one is beyond the edge in some cases.
    pub(super) fn bounded_accesses(&mut self) -> Result<(), BuildError> {
        self.with_kept(|body, reg| {
            let beyond = body.ends_beyond();
            let span = body.bounded_value(reg, beyond)?;
            for _ in 0..1 + body.entropy.below(3) {
                body.reach(reg, None, span)?;
            }
            match beyond {
                Some(side) => body.reach_beyond(reg, None, span, side),
                None => Ok(()),
            }
        })
    }

    /// Adds accesses by registers that change between them: steps, copies, exchanges, on some paths only.
    fn chased_accesses(&mut self) -> Result<(), BuildError> {
        self.with_kept(|body, a| {
            let span_a = match body.entropy.chance(2, 3) {
                true => body.load_edge(a)?,
                false => body.bounded_value(a, None)?,
            };
            body.with_kept(|body, b| {
                let span_b = match body.entropy.chance(1, 3) {
                    true => {
                        body.push(Inst::mov(b, a)?);
                        span_a
                    }
                    false => body.load_edge(b)?,
                };
                body.chase([a, b], [span_a, span_b])
            })
        })
    }

    fn chase(&mut self, regs: [Reg; 2], mut spans: [Span; 2]) -> Result<(), BuildError> {
        for _ in 0..2 + self.entropy.below(5) {
            let which = self.entropy.bits(1) as usize;
            let (reg, other) = (regs[which], regs[1 - which]);
            match self.entropy.below(10) {
                0 => {
                    let step = i64::from(self.entropy.below(65)) - 32;
                    self.push(Inst::addi(reg, reg, step as i32)?);
                    spans[which] = spans[which].moved(step);
                }
                1 | 6 => {
                    self.push(Inst::xchg(reg, other)?);
                    spans.swap(0, 1);
                }
                2 => {
                    self.push(Inst::mov(reg, other)?);
                    spans[which] = spans[1 - which];
                }
                3 => {
                    let skip = self.branch_forward()?;
                    let new = self.load_edge(reg)?;
                    self.code.bind(skip);
                    spans[which] = spans[which].join(new);
                }
                4 | 7 if self.locals > 0 => {
                    let local = self.entropy.below(self.locals.into());
                    self.push(Inst::setl(other, local)?);
                    self.push(Inst::getl(reg, local)?);
                    spans[which] = spans[1 - which];
                }
                5 => spans[which] = self.bounded_value(reg, None)?,
                _ => self.reach(reg, None, spans[which])?,
            }
        }
        let last = self.entropy.bits(1) as usize;
        match self.ends_beyond() {
            Some(side) => self.reach_beyond(regs[last], None, spans[last], side),
            None => self.reach(regs[last], None, spans[last]),
        }
    }

    /// Adds accesses at one address that reach further and further.
    fn growing_accesses(&mut self) -> Result<(), BuildError> {
        self.with_kept(|body, reg| {
            let last = match body.ends_beyond() {
                Some(_) => 1 + i64::from(body.entropy.below(7)),
                None => 16,
            };
            let displacement = i64::from(body.entropy.below(80)) - 16;
            let address = body.memory() - last - displacement;
            body.load_perhaps_hidden(reg, address)?;
            for log in 0..4 {
                if let Some(op) = body.pick_plain_access(|bytes| bytes == 1 << log) {
                    body.reach_with(op, reg, None, Span::one(address), Some(displacement as i32))?;
                }
            }
            Ok(())
        })
    }

    /// Adds an access that ends at the edge, and one beyond it because its register has advanced.
    fn access_after_step(&mut self) -> Result<(), BuildError> {
        self.with_kept(|body, reg| {
            let address = body.memory() - MARGIN;
            body.load(reg, address as u64)?;
            body.hide(reg)?;
            for _ in 0..1 + body.entropy.below(2) {
                body.reach(reg, None, Span::one(address))?;
            }
            let step = 1 + body.entropy.below(32) as i32;
            body.push(Inst::addi(reg, reg, step)?);
            let moved = Span::one(address + i64::from(step));
            match body.ends_beyond() {
                Some(_) => body.reach_beyond(reg, None, moved, Side::High),
                None => body.reach(reg, None, moved),
            }
        })
    }

    /// Adds an access that occurs twice, the first time on one of two paths only.
    fn partially_redundant_access(&mut self) -> Result<(), BuildError> {
        self.with_kept(|body, reg| {
            let span = body.load_edge(reg)?;
            let Some(op) = body.pick_plain_access(|_| true) else { return Ok(()) };
            let displacement = match body.ends_beyond() {
                Some(side) => body.beyond(op, span, side),
                None => body.displacement(op, span),
            };
            let skip = body.branch_forward()?;
            body.reach_with(op, reg, None, span, displacement)?;
            body.code.bind(skip);
            body.reach_with(op, reg, None, span, displacement)
        })
    }

    /// Adds a path that is never taken unless the host changes a register while the program waits. The path has a loop.
    pub(super) fn dead_path(&mut self) -> Result<(), BuildError> {
        if self.reserved.count_ones() > 6 || !self.has_room() {
            return self.compute();
        }
        self.with_kept(|body, pointer| {
            let span = body.load_edge(pointer)?;
            body.with_kept(|body, gate| {
                let value = 1 + body.entropy.below(3) as i32;
                body.load(gate, value as u64)?;
                body.suspend_somehow()?;
                let (closed, on) = (body.code.label(), body.code.label());
                let inst = match body.entropy.below(4) {
                    0 => Inst::jz(gate, 0)?,
                    1 => Inst::jeqi(gate, 0, 0)?,
                    2 => Inst::jgeui(gate, 9, 0)?,
                    _ => Inst::jnei(gate, value, 0)?,
                };
                body.branch(inst, closed);
                body.branch(Inst::jmp(0)?, on);
                body.code.bind(closed);
                let counter = body.writable();
                let iterations = 20 + body.entropy.below(400);
                body.load(counter, iterations.into())?;
                let reserved = body.reserved;
                body.reserved |= 1 << counter.index();
                let head = body.code.here();
                if body.entropy.bits(1) == 1 {
                    body.reach(pointer, None, span)?;
                }
                body.branch(Inst::loop_(counter, 0)?, head);
                body.reserved = reserved;
                body.code.bind(on);
                Ok(())
            })?;
            for _ in 0..1 + body.entropy.below(2) {
                body.reach(pointer, None, span)?;
            }
            Ok(())
        })
    }

    /// Suspends the program, or adds a safepoint where it can be suspended.
    fn suspend_somehow(&mut self) -> Result<(), BuildError> {
        let reg = self.writable();
        if self.entropy.chance(2, 3) {
            self.push(Inst::yield_(reg)?);
            return Ok(());
        }
        // A loop has a safepoint.
        let iterations = 1 + self.entropy.below(3);
        self.load(reg, iterations.into())?;
        let head = self.code.here();
        self.branch(Inst::loop_(reg, 0)?, head);
        Ok(())
    }
}
