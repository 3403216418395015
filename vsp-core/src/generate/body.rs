//! The body of one function: its registers, and statements that compute.

use super::entropy::{Entropy, Seed, pick};
use super::{Style, World, values};
use crate::index::FuncIndex;
use crate::isa::{Flow, Inst, Opcode, Reg, Role};
use crate::program::{BuildError, FuncType, FunctionBuilder, Label, ProgramBuilder};

/// Numbers of blocks of a big function: just beyond limits of the compiler.
const MANY_BLOCKS: &[u32] = &[1_030, 4_100, 1_100];

/// The kind of a function.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Usual,
    /// It may be inlined.
    Leaf,
    /// It calls others.
    Relay,
    /// It tries a few things that may be errors.
    Shots,
}

const KINDS: &[Kind] =
    &[Kind::Usual, Kind::Leaf, Kind::Usual, Kind::Relay, Kind::Usual, Kind::Leaf, Kind::Usual];

/// A function that is being generated.
pub(super) struct Body<'a> {
    pub(super) entropy: &'a mut dyn Entropy,
    pub(super) program: &'a mut ProgramBuilder,
    pub(super) world: &'a World<'a>,
    pub(super) index: FuncIndex,
    pub(super) code: FunctionBuilder,
    pub(super) locals: u16,
    /// Whether it may be inlined: short, without loops and calls.
    pub(super) leaf: bool,
    /// Whether it uses State registers.
    pub(super) states: bool,
    /// The number of statements that may still be added.
    pub(super) statements: u32,
    /// The number of statements around this one.
    pub(super) depth: u32,
    /// Registers that must not be written, because loops count with them: bit n is register n.
    pub(super) reserved: u16,
    /// Registers that must not be written before the instruction whose operands are being prepared.
    pub(super) held: u16,
    /// Whether operands are edges, each loaded for the instruction.
    pub(super) probing: bool,
    /// Registers that probably hold a binary64.
    pub(super) floats: u16,
    /// A register whose value, plus up to this distance, is a valid address of eight bytes.
    pub(super) pointer: Option<(Reg, u64)>,
    /// Labels that jumps from anywhere target, and the index of the next one to bind.
    pub(super) landings: [Label; 3],
    pub(super) landed: usize,
}

/// Generates the body of a function.
pub(super) fn body(
    entropy: &mut dyn Entropy,
    program: &mut ProgramBuilder,
    world: &World<'_>,
    index: FuncIndex,
) -> Result<FunctionBuilder, BuildError> {
    let mut code = FunctionBuilder::new(world.functions[index.index()]);
    let first = index.0 == 0;
    let kind = match world.style {
        Style::Shots if first || !entropy.chance(1, 4) => Kind::Shots,
        Style::Relays => Kind::Relay,
        _ if first => Kind::Usual,
        Style::Shots => Kind::Leaf,
        Style::Mixed => pick(entropy, KINDS).unwrap_or(Kind::Usual),
    };
    let leaf = kind == Kind::Leaf;
    let locals: &[u16] = if leaf { &[0, 3, 16, 17] } else { &[0, 2, 5, 1, 15, 16, 3, 33, 7, 50, 130, 300] };
    let locals = pick(entropy, locals).unwrap_or(0);
    code.set_locals(locals);
    let states = entropy.chance(1, 3);
    let landings = [code.label(), code.label(), code.label()];
    let mut body = Body {
        statements: match world.shape.statements {
            most if leaf => entropy.below(most.min(9)),
            _ if kind == Kind::Relay => 1 + entropy.below(3),
            _ if kind == Kind::Shots => 1 + entropy.below(3),
            most if first => most / 4 + entropy.below(most),
            most => entropy.below(most),
        },
        entropy,
        program,
        world,
        index,
        code,
        locals,
        leaf,
        states,
        depth: 0,
        reserved: 0,
        held: 0,
        probing: false,
        floats: 0,
        pointer: None,
        landings,
        landed: 0,
    };
    if locals > 0 && body.entropy.bits(1) == 1 {
        body.read_locals_early()?;
    }
    body.fill_registers(if leaf { 3 } else { 8 })?;
    if first && world.big {
        body.many_blocks()?;
    }
    while body.statements > 0 {
        match kind {
            Kind::Usual => body.statement()?,
            Kind::Leaf => body.leaf_statement()?,
            Kind::Relay => body.relay_statement()?,
            Kind::Shots => body.shot()?,
        }
    }
    if locals > 0 && body.entropy.chance(1, 2) {
        body.dirty_locals()?;
    }
    if !leaf && body.entropy.chance(3, 4) {
        body.keep_registers()?;
    }
    body.end()
}

