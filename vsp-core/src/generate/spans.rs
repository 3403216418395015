//! Register values with bounds that the generator knows: a [`Span`] that holds for every run of the program.
//!
//! A compiler may or may not find the same bounds: a value is loaded, hidden, or bounded by an instruction or a branch.

use super::body::Body;
use super::entropy::pick;
use crate::isa::{Inst, Reg};
use crate::program::BuildError;

/// The bounds of a register's value, both included.
#[derive(Clone, Copy, Debug)]
pub(super) struct Span {
    pub(super) low: i64,
    pub(super) high: i64,
}

impl Span {
    pub(super) const fn one(value: i64) -> Span {
        Span { low: value, high: value }
    }

    pub(super) fn join(self, other: Span) -> Span {
        Span { low: self.low.min(other.low), high: self.high.max(other.high) }
    }

    /// Returns the span moved by a distance.
    pub(super) const fn moved(self, by: i64) -> Span {
        Span { low: self.low + by, high: self.high + by }
    }

    /// Returns the span of sums with numbers of another span.
    pub(super) const fn plus(self, other: Span) -> Span {
        Span { low: self.low + other.low, high: self.high + other.high }
    }

    pub(super) const fn scaled(self, log: u32) -> Span {
        Span { low: self.low << log, high: self.high << log }
    }
}

/// An end of a span.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    Low,
    High,
}

/// The distance in bytes between a pointer to somewhere and the edges of the memory.
pub(super) const MARGIN: i64 = 64;

