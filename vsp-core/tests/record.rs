//! Logs of host calls: their bytes, recording, replaying, differences, and that no bytes cause a panic.
#![cfg(all(feature = "text", feature = "record"))]

#[path = "analysis/random.rs"]
mod random;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use vsp_core::index::FuncIndex;
use vsp_core::program::Program;
use vsp_core::record::{RecordError, ReplayError};
use vsp_core::snapshot::Snapshot;
use vsp_core::text::assemble;
use vsp_core::verify::Verified;
use vsp_core::{
    CallError, Caller, GuestSlice, HostResult, HostStop, Imports, Instance, Options, Outcome, Reason, Status,
    Trap,
};

fn verified(bytes: &[u8]) -> Verified<'_> {
    Verified::new(Program::read(bytes).unwrap()).unwrap()
}

/// The program whose log docs/format.md shows.
const SHOWN: &str = "
.lines none
.memory 64
.import os.read (2) -> 1
.export f = $0
.func (1) -> 1
    MOVI R1, 16
    SYSCALL os.read
    YIELD R0
    RET
.end";

/// Records the shown program.
fn shown(program: &Verified<'_>) -> Vec<u8> {
    let mut imports = Imports::<()>::new();
    let read = |caller: &mut Caller<'_, ()>, address: u64, length: u64| -> HostResult<u64> {
        caller.charge(300);
        caller.bytes(address, length).ok_or("outside")?[..2].copy_from_slice(b"hi");
        Ok(2)
    };
    imports.define("os", "read", read).unwrap();
    let options = Options { fuel: Some(1000), ..Options::default() };
    let mut instance = Instance::new(program, &imports, (), options).unwrap();
    instance.record().unwrap();
    assert!(instance.is_recorded());
    assert!(matches!(instance.call_export("f", &[8]).unwrap(), Outcome::Suspended(_)));
    assert!(matches!(instance.resume(&[5]).unwrap(), Outcome::Returned(_)));
    let log = instance.end_log().unwrap();
    assert!(!instance.is_recorded());
    log
}

/// The annotated dump in docs/format.md is the log of that program.
#[test]
fn the_dump_in_the_document_is_right() {
    let program = assemble(SHOWN, "shown.sil").unwrap_or_else(|errors| panic!("{}", errors[0]));
    let log = shown(&verified(&program));
    let page = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/format.md")).unwrap();
    let dump = page.split("```text\n").find(|block| block.starts_with("0000  53 49 4C 52")).unwrap();
    let mut bytes = Vec::new();
    for line in dump.split("```").next().unwrap().lines() {
        assert_eq!(usize::from_str_radix(&line[..4], 16), Ok(bytes.len()), "{line}");
        let digits = line[6..].split("  ").next().unwrap();
        bytes.extend(digits.split(' ').map(|digits| u8::from_str_radix(digits, 16).unwrap()));
    }
    assert_eq!(log, bytes, "{log:02X?}");
}

/// A program that uses everything that a log contains.
const ALL: &str = "
.memory 0x4000
.global seen = 0
.import os.random (0) -> 1
.import os.fill (3) -> 0
.import os.read (2) -> 2
.import os.wait (4) -> 2
.import os.fail (1) -> 0
.import os.refuse (1) -> 0
.export f
.export g
.export h
.func f (1) -> 1
.locals 1
    SETL R0, 0
    SYSCALL os.random
    MOVI R1, 64
    MOVI R2, 3
    SYSCALL os.fill
    MOVI R0, 4000
    MOVI R1, 100
    SYSCALL os.read
    ADD R0, R0, R1
    MOVI R1, 2
    MOVI R2, 3
    MOVI R3, 4
    SYSCALL os.wait
    ADD R0, R0, R1
    YIELD R0
    GETL R1, 0
    ADD R0, R0, R1
    LOAD8U R1, [R2 + 125]
    ADD R0, R0, R1
    SETG R0, seen
    RET
.end
.func g (1) -> 0
    JZ R0, refuse
    SYSCALL os.fail
    RET
refuse:
    SYSCALL os.refuse
    RET
.end
.func h (1) -> 2
    MOVI R6, 100
