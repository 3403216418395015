//! Locals as SSA values, after Braun et al., "Simple and Efficient Construction of Static Single Assignment Form"
//! (2013): a value is looked up where it is read, and blocks get parameters on demand.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use vsp_core::isa::Opcode;
use vsp_core::limits::Limits;

use super::{Builder, Mode};
use crate::error::Error;
use crate::ir::{BlockId, Kind, Value};

/// The state of the locals while a function is built.
#[derive(Default)]
pub(super) struct Locals {
    frugal: bool,
    /// Whether the local is zero-extended from 32 bits.
    narrow: Vec<bool>,
    /// The number of the parameters.
    params: u32,
    /// The values in the current block, where `known` is the current epoch.
    here: Vec<Value>,
    known: Vec<u32>,
    /// Counts the blocks that do not just continue the block before.
    epoch: u32,
    /// The block that was completed last.
    left: Option<BlockId>,
    /// The locals that the current block has written.
    written: Vec<u32>,
    /// For each block, the values at its end if it is complete, and its parameters.
    at_end: Vec<BTreeMap<u32, Value>>,
    /// Parameters of blocks whose edges are not all known.
    incomplete: BTreeMap<BlockId, Vec<(u32, Value)>>,
    /// Parameters that have no arguments yet.
    pending: Vec<(BlockId, u32, Value)>,
    /// The parameters of blocks that get this parameter as an argument.
    users: BTreeMap<Value, Vec<Value>>,
    zero: Option<Value>,
}

impl Builder<'_, '_> {
    pub(super) fn declare_locals(&mut self, narrow: Vec<bool>, mode: Mode) -> Result<(), Error> {
        let count = narrow.len();
        let params = self.function.params.len();
        self.locals.frugal = mode == Mode::Frugal;
        self.locals.params = params as u32;
        self.locals.narrow = narrow;
        if self.locals.frugal {
            // The allocator of registers needs some, too.
            let most = Limits::DEFAULT.locals / 2;
            if count > most as usize {
                return Err(Error::limit(alloc::format!(
                    "the function has {count} locals and a complex flow of control; such a function can have {most}"
                )));
            }
            self.function.locals = count as u32;
            for index in 0..params {
                let value = self.function.params[index];
                self.effect(Opcode::SETL, &[value], index as i64);
            }
        } else {
            self.locals.here = alloc::vec![Value::NONE; count];
            self.locals.known = alloc::vec![u32::MAX; count];
        }
        Ok(())
    }

    /// Returns a number that changes where the code does not just continue.
    pub(super) fn epoch(&self) -> u32 {
        self.locals.epoch
    }

    pub(super) fn local_count(&self) -> usize {
        self.locals.narrow.len()
    }

    pub(super) fn write_local(&mut self, index: u32, value: Value) {
        if self.locals.frugal {
            self.effect(Opcode::SETL, &[value], i64::from(index));
            return;
        }
        let at = index as usize;
        self.locals.here[at] = value;
        self.locals.known[at] = self.locals.epoch;
        self.locals.written.push(index);
    }

    pub(super) fn read_local(&mut self, index: u32) -> Value {
        let at = index as usize;
        if self.locals.frugal {
            let narrow = self.locals.narrow[at];
            return self
                .inst(Kind::Op { op: Opcode::GETL, args: [Value::NONE; 3], imm: i64::from(index) }, narrow);
        }
        if self.locals.known[at] == self.locals.epoch {
            return self.function.resolve_mut(self.locals.here[at]);
        }
        let value = self.look_up(self.current, index);
        self.fill_pending();
        let value = self.function.resolve_mut(value);
        self.locals.here[at] = value;
        self.locals.known[at] = self.locals.epoch;
        value
    }

    /// Begins a block.
    pub(super) fn enter_block(&mut self, block: BlockId) {
        let at = &self.function.blocks[block.index()];
        let continues = match (&at.preds[..], self.locals.left) {
            ([(pred, _)], Some(left)) => at.sealed && *pred == left,
            _ => false,
        };
        if !continues {
            self.locals.epoch += 1;
        }
    }

    /// Stores the values that the current block has written; it is complete now.
    pub(super) fn leave_block(&mut self) {
        let block = self.current;
        self.locals.left = Some(block);
        for index in core::mem::take(&mut self.locals.written) {
            let value = self.locals.here[index as usize];
            self.at_end(block).insert(index, value);
        }
    }

    fn at_end(&mut self, block: BlockId) -> &mut BTreeMap<u32, Value> {
        let blocks = self.function.blocks.len();
        if self.locals.at_end.len() < blocks {
            self.locals.at_end.resize_with(blocks, BTreeMap::new);
        }
        &mut self.locals.at_end[block.index()]
    }

