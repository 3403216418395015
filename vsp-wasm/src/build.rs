//! From the code of a function to SSA form, in one pass over its operators.

mod calls;
mod control;
mod convert;
mod fold;
mod locals;
mod memory;
mod numeric;
mod tables;

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use vsp_core::isa::Opcode;
use wasmparser::{FunctionBody, Operator, ValType};

use crate::binary32::widen_parameters;
use crate::error::Error;
use crate::ir::{Block, BlockId, Edge, Function, Kind, Loop, Terminator, Value};
use crate::layout::Layout;
use crate::module::{Module, Signature, is_32_bits};

use control::Frame;
use locals::Locals;

/// Largest number of steps of looking up values: for each byte of a function's code, and in addition. Functions of
/// compilers need less than one step for a byte.
const WORK: i64 = 32;
const FREE_WORK: i64 = 200_000;

/// The representation of the locals of a function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// As SSA values. Fails if that takes much more time than the size of the function allows.
    Ssa,
    /// In locals of the program, for functions that would need too many block parameters.
    Frugal,
}

/// The reason why a function was not built.
pub(crate) enum Failure {
    /// [`Mode::Ssa`] takes too long.
    TooComplex,
    Error(Error),
}

impl<E: Into<Error>> From<E> for Failure {
    fn from(error: E) -> Failure {
        Failure::Error(error.into())
    }
}

/// Builds a function.
pub(crate) fn build(
    module: &Module<'_>,
    layout: &Layout,
    index: u32,
    body: &FunctionBody<'_>,
    mode: Mode,
) -> Result<Function, Failure> {
    let signature = module.signature(index).ok_or_else(|| Error::internal("a type"))?;
    let size = body.range().end - body.range().start;
    let mut builder = Builder::empty(module, layout, signature, size);
    builder.offset = module.code_offset(body.range().start);
    let locals = body.get_locals_reader()?.into_iter().collect::<Result<Vec<_>, _>>()?;
    builder.enter(index, &locals, mode)?;
    if module.usage.self_calls.contains(&index) {
        builder.enter_restart(index);
    }
    let mut operators = body.get_operators_reader()?;
    while !operators.eof() {
        let (operator, offset) = operators.read_with_offset()?;
        builder.offset = module.code_offset(offset);
        builder.operator(&operator).map_err(|error| error.at(offset))?;
        if builder.budget < 0 {
            return Err(Failure::TooComplex);
        }
    }
    builder.finish_locals();
    if builder.budget < 0 {
        return Err(Failure::TooComplex);
    }
    widen_parameters(&mut builder.function);
    Ok(builder.function)
}

/// Builds a function that calls a function of the module and returns its results.
pub(crate) fn thunk(module: &Module<'_>, layout: &Layout, index: u32) -> Result<Function, Error> {
    let signature = module.signature(index).ok_or_else(|| Error::internal("a type"))?;
    let mut builder = Builder::empty(module, layout, signature, 0);
    builder.enter(index, &[], Mode::Ssa)?;
    for param in 0..signature.params.len() {
        let value = builder.read_local(param as u32);
        builder.push(value);
    }
    builder.operator(&Operator::Call { function_index: index })?;
    builder.operator(&Operator::Return)?;
    builder.finish_locals();
    Ok(builder.function)
}

struct Builder<'m, 'a> {
    module: &'m Module<'a>,
    layout: &'m Layout,
    signature: &'m Signature,
    function: Function,
    current: BlockId,
    /// The offset of the current operator in the code section.
    offset: u32,
    /// The number of nested unreachable blocks; 0 if the current code is reachable.
    dead: u32,
    stack: Vec<Value>,
    frames: Vec<Frame>,
    locals: Locals,
    in_loop: u32,
    /// The function's own index, and the block that a call of itself goes back to, if there is one in place of a
    /// return.
    restart: Option<(u32, BlockId)>,
    /// Binary32 numbers that were converted to binary64, and the epoch of the conversion.
    widened: BTreeMap<Value, (Value, u32)>,
    /// Number of steps that are left.
    budget: i64,
}

impl<'m, 'a> Builder<'m, 'a> {
    /// Returns a builder of a function whose code has this number of bytes.
    fn empty(module: &'m Module<'a>, layout: &'m Layout, signature: &'m Signature, size: u64) -> Self {
        let function = Function {
            values: Vec::new(),
            narrow: Vec::new(),
            offsets: Vec::new(),
            blocks: Vec::new(),
            order: Vec::new(),
            loops: alloc::vec![Loop { parent: 0, before: BlockId(0) }],
            params: Vec::new(),
            locals: 0,
        };
        Builder {
            module,
            layout,
            signature,
            function,
            current: BlockId(0),
            offset: 0,
            dead: 0,
            stack: Vec::new(),
            frames: Vec::new(),
            locals: Locals::default(),
            in_loop: 0,
            restart: None,
            widened: BTreeMap::new(),
            budget: FREE_WORK + WORK * size as i64,
        }
    }

