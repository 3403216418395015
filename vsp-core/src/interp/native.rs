//! Entering machine code, and understanding how it was left.

use core::sync::atomic::{AtomicBool, Ordering};

use super::{Machine, Position};
use crate::Trap;
use crate::host::HostCalls;
use crate::index::{FuncIndex, Place};
use crate::instance::{AttachError, Outcome, Reason, Suspension, Trapped};
use crate::native::{CodeInfo, Context, ExitKind, Site};
use crate::verify::Verified;

/// Machine code does not saturate the balance, and tells from a number that is far below this one that it was left. A lower
/// balance is left to the interpreter.
pub(crate) const MIN_BALANCE: i64 = -(1 << 30);

/// Machine code of a program that the host can enter. Only a host can implement this so that it runs something.
pub trait NativeCode<S>: core::fmt::Debug + Send + Sync {
    /// What is known of the code.
    fn code(&self) -> &CodeInfo;

    /// Was the code made from this program?
    fn is_for(&self, program: &Verified<'_>) -> bool;

    /// Can frames in so many cells of stack have the native stack that they need?
    ///
    /// # Errors
    /// That would be more than is allowed.
    fn reserve(&self, cells: u32) -> Result<(), AttachError>;

    /// Enters a function of the program; `remaining` cells of the stack are left behind its frame. If it is entered at
    /// its start, its parameters are the first of the context's values; where a loop begins, its frame is up to date. The
    /// context's addresses are filled in here. Gives `false` if the function returned, with its results as the first
    /// values; `true` if the code was left at the context's site.
    ///
    /// `remaining` is at most the number of cells behind the function's frame, so that code that was made from
    /// the program stays inside the session's cells.
    fn enter(&self, session: Session<'_, S>, entry: Entry, remaining: u64) -> bool;
}

/// Where machine code is entered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entry {
    /// At the start of a function.
    Function(FuncIndex),
    /// Where a loop begins.
    Loop(Place),
}

/// What machine code works on.
#[derive(Debug)]
pub struct Session<'s, S> {
    /// What it finds behind its context pointer.
    pub context: &'s mut Context,
    /// The memory.
    pub memory: &'s mut [u8],
    /// The globals.
    pub globals: &'s mut [u64],
    /// The cells of the stack.
    pub cells: &'s mut [u64],
    /// The interrupt flag.
    pub interrupt: &'s AtomicBool,
    /// The host functions.
    pub host: HostCalls<'s, S>,
}

/// The context of a session. Its fuel becomes the balance when the session ends, also by a panic of a host function.
struct Running<'b> {
    context: Context,
    balance: &'b mut i64,
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        *self.balance = self.context.fuel;
    }
}

impl<S> Machine<'_, S> {
    /// Runs the function whose frame is the running one. If it returns, `at` is behind its call; the interpreter can also go
    /// on elsewhere.
    pub(super) fn enter_native(
        &mut self,
        native: &dyn NativeCode<S>,
        entry: Entry,
        at: &mut Position,
    ) -> Result<(), Outcome> {
        let function = at.function;
        let params = function.ty.params();
        let remaining = self.stack.remaining(function.frame_cells());
        let mut running = Running { context: Context::default(), balance: self.balance };
        running.context.fuel = *running.balance;
        running.context.values[..params].copy_from_slice(&self.stack.registers()[..params]);
        let session = Session {
            context: &mut running.context,
            memory: self.memory,
            globals: self.globals,
            cells: self.stack.cells_mut(),
            interrupt: self.interrupt,
            host: HostCalls { state: &mut *self.host.state, kept: &mut *self.host.kept, ..self.host },
        };
        let left = native.enter(session, entry, remaining);
        let values = running.context.values;
        let Context { site, frame, value, .. } = running.context;
        drop(running);
        if left {
            let site = usize::try_from(site).ok().and_then(|site| native.code().sites().get(site));
            let Some(site) = site else { unreachable!("machine code is left at its sites") };
            return self.left(native.code(), *site, frame, value, at);
        }
        let results = function.ty.results();
        self.stack.registers()[..results].copy_from_slice(&values[..results]);
        self.ret(at)
    }

    /// What it means that machine code was left at a site, in the frame that starts at a cell.
    fn left(
        &mut self,
        code: &CodeInfo,
        site: Site,
        frame: u64,
        value: u64,
        at: &mut Position,
    ) -> Result<(), Outcome> {
        if code.options().fuel {
            *self.balance = self.balance.wrapping_sub(i64::from(site.charged));
        }
        if usize::try_from(frame).ok().and_then(|frame| self.stack.set_running(frame)).is_none() {
            unreachable!("machine code is left in a frame");
        }
        if let Some(call) = site.inlined_at {
            self.stack.set_place(call);
            if self.stack.push_place(&self.functions[call.function.index()]).is_none() {
                unreachable!("the frame of an inlined function fits");
            }
        }
        let place = site.place;
        self.stack.set_place(place);
        let trapped = |trap| Outcome::Trapped(Trapped { trap, place });
        let suspended = |reason| Outcome::Suspended(Suspension { reason, place });
        Err(match site.kind {
            ExitKind::Trap(trap) => trapped(trap),
            ExitKind::HostError => trapped(Trap::Host(value as u32)),
            ExitKind::Halt => Outcome::Halted(value),
            // Only a slice of the fuel is used up. The interpreter goes on to the next check point.
            ExitKind::Fuel if *self.host.kept > 0 && self.whole_balance() >= 0 => {
                if self.interrupt.load(Ordering::Relaxed) {
                    return Err(suspended(Reason::Interrupted));
                }
                *at = self.position(place);
                return Ok(());
            }
            ExitKind::Fuel => suspended(Reason::Fuel),
            ExitKind::Interrupted => suspended(Reason::Interrupted),
            ExitKind::Yield => suspended(Reason::Yield(value)),
            ExitKind::Pending(import) => suspended(Reason::Pending(import)),
            ExitKind::Interpret => {
                *at = self.position(place);
                return Ok(());
            }
        })
    }
}