impl Body<'_> {
    /// Returns the size of the memory as a number to compute with.
    pub(super) fn memory(&self) -> i64 {
        self.world.memory as i64
    }

    /// Returns an address, mostly at an edge of the memory.
    fn edge(&mut self) -> i64 {
        let memory = self.memory();
        let few = i64::from(self.entropy.below(32));
        match self.entropy.below(8) {
            0 => few,
            1 => memory - few,
            2 => memory - 8 * (few / 4),
            3 => memory,
            4 => memory - MARGIN,
            5 => MARGIN,
            _ => self.somewhere() & !7,
        }
    }

    fn somewhere(&mut self) -> i64 {
        MARGIN + i64::from(self.entropy.below((self.memory() - 2 * MARGIN) as u32))
    }

    fn push_either(&mut self, one: Inst, other: Inst) {
        let inst = if self.entropy.bits(1) == 0 { one } else { other };
        self.push(inst);
    }

    /// Adds an instruction that keeps a register's value, but hides it from a value-range analysis.
    pub(super) fn hide(&mut self, reg: Reg) -> Result<(), BuildError> {
        let inst = match self.entropy.below(5) {
            0 => Inst::or(reg, reg, reg)?,
            1 => Inst::rotli(reg, reg, 0)?,
            2 => Inst::xori(reg, reg, 0)?,
            3 => Inst::muli(reg, reg, 1)?,
            _ => Inst::sari(reg, reg, 0)?,
        };
        self.push(inst);
        Ok(())
    }

    /// Loads a number and hides it in half of all cases.
    pub(super) fn load_perhaps_hidden(&mut self, reg: Reg, value: i64) -> Result<(), BuildError> {
        self.load(reg, value as u64)?;
        if self.entropy.bits(1) == 1 { self.hide(reg) } else { Ok(()) }
    }

    /// Loads a number and hides it in some cases.
    pub(super) fn load_rarely_hidden(&mut self, reg: Reg, value: i64) -> Result<(), BuildError> {
        self.load(reg, value as u64)?;
        if self.entropy.chance(1, 8) { self.hide(reg) } else { Ok(()) }
    }

    /// Loads an edge of the memory.
    pub(super) fn load_edge(&mut self, reg: Reg) -> Result<Span, BuildError> {
        let value = self.edge();
        self.load_perhaps_hidden(reg, value)?;
        Ok(Span::one(value))
    }

    /// Loads any value; often one at an edge of a span that ends at `most`.
    fn load_wild(&mut self, reg: Reg, most: i64) -> Result<(), BuildError> {
        let edges = [most, most + 1, -1, most, i64::MIN, most - 1, 0, most, 1 << 32, i64::MAX];
        match pick(self.entropy, &edges).filter(|_| self.entropy.chance(7, 8)) {
            Some(value) => {
                self.load(reg, value as u64)?;
                self.hide(reg)
            }
            None => {
                let source = self.any_register(u16::MAX);
                self.push(Inst::mov(reg, source)?);
                Ok(())
            }
        }
    }

    /// Gives a register some value of a span, by a method that lets a compiler find the span. `exact` selects an end of
    /// the span.
    pub(super) fn bounded_value(&mut self, reg: Reg, exact: Option<Side>) -> Result<Span, BuildError> {
        let room = (self.memory() - 2 * MARGIN).min(1 << 15);
        let most = match self.entropy.below(3) {
            0 => 1 + i64::from(self.entropy.below(room as u32 - 1)),
            1 => i64::from(self.entropy.below(room.min(250) as u32)),
            _ => (1 << self.entropy.below(room.ilog2())) - i64::from(self.entropy.bits(1) as u32),
        };
        let held = self.held;
        self.held |= 1 << reg.index();
        let mut span = self.bounded(reg, most, room, exact)?;
        let log = self.entropy.below(4);
        if span.high << log <= room && self.entropy.chance(1, 3) {
            self.push_either(Inst::shli(reg, reg, log)?, Inst::muli(reg, reg, 1 << log)?);
            span = span.scaled(log);
        }
        if !self.entropy.chance(1, 4) {
            let start = match self.entropy.below(6) {
                0 => MARGIN,
                2 => -i64::from(self.entropy.below(40)),
                1 => i64::from(self.entropy.below((self.memory() - span.high) as u32)),
                _ => {
                    self.memory()
                        - span.high
                        - i64::from(self.entropy.below(40)).min(self.memory() - span.high)
                }
            };
            match i32::try_from(start).ok().filter(|start| *start < 1 << 15) {
                Some(start) => self.push(Inst::addi(reg, reg, start)?),
                None => {
                    let other = self.writable();
                    self.load(other, start as u64)?;
                    self.push(Inst::add(reg, reg, other)?);
                }
            }
            span = span.moved(start);
        }
        self.held = held;
        Ok(span)
    }

    /// Gives a register a number from 0 to `most`, or to another bound if `most` is not below `room`.
    fn bounded(&mut self, reg: Reg, most: i64, room: i64, exact: Option<Side>) -> Result<Span, BuildError> {
        let upto = |high: i64| Span { low: 0, high };
        let mask = (1 << most.max(1).ilog2()) - 1;
        let method = self.entropy.below(12);
        // The operand that gives the largest result.
        let top = if matches!(method, 0..=2 | 9 | 10) { -1 } else { most };
        match exact {
            None => self.load_wild(reg, most)?,
            Some(side) => {
                self.load(reg, if side == Side::High { top as u64 } else { 0 })?;
                self.hide(reg)?;
            }
        }
        let other = self.writable();
        Ok(match method {
            0 | 1 => {
                let mask = mask & !(pick(self.entropy, &[0, 7, 1, 3]).unwrap_or(0));
                self.push(Inst::andi(reg, reg, mask as u32)?);
                upto(mask)
            }
            2 => {
                self.load(other, mask as u64)?;
                self.push(Inst::and(reg, reg, other)?);
                upto(mask)
            }
            3 => {
                self.load(other, most as u64 + 1)?;
                self.push(Inst::modu(reg, reg, other)?);
                upto(most)
            }
            4 | 5 => {
                self.load_limit(other, most, exact)?;
                self.push_either(Inst::minu(reg, reg, other)?, Inst::minu(reg, other, reg)?);
                upto(most)
            }
            6 if most < 255 => {
                let label = self.code.label();
                self.branch(Inst::jltui(reg, most as u32 + 1, 0)?, label);
                self.load_below(reg, most)?;
                self.code.bind(label);
                upto(most)
            }
            6 | 7 => {
                let label = self.code.label();
                self.load_limit(other, most + 1, exact)?;
                self.branch(Inst::jltu(reg, other, 0)?, label);
                self.load_below(reg, most)?;
                self.code.bind(label);
                upto(most)
            }
            8 => {
                let (good, bad) = (self.code.label(), self.code.label());
                self.load(other, most as u64 + 1)?;
                self.branch(Inst::jge(reg, other, 0)?, bad);
                self.branch(Inst::jn(reg, 0)?, bad);
                self.branch(Inst::jmp(0)?, good);
                self.code.bind(bad);
                self.load_below(reg, most)?;
                self.code.bind(good);
                upto(most)
            }
            9 => {
                let bits = mask.count_ones().max(1);
                self.push_either(Inst::shri(reg, reg, 64 - bits)?, Inst::shrwi(reg, reg, 32 - bits)?);
                upto((1 << bits) - 1)
            }
            10 if room >= 255 => {
                self.push(Inst::zext(reg, reg, 8)?);
                upto(255)
            }
            _ => {
                self.load(other, top as u64)?;
                self.hide(other)?;
                self.push_either(Inst::sltu(reg, reg, other)?, Inst::seq(reg, reg, other)?);
                upto(1)
            }
        })
    }

    /// Loads a number for comparison with a pointer: this limit, or up to 7 less, which is known only at run time.
    fn load_limit(&mut self, reg: Reg, limit: i64, exact: Option<Side>) -> Result<(), BuildError> {
        if limit < 16 || !self.entropy.chance(1, 4) {
            return self.load(reg, limit as u64);
        }
        match exact {
            Some(_) => self.load(reg, 7)?,
            None => self.load_wild(reg, 7)?,
        }
        self.hide(reg)?;
        self.push(Inst::andi(reg, reg, 7)?);
        let other = self.writable();
        self.load(other, limit as u64 - 7)?;
        self.push(Inst::add(reg, reg, other)?);
        Ok(())
    }

    /// Loads a number from 0 to `most`.
    fn load_below(&mut self, reg: Reg, most: i64) -> Result<(), BuildError> {
        let value = self.entropy.below(most as u32 + 1);
        self.load(reg, value.into())
    }

    /// Gives a register one of a few numbers, of which some are negative.
    pub(super) fn few(&mut self, reg: Reg) -> Result<Span, BuildError> {
        match self.entropy.below(4) {
            0 => {
                let value = i64::from(self.entropy.below(5)) - 2;
                self.load(reg, value as u64)?;
                Ok(Span::one(value))
            }
            1 => {
                self.load_wild(reg, 3)?;
                self.push(Inst::shri(reg, reg, 62)?);
                Ok(Span { low: 0, high: 3 })
            }
            _ => {
                let mask = 1 + 2 * self.entropy.bits(1) as u32;
                self.load_wild(reg, mask.into())?;
                self.push(Inst::andi(reg, reg, mask)?);
                Ok(Span { low: 0, high: mask.into() })
            }
        }
    }
}
