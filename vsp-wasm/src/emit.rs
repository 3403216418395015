//! From allocated functions to words: the order of the blocks, branches, and the instructions that trap.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use regalloc2::Block as BlockNumber;
use vsp_core::isa::{Inst, Opcode as O, Reg, Role};
use vsp_core::limits::Limits;
use vsp_core::program::{FuncType, FunctionBuilder, Label, ProgramBuilder};

use crate::allocate::{Allocated, Allocation, Edit, InstOrEdit};
use crate::copies::remove_copies;
use crate::error::Error;
use crate::lines::Lines;
use crate::machine::{self, Code, Constraint, Function};
use crate::trap_code;

/// A part of a block that is emitted as one.
pub(crate) struct Piece {
    pub(crate) kind: PieceKind,
    /// The offset in the code section of the operator that it comes from.
    pub(crate) offset: u32,
}

pub(crate) enum PieceKind {
    Inst(Inst),
    /// A call, with the registers that it reads and writes in addition.
    Call {
        inst: Inst,
        reads: u16,
        writes: u16,
    },
    /// A return, with the registers of the results.
    Return(u16),
    /// A branch to a trap with this code.
    TrapIf(Inst, u32),
    /// A branch over a branch to a trap with this code.
    Unless(Inst, Inst, u32),
    /// A branch to the first block, else to the second.
    Branch(Inst, u32, u32),
    Jump(u32),
    /// A table of blocks, and the default.
    Switch(Reg, Vec<u32>, u32),
}

/// Emits a function.
pub(crate) fn emit(
    function: &Function,
    allocated: &Allocated,
    ty: FuncType,
    program: &mut ProgramBuilder,
    lines: &mut Lines,
) -> Result<FunctionBuilder, Error> {
    // One more local if values must be moved from local to local.
    let mut emitter =
        Emitter { function, allocated, program, first_local: function.locals, moves_locals: false };
    let mut blocks = Vec::with_capacity(function.blocks.len());
    for at in 0..function.blocks.len() {
        blocks.push(emitter.block(at)?);
    }
    remove_copies(&mut blocks)?;
    let locals = emitter.first_local + allocated.slots + u32::from(emitter.moves_locals);
    let most = Limits::DEFAULT.locals;
    if locals > most {
        return Err(Error::limit(alloc::format!(
            "{locals} values live at once do not fit the {most} locals of a function"
        )));
    }
    let mut layout = Layout::new(&blocks, FunctionBuilder::new(ty), program, lines);
    layout.code.set_locals(locals as u16);
    layout.emit(&blocks)?;
    Ok(layout.code)
}

struct Emitter<'f> {
    function: &'f Function,
    allocated: &'f Allocated,
    program: &'f mut ProgramBuilder,
    first_local: u32,
    moves_locals: bool,
}

