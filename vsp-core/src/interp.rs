//! The interpreter: executes the words of a verified program where they lie, allocates nothing and is the meaning that
//! every other engine is compared with.
//!
//! [`Activation`] executes the instructions of one frame; everything that changes frames, or leaves the program, comes
//! back here as an [`Exit`].

mod activation;
mod handlers;

use core::sync::atomic::{AtomicBool, Ordering};

use crate::Trap;
use crate::host::{Caller, HostStop};
use crate::index::{FuncIndex, ImportIndex, Place};
use crate::instance::{Instance, Outcome, Overflow, Reason, Suspension, Trapped, Values};
use crate::isa::Reg;
use crate::limits::{MAX_PARAMS, MAX_RESULTS};
use crate::verify::Function;
use activation::{Activation, Exit};

/// What an instance that cannot be interrupted looks at.
static NEVER: AtomicBool = AtomicBool::new(false);

/// The function that runs, and the next word, counted from the start of the whole code.
#[derive(Clone, Copy)]
struct Position {
    index: FuncIndex,
    function: Function,
    next: usize,
}

impl Position {
    /// The place of the next word.
    fn place(&self) -> Place {
        Place { function: self.index, word: self.next as u32 - self.function.start }
    }

    /// The place of the word that was executed last.
    fn executed(&self) -> Place {
        let place = self.place();
        Place { word: place.word - 1, ..place }
    }
}

/// Runs a function whose frame is the only one.
pub(crate) fn start<S>(instance: &mut Instance<'_, S>, index: FuncIndex) -> Outcome {
    let Some(function) = instance.program.function(index).copied() else {
        unreachable!("the caller looked the function up")
    };
    let at = Position { index, function, next: function.start as usize };
    match entered(instance, at) {
        Ok(()) => run(instance, at),
        Err(outcome) => outcome,
    }
}

/// Continues a suspended program with the values it waits for, whose number is right.
pub(crate) fn resume<S>(instance: &mut Instance<'_, S>, reason: Reason, values: &[u64]) -> Outcome {
    let place = instance.stack.place();
    let mut at = position(instance, place);
    let checked = match reason {
        Reason::Fuel | Reason::Interrupted => check_point(instance, at),
        Reason::Yield(_) => {
            if let Some((reg, _)) = instance.program.instruction(place).and_then(|it| it.registers().next()) {
                instance.stack.registers()[reg.index()] = values[0];
            }
            at.next += 1;
            Ok(())
        }
        Reason::Pending(_) => {
            instance.stack.registers()[..values.len()].copy_from_slice(values);
            at.next += 1;
            check_point(instance, at)
        }
    };
    match checked {
        Ok(()) => run(instance, at),
        Err(outcome) => outcome,
    }
}

fn position<S>(instance: &Instance<'_, S>, place: Place) -> Position {
    match instance.program.function(place.function) {
        Some(&function) => {
            Position { index: place.function, function, next: (function.start + place.word) as usize }
        }
        None => unreachable!("frames belong to functions of the program"),
    }
}

/// Executes until the program leaves.
fn run<S>(instance: &mut Instance<'_, S>, mut at: Position) -> Outcome {
    loop {
        let exit = execute(instance, &mut at);
        let step = match exit {
            Exit::Call(callee) => call(instance, &mut at, callee),
            Exit::CallIndirect { number, ty } => match indirect(instance, number, ty) {
                Some(callee) => call(instance, &mut at, callee),
                None => Err(trap(instance, at, Trap::BadIndirectCall)),
            },
            Exit::Return => ret(instance, &mut at),
            Exit::Host(import) => host_call(instance, at, import),
            Exit::Yield(reg) => {
                let value = instance.stack.registers()[reg.index()];
                Err(suspend(instance, at.executed(), Reason::Yield(value)))
            }
            Exit::Halt(reg) => Err(Outcome::Halted(instance.stack.registers()[reg.index()])),
            Exit::Trap(kind) => Err(trap(instance, at, kind)),
            Exit::CheckPoint => check_point(instance, at),
        };
        if let Err(outcome) = step {
            return outcome;
        }
    }
}

