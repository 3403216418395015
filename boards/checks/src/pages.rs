//! Pages that hold machine code: written first, executed then, and never both.

use core::fmt;
use core::marker::PhantomData;
use core::ops::Range;
use core::ptr;
use core::slice;
use core::sync::atomic::{AtomicU8, Ordering};

use vsp_native::caches;

/// The size of a page in bytes.
pub const PAGE: usize = 4096;

/// Largest number of pages.
const PAGES: usize = 1024;

/// Memory whose pages are either written or executed.
///
/// # Safety
/// The methods do what they say, and nothing else uses the memory.
pub unsafe trait CodeMemory: fmt::Debug + Send + Sync + 'static {
    /// Returns the addresses, of at most 1,024 pages. All of them can be written at first.
    fn addresses() -> Range<usize>;

    /// Makes pages executable and read-only, or makes them writable and not executable.
    fn set_executable(pages: Range<usize>, executable: bool);

    /// Returns whether the processor would write to an address, or `None` if it cannot be asked.
    fn can_write(address: usize) -> Option<bool> {
        let _ = address;
        None
    }
}

/// Whether each page is in use.
static USED: [AtomicU8; PAGES] = [const { AtomicU8::new(0) }; PAGES];

/// Machine code in pages of its own, which can be written again once this is dropped.
#[derive(Debug)]
pub struct Pages<M: CodeMemory> {
    first: usize,
    count: usize,
    length: usize,
    memory: PhantomData<M>,
}

impl<M: CodeMemory> Pages<M> {
    /// Copies machine code into free pages, and makes it executable. `None` if there are not enough.
    ///
    /// For one processor: the search for free pages is not made for several.
    pub fn of(code: &[u8]) -> Option<Self> {
        let count = code.len().div_ceil(PAGE);
        let all = M::addresses().len() / PAGE;
        let is_free = |page: usize| USED[page].load(Ordering::Relaxed) == 0;
        let starts = 0..(all.min(PAGES) + 1).checked_sub(count)?;
        let first = starts.into_iter().find(|&first| (first..first + count).all(is_free))?;
        let pages = Pages { first, count, length: code.len(), memory: PhantomData };
        pages.mark(1);
        let addresses = pages.addresses();
        let to = ptr::with_exposed_provenance_mut::<u8>(addresses.start);
        // SAFETY: the pages belong to this value only, hold that many bytes, and can be written.
        unsafe { ptr::copy_nonoverlapping(code.as_ptr(), to, code.len()) };
        // SAFETY: the addresses are mapped; boards run at a level that may maintain caches.
        unsafe { caches::synchronize(addresses.start..addresses.start + code.len()) };
        M::set_executable(addresses, true);
        Some(pages)
    }

    /// Returns the machine code.
    pub fn bytes(&self) -> &[u8] {
        let start = ptr::with_exposed_provenance::<u8>(self.addresses().start);
        // SAFETY: the pages belong to this value, which only reads them from now on.
        unsafe { slice::from_raw_parts(start, self.length) }
    }

    fn addresses(&self) -> Range<usize> {
        let start = M::addresses().start + self.first * PAGE;
        start..start + self.count * PAGE
    }

    fn mark(&self, used: u8) {
        for page in &USED[self.first..self.first + self.count] {
            page.store(used, Ordering::Relaxed);
        }
    }
}

impl<M: CodeMemory> Drop for Pages<M> {
    fn drop(&mut self) {
        M::set_executable(self.addresses(), false);
        self.mark(0);
    }
}
