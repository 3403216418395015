//! The translation of addresses: each address is its own, and no memory is both written and executed.
//!
//! The image's text and constants are read-only, and only its text is executed, besides the pages of machine code,
//! which `set_executable` changes one by one. (Arm Architecture Reference Manual for A-profile, D8.)

use core::arch::asm;
use core::ops::Range;
use core::ptr;
use core::sync::atomic::{AtomicU64, Ordering};

/// Where RAM begins, and where the image does.
const RAM: usize = 0x4000_0000;
const IMAGE: usize = RAM + BLOCK;

/// The size of what an entry of the second level stands for.
const BLOCK: usize = 2 << 20;
const PAGE: usize = 4096;

// Bits of an entry.
const VALID: u64 = 1;
/// A table, or at the third level a page.
const TABLE: u64 = 1 << 1;
/// Normal memory: attribute 1 of MAIR. Attribute 0 is device memory.
const NORMAL: u64 = 1 << 2;
const READ_ONLY: u64 = 1 << 7;
const INNER_SHAREABLE: u64 = 3 << 8;
const ACCESSED: u64 = 1 << 10;
const NEVER_EXECUTED: u64 = 1 << 53;
const NOT_BY_USERS: u64 = 1 << 54;

const MEMORY: u64 = VALID | NORMAL | INNER_SHAREABLE | ACCESSED | NOT_BY_USERS;

/// A table of translations. Entries change while the processor reads them, so they are atomic.
#[repr(C, align(4096))]
struct Table([AtomicU64; 512]);

impl Table {
    const fn new() -> Table {
        Table([const { AtomicU64::new(0) }; 512])
    }

    fn set(&self, index: usize, entry: u64) {
        self.0[index].store(entry, Ordering::Relaxed);
    }

    fn address(&self) -> u64 {
        ptr::from_ref(self).expose_provenance() as u64
    }
}

static GIGABYTES: Table = Table::new();
static BLOCKS: Table = Table::new();
static CODE: Table = Table::new();

// The linker script's: where constants and data begin.
unsafe extern "C" {
    static __constants: u8;
    static __data: u8;
}

/// Switches the translation on. `code` is the address of the block that holds machine code.
pub(crate) fn init(code: usize) {
    let (constants, data) = ((&raw const __constants).addr(), (&raw const __data).addr());
    GIGABYTES.set(0, VALID | ACCESSED | NEVER_EXECUTED | NOT_BY_USERS);
    GIGABYTES.set(1, BLOCKS.address() | TABLE | VALID);
    for (index, address) in (RAM..RAM + 512 * BLOCK).step_by(BLOCK).enumerate() {
        let rights = match address {
            _ if (IMAGE..constants).contains(&address) => READ_ONLY,
            _ if (constants..data).contains(&address) => READ_ONLY | NEVER_EXECUTED,
            _ => NEVER_EXECUTED,
        };
        BLOCKS.set(index, address as u64 | MEMORY | rights);
    }
    for (index, address) in (code..code + BLOCK).step_by(PAGE).enumerate() {
        CODE.set(index, address as u64 | MEMORY | TABLE | NEVER_EXECUTED);
    }
    BLOCKS.set((code - RAM) / BLOCK, CODE.address() | TABLE | VALID);

    // 39 bits of addresses, of which the first level translates the upper 9; pages of 4 KiB; tables are cached; no
    // second half of addresses.
    let control: u64 = 25 | 1 << 8 | 1 << 10 | 3 << 12 | 1 << 23 | 2 << 32;
    // SAFETY: the tables translate every address to itself, with the rights that its users need.
    unsafe {
        asm!(
            "msr mair_el1, {attributes}",
            "msr tcr_el1, {control}",
            "msr ttbr0_el1, {table}",
            "dsb ish",
            "tlbi vmalle1",
            "dsb ish",
            "isb",
            "mrs {scratch}, sctlr_el1",
            // Translation, data cache, instruction cache; writable memory is not executed.
            "orr {scratch}, {scratch}, {on}",
            "msr sctlr_el1, {scratch}",
            "isb",
            attributes = in(reg) 0xFF00_u64,
            control = in(reg) control,
            table = in(reg) GIGABYTES.address(),
            on = in(reg) 1_u64 | 1 << 2 | 1 << 12 | 1 << 19,
            scratch = out(reg) _,
            options(nostack),
        );
    }
}

/// Makes pages of the block at `code` executable and read-only, or writable and not executable.
pub(crate) fn set_executable(code: usize, pages: Range<usize>, executable: bool) {
    let rights = if executable { READ_ONLY } else { NEVER_EXECUTED };
    for page in pages.step_by(PAGE) {
        // The old entry is removed first: the processor must not have both.
        for entry in [0, page as u64 | MEMORY | TABLE | rights] {
            CODE.set((page - code) / PAGE, entry);
            // SAFETY: what the processor knows of this page is discarded.
            unsafe {
                asm!("dsb ishst", "tlbi vaae1is, {}", "dsb ish", "isb", in(reg) page >> 12, options(nostack))
            };
        }
    }
}

/// Returns whether the processor would write to an address.
pub(crate) fn can_write(address: usize) -> bool {
    let result: u64;
    // SAFETY: asks for a translation. The lowest bit of the result is set if there would be an exception.
    unsafe {
        asm!("at s1e1w, {}", "isb", "mrs {}, par_el1", in(reg) address, out(reg) result, options(nostack));
    }
    result & 1 == 0
}
