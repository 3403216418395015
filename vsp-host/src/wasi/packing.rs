//! Functions with more parameters than the registers of a call.
//!
//! A function of a program has at most eight parameters. One of WebAssembly that is imported with more has its `i32`
//! parameters packed: from the left, two neighbours that are both `i32` share a register, the left one in the low half,
//! and this continues after the pair until eight registers are left.

/// Returns the two parameters of a register.
pub(super) fn halves(register: u64) -> (u32, u32) {
    (register as u32, (register >> 32) as u32)
}
