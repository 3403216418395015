//! Removal of copies that register allocation leaves: of a value to where it already is, and of one that nobody reads.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use vsp_core::isa::{Access, Inst, Opcode as O, Role};

use crate::emit::{Piece, PieceKind};
use crate::error::Error;

/// Removes copies from the blocks of a function.
pub(crate) fn remove_copies(blocks: &mut [Vec<Piece>]) -> Result<(), Error> {
    let successors: Vec<Vec<u32>> = blocks.iter().map(|block| successors(block)).collect();
    remove_repeated(blocks, &successors)?;
    remove_unread(blocks, &successors);
    Ok(())
}

/// Returns where the last piece of a block goes.
fn successors(block: &[Piece]) -> Vec<u32> {
    match block.last().map(|piece| &piece.kind) {
        Some(PieceKind::Jump(to)) => alloc::vec![*to],
        Some(PieceKind::Branch(_, taken, other)) => alloc::vec![*taken, *other],
        Some(PieceKind::Switch(_, table, default)) => {
            let mut all = table.clone();
            all.push(*default);
            all.sort_unstable();
            all.dedup();
            all
        }
        _ => Vec::new(),
    }
}

/// The contents of the registers and locals, as numbers: equal numbers are equal values.
struct Contents {
    registers: [u32; 16],
    /// The register that each was copied from, or itself.
    origins: [u8; 16],
    locals: BTreeMap<i32, u32>,
    /// The numbers of constants.
    constants: BTreeMap<(u8, i32), u32>,
    next: u32,
}

impl Contents {
    fn new_number(&mut self) -> u32 {
        self.next += 1;
        self.next
    }

    /// Forgets all contents, as at the start of a block with several predecessors.
    fn forget(&mut self) {
        self.locals.clear();
        for register in 0..16 {
            self.registers[register] = self.new_number();
            self.origins[register] = register as u8;
        }
    }

    /// Returns the register that has been copied to this one, if it still has the same value, or this one.
    fn origin(&self, register: usize) -> usize {
        let origin = usize::from(self.origins[register & 15]);
        if self.registers[origin] == self.registers[register & 15] { origin } else { register & 15 }
    }

    /// Returns the first register with this number.
    fn holder(&self, number: u32) -> Option<usize> {
        self.registers.iter().position(|known| *known == number)
    }

    fn write(&mut self, mask: u16) {
        for register in (0..16).filter(|register| mask >> register & 1 != 0) {
            self.registers[register] = self.new_number();
            self.origins[register] = register as u8;
        }
    }

    /// Returns an instruction in place of this one, or `None` if it does nothing.
    fn inst(&mut self, inst: Inst) -> Result<Option<Inst>, Error> {
        let inst = self.with_origins(inst)?;
        let mut values = inst.operands().map(|(_, value)| value);
        let (a, b) = (values.next().unwrap_or(0), values.next().unwrap_or(0));
        let to = a as usize & 15;
        let number = match inst.op() {
            O::MOV => self.registers[b as usize & 15],
            O::MOVI | O::CONST => {
                let key = (inst.op().number(), b);
                match self.constants.get(&key) {
                    Some(number) => *number,
                    None => {
                        let number = self.new_number();
                        self.constants.insert(key, number);
                        number
                    }
                }
            }
            O::GETL => {
                let number = match self.locals.get(&b) {
                    Some(number) => *number,
                    None => self.new_number(),
                };
                self.locals.insert(b, number);
                if let Some(holder) = self.holder(number)
                    && holder != to
                {
                    self.registers[to] = number;
                    self.origins[to] = self.origin(holder) as u8;
                    return Ok(Some(Inst::new(O::MOV, &[a, holder as i32])?));
                }
                number
            }
            O::SETL => {
                let number = self.registers[to];
                let known = self.locals.insert(b, number);
                return Ok((known != Some(number)).then_some(inst));
            }
            _ => {
                self.write(written(inst));
                return Ok(Some(inst));
            }
        };
        if self.registers[to] == number {
            return Ok(None);
        }
        self.registers[to] = number;
        self.origins[to] = if inst.op() == O::MOV { self.origin(b as usize) } else { to } as u8;
        Ok(Some(inst))
    }

    /// Replaces the operands of an instruction that are copies by their originals.
    fn with_origins(&self, mut inst: Inst) -> Result<Inst, Error> {
        for (index, operand) in inst.op().operands().iter().enumerate() {
            let is_source = matches!(
                operand.role,
                Role::Src | Role::FSrc | Role::Base | Role::X1 | Role::X2 | Role::X4 | Role::X8
            );
            if !is_source {
                continue;
            }
            let register = inst.operands().nth(index).map_or(0, |(_, value)| value);
            let origin = self.origin(register as usize);
            inst = inst.with(index, origin as i64)?;
        }
        Ok(inst)
    }
}

