//! Checkpoints: states in memory, which share what did not change in between.

use alloc::sync::Arc;
use alloc::vec::Vec;

use super::{Instance, Status};
use crate::analysis::OutOfMemory;
use crate::limits::MAX_PARAMS;
#[cfg(feature = "native")]
use crate::native::entry::LastEntry;
use crate::shared::Ref;
use crate::verify::Verified;

/// Number of bytes in a page, the unit that checkpoints share.
const PAGE_BYTES: usize = 4096;

/// Number of pages in a block. Blocks without changes are shared, too.
const BLOCK: usize = 64;

/// The state of an instance at some time: memory, globals, frames, fuel and status. [`Instance::rewind`] returns to it.
///
/// It has all registers and locals of all frames, and shares the pages of memory that did not change with the
/// checkpoint before it.
#[derive(Clone, Debug)]
pub struct Checkpoint<'a> {
    program: Ref<'a, Verified<'a>>,
    memory: Pages<u8>,
    memory_maximum: u64,
    cells: Pages<u64>,
    stack_cells: u32,
    /// The first cell of the innermost frame.
    base: Option<usize>,
    globals: Vec<u64>,
    balance: i64,
    metered: bool,
    pending: [u64; MAX_PARAMS],
    status: Status,
}

/// The error of making a checkpoint or of returning to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CheckpointError {
    /// There is no memory for copies of pages. (Without memory for the counters of their shares it aborts.)
    #[error("out of memory")]
    OutOfMemory,
    /// The checkpoint is of another program.
    #[error("the checkpoint is of another program")]
    Program,
    /// The checkpoint is of an instance with other sizes of memory or stack, or other metering.
    #[error("the checkpoint is of an instance with other options")]
    Options,
    /// The instance is recorded or replays a log, which cannot go back.
    #[error("the instance is recorded or replays a log")]
    Logged,
}

impl From<OutOfMemory> for CheckpointError {
    fn from(_: OutOfMemory) -> Self {
        CheckpointError::OutOfMemory
    }
}

/// A sequence in pages. Pages and blocks of zeros are `None`.
#[derive(Clone, Debug)]
struct Pages<T> {
    blocks: Vec<Option<Arc<Block<T>>>>,
    length: usize,
}

type Block<T> = Vec<Page<T>>;

type Page<T> = Option<Arc<Vec<T>>>;

impl<'a, S> Instance<'a, S> {
    /// Makes a checkpoint. It shares the pages that are equal with `before`, usually the last one of this instance.
    ///
    /// Takes time linear in the memory and the frames, and memory for the pages that changed.
    ///
    /// # Errors
    /// There is no memory.
    pub fn checkpoint(&self, before: Option<&Checkpoint<'a>>) -> Result<Checkpoint<'a>, CheckpointError> {
        let mut globals = Vec::new();
        globals.try_reserve_exact(self.globals.len()).map_err(|_| OutOfMemory)?;
        globals.extend_from_slice(&self.globals);
        Ok(Checkpoint {
            program: self.program.clone(),
            memory: Pages::new(&self.memory, before.map(|it| &it.memory))?,
            memory_maximum: self.memory.maximum(),
            cells: Pages::new(self.stack.first_cells(self.used_cells()), before.map(|it| &it.cells))?,
            stack_cells: self.stack.cells(),
            base: self.stack.bases().next(),
            globals,
            balance: self.total_balance(),
            metered: self.host.own.metered,
            pending: self.host.own.pending,
            status: self.status,
        })
    }

    /// Returns to a checkpoint of this instance, or of another one of the same program with the same options. The state
    /// of the host stays as it is.
    ///
    /// Takes about the time to copy the memory.
    ///
    /// # Errors
    /// The checkpoint is of another program or of other options, or the instance is recorded or replays a log. It is
    /// unchanged then.
    pub fn rewind(&mut self, to: &Checkpoint<'_>) -> Result<(), CheckpointError> {
        let (program, other) = (self.program.program(), to.program.program());
        if !core::ptr::addr_eq(program.bytes(), other.bytes()) && program.bytes() != other.bytes() {
            return Err(CheckpointError::Program);
        }
        let options = (self.memory.maximum(), self.stack.cells(), self.host.own.metered);
        if options != (to.memory_maximum, to.stack_cells, to.metered) {
            return Err(CheckpointError::Options);
        }
        #[cfg(feature = "record")]
        if self.host.is_logged() {
            return Err(CheckpointError::Logged);
        }
        to.memory.copy_to(self.memory.resized(to.memory.length));
        to.cells.copy_to(self.stack.rewound(to.cells.length, to.base));
        self.globals.copy_from_slice(&to.globals);
        self.set_total_balance(to.balance);
        self.host.own.pending = to.pending;
        self.host.own.error = None;
        #[cfg(feature = "native")]
        {
            // The context has the size of the memory.
            self.last_entry = LastEntry::NOTHING;
        }
        self.status = to.status;
        Ok(())
    }
}

impl Checkpoint<'_> {
    /// Returns the bytes that this checkpoint takes and does not share with `before`.
    pub fn bytes_since(&self, before: Option<&Checkpoint<'_>>) -> usize {
        let memory = self.memory.bytes_since(before.map(|it| &it.memory));
        let cells = self.cells.bytes_since(before.map(|it| &it.cells));
        size_of::<Self>() + memory + cells + self.globals.len() * size_of::<u64>()
    }
}

