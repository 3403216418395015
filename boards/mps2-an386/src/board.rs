//! The board: console and exit by semihosting, a timer, and a heap in the external RAM.

use core::ops::Range;
use core::ptr;

use board_checks::board::Board;
use board_checks::heap::Heap;
use board_checks::report::print;
use board_checks::semihosting;

#[global_allocator]
pub(crate) static HEAP: Heap = Heap::new();

/// The addresses of the heap.
const HEAP_MEMORY: Range<usize> = 0x2100_0000..0x2200_0000;

/// Timer 0 (CMSDK APB timer): counts down at 25 MHz.
const TIMER: usize = 0x4000_0000;
const TIMER_CONTROL: *mut u32 = ptr::without_provenance_mut(TIMER);
const TIMER_VALUE: *mut u32 = ptr::without_provenance_mut(TIMER + 4);
const TIMER_RELOAD: *mut u32 = ptr::without_provenance_mut(TIMER + 8);

/// The instructions of a tick, with one instruction in a nanosecond of virtual time.
const TICK: u64 = 40;

unsafe extern "C" {
    /// The end of the stack, from the linker script of cortex-m-rt.
    static _stack_start: u8;
    /// The end of what is initialised.
    static __sheap: u8;
}

pub(crate) struct Mps2;

impl Board for Mps2 {
    fn write(bytes: &[u8]) {
        semihosting::write(bytes);
    }

    fn instructions() -> u64 {
        // SAFETY: the register of the timer can be read at any time.
        u64::from(u32::MAX - unsafe { TIMER_VALUE.read_volatile() }) * TICK
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
    print::<Mps2>(&["Bail out! panic\n"]);
    Mps2::exit(false)
}

/// Starts the timer and gives the heap its memory. It is called once, at the start.
pub(crate) fn init() {
    // SAFETY: nothing else is in this memory. The timer is this program's.
    unsafe {
        HEAP.init(HEAP_MEMORY);
        TIMER_RELOAD.write_volatile(u32::MAX);
        TIMER_VALUE.write_volatile(u32::MAX);
        TIMER_CONTROL.write_volatile(1);
    }
}
