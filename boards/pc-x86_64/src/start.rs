//! From the entry of the boot protocol PVH, in 32-bit mode without paging, to `main` in 64-bit mode.
//!
//! There are no handlers of exceptions: one resets the processor, and the emulator ends without the status of success.

use core::arch::global_asm;

global_asm!(
    r#"
    // XEN_ELFNOTE_PHYS32_ENTRY: where the emulator starts the image.
    .section .note.pvh, "a", @note
    .balign 4
    .long 4, 4, 18
    .asciz "Xen"
    .long _start

    .section .text.start, "ax"
    .code32
    .global _start
_start:
    cli
    cld
    mov     $__stack_end, %esp
    mov     $__bss, %edi
    mov     $__bss_end, %ecx
    sub     %edi, %ecx
    shr     $2, %ecx
    xor     %eax, %eax
    rep     stosl

    // The first GiB, each address is its own, with all rights until `memory::init`.
    movl    ${second}, {first}
    orl     $3, {first}
    movl    ${third}, {second}
    orl     $3, {second}
    xor     %ecx, %ecx
block:
    mov     %ecx, %eax
    shl     $21, %eax
    or      $0x83, %eax             // a page of 2 MiB, writable, present
    mov     %eax, {third}(,%ecx,8)
    inc     %ecx
    cmp     $512, %ecx
    jne     block

    mov     $(1 << 5 | 1 << 9 | 1 << 10), %eax  // CR4: PAE; SSE, which machine code uses
    mov     %eax, %cr4
    mov     ${first}, %eax
    mov     %eax, %cr3
    mov     $0xC0000080, %ecx       // EFER: long mode; pages that are not executed
    rdmsr
    or      $(1 << 8 | 1 << 11), %eax
    wrmsr
    mov     $(1 << 31 | 1 << 16 | 1 << 1 | 1), %eax // CR0: paging; read-only is for this level too; no emulation
    mov     %eax, %cr0
    lgdt    descriptors
    ljmp    $8, $long_mode

    .code64
long_mode:
    mov     $16, %eax
    mov     %eax, %ds
    mov     %eax, %es
    mov     %eax, %ss
    mov     $__stack_end, %rsp
    call    {main}

    .section .rodata.start, "a"
    .balign 8
table:
    .quad   0
    .quad   0x00209A0000000000      // code, 64 bits
    .quad   0x0000920000000000      // data
descriptors:
    .short  3 * 8 - 1
    .long   table
    .text
"#,
    main = sym super::main,
    first = sym super::memory::FIRST,
    second = sym super::memory::SECOND,
    third = sym super::memory::THIRD,
    options(att_syntax),
);
