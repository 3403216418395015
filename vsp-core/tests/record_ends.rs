//! Logs of programs that were stopped, parts of logs that go to a sink, observers of a replay, and summaries of logs.
#![cfg(all(feature = "text", feature = "record"))]

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use vsp_core::index::ImportIndex;
use vsp_core::program::Program;
use vsp_core::record::{LogEnd, LogSummary, RecordError, ReplayError};
use vsp_core::snapshot::Snapshot;
use vsp_core::text::assemble;
use vsp_core::verify::Verified;
use vsp_core::{Caller, Imports, Instance, Options, Outcome, Reason, Status};

/// A program that asks the host for `R0` numbers, adds them, and runs some steps after each.
const SUM: &str = "
.memory 64
.import os.random (0) -> 1
.import os.put (2) -> 0
.export f
.func f (1) -> 1
    MOV R2, R0
    MOVI R3, 0
next:
    SYSCALL os.random
    ADD R3, R3, R0
    MOVI R4, 10
wait: LOOP R4, wait
    MOVI R0, 8
    STORE [R0], R3
    MOVI R1, 8
    SYSCALL os.put
    LOOP R2, next
    MOV R0, R3
    RET
.end";

fn verified(text: &str) -> Verified<'static> {
    let bytes = assemble(text, "sum.sil").unwrap_or_else(|errors| panic!("{}", errors[0]));
    Verified::new(Program::read(Arc::<[u8]>::from(bytes)).unwrap()).unwrap()
}

/// The host: the last number, and what was put.
#[derive(Default)]
struct Host {
    random: u64,
    put: Vec<u8>,
}

fn imports() -> Imports<Host> {
    let mut imports = Imports::new();
    let random = |caller: &mut Caller<'_, Host>| {
        caller.charge(3);
        caller.state().random += 1000;
        if caller.state().random.is_multiple_of(7_000_000) {
            // In the middle of an entry, between parts.
            caller.flush_log();
        }
        caller.state().random
    };
    let put = |caller: &mut Caller<'_, Host>, address: u64, length: u64| {
        let (state, memory) = caller.shared_parts();
        state.put.extend_from_slice(&memory[address as usize..][..length as usize]);
    };
    imports.define("os", "random", random).unwrap();
    imports.define("os", "put", put).unwrap();
    imports
}

fn metered(fuel: u64) -> Options<'static> {
    Options { fuel: Some(fuel), ..Options::default() }
}

fn new<'p>(
    program: &'p Verified<'p>,
    imports: &'p Imports<Host>,
    options: Options<'p>,
) -> Instance<'p, Host> {
    Instance::new(program, imports, Host::default(), options).unwrap()
}

/// Replays a log. Returns the outcome before its end.
fn replay(instance: &mut Instance<'_, Host>) -> Result<Option<Outcome>, ReplayError> {
    let mut last = None;
    while let Some(outcome) = instance.replay_next()? {
        last = Some(outcome);
    }
    Ok(last)
}

/// A program that fuel stopped somewhere is stopped at the same place by the replay, whatever fuel that has.
#[test]
fn a_stopped_program_is_replayed_to_where_it_was_stopped() {
    let program = verified(SUM);
    let imports = imports();
    let nothing = Imports::unavailable(program.program()).unwrap();
    for fuel in 0..200 {
        let mut instance = new(&program, &imports, metered(fuel));
        instance.record().unwrap();
        let outcome = instance.call_export("f", &[4]).unwrap();
        let Outcome::Suspended(suspension) = outcome else { continue };
        let log = instance.end_log().unwrap();
        let used = fuel.strict_sub_signed(instance.fuel().unwrap());
        let summary = LogSummary::read(&log, program.program()).unwrap();
        assert!(matches!(summary.end, LogEnd::Stopped { fuel, .. } if fuel == used), "{summary:?}");
        for fuel in [1_000_000, 50] {
            let mut again = new(&program, &nothing, metered(fuel));
            again.replay(&log[..]).unwrap();
            let mut rounds = 0;
            while let Some(outcome) = again.replay_next().unwrap() {
                assert!(matches!(outcome, Outcome::Suspended(it) if it.reason == Reason::Fuel));
                again.add_fuel(50);
                rounds += 1;
                assert!(rounds < 100, "it does not end");
            }
            assert_eq!(again.logged_fuel(), Some(used));
            assert_eq!(again.fuel(), Some((fuel + 50 * rounds) as i64 - used as i64));
            assert_eq!(again.suspended(), Some(suspension));
            assert_eq!(again.memory(), instance.memory());
            assert!(again.replay_next().is_err());
        }
        // Without metering the place is not found.
        let mut again = new(&program, &nothing, Options::default());
        again.replay(&log[..]).unwrap();
        assert_eq!(again.replay_next(), Err(ReplayError::NotMetered));
    }
}

