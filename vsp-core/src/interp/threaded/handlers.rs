//! The handlers: of instructions, of sequences of them, and the table by opcode number and variant.

use core::marker::PhantomData;
use core::slice::Iter;

use super::state::{FrameHead, Handler, Op, ThreadState, end};
use super::thread::{Operand, Thread};
use super::variant;
use crate::interp::frame::{Step, Stopped};
use crate::isa::{Decoded, Field, Opcode, Reg, Role, RoleType, Visitor, for_each_op, role};

/// The operand in a field of a decoded instruction.
macro_rules! operand {
    ($op:ident $variant:ident a $role:ident) => {
        decoded($op.a, $variant & variant::CACHED == variant::A, const { Role::$role.is_float() })
    };
    ($op:ident $variant:ident b $role:ident) => {
        decoded($op.b, $variant & variant::CACHED == variant::B, const { Role::$role.is_float() })
    };
    ($op:ident $variant:ident c $role:ident) => {
        decoded($op.c, $variant & variant::CACHED == variant::C, const { Role::$role.is_float() })
    };
    ($op:ident $variant:ident imm8 $role:ident) => {
        immediate(if const { Role::$role.is_signed() } { ($op.imm8 as i8).into() } else { $op.imm8.into() })
    };
    ($op:ident $variant:ident $field:ident $role:ident) => {
        immediate($op.imm)
    };
}

#[inline(always)]
fn decoded(reg: Reg, is_cached: bool, is_float: bool) -> Decoded<Operand> {
    Decoded { reg: Operand { reg, is_cached, is_float }, value: reg.index() as i32 }
}

#[inline(always)]
fn immediate(value: i32) -> Decoded<Operand> {
    Decoded { reg: Operand { reg: Reg::R0, is_cached: false, is_float: false }, value }
}

/// An instruction, as a type.
pub(super) trait Execute {
    /// Executes `thread.op`, which is this instruction.
    fn execute<const VARIANT: u8>(thread: &mut Thread<'_, '_, VARIANT>) -> Step;
}

/// A sequence of instructions, as a type.
pub(super) trait Sequence {
    /// The number of instructions.
    const LENGTH: usize;

    /// Executes them, the first of `code`, and all after them. After a branch that is taken, the rest of the sequence
    /// is not executed.
    fn run<'a>(
        code: &'a [Op],
        head: &'a FrameHead,
        state: &mut ThreadState<'a>,
        accumulator: u64,
        fuel: i64,
        float_accumulator: f64,
    );
}

/// A sequence of one instruction.
pub(super) struct One<X, const VARIANT: u8>(PhantomData<X>);

impl<X: Execute, const VARIANT: u8> Sequence for One<X, VARIANT> {
    const LENGTH: usize = 1;

    #[inline(always)]
    fn run<'a>(
        code: &'a [Op],
        head: &'a FrameHead,
        state: &mut ThreadState<'a>,
        accumulator: u64,
        fuel: i64,
        float_accumulator: f64,
    ) {
        let Some(mut thread) =
            Thread::<VARIANT>::new(code, head, state, accumulator, fuel, float_accumulator)
        else {
            return;
        };
        match X::execute(&mut thread) {
            Ok(()) => thread.dispatch_next(),
            Err(Stopped) => thread.exit_thread(),
        }
    }
}

/// An instruction followed by a sequence.
pub(super) struct Then<X, const VARIANT: u8, S>(PhantomData<(X, S)>);

impl<X: Execute, const VARIANT: u8, S: Sequence> Sequence for Then<X, VARIANT, S> {
    const LENGTH: usize = 1 + S::LENGTH;

    #[inline(always)]
    fn run<'a>(
        code: &'a [Op],
        head: &'a FrameHead,
        state: &mut ThreadState<'a>,
        accumulator: u64,
        fuel: i64,
        float_accumulator: f64,
    ) {
        let Some(mut thread) =
            Thread::<VARIANT>::new(code, head, state, accumulator, fuel, float_accumulator)
        else {
            return;
        };
        match X::execute(&mut thread) {
            Ok(()) if thread.is_taken => thread.dispatch_next(),
            Ok(()) => {
                let Thread { head, state, accumulator, fuel, float_accumulator, .. } = thread;
                S::run(&code[1..], head, state, accumulator, fuel, float_accumulator);
            }
            Err(Stopped) => thread.exit_thread(),
        }
    }
}

