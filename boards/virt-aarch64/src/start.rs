//! From reset to `main`: floating point, stack, zeros, vectors. One core goes on, the others sleep.

use core::arch::global_asm;

global_asm!(
    r#"
    .section .text.start, "ax"
    .global _start
_start:
    mrs     x0, mpidr_el1
    tst     x0, #0xff
    b.ne    sleep
    mov     x0, #(3 << 20)          // CPACR_EL1.FPEN: no traps
    msr     cpacr_el1, x0
    isb
    adrp    x0, __stack_end
    add     sp, x0, :lo12:__stack_end
    adr     x0, vectors
    msr     vbar_el1, x0
    adrp    x0, __bss
    add     x0, x0, :lo12:__bss
    adrp    x1, __bss_end
    add     x1, x1, :lo12:__bss_end
zero:
    cmp     x0, x1
    b.hs    zeroed
    stp     xzr, xzr, [x0], #16
    b       zero
zeroed:
    bl      {main}
sleep:
    wfe
    b       sleep

    .balign 2048
vectors:
    .rept 16
    b       exception
    .balign 128
    .endr
exception:
    mrs     x0, esr_el1
    mrs     x1, elr_el1
    mrs     x2, far_el1
    bl      {fault}
"#,
    main = sym super::main,
    fault = sym super::fault,
);