/// What stopped a program does not matter; it can be recorded from there, too.
#[test]
fn an_interrupted_program_and_one_that_goes_on_are_replayed() {
    let program = verified(SUM);
    let imports = imports();
    let nothing = Imports::unavailable(program.program()).unwrap();
    let flag = AtomicBool::new(true);
    let options = Options { interrupt: Some((&flag).into()), ..metered(1_000_000) };
    let mut instance = new(&program, &imports, options);
    instance.record().unwrap();
    let Outcome::Suspended(suspension) = instance.call_export("f", &[3]).unwrap() else { panic!() };
    assert_eq!(suspension.reason, Reason::Interrupted);
    let log = instance.end_log().unwrap();
    let mut again = new(&program, &nothing, metered(1_000_000));
    again.replay(&log[..]).unwrap();
    assert_eq!(replay(&mut again).unwrap().map(|it| matches!(it, Outcome::Suspended(_))), Some(true));
    assert_eq!(again.suspended().unwrap().location, suspension.location);

    // From the saved state, and no further than the place itself, and to its end.
    let saved = instance.save().unwrap();
    let snapshot = Snapshot::read(&saved).unwrap();
    for is_interrupted in [true, false] {
        let options = Options { interrupt: Some((&flag).into()), ..Options::default() };
        let mut instance =
            Instance::restore(&program, &imports, Host::default(), options, &snapshot).unwrap();
        instance.record().unwrap();
        flag.store(is_interrupted, Ordering::Relaxed);
        let outcome = instance.resume(&[]).unwrap();
        assert_eq!(matches!(outcome, Outcome::Suspended(_)), is_interrupted);
        let log = instance.end_log().unwrap();
        let options = Options::default();
        let mut again = Instance::restore(&program, &nothing, Host::default(), options, &snapshot).unwrap();
        again.replay(&log[..]).unwrap();
        let last = replay(&mut again).unwrap();
        assert!(is_interrupted || last == Some(outcome));
        assert_eq!(again.status(), if is_interrupted { snapshot.status() } else { Status::Idle });
    }
}

/// A program that goes further than the recorded one is a difference.
#[test]
fn a_program_that_is_not_stopped_where_the_log_ends_differs() {
    let program = verified(SUM);
    let imports = imports();
    let nothing = Imports::unavailable(program.program()).unwrap();
    let mut instance = new(&program, &imports, metered(60));
    instance.record().unwrap();
    assert!(matches!(instance.call_export("f", &[4]).unwrap(), Outcome::Suspended(_)));
    let log = instance.end_log().unwrap();
    let mut again = new(&program, &nothing, metered(1_000_000));
    again.replay(&log[..]).unwrap();
    // Called by the host, it is not held.
    again.call_export("f", &[4]).unwrap();
    let error = again.replay_error().unwrap().to_string();
    assert!(error.contains(" units of fuel: the log has its end, at "), "{error}");

    // Past the place in between two host calls.
    let mut again = new(&program, &nothing, metered(61));
    again.replay(&log[..]).unwrap();
    let mut outcome = again.call_export("f", &[4]).unwrap();
    while again.logged_fuel() <= Some(66) && matches!(outcome, Outcome::Suspended(_)) {
        again.add_fuel(1);
        outcome = again.resume(&[]).unwrap();
    }
    let error = again.replay_next().unwrap_err();
    assert!(matches!(error, ReplayError::Differs { .. }), "{error}");
}

/// The parts that a sink gets are the log, and come while the program runs.
#[test]
fn a_sink_gets_the_log_in_parts() {
    let program = verified(SUM);
    let imports = imports();
    let parts = Arc::new(Mutex::new(Vec::<Vec<u8>>::new()));
    let mut whole = new(&program, &imports, metered(1 << 40));
    whole.record().unwrap();
    whole.call_export("f", &[30_000]).unwrap();
    let log = whole.end_log().unwrap();

    let mut instance = new(&program, &imports, metered(1 << 40));
    let taken = Arc::clone(&parts);
    let sink = move |part: &[u8]| {
        taken.lock().unwrap().push(part.to_vec());
        true
    };
    instance.record_to(sink).unwrap();
    assert_eq!(instance.record(), Err(RecordError::Busy));
    instance.call_export("f", &[30_000]).unwrap();
    let before_end = parts.lock().unwrap().len();
    assert!(before_end > 3, "{before_end}");
    assert_eq!(instance.log_position().unwrap().offset as usize, log.len() - 9);
    assert_eq!(instance.end_log(), Ok(Vec::new()));
    let parts = parts.lock().unwrap();
    assert!(parts.iter().all(|part| part.len() < 100_000));
    assert_eq!(parts.concat(), log);

    // One that cannot store a part ends the log, and not the program.
    let mut instance = new(&program, &imports, metered(1 << 40));
    instance.record_to(|_| false).unwrap();
    assert!(matches!(instance.call_export("f", &[30_000]).unwrap(), Outcome::Returned(_)));
    assert_eq!(instance.end_log(), Err(RecordError::Sink));
}

