//! Blocks, loops and branches.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use wasmparser::{BlockType, Operator, ValType};

use super::Builder;
use crate::error::Error;
use crate::ir::{BlockId, Edge, Loop, Terminator, Value};
use crate::module::is_32_bits;
use crate::trap_code;

/// A block, loop or branch that is open.
pub(super) struct Frame {
    kind: FrameKind,
    /// The target of branches to this frame; created with the first of them.
    target: Option<BlockId>,
    /// The types of the parameters and of the results.
    params: Vec<ValType>,
    results: Vec<ValType>,
    /// The height of the stack below the parameters.
    height: usize,
    /// The loop around the frame.
    around: u32,
}

enum FrameKind {
    Function,
    Block,
    Loop,
    /// With the block for the case that the condition is zero, and the parameters.
    If(BlockId, Vec<Value>),
    /// The frame of an `if` in code that cannot be reached does not exist; this is one after its `else`.
    Else,
}

impl Builder<'_, '_> {
    pub(super) fn enter_function(&mut self) {
        self.frames.push(Frame {
            kind: FrameKind::Function,
            target: None,
            params: Vec::new(),
            results: self.signature.results.clone(),
            height: 0,
            around: 0,
        });
    }

    /// Makes the whole function a loop, for calls of itself in place of a return.
    pub(super) fn enter_restart(&mut self, index: u32) {
        let (header, before) = (self.new_block(), self.current);
        self.terminate(Terminator::Jump(Edge { to: header, args: Vec::new() }));
        self.function.loops.push(Loop { parent: 0, before });
        self.in_loop = 1;
        self.start(header);
        self.restart = Some((index, header));
    }