loop: LOOP R6, loop
    SYSCALL os.wait
    RET
.end";

#[derive(Default)]
struct Host {
    random: u64,
}

fn imports() -> Imports<Host> {
    let mut imports = Imports::new();
    let random = |caller: &mut Caller<'_, Host>| {
        let state = caller.state();
        state.random = state.random.wrapping_mul(0x5851_F42D_4C95_7F2D).wrapping_add(1);
        caller.charge(7);
        caller.state().random
    };
    imports.define("os", "random", random).unwrap();
    let fill = |caller: &mut Caller<'_, Host>, seed: u64, count: u64, step: u64| {
        let memory = caller.memory();
        (0..count).for_each(|index| memory[(index * step) as usize * 40] = (seed >> 40) as u8);
    };
    imports.define("os", "fill", fill).unwrap();
    let read = |caller: &mut Caller<'_, Host>, bytes: GuestSlice| -> HostResult<(u64, u64)> {
        let random = caller.state().random;
        let (_, mut memory) = caller.watched_parts();
        assert_eq!(memory[bytes.address as usize..].len(), 0x4000 - 4000);
        memory.bytes_mut(bytes.address + 50, 8).ok_or("outside")?.copy_from_slice(&random.to_le_bytes());
        let (state, bytes) = caller.parts_of(bytes.address, bytes.length).ok_or("outside")?;
        bytes[99] = state.random as u8;
        let (_, memory) = caller.shared_parts();
        Ok((memory[4099].into(), u64::MAX))
    };
    imports.define("os", "read", read).unwrap();
    let wait =
        |_: &mut Caller<'_, Host>, _: u64, _: u64, _: u64, _: u64| Err::<(u64, u64), _>(HostStop::Pending);
    imports.define("os", "wait", wait).unwrap();
    let fail = |caller: &mut Caller<'_, Host>, code: u64| -> HostResult {
        caller.bytes(8, 1).unwrap()[0] = 9;
        Err(HostStop::failed(code as u32, "a reason"))
    };
    imports.define("os", "fail", fail).unwrap();
    imports
        .define("os", "refuse", |_: &mut Caller<'_, Host>, _: u64| Err::<(), _>(HostStop::Error(3)))
        .unwrap();
    imports
}

/// The outcomes of a recorded instance, its log, its memory at the end and its fuel.
struct Recorded {
    outcomes: Vec<Outcome>,
    log: Vec<u8>,
    memory: Vec<u8>,
    fuel: Option<i64>,
    errors: Vec<Option<String>>,
}

fn record(program: &Verified<'_>) -> Recorded {
    let imports = imports();
    let options = Options { fuel: Some(10_000), ..Options::default() };
    let mut instance = Instance::new(program, &imports, Host { random: 99 }, options).unwrap();
    instance.record().unwrap();
    let (mut outcomes, mut errors, mut log) = (Vec::new(), Vec::new(), Vec::new());
    let mut put = |instance: &Instance<'_, Host>, outcome: Outcome| {
        errors.push(
            instance.host_error().map(ToString::to_string).filter(|_| matches!(outcome, Outcome::Trapped(_))),
        );
        outcomes.push(outcome);
    };
    for round in 0..3 {
        instance.memory_mut()[2000] = round;
        let outcome = instance.call_export("f", &[round.into()]).unwrap();
        put(&instance, outcome);
        log.extend(instance.take_log().unwrap());
        instance.memory_mut()[125] = round + 1;
        let outcome = instance.resume(&[1000, u64::MAX]).unwrap();
        put(&instance, outcome);
        instance.memory_mut()[126] = round + 1;
        let outcome = instance.resume(&[77]).unwrap();
        put(&instance, outcome);
        let outcome = instance.call_export("g", &[5]).unwrap();
        put(&instance, outcome);
        let outcome = instance.call_export("g", &[0]).unwrap();
        put(&instance, outcome);
        let outcome = instance.call_export("h", &[6]).unwrap();
        put(&instance, outcome);
        let outcome = match round {
            0 => instance.fail(70_000).unwrap(),
            1 => instance.fail_with("it was late").unwrap(),
            _ => {
                instance.reset();
                continue;
            }
        };
        put(&instance, outcome);
    }
    log.extend(instance.end_log().unwrap());
    Recorded { outcomes, log, memory: instance.memory().to_vec(), fuel: instance.fuel(), errors }
}

