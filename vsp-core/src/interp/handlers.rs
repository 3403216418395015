//! The handlers of all instructions, one line each. The semantics are in [`ops`](crate::isa::ops).

use core::ops::{Add, BitAnd, BitOr, BitXor, Div, Mul, Not, Sub};

use super::frame::{Exit, Frame, Step};
use crate::Trap;
use crate::complex::{ByteSil, State};
use crate::index::{FuncIndex, ImportIndex};
use crate::isa::ops::{bits, complex, float, int, word};
use crate::isa::{MathFn, StateReg, Visitor};

/// The operations that instructions share.
trait Common: Frame {
    #[inline(always)]
    fn unary(&mut self, a: Self::Reg, b: Self::Reg, op: impl Fn(u64) -> u64) -> Step {
        self.set(a, op(self.get(b)))
    }

    #[inline(always)]
    fn binary(&mut self, a: Self::Reg, b: Self::Reg, c: Self::Reg, op: impl Fn(u64, u64) -> u64) -> Step {
        self.set(a, op(self.get(b), self.get(c)))
    }

    #[inline(always)]
    fn state_unary(&mut self, a: StateReg, b: StateReg, op: impl Fn(State) -> State) -> Step {
        self.set_state(a, op(self.get_state(b)))
    }

    #[inline(always)]
    fn state_binary(
        &mut self,
        a: StateReg,
        b: StateReg,
        c: StateReg,
        op: impl Fn(State, State) -> State,
    ) -> Step {
        self.set_state(a, op(self.get_state(b), self.get_state(c)))
    }

    #[inline(always)]
    fn loaded_state(&mut self, a: StateReg, address: u64) -> Step {
        match self.read(address) {
            Some(bytes) => self.set_state(a, State::from_bytes(bytes)),
            None => self.out_of_bounds(),
        }
    }

    #[inline(always)]
    fn dividing(
        &mut self,
        a: Self::Reg,
        b: Self::Reg,
        c: Self::Reg,
        op: impl Fn(u64, u64) -> Result<u64, Trap>,
    ) -> Step {
        match op(self.get(b), self.get(c)) {
            Ok(quotient) => self.set(a, quotient),
            Err(trap) => self.stop(Exit::Trap(trap)),
        }
    }

    #[inline(always)]
    fn signed(&mut self, a: Self::Reg, b: Self::Reg, imm: i32, op: impl Fn(u64, u64) -> u64) -> Step {
        self.set(a, op(self.get(b), i64::from(imm) as u64))
    }

    #[inline(always)]
    fn unsigned(&mut self, a: Self::Reg, b: Self::Reg, imm: u32, op: impl Fn(u64, u64) -> u64) -> Step {
        self.set(a, op(self.get(b), u64::from(imm)))
    }

    /// Returns the global whose number is `first` and the value of b, if there is one.
    #[inline(always)]
    fn global_from(&mut self, b: Self::Reg, first: u32) -> Option<&mut u64> {
        let number = self.get(b).checked_add(first.into())?;
        self.globals().get_mut(usize::try_from(number).ok()?)
    }

    #[inline(always)]
    fn at(&self, b: Self::Reg, displacement: i32) -> u64 {
        self.get(b).wrapping_add_signed(i64::from(displacement))
    }

    #[inline(always)]
    fn indexed(&self, b: Self::Reg, c: Self::Reg, scale: u32, displacement: i32) -> u64 {
        self.at(b, displacement).wrapping_add(self.get(c) << scale)
    }

    #[inline(always)]
    fn loaded<const N: usize>(
        &mut self,
        a: Self::Reg,
        address: u64,
        extend: impl Fn([u8; N]) -> u64,
    ) -> Step {
        match self.read(address) {
            Some(bytes) => self.set(a, extend(bytes)),
            None => self.out_of_bounds(),
        }
    }
}

impl<F: Frame> Common for F {}

const fn i8_extended(bytes: [u8; 1]) -> u64 {
    i8::from_le_bytes(bytes) as u64
}

const fn u8_extended(bytes: [u8; 1]) -> u64 {
    bytes[0] as u64
}

const fn i16_extended(bytes: [u8; 2]) -> u64 {
    i16::from_le_bytes(bytes) as u64
}

const fn u16_extended(bytes: [u8; 2]) -> u64 {
    u16::from_le_bytes(bytes) as u64
}

const fn i32_extended(bytes: [u8; 4]) -> u64 {
    i32::from_le_bytes(bytes) as u64
}

const fn u32_extended(bytes: [u8; 4]) -> u64 {
    u32::from_le_bytes(bytes) as u64
}

const fn f32_widened(bytes: [u8; 4]) -> u64 {
    float::widen(u32::from_le_bytes(bytes))
}

#[rustfmt::skip]
impl<F: Frame> Visitor for F {
    type Output = Step;
    type Reg = F::Reg;

    #[inline(always)] fn reserved(&mut self, word: u32) -> Step { unreachable!("verified: 0x{word:08X} is not in a program") }

    #[inline(always)] fn hlt(&mut self, a: F::Reg) -> Step { self.stop(Exit::Halt(self.get(a))) }
    #[inline(always)] fn ret(&mut self) -> Step { self.return_to_caller() }
    #[inline(always)] fn yield_(&mut self, a: F::Reg) -> Step { self.stop(Exit::Yield(self.get(a))) }
    #[inline(always)] fn trap(&mut self, imm: u32) -> Step { self.stop(Exit::Trap(Trap::Explicit(imm))) }
    #[inline(always)] fn nop(&mut self) -> Step { Ok(()) }

