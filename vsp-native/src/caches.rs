//! The maintenance of caches after machine code was written.

use core::ops::Range;

/// Makes newly written bytes visible to the instructions that this core fetches from then on. Other cores that will run
/// the code have to discard what they fetched: on aarch64 with an `ISB` (an exception return is one), on riscv64 with a
/// `FENCE.I`. On x86_64 and s390x there is nothing to do.
///
/// An operating system has calls of its own for this, which reach all threads.
///
/// Source: Arm Architecture Reference Manual for A-profile, B2.4.4 and CTR_EL0; RISC-V unprivileged specification,
/// Zifencei.
///
/// # Safety
/// The addresses are mapped, and the instructions of cache maintenance are allowed at this privilege level.
pub unsafe fn synchronize(range: Range<usize>) {
    #[cfg(target_arch = "aarch64")]
    // SAFETY: the caller promises that the addresses are mapped; no value in memory changes.
    unsafe {
        aarch64(range);
    }
    #[cfg(target_arch = "riscv64")]
    // SAFETY: the instruction changes no value.
    unsafe {
        core::arch::asm!("fence rw, rw", "fence.i", options(nostack, preserves_flags));
    }
    #[cfg(not(any(target_arch = "aarch64", target_arch = "riscv64")))]
    let _ = range;
    #[cfg(target_arch = "riscv64")]
    let _ = range;
}

/// Cleans the data cache to the point of unification, and invalidates the instruction cache, line by line.
///
/// # Safety
/// The addresses are mapped.
#[cfg(target_arch = "aarch64")]
unsafe fn aarch64(range: Range<usize>) {
    use core::arch::asm;
    let ctr: usize;
    // SAFETY: reads a register.
    unsafe { asm!("mrs {}, ctr_el0", out(reg) ctr, options(nomem, nostack, preserves_flags)) };
    // The sizes are logarithms of numbers of words.
    let (instruction_line, data_line) = (4 << (ctr & 15), 4 << (ctr >> 16 & 15));
    let lines = |size: usize| (range.start & !(size - 1)..range.end).step_by(size);
    for line in lines(data_line) {
        // SAFETY: cleaning a line of mapped memory changes no value in it.
        unsafe { asm!("dc cvau, {}", in(reg) line, options(nostack, preserves_flags)) };
    }
    // SAFETY: waits for the lines.
    unsafe { asm!("dsb ish", options(nostack, preserves_flags)) };
    for line in lines(instruction_line) {
        // SAFETY: instructions are fetched again; no value in memory changes.
        unsafe { asm!("ic ivau, {}", in(reg) line, options(nostack, preserves_flags)) };
    }
    // SAFETY: waits for the lines, and discards what was fetched.
    unsafe { asm!("dsb ish", "isb", options(nostack, preserves_flags)) };
}
