//! The memory of the program.

use vsp_core::limits::{MAX_MEMORY, MEMORY_GRANULE, MEMORY_PAGE};

use super::Layout;
use super::extent::Extent;
use crate::error::{Error, ErrorKind};
use crate::module::{Item, Memory, Module};
use crate::options::{MemorySize, Options};

/// The size of a page of 64 KiB as a binary logarithm.
const PAGE_LOG2: u32 = MEMORY_PAGE.ilog2();

/// The address checks that the code has to contain, because a memory of VSP is a multiple of 16 bytes, and not empty.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum AddressCheck {
    /// None.
    #[default]
    None,
    /// The module's memory has this size in bytes.
    Fixed(u64),
    /// The module's memory has the whole pages of the memory.
    Pages,
    /// The module's memory has the size in bytes that is in this global.
    Global(u32),
}

/// The growth of the module's memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Growth {
    /// Not at all: it always has this number of pages.
    Fixed(u64),
    /// By pages of 64 KiB, like that of the program.
    Pages,
    /// By bytes: the global `size` has their number, which is at most `most`. Without `adds_pages`, the memory of the
    /// program has that size from the beginning.
    Bytes { size: u32, most: u64, adds_pages: bool },
}

/// The memory of the program, and what the module sees of it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct MemoryPlan {
    /// The size of the program's memory in bytes, at first and at most.
    pub(crate) minimum: u64,
    pub(crate) maximum: u64,
    /// The size of the module's memory in bytes at first.
    pub(crate) initial: u64,
    pub(crate) growth: Growth,
    pub(crate) check: AddressCheck,
}

impl Default for MemoryPlan {
    fn default() -> MemoryPlan {
        MemoryPlan::fixed(0, 0)
    }
}

impl MemoryPlan {
    /// Returns the plan for a memory of this number of bytes and pages that does not grow.
    fn fixed(initial: u64, pages: u64) -> MemoryPlan {
        let bytes = granules(initial);
        let check = if bytes == initial { AddressCheck::None } else { AddressCheck::Fixed(initial) };
        MemoryPlan { minimum: bytes, maximum: bytes, initial, growth: Growth::Fixed(pages), check }
    }

    /// Returns the plan for a memory that grows by pages of 64 KiB.
    fn pages(minimum: u64, most: u64) -> MemoryPlan {
        let initial = minimum * MEMORY_PAGE;
        let (growth, bytes) = (Growth::Pages, granules(initial));
        if minimum > 0 {
            let (maximum, check) = (most * MEMORY_PAGE, AddressCheck::None);
            return MemoryPlan { minimum: bytes, maximum, initial, growth, check };
        }
        // The 16 bytes stay.
        let maximum = bytes + most.min(MAX_MEMORY / MEMORY_PAGE - 1) * MEMORY_PAGE;
        MemoryPlan { minimum: bytes, maximum, initial, growth, check: AddressCheck::Pages }
    }

    /// Returns the plan for a memory that grows by bytes, to `most` of them, where the global `size` has their number.
    fn bytes(initial: u64, most: u64, size: u32) -> MemoryPlan {
        let maximum = granules(most);
        let added = (maximum - granules(initial)) / MEMORY_PAGE;
        let growth = Growth::Bytes { size, most, adds_pages: added > 0 };
        // Growing by whole pages, it ends at the maximum.
        let minimum = maximum - added * MEMORY_PAGE;
        MemoryPlan { minimum, maximum, initial, growth, check: AddressCheck::Global(size) }
    }
}

/// Returns the size of the smallest memory of a program that has this number of bytes.
fn granules(bytes: u64) -> u64 {
    bytes.next_multiple_of(MEMORY_GRANULE).max(MEMORY_GRANULE)
}

impl Layout {
    /// Decides the size of the memory and how it grows.
    pub(super) fn plan_memory(&mut self, module: &Module<'_>, options: &Options) -> Result<(), Error> {
        let Some(memory) = module.memory else { return Ok(()) };
        self.memory = match chosen_size(module, options)? {
            // No instruction asks for the number of pages.
            Some(bytes) => MemoryPlan::fixed(granules(bytes), 0),
            None => self.plan_own_size(memory, module.usage.grows.is_some(), options),
        };
        Ok(())
    }

    /// Returns the plan for a memory of the module's own size.
    fn plan_own_size(&mut self, memory: Memory, grows: bool, options: &Options) -> MemoryPlan {
        let Memory { minimum, maximum, page_log2 } = memory;
        let chosen = options.memory_maximum.unwrap_or(Options::DEFAULT_MEMORY_MAXIMUM) >> page_log2;
        // Addresses have 32 bits; pages of one byte end before the last one.
        let end = (MAX_MEMORY >> page_log2).min(u64::from(u32::MAX));
        let most = maximum.unwrap_or(end).min(chosen).max(minimum);
        match page_log2 {
            _ if !grows => MemoryPlan::fixed(minimum << page_log2, minimum),
            PAGE_LOG2 => MemoryPlan::pages(minimum, most),
            _ if most == minimum => MemoryPlan::fixed(minimum, minimum),
            _ => {
                let size = self.new_globals(1);
                self.globals[size as usize] = minimum;
                MemoryPlan::bytes(minimum, most, size)
            }
        }
    }
}

/// Returns the size in bytes that the options choose for the memory, if they do.
///
/// # Errors
/// The module grows its memory, asks for its size or imports it; its data and stack do not fit; or they end at an
/// unknown address.
fn chosen_size(module: &Module<'_>, options: &Options) -> Result<Option<u64>, Error> {
    let extent = Extent::of(module);
    let bytes = match options.memory_size {
        MemorySize::Own => return Ok(None),
        MemorySize::Heap(heap) => extent.end.map(|end| end.saturating_add(heap)),
        MemorySize::Bytes(bytes) => Some(bytes),
    };
    let refused = |message: alloc::string::String| Error::new(ErrorKind::MemorySize, message);
    let uses = [(module.usage.grows, GROWS), (module.usage.asks_size, ASKS_SIZE)];
    for (function, message) in uses {
        if let Some(function) = function {
            return Err(refused(message.into()).in_function(function, module.name(function)));
        }
    }
    if module.other_imports.iter().any(|(_, item)| *item == Item::Memory) {
        return Err(refused(IMPORTED.into()));
    }
    let bytes = bytes.ok_or_else(|| refused(UNKNOWN_END.into()))?;
    if bytes > MAX_MEMORY {
        return Err(Error::limit(alloc::format!("a memory has at most {MAX_MEMORY} bytes, not {bytes}")));
    }
    match extent.beyond(granules(bytes)) {
        Some(message) => Err(refused(message)),
        None => Ok(Some(bytes)),
    }
}

const GROWS: &str = "memory.grow: a memory whose size is chosen does not grow; use an allocator that takes its bytes \
    from a static array, or from the address of `__heap_base` on";

const ASKS_SIZE: &str = "memory.size: a memory whose size is chosen has no whole pages to count; give the allocator \
    the number of its bytes";

const IMPORTED: &str = "the size of an imported memory cannot be chosen: link without `--import-memory`, so that the \
    module has its own";

const UNKNOWN_END: &str = "the end of data and stack is unknown, because the module does not export `__heap_base`: \
    add `-C link-arg=--export=__heap_base` (rustc) or `-Wl,--export=__heap_base` (clang), or choose the size of the \
    whole memory";
