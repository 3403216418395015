//! How much the optimiser would copy.
//!
//! Cranelift's optimiser takes pure instructions out of their blocks and puts them back where they are used, in each
//! block that uses them and is not dominated by another one that does. So a chain of n additions whose every step is written
//! back at a safepoint becomes n²/2 additions in the cold blocks that do that. Real programs have few such uses; hostile
//! ones can have tens of thousands. (Cranelift's `egraph/elaborate.rs`; C. Fallin, "ægraphs: Acyclic E-graphs for
//! Efficient Optimization in a Production Compiler", EGRAPHS 2023.)

use alloc::vec::Vec;

use cranelift_codegen::dominator_tree::DominatorTree;
use cranelift_codegen::flowgraph::ControlFlowGraph;
use cranelift_codegen::ir::{Block, Function, Inst, Value, ValueDef};

use crate::analysis::OutOfMemory;

/// Pure instructions after optimisation for each instruction before, beyond which a function is not optimised. In the
/// functions of the examples there are at most 1.7.
const MOST_COPIES: usize = 4;

/// A function may have so many more of them. It keeps small functions optimised.
const FREE: usize = 4_096;

/// Would the optimiser make much more of the function than it is?
pub(super) fn explodes(func: &Function) -> Result<bool, OutOfMemory> {
    let limit = func.dfg.num_insts() * MOST_COPIES + FREE;
    Ok(Placement::new(func)?.count(limit)? > limit)
}

/// Places instructions as the optimiser does: blocks in the order of the dominator tree, each instruction where it is first used,
/// which is where all blocks below find it.
struct Placement<'f> {
    func: &'f Function,
    /// The instructions that are placed in this block or above.
    is_placed: Vec<bool>,
    /// Those, in the order in which they were placed.
    placed: Vec<Inst>,
    /// How many were placed in all blocks so far.
    count: usize,
    waiting: Vec<Value>,
}

/// A step on the way through the dominator tree.
enum Step {
    Enter(Block),
    /// Forgets what was placed below: all but the first so many instructions.
    Leave(usize),
}

impl<'f> Placement<'f> {
    fn new(func: &'f Function) -> Result<Self, OutOfMemory> {
        let is_placed = crate::analysis::filled(func.dfg.num_insts(), false)?;
        Ok(Placement { func, is_placed, placed: Vec::new(), count: 0, waiting: Vec::new() })
    }

    /// How many instructions are placed, or some number above the limit.
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

    /// Places what the instructions of a block use that stay where they are.
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

/// Can the optimiser move it?
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
