//! Checkpoints, and runs that stop at a place.

use vsp_core::program::Program;
use vsp_core::verify::Verified;
use vsp_core::{CheckpointError, Imports, Instance, Options, Outcome, Status, Trap, text};

fn program(source: &str) -> Verified<'static> {
    let bytes: std::sync::Arc<[u8]> = std::sync::Arc::from(text::assemble(source, "test.sil").unwrap());
    Verified::new(Program::read(bytes).unwrap()).unwrap()
}

/// Writes to all of its memory again and again, with calls in between.
const SOURCE: &str = "\
.memory 131072
.global rounds
.export main
.func main (1) -> 1
    MOV     R4, R0
    MOVI    R5, 0x1F000
round:
    MOVI    R1, 0
next:
    MOV     R0, R1
    CALL    mix
    STORE   [R1], R0
    ADDI    R1, 0x108
    JLTU    R1, R5, next
    GETG    R2, rounds
    ADDI    R2, 1
    SETG    R2, rounds
    LOOP    R4, round
    LOAD    R0, [R4]
    RET
.end
.func mix (1) -> 1
.locals 1
    SETL    R0, $0
    GETG    R2, rounds
    MOVI    R3, 3
again:
    MUL     R0, R2
    ADDI    R0, 77
    LOOP    R3, again
    GETL    R1, $0
    ADD     R0, R1
    RET
.end
";

/// Everything that can be seen of an instance.
fn seen<S>(it: &Instance<'_, S>) -> String {
    let frames: Vec<_> = it.frames().collect();
    let memory: u64 =
        it.memory().iter().fold(0, |sum, byte| sum.wrapping_mul(31).wrapping_add((*byte).into()));
    let (fuel, status, globals) = (it.fuel(), it.status(), it.global_named("rounds"));
    format!("{frames:?} {memory} {fuel:?} {status:?} {globals:?}")
}

#[test]
fn checkpoints_are_returned_to() {
    let program = program(SOURCE);
    let imports = Imports::<()>::new();
    let options = Options { fuel: Some(1_000_000_000), ..Options::default() };
    let mut instance = Instance::new(&program, &imports, (), options.clone()).unwrap();
    let function = program.export("main").unwrap();
    assert_eq!(instance.begin(function, &[40]).unwrap(), None);
    let (mut checkpoints, mut all) = (Vec::new(), Vec::new());
    for _ in 0..20 {
        checkpoints.push(instance.checkpoint(checkpoints.last()).unwrap());
        all.push(seen(&instance));
        assert_eq!(instance.run_within(3_001).unwrap(), None);
    }
    let end = instance.fork(()).unwrap().finish().unwrap();
    let mut other = Instance::new(&program, &imports, (), options).unwrap();
    for number in [19, 3, 11, 0, 12, 19] {
        for it in [&mut instance, &mut other] {
            it.rewind(&checkpoints[number]).unwrap();
            assert_eq!(seen(it), all[number]);
            if let Some(after) = all.get(number + 1) {
                assert_eq!(it.run_within(3_001).unwrap(), None);
                assert_eq!(seen(it), *after);
            }
            assert_eq!(it.finish().unwrap(), end);
        }
    }
    // The first has one page of memory at most, and each other one the pages that changed.
    assert!(checkpoints[0].bytes_since(None) < 8192);
    let last = &checkpoints[19];
    assert!(last.bytes_since(None) > 100_000, "{}", last.bytes_since(None));
    assert!(last.bytes_since(Some(&checkpoints[18])) < 80_000);
    assert!(last.bytes_since(Some(last)) < 1000);
}

#[test]
fn a_memory_shrinks_again() {
    let program = program(
        ".memory 65536, 131072\n.export f\n.func f (0) -> 1\n MOVI R0, 1\n MEMGROW R1, R0\n MOVI R2, 0x18000\n\
         STORE [R2], R2\nagain:\n LOOP R0, again\n LOAD R0, [R2]\n RET\n.end",
    );
    let imports = Imports::<()>::new();
    let mut instance = Instance::new(&program, &imports, (), Options::default()).unwrap();
    instance.begin(program.export("f").unwrap(), &[]).unwrap();
    let start = instance.checkpoint(None).unwrap();
    for _ in 0..2 {
        assert!(matches!(instance.finish().unwrap(), Outcome::Returned(values) if values[..] == [0x18000]));
        assert_eq!(instance.memory().len(), 131_072);
        instance.rewind(&start).unwrap();
        assert_eq!(instance.memory().len(), 65_536);
    }
    instance.step_until(2, |_| false).unwrap();
    assert!(instance.memory().iter().all(|byte| *byte == 0));
}

