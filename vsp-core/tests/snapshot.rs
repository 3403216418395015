//! Snapshots: their bytes, refused ones, and that no bytes cause a panic. (That saving and restoring changes nothing is
//! tested with all case files, in `snapshots`, and here with random programs.)
#![cfg(feature = "text")]

#[path = "snapshot/common.rs"]
mod common;
#[path = "analysis/random.rs"]
mod random;
#[path = "snapshot/refused.rs"]
mod refused;

use std::sync::atomic::AtomicBool;

use common::{SHOWN, repaired};
use vsp_core::index::{FuncIndex, GlobalIndex, Location};
use vsp_core::program::Program;
use vsp_core::snapshot::Snapshot;
use vsp_core::text::assemble;
use vsp_core::verify::Verified;
use vsp_core::{Caller, HostStop, Imports, Instance, Options, Outcome, Reason, Status};

fn verified(bytes: &[u8]) -> Verified<'_> {
    Verified::new(Program::read(bytes).unwrap()).unwrap()
}

fn small() -> Options<'static> {
    Options { stack_cells: Some(64), fuel: Some(100), ..Options::default() }
}

/// Returns the snapshot of the shown program.
fn shown_state(program: &Verified<'_>) -> Vec<u8> {
    let imports = Imports::<()>::new();
    let mut instance = Instance::new(program, &imports, (), small()).unwrap();
    let outcome = instance.call_export("f", &[3]).unwrap();
    assert!(matches!(outcome, Outcome::Suspended(it) if it.reason == Reason::Yield(3)));
    instance.save().unwrap()
}

