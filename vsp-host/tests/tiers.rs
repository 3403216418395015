//! Programs that change tiers while they run.
#![cfg(feature = "jit")]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use vsp_core::index::{FuncIndex, Location};
use vsp_core::jit::{Compiler, JitError, Region};
use vsp_core::program::Program;
use vsp_core::verify::Verified;
use vsp_core::{Imports, Instance, Options, Outcome, Reason, Trap, text};
use vsp_host::engine::{Engine, EngineKind, Module, Threshold, TierOptions};
use vsp_host::native::CompileOptions;

/// As soon as possible, in tier 1 first, while the program waits.
const EAGER: TierOptions = TierOptions {
    worker: false,
    slice: 100,
    tier1: Some(Threshold { instructions: 0, per_word: 0 }),
    tier2: Threshold { instructions: 1_000, per_word: 0 },
    short_slices: 0,
    ..TierOptions::WITH_WORKER
};

/// The same with a thread that compiles.
const EAGER_WORKER: TierOptions = TierOptions { worker: true, ..EAGER };

fn load(source: &str, kind: EngineKind, tiers: TierOptions) -> Module<'static> {
    let bytes: Arc<[u8]> = text::assemble(source, "test.sil").unwrap().into();
    let program = Arc::new(Verified::new(Program::read(bytes).unwrap()).unwrap());
    let engine = Engine::with_options(kind, CompileOptions { check_ir: true, ..CompileOptions::default() });
    let mut engine = engine.unwrap();
    if kind == EngineKind::Auto {
        engine = engine.with_tiers(tiers);
    }
    engine.load(program).unwrap()
}

/// The observable state of a stopped instance.
#[derive(Debug, PartialEq)]
struct Seen {
    outcome: Outcome,
    fuel: Option<i64>,
    memory: Vec<u8>,
    state: Vec<u64>,
}

fn imports() -> Arc<Imports<Vec<u64>>> {
    let mut imports = Imports::new();
    imports
        .define("host", "note", |caller: &mut vsp_core::Caller<'_, Vec<u64>>, value: u64| {
            caller.state().push(value);
            caller.charge(value % 1000);
        })
        .unwrap();
    Arc::new(imports)
}

fn run(module: &Module<'static>, export: &str, args: &[u64], fuel: Option<u64>) -> Seen {
    let options = Options { fuel, memory: Some(4096), ..Options::default() };
    let mut instance = module.instantiate(imports(), Vec::new(), options).unwrap();
    let outcome = instance.call_export(export, args).unwrap();
    let (fuel, memory) = (instance.fuel(), instance.memory().to_vec());
    Seen { outcome, fuel, memory, state: instance.into_state() }
}

/// Nested loops with host calls, memory, a call and a recursion.
const MIXED: &str = "
.import host.note (1) -> 0
.memory 4096
.export mixed
.func mixed (1) -> 1
.locals 2
    MOV     R5, R0
    MOVI    R6, 0
outer:
    MOVI    R7, 40
inner:
    ADD     R6, R7
    STORE   [R8 + R7 * 8], R6
    LOOP    R7, inner
    ANDI    R0, R5, 127
    JNZ     R0, quiet
    MOV     R0, R6
    SYSCALL host.note
quiet:
    ANDI    R0, R5, 7
    CALL    fib
    ADD     R6, R0
    SETL    R6, 1
    LOOP    R5, outer
    GETL    R0, 1
    RET
.end
.func fib (1) -> 1
    JLTUI   R0, 2, done
    MOV     R1, R0
    ADDI    R0, -1
    CALL    fib
    XCHG    R0, R1
    ADDI    R0, -2
    CALL    fib
    ADD     R0, R1
done:
    RET
.end";

#[test]
fn nothing_is_lost_or_repeated_on_the_way() {
    let interpreter = load(MIXED, EngineKind::Interpreter, EAGER);
    for fuel in [None, Some(1 << 40), Some(300_000)] {
        let expected = run(&interpreter, "mixed", &[2_000], fuel);
        for tiers in [EAGER, EAGER_WORKER, TierOptions::WITH_WORKER, TierOptions::WITHOUT_WORKER] {
            let module = load(MIXED, EngineKind::Auto, tiers);
            assert_eq!(run(&module, "mixed", &[2_000], fuel), expected, "{tiers:?} {fuel:?}");
            // And with the code that is installed now.
            assert_eq!(run(&module, "mixed", &[2_000], fuel), expected, "{tiers:?} {fuel:?}");
        }
    }
}

