//! Single-stepping, and inspection of frames. (That stepping is equivalent to running is tested with all case files, in
//! `snapshots`.)
#![cfg(feature = "text")]

use vsp_core::index::{FuncIndex, Location};
use vsp_core::program::Program;
use vsp_core::text::assemble;
use vsp_core::verify::Verified;
use vsp_core::{CallError, Imports, Instance, Options, Outcome, Reason, Trap};

const TEXT: &str = "
.memory 64
.func f (2) -> 1
.locals 2
        SETL R0, 1         ; 0
        SWITCH R1, 2       ; 1
        JMP one            ; 2
        JMP two            ; 3
one:    YIELD R1           ; 4
two:    MOVI R2, 7         ; 5
        CALL g             ; 6
        GETL R1, 1         ; 7
        ADD R0, R0, R1     ; 8
        RET                ; 9
.end
.func g (1) -> 1
.locals 1
        SETL R0, 0         ; 0
        MULI R0, R0, 10    ; 1
        RET                ; 2
.end
.func loop (0) -> 0
again:  ADDI R0, R0, 1     ; 0
        JMP again          ; 1
.end
.func large (0) -> 0
.locals 100
        RET
.end
.func divide (1) -> 1
        DIV R0, R0, R1
        RET
.end";

const F: FuncIndex = FuncIndex(0);
const G: FuncIndex = FuncIndex(1);
const LOOP: FuncIndex = FuncIndex(2);
const LARGE: FuncIndex = FuncIndex(3);
const DIVIDE: FuncIndex = FuncIndex(4);