/// The handler of a sequence.
pub(super) fn sequence<'a, S: Sequence>(
    code: Iter<'a, Op>,
    head: &'a FrameHead,
    state: &mut ThreadState<'a>,
    accumulator: u64,
    fuel: i64,
    float_accumulator: f64,
) {
    let code = code.as_slice();
    // One comparison for all of them.
    if code.len() >= S::LENGTH {
        S::run(code, head, state, accumulator, fuel, float_accumulator);
    }
}

/// Returns the canonical variant of an instruction: without the bits that its operands cannot have.
pub(super) const fn normal(op: Opcode, variant: u8) -> u8 {
    if matches!(op, Opcode::CALL | Opcode::RET) {
        return variant;
    }
    let (operands, mut normal, mut i) = (op.operands(), 0, 0);
    while i < operands.len() {
        let operand = operands[i];
        let field = match operand.field {
            Field::a => variant::A,
            Field::b => variant::B,
            Field::c => variant::C,
            _ => 0,
        };
        if operand.role.reads_register() {
            if variant & variant::CACHED == field {
                normal |= field;
            }
        } else if operand.role.is_target() {
            normal |= variant & variant::BACK;
        }
        i += 1;
    }
    normal
}

/// The handlers of all variants of an instruction; variants with the same canonical variant share one. `$sequence` is
/// the sequence that the instruction begins or ends.
macro_rules! by_variant {
    ($op:expr, $sequence:tt) => {
        by_variant!(@all $op, $sequence 0 1 2 3 4 5 6 7)
    };
    (@all $op:expr, $sequence:tt $($v:literal)*) => {
        [$(by_variant!(@one $op, $sequence $v)),*]
    };
    (@one $op:expr, [One $x:ty] $v:literal) => { sequence::<One<$x, { normal($op, $v) }>> };
    (@one $op:expr, [Then $x:ident $xv:literal, $y:ident] $v:literal) => {
        sequence::<
            Then<instructions::$x, { normal(Opcode::$x, $xv) }, One<instructions::$y, { normal($op, $v) }>>,
        >
    };
}
pub(super) use by_variant;

/// The handlers of all variants of an instruction before a sequence.
macro_rules! by_first_variant {
    ($x:ident $tail:ident) => {
        by_first_variant!(@all $x $tail 0 1 2 3 4 5 6 7)
    };
    (@all $x:ident $tail:ident $($v:literal)*) => {
        [$(sequence::<Then<instructions::$x, { normal(Opcode::$x, $v) }, $tail>>),*]
    };
}
pub(super) use by_first_variant;

macro_rules! define_instructions {
    ($($number:literal $op:ident $method:ident $flow:ident ($($field:ident: $role:ident),*) $meaning:literal;)*) => {
        /// All instructions.
        #[expect(non_camel_case_types, clippy::upper_case_acronyms, reason = "they are called as they are")]
        pub(super) mod instructions {
            use super::*;
            $(
                pub(in super::super) enum $op {}
                impl Execute for $op {
                    #[inline(always)]
                    fn execute<const VARIANT: u8>(thread: &mut Thread<'_, '_, VARIANT>) -> Step {
                        if const { !Opcode::$op.is_supported() } {
                            return thread.reserved($number);
                        }
                        #[allow(unused_variables, reason = "there are instructions without operands")]
                        let op = thread.op;
                        thread.$method($(<role::$role as RoleType>::decoded(operand!(op VARIANT $field $role))),*)
                    }
                }
            )*
        }

        /// The handlers by opcode number and variant.
        static HANDLERS: [[Handler; variant::COUNT]; 256] = {
            let mut table: [[Handler; variant::COUNT]; 256] = [[end; variant::COUNT]; 256];
            $(table[$number as usize] = by_variant!(Opcode::$op, [One instructions::$op]);)*
            table
        };
    };
}
for_each_op!(define_instructions);

/// Returns the handler of an opcode number and variant.
#[inline(always)]
pub(super) fn handler((number, variant): (u8, u8)) -> Handler {
    HANDLERS[usize::from(number)][usize::from(variant) % variant::COUNT]
}
