//! From SSA form to VSP instructions, backwards: an instruction is only emitted if what was emitted before reads it, so
//! what became part of another instruction is left out.

mod address;
mod condition;
mod immediate;

use alloc::vec::Vec;

use vsp_core::isa::{Opcode as O, Role};
use vsp_core::limits::MAX_PARAMS;

use crate::ir::{self, Callee, Kind, Terminator, Value, for_each_read, has_effect};
use crate::layout::Layout;
use crate::machine::{Block, Code, Constraint, Function, Inst, Operand, Source, Successor};

/// Selects the instructions of a function.
pub(crate) fn select(function: &ir::Function, layout: &Layout) -> Function {
    let count = function.values.len();
    let mut selector = Selector {
        ir: function,
        layout,
        out: Function { values: count as u32, locals: function.locals, ..Function::default() },
        needed: alloc::vec![false; count],
        full: alloc::vec![false; count],
        same: alloc::vec![u32::MAX; count],
        reads: reads(function),
        insts: Vec::new(),
        offset: 0,
    };
    let mut position = alloc::vec![u32::MAX; function.blocks.len()];
    for (at, block) in function.order.iter().enumerate() {
        position[block.index()] = at as u32;
    }
    for (number, block) in function.order.iter().enumerate().rev() {
        let block = selector.block(&function.blocks[block.index()], number == 0, &position);
        selector.out.blocks.push(block);
    }
    selector.out.blocks.reverse();
    selector.rename();
    let loops = function.loops.iter().map(|it| (it.parent, position[it.before.index()]));
    selector.out.loops = loops.collect();
    selector.out
}

struct Selector<'f> {
    ir: &'f ir::Function,
    layout: &'f Layout,
    out: Function,
    /// Whether an emitted instruction reads the value.
    needed: Vec<bool>,
    /// Whether one reads the upper half, too.
    full: Vec<bool>,
    /// The value that this one is replaced by.
    same: Vec<u32>,
    /// For each value, the number of its reads.
    reads: Vec<u32>,
    /// The instructions of the current block, backwards.
    insts: Vec<Inst>,
    /// The offset in the code section of the operator that instructions are selected for.
    offset: u32,
}

/// Returns how often each value is read by what is executed.
fn reads(function: &ir::Function) -> Vec<u32> {
    let mut reads = alloc::vec![0u32; function.values.len()];
    let mut count = |value: Value| {
        let value = function.resolve(value);
        if let Some(reads) = reads.get_mut(value.index()) {
            *reads = reads.saturating_add(1);
        }
    };
    for block in &function.order {
        let block = &function.blocks[block.index()];
        block.insts.iter().for_each(|inst| for_each_read(&function.values[inst.index()], &mut count));
        block.terminator.reads().iter().for_each(|value| count(*value));
        block.terminator.edges().iter().flat_map(|edge| &edge.args).for_each(|value| count(*value));
    }
    reads
}