    /// Begins the function with this index. Its locals, as numbers and types, follow the parameters.
    fn enter(&mut self, index: u32, locals: &[(u32, ValType)], mode: Mode) -> Result<(), Error> {
        // A host may have sign-extended what it gives.
        let extends = self.module.usage.exported.contains(&index);
        let entry = self.new_block();
        self.function.blocks[entry.index()].sealed = true;
        self.start(entry);
        for (index, ty) in self.signature.params.iter().enumerate() {
            let narrow = is_32_bits(*ty) && !extends;
            let value = self.value(Kind::Parameter { block: entry, index: index as u32 }, narrow);
            self.function.params.push(value);
        }
        let mut narrow: Vec<bool> = self.signature.params.iter().map(|ty| is_32_bits(*ty)).collect();
        for (count, ty) in locals {
            narrow.resize(narrow.len() + *count as usize, is_32_bits(*ty));
        }
        self.declare_locals(narrow, mode)?;
        self.enter_function();
        for (index, ty) in self.signature.params.iter().enumerate() {
            if extends && is_32_bits(*ty) {
                let value = self.unary(Opcode::ZEXT, self.function.params[index], 32);
                self.write_local(index as u32, value);
            }
        }
        Ok(())
    }

    fn operator(&mut self, operator: &Operator<'_>) -> Result<(), Error> {
        self.budget -= 1;
        if self.control(operator)? || self.dead > 0 {
            return Ok(());
        }
        if self.numeric(operator)?
            || self.conversion(operator)?
            || self.memory(operator)?
            || self.call(operator)?
            || self.table(operator)?
        {
            return Ok(());
        }
        match *operator {
            Operator::Nop => {}
            Operator::Drop => {
                self.pop()?;
            }
            Operator::Select | Operator::TypedSelect { .. } => {
                let (condition, second, first) = (self.pop()?, self.pop()?, self.pop()?);
                let value = match self.select_f32(condition, first, second) {
                    Some(value) => value,
                    None => self.select(condition, first, second),
                };
                self.push(value);
            }
            Operator::LocalGet { local_index } => {
                let value = self.read_local(local_index);
                self.push(value);
            }
            Operator::LocalSet { local_index } => {
                let value = self.pop()?;
                self.write_local(local_index, value);
            }
            Operator::LocalTee { local_index } => {
                let value = *self.stack.last().ok_or_else(|| Error::internal("a value"))?;
                self.write_local(local_index, value);
            }
            Operator::GlobalGet { global_index } => {
                let value = self.read_global(global_index)?;
                self.push(value);
            }
            Operator::GlobalSet { global_index } => {
                let value = self.pop()?;
                self.effect(Opcode::SETG, &[value], i64::from(global_index));
            }
            _ => {
                return Err(Error::unsupported(alloc::format!(
                    "the instruction {operator:?} is not supported"
                )));
            }
        }
        Ok(())
    }

    fn read_global(&mut self, index: u32) -> Result<Value, Error> {
        let global = self.module.globals.get(index as usize).ok_or_else(|| Error::internal("a global"))?;
        if !global.mutable {
            return self.constant_value(global.initial);
        }
        let narrow = is_32_bits(global.ty);
        let value =
            self.inst(Kind::Op { op: Opcode::GETG, args: [Value::NONE; 3], imm: i64::from(index) }, narrow);
        Ok(value)
    }

    fn push(&mut self, value: Value) {
        self.stack.push(value);
    }

    fn pop(&mut self) -> Result<Value, Error> {
        let value = self.stack.pop().ok_or_else(|| Error::internal("a value on the stack"))?;
        Ok(self.function.resolve_mut(value))
    }

    /// Returns a new value.
    fn value(&mut self, kind: Kind, narrow: bool) -> Value {
        self.function.new_value(kind, narrow, self.offset)
    }

    fn constant(&mut self, bits: u64) -> Value {
        self.value(Kind::Constant(bits), bits <= u64::from(u32::MAX))
    }

    /// Appends an instruction to the current block.
    fn inst(&mut self, kind: Kind, narrow: bool) -> Value {
        let value = self.value(kind, narrow);
        self.function.blocks[self.current.index()].insts.push(value);
        value
    }

    /// Appends an instruction without a result.
    fn effect(&mut self, op: Opcode, sources: &[Value], imm: i64) {
        let mut args = [Value::NONE; 3];
        args[..sources.len()].copy_from_slice(sources);
        self.inst(Kind::Op { op, args, imm }, false);
    }

    fn trap_if(&mut self, condition: Value, code: u32) {
        match self.function.constant(condition) {
            Some(0) => {}
            _ => {
                self.inst(Kind::TrapIf { condition, code }, false);
            }
        }
    }

    fn new_block(&mut self) -> BlockId {
        let block = Block {
            params: Vec::new(),
            insts: Vec::new(),
            terminator: Terminator::None,
            preds: Vec::new(),
            sealed: false,
            in_loop: 0,
            offset: 0,
        };
        self.function.blocks.push(block);
        BlockId(self.function.blocks.len() as u32 - 1)
    }

    /// Appends a parameter to a block.
    fn new_param(&mut self, block: BlockId, narrow: bool) -> Value {
        let index = self.function.blocks[block.index()].params.len() as u32;
        let value = self.value(Kind::Parameter { block, index }, narrow);
        self.function.blocks[block.index()].params.push(value);
        value
    }

    /// Makes a block the current one.
    fn start(&mut self, block: BlockId) {
        self.current = block;
        self.function.blocks[block.index()].in_loop = self.in_loop;
        self.function.order.push(block);
        self.enter_block(block);
    }

    /// Ends the current block.
    fn terminate(&mut self, terminator: Terminator) {
        let current = self.current;
        for (index, Edge { to, args }) in terminator.edges().iter().enumerate() {
            self.budget -= 1 + args.len() as i64;
            self.function.blocks[to.index()].preds.push((current, index as u32));
        }
        let block = &mut self.function.blocks[current.index()];
        block.terminator = terminator;
        block.offset = self.offset;
        self.leave_block();
    }
}
