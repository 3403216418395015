/* Starts an example on the board MPS2 with a Cortex-M4. The C library prints through the debugger (semihosting). */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

extern uint8_t data_start[], data_end[], data_image[], bss_start[], bss_end[];

/* The end of the memory, not a function: the first vector is the stack pointer. */
void stack_top(void);

int main(void);
void initialise_monitor_handles(void);
void start(void);

void start(void) {
    /* The floating-point unit is off after a reset: CPACR, CP10 and CP11. */
    *(volatile uint32_t *)0xE000ED88 |= 0xFu << 20;
    __asm__ volatile("dsb\n isb" ::: "memory");
    memcpy(data_start, data_image, (size_t)(data_end - data_start));
    memset(bss_start, 0, (size_t)(bss_end - bss_start));
    initialise_monitor_handles();
    exit(main());
}

static void fault(void) {
    abort();
}

/* The stack, the start, and the exceptions of the processor up to that of the timer. */
__attribute__((section(".vectors"), used)) static void (*const vectors[16])(void) = {
    stack_top, start, fault, fault, fault, fault, fault, NULL,
    NULL, NULL, NULL, fault, fault, NULL, fault, fault,
};

/* What the C library calls before and after main, if there are constructors. There are none. */
void _init(void);
void _init(void) {}
void _fini(void);
void _fini(void) {}