fn fresh<'p>(program: &'p Verified<'p>, nothing: &'p Imports<Host>) -> Instance<'p, Host> {
    let options = Options { fuel: Some(10_000), ..Options::default() };
    Instance::new(program, nothing, Host::default(), options).unwrap()
}

#[test]
fn a_replay_is_the_same_run() {
    let bytes = assemble(ALL, "all.sil").unwrap_or_else(|errors| panic!("{}", errors[0]));
    let program = verified(&bytes);
    let recorded = record(&program);
    let nothing = Imports::unavailable(program.program()).unwrap();
    let mut again = fresh(&program, &nothing);
    again.replay(&recorded.log[..]).unwrap();
    assert!(again.is_replaying());
    for (outcome, error) in recorded.outcomes.iter().zip(&recorded.errors) {
        assert_eq!(again.replay_next().unwrap(), Some(*outcome));
        let found = again.host_error().map(ToString::to_string);
        assert!(!matches!(outcome, Outcome::Trapped(_)) || found == *error, "{found:?} {error:?}");
    }
    assert_eq!(again.replay_next(), Ok(None));
    assert_eq!((again.memory(), again.fuel()), (&recorded.memory[..], recorded.fuel));
    assert_eq!(again.log_position().unwrap().calls, 3 * 7);
    // There is nothing after the end.
    assert!(matches!(again.replay_next(), Err(ReplayError::Damaged { .. })));
    assert!(matches!(again.call_export("f", &[0]), Err(CallError::Replay(_))));
    again.end_replay();
    let Ok(Outcome::Trapped(trapped)) = again.call_export("f", &[0]) else { panic!("there is no host") };
    assert_eq!(trapped.trap, Trap::Host(0));
    assert!(again.host_error().unwrap().to_string().contains("not available"));

    // A run in slices of fuel, or between two instructions, replays the same log.
    let mut again = fresh(&program, &nothing);
    again.replay(&recorded.log[..]).unwrap();
    let mut outcomes = Vec::new();
    loop {
        again.set_fuel(10);
        match again.replay_next().unwrap() {
            Some(Outcome::Suspended(it)) if it.reason == Reason::Fuel => {}
            Some(outcome) => outcomes.push(outcome),
            None => break,
        }
    }
    assert_eq!(outcomes, recorded.outcomes);
    assert_eq!(again.memory(), &recorded.memory[..]);
}

/// The host makes the same calls and gives the same answers itself.
#[test]
fn a_replay_can_be_driven_by_the_host() {
    let bytes = assemble(SHOWN, "shown.sil").unwrap();
    let program = verified(&bytes);
    let log = shown(&program);
    let nothing = Imports::unavailable(program.program()).unwrap();
    let mut again = fresh(&program, &nothing);
    again.replay(&log[..]).unwrap();
    let Err(error) = again.call_export("f", &[9]) else { panic!("the log has another call") };
    let text = "after 0 host calls and 0 units of fuel: the log has a call of function 0(8), and the program was called with function 0(9)";
    assert_eq!(error.to_string(), text);

    let mut again = fresh(&program, &nothing);
    again.replay(&log[..]).unwrap();
    assert!(matches!(again.call_export("f", &[8]).unwrap(), Outcome::Suspended(_)));
    assert_eq!((&again.memory()[8..10], again.fuel()), (&b"hi"[..], Some(10_000 - 3 - 300)));
    assert!(matches!(again.finish_replay(), Err(ReplayError::Differs { .. })));

    let mut again = fresh(&program, &nothing);
    again.replay(&log[..]).unwrap();
    again.call_export("f", &[8]).unwrap();
    // From a snapshot, and the place in the log at that time, it goes on.
    let (saved, position) = (again.save().unwrap(), again.log_position().unwrap());
    for _ in 0..2 {
        let snapshot = Snapshot::read(&saved).unwrap();
        let options = Options::default();
        again = Instance::restore(&program, &nothing, Host::default(), options, &snapshot).unwrap();
        again.replay_from(&log[..], position).unwrap();
        assert!(matches!(again.resume(&[5]).unwrap(), Outcome::Returned(_)));
        assert_eq!(again.finish_replay(), Ok(()));
    }
}

