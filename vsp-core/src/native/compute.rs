//! The computations that machine code delegates to the host.

use crate::isa::{MathFn, Opcode, ops};

/// Returns the number by which machine code requests an instruction with this 12-bit immediate (0 if it has none).
pub const fn function_number(op: Opcode, imm: u32) -> u64 {
    op.number() as u64 | (imm as u64) << 8
}

/// Computes an instruction that machine code delegates to the host, from the bits of its operands. It is the
/// implementation of [`Context::math`](super::Context::math). `function` is a [`function_number`].
///
/// # Panics
/// `function` is not a number that the compiler uses.
pub fn compute(function: u64, b: u64, c: u64) -> u64 {
    let imm = (function >> 8) as u32;
    match Opcode::from_number(function as u8) {
        Some(Opcode::FMATH) => match MathFn::from_number(imm) {
            Some(function) => ops::float::fmath(function, b, c),
            None => unreachable!("verified: the function exists"),
        },
        Some(Opcode::COMPLEX_RE) => ops::complex::complex_re(b),
        Some(Opcode::COMPLEX_IM) => ops::complex::complex_im(b),
        Some(Opcode::COMPLEX_FROM) => ops::complex::complex_from(b, c),
        Some(Opcode::COMPLEX_LERP) => ops::complex::complex_lerp(b, c, imm),
        _ => unreachable!("the compiler lowers all others"),
    }
}
