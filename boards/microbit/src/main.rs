//! A Cortex-M0, without an instruction that divides, and with 16 KiB of RAM: the interpreter on integers.

#![no_std]
#![no_main]

use core::cell::UnsafeCell;
use core::ops::Range;
use core::ptr;

use board_checks::board::Board;
use board_checks::check::Interpreter;
use board_checks::heap::Heap;
use board_checks::report::{Report, print};
use board_checks::{host, semihosting};
use cortex_m_rt::entry;

/// The table of checks, from the build script.
static TABLE: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/checks"));

#[global_allocator]
static HEAP: Heap = Heap::new();

/// The memory of the heap. The stack has the rest.
static HEAP_MEMORY: HeapMemory = HeapMemory(UnsafeCell::new([0; 12 << 10]));

#[repr(align(16))]
struct HeapMemory(UnsafeCell<[u8; 12 << 10]>);

// SAFETY: only the heap uses it.
unsafe impl Sync for HeapMemory {}

/// Timer 0 of the nRF51, which counts up at 16 MHz: a count is 62.5 instructions, with one in a nanosecond of virtual
/// time.
const TIMER: usize = 0x4000_8000;
const TIMER_START: *mut u32 = ptr::without_provenance_mut(TIMER);
const TIMER_CAPTURE: *mut u32 = ptr::without_provenance_mut(TIMER + 0x40);
const TIMER_BITS: *mut u32 = ptr::without_provenance_mut(TIMER + 0x508);
const TIMER_PRESCALER: *mut u32 = ptr::without_provenance_mut(TIMER + 0x510);
const TIMER_CAPTURED: *mut u32 = ptr::without_provenance_mut(TIMER + 0x540);

/// The setting for a timer of 32 bits.
const ALL_BITS: u32 = 3;

unsafe extern "C" {
    /// The end of the stack, from the linker script of cortex-m-rt.
    static _stack_start: u8;
    /// The end of what is initialised.
    static __sheap: u8;
}

struct Microbit;

impl Board for Microbit {
    fn write(bytes: &[u8]) {
        semihosting::write(bytes);
    }

    fn instructions() -> u64 {
        // SAFETY: they are the registers of the timer.
        let count = unsafe {
            TIMER_CAPTURE.write_volatile(1);
            TIMER_CAPTURED.read_volatile()
        };
        u64::from(count) * 125 / 2
    }

    fn exit(passed: bool) -> ! {
        semihosting::exit(passed)
    }

    fn stack() -> Range<usize> {
        (&raw const __sheap).addr()..(&raw const _stack_start).addr()
    }
}

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    print::<Microbit>(&["Bail out! panic\n"]);
    Microbit::exit(false)
}

#[entry]
fn main() -> ! {
    let start = HEAP_MEMORY.0.get().expose_provenance();
    // SAFETY: nothing else uses this memory. The timer is this program's.
    unsafe {
        HEAP.init(start..start + size_of::<HeapMemory>());
        TIMER_BITS.write_volatile(ALL_BITS);
        TIMER_PRESCALER.write_volatile(0);
        TIMER_START.write_volatile(1);
    }
    let mut report = Report::<Microbit>::new();
    let Ok(imports) = host::imports() else { Microbit::exit(false) };
    report.figure(&["table"], TABLE.len() as u64);
    report.table(TABLE, &mut Interpreter, &imports, &HEAP);
    report.end()
}
