//! Instructions, heap and stack of what a board does with the program `programs/kernels.sil`.

use vsp_core::program::Program;
use vsp_core::verify::Verified;
use vsp_core::{Imports, Instance, Options, Outcome};

use crate::board::{Board, paint_stack, stack_depth};
use crate::check::{Engine, Failure};
use crate::heap::Heap;
use crate::host::Host;
use crate::report::Report;

/// The fuel of each call.
const FUEL: u64 = 1 << 40;

/// A call of an export of the program, with its result and the fuel that it takes.
const CALLS: [(&str, u64, u64, i64); 3] =
    [("fib", 15, 610, 10_848), ("sieve", 8192, 1028, 93_077), ("crc", 4096, 0xA291_2082, 167_854)];

/// Calls a function, and writes figures: instructions, and the heap and stack that it takes at most beyond what is in
/// use before, and the heap that it keeps.
pub fn measured<B: Board, R>(
    report: &mut Report<B>,
    heap: &Heap,
    name: &[&str],
    run: impl FnOnce() -> R,
) -> R {
    let frame = paint_stack::<B>();
    let live = heap.live();
    heap.take_peak();
    let start = B::instructions();
    let result = apart(run);
    let instructions = B::instructions() - start;
    let depth = stack_depth::<B>(frame);
    let mut figure = |what: &str, value: u64| match *name {
        [first] => report.figure(&[first, "-", what], value),
        [first, second] => report.figure(&[first, "-", second, "-", what], value),
        _ => {}
    };
    figure("instructions", instructions);
    figure("heap", (heap.take_peak() - live) as u64);
    figure("heap-kept", heap.live().saturating_sub(live) as u64);
    figure("stack", depth as u64);
    result
}

/// Calls a function that has a frame of its own, so that its stack is measured.
#[inline(never)]
fn apart<R>(run: impl FnOnce() -> R) -> R {
    run()
}

/// Reads and verifies the program.
///
/// # Errors
/// It is refused, and the report says so.
pub fn read<'p, B: Board>(
    report: &mut Report<B>,
    heap: &Heap,
    bytes: &'p [u8],
) -> Result<Verified<'p>, Failure> {
    let verified = measured(report, heap, &["read"], || Verified::new(Program::read(bytes).ok()?).ok());
    let verified = verified.ok_or(Failure::of("the program is refused"));
    report.check("measure", "read", || verified.as_ref().map(|_| ()).map_err(|failure| *failure));
    verified
}

/// Carries out the calls in an engine.
pub fn kernels<'p, B: Board, E: Engine>(
    report: &mut Report<B>,
    heap: &Heap,
    program: &'p Verified<'p>,
    engine: &mut E,
    imports: &'p Imports<Host>,
) {
    let engine_name = engine.name();
    let loaded = measured(report, heap, &["load", engine_name], || engine.load(program));
    for (name, argument, result, fuel) in CALLS {
        let mut call = || {
            let loaded = loaded.as_ref().map_err(|failure| *failure)?;
            let options = Options { stack_cells: Some(1024), fuel: Some(FUEL), ..Options::default() };
            let made = Instance::new(program, imports, Host::default(), options);
            let mut instance = made.map_err(|_| Failure::of("the instance is not made"))?;
            E::attach(loaded, &mut instance)?;
            let (outcome, used) = {
                let outcome =
                    measured(report, heap, &[name, engine_name], || instance.call_export(name, &[argument]));
                (outcome, FUEL as i64 - instance.fuel().unwrap_or_default())
            };
            let Ok(Outcome::Returned(values)) = outcome else { return Err(Failure::of("no result")) };
            let wrong = |what, found, expected| Err(Failure { step: 0, what, found, expected });
            match values[0] == result {
                false => wrong("result", values[0], result),
                true if used != fuel => wrong("fuel", used as u64, fuel as u64),
                true => Ok(()),
            }
        };
        let outcome = call();
        report.check(engine_name, name, || outcome);
    }
}
