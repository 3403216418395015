//! Console and end of a Cortex-M by semihosting: a debugger, or the emulator, does it.

use core::arch::asm;
use core::ptr;

/// Writes bytes to the console.
pub fn write(bytes: &[u8]) {
    // SYS_WRITE0 would need a zero at the end: SYS_WRITEC writes one byte.
    for byte in bytes {
        call(3, ptr::from_ref(byte).expose_provenance());
    }
}

/// Ends the emulator.
pub fn exit(passed: bool) -> ! {
    // SYS_EXIT: ADP_Stopped_ApplicationExit, or ADP_Stopped_RunTimeErrorUnknown.
    call(0x18, if passed { 0x20026 } else { 0x20023 });
    loop {
        core::hint::spin_loop();
    }
}

/// Asks for an operation.
fn call(operation: usize, argument: usize) {
    // SAFETY: operations 3 and 0x18 read at most the byte at their argument.
    unsafe { asm!("bkpt 0xab", inout("r0") operation => _, in("r1") argument, options(nostack)) };
}