#[test]
fn differences_are_reported() {
    let bytes = assemble(ALL, "all.sil").unwrap();
    let program = verified(&bytes);
    let recorded = record(&program);
    let nothing = Imports::unavailable(program.program()).unwrap();
    let mut again = fresh(&program, &nothing);
    again.memory_mut()[3] = 1;
    let error = again.replay(&recorded.log[..]).unwrap_err();
    assert!(matches!(error, ReplayError::Start { .. }), "{error}");

    // The program makes another call.
    let mut again = fresh(&program, &nothing);
    again.replay(&recorded.log[..]).unwrap();
    let begun = again.begin(FuncIndex(0), &[0]).unwrap();
    assert_eq!((begun, again.step_until(4, |_| false).unwrap()), (None, None));
    again.frame_mut(0).unwrap().registers[2] = 4;
    let error = again.replay_next().unwrap_err();
    let ReplayError::Differs { calls: 1, location: Some(location), .. } = &error else { panic!("{error}") };
    assert_eq!(location.word, 4);
    let text = error.to_string();
    assert!(
        text.starts_with(
            "after 1 host calls and 12 units of fuel at function 0 word 4: the log has a call of os.fill("
        ),
        "{text}"
    );
    assert!(text.ends_with(", 64, 4)"), "{text}");
    assert!(text.contains(", 64, 3), and the program has made a call of os.fill("), "{text}");
    assert_eq!((again.status(), again.replay_next().is_err()), (Status::Idle, true));

    // Another end.
    let mut again = fresh(&program, &nothing);
    again.replay(&recorded.log[..]).unwrap();
    recorded.outcomes.iter().for_each(|outcome| assert_eq!(again.replay_next().unwrap(), Some(*outcome)));
    again.memory_mut()[0x3FFF] = 1;
    assert!(matches!(again.replay_next(), Err(ReplayError::End { .. })));

    let other = assemble(&ALL.replace("R0, 4000", "R0, 4001"), "other.sil").unwrap();
    let other = verified(&other);
    let nothing = Imports::unavailable(other.program()).unwrap();
    assert_eq!(fresh(&other, &nothing).replay(&recorded.log[..]), Err(ReplayError::Program));
}

#[test]
fn misuse_is_an_error() {
    let bytes = assemble(ALL, "all.sil").unwrap();
    let program = verified(&bytes);
    let recorded = record(&program);
    let imports = imports();
    let mut instance = fresh(&program, &imports);
    assert_eq!(instance.end_log(), Err(RecordError::NotRecording));
    assert_eq!(instance.take_log(), Err(RecordError::NotRecording));
    assert_eq!(instance.replay_next(), Err(ReplayError::NotReplaying));
    assert_eq!(instance.finish_replay(), Err(ReplayError::NotReplaying));
    instance.record().unwrap();
    assert_eq!(instance.record(), Err(RecordError::Busy));
    assert_eq!(instance.replay(&recorded.log[..]), Err(ReplayError::Busy));
    // A fork is not recorded.
    let fork = instance.fork(Host::default()).unwrap();
    assert!(!fork.is_recorded() && instance.is_recorded());
    instance.end_log().unwrap();
    instance.replay(&recorded.log[..]).unwrap();
    assert_eq!(instance.record(), Err(RecordError::Busy));
    assert_eq!(instance.end_log(), Err(RecordError::NotRecording));

    let errors = [
        (&b""[..], "at offset 0, magic: expected \"SILR\": this is not a log of host calls"),
        (b"SILR\0\x02", "at offset 4, version: version 2.0 of logs is unknown, expected 1.0"),
        (&recorded.log[..20], "at offset 20, checksum of the header: needs 4 bytes, but only 0 are left"),
    ];
    for (log, text) in errors {
        assert_eq!(fresh(&program, &imports).replay(log).unwrap_err().to_string(), text);
    }
}

