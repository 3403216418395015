//! The parts of a running instance, borrowed from it, and the position in the program.

use core::sync::atomic::AtomicBool;

use crate::function::Function;
use crate::host::HostCalls;
use crate::index::{FuncIndex, Location};
use crate::instance::{Instance, Memory, Stack};
#[cfg(threaded)]
use crate::interp::threaded::Threaded;
#[cfg(feature = "native")]
use crate::native::Context;
#[cfg(feature = "native")]
use crate::native::entry::{CodeKey, NativeCode};
#[cfg(feature = "native")]
use crate::native::tiers::{Slice, Tiers};
use crate::outcome::{Outcome, Reason, Suspension, Trapped};
use crate::shared::Ref;
use crate::trap::Trap;
use crate::verify::Verified;

/// Returns the interrupt flag of an instance, or one that is never set.
#[inline(always)]
pub(super) fn interrupt_flag<'f>(flag: &'f Option<Ref<'_, AtomicBool>>) -> &'f AtomicBool {
    static NEVER: AtomicBool = AtomicBool::new(false);
    flag.as_deref().unwrap_or(&NEVER)
}

/// The running function and its next word, counted from the start of the whole code.
#[derive(Clone, Copy)]
pub(super) struct Position<'m> {
    pub(super) index: FuncIndex,
    pub(super) function: &'m Function,
    pub(super) next: usize,
}

impl Position<'_> {
    /// Returns the location of the next word.
    #[inline]
    pub(super) fn location(&self) -> Location {
        Location { function: self.index, word: self.next as u32 - self.function.start }
    }

    /// Returns the location of the word that was executed last.
    #[inline]
    pub(super) fn executed(&self) -> Location {
        let location = self.location();
        Location { word: location.word - 1, ..location }
    }
}

/// A running instance.
pub(super) struct Machine<'m, 'a, S> {
    pub(super) program: &'m Verified<'a>,
    pub(super) functions: &'m [Function],
    pub(super) code: &'m [[u8; 4]],
    pub(super) constants: &'m [[u8; 8]],
    #[cfg(threaded)]
    pub(super) threaded: &'m Threaded,
    pub(super) host: &'m mut HostCalls<'a, S>,
    pub(super) memory: &'m mut Memory,
    pub(super) globals: &'m mut [u64],
    pub(super) stack: &'m mut Stack,
    pub(super) balance: &'m mut i64,
    pub(super) interrupt: &'m AtomicBool,
    #[cfg(feature = "native")]
    pub(super) context: &'m mut Context,
    #[cfg(feature = "native")]
    pub(super) filled_by: &'m mut Option<CodeKey>,
    #[cfg(feature = "native")]
    pub(super) native: Option<&'m (dyn NativeCode<S> + 'm)>,
    #[cfg(feature = "native")]
    pub(super) tiers: Option<&'m (dyn Tiers<S> + 'm)>,
    #[cfg(feature = "native")]
    pub(super) slice: &'m mut Slice,
}

impl<'m, 'a, S> Machine<'m, 'a, S> {
    #[inline]
    pub(super) fn new(instance: &'m mut Instance<'a, S>) -> Self {
        let program = instance.program.program();
        Machine {
            program: &instance.program,
            functions: instance.program.functions(),
            code: program.code(),
            constants: program.constants(),
            #[cfg(threaded)]
            threaded: instance.program.threaded(),
            host: &mut instance.host,
            memory: &mut instance.memory,
            globals: &mut instance.globals,
            stack: &mut instance.stack,
            balance: &mut instance.balance,
            interrupt: interrupt_flag(&instance.interrupt),
            #[cfg(feature = "native")]
            context: &mut instance.context,
            #[cfg(feature = "native")]
            filled_by: &mut instance.last_entry.filled_by,
            #[cfg(feature = "native")]
            native: instance.native.as_deref(),
            #[cfg(feature = "native")]
            tiers: instance.tiers.as_deref(),
            #[cfg(feature = "native")]
            slice: &mut instance.slice,
        }
    }

    /// Returns this machine without machine code.
    #[inline]
    pub(super) fn interpreting(self) -> Self {
        #[cfg(feature = "native")]
        return Machine { native: None, tiers: None, ..self };
        #[cfg(not(feature = "native"))]
        self
    }

    #[inline]
    pub(super) fn position(&self, location: Location) -> Position<'m> {
        let function = &self.functions[location.function.index()];
        Position { index: location.function, function, next: (function.start + location.word) as usize }
    }

    #[cold]
    pub(super) fn trap(&mut self, at: Position<'m>, trap: Trap) -> Outcome {
        let location = at.executed();
        self.stack.set_location(location);
        Outcome::Trapped(Trapped { trap, location })
    }

    #[cold]
    pub(super) fn suspend(&mut self, location: Location, reason: Reason) -> Outcome {
        self.stack.set_location(location);
        Outcome::Suspended(Suspension { reason, location })
    }
}
