//! Tail calls take no stack, however many there are.
#![cfg(feature = "text")]

use vsp_core::index::FuncIndex;
use vsp_core::program::Program;
use vsp_core::text::assemble;
use vsp_core::verify::Verified;
use vsp_core::{Imports, Instance, Options, Outcome, Values};

/// Two functions that call each other, directly and by number. All have the type (3) -> 1.
const TEXT: &str = "
.func even (3) -> 1
JZ R0, end
SUBI R0, 1
TAILCALL odd
end: MOVI R0, 1
RET
.end
.func odd (3) -> 1
.locals 20
JZ R0, end
SUBI R0, 1
TAILCALL even
end: RET
.end
.func even_by_number (3) -> 1
JZ R0, end
SUBI R0, 1
TAILCALLR R2, (3) -> 1
end: MOVI R0, 1
RET
.end
.func odd_by_number (3) -> 1
.locals 20
JZ R0, end
SUBI R0, 1
TAILCALLR R1, (3) -> 1
end: RET
.end";

/// Turns of each call.
const TURNS: u64 = 1_000_000;

fn options() -> Options<'static> {
    Options { stack_cells: Some(64), fuel: Some(10 * TURNS), ..Options::default() }
}

#[test]
#[cfg_attr(miri, ignore = "too slow")]
fn a_million_tail_calls_fit_in_the_smallest_stack() {
    let bytes = assemble(TEXT, "tail.sil").unwrap();
    let program = Verified::new(Program::read(&bytes[..]).unwrap()).unwrap();
    let imports = Imports::<()>::new();
    let mut instance = Instance::new(&program, &imports, (), options()).unwrap();
    for first in [0, 2] {
        for (turns, expected) in [(TURNS, 1), (TURNS + 1, 0)] {
            instance.set_fuel(10 * TURNS);
            let outcome = instance.call(FuncIndex(first), &[turns, 2, 3]).unwrap();
            assert_eq!(outcome, Outcome::Returned(Values::new(&[expected])));
            // Three for each turn, and one or two, JZ and MOVI, before the return; 20 locals cost one.
            let entries = turns.div_ceil(2);
            let used = 3 * turns + 2 + expected + entries;
            assert_eq!(instance.fuel(), Some((10 * TURNS - used) as i64));
        }
    }
}

#[test]
#[cfg_attr(miri, ignore = "too slow")]
fn a_million_tail_calls_step_by_step() {
    let bytes = assemble(TEXT, "tail.sil").unwrap();
    let program = Verified::new(Program::read(&bytes[..]).unwrap()).unwrap();
    let imports = Imports::<()>::new();
    for first in [0, 2] {
        let mut instance = Instance::new(&program, &imports, (), options()).unwrap();
        assert_eq!(instance.begin(FuncIndex(first), &[TURNS + 1, 2, 3]).unwrap(), None);
        let mut deepest = 0;
        let outcome = loop {
            if let Some(outcome) = instance.step_until(10_001, |_| false).unwrap() {
                break outcome;
            }
            deepest = deepest.max(instance.call_stack().count());
        };
        assert_eq!((outcome, deepest), (Outcome::Returned(Values::new(&[0])), 1));
    }
}
