//! The translation of addresses: each address is its own, and no memory is both written and executed.
//!
//! The image's text and constants are read-only, and only its text is executed, besides the pages of machine code,
//! which `set_executable` changes one by one. (Intel 64 and IA-32 Architectures Software Developer's Manual, volume 3,
//! 4.5.)

use core::arch::asm;
use core::ops::Range;
use core::ptr;
use core::sync::atomic::{AtomicU64, Ordering};

/// Where the image begins: in the block behind the first.
const IMAGE: usize = BLOCK;

/// The size of what an entry of the third level stands for.
const BLOCK: usize = 2 << 20;
const PAGE: usize = 4096;

// Bits of an entry.
const PRESENT: u64 = 1;
const WRITABLE: u64 = 1 << 1;
/// At the third level: no table follows.
const LAST: u64 = 1 << 7;
const NEVER_EXECUTED: u64 = 1 << 63;

/// A table of translations. Entries change while the processor reads them, so they are atomic.
#[repr(C, align(4096))]
pub(crate) struct Table([AtomicU64; 512]);

impl Table {
    const fn new() -> Table {
        Table([const { AtomicU64::new(0) }; 512])
    }

    fn set(&self, index: usize, entry: u64) {
        self.0[index].store(entry, Ordering::Relaxed);
    }
}

/// The tables of the first three levels, which the start code fills.
pub(crate) static FIRST: Table = Table::new();
pub(crate) static SECOND: Table = Table::new();
pub(crate) static THIRD: Table = Table::new();

/// The pages of machine code.
static CODE: Table = Table::new();

// The linker script's: where constants and data begin.
unsafe extern "C" {
    static __constants: u8;
    static __data: u8;
}

/// Sets the rights of the image and of all other memory. `code` is the address of the block that holds machine code.
pub(crate) fn init(code: usize) {
    let (constants, data) = ((&raw const __constants).addr(), (&raw const __data).addr());
    for (index, address) in (0..512 * BLOCK).step_by(BLOCK).enumerate() {
        let rights = match address {
            _ if (IMAGE..constants).contains(&address) => 0,
            _ if (constants..data).contains(&address) => NEVER_EXECUTED,
            _ => WRITABLE | NEVER_EXECUTED,
        };
        THIRD.set(index, address as u64 | PRESENT | LAST | rights);
    }
    for (index, address) in (code..code + BLOCK).step_by(PAGE).enumerate() {
        CODE.set(index, address as u64 | PRESENT | WRITABLE | NEVER_EXECUTED);
    }
    let table = (&raw const CODE).expose_provenance() as u64;
    THIRD.set(code / BLOCK, table | PRESENT | WRITABLE);
    let first = (&raw const FIRST).expose_provenance();
    // SAFETY: the tables translate every address to itself, with the rights that its users need.
    unsafe { asm!("mov cr3, {}", in(reg) first, options(nostack, preserves_flags)) };
}

/// Makes pages of the block at `code` executable and read-only, or writable and not executable.
pub(crate) fn set_executable(code: usize, pages: Range<usize>, executable: bool) {
    let rights = if executable { 0 } else { WRITABLE | NEVER_EXECUTED };
    for page in pages.step_by(PAGE) {
        CODE.set((page - code) / PAGE, page as u64 | PRESENT | rights);
        let page = ptr::without_provenance::<u8>(page);
        // SAFETY: what the processor knows of this page is discarded.
        unsafe { asm!("invlpg [{}]", in(reg) page, options(nostack, preserves_flags)) };
    }
}
