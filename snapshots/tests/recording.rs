//! Every engine records the same log of an example, and replays it without the host.

use std::sync::Arc;

use vsp_core::program::Program;
use vsp_core::record::ReplayError;
use vsp_core::text;
use vsp_core::verify::Verified;
use vsp_core::{Caller, Imports, Instance, Options};
use vsp_host::engine::EngineKind;
use vsp_host::native::{CompileOptions, VspJit};
use vsp_snapshots::Configuration;
use vsp_snapshots::corpus::{Loaded, PROGRAMS, Pace};

/// Examples that take longer are left out.
const LONGEST_INPUT: usize = 20_000;

fn of<T>(name: &str, result: Result<T, String>) -> T {
    result.unwrap_or_else(|error| panic!("{name}: {error}"))
}

#[test]
fn every_engine_records_and_replays_the_same() {
    let kinds = [EngineKind::Interpreter, EngineKind::Tier1, EngineKind::Tier2, EngineKind::Auto];
    let mut calls = 0;
    for program in PROGRAMS {
        let loaded = kinds.map(|kind| {
            let configuration = Configuration::Run(kind);
            Loaded::new(program, configuration).unwrap_or_else(|error| panic!("{}: {error}", program.name))
        });
        let examples = program.examples();
        let short = examples.iter().filter(|example| example.invocation.input.len() < LONGEST_INPUT);
        for example in short.take(3) {
            let name = program.name;
            let (log, memory) = of(name, loaded[0].record(&example.invocation));
            for (engine, kind) in loaded.iter().zip(kinds) {
                let recorded = of(name, engine.record(&example.invocation));
                assert!(recorded == (log.clone(), memory.clone()), "{name} in {kind:?}");
                for pace in [Pace::Whole, Pace::Slices(50)] {
                    let (replayed, count) = of(name, engine.replay(&example.invocation, &log, pace));
                    assert!(replayed == memory, "{name} in {kind:?}");
                    calls += count;
                }
            }
        }
    }
    assert!(calls > 10_000, "only {calls} calls were replayed");
}

/// Typed calls of machine code, which have a way of their own, are recorded and replayed too; and forks have the machine
/// code.
#[test]
fn typed_calls_are_recorded() {
    let source = ".import os.next (1) -> 1\n.global total = 0\n.export f\n.func f (1) -> 1\n SYSCALL os.next\n \
                  GETG R1, total\n ADD R0, R1\n SETG R0, total\n RET\n.end";
    let bytes = text::assemble(source, "f.sil").unwrap_or_else(|errors| panic!("{}", errors[0]));
    let program = Arc::new(Verified::new(Program::read(Arc::<[u8]>::from(bytes)).unwrap()).unwrap());
    let code = Arc::new(VspJit::new(CompileOptions::default()).unwrap().compile(program.clone()).unwrap());
    let f = code.function::<(u64,), u64>("f").unwrap();
    let mut imports = Imports::<u64>::new();
    let next = |caller: &mut Caller<'_, u64>, value: u64| {
        *caller.state() += 1;
        value * 10 + *caller.state()
    };
    imports.define("os", "next", next).unwrap();
    let mut instance = Instance::new(program.clone(), &imports, 0, Options::default()).unwrap();
    assert_eq!(f.call(&mut instance, (1,)).unwrap(), 11);

    let mut fork = instance.fork(5).unwrap();
    assert!(fork.native_code().is_some());
    let mut before = instance.fork(0).unwrap();
    instance.record().unwrap();
    assert_eq!(f.call(&mut instance, (2,)).unwrap(), 33);
    assert_eq!(f.call(&mut instance, (3,)).unwrap(), 66);
    let log: Arc<[u8]> = instance.end_log().unwrap().into();
    assert_eq!(f.call(&mut instance, (0,)).unwrap(), 70);
    assert_eq!((*instance.state(), f.call(&mut fork, (2,)).unwrap()), (4, 37));

    before.replay(log.clone()).unwrap();
    assert_eq!(f.call(&mut before, (2,)).unwrap(), 33);
    assert!(f.call(&mut before, (4,)).is_err());
    before.end_replay();
    let wrong = before.replay(log);
    assert!(matches!(wrong, Err(ReplayError::Start { .. })), "{wrong:?}");
    assert_eq!((*before.state(), f.call(&mut before, (2,)).unwrap()), (0, 54));
}
