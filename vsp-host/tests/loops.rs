//! A suspended call goes on in machine code of its loops.

#![cfg(feature = "jit")]

use std::sync::Arc;

use vsp_core::program::Program;
use vsp_core::snapshot::Snapshot;
use vsp_core::verify::Verified;
use vsp_core::{Imports, Instance, Options, Outcome, Reason, Suspension, text};
use vsp_host::engine::{Engine, EngineKind, Module, Threshold, TierOptions};

/// Two loops around a call that traps at the end, if the parameter says so.
const SOURCE: &str = "\
.memory 4096
.export main
.func main (1) -> 1
    MOVI    R5, 300
    MOVI    R4, 0
outer:
    MOVI    R6, 400
inner:
    MOV     R1, R6
    ANDI    R2, R6, 0xFF
    SHLI    R2, 3
    LOAD    R3, [R2]
    ADD     R3, R6
    XOR     R3, R4
    STORE   [R2], R3
    ADD     R4, R3
    LOOP    R6, inner
    CALL    twice
    LOOP    R5, outer
    DIV     R4, R0
    MOV     R0, R4
    RET
.end
.func twice (1) -> 1
    MOVI    R7, 2
again:
    ADDI    R0, 1
    LOOP    R7, again
    SUBI    R0, R0, 2
    RET
.end
";

fn program() -> Arc<Verified<'static>> {
    let bytes: Arc<[u8]> = Arc::from(text::assemble(SOURCE, "loops.sil").unwrap());
    Arc::new(Verified::new(Program::read(bytes).unwrap()).unwrap())
}

fn module(kind: EngineKind) -> Module<'static> {
    let tier2 = Threshold { instructions: 2_000, per_word: 0 };
    let options = TierOptions { tier2, ..TierOptions::WITHOUT_WORKER };
    Engine::new(kind).unwrap().with_tiers(options).load(program()).unwrap()
}

/// Runs with this much fuel again and again, restored from its bytes each time if `restored`. Returns the end and all
/// the states in between.
fn in_turns(
    module: &Module<'static>,
    argument: u64,
    turns: &[u64],
    restored: bool,
) -> (Outcome, Vec<Vec<u8>>) {
    let imports = Arc::new(Imports::<()>::new());
    let options = Options { fuel: Some(turns[0]), ..Options::default() };
    let mut instance = module.instantiate(imports.clone(), (), options).unwrap();
    let mut outcome = instance.call_export("main", &[argument]).unwrap();
    let mut states = Vec::new();
    for turn in turns[1..].iter().cycle() {
        if !matches!(outcome, Outcome::Suspended(Suspension { reason: Reason::Fuel, .. })) {
            break;
        }
        states.push(instance.save().unwrap());
        if restored {
            let saved = states.last().unwrap();
            let saved = Snapshot::read(saved).unwrap();
            instance = module.restore(imports.clone(), (), Options::default(), &saved).unwrap();
        }
        instance.add_fuel(*turn);
        outcome = instance.resume(&[]).unwrap();
    }
    states.push(instance.save().unwrap());
    (outcome, states)
}

#[test]
fn resumed_loops_do_as_the_interpreter() {
    let interpreter = module(EngineKind::Interpreter);
    for argument in [7, 0] {
        for turns in [&[1_000, 900_000_000][..], &[20_000, 7_001, 350_007], &[5, 2_500, 1, 60_000]] {
            let expected = in_turns(&interpreter, argument, turns, false);
            assert_eq!(matches!(expected.0, Outcome::Trapped(_)), argument == 0);
            for kind in [EngineKind::Tier1, EngineKind::Tier2] {
                let module = module(kind);
                for restored in [false, true] {
                    let found = in_turns(&module, argument, turns, restored);
                    assert_eq!(found, expected, "{kind:?}, {argument}, {turns:?}, {restored}");
                }
            }
        }
    }
}

#[test]
fn a_resumed_call_runs_in_machine_code() {
    let module = module(EngineKind::Tier2);
    let imports = Arc::new(Imports::<()>::new());
    let mut instance: Instance<'_, ()> =
        module.instantiate(imports, (), Options { fuel: Some(1_000), ..Options::default() }).unwrap();
    instance.call_export("main", &[7]).unwrap();
    assert_eq!(module.compiled_loops(), 0);
    instance.add_fuel(1 << 40);
    assert!(matches!(instance.resume(&[]).unwrap(), Outcome::Returned(_)));
    assert_eq!(module.compiled_loops(), 1);
}

/// Parts of a run end at the same place in all engines, with the same frames if the engine keeps them.
#[test]
fn parts_of_a_run_end_at_the_same_place() {
    let options =
        TierOptions { worker: false, slice: 500, tier1: None, keep_frames: true, ..TierOptions::default() };
    let auto = Engine::new(EngineKind::Auto).unwrap().with_tiers(options).load(program()).unwrap();
    let modules =
        [module(EngineKind::Interpreter), auto, module(EngineKind::Tier1), module(EngineKind::Tier2)];
    let imports = Arc::new(Imports::<()>::new());
    let mut instances = modules.each_ref().map(|module| {
        let options = Options { fuel: Some(1 << 40), ..Options::default() };
        let mut instance = module.instantiate(imports.clone(), (), options).unwrap();
        let main = instance.program().export("main").unwrap();
        assert_eq!(instance.begin(main, &[3]).unwrap(), None);
        instance
    });
    let frames = |it: &Instance<'_, ()>| format!("{:?}", it.frames().collect::<Vec<_>>());
    for fuel in [1, 10_000, 777, 100_001, 3, 250_000, 12_345, 1 << 30] {
        let outcomes = instances.each_mut().map(|it| it.run_within(fuel).unwrap());
        let [interpreter, auto, tier1, tier2] = &instances;
        for (it, outcome) in [auto, tier1, tier2].into_iter().zip(&outcomes[1..]) {
            assert_eq!(*outcome, outcomes[0]);
            assert_eq!(it.fuel(), interpreter.fuel());
            assert_eq!(it.next_location(), interpreter.next_location());
            assert!(it.memory() == interpreter.memory());
            assert_eq!(it.save().unwrap(), interpreter.save().unwrap());
        }
        assert_eq!(frames(auto), frames(interpreter));
        assert_eq!(outcomes[0].is_some(), fuel == 1 << 30);
    }
    assert!(modules[1].compiled_regions() > 0 && modules[3].compiled_loops() > 0);
}
