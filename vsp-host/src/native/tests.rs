//! Panics of the compiler.

use std::sync::Arc;
use std::time::{Duration, Instant};

use vsp_core::{Imports, Options, Outcome, program::Program, text, verify::Verified};

use super::{CompileOptions, NativeError, VspJit, injected_bug};
use crate::engine::{Engine, EngineError, EngineKind, TierOptions};

/// Counts down. The compiler panics at it if it exports that name too.
fn program(also: Option<&str>) -> Arc<Verified<'static>> {
    let also = also.map(|name| format!(".export {name}\n.func {name} (0) -> 0\n RET\n.end\n"));
    let text = ".export f\n.func f (1) -> 1\nx: ADDI R1, R1, 3\n LOOP R0, x\n MOV R0, R1\n RET\n.end\n";
    let text = format!("{text}{}", also.unwrap_or_default());
    let bytes: Arc<[u8]> = text::assemble(&text, "f.sil").unwrap().into();
    Arc::new(Verified::new(Program::read(bytes).unwrap()).unwrap())
}

#[test]
fn a_panic_of_the_compiler_is_an_error_and_the_next_program_is_compiled() {
    let mut jit = VspJit::new(CompileOptions::default()).unwrap();
    let refused = jit.compile(program(Some(injected_bug::NAME)));
    assert!(matches!(refused, Err(NativeError::Panicked(text)) if text == "a bug of the compiler"));
    jit.compile(program(None)).unwrap();

    for kind in [EngineKind::Tier1, EngineKind::Tier2] {
        let engine = Engine::new(kind).unwrap();
        let refused = engine.load(program(Some(injected_bug::NAME)));
        assert!(matches!(refused, Err(EngineError::Native(NativeError::Panicked(_)))));
        engine.load(program(None)).unwrap();
    }
}

#[test]
fn a_panic_of_the_compiler_leaves_a_thread_that_compiles_the_next_program() {
    for tiers in [TierOptions::WITH_WORKER, TierOptions::WITHOUT_WORKER] {
        let engine = Engine::new(EngineKind::Auto).unwrap().with_tiers(tiers);
        for (program, is_compiled) in [(program(Some(injected_bug::NAME)), false), (program(None), true)] {
            let module = engine.load(program).unwrap();
            let imports = Arc::new(Imports::new());
            let started = Instant::now();
            loop {
                let mut instance = module.instantiate(imports.clone(), (), Options::default()).unwrap();
                let outcome = instance.call_export("f", &[1_000_000]).unwrap();
                assert!(matches!(outcome, Outcome::Returned(results) if results[0] == 3_000_000));
                if !is_compiled || module.compiled_regions() > 0 {
                    break;
                }
                assert!(started.elapsed() < Duration::from_secs(60), "the thread compiles nothing");
            }
            assert_eq!(module.compiled_regions() > 0, is_compiled);
        }
    }
}