    /// Returns the value of a local at the end of a block, or at the beginning of the current one.
    fn look_up(&mut self, from: BlockId, index: u32) -> Value {
        let mut block = from;
        let mut passed = Vec::new();
        let value = loop {
            self.budget -= 1;
            if let Some(value) = self.at_end(block).get(&index) {
                break *value;
            }
            passed.push(block);
            let at = &self.function.blocks[block.index()];
            if block == BlockId(0) {
                break self.initial(index);
            }
            if at.sealed && at.preds.len() == 1 {
                block = at.preds[0].0;
                continue;
            }
            let sealed = at.sealed;
            let param = self.new_param(block, self.locals.narrow[index as usize]);
            if sealed {
                self.locals.pending.push((block, index, param));
            } else {
                self.locals.incomplete.entry(block).or_default().push((index, param));
            }
            break param;
        };
        for block in passed {
            self.at_end(block).insert(index, value);
        }
        value
    }

    /// Returns the value of a local at the entry of the function.
    fn initial(&mut self, index: u32) -> Value {
        if index < self.locals.params {
            return self.function.params[index as usize];
        }
        match self.locals.zero {
            Some(zero) => zero,
            None => {
                let zero = self.constant(0);
                self.locals.zero = Some(zero);
                zero
            }
        }
    }

    /// Seals a block: no more edges to it will be added.
    pub(super) fn seal(&mut self, block: BlockId) {
        self.function.blocks[block.index()].sealed = true;
        for (index, param) in self.locals.incomplete.remove(&block).unwrap_or_default() {
            self.locals.pending.push((block, index, param));
        }
        let explicit = self.function.blocks[block.index()].params.clone();
        self.fill_pending();
        for param in explicit {
            self.remove_if_redundant(param);
        }
    }

    /// Gives arguments to all parameters that have none.
    fn fill_pending(&mut self) {
        while let Some((block, index, param)) = self.locals.pending.pop() {
            if self.budget < 0 {
                return;
            }
            let Kind::Parameter { index: place, .. } = self.function.values[param.index()] else { continue };
            for at in 0..self.function.blocks[block.index()].preds.len() {
                let (pred, edge) = self.function.blocks[block.index()].preds[at];
                let value = self.look_up(pred, index);
                let value = self.function.resolve_mut(value);
                self.set_argument(pred, edge, place, value);
                if matches!(self.function.values[value.index()], Kind::Parameter { .. }) && value != param {
                    self.locals.users.entry(value).or_default().push(param);
                }
            }
            self.remove_if_redundant(param);
        }
    }

    fn set_argument(&mut self, from: BlockId, edge: u32, place: u32, value: Value) {
        let edges = self.function.blocks[from.index()].terminator.edges_mut();
        if let Some(edge) = edges.get_mut(edge as usize) {
            let place = place as usize;
            if edge.args.len() <= place {
                edge.args.resize(place + 1, Value::NONE);
            }
            edge.args[place] = value;
        }
    }

    /// Replaces a parameter whose arguments are all the same value, and then those that this makes redundant.
    fn remove_if_redundant(&mut self, param: Value) {
        let mut work = alloc::vec![param];
        while let Some(param) = work.pop() {
            let Some(value) = self.only_argument(param) else { continue };
            self.function.values[param.index()] = Kind::Alias(value);
            let Some(users) = self.locals.users.remove(&param) else { continue };
            self.budget -= users.len() as i64;
            work.extend_from_slice(&users);
            if matches!(self.function.values[value.index()], Kind::Parameter { .. }) {
                self.locals.users.entry(value).or_default().extend(users);
            }
        }
    }

    /// Returns the only value that a parameter can have.
    fn only_argument(&mut self, param: Value) -> Option<Value> {
        let Kind::Parameter { block, index } = self.function.values[param.index()] else { return None };
        let mut only = None;
        if block == BlockId(0) || !self.function.blocks[block.index()].sealed {
            return None;
        }
        for at in 0..self.function.blocks[block.index()].preds.len() {
            self.budget -= 1;
            let (pred, edge) = self.function.blocks[block.index()].preds[at];
            let edges = self.function.blocks[pred.index()].terminator.edges();
            let value = *edges.get(edge as usize)?.args.get(index as usize)?;
            if value == Value::NONE {
                return None;
            }
            let value = self.function.resolve_mut(value);
            if value != param && only.is_some_and(|only| only != value) {
                return None;
            }
            if value != param {
                only = Some(value);
            }
        }
        only
    }

    /// Removes the parameters that are the same as other values, or that nobody reads, and their arguments.
    pub(super) fn finish_locals(&mut self) {
        let live = super::fold::live_values(&self.function);
        let function = &mut self.function;
        for at in 0..function.blocks.len() {
            let params = core::mem::take(&mut function.blocks[at].params);
            let keep: Vec<bool> = params
                .iter()
                .map(|param| {
                    live[param.index()] && matches!(function.values[param.index()], Kind::Parameter { .. })
                })
                .collect();
            for (pred, edge) in function.blocks[at].preds.clone() {
                let edges = function.blocks[pred.index()].terminator.edges_mut();
                if let Some(edge) = edges.get_mut(edge as usize) {
                    let mut kept = keep.iter();
                    edge.args.retain(|_| kept.next().copied().unwrap_or(false));
                }
            }
            let mut kept = keep.iter();
            function.blocks[at].params =
                params.into_iter().filter(|_| kept.next().copied().unwrap_or(false)).collect();
        }
    }
}