impl Body<'_> {
    fn end(mut self) -> Result<FunctionBuilder, BuildError> {
        while self.landed < self.landings.len() {
            self.code.bind(self.landings[self.landed]);
            self.landed += 1;
        }
        self.leave()?;
        Ok(self.code)
    }

    /// Loads up to `most` registers.
    fn fill_registers(&mut self, most: u32) -> Result<(), BuildError> {
        for _ in 0..self.entropy.below(1 + most) {
            match self.entropy.bits(1) {
                0 => self.fresh_integer()?,
                _ => self.fresh_float()?,
            };
        }
        Ok(())
    }

    /// Adds a statement of a short leaf: a computation, in some cases conditional.
    fn leaf_statement(&mut self) -> Result<(), BuildError> {
        self.statements -= 1;
        let skip = self.perhaps_forward(1, 4)?;
        match self.entropy.below(16) {
            0..=9 => self.compute()?,
            10..=12 => self.point()?,
            13 => self.probe()?,
            _ => self.trap_rarely()?,
        }
        if let Some(label) = skip {
            self.code.bind(label);
        }
        Ok(())
    }

    /// Adds a statement of a function with few statements, which may be an error.
    fn shot(&mut self) -> Result<(), BuildError> {
        self.statements -= 1;
        match self.entropy.below(24) {
            0 => self.statement(),
            1 => self.probe(),
            2 => self.bulk(),
            3 | 4 => self.call(),
            5..=7 if self.has_room() => self.bounded_accesses(),
            8..=14 if self.has_room() => self.walk_loop(),
            _ => self.point(),
        }
    }

    /// Adds a statement of a function that calls others.
    fn relay_statement(&mut self) -> Result<(), BuildError> {
        self.statements -= 1;
        self.relay()
    }

    /// Adds enough basic blocks to exceed limits of the compiler.
    fn many_blocks(&mut self) -> Result<(), BuildError> {
        let blocks = pick(self.entropy, MANY_BLOCKS).unwrap_or(0);
        // A separate generator: the entropy is too short for this number of choices.
        let mut choices = Seed::new(self.entropy.bits(64));
        for _ in 0..blocks / 2 {
            let mut reg = || Reg::from_low_bits(choices.bits(4) as u32);
            let (a, b) = (reg(), reg());
            let skip = self.code.label();
            self.branch(Inst::jn(a, 0)?, skip);
            self.push(Inst::addi(b, a, 1)?);
            self.code.bind(skip);
        }
        Ok(())
    }

    /// Adds one instruction that falls through, and the instructions that prepare its operands.
    pub(super) fn compute(&mut self) -> Result<(), BuildError> {
        let all = self.world.opcodes(Flow::Next);
        match pick(self.entropy, all).filter(|op| self.may_use(*op)) {
            Some(op) => self.instruction(op),
            None => Ok(()),
        }
    }

    /// Returns whether the function has the locals or State registers that this instruction needs.
    pub(super) fn may_use(&self, op: Opcode) -> bool {
        op.operands().iter().all(|operand| {
            (self.locals > 0 || operand.role != Role::Local)
                && (self.states || operand.role.state_access().is_none())
        })
    }

    /// Adds an instruction with chosen operands.
    pub(super) fn instruction(&mut self, op: Opcode) -> Result<(), BuildError> {
        let inst = self.with_operands(op)?;
        self.push(inst);
        Ok(())
    }

    /// Appends an instruction, and records its effects on registers.
    pub(super) fn push(&mut self, inst: Inst) {
        self.remember(inst);
        self.code.push(inst);
    }

    /// Appends a branch, and records its effects on registers.
    pub(super) fn branch(&mut self, inst: Inst, label: Label) {
        self.remember(inst);
        self.code.branch(inst, label);
    }

    fn remember(&mut self, inst: Inst) {
        for (operand, value) in inst.operands() {
            if operand.role.writes_register() {
                self.wrote(Reg::from_low_bits(value as u32), operand.role.is_float());
            }
        }
    }

    fn wrote(&mut self, reg: Reg, float: bool) {
        let bit = 1 << reg.index();
        self.floats = if float { self.floats | bit } else { self.floats & !bit };
        self.pointer = self.pointer.filter(|(pointer, _)| *pointer != reg);
    }

    /// Records the results of a call.
    pub(super) fn wrote_results(&mut self, ty: FuncType) {
        for reg in &Reg::ALL[..ty.results()] {
            self.wrote(*reg, false);
        }
    }

    /// Returns a register that may be written.
    pub(super) fn writable(&mut self) -> Reg {
        let first = self.entropy.bits(4) as u32;
        let taken = self.reserved | self.held;
        let mut all = (first..first + 16).map(Reg::from_low_bits);
        all.find(|reg| taken >> reg.index() & 1 == 0).unwrap_or(Reg::R0)
    }

    /// Loads a value into a register.
    pub(super) fn load(&mut self, reg: Reg, value: u64) -> Result<(), BuildError> {
        let inst = match i32::try_from(value as i64) {
            Ok(small) if (-(1 << 19)..1 << 19).contains(&small) => Inst::movi(reg, small)?,
            _ => Inst::const_(reg, self.program.constant(value).0)?,
        };
        self.push(inst);
        Ok(())
    }

    pub(super) fn fresh_integer(&mut self) -> Result<Reg, BuildError> {
        let reg = self.writable();
        let value = match self.probing && self.entropy.bits(1) == 1 {
            true => self.entropy.bits(64),
            false => values::integer(self.entropy),
        };
        self.load(reg, value)?;
        self.hold_probed(reg);
        Ok(reg)
    }

    pub(super) fn fresh_float(&mut self) -> Result<Reg, BuildError> {
        let reg = self.writable();
        let value = match self.entropy.below(3) {
            0 if self.probing => self.entropy.bits(1) << 63,
            1 if self.probing => values::special_float(self.entropy),
            _ => values::float(self.entropy),
        };
        self.load(reg, value)?;
        self.floats |= 1 << reg.index();
        self.hold_probed(reg);
        Ok(reg)
    }

    /// Protects a register from being overwritten by the other operands of a probe.
    fn hold_probed(&mut self, reg: Reg) {
        if self.probing {
            self.held |= 1 << reg.index();
        }
    }
}