impl Emitter<'_> {
    fn block(&mut self, at: usize) -> Result<Vec<Piece>, Error> {
        let block = &self.function.blocks[at];
        let allocated = self.allocated;
        let mut pieces = Vec::new();
        let mut insts = block.insts.iter();
        // Moves come from the operator that they prepare.
        let mut offset = block.insts.first().map_or(0, |inst| inst.offset);
        for item in allocated.output.block_insts_and_edits(&allocated.input, BlockNumber::new(at)) {
            match item {
                InstOrEdit::Edit(Edit::Move { from, to }) => {
                    self.move_value(*from, *to, offset, &mut pieces)?;
                }
                InstOrEdit::Inst(number) => {
                    let inst = insts.next().ok_or_else(|| Error::internal("an instruction"))?;
                    let allocations = allocated.output.inst_allocs(number);
                    if let Some(kind) = self.inst(inst, allocations, block)? {
                        pieces.push(Piece { kind, offset: inst.offset });
                    }
                    offset = insts.as_slice().first().map_or(inst.offset, |next| next.offset);
                }
            }
        }
        Ok(pieces)
    }

    fn move_value(
        &mut self,
        from: Allocation,
        to: Allocation,
        offset: u32,
        pieces: &mut Vec<Piece>,
    ) -> Result<(), Error> {
        let register = |allocation: Allocation| allocation.as_reg().map(|register| register.hw_enc() as i32);
        let first = self.first_local as i32;
        let local = |allocation: Allocation| allocation.as_stack().map(|slot| first + slot.index() as i32);
        let mut push = |op: O, operands: [i32; 2]| -> Result<(), Error> {
            pieces.push(Piece { kind: PieceKind::Inst(Inst::new(op, &operands)?), offset });
            Ok(())
        };
        match (register(from), register(to), local(from), local(to)) {
            (Some(from), Some(to), ..) => push(O::MOV, [to, from]),
            (Some(from), None, _, Some(to)) => push(O::SETL, [from, to]),
            (None, Some(to), Some(from), _) => push(O::GETL, [to, from]),
            (None, None, Some(from), Some(to)) => {
                // Through a register that is saved in a local of its own.
                self.moves_locals = true;
                let (saved, through) = (first + self.allocated.slots as i32, Reg::RF.index() as i32);
                push(O::SETL, [through, saved])?;
                push(O::GETL, [through, from])?;
                push(O::SETL, [through, to])?;
                push(O::GETL, [through, saved])
            }
            _ => Err(Error::internal("a move")),
        }
    }

    /// Returns the piece for an instruction, if it has any code.
    fn inst(
        &mut self,
        inst: &machine::Inst,
        allocations: &[Allocation],
        block: &machine::Block,
    ) -> Result<Option<PieceKind>, Error> {
        let successor = |at: usize| {
            block
                .successors
                .get(at)
                .map(|successor| successor.block)
                .ok_or_else(|| Error::internal("a successor"))
        };
        let place = |at: usize| register(allocations.get(at).copied());
        let operands = &self.function.operands[inst.range()];
        let call = |call: Inst| {
            let (mut reads, mut writes) = (0, 0);
            for operand in operands {
                match operand.constraint {
                    Constraint::UseIn(register) => reads |= 1 << register,
                    Constraint::DefIn(register) => writes |= 1 << register,
                    _ => {}
                }
            }
            PieceKind::Call { inst: call, reads, writes }
        };
        Ok(Some(match inst.code {
            Code::Entry => return Ok(None),
            Code::Op(op) => PieceKind::Inst(encode(op, inst.imm, allocations)?),
            Code::Constant(bits) => PieceKind::Inst(self.constant(bits, place(0)?)?),
            Code::Jump => PieceKind::Jump(successor(0)?),
            Code::Branch(op) => {
                PieceKind::Branch(encode(op, inst.imm, allocations)?, successor(0)?, successor(1)?)
            }
            Code::Switch(number) => {
                let table =
                    self.function.tables.get(number as usize).ok_or_else(|| Error::internal("a table"))?;
                let mut blocks =
                    table.iter().map(|at| successor(*at as usize)).collect::<Result<Vec<u32>, Error>>()?;
                let default = blocks.pop().ok_or_else(|| Error::internal("a default"))?;
                PieceKind::Switch(Reg::from_low_bits(place(0)? as u32), blocks, default)
            }
            Code::Return => PieceKind::Return((1 << inst.count) - 1),
            Code::Trap(code) => PieceKind::Inst(Inst::trap(code)?),
            Code::Call(number) => call(Inst::call(number)?),
            Code::TailCall(number) => call(Inst::tailcall(number)?),
            Code::TailIndirect(bits) => call(Inst::new(O::TAILCALLR, &[place(0)?, bits as i32])?),
            Code::Import(number) => call(Inst::syscall(number)?),
            Code::Indirect(bits) => call(Inst::new(O::CALLR, &[place(0)?, bits as i32])?),
            Code::TrapIf(op, code) => PieceKind::TrapIf(encode(op, inst.imm, allocations)?, code),
            Code::Division => PieceKind::Unless(
                Inst::new(O::JNE, &[place(0)?, place(1)?])?,
                Inst::new(O::JEQ, &[place(2)?, place(3)?])?,
                trap_code::INTEGER_OVERFLOW,
            ),
        }))
    }

    fn constant(&mut self, bits: u64, register: i32) -> Result<Inst, Error> {
        let small = -(1 << 19)..1 << 19;
        Ok(if small.contains(&(bits as i64)) {
            Inst::new(O::MOVI, &[register, bits as i32])?
        } else {
            Inst::new(O::CONST, &[register, self.program.constant(bits).0 as i32])?
        })
    }
}

