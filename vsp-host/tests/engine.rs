//! Engines and modules that are shared: by clones, by threads, and by other engines.

use std::sync::Arc;

use vsp_core::program::Program;
use vsp_core::snapshot::Snapshot;
use vsp_core::verify::Verified;
use vsp_core::{Caller, HostResult, HostStop, Imports, Options, Outcome, TypedCallError, text};
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

const HOST: &str = "
.import host.fail (4) -> 0
.import host.ask (5) -> 1
.export fail
.export ask
.func fail (4) -> 0
    SYSCALL host.fail
    RET
.end
.func ask (5) -> 1
    SYSCALL host.ask
    RET
.end
";

#[test]
fn every_engine_gives_errors_and_arguments_of_host_functions() {
    let bytes = text::assemble(HOST, "host.sil").unwrap();
    let program = Arc::new(Verified::new(Program::read(Arc::<[u8]>::from(bytes)).unwrap()).unwrap());
    for engine in engines() {
        let mut imports = Imports::new();
        let fail = |_: &mut Caller<'_, ()>, a: u64, b: u64, c: u64, d: u64| -> HostResult {
            Err(format!("{a} {b} {c} {d}").into())
        };
        imports.define("host", "fail", fail).unwrap();
        let ask =
            |_: &mut Caller<'_, ()>, _: u64, _: u64, _: u64, _: u64, _: u64| Err::<u64, _>(HostStop::Pending);
        imports.define("host", "ask", ask).unwrap();
        let module = engine.load(program.clone()).unwrap();
        let imports = Arc::new(imports);
        let mut instance = module.instantiate(imports.clone(), (), Options::default()).unwrap();

        let failed =
            instance.typed::<(u64, u64, u64, u64), ()>("fail").unwrap().call(&mut instance, (1, 2, 3, 4));
        let Err(TypedCallError::Trapped(trapped)) = failed else { panic!("{failed:?}") };
        let report = "host function host.fail failed: 1 2 3 4\n  at function fail, word 0 (host.sil:7)";
        assert_eq!(instance.trap_report(&trapped).to_string(), report, "{:?}", engine.kind());

        let ask = instance.typed::<(u64, u64, u64, u64, u64), u64>("ask").unwrap();
        let asked = ask.call(&mut instance, (5, 6, 7, 8, 9));
        assert!(matches!(asked, Err(TypedCallError::Suspended(_))), "{asked:?}");
        let pending = instance.pending().unwrap();
        assert_eq!((pending.name, pending.arguments), ("ask", &[5, 6, 7, 8, 9][..]));
        let saved = instance.save().unwrap();
        let state = Snapshot::read(&saved).unwrap();
        let restored = module.restore(imports, (), Options::default(), &state).unwrap();
        assert_eq!(restored.pending(), instance.pending());
        assert_eq!(ask.resume(&mut instance, &[10]), Ok(10));
    }
}