    /// Translates an operator of control flow. Returns `false` for other operators.
    pub(super) fn control(&mut self, operator: &Operator<'_>) -> Result<bool, Error> {
        if self.dead > 0 {
            return self.dead_control(operator);
        }
        match operator {
            Operator::Block { blockty } => {
                let frame = self.frame(FrameKind::Block, *blockty, None)?;
                self.frames.push(frame);
            }
            Operator::Loop { blockty } => self.enter_loop(*blockty)?,
            Operator::If { blockty } => self.enter_if(*blockty)?,
            Operator::Else => self.enter_else(false)?,
            Operator::End => self.end(false)?,
            Operator::Unreachable => self.leave(Terminator::Trap(trap_code::UNREACHABLE)),
            Operator::Return => {
                let results = self.top(self.signature.results.len())?;
                self.leave(Terminator::Return(results));
            }
            Operator::Br { relative_depth } => {
                let terminator = match self.returned(*relative_depth)? {
                    Some(results) => Terminator::Return(results),
                    None => Terminator::Jump(self.edge(*relative_depth)?),
                };
                self.leave(terminator);
            }
            Operator::BrIf { relative_depth } => self.branch_if(*relative_depth)?,
            Operator::BrTable { targets } => {
                let index = self.pop()?;
                let mut edges = Vec::new();
                let mut numbers = BTreeMap::new();
                let mut table = Vec::with_capacity(targets.len() as usize + 1);
                for depth in targets.targets().chain(core::iter::once(Ok(targets.default()))) {
                    let depth = depth?;
                    let number = match numbers.get(&depth) {
                        Some(number) => *number,
                        None => {
                            edges.push(self.edge(depth)?);
                            numbers.insert(depth, edges.len() as u32 - 1);
                            edges.len() as u32 - 1
                        }
                    };
                    table.push(number);
                }
                let terminator = if edges.len() == 1 {
                    Terminator::Jump(edges.swap_remove(0))
                } else {
                    Terminator::Switch { index, edges, table }
                };
                self.leave(terminator);
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// Follows the structure of unreachable code.
    fn dead_control(&mut self, operator: &Operator<'_>) -> Result<bool, Error> {
        match operator {
            Operator::Block { .. } | Operator::Loop { .. } | Operator::If { .. } => self.dead += 1,
            Operator::Else if self.dead == 1 => self.enter_else(true)?,
            Operator::End if self.dead == 1 => self.end(true)?,
            Operator::End => self.dead -= 1,
            _ => {}
        }
        Ok(true)
    }

    /// Ends the current block; the code after it is unreachable.
    pub(super) fn leave(&mut self, terminator: Terminator) {
        self.terminate(terminator);
        self.dead = 1;
    }

    fn types(&self, ty: BlockType) -> Result<(Vec<ValType>, Vec<ValType>), Error> {
        Ok(match ty {
            BlockType::Empty => (Vec::new(), Vec::new()),
            BlockType::Type(ty) => (Vec::new(), alloc::vec![ty]),
            BlockType::FuncType(index) => {
                let ty = self.module.types.get(index as usize).ok_or_else(|| Error::internal("a type"))?;
                (ty.params.clone(), ty.results.clone())
            }
        })
    }

    fn frame(&mut self, kind: FrameKind, ty: BlockType, target: Option<BlockId>) -> Result<Frame, Error> {
        let (params, results) = self.types(ty)?;
        self.budget -= (params.len() + results.len()) as i64;
        let height =
            self.stack.len().checked_sub(params.len()).ok_or_else(|| Error::internal("parameters"))?;
        Ok(Frame { kind, target, params, results, height, around: self.in_loop })
    }

    /// Returns the values on top of the stack.
    fn top(&self, count: usize) -> Result<Vec<Value>, Error> {
        let from =
            self.stack.len().checked_sub(count).ok_or_else(|| Error::internal("values on the stack"))?;
        Ok(self.stack[from..].iter().map(|value| self.function.resolve(*value)).collect())
    }

    fn enter_loop(&mut self, ty: BlockType) -> Result<(), Error> {
        let header = self.new_block();
        let frame = self.frame(FrameKind::Loop, ty, Some(header))?;
        let args = self.top(frame.params.len())?;
        self.stack.truncate(frame.height);
        for ty in &frame.params {
            let param = self.new_param(header, is_32_bits(*ty));
            self.push(param);
        }
        self.frames.push(frame);
        let before = self.current;
        self.terminate(Terminator::Jump(Edge { to: header, args }));
        self.function.loops.push(Loop { parent: self.in_loop, before });
        self.in_loop = self.function.loops.len() as u32 - 1;
        self.start(header);
        Ok(())
    }

    fn enter_if(&mut self, ty: BlockType) -> Result<(), Error> {
        let condition = self.pop()?;
        let (then, otherwise) = (self.new_block(), self.new_block());
        let mut frame = self.frame(FrameKind::Block, ty, None)?;
        let params = self.top(frame.params.len())?;
        frame.kind = FrameKind::If(otherwise, params);
        self.frames.push(frame);
        let edge = |to| Edge { to, args: Vec::new() };
        self.terminate(Terminator::Branch { condition, edges: [edge(then), edge(otherwise)] });
        self.seal(then);
        self.seal(otherwise);
        self.start(then);
        Ok(())
    }

    fn enter_else(&mut self, dead: bool) -> Result<(), Error> {
        if !dead {
            let edge = self.edge(0)?;
            self.terminate(Terminator::Jump(edge));
        }
        let frame = self.frames.last_mut().ok_or_else(|| Error::internal("an if"))?;
        let kind = core::mem::replace(&mut frame.kind, FrameKind::Else);
        let (height, around) = (frame.height, frame.around);
        let FrameKind::If(otherwise, params) = kind else { return Err(Error::internal("an if")) };
        self.stack.truncate(height);
        self.stack.extend(params);
        self.in_loop = around;
        self.dead = 0;
        self.start(otherwise);
        Ok(())
    }

    fn end(&mut self, dead: bool) -> Result<(), Error> {
        if let Some(FrameKind::If(..)) = self.frames.last().map(|frame| &frame.kind) {
            // An `if` without `else`: its parameters are its results.
            self.enter_else(dead)?;
            return self.end(false);
        }
        let frame = self.frames.pop().ok_or_else(|| Error::internal("a block"))?;
        match (frame.kind, frame.target) {
            (FrameKind::Loop, Some(header)) => {
                self.in_loop = frame.around;
                self.dead = u32::from(dead);
                // The code after the loop is still in the block of its end, if that can be reached.
                if !dead {
                    let behind = self.new_block();
                    self.terminate(Terminator::Jump(Edge { to: behind, args: Vec::new() }));
                    self.seal(behind);
                    self.seal(header);
                    self.start(behind);
                } else {
                    self.seal(header);
                }
            }
            (FrameKind::Function, target) => {
                if !dead {
                    let results = self.top(frame.results.len())?;
                    self.terminate(Terminator::Return(results));
                }
                if let Some(target) = target {
                    self.in_loop = 0;
                    self.seal(target);
                    self.start(target);
                    let results = self.function.blocks[target.index()].params[..frame.results.len()].to_vec();
                    self.terminate(Terminator::Return(results));
                }
                if let Some((_, header)) = self.restart {
                    self.seal(header);
                }
                self.dead = 1;
            }
            (_, Some(target)) => {
                self.in_loop = frame.around;
                if !dead {
                    let args = self.top(frame.results.len())?;
                    self.terminate(Terminator::Jump(Edge { to: target, args }));
                }
                self.dead = 0;
                let params = self.function.blocks[target.index()].params.clone();
                self.stack.truncate(frame.height);
                self.stack.extend_from_slice(&params[..frame.results.len()]);
                self.seal(target);
                self.start(target);
            }
            (_, None) => {
                self.in_loop = frame.around;
                // Nothing branches to the end: the block goes on.
                self.dead = u32::from(dead);
            }
        }
        Ok(())
    }

    /// Returns the results if a branch to this depth returns.
    fn returned(&self, depth: u32) -> Result<Option<Vec<Value>>, Error> {
        if depth as usize + 1 == self.frames.len() {
            return Ok(Some(self.top(self.signature.results.len())?));
        }
        Ok(None)
    }

    /// Returns an edge to the frame at this depth, with the values on top of the stack.
    fn edge(&mut self, depth: u32) -> Result<Edge, Error> {
        let at =
            (self.frames.len() - 1).checked_sub(depth as usize).ok_or_else(|| Error::internal("a label"))?;
        let frame = &self.frames[at];
        let types = match frame.kind {
            FrameKind::Loop => &frame.params,
            _ => &frame.results,
        };
        let args = self.top(types.len())?;
        if let Some(to) = frame.target {
            return Ok(Edge { to, args });
        }
        let types = types.clone();
        let to = self.new_block();
        for ty in types {
            self.new_param(to, is_32_bits(ty));
        }
        self.frames[at].target = Some(to);
        Ok(Edge { to, args })
    }

    fn branch_if(&mut self, depth: u32) -> Result<(), Error> {
        let condition = self.pop()?;
        let taken = self.edge(depth)?;
        let next = self.new_block();
        let edges = [taken, Edge { to: next, args: Vec::new() }];
        self.terminate(Terminator::Branch { condition, edges });
        self.seal(next);
        self.start(next);
        Ok(())
    }
}
