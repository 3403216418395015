//! A PC in 64-bit mode: assembles, verifies and compiles programs without an operating system, and runs the machine
//! code.

#![no_std]
#![no_main]

mod memory;
mod start;

use core::arch::asm;
use core::ops::Range;

use board_checks::board::Board;
use board_checks::heap::Heap;
use board_checks::machine;
use board_checks::pages::CodeMemory;

/// The table of checks, from the build script.
static TABLE: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/checks"));

/// The program that is measured, as the computer assembled it.
static KERNELS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/kernels"));

#[global_allocator]
static HEAP: Heap = Heap::new();

/// The port of the first serial line.
const SERIAL: u16 = 0x3F8;

/// The port that ends the emulator, which makes the exit status 2n + 1 of the number n, and these numbers.
const FINISH: u16 = 0xF4;
const PASSED: u8 = 16;
const FAILED: u8 = 17;

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
struct Pc;

impl Board for Pc {
    fn write(bytes: &[u8]) {
        for byte in bytes {
            out(SERIAL, *byte);
        }
    }

    fn instructions() -> u64 {
        // SAFETY: reads a counter: of virtual nanoseconds, one for each instruction.
        unsafe { core::arch::x86_64::_rdtsc() }
    }

    fn exit(passed: bool) -> ! {
        out(FINISH, if passed { PASSED } else { FAILED });
        loop {
            core::hint::spin_loop();
        }
    }

    fn stack() -> Range<usize> {
        (&raw const __stack).addr()..(&raw const __stack_end).addr()
    }
}

// SAFETY: the linker script gives these addresses to nothing else. Each page has an entry of its own in the tables.
unsafe impl CodeMemory for Pc {
    fn addresses() -> Range<usize> {
        (&raw const __code).addr()..(&raw const __code_end).addr()
    }

    fn set_executable(pages: Range<usize>, executable: bool) {
        memory::set_executable(Self::addresses().start, pages, executable);
    }
}

/// Writes a byte to a port of the serial line or of the emulator.
fn out(port: u16, byte: u8) {
    // SAFETY: these ports change nothing in memory.
    unsafe { asm!("out dx, al", in("dx") port, in("al") byte, options(nomem, nostack, preserves_flags)) };
}

#[panic_handler]
fn panic(info: &core::panic::PanicInfo<'_>) -> ! {
    machine::panicked::<Pc>(info)
}

/// Goes on after the start code, which has made a stack and zeroed what has to be.
extern "C" fn main() -> ! {
    memory::init(Pc::addresses().start);
    // SAFETY: the linker script gives these addresses to nothing else.
    unsafe { HEAP.init((&raw const __heap).addr()..(&raw const __heap_end).addr()) };
    machine::run::<Pc>(&HEAP, KERNELS, TABLE)
}
