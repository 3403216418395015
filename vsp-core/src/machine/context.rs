//! The context of machine code while it runs: the addresses of the instance's data, and the balance.

use core::sync::atomic::AtomicBool;

use crate::instance::Memory;
use crate::native::Context;

/// The data of an instance that machine code uses. Its addresses do not change while the instance lives.
pub(super) struct InstanceData<'s> {
    pub(super) memory: &'s mut Memory,
    pub(super) globals: &'s mut [u64],
    /// All cells that the stack can have.
    pub(super) cells: &'s mut [u64],
    pub(super) interrupt: &'s AtomicBool,
}

impl InstanceData<'_> {
    /// Exposes and returns the addresses of the memory, the globals, the end of the cells, and the interrupt flag.
    #[inline(always)]
    pub(super) fn expose(self) -> [u64; 4] {
        let globals = self.globals.as_mut_ptr().expose_provenance();
        let cells_end = self.cells.as_mut_ptr_range().end.expose_provenance();
        let interrupt = self.interrupt.as_ptr().expose_provenance();
        let memory = self.memory.reserved().as_mut_ptr().expose_provenance();
        [memory, globals, cells_end, interrupt].map(|address| address as u64)
    }

    /// Writes the addresses and sizes to the context. `passive` are the bytes of the program's passive segments.
    pub(super) fn fill(self, passive: &[u8], context: &mut Context) {
        context.memory_size = self.memory.len() as u64;
        context.cells = self.cells.len() as u64;
        context.memory_maximum = self.memory.maximum();
        context.passive = passive.as_ptr().expose_provenance() as u64;
        [context.memory, context.globals, context.cells_end, context.interrupt] = self.expose();
    }
}

/// A guard of a context while machine code runs. When it is dropped, also by a panic of a host function, the context's
/// fuel becomes the balance, and the context's size of the memory its size.
pub(super) struct ContextGuard<'b> {
    pub(super) context: &'b mut Context,
    pub(super) balance: &'b mut i64,
    pub(super) memory: &'b mut Memory,
}

impl Drop for ContextGuard<'_> {
    // A call of it would keep all that surrounds it in memory: 15 instructions of a call of the host.
    #[inline(always)]
    fn drop(&mut self) {
        *self.balance = self.context.fuel;
        self.memory.set_size(self.context.memory_size);
    }
}
