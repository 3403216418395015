//! Decoded instructions, and the table of their handlers.

use core::cell::Cell;
use core::slice::Iter;

use super::thread::{Operand, State, Thread};
use crate::interp::frame::{Step, Stopped};
use crate::isa::{Access, Decoded, Field, Opcode, Reg, Role, RoleType, Visitor, for_each_op, role};

/// The registers of a frame.
pub(in crate::interp) type Registers = [Cell<u64>; 16];

/// What executes an instruction and all that come after it. It is given the decoded instructions from its own to
/// the end of the code, the registers, the state, the last value that an instruction wrote, the fuel (see
/// [`Thread::fuel`]), and the last binary64 that an instruction of binary64s wrote.
///
/// As many arguments as there are registers for them on x86_64: with more, no call of a handler would be a jump.
pub(super) type Handler = for<'a, 's> fn(Iter<'a, Op>, &'a Registers, &'s mut State<'a>, u64, i64, f64);

/// A decoded instruction.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Op {
    /// The handler of the instruction behind it.
    pub(super) next: Handler,
    /// The immediate; of two the second one.
    pub(super) imm: i32,
    pub(super) a: Reg,
    pub(super) b: Reg,
    pub(super) c: Reg,
    /// The first of two immediates.
    pub(super) imm8: u8,
}

/// How a handler differs from the plain one of its instruction: a number below [`COUNT`](variant::COUNT).
pub(super) mod variant {
    /// These bits say which register was written last: none, or `a`, `b` or `c`.
    pub(in super::super) const LAST: u8 = 3;
    pub(in super::super) const A: u8 = 1;
    pub(in super::super) const B: u8 = 2;
    pub(in super::super) const C: u8 = 3;
    /// This bit says that it branches backwards.
    pub(in super::super) const BACK: u8 = 4;
    /// How many there are.
    pub(in super::super) const COUNT: usize = 8;
}

/// The operand in a field of a decoded instruction.
macro_rules! operand {
    ($op:ident $variant:ident a $role:ident) => {
        decoded($op.a, $variant & variant::LAST == variant::A, const { Role::$role.is_float() })
    };
    ($op:ident $variant:ident b $role:ident) => {
        decoded($op.b, $variant & variant::LAST == variant::B, const { Role::$role.is_float() })
    };
    ($op:ident $variant:ident c $role:ident) => {
        decoded($op.c, $variant & variant::LAST == variant::C, const { Role::$role.is_float() })
    };
    ($op:ident $variant:ident imm8 $role:ident) => {
        immediate(if const { Role::$role.is_signed() } { ($op.imm8 as i8).into() } else { $op.imm8.into() })
    };
    ($op:ident $variant:ident $field:ident $role:ident) => {
        immediate($op.imm)
    };
}

#[inline(always)]
fn decoded(reg: Reg, is_last: bool, is_float: bool) -> Decoded<Operand> {
    Decoded { reg: Operand { reg, is_last, is_float }, value: reg.index() as i32 }
}

#[inline(always)]
fn immediate(value: i32) -> Decoded<Operand> {
    Decoded { reg: Operand { reg: Reg::R0, is_last: false, is_float: false }, value }
}

/// An instruction, as a type.
pub(super) trait Execute {
    /// Executes `thread.op`, which is this instruction.
    fn execute<const VARIANT: u8>(thread: &mut Thread<'_, '_, VARIANT>) -> Step;
}

/// The handler of an instruction.
pub(super) fn single<'a, X: Execute, const VARIANT: u8>(
    code: Iter<'a, Op>,
    registers: &'a Registers,
    state: &mut State<'a>,
    last: u64,
    fuel: i64,
    last_float: f64,
) {
    let from = code.as_slice();
    let [op, rest @ ..] = from else { return };
    finish::<X, VARIANT>(Thread::new(from, op, rest, registers, state, last, fuel, last_float));
}

/// Executes an instruction, and all that come after it.
#[inline(always)]
fn finish<X: Execute, const VARIANT: u8>(mut thread: Thread<'_, '_, VARIANT>) {
    match X::execute(&mut thread) {
        Ok(()) => thread.go_on(),
        Err(Stopped) => thread.leave(),
    }
}

/// The handler of two instructions, one behind the other. If the first is a branch that is taken, the second is not executed.
pub(super) fn pair<'a, X: Execute, Y: Execute, const X_VARIANT: u8, const Y_VARIANT: u8>(
    code: Iter<'a, Op>,
    registers: &'a Registers,
    state: &mut State<'a>,
    last: u64,
    fuel: i64,
    last_float: f64,
) {
    let from = code.as_slice();
    let [x, y, rest @ ..] = from else { return };
    let second = &from[1..];
    let mut thread = Thread::<X_VARIANT>::new(from, x, second, registers, state, last, fuel, last_float);
    match X::execute(&mut thread) {
        Ok(()) if thread.is_taken => thread.go_on(),
        Ok(()) => {
            let Thread { registers, state, last, fuel, last_float, .. } = thread;
            finish::<Y, Y_VARIANT>(Thread::new(second, y, rest, registers, state, last, fuel, last_float));
        }
        Err(Stopped) => thread.leave(),
    }
}

/// The variant of an instruction that is as this one would be: without what the instruction cannot have.
pub(super) const fn normal(op: Opcode, variant: u8) -> u8 {
    let (operands, mut normal, mut i) = (op.operands(), 0, 0);
    while i < operands.len() {
        let operand = operands[i];
        let field = match operand.field {
            Field::a => variant::A,
            Field::b => variant::B,
            Field::c => variant::C,
            _ => 0,
        };
        if matches!(operand.role.register_access(), Some(Access::Read | Access::ReadWrite)) {
            if variant & variant::LAST == field {
                normal |= field;
            }
        } else if operand.role.is_target() {
            normal |= variant & variant::BACK;
        }
        i += 1;
    }
    normal
}

/// An array with `$handler` for each variant of an instruction, which is the same for variants that do not differ.
macro_rules! by_variant {
    ($op:expr, $handler:ident $before:tt) => {
        by_variant!(@all $op, $handler $before 0 1 2 3 4 5 6 7)
    };
    (@all $op:expr, $handler:ident $before:tt $($v:literal)*) => {
        [$(by_variant!(@one $op, $handler $before $v)),*]
    };
    (@one $op:expr, $handler:ident [$($before:tt)*] $v:literal) => { $handler::<$($before)*, { normal($op, $v) }> };
}
pub(super) use by_variant;

macro_rules! define_instructions {
    ($($number:literal $op:ident $method:ident $flow:ident ($($field:ident: $role:ident),*) $meaning:literal;)*) => {
        /// Every instruction.
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

        /// By opcode number and variant.
        static HANDLERS: [[Handler; variant::COUNT]; 256] = {
            let mut table: [[Handler; variant::COUNT]; 256] = [[end; variant::COUNT]; 256];
            $(table[$number as usize] = by_variant!(Opcode::$op, single [instructions::$op]);)*
            table
        };
    };
}
for_each_op!(define_instructions);

/// The handler of an opcode number and variant.
#[inline(always)]
pub(super) fn handler((number, variant): (u8, u8)) -> Handler {
    HANDLERS[usize::from(number)][usize::from(variant) % variant::COUNT]
}

/// What stands behind the last instruction. Execution does not run off the end.
pub(super) fn end<'a>(_: Iter<'a, Op>, _: &'a Registers, _: &mut State<'a>, _: u64, _: i64, _: f64) {
    unreachable!("verified: execution does not run off the end")
}