fn with_instance(fuel: Option<u64>, test: impl FnOnce(&mut Instance<'_, ()>)) {
    let bytes = assemble(TEXT, "text.sil").unwrap_or_else(|errors| panic!("{}", errors[0]));
    let program = Verified::new(Program::read(&bytes[..]).unwrap()).unwrap();
    let imports = Imports::new();
    let options = Options { stack_cells: Some(64), fuel, ..Options::default() };
    test(&mut Instance::new(&program, &imports, (), options).unwrap());
}

fn location(function: FuncIndex, word: u32) -> Option<Location> {
    Some(Location { function, word })
}

fn returned(outcome: Option<Outcome>) -> Vec<u64> {
    match outcome {
        Some(Outcome::Returned(values)) => values.to_vec(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn every_instruction_is_a_step() {
    with_instance(Some(100), |instance| {
        assert_eq!(instance.next_location(), None);
        assert_eq!(instance.begin(F, &[3, 1]), Ok(None));
        let expected =
            [(F, 0), (F, 1), (F, 3), (F, 5), (F, 6), (G, 0), (G, 1), (G, 2), (F, 7), (F, 8), (F, 9)];
        for (step, (function, word)) in expected.into_iter().enumerate() {
            assert_eq!(instance.next_location(), location(function, word), "step {step}");
            assert_eq!(instance.fuel(), Some(100 - step as i64));
            let outcome = instance.step().unwrap();
            if (function, word) == (F, 9) {
                assert_eq!(returned(outcome), [33]);
            } else {
                assert_eq!(outcome, None);
            }
        }
        assert_eq!((instance.next_location(), instance.fuel()), (None, Some(89)));
        assert_eq!(instance.frames().count(), 0);
        assert_eq!(instance.step(), Err(CallError::NotStepping));
    });
}

#[test]
fn frames_can_be_seen_and_changed() {
    with_instance(None, |instance| {
        assert_eq!(instance.begin(F, &[3, 1]), Ok(None));
        assert_eq!(
            instance.step_until(u64::MAX, |location| location == Location { function: G, word: 1 }),
            Ok(None)
        );
        let frames: Vec<_> = instance.frames().collect();
        assert_eq!(frames.len(), 2);
        assert_eq!((Some(frames[0].location), Some(frames[1].location)), (location(G, 1), location(F, 6)));
        assert_eq!((frames[0].registers[..3].to_vec(), frames[0].locals.to_vec()), (vec![3, 0, 0], vec![3]));
        assert_eq!(
            (frames[1].registers[..3].to_vec(), frames[1].locals.to_vec()),
            (vec![3, 1, 7], vec![0, 3])
        );

        instance.frame_mut(0).unwrap().registers[0] = 5;
        instance.frame_mut(1).unwrap().locals[1] = 1000;
        assert!(instance.frame_mut(2).is_none());
        assert_eq!(returned(instance.finish().map(Some).unwrap()), [1050]);
        assert!(instance.frame_mut(0).is_none());
    });
}

#[test]
fn breakpoints_and_limits() {
    with_instance(None, |instance| {
        assert_eq!(instance.begin(LOOP, &[]), Ok(None));
        let head = Location { function: LOOP, word: 0 };
        for turn in 1..5 {
            // The first instruction is executed even though it is at the breakpoint.
            assert_eq!(instance.step_until(u64::MAX, |location| location == head), Ok(None));
            assert_eq!(instance.next_location(), Some(head));
            assert_eq!(instance.frames().next().unwrap().registers[0], turn);
        }
        assert_eq!(instance.step_until(0, |_| true), Ok(None));
        assert_eq!(instance.next_location(), Some(head));
        let mut seen = Vec::new();
        let watch = |location: Location| {
            seen.push(location.word);
            false
        };
        assert_eq!(instance.step_until(5, watch), Ok(None));
        assert_eq!(seen, [1, 0, 1, 0]);
        assert_eq!(instance.next_location(), location(LOOP, 1));
    });
}

#[test]
fn stepping_until_fuel_is_used() {
    for fuel in [None, Some(1000)] {
        with_instance(fuel, |instance| {
            assert_eq!(instance.begin(LOOP, &[]), Ok(None));
            let at = |word| location(LOOP, word);
            assert_eq!(instance.step_within(u64::MAX, 0, |_| false), Ok(None));
            assert_eq!(instance.next_location(), at(0));
            let before = instance.fuel();
            assert_eq!(instance.step_within(u64::MAX, 5, |_| false), Ok(None));
            assert_eq!(instance.next_location(), at(1));
            assert_eq!(before.zip(instance.fuel()).map(|(before, now)| before - now), fuel.map(|_| 5));
            // Whichever comes first.
            assert_eq!(instance.step_within(2, 5, |_| false), Ok(None));
            assert_eq!(instance.next_location(), at(1));
            assert_eq!(instance.step_within(u64::MAX, 5, |it| it.word == 0), Ok(None));
            assert_eq!(instance.next_location(), at(0));
        });
    }
}

#[test]
fn suspension_while_stepping() {
    with_instance(Some(3), |instance| {
        assert_eq!(instance.begin(F, &[3, 0]), Ok(None));
        let outcome = instance.step_until(u64::MAX, |_| false).unwrap();
        let Some(Outcome::Suspended(suspension)) = outcome else { panic!("{outcome:?}") };
        assert_eq!((suspension.reason, Some(suspension.location)), (Reason::Yield(0), location(F, 4)));
        assert_eq!(instance.step(), Err(CallError::NotStepping));
        assert_eq!(instance.finish(), Err(CallError::NotStepping));
        assert_eq!(instance.begin_resume(&[]), Err(CallError::Values { expected: 1, given: 0 }));
        assert_eq!(instance.begin_resume(&[9]), Ok(None));
        assert_eq!(instance.next_location(), location(F, 5));
        assert_eq!(instance.frames().next().unwrap().registers[1], 9);
        instance.set_fuel(100);
        assert_eq!(returned(instance.finish().map(Some).unwrap()), [33]);

        assert_eq!(instance.begin(LARGE, &[]), Ok(overflow()));
        // A safepoint is passed again when the program is resumed from it.
        instance.set_fuel(0);
        assert_eq!(instance.begin(LOOP, &[]), Ok(None));
        let outcome = instance.step_until(u64::MAX, |_| false).unwrap();
        let Some(Outcome::Suspended(suspension)) = outcome else { panic!("{outcome:?}") };
        assert_eq!((suspension.reason, Some(suspension.location)), (Reason::Fuel, location(LOOP, 0)));
        assert_eq!(instance.begin_resume(&[]).unwrap(), outcome);
        instance.set_fuel(1);
        assert_eq!(instance.begin_resume(&[]), Ok(None));
    });
}

/// The outcome of a call whose frame does not fit.
fn overflow() -> Option<Outcome> {
    let location = Location { function: LARGE, word: 0 };
    Some(Outcome::Trapped(vsp_core::Trapped { trap: Trap::StackOverflow, location }))
}

#[test]
fn calls_while_stepping() {
    with_instance(None, |instance| {
        assert_eq!(instance.begin(FuncIndex(9), &[]), Err(CallError::NoFunction(FuncIndex(9))));
        assert_eq!(instance.begin(F, &[]), Err(CallError::Arguments { expected: 2, given: 0 }));
        assert_eq!(instance.begin(F, &[1, 1]), Ok(None));
        assert_eq!(instance.call(F, &[1, 1]), Err(CallError::Stepping));
        assert_eq!(instance.begin(F, &[1, 1]), Err(CallError::Stepping));
        assert_eq!(instance.resume(&[]), Err(CallError::NotSuspended));
        assert_eq!(instance.suspended(), None);
        assert_eq!(instance.call_stack().count(), 1);
        instance.reset();
        assert_eq!(instance.next_location(), None);
        assert!(instance.call(F, &[1, 1]).is_ok());
    });
}

#[test]
fn traps_leave_their_frames() {
    with_instance(None, |instance| {
        assert_eq!(instance.begin(DIVIDE, &[8]), Ok(None));
        let Some(Outcome::Trapped(trapped)) = instance.step().unwrap() else { panic!("8 ÷ 0") };
        assert_eq!(trapped.trap, Trap::DivideByZero);
        let frame = instance.frames().next().unwrap();
        assert_eq!((Some(frame.location), frame.registers[0]), (location(DIVIDE, 0), 8));
        assert_eq!(instance.step(), Err(CallError::NotStepping));
        assert_eq!(instance.begin(DIVIDE, &[8]), Ok(None));
    });
}
