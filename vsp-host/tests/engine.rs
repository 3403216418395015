//! Engines and modules that are shared: by clones, by threads, and by other engines.

use std::sync::Arc;

use vsp_core::program::Program;
use vsp_core::verify::Verified;
use vsp_core::{Imports, Options, Outcome, text};
use vsp_host::engine::{Engine, EngineKind, Module};

const KINDS: [EngineKind; 4] =
    [EngineKind::Auto, EngineKind::Interpreter, EngineKind::Tier1, EngineKind::Tier2];

/// A program whose function `f` adds a number.
fn adding(number: u64) -> Arc<Verified<'static>> {
    let source = format!(".export f\n.func f (1) -> 1\n ADDI R0, {number}\n RET\n.end\n");
    let bytes = text::assemble(&source, "f.sil").unwrap();
    Arc::new(Verified::new(Program::read(Arc::<[u8]>::from(bytes)).unwrap()).unwrap())
}

fn result(module: &Module<'_>, argument: u64) -> u64 {
    let imports = Imports::new();
    let mut instance = module.instantiate(Arc::new(imports), (), Options::default()).unwrap();
    match instance.call_export("f", &[argument]).unwrap() {
        Outcome::Returned(results) => results[0],
        other => panic!("{other:?}"),
    }
}

/// The engines of this build.
fn engines() -> impl Iterator<Item = Engine> {
    KINDS.into_iter().filter_map(|kind| match Engine::new(kind) {
        Ok(engine) => Some(engine),
        Err(error) if cfg!(feature = "jit") => panic!("{error}"),
        Err(_) => None,
    })
}

#[test]
fn engines_and_modules_can_be_used_by_many_threads() {
    fn is_shareable<T: Send + Sync + Clone + 'static>() {}
    is_shareable::<Engine>();
    is_shareable::<Module<'static>>();

    for engine in engines() {
        std::thread::scope(|scope| {
            for number in 1..=4 {
                let engine = engine.clone();
                scope.spawn(move || {
                    let module = engine.load(adding(number)).unwrap();
                    assert_eq!(result(&module, 10), 10 + number, "{:?}", engine.kind());
                });
            }
        });
    }
}

#[test]
fn a_module_gives_its_program_to_another_engine() {
    for engine in engines() {
        let program = adding(7);
        let module = engine.load(program.clone()).unwrap();
        assert!(std::ptr::eq(module.program(), &*program));
        let shared = module.shared_program();
        drop((program, module));
        let module = Engine::new(EngineKind::Interpreter).unwrap().load(shared).unwrap();
        assert_eq!(result(&module, 1), 8);
    }
}
