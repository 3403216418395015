//! The allocations of an instance: none while it runs, and an error instead of an abort when there is not enough
//! memory.
#![cfg(all(feature = "text", feature = "math"))]

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering};

use vsp_core::program::Program;
use vsp_core::verify::Verified;
use vsp_core::{Caller, Imports, Instance, InstantiateError, Options, Outcome, text};

/// Counts allocations, and refuses those above a gigabyte.
struct Counting;

static ALLOCATIONS: AtomicUsize = AtomicUsize::new(0);

// SAFETY: every call is forwarded to the system allocator, or returns null, which an allocator may always do.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        if layout.size() > 1 << 30 {
            return core::ptr::null_mut();
        }
        // SAFETY: the caller upholds the same contract.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        // SAFETY: `memory` came from `System.alloc` with this layout.
        unsafe { System.dealloc(memory, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

const BUSY: &str = "
.memory 4096
.import t.f (1) -> 1
.export busy
.func busy (1) -> 1
    MOV   R8, R0
again:
    MOV   R0, R8
    CALL  work
    SYSCALL t.f
    STOREX [R1 + R8*8], R0
    LOOP  R8, again
    MOVI  R2, 64
    MEMCOPY R1, R2, R2
    YIELD R0
    RET
.end
.func work (1) -> 1
    .locals 100
    SETL  R0, 99
    FMATH R1, sin, R0
    RET
.end
";

/// A single test, so that no other thread allocates at the same time.
#[test]
fn an_instance_allocates_only_when_it_is_made() {
    let bytes = text::assemble(BUSY, "busy.sil").unwrap();
    let program = Verified::new(Program::read(&bytes[..]).unwrap()).unwrap();
    let mut imports = Imports::<()>::new();
    imports.define("t", "f", |_: &mut Caller<'_, ()>, value: u64| value + 1).unwrap();
    let options = Options { fuel: Some(1_000_000), ..Options::default() };
    let mut instance = Instance::new(&program, &imports, (), options).unwrap();
    let function = program.export("busy").unwrap();

    let before = ALLOCATIONS.load(Ordering::Relaxed);
    let suspended = instance.call(function, &[100]);
    let resumed = instance.resume(&[5]);
    let after = ALLOCATIONS.load(Ordering::Relaxed);
    assert!(matches!(suspended, Ok(Outcome::Suspended(_))), "{suspended:?}");
    assert!(matches!(resumed, Ok(Outcome::Returned(_))), "{resumed:?}");
    assert_eq!(after - before, 0);

    let options = Options { memory: Some(1 << 32), ..Options::default() };
    let refused = Instance::new(&program, &imports, (), options).unwrap_err();
    assert_eq!(refused, InstantiateError::OutOfMemory);
    let options = Options { stack_cells: Some(1 << 28), ..Options::default() };
    let refused = Instance::new(&program, &imports, (), options).unwrap_err();
    assert_eq!(refused, InstantiateError::OutOfMemory);
}
