//! From reset to `main`: floating point, stack, zeros, a handler of traps. One hart goes on, the others sleep.

use core::arch::global_asm;

global_asm!(
    r#"
    .option arch, +zicsr
    .section .text.start, "ax"
    .global _start
_start:
    csrr    t0, mhartid
    bnez    t0, sleep
    li      t0, 1 << 13             # mstatus.FS: floating point, initial state
    csrs    mstatus, t0
    la      t0, exception
    csrw    mtvec, t0
    la      sp, __stack_end
    la      t0, __bss
    la      t1, __bss_end
zero:
    bgeu    t0, t1, zeroed
    sd      zero, (t0)
    addi    t0, t0, 8
    j       zero
zeroed:
    call    {main}
sleep:
    wfi
    j       sleep

    .balign 4
exception:
    csrr    a0, mcause
    csrr    a1, mepc
    csrr    a2, mtval
    call    {fault}
"#,
    main = sym super::main,
    fault = sym super::fault,
);