#[test]
fn checkpoints_of_others_are_refused() {
    let imports = Imports::<()>::new();
    let (one, other) = (program(SOURCE), program(".export f\n.func f (0) -> 0\n RET\n.end"));
    let mut instance = Instance::new(&one, &imports, (), Options::default()).unwrap();
    let mut another = Instance::new(&other, &imports, (), Options::default()).unwrap();
    assert_eq!(another.rewind(&instance.checkpoint(None).unwrap()), Err(CheckpointError::Program));
    let options = Options { fuel: Some(5), ..Options::default() };
    let metered = Instance::new(&one, &imports, (), options).unwrap();
    assert_eq!(instance.rewind(&metered.checkpoint(None).unwrap()), Err(CheckpointError::Options));
}

#[cfg(feature = "record")]
#[test]
fn a_recorded_instance_is_not_rewound() {
    let (program, imports) = (program(SOURCE), Imports::<()>::new());
    let mut instance = Instance::new(&program, &imports, (), Options::default()).unwrap();
    instance.record().unwrap();
    let checkpoint = instance.checkpoint(None).unwrap();
    assert_eq!(instance.rewind(&checkpoint), Err(CheckpointError::Logged));
}

#[test]
fn runs_stop_at_the_first_safepoint_after_the_fuel() {
    let program = program(SOURCE);
    let imports = Imports::<()>::new();
    let function = program.export("main").unwrap();
    for fuel in [0, 1, 2, 7, 50, 333, 100_000, u64::MAX] {
        let options = Options { fuel: Some(1_000_000_000), ..Options::default() };
        let mut fast = Instance::new(&program, &imports, (), options.clone()).unwrap();
        let mut slow = Instance::new(&program, &imports, (), options.clone()).unwrap();
        let mut unmetered = Instance::new(&program, &imports, (), Options::default()).unwrap();
        for it in [&mut fast, &mut slow, &mut unmetered] {
            it.begin(function, &[2]).unwrap();
        }
        let before = fast.fuel().unwrap();
        let outcome = fast.run_within(fuel).unwrap();
        assert_eq!(unmetered.run_within(fuel).unwrap(), outcome);
        if outcome.is_some() {
            assert!(fuel > 10_000 && matches!(outcome, Some(Outcome::Returned(_))));
            continue;
        }
        let used = (before - fast.fuel().unwrap()).unsigned_abs();
        assert!(used > fuel && used < fuel + 30, "{used}");
        assert_eq!(slow.step_within(u64::MAX, used, |_| false).unwrap(), None);
        assert_eq!(seen(&fast), seen(&slow));
        assert_eq!(unmetered.next_location(), slow.next_location());
    }
}

#[test]
fn fuel_that_is_used_up_and_traps_end_a_run() {
    let program = program(SOURCE);
    let imports = Imports::<()>::new();
    let options = Options { fuel: Some(500), ..Options::default() };
    let mut instance = Instance::new(&program, &imports, (), options).unwrap();
    instance.begin(program.export("main").unwrap(), &[2]).unwrap();
    assert_eq!(instance.run_within(100).unwrap(), None);
    assert!(matches!(instance.run_within(1000).unwrap(), Some(Outcome::Suspended(_))));
    assert!(matches!(instance.status(), Status::Suspended(_)) && instance.fuel().unwrap() < 0);
    instance.set_fuel(200);
    assert_eq!(instance.begin_resume(&[]).unwrap(), None);
    assert_eq!(instance.run_within(100).unwrap(), None);
    assert!((60..=100).contains(&instance.fuel().unwrap()));

    let trap = crate::program(".export f\n.func f (1) -> 0\nnext:\n LOOP R0, next\n TRAP 7\n.end");
    let mut instance = Instance::new(&trap, &imports, (), Options::default()).unwrap();
    instance.begin(trap.export("f").unwrap(), &[10]).unwrap();
    assert_eq!(instance.run_within(3).unwrap(), None);
    let outcome = instance.run_within(100).unwrap();
    assert!(
        matches!(outcome, Some(Outcome::Trapped(it)) if matches!(it.trap, Trap::Explicit(_))),
        "{outcome:?}"
    );
}
