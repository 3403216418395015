//! A Cortex-A53: assembles, verifies and compiles programs without an operating system, and runs the machine code.

#![no_std]
#![no_main]

mod memory;
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

/// The data register of the UART (PL011).
const UART: *mut u32 = ptr::without_provenance_mut(0x900_0000);

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
            unsafe { UART.write_volatile((*byte).into()) };
        }
    }

    fn instructions() -> u64 {
        let (count, frequency): (u64, u64);
        // SAFETY: reads registers.
        unsafe {
            asm!("isb", "mrs {}, cntvct_el0", "mrs {}, cntfrq_el0", out(reg) count, out(reg) frequency,
                options(nostack, preserves_flags));
        }
        // One instruction in a nanosecond of virtual time.
        count * (1_000_000_000 / frequency)
    }

    fn exit(passed: bool) -> ! {
        // ADP_Stopped_ApplicationExit, and the status.
        let block = [0x20026, u64::from(!passed)];
        // SAFETY: the operation SYS_EXIT reads the block.
        unsafe { asm!("hlt #0xf000", in("x0") 0x18, in("x1") &block, options(nostack)) };
        loop {
            core::hint::spin_loop();
        }
    }

    fn stack() -> Range<usize> {
        (&raw const __stack).addr()..(&raw const __stack_end).addr()
    }
}

// SAFETY: the linker script gives these addresses to nothing else. Each page has an entry of its own in the tables.
unsafe impl CodeMemory for Virt {
    fn addresses() -> Range<usize> {
        (&raw const __code).addr()..(&raw const __code_end).addr()
    }

    fn set_executable(pages: Range<usize>, executable: bool) {
        memory::set_executable(Self::addresses().start, pages, executable);
    }

    fn can_write(address: usize) -> Option<bool> {
        Some(memory::can_write(address))
    }
}

#[panic_handler]
fn panic(info: &core::panic::PanicInfo<'_>) -> ! {
    machine::panicked::<Virt>(info)
}

/// The handler of all exceptions.
extern "C" fn fault(syndrome: u64, at: u64, address: u64) -> ! {
    report::exception::<Virt>("syndrome", syndrome, at, address)
}

/// Goes on after the start code, which has made a stack and zeroed what has to be.
extern "C" fn main() -> ! {
    memory::init(Virt::addresses().start);
    // SAFETY: the linker script gives these addresses to nothing else.
    unsafe { HEAP.init((&raw const __heap).addr()..(&raw const __heap_end).addr()) };
    machine::run::<Virt>(&HEAP, KERNELS, TABLE)
}