/// The annotated dump in docs/format.md is the snapshot of that program.
#[test]
fn the_dump_in_the_document_is_right() {
    let page = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/format.md")).unwrap();
    let dump = page.split("```text\n").find(|block| block.starts_with("0000  53 49 4C 53")).unwrap();
    let mut bytes = Vec::new();
    for line in dump.split("```").next().unwrap().lines() {
        assert_eq!(usize::from_str_radix(&line[..4], 16), Ok(bytes.len()), "{line}");
        let digits = line[6..].split("  ").next().unwrap();
        bytes.extend(digits.split(' ').map(|digits| u8::from_str_radix(digits, 16).unwrap()));
    }
    let program = assemble(SHOWN, "shown.sil").unwrap();
    let program = verified(&program);
    assert_eq!(shown_state(&program), bytes);

    let state = Snapshot::read(&bytes).unwrap();
    assert_eq!(state.program_checksum(), program.program().checksum());
    assert_eq!(state.program_bytes() as usize, program.program().bytes().len());
    assert_eq!((state.memory_bytes(), state.stack_cells(), state.fuel()), (64, 64, Some(96)));
    assert_eq!((state.status(), state.is_interruptible()), (Status::Suspended(Reason::Yield(3)), false));
    assert_eq!(state.globals().collect::<Vec<_>>(), [5]);
    assert_eq!(state.memory().collect::<Vec<_>>(), [(16, &b"\0\0hi\0\0\0\0\0\0\0\0\0\0\0\0"[..])]);
    let frames: Vec<_> = state.frames().collect();
    assert_eq!((frames.len(), state.frame_count()), (2, 2));
    let location = |function, word| Location { function: FuncIndex(function), word };
    assert_eq!((frames[0].location(), frames[0].slot_count()), (location(0, 1), 17));
    assert_eq!(frames[0].slots().collect::<Vec<_>>(), [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 3]);
    assert_eq!((frames[1].location(), frames[1].slot_count()), (location(1, 1), 16));
    assert_eq!(frames[1].slots().collect::<Vec<_>>(), [0, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
}

#[test]
fn a_restored_instance_goes_on() {
    let program = assemble(SHOWN, "shown.sil").unwrap();
    let program = verified(&program);
    let bytes = shown_state(&program);
    let state = Snapshot::read(&bytes).unwrap();
    let imports = Imports::new();
    let mut instance = Instance::restore(&program, &imports, 8, Options::default(), &state).unwrap();
    assert_eq!((instance.stack_cells(), instance.fuel(), *instance.state()), (64, Some(96), 8));
    assert_eq!((&instance.memory()[16..20], instance.memory().len()), (&b"\0\0hi"[..], 64));
    assert_eq!(instance.global(GlobalIndex(0)), Some(5));
    let locations: Vec<_> =
        instance.call_stack().map(|location| (location.function.0, location.word)).collect();
    assert_eq!(locations, [(1, 1), (0, 1)]);
    assert_eq!(instance.save().unwrap(), bytes);
    let Ok(Outcome::Returned(values)) = instance.resume(&[10]) else { panic!("it returns") };
    // (10 + 7) + 3, and five instructions.
    assert_eq!((&*values, instance.fuel()), (&[20][..], Some(91)));
}

#[test]
fn fuel_and_interrupt_can_be_chosen_anew() {
    let program = assemble(SHOWN, "shown.sil").unwrap();
    let program = verified(&program);
    let bytes = shown_state(&program);
    let state = Snapshot::read(&bytes).unwrap();
    let (imports, flag) = (Imports::new(), AtomicBool::new(false));
    let options = Options { fuel: Some(7), interrupt: Some((&flag).into()), ..small() };
    let instance = Instance::restore(&program, &imports, (), options, &state).unwrap();
    assert_eq!(instance.fuel(), Some(7));
    let again = instance.save().unwrap();
    let state = Snapshot::read(&again).unwrap();
    assert_eq!((state.fuel(), state.is_interruptible()), (Some(7), true));

    // An instance that is not metered stays so, or becomes metered.
    let mut plain = Instance::new(&program, &imports, (), Options::default()).unwrap();
    plain.call_export("f", &[3]).unwrap();
    let bytes = plain.save().unwrap();
    let state = Snapshot::read(&bytes).unwrap();
    assert_eq!((state.fuel(), state.stack_cells()), (None, 65_536));
    let plain = Instance::restore(&program, &imports, (), Options::default(), &state).unwrap();
    assert_eq!((plain.fuel(), plain.save().unwrap()), (None, bytes.clone()));
    let options = Options { fuel: Some(9), ..Options::default() };
    assert_eq!(Instance::restore(&program, &imports, (), options, &state).unwrap().fuel(), Some(9));
}

/// Saves, restores, and saves again.
fn again<'p>(program: &'p Verified<'p>, imports: &'p Imports<()>, it: &Instance<'p, ()>) -> Instance<'p, ()> {
    let bytes = it.save().unwrap();
    let state = Snapshot::read(&bytes).unwrap();
    assert_eq!((state.status(), state.fuel()), (it.status(), it.fuel()));
    let restored = Instance::restore(program, imports, (), Options::default(), &state).unwrap();
    assert_eq!(restored.status(), it.status());
    assert_eq!(restored.save().unwrap(), bytes);
    restored
}

/// Memory, globals and fuel of an instance that does not run are saved: before a call, after it, after a trap and a
/// halt. It can be called when it is restored.
#[test]
fn idle_instances_are_saved() {
    let text = "
.memory 64
.global count = 5
.export f
.export g
.func f (1) -> 1
    STORE [R1], R0
    GETG R2, count
    ADD R2, R2, R0
    SETG R2, count
    MOV R0, R2
    RET
.end
.func g (1) -> 0
    STORE [R1 + 8], R0
    JZ R0, halt
    TRAP 7
halt:
    HLT R0
.end";
    let program = assemble(text, "idle.sil").unwrap_or_else(|errors| panic!("{}", errors[0]));
    let program = verified(&program);
    let imports = Imports::<()>::new();
    let mut instance = Instance::new(&program, &imports, (), small()).unwrap();
    instance = again(&program, &imports, &instance);
    let Outcome::Returned(values) = instance.call_export("f", &[3]).unwrap() else { panic!("it returns") };
    assert_eq!(values[..], [8]);
    instance = again(&program, &imports, &instance);
    assert_eq!(
        (instance.memory()[0], instance.global(GlobalIndex(0)), instance.fuel()),
        (3, Some(8), Some(94))
    );

    assert!(matches!(instance.call_export("g", &[9]).unwrap(), Outcome::Trapped(_)));
    assert_eq!(instance.call_stack().count(), 1);
    instance = again(&program, &imports, &instance);
    assert_eq!((instance.call_stack().count(), instance.memory()[8]), (0, 9));
    assert_eq!(instance.call_export("g", &[0]).unwrap(), Outcome::Halted(0));
    instance = again(&program, &imports, &instance);
    let Outcome::Returned(values) = instance.call_export("f", &[1]).unwrap() else { panic!("it returns") };
    assert_eq!((&values[..], instance.memory()[8]), (&[9][..], 0));

    // Abandoning a call makes it idle.
    instance.begin(FuncIndex(0), &[3]).unwrap();
    instance.reset();
    let bytes = again(&program, &imports, &instance).save().unwrap();
    assert_eq!(Snapshot::read(&bytes).unwrap().frame_count(), 0);
}

/// An instance can be saved between any two instructions, and stepped or finished when it is restored.
#[test]
fn instances_are_saved_between_two_instructions() {
    let program = assemble(SHOWN, "shown.sil").unwrap();
    let program = verified(&program);
    let imports = Imports::<()>::new();
    let mut plain = Instance::new(&program, &imports, (), small()).unwrap();
    let mut saved = Instance::new(&program, &imports, (), small()).unwrap();
    let mut outcomes = [&mut plain, &mut saved].map(|it| it.begin(FuncIndex(0), &[3]).unwrap());
    let mut steps = 0;
    while outcomes == [None, None] {
        assert_eq!(saved.next_location(), plain.next_location());
        saved = again(&program, &imports, &saved);
        outcomes = [&mut plain, &mut saved].map(|it| it.step().unwrap());
        steps += 1;
    }
    assert_eq!((outcomes[0], steps), (outcomes[1], 4));
    assert_eq!(saved.save().unwrap(), shown_state(&program));
    assert_eq!(plain.begin_resume(&[10]), Ok(None));
    saved = again(&program, &imports, &plain);
    let Ok(Outcome::Returned(values)) = saved.finish() else { panic!("it returns") };
    assert_eq!(values[..], [20]);
}

/// A program with frames of every kind, suspended for every reason.
const ALL: &str = "
.memory 4096
.global = 1
.global = 0
.import host.wait (2) -> 1
.data @ 0 \"first\"
.data @ 4090 \"last\"
.export f
.func f (1) -> 1
.locals 70
        SETL R0, 69
        MOVI R5, 1
        CALLR R5, (2) -> 1
        GETL R1, 69
        ADD R0, R0, R1
        RET
.end
.func g (2) -> 1
        MOVI R6, 3
loop:   LOOP R6, loop
        MOVI R7, 100
        MEMFILL R7, R6, R7
        SYSCALL host.wait
        YIELD R0
        RET
.end";

/// Returns the snapshots of that program during its execution, one for each unit of fuel, and for YIELD and SYSCALL;
/// and two that are idle and between two instructions.
fn all_states(program: &Verified<'_>) -> Vec<Vec<u8>> {
    let imports = waiting();
    let flag = AtomicBool::new(true);
    let mut states = Vec::new();
    let options = Options { stack_cells: Some(200), ..Options::default() };
    let mut instance = Instance::new(program, &imports, (), options).unwrap();
    states.push(instance.save().unwrap());
    assert_eq!(instance.begin(FuncIndex(0), &[40]), Ok(None));
    assert_eq!(instance.step_until(4, |_| false), Ok(None));
    states.push(instance.save().unwrap());
    for interrupt in [None, Some((&flag).into())] {
        let options = Options { stack_cells: Some(200), fuel: Some(0), interrupt, ..Options::default() };
        let mut instance = Instance::new(program, &imports, (), options).unwrap();
        let mut outcome = instance.call_export("f", &[40]).unwrap();
        while let Outcome::Suspended(suspension) = outcome {
            states.push(instance.save().unwrap());
            instance.set_fuel(1);
            outcome = match suspension.reason {
                Reason::Fuel => instance.resume(&[]).unwrap(),
                Reason::Yield(_) | Reason::Pending(_) => instance.resume(&[5]).unwrap(),
                Reason::Interrupted => {
                    flag.store(false, std::sync::atomic::Ordering::Relaxed);
                    let outcome = instance.resume(&[]).unwrap();
                    flag.store(true, std::sync::atomic::Ordering::Relaxed);
                    outcome
                }
            };
        }
        assert!(matches!(outcome, Outcome::Returned(_)), "{outcome:?}");
    }
    states
}

fn waiting() -> Imports<()> {
    let mut imports = Imports::new();
    let wait = |_: &mut Caller<'_, ()>, _: u64, _: u64| Err::<u64, _>(HostStop::Pending);
    imports.define("host", "wait", wait).unwrap();
    imports
}

/// Reads and restores the bytes if that is possible, and runs the instance for a while.
fn try_out(program: &Verified<'_>, bytes: &[u8]) -> bool {
    let Ok(state) = Snapshot::read(bytes) else { return false };
    if state.memory_bytes() > 1 << 20 || state.stack_cells() > 1 << 20 {
        return false;
    }
    let imports = waiting();
    let options = Options { fuel: Some(1000), ..Options::default() };
    let Ok(mut instance) = Instance::restore(program, &imports, (), options, &state) else { return false };
    // Slots that are not live may have been in it.
    let saved = instance.save().unwrap();
    let state = Snapshot::read(&saved).unwrap();
    let again = Instance::restore(program, &imports, (), Options::default(), &state).unwrap();
    assert_eq!(again.save().unwrap(), saved);
    for _ in 0..5 {
        match instance.status() {
            Status::Idle => instance.call(FuncIndex(0), &[40]).unwrap(),
            Status::Stepping => instance.finish().unwrap(),
            Status::Suspended(Reason::Fuel | Reason::Interrupted) => instance.resume(&[]).unwrap(),
            Status::Suspended(Reason::Yield(_) | Reason::Pending(_)) => instance.resume(&[1]).unwrap(),
        };
    }
    true
}

#[test]
#[cfg_attr(miri, ignore = "too slow")]
fn damage_is_an_error() {
    let program = assemble(ALL, "all.sil").unwrap_or_else(|errors| panic!("{}", errors[0]));
    let program = verified(&program);
    let states = all_states(&program);
    let saved: Vec<Status> = states.iter().map(|state| Snapshot::read(state).unwrap().status()).collect();
    assert!(saved.contains(&Status::Idle) && saved.contains(&Status::Stepping));
    let has = |wanted: fn(Reason) -> bool| {
        saved.iter().any(|status| matches!(status, Status::Suspended(reason) if wanted(*reason)))
    };
    assert!(has(|it| it == Reason::Interrupted) && has(|it| it == Reason::Fuel));
    assert!(has(|it| matches!(it, Reason::Yield(_))) && has(|it| matches!(it, Reason::Pending(_))));
    let mut restored = 0;
    for state in &states {
        assert!(try_out(&program, state));
        for length in 0..state.len() {
            assert!(Snapshot::read(&state[..length]).is_err());
            let mut cut = state[..length].to_vec();
            if length >= 16 {
                cut[8..16].copy_from_slice(&(length as u64).to_le_bytes());
            }
            assert!(Snapshot::read(&repaired(cut)).is_err());
        }
        let longer = [state.as_slice(), &[0]].concat();
        assert!(Snapshot::read(&longer).is_err());
        for bit in 0..state.len() * 8 {
            let mut flipped = state.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(Snapshot::read(&flipped).is_err());
            restored += u32::from(try_out(&program, &repaired(flipped)));
        }
    }
    assert!(restored > 1000, "values can be others: {restored}");
}

/// Runs a program twice, once saved and restored at every suspension. Returns the number of suspensions.
fn run_both_ways(program: &Verified<'_>, fuel: u64) -> u32 {
    let imports = random::imports();
    let options = Options { stack_cells: Some(1000), fuel: Some(fuel), ..Options::default() };
    let args = [1, 2, 3, 4, 5, 6, 7, 8];
    let params = program.functions()[0].ty.params();
    let mut plain = Instance::new(program, &imports, (), options.clone()).unwrap();
    let mut saved = Instance::new(program, &imports, (), options).unwrap();
    let mut outcome = plain.call(FuncIndex(0), &args[..params]).unwrap();
    assert_eq!(saved.call(FuncIndex(0), &args[..params]).unwrap(), outcome);
    let mut suspensions = 0;
    while let Outcome::Suspended(suspension) = outcome {
        suspensions += 1;
        if suspensions == 100 {
            break;
        }
        let bytes = saved.save().unwrap();
        assert_eq!(bytes, plain.save().unwrap());
        let state = Snapshot::read(&bytes).unwrap();
        saved = Instance::restore(program, &imports, (), Options::default(), &state).unwrap();
        let values: &[u64] = match suspension.reason {
            Reason::Fuel | Reason::Interrupted => &[],
            Reason::Yield(_) => &[9],
            Reason::Pending(_) => &[10, 11, 12, 13],
        };
        plain.set_fuel(fuel);
        saved.set_fuel(fuel);
        outcome = plain.resume(values).unwrap();
        assert_eq!(saved.resume(values).unwrap(), outcome);
        assert_eq!(saved.memory(), plain.memory());
        assert_eq!(saved.fuel(), plain.fuel());
    }
    suspensions
}

/// Random programs behave the same whether or not they are saved and restored at every suspension.
#[test]
#[cfg_attr(miri, ignore = "too slow")]
fn saving_and_restoring_changes_nothing() {
    use proptest::test_runner::{Config, TestRunner};
    let mut runner = TestRunner::new(Config { cases: 500, ..Config::default() });
    let suspensions = std::cell::Cell::new(0);
    let strategy = (random::functions(), 0u64..20);
    let result = runner.run(&strategy, |(functions, fuel)| {
        let bytes = random::program(&functions);
        suspensions.set(suspensions.get() + run_both_ways(&verified(&bytes), fuel));
        Ok(())
    });
    result.unwrap_or_else(|error| panic!("{error}"));
    assert!(suspensions.get() > 1000, "{} suspensions are too few", suspensions.get());
}