fn register(allocation: Option<Allocation>) -> Result<i32, Error> {
    let register = allocation.and_then(Allocation::as_reg).ok_or_else(|| Error::internal("a register"))?;
    Ok(register.hw_enc() as i32)
}

/// Encodes an instruction whose sources are in the order of its operands, with the result last.
fn encode(op: O, imm: i32, allocations: &[Allocation]) -> Result<Inst, Error> {
    let mut values = [0; 4];
    let mut source = 0;
    for (value, operand) in values.iter_mut().zip(op.operands()) {
        *value = match operand.role {
            Role::Dst | Role::FDst => register(allocations.last().copied())?,
            Role::Mod => {
                source += 1;
                register(allocations.last().copied())?
            }
            Role::Src | Role::FSrc | Role::Base | Role::X1 | Role::X2 | Role::X4 | Role::X8 => {
                source += 1;
                register(allocations.get(source - 1).copied())?
            }
            Role::Target => 0,
            _ => imm,
        };
    }
    Ok(Inst::new(op, &values[..op.operands().len()])?)
}

/// The most instructions at the beginning of a loop that are repeated at its end.
const REPEATED: usize = 3;

/// The order of the blocks, where branches go, and the source lines.
struct Layout<'f> {
    code: FunctionBuilder,
    program: &'f mut ProgramBuilder,
    lines: &'f mut Lines,
    /// The line of what is emitted: source file and line.
    line: Option<(u32, u32)>,
    labels: Vec<Label>,
    /// For each block its final target: that of its jump if it only jumps, else the block itself.
    leads_to: Vec<u32>,
    /// The instructions that trap: by code, and by the offset of the operator, so that each has a line.
    traps: BTreeMap<(u32, u32), Label>,
}

impl<'f> Layout<'f> {
    fn new(
        blocks: &[Vec<Piece>],
        mut code: FunctionBuilder,
        program: &'f mut ProgramBuilder,
        lines: &'f mut Lines,
    ) -> Layout<'f> {
        let leads_to = leads_to(blocks);
        let labels = blocks.iter().map(|_| code.label()).collect();
        Layout { code, program, lines, line: None, labels, leads_to, traps: BTreeMap::new() }
    }

    fn emit(&mut self, blocks: &[Vec<Piece>]) -> Result<(), Error> {
        let kept: Vec<u32> =
            (0..blocks.len() as u32).filter(|at| self.leads_to[*at as usize] == *at).collect();
        for at in 0..blocks.len() as u32 {
            if self.leads_to[at as usize] != at {
                // Nothing goes there, but labels must be bound.
                self.code.bind(self.labels[at as usize]);
            }
        }
        for (place, at) in kept.iter().enumerate() {
            let next = kept.get(place + 1).copied();
            self.code.bind(self.labels[*at as usize]);
            for piece in &blocks[*at as usize] {
                match piece.kind {
                    PieceKind::Jump(to) => {
                        self.start_line(piece.offset)?;
                        self.jump_or_repeat(blocks, *at, to, next)?;
                    }
                    _ => self.piece(piece, next)?,
                }
            }
        }
        for ((code, offset), label) in core::mem::take(&mut self.traps) {
            self.start_line(offset)?;
            self.code.bind(label);
            self.code.push(Inst::trap(code)?);
        }
        Ok(())
    }

    /// Sets the line of what is emitted next to that of the operator at this offset.
    fn start_line(&mut self, offset: u32) -> Result<(), Error> {
        let line = self.lines.find(offset, self.program)?;
        if line != self.line {
            let (file, number) = line.or(self.line.map(|(file, _)| (file, 0))).unwrap_or_default();
            self.code.line(file, number);
            self.line = line;
        }
        Ok(())
    }

    /// Jumps to a block; or repeats it, if it is the short beginning of a loop that only decides whether there is
    /// another turn.
    fn jump_or_repeat(
        &mut self,
        blocks: &[Vec<Piece>],
        from: u32,
        to: u32,
        next: Option<u32>,
    ) -> Result<(), Error> {
        let to = self.leads_to[to as usize];
        match &blocks[to as usize][..] {
            pieces @ [.., Piece { kind: PieceKind::Branch(..), .. }]
                if to < from && pieces.len() <= REPEATED =>
            {
                pieces.iter().try_for_each(|piece| self.piece(piece, next))
            }
            _ => self.jump(to, next),
        }
    }

    fn piece(&mut self, piece: &Piece, next: Option<u32>) -> Result<(), Error> {
        self.start_line(piece.offset)?;
        match &piece.kind {
            PieceKind::Inst(inst) | PieceKind::Call { inst, .. } => self.code.push(*inst),
            PieceKind::Return(_) => self.code.push(Inst::ret()?),
            PieceKind::TrapIf(inst, code) => {
                let label = self.trap(*code, piece.offset);
                self.code.branch(*inst, label);
            }
            PieceKind::Unless(over, inst, code) => {
                let (label, behind) = (self.trap(*code, piece.offset), self.code.label());
                self.code.branch(*over, behind);
                self.code.branch(*inst, label);
                self.code.bind(behind);
            }
            PieceKind::Branch(inst, taken, other) => {
                let (taken, other) = (self.leads_to[*taken as usize], self.leads_to[*other as usize]);
                if next == Some(taken) && taken != other {
                    self.code.branch(inverse(*inst)?, self.labels[other as usize]);
                } else {
                    self.code.branch(*inst, self.labels[taken as usize]);
                    self.jump(other, next)?;
                }
            }
            PieceKind::Jump(to) => self.jump(self.leads_to[*to as usize], next)?,
            PieceKind::Switch(register, table, default) => {
                if !table.is_empty() {
                    self.code.push(Inst::switch(*register, table.len() as u32)?);
                    for to in table {
                        let to = self.leads_to[*to as usize];
                        self.code.branch(Inst::jmp(0)?, self.labels[to as usize]);
                    }
                }
                self.jump(self.leads_to[*default as usize], next)?;
            }
        }
        Ok(())
    }

    fn jump(&mut self, to: u32, next: Option<u32>) -> Result<(), Error> {
        if next != Some(to) {
            self.code.branch(Inst::jmp(0)?, self.labels[to as usize]);
        }
        Ok(())
    }

    fn trap(&mut self, code: u32, offset: u32) -> Label {
        *self.traps.entry((code, offset)).or_insert_with(|| self.code.label())
    }
}