    #[inline(always)] fn jmp(&mut self, target: i32) -> Step { self.branch(true, target) }
    #[inline(always)] fn jz(&mut self, a: F::Reg, target: i32) -> Step { self.branch(self.get(a) == 0, target) }
    #[inline(always)] fn jnz(&mut self, a: F::Reg, target: i32) -> Step { self.branch(self.get(a) != 0, target) }
    #[inline(always)] fn jn(&mut self, a: F::Reg, target: i32) -> Step { self.branch((self.get(a) as i64) < 0, target) }
    #[inline(always)] fn jeq(&mut self, a: F::Reg, b: F::Reg, target: i32) -> Step { self.branch(int::seq(self.get(a), self.get(b)) == 1, target) }
    #[inline(always)] fn jne(&mut self, a: F::Reg, b: F::Reg, target: i32) -> Step { self.branch(int::sne(self.get(a), self.get(b)) == 1, target) }
    #[inline(always)] fn jlt(&mut self, a: F::Reg, b: F::Reg, target: i32) -> Step { self.branch(int::slt(self.get(a), self.get(b)) == 1, target) }
    #[inline(always)] fn jge(&mut self, a: F::Reg, b: F::Reg, target: i32) -> Step { self.branch(int::slt(self.get(a), self.get(b)) == 0, target) }
    #[inline(always)] fn jltu(&mut self, a: F::Reg, b: F::Reg, target: i32) -> Step { self.branch(int::sltu(self.get(a), self.get(b)) == 1, target) }
    #[inline(always)] fn jgeu(&mut self, a: F::Reg, b: F::Reg, target: i32) -> Step { self.branch(int::sltu(self.get(a), self.get(b)) == 0, target) }
    #[inline(always)] fn loop_(&mut self, a: F::Reg, target: i32) -> Step {
        let count = self.get(a).wrapping_sub(1);
        self.set_aside(a, count)?;
        self.branch(count != 0, target)
    }
    #[inline(always)] fn switch(&mut self, a: F::Reg, entries: u32) -> Step {
        let chosen = self.get(a).min(u64::from(entries));
        self.skip(chosen as i32)
    }
    #[inline(always)] fn call(&mut self, function: u32) -> Step { self.enter(FuncIndex(function)) }
    #[inline(always)] fn callr(&mut self, a: F::Reg, ty: u32) -> Step { self.enter_indirect(self.get(a), ty) }
    #[inline(always)] fn tailcall(&mut self, function: u32) -> Step { self.replace(FuncIndex(function)) }
    #[inline(always)] fn tailcallr(&mut self, a: F::Reg, ty: u32) -> Step { self.replace_indirect(self.get(a), ty) }
    #[inline(always)] fn syscall(&mut self, import: u32) -> Step { self.call_host(ImportIndex(import)) }

    #[inline(always)] fn mov(&mut self, a: F::Reg, b: F::Reg) -> Step { self.set(a, self.get(b)) }
    #[inline(always)] fn movi(&mut self, a: F::Reg, imm: i32) -> Step { self.set(a, i64::from(imm) as u64) }
    #[inline(always)] fn const_(&mut self, a: F::Reg, constant: u32) -> Step { self.set(a, self.constant(constant)) }
    #[inline(always)] fn xchg(&mut self, a: F::Reg, b: F::Reg) -> Step { let (old_a, old_b) = (self.get(a), self.get(b)); self.set_aside(a, old_b)?; self.set_aside(b, old_a) }
    #[inline(always)] fn getl(&mut self, a: F::Reg, local: u32) -> Step { self.set(a, self.local(local)) }
    #[inline(always)] fn setl(&mut self, a: F::Reg, local: u32) -> Step { self.set_local(local, self.get(a)) }
    #[inline(always)] fn cmovz(&mut self, a: F::Reg, b: F::Reg, c: F::Reg) -> Step { self.set(a, if self.get(c) == 0 { self.get(b) } else { self.get(a) }) }
    #[inline(always)] fn cmovnz(&mut self, a: F::Reg, b: F::Reg, c: F::Reg) -> Step { self.set(a, if self.get(c) != 0 { self.get(b) } else { self.get(a) }) }
    #[inline(always)] fn memsize(&mut self, a: F::Reg) -> Step { self.set(a, self.memory().len() as u64) }
    #[inline(always)] fn memcopy(&mut self, a: F::Reg, b: F::Reg, c: F::Reg) -> Step { self.copy(self.get(a), self.get(b), self.get(c)) }
    #[inline(always)] fn memgrow(&mut self, _: F::Reg, _: F::Reg) -> Step { self.stop(Exit::Delegated) }
    #[inline(always)] fn meminit(&mut self, _: F::Reg, _: F::Reg, _: F::Reg, _: u32) -> Step { self.stop(Exit::Delegated) }
    #[inline(always)] fn memfill(&mut self, a: F::Reg, b: F::Reg, c: F::Reg) -> Step { self.fill(self.get(a), self.get(b) as u8, self.get(c)) }
    #[inline(always)] fn getg(&mut self, a: F::Reg, global: u32) -> Step { let value = self.globals()[global as usize]; self.set(a, value) }
    #[inline(always)] fn setg(&mut self, a: F::Reg, global: u32) -> Step { let value = self.get(a); self.globals()[global as usize] = value; Ok(()) }
    #[inline(always)] fn getgx(&mut self, a: F::Reg, b: F::Reg, first: u32) -> Step {
        match self.global_from(b, first).copied() {
            Some(value) => self.set(a, value),
            None => self.stop(Exit::Trap(Trap::GlobalOutOfBounds)),
        }
    }
    #[inline(always)] fn setgx(&mut self, a: F::Reg, b: F::Reg, first: u32) -> Step {
        let value = self.get(a);
        match self.global_from(b, first) {
            Some(global) => *global = value,
            None => return self.stop(Exit::Trap(Trap::GlobalOutOfBounds)),
        }
        Ok(())
    }

    #[inline(always)] fn load8u(&mut self, a: F::Reg, b: F::Reg, imm: i32) -> Step { self.loaded(a, self.at(b, imm), u8_extended) }
    #[inline(always)] fn load8s(&mut self, a: F::Reg, b: F::Reg, imm: i32) -> Step { self.loaded(a, self.at(b, imm), i8_extended) }
    #[inline(always)] fn load16u(&mut self, a: F::Reg, b: F::Reg, imm: i32) -> Step { self.loaded(a, self.at(b, imm), u16_extended) }
    #[inline(always)] fn load16s(&mut self, a: F::Reg, b: F::Reg, imm: i32) -> Step { self.loaded(a, self.at(b, imm), i16_extended) }
    #[inline(always)] fn load32u(&mut self, a: F::Reg, b: F::Reg, imm: i32) -> Step { self.loaded(a, self.at(b, imm), u32_extended) }
    #[inline(always)] fn load32s(&mut self, a: F::Reg, b: F::Reg, imm: i32) -> Step { self.loaded(a, self.at(b, imm), i32_extended) }
    #[inline(always)] fn load(&mut self, a: F::Reg, b: F::Reg, imm: i32) -> Step { self.loaded(a, self.at(b, imm), u64::from_le_bytes) }
    #[inline(always)] fn loadf32(&mut self, a: F::Reg, b: F::Reg, imm: i32) -> Step { self.loaded(a, self.at(b, imm), f32_widened) }
    #[inline(always)] fn load8ux(&mut self, a: F::Reg, b: F::Reg, c: F::Reg, imm: i32) -> Step { self.loaded(a, self.indexed(b, c, 0, imm), u8_extended) }
    #[inline(always)] fn load8sx(&mut self, a: F::Reg, b: F::Reg, c: F::Reg, imm: i32) -> Step { self.loaded(a, self.indexed(b, c, 0, imm), i8_extended) }
    #[inline(always)] fn load16ux(&mut self, a: F::Reg, b: F::Reg, c: F::Reg, imm: i32) -> Step { self.loaded(a, self.indexed(b, c, 1, imm), u16_extended) }
    #[inline(always)] fn load16sx(&mut self, a: F::Reg, b: F::Reg, c: F::Reg, imm: i32) -> Step { self.loaded(a, self.indexed(b, c, 1, imm), i16_extended) }
    #[inline(always)] fn load32ux(&mut self, a: F::Reg, b: F::Reg, c: F::Reg, imm: i32) -> Step { self.loaded(a, self.indexed(b, c, 2, imm), u32_extended) }
    #[inline(always)] fn load32sx(&mut self, a: F::Reg, b: F::Reg, c: F::Reg, imm: i32) -> Step { self.loaded(a, self.indexed(b, c, 2, imm), i32_extended) }
    #[inline(always)] fn loadx(&mut self, a: F::Reg, b: F::Reg, c: F::Reg, imm: i32) -> Step { self.loaded(a, self.indexed(b, c, 3, imm), u64::from_le_bytes) }
    #[inline(always)] fn loadf32x(&mut self, a: F::Reg, b: F::Reg, c: F::Reg, imm: i32) -> Step { self.loaded(a, self.indexed(b, c, 2, imm), f32_widened) }

    #[inline(always)] fn store8(&mut self, b: F::Reg, imm: i32, a: F::Reg) -> Step { self.write(self.at(b, imm), (self.get(a) as u8).to_le_bytes()) }
    #[inline(always)] fn store16(&mut self, b: F::Reg, imm: i32, a: F::Reg) -> Step { self.write(self.at(b, imm), (self.get(a) as u16).to_le_bytes()) }
    #[inline(always)] fn store32(&mut self, b: F::Reg, imm: i32, a: F::Reg) -> Step { self.write(self.at(b, imm), (self.get(a) as u32).to_le_bytes()) }
    #[inline(always)] fn store(&mut self, b: F::Reg, imm: i32, a: F::Reg) -> Step { self.write(self.at(b, imm), self.get(a).to_le_bytes()) }
    #[inline(always)] fn storef32(&mut self, b: F::Reg, imm: i32, a: F::Reg) -> Step { self.write(self.at(b, imm), float::narrow(self.get(a)).to_le_bytes()) }
    #[inline(always)] fn store8x(&mut self, b: F::Reg, c: F::Reg, imm: i32, a: F::Reg) -> Step { self.write(self.indexed(b, c, 0, imm), (self.get(a) as u8).to_le_bytes()) }
    #[inline(always)] fn store16x(&mut self, b: F::Reg, c: F::Reg, imm: i32, a: F::Reg) -> Step { self.write(self.indexed(b, c, 1, imm), (self.get(a) as u16).to_le_bytes()) }
    #[inline(always)] fn store32x(&mut self, b: F::Reg, c: F::Reg, imm: i32, a: F::Reg) -> Step { self.write(self.indexed(b, c, 2, imm), (self.get(a) as u32).to_le_bytes()) }
    #[inline(always)] fn storex(&mut self, b: F::Reg, c: F::Reg, imm: i32, a: F::Reg) -> Step { self.write(self.indexed(b, c, 3, imm), self.get(a).to_le_bytes()) }
    #[inline(always)] fn storef32x(&mut self, b: F::Reg, c: F::Reg, imm: i32, a: F::Reg) -> Step { self.write(self.indexed(b, c, 2, imm), float::narrow(self.get(a)).to_le_bytes()) }

    #[inline(always)] fn add(&mut self, a: F::Reg, b: F::Reg, c: F::Reg) -> Step { self.binary(a, b, c, int::add) }
    #[inline(always)] fn sub(&mut self, a: F::Reg, b: F::Reg, c: F::Reg) -> Step { self.binary(a, b, c, int::sub) }
    #[inline(always)] fn mul(&mut self, a: F::Reg, b: F::Reg, c: F::Reg) -> Step { self.binary(a, b, c, int::mul) }
    #[inline(always)] fn mulh(&mut self, a: F::Reg, b: F::Reg, c: F::Reg) -> Step { self.binary(a, b, c, int::mulh) }
    #[inline(always)] fn mulhu(&mut self, a: F::Reg, b: F::Reg, c: F::Reg) -> Step { self.binary(a, b, c, int::mulhu) }
    #[inline(always)] fn div(&mut self, a: F::Reg, b: F::Reg, c: F::Reg) -> Step { self.dividing(a, b, c, int::div) }
    #[inline(always)] fn divu(&mut self, a: F::Reg, b: F::Reg, c: F::Reg) -> Step { self.dividing(a, b, c, int::divu) }
    #[inline(always)] fn mod_(&mut self, a: F::Reg, b: F::Reg, c: F::Reg) -> Step { self.dividing(a, b, c, int::mod_) }
    #[inline(always)] fn modu(&mut self, a: F::Reg, b: F::Reg, c: F::Reg) -> Step { self.dividing(a, b, c, int::modu) }
    #[inline(always)] fn min(&mut self, a: F::Reg, b: F::Reg, c: F::Reg) -> Step { self.binary(a, b, c, int::min) }
    #[inline(always)] fn max(&mut self, a: F::Reg, b: F::Reg, c: F::Reg) -> Step { self.binary(a, b, c, int::max) }
    #[inline(always)] fn minu(&mut self, a: F::Reg, b: F::Reg, c: F::Reg) -> Step { self.binary(a, b, c, int::minu) }
    #[inline(always)] fn maxu(&mut self, a: F::Reg, b: F::Reg, c: F::Reg) -> Step { self.binary(a, b, c, int::maxu) }
    #[inline(always)] fn neg(&mut self, a: F::Reg, b: F::Reg) -> Step { self.unary(a, b, int::neg) }
    #[inline(always)] fn abs(&mut self, a: F::Reg, b: F::Reg) -> Step { self.unary(a, b, int::abs) }
    #[inline(always)] fn mac(&mut self, a: F::Reg, b: F::Reg, c: F::Reg) -> Step { self.set(a, int::mac(self.get(a), self.get(b), self.get(c))) }

    #[inline(always)] fn and(&mut self, a: F::Reg, b: F::Reg, c: F::Reg) -> Step { self.binary(a, b, c, bits::and) }
    #[inline(always)] fn or(&mut self, a: F::Reg, b: F::Reg, c: F::Reg) -> Step { self.binary(a, b, c, bits::or) }
    #[inline(always)] fn xor(&mut self, a: F::Reg, b: F::Reg, c: F::Reg) -> Step { self.binary(a, b, c, bits::xor) }
    #[inline(always)] fn not(&mut self, a: F::Reg, b: F::Reg) -> Step { self.unary(a, b, bits::not) }
    #[inline(always)] fn andn(&mut self, a: F::Reg, b: F::Reg, c: F::Reg) -> Step { self.binary(a, b, c, bits::andn) }
    #[inline(always)] fn shl(&mut self, a: F::Reg, b: F::Reg, c: F::Reg) -> Step { self.binary(a, b, c, bits::shl) }
    #[inline(always)] fn shr(&mut self, a: F::Reg, b: F::Reg, c: F::Reg) -> Step { self.binary(a, b, c, bits::shr) }
    #[inline(always)] fn sar(&mut self, a: F::Reg, b: F::Reg, c: F::Reg) -> Step { self.binary(a, b, c, bits::sar) }
    #[inline(always)] fn rotl(&mut self, a: F::Reg, b: F::Reg, c: F::Reg) -> Step { self.binary(a, b, c, bits::rotl) }
    #[inline(always)] fn rotr(&mut self, a: F::Reg, b: F::Reg, c: F::Reg) -> Step { self.binary(a, b, c, bits::rotr) }
    #[inline(always)] fn clz(&mut self, a: F::Reg, b: F::Reg) -> Step { self.unary(a, b, bits::clz) }
    #[inline(always)] fn ctz(&mut self, a: F::Reg, b: F::Reg) -> Step { self.unary(a, b, bits::ctz) }
    #[inline(always)] fn popcnt(&mut self, a: F::Reg, b: F::Reg) -> Step { self.unary(a, b, bits::popcnt) }
    #[inline(always)] fn bswap(&mut self, a: F::Reg, b: F::Reg) -> Step { self.unary(a, b, bits::bswap) }
    #[inline(always)] fn sext(&mut self, a: F::Reg, b: F::Reg, width: u32) -> Step { self.set(a, bits::sext(self.get(b), width)) }
    #[inline(always)] fn zext(&mut self, a: F::Reg, b: F::Reg, width: u32) -> Step { self.set(a, bits::zext(self.get(b), width)) }

    #[inline(always)] fn addi(&mut self, a: F::Reg, b: F::Reg, imm: i32) -> Step { self.signed(a, b, imm, int::add) }
    #[inline(always)] fn muli(&mut self, a: F::Reg, b: F::Reg, imm: i32) -> Step { self.signed(a, b, imm, int::mul) }
    #[inline(always)] fn andi(&mut self, a: F::Reg, b: F::Reg, imm: u32) -> Step { self.unsigned(a, b, imm, bits::and) }
    #[inline(always)] fn ori(&mut self, a: F::Reg, b: F::Reg, imm: u32) -> Step { self.unsigned(a, b, imm, bits::or) }
    #[inline(always)] fn xori(&mut self, a: F::Reg, b: F::Reg, imm: u32) -> Step { self.unsigned(a, b, imm, bits::xor) }
    #[inline(always)] fn shli(&mut self, a: F::Reg, b: F::Reg, imm: u32) -> Step { self.unsigned(a, b, imm, bits::shl) }
    #[inline(always)] fn shri(&mut self, a: F::Reg, b: F::Reg, imm: u32) -> Step { self.unsigned(a, b, imm, bits::shr) }
    #[inline(always)] fn sari(&mut self, a: F::Reg, b: F::Reg, imm: u32) -> Step { self.unsigned(a, b, imm, bits::sar) }
    #[inline(always)] fn rotli(&mut self, a: F::Reg, b: F::Reg, imm: u32) -> Step { self.unsigned(a, b, imm, bits::rotl) }
    #[inline(always)] fn seqi(&mut self, a: F::Reg, b: F::Reg, imm: i32) -> Step { self.signed(a, b, imm, int::seq) }
    #[inline(always)] fn snei(&mut self, a: F::Reg, b: F::Reg, imm: i32) -> Step { self.signed(a, b, imm, int::sne) }
    #[inline(always)] fn slti(&mut self, a: F::Reg, b: F::Reg, imm: i32) -> Step { self.signed(a, b, imm, int::slt) }
    #[inline(always)] fn sltui(&mut self, a: F::Reg, b: F::Reg, imm: i32) -> Step { self.signed(a, b, imm, int::sltu) }
    #[inline(always)] fn addwi(&mut self, a: F::Reg, b: F::Reg, imm: i32) -> Step { self.signed(a, b, imm, word::addw) }

    #[inline(always)] fn seq(&mut self, a: F::Reg, b: F::Reg, c: F::Reg) -> Step { self.binary(a, b, c, int::seq) }
    #[inline(always)] fn sne(&mut self, a: F::Reg, b: F::Reg, c: F::Reg) -> Step { self.binary(a, b, c, int::sne) }
    #[inline(always)] fn slt(&mut self, a: F::Reg, b: F::Reg, c: F::Reg) -> Step { self.binary(a, b, c, int::slt) }
    #[inline(always)] fn sle(&mut self, a: F::Reg, b: F::Reg, c: F::Reg) -> Step { self.binary(a, b, c, int::sle) }
    #[inline(always)] fn sltu(&mut self, a: F::Reg, b: F::Reg, c: F::Reg) -> Step { self.binary(a, b, c, int::sltu) }
    #[inline(always)] fn sleu(&mut self, a: F::Reg, b: F::Reg, c: F::Reg) -> Step { self.binary(a, b, c, int::sleu) }
    #[inline(always)] fn addw(&mut self, a: F::Reg, b: F::Reg, c: F::Reg) -> Step { self.binary(a, b, c, word::addw) }
    #[inline(always)] fn subw(&mut self, a: F::Reg, b: F::Reg, c: F::Reg) -> Step { self.binary(a, b, c, word::subw) }
    #[inline(always)] fn mulw(&mut self, a: F::Reg, b: F::Reg, c: F::Reg) -> Step { self.binary(a, b, c, word::mulw) }
    #[inline(always)] fn shlw(&mut self, a: F::Reg, b: F::Reg, c: F::Reg) -> Step { self.binary(a, b, c, word::shlw) }
    #[inline(always)] fn shrw(&mut self, a: F::Reg, b: F::Reg, c: F::Reg) -> Step { self.binary(a, b, c, word::shrw) }
    #[inline(always)] fn sarw(&mut self, a: F::Reg, b: F::Reg, c: F::Reg) -> Step { self.binary(a, b, c, word::sarw) }
    #[inline(always)] fn rotlw(&mut self, a: F::Reg, b: F::Reg, c: F::Reg) -> Step { self.binary(a, b, c, word::rotlw) }
    #[inline(always)] fn rotrw(&mut self, a: F::Reg, b: F::Reg, c: F::Reg) -> Step { self.binary(a, b, c, word::rotrw) }

    #[inline(always)] fn divw(&mut self, a: F::Reg, b: F::Reg, c: F::Reg) -> Step { self.dividing(a, b, c, word::divw) }
    #[inline(always)] fn modw(&mut self, a: F::Reg, b: F::Reg, c: F::Reg) -> Step { self.dividing(a, b, c, word::modw) }
    #[inline(always)] fn sltw(&mut self, a: F::Reg, b: F::Reg, c: F::Reg) -> Step { self.binary(a, b, c, word::sltw) }
    #[inline(always)] fn slew(&mut self, a: F::Reg, b: F::Reg, c: F::Reg) -> Step { self.binary(a, b, c, word::slew) }
    #[inline(always)] fn shlwi(&mut self, a: F::Reg, b: F::Reg, imm: u32) -> Step { self.unsigned(a, b, imm, word::shlw) }
    #[inline(always)] fn shrwi(&mut self, a: F::Reg, b: F::Reg, imm: u32) -> Step { self.unsigned(a, b, imm, word::shrw) }
    #[inline(always)] fn sarwi(&mut self, a: F::Reg, b: F::Reg, imm: u32) -> Step { self.unsigned(a, b, imm, word::sarw) }
    #[inline(always)] fn rotlwi(&mut self, a: F::Reg, b: F::Reg, imm: u32) -> Step { self.unsigned(a, b, imm, word::rotlw) }
    #[inline(always)] fn mulwi(&mut self, a: F::Reg, b: F::Reg, imm: i32) -> Step { self.signed(a, b, imm, word::mulw) }
    #[inline(always)] fn jltw(&mut self, a: F::Reg, b: F::Reg, target: i32) -> Step { self.branch(word::sltw(self.get(a), self.get(b)) == 1, target) }
    #[inline(always)] fn jgew(&mut self, a: F::Reg, b: F::Reg, target: i32) -> Step { self.branch(word::sltw(self.get(a), self.get(b)) == 0, target) }
    #[inline(always)] fn clzw(&mut self, a: F::Reg, b: F::Reg) -> Step { self.unary(a, b, word::clzw) }
    #[inline(always)] fn ctzw(&mut self, a: F::Reg, b: F::Reg) -> Step { self.unary(a, b, word::ctzw) }
    #[inline(always)] fn bswapw(&mut self, a: F::Reg, b: F::Reg) -> Step { self.unary(a, b, word::bswapw) }

    #[inline(always)] fn jeqi(&mut self, a: F::Reg, imm: i32, target: i32) -> Step { self.branch(int::seq(self.get(a), i64::from(imm) as u64) == 1, target) }
    #[inline(always)] fn jnei(&mut self, a: F::Reg, imm: i32, target: i32) -> Step { self.branch(int::seq(self.get(a), i64::from(imm) as u64) == 0, target) }
    #[inline(always)] fn jlti(&mut self, a: F::Reg, imm: i32, target: i32) -> Step { self.branch(int::slt(self.get(a), i64::from(imm) as u64) == 1, target) }
    #[inline(always)] fn jgei(&mut self, a: F::Reg, imm: i32, target: i32) -> Step { self.branch(int::slt(self.get(a), i64::from(imm) as u64) == 0, target) }
    #[inline(always)] fn jltui(&mut self, a: F::Reg, imm: u32, target: i32) -> Step { self.branch(int::sltu(self.get(a), u64::from(imm)) == 1, target) }
    #[inline(always)] fn jgeui(&mut self, a: F::Reg, imm: u32, target: i32) -> Step { self.branch(int::sltu(self.get(a), u64::from(imm)) == 0, target) }

    #[inline(always)] fn fadd(&mut self, a: F::Reg, b: F::Reg, c: F::Reg) -> Step { self.binary(a, b, c, float::fadd) }
    #[inline(always)] fn fsub(&mut self, a: F::Reg, b: F::Reg, c: F::Reg) -> Step { self.binary(a, b, c, float::fsub) }
    #[inline(always)] fn fmul(&mut self, a: F::Reg, b: F::Reg, c: F::Reg) -> Step { self.binary(a, b, c, float::fmul) }
    #[inline(always)] fn fdiv(&mut self, a: F::Reg, b: F::Reg, c: F::Reg) -> Step { self.binary(a, b, c, float::fdiv) }
    #[inline(always)] fn fsqrt(&mut self, a: F::Reg, b: F::Reg) -> Step { self.unary(a, b, float::fsqrt) }
    #[inline(always)] fn fneg(&mut self, a: F::Reg, b: F::Reg) -> Step { self.unary(a, b, float::fneg) }
    #[inline(always)] fn fabs(&mut self, a: F::Reg, b: F::Reg) -> Step { self.unary(a, b, float::fabs) }
    #[inline(always)] fn fmin(&mut self, a: F::Reg, b: F::Reg, c: F::Reg) -> Step { self.binary(a, b, c, float::fmin) }
    #[inline(always)] fn fmax(&mut self, a: F::Reg, b: F::Reg, c: F::Reg) -> Step { self.binary(a, b, c, float::fmax) }
    #[inline(always)] fn fcopysign(&mut self, a: F::Reg, b: F::Reg, c: F::Reg) -> Step { self.binary(a, b, c, float::fcopysign) }
    #[inline(always)] fn ffloor(&mut self, a: F::Reg, b: F::Reg) -> Step { self.unary(a, b, float::ffloor) }
    #[inline(always)] fn fceil(&mut self, a: F::Reg, b: F::Reg) -> Step { self.unary(a, b, float::fceil) }
    #[inline(always)] fn ftrunc(&mut self, a: F::Reg, b: F::Reg) -> Step { self.unary(a, b, float::ftrunc) }
    #[inline(always)] fn fnearest(&mut self, a: F::Reg, b: F::Reg) -> Step { self.unary(a, b, float::fnearest) }
    #[inline(always)] fn fround32(&mut self, a: F::Reg, b: F::Reg) -> Step { self.unary(a, b, float::fround32) }
    #[inline(always)] fn fmath(&mut self, a: F::Reg, function: u32, b: F::Reg, c: F::Reg) -> Step {
        let Some(function) = MathFn::from_number(function) else { unreachable!("verified: the function exists") };
        self.binary(a, b, c, |b, c| float::fmath(function, b, c))
    }

    #[inline(always)] fn feq(&mut self, a: F::Reg, b: F::Reg, c: F::Reg) -> Step { self.binary(a, b, c, float::feq) }
    #[inline(always)] fn fne(&mut self, a: F::Reg, b: F::Reg, c: F::Reg) -> Step { self.binary(a, b, c, float::fne) }
    #[inline(always)] fn flt(&mut self, a: F::Reg, b: F::Reg, c: F::Reg) -> Step { self.binary(a, b, c, float::flt) }
    #[inline(always)] fn fle(&mut self, a: F::Reg, b: F::Reg, c: F::Reg) -> Step { self.binary(a, b, c, float::fle) }
    #[inline(always)] fn i2f(&mut self, a: F::Reg, b: F::Reg) -> Step { self.unary(a, b, float::i2f) }
    #[inline(always)] fn u2f(&mut self, a: F::Reg, b: F::Reg) -> Step { self.unary(a, b, float::u2f) }
    #[inline(always)] fn f2i(&mut self, a: F::Reg, b: F::Reg) -> Step { self.unary(a, b, float::f2i) }
    #[inline(always)] fn f2u(&mut self, a: F::Reg, b: F::Reg) -> Step { self.unary(a, b, float::f2u) }
    #[inline(always)] fn f32widen(&mut self, a: F::Reg, b: F::Reg) -> Step { self.unary(a, b, |b| float::widen(b as u32)) }
    #[inline(always)] fn f32narrow(&mut self, a: F::Reg, b: F::Reg) -> Step { self.unary(a, b, |b| float::narrow(b).into()) }
    #[inline(always)] fn fadds(&mut self, a: F::Reg, b: F::Reg, c: F::Reg) -> Step { self.binary(a, b, c, float::fadds) }
    #[inline(always)] fn fsubs(&mut self, a: F::Reg, b: F::Reg, c: F::Reg) -> Step { self.binary(a, b, c, float::fsubs) }
    #[inline(always)] fn fmuls(&mut self, a: F::Reg, b: F::Reg, c: F::Reg) -> Step { self.binary(a, b, c, float::fmuls) }
    #[inline(always)] fn fdivs(&mut self, a: F::Reg, b: F::Reg, c: F::Reg) -> Step { self.binary(a, b, c, float::fdivs) }
    #[inline(always)] fn i2fs(&mut self, a: F::Reg, b: F::Reg) -> Step { self.unary(a, b, float::i2fs) }
    #[inline(always)] fn u2fs(&mut self, a: F::Reg, b: F::Reg) -> Step { self.unary(a, b, float::u2fs) }

    #[inline(always)] fn complex_add(&mut self, a: F::Reg, b: F::Reg, c: F::Reg) -> Step { self.binary(a, b, c, complex::complex_add) }
    #[inline(always)] fn complex_sub(&mut self, a: F::Reg, b: F::Reg, c: F::Reg) -> Step { self.binary(a, b, c, complex::complex_sub) }
    #[inline(always)] fn complex_mul(&mut self, a: F::Reg, b: F::Reg, c: F::Reg) -> Step { self.binary(a, b, c, complex::complex_mul) }
    #[inline(always)] fn complex_div(&mut self, a: F::Reg, b: F::Reg, c: F::Reg) -> Step { self.binary(a, b, c, complex::complex_div) }
    #[inline(always)] fn complex_pow(&mut self, a: F::Reg, b: F::Reg, n: i32) -> Step { self.unary(a, b, |b| complex::complex_pow(b, n)) }
    #[inline(always)] fn complex_root(&mut self, a: F::Reg, b: F::Reg, n: u32) -> Step { self.unary(a, b, |b| complex::complex_root(b, n)) }
    #[inline(always)] fn complex_inv(&mut self, a: F::Reg, b: F::Reg) -> Step { self.unary(a, b, complex::complex_inv) }
    #[inline(always)] fn complex_conj(&mut self, a: F::Reg, b: F::Reg) -> Step { self.unary(a, b, complex::complex_conj) }
    #[inline(always)] fn complex_mag(&mut self, a: F::Reg, b: F::Reg) -> Step { self.unary(a, b, complex::complex_mag) }
    #[inline(always)] fn complex_phase(&mut self, a: F::Reg, b: F::Reg) -> Step { self.unary(a, b, complex::complex_phase) }
    #[inline(always)] fn complex_scale(&mut self, a: F::Reg, b: F::Reg, n: i32) -> Step { self.unary(a, b, |b| complex::complex_scale(b, n)) }
    #[inline(always)] fn complex_rotate(&mut self, a: F::Reg, b: F::Reg, n: i32) -> Step { self.unary(a, b, |b| complex::complex_rotate(b, n)) }
    #[inline(always)] fn complex_re(&mut self, a: F::Reg, b: F::Reg) -> Step { self.unary(a, b, complex::complex_re) }
    #[inline(always)] fn complex_im(&mut self, a: F::Reg, b: F::Reg) -> Step { self.unary(a, b, complex::complex_im) }
    #[inline(always)] fn complex_from(&mut self, a: F::Reg, b: F::Reg, c: F::Reg) -> Step { self.binary(a, b, c, complex::complex_from) }
    #[inline(always)] fn complex_lerp(&mut self, a: F::Reg, b: F::Reg, c: F::Reg, weight: u32) -> Step { self.binary(a, b, c, |b, c| complex::complex_lerp(b, c, weight)) }

    #[inline(always)] fn smov(&mut self, a: StateReg, b: StateReg) -> Step { self.state_unary(a, b, |b| b) }
    #[inline(always)] fn ssplat(&mut self, a: StateReg, b: F::Reg) -> Step { self.set_state(a, State::splat(ByteSil::from_bits(self.get(b) as u8))) }
    #[inline(always)] fn sget(&mut self, a: F::Reg, b: StateReg, layer: u32) -> Step { self.set(a, self.get_state(b).layer(layer as usize).to_bits().into()) }
    #[inline(always)] fn sset(&mut self, a: StateReg, b: F::Reg, layer: u32) -> Step { self.set_state(a, self.get_state(a).with_layer(layer as usize, ByteSil::from_bits(self.get(b) as u8))) }
    #[inline(always)] fn sadd(&mut self, a: StateReg, b: StateReg, c: StateReg) -> Step { self.state_binary(a, b, c, Add::add) }
    #[inline(always)] fn ssub(&mut self, a: StateReg, b: StateReg, c: StateReg) -> Step { self.state_binary(a, b, c, Sub::sub) }
    #[inline(always)] fn smul(&mut self, a: StateReg, b: StateReg, c: StateReg) -> Step { self.state_binary(a, b, c, Mul::mul) }
    #[inline(always)] fn sdiv(&mut self, a: StateReg, b: StateReg, c: StateReg) -> Step { self.state_binary(a, b, c, Div::div) }
    #[inline(always)] fn sxor(&mut self, a: StateReg, b: StateReg, c: StateReg) -> Step { self.state_binary(a, b, c, BitXor::bitxor) }
    #[inline(always)] fn sand(&mut self, a: StateReg, b: StateReg, c: StateReg) -> Step { self.state_binary(a, b, c, BitAnd::bitand) }
    #[inline(always)] fn sor(&mut self, a: StateReg, b: StateReg, c: StateReg) -> Step { self.state_binary(a, b, c, BitOr::bitor) }
    #[inline(always)] fn snot(&mut self, a: StateReg, b: StateReg) -> Step { self.state_unary(a, b, Not::not) }
    #[inline(always)] fn sconj(&mut self, a: StateReg, b: StateReg) -> Step { self.state_unary(a, b, State::conj) }
    #[inline(always)] fn sinv(&mut self, a: StateReg, b: StateReg) -> Step { self.state_unary(a, b, State::inv) }
    #[inline(always)] fn srotl(&mut self, a: StateReg, b: StateReg, n: u32) -> Step { self.state_unary(a, b, |b| b.rotate_layers(n)) }

    #[inline(always)] fn sload(&mut self, a: StateReg, b: F::Reg, imm: i32) -> Step { self.loaded_state(a, self.at(b, imm)) }
    #[inline(always)] fn sstore(&mut self, b: F::Reg, imm: i32, a: StateReg) -> Step { self.write(self.at(b, imm), self.get_state(a).to_bytes()) }
    #[inline(always)] fn sloadx(&mut self, a: StateReg, b: F::Reg, c: F::Reg, imm: i32) -> Step { self.loaded_state(a, self.indexed(b, c, 4, imm)) }
    #[inline(always)] fn sstorex(&mut self, b: F::Reg, c: F::Reg, imm: i32, a: StateReg) -> Step { self.write(self.indexed(b, c, 4, imm), self.get_state(a).to_bytes()) }
    #[inline(always)] fn ssum(&mut self, a: F::Reg, b: StateReg) -> Step { self.set(a, self.get_state(b).sum().to_bits().into()) }
    #[inline(always)] fn sfold(&mut self, a: F::Reg, b: StateReg) -> Step { self.set(a, self.get_state(b).fold().into()) }
}