#[test]
fn a_running_loop_is_replaced_by_machine_code() {
    let source = ".export f\n.func f (1) -> 1\n MOVI R1, 0\nnext: ADD R1, R0\n XOR R1, R0\n LOOP R0, next\n MOV R0, R1\n RET\n.end";
    let module = load(source, EngineKind::Auto, EAGER);
    let expected = run(&load(source, EngineKind::Interpreter, EAGER), "f", &[10_000], None);
    assert_eq!(run(&module, "f", &[10_000], None), expected);
    // Tier 1 and tier 2 of the loop; the function was called once only.
    assert_eq!(module.compiled_regions(), 2);
    assert_eq!(run(&module, "f", &[10_000], None), expected);
    // It was called again: then it is compiled for calls too.
    assert_eq!(module.compiled_regions(), 3);
    assert_eq!(run(&module, "f", &[10_000], None), expected);
    assert_eq!(module.compiled_regions(), 3);
}

#[test]
fn a_worker_compiles_while_the_program_runs() {
    let source =
        ".export f\n.func f (1) -> 1\n MOVI R1, 0\nnext: ADD R1, R0\n LOOP R0, next\n MOV R0, R1\n RET\n.end";
    let module = load(source, EngineKind::Auto, TierOptions::WITH_WORKER);
    let sum = |n: u64| n * (n + 1) / 2;
    let started = Instant::now();
    while module.compiled_regions() < 2 {
        let Outcome::Returned(results) = run(&module, "f", &[1_000_000], None).outcome else { panic!() };
        assert_eq!(results[..], [sum(1_000_000)]);
        assert!(started.elapsed() < Duration::from_secs(60), "the worker does not compile");
    }
}

#[test]
fn interruption_and_traps_come_as_in_the_interpreter() {
    let endless =
        ".memory 4096\n.export f\n.func f (1) -> 1\nnext: ADDI R1, 1\n STORE [R0], R1\n JMP next\n.end";
    for tiers in [EAGER, EAGER_WORKER] {
        let module = load(endless, EngineKind::Auto, tiers);
        let flag = Arc::new(AtomicBool::new(false));
        let options = Options { interrupt: Some(flag.clone().into()), ..Options::default() };
        let mut instance = module.instantiate(imports(), Vec::new(), options).unwrap();
        let stopper = std::thread::spawn(move || {
            std::thread::sleep(Duration::from_millis(50));
            flag.store(true, Ordering::Relaxed);
        });
        let Outcome::Suspended(suspension) = instance.call_export("f", &[0]).unwrap() else { panic!() };
        stopper.join().unwrap();
        assert_eq!(suspension.reason, Reason::Interrupted);
        let frame = instance.frames().next().unwrap();
        assert_eq!(instance.memory()[..8], frame.registers[1].to_le_bytes());
    }
    let runs_out =
        ".memory 4096\n.export f\n.func f (1) -> 1\nnext: STORE [R0], R0\n ADDI R0, 8\n JMP next\n.end";
    let expected = run(&load(runs_out, EngineKind::Interpreter, EAGER), "f", &[0], Some(1 << 30));
    let Outcome::Trapped(trapped) = expected.outcome else { panic!() };
    assert_eq!(trapped.trap, Trap::MemoryOutOfBounds);
    assert_eq!(run(&load(runs_out, EngineKind::Auto, EAGER), "f", &[0], Some(1 << 30)), expected);
}

