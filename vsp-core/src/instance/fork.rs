//! Forks: second instances that go on from the same place.

use alloc::vec::Vec;

use super::Instance;
#[cfg(feature = "native")]
use crate::native::Context;
#[cfg(feature = "native")]
use crate::native::entry::LastEntry;
use crate::outcome::InstantiateError;

impl<'a, S> Instance<'a, S> {
    /// Creates a second instance that goes on from the same place: idle, suspended or between two instructions, with a
    /// copy of memory, globals, frames, fuel and the arguments of a pending host call. `state` is the host's state of
    /// the new instance. This one does not change.
    ///
    /// Program, host functions, interrupt flag and attached machine code are shared. The error of a host function
    /// ([`Self::host_error`]) stays with this instance. The new one is not recorded, and replays no log.
    ///
    /// Takes about the time to copy the memory. In a memory of more than 1 MiB only the pages that are not zero are
    /// copied, and the others take no memory as long as they are not touched.
    ///
    /// # Errors
    /// There is no memory for the new instance.
    pub fn fork(&self, state: S) -> Result<Instance<'a, S>, InstantiateError> {
        let mut globals = Vec::new();
        globals.try_reserve_exact(self.globals.len()).map_err(|_| InstantiateError::OutOfMemory)?;
        globals.extend_from_slice(&self.globals);
        let memory = self.memory.copy().ok_or(InstantiateError::OutOfMemory)?;
        let stack = self.stack.copy(self.used_cells()).ok_or(InstantiateError::OutOfMemory)?;
        let mut fork = Instance {
            program: self.program.clone(),
            host: self.host.fork(state)?,
            memory,
            globals,
            stack,
            balance: self.balance,
            withheld: self.withheld,
            interrupt: self.interrupt.clone(),
            status: self.status,
            #[cfg(feature = "native")]
            native: self.native.clone(),
            #[cfg(feature = "native")]
            native_address: self.native_address,
            #[cfg(feature = "native")]
            tiers: self.tiers.clone(),
            #[cfg(feature = "native")]
            slice: self.slice,
            #[cfg(feature = "native")]
            context: Context::default(),
            #[cfg(feature = "native")]
            last_entry: LastEntry::NOTHING,
        };
        // A panic of a host function leaves a part of the fuel with the instance.
        fork.put_back();
        fork.release_withheld();
        Ok(fork)
    }

    /// Returns the number of cells of all frames.
    pub(super) fn used_cells(&self) -> usize {
        self.stack.bases().next().map_or(0, |base| {
            let function = self.program.functions()[self.stack.location_at(base).function.index()];
            base + function.frame_cells() as usize
        })
    }
}
