//! Decoded instructions, and the table of their handlers.

use core::cell::Cell;
use core::marker::PhantomData;
use core::slice::Iter;

use super::thread::{Operand, Thread, ThreadState};
use crate::function::layout::LOCALS;
use crate::interp::frame::{Step, Stopped};
use crate::isa::{Decoded, Field, Opcode, Reg, Role, RoleType, Visitor, for_each_op, role};

/// The start of a frame, up to the end of its registers.
pub(super) type FrameHead = [Cell<u64>; LOCALS];

/// A function that executes an instruction and all after it. Its arguments are the decoded instructions from its own to
/// the end of the code, the frame, the state, the accumulator, the fuel (see [`Thread::fuel`]), and the accumulator of
/// binary64s.
///
/// These are as many arguments as x86_64 passes in registers: with more, no call of a handler would be a jump.
pub(super) type Handler = for<'a, 's> fn(Iter<'a, Op>, &'a FrameHead, &'s mut ThreadState<'a>, u64, i64, f64);

/// A decoded instruction.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Op {
    /// The handler of the next instruction.
    pub(super) next: Handler,
    /// The immediate; the second one of two.
    pub(super) imm: i32,
    pub(super) a: Reg,
    pub(super) b: Reg,
    pub(super) c: Reg,
    /// The first of two immediates.
    pub(super) imm8: u8,
}

/// The variants of an instruction's handler: numbers below [`COUNT`](variant::COUNT).
pub(super) mod variant {
    /// The bits that tell which operand is cached in the accumulator: none, `a`, `b` or `c`.
    pub(in super::super) const CACHED: u8 = 3;
    pub(in super::super) const NONE: u8 = 0;
    pub(in super::super) const A: u8 = 1;
    pub(in super::super) const B: u8 = 2;
    pub(in super::super) const C: u8 = 3;
    /// The bit of a backward branch.
    pub(in super::super) const BACK: u8 = 4;
    pub(in super::super) const A_BACK: u8 = A | BACK;
    /// The number of variants.
    pub(in super::super) const COUNT: usize = 8;

    /// The variants of CALL and RET tell the number of registers passed, if it is below 4, and whether R0 is cached.
    const MORE: u8 = 4;
    pub(in super::super) const ONE: u8 = passing(1, false);
    pub(in super::super) const TWO: u8 = passing(2, false);
    pub(in super::super) const CACHED_ONE: u8 = passing(1, true);

    /// Returns the variant of a CALL or RET that passes this number of registers.
    #[inline(always)]
    pub(in super::super) const fn passing(count: u8, is_r0_cached: bool) -> u8 {
        match count {
            1..MORE if is_r0_cached => MORE + count,
            0..MORE => count,
            _ => MORE,
        }
    }

    /// Returns the number of registers passed, if the variant tells it.
    pub(in super::super) const fn count(variant: u8) -> Option<usize> {
        match variant {
            MORE => None,
            _ => Some((variant % MORE) as usize),
        }
    }

    /// Returns whether R0 is cached.
    pub(in super::super) const fn is_r0_cached(variant: u8) -> bool {
        variant > MORE
    }
}

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

/// The handler after the last instruction. Execution does not run off the end.
pub(super) fn end<'a>(_: Iter<'a, Op>, _: &'a FrameHead, _: &mut ThreadState<'a>, _: u64, _: i64, _: f64) {
    unreachable!("verified: execution does not run off the end")
}