impl Selector<'_> {
    fn block(&mut self, block: &ir::Block, entry: bool, position: &[u32]) -> Block {
        let mut successors = Vec::new();
        for edge in block.terminator.edges() {
            let args = edge.args.iter().map(|value| self.read(*value)).collect();
            successors.push(Successor { block: position[edge.to.index()], args });
        }
        self.offset = block.offset;
        self.terminator(&block.terminator);
        for value in block.insts.iter().rev() {
            self.value(*value);
        }
        if entry {
            self.entry();
        }
        let mut insts = core::mem::take(&mut self.insts);
        insts.reverse();
        Block {
            params: block.params.iter().map(|value| value.0).collect(),
            insts,
            successors,
            in_loop: block.in_loop,
        }
    }

    fn terminator(&mut self, terminator: &Terminator) {
        match terminator {
            Terminator::Jump(_) => self.emit(Code::Jump, 0, &[]),
            Terminator::Branch { condition, .. } => {
                let branch = self.condition(*condition, false);
                self.emit(Code::Branch(branch.op), branch.imm, branch.operands());
            }
            Terminator::Switch { index, table, .. } => {
                let index = self.read(*index);
                self.out.tables.push(table.clone());
                let number = self.out.tables.len() as u32 - 1;
                self.emit(Code::Switch(number), 0, &[used(index)]);
            }
            Terminator::Return(values) => {
                let mut operands = Vec::new();
                let mut extra = Vec::new();
                for (place, value) in values.iter().enumerate() {
                    let source = self.read(*value);
                    if place < vsp_core::limits::MAX_RESULTS {
                        operands.push(Operand { source, constraint: Constraint::UseIn(place as u8) });
                    } else {
                        extra.push((source, self.layout.extra_result(place)));
                    }
                }
                self.emit(Code::Return, 0, &operands);
                for (source, global) in extra {
                    self.emit(Code::Op(O::SETG), global as i32, &[used(source)]);
                }
            }
            Terminator::TailCall { callee, args } => {
                let operands = self.call_operands(*callee, args);
                let code = match *callee {
                    Callee::Function(number) | Callee::Import(number) => Code::TailCall(number),
                    Callee::Indirect(bits) => Code::TailIndirect(bits),
                };
                self.emit(code, 0, &operands);
            }
            Terminator::Trap(code) => self.emit(Code::Trap(*code), 0, &[]),
            Terminator::None => {}
        }
    }

    /// Emits the entry, which defines the parameters.
    fn entry(&mut self) {
        let mut operands = Vec::new();
        for (place, value) in self.ir.params.iter().enumerate() {
            self.offset = self.ir.offsets[value.index()];
            if !self.needed[value.index()] {
                continue;
            }
            if place < MAX_PARAMS {
                operands.push(Operand {
                    source: Source::Value(value.0),
                    constraint: Constraint::DefIn(place as u8),
                });
            } else {
                let global = self.layout.extra_param(place);
                self.op(O::GETG, Some(*value), &[], global);
            }
        }
        self.emit(Code::Entry, 0, &operands);
    }

    fn value(&mut self, value: Value) {
        let kind = &self.ir.values[value.index()];
        if !has_effect(kind) && !self.needed[value.index()] {
            return;
        }
        self.offset = self.ir.offsets[value.index()];
        match kind {
            Kind::Op { op, args, imm } => self.instruction(value, *op, args, *imm),
            Kind::Call { callee, args, results } => self.call(value, *callee, args, *results),
            Kind::TrapIf { condition, code } => {
                let branch = self.condition(*condition, false);
                self.emit(Code::TrapIf(branch.op, *code), branch.imm, branch.operands());
            }
            Kind::DivisionCheck { wide, dividend, divisor } => {
                let (minus_one, least) =
                    if *wide { (u64::MAX, 1 << 63) } else { (u64::from(u32::MAX), 1 << 31) };
                let operands = [
                    used(self.read(*divisor)),
                    used(Source::Constant(minus_one)),
                    used(self.read(*dividend)),
                    used(Source::Constant(least)),
                ];
                self.emit(Code::Division, 0, &operands);
            }
            Kind::Constant(_) | Kind::Parameter { .. } | Kind::Alias(_) | Kind::Result => {}
        }
    }

    fn instruction(&mut self, value: Value, op: O, args: &[Value; 3], imm: i64) {
        let full = self.full[value.index()];
        if (0x30..0x38).contains(&op.number()) {
            return self.access(op, Some(value), None, args[0], imm);
        }
        if (0xC0..0xC5).contains(&op.number()) {
            let low = matches!(op, O::STORE8 | O::STORE16 | O::STORE32);
            let stored = if low { self.read_low(args[1]) } else { self.read(args[1]) };
            return self.access(op, None, Some(stored), args[0], imm);
        }
        if op == O::ZEXT && imm == 32 && !full {
            // Nobody reads the upper half.
            return self.replace(value, args[0]);
        }
        if op == O::F32WIDEN && self.widen_load(value, args[0]) {
            return;
        }
        if op == O::CMOVNZ {
            return self.conditional_move(value, args);
        }
        if args[1] != Value::NONE
            && args[2] == Value::NONE
            && let Some(constant) = self.ir.constant(args[1])
            && self.with_constant(value, op, args[0], constant)
        {
            return;
        }
        let imm = if op == O::F32NARROW { 0 } else { imm };
        let mut sources = [Source::Constant(0); 3];
        let mut count = 0;
        for (place, arg) in args.iter().take_while(|arg| **arg != Value::NONE).enumerate() {
            sources[count] = if reads_low(op, place, full) { self.read_low(*arg) } else { self.read(*arg) };
            count += 1;
        }
        let has_result = op.operands().iter().any(|operand| matches!(operand.role, Role::Dst | Role::FDst));
        self.op(op, has_result.then_some(value), &sources[..count], imm);
    }

    /// Replaces a value by another one, of which nobody reads the upper half through it.
    fn replace(&mut self, value: Value, by: Value) {
        match self.read_low(by) {
            Source::Value(by) => self.same[value.index()] = by,
            Source::Constant(bits) => {
                let operand = Operand { source: Source::Value(value.0), constraint: Constraint::Def };
                self.emit(Code::Constant(bits), 0, &[operand]);
            }
        }
    }

    /// Loads a binary32 that is only computed with as a binary64.
    fn widen_load(&mut self, value: Value, bits: Value) -> bool {
        let bits = self.ir.resolve(bits);
        let Kind::Op { op: O::LOAD32U, .. } = self.ir.values[bits.index()] else { return false };
        if self.reads[bits.index()] != 1 {
            return false;
        }
        // The load comes later, and makes this value.
        self.needed[bits.index()] = true;
        self.same[value.index()] = bits.0;
        self.reads[bits.index()] = u32::MAX;
        true
    }

    fn conditional_move(&mut self, value: Value, [second, first, condition]: &[Value; 3]) {
        let full = self.full[value.index()];
        let (mut op, mut condition) = (O::CMOVNZ, self.ir.resolve(*condition));
        if let Kind::Op { op: compare @ (O::SEQ | O::SNE), args, .. } = &self.ir.values[condition.index()]
            && self.ir.constant(args[1]) == Some(0)
        {
            condition = args[0];
            if *compare == O::SEQ {
                op = O::CMOVZ;
            }
        }
        let mut read = |value: Value| if full { self.read(value) } else { self.read_low(value) };
        let (second, first) = (read(*second), read(*first));
        let condition = self.read(condition);
        self.op(op, Some(value), &[second, first, condition], 0);
    }

    /// Returns the operands of a call that are its arguments.
    fn call_operands(&mut self, callee: Callee, args: &[Value]) -> Vec<Operand> {
        let mut operands = Vec::new();
        let mut args = args.iter();
        if let Callee::Indirect(_) = callee
            && let Some(number) = args.next_back()
        {
            operands.push(used(self.read(*number)));
        }
        for (place, arg) in args.enumerate() {
            let source = self.read(*arg);
            operands.push(Operand { source, constraint: Constraint::UseIn(place as u8) });
        }
        operands
    }

    fn call(&mut self, value: Value, callee: Callee, args: &[Value], results: u32) {
        let mut operands = self.call_operands(callee, args);
        for place in 0..results {
            let source = Source::Value(value.0 + 1 + place);
            operands.push(Operand { source, constraint: Constraint::DefIn(place as u8) });
        }
        let code = match callee {
            Callee::Function(number) => Code::Call(number),
            Callee::Import(number) => Code::Import(number),
            Callee::Indirect(bits) => Code::Indirect(bits),
        };
        self.emit(code, 0, &operands);
    }

    /// Records that all 64 bits of a value are read.
    fn read(&mut self, value: Value) -> Source {
        let value = self.ir.resolve(value);
        if let Some(full) = self.full.get_mut(value.index()) {
            *full = true;
        }
        self.read_low(value)
    }

    /// Records that the lower half of a value is read.
    fn read_low(&mut self, value: Value) -> Source {
        let value = self.ir.resolve(value);
        if let Kind::Constant(bits) = self.ir.values[value.index()] {
            return Source::Constant(bits);
        }
        self.needed[value.index()] = true;
        Source::Value(value.0)
    }

    /// Emits an instruction of the table.
    fn op(&mut self, op: O, result: Option<Value>, sources: &[Source], imm: i64) {
        let mut operands = [used(Source::Constant(0)); 5];
        let mut count = 0;
        for source in sources {
            operands[count] = used(*source);
            count += 1;
        }
        if let Some(result) = result {
            let modifies = op.operands().iter().any(|operand| operand.role == Role::Mod);
            let constraint = if modifies { Constraint::Reuse } else { Constraint::Def };
            operands[count] = Operand { source: Source::Value(result.0), constraint };
            count += 1;
        }
        self.emit(Code::Op(op), imm as i32, &operands[..count]);
    }

    fn emit(&mut self, code: Code, imm: i32, operands: &[Operand]) {
        let inst = self.out.inst(code, imm, operands, self.offset);
        self.insts.push(inst);
    }

    /// Substitutes values for those that they replace.
    fn rename(&mut self) {
        let same = &self.same;
        let find = |source: &mut Source| {
            while let Source::Value(value) = *source
                && let Some(by) = same.get(value as usize)
                && *by != u32::MAX
            {
                *source = Source::Value(*by);
            }
        };
        self.out.operands.iter_mut().for_each(|operand| find(&mut operand.source));
        for block in &mut self.out.blocks {
            block.successors.iter_mut().flat_map(|successor| &mut successor.args).for_each(find);
        }
    }
}

pub(super) fn used(source: Source) -> Operand {
    Operand { source, constraint: Constraint::Use }
}

/// Returns whether an instruction reads only the lower half of its source number `place`. `full`: somebody reads the
/// upper half of its result.
fn reads_low(op: O, place: usize, full: bool) -> bool {
    let number = op.number();
    match op {
        O::ADD | O::SUB | O::MUL | O::AND | O::OR | O::XOR => !full,
        O::SHL => place == 1 || !full,
        O::SHR | O::SAR | O::ROTL | O::ROTR => place == 1,
        O::DIVW
        | O::MODW
        | O::SLTW
        | O::SLEW
        | O::CLZW
        | O::CTZW
        | O::BSWAPW
        | O::SEXT
        | O::ZEXT
        | O::F32WIDEN => true,
        _ => (0x78..0x80).contains(&number),
    }
}
