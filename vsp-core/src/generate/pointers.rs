//! Registers that are used as addresses while they change: what they are is known to the generator, and hardly to a compiler.
//!
//! Whatever a program does, the registers of such an access add up to numbers of a [`Span`]. So accesses end exactly at the
//! edges of the memory, and those of daring programs now and then beyond: a check that is missing there is noticed.

use super::body::Body;
use super::entropy::pick;
use super::operands::{Address, access_bytes};
use crate::isa::{Flow, Inst, Opcode, Operand, Reg, Role};
use crate::program::BuildError;

/// Between which numbers a register lies, both included.
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

    /// Everything that lies so far away.
    pub(super) const fn moved(self, by: i64) -> Span {
        Span { low: self.low + by, high: self.high + by }
    }

    /// With numbers of another span added.
    const fn plus(self, other: Span) -> Span {
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

/// In smaller memories there is no room for pointers.
const LEAST_MEMORY: u64 = 256;

/// So much of the memory is left between a pointer that is somewhere and the edges.
const MARGIN: i64 = 64;

impl Body<'_> {
    /// The size of the memory as a number to compute with.
    pub(super) fn memory(&self) -> i64 {
        self.world.memory as i64
    }

    /// A statement about pointers.
    pub(super) fn point(&mut self) -> Result<(), BuildError> {
        if self.world.memory < LEAST_MEMORY {
            return self.compute();
        }
        match self.entropy.below(16) {
            0..=2 => self.tamed_accesses(),
            3..=6 => self.chased_accesses(),
            7 => self.growing_accesses(),
            8 => self.access_on_one_way(),
            _ if self.leaf => self.tamed_accesses(),
            9..=12 => self.walk_loop(),
            _ => self.closed_way(),
        }
    }

    /// Is something to be done that is an error in the program?
    pub(super) fn dares(&mut self) -> bool {
        let of = if self.world.daring { 10 } else { 250 };
        self.entropy.chance(1, of)
    }

    /// An address, mostly at an edge of the memory.
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

    /// Does with a register what leaves it as it is, and makes it unknown to whoever only looks at ranges.
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

    /// Loads a number that is then perhaps hidden.
    pub(super) fn load_perhaps_hidden(&mut self, reg: Reg, value: i64) -> Result<(), BuildError> {
        self.load(reg, value as u64)?;
        if self.entropy.bits(1) == 1 { self.hide(reg) } else { Ok(()) }
    }

    /// Loads a number that is hidden in some cases.
    pub(super) fn load_seldom_hidden(&mut self, reg: Reg, value: i64) -> Result<(), BuildError> {
        self.load(reg, value as u64)?;
        if self.entropy.chance(1, 5) { self.hide(reg) } else { Ok(()) }
    }

    /// Loads an edge of the memory.
    fn load_edge(&mut self, reg: Reg) -> Result<Span, BuildError> {
        let value = self.edge();
        self.load_perhaps_hidden(reg, value)?;
        Ok(Span::one(value))
    }

    /// Any value; often one that is an edge where the largest that is wanted is `most`.
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

    /// Gives a register some value of a span, in one of the ways from which a compiler can see that it is in there.
    /// Where `exact` says so, it gets the end of the span that `exact` names.
    fn tame(&mut self, reg: Reg, exact: Option<Side>) -> Result<Span, BuildError> {
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

    /// Gives a register a number from 0 to `most`, or where that is not below `room` to another bound.
    fn bounded(&mut self, reg: Reg, most: i64, room: i64, exact: Option<Side>) -> Result<Span, BuildError> {
        let upto = |high: i64| Span { low: 0, high };
        let mask = (1 << most.max(1).ilog2()) - 1;
        let way = self.entropy.below(12);
        // What has to be there so that the largest number comes of it.
        let top = if matches!(way, 0..=2 | 9 | 10) { -1 } else { most };
        match exact {
            None => self.load_wild(reg, most)?,
            Some(side) => {
                self.load(reg, if side == Side::High { top as u64 } else { 0 })?;
                self.hide(reg)?;
            }
        }
        let other = self.writable();
        Ok(match way {
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

    /// Loads a number that a pointer is compared with: this one, or up to so many less, which only running shows.
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

    /// An instruction that accesses memory, with an index of this scale if one is wanted.
    fn pick_access(&mut self, scale: Option<u32>) -> Option<Opcode> {
        let fits = |op: &Opcode| {
            let found = op.operands().iter().find_map(|operand| operand.role.index_scale());
            op.operands().iter().any(|operand| operand.role == Role::Disp)
                && (scale.is_none() || found == scale)
        };
        let all = self.world.opcodes(Flow::Next);
        let possible: alloc::vec::Vec<Opcode> =
            all.iter().copied().filter(|op| fits(op) && self.may_use(*op)).collect();
        pick(self.entropy, &possible)
    }

    /// An instruction that accesses memory without an index, if one of the right size comes soon.
    fn pick_plain_access(&mut self, fits: impl Fn(u64) -> bool) -> Option<Opcode> {
        let has_index =
            |op: &Opcode| op.operands().iter().any(|operand| operand.role.index_scale().is_some());
        (0..16).find_map(|_| self.pick_access(None).filter(|op| !has_index(op) && fits(access_bytes(*op))))
    }

    /// An access by a register that is in a span, or by a register and an index with a scale that add up to it.
    pub(super) fn reach(
        &mut self,
        base: Reg,
        index: Option<(Reg, u32)>,
        span: Span,
    ) -> Result<(), BuildError> {
        let Some(op) = self.pick_access(index.map(|(_, scale)| scale)) else { return Ok(()) };
        self.reach_with(op, base, index.map(|(reg, _)| reg), span, None)
    }

    /// The same with a certain instruction, and perhaps a certain displacement. It has to have an index if one is given.
    fn reach_with(
        &mut self,
        op: Opcode,
        base: Reg,
        index: Option<Reg>,
        span: Span,
        displacement: Option<i32>,
    ) -> Result<(), BuildError> {
        let find = |test: fn(Role) -> bool| op.operands().iter().find(|operand| test(operand.role)).copied();
        let Some(operand) = find(|role| role == Role::Disp) else { return Ok(()) };
        let scale = find(|role| role.index_scale().is_some()).and_then(|operand| operand.role.index_scale());
        self.held |= 1 << base.index();
        let (index, span) = match (index, scale) {
            (Some(index), _) => (index, span),
            (None, Some(scale)) => {
                let index = self.writable();
                let few = self.few(index)?;
                (index, span.plus(few.scaled(scale)))
            }
            (None, None) => (base, span),
        };
        self.held |= 1 << index.index();
        let displacement = match displacement {
            Some(displacement) => Some(displacement),
            None => self.displacement(operand, access_bytes(op) as i64, span),
        };
        let Some(displacement) = displacement else {
            self.held = 0;
            return Ok(());
        };
        let inst = self.with_address(op, Some(Address { base, index, displacement }))?;
        self.push(inst);
        Ok(())
    }

    /// Gives a register one of a few numbers, of which some are below zero.
    fn few(&mut self, reg: Reg) -> Result<Span, BuildError> {
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

    /// A displacement at which so many bytes are inside the memory for all registers of a span, mostly at an edge; or beyond.
    fn displacement(&mut self, operand: Operand, bytes: i64, span: Span) -> Option<i32> {
        let (least, most) = operand.role.range(operand.field);
        let (low, high) = (-span.low, self.memory() - span.high - bytes);
        let is_beyond = self.dares();
        let value = match self.entropy.below(8) {
            0..=3 if is_beyond => high + 1,
            4 | 5 if is_beyond => high + 1 + i64::from(self.entropy.below(bytes as u32)),
            6 if is_beyond => low - 1,
            _ if is_beyond => low - 1 - i64::from(self.entropy.below(8)),
            _ if low > high => return None,
            0..=2 => high,
            3 => low,
            4 => (i64::from(self.entropy.below(48)) - 24).clamp(low, high),
            5 => 0_i64.clamp(low, high),
            _ => low + i64::from(self.entropy.below((high - low + 1) as u32)),
        };
        let value = value.clamp(least.into(), most.into());
        (is_beyond || (low..=high).contains(&value)).then_some(value as i32)
    }

    /// A register that keeps what it is while `inner` is made.
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

    /// Accesses by a register of which only its bounds are known. The last one is beyond the edge in some cases.
    fn tamed_accesses(&mut self) -> Result<(), BuildError> {
        self.with_kept(|body, reg| {
            let beyond = body.ends_beyond();
            let span = body.tame(reg, beyond)?;
            for _ in 0..1 + body.entropy.below(3) {
                body.reach(reg, None, span)?;
            }
            match beyond {
                Some(side) => body.reach_beyond(reg, None, span, side),
                None => Ok(()),
            }
        })
    }

    /// Is the end of a statement to be beyond an edge of the memory?
    pub(super) fn ends_beyond(&mut self) -> Option<Side> {
        let is_beyond = self.entropy.chance(1, if self.world.daring { 2 } else { 60 });
        let side = if self.entropy.chance(1, 4) { Side::Low } else { Side::High };
        is_beyond.then_some(side)
    }

    /// An access that is just beyond an edge of the memory if its registers are at this end of their span.
    pub(super) fn reach_beyond(
        &mut self,
        base: Reg,
        index: Option<(Reg, u32)>,
        span: Span,
        side: Side,
    ) -> Result<(), BuildError> {
        let op = match index {
            Some((_, scale)) => self.pick_access(Some(scale)),
            None => self.pick_plain_access(|_| true),
        };
        let Some(op) = op else { return Ok(()) };
        let Some(operand) = op.operands().iter().find(|operand| operand.role == Role::Disp) else {
            return Ok(());
        };
        let displacement = match side {
            Side::High => self.memory() - span.high - access_bytes(op) as i64 + 1,
            Side::Low => -span.low - 1,
        };
        match i32::try_from(displacement).ok().filter(|it| operand.role.accepts(operand.field, *it)) {
            Some(displacement) => {
                self.reach_with(op, base, index.map(|(reg, _)| reg), span, Some(displacement))
            }
            None => Ok(()),
        }
    }

    /// Accesses by registers that change between them: steps, copies, exchanges, on some ways only.
    fn chased_accesses(&mut self) -> Result<(), BuildError> {
        self.with_kept(|body, a| {
            let span_a = match body.entropy.chance(2, 3) {
                true => body.load_edge(a)?,
                false => body.tame(a, None)?,
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
                1 => {
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
                4 if self.locals > 0 => {
                    let local = self.entropy.below(self.locals.into());
                    self.push(Inst::setl(other, local)?);
                    self.push(Inst::getl(reg, local)?);
                    spans[which] = spans[1 - which];
                }
                5 => spans[which] = self.tame(reg, None)?,
                _ => self.reach(reg, None, spans[which])?,
            }
        }
        let last = self.entropy.bits(1) as usize;
        match self.ends_beyond() {
            Some(side) => self.reach_beyond(regs[last], None, spans[last], side),
            None => self.reach(regs[last], None, spans[last]),
        }
    }

    /// Accesses at one address that reach further and further.
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

    /// An access that comes twice, the first time on one of two ways only.
    fn access_on_one_way(&mut self) -> Result<(), BuildError> {
        self.with_kept(|body, reg| {
            let span = body.load_edge(reg)?;
            let Some(op) = body.pick_access(None) else { return Ok(()) };
            let Some(operand) = op.operands().iter().find(|operand| operand.role == Role::Disp) else {
                return Ok(());
            };
            let displacement = body.displacement(*operand, access_bytes(op) as i64, span);
            let skip = body.branch_forward()?;
            body.reach_with(op, reg, None, span, displacement)?;
            body.code.bind(skip);
            body.reach_with(op, reg, None, span, displacement)
        })
    }

    /// A way that is never gone, unless the host changes a register while the program waits: there is a loop on it.
    pub(super) fn closed_way(&mut self) -> Result<(), BuildError> {
        if self.reserved.count_ones() > 6 || self.world.memory < LEAST_MEMORY {
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
                let rounds = 20 + body.entropy.below(400);
                body.load(counter, rounds.into())?;
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

    /// Suspends the program, or gives it an occasion for that.
    fn suspend_somehow(&mut self) -> Result<(), BuildError> {
        let reg = self.writable();
        if self.entropy.chance(2, 3) {
            self.push(Inst::yield_(reg)?);
            return Ok(());
        }
        // A loop has a check point.
        let turns = 1 + self.entropy.below(3);
        self.load(reg, turns.into())?;
        let head = self.code.here();
        self.branch(Inst::loop_(reg, 0)?, head);
        Ok(())
    }
}
