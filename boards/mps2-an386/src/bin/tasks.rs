//! Programs between other tasks: each call is a future that runs a slice of fuel whenever it is polled, and a small
//! executor gives every task a turn. No task waits longer than a slice, whatever the programs do.

#![no_std]
#![no_main]

#[path = "../board.rs"]
mod board;

use core::cell::Cell;
use core::future::Future;
use core::pin::{Pin, pin};
use core::task::{Context, Poll, Waker};

use board::Mps2;
use board_checks::board::Board;
use board_checks::check::Failure;
use board_checks::report::Report;
use cortex_m_rt::entry;
use vsp_core::program::Program;
use vsp_core::verify::Verified;
use vsp_core::{CallError, Imports, Instance, Options, Outcome, Reason};

/// A program with the functions `fib` and `crc`.
static KERNELS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/kernels"));

/// The fuel of a turn: about as many instructions of the program.
const SLICE: u64 = 500;

/// A call of an export with one argument.
struct Call<'i, 'p> {
    instance: &'i mut Instance<'p, ()>,
    name: &'static str,
    argument: u64,
    started: bool,
}

impl Future for Call<'_, '_> {
    type Output = Result<Outcome, CallError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let Call { name, argument, started, .. } = *self;
        self.started = true;
        self.instance.add_fuel(SLICE);
        let outcome =
            if started { self.instance.resume(&[]) } else { self.instance.call_export(name, &[argument]) };
        match outcome {
            Ok(Outcome::Suspended(it)) if it.reason == Reason::Fuel => {
                // It goes on in its next turn.
                context.waker().wake_by_ref();
                Poll::Pending
            }
            ended => Poll::Ready(ended),
        }
    }
}

/// The program's end as a number.
async fn result(call: Call<'_, '_>) -> Option<u64> {
    match call.await {
        Ok(Outcome::Returned(values)) => values.first().copied(),
        _ => None,
    }
}

/// A task that needs a turn often, such as one that feeds a watchdog: counts its turns, and how many instructions it
/// waited at most.
struct Watchdog<'c> {
    turns: &'c Cell<u64>,
    longest: &'c Cell<u64>,
    last: u64,
}

impl Future for Watchdog<'_> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        let now = Mps2::instructions();
        self.longest.set(self.longest.get().max(now - self.last));
        self.last = now;
        self.turns.set(self.turns.get() + 1);
        Poll::Pending
    }
}

/// Gives each of two calls and a watchdog their turns, until both calls have ended. Here every task is always ready; an
/// executor for tasks that wait for interrupts sleeps until one wakes it.
fn run<T>(
    mut first: Pin<&mut impl Future<Output = T>>,
    mut second: Pin<&mut impl Future<Output = T>>,
    mut watchdog: Pin<&mut impl Future<Output = ()>>,
) -> (T, T) {
    let mut context = Context::from_waker(Waker::noop());
    let (mut one, mut two) = (None, None);
    loop {
        if one.is_none()
            && let Poll::Ready(value) = first.as_mut().poll(&mut context)
        {
            one = Some(value);
        }
        if two.is_none()
            && let Poll::Ready(value) = second.as_mut().poll(&mut context)
        {
            two = Some(value);
        }
        let _ = watchdog.as_mut().poll(&mut context);
        match (one, two) {
            (Some(one), Some(two)) => return (one, two),
            still => (one, two) = still,
        }
    }
}

fn tasks(report: &mut Report<Mps2>) -> Result<(), Failure> {
    let program = Program::read(KERNELS).map_err(|_| Failure::of("the program is not read"))?;
    let program = Verified::new(program).map_err(|_| Failure::of("the program is refused"))?;
    let imports = Imports::<()>::new();
    let options = || Options { stack_cells: Some(512), fuel: Some(0), ..Options::default() };
    let instance = || Instance::new(&program, &imports, (), options());
    let instances = (instance(), instance());
    let (Ok(mut one), Ok(mut two)) = instances else { return Err(Failure::of("the instance is not made")) };
    let (turns, longest) = (Cell::new(0), Cell::new(0));
    let fib = pin!(result(Call { instance: &mut one, name: "fib", argument: 15, started: false }));
    let crc = pin!(result(Call { instance: &mut two, name: "crc", argument: 4096, started: false }));
    let watchdog = pin!(Watchdog { turns: &turns, longest: &longest, last: Mps2::instructions() });
    let (fib, crc) = run(fib, crc, watchdog);
    let equal = |what, found: Option<u64>, expected| match found {
        Some(found) if found == expected => Ok(()),
        found => Err(Failure { step: 0, what, found: found.unwrap_or_default(), expected }),
    };
    report.check("tasks", "fib", || equal("result", fib, 610));
    report.check("tasks", "crc", || equal("result", crc, 0xA291_2082));
    report.figure(&["turns"], turns.get());
    report.figure(&["longest-turn-instructions"], longest.get());
    // The 167,854 units of fuel of the longer program are more than 300 slices.
    report.check("tasks", "turns", || if turns.get() > 300 { Ok(()) } else { Err(Failure::of("few turns")) });
    Ok(())
}

#[entry]
fn main() -> ! {
    board::init();
    let mut report = Report::<Mps2>::new();
    if let Err(failure) = tasks(&mut report) {
        report.check("tasks", "start", || Err(failure));
    }
    report.end()
}