#[test]
fn frames_that_the_host_changed_are_taken_as_they_are() {
    // A sum of binary64s is never a NaN with other bits, unless the host writes one to its register.
    let source = "
.export f
.func f (1) -> 1
    MOVI    R1, 0
    MOVI    R2, 0
next:
    JZ      R3, on
    MOV     R0, R1
    RET
on:
    FADD    R1, R1, R2
    YIELD   R4
wait:
    LOOP    R0, wait
    MOVI    R0, 3000
    JMP     next
.end";
    let strange = 0xFFF8_0000_DEAD_BEEF;
    let mut seen = Vec::new();
    for kind in [EngineKind::Interpreter, EngineKind::Auto] {
        let module = load(source, kind, EAGER);
        let mut instance = module.instantiate(imports(), Vec::new(), Options::default()).unwrap();
        let mut outcome = instance.call_export("f", &[3000]).unwrap();
        for turn in 0..4 {
            assert!(matches!(outcome, Outcome::Suspended(_)));
            let frame = instance.frame_mut(0).unwrap();
            frame.registers[1] = strange;
            frame.registers[2] = strange;
            frame.registers[3] = u64::from(turn == 3);
            outcome = instance.resume(&[0]).unwrap();
        }
        seen.push(outcome);
    }
    assert!(matches!(&seen[0], Outcome::Returned(results) if results[..] == [strange]));
    assert_eq!(seen[0], seen[1]);
}

/// The instance can be moved to another thread while it is suspended.
#[test]
fn instances_are_sent_to_other_threads() {
    let module = load(MIXED, EngineKind::Auto, EAGER_WORKER);
    let expected = run(&load(MIXED, EngineKind::Interpreter, EAGER), "mixed", &[500], Some(1 << 30));
    let options = Options { fuel: Some(1000), memory: Some(4096), ..Options::default() };
    let mut instance: Instance<'static, Vec<u64>> =
        module.instantiate(imports(), Vec::new(), options).unwrap();
    let mut outcome = instance.call_export("mixed", &[500]).unwrap();
    while let Outcome::Suspended(_) = outcome {
        (instance, outcome) = std::thread::spawn(move || {
            instance.add_fuel(5000);
            let outcome = instance.resume(&[]).unwrap();
            (instance, outcome)
        })
        .join()
        .unwrap();
    }
    assert_eq!(outcome, expected.outcome);
    assert_eq!(instance.memory(), expected.memory);
    assert_eq!(*instance.state(), expected.state);
}

#[test]
fn a_part_is_entered_where_a_loop_begins_that_something_leads_to() {
    let source = ".func f (1) -> 1\nnext: LOOP R0, next\n RET\nnever: ADDI R0, 1\n JMP never\n.end";
    let bytes = text::assemble(source, "test.sil").unwrap();
    let program = Verified::new(Program::read(&bytes[..]).unwrap()).unwrap();
    let target = vsp_host::native::host_target().unwrap();
    let mut compiler = Compiler::new(target, CompileOptions::default()).unwrap();
    let mut at = |function, word| {
        let location = Location { function: FuncIndex(function), word };
        let part = Region::of_loop(&program, location, 100).unwrap();
        compiler.compile_region(&program, &part).map(|code| code.info().loop_location() == Some(location))
    };
    assert_eq!(at(0, 0), Ok(true));
    for (function, word) in [(0, 1), (0, 2), (0, 3), (0, 4), (0, u32::MAX), (1, 0)] {
        let location = Location { function: FuncIndex(function), word };
        assert_eq!(at(function, word), Err(JitError::NoLoop(location)));
    }
}

/// The pointer of the loop is always in the memory, unless the host changes it.
#[test]
fn pointers_that_the_host_changed_are_checked() {
    let source = "
.memory 4096
.export f
.func f (1) -> 1
    MOVI    R1, 0
    MOVI    R5, 512
    YIELD   R4
again:
    LOOP    R0, again
    MOVI    R0, 3000
next:
    STORE   [R1], R0
    ADDI    R1, 8
    JLTU    R1, R5, next
    MOVI    R1, 0
    JMP     again
.end";
    for pointer in [0, 8, 504, 512, 4088, 4089, 1 << 40, u64::MAX - 7, u64::MAX] {
        let seen = [EngineKind::Interpreter, EngineKind::Auto].map(|kind| {
            let module = load(source, kind, EAGER);
            let options = Options { fuel: Some(30_000), ..Options::default() };
            let mut instance = module.instantiate(imports(), Vec::new(), options).unwrap();
            assert!(matches!(instance.call_export("f", &[3000]).unwrap(), Outcome::Suspended(_)));
            instance.frame_mut(0).unwrap().registers[1] = pointer;
            let outcome = instance.resume(&[0]).unwrap();
            (outcome, instance.memory().to_vec(), instance.fuel())
        });
        assert_eq!(seen[0], seen[1], "{pointer}");
    }
}
