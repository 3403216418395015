//! Decoded instructions, and the table of their handlers.

use core::cell::Cell;
use core::slice::Iter;

use super::thread::{self, Operand, State, Thread};
use crate::interp::frame::Stopped;
use crate::isa::{Access, Decoded, Field, Inst, Opcode, Reg, Role, RoleType, Visitor, for_each_op, role};

/// The registers of a frame.
pub(in crate::interp) type Registers = [Cell<u64>; 16];

/// What executes an instruction and all that come after it. It is given the decoded instructions from its own to
/// the end of the code, the registers, the state, the last value that an instruction wrote, and the fuel (see
/// [`Thread::fuel`]).
///
/// As many arguments as there are registers for them on x86_64: with more, no call of a handler would be a jump.
pub(super) type Handler = for<'a, 's> fn(Iter<'a, Op>, &'a Registers, &'s mut State<'a>, u64, i64);

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

/// How a handler differs from the plain one of its instruction.
pub(super) mod variant {
    /// Register `a` was written last.
    pub(in super::super) const A: u8 = 1;
    /// Register `b` was written last.
    pub(in super::super) const B: u8 = 2;
    /// Register `c` was written last.
    pub(in super::super) const C: u8 = 4;
    /// It branches backwards.
    pub(in super::super) const BACK: u8 = 8;
    /// How many there are.
    pub(in super::super) const COUNT: usize = 16;
}

/// The variants that an instruction can have.
const fn variants(op: Opcode) -> u8 {
    let (operands, mut mask, mut i) = (op.operands(), 0, 0);
    while i < operands.len() {
        let operand = operands[i];
        mask |= match (operand.field, operand.role.register_access()) {
            (Field::a, Some(Access::Read | Access::ReadWrite)) => variant::A,
            (Field::b, Some(Access::Read | Access::ReadWrite)) => variant::B,
            (Field::c, Some(Access::Read | Access::ReadWrite)) => variant::C,
            _ if operand.role.is_target() => variant::BACK,
            _ => 0,
        };
        i += 1;
    }
    mask
}

/// The register that holds what the instruction hands on.
pub(in crate::interp) fn last_written(inst: Inst) -> Option<Reg> {
    let written = |access| matches!(access, Access::Write | Access::ReadWrite);
    inst.registers().filter(|(_, access)| written(*access)).last().map(|(reg, _)| reg)
}

/// The operand in a field of a decoded instruction.
macro_rules! operand {
    ($op:ident $variant:ident a $role:ident) => {
        decoded($op.a, $variant & variant::A != 0)
    };
    ($op:ident $variant:ident b $role:ident) => {
        decoded($op.b, $variant & variant::B != 0)
    };
    ($op:ident $variant:ident c $role:ident) => {
        decoded($op.c, $variant & variant::C != 0)
    };
    ($op:ident $variant:ident imm8 $role:ident) => {
        immediate(if const { Role::$role.is_signed() } { ($op.imm8 as i8).into() } else { $op.imm8.into() })
    };
    ($op:ident $variant:ident $field:ident $role:ident) => {
        immediate($op.imm)
    };
}

#[inline(always)]
fn decoded(reg: Reg, last: bool) -> Decoded<Operand> {
    Decoded { reg: Operand { reg, last }, value: reg.index() as i32 }
}

#[inline(always)]
fn immediate(value: i32) -> Decoded<Operand> {
    Decoded { reg: Operand { reg: Reg::R0, last: false }, value }
}

macro_rules! define_handlers {
    ($($number:literal $op:ident $method:ident $flow:ident ($($field:ident: $role:ident),*) $meaning:literal;)*) => {
        /// One for each instruction.
        mod handlers {
            use super::*;
            $(
                pub(super) fn $method<'a, const VARIANT: u8>(
                    mut code: Iter<'a, Op>,
                    registers: &'a Registers,
                    state: &mut State<'a>,
                    last: u64,
                    fuel: i64,
                ) {
                    let from = code.as_slice();
                    let Some(op) = code.next() else { return };
                    let mut thread = Thread::<VARIANT> { from, op, code, next: op.next, registers, state, last, fuel };
                    match thread.$method($(<role::$role as RoleType>::decoded(operand!(op VARIANT $field $role))),*) {
                        Ok(()) => (thread.next)(thread.code, thread.registers, thread.state, thread.last, thread.fuel),
                        Err(Stopped) => thread::leave(thread.code, thread.state, thread.fuel),
                    }
                }
            )*
        }

        const fn handlers(op: Opcode) -> [Handler; variant::COUNT] {
            match op {
                $(Opcode::$op if Opcode::$op.is_supported() => {
                    const ALL: u8 = if Opcode::$op.is_supported() { variants(Opcode::$op) } else { 0 };
                    [
                        handlers::$method::<{ ALL & 0 }>,
                        handlers::$method::<{ ALL & 1 }>,
                        handlers::$method::<{ ALL & 2 }>,
                        handlers::$method::<{ ALL & 3 }>,
                        handlers::$method::<{ ALL & 4 }>,
                        handlers::$method::<{ ALL & 5 }>,
                        handlers::$method::<{ ALL & 6 }>,
                        handlers::$method::<{ ALL & 7 }>,
                        handlers::$method::<{ ALL & 8 }>,
                        handlers::$method::<{ ALL & 9 }>,
                        handlers::$method::<{ ALL & 10 }>,
                        handlers::$method::<{ ALL & 11 }>,
                        handlers::$method::<{ ALL & 12 }>,
                        handlers::$method::<{ ALL & 13 }>,
                        handlers::$method::<{ ALL & 14 }>,
                        handlers::$method::<{ ALL & 15 }>,
                    ]
                })*
                _ => [end; variant::COUNT],
            }
        }

        /// The handler of a variant of the opcode with this number.
        pub(super) static HANDLERS: [[Handler; variant::COUNT]; 256] = {
            let mut table: [[Handler; variant::COUNT]; 256] = [[end; variant::COUNT]; 256];
            $(table[$number as usize] = handlers(Opcode::$op);)*
            table
        };
    };
}
for_each_op!(define_handlers);

/// What stands behind the last instruction. Execution does not run off the end.
pub(super) fn end<'a>(_: Iter<'a, Op>, _: &'a Registers, _: &mut State<'a>, _: u64, _: i64) {
    unreachable!("verified: execution does not run off the end")
}
