//! Helper functions of the program, for operators that need a loop or branches: table.copy, table.init, table.fill,
//! table.grow, and memory.grow by bytes.
//!
//! Sums of two 32-bit numbers do not wrap in 64 bits. Each global is one element.

use vsp_core::isa::{Inst, Opcode as O, Reg::*};
use vsp_core::program::{FuncType, FunctionBuilder, Label};

use crate::error::Error;
use crate::layout::Helper;
use crate::trap_code::TABLE_BOUNDS;

/// Returns the code of a helper.
pub(crate) fn helper(helper: Helper, ty: FuncType) -> Result<FunctionBuilder, Error> {
    let mut code = FunctionBuilder::new(ty);
    match helper {
        Helper::Copy => copy(&mut code)?,
        Helper::Fill => fill(&mut code)?,
        Helper::Grow => grow(&mut code)?,
        Helper::GrowBytes { adds_pages } => grow_bytes(&mut code, adds_pages)?,
    }
    Ok(code)
}

fn get(code: &mut FunctionBuilder, to: vsp_core::isa::Reg, index: vsp_core::isa::Reg) -> Result<(), Error> {
    code.push(Inst::new(O::GETGX, &[to.index() as i32, index.index() as i32, 0])?);
    Ok(())
}

fn set(code: &mut FunctionBuilder, from: vsp_core::isa::Reg, index: vsp_core::isa::Reg) -> Result<(), Error> {
    code.push(Inst::new(O::SETGX, &[from.index() as i32, index.index() as i32, 0])?);
    Ok(())
}

/// Emits the return and, after the label, the trap.
fn end(code: &mut FunctionBuilder, done: Label, trap: Label) -> Result<(), Error> {
    code.bind(done);
    code.push(Inst::ret()?);
    code.bind(trap);
    code.push(Inst::trap(TABLE_BOUNDS)?);
    Ok(())
}

/// Emits table.copy. R0, R1: first global and size of the destination; R2: index there; R3, R4, R5: those of the
/// source; R6: count.
fn copy(code: &mut FunctionBuilder) -> Result<(), Error> {
    let (trap, done, forwards) = (code.label(), code.label(), code.label());
    code.push(Inst::add(R7, R5, R6)?);
    code.branch(Inst::jltu(R4, R7, 0)?, trap);
    code.push(Inst::add(R7, R2, R6)?);
    code.branch(Inst::jltu(R1, R7, 0)?, trap);
    code.branch(Inst::jz(R6, 0)?, done);
    code.push(Inst::add(R0, R0, R2)?);
    code.push(Inst::add(R3, R3, R5)?);
    code.branch(Inst::jgeu(R3, R0, 0)?, forwards);
    let next = code.here();
    code.push(Inst::addi(R6, R6, -1)?);
    code.push(Inst::add(R7, R3, R6)?);
    get(code, R8, R7)?;
    code.push(Inst::add(R7, R0, R6)?);
    set(code, R8, R7)?;
    code.branch(Inst::jnz(R6, 0)?, next);
    code.push(Inst::ret()?);
    code.bind(forwards);
    let next = code.here();
    get(code, R8, R3)?;
    set(code, R8, R0)?;
    code.push(Inst::addi(R3, R3, 1)?);
    code.push(Inst::addi(R0, R0, 1)?);
    code.branch(Inst::loop_(R6, 0)?, next);
    end(code, done, trap)
}

/// Emits table.fill. R0, R1: first global and size of the table; R2: index; R3: value; R4: count.
fn fill(code: &mut FunctionBuilder) -> Result<(), Error> {
    let (trap, done) = (code.label(), code.label());
    code.push(Inst::add(R5, R2, R4)?);
    code.branch(Inst::jltu(R1, R5, 0)?, trap);
    code.branch(Inst::jz(R4, 0)?, done);
    code.push(Inst::add(R0, R0, R2)?);
    let next = code.here();
    set(code, R3, R0)?;
    code.push(Inst::addi(R0, R0, 1)?);
    code.branch(Inst::loop_(R4, 0)?, next);
    end(code, done, trap)
}

/// Emits table.grow. R0: first global of the table; R1: global with its size; R2: capacity; R3: value; R4: count. It
/// returns the size before, or −1 as 32 bits.
fn grow(code: &mut FunctionBuilder) -> Result<(), Error> {
    let (failed, done) = (code.label(), code.label());
    get(code, R5, R1)?;
    code.push(Inst::add(R6, R5, R4)?);
    code.branch(Inst::jltu(R2, R6, 0)?, failed);
    set(code, R6, R1)?;
    code.branch(Inst::jz(R4, 0)?, done);
    code.push(Inst::add(R0, R0, R5)?);
    let next = code.here();
    set(code, R3, R0)?;
    code.push(Inst::addi(R0, R0, 1)?);
    code.branch(Inst::loop_(R4, 0)?, next);
    code.bind(done);
    code.push(Inst::mov(R0, R5)?);
    code.push(Inst::ret()?);
    fail(code, failed)
}

/// Emits the return of −1 as 32 bits.
fn fail(code: &mut FunctionBuilder, failed: Label) -> Result<(), Error> {
    code.bind(failed);
    code.push(Inst::movi(R0, -1)?);
    code.push(Inst::zext(R0, R0, 32)?);
    code.push(Inst::ret()?);
    Ok(())
}

/// Emits memory.grow by bytes. R0: count; R1: global with the size of the memory in bytes; R2: the most bytes. It
/// returns the size before, or −1 as 32 bits. If the program's memory is too small, pages are added; they are zero, and
/// the bytes of the last one that the module does not have yet stay so.
fn grow_bytes(code: &mut FunctionBuilder, adds_pages: bool) -> Result<(), Error> {
    let (failed, done) = (code.label(), code.label());
    get(code, R3, R1)?;
    code.push(Inst::add(R4, R3, R0)?);
    code.branch(Inst::jltu(R2, R4, 0)?, failed);
    if adds_pages {
        code.push(Inst::memsize(R5)?);
        code.branch(Inst::jgeu(R5, R4, 0)?, done);
        // ⌈missing ÷ 65,536⌉
        code.push(Inst::sub(R5, R4, R5)?);
        code.push(Inst::addi(R5, R5, -1)?);
        code.push(Inst::shri(R5, R5, 16)?);
        code.push(Inst::addi(R5, R5, 1)?);
        code.push(Inst::memgrow(R5, R5)?);
        // The number of pages before fits 17 bits, and the number for "they do not fit" has 32.
        code.push(Inst::shri(R5, R5, 17)?);
        code.branch(Inst::jnz(R5, 0)?, failed);
    }
    code.bind(done);
    set(code, R4, R1)?;
    code.push(Inst::mov(R0, R3)?);
    code.push(Inst::ret()?);
    fail(code, failed)
}
