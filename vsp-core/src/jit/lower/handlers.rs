//! The lowering of all instructions, one line each.

use cranelift_codegen::ir::condcodes::{FloatCC, IntCC};
use cranelift_codegen::ir::types::{F32, F64, I8, I16, I32, I64};
use cranelift_codegen::ir::{InstBuilder, MemFlagsData, Value};
use cranelift_frontend::FunctionBuilder;

use super::Lowering;
use super::floats::Round;
use super::memory::{Address, BYTE, FULL, HALF, WORD};
use super::states::Binary;
use crate::analysis::OutOfMemory;
use crate::complex::ByteSil;
use crate::index::{FuncIndex, ImportIndex};
use crate::isa::{Opcode, Reg, StateReg, Visitor};
use crate::native::ExitKind;
use crate::trap::Trap;

type Done = Result<(), OutOfMemory>;
type Builder<'f> = FunctionBuilder<'f>;

/// Rounds a binary64 to binary32, and widens it again.
fn rounded_to_f32(ir: &mut Builder<'_>, value: Value) -> Value {
    let narrow = ir.ins().fdemote(F32, value);
    ir.ins().fpromote(F64, narrow)
}

impl<'f> Lowering<'_, 'f, '_, '_> {
    fn binary(
        &mut self,
        a: Reg,
        b: Reg,
        c: Reg,
        op: impl Fn(&mut Builder<'f>, Value, Value) -> Value,
    ) -> Done {
        let (b, c) = (self.get(b), self.get(c));
        let value = op(self.b, b, c);
        self.set(a, value);
        Ok(())
    }

    fn unary(&mut self, a: Reg, b: Reg, op: impl Fn(&mut Builder<'f>, Value) -> Value) -> Done {
        let b = self.get(b);
        let value = op(self.b, b);
        self.set(a, value);
        Ok(())
    }

    /// Lowers an operation with a constant, which has been extended.
    fn constant_operand(
        &mut self,
        a: Reg,
        b: Reg,
        imm: i64,
        op: impl Fn(&mut Builder<'f>, Value, Value) -> Value,
    ) -> Done {
        let b = self.get(b);
        let c = self.b.ins().iconst(I64, imm);
        let value = op(self.b, b, c);
        self.set(a, value);
        Ok(())
    }

    fn word_binary(
        &mut self,
        a: Reg,
        b: Reg,
        c: Reg,
        op: impl Fn(&mut Builder<'f>, Value, Value) -> Value,
    ) -> Done {
        let (b, c) = (self.get_word(b), self.get_word(c));
        let value = op(self.b, b, c);
        self.set_word(a, value);
        Ok(())
    }

    fn word_constant(
        &mut self,
        a: Reg,
        b: Reg,
        imm: i64,
        op: impl Fn(&mut Builder<'f>, Value, Value) -> Value,
    ) -> Done {
        let b = self.get_word(b);
        let c = self.b.ins().iconst(I32, imm & 0xFFFF_FFFF);
        let value = op(self.b, b, c);
        self.set_word(a, value);
        Ok(())
    }

    fn word_unary(&mut self, a: Reg, b: Reg, op: impl Fn(&mut Builder<'f>, Value) -> Value) -> Done {
        let b = self.get_word(b);
        let value = op(self.b, b);
        self.set_word(a, value);
        Ok(())
    }

    fn compare(&mut self, a: Reg, b: Reg, c: Reg, condition: IntCC) -> Done {
        self.binary(a, b, c, |ir, b, c| {
            let bit = ir.ins().icmp(condition, b, c);
            ir.ins().uextend(I64, bit)
        })
    }

    fn compare_constant(&mut self, a: Reg, b: Reg, imm: i32, condition: IntCC) -> Done {
        self.constant_operand(a, b, i64::from(imm), |ir, b, c| {
            let bit = ir.ins().icmp(condition, b, c);
            ir.ins().uextend(I64, bit)
        })
    }

    fn compare_words(&mut self, a: Reg, b: Reg, c: Reg, condition: IntCC) -> Done {
        let (b, c) = (self.get_word(b), self.get_word(c));
        let bit = self.b.ins().icmp(condition, b, c);
        let value = self.b.ins().uextend(I64, bit);
        self.set(a, value);
        Ok(())
    }

    fn branch_if(&mut self, a: Reg, b: Reg, condition: IntCC, target: i32) -> Done {
        let (a, b) = (self.get(a), self.get(b));
        let taken = self.b.ins().icmp(condition, a, b);
        self.branch(taken, target);
        Ok(())
    }

    fn branch_if_constant(&mut self, a: Reg, imm: i64, condition: IntCC, target: i32) -> Done {
        let a = self.get(a);
        let taken = self.b.ins().icmp_imm_s(condition, a, imm);
        self.branch(taken, target);
        Ok(())
    }

    fn branch_if_words(&mut self, a: Reg, b: Reg, condition: IntCC, target: i32) -> Done {
        let (a, b) = (self.get_word(a), self.get_word(b));
        let taken = self.b.ins().icmp(condition, a, b);
        self.branch(taken, target);
        Ok(())
    }

    /// Emits a signed division by a divisor other than zero: x ÷ −1 is −x and x mod −1 is 0, also where the machine
    /// would trap.
    fn signed_division(&mut self, b: Value, c: Value, remainder: bool) -> Value {
        let ty = self.b.func.dfg.value_type(c);
        let minus_one = self.b.ins().icmp_imm_s(IntCC::Equal, c, -1);
        let one = self.b.ins().iconst(ty, 1);
        let safe = self.b.ins().select(minus_one, one, c);
        if remainder {
            // x mod 1 is 0 too.
            return self.b.ins().srem(b, safe);
        }
        let quotient = self.b.ins().sdiv(b, safe);
        let negated = self.b.ins().ineg(b);
        self.b.ins().select(minus_one, negated, quotient)
    }

    fn trap_if_zero(&mut self, value: Value) {
        if self.constant(value).is_none_or(|constant| constant == 0) {
            let zero = self.b.ins().icmp_imm_s(IntCC::Equal, value, 0);
            self.trap_if(zero, Trap::DivideByZero);
        }
    }

    fn divide(&mut self, a: Reg, b: Reg, c: Reg, remainder: bool) -> Done {
        let (b, c) = (self.get(b), self.get(c));
        self.trap_if_zero(c);
        let value = self.signed_division(b, c, remainder);
        self.set(a, value);
        Ok(())
    }

    fn divide_unsigned(&mut self, a: Reg, b: Reg, c: Reg, remainder: bool) -> Done {
        let (b, c) = (self.get(b), self.get(c));
        self.trap_if_zero(c);
        let value = if remainder { self.b.ins().urem(b, c) } else { self.b.ins().udiv(b, c) };
        self.set(a, value);
        Ok(())
    }

    fn divide_words(&mut self, a: Reg, b: Reg, c: Reg, remainder: bool) -> Done {
        let (b, c) = (self.get_word(b), self.get_word(c));
        self.trap_if_zero(c);
        let value = self.signed_division(b, c, remainder);
        self.set_word(a, value);
        Ok(())
    }

    fn float_binary(
        &mut self,
        a: Reg,
        b: Reg,
        c: Reg,
        op: impl Fn(&mut Builder<'f>, Value, Value) -> Value,
    ) -> Done {
        let (b, c) = (self.get_float(b), self.get_float(c));
        let value = op(self.b, b, c);
        self.set_float(a, value);
        Ok(())
    }

    fn float_unary(&mut self, a: Reg, b: Reg, op: impl Fn(&mut Builder<'f>, Value) -> Value) -> Done {
        let b = self.get_float(b);
        let value = op(self.b, b);
        self.set_float(a, value);
        Ok(())
    }

    fn float_compare(&mut self, a: Reg, b: Reg, c: Reg, condition: FloatCC) -> Done {
        let (b, c) = (self.get_float(b), self.get_float(c));
        let bit = self.b.ins().fcmp(condition, b, c);
        let value = self.b.ins().uextend(I64, bit);
        self.set(a, value);
        Ok(())
    }

    fn rounded(&mut self, a: Reg, b: Reg, round: Round) -> Done {
        self.round(a, b, round);
        Ok(())
    }

    fn conditional_move(&mut self, a: Reg, b: Reg, c: Reg, condition: IntCC) -> Done {
        let c = self.get(c);
        let moves = self.b.ins().icmp_imm_s(condition, c, 0);
        self.select_slot(moves, a.index(), b.index());
        Ok(())
    }

    fn extended(&mut self, a: Reg, b: Reg, width: u32, signed: bool) -> Done {
        let ty = match width {
            8 => I8,
            16 => I16,
            _ => I32,
        };
        self.unary(a, b, |ir, b| {
            let narrow = ir.ins().ireduce(ty, b);
            if signed { ir.ins().sextend(I64, narrow) } else { ir.ins().uextend(I64, narrow) }
        })
    }

    fn stop(&mut self, kind: ExitKind) -> Done {
        self.exit_with(kind);
        self.ended = true;
        Ok(())
    }
}

#[rustfmt::skip]
impl Visitor for Lowering<'_, '_, '_, '_> {
    type Output = Done;
    type Reg = Reg;

    fn reserved(&mut self, word: u32) -> Done { unreachable!("verified: {word:#010x} is an instruction of this build") }

    fn hlt(&mut self, a: Reg) -> Done { self.halt(a) }
    fn ret(&mut self) -> Done { self.return_to_caller() }
    fn yield_(&mut self, a: Reg) -> Done { self.yield_value(a) }
    fn trap(&mut self, imm: u32) -> Done { self.stop(ExitKind::Trap(Trap::Explicit(imm))) }
    fn nop(&mut self) -> Done { Ok(()) }

    fn jmp(&mut self, target: i32) -> Done { self.jump(target) }
    fn jz(&mut self, a: Reg, target: i32) -> Done { self.branch_if_constant(a, 0, IntCC::Equal, target) }
    fn jnz(&mut self, a: Reg, target: i32) -> Done { self.branch_if_constant(a, 0, IntCC::NotEqual, target) }
    fn jn(&mut self, a: Reg, target: i32) -> Done { self.branch_if_constant(a, 0, IntCC::SignedLessThan, target) }
    fn jeq(&mut self, a: Reg, b: Reg, target: i32) -> Done { self.branch_if(a, b, IntCC::Equal, target) }
    fn jne(&mut self, a: Reg, b: Reg, target: i32) -> Done { self.branch_if(a, b, IntCC::NotEqual, target) }
    fn jlt(&mut self, a: Reg, b: Reg, target: i32) -> Done { self.branch_if(a, b, IntCC::SignedLessThan, target) }
    fn jge(&mut self, a: Reg, b: Reg, target: i32) -> Done { self.branch_if(a, b, IntCC::SignedGreaterThanOrEqual, target) }
    fn jltu(&mut self, a: Reg, b: Reg, target: i32) -> Done { self.branch_if(a, b, IntCC::UnsignedLessThan, target) }
    fn jgeu(&mut self, a: Reg, b: Reg, target: i32) -> Done { self.branch_if(a, b, IntCC::UnsignedGreaterThanOrEqual, target) }
    fn loop_(&mut self, a: Reg, target: i32) -> Done {
        let value = self.get(a);
        let less = self.b.ins().iadd_imm_s(value, -1);
        self.set(a, less);
        self.branch_if_constant(a, 0, IntCC::NotEqual, target)
    }
    fn switch(&mut self, a: Reg, entries: u32) -> Done {
        let index = self.get(a);
        self.switch(index, entries);
        Ok(())
    }
    fn call(&mut self, function: u32) -> Done { self.direct_call(FuncIndex(function)) }
    fn callr(&mut self, a: Reg, ty: u32) -> Done { self.indirect_call(a, ty) }
    fn tailcall(&mut self, _: u32) -> Done { self.tail_call() }
    fn tailcallr(&mut self, _: Reg, _: u32) -> Done { self.tail_call() }
    fn syscall(&mut self, import: u32) -> Done { self.host_call(ImportIndex(import)) }

    fn mov(&mut self, a: Reg, b: Reg) -> Done { self.copy_slot(a.index(), b.index()); Ok(()) }
    fn movi(&mut self, a: Reg, imm: i32) -> Done {
        let value = self.b.ins().iconst(I64, i64::from(imm));
        self.set(a, value);
        Ok(())
    }
    fn const_(&mut self, a: Reg, index: u32) -> Done {
        let bytes = self.unit.signatures.program().program().constants()[index as usize];
        let value = self.b.ins().iconst(I64, i64::from_le_bytes(bytes));
        self.set(a, value);
        Ok(())
    }
    fn xchg(&mut self, a: Reg, b: Reg) -> Done { self.swap_slots(a.index(), b.index()); Ok(()) }
    fn getl(&mut self, a: Reg, local: u32) -> Done { self.load_local(a, local) }
    fn setl(&mut self, a: Reg, local: u32) -> Done { self.store_local(a, local) }
    fn cmovz(&mut self, a: Reg, b: Reg, c: Reg) -> Done { self.conditional_move(a, b, c, IntCC::Equal) }
    fn cmovnz(&mut self, a: Reg, b: Reg, c: Reg) -> Done { self.conditional_move(a, b, c, IntCC::NotEqual) }
    fn memsize(&mut self, a: Reg) -> Done { let size = self.memory_size(); self.set(a, size); Ok(()) }
    fn memcopy(&mut self, a: Reg, b: Reg, c: Reg) -> Done { self.copy_memory(a, b, c) }
    fn memgrow(&mut self, a: Reg, b: Reg) -> Done { self.grow_memory(a, b) }
    fn meminit(&mut self, a: Reg, b: Reg, c: Reg, segment: u32) -> Done { self.copy_segment((a, b, c), segment) }
    fn memfill(&mut self, a: Reg, b: Reg, c: Reg) -> Done { self.fill_memory(a, b, c) }
    fn getg(&mut self, a: Reg, global: u32) -> Done { self.load_global(a, global) }
    fn setg(&mut self, a: Reg, global: u32) -> Done { self.store_global(a, global) }
    fn getgx(&mut self, a: Reg, b: Reg, first: u32) -> Done { self.load_global_from(a, b, first) }
    fn setgx(&mut self, a: Reg, b: Reg, first: u32) -> Done { self.store_global_from(a, b, first) }

    fn load8u(&mut self, a: Reg, b: Reg, imm: i32) -> Done { self.load_unsigned(a, Address::new(b, imm), BYTE) }
    fn load8s(&mut self, a: Reg, b: Reg, imm: i32) -> Done { self.load_signed(a, Address::new(b, imm), BYTE) }
    fn load16u(&mut self, a: Reg, b: Reg, imm: i32) -> Done { self.load_unsigned(a, Address::new(b, imm), HALF) }
    fn load16s(&mut self, a: Reg, b: Reg, imm: i32) -> Done { self.load_signed(a, Address::new(b, imm), HALF) }
    fn load32u(&mut self, a: Reg, b: Reg, imm: i32) -> Done { self.load_unsigned(a, Address::new(b, imm), WORD) }
    fn load32s(&mut self, a: Reg, b: Reg, imm: i32) -> Done { self.load_signed(a, Address::new(b, imm), WORD) }
    fn load(&mut self, a: Reg, b: Reg, imm: i32) -> Done { self.load_unsigned(a, Address::new(b, imm), FULL) }
    fn loadf32(&mut self, a: Reg, b: Reg, imm: i32) -> Done { self.load_f32(a, Address::new(b, imm)) }
    fn load8ux(&mut self, a: Reg, b: Reg, c: Reg, imm: i32) -> Done { self.load_unsigned(a, Address::indexed(b, c, 0, imm), BYTE) }
    fn load8sx(&mut self, a: Reg, b: Reg, c: Reg, imm: i32) -> Done { self.load_signed(a, Address::indexed(b, c, 0, imm), BYTE) }
    fn load16ux(&mut self, a: Reg, b: Reg, c: Reg, imm: i32) -> Done { self.load_unsigned(a, Address::indexed(b, c, 1, imm), HALF) }
    fn load16sx(&mut self, a: Reg, b: Reg, c: Reg, imm: i32) -> Done { self.load_signed(a, Address::indexed(b, c, 1, imm), HALF) }
    fn load32ux(&mut self, a: Reg, b: Reg, c: Reg, imm: i32) -> Done { self.load_unsigned(a, Address::indexed(b, c, 2, imm), WORD) }
    fn load32sx(&mut self, a: Reg, b: Reg, c: Reg, imm: i32) -> Done { self.load_signed(a, Address::indexed(b, c, 2, imm), WORD) }
    fn loadx(&mut self, a: Reg, b: Reg, c: Reg, imm: i32) -> Done { self.load_unsigned(a, Address::indexed(b, c, 3, imm), FULL) }
    fn loadf32x(&mut self, a: Reg, b: Reg, c: Reg, imm: i32) -> Done { self.load_f32(a, Address::indexed(b, c, 2, imm)) }

    fn store8(&mut self, b: Reg, imm: i32, a: Reg) -> Done { self.store_int(Address::new(b, imm), a, BYTE) }
    fn store16(&mut self, b: Reg, imm: i32, a: Reg) -> Done { self.store_int(Address::new(b, imm), a, HALF) }
    fn store32(&mut self, b: Reg, imm: i32, a: Reg) -> Done { self.store_int(Address::new(b, imm), a, WORD) }
    fn store(&mut self, b: Reg, imm: i32, a: Reg) -> Done { self.store_int(Address::new(b, imm), a, FULL) }
    fn storef32(&mut self, b: Reg, imm: i32, a: Reg) -> Done { self.store_f32(Address::new(b, imm), a) }
    fn store8x(&mut self, b: Reg, c: Reg, imm: i32, a: Reg) -> Done { self.store_int(Address::indexed(b, c, 0, imm), a, BYTE) }
    fn store16x(&mut self, b: Reg, c: Reg, imm: i32, a: Reg) -> Done { self.store_int(Address::indexed(b, c, 1, imm), a, HALF) }
    fn store32x(&mut self, b: Reg, c: Reg, imm: i32, a: Reg) -> Done { self.store_int(Address::indexed(b, c, 2, imm), a, WORD) }
    fn storex(&mut self, b: Reg, c: Reg, imm: i32, a: Reg) -> Done { self.store_int(Address::indexed(b, c, 3, imm), a, FULL) }
    fn storef32x(&mut self, b: Reg, c: Reg, imm: i32, a: Reg) -> Done { self.store_f32(Address::indexed(b, c, 2, imm), a) }

    fn add(&mut self, a: Reg, b: Reg, c: Reg) -> Done { self.binary(a, b, c, |ir, b, c| ir.ins().iadd(b, c)) }
    fn sub(&mut self, a: Reg, b: Reg, c: Reg) -> Done { self.binary(a, b, c, |ir, b, c| ir.ins().isub(b, c)) }
    fn mul(&mut self, a: Reg, b: Reg, c: Reg) -> Done { self.binary(a, b, c, |ir, b, c| ir.ins().imul(b, c)) }
    fn mulh(&mut self, a: Reg, b: Reg, c: Reg) -> Done { self.binary(a, b, c, |ir, b, c| ir.ins().smulhi(b, c)) }
    fn mulhu(&mut self, a: Reg, b: Reg, c: Reg) -> Done { self.binary(a, b, c, |ir, b, c| ir.ins().umulhi(b, c)) }
    fn div(&mut self, a: Reg, b: Reg, c: Reg) -> Done { self.divide(a, b, c, false) }
    fn divu(&mut self, a: Reg, b: Reg, c: Reg) -> Done { self.divide_unsigned(a, b, c, false) }
    fn mod_(&mut self, a: Reg, b: Reg, c: Reg) -> Done { self.divide(a, b, c, true) }
    fn modu(&mut self, a: Reg, b: Reg, c: Reg) -> Done { self.divide_unsigned(a, b, c, true) }
    fn min(&mut self, a: Reg, b: Reg, c: Reg) -> Done { self.binary(a, b, c, |ir, b, c| ir.ins().smin(b, c)) }
    fn max(&mut self, a: Reg, b: Reg, c: Reg) -> Done { self.binary(a, b, c, |ir, b, c| ir.ins().smax(b, c)) }
    fn minu(&mut self, a: Reg, b: Reg, c: Reg) -> Done { self.binary(a, b, c, |ir, b, c| ir.ins().umin(b, c)) }
    fn maxu(&mut self, a: Reg, b: Reg, c: Reg) -> Done { self.binary(a, b, c, |ir, b, c| ir.ins().umax(b, c)) }
    fn neg(&mut self, a: Reg, b: Reg) -> Done { self.unary(a, b, |ir, b| ir.ins().ineg(b)) }
    fn abs(&mut self, a: Reg, b: Reg) -> Done { self.unary(a, b, |ir, b| ir.ins().iabs(b)) }
    fn mac(&mut self, a: Reg, b: Reg, c: Reg) -> Done {
        let (sum, b, c) = (self.get(a), self.get(b), self.get(c));
        let product = self.b.ins().imul(b, c);
        let value = self.b.ins().iadd(sum, product);
        self.set(a, value);
        Ok(())
    }

    fn and(&mut self, a: Reg, b: Reg, c: Reg) -> Done { self.binary(a, b, c, |ir, b, c| ir.ins().band(b, c)) }
    fn or(&mut self, a: Reg, b: Reg, c: Reg) -> Done { self.binary(a, b, c, |ir, b, c| ir.ins().bor(b, c)) }
    fn xor(&mut self, a: Reg, b: Reg, c: Reg) -> Done { self.binary(a, b, c, |ir, b, c| ir.ins().bxor(b, c)) }
    fn not(&mut self, a: Reg, b: Reg) -> Done { self.unary(a, b, |ir, b| ir.ins().bnot(b)) }
    fn andn(&mut self, a: Reg, b: Reg, c: Reg) -> Done { self.binary(a, b, c, |ir, b, c| ir.ins().band_not(b, c)) }
    fn shl(&mut self, a: Reg, b: Reg, c: Reg) -> Done { self.binary(a, b, c, |ir, b, c| ir.ins().ishl(b, c)) }
    fn shr(&mut self, a: Reg, b: Reg, c: Reg) -> Done { self.binary(a, b, c, |ir, b, c| ir.ins().ushr(b, c)) }
    fn sar(&mut self, a: Reg, b: Reg, c: Reg) -> Done { self.binary(a, b, c, |ir, b, c| ir.ins().sshr(b, c)) }
    fn rotl(&mut self, a: Reg, b: Reg, c: Reg) -> Done { self.binary(a, b, c, |ir, b, c| ir.ins().rotl(b, c)) }
    fn rotr(&mut self, a: Reg, b: Reg, c: Reg) -> Done { self.binary(a, b, c, |ir, b, c| ir.ins().rotr(b, c)) }
    fn clz(&mut self, a: Reg, b: Reg) -> Done { self.unary(a, b, |ir, b| ir.ins().clz(b)) }
    fn ctz(&mut self, a: Reg, b: Reg) -> Done { self.unary(a, b, |ir, b| ir.ins().ctz(b)) }
    fn popcnt(&mut self, a: Reg, b: Reg) -> Done { self.unary(a, b, |ir, b| ir.ins().popcnt(b)) }
    fn bswap(&mut self, a: Reg, b: Reg) -> Done { self.unary(a, b, |ir, b| ir.ins().bswap(b)) }
    fn sext(&mut self, a: Reg, b: Reg, width: u32) -> Done { self.extended(a, b, width, true) }
    fn zext(&mut self, a: Reg, b: Reg, width: u32) -> Done { self.extended(a, b, width, false) }

    fn addi(&mut self, a: Reg, b: Reg, imm: i32) -> Done { self.constant_operand(a, b, imm.into(), |ir, b, c| ir.ins().iadd(b, c)) }
    fn muli(&mut self, a: Reg, b: Reg, imm: i32) -> Done { self.constant_operand(a, b, imm.into(), |ir, b, c| ir.ins().imul(b, c)) }
    fn andi(&mut self, a: Reg, b: Reg, imm: u32) -> Done { self.constant_operand(a, b, imm.into(), |ir, b, c| ir.ins().band(b, c)) }
    fn ori(&mut self, a: Reg, b: Reg, imm: u32) -> Done { self.constant_operand(a, b, imm.into(), |ir, b, c| ir.ins().bor(b, c)) }
    fn xori(&mut self, a: Reg, b: Reg, imm: u32) -> Done { self.constant_operand(a, b, imm.into(), |ir, b, c| ir.ins().bxor(b, c)) }
    fn shli(&mut self, a: Reg, b: Reg, imm: u32) -> Done { self.constant_operand(a, b, imm.into(), |ir, b, c| ir.ins().ishl(b, c)) }
    fn shri(&mut self, a: Reg, b: Reg, imm: u32) -> Done { self.constant_operand(a, b, imm.into(), |ir, b, c| ir.ins().ushr(b, c)) }
    fn sari(&mut self, a: Reg, b: Reg, imm: u32) -> Done { self.constant_operand(a, b, imm.into(), |ir, b, c| ir.ins().sshr(b, c)) }
    fn rotli(&mut self, a: Reg, b: Reg, imm: u32) -> Done { self.constant_operand(a, b, imm.into(), |ir, b, c| ir.ins().rotl(b, c)) }
    fn seqi(&mut self, a: Reg, b: Reg, imm: i32) -> Done { self.compare_constant(a, b, imm, IntCC::Equal) }
    fn snei(&mut self, a: Reg, b: Reg, imm: i32) -> Done { self.compare_constant(a, b, imm, IntCC::NotEqual) }
    fn slti(&mut self, a: Reg, b: Reg, imm: i32) -> Done { self.compare_constant(a, b, imm, IntCC::SignedLessThan) }
    fn sltui(&mut self, a: Reg, b: Reg, imm: i32) -> Done { self.compare_constant(a, b, imm, IntCC::UnsignedLessThan) }
    fn addwi(&mut self, a: Reg, b: Reg, imm: i32) -> Done { self.word_constant(a, b, imm.into(), |ir, b, c| ir.ins().iadd(b, c)) }

    fn seq(&mut self, a: Reg, b: Reg, c: Reg) -> Done { self.compare(a, b, c, IntCC::Equal) }
    fn sne(&mut self, a: Reg, b: Reg, c: Reg) -> Done { self.compare(a, b, c, IntCC::NotEqual) }
    fn slt(&mut self, a: Reg, b: Reg, c: Reg) -> Done { self.compare(a, b, c, IntCC::SignedLessThan) }
    fn sle(&mut self, a: Reg, b: Reg, c: Reg) -> Done { self.compare(a, b, c, IntCC::SignedLessThanOrEqual) }
    fn sltu(&mut self, a: Reg, b: Reg, c: Reg) -> Done { self.compare(a, b, c, IntCC::UnsignedLessThan) }
    fn sleu(&mut self, a: Reg, b: Reg, c: Reg) -> Done { self.compare(a, b, c, IntCC::UnsignedLessThanOrEqual) }
    fn addw(&mut self, a: Reg, b: Reg, c: Reg) -> Done { self.word_binary(a, b, c, |ir, b, c| ir.ins().iadd(b, c)) }
    fn subw(&mut self, a: Reg, b: Reg, c: Reg) -> Done { self.word_binary(a, b, c, |ir, b, c| ir.ins().isub(b, c)) }
    fn mulw(&mut self, a: Reg, b: Reg, c: Reg) -> Done { self.word_binary(a, b, c, |ir, b, c| ir.ins().imul(b, c)) }
    fn shlw(&mut self, a: Reg, b: Reg, c: Reg) -> Done { self.word_binary(a, b, c, |ir, b, c| ir.ins().ishl(b, c)) }
    fn shrw(&mut self, a: Reg, b: Reg, c: Reg) -> Done { self.word_binary(a, b, c, |ir, b, c| ir.ins().ushr(b, c)) }
    fn sarw(&mut self, a: Reg, b: Reg, c: Reg) -> Done { self.word_binary(a, b, c, |ir, b, c| ir.ins().sshr(b, c)) }
    fn rotlw(&mut self, a: Reg, b: Reg, c: Reg) -> Done { self.word_binary(a, b, c, |ir, b, c| ir.ins().rotl(b, c)) }
    fn rotrw(&mut self, a: Reg, b: Reg, c: Reg) -> Done { self.word_binary(a, b, c, |ir, b, c| ir.ins().rotr(b, c)) }

    fn divw(&mut self, a: Reg, b: Reg, c: Reg) -> Done { self.divide_words(a, b, c, false) }
    fn modw(&mut self, a: Reg, b: Reg, c: Reg) -> Done { self.divide_words(a, b, c, true) }
    fn sltw(&mut self, a: Reg, b: Reg, c: Reg) -> Done { self.compare_words(a, b, c, IntCC::SignedLessThan) }
    fn slew(&mut self, a: Reg, b: Reg, c: Reg) -> Done { self.compare_words(a, b, c, IntCC::SignedLessThanOrEqual) }
    fn shlwi(&mut self, a: Reg, b: Reg, imm: u32) -> Done { self.word_constant(a, b, imm.into(), |ir, b, c| ir.ins().ishl(b, c)) }
    fn shrwi(&mut self, a: Reg, b: Reg, imm: u32) -> Done { self.word_constant(a, b, imm.into(), |ir, b, c| ir.ins().ushr(b, c)) }
    fn sarwi(&mut self, a: Reg, b: Reg, imm: u32) -> Done { self.word_constant(a, b, imm.into(), |ir, b, c| ir.ins().sshr(b, c)) }
    fn rotlwi(&mut self, a: Reg, b: Reg, imm: u32) -> Done { self.word_constant(a, b, imm.into(), |ir, b, c| ir.ins().rotl(b, c)) }
    fn mulwi(&mut self, a: Reg, b: Reg, imm: i32) -> Done { self.word_constant(a, b, imm.into(), |ir, b, c| ir.ins().imul(b, c)) }
    fn jltw(&mut self, a: Reg, b: Reg, target: i32) -> Done { self.branch_if_words(a, b, IntCC::SignedLessThan, target) }
    fn jgew(&mut self, a: Reg, b: Reg, target: i32) -> Done { self.branch_if_words(a, b, IntCC::SignedGreaterThanOrEqual, target) }
    fn clzw(&mut self, a: Reg, b: Reg) -> Done { self.word_unary(a, b, |ir, b| ir.ins().clz(b)) }
    fn ctzw(&mut self, a: Reg, b: Reg) -> Done { self.word_unary(a, b, |ir, b| ir.ins().ctz(b)) }
    fn bswapw(&mut self, a: Reg, b: Reg) -> Done { self.word_unary(a, b, |ir, b| ir.ins().bswap(b)) }

    fn jeqi(&mut self, a: Reg, imm: i32, target: i32) -> Done { self.branch_if_constant(a, imm.into(), IntCC::Equal, target) }
    fn jnei(&mut self, a: Reg, imm: i32, target: i32) -> Done { self.branch_if_constant(a, imm.into(), IntCC::NotEqual, target) }
    fn jlti(&mut self, a: Reg, imm: i32, target: i32) -> Done { self.branch_if_constant(a, imm.into(), IntCC::SignedLessThan, target) }
    fn jgei(&mut self, a: Reg, imm: i32, target: i32) -> Done { self.branch_if_constant(a, imm.into(), IntCC::SignedGreaterThanOrEqual, target) }
    fn jltui(&mut self, a: Reg, imm: u32, target: i32) -> Done { self.branch_if_constant(a, imm.into(), IntCC::UnsignedLessThan, target) }
    fn jgeui(&mut self, a: Reg, imm: u32, target: i32) -> Done { self.branch_if_constant(a, imm.into(), IntCC::UnsignedGreaterThanOrEqual, target) }

    fn fadd(&mut self, a: Reg, b: Reg, c: Reg) -> Done { self.float_binary(a, b, c, |ir, b, c| ir.ins().fadd(b, c)) }
    fn fsub(&mut self, a: Reg, b: Reg, c: Reg) -> Done { self.float_binary(a, b, c, |ir, b, c| ir.ins().fsub(b, c)) }
    fn fmul(&mut self, a: Reg, b: Reg, c: Reg) -> Done { self.float_binary(a, b, c, |ir, b, c| ir.ins().fmul(b, c)) }
    fn fdiv(&mut self, a: Reg, b: Reg, c: Reg) -> Done { self.float_binary(a, b, c, |ir, b, c| ir.ins().fdiv(b, c)) }
    fn fsqrt(&mut self, a: Reg, b: Reg) -> Done { self.float_unary(a, b, |ir, b| ir.ins().sqrt(b)) }
    fn fneg(&mut self, a: Reg, b: Reg) -> Done { self.float_unary(a, b, |ir, b| ir.ins().fneg(b)) }
    fn fabs(&mut self, a: Reg, b: Reg) -> Done { self.float_unary(a, b, |ir, b| ir.ins().fabs(b)) }
    fn fmin(&mut self, a: Reg, b: Reg, c: Reg) -> Done { self.float_binary(a, b, c, |ir, b, c| ir.ins().fmin(b, c)) }
    fn fmax(&mut self, a: Reg, b: Reg, c: Reg) -> Done { self.float_binary(a, b, c, |ir, b, c| ir.ins().fmax(b, c)) }
    fn fcopysign(&mut self, a: Reg, b: Reg, c: Reg) -> Done { self.copy_sign(a, b, c); Ok(()) }
    fn ffloor(&mut self, a: Reg, b: Reg) -> Done { self.rounded(a, b, Round::Floor) }
    fn fceil(&mut self, a: Reg, b: Reg) -> Done { self.rounded(a, b, Round::Ceil) }
    fn ftrunc(&mut self, a: Reg, b: Reg) -> Done { self.rounded(a, b, Round::Trunc) }
    fn fnearest(&mut self, a: Reg, b: Reg) -> Done { self.rounded(a, b, Round::Nearest) }
    fn fround32(&mut self, a: Reg, b: Reg) -> Done {
        self.float_unary(a, b, rounded_to_f32)
    }
    fn fmath(&mut self, a: Reg, function: u32, b: Reg, c: Reg) -> Done { self.computed(a, Opcode::FMATH, function, b, c) }

    fn feq(&mut self, a: Reg, b: Reg, c: Reg) -> Done { self.float_compare(a, b, c, FloatCC::Equal) }
    fn fne(&mut self, a: Reg, b: Reg, c: Reg) -> Done { self.float_compare(a, b, c, FloatCC::NotEqual) }
    fn flt(&mut self, a: Reg, b: Reg, c: Reg) -> Done { self.float_compare(a, b, c, FloatCC::LessThan) }
    fn fle(&mut self, a: Reg, b: Reg, c: Reg) -> Done { self.float_compare(a, b, c, FloatCC::LessThanOrEqual) }
    fn i2f(&mut self, a: Reg, b: Reg) -> Done {
        let value = self.get(b);
        let value = self.b.ins().fcvt_from_sint(F64, value);
        self.set_float(a, value);
        Ok(())
    }
    fn u2f(&mut self, a: Reg, b: Reg) -> Done {
        let value = self.get(b);
        let value = self.b.ins().fcvt_from_uint(F64, value);
        self.set_float(a, value);
        Ok(())
    }
    fn f2i(&mut self, a: Reg, b: Reg) -> Done {
        let value = self.get_float(b);
        let value = self.b.ins().fcvt_to_sint_sat(I64, value);
        self.set(a, value);
        Ok(())
    }
    fn f2u(&mut self, a: Reg, b: Reg) -> Done {
        let value = self.get_float(b);
        let value = self.b.ins().fcvt_to_uint_sat(I64, value);
        self.set(a, value);
        Ok(())
    }

    fn f32widen(&mut self, a: Reg, b: Reg) -> Done {
        let bits = self.get_word(b);
        let narrow = self.b.ins().bitcast(F32, MemFlagsData::new(), bits);
        let value = self.b.ins().fpromote(F64, narrow);
        self.set_float(a, value);
        Ok(())
    }
    fn f32narrow(&mut self, a: Reg, b: Reg) -> Done {
        let narrow = self.narrowed(b);
        let bits = self.b.ins().bitcast(I32, MemFlagsData::new(), narrow);
        self.set_word(a, bits);
        Ok(())
    }
    fn fadds(&mut self, a: Reg, b: Reg, c: Reg) -> Done { self.float_binary(a, b, c, |ir, b, c| { let sum = ir.ins().fadd(b, c); rounded_to_f32(ir, sum) }) }
    fn fsubs(&mut self, a: Reg, b: Reg, c: Reg) -> Done { self.float_binary(a, b, c, |ir, b, c| { let difference = ir.ins().fsub(b, c); rounded_to_f32(ir, difference) }) }
    fn fmuls(&mut self, a: Reg, b: Reg, c: Reg) -> Done { self.float_binary(a, b, c, |ir, b, c| { let product = ir.ins().fmul(b, c); rounded_to_f32(ir, product) }) }
    fn fdivs(&mut self, a: Reg, b: Reg, c: Reg) -> Done { self.float_binary(a, b, c, |ir, b, c| { let quotient = ir.ins().fdiv(b, c); rounded_to_f32(ir, quotient) }) }
    fn i2fs(&mut self, a: Reg, b: Reg) -> Done {
        let value = self.get(b);
        let narrow = self.b.ins().fcvt_from_sint(F32, value);
        let value = self.b.ins().fpromote(F64, narrow);
        self.set_float(a, value);
        Ok(())
    }
    fn u2fs(&mut self, a: Reg, b: Reg) -> Done {
        let value = self.get(b);
        let narrow = self.b.ins().fcvt_from_uint(F32, value);
        let value = self.b.ins().fpromote(F64, narrow);
        self.set_float(a, value);
        Ok(())
    }

    fn complex_add(&mut self, a: Reg, b: Reg, c: Reg) -> Done { self.complex_sum(a, b, c) }
    fn complex_sub(&mut self, a: Reg, b: Reg, c: Reg) -> Done { self.complex_difference(a, b, c) }
    fn complex_mul(&mut self, a: Reg, b: Reg, c: Reg) -> Done { self.complex_product(a, b, c) }
    fn complex_div(&mut self, a: Reg, b: Reg, c: Reg) -> Done { self.complex_quotient(a, b, c) }
    fn complex_pow(&mut self, a: Reg, b: Reg, n: i32) -> Done { self.complex_function(a, b, |b| b.pow(n)) }
    fn complex_root(&mut self, a: Reg, b: Reg, n: u32) -> Done { self.complex_function(a, b, |b| b.root(n)) }
    fn complex_inv(&mut self, a: Reg, b: Reg) -> Done { self.complex_function(a, b, ByteSil::inv) }
    fn complex_conj(&mut self, a: Reg, b: Reg) -> Done { self.complex_conjugate(a, b) }
    fn complex_mag(&mut self, a: Reg, b: Reg) -> Done { self.unary(a, b, |ir, b| ir.ins().band_imm_u(b, 0xF0)) }
    fn complex_phase(&mut self, a: Reg, b: Reg) -> Done {
        self.unary(a, b, |ir, b| {
            let theta = ir.ins().band_imm_u(b, 15);
            ir.ins().bor_imm_u(theta, 0x80)
        })
    }
    fn complex_scale(&mut self, a: Reg, b: Reg, n: i32) -> Done { self.complex_function(a, b, |b| b.scale(n)) }
    fn complex_rotate(&mut self, a: Reg, b: Reg, n: i32) -> Done { self.complex_function(a, b, |b| b.rotate(n)) }
    fn complex_re(&mut self, a: Reg, b: Reg) -> Done { self.computed(a, Opcode::COMPLEX_RE, 0, b, b) }
    fn complex_im(&mut self, a: Reg, b: Reg) -> Done { self.computed(a, Opcode::COMPLEX_IM, 0, b, b) }
    fn complex_from(&mut self, a: Reg, b: Reg, c: Reg) -> Done { self.computed(a, Opcode::COMPLEX_FROM, 0, b, c) }
    fn complex_lerp(&mut self, a: Reg, b: Reg, c: Reg, weight: u32) -> Done { self.complex_between(a, b, c, weight) }

    fn smov(&mut self, a: StateReg, b: StateReg) -> Done { self.copy_state(a, b) }
    fn ssplat(&mut self, a: StateReg, b: Reg) -> Done { self.splat(a, b) }
    fn sget(&mut self, a: Reg, b: StateReg, layer: u32) -> Done { self.layer(a, b, layer) }
    fn sset(&mut self, a: StateReg, b: Reg, layer: u32) -> Done { self.set_layer(a, b, layer) }
    fn sadd(&mut self, a: StateReg, b: StateReg, c: StateReg) -> Done { self.state_binary(a, b, c, Binary::Sum) }
    fn ssub(&mut self, a: StateReg, b: StateReg, c: StateReg) -> Done { self.state_binary(a, b, c, Binary::Difference) }
    fn smul(&mut self, a: StateReg, b: StateReg, c: StateReg) -> Done { self.state_binary(a, b, c, Binary::Product) }
    fn sdiv(&mut self, a: StateReg, b: StateReg, c: StateReg) -> Done { self.state_binary(a, b, c, Binary::Quotient) }
    fn sxor(&mut self, a: StateReg, b: StateReg, c: StateReg) -> Done { self.state_binary(a, b, c, Binary::Xor) }
    fn sand(&mut self, a: StateReg, b: StateReg, c: StateReg) -> Done { self.state_binary(a, b, c, Binary::And) }
    fn sor(&mut self, a: StateReg, b: StateReg, c: StateReg) -> Done { self.state_binary(a, b, c, Binary::Or) }
    fn snot(&mut self, a: StateReg, b: StateReg) -> Done { self.invert_bits(a, b) }
    fn sconj(&mut self, a: StateReg, b: StateReg) -> Done { self.conjugate_state(a, b) }
    fn sinv(&mut self, a: StateReg, b: StateReg) -> Done { self.invert_state(a, b) }
    fn srotl(&mut self, a: StateReg, b: StateReg, n: u32) -> Done { self.rotate_state(a, b, n) }

    fn sload(&mut self, a: StateReg, b: Reg, imm: i32) -> Done { self.load_state(a, Address::new(b, imm)) }
    fn sstore(&mut self, b: Reg, imm: i32, a: StateReg) -> Done { self.store_state(Address::new(b, imm), a) }
    fn sloadx(&mut self, a: StateReg, b: Reg, c: Reg, imm: i32) -> Done { self.load_state(a, Address::indexed(b, c, 4, imm)) }
    fn sstorex(&mut self, b: Reg, c: Reg, imm: i32, a: StateReg) -> Done { self.store_state(Address::indexed(b, c, 4, imm), a) }
    fn ssum(&mut self, a: Reg, b: StateReg) -> Done { self.sum_of_layers(a, b) }
    fn sfold(&mut self, a: Reg, b: StateReg) -> Done { self.fold_layers(a, b) }
}
