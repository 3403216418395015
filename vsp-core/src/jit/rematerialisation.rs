//! An estimate of the optimiser's rematerialisation.
//!
//! Cranelift's optimiser removes pure instructions from their blocks and inserts them again at their uses, in each
//! block that uses them and is not dominated by another one that does. So a chain of n additions whose every step is
//! written back at a safepoint becomes n²/2 additions in the cold blocks that do that. Real programs have few such
//! uses; hostile ones can have tens of thousands. (Cranelift's `egraph/elaborate.rs`; C. Fallin, "ægraphs: Acyclic
//! E-graphs for Efficient Optimization in a Production Compiler", EGRAPHS 2023.)

use alloc::vec::Vec;

use cranelift_codegen::dominator_tree::DominatorTree;
use cranelift_codegen::flowgraph::ControlFlowGraph;
use cranelift_codegen::ir::{Block, Function, Inst, Value, ValueDef};

use crate::analysis::OutOfMemory;

/// The largest number of pure instructions after optimisation for each instruction before, with which a function is
/// optimised. In the functions of the examples there are at most 1.7.
const MAX_COPIES: usize = 4;

/// The number of pure instructions that are allowed in addition. It keeps small functions optimised.
const FREE_COPIES: usize = 4_096;

/// Returns whether the optimiser would copy too many of the function's instructions.
pub(super) fn is_excessive(func: &Function) -> Result<bool, OutOfMemory> {
    let limit = func.dfg.num_insts() * MAX_COPIES + FREE_COPIES;
    Ok(Placement::new(func)?.count(limit)? > limit)
}

/// A simulation of the optimiser's placement: blocks in the order of the dominator tree, each instruction at its first
/// use, where all blocks below find it.
struct Placement<'f> {
    func: &'f Function,
    /// The instructions that are placed in this block or above.
    is_placed: Vec<bool>,
    /// These instructions, in the order in which they were placed.
    placed: Vec<Inst>,
    /// The number of instructions placed in all blocks so far.
    count: usize,
    waiting: Vec<Value>,
}

/// A step of the walk through the dominator tree.
enum Step {
    Enter(Block),
    /// Forgets the instructions placed below: all but the first of this number.
    Leave(usize),
}

impl<'f> Placement<'f> {
    fn new(func: &'f Function) -> Result<Self, OutOfMemory> {
        let is_placed = crate::analysis::filled(func.dfg.num_insts(), false)?;
        Ok(Placement { func, is_placed, placed: Vec::new(), count: 0, waiting: Vec::new() })
    }

    /// Returns the number of instructions placed, or some number above the limit.
    fn count(mut self, limit: usize) -> Result<usize, OutOfMemory> {
        let Some(entry) = self.func.layout.entry_block() else { return Ok(0) };
        let tree = DominatorTree::with_function(self.func, &ControlFlowGraph::with_function(self.func));
        let mut steps = alloc::vec![Step::Enter(entry)];
        while let Some(step) = steps.pop() {
            match step {
                Step::Enter(block) => {
                    push(&mut steps, Step::Leave(self.placed.len()))?;
                    self.block(block, limit)?;
                    for child in tree.children(block) {
                        push(&mut steps, Step::Enter(child))?;
                    }
                }
                Step::Leave(kept) => {
                    self.placed.drain(kept..).for_each(|inst| self.is_placed[inst.as_u32() as usize] = false);
                }
            }
            if self.count > limit {
                break;
            }
        }
        Ok(self.count)
    }

    /// Places the pure instructions that the other instructions of a block use.
    fn block(&mut self, block: Block, limit: usize) -> Result<(), OutOfMemory> {
        let func = self.func;
        for inst in func.layout.block_insts(block).filter(|inst| !is_pure(func, *inst)) {
            for value in func.dfg.inst_values(inst) {
                push(&mut self.waiting, value)?;
            }
            while let Some(value) = self.waiting.pop() {
                self.value(value)?;
                if self.count > limit {
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    fn value(&mut self, value: Value) -> Result<(), OutOfMemory> {
        let func = self.func;
        let ValueDef::Result(inst, _) = func.dfg.value_def(func.dfg.resolve_aliases(value)) else {
            return Ok(());
        };
        let is_placed = &mut self.is_placed[inst.as_u32() as usize];
        if *is_placed || !is_pure(func, inst) {
            return Ok(());
        }
        *is_placed = true;
        self.count += 1;
        push(&mut self.placed, inst)?;
        for value in func.dfg.inst_values(inst) {
            push(&mut self.waiting, value)?;
        }
        Ok(())
    }
}

/// Returns whether the optimiser can move the instruction.
fn is_pure(func: &Function, inst: Inst) -> bool {
    let op = func.dfg.insts[inst].opcode();
    let stays = op.is_call()
        || op.is_branch()
        || op.is_terminator()
        || op.can_trap()
        || op.can_load()
        || op.can_store()
        || op.other_side_effects();
    !stays && func.dfg.inst_results(inst).len() == 1
}

fn push<T>(list: &mut Vec<T>, item: T) -> Result<(), OutOfMemory> {
    list.try_reserve(1).map_err(|_| OutOfMemory)?;
    list.push(item);
    Ok(())
}