/// Returns where each block leads to: a block that only jumps to where its target leads to, others to themselves.
fn leads_to(blocks: &[Vec<Piece>]) -> Vec<u32> {
    const UNKNOWN: u32 = u32::MAX;
    const OPEN: u32 = u32::MAX - 1;
    let mut leads_to = alloc::vec![UNKNOWN; blocks.len()];
    let mut chain = Vec::new();
    for start in 0..blocks.len() as u32 {
        let mut at = start;
        let end = loop {
            match leads_to[at as usize] {
                UNKNOWN => {}
                // A cycle of blocks without code.
                OPEN => break at,
                known => break known,
            }
            let [Piece { kind: PieceKind::Jump(next), .. }] = blocks[at as usize][..] else { break at };
            leads_to[at as usize] = OPEN;
            chain.push(at);
            at = next;
        };
        chain.drain(..).for_each(|block| leads_to[block as usize] = end);
        leads_to[end as usize] = end;
    }
    leads_to
}

/// Pairs of branches with opposite conditions.
const INVERSES: [(O, O); 8] = [
    (O::JZ, O::JNZ),
    (O::JEQ, O::JNE),
    (O::JLT, O::JGE),
    (O::JLTU, O::JGEU),
    (O::JLTW, O::JGEW),
    (O::JEQI, O::JNEI),
    (O::JLTI, O::JGEI),
    (O::JLTUI, O::JGEUI),
];

/// Returns the branch with the opposite condition.
fn inverse(inst: Inst) -> Result<Inst, Error> {
    let op = inst.op();
    let opposite = INVERSES.iter().find_map(|&(one, other)| match op {
        _ if op == one => Some(other),
        _ if op == other => Some(one),
        _ => None,
    });
    let mut values = [0; 4];
    let mut count = 0;
    for (_, value) in inst.operands() {
        values[count] = value;
        count += 1;
    }
    Ok(Inst::new(opposite.ok_or_else(|| Error::internal("a branch"))?, &values[..count])?)
}