/// Removes copies of a value to where it is.
fn remove_repeated(blocks: &mut [Vec<Piece>], successors: &[Vec<u32>]) -> Result<(), Error> {
    let mut preds: Vec<(u32, u32)> = alloc::vec![(0, 0); blocks.len()];
    for (at, successors) in successors.iter().enumerate() {
        for successor in successors {
            let pred = &mut preds[*successor as usize];
            *pred = (pred.0 + 1, at as u32);
        }
    }
    let mut ends: Vec<([u32; 16], [u8; 16])> = Vec::with_capacity(blocks.len());
    let mut contents = Contents {
        registers: [0; 16],
        origins: [0; 16],
        locals: BTreeMap::new(),
        constants: BTreeMap::new(),
        next: 0,
    };
    for at in 0..blocks.len() {
        contents.forget();
        // What the only predecessor ends with.
        if let (1, pred) = preds[at]
            && let Some(end) = ends.get(pred as usize)
        {
            (contents.registers, contents.origins) = *end;
        }
        let mut pieces = Vec::with_capacity(blocks[at].len());
        for mut piece in core::mem::take(&mut blocks[at]) {
            match &mut piece.kind {
                PieceKind::Inst(inst) => match contents.inst(*inst)? {
                    Some(changed) => *inst = changed,
                    None => continue,
                },
                PieceKind::Call { inst, writes, .. } => {
                    *inst = contents.with_origins(*inst)?;
                    contents.write(*writes);
                }
                PieceKind::TrapIf(inst, _) | PieceKind::Branch(inst, ..) => {
                    *inst = contents.with_origins(*inst)?;
                }
                PieceKind::Unless(over, inst, _) => {
                    *over = contents.with_origins(*over)?;
                    *inst = contents.with_origins(*inst)?;
                }
                PieceKind::Return(_) | PieceKind::Jump(_) | PieceKind::Switch(..) => {}
            }
            pieces.push(piece);
        }
        blocks[at] = pieces;
        ends.push((contents.registers, contents.origins));
    }
    Ok(())
}

fn bit(register: usize) -> u16 {
    1 << register
}

/// Returns the registers that an instruction writes.
fn written(inst: Inst) -> u16 {
    let writes = inst.registers().filter(|(_, access)| *access != Access::Read);
    writes.fold(0, |mask, (register, _)| mask | bit(register.index()))
}

/// Returns the registers that an instruction reads.
fn read(inst: Inst) -> u16 {
    let reads = inst.registers().filter(|(_, access)| *access != Access::Write);
    reads.fold(0, |mask, (register, _)| mask | bit(register.index()))
}

/// Returns the registers that a piece reads and writes.
fn effects(piece: &PieceKind) -> (u16, u16) {
    match piece {
        PieceKind::Inst(inst) => (read(*inst), written(*inst)),
        PieceKind::Call { inst, reads, writes } => (reads | read(*inst), *writes),
        PieceKind::Return(reads) => (*reads, 0),
        PieceKind::TrapIf(inst, _) | PieceKind::Branch(inst, ..) => (read(*inst), 0),
        PieceKind::Unless(over, inst, _) => (read(*over) | read(*inst), 0),
        PieceKind::Jump(_) => (0, 0),
        PieceKind::Switch(register, ..) => (bit(register.index()), 0),
    }
}

/// Removes copies that nobody reads.
fn remove_unread(blocks: &mut [Vec<Piece>], successors: &[Vec<u32>]) {
    let mut preds: Vec<Vec<u32>> = alloc::vec![Vec::new(); blocks.len()];
    for (at, successors) in successors.iter().enumerate() {
        successors.iter().for_each(|successor| preds[*successor as usize].push(at as u32));
    }
    // What a block reads before it writes it, and what it writes.
    let summaries: Vec<(u16, u16)> = blocks
        .iter()
        .map(|block| {
            block
                .iter()
                .rev()
                .map(|piece| effects(&piece.kind))
                .fold((0, 0), |(live, all), (reads, writes)| ((live & !writes) | reads, all | writes))
        })
        .collect();
    // The registers that live at the beginnings of blocks. Each grows at most 16 times.
    let mut live: Vec<u16> = alloc::vec![0; blocks.len()];
    let mut work: Vec<u32> = (0..blocks.len() as u32).collect();
    while let Some(at) = work.pop() {
        let at = at as usize;
        let end = successors[at].iter().fold(0, |mask, successor| mask | live[*successor as usize]);
        let (reads, writes) = summaries[at];
        let begin = (end & !writes) | reads;
        if begin != live[at] {
            live[at] = begin;
            work.extend_from_slice(&preds[at]);
        }
    }
    for (at, block) in blocks.iter_mut().enumerate() {
        let mut now = successors[at].iter().fold(0, |mask, successor| mask | live[*successor as usize]);
        let mut kept: Vec<Piece> = Vec::with_capacity(block.len());
        for piece in core::mem::take(block).into_iter().rev() {
            let (reads, writes) = effects(&piece.kind);
            if let PieceKind::Inst(inst) = &piece.kind
                && matches!(inst.op(), O::MOV | O::MOVI | O::CONST | O::GETL)
                && now & writes == 0
            {
                continue;
            }
            now = (now & !writes) | reads;
            kept.push(piece);
        }
        kept.reverse();
        *block = kept;
    }
}
