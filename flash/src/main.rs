//! The code that a microcontroller links to read, verify and interpret a program in its flash memory. `flash/measure`
//! builds it and prints its size.
//!
//! The allocator and everything specific to a board are left out: they are symbols that the measured image does not
//! define. So is the program, unless the feature `thermostat` embeds that of `examples/devices/thermostat.rs`.
#![no_std]
#![no_main]

extern crate alloc;

mod runtime;

use core::alloc::{GlobalAlloc, Layout};
use core::mem::ManuallyDrop;

use vsp_core::program::Program;
use vsp_core::verify::Verified;
use vsp_core::{Caller, Imports, Instance, Options, Outcome};

unsafe extern "C" {
    /// Allocates memory of this size and alignment, or returns null.
    fn board_allocate(size: usize, align: usize) -> *mut u8;
    /// Frees memory.
    fn board_free(memory: *mut u8, size: usize);
    /// Sets a pin, as an example of a host function.
    safe fn board_set_pin(pin: u32, level: u32);
    /// Returns a sample of the thermistor, or a negative number when the board is switched off.
    #[cfg(feature = "thermostat")]
    safe fn board_sample() -> i32;
    /// The bytes of the program, in flash.
    #[cfg(not(feature = "thermostat"))]
    static PROGRAM: [u8; 4096];
}

/// The bytes of the program, which `flash/measure` builds.
#[cfg(feature = "thermostat")]
static PROGRAM: &[u8] = vsp_core::include_program!("../target/thermostat.silc");

struct Board;

// SAFETY: the board's functions are an allocator by their contract above.
unsafe impl GlobalAlloc for Board {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the symbol's definition has no other requirements.
        unsafe { board_allocate(layout.size(), layout.align()) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        // SAFETY: `memory` came from `alloc` with this layout, which is the caller's promise.
        unsafe { board_free(memory, layout.size()) }
    }
}

#[global_allocator]
static BOARD: Board = Board;

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    loop {}
}

/// Runs the export `run`. Returns 0 if it returned or halted, `None` otherwise. Firmware does so once, and never drops
/// the instance.
fn run(program: &[u8]) -> Option<u32> {
    let verified = ManuallyDrop::new(Verified::new(Program::read(program).ok()?).ok()?);
    let mut imports = ManuallyDrop::new(Imports::<()>::new());
    let set = |_: &mut Caller<'_, ()>, pin: u32, level: u32| board_set_pin(pin, level);
    imports.define("board", "set_pin", set).ok()?;
    #[cfg(feature = "thermostat")]
    imports.define("board", "sample", |_: &mut Caller<'_, ()>| board_sample()).ok()?;
    let options = Options { stack_cells: Some(256), fuel: Some(1_000_000), ..Options::default() };
    let mut instance = ManuallyDrop::new(Instance::new(&*verified, &*imports, (), options).ok()?);
    let mut outcome = instance.call_export("run", &[]).ok()?;
    while let Outcome::Suspended(_) = outcome {
        instance.add_fuel(1_000_000);
        outcome = instance.resume(&[]).ok()?;
    }
    match outcome {
        Outcome::Returned(_) | Outcome::Halted(_) => Some(0),
        _ => None,
    }
}

/// The entry point.
#[unsafe(no_mangle)]
pub extern "C" fn _start() -> u32 {
    #[cfg(feature = "thermostat")]
    let program = PROGRAM;
    #[cfg(not(feature = "thermostat"))]
    // SAFETY: the linker places the program; nothing writes to it.
    let program = unsafe { &*(&raw const PROGRAM) };
    run(program).unwrap_or(1)
}
