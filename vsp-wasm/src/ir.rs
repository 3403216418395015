//! Functions in SSA form with block parameters.
//!
//! A value is a 64-bit register. Values of type i32 and f32 (its bits) are zero-extended wherever somebody can tell:
//! [`crate::select`] leaves out extensions that nobody reads.

use alloc::vec::Vec;

use vsp_core::isa::Opcode;

/// The number of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Value(pub(crate) u32);

impl Value {
    /// No value: fills unused places of argument lists.
    pub(crate) const NONE: Value = Value(u32::MAX);

    pub(crate) fn index(self) -> usize {
        self.0 as usize
    }
}

/// The number of a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct BlockId(pub(crate) u32);

impl BlockId {
    pub(crate) fn index(self) -> usize {
        self.0 as usize
    }
}

/// The callee of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Callee {
    /// A function of the program.
    Function(u32),
    Import(u32),
    /// The function whose number is the last argument. The type is that of CALLR or TAILCALLR.
    Indirect(u32),
}

/// The definition of a value.
#[derive(Clone, Debug)]
pub(crate) enum Kind {
    Constant(u64),
    /// Parameter number `index` of a block.
    Parameter {
        block: BlockId,
        index: u32,
    },
    /// The same as another value.
    Alias(Value),
    /// An instruction, its sources in the order of its operands, and its immediate: the offset of a memory operand, or
    /// the number of a local or global.
    Op {
        op: Opcode,
        args: [Value; 3],
        imm: i64,
    },
    /// A call. The values with the next numbers are its results.
    Call {
        callee: Callee,
        args: Vec<Value>,
        results: u32,
    },
    /// A result of the call before it.
    Result,
    /// Traps with the code if the condition is not zero.
    TrapIf {
        condition: Value,
        code: u32,
    },
    /// Traps if the division overflows. `wide`: of 64 bits.
    DivisionCheck {
        wide: bool,
        dividend: Value,
        divisor: Value,
    },
}

#[derive(Clone, Debug)]
pub(crate) struct Edge {
    pub(crate) to: BlockId,
    pub(crate) args: Vec<Value>,
}

/// The end of a block.
#[derive(Clone, Debug)]
pub(crate) enum Terminator {
    /// The block is not complete yet.
    None,
    Jump(Edge),
    /// To the first edge if the condition is not zero, else to the second.
    Branch {
        condition: Value,
        edges: [Edge; 2],
    },
    /// To the edge whose number is in `table` at `index`; beyond, to the last one of the table.
    Switch {
        index: Value,
        edges: Vec<Edge>,
        table: Vec<u32>,
    },
    Return(Vec<Value>),
    /// A call in place of the function, with arguments as in [`Kind::Call`]. It is not one of an import.
    TailCall {
        callee: Callee,
        args: Vec<Value>,
    },
    Trap(u32),
}

impl Terminator {
    pub(crate) fn edges(&self) -> &[Edge] {
        match self {
            Terminator::Jump(edge) => core::slice::from_ref(edge),
            Terminator::Branch { edges, .. } => edges,
            Terminator::Switch { edges, .. } => edges,
            _ => &[],
        }
    }

    pub(crate) fn edges_mut(&mut self) -> &mut [Edge] {
        match self {
            Terminator::Jump(edge) => core::slice::from_mut(edge),
            Terminator::Branch { edges, .. } => edges,
            Terminator::Switch { edges, .. } => edges,
            _ => &mut [],
        }
    }

    /// Returns the values that the terminator reads, without those of its edges.
    pub(crate) fn reads_mut(&mut self) -> &mut [Value] {
        match self {
            Terminator::Branch { condition: value, .. } | Terminator::Switch { index: value, .. } => {
                core::slice::from_mut(value)
            }
            Terminator::Return(values) | Terminator::TailCall { args: values, .. } => values,
            _ => &mut [],
        }
    }

    /// Returns the values that the terminator reads, without those of its edges.
    pub(crate) fn reads(&self) -> &[Value] {
        match self {
            Terminator::Branch { condition: value, .. } | Terminator::Switch { index: value, .. } => {
                core::slice::from_ref(value)
            }
            Terminator::Return(values) | Terminator::TailCall { args: values, .. } => values,
            _ => &[],
        }
    }
}

/// The immediate of an F32NARROW whose source is a binary32 already. (It is not encoded.)
pub(crate) const EXACT: i64 = 1;