impl<T: Copy + Default + PartialEq> Pages<T> {
    const PAGE: usize = PAGE_BYTES / size_of::<T>();

    /// Copies a sequence, but shares the pages that are equal with `before`.
    fn new(now: &[T], before: Option<&Pages<T>>) -> Result<Pages<T>, OutOfMemory> {
        let mut blocks = Vec::new();
        blocks.try_reserve_exact(now.len().div_ceil(Self::PAGE * BLOCK)).map_err(|_| OutOfMemory)?;
        for (index, part) in now.chunks(Self::PAGE * BLOCK).enumerate() {
            let shared = before.and_then(|before| before.blocks.get(index)).and_then(Option::as_ref);
            blocks.push(Self::block(part, shared)?);
        }
        Ok(Pages { blocks, length: now.len() })
    }

    fn block(now: &[T], before: Option<&Arc<Block<T>>>) -> Result<Option<Arc<Block<T>>>, OutOfMemory> {
        let mut block = Block::new();
        block.try_reserve_exact(now.len().div_ceil(Self::PAGE)).map_err(|_| OutOfMemory)?;
        let (mut is_shared, mut is_zero) = (true, true);
        for (index, page) in now.chunks(Self::PAGE).enumerate() {
            let shared = before.and_then(|before| before.get(index)).and_then(Option::as_ref);
            let shared = shared.filter(|shared| shared[..] == *page).cloned();
            let page = match shared {
                None if is_zeros(page) => None,
                None => {
                    is_shared = false;
                    let mut copy = Vec::new();
                    copy.try_reserve_exact(page.len()).map_err(|_| OutOfMemory)?;
                    copy.extend_from_slice(page);
                    Some(Arc::new(copy))
                }
                shared => shared,
            };
            is_zero &= page.is_none();
            block.push(page);
        }
        // The page of a shared block may have become zero.
        let is_same = |before: &&Arc<Block<T>>| {
            is_shared && before.len() == block.len() && before.iter().zip(&block).all(is_same_page)
        };
        Ok(match before.filter(is_same) {
            _ if is_zero => None,
            Some(before) => Some(before.clone()),
            None => Some(Arc::new(block)),
        })
    }

    /// Copies all pages to a sequence of the same length.
    fn copy_to(&self, to: &mut [T]) {
        for (part, block) in to.chunks_mut(Self::PAGE * BLOCK).zip(&self.blocks) {
            for (index, page) in part.chunks_mut(Self::PAGE).enumerate() {
                match block.as_ref().and_then(|block| block.get(index)).and_then(Option::as_ref) {
                    Some(saved) => page.copy_from_slice(saved),
                    // Untouched pages take no memory as long as nobody writes to them.
                    None if is_zeros(page) => {}
                    None => page.fill(T::default()),
                }
            }
        }
    }

    /// Returns the bytes that are not shared with `before`.
    fn bytes_since(&self, before: Option<&Pages<T>>) -> usize {
        let mut bytes = self.blocks.len() * size_of::<Option<Arc<Block<T>>>>();
        for (index, block) in self.blocks.iter().enumerate() {
            let Some(block) = block else { continue };
            let shared = before.and_then(|before| before.blocks.get(index)).and_then(Option::as_ref);
            if shared.is_some_and(|shared| Arc::ptr_eq(shared, block)) {
                continue;
            }
            bytes += block.len() * size_of::<Option<Arc<Vec<T>>>>();
            for (index, page) in block.iter().enumerate() {
                let shared = shared.and_then(|shared| shared.get(index));
                let is_shared = shared.is_some_and(|shared| is_same_page((shared, page)));
                bytes += page.as_ref().filter(|_| !is_shared).map_or(0, |page| size_of_val(&page[..]));
            }
        }
        bytes
    }
}

/// Returns whether these are the same pages: shared, or both zero.
fn is_same_page<T>((one, other): (&Page<T>, &Page<T>)) -> bool {
    match (one, other) {
        (Some(one), Some(other)) => Arc::ptr_eq(one, other),
        (one, other) => one.is_none() && other.is_none(),
    }
}

/// Returns whether all are zero.
fn is_zeros<T: Copy + Default + PartialEq>(page: &[T]) -> bool {
    // In groups without branches, which the compiler turns into vectors.
    page.chunks(64).all(|group| group.iter().fold(true, |zero, it| zero & (*it == T::default())))
}