/// An observer sees the calls with the memory that the host functions saw.
#[test]
fn an_observer_sees_the_calls() {
    let program = verified(SUM);
    let imports = imports();
    let nothing = Imports::unavailable(program.program()).unwrap();
    let mut instance = new(&program, &imports, metered(1_000_000));
    instance.record().unwrap();
    instance.call_export("f", &[5]).unwrap();
    let log = instance.end_log().unwrap();
    let mut again = new(&program, &nothing, metered(1_000_000));
    again.observe_replay(|_, _| panic!("nothing is replayed"));
    again.replay(&log[..]).unwrap();
    again.observe_replay(|host, call| match call.import {
        ImportIndex(0) => host.random = call.results.unwrap()[0],
        _ => host.put.extend_from_slice(&call.memory[call.args[0] as usize..][..call.args[1] as usize]),
    });
    replay(&mut again).unwrap();
    assert_eq!((again.state().random, again.state().put.len()), (5000, 40));
    assert_eq!(again.state().put, instance.state().put);
}

#[test]
fn a_summary_tells_what_is_in_a_log() {
    let program = verified(SUM);
    let imports = imports();
    let mut instance = new(&program, &imports, Options::default());
    instance.record().unwrap();
    instance.call_export("f", &[5]).unwrap();
    instance.call_export("f", &[1]).unwrap();
    let log = instance.end_log().unwrap();
    let read = |bytes: &[u8]| LogSummary::read(bytes, program.program());
    let summary = read(&log).unwrap();
    assert_eq!((summary.calls_by_host, &summary.calls[..], summary.host_calls()), (2, &[6, 6][..], 12));
    assert!(matches!(summary.end, LogEnd::Digest(_)));
    assert_eq!(summary.bytes, log.len() as u64);
    assert_eq!(read(&[&log[..], b"more"].concat()).unwrap(), summary);
    for length in 0..log.len() {
        match read(&log[..length]) {
            Ok(cut) => assert!(cut.end == LogEnd::Missing && cut.bytes <= length as u64, "{length}: {cut:?}"),
            Err(error) => assert!(length < 24, "{length}: {error}"),
        }
    }
    for bit in 0..log.len() * 8 {
        let mut flipped = log.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        assert!(read(&flipped).is_ok_and(|it| it.end == LogEnd::Missing) || read(&flipped).is_err(), "{bit}");
    }
    let other = verified(&SUM.replace("10", "11"));
    assert_eq!(LogSummary::read(&log, other.program()), Err(ReplayError::Program));

    // A program that is stopped without counting fuel.
    let flag = AtomicBool::new(true);
    let options = Options { interrupt: Some((&flag).into()), ..Options::default() };
    let mut instance = new(&program, &imports, options);
    instance.record().unwrap();
    instance.call_export("f", &[5]).unwrap();
    assert_eq!(read(&instance.end_log().unwrap()).unwrap().end, LogEnd::Unknown);
}

/// A replay can be stepped through from where the log begins.
#[test]
fn a_replay_is_stepped_through() {
    let program = verified(SUM);
    let imports = imports();
    let nothing = Imports::unavailable(program.program()).unwrap();
    let mut instance = new(&program, &imports, metered(1000));
    instance.record().unwrap();
    let outcome = instance.call_export("f", &[2]).unwrap();
    let log = instance.end_log().unwrap();
    let mut again = new(&program, &nothing, metered(1000));
    again.replay(&log[..]).unwrap();
    assert_eq!(again.replay_begin(), Ok(None));
    assert_eq!((again.status(), again.logged_fuel()), (Status::Stepping, Some(0)));
    let mut last = None;
    for _ in 0..1000 {
        last = again.step().unwrap();
        if last.is_some() {
            break;
        }
    }
    assert_eq!(last, Some(outcome));
    assert_eq!(again.replay_next(), Ok(None));
}
