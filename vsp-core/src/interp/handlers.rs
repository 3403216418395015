//! What each instruction does to the running frame: one line each, the meaning is in [`ops`](crate::isa::ops).

use super::activation::{Activation, Exit, Step};
use crate::Trap;
use crate::index::{FuncIndex, ImportIndex};
use crate::isa::ops::{bits, float, int, word};
use crate::isa::{MathFn, Reg, Visitor};

impl Activation<'_> {
    #[inline(always)]
    fn unary(&mut self, a: Reg, b: Reg, op: impl Fn(u64) -> u64) -> Step {
        self.set(a, op(self.get(b)))
    }

    #[inline(always)]
    fn binary(&mut self, a: Reg, b: Reg, c: Reg, op: impl Fn(u64, u64) -> u64) -> Step {
        self.set(a, op(self.get(b), self.get(c)))
    }

    #[inline(always)]
    fn dividing(&mut self, a: Reg, b: Reg, c: Reg, op: impl Fn(u64, u64) -> Result<u64, Trap>) -> Step {
        let quotient = op(self.get(b), self.get(c)).map_err(Exit::Trap)?;
        self.set(a, quotient)
    }

    #[inline(always)]
    fn signed(&mut self, a: Reg, b: Reg, imm: i32, op: impl Fn(u64, u64) -> u64) -> Step {
        self.set(a, op(self.get(b), i64::from(imm) as u64))
    }

    #[inline(always)]
    fn unsigned(&mut self, a: Reg, b: Reg, imm: u32, op: impl Fn(u64, u64) -> u64) -> Step {
        self.set(a, op(self.get(b), u64::from(imm)))
    }

    #[inline(always)]
    fn at(&self, b: Reg, displacement: i32) -> u64 {
        self.get(b).wrapping_add_signed(i64::from(displacement))
    }

    #[inline(always)]
    fn indexed(&self, b: Reg, c: Reg, scale: u32, displacement: i32) -> u64 {
        self.at(b, displacement).wrapping_add(self.get(c) << scale)
    }

    #[inline(always)]
    fn loaded<const N: usize>(&mut self, a: Reg, address: u64, extend: impl Fn([u8; N]) -> u64) -> Step {
        let bytes = self.read(address)?;
        self.set(a, extend(bytes))
    }
}

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
impl Visitor for Activation<'_> {
    type Output = Step;

    fn reserved(&mut self, word: u32) -> Step { unreachable!("verified: 0x{word:08X} is not in a program") }

    fn hlt(&mut self, a: Reg) -> Step { Err(Exit::Halt(a)) }
    fn ret(&mut self) -> Step { Err(Exit::Return) }
    fn yield_(&mut self, a: Reg) -> Step { Err(Exit::Yield(a)) }
    fn trap(&mut self, imm: u32) -> Step { Err(Exit::Trap(Trap::Explicit(imm))) }
    fn nop(&mut self) -> Step { Ok(()) }

    fn jmp(&mut self, target: i32) -> Step { self.branch(true, target) }
    fn jz(&mut self, a: Reg, target: i32) -> Step { self.branch(self.get(a) == 0, target) }
    fn jnz(&mut self, a: Reg, target: i32) -> Step { self.branch(self.get(a) != 0, target) }
    fn jn(&mut self, a: Reg, target: i32) -> Step { self.branch((self.get(a) as i64) < 0, target) }
    fn jeq(&mut self, a: Reg, b: Reg, target: i32) -> Step { self.branch(int::seq(self.get(a), self.get(b)) == 1, target) }
    fn jne(&mut self, a: Reg, b: Reg, target: i32) -> Step { self.branch(int::sne(self.get(a), self.get(b)) == 1, target) }
    fn jlt(&mut self, a: Reg, b: Reg, target: i32) -> Step { self.branch(int::slt(self.get(a), self.get(b)) == 1, target) }
    fn jge(&mut self, a: Reg, b: Reg, target: i32) -> Step { self.branch(int::slt(self.get(a), self.get(b)) == 0, target) }
    fn jltu(&mut self, a: Reg, b: Reg, target: i32) -> Step { self.branch(int::sltu(self.get(a), self.get(b)) == 1, target) }
    fn jgeu(&mut self, a: Reg, b: Reg, target: i32) -> Step { self.branch(int::sltu(self.get(a), self.get(b)) == 0, target) }
    fn loop_(&mut self, a: Reg, target: i32) -> Step {
        let count = self.get(a).wrapping_sub(1);
        self.registers[a.index()] = count;
        self.branch(count != 0, target)
    }
    fn switch(&mut self, a: Reg, entries: u32) -> Step {
        let chosen = self.get(a).min(u64::from(entries));
        self.skip(chosen as i32);
        Ok(())
    }
    fn call(&mut self, function: u32) -> Step { Err(Exit::Call(FuncIndex(function))) }
    fn callr(&mut self, a: Reg, ty: u32) -> Step { Err(Exit::CallIndirect { number: self.get(a), ty }) }
    fn syscall(&mut self, import: u32) -> Step { Err(Exit::Host(ImportIndex(import))) }

    fn mov(&mut self, a: Reg, b: Reg) -> Step { self.set(a, self.get(b)) }
    fn movi(&mut self, a: Reg, imm: i32) -> Step { self.set(a, i64::from(imm) as u64) }
    fn const_(&mut self, a: Reg, constant: u32) -> Step { self.set(a, u64::from_le_bytes(self.constants[constant as usize])) }
    fn xchg(&mut self, a: Reg, b: Reg) -> Step { self.registers.swap(a.index(), b.index()); Ok(()) }
    fn getl(&mut self, a: Reg, local: u32) -> Step { self.set(a, self.locals[local as usize]) }
    fn setl(&mut self, a: Reg, local: u32) -> Step { self.locals[local as usize] = self.get(a); Ok(()) }
    fn cmovz(&mut self, a: Reg, b: Reg, c: Reg) -> Step { self.set(a, if self.get(c) == 0 { self.get(b) } else { self.get(a) }) }
    fn cmovnz(&mut self, a: Reg, b: Reg, c: Reg) -> Step { self.set(a, if self.get(c) != 0 { self.get(b) } else { self.get(a) }) }
    fn memsize(&mut self, a: Reg) -> Step { self.set(a, self.memory.len() as u64) }
    fn memcopy(&mut self, a: Reg, b: Reg, c: Reg) -> Step { self.copy(self.get(a), self.get(b), self.get(c)) }
    fn memfill(&mut self, a: Reg, b: Reg, c: Reg) -> Step { self.fill(self.get(a), self.get(b) as u8, self.get(c)) }
    fn getg(&mut self, a: Reg, global: u32) -> Step { self.set(a, self.globals[global as usize]) }
    fn setg(&mut self, a: Reg, global: u32) -> Step { self.globals[global as usize] = self.get(a); Ok(()) }

    fn load8u(&mut self, a: Reg, b: Reg, imm: i32) -> Step { self.loaded(a, self.at(b, imm), u8_extended) }
    fn load8s(&mut self, a: Reg, b: Reg, imm: i32) -> Step { self.loaded(a, self.at(b, imm), i8_extended) }
    fn load16u(&mut self, a: Reg, b: Reg, imm: i32) -> Step { self.loaded(a, self.at(b, imm), u16_extended) }
    fn load16s(&mut self, a: Reg, b: Reg, imm: i32) -> Step { self.loaded(a, self.at(b, imm), i16_extended) }
    fn load32u(&mut self, a: Reg, b: Reg, imm: i32) -> Step { self.loaded(a, self.at(b, imm), u32_extended) }
    fn load32s(&mut self, a: Reg, b: Reg, imm: i32) -> Step { self.loaded(a, self.at(b, imm), i32_extended) }
    fn load(&mut self, a: Reg, b: Reg, imm: i32) -> Step { self.loaded(a, self.at(b, imm), u64::from_le_bytes) }
    fn loadf32(&mut self, a: Reg, b: Reg, imm: i32) -> Step { self.loaded(a, self.at(b, imm), f32_widened) }
    fn load8ux(&mut self, a: Reg, b: Reg, c: Reg, imm: i32) -> Step { self.loaded(a, self.indexed(b, c, 0, imm), u8_extended) }
    fn load8sx(&mut self, a: Reg, b: Reg, c: Reg, imm: i32) -> Step { self.loaded(a, self.indexed(b, c, 0, imm), i8_extended) }
    fn load16ux(&mut self, a: Reg, b: Reg, c: Reg, imm: i32) -> Step { self.loaded(a, self.indexed(b, c, 1, imm), u16_extended) }
    fn load16sx(&mut self, a: Reg, b: Reg, c: Reg, imm: i32) -> Step { self.loaded(a, self.indexed(b, c, 1, imm), i16_extended) }
    fn load32ux(&mut self, a: Reg, b: Reg, c: Reg, imm: i32) -> Step { self.loaded(a, self.indexed(b, c, 2, imm), u32_extended) }
    fn load32sx(&mut self, a: Reg, b: Reg, c: Reg, imm: i32) -> Step { self.loaded(a, self.indexed(b, c, 2, imm), i32_extended) }
    fn loadx(&mut self, a: Reg, b: Reg, c: Reg, imm: i32) -> Step { self.loaded(a, self.indexed(b, c, 3, imm), u64::from_le_bytes) }
    fn loadf32x(&mut self, a: Reg, b: Reg, c: Reg, imm: i32) -> Step { self.loaded(a, self.indexed(b, c, 2, imm), f32_widened) }

    fn store8(&mut self, b: Reg, imm: i32, a: Reg) -> Step { self.write(self.at(b, imm), (self.get(a) as u8).to_le_bytes()) }
    fn store16(&mut self, b: Reg, imm: i32, a: Reg) -> Step { self.write(self.at(b, imm), (self.get(a) as u16).to_le_bytes()) }
    fn store32(&mut self, b: Reg, imm: i32, a: Reg) -> Step { self.write(self.at(b, imm), (self.get(a) as u32).to_le_bytes()) }
    fn store(&mut self, b: Reg, imm: i32, a: Reg) -> Step { self.write(self.at(b, imm), self.get(a).to_le_bytes()) }
    fn storef32(&mut self, b: Reg, imm: i32, a: Reg) -> Step { self.write(self.at(b, imm), float::narrow(self.get(a)).to_le_bytes()) }
    fn store8x(&mut self, b: Reg, c: Reg, imm: i32, a: Reg) -> Step { self.write(self.indexed(b, c, 0, imm), (self.get(a) as u8).to_le_bytes()) }
    fn store16x(&mut self, b: Reg, c: Reg, imm: i32, a: Reg) -> Step { self.write(self.indexed(b, c, 1, imm), (self.get(a) as u16).to_le_bytes()) }
    fn store32x(&mut self, b: Reg, c: Reg, imm: i32, a: Reg) -> Step { self.write(self.indexed(b, c, 2, imm), (self.get(a) as u32).to_le_bytes()) }
    fn storex(&mut self, b: Reg, c: Reg, imm: i32, a: Reg) -> Step { self.write(self.indexed(b, c, 3, imm), self.get(a).to_le_bytes()) }
    fn storef32x(&mut self, b: Reg, c: Reg, imm: i32, a: Reg) -> Step { self.write(self.indexed(b, c, 2, imm), float::narrow(self.get(a)).to_le_bytes()) }

    fn add(&mut self, a: Reg, b: Reg, c: Reg) -> Step { self.binary(a, b, c, int::add) }
    fn sub(&mut self, a: Reg, b: Reg, c: Reg) -> Step { self.binary(a, b, c, int::sub) }
    fn mul(&mut self, a: Reg, b: Reg, c: Reg) -> Step { self.binary(a, b, c, int::mul) }
    fn mulh(&mut self, a: Reg, b: Reg, c: Reg) -> Step { self.binary(a, b, c, int::mulh) }
    fn mulhu(&mut self, a: Reg, b: Reg, c: Reg) -> Step { self.binary(a, b, c, int::mulhu) }
    fn div(&mut self, a: Reg, b: Reg, c: Reg) -> Step { self.dividing(a, b, c, int::div) }
    fn divu(&mut self, a: Reg, b: Reg, c: Reg) -> Step { self.dividing(a, b, c, int::divu) }
    fn mod_(&mut self, a: Reg, b: Reg, c: Reg) -> Step { self.dividing(a, b, c, int::mod_) }
    fn modu(&mut self, a: Reg, b: Reg, c: Reg) -> Step { self.dividing(a, b, c, int::modu) }
    fn min(&mut self, a: Reg, b: Reg, c: Reg) -> Step { self.binary(a, b, c, int::min) }
    fn max(&mut self, a: Reg, b: Reg, c: Reg) -> Step { self.binary(a, b, c, int::max) }
    fn minu(&mut self, a: Reg, b: Reg, c: Reg) -> Step { self.binary(a, b, c, int::minu) }
    fn maxu(&mut self, a: Reg, b: Reg, c: Reg) -> Step { self.binary(a, b, c, int::maxu) }
    fn neg(&mut self, a: Reg, b: Reg) -> Step { self.unary(a, b, int::neg) }
    fn abs(&mut self, a: Reg, b: Reg) -> Step { self.unary(a, b, int::abs) }
    fn mac(&mut self, a: Reg, b: Reg, c: Reg) -> Step { self.set(a, int::mac(self.get(a), self.get(b), self.get(c))) }

    fn and(&mut self, a: Reg, b: Reg, c: Reg) -> Step { self.binary(a, b, c, bits::and) }
    fn or(&mut self, a: Reg, b: Reg, c: Reg) -> Step { self.binary(a, b, c, bits::or) }
    fn xor(&mut self, a: Reg, b: Reg, c: Reg) -> Step { self.binary(a, b, c, bits::xor) }
    fn not(&mut self, a: Reg, b: Reg) -> Step { self.unary(a, b, bits::not) }
    fn andn(&mut self, a: Reg, b: Reg, c: Reg) -> Step { self.binary(a, b, c, bits::andn) }
    fn shl(&mut self, a: Reg, b: Reg, c: Reg) -> Step { self.binary(a, b, c, bits::shl) }
    fn shr(&mut self, a: Reg, b: Reg, c: Reg) -> Step { self.binary(a, b, c, bits::shr) }
    fn sar(&mut self, a: Reg, b: Reg, c: Reg) -> Step { self.binary(a, b, c, bits::sar) }
    fn rotl(&mut self, a: Reg, b: Reg, c: Reg) -> Step { self.binary(a, b, c, bits::rotl) }
    fn rotr(&mut self, a: Reg, b: Reg, c: Reg) -> Step { self.binary(a, b, c, bits::rotr) }
    fn clz(&mut self, a: Reg, b: Reg) -> Step { self.unary(a, b, bits::clz) }
    fn ctz(&mut self, a: Reg, b: Reg) -> Step { self.unary(a, b, bits::ctz) }
    fn popcnt(&mut self, a: Reg, b: Reg) -> Step { self.unary(a, b, bits::popcnt) }
    fn bswap(&mut self, a: Reg, b: Reg) -> Step { self.unary(a, b, bits::bswap) }
    fn sext(&mut self, a: Reg, b: Reg, width: u32) -> Step { self.set(a, bits::sext(self.get(b), width)) }
    fn zext(&mut self, a: Reg, b: Reg, width: u32) -> Step { self.set(a, bits::zext(self.get(b), width)) }

    fn addi(&mut self, a: Reg, b: Reg, imm: i32) -> Step { self.signed(a, b, imm, int::add) }
    fn muli(&mut self, a: Reg, b: Reg, imm: i32) -> Step { self.signed(a, b, imm, int::mul) }
    fn andi(&mut self, a: Reg, b: Reg, imm: u32) -> Step { self.unsigned(a, b, imm, bits::and) }
    fn ori(&mut self, a: Reg, b: Reg, imm: u32) -> Step { self.unsigned(a, b, imm, bits::or) }
    fn xori(&mut self, a: Reg, b: Reg, imm: u32) -> Step { self.unsigned(a, b, imm, bits::xor) }
    fn shli(&mut self, a: Reg, b: Reg, imm: u32) -> Step { self.unsigned(a, b, imm, bits::shl) }
    fn shri(&mut self, a: Reg, b: Reg, imm: u32) -> Step { self.unsigned(a, b, imm, bits::shr) }
    fn sari(&mut self, a: Reg, b: Reg, imm: u32) -> Step { self.unsigned(a, b, imm, bits::sar) }
    fn rotli(&mut self, a: Reg, b: Reg, imm: u32) -> Step { self.unsigned(a, b, imm, bits::rotl) }
    fn seqi(&mut self, a: Reg, b: Reg, imm: i32) -> Step { self.signed(a, b, imm, int::seq) }
    fn snei(&mut self, a: Reg, b: Reg, imm: i32) -> Step { self.signed(a, b, imm, int::sne) }
    fn slti(&mut self, a: Reg, b: Reg, imm: i32) -> Step { self.signed(a, b, imm, int::slt) }
    fn sltui(&mut self, a: Reg, b: Reg, imm: i32) -> Step { self.signed(a, b, imm, int::sltu) }
    fn addwi(&mut self, a: Reg, b: Reg, imm: i32) -> Step { self.signed(a, b, imm, word::addw) }

    fn seq(&mut self, a: Reg, b: Reg, c: Reg) -> Step { self.binary(a, b, c, int::seq) }
    fn sne(&mut self, a: Reg, b: Reg, c: Reg) -> Step { self.binary(a, b, c, int::sne) }
    fn slt(&mut self, a: Reg, b: Reg, c: Reg) -> Step { self.binary(a, b, c, int::slt) }
    fn sle(&mut self, a: Reg, b: Reg, c: Reg) -> Step { self.binary(a, b, c, int::sle) }
    fn sltu(&mut self, a: Reg, b: Reg, c: Reg) -> Step { self.binary(a, b, c, int::sltu) }
    fn sleu(&mut self, a: Reg, b: Reg, c: Reg) -> Step { self.binary(a, b, c, int::sleu) }
    fn addw(&mut self, a: Reg, b: Reg, c: Reg) -> Step { self.binary(a, b, c, word::addw) }
    fn subw(&mut self, a: Reg, b: Reg, c: Reg) -> Step { self.binary(a, b, c, word::subw) }
    fn mulw(&mut self, a: Reg, b: Reg, c: Reg) -> Step { self.binary(a, b, c, word::mulw) }
    fn shlw(&mut self, a: Reg, b: Reg, c: Reg) -> Step { self.binary(a, b, c, word::shlw) }
    fn shrw(&mut self, a: Reg, b: Reg, c: Reg) -> Step { self.binary(a, b, c, word::shrw) }
    fn sarw(&mut self, a: Reg, b: Reg, c: Reg) -> Step { self.binary(a, b, c, word::sarw) }
    fn rotlw(&mut self, a: Reg, b: Reg, c: Reg) -> Step { self.binary(a, b, c, word::rotlw) }
    fn rotrw(&mut self, a: Reg, b: Reg, c: Reg) -> Step { self.binary(a, b, c, word::rotrw) }

    fn divw(&mut self, a: Reg, b: Reg, c: Reg) -> Step { self.dividing(a, b, c, word::divw) }
    fn modw(&mut self, a: Reg, b: Reg, c: Reg) -> Step { self.dividing(a, b, c, word::modw) }
    fn sltw(&mut self, a: Reg, b: Reg, c: Reg) -> Step { self.binary(a, b, c, word::sltw) }
    fn slew(&mut self, a: Reg, b: Reg, c: Reg) -> Step { self.binary(a, b, c, word::slew) }
    fn shlwi(&mut self, a: Reg, b: Reg, imm: u32) -> Step { self.unsigned(a, b, imm, word::shlw) }
    fn shrwi(&mut self, a: Reg, b: Reg, imm: u32) -> Step { self.unsigned(a, b, imm, word::shrw) }
    fn sarwi(&mut self, a: Reg, b: Reg, imm: u32) -> Step { self.unsigned(a, b, imm, word::sarw) }
    fn rotlwi(&mut self, a: Reg, b: Reg, imm: u32) -> Step { self.unsigned(a, b, imm, word::rotlw) }
    fn mulwi(&mut self, a: Reg, b: Reg, imm: i32) -> Step { self.signed(a, b, imm, word::mulw) }
    fn jltw(&mut self, a: Reg, b: Reg, target: i32) -> Step { self.branch(word::sltw(self.get(a), self.get(b)) == 1, target) }
    fn jgew(&mut self, a: Reg, b: Reg, target: i32) -> Step { self.branch(word::sltw(self.get(a), self.get(b)) == 0, target) }
    fn clzw(&mut self, a: Reg, b: Reg) -> Step { self.unary(a, b, word::clzw) }
    fn ctzw(&mut self, a: Reg, b: Reg) -> Step { self.unary(a, b, word::ctzw) }
    fn bswapw(&mut self, a: Reg, b: Reg) -> Step { self.unary(a, b, word::bswapw) }

    fn jeqi(&mut self, a: Reg, imm: i32, target: i32) -> Step { self.branch(int::seq(self.get(a), i64::from(imm) as u64) == 1, target) }
    fn jnei(&mut self, a: Reg, imm: i32, target: i32) -> Step { self.branch(int::seq(self.get(a), i64::from(imm) as u64) == 0, target) }
    fn jlti(&mut self, a: Reg, imm: i32, target: i32) -> Step { self.branch(int::slt(self.get(a), i64::from(imm) as u64) == 1, target) }
    fn jgei(&mut self, a: Reg, imm: i32, target: i32) -> Step { self.branch(int::slt(self.get(a), i64::from(imm) as u64) == 0, target) }
    fn jltui(&mut self, a: Reg, imm: u32, target: i32) -> Step { self.branch(int::sltu(self.get(a), u64::from(imm)) == 1, target) }
    fn jgeui(&mut self, a: Reg, imm: u32, target: i32) -> Step { self.branch(int::sltu(self.get(a), u64::from(imm)) == 0, target) }

    fn fadd(&mut self, a: Reg, b: Reg, c: Reg) -> Step { self.binary(a, b, c, float::fadd) }
    fn fsub(&mut self, a: Reg, b: Reg, c: Reg) -> Step { self.binary(a, b, c, float::fsub) }
    fn fmul(&mut self, a: Reg, b: Reg, c: Reg) -> Step { self.binary(a, b, c, float::fmul) }
    fn fdiv(&mut self, a: Reg, b: Reg, c: Reg) -> Step { self.binary(a, b, c, float::fdiv) }
    fn fsqrt(&mut self, a: Reg, b: Reg) -> Step { self.unary(a, b, float::fsqrt) }
    fn fneg(&mut self, a: Reg, b: Reg) -> Step { self.unary(a, b, float::fneg) }
    fn fabs(&mut self, a: Reg, b: Reg) -> Step { self.unary(a, b, float::fabs) }
    fn fmin(&mut self, a: Reg, b: Reg, c: Reg) -> Step { self.binary(a, b, c, float::fmin) }
    fn fmax(&mut self, a: Reg, b: Reg, c: Reg) -> Step { self.binary(a, b, c, float::fmax) }
    fn fcopysign(&mut self, a: Reg, b: Reg, c: Reg) -> Step { self.binary(a, b, c, float::fcopysign) }
    fn ffloor(&mut self, a: Reg, b: Reg) -> Step { self.unary(a, b, float::ffloor) }
    fn fceil(&mut self, a: Reg, b: Reg) -> Step { self.unary(a, b, float::fceil) }
    fn ftrunc(&mut self, a: Reg, b: Reg) -> Step { self.unary(a, b, float::ftrunc) }
    fn fnearest(&mut self, a: Reg, b: Reg) -> Step { self.unary(a, b, float::fnearest) }
    fn fround32(&mut self, a: Reg, b: Reg) -> Step { self.unary(a, b, float::fround32) }
    fn fmath(&mut self, a: Reg, function: u32, b: Reg, c: Reg) -> Step {
        let Some(function) = MathFn::from_number(function) else { unreachable!("verified: the function exists") };
        self.binary(a, b, c, |b, c| float::fmath(function, b, c))
    }

    fn feq(&mut self, a: Reg, b: Reg, c: Reg) -> Step { self.binary(a, b, c, float::feq) }
    fn fne(&mut self, a: Reg, b: Reg, c: Reg) -> Step { self.binary(a, b, c, float::fne) }
    fn flt(&mut self, a: Reg, b: Reg, c: Reg) -> Step { self.binary(a, b, c, float::flt) }
    fn fle(&mut self, a: Reg, b: Reg, c: Reg) -> Step { self.binary(a, b, c, float::fle) }
    fn i2f(&mut self, a: Reg, b: Reg) -> Step { self.unary(a, b, float::i2f) }
    fn u2f(&mut self, a: Reg, b: Reg) -> Step { self.unary(a, b, float::u2f) }
    fn f2i(&mut self, a: Reg, b: Reg) -> Step { self.unary(a, b, float::f2i) }
    fn f2u(&mut self, a: Reg, b: Reg) -> Step { self.unary(a, b, float::f2u) }
}
