//! Small versions of the functions that copy, fill and compare memory. Those that come with Rust are unrolled for
//! speed, and take 3 KB.
//!
//! They work a word at a time where all addresses are aligned, which those of instances are, and otherwise a byte at a
//! time. A linker takes them instead of Rust's, which are weak symbols.

use core::arch::global_asm;

// The first line of each function says what its registers are.
global_asm! {
    ".syntax unified",
    ".thumb",
    ".macro vsp_function names:vararg",
    "  .irp name, \\names",
    "    .global \\name",
    "    .type \\name, %function",
    "    \\name:",
    "  .endr",
    ".endm",

    ".section .text.vsp_copy, \"ax\", %progbits",
    "vsp_function memcpy, memmove, __aeabi_memcpy, __aeabi_memcpy4, __aeabi_memcpy8",
    "vsp_function __aeabi_memmove, __aeabi_memmove4, __aeabi_memmove8",
    // r0: to, which is also the result; r1: from; r2: number of bytes.
    "  subs r3, r0, r1",
    "  cmp r3, r2",
    "  blo 5f",
    "  orr r12, r0, r1",
    "  mov r3, r0",
    "  tst r12, #3",
    "  bne 3f",
    "1: subs r2, #4",
    "  blo 2f",
    "  ldr r12, [r1], #4",
    "  str r12, [r3], #4",
    "  b 1b",
    "2: adds r2, #4",
    "3: subs r2, #1",
    "  blo 6f",
    "  ldrb r12, [r1], #1",
    "  strb r12, [r3], #1",
    "  b 3b",
    // To a higher address in the same range: backwards.
    "4: ldrb r12, [r1, r2]",
    "  strb r12, [r0, r2]",
    "5: subs r2, #1",
    "  bhs 4b",
    "6: bx lr",

    ".section .text.vsp_fill, \"ax\", %progbits",
    "vsp_function memset",
    // r0: to, which is also the result; r1: the byte; r2: number of bytes.
    "  mov r3, r1",
    "  mov r1, r2",
    "  mov r2, r3",
    "  b 1f",
    "vsp_function __aeabi_memclr, __aeabi_memclr4, __aeabi_memclr8",
    // r0: to; r1: number of bytes.
    "  movs r2, #0",
    "vsp_function __aeabi_memset, __aeabi_memset4, __aeabi_memset8",
    // r0: to; r1: number of bytes; r2: the byte.
    "1: mov r3, r0",
    "  tst r0, #3",
    "  bne 4f",
    "  uxtb r2, r2",
    "  orr r2, r2, r2, lsl #8",
    "  orr r2, r2, r2, lsl #16",
    "2: subs r1, #4",
    "  blo 3f",
    "  str r2, [r3], #4",
    "  b 2b",
    "3: adds r1, #4",
    "4: subs r1, #1",
    "  blo 5f",
    "  strb r2, [r3], #1",
    "  b 4b",
    "5: bx lr",

    ".section .text.vsp_compare, \"ax\", %progbits",
    "vsp_function memcmp, bcmp",
    // r0, r1: what is compared, then r0 is the difference; r2: number of bytes.
    "  mov r3, r0",
    "1: subs r2, #1",
    "  blo 2f",
    "  ldrb r0, [r3], #1",
    "  ldrb r12, [r1], #1",
    "  subs r0, r0, r12",
    "  beq 1b",
    "  bx lr",
    "2: movs r0, #0",
    "  bx lr",
}
