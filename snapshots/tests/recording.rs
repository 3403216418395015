//! Every engine records the same log of an example, and replays it without the host.

use vsp_host::engine::EngineKind;
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
