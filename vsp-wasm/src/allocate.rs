//! Register allocation with regalloc2: 16 registers, and the locals of the program for what does not fit.
//!
//! A call keeps all registers but those of its results, so that none are saved by callers or callees.

mod slots;

use alloc::format;
use alloc::vec::Vec;

use regalloc2::{
    Algorithm, InstRange, MachineEnv, Operand as Constrained, PReg, PRegSet, RegClass, RegallocOptions, VReg,
};

use crate::error::Error;
use crate::machine::{Code, Constraint, Function, Source};

pub(crate) use regalloc2::{Allocation, Edit, Inst as InstNumber, InstOrEdit, Output};

/// The number of instructions from which the fast algorithm is used: the time of the better one grows faster than the
/// function.
const LARGE: usize = 60_000;

/// A function, as the input of regalloc2.
pub(crate) struct Input {
    insts: Vec<InstShape>,
    operands: Vec<Constrained>,
    blocks: Vec<BlockShape>,
    values: usize,
}

struct InstShape {
    first: u32,
    end: u32,
    is_return: bool,
    is_branch: bool,
}

struct BlockShape {
    insts: InstRange,
    successors: Vec<regalloc2::Block>,
    predecessors: Vec<regalloc2::Block>,
    params: Vec<VReg>,
    args: Vec<Vec<VReg>>,
}

/// The result of the allocation.
pub(crate) struct Allocated {
    pub(crate) input: Input,
    pub(crate) output: Output,
    /// The number of locals for values.
    pub(crate) slots: u32,
}

/// Allocates registers.
pub(crate) fn allocate(function: &Function) -> Result<Allocated, Error> {
    let input = Input::new(function)?;
    let general = (0..16).fold(PRegSet::empty(), |set, number| set.with(PReg::new(number, RegClass::Int)));
    let environment = MachineEnv {
        preferred_regs_by_class: [general, PRegSet::empty(), PRegSet::empty()],
        non_preferred_regs_by_class: [PRegSet::empty(); 3],
        scratch_by_class: [None; 3],
        fixed_stack_slots: Vec::new(),
    };
    let fast = input.insts.len() >= LARGE;
    let options = RegallocOptions {
        verbose_log: false,
        validate_ssa: cfg!(debug_assertions),
        algorithm: if fast { Algorithm::Fastalloc } else { Algorithm::Ion },
    };
    let mut output = regalloc2::run(&input, &environment, &options)
        .map_err(|error| Error::limit(format!("the function has no allocation of registers: {error:?}")))?;
    let slots = if fast { slots::share(&input, &mut output) } else { output.num_spillslots as u32 };
    Ok(Allocated { input, output, slots })
}

impl Input {
    fn new(function: &Function) -> Result<Input, Error> {
        let mut input = Input { insts: Vec::new(), operands: Vec::new(), blocks: Vec::new(), values: 0 };
        // Only values that occur get a number.
        let mut numbers = alloc::vec![u32::MAX; function.values as usize];
        let mut number = |source: Source| -> Result<VReg, Error> {
            let Source::Value(value) = source else { return Err(Error::internal("a value")) };
            let number = &mut numbers[value as usize];
            if *number == u32::MAX {
                *number = input.values as u32;
                input.values += 1;
            }
            Ok(VReg::new(*number as usize, RegClass::Int))
        };
        for block in &function.blocks {
            let first = input.insts.len();
            for inst in &block.insts {
                let from = input.operands.len() as u32;
                for operand in &function.operands[inst.range()] {
                    let value = number(operand.source)?;
                    let register = |number: u8| PReg::new(usize::from(number), RegClass::Int);
                    input.operands.push(match operand.constraint {
                        Constraint::Use => Constrained::reg_use(value),
                        Constraint::UseIn(fixed) => Constrained::reg_fixed_use(value, register(fixed)),
                        Constraint::Def => Constrained::reg_def(value),
                        Constraint::DefIn(fixed) => Constrained::reg_fixed_def(value, register(fixed)),
                        Constraint::Reuse => Constrained::reg_reuse_def(value, 0),
                    });
                }
                input.insts.push(InstShape {
                    first: from,
                    end: input.operands.len() as u32,
                    is_return: matches!(
                        inst.code,
                        Code::Return | Code::Trap(_) | Code::TailCall(_) | Code::TailIndirect(_)
                    ),
                    is_branch: matches!(inst.code, Code::Jump | Code::Branch(_) | Code::Switch(_)),
                });
            }
            let mut args = Vec::new();
            for successor in &block.successors {
                args.push(
                    successor.args.iter().map(|source| number(*source)).collect::<Result<Vec<_>, _>>()?,
                );
            }
            let params = block.params.iter().map(|value| number(Source::Value(*value)));
            let params = params.collect::<Result<Vec<_>, _>>()?;
            let insts = InstRange::new(InstNumber::new(first), InstNumber::new(input.insts.len()));
            let successors =
                block.successors.iter().map(|it| regalloc2::Block::new(it.block as usize)).collect();
            input.blocks.push(BlockShape { insts, successors, predecessors: Vec::new(), params, args });
        }
        for at in 0..input.blocks.len() {
            for successor in input.blocks[at].successors.clone() {
                input.blocks[successor.index()].predecessors.push(regalloc2::Block::new(at));
            }
        }
        Ok(input)
    }
}

impl regalloc2::Function for Input {
    fn num_insts(&self) -> usize {
        self.insts.len()
    }

    fn num_blocks(&self) -> usize {
        self.blocks.len()
    }

    fn entry_block(&self) -> regalloc2::Block {
        regalloc2::Block::new(0)
    }

    fn block_insns(&self, block: regalloc2::Block) -> InstRange {
        self.blocks[block.index()].insts
    }

    fn block_succs(&self, block: regalloc2::Block) -> &[regalloc2::Block] {
        &self.blocks[block.index()].successors
    }

    fn block_preds(&self, block: regalloc2::Block) -> &[regalloc2::Block] {
        &self.blocks[block.index()].predecessors
    }

    fn block_params(&self, block: regalloc2::Block) -> &[VReg] {
        &self.blocks[block.index()].params
    }

    fn is_ret(&self, inst: InstNumber) -> bool {
        self.insts[inst.index()].is_return
    }

    fn is_branch(&self, inst: InstNumber) -> bool {
        self.insts[inst.index()].is_branch
    }

    fn branch_blockparams(&self, block: regalloc2::Block, _: InstNumber, successor: usize) -> &[VReg] {
        &self.blocks[block.index()].args[successor]
    }

    fn inst_operands(&self, inst: InstNumber) -> &[Constrained] {
        let shape = &self.insts[inst.index()];
        &self.operands[shape.first as usize..shape.end as usize]
    }

    fn inst_clobbers(&self, _: InstNumber) -> PRegSet {
        PRegSet::empty()
    }

    fn num_vregs(&self) -> usize {
        self.values
    }

    fn spillslot_size(&self, _: RegClass) -> usize {
        1
    }
}