#[test]
fn a_panic_ends_the_log() {
    let bytes = assemble(SHOWN, "shown.sil").unwrap();
    let program = verified(&bytes);
    let mut imports = Imports::<()>::new();
    imports
        .define("os", "read", |_: &mut Caller<'_, ()>, _: u64, _: u64| -> u64 { panic!("as wanted") })
        .unwrap();
    let mut instance = Instance::new(&program, &imports, (), Options::default()).unwrap();
    instance.record().unwrap();
    assert!(catch_unwind(AssertUnwindSafe(|| instance.call_export("f", &[8]))).is_err());
    assert_eq!(instance.end_log(), Err(RecordError::Panicked));
}

/// Replays a log to its end.
fn replay(program: &Verified<'_>, log: &[u8]) -> Result<(), ReplayError> {
    let nothing = Imports::unavailable(program.program()).unwrap();
    let mut again = fresh(program, &nothing);
    again.replay(log)?;
    while again.replay_next()?.is_some() {}
    Ok(())
}

#[test]
#[cfg_attr(miri, ignore = "too slow")]
fn damage_is_an_error() {
    let bytes = assemble(ALL, "all.sil").unwrap();
    let program = verified(&bytes);
    let log = record(&program).log;
    assert_eq!(replay(&program, &log), Ok(()));
    for length in 0..log.len() {
        assert!(replay(&program, &log[..length]).is_err(), "{length}");
    }
    assert!(replay(&program, &[&log[..], &[0]].concat()).is_err());
    for bit in 0..log.len() * 8 {
        let mut flipped = log.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        assert!(replay(&program, &flipped).is_err(), "bit {bit}");
    }
}

/// Random programs behave the same when they are recorded, and when they are replayed.
#[test]
#[cfg_attr(miri, ignore = "too slow")]
fn recording_and_replaying_changes_nothing() {
    use proptest::test_runner::{Config, TestRunner};
    let imports = random::imports();
    let mut runner = TestRunner::new(Config { cases: 1000, failure_persistence: None, ..Config::default() });
    let calls = std::cell::Cell::new(0);
    let result = runner.run(&(random::functions(), 0u64..300), |(functions, fuel)| {
        let bytes = random::program(&functions);
        let program = verified(&bytes);
        let options = Options { stack_cells: Some(1000), fuel: Some(fuel), ..Options::default() };
        let mut plain = Instance::new(&program, &imports, (), options.clone()).unwrap();
        let mut recorded = Instance::new(&program, &imports, (), options.clone()).unwrap();
        let nothing = Imports::unavailable(program.program()).unwrap();
        let mut again = Instance::new(&program, &nothing, (), options).unwrap();
        recorded.record().unwrap();
        let arguments = &[1, 2, 3, 4, 5, 6, 7, 8][..program.functions()[0].ty.params()];
        let mut outcomes = vec![plain.call(FuncIndex(0), arguments).unwrap()];
        assert_eq!(recorded.call(FuncIndex(0), arguments).unwrap(), outcomes[0]);
        for _ in 0..100 {
            let Some(Outcome::Suspended(suspension)) = outcomes.last() else { break };
            let values: &[u64] = match suspension.reason {
                Reason::Fuel | Reason::Interrupted => &[],
                Reason::Yield(_) => &[9],
                Reason::Pending(_) => &[10, 11, 12, 13],
            };
            plain.set_fuel(fuel);
            recorded.set_fuel(fuel);
            outcomes.push(plain.resume(values).unwrap());
            assert_eq!(recorded.resume(values).unwrap(), *outcomes.last().unwrap());
        }
        assert_eq!((recorded.memory(), recorded.fuel()), (plain.memory(), plain.fuel()));
        let log: Arc<[u8]> = recorded.end_log().unwrap().into();
        again.replay(log).unwrap();
        for outcome in &outcomes {
            assert_eq!(again.replay_next().unwrap(), Some(*outcome));
            again.set_fuel(fuel);
        }
        assert_eq!(again.replay_next(), Ok(None));
        assert_eq!(again.memory(), plain.memory());
        calls.set(calls.get() + again.log_position().unwrap().calls);
        Ok(())
    });
    result.unwrap_or_else(|error| panic!("{error}"));
    assert!(calls.get() > 30, "{} calls are too few", calls.get());
}
