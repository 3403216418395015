//! A 64-bit RISC-V in machine mode: assembles, verifies and compiles programs without an operating system, and runs the
//! machine code.

#![no_std]
#![no_main]

mod start;

use core::arch::asm;
use core::ops::Range;
use core::ptr;

use board_checks::board::Board;
use board_checks::heap::Heap;
use board_checks::pages::CodeMemory;
use board_checks::{machine, report};

/// The table of checks, from the build script.
static TABLE: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/checks"));

/// The program that is measured, as the computer assembled it.
static KERNELS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/kernels"));

#[global_allocator]
static HEAP: Heap = Heap::new();

/// The data register of the UART (16550).
const UART: *mut u8 = ptr::without_provenance_mut(0x1000_0000);

/// The register that ends the emulator, and its values for an end without and with an error.
const FINISH: *mut u32 = ptr::without_provenance_mut(0x10_0000);
const PASSED: u32 = 0x5555;
const FAILED: u32 = 0x1_3333;

// The linker script's.
unsafe extern "C" {
    static __stack: u8;
    static __stack_end: u8;
    static __code: u8;
    static __code_end: u8;
    static __heap: u8;
    static __heap_end: u8;
}

#[derive(Debug)]
struct Virt;

impl Board for Virt {
    fn write(bytes: &[u8]) {
        for byte in bytes {
            // SAFETY: it is the UART's register.
            unsafe { UART.write_volatile(*byte) };
        }
    }

    fn instructions() -> u64 {
        let count;
        // SAFETY: reads a register.
        unsafe { asm!("csrr {}, minstret", out(reg) count, options(nostack, preserves_flags)) };
        count
    }

    fn exit(passed: bool) -> ! {
        // SAFETY: it is the register of the emulator's test device.
        unsafe { FINISH.write_volatile(if passed { PASSED } else { FAILED }) };
        loop {
            core::hint::spin_loop();
        }
    }

    fn stack() -> Range<usize> {
        (&raw const __stack).addr()..(&raw const __stack_end).addr()
    }
}

// SAFETY: the linker script gives these addresses to nothing else. In machine mode without locked entries of the
// physical memory protection, all memory can be read, written and executed: nothing has to be changed, and nothing
// prevents writes to machine code.
unsafe impl CodeMemory for Virt {
    fn addresses() -> Range<usize> {
        (&raw const __code).addr()..(&raw const __code_end).addr()
    }

    fn set_executable(_: Range<usize>, _: bool) {}
}

#[panic_handler]
fn panic(info: &core::panic::PanicInfo<'_>) -> ! {
    machine::panicked::<Virt>(info)
}

/// The handler of all exceptions.
extern "C" fn fault(cause: u64, at: u64, address: u64) -> ! {
    report::exception::<Virt>("cause", cause, at, address)
}

/// Goes on after the start code, which has made a stack and zeroed what has to be.
extern "C" fn main() -> ! {
    // SAFETY: the linker script gives these addresses to nothing else.
    unsafe { HEAP.init((&raw const __heap).addr()..(&raw const __heap_end).addr()) };
    machine::run::<Virt>(&HEAP, KERNELS, TABLE)
}
