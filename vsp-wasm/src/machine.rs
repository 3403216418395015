//! Functions of VSP instructions whose operands are values: between selection and register allocation.

use alloc::vec::Vec;
use core::ops::Range;

use vsp_core::isa::Opcode;

/// The source of an operand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    Value(u32),
    /// A constant that has to be in a register.
    Constant(u64),
}

/// The constraint on the register of an operand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Constraint {
    Use,
    UseIn(u8),
    Def,
    DefIn(u8),
    /// A result in the register of the first operand.
    Reuse,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Operand {
    pub(crate) source: Source,
    pub(crate) constraint: Constraint,
}

/// The operation of an instruction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Code {
    /// The sources are in the order of the instruction's operands, then comes the result.
    Op(Opcode),
    Constant(u64),
    /// Defines the parameters.
    Entry,
    Jump,
    /// To the first successor, else to the second.
    Branch(Opcode),
    /// To the successor that the table of this number names.
    Switch(u32),
    Return,
    Trap(u32),
    Call(u32),
    Import(u32),
    /// Calls the function whose number is the first operand; the bits are its type.
    Indirect(u32),
    /// A call in place of the function.
    TailCall(u32),
    /// The same of the function whose number is the first operand; the bits are its type.
    TailIndirect(u32),
    /// Traps with the code if the branch would be taken.
    TrapIf(Opcode, u32),
    /// Traps if the operands are equal in pairs: divisor and −1, dividend and the smallest number.
    Division,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Inst {
    pub(crate) code: Code,
    pub(crate) imm: i32,
    /// Its operands in [`Function::operands`].
    pub(crate) first: u32,
    pub(crate) count: u32,
    /// The offset in the code section of the operator that it comes from.
    pub(crate) offset: u32,
}

impl Inst {
    pub(crate) fn range(&self) -> Range<usize> {
        self.first as usize..(self.first + self.count) as usize
    }
}

/// A block that can follow another one, with the arguments for its parameters.
#[derive(Clone, Debug)]
pub(crate) struct Successor {
    pub(crate) block: u32,
    pub(crate) args: Vec<Source>,
}

#[derive(Clone, Debug)]
pub(crate) struct Block {
    pub(crate) params: Vec<u32>,
    pub(crate) insts: Vec<Inst>,
    pub(crate) successors: Vec<Successor>,
    pub(crate) in_loop: u32,
}

impl Block {
    /// Returns the offset in the code section of the operator that the end of the block comes from.
    pub(crate) fn end_offset(&self) -> u32 {
        self.insts.last().map_or(0, |inst| inst.offset)
    }
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Function {
    pub(crate) blocks: Vec<Block>,
    pub(crate) operands: Vec<Operand>,
    /// The tables of the switches: for each entry the number of a successor; the last one is that of the default.
    pub(crate) tables: Vec<Vec<u32>>,
    /// The number of values.
    pub(crate) values: u32,
    /// The number of locals that instructions name.
    pub(crate) locals: u32,
    /// For each loop its parent, and the block that enters it.
    pub(crate) loops: Vec<(u32, u32)>,
}

impl Function {
    pub(crate) fn new_value(&mut self) -> u32 {
        self.values += 1;
        self.values - 1
    }

    /// Returns a new instruction that comes from the operator at `offset`.
    pub(crate) fn inst(&mut self, code: Code, imm: i32, operands: &[Operand], offset: u32) -> Inst {
        let first = self.operands.len() as u32;
        self.operands.extend_from_slice(operands);
        Inst { code, imm, first, count: operands.len() as u32, offset }
    }

    /// Returns an instruction that materialises a constant, and its value.
    pub(crate) fn constant(&mut self, bits: u64, offset: u32) -> (Inst, u32) {
        let value = self.new_value();
        let operand = Operand { source: Source::Value(value), constraint: Constraint::Def };
        (self.inst(Code::Constant(bits), 0, &[operand], offset), value)
    }
}