/// Executes instructions of the running frame until one needs more than the frame.
fn execute<S>(instance: &mut Instance<'_, S>, at: &mut Position) -> Exit {
    let program = instance.program.program();
    let Some((registers, above)) = instance.stack.window() else {
        unreachable!("the running frame is in the stack")
    };
    let activation = Activation {
        registers,
        locals: &mut above[..usize::from(at.function.locals)],
        memory: &mut instance.memory,
        globals: &mut instance.globals,
        constants: program.constants(),
        code: program.code(),
        next: at.next,
        bias: instance.balance.wrapping_add(at.next as i64),
        interrupt: instance.interrupt.as_deref().unwrap_or(&NEVER),
    };
    let (exit, next, balance) = activation.execute();
    at.next = next;
    instance.balance = balance;
    exit
}

fn trap<S>(instance: &mut Instance<'_, S>, at: Position, trap: Trap) -> Outcome {
    let place = at.executed();
    instance.stack.set_place(place);
    Outcome::Trapped(Trapped { trap, place })
}

fn suspend<S>(instance: &mut Instance<'_, S>, place: Place, reason: Reason) -> Outcome {
    instance.stack.set_place(place);
    Outcome::Suspended(Suspension { reason, place })
}

/// A check point whose place is the next word.
fn check_point<S>(instance: &mut Instance<'_, S>, at: Position) -> Result<(), Outcome> {
    let reason = if instance.balance < 0 {
        Reason::Fuel
    } else if instance.interrupt.as_deref().is_some_and(|flag| flag.load(Ordering::Relaxed)) {
        Reason::Interrupted
    } else {
        return Ok(());
    };
    Err(suspend(instance, at.place(), reason))
}

/// What happens when a frame was made: its charge, and the check point.
fn entered<S>(instance: &mut Instance<'_, S>, at: Position) -> Result<(), Outcome> {
    instance.balance = instance.balance.saturating_sub(i64::from(at.function.entry_charge()));
    if at.function.short_leaf { Ok(()) } else { check_point(instance, at) }
}

fn call<S>(instance: &mut Instance<'_, S>, at: &mut Position, index: FuncIndex) -> Result<(), Outcome> {
    let Some(&function) = instance.program.functions().get(index.index()) else {
        unreachable!("verified: called functions exist")
    };
    instance.stack.set_place(at.executed());
    if let Err(Overflow) = instance.stack.push(&at.function, &function) {
        return Err(trap(instance, *at, Trap::StackOverflow));
    }
    *at = Position { index, function, next: function.start as usize };
    entered(instance, *at)
}

/// The function with this number, if it exists and has this type.
fn indirect<S>(instance: &Instance<'_, S>, number: u64, ty: u32) -> Option<FuncIndex> {
    let index = FuncIndex(u32::try_from(number).ok()?);
    let function = instance.program.function(index)?;
    (u32::from(function.ty.bits()) == ty).then_some(index)
}

fn ret<S>(instance: &mut Instance<'_, S>, at: &mut Position) -> Result<(), Outcome> {
    let results = at.function.ty.results();
    match instance.stack.pop(results) {
        Some(place) => {
            *at = position(instance, Place { word: place.word + 1, ..place });
            Ok(())
        }
        None => Err(Outcome::Returned(Values::new(&instance.stack.registers()[..results]))),
    }
}

fn host_call<S>(instance: &mut Instance<'_, S>, at: Position, import: ImportIndex) -> Result<(), Outcome> {
    instance.stack.set_place(at.executed());
    let resolved = instance.resolved[import.index()];
    let ty = instance.imports.ty(resolved);
    let registers = instance.stack.registers();
    let mut args = [0; MAX_PARAMS];
    args[..ty.params()].copy_from_slice(&registers[..ty.params()]);
    let mut results = [0; MAX_RESULTS];

    let balance = instance.metered.then_some(&mut instance.balance);
    let mut caller = Caller::new(&mut instance.state, &mut instance.memory, balance);
    match instance.imports.call(resolved, &mut caller, &args, &mut results) {
        Ok(()) => {
            let count = ty.results();
            instance.stack.registers()[..count].copy_from_slice(&results[..count]);
            check_point(instance, at)
        }
        Err(HostStop::Error(code)) => Err(trap(instance, at, Trap::Host(code))),
        Err(HostStop::Pending) => Err(suspend(instance, at.executed(), Reason::Pending(import))),
    }
}

const _: () = assert!(MAX_PARAMS <= Reg::ALL.len() && MAX_RESULTS <= Reg::ALL.len());