#[derive(Clone, Debug)]
pub(crate) struct Block {
    pub(crate) params: Vec<Value>,
    pub(crate) insts: Vec<Value>,
    pub(crate) terminator: Terminator,
    /// The edges that lead here: block and number of the edge.
    pub(crate) preds: Vec<(BlockId, u32)>,
    /// All edges that lead here are known.
    pub(crate) sealed: bool,
    /// The innermost loop; 0: none.
    pub(crate) in_loop: u32,
    /// The offset in the code section of the operator that the terminator comes from.
    pub(crate) offset: u32,
}

/// A loop. Number 0 is the function.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Loop {
    pub(crate) parent: u32,
    /// The block that enters the loop.
    pub(crate) before: BlockId,
}

#[derive(Clone, Debug)]
pub(crate) struct Function {
    pub(crate) values: Vec<Kind>,
    /// Whether the value is known to be zero-extended from 32 bits.
    pub(crate) narrow: Vec<bool>,
    /// The offset in the code section of the operator that each value comes from.
    pub(crate) offsets: Vec<u32>,
    pub(crate) blocks: Vec<Block>,
    /// The blocks that can be reached, in the order of the code.
    pub(crate) order: Vec<BlockId>,
    pub(crate) loops: Vec<Loop>,
    /// The values of the parameters.
    pub(crate) params: Vec<Value>,
    /// The number of locals that instructions name.
    pub(crate) locals: u32,
}

impl Function {
    pub(crate) fn new_value(&mut self, kind: Kind, narrow: bool, offset: u32) -> Value {
        self.values.push(kind);
        self.narrow.push(narrow);
        self.offsets.push(offset);
        Value(self.values.len() as u32 - 1)
    }

    /// Follows aliases.
    pub(crate) fn resolve(&self, mut value: Value) -> Value {
        while let Some(Kind::Alias(other)) = self.values.get(value.index()) {
            value = *other;
        }
        value
    }

    /// Follows aliases, and shortens the chain.
    pub(crate) fn resolve_mut(&mut self, value: Value) -> Value {
        let end = self.resolve(value);
        let mut at = value;
        while let Some(Kind::Alias(other)) = self.values.get_mut(at.index()) {
            at = core::mem::replace(other, end);
        }
        end
    }

    /// Returns the value's constant, if it is one.
    pub(crate) fn constant(&self, value: Value) -> Option<u64> {
        match self.kind(value) {
            Kind::Constant(bits) => Some(*bits),
            _ => None,
        }
    }

    /// Returns the definition of a value, through aliases.
    pub(crate) fn kind(&self, value: Value) -> &Kind {
        self.values.get(self.resolve(value).index()).unwrap_or(&Kind::Result)
    }
}

/// Calls `f` with every value that an instruction reads.
pub(crate) fn for_each_read(kind: &Kind, mut f: impl FnMut(Value)) {
    match kind {
        Kind::Op { args, .. } => {
            args.iter().take_while(|value| **value != Value::NONE).for_each(|value| f(*value));
        }
        Kind::Call { args, .. } => args.iter().for_each(|value| f(*value)),
        Kind::TrapIf { condition, .. } => f(*condition),
        Kind::DivisionCheck { dividend, divisor, .. } => {
            f(*dividend);
            f(*divisor);
        }
        Kind::Constant(_) | Kind::Parameter { .. } | Kind::Alias(_) | Kind::Result => {}
    }
}

/// Returns whether an instruction must be executed even if nobody reads its result.
pub(crate) fn has_effect(kind: &Kind) -> bool {
    match kind {
        // A function must see the globals and the memory in order, but may leave out a GETG.
        Kind::Op { op, .. } => {
            use Opcode as O;
            let number = op.number();
            (0x30..0x40).contains(&number)
                || (0xC0..0xD0).contains(&number)
                || matches!(
                    *op,
                    O::MEMCOPY
                        | O::MEMFILL
                        | O::MEMGROW
                        | O::SETG
                        | O::SETGX
                        | O::GETGX
                        | O::SETL
                        | O::DIV
                        | O::DIVU
                        | O::MOD
                        | O::MODU
                        | O::DIVW
                        | O::MODW
                )
        }
        Kind::Call { .. } | Kind::TrapIf { .. } | Kind::DivisionCheck { .. } => true,
        Kind::Constant(_) | Kind::Parameter { .. } | Kind::Alias(_) | Kind::Result => false,
    }
}
